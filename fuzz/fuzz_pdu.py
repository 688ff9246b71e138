"""Each PDU by itself: read and written again it is the same, or refused as a mistake of its sender."""

from typing import Final

from tideng.gateway.wire.smpp import (
    BindReceiver,
    BindResp,
    BindTransceiver,
    BindTransmitter,
    CancelSm,
    Command,
    DataSm,
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    OurMistake,
    Outbind,
    Pdu,
    PeerMistake,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    SmeAddress,
    SubmitMulti,
    SubmitMultiResp,
    SubmitSm,
    SubmitSmResp,
    Tag,
    Unbind,
    UnbindResp,
    UnsuccessSme,
    Unsupported,
    decode,
    encode,
)
from tideng.gateway.wire.smpp.receipts import ReceiptState, receipt_tlvs

RECEIPT: Final = (
    b"id:00aB7F sub:001 dlvrd:001 submit date:2611240101 done date:2611240102 stat:DELIVRD err:000"
)
_PASSWORD: Final = "nobody"  # noqa: S105  # signs nobody in
_FROM: Final = "10690000"
_TO: Final = "8613800000000"

PDUS: Final[tuple[Pdu, ...]] = (
    BindTransmitter(sequence=1, system_id="customer", password=_PASSWORD),
    BindReceiver(sequence=1, system_id="customer", password=_PASSWORD, interface_version=0x33),
    BindTransceiver(sequence=1, system_id="customer", password=_PASSWORD, address_range="1069"),
    BindResp(sequence=1, system_id="smsc", tlvs=((int(Tag.SC_INTERFACE_VERSION), b"\x34"),)),
    BindResp(sequence=1, status=0x0E, command_id=Command.BIND_RECEIVER_RESP),
    Outbind(sequence=1, system_id="smsc", password=_PASSWORD),
    SubmitSm(
        sequence=2, short_message=b"hello", registered_delivery=1, source_addr=_FROM, destination_addr=_TO
    ),
    SubmitSm(
        sequence=2,
        short_message=b"\5\0\3\7\2\1hello",
        esm_class=0x40,
        data_coding=8,
        source_addr=_FROM,
        destination_addr=_TO,
    ),
    SubmitSm(
        sequence=2,
        schedule_delivery_time="261124180000000+",
        validity_period="000001000000000R",
        tlvs=((int(Tag.MESSAGE_PAYLOAD), b"hello" * 9), (0x1400, b"own")),
        source_addr=_FROM,
        destination_addr=_TO,
    ),
    SubmitSmResp(sequence=2, message_id="7f00-1"),
    SubmitSmResp(sequence=2, status=0x58),
    DeliverSm(
        sequence=3,
        esm_class=4,
        short_message=RECEIPT,
        tlvs=receipt_tlvs("00aB7F", ReceiptState.DELIVERED),
        source_addr=_FROM,
        destination_addr=_TO,
    ),
    DeliverSmResp(sequence=3),
    DataSm(
        sequence=4,
        esm_class=4,
        tlvs=receipt_tlvs("00aB7F", ReceiptState.EXPIRED),
        source_addr=_FROM,
        destination_addr=_TO,
    ),
    SubmitMulti(
        sequence=5,
        destinations=(SmeAddress(1, 1, _TO), SmeAddress(1, 1, "8613900000000")),
        short_message=b"hello",
    ),
    SubmitMultiResp(sequence=5, message_id="1", unsuccess=(UnsuccessSme(1, 1, _TO, 0x0B),)),
    QuerySm(sequence=6, message_id="1"),
    QuerySmResp(sequence=6, message_id="1", final_date="261124180000000+", message_state=2),
    CancelSm(sequence=7, message_id="1"),
    ReplaceSm(sequence=8, message_id="1", short_message=b"other"),
    EnquireLink(sequence=9),
    EnquireLinkResp(sequence=9),
    GenericNack(sequence=9, status=3),
    Unbind(sequence=10),
    UnbindResp(sequence=10),
)
SEEDS: Final = [encode(pdu) for pdu in PDUS]


def fuzz_one(data: bytes) -> None:
    """Only PeerMistake; and what was read is written so that it reads the same, or is refused as ours."""
    try:
        pdu = decode(data)
    except PeerMistake:
        _framed(data)
        return
    _written_again(pdu)


def _framed(data: bytes) -> None:
    """The same octets with a length that is right, so that the body is reached."""
    if len(data) < 16:
        return
    try:
        pdu = decode(len(data).to_bytes(4, "big") + data[4:])
    except PeerMistake as mistake:
        if mistake.close:
            raise RuntimeError("a well-framed PDU cannot cost the connection") from mistake
        return
    _written_again(pdu)


def _written_again(pdu: Pdu) -> None:
    if isinstance(pdu, Unsupported):
        return
    try:
        octets = encode(pdu)
    except OurMistake:
        return  # lenient in, strict out
    again = decode(octets)
    # A failed response is written without the fields that it may not have; nothing else may differ.
    if again != pdu and not pdu.status:
        raise RuntimeError("decode(encode(pdu)) is another PDU")
    if encode(again) != octets:
        raise RuntimeError("a second writing differs from the first")
