"""Kamailio `acc` and `cdrs`, OpenSIPS `acc`: SIP transactions or dialogs, as CSV with a header. Pure.

In transaction mode a call is an INVITE row and, if it was answered, a BYE row with the same Call-ID and tags
(either way round). In dialog mode one row has start, end and duration.
"""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from tideng.calls.readers.origin import LEGS_HELD_MAX, Origin, Outcome, Row, call, cells, moment, refused
from tideng.calls.records import Refused

_CALLER = ("src_user", "from_user", "caller", "caller_id", "from_uri")
_CALLEE = ("dst_ouser", "dst_user", "to_user", "callee", "callee_id", "to_uri")
_START = ("start_time", "call_start_time", "setuptime", "created", "time")


class _Event(Struct, frozen=True):
    row: Row
    said: dict[str, str]
    at: float


def read(rows: Iterable[Row], origin: Origin) -> Iterator[Outcome]:
    """Calls; transactions are joined, a BYE without its INVITE is `not_a_call`."""
    names: list[str] = []
    open_calls: dict[str, list[_Event]] = {}
    for row in rows:
        values = cells(row, origin)
        if isinstance(values, Refused):
            yield values
            continue
        if not names:
            names = [value.strip().lower() for value in values]
            continue
        if len(values) != len(names):
            yield refused("torn_row", origin, row)
            continue
        said = dict(zip(names, values, strict=True))
        at = moment(_first(said, _START), origin.zone)
        if at is None:
            yield refused("unreadable_start", origin, row)
        elif not said.get("method"):
            yield _dialog(said, at, row, origin)
        else:
            key = said.get("callid", "")
            open_calls.setdefault(key, []).append(_Event(row, said, at))
            if len(open_calls) > LEGS_HELD_MAX:
                yield from _joined(open_calls.pop(next(iter(open_calls))), origin)
    for events in open_calls.values():
        yield from _joined(events, origin)


def _first(said: dict[str, str], names: tuple[str, ...]) -> str:
    value = next((said[name] for name in names if said.get(name)), "")
    return value.partition("sip:")[2].partition("@")[0] if "sip:" in value else value


def _dialog(said: dict[str, str], at: float, row: Row, origin: Origin) -> Outcome:
    end = moment(said.get("end_time", ""), origin.zone)
    try:
        talk = float(said.get("duration") or (end - at if end is not None else 0.0))
        setup = float(said.get("setuptime_s") or said.get("ms_duration_setup") or 0)
    except ValueError:
        return refused("unreadable_duration", origin, row)
    if end is not None and end < at:
        return refused("reversed_times", origin, row)
    code = said.get("sip_code", "200")
    return call(
        origin,
        [row],
        call_id=said.get("callid") or said.get("call_id", ""),
        caller=_first(said, _CALLER),
        callee=_first(said, _CALLEE),
        start_s=at,
        ring_s=setup,
        talk_s=talk,
        answered=code.startswith("2") and talk > 0,
        cause=code,
    )


def _joined(events: list[_Event], origin: Origin) -> Iterator[Outcome]:
    invites = [event for event in events if event.said["method"].upper() == "INVITE"]
    byes = [event for event in events if event.said["method"].upper() == "BYE"]
    if not invites:
        yield refused("not_a_call", origin, *(event.row for event in events))
        return
    first = min(invites, key=lambda event: event.at)
    final = max(invites, key=lambda event: (event.said.get("sip_code", "").startswith("2"), event.at))
    answered = final.said.get("sip_code", "").startswith("2")
    # An answered call whose BYE is missing lasted nobody knows how long: told as a second, never as hours.
    over = max((bye.at for bye in byes), default=final.at + 1)
    yield call(
        origin,
        [event.row for event in events],
        call_id=first.said.get("callid", ""),
        caller=_first(first.said, _CALLER),
        callee=_first(first.said, _CALLEE),
        start_s=first.at,
        ring_s=final.at - first.at,
        talk_s=over - final.at if answered else 0,
        answered=answered,
        cause=final.said.get("sip_code", ""),
    )
