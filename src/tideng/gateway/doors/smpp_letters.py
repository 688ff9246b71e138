"""What a customer is told, as deliver_sm: reports by receipt, replies as they were written. Pure."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from tideng.gateway.ids import time_of
from tideng.gateway.mailbox import Letter
from tideng.gateway.wire.smpp import DeliverSm
from tideng.gateway.wire.smpp.receipts import ReceiptState, format_receipt, receipt_tlvs
from tideng.text.alphabets import best_alphabet, data_coding_of
from tideng.text.segments import split

RECEIPT: Final = 0x04
INTERMEDIATE: Final = 0x20
UDHI: Final = 0x40
REPLY_PARTS_MAX: Final = 40
_REFERENCES: Final = 251
_INTERNATIONAL: Final = 1
_E164: Final = 1

STATES: Final = {
    "held": ReceiptState.ENROUTE,
    "sent": ReceiptState.ACCEPTED,
    "delivered": ReceiptState.DELIVERED,
    "failed": ReceiptState.UNDELIVERABLE,
    "expired": ReceiptState.EXPIRED,
    "refused": ReceiptState.REJECTED,
    "unknown": ReceiptState.UNKNOWN,
}
"""Our states in SMPP's words (3.4 §5.2.28). "held" is told as an intermediate notification."""


def deliver_sms(letter: Letter) -> Iterator[DeliverSm]:
    """The PDUs that tell `letter`, sequence numbers not yet given; one per id for reports."""
    if letter.kind == "report":
        for message_id in (*letter.part_ids, letter.message):
            yield _report(letter, message_id)
        return
    alphabet = best_alphabet(letter.text)
    for segment in split(
        letter.text, alphabet=alphabet, reference=letter.id % _REFERENCES, parts_max=REPLY_PARTS_MAX
    ):
        yield DeliverSm(
            source_addr_ton=_INTERNATIONAL,
            source_addr_npi=_E164,
            source_addr=letter.number[:20],
            destination_addr=letter.code_number,
            esm_class=UDHI if segment.has_udh else 0,
            data_coding=data_coding_of(alphabet),
            short_message=segment.octets,
        )


def _report(letter: Letter, message_id: int) -> DeliverSm:
    state = STATES[letter.state]
    text = format_receipt(
        str(message_id),
        state,
        error=letter.error if letter.error.isalnum() else "000",
        submitted_at=_minutes(time_of(message_id)),
        done_at=_minutes(letter.at),
        # Finding codes where we decided; the carrier's own word stays in err.
        text=letter.error if letter.state in ("held", "refused") else "",
    )
    return DeliverSm(
        source_addr_ton=_INTERNATIONAL,
        source_addr_npi=_E164,
        source_addr=letter.number[:20],
        destination_addr=letter.code_number,
        esm_class=RECEIPT if letter.is_final else INTERMEDIATE,
        short_message=text,
        tlvs=receipt_tlvs(str(message_id), state),
    )


def _minutes(at: int) -> str:
    return datetime.fromtimestamp(at / 1e6, UTC).strftime("%y%m%d%H%M")
