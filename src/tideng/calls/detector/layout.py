"""What is kept about a line, and what is looked at when it places a call: names for columns. Pure."""

from typing import Final

# Leaky counters of outgoing calls: FAST forgets within about two hours, SLOW within about a day and a half.
FAST_S: Final = 7_200.0
SLOW_S: Final = 129_600.0

(
    F_N, F_NEW, F_KNOWN, F_QUICK, F_GAP, F_GAP2, F_GAPS, F_UNANSWERED,
    S_N, S_NEW, S_KNOWN, S_MISS, S_SHORT, S_REDIAL, S_LONG, S_POPULAR, S_SHARED, S_TALK, S_TALK2, S_TALKS,
    S_BACK, S_IN, S_FAILED,
    E_NEW, E_BUSY, R_CALLS,
    DAY_OUT, DAY_NEW, DAY_KNOWN, DAY_MISS, DAY_QUICK, DAY_IN, DAY_TALK, DAY_TALK2, DAY_TALKS, DAY_PEAK,
    WAIT_OUT, WAIT_NEW, WAIT_KNOWN, WAIT_MISS, WAIT_QUICK, WAIT_IN, WAIT_TALK, WAIT_TALK2, WAIT_TALKS,
    WAIT_PEAK,
    OWN_DAYS, OWN_OUT, OWN_NEW, OWN_KNOWN, OWN_MISS, OWN_QUICK, OWN_IN, OWN_TALK, OWN_TALK2, OWN_TALKS,
    OWN_PEAK,
    HOUR_0,
) = range(58)  # fmt: skip
HOURS: Final = 6
"""Own hours of calling, in pieces of four."""
WIDTH: Final = HOUR_0 + HOURS
DAY_FIELDS: Final = 10

T_LAST, T_END, T_EPISODE, T_DAY, T_FIRST, T_RUN = range(6)
T_WIDTH: Final = 6

FEATURES: Final = (
    "new_fast", "new_slow", "new_surprise", "over_own_peak",
    "gap_mean", "gap_spread", "gap_now", "quick_share",
    "missed_share", "missed_over_own", "unanswered_fast",
    "known_ratio", "known_fast", "redial_share",
    "occupancy", "episode_new", "episode_hours",
    "incoming_ratio", "called_back", "incoming_failed",
    "talk_over_own", "talk_spread_over_own", "long_calls",
    "hour_share",
    "popular_share", "shared_with_loud",
    "own_out", "own_new_share", "own_days",
    "short_share", "long_share",
)  # fmt: skip
"""Of one outgoing call, the line's state included; `advance` writes them in this order."""
WIDTH_FEATURES: Final = len(FEATURES)

SHORT_S: Final = 16
LONG_S: Final = 480
QUICK_S: Final = 25
RETRY_DAYS: Final = 2
LOUD_NEW: Final = 3.0
SHARED_S: Final = 3 * 86_400
FORGET_PER_DAY: Final = 0.985
PEAK_FORGET_PER_DAY: Final = 0.98
