"""One line's picture: calls day by day against its own band, strangers fanned out, evidence adding up.
Pure."""

from collections.abc import Callable, Sequence
from html import escape
from typing import Final

import numpy as np
from msgspec import Struct

from tideng.calls.columns import LineCalls
from tideng.calls.detector.detecting import Alarm
from tideng.documents import charts
from tideng.documents.standalone import page
from tideng.identifiers.phone import mask

DAY_S: Final = 86_400
FAN_MAX: Final = 12
POINTS_MAX: Final = 500
DAYS_MAX: Final = 60
"""Days drawn: the newest ones; the band is made from all before."""

ENGLISH: Final = {
    "calls": "Calls a day",
    "calls_says": "with the band of the line's own days before",
    "placed": "calls placed",
    "usual": "usual",
    "hours": "Hours in use a day",
    "hours_says": "ringing and talk of calls it placed",
    "in_use": "hours in use",
    "fan": "Whom it calls",
    "fan_says": "{all} different numbers; the {shown} most called",
    "curve": "Evidence call by call",
    "curve_says": "sum of named evidence after each call, in log odds",
    "evidence": "evidence",
    "threshold": "threshold",
    "minutes": "minutes",
    "log_odds": "log odds",
    "alarm": "alarm",
}

Say = Callable[..., str]
"""A phrase by its key in `ENGLISH`, with names filled in, in some language."""


def in_english(key: str, **values: object) -> str:
    """Fulfils `Say`."""
    return ENGLISH[key].format(**values)


class Day(Struct, frozen=True):
    """One day of the line."""

    day: str
    calls: int
    usual_low: float
    usual_high: float
    hours: float


class Picture(Struct, frozen=True, kw_only=True):
    """SVG texts, each with title and description, and the tables that say the same."""

    calls: str
    fan: str
    occupancy: str
    evidence: str
    """Empty when no scores were given."""
    days: tuple[Day, ...]
    callees: tuple[tuple[str, int], ...]
    """Masked number and calls, the most called first."""


def picture(
    placed: LineCalls,
    scores: Sequence[tuple[int, float]],
    threshold: float,
    *,
    zone_s: int,
    alarm_at: int | None = None,
    say: Say = in_english,
) -> Picture:
    """`scores`: (moment, score) of this line's calls that were scored, in order; `alarm_at`: seconds UTC, to
    be marked. ValueError if it placed no call."""
    if not len(placed.start):
        raise ValueError("the line placed no call in these records; there is nothing to draw")
    days = days_of(placed, zone_s)
    ticks = [(0.0, days[0].day), (float(len(days) - 1), days[-1].day)]
    marks = _marked(days, alarm_at, zone_s, say)
    fan, callees = _fan(placed.callee, say)
    return Picture(
        calls=charts.lines(
            [charts.Line(say("placed"), [(float(i), float(day.calls)) for i, day in enumerate(days)])],
            title=say("calls"),
            description=say("calls_says"),
            band=charts.Band(
                say("usual"), [(float(i), day.usual_low, day.usual_high) for i, day in enumerate(days)]
            ),
            x_ticks=ticks,
            marks=marks,
        ),
        fan=fan,
        occupancy=charts.lines(
            [charts.Line(say("in_use"), [(float(i), day.hours) for i, day in enumerate(days)])],
            title=say("hours"),
            description=say("hours_says"),
            x_ticks=ticks,
            marks=marks,
        ),
        evidence=_curve(scores[-POINTS_MAX:], threshold, say),
        days=days,
        callees=callees,
    )


def days_of(placed: LineCalls, zone_s: int) -> tuple[Day, ...]:
    """The newest `DAYS_MAX` days; `usual` is where 90 % of all days before lay."""
    day = (placed.start + zone_s) // DAY_S
    first, last = int(day.min()), int(day.max())
    counts = np.bincount(day - first, minlength=last - first + 1)
    busy = np.bincount(day - first, weights=placed.busy_s / 3600.0, minlength=last - first + 1)
    shown = range(max(0, len(counts) - DAYS_MAX), len(counts))
    usual = {i: np.quantile(counts[: max(1, i)], [0.05, 0.95]) for i in shown}
    return tuple(
        Day(_day(first + i), int(counts[i]), float(usual[i][0]), float(usual[i][1]), round(float(busy[i]), 2))
        for i in shown
    )


def _marked(days: Sequence[Day], alarm_at: int | None, zone_s: int, say: Say) -> list[tuple[float, str]]:
    if alarm_at is None:
        return []
    named = _day((alarm_at + zone_s) // DAY_S)
    return [(float(i), say("alarm")) for i, day in enumerate(days) if day.day == named]


def _curve(shown: Sequence[tuple[int, float]], threshold: float, say: Say) -> str:
    if not shown:
        return ""
    since = shown[0][0]
    minutes = [(at - since) / 60 for at, _ in shown]
    return charts.lines(
        [
            charts.Line(say("evidence"), [(m, value) for m, (_, value) in zip(minutes, shown, strict=True)]),
            charts.Line(say("threshold"), [(0.0, threshold), (max(1.0, minutes[-1]), threshold)]),
        ],
        title=say("curve"),
        description=say("curve_says"),
        x_ticks=[(0.0, "0"), (minutes[-1], f"{minutes[-1]:,.0f}")],
        x_name=say("minutes"),
        y_name=say("log_odds"),
    )


def _day(day: int) -> str:
    return str(np.datetime64(int(day), "D"))


def _fan(callees: Sequence[str], say: Say) -> tuple[str, tuple[tuple[str, int], ...]]:
    numbers, counts = np.unique(np.array(callees), return_counts=True)
    order = np.argsort(-counts, kind="stable")[:FAN_MAX]
    told = tuple((mask(str(numbers[i])), int(counts[i])) for i in order)
    drawn = charts.bars(
        [charts.Bar(name, float(count)) for name, count in told],
        title=say("fan"),
        description=say("fan_says", all=len(numbers), shown=len(told)),
    )
    return drawn, told


def document(line: str, drawn: Picture, alarms: Sequence[Alarm], *, language: str = "en") -> str:
    """The picture as one self-contained page."""
    told = "".join(
        f"<li>{np.datetime64(alarm.at, 's')}Z: {alarm.tier}, {alarm.calls_placed} calls, "
        f"{alarm.score:.2f} against {alarm.threshold:.2f}<ul>"
        + "".join(f"<li>{escape(r.name)} {r.weight:+.2f}: {escape(r.says)}</li>" for r in alarm.reasons)
        + "</ul></li>"
        for alarm in alarms
    )
    body = f"<h1>{escape(line)}</h1><ul>{told}</ul>{drawn.calls}{drawn.evidence}{drawn.fan}{drawn.occupancy}"
    return page(title=f"Line {line}", body=body, language=language)
