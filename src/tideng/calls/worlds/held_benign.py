"""Ordinary lines of the worlds the detector is judged on. Shares no constant and no behaviour with
`dev_benign`."""

import math
from typing import Final

import numpy as np
from msgspec import Struct

from tideng.calls.worlds.traffic import DAY_S, LINE_BASE, Floats, Ints, Traffic, lay_out, mix, mobile


class Trade(Struct, frozen=True, kw_only=True):
    """One kind of line: how often it calls, whom, and how."""

    share: float
    daily: float
    strangers: float
    circle: int
    talk_s: float
    reach: float = 0.66
    incoming: float = 1.0
    business: bool = False
    opens: float = 7.0
    closes: float = 22.0
    volunteer: float = 1.0
    """How readily its days of many calls come."""


TRADES: Final = {
    "couple": Trade(share=30, daily=0.8, strangers=0.1, circle=11, talk_s=95),
    "widow": Trade(share=24, daily=1.1, strangers=0.04, circle=6, talk_s=150, volunteer=0.6),
    "family": Trade(share=14, daily=2.0, strangers=0.15, circle=18, talk_s=80),
    "chatty": Trade(share=3, daily=5.5, strangers=0.08, circle=20, talk_s=260),
    "landlady": Trade(share=1.5, daily=2.4, strangers=0.45, circle=22, talk_s=60, volunteer=3),
    "home_seller": Trade(share=1.0, daily=9.0, strangers=0.6, circle=40, talk_s=70, volunteer=4),
    "grocer": Trade(share=6, daily=4.2, strangers=0.22, circle=35, talk_s=45, business=True, volunteer=2),
    "kitchen": Trade(share=2.2, daily=8.0, strangers=0.3, circle=40, talk_s=38, business=True, incoming=2.2),
    "surgery": Trade(share=1.0, daily=11, strangers=0.5, circle=70, talk_s=50, business=True, volunteer=10),
    "school": Trade(share=0.7, daily=6, strangers=0.4, circle=90, talk_s=55, business=True, volunteer=12),
    "estate_office": Trade(
        share=1.1, daily=8, strangers=0.4, circle=80, talk_s=50, business=True, volunteer=10
    ),
    "taxi_desk": Trade(
        share=0.3, daily=55, strangers=0.75, circle=60, talk_s=22, business=True, incoming=1.4
    ),
    "parcel_shop": Trade(share=0.8, daily=38, strangers=0.88, circle=20, talk_s=20, reach=0.7, business=True),
    "sales_room": Trade(
        share=0.4,
        daily=140,
        strangers=0.95,
        circle=10,
        talk_s=35,
        reach=0.4,
        business=True,
        opens=9,
        closes=18.5,
    ),
    "quiet_sales": Trade(share=0.15, daily=60, strangers=0.9, circle=12, talk_s=45, reach=0.45),
    "ward": Trade(
        share=0.7, daily=16, strangers=0.4, circle=90, talk_s=60, business=True, opens=0, closes=24
    ),
    "inn": Trade(share=0.8, daily=10, strangers=0.6, circle=50, talk_s=70, business=True, opens=0, closes=24),
    "lift": Trade(
        share=1.6, daily=2.2, strangers=0, circle=1, talk_s=12, reach=0.97, incoming=0.02, opens=0, closes=24
    ),
    "card_reader": Trade(
        share=1.0, daily=9, strangers=0, circle=2, talk_s=9, reach=0.98, incoming=0, opens=8
    ),
    "telefax": Trade(
        share=2.0, daily=2.6, strangers=0.3, circle=30, talk_s=50, incoming=0.8, opens=8.5, closes=18
    ),
    "street_office": Trade(
        share=0.8, daily=8, strangers=0.3, circle=60, talk_s=60, business=True, volunteer=25
    ),
    "moved_in": Trade(share=1.8, daily=1.4, strangers=0.5, circle=12, talk_s=80),
    "seldom": Trade(share=5, daily=0.1, strangers=0.2, circle=5, talk_s=90),
}
ARCHETYPES: Final = tuple(TRADES)
_LIST: Final = tuple(TRADES.values())
BUSINESS: Final = frozenset(i for i, trade in enumerate(_LIST) if trade.business)
MULTI: Final = frozenset({ARCHETYPES.index("ward"), ARCHETYPES.index("inn")})
NEW: Final = frozenset({ARCHETYPES.index("moved_in")})


class Habits(Struct, frozen=True, kw_only=True):
    """The temper of one town."""

    seed: int
    busy: float
    curious: float
    reach: float
    brevity: float
    errands: float
    burst_days: float
    burst_people: float
    haste_s: float
    outage: bool
    spoken: float


def habits(rng: np.random.Generator, seed: int) -> Habits:
    """Drawn from regions that overlap those of the dev worlds only in part."""
    return Habits(
        seed=seed * 7919 + 13,
        busy=0.36 * (float(rng.gamma(6, 1 / 6)) + 0.15),
        curious=float(rng.uniform(0.5, 1.9)),
        reach=float(rng.uniform(0.82, 1.2)),
        brevity=float(rng.uniform(0.55, 0.95)),
        errands=float(rng.uniform(0.02, 0.09)),
        burst_days=float(10 ** rng.uniform(-3.7, -2.7)),
        burst_people=float(rng.uniform(15, 45)),
        haste_s=float(rng.uniform(15, 60)),
        outage=bool(rng.random() < 0.25),
        spoken=float(rng.uniform(0.7, 1.5)),
    )


def draw_archetypes(rng: np.random.Generator, lines: int) -> Ints:
    """Dirichlet shares around the trades' own."""
    shares = rng.dirichlet(np.array([trade.share for trade in _LIST]) * 2.5)
    return rng.choice(len(_LIST), lines, p=shares).astype(np.int64)


def _of(kinds: Ints, field: str) -> Floats:
    return np.array([float(getattr(trade, field)) for trade in _LIST])[kinds]


def known(line: Ints, place: Ints, fortnight: Ints, town: Habits) -> Ints:
    """The number a line has at `place` in its circle; places change hands now and then."""
    turn = (fortnight * 3 + mix(line, place, town.seed)) // 40
    theirs = mix(place, line, turn, town.seed, 77)
    neighbours = LINE_BASE + theirs % 9000
    return np.where(theirs % 6 == 1, neighbours, mobile(theirs))


def _clock(rng: np.random.Generator, kinds: Ints) -> Floats:
    """Two humps a day, within opening hours."""
    count = len(kinds)
    morning = rng.normal(10.2, 1.6, count)
    evening = rng.normal(18.3, 2.2, count)
    hour = np.where(rng.random(count) < 0.52, morning, evening)
    opens, closes = _of(kinds, "opens"), _of(kinds, "closes")
    uniform = opens + rng.random(count) * (closes - opens)
    return np.where((hour < opens) | (hour > closes), uniform, hour) * 3600.0


def _voice(rng: np.random.Generator, mean: Floats, shape: float) -> Floats:
    # A Weibull law's mean is Gamma(1 + 1/shape) of its scale.
    return (mean * rng.weibull(shape, len(mean)) / math.gamma(1 + 1 / shape)).clip(1, 9000)


def everyday(
    rng: np.random.Generator, traffic: Traffic, kinds: Ints, days: int, town: Habits, born: Ints
) -> None:
    """Ordinary calling: single calls, errands of several, retries, incoming calls and machines that
    report."""
    lines = len(kinds)
    temper = town.busy * rng.gamma(3, 1 / 3, lines)
    day_of_week = np.arange(days) % 7
    factor = np.where(
        np.isin(kinds, list(BUSINESS))[:, None] & np.isin(day_of_week, [0, 6])[None, :], 0.35, 1.0
    )
    mean = (_of(kinds, "daily") * temper)[:, None] * factor * rng.weibull(1.6, (lines, days)) * 1.1
    if town.outage:
        gone = int(rng.integers(3, max(4, days)))
        mean[:, gone : gone + 1] *= rng.uniform(1.5, 3)
    mean[np.arange(days)[None, :] < born[:, None]] = 0
    calls = rng.poisson(mean)
    line, day = (axis.astype(np.int64) for axis in np.nonzero(calls))
    times = calls[line, day]
    line, day = np.repeat(line, times), np.repeat(day, times)
    begin = day * float(DAY_S) + _clock(rng, kinds[line])
    errand = rng.random(len(line)) < town.errands
    size = np.where(errand, 2 + rng.poisson(1.4, len(line)), 1).astype(np.int64)
    who, at = np.repeat(line, size), np.repeat(begin, size)
    kind = kinds[who]
    place = np.minimum(rng.zipf(1.5, len(who)) - 1, _of(kind, "circle").astype(np.int64) - 1)
    number = known(who, place, (at // (14 * DAY_S)).astype(np.int64), town)
    odd = rng.random(len(who)) < np.clip(
        _of(kind, "strangers") * town.curious + 0.25 * np.repeat(errand, size), 0, 0.97
    )
    odd &= _of(kind, "strangers") > 0
    enquiry = rng.random(len(who)) < 0.3
    shop = 862_160_000_000 + np.minimum(rng.zipf(1.3, len(who)), 2500)
    machine = np.isin(kind, [ARCHETYPES.index("lift"), ARCHETYPES.index("card_reader")])
    number = np.where(odd, np.where(enquiry, shop, mobile(mix(rng.integers(0, 2**61, len(who))))), number)
    number = np.where(machine, 862_169_000_000 + who % 40, number)
    reach = np.clip(_of(kind, "reach") * town.reach, 0.1, 0.985)
    ok = rng.random(len(who)) < reach
    talk = _voice(rng, _of(kind, "talk_s") * town.spoken, town.brevity)
    ring = np.where(ok, 3 + rng.exponential(8, len(who)), 10 + rng.exponential(22, len(who))).clip(1, 90)
    pause = 8 + rng.pareto(1.6, len(who)) * town.haste_s
    start = lay_out(begin, size, ring + np.where(ok, talk, 0), pause)
    traffic.add(LINE_BASE + who, number, start, ring, talk, ok)
    for _ in range(2):  # retries, each by fewer
        failed = ~ok & (rng.random(len(ok)) < 0.4)
        who, number, ring, talk = who[failed], number[failed], ring[failed], talk[failed]
        start = start[failed] + ring + 5 + rng.exponential(70, len(who))
        ok = rng.random(len(who)) < 0.45
        traffic.add(LINE_BASE + who, number, start, ring, talk, ok)
    _answering(rng, traffic, kinds, days, town, temper, born)


def _answering(
    rng: np.random.Generator,
    traffic: Traffic,
    kinds: Ints,
    days: int,
    town: Habits,
    temper: Floats,
    born: Ints,
) -> None:
    mean = np.minimum(_of(kinds, "daily"), 20) * temper * _of(kinds, "incoming") * days
    line = np.repeat(np.arange(len(kinds)), rng.poisson(mean))
    count = len(line)
    day = rng.integers(0, days, count)
    place = np.minimum(rng.zipf(1.5, count) - 1, _of(kinds[line], "circle").astype(np.int64) - 1)
    who = known(line, place, day // 14, town)
    outside = rng.random(count) < np.where(np.isin(kinds[line], list(BUSINESS)), 0.7, 0.15)
    who = np.where(outside, mobile(mix(rng.integers(0, 2**61, count))), who)
    pester = rng.random(count) < 0.03  # collectors and sellers who ring many lines
    who = np.where(pester, mobile(mix(rng.integers(0, 30, count), town.seed)), who)
    alive = day >= born[line]
    start = day * float(DAY_S) + _clock(rng, kinds[line])
    traffic.add(
        who[alive],
        LINE_BASE + line[alive],
        start[alive],
        (3 + rng.exponential(9, count))[alive],
        _voice(rng, _of(kinds[line], "talk_s") * town.spoken, town.brevity)[alive],
        (rng.random(count) < 0.7)[alive],
    )


class Occasion(Struct, frozen=True, kw_only=True):
    """A reason for an honest line to call many people in a day."""

    weight: float
    size: float
    known: float
    reach: float
    talk_s: float
    pause_s: float
    home: bool
    office: bool


OCCASIONS: Final = (
    Occasion(
        weight=2.0, size=1.0, known=0.5, reach=0.8, talk_s=100, pause_s=50, home=True, office=False
    ),  # funeral
    Occasion(
        weight=2.0, size=0.5, known=0.2, reach=0.7, talk_s=70, pause_s=80, home=True, office=False
    ),  # moving
    Occasion(
        weight=1.0, size=1.1, known=0.05, reach=0.55, talk_s=80, pause_s=25, home=True, office=True
    ),  # survey
    Occasion(
        weight=1.5, size=1.0, known=0.25, reach=0.75, talk_s=30, pause_s=30, home=True, office=False
    ),  # group buy
    Occasion(
        weight=5.0, size=2.0, known=0.1, reach=0.75, talk_s=40, pause_s=18, home=False, office=True
    ),  # notice
    Occasion(
        weight=3.0, size=0.15, known=0.0, reach=0.6, talk_s=55, pause_s=60, home=True, office=True
    ),  # repairman
    Occasion(
        weight=1.0, size=0.8, known=0.3, reach=0.7, talk_s=45, pause_s=40, home=True, office=True
    ),  # charity
)


def shocks(rng: np.random.Generator, traffic: Traffic, kinds: Ints, days: int, town: Habits) -> None:
    """Lay occasions over the days of lines that hold them."""
    for occasion in OCCASIONS:
        fits = np.where(np.isin(kinds, list(BUSINESS)), occasion.office, occasion.home)
        mean = town.burst_days * days * occasion.weight / 6 * _of(kinds, "volunteer") * fits
        line = np.repeat(np.arange(len(kinds)), rng.poisson(mean))
        if not len(line):
            continue
        day = rng.integers(0, days, len(line))
        size = 3 + rng.negative_binomial(2, 1 / (1 + town.burst_people * occasion.size / 2), len(line))
        who = np.repeat(line, size)
        count = len(who)
        number = mobile(mix(rng.integers(0, 2**61, count)))
        familiar = rng.random(count) < occasion.known
        number = np.where(
            familiar, known(who, rng.integers(0, 12, count), np.repeat(day // 14, size), town), number
        )
        ok = rng.random(count) < np.clip(occasion.reach * town.reach, 0, 0.97)
        talk = _voice(rng, np.full(count, occasion.talk_s * town.spoken), 1.3).clip(3, 3000)
        ring = np.where(ok, 3 + rng.exponential(8, count), 12 + rng.exponential(15, count)).clip(2, 80)
        pause = 5 + rng.pareto(1.8, count) * occasion.pause_s * np.repeat(
            rng.uniform(0.6, 1.6, len(line)), size
        )
        begin = day * float(DAY_S) + (8.5 + rng.random(len(line)) * 9) * 3600
        start = lay_out(begin, size.astype(np.int64), ring + np.where(ok, talk, 0), pause)
        traffic.add(LINE_BASE + who, number, start, ring, talk, ok)
        back = ~ok & (rng.random(count) < 0.3)
        late = start[back] + 60 + rng.exponential(1500, int(back.sum()))
        n = int(back.sum())
        traffic.add(
            number[back],
            LINE_BASE + who[back],
            late,
            np.full(n, 8.0),
            _voice(rng, np.full(n, 60.0), 1.0),
            rng.random(n) < 0.8,
        )
