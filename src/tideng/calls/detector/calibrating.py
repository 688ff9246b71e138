"""Thresholds that keep their promise: set by what this population's own lines reached.

The shipped threshold keeps the promise (so many false alarms per million line-days) on the dev worlds.
Another town's honest lines reach higher or lower. A box that goes on calling soon leaves the honest lines
behind. So lines whose evidence came to rest *between* a threshold and a level well above it are, at worst,
honest: there may be no more of them than were promised, and than boxes themselves leave there. The threshold
is the lowest that holds to this, within bounds around the shipped one, and a margin above it: without one,
ten held-out towns of 40,000 lines had 13 false alarms where 10 were promised. The threshold for suspending
only rises: that a population is quiet is no reason to cut a line off sooner.
"""

from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tideng.calls.columns import Calls
from tideng.calls.detector.evidence import TAIL_SHARES, Model

DOWN_MAX: Final = 2.5
UP_MAX: Final = 0.3
STEP: Final = 0.05
REST_ABOVE: Final = 1.5
"""How far above the shipped threshold a line has left the honest ones behind."""
BOXES_RESTING: Final = 0.04
"""Of boxes, the share that stops in between (dev worlds): soon removed, or careful."""
MARGIN: Final = 0.6
"""Log odds. On those towns (seeds 37000 to 37009) 0.3 kept 1.25 times the promise in 7 of 10, 0.45 in 8, this
in 9; it costs 1.6 points of the boxes and one call in the median."""
NO_SCORE: Final = -12.0


class Threshold(Struct, frozen=True, kw_only=True):
    """What a score must reach, for each tier, and how it came about."""

    call_owner: float
    suspend: float
    shift: float
    line_days: int
    between: int
    """Lines whose evidence came to rest above the threshold without becoming clear."""

    def moved(self, by: float) -> "Threshold":
        """Both thresholds moved by `by`."""
        return Threshold(
            call_owner=self.call_owner + by,
            suspend=self.suspend + by,
            shift=self.shift + by,
            line_days=self.line_days,
            between=self.between,
        )


def calibrate(
    calls: Calls, line: NDArray[np.int32], score: NDArray[np.float64], model: Model, *, zone_s: int
) -> Threshold:
    """The thresholds for the population of these calls."""
    days = (calls.start + zone_s) // 86_400
    span = int(days.max() - days.min()) + 1 if len(days) else 0
    peaks = np.full(len(calls.lines), NO_SCORE)
    np.maximum.at(peaks, line, score)
    return threshold_of(peaks, span * len(calls.lines), model)


def threshold_of(peaks: NDArray[np.float64], line_days: int, model: Model) -> Threshold:
    """The thresholds for a population whose lines reached these peaks in so many line-days."""
    clear = model.threshold + REST_ABOVE
    allowed = model.promised * line_days / 1e6 + BOXES_RESTING * int((peaks >= clear).sum())
    resting = np.sort(peaks[peaks < clear])
    levels = model.threshold + np.arange(-DOWN_MAX, UP_MAX + STEP / 2, STEP)
    above = len(resting) - np.searchsorted(resting, levels, "left")
    fitting = np.flatnonzero(above <= allowed)
    at = int(fitting[0]) if len(fitting) else len(levels) - 1
    shift = float(levels[at]) - model.threshold
    return Threshold(
        call_owner=model.threshold + shift + MARGIN,
        suspend=model.suspend + max(0.0, shift),
        shift=shift,
        line_days=line_days,
        between=int(above[at]),
    )


def shipped(model: Model) -> Threshold:
    """The thresholds as they were promised, before a population has said anything."""
    return Threshold(
        call_owner=model.threshold + MARGIN, suspend=model.suspend, shift=0.0, line_days=0, between=0
    )


def daily_peaks(
    line: NDArray[np.int32], day: NDArray[np.int64], score: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The highest score of every line-day that has one."""
    if not len(score):
        return np.empty(0)
    key = day * (int(line.max()) + 1) + line
    order = np.argsort(key, kind="stable")
    heads = np.flatnonzero(np.diff(key[order], prepend=-1))
    peaks: NDArray[np.float64] = np.maximum.reduceat(score[order], heads)
    return peaks


def tail_levels(peaks: NDArray[np.float64], line_days: int) -> tuple[float, ...]:
    """Levels that `TAIL_SHARES` of all line-days exceed; line-days without a score count as lowest."""
    ordered = np.sort(peaks)[::-1]
    levels = []
    for share in TAIL_SHARES:
        rank = int(share * line_days)
        levels.append(float(ordered[rank]) if rank < len(ordered) else NO_SCORE)
    return tuple(levels)


PRECISION_WANTED: Final = 0.5
PRIOR_VISITS: Final = 10.0
FEEDBACK_MAX: Final = 2.0


def feedback_shift(confirmed: int, not_confirmed: int) -> float:
    """How visits move the thresholds: as many log odds as the visits' own odds differ from the odds wanted.

    Ten imagined visits at the wanted odds stand before the first real one, so that one mistake moves little;
    the shift is never below 0, because boxes that nobody was sent to are never fed back.
    """
    right = confirmed + PRIOR_VISITS * PRECISION_WANTED
    wrong = not_confirmed + PRIOR_VISITS * (1 - PRECISION_WANTED)
    return float(np.clip(np.log(wrong / right), 0.0, FEEDBACK_MAX))
