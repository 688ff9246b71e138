"""Asterisk `cdr_csv` (Master.csv): 18 columns without a header, local time without a zone, one row per leg.
Pure."""

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct

from tideng.calls.readers.origin import (
    LEGS_HELD_MAX,
    Origin,
    Outcome,
    Row,
    call,
    cells,
    moment,
    refused,
    whole,
)
from tideng.calls.records import Refused

COLUMNS: Final = (
    "accountcode",
    "src",
    "dst",
    "dcontext",
    "clid",
    "channel",
    "dstchannel",
    "lastapp",
    "lastdata",
    "start",
    "answer",
    "end",
    "duration",
    "billsec",
    "disposition",
    "amaflags",
    "uniqueid",
    "userfield",
)
COLUMNS_MIN: Final = 16
"""Older configurations write neither unique id nor user field; then every row is a call of its own."""


class _Leg(Struct, frozen=True):
    row: Row
    fields: dict[str, str]
    start: float
    answer: float | None
    duration: int
    billsec: int


def read(rows: Iterable[Row], origin: Origin) -> Iterator[Outcome]:
    """Calls in the order their first leg stands in; legs with one unique id are one call."""
    held: dict[str, list[_Leg]] = {}
    for row in rows:
        leg = _leg(row, origin)
        if not isinstance(leg, _Leg):
            yield leg
            continue
        key = leg.fields["uniqueid"] or f"row {row.offset}"
        held.setdefault(key, []).append(leg)
        if len(held) > LEGS_HELD_MAX:
            first = next(iter(held))
            yield _merged(first, held.pop(first), origin)
    for key, legs in held.items():
        yield _merged(key, legs, origin)


def _leg(row: Row, origin: Origin) -> _Leg | Outcome:
    values = cells(row, origin)
    if isinstance(values, Refused):
        return values
    if not COLUMNS_MIN <= len(values) <= len(COLUMNS) + 2:
        return refused("torn_row", origin, row)
    fields = dict(zip(COLUMNS, [*values, "", ""], strict=False))
    start = moment(fields["start"], origin.zone)
    if start is None:
        return refused("unreadable_start", origin, row)
    duration, billsec = whole(fields["duration"]), whole(fields["billsec"])
    if duration is None or billsec is None:
        return refused("unreadable_duration", origin, row)
    end = moment(fields["end"], origin.zone)
    if duration < 0 or billsec < 0:
        return refused("negative_duration", origin, row)
    # An hour's difference is a clock change inside the call; more is a row whose times contradict each other.
    if end is not None and end < start - 3600:
        return refused("reversed_times", origin, row)
    return _Leg(row, fields, start, moment(fields["answer"], origin.zone), duration, billsec)


def _merged(key: str, legs: list[_Leg], origin: Origin) -> Outcome:
    first = min(legs, key=lambda leg: leg.start)
    taken = [leg for leg in legs if leg.fields["disposition"].strip().upper() == "ANSWERED"]
    talked = max(taken, key=lambda leg: leg.billsec, default=None)
    if talked is None:
        ring = max(leg.duration for leg in legs)
    elif talked.answer is not None:
        ring = int(max(0, talked.answer - first.start))
    else:
        ring = max(0, talked.duration - talked.billsec)
    shown = talked or first
    return call(
        origin,
        [leg.row for leg in legs],
        call_id=key,
        caller=shown.fields["src"],
        callee=shown.fields["dst"],
        start_s=first.start,
        ring_s=ring,
        talk_s=talked.billsec if talked else 0,
        answered=talked is not None,
        cause=shown.fields["disposition"],
        trunk=shown.fields["dstchannel"],
    )
