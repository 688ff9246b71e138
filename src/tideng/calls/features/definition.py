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
    pair_days = placed.group_by(["caller", "callee", "day"]).agg(
        **{name: placed[name].sum().cast("int64") for name in OUT if name not in ("callees", "new_callees")},
        new_here=placed.is_first.max(),
    )
    out = pair_days.group_by(["caller", "day"]).agg(
        **{
            name: pair_days[name].sum().cast("int64")
            for name in OUT
            if name not in ("callees", "new_callees")
        },
        callees=pair_days.count().cast("int64"),
        new_callees=pair_days.new_here.sum().cast("int64"),
    )
    got = known.mutate(
        took=known.answered.cast("int64"), said=ibis.ifelse(known.answered, known.duration_s, 0)
    )
    from_days = got.group_by(["callee", "caller", "day"]).agg(
        in_calls=got.count(), in_answered=got.took.sum(), in_talk_s=got.said.sum()
    )
    into = from_days.group_by(["callee", "day"]).agg(
        in_calls=from_days.in_calls.sum().cast("int64"),
        in_callers=from_days.count().cast("int64"),
        in_answered=from_days.in_answered.sum().cast("int64"),
        in_talk_s=from_days.in_talk_s.sum().cast("int64"),
    )
    return _together(out, into)


def _placed(known: "ir.Table", zone_s: int, order: Sequence[str]) -> "ir.Table":
    import ibis

    both = ibis.union(
        known.select(line=known.caller, other=known.callee, start=known.start),
        known.select(line=known.callee, other=known.caller, start=known.start),
    )
    first = both.group_by(["line", "other"]).agg(first=both.start.min())
    joined = known.left_join(first, [known.caller == first.line, known.callee == first.other])
    # A left join of Ibis keeps the right side's key columns: name what goes on.
    kept = joined.select(*[known[name] for name in known.columns], first.first)
    window = ibis.window(group_by=kept.caller, order_by=[kept[name] for name in order])
    before = kept.end.lag(1).over(window)
    gap = kept.start - before
    talk = ibis.ifelse(kept.answered, kept.duration_s, 0)
    piece = (((kept.start + zone_s) % 86_400) / (86_400 // HOUR_PIECES)).floor().cast("int64")

    def one(condition: Any) -> Any:  # Any: Ibis' boolean values
        return ibis.ifelse(condition, 1, 0).cast("int64")

    edges = (0, *TALK_EDGES, 1 << 40)
    return kept.mutate(
        calls=one(kept.start >= 0),
        answered=kept.answered.cast("int64"),
        missed=one(~kept.answered),
        short=one(kept.answered & (talk < SHORT_S)),
        quick=one((gap <= QUICK_S).fill_null(False)),
        talk_s=talk,
        ring_s=kept.ring_s,
        is_first=one(kept.start == kept["first"]),
        **{f"hour_{i}": one(piece == i) for i in range(HOUR_PIECES)},
        **{
            f"talk_{i}": one(kept.answered & (talk >= low) & (talk < high))
            for i, (low, high) in enumerate(pairwise(edges))
        },
    )


def _together(out: "ir.Table", into: "ir.Table") -> "ir.Table":
    import ibis

    a = out.select(
        line=out.caller, day=out.day, **{n: out[n] for n in OUT}, **{n: ibis.literal(0, "int64") for n in IN}
    )
    b = into.select(
        line=into.callee,
        day=into.day,
        **{n: ibis.literal(0, "int64") for n in OUT},
        **{n: into[n] for n in IN},
    )
    both = ibis.union(a, b)
    summed = both.group_by(["line", "day"]).agg(
        **{name: both[name].sum().cast("int64") for name in (*OUT, *IN)}
    )
    return summed.select(*COLUMNS)
