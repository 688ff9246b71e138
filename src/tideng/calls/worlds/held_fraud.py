"""Boxes of the worlds the detector is judged on. Shares no constant and no behaviour with `dev_fraud`."""

from typing import Final

import numpy as np
from msgspec import Struct

from tideng.calls.worlds.held_benign import ARCHETYPES, Habits, known
from tideng.calls.worlds.traffic import DAY_S, EPOCH_S, LINE_BASE, Box, Floats, Ints, Traffic, mix, mobile


class Script(Struct, frozen=True, kw_only=True):
    """How one kind of box works."""

    weight: float
    calls: tuple[float, float]
    """A day."""
    gap_s: tuple[float, float]
    regular: float
    days: tuple[int, int]
    hours: tuple[float, float] = (9.0, 18.0)
    friendly: float = 0.0
    """Share of calls to the owner's own circle, or repeated."""
    where: str = "home"


SCRIPTS: Final = {
    "dialler": Script(weight=26, calls=(80, 160), gap_s=(3, 14), regular=0.85, days=(1, 3)),
    "agents": Script(weight=20, calls=(40, 80), gap_s=(20, 90), regular=0.2, days=(2, 4), hours=(8.5, 19)),
    "trickle": Script(weight=14, calls=(6, 26), gap_s=(300, 3500), regular=0.1, days=(3, 9), hours=(9, 20)),
    "mimicry": Script(
        weight=12, calls=(6, 13), gap_s=(500, 4000), regular=0.1, days=(3, 8), hours=(8, 20), friendly=0.25
    ),
    "office": Script(weight=12, calls=(30, 90), gap_s=(5, 60), regular=0.5, days=(2, 4), where="office"),
    "rented_room": Script(weight=6, calls=(50, 120), gap_s=(5, 30), regular=0.7, days=(1, 3), where="fresh"),
    "returning": Script(weight=10, calls=(35, 90), gap_s=(5, 40), regular=0.5, days=(1, 2)),
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
    """Wire boxes to lines, some of them in groups that share a call list."""
    homes = [ARCHETYPES.index(a) for a in ("couple", "widow", "family", "chatty", "landlady", "seldom")]
    offices = [ARCHETYPES.index(a) for a in ("grocer", "kitchen", "surgery", "estate_office", "inn", "ward")]
    pools = {
        "home": list(rng.permutation(np.flatnonzero(np.isin(kinds, homes)))),
        "office": list(rng.permutation(np.flatnonzero(np.isin(kinds, offices)))),
        "fresh": list(rng.permutation(np.flatnonzero(kinds == ARCHETYPES.index("moved_in")))),
    }
    weights = np.array([script.weight for script in SCRIPTS.values()])
    chosen = rng.choice(list(SCRIPTS), count, p=weights / weights.sum())
    boxes: list[Box] = []
    for name in chosen:
        script = SCRIPTS[str(name)]
        if pools[script.where]:
            line = int(pools[script.where].pop())
            begins = int(rng.integers(quiet_days, max(quiet_days + 1, days - 1)))
            boxes += _run(rng, traffic, line, str(name), script, begins, days, town)
    return tuple(boxes)


def _day(
    rng: np.random.Generator, script: Script, opens: float, closes: float
) -> tuple[Floats, Floats, Floats, np.ndarray]:
    """Start (hours of the day, in s), ring, talk, answered; one call after another until closing."""
    size = max(1, int(rng.uniform(*script.calls)))
    missed = rng.beta(4, 6)
    ok = rng.random(size) > missed
    kind = rng.choice(3, size, p=[0.5, 0.44, 0.06])
    talk = np.choose(
        kind, [1 + rng.exponential(9, size), rng.exponential(85, size) + 5, rng.uniform(400, 2800, size)]
    )
    ring = np.where(ok, 2 + rng.gamma(2, 5, size), 15 + rng.gamma(2, 12, size)).clip(2, 70)
    centre = np.exp(rng.uniform(*np.log(script.gap_s)))
    gap = np.maximum(1, centre * rng.lognormal(0, 0.9 * (1 - script.regular) + 0.08, size))
    if script.gap_s[1] < 200:  # people hand over, eat, wait for new lists
        rests = rng.random(size) < 0.05
        gap = np.where(rests, rng.exponential(1500, size), gap)
    step = ring + np.where(ok, talk, 0) + gap
    start = opens * 3600 + np.cumsum(step) - step
    keep = start < closes * 3600
    return start[keep], ring[keep], talk[keep], ok[keep]


def _run(
    rng: np.random.Generator,
    traffic: Traffic,
    line: int,
    name: str,
    script: Script,
    first: int,
    days: int,
    town: Habits,
) -> list[Box]:
    stay = int(rng.integers(script.days[0], script.days[1] + 1))
    work_days = [first + i for i in range(stay)]
    if name == "returning":
        away = int(rng.integers(2, 5))
        work_days += [day + stay + away for day in work_days]
    starts: list[int] = []
    total = 0
    for number, day in enumerate(day for day in work_days if day < days):
        opens = rng.uniform(8.5, 15) if number == 0 else script.hours[0] + rng.random()
        start, ring, talk, ok = _day(rng, script, opens, script.hours[1] + rng.uniform(-1, 2))
        count = len(start)
        if not count:
            continue
        callee = mobile(mix(rng.integers(0, 2**61, count)))
        if rng.random() < 0.2:  # local list: half of them other fixed lines
            callee = np.where(rng.random(count) < 0.5, 862_130_000_000 + mix(callee) % 9_000_000, callee)
        friend = rng.random(count) < script.friendly
        callee = np.where(
            friend,
            known(np.full(count, line), rng.integers(0, 5, count), np.full(count, day // 14), town),
            callee,
        )
        me = np.full(count, LINE_BASE + line)
        at = day * float(DAY_S) + start
        traffic.add(me, callee, at, ring, talk, ok, by_box=True)
        back = ~ok & (rng.random(count) < 0.08)
        n = int(back.sum())
        traffic.add(
            callee[back],
            me[:n],
            at[back] + rng.exponential(2400, n) + 100,
            np.full(n, 25.0),
            np.zeros(n),
            np.zeros(n, bool),
        )
        starts += [int(at[0]), int(at[-1])]
        total += count
    if not total:
        return []
    return [Box(line=line, kind=name, start=min(starts) + EPOCH_S, stop=max(starts) + EPOCH_S, calls=total)]
