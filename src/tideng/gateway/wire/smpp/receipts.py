"""Delivery receipts: TLVs first, then the text of SMPP 3.4 appendix B, which is only "typical"."""

import re
from collections.abc import Collection, Iterator
from enum import IntEnum
from typing import Final, Literal

from msgspec import Struct

from tideng.gateway.wire.smpp.pdus import DataSm, DeliverSm
from tideng.gateway.wire.smpp.tlvs import Tag

ID_CHARACTERS_MAX: Final = 255
BASE_CHARACTERS_MAX: Final = 40
ERROR_CHARACTERS_MAX: Final = 32
"""Of a word of state that stands as error: a network's code, not a sentence."""
TEXT_OCTETS_MAX: Final = 1024
"""Of a receipt's text; what is longer is not a receipt's."""


class ReceiptState(IntEnum):
    """message_state, SMPP 3.4 §5.2.28; 0 and 9 are from 5.0."""

    SCHEDULED = 0
    ENROUTE = 1
    DELIVERED = 2
    EXPIRED = 3
    DELETED = 4
    UNDELIVERABLE = 5
    ACCEPTED = 6
    UNKNOWN = 7
    REJECTED = 8
    SKIPPED = 9


class Receipt(Struct, frozen=True, gc=False):
    """What a receipt says. Texts are as written; absent ones are empty."""

    message_id: str
    state: ReceiptState
    final: bool
    error: str = ""
    submitted_at: str = ""
    done_at: str = ""
    text: str = ""
    from_tlv: bool = False
    """The id and the state both came from TLVs."""


_WORDS: Final = {
    "SCHEDUL": ReceiptState.SCHEDULED,
    "SCHEDLD": ReceiptState.SCHEDULED,
    "ENROUTE": ReceiptState.ENROUTE,
    "DELIVRD": ReceiptState.DELIVERED,
    "DELIVER": ReceiptState.DELIVERED,
    "EXPIRED": ReceiptState.EXPIRED,
    "DELETED": ReceiptState.DELETED,
    "UNDELIV": ReceiptState.UNDELIVERABLE,
    "ACCEPTD": ReceiptState.ACCEPTED,
    "ACCEPTE": ReceiptState.ACCEPTED,
    "UNKNOWN": ReceiptState.UNKNOWN,
    "REJECTD": ReceiptState.REJECTED,
    "REJECTE": ReceiptState.REJECTED,
    "SKIPPED": ReceiptState.SKIPPED,
}
_OUT: Final = {
    ReceiptState.SCHEDULED: "SCHEDLD",
    ReceiptState.ENROUTE: "ENROUTE",
    ReceiptState.DELIVERED: "DELIVRD",
    ReceiptState.EXPIRED: "EXPIRED",
    ReceiptState.DELETED: "DELETED",
    ReceiptState.UNDELIVERABLE: "UNDELIV",
    ReceiptState.ACCEPTED: "ACCEPTD",
    ReceiptState.UNKNOWN: "UNKNOWN",
    ReceiptState.REJECTED: "REJECTD",
    ReceiptState.SKIPPED: "SKIPPED",
}
_NOT_FINAL: Final = frozenset({ReceiptState.SCHEDULED, ReceiptState.ENROUTE})
_FIELD: Final = re.compile(r"(?i)\b(id|sub|dlvrd|submit[ _]?date|done[ _]?date|stat|err|text) ?: ?")
_MESSAGE_STATE_MAX: Final = 9
RECEIPT_TEXT_MAX: Final = 40
_UCS2: Final = 0x08


def parse_receipt(pdu: DeliverSm | DataSm) -> Receipt | None:
    """The receipt in a deliver_sm or data_sm; None when it names neither a message nor a state.

    Fields may be missing, reordered, in other cases, with or without a space. An unknown word of state
    means UNKNOWN and stands as the `error` when that names none: networks put their own codes there. No
    state at all is UNKNOWN and not final, and nor is an intermediate notification. Never fails on the
    peer's octets.
    """
    may_be_final = not pdu.is_intermediate
    tlv_id, tlv_state = _tlv_id(pdu), _tlv_state(pdu)
    if tlv_id and tlv_state is not None and not pdu.content:
        return Receipt(tlv_id, tlv_state, may_be_final and tlv_state not in _NOT_FINAL, from_tlv=True)
    fields = _fields(_line(pdu))
    message_id = tlv_id or fields.get("id", "")[:ID_CHARACTERS_MAX]
    word, error = fields.get("stat", ""), fields.get("err", "")
    state = tlv_state
    if state is None and word:
        state = _WORDS.get(word[:7].upper())
        if state is None:
            state = ReceiptState.UNKNOWN
            error = error if error.strip("0") else word.partition(" ")[0][:ERROR_CHARACTERS_MAX]
    if state is None and not message_id:
        return None
    return Receipt(
        message_id,
        ReceiptState.UNKNOWN if state is None else state,
        may_be_final and state is not None and state not in _NOT_FINAL,
        error,
        fields.get("submitdate", ""),
        fields.get("donedate", ""),
        fields.get("text", ""),
        bool(tlv_id) and tlv_state is not None,
    )


def format_receipt(
    message_id: str,
    state: ReceiptState,
    *,
    error: str = "000",
    submitted_at: str = "",
    done_at: str = "",
    text: str = "",
) -> bytes:
    """The text of appendix B. Dates are `YYMMDDhhmm`; `error` is cut to 3 characters, `text` to
    `RECEIPT_TEXT_MAX`: more than the 20 that are usual, so that a finding code is never cut."""
    delivered = 1 if state is ReceiptState.DELIVERED else 0
    line = (
        f"id:{message_id} sub:001 dlvrd:{delivered:03d} submit date:{submitted_at} done date:{done_at} "
        f"stat:{_OUT[state]} err:{error[:3]:0>3} text:{text[:RECEIPT_TEXT_MAX]}"
    )
    return line.encode("ascii", "replace")


def receipt_tlvs(message_id: str, state: ReceiptState) -> tuple[tuple[int, bytes], ...]:
    """receipted_message_id and message_state (§5.3.2.12, §5.3.2.35)."""
    return (
        (int(Tag.RECEIPTED_MESSAGE_ID), message_id.encode("latin-1") + b"\0"),
        (int(Tag.MESSAGE_STATE), bytes((state,))),
    )


IdDifference = Literal["case", "zeros", "base"]
"""How the ids in a carrier's reports may differ from those it answered submits with: upper or lower
case; leading zeros; hexadecimal in one and decimal in the other."""


def id_forms(message_id: str, allowed: Collection[IdDifference]) -> Iterator[str]:
    """The forms a report's id may have had in the response, exact first, each once.

    With "case" and "zeros" the form is the folded one: two ids can mean the same if they share a form.
    """
    yield from dict.fromkeys(_candidates(message_id, allowed))


def _candidates(message_id: str, allowed: Collection[IdDifference]) -> Iterator[str]:
    yield message_id
    folded = message_id.casefold() if "case" in allowed else message_id
    yield folded
    if "zeros" in allowed and folded:
        yield folded.lstrip("0") or "0"
    if "base" in allowed and message_id.isascii() and len(message_id) <= BASE_CHARACTERS_MAX:
        if message_id.isdigit():
            yield f"{int(message_id):x}"
        if _is_hex(message_id):
            yield str(int(message_id, 16))


def _is_hex(text: str) -> bool:
    return bool(text) and all(character in "0123456789abcdefABCDEF" for character in text)


def _tlv_id(pdu: DeliverSm | DataSm) -> str:
    value = pdu.tlv(Tag.RECEIPTED_MESSAGE_ID) if pdu.tlvs else None
    if not value:
        return ""
    return value.split(b"\0", 1)[0][:ID_CHARACTERS_MAX].decode("latin-1")


def _tlv_state(pdu: DeliverSm | DataSm) -> ReceiptState | None:
    value = pdu.tlv(Tag.MESSAGE_STATE) if pdu.tlvs else None
    if value is None or len(value) != 1 or value[0] > _MESSAGE_STATE_MAX:
        return None
    return ReceiptState(value[0])


def _line(pdu: DeliverSm | DataSm) -> str:
    octets = pdu.content[:TEXT_OCTETS_MAX]
    if pdu.data_coding == _UCS2 and octets[:1] == b"\0":  # some centres write receipts in UCS-2 too
        return octets.decode("utf-16-be", "replace")
    return octets.decode("latin-1")


def _fields(line: str) -> dict[str, str]:
    """Key to value; `text:` takes the rest, since it is the message's own words.

    Only a receipt that names neither id nor state before its text is read on: else a text that says
    "stat:DELIVRD" would speak for the carrier.
    """
    fields: dict[str, str] = {}
    found = list(_FIELD.finditer(line))
    for number, match in enumerate(found):
        key = match[1].lower().replace(" ", "").replace("_", "")
        end = found[number + 1].start() if number + 1 < len(found) else len(line)
        if key == "text" and ("id" in fields or "stat" in fields):
            fields.setdefault(key, line[match.end() :])
            break
        fields.setdefault(key, line[match.end() : end].strip(" ;,\r\n\t\0"))
    return fields
