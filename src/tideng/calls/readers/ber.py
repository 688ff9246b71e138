"""3GPP TS 32.298 call records in BER: the subset of tags that says who called whom, when and for how long.
Pure.

Read as octets by ITU-T X.690, without a schema: MSC mobile-originated records (choice 0) and gateway records
(3 incoming, 4 outgoing). Partial records of a long call share a call reference and are joined. Other choices
(SMS, location, supplementary services …) are no calls and are counted as such.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Final

from msgspec import Struct

from tideng.calls.readers.origin import LEGS_HELD_MAX, Origin, Outcome, Row, call, refused

VALUE_BYTES_MAX: Final = 65_535
DEPTH_MAX: Final = 4


class Tags(Struct, frozen=True):
    """Context tags of one record type."""

    calling: int
    called: int
    seizure: int
    answer: int
    release: int
    duration: int
    cause: int
    reference: int
    served: int = -1
    trunk: int = -1


RECORDS: Final = {
    0: Tags(4, 5, 22, 23, 24, 25, 30, 32, served=3, trunk=11),
    3: Tags(1, 2, 6, 7, 8, 9, 11, 13, trunk=4),
    4: Tags(1, 2, 6, 7, 8, 9, 11, 13, trunk=5),
}


class BadOctets(ValueError):
    """These octets are no BER value of a record."""


def value_at(octets: bytes, at: int) -> tuple[int, int, int]:
    """Tag number, first octet and end of the value at `at`. `BadOctets` if it is cut off or has no end."""
    try:
        tag = octets[at] & 0x1F
        at += 1
        if tag == 0x1F:
            tag = 0
            while True:
                octet = octets[at]
                tag = tag << 7 | octet & 0x7F
                at += 1
                if not octet & 0x80:
                    break
                if tag > 1 << 21:
                    raise BadOctets("a tag has more than four octets")
        length = octets[at]
        at += 1
        if length == 0x80:
            raise BadOctets("indefinite lengths are not used in call records")
        if length > 0x80:
            count = length & 0x7F
            if count > 4:
                raise BadOctets(f"a length of {count} octets")
            if at + count > len(octets):
                raise BadOctets("cut off in a length")
            length = int.from_bytes(octets[at : at + count], "big")
            at += count
    except IndexError:
        raise BadOctets("cut off in a tag or length") from None
    if at + length > len(octets):
        raise BadOctets("cut off in a value")
    return tag, at, at + length


class _Part(Struct, frozen=True):
    row: Row
    fields: dict[int, bytes]
    tags: Tags
    start: float | None


def read(octets: bytes, origin: Origin) -> Iterator[Outcome]:
    """Calls; a record that cannot be walked is put aside, and everything after a cut-off one with it."""
    held: dict[bytes, list[_Part]] = {}
    at = 0
    while at < len(octets):
        if octets[at] in (0x00, 0xFF):  # padding between records of a block
            at += 1
            continue
        try:
            choice, first, end = value_at(octets, at)
            if end - first > VALUE_BYTES_MAX:
                raise BadOctets("a record of more than 65 535 octets")
        except BadOctets:
            yield refused("truncated", origin, Row(at, octets[at : at + VALUE_BYTES_MAX]))
            break
        row = Row(at, octets[at:end])
        at = end
        tags = RECORDS.get(choice)
        if tags is None:
            yield refused("not_a_call", origin, row)
            continue
        try:
            part = _Part(row, _fields(octets[first:end]), tags, None)
        except BadOctets:
            yield refused("torn_row", origin, row)
            continue
        key = bytes([choice]) + (part.fields.get(tags.reference) or row.offset.to_bytes(8, "big"))
        held.setdefault(key, []).append(part)
        if len(held) > LEGS_HELD_MAX:
            yield _joined(held.pop(next(iter(held))), origin)
    for parts in held.values():
        yield _joined(parts, origin)


def _fields(octets: bytes) -> dict[int, bytes]:
    fields: dict[int, bytes] = {}
    at = 0
    while at < len(octets):
        tag, first, end = value_at(octets, at)
        fields.setdefault(tag, octets[first:end])
        at = end
    return fields


def digits(address: bytes) -> str:
    """An AddressString: type of number, then digits swapped in pairs (TBCD); international ones begin with
    +."""
    if not address:
        return ""
    swapped = "".join(f"{octet & 0xF:x}{octet >> 4:x}" for octet in address[1:])
    number = swapped.replace("b", "*").replace("c", "#").partition("f")[0]
    return f"+{number}" if address[0] >> 4 & 7 == 1 and number else number


def time_stamp(octets: bytes) -> float | None:
    """Nine octets: YYMMDDhhmmss in BCD, the sign in ASCII, hhmm from UTC. None when they say no time."""
    if len(octets) != 9 or octets[6:7] not in (b"+", b"-"):
        return None
    try:
        year, month, day, hour, minute, second = (int(f"{octet:02x}") for octet in octets[:6])
        away = timedelta(hours=int(f"{octets[7]:02x}"), minutes=int(f"{octets[8]:02x}"))
        zone = timezone(away if octets[6:7] == b"+" else -away)
        return datetime(2000 + year, month, day, hour, minute, second, tzinfo=zone).timestamp()
    except ValueError:
        return None


def _joined(parts: list[_Part], origin: Origin) -> Outcome:
    tags = parts[0].tags
    rows = [part.row for part in parts]

    def times(tag: int) -> list[float]:
        found = (time_stamp(part.fields.get(tag, b"")) for part in parts)
        return [at for at in found if at is not None]

    def first(tag: int) -> bytes:
        return next((part.fields[tag] for part in parts if tag in part.fields), b"")

    answers, releases = times(tags.answer), times(tags.release)
    begins = times(tags.seizure) or answers
    if not begins:
        return refused("unreadable_start", origin, *rows)
    start, answered = min(begins), bool(answers)
    talk = sum(int.from_bytes(part.fields.get(tags.duration, b""), "big", signed=True) for part in parts)
    if releases and max(releases) < start:
        return refused("reversed_times", origin, *rows)
    ring = (min(answers) if answers else max(releases, default=start)) - start
    caller = first(tags.calling) or (first(tags.served) if tags.served >= 0 else b"")
    return call(
        origin,
        rows,
        call_id=first(tags.reference).hex(),
        caller=digits(caller),
        callee=digits(first(tags.called)),
        start_s=start,
        ring_s=ring,
        talk_s=talk,
        answered=answered,
        cause=str(int.from_bytes(first(tags.cause), "big")) if first(tags.cause) else "",
        trunk=first(tags.trunk).hex(),
    )
