"""Other ways of calling that do harm, told from the same features of a day: SIM boxes, one-ring, bulk
calling.

Pure. They look at days, not at single calls: slower than the box detector, and for lines without a quiet
past.
A pattern is a set of named conditions; all must hold, and the finding says which values held.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from msgspec import Struct

Day = Mapping[str, int]


class Condition(Struct, frozen=True):
    """A value of the day and the least (or, if negative `sign`, the most) it must be."""

    name: str
    of: Callable[[Day], float]
    limit: float
    sign: int = 1

    def holds(self, day: Day) -> bool:
        """True if the day reaches the limit."""
        return self.sign * (self.of(day) - self.limit) >= 0


class PatternFound(Struct, frozen=True, kw_only=True):
    """A line-day that shows a pattern, with the values that made it."""

    pattern: str
    line: str
    day: int
    values: dict[str, float]


def _share(part: str, whole: str) -> Callable[[Day], float]:
    return lambda day: day[part] / day[whole] if day[whole] else 0.0


def _value(name: str) -> Callable[[Day], float]:
    return lambda day: float(day[name])


def _pieces(day: Day) -> float:
    return float(sum(day[f"hour_{i}"] > 0 for i in range(6)))


PATTERNS: Final[Mapping[str, tuple[Condition, ...]]] = {
    "one_ring": (
        Condition("calls", _value("calls"), 40),
        Condition("missed_share", _share("missed", "calls"), 0.85),
        Condition("ring_s_per_call", _share("ring_s", "calls"), 8, -1),
        Condition("callees_per_call", _share("callees", "calls"), 0.8),
    ),
    "bulk_calling": (
        Condition("calls", _value("calls"), 150),
        Condition("callees_per_call", _share("callees", "calls"), 0.7),
        Condition("new_share", _share("new_callees", "callees"), 0.6),
    ),
    "sim_box": (
        Condition("calls", _value("calls"), 60),
        Condition("callees_per_call", _share("callees", "calls"), 0.6),
        Condition("incoming_per_call", _share("in_calls", "calls"), 0.03, -1),
        Condition("answered_share", _share("answered", "calls"), 0.3),
        Condition("pieces_of_day", _pieces, 3),
        Condition("talk_s", _value("talk_s"), 3_600),
    ),
}
"""By name. Limits are set where ordinary lines of the dev worlds do not come; declared call centres do, so a
finding about a declared one is for the licence desk, not for the police."""


def patterns_of(line: str, day_number: int, day: Day) -> Iterator[PatternFound]:
    """Every pattern this line-day shows. `day`: the features by name."""
    for name, conditions in PATTERNS.items():
        if all(condition.holds(day) for condition in conditions):
            values = {condition.name: round(condition.of(day), 3) for condition in conditions}
            yield PatternFound(pattern=name, line=line, day=day_number, values=values)
