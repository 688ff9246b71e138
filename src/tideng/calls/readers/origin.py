"""Where rows come from, and the moments and numbers in them. Pure."""

import csv
import math
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from tideng.calls.numbers import to_e164
from tideng.calls.records import RAW_BYTES_MAX, CallRecord, Reason, Refused, checked, raw_hash


class Origin(Struct, frozen=True, kw_only=True):
    """A source of rows and what it does not say itself."""

    name: str
    zone: ZoneInfo = ZoneInfo("Asia/Shanghai")
    """For times written without one."""
    area: str = ""
    """For numbers written without one."""


class Row(Struct, frozen=True, gc=False):
    """One row as it stood: its place and its bytes."""

    offset: int
    raw: bytes


Outcome = CallRecord | Refused
LEGS_HELD_MAX: Final = 100_000
"""Calls whose other rows may still come; beyond, the oldest is closed."""
FORMATS: Final = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y/%m/%d %H:%M:%S",
    "%Y%m%d%H%M%S",
    "%Y-%m-%d %H:%M:%S.%f",
)


def refused(reason: Reason, origin: Origin, *rows: Row) -> Refused:
    """Put rows aside."""
    return Refused(
        reason=reason, source=origin.name, offset=rows[0].offset, raw=raw_hash(*(row.raw for row in rows))
    )


def call(
    origin: Origin,
    rows: Iterable[Row],
    *,
    call_id: str,
    caller: str,
    callee: str,
    start_s: float,
    ring_s: float,
    talk_s: float,
    answered: bool,
    cause: str = "",
    line_class: str = "",
    trunk: str = "",
    forwarded_by: str = "",
) -> Outcome:
    """A checked record out of what a format said; numbers become E.164 here."""
    held = tuple(rows)
    # "inf" and "nan" are numbers to a parser, and no seconds.
    if not (math.isfinite(ring_s) and math.isfinite(talk_s)):
        return refused("unreadable_duration", origin, *held)
    return checked(
        CallRecord(
            call_id=call_id,
            caller=to_e164(caller, origin.area),
            callee=to_e164(callee, origin.area),
            start_s=int(start_s),
            ring_s=int(ring_s),
            talk_s=int(talk_s) if answered else min(0, int(talk_s)),
            answered=answered,
            cause=cause,
            line_class=line_class.lower(),
            trunk=trunk,
            forwarded_by=to_e164(forwarded_by, origin.area),
            source=origin.name,
            offset=held[0].offset,
            raw=raw_hash(*(row.raw for row in held)),
        )
    )


def moment(text: str, zone: ZoneInfo) -> float | None:
    """Seconds UTC of a written time; None when it is none. Times that carry an offset keep it.

    A time that a clock change skipped or repeated is read as the earlier of the two (PEP 495, fold 0).
    """
    clean = text.strip()
    if not clean:
        return None
    if clean.replace(".", "", 1).isdigit() and len(clean.partition(".")[0]) in (9, 10, 13, 16):
        value = float(clean)
        return value / (1e6 if value > 1e14 else 1e3 if value > 1e11 else 1)
    for form in FORMATS:
        try:
            read = datetime.strptime(clean, form)  # noqa: DTZ007 - the zone is the next line's
        except ValueError:
            continue
        return read.replace(tzinfo=zone).timestamp()
    try:
        read = datetime.fromisoformat(clean)
    except ValueError:
        return None
    return (read if read.tzinfo else read.replace(tzinfo=zone)).timestamp()


def whole(text: str) -> int | None:
    """A whole number of seconds, rounding fractions down; None when it is none."""
    try:
        return int(float(text))
    except (ValueError, OverflowError):
        return None


def text_rows(raw: bytes) -> Iterator[Row]:
    """Lines without their ends, empty ones left out, each with its byte offset."""
    offset = 0
    for line in raw.split(b"\n"):
        stripped = line.rstrip(b"\r")
        if stripped.strip():
            yield Row(offset, stripped)
        offset += len(line) + 1


def cells(row: Row, origin: Origin) -> list[str] | Refused:
    """The values of a CSV row, in UTF-8 or else GB 18030; or the row, put aside with its reason."""
    if len(row.raw) > RAW_BYTES_MAX:
        return refused("too_long_row", origin, row)
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return next(csv.reader([row.raw.decode(encoding)], strict=True))
        except UnicodeDecodeError:
            continue
        except (csv.Error, StopIteration):
            return refused("torn_row", origin, row)
    return refused("unreadable_encoding", origin, row)
