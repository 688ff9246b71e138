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
from typing import TYPE_CHECKING, Final

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
    out = _placed(known, zone_s, order)
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

    # Two numbers meet for the first time once, whoever calls. A number that is missing met nobody.
    in_order = pairs.caller < pairs.callee
    both = pairs.mutate(
        low=ibis.ifelse(in_order, pairs.caller, pairs.callee),
        high=ibis.ifelse(in_order, pairs.callee, pairs.caller),
    )
    first = both.group_by(["low", "high"]).agg(first=both.start.min())
    joined = both.left_join(first, [both.low == first.low, both.high == first.high])
    # A left join of Ibis keeps the right side's key columns: name what goes on.
    kept = joined.select(both.caller, both.day, is_first=ibis.ifelse(both.start == first.first, 1, 0))
    return kept.group_by(["caller", "day"]).agg(
        callees=kept.count().cast("int64"), new_callees=kept.is_first.sum().cast("int64")
    )


def _placed(known: "ir.Table", zone_s: int, order: Sequence[str]) -> "ir.Table":
    """By caller and day: what it did. A count with a condition costs half of a sum of noughts and ones."""
    import ibis

    window = ibis.window(group_by=known.caller, order_by=[known[name] for name in order])
    calls = known.mutate(
        gap=known.start - known.end.lag(1).over(window),
        talk=ibis.ifelse(known.answered, known.duration_s, 0),
        piece=(((known.start + zone_s) % 86_400) / (86_400 // HOUR_PIECES)).floor().cast("int64"),
    )
    edges = (0, *TALK_EDGES, 1 << 40)
    counted = {
        "calls": calls.start >= 0,
        "answered": calls.answered,
        "missed": ~calls.answered,
        "short": calls.answered & (calls.talk < SHORT_S),
        "quick": calls.gap <= QUICK_S,
        **{f"hour_{i}": calls.piece == i for i in range(HOUR_PIECES)},
        **{
            f"talk_{i}": calls.answered & (calls.talk >= low) & (calls.talk < high)
            for i, (low, high) in enumerate(pairwise(edges))
        },
    }
    return calls.group_by(["caller", "day"]).agg(
        **{name: calls.count(where=condition).cast("int64") for name, condition in counted.items()},
        talk_s=calls.talk.sum().cast("int64"),
        ring_s=calls.ring_s.sum().cast("int64"),
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
