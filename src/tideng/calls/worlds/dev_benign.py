"""Ordinary lines of the worlds the detector is tuned on: who calls whom when nothing is wrong."""

from typing import Final

import numpy as np
from msgspec import Struct

from tideng.calls.worlds.traffic import (
    DAY_S,
    LINE_BASE,
    SERVICE_BASE,
    Flags,
    Floats,
    Ints,
    Traffic,
    lay_out,
    mix,
    mobile,
)

ARCHETYPES: Final = (
    "quiet", "elder", "hub", "landlord", "home_office", "shop", "clinic", "school", "property", "restaurant",
    "courier", "telesales", "call_centre", "fax", "alarm", "hotel", "committee", "new_home", "forwarded",
)  # fmt: skip
_SHARES: Final = (
    34, 26, 10, 2, 3, 6, 1.2, 0.8, 1, 2.5, 0.7, 0.4, 0.3, 2, 1.5, 0.8, 0.8, 1.5, 1.0,
)  # fmt: skip
_RATE: Final = (
    0.6, 1.0, 2.6, 2.5, 3.5, 5.0, 9.0, 7.0, 9.0, 5.0, 45.0, 110.0, 70.0, 2.5, 1.6, 14.0, 9.0, 1.0, 0.3,
)  # fmt: skip
_STRANGER: Final = (
    0.12, 0.06, 0.12, 0.3, 0.25, 0.3, 0.5, 0.35, 0.4, 0.35, 0.85, 0.93, 0.8, 0.3, 0.01, 0.5, 0.35, 0.5, 0.1,
)  # fmt: skip
BUSINESS: Final = frozenset(range(5, 13)) | {15}
MULTI: Final = frozenset({12, 15})
NEW: Final = frozenset({17})


class Habits(Struct, frozen=True, kw_only=True):
    """What differs from one town to the next."""

    rate: float
    stranger: float
    answered: float
    talk_s: float
    chain: float
    chain_gap_s: float
    shocks: float
    shock_size: float
    incoming: float
    seed: int
    weekend: float
    loyalty: float
    fame: float
    spread: float
    hang_up: float
    redial: float
    call_back: float
    pool: int
    """Numbers that strangers are drawn from: small towns meet again by chance."""


def habits(rng: np.random.Generator, seed: int) -> Habits:
    """Drawn wide, so that nothing is learnt that holds in one town only."""
    return Habits(
        rate=float(rng.lognormal(np.log(0.36), 0.35)),
        stranger=float(rng.lognormal(0, 0.4)),
        answered=float(rng.uniform(0.5, 0.82)),
        talk_s=float(rng.lognormal(np.log(70), 0.35)),
        chain=float(rng.uniform(0.08, 0.4)),
        chain_gap_s=float(rng.lognormal(np.log(45), 0.5)),
        shocks=float(rng.lognormal(np.log(0.002), 0.6)),
        shock_size=float(rng.uniform(12, 40)),
        incoming=float(rng.uniform(0.7, 1.8)),
        seed=seed,
        weekend=float(rng.uniform(0.6, 1.1)),
        loyalty=float(rng.uniform(1.3, 2.6)),
        fame=float(rng.uniform(0, 0.5)),
        spread=float(rng.uniform(0.6, 1.4)),
        hang_up=float(rng.uniform(0.0, 0.2)),
        redial=float(rng.uniform(0.02, 0.6)),
        call_back=float(rng.uniform(0.0, 0.4)),
        pool=int(10 ** rng.uniform(5.0, 9.5)),
    )


_DAY_SHAPE: Final = np.array(
    [0.2, 0.1, 0.05, 0.05, 0.1, 0.4, 1.5, 4, 7, 9, 9.5, 8, 6, 5.5, 6, 7, 7, 7.5, 8, 8.5, 8, 6, 3, 1]
)
_OFFICE_SHAPE: Final = np.array(
    [0, 0, 0, 0, 0, 0, 0, 1, 7, 12, 12, 9, 4, 8, 11, 11, 10, 6, 2, 1, 1, 0, 0, 0.0]
)


def draw_archetypes(rng: np.random.Generator, lines: int) -> Ints:
    """Which kind each line is; the shares wander from world to world."""
    shares = np.array(_SHARES) * rng.lognormal(0, 0.35, len(_SHARES))
    return rng.choice(len(_SHARES), lines, p=shares / shares.sum()).astype(np.int64)


def contact(line: Ints, rank: Ints, week: Ints, seed: int) -> Ints:
    """The number a line knows at this rank; some ranks change hands over the weeks. One in nine is a line."""
    life = 12 + mix(line, rank, seed, 1) % 60
    generation = (week + mix(line, rank, seed, 2) % 70) // life
    return mobile(mix(line, rank, generation, seed, 3))


def stranger(rng: np.random.Generator, count: int, town: Habits) -> Ints:
    """Numbers of people the line has no reason to know."""
    return mobile(mix(rng.integers(0, town.pool, count), town.seed, 41))


def times_of_day(rng: np.random.Generator, day: Ints, office: np.ndarray) -> Floats:
    """Seconds since the world began, by the hour's weight."""
    hours = np.where(
        office,
        rng.choice(24, len(day), p=_OFFICE_SHAPE / _OFFICE_SHAPE.sum()),
        rng.choice(24, len(day), p=_DAY_SHAPE / _DAY_SHAPE.sum()),
    )
    return day * float(DAY_S) + hours * 3600.0 + rng.uniform(0, 3600, len(day))


def everyday(
    rng: np.random.Generator, traffic: Traffic, kinds: Ints, days: int, town: Habits, born: Ints
) -> None:
    """Calls made and received on ordinary days."""
    lines = len(kinds)
    office = np.isin(kinds, list(BUSINESS))
    own = np.array(_RATE)[kinds] * town.rate * rng.lognormal(0, 0.6, lines)
    week_day = np.arange(days) % 7
    shape = np.where((week_day == 0) | (week_day == 6), town.weekend, 1.0)
    day_mean = own[:, None] * np.where(
        office[:, None], np.where(shape < 1, shape * 0.6, shape)[None, :], shape[None, :]
    )
    day_mean *= rng.gamma(2.5, 1 / 2.5, day_mean.shape)
    day_mean[np.arange(days)[None, :] < born[:, None]] = 0
    sessions = rng.poisson(day_mean * (1 - town.chain))
    line, day = (part.astype(np.int64) for part in np.nonzero(sessions))
    repeat = sessions[line, day]
    line, day = np.repeat(line, repeat), np.repeat(day, repeat)
    start = times_of_day(rng, day, office[line])
    length = rng.geometric(1 - town.chain, len(line)).clip(max=12)
    _chains(rng, traffic, kinds, town, line, start, length)
    _received(rng, traffic, kinds, days, town, own, born)


def _chains(
    rng: np.random.Generator,
    traffic: Traffic,
    kinds: Ints,
    town: Habits,
    line: Ints,
    start: Floats,
    length: Ints,
) -> None:
    who = np.repeat(line, length)
    count = len(who)
    kind = kinds[who]
    week = (np.repeat(start, length) // (7 * DAY_S)).astype(np.int64)
    circle = 4 + mix(who, town.seed, 9) % np.where(np.isin(kind, list(BUSINESS)), 60, 14)
    rank = (circle * rng.random(count) ** town.loyalty).astype(np.int64)
    callee = contact(who, rank, week, town.seed)
    neighbour = mix(who, rank, town.seed, 5) % 9 == 0
    callee = np.where(neighbour, LINE_BASE + mix(who, rank, town.seed, 6) % len(kinds), callee)
    strange = rng.random(count) < np.clip(np.array(_STRANGER)[kind] * town.stranger, 0, 0.97)
    popular = rng.random(count) < town.fame
    fame = (400 * rng.random(count) ** 3).astype(np.int64)
    new = np.where(popular & ~np.isin(kind, [10, 11, 12]), SERVICE_BASE + fame, stranger(rng, count, town))
    callee = np.where(strange, new, callee)
    single = np.isin(kind, [13, 14])
    callee = np.where(single & ~strange, LINE_BASE - 1 - who % 50, callee)
    answered = rng.random(count) < np.clip(
        town.answered + np.where(strange & ~popular, -0.08, 0.05), 0.2, 0.97
    )
    answered |= single & (rng.random(count) < 0.9)
    scale = (
        town.talk_s
        * np.array(
            [1.2, 1.3, 1.4, 1, 1.3, 0.9, 0.8, 0.9, 0.9, 0.6, 0.35, 0.5, 1.2, 0.6, 0.25, 0.8, 0.8, 1.1, 1]
        )[kind]
    )
    talk = rng.lognormal(np.log(scale), town.spread * (0.7 + mix(who, town.seed, 17) % 60 / 100))
    hung = rng.random(count) < town.hang_up * (mix(who, town.seed, 18) % 100 / 60)
    talk = np.where(hung, rng.uniform(1, 15, count), talk).clip(1, 7200)
    ring = np.where(answered, rng.gamma(3, 4, count), rng.gamma(4, 7, count)).clip(1, 75)
    gap = rng.lognormal(np.log(town.chain_gap_s), 0.9, count)
    dialler = np.isin(kind, [11, 12]) & (mix(who, town.seed, 11) % 3 == 0)
    gap = np.where(dialler, rng.uniform(3, 18, count), gap)
    begin = lay_out(start, length, ring + np.where(answered, talk, 0), gap)
    traffic.add(LINE_BASE + who, callee, begin, ring, talk, answered)
    _afterwards(rng, traffic, town, who, callee, begin, ring, talk, answered)


def _afterwards(
    rng: np.random.Generator,
    traffic: Traffic,
    town: Habits,
    who: Ints,
    callee: Ints,
    begin: Floats,
    ring: Floats,
    talk: Floats,
    answered: Flags,
) -> None:
    """Tries again after nobody answered, and calls back from those who were not reached."""
    count = len(who)
    redial = ~answered & (rng.random(count) < town.redial)
    again = rng.random(int(redial.sum())) < 0.5
    traffic.add(
        LINE_BASE + who[redial],
        callee[redial],
        begin[redial] + ring[redial] + rng.lognormal(3.2, 0.8, int(redial.sum())),
        ring[redial],
        talk[redial],
        again,
    )
    back = ~answered & (rng.random(count) < town.call_back)
    number = int(back.sum())
    traffic.add(
        callee[back],
        LINE_BASE + who[back],
        begin[back] + rng.lognormal(6.5, 1.0, number),
        rng.gamma(3, 4, number),
        rng.lognormal(np.log(town.talk_s), 0.9, number),
        rng.random(number) < 0.75,
    )


def _received(
    rng: np.random.Generator, traffic: Traffic, kinds: Ints, days: int, town: Habits, own: Floats, born: Ints
) -> None:
    rate = np.minimum(own, 25) * town.incoming * np.where(np.isin(kinds, [11, 13, 14]), 0.1, 1.0)
    counts = rng.poisson(rate * days)
    line = np.repeat(np.arange(len(kinds)), counts)
    count = len(line)
    day = rng.integers(0, days, count)
    start = times_of_day(rng, day, np.isin(kinds, list(BUSINESS))[line])
    circle = 4 + mix(line, town.seed, 9) % np.where(np.isin(kinds[line], list(BUSINESS)), 60, 14)
    rank = (circle * rng.random(count) ** town.loyalty).astype(np.int64)
    caller = contact(line, rank, day // 7, town.seed)
    strange = rng.random(count) < np.where(np.isin(kinds[line], list(BUSINESS)), 0.6, 0.2)
    caller = np.where(strange, stranger(rng, count, town), caller)
    answered = rng.random(count) < 0.72
    living = day >= born[line]
    traffic.add(
        caller[living],
        LINE_BASE + line[living],
        start[living],
        rng.gamma(3, 5, count)[living],
        rng.lognormal(np.log(town.talk_s * 1.2), 1.0, count)[living],
        answered[living],
    )


def shocks(rng: np.random.Generator, traffic: Traffic, kinds: Ints, days: int, town: Habits) -> None:
    """Days on which an honest line calls many people: a wedding, a funeral, a notice, a search for a
    tradesman."""
    weight = np.array([1, 1, 1.5, 1.5, 2, 2.5, 12, 12, 12, 4, 1, 0.2, 0.2, 0.2, 0.1, 3, 25, 2, 0.2])
    happens = rng.poisson(town.shocks * days * weight[kinds] / 4)
    line = np.repeat(np.arange(len(kinds)), happens)
    runs = len(line)
    if not runs:
        return
    what = rng.choice(5, runs, p=[0.18, 0.12, 0.3, 0.25, 0.15])
    size = (2 + rng.gamma(1.6, town.shock_size * np.array([0.9, 0.8, 1.3, 0.13, 0.2])[what] / 1.6)).astype(
        np.int64
    )
    day = rng.integers(0, days, runs)
    start = times_of_day(rng, day, np.ones(runs, bool))
    who, kind = np.repeat(line, size), np.repeat(what, size)
    count = len(who)
    known = rng.random(count) < np.array([0.45, 0.5, 0.1, 0.05, 0.3])[kind]
    rank = (14 * rng.random(count)).astype(np.int64)
    week = np.repeat(day // 7, size)
    callee = np.where(known, contact(who, rank, week, town.seed), stranger(rng, count, town))
    searched = (kind == 3) & (rng.random(count) < 1.6 * town.fame)
    callee = np.where(searched, SERVICE_BASE + rng.integers(0, 900, count), callee)
    reach = np.array([0.75, 0.78, 0.7, 0.6, 0.65])[what] + rng.normal(0, 0.12, runs)
    answered = rng.random(count) < np.clip(np.repeat(reach, size), 0.25, 0.97)
    median = np.array([75, 60, 38, 45, 90])[kind] * np.repeat(rng.lognormal(0, 0.3, runs), size)
    talk = rng.lognormal(np.log(median), np.repeat(rng.uniform(0.4, 1.5, runs), size)).clip(2, 3600)
    brief = rng.random(count) < np.repeat(rng.beta(1, 6, runs), size)
    talk = np.where(brief, rng.uniform(1, 15, count), talk)
    ring = np.where(answered, rng.gamma(3, 4, count), rng.gamma(4, 6, count)).clip(2, 60)
    gap = rng.lognormal(
        np.log(np.array([70, 60, 35, 60, 90])[kind] * np.repeat(rng.lognormal(0, 0.5, runs), size)), 0.9
    )
    begin = lay_out(start, size, ring + np.where(answered, talk, 0), gap)
    traffic.add(LINE_BASE + who, callee, begin, ring, talk, answered)
    back = ~answered & (
        rng.random(count) < np.repeat(rng.uniform(0, 2.2 * town.call_back + 0.05, runs), size)
    )
    number = int(back.sum())
    traffic.add(
        callee[back],
        LINE_BASE + who[back],
        begin[back] + rng.lognormal(6.3, 1.0, number),
        rng.gamma(3, 4, number),
        rng.lognormal(4, 0.8, number),
        rng.random(number) < 0.7,
    )
