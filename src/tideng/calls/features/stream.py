"""The same features of a line's day, kept while records stream by. Pure: plain Python, O(1) a record.

Records must come in the total order of the definition, (start, call_no). A shard holds the lines whose
callers
hash to it; the incoming side of a call belongs to the callee's shard.
"""

from collections.abc import Iterator
from typing import Final

from tideng.calls.detector.layout import QUICK_S, SHORT_S
from tideng.calls.features.definition import HOUR_PIECES, IN, OUT, TALK_EDGES

_AT: Final = {name: i for i, name in enumerate((*OUT, *IN))}
_HOUR, _TALK = _AT["hour_0"], _AT["talk_0"]
_PIECE_S: Final = 86_400 // HOUR_PIECES


class LineDays:
    """Counters by line and day. `rows()` hands them out as the definition's columns."""

    def __init__(self, *, zone_s: int) -> None:
        """`zone_s`: seconds east of UTC at which days are cut."""
        self._zone_s = zone_s
        self._days: dict[tuple[str, int], list[int]] = {}
        self._first: dict[tuple[str, str], int] = {}
        self._met: set[tuple[str, str, int, bool]] = set()
        self._new_met: set[tuple[str, str, int]] = set()
        self._end: dict[str, int] = {}

    def add(self, caller: str, callee: str, start: int, ring_s: int, duration_s: int, answered: bool) -> None:
        """Count one record for both its sides."""
        day = (start + self._zone_s) // 86_400
        talk = duration_s if answered else 0
        self._out(caller, callee, start, day, ring_s, talk, answered)
        before = self._end.get(caller)
        if before is not None and start - before <= QUICK_S:
            self._of(caller, day)[_AT["quick"]] += 1
        self._end[caller] = start + ring_s + duration_s
        into = self._of(callee, day)
        into[_AT["in_calls"]] += 1
        into[_AT["in_answered"]] += answered
        into[_AT["in_talk_s"]] += talk
        if (callee, caller, day, True) not in self._met:
            self._met.add((callee, caller, day, True))
            into[_AT["in_callers"]] += 1

    def _of(self, line: str, day: int) -> list[int]:
        found = self._days.get((line, day))
        if found is None:
            found = self._days[line, day] = [0] * len(_AT)
        return found

    def _out(
        self, caller: str, callee: str, start: int, day: int, ring_s: int, talk: int, answered: bool
    ) -> None:
        mine = self._of(caller, day)
        mine[_AT["calls"]] += 1
        mine[_AT["answered"]] += answered
        mine[_AT["missed"]] += not answered
        mine[_AT["short"]] += answered and talk < SHORT_S
        mine[_AT["talk_s"]] += talk
        mine[_AT["ring_s"]] += ring_s
        mine[_HOUR + (start + self._zone_s) % 86_400 // _PIECE_S] += 1
        if answered:
            mine[_TALK + sum(talk >= edge for edge in TALK_EDGES)] += 1
        if (caller, callee, day, False) not in self._met:
            self._met.add((caller, callee, day, False))
            mine[_AT["callees"]] += 1
        first = self._first.setdefault((caller, callee), start)
        self._first.setdefault((callee, caller), start)
        if first == start and (caller, callee, day) not in self._new_met:
            self._new_met.add((caller, callee, day))
            mine[_AT["new_callees"]] += 1

    def rows(self) -> Iterator[tuple[str | int, ...]]:
        """(line, day, …) in no particular order."""
        for (line, day), counts in self._days.items():
            yield (line, day, *counts)
