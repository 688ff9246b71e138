"""Features of a line's day: their names, and their one definition as an Ibis expression.

All are whole numbers, so that DuckDB, Spark and the stream agree to the bit. Distinct numbers are counted in
two
levels (by pair, then by line), never with COUNT(DISTINCT), which is several times slower and unbounded in
memory.
A `calls` table has caller, callee, start, ring_s, duration_s, answered and `call_no`, a whole number that
makes
the order total: (start, call_no).
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from tideng.calls.detector.layout import QUICK_S, SHORT_S

if TYPE_CHECKING:
    import ibis.expr.types as ir  # ships no types

TALK_EDGES: Final = (16, 60, 180, 480)
"""Seconds; talks of answered calls fall into the five ranges between them."""
HOUR_PIECES: Final = 6
OUT: Final = (
    "calls",
    "callees",
    "new_callees",
    "answered",
    "missed",
    "short",
    "quick",
    "talk_s",
    "ring_s",
    *(f"hour_{i}" for i in range(HOUR_PIECES)),
    *(f"talk_{i}" for i in range(len(TALK_EDGES) + 1)),
)
PEOPLE: Final = ("callees", "new_callees")
"""Counted by pairs, all others by calls."""
IN: Final = ("in_calls", "in_callers", "in_answered", "in_talk_s")
BY_NUMBER: Final = ("start", "call_no")
"""The order of a line's calls where they have numbers."""
BY_CONTENT: Final = ("start", "callee", "duration_s", "ring_s")
"""Their order by what a record says: two records that agree in all of it are the same to every feature."""
COLUMNS: Final = ("line", "day", *OUT, *IN)
"""The result's columns, in order; `day` counts from 1970 in the lines' own zone."""


def line_days(calls: "ir.Table", *, zone_s: int, order: Sequence[str] = BY_NUMBER) -> "ir.Table":
    """One row for each line and day with a call placed or received. `order` must be total for a line."""
    import ibis

    # Division and floor, not `//`: integer division of mixed types differs between engines.
    day = ((calls.start + zone_s) / 86_400).floor().cast("int64")
    known = calls.mutate(day=day, end=calls.start + calls.ring_s + calls.duration_s)
    placed = _placed(known, zone_s, order)
    sums = (name for name in OUT if name not in PEOPLE)
    out = placed.group_by(["caller", "day"]).agg(**{name: placed[name].sum().cast("int64") for name in sums})
    # Few columns: nearly every call is a pair of its own.
    pairs = known.group_by(["caller", "callee", "day"]).agg(
        start=known.start.min(),
        calls=known.count(),
        answered=known.answered.cast("int64").sum(),
        talk_s=ibis.ifelse(known.answered, known.duration_s, 0).sum(),
    )
    into = pairs.group_by(["callee", "day"]).agg(
        in_calls=pairs.calls.sum().cast("int64"),
        in_callers=pairs.count().cast("int64"),
        in_answered=pairs.answered.sum().cast("int64"),
        in_talk_s=pairs.talk_s.sum().cast("int64"),
    )
    return _together(out, _callees(pairs), into)


def _callees(pairs: "ir.Table") -> "ir.Table":
    """By caller and day: whom it called, and whom for the first time, where a call from them counts too."""
    import ibis

    both = ibis.union(
        pairs.select(line=pairs.caller, other=pairs.callee, start=pairs.start),
        pairs.select(line=pairs.callee, other=pairs.caller, start=pairs.start),
    )
    first = both.group_by(["line", "other"]).agg(first=both.start.min())
    joined = pairs.left_join(first, [pairs.caller == first.line, pairs.callee == first.other])
    # A left join of Ibis keeps the right side's key columns: name what goes on.
    kept = joined.select(pairs.caller, pairs.day, is_first=ibis.ifelse(pairs.start == first.first, 1, 0))
    return kept.group_by(["caller", "day"]).agg(
        callees=kept.count().cast("int64"), new_callees=kept.is_first.sum().cast("int64")
    )


def _placed(known: "ir.Table", zone_s: int, order: Sequence[str]) -> "ir.Table":
    import ibis

    window = ibis.window(group_by=known.caller, order_by=[known[name] for name in order])
    before = known.end.lag(1).over(window)
    gap = known.start - before
    talk = ibis.ifelse(known.answered, known.duration_s, 0)
    piece = (((known.start + zone_s) % 86_400) / (86_400 // HOUR_PIECES)).floor().cast("int64")

    def one(condition: Any) -> Any:  # Any: Ibis' boolean values
        return ibis.ifelse(condition, 1, 0).cast("int64")

    edges = (0, *TALK_EDGES, 1 << 40)
    return known.mutate(
        calls=one(known.start >= 0),
        answered=known.answered.cast("int64"),
        missed=one(~known.answered),
        short=one(known.answered & (talk < SHORT_S)),
        quick=one((gap <= QUICK_S).fill_null(False)),
        talk_s=talk,
        ring_s=known.ring_s,
        **{f"hour_{i}": one(piece == i) for i in range(HOUR_PIECES)},
        **{
            f"talk_{i}": one(known.answered & (talk >= low) & (talk < high))
            for i, (low, high) in enumerate(pairwise(edges))
        },
    )


def _together(out: "ir.Table", callees: "ir.Table", into: "ir.Table") -> "ir.Table":
    """One row a line and day with a call placed or received."""
    import ibis

    both = out.left_join(callees, [out.caller == callees.caller, out.day == callees.day])
    # A left join of Ibis keeps the right side's key columns: name what goes on.
    placed = both.select(
        line=out.caller, day=out.day, **{n: (callees if n in PEOPLE else out)[n] for n in OUT}
    )
    whole = placed.outer_join(into, [placed.line == into.callee, placed.day == into.day])
    return whole.select(
        line=ibis.coalesce(placed.line, into.callee),
        day=ibis.coalesce(placed.day, into.day),
        **{n: placed[n].fill_null(0) for n in OUT},
        **{n: into[n].fill_null(0) for n in IN},
    ).select(*COLUMNS)
