"""Whether a simulated town makes as many calls as the country's fixed lines do, and when. Pure.

The country's figures: 58.6 billion outgoing minutes in nine months of 2024 on some 170 million lines (MIIT,
as quoted in the press), so 1.3 minutes a line and day; four to seven and a half of ten calls answered. One
town may be a third or three times as busy as the country; towns together may not.
"""

from typing import Final

import numpy as np
from msgspec import Struct

from tideng.calls.worlds.traffic import DAY_S, EPOCH_S, LINE_BASE, ZONE_S, World

MINUTES_COUNTRY: Final = 1.3
"""Outgoing, a line and day."""
NIGHT_HOURS: Final = 6
"""From midnight."""


class Macro(Struct, frozen=True, kw_only=True):
    """What a town's ordinary calls amount to; its boxes are left out."""

    minutes_per_line_day: float
    calls_per_line_day: float
    answered_share: float
    """Of outgoing calls."""
    usual_talk_s: float
    """Median of answered outgoing calls."""
    received_per_line_day: float
    night_share: float
    busiest_hour_share: float
    weekend_ratio: float
    """Calls on a day of the weekend, by those on another day."""


BOUNDS: Final = {
    "minutes_per_line_day": (MINUTES_COUNTRY * 0.3, MINUTES_COUNTRY * 3),
    "calls_per_line_day": (0.4, 3.0),
    "answered_share": (0.4, 0.8),
    "usual_talk_s": (12.0, 120.0),
    "received_per_line_day": (0.25, 3.5),
    "night_share": (0.0, 0.03),
    "busiest_hour_share": (0.07, 0.16),
    "weekend_ratio": (0.4, 1.2),
}
"""What one town may be."""
TOWNS_TOGETHER: Final = (MINUTES_COUNTRY * 0.75, MINUTES_COUNTRY * 1.35)
"""Minutes a line and day of many towns, on average."""


def macro(world: World) -> Macro:
    """The figures of a world."""
    own = ~world.by_box
    out = own & (world.caller >= LINE_BASE) & (world.caller < LINE_BASE + world.lines + world.first_line)
    received = own & (world.callee >= LINE_BASE) & (world.callee < LINE_BASE + world.lines + world.first_line)
    line_days = world.lines * world.days
    talk = world.duration_s[out & world.answered]
    hour = (world.start[out] + ZONE_S) % DAY_S // 3600
    by_hour = np.bincount(hour.astype(np.int64), minlength=24) / max(1, len(hour))
    day = (world.start[out] - EPOCH_S) // DAY_S
    by_day = np.bincount(day.astype(np.int64).clip(0, world.days - 1), minlength=world.days)
    weekend = np.isin(np.arange(world.days) % 7, (0, 6))
    return Macro(
        minutes_per_line_day=float(world.duration_s[out].sum() / 60 / line_days),
        calls_per_line_day=float(out.sum() / line_days),
        answered_share=float(world.answered[out].mean()),
        usual_talk_s=float(np.median(talk)),
        received_per_line_day=float(received.sum() / line_days),
        night_share=float(by_hour[:NIGHT_HOURS].sum()),
        busiest_hour_share=float(by_hour.max()),
        weekend_ratio=float(by_day[weekend].mean() / by_day[~weekend].mean()),
    )


def out_of_bounds(figures: Macro) -> tuple[str, ...]:
    """Names of figures that no town should have."""
    return tuple(name for name, (low, high) in BOUNDS.items() if not low <= getattr(figures, name) <= high)
