"""Delivery receipts: whatever the text and the TLVs say, there is a receipt or none."""

from tideng.gateway.wire.smpp import DataSm, DeliverSm, Tag
from tideng.gateway.wire.smpp.receipts import ReceiptState, format_receipt, id_forms, parse_receipt

SEEDS = [
    format_receipt("0123456789", ReceiptState.DELIVERED, submitted_at="2611240101", done_at="2611240102"),
    format_receipt("7f00-1", ReceiptState.ENROUTE, error="nul", text="stat:DELIVRD"),
    b"Text:x ID : 1 STAT : undeliv",
    "id:1 stat:EXPIRED".encode("utf-16-be"),
]


def fuzz_one(data: bytes) -> None:
    """The octets as text, and as TLVs; the id found has its forms, exact first."""
    half = len(data) // 2
    tlvs = ((int(Tag.RECEIPTED_MESSAGE_ID), data[:half]), (int(Tag.MESSAGE_STATE), data[-1:]))
    octet = data[0] if data else 0
    for pdu in (
        DeliverSm(esm_class=octet, data_coding=octet, short_message=data),
        DeliverSm(esm_class=4, data_coding=8, short_message=data, tlvs=tlvs),
        DataSm(esm_class=4, tlvs=((int(Tag.MESSAGE_PAYLOAD), data), *tlvs)),
    ):
        receipt = parse_receipt(pdu)
        if receipt is None:
            continue
        forms = list(id_forms(receipt.message_id, ("case", "zeros", "base")))
        if forms[0] != receipt.message_id or len(forms) != len(set(forms)):
            raise ValueError("the forms of an id do not begin with it, or repeat")
