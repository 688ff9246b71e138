"""Cisco Unified CM: a header line, a line of SQL types, then rows in UTC seconds; legs share a global id.
Pure."""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from tideng.calls.readers.origin import LEGS_HELD_MAX, Origin, Outcome, Row, call, cells, refused, whole
from tideng.calls.records import Refused

_TYPES = ("INTEGER", "VARCHAR", "BIGINT", "CHAR", "UNIQUEIDENTIFIER")


class _Leg(Struct, frozen=True):
    row: Row
    said: dict[str, str]
    start: int
    connect: int
    duration: int


def read(rows: Iterable[Row], origin: Origin) -> Iterator[Outcome]:
    """Calls; rows of one globalCallID (transfers, conferences) are one call from the first caller."""
    names: list[str] = []
    held: dict[str, list[_Leg]] = {}
    for row in rows:
        values = cells(row, origin)
        if isinstance(values, Refused):
            yield values
        elif not names:
            names = [value.strip().lower() for value in values]
        elif values[0].upper().startswith(_TYPES):
            continue
        elif len(values) != len(names):
            yield refused("torn_row", origin, row)
        else:
            leg = _leg(dict(zip(names, values, strict=True)), row, origin)
            if not isinstance(leg, _Leg):
                yield leg
                continue
            said = leg.said
            key = f"{said.get('globalcallid_callmanagerid', '')}/{said.get('globalcallid_callid', '')}"
            held.setdefault(key, []).append(leg)
            if len(held) > LEGS_HELD_MAX:
                first = next(iter(held))
                yield _merged(first, held.pop(first), origin)
    for key, legs in held.items():
        yield _merged(key, legs, origin)


def _leg(said: dict[str, str], row: Row, origin: Origin) -> _Leg | Outcome:
    # Type 1 is a call; 2 and others are quality records (CMR) that belong to one.
    if said.get("cdrrecordtype", "1") != "1":
        return refused("not_a_call", origin, row)
    start, connect = whole(said.get("datetimeorigination", "")), whole(said.get("datetimeconnect", "0"))
    end, duration = whole(said.get("datetimedisconnect", "0")), whole(said.get("duration", ""))
    if start is None:
        return refused("unreadable_start", origin, row)
    if duration is None or connect is None or end is None:
        return refused("unreadable_duration", origin, row)
    if end and end < start:
        return refused("reversed_times", origin, row)
    return _Leg(row, said, start, connect, duration)


def _merged(key: str, legs: list[_Leg], origin: Origin) -> Outcome:
    first = min(legs, key=lambda leg: leg.start)
    taken = [leg for leg in legs if leg.connect > 0]
    connect = min((leg.connect for leg in taken), default=0)
    ended = max(whole(leg.said.get("datetimedisconnect", "0")) or 0 for leg in legs)
    shown = first.said
    return call(
        origin,
        [leg.row for leg in legs],
        call_id=key,
        caller=shown.get("callingpartynumber", ""),
        callee=shown.get("originalcalledpartynumber") or shown.get("finalcalledpartynumber", ""),
        start_s=first.start,
        ring_s=(connect or ended or first.start) - first.start,
        talk_s=sum(leg.duration for leg in taken),
        answered=bool(taken),
        cause=shown.get("destcause_value", ""),
        trunk=shown.get("destdevicename", ""),
        forwarded_by=shown.get("lastredirectdn", "") if len(legs) > 1 else "",
    )
