"""What every simulated world is made of: call columns, lines that carry one call at a time, record noise.

Knows no behaviour: what people, offices and boxes do is in the `dev_*` and `held_*` modules, which share
nothing but this file.
"""

from typing import Any, Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Column = NDArray[Any]  # Any: whole numbers and flags side by side

DAY_S: Final = 86_400
ZONE_S: Final = 8 * 3600
"""China has one zone and no summer time."""
EPOCH_S: Final = 1_772_294_400
"""Day 0 of every world: a Sunday, 2026-03-01 00:00 in China."""
LINE_BASE: Final = 862_150_000_000
MOBILE_BASE: Final = 8_613_000_000_000
MOBILES_MAX: Final = 6_000_000_000
SERVICE_BASE: Final = 8_695_000


class Box(Struct, frozen=True, kw_only=True):
    """One line that carries a box: the truth of a simulated world."""

    line: int
    kind: str
    start: int
    """Of its first call, seconds UTC."""
    stop: int
    calls: int


class World(Struct, frozen=True, kw_only=True):
    """Call records in order of arrival, and the truth about them."""

    name: str
    lines: int
    days: int
    first_line: int
    """Number of its first line, so that towns can stand side by side."""
    caller: Ints
    callee: Ints
    start: Ints
    ring_s: Ints
    duration_s: Ints
    answered: Flags
    by_box: Flags
    classes: NDArray[np.int8]
    """Of each line, by its index; see `CLASSES`."""
    archetype: NDArray[np.int16]
    """Of each line; what it means is the generator's business."""
    archetypes: tuple[str, ...]
    boxes: tuple[Box, ...]


CLASSES: Final = ("residential", "business", "new")


def mix(*parts: Ints | int) -> Ints:
    """A repeatable 62-bit number from whole numbers (splitmix64's finaliser): chance without a table."""
    h = np.asarray(0x9E3779B97F4A7C15, np.uint64)
    with np.errstate(over="ignore"):
        for part in parts:
            h = (h ^ np.asarray(part).astype(np.uint64)) * np.uint64(0xBF58476D1CE4E5B9)
            h ^= h >> np.uint64(27)
            h = h * np.uint64(0x94D049BB133111EB)
            h ^= h >> np.uint64(31)
    return (h >> np.uint64(2)).astype(np.int64)


def mobile(key: Ints) -> Ints:
    """A mobile number out of a repeatable key."""
    return MOBILE_BASE + key % MOBILES_MAX


def lay_out(first: Floats, lengths: Ints, took: Floats, gaps: Floats) -> Floats:
    """Start times of calls that follow one another: run j has `lengths[j]` calls and begins at `first[j]`."""
    step = took + gaps
    before = np.cumsum(step) - step
    heads = np.cumsum(lengths) - lengths
    placed: Floats = (
        np.repeat(first, lengths) + before - np.repeat(before[np.minimum(heads, len(step) - 1)], lengths)
    )
    return placed


class Traffic:
    """Collects columns of calls."""

    def __init__(self) -> None:
        self._parts: list[tuple[Ints, Ints, Floats, Floats, Floats, Flags, Flags]] = []

    def add(
        self,
        caller: Ints,
        callee: Ints,
        start: Floats,
        ring: Floats,
        talk: Floats,
        answered: Flags,
        *,
        by_box: bool = False,
    ) -> None:
        """Calls in any order; `start` in seconds since the world began."""
        marked = np.full(len(caller), by_box)
        self._parts.append((caller, callee, start, ring, np.where(answered, talk, 0.0), answered, marked))

    def columns(self) -> tuple[Ints, Ints, Ints, Ints, Ints, Flags, Flags]:
        """Everything added, as whole seconds UTC."""
        caller, callee, start, ring, talk, answered, by_box = (
            np.concatenate([part[i] for part in self._parts]) for i in range(7)
        )
        return (
            caller.astype(np.int64),
            callee.astype(np.int64),
            start.astype(np.int64) + EPOCH_S,
            np.clip(ring, 0, 180).astype(np.int64),
            np.where(answered, np.maximum(talk, 1), 0).astype(np.int64),
            answered.astype(np.bool_),
            by_box.astype(np.bool_),
        )


def one_call_at_a_time(columns: list[Column], lines: int, channels: Ints) -> list[Column]:
    """A line in use carries no second call: outgoing calls are not made, incoming ones find it busy.

    Lines with more than one channel (hunt groups) are left as they are.
    """
    caller, callee, start, ring, talk, answered, _ = columns
    out_line = np.asarray(caller, np.int64) - LINE_BASE
    in_line = np.asarray(callee, np.int64) - LINE_BASE
    is_out = (out_line >= 0) & (out_line < lines)
    is_in = (in_line >= 0) & (in_line < lines)
    rows = np.concatenate([np.flatnonzero(is_out), np.flatnonzero(is_in)])
    line = np.concatenate([out_line[is_out], in_line[is_in]])
    outgoing = np.arange(len(rows)) < int(is_out.sum())
    begin = np.asarray(start, np.int64)[rows]
    end = begin + np.asarray(ring, np.int64)[rows] + np.asarray(talk, np.int64)[rows]
    order = np.lexsort((begin, line))
    rows, line, outgoing, begin, end = rows[order], line[order], outgoing[order], begin[order], end[order]
    span = int(end.max(initial=0) - begin.min(initial=0)) + 1
    low = int(begin.min(initial=0))
    busy_until = np.maximum.accumulate(line * span + (end - low))
    taken = np.zeros(len(rows), bool)
    taken[1:] = (line * span + (begin - low))[1:] < busy_until[:-1]
    taken &= channels[line] == 1
    busy = rows[taken & ~outgoing]
    for column, value in ((ring, 0), (talk, 0), (answered, False)):
        column[busy] = value
    keep = np.ones(len(caller), bool)
    keep[rows[taken & outgoing]] = False
    return [column[keep] for column in columns]


def noise(columns: list[Column], rng: np.random.Generator, *, lost: float, doubled: float) -> list[Column]:
    """What mediation does to records: some are lost, some come twice."""
    count = len(columns[0])
    keep = np.flatnonzero(rng.random(count) >= lost)
    again = keep[rng.random(len(keep)) < doubled]
    rows = np.concatenate([keep, again])
    return [column[rows] for column in columns]


def in_order_of_arrival(columns: list[Column]) -> list[Column]:
    """A record is written when its call ends."""
    end = (
        np.asarray(columns[2], np.int64) + np.asarray(columns[3], np.int64) + np.asarray(columns[4], np.int64)
    )
    order = np.argsort(end, kind="stable")
    return [column[order] for column in columns]
