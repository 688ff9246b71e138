"""The SMPP stream in any slices, against both roles: nothing is raised, and every answer is itself a PDU."""

from tideng.gateway.wire.smpp import (
    BindReceiver,
    BindResp,
    BindTransceiver,
    DataSm,
    DeliverSm,
    EnquireLink,
    GenericNack,
    Mistake,
    OurMistake,
    Pdu,
    PeerMistake,
    QuerySm,
    Role,
    Session,
    SmeAddress,
    SubmitMulti,
    SubmitSm,
    SubmitSmResp,
    Tag,
    Unbind,
    decode,
    encode,
)

_PDUS: list[Pdu] = [
    SubmitSm(sequence=2, source_addr="1069", destination_addr="138", short_message=b"hello", data_coding=8),
    SubmitSm(sequence=3, tlvs=((int(Tag.MESSAGE_PAYLOAD), b"long " * 40), (0x1FFF, b""))),
    DeliverSm(sequence=4, esm_class=4, short_message=b"id:1 stat:DELIVRD"),
    DataSm(sequence=5, tlvs=((int(Tag.RECEIPTED_MESSAGE_ID), b"1\0"),)),
    SubmitMulti(sequence=6, destinations=(SmeAddress(1, 1, "138"),), short_message=b"x"),
    SubmitSmResp(sequence=2, message_id="1"),
    QuerySm(sequence=7, message_id="1"),
    BindReceiver(sequence=8, system_id="acme", password="secret"),  # noqa: S106  # nobody's
    BindResp(sequence=1, system_id="carrier"),
    EnquireLink(sequence=9),
    GenericNack(sequence=2, status=3),
    Unbind(sequence=10),
]
SEEDS = [*map(encode, _PDUS), b"".join(map(encode, _PDUS))]


def _bound(role: Role) -> Session:
    """A session that is bound and awaits answers."""
    session = Session(role)
    if role is Role.SERVER:
        [bind] = session.receive_data(encode(BindTransceiver(sequence=1)), 0.0)
        if not isinstance(bind, Pdu):
            raise TypeError("the bind was not taken")
        session.respond(BindResp(sequence=bind.sequence))
        session.request(DeliverSm(), "deliver", 0.0)
    else:
        session.request(BindTransceiver(), "bind", 0.0)
        session.receive_data(encode(BindResp(sequence=1)), 0.0)
        session.request(SubmitSm(), "submit", 0.0)
    return session


def _told(session: Session, pieces: list[bytes]) -> list[object]:
    events: list[object] = []
    for piece in pieces:
        found = session.receive_data(piece, 0.0)
        if len(found) != len(session.frames):
            raise ValueError("events and frames do not match")
        events += found
    return events


def fuzz_one(data: bytes) -> None:
    """Whole and sliced, the stream means the same; mistakes are answered by PDUs; what is read is written."""
    width = data[0] % 23 + 1 if data else 1
    pieces = [data[at : at + width] for at in range(0, len(data), width)]
    for role in Role:
        whole, sliced = _bound(role), _bound(role)
        events = _told(whole, [data])
        if events != _told(sliced, pieces) or whole.state is not sliced.state:
            raise ValueError("the slices changed the meaning")
        for event in events:
            if isinstance(event, Mistake) and event.reply and decode(event.reply).status == 0:
                raise ValueError("a mistake was answered with ROK")
    try:
        pdu = decode(data)
    except PeerMistake:
        return
    try:
        again = encode(pdu)
    except OurMistake:
        return  # lenient in, strict out
    if type(decode(again)) is not type(pdu):
        raise ValueError("written and read, it is another PDU")
