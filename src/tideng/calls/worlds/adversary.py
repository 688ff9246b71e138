"""An adversary who may try the detector as often as a budget allows: how many calls get through at best.

A black-box search like evolution strategies: random ways of calling first, then changes of the best.
The adversary sees only whether and when an alarm came, knows the line's history, and wants many calls a day.
"""

from typing import Any, Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tideng.calls.columns import Calls
from tideng.calls.detector.detecting import score_calls
from tideng.calls.detector.evidence import Scorer
from tideng.calls.detector.lines import LineStates

DAYS_MAX: Final = 3
CALLS_MAX: Final = 400
LOW: Final = (3.0, 2.0, 0.05, 0.0, 0.0, 0.0, 10.0)
HIGH: Final = (150.0, 3_600.0, 1.2, 0.6, 0.5, 0.6, 300.0)
FIRST_SHARE: Final = 0.3


class Strategy(Struct, frozen=True, kw_only=True):
    """One way of calling from a line that is not one's own."""

    calls_per_day: float
    gap_s: float
    unevenness: float
    unanswered: float
    hang_ups: float
    friendly: float
    """Share of calls to numbers the line knows."""
    talk_s: float


class Attempt(Struct, frozen=True, kw_only=True):
    """What one strategy got through before the alarm, of strangers' calls over `DAYS_MAX` days."""

    strategy: Strategy
    strangers_called: int
    is_found: bool


def search(
    history: Calls,
    line: int,
    scorer: Scorer,
    threshold: float,
    *,
    budget: int,
    seed: int,
    zone_s: int = 28_800,
) -> list[Attempt]:
    """The adversary's attempts, the most successful first. `history`: records that touch this line only."""
    rng = np.random.default_rng(seed)
    low, high = np.log(np.array(LOW) + 0.01), np.log(np.array(HIGH) + 0.01)
    tried: list[tuple[NDArray[np.float64], Attempt]] = []
    for number in range(budget):
        if number < FIRST_SHARE * budget or not tried:
            point = rng.uniform(low, high)
        else:
            best = max(tried[-200:], key=lambda one: one[1].strangers_called)[0]
            point = np.clip(best + rng.normal(0, 0.25, len(low)), low, high)
        strategy = Strategy(**dict(zip(Strategy.__struct_fields__, np.exp(point).tolist(), strict=True)))
        tried.append((point, _attempt(history, line, strategy, scorer, threshold, rng, zone_s)))
        tried.sort(key=lambda one: one[1].strangers_called)
    return [attempt for _, attempt in reversed(tried)]


def _attempt(
    history: Calls,
    line: int,
    way: Strategy,
    scorer: Scorer,
    threshold: float,
    rng: np.random.Generator,
    zone_s: int,
) -> Attempt:
    begins = int(history.end.max()) + 3_600
    friends = np.unique(history.callee[history.caller_line == line])
    starts, rings, talks, answered = _script(way, rng)
    count = len(starts)
    strangers = np.uint64(8_613_000_000_000) + rng.integers(10**9, 5 * 10**9, count).astype(np.uint64)
    is_friend = rng.random(count) < (way.friendly if len(friends) else 0.0)
    callee = np.where(is_friend, rng.choice(friends, count) if len(friends) else strangers, strangers)

    # Any: whole numbers, keys and flags side by side.
    def joined(name: str, more: NDArray[Any]) -> NDArray[Any]:
        column: NDArray[Any] = getattr(history, name)
        return np.concatenate([column, more.astype(column.dtype)])

    fields = {
        "caller": np.full(count, history.caller[history.caller_line == line][0]),
        "callee": callee,
        "caller_line": np.full(count, line),
        "callee_line": np.full(count, -1),
        "start": begins + starts,
        "ring_s": rings,
        "talk_s": np.where(answered, talks, 0),
        "answered": answered,
    }
    calls = Calls(
        **{name: joined(name, column) for name, column in fields.items()}, lines=history.lines, classes=()
    )
    scored = score_calls(calls, LineStates(len(history.lines), zone_s=zone_s), scorer)
    over = scored.record[(scored.score >= threshold) & (scored.record >= len(history.start))]
    until = int(over[0]) - len(history.start) + 1 if len(over) else count
    return Attempt(strategy=way, strangers_called=int((~is_friend[:until]).sum()), is_found=bool(len(over)))


def _script(
    way: Strategy, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    size = min(CALLS_MAX, max(1, int(way.calls_per_day))) * DAYS_MAX
    answered = rng.random(size) >= way.unanswered
    talks = np.where(
        rng.random(size) < way.hang_ups, rng.exponential(6, size), rng.exponential(way.talk_s, size) + 5
    )
    rings = np.where(answered, rng.gamma(3, 4, size), rng.gamma(4, 7, size)).astype(np.int64) + 2
    gap = way.gap_s * rng.lognormal(0, way.unevenness, size)
    step = rings + np.where(answered, talks, 0) + gap
    day = np.repeat(np.arange(DAYS_MAX), size // DAYS_MAX)
    within = np.cumsum(step) - step
    within -= np.repeat(within[:: size // DAYS_MAX], size // DAYS_MAX)
    keep = within < 10 * 3_600
    starts = (day * 86_400 + within).astype(np.int64)
    return starts[keep], rings[keep], talks.astype(np.int64)[keep], answered[keep]
