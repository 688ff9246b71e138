"""Boxes of the worlds the detector is tuned on."""

from typing import Final

import numpy as np

from tideng.calls.worlds.dev_benign import BUSINESS, Habits, contact, stranger
from tideng.calls.worlds.traffic import (
    DAY_S,
    EPOCH_S,
    LINE_BASE,
    Box,
    Column,
    Ints,
    Traffic,
    lay_out,
    mix,
    mobile,
)

KINDS: Final = ("burst", "steady", "slow", "mimic", "superimposed", "room", "hour")
_PER_DAY: Final = {
    "burst": (70, 200),
    "steady": (35, 75),
    "slow": (9, 28),
    "mimic": (5, 14),
    "superimposed": (30, 110),
    "room": (40, 140),
    "hour": (15, 45),
}
RATE_SHARE: Final = {
    "burst": 0.3,
    "steady": 0.2,
    "slow": 0.15,
    "mimic": 0.12,
    "superimposed": 0.1,
    "room": 0.05,
    "hour": 0.08,
}


def place(
    rng: np.random.Generator,
    traffic: Traffic,
    kinds: Ints,
    days: int,
    town: Habits,
    count: int,
    quiet_days: int,
) -> tuple[Box, ...]:
    """Wire `count` boxes to lines, none before `quiet_days`; the truth about them."""
    homes = rng.permutation(np.flatnonzero(~np.isin(kinds, [*BUSINESS, 13, 14, 17, 18])))
    offices = rng.permutation(np.flatnonzero(np.isin(kinds, [5, 6, 7, 8, 9, 15])))
    fresh = rng.permutation(np.flatnonzero(kinds == 17))
    boxes = []
    for number in range(count):
        kind = str(rng.choice(KINDS, p=[RATE_SHARE[k] for k in KINDS]))
        pool = offices if kind == "superimposed" else fresh if kind == "room" else homes
        if number < len(pool):
            boxes += _box(rng, traffic, int(pool[number]), kind, days, town, quiet_days)
    return tuple(boxes)


def _box(
    rng: np.random.Generator, traffic: Traffic, line: int, kind: str, days: int, town: Habits, quiet_days: int
) -> list[Box]:
    low, high = _PER_DAY[kind]
    per_day = rng.uniform(low, high)
    first_day = int(rng.integers(quiet_days, max(quiet_days + 1, days - 1)))
    stay = int(rng.integers(1, 5)) if kind in ("burst", "steady", "hour", "room") else int(rng.integers(2, 9))
    last_day = min(days, first_day + stay)
    machine = rng.random() < 0.6
    gap_s = rng.uniform(4, 18) if machine else rng.lognormal(np.log(35), 0.5)
    unanswered, short = rng.uniform(0.12, 0.65), rng.uniform(0.1, 0.75)
    middle, width = rng.uniform(25, 100), rng.uniform(0.5, 1.5)
    retries = rng.uniform(0, 0.35) if rng.random() < 0.4 else 0.0
    begins, stops = rng.uniform(8, 14.5), rng.uniform(17, 21.5)
    days_of_calls: tuple[list[Column], ...] = ([], [], [], [], [])
    for day in range(first_day, last_day):
        opens = begins if day == first_day else rng.uniform(8, 10.5)
        span = max(stops - opens, 0.5) * 3600
        if kind == "hour":
            span = 3600.0 * rng.uniform(0.6, 1.6)
        size = max(2, int(rng.poisson(per_day * min(1.0, span / (9 * 3600)) if kind != "hour" else per_day)))
        answered = rng.random(size) >= unanswered
        brief = rng.random(size) < short
        talk = np.where(brief, rng.gamma(1.6, 5, size), rng.lognormal(np.log(middle), width, size)).clip(
            1, 3600
        )
        hooked = rng.random(size) < rng.uniform(0, 0.06)
        talk = np.where(hooked, rng.uniform(480, 3600, size), talk)
        ring = np.where(answered, rng.gamma(3, 4.5, size), rng.gamma(5, 6, size)).clip(2, 62)
        took = ring + np.where(answered, talk, 0)
        gap = np.maximum(1, gap_s * rng.lognormal(0, 0.25 if machine else 0.8, size))
        slack = span - float((took + gap).sum())
        if slack > 0:
            if kind in ("slow", "mimic"):
                gap += rng.dirichlet(np.ones(size)) * slack
            else:
                pauses = rng.random(size) < rng.uniform(0.04, 0.3)
                gap += np.where(pauses, rng.exponential(slack / max(1, pauses.sum()), size), 0)
        start = lay_out(np.array([day * DAY_S + opens * 3600.0]), np.array([size]), took, gap)
        inside = start < day * DAY_S + (stops if kind != "hour" else 24) * 3600.0
        callee = stranger(rng, size, town)
        if rng.random() < 0.15:
            callee = mobile(rng.integers(0, 2**40) + np.cumsum(rng.integers(1, 40, size)))
        again = ~answered[:-1] & (rng.random(size - 1) < retries)
        callee[1:] = np.where(again, callee[:-1], callee[1:])
        if kind == "mimic":
            known = rng.random(size) < rng.uniform(0, 0.2)
            rank = (8 * rng.random(size)).astype(np.int64)
            callee = np.where(
                known, contact(np.full(size, line), rank, np.full(size, day // 7), town.seed), callee
            )
        for kept, column in zip(days_of_calls, (start, callee, ring, talk, answered), strict=True):
            kept.append(column[inside])
    return _wire(rng, traffic, line, kind, days_of_calls)


def _wire(
    rng: np.random.Generator, traffic: Traffic, line: int, kind: str, columns: tuple[list[Column], ...]
) -> list[Box]:
    start, callee, ring, talk, answered = (np.concatenate(part) for part in columns)
    if not len(start):
        return []
    me = np.full(len(start), LINE_BASE + line)
    traffic.add(me, callee, start, ring, talk, answered, by_box=True)
    if rng.random() < 0.5:  # the installer tries the line
        at = np.array([start[0] - rng.uniform(120, 900)])
        traffic.add(
            me[:1],
            mobile(mix(rng.integers(0, 2**60, 1))),
            at,
            np.array([4.0]),
            np.array([15.0]),
            np.array([True]),
        )
    back = ~answered & (rng.random(len(start)) < rng.uniform(0, 0.12))
    size = int(back.sum())
    traffic.add(
        callee[back],
        me[:size],
        start[back] + rng.lognormal(6.5, 1, size),
        rng.gamma(3, 4, size),
        np.zeros(size),
        np.zeros(size, bool),
    )
    if kind == "mimic":
        fake = rng.random(len(start)) < rng.uniform(0.1, 0.5)
        size = int(fake.sum())
        traffic.add(
            mobile(mix(rng.integers(0, 2**60, size))),
            me[:size],
            start[fake] + rng.uniform(60, 3000, size),
            rng.gamma(3, 4, size),
            rng.lognormal(3.5, 0.8, size),
            rng.random(size) < 0.8,
        )
    return [
        Box(
            line=line,
            kind=kind,
            start=int(start.min()) + EPOCH_S,
            stop=int(start.max()) + EPOCH_S,
            calls=len(start),
        )
    ]
