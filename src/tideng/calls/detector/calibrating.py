"""Thresholds that keep their promise: moved by what this population's own quiet days look like.

The promise (so many false alarms per million line-days) is first kept on the dev worlds. Another town's
ordinary days reach higher or lower; how much, the upper quantiles of its daily peaks tell (peaks over a high
level, where a few boxes weigh nothing: the 0.1 % … 2 % of line-days). The threshold moves by that shift.
"""

from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tideng.calls.columns import Calls
from tideng.calls.detector.evidence import TAIL_SHARES, Model

LINE_DAYS_MIN: Final = 20_000
"""Below, a population says too little about its tail; the dev worlds' threshold stays."""
SHIFT_SHARE: Final = 0.35
"""How much of the difference the threshold follows: the far tail moves less than the near one."""
SHIFT_MAX: Final = 1.5
SHIFT_MIN: Final = -0.75
NO_SCORE: Final = -12.0


class Threshold(Struct, frozen=True, kw_only=True):
    """What a score must reach, for each tier, and how it came about."""

    call_owner: float
    suspend: float
    shift: float
    line_days: int
    tail: tuple[float, ...]

    def moved(self, by: float) -> "Threshold":
        """Both thresholds moved by `by`."""
        return Threshold(
            call_owner=self.call_owner + by,
            suspend=self.suspend + by,
            shift=self.shift + by,
            line_days=self.line_days,
            tail=self.tail,
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
    """Levels that these shares of all line-days exceed; line-days without a score count as lowest."""
    ordered = np.sort(peaks)[::-1]
    levels = []
    for share in TAIL_SHARES:
        rank = int(share * line_days)
        levels.append(float(ordered[rank]) if rank < len(ordered) else NO_SCORE)
    return tuple(levels)


def calibrate(
    calls: Calls,
    record: NDArray[np.int64],
    line: NDArray[np.int32],
    score: NDArray[np.float64],
    model: Model,
    *,
    zone_s: int,
) -> Threshold:
    """The thresholds for this population."""
    days = (calls.start + zone_s) // 86_400
    span = int(days.max() - days.min()) + 1 if len(days) else 0
    line_days = span * len(calls.lines)
    return threshold_of(daily_peaks(line, days[record], score), line_days, model)


def threshold_of(peaks: NDArray[np.float64], line_days: int, model: Model) -> Threshold:
    """The thresholds for a population whose line-days had these peaks."""
    levels = tail_levels(peaks, line_days)
    shift = shift_of(levels, model.tail) if line_days >= LINE_DAYS_MIN else 0.0
    return Threshold(
        call_owner=model.threshold + shift,
        suspend=model.suspend + shift,
        shift=shift,
        line_days=line_days,
        tail=levels,
    )


def shift_of(levels: tuple[float, ...], usual: tuple[float, ...]) -> float:
    """How much higher (or lower) this population's own tail lies, bounded."""
    differences = [mine - theirs for mine, theirs in zip(levels, usual, strict=True)]
    return float(np.clip(SHIFT_SHARE * np.median(differences), SHIFT_MIN, SHIFT_MAX))


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
