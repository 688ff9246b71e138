"""One call record after another through the lines' states. The hot loop: about half a microsecond a record.

`advance` sees records in order of arrival. An outgoing call of a watched line writes one row of `FEATURES`;
an incoming one only changes the state. Nothing here judges.
"""

import math

import numpy as np
from numpy.typing import NDArray

from tideng.calls.detector import layout as at
from tideng.calls.detector.compiling import kernel
from tideng.calls.detector.tables import slot_of

Ints = NDArray[np.int64]
State = NDArray[np.float32]
Keys = NDArray[np.uint64]


@kernel
def pair_key(line: int, other: np.uint64) -> np.uint64:
    """One 64-bit key for a line and a number; never 0, which means free."""
    h = np.uint64(line + 1) * np.uint64(0x9E3779B97F4A7C15) ^ other
    h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (h ^ (h >> np.uint64(31))) | np.uint64(1)


@kernel
def _new_day(s: State, day: int, t: Ints) -> None:
    """Close days that are over: today waits one day, then becomes the line's own past."""
    passed = day - t[at.T_DAY]
    steps = min(passed, 400)
    for step in range(steps):
        for i in range(at.HOUR_0, at.WIDTH):
            s[i] *= at.FORGET_PER_DAY
        for i in range(at.OWN_DAYS, at.OWN_PEAK):
            s[i] *= at.FORGET_PER_DAY
        s[at.OWN_DAYS] += 1.0
        for i in range(at.DAY_FIELDS - 1):
            s[at.OWN_OUT + i] += s[at.WAIT_OUT + i]
        s[at.OWN_PEAK] = max(s[at.OWN_PEAK] * at.PEAK_FORGET_PER_DAY, s[at.WAIT_PEAK])
        for i in range(at.DAY_FIELDS):
            s[at.WAIT_OUT + i] = s[at.DAY_OUT + i] if step == 0 else 0.0
            s[at.DAY_OUT + i] = 0.0
    t[at.T_DAY] = day


@kernel
def _forget(s: State, passed: float) -> None:
    fast, slow = math.exp(-passed / at.FAST_S), math.exp(-passed / at.SLOW_S)
    for i in range(at.F_N, at.S_N):
        s[i] *= fast
    for i in range(at.S_N, at.E_NEW):
        s[i] *= slow


@kernel
def _look(s: State, t: Ints, now: int, gap: float, hour: int, row: State) -> None:
    """Write the features of the call that was just counted."""
    days = s[at.OWN_DAYS] + 3.0
    new, new_slow = s[at.F_NEW], s[at.S_NEW]
    row[0] = new
    row[1] = new_slow
    row[2] = math.log((new_slow + 0.5) / (1.5 * (s[at.OWN_NEW] + 0.9) / days + 0.5))
    row[3] = new - s[at.OWN_PEAK]
    gaps = s[at.F_GAPS]
    mean = s[at.F_GAP] / (gaps + 1e-6)
    row[4] = mean if gaps > 0.5 else -1.0
    row[5] = math.sqrt(max(0.0, s[at.F_GAP2] / (gaps + 1e-6) - mean * mean)) if gaps > 1.5 else -1.0
    row[6] = gap
    row[7] = s[at.F_QUICK] / (s[at.F_N] + 1.0)
    own_miss = (s[at.OWN_MISS] + 1.2) / (s[at.OWN_OUT] + 3.0)
    missed = (s[at.S_MISS] + 0.5) / (new_slow + 1.0)
    row[8] = missed
    row[9] = missed - own_miss
    row[10] = s[at.F_UNANSWERED] / (s[at.F_N] + 0.5)
    row[11] = math.log((s[at.S_KNOWN] + 0.3) / (1.5 * s[at.OWN_KNOWN] / days + 0.3))
    row[12] = s[at.F_KNOWN] / (s[at.F_N] + 0.5)
    row[13] = s[at.S_REDIAL] / (s[at.S_N] + 1.0)
    row[14] = s[at.E_BUSY] / (now - t[at.T_EPISODE] + 300.0)
    row[15] = s[at.E_NEW]
    row[16] = (now - t[at.T_EPISODE]) / 3600.0
    row[17] = math.log((s[at.S_IN] + 0.3) / (1.5 * s[at.OWN_IN] / days + 0.3))
    row[18] = s[at.S_BACK] / (new_slow + 1.0)
    row[19] = s[at.S_FAILED] / (s[at.S_IN] + s[at.S_FAILED] + 1.0)
    own_talks = s[at.OWN_TALKS] + 6.0
    own_mean = (s[at.OWN_TALK] + 6.0 * 3.7) / own_talks
    own_spread = math.sqrt(
        max(0.2, (s[at.OWN_TALK2] + 6.0 * (3.7 * 3.7 + 1.1)) / own_talks - own_mean * own_mean)
    )
    talks = s[at.S_TALKS]
    mean = s[at.S_TALK] / (talks + 1e-6)
    row[20] = mean - own_mean if talks > 0.5 else -9.0
    row[21] = (
        math.sqrt(max(0.0, s[at.S_TALK2] / (talks + 1e-6) - mean * mean)) - own_spread
        if talks > 1.5
        else -9.0
    )
    row[22] = s[at.S_LONG]
    total = 1.0
    for i in range(at.HOUR_0, at.WIDTH):
        total += s[i]
    row[23] = (s[at.HOUR_0 + hour] + 1.0 / at.HOURS) / total
    row[24] = s[at.S_POPULAR] / (new_slow + 0.5)
    row[25] = s[at.S_SHARED]
    row[26] = math.log((s[at.OWN_OUT] + 1.0) / days)
    row[27] = (s[at.OWN_NEW] + 0.6) / (s[at.OWN_OUT] + 3.0)
    row[28] = min(s[at.OWN_DAYS], 30.0)
    row[29] = (s[at.S_SHORT] + 0.15) / (talks + 1.0)
    row[30] = s[at.S_LONG] / (talks + 1.0)


@kernel
def _count_pair(keys: Keys, first_day: NDArray[np.int16], count: Ints, key: np.uint64, day: int) -> int:
    """-1 if this is their first contact, else how many days ago that was."""
    slot = slot_of(keys, key)
    if keys[slot] == 0:
        keys[slot] = key
        first_day[slot] = day
        count[0] += 1
        return -1
    return int(day - first_day[slot])


@kernel
def _out(s: State, since: int, gap_s: float, ring: int, talk: int, answered: bool, hour: int) -> float:
    """Count an outgoing call; the logarithm of the gap before it."""
    s[at.F_N] += 1.0
    s[at.S_N] += 1.0
    s[at.DAY_OUT] += 1.0
    s[at.HOUR_0 + hour] += 1.0
    is_new = since < 0
    missed = not answered or talk < at.SHORT_S
    if not answered:
        s[at.F_UNANSWERED] += 1.0
    gap = math.log(1.0 + max(0.0, gap_s))
    if missed:
        s[at.DAY_MISS] += 1.0
    if gap_s <= at.QUICK_S and (is_new or since >= at.RETRY_DAYS):
        s[at.F_QUICK] += 1.0
        s[at.DAY_QUICK] += 1.0
    said = math.log(1.0 + talk)
    if answered:
        s[at.DAY_TALK] += said
        s[at.DAY_TALK2] += said * said
        s[at.DAY_TALKS] += 1.0
    if is_new:
        s[at.F_NEW] += 1.0
        s[at.S_NEW] += 1.0
        s[at.E_NEW] += 1.0
        s[at.DAY_NEW] += 1.0
        if missed:
            s[at.S_MISS] += 1.0
        if gap_s < 3_600:
            s[at.F_GAP] += gap
            s[at.F_GAP2] += gap * gap
            s[at.F_GAPS] += 1.0
        if answered:
            s[at.S_TALK] += said
            s[at.S_TALK2] += said * said
            s[at.S_TALKS] += 1.0
            if talk < at.SHORT_S:
                s[at.S_SHORT] += 1.0
            if talk >= at.LONG_S:
                s[at.S_LONG] += 1.0
    elif since >= at.RETRY_DAYS:
        s[at.S_KNOWN] += 1.0
        s[at.F_KNOWN] += 1.0
        s[at.DAY_KNOWN] += 1.0
    else:
        s[at.S_REDIAL] += 1.0
    s[at.E_BUSY] += ring + talk
    s[at.DAY_PEAK] = max(s[at.DAY_PEAK], s[at.F_NEW])
    return gap


@kernel
def _known_elsewhere(
    s: State,
    line: int,
    other: np.uint64,
    now: int,
    keys: Keys,
    lines: NDArray[np.uint8],
    loud_line: NDArray[np.int32],
    loud_at: Ints,
    count: Ints,
    is_out: bool,
) -> None:
    """A first contact: is the number popular, and has another loud line just called it?"""
    slot = slot_of(keys, other)
    if keys[slot] == 0:
        keys[slot] = other
        count[0] += 1
    elif is_out:
        if lines[slot] >= 2:
            s[at.S_POPULAR] += 1.0
        if (
            loud_line[slot] >= 0
            and loud_line[slot] != line
            and now - loud_at[slot] < at.SHARED_S
            and lines[slot] < 8
        ):
            s[at.S_SHARED] += 1.0
    if lines[slot] < 255:
        lines[slot] += 1
    if is_out and s[at.F_NEW] >= at.LOUD_NEW:
        loud_line[slot] = line
        loud_at[slot] = now


@kernel
def _in(s: State, answered: bool, is_back: bool) -> None:
    if answered:
        s[at.S_IN] += 1.0
        s[at.DAY_IN] += 1.0
        if is_back:
            s[at.S_BACK] += 1.0
    else:
        s[at.S_FAILED] += 1.0


@kernel
def _pass_time(s: State, t: Ints, now: int, day: int, start: int) -> None:
    if t[at.T_LAST] == 0:
        t[at.T_LAST], t[at.T_DAY], t[at.T_FIRST], t[at.T_EPISODE] = now, day, start, start
    if day > t[at.T_DAY]:
        _new_day(s, day, t)
    if now > t[at.T_LAST]:
        _forget(s, float(now - t[at.T_LAST]))
        t[at.T_LAST] = now


@kernel
def _begin(s: State, t: Ints, start: int) -> None:
    """Begin a new run or episode when the strangers of the last one are as good as forgotten."""
    if s[at.S_NEW] < 0.5 + 1.5 * s[at.OWN_NEW] / (s[at.OWN_DAYS] + 1.0):
        s[at.R_CALLS] = 0.0
        t[at.T_RUN] = start
    s[at.R_CALLS] += 1.0
    if s[at.F_NEW] < 0.3:
        s[at.E_NEW], s[at.E_BUSY] = 0.0, 0.0
        t[at.T_EPISODE] = start


@kernel
def advance(
    state: State,
    times: Ints,
    p_keys: Keys,
    p_day: NDArray[np.int16],
    p_count: Ints,
    n_keys: Keys,
    n_lines: NDArray[np.uint8],
    n_loud: NDArray[np.int32],
    n_loud_at: Ints,
    n_count: Ints,
    caller_line: NDArray[np.int32],
    callee_line: NDArray[np.int32],
    caller: Keys,
    callee: Keys,
    start: Ints,
    ring: Ints,
    talk: Ints,
    answered: NDArray[np.bool_],
    zone_s: int,
    rows: State,
    runs: Ints,
) -> None:
    """Take records `0 … n`.

    If a watched line placed record i, `rows[i]` receives its features, and `runs[i]` how many calls the line
    has placed since more strangers came than it is used to, when that began, and whether it called a
    stranger.
    """
    for i in range(len(start)):
        for side in range(2):
            line = caller_line[i] if side == 0 else callee_line[i]
            if line < 0:
                continue
            s, t = state[line], times[line]
            other = callee[i] if side == 0 else caller[i]
            now = start[i] + ring[i] + talk[i]
            day = (start[i] + zone_s) // 86_400
            _pass_time(s, t, now, day, start[i])
            since = _count_pair(p_keys, p_day, p_count, pair_key(line, other), day)
            if side == 1:
                if since < 0:
                    _known_elsewhere(s, line, other, now, n_keys, n_lines, n_loud, n_loud_at, n_count, False)
                _in(s, answered[i], 0 <= since < at.RETRY_DAYS)
                continue
            _begin(s, t, start[i])
            runs[i, 0], runs[i, 1] = s[at.R_CALLS], t[at.T_RUN]
            runs[i, 2] = since < 0
            gap_s = float(start[i] - t[at.T_END]) if t[at.T_END] > 0 else 86_400.0
            hour = ((start[i] + zone_s) % 86_400) // (86_400 // at.HOURS)
            gap = _out(s, since, gap_s, ring[i], talk[i], answered[i], hour)
            if since < 0:
                _known_elsewhere(s, line, other, now, n_keys, n_lines, n_loud, n_loud_at, n_count, True)
            if now > t[at.T_END]:
                t[at.T_END] = now
            _look(s, t, now, gap, hour, rows[i])
