"""The SMPP session in every state and role, with a small frame limit: slices, counters, the end of it."""

from typing import Final

from tideng.gateway.wire.smpp import (
    Answer,
    BindReceiver,
    BindResp,
    BindTransceiver,
    BindTransmitter,
    Command,
    DeliverSm,
    EnquireLink,
    EnquireLinkResp,
    Event,
    GenericNack,
    Mistake,
    QuerySm,
    Role,
    Session,
    State,
    SubmitSm,
    SubmitSmResp,
    Unbind,
    UnbindResp,
    decode,
    encode,
)

FRAME_BYTES_MAX: Final = 400
"""Small, so that the limit itself is met often."""
_FRAMES: Final = [
    encode(pdu)
    for pdu in (
        BindTransceiver(sequence=1, system_id="customer"),
        BindResp(sequence=1, command_id=Command.BIND_TRANSCEIVER_RESP),
        SubmitSm(sequence=2, short_message=b"hello"),
        DeliverSm(sequence=3, esm_class=4, short_message=b"id:1 stat:DELIVRD"),
        SubmitSmResp(sequence=2, message_id="1"),
        SubmitSmResp(sequence=3, status=0x58),
        GenericNack(sequence=4, status=3),
        EnquireLinkResp(sequence=5),
        QuerySm(sequence=6, message_id="1"),
        EnquireLink(sequence=9),
        UnbindResp(sequence=1),
        Unbind(sequence=10),
    )
]
SEEDS: Final = [
    bytes((kind, step)) + octets
    for kind in range(16)
    for step in (1, 7)
    for octets in (b"".join(_FRAMES), _FRAMES[2] + _FRAMES[4] + _FRAMES[9])
]


def fuzz_one(data: bytes) -> None:
    """Any octets, any slicing, any role and state: the same events, bounded memory, answers that decode."""
    kind, step, octets = (data[0], data[1] or 1, data[2:]) if len(data) > 2 else (0, 1, data)
    whole, sliced = _session(kind), _session(kind)
    expected = whole.receive_data(octets, 1.0)
    found: list[Event] = []
    for at in range(0, len(octets), step):
        found += sliced.receive_data(octets[at : at + step], 1.0)
    if [_plain(event) for event in found] != [_plain(event) for event in expected]:
        raise RuntimeError("slicing changes the events")
    if (whole.state, whole.owed, whole.outstanding) != (sliced.state, sliced.owed, sliced.outstanding):
        raise RuntimeError("slicing changes the state")
    for event in expected:
        if isinstance(event, Mistake):
            if event.reply:
                decode(event.reply)
            if event.close and whole.state is not State.CLOSED:
                raise RuntimeError("the session goes on after a mistake that ends it")
    if whole.state is State.CLOSED and whole.receive_data(_FRAMES[9], 2.0):
        raise RuntimeError("a closed session still takes PDUs")
    if whole.owed < 0 or whole.window_free > 100:
        raise RuntimeError("the counters lost count")


def _plain(event: Event) -> tuple[object, ...]:
    """An event as its values: a PDU's own repr hides them."""
    if isinstance(event, Answer):
        return ("answer", event.pdu, event.context)
    return (type(event).__name__, event)


def _session(kind: int) -> Session:
    """A server or client, fresh or bound, the bound client with requests that await an answer."""
    role = Role.CLIENT if kind & 1 else Role.SERVER
    session = Session(role, frame_bytes_max=FRAME_BYTES_MAX)
    bind = (BindTransceiver, BindTransmitter, BindReceiver)[kind >> 1 & 3 if kind >> 1 & 3 < 3 else 0]
    if kind & 8:
        return session
    command = bind.command_id | 0x8000_0000
    if role is Role.SERVER:
        session.receive_data(encode(bind(sequence=1)), 0.0)
        session.respond(BindResp(sequence=1, command_id=command))
        return session
    session.request(bind(), "bind", 0.0)
    session.receive_data(encode(BindResp(sequence=1, command_id=command)), 0.0)
    if bind is not BindReceiver:
        for number in range(3):
            session.request(SubmitSm(short_message=b"hello"), number, 0.0)
    session.request(EnquireLink(), "link", 0.0)
    return session
