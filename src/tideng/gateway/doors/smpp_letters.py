"""What a customer is told, as deliver_sm: reports by receipt, replies as they were written. Pure."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from tideng.gateway.ids import time_of
from tideng.gateway.mailbox import Letter
from tideng.gateway.wire.smpp import DeliverSm
from tideng.gateway.wire.smpp.receipts import ReceiptState, format_receipt, receipt_tlvs
from tideng.text.alphabets import Alphabet, best_alphabet, data_coding_of
from tideng.text.segments import Segment, TooLong, split

RECEIPT: Final = 0x04
INTERMEDIATE: Final = 0x20
UDHI: Final = 0x40
REPLY_CHARACTERS_MAX: Final = 10_000
"""A reply that 255 parts cannot hold is cut here, with a mark; it stands whole in `GET /v1/inbound`."""
ADDRESS_CHARACTERS_MAX: Final = 20
_REFERENCES: Final = 251
_UNKNOWN: Final = 0
_INTERNATIONAL: Final = 1
_ALPHANUMERIC: Final = 5
_E164: Final = 1
_ASCII: Final = 1

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


def deliver_sms(letter: Letter, default: Alphabet) -> Iterator[DeliverSm]:
    """The PDUs that tell `letter`, sequence numbers not yet given; one per id for reports.

    `default` is what the customer means by data_coding 0. Whatever a letter holds, there is a way to tell
    it: what a field cannot hold is left out, or cut with a mark.
    """
    if letter.kind == "report":
        # Each id once: a message given up incomplete is itself among those already answered.
        for message_id in dict.fromkeys((*letter.part_ids, letter.message)):
            yield _report(letter, message_id, default)
        return
    alphabet, data_coding = _alphabet_for(letter.text, default)
    ton, npi, number = _address(letter.number)
    for segment in _segments(letter.text, alphabet, letter.id % _REFERENCES):
        yield DeliverSm(
            source_addr_ton=ton,
            source_addr_npi=npi,
            source_addr=number,
            destination_addr=_address(letter.code_number)[2],
            esm_class=UDHI if segment.has_udh else 0,
            data_coding=data_coding,
            short_message=segment.octets,
        )


def _report(letter: Letter, message_id: int, default: Alphabet) -> DeliverSm:
    state = STATES[letter.state]
    # Finding codes where we decided; the carrier's own word stays in err.
    codes = letter.error if letter.state in ("held", "refused") else ""
    text = format_receipt(
        str(message_id),
        state,
        error="000" if codes or not _is_word(letter.error) else letter.error,
        submitted_at=_minutes(time_of(message_id)),
        done_at=_minutes(letter.at),
        text=codes,
    )
    ton, npi, number = _address(letter.number)
    return DeliverSm(
        source_addr_ton=ton,
        source_addr_npi=npi,
        source_addr=number,
        destination_addr=_address(letter.code_number)[2],
        esm_class=RECEIPT if letter.is_final else INTERMEDIATE,
        # A receipt is ASCII, which GSM reads the same but for the underscore of a code.
        data_coding=_ASCII if codes and default is Alphabet.GSM else 0,
        short_message=text,
        tlvs=receipt_tlvs(str(message_id), state),
    )


def _segments(text: str, alphabet: Alphabet, reference: int) -> tuple[Segment, ...]:
    try:
        return split(text, alphabet=alphabet, reference=reference)
    except TooLong:
        return split(text[:REPLY_CHARACTERS_MAX] + "…", alphabet=Alphabet.UCS2, reference=reference)


def _alphabet_for(text: str, default: Alphabet) -> tuple[Alphabet, int]:
    """An alphabet that holds the text, and a data_coding by which this customer reads it."""
    if default is Alphabet.GSM:
        alphabet = best_alphabet(text)
        return alphabet, data_coding_of(alphabet)
    if text.isascii():
        return Alphabet.ASCII, 0  # ASCII means the same in each of their alphabets
    if default is Alphabet.LATIN1 and all(character <= "\xff" for character in text):
        return Alphabet.LATIN1, data_coding_of(Alphabet.LATIN1)
    return Alphabet.UCS2, data_coding_of(Alphabet.UCS2)


def _address(number: str) -> tuple[int, int, str]:
    """Type, plan and address as SMPP can write them; empty where it cannot, never cut: half a number is
    another's number."""
    number = number.removeprefix("?")  # our own mark for what is no number
    if len(number) > ADDRESS_CHARACTERS_MAX or not (number.isascii() and number.isprintable()):
        return _UNKNOWN, _UNKNOWN, ""
    if number.isdigit():
        return _INTERNATIONAL, _E164, number
    return _ALPHANUMERIC, _UNKNOWN, number


def _is_word(error: str) -> bool:
    return error.isascii() and error.isalnum()


def _minutes(at: int) -> str:
    return _minute(at // 60_000_000)


@lru_cache(maxsize=256)
def _minute(since_1970: int) -> str:
    # Reports of one minute share it: written once, not twice for every report.
    return datetime.fromtimestamp(60 * since_1970, UTC).strftime("%y%m%d%H%M")
