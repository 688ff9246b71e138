"""One line's picture: calls day by day against its own band, strangers fanned out, evidence adding up.
Pure."""

from collections.abc import Sequence
from html import escape
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tideng.calls.columns import Calls
from tideng.calls.detector.detecting import Alarm
from tideng.documents import charts
from tideng.documents.standalone import page
from tideng.identifiers.phone import mask

DAY_S: Final = 86_400
FAN_MAX: Final = 12
POINTS_MAX: Final = 500


class Picture(Struct, frozen=True, kw_only=True):
    """SVG texts, each with title and description."""

    calls: str
    fan: str
    occupancy: str
    evidence: str


def picture(
    calls: Calls, line: int, scores: Sequence[tuple[int, float]], threshold: float, *, zone_s: int
) -> Picture:
    """`scores`: (moment, score) of this line's calls that were scored, in order. ValueError if it placed no
    call."""
    mine = np.flatnonzero(calls.caller_line == line)
    if not len(mine):
        raise ValueError("the line placed no call in these records; there is nothing to draw")
    day = (calls.start[mine] + zone_s) // DAY_S
    first, last = int(day.min()), int(day.max())
    counts = np.bincount(day - first, minlength=last - first + 1).astype(float)
    usual = [np.quantile(counts[: max(1, i)], [0.05, 0.95]) for i in range(len(counts))]
    band = charts.Band("usual", [(float(i), float(low), float(high)) for i, (low, high) in enumerate(usual)])
    busy = np.bincount(
        day - first, weights=(calls.ring_s[mine] + calls.talk_s[mine]) / 3600.0, minlength=last - first + 1
    )
    ticks = [(0.0, _day(first)), (float(last - first), _day(last))]
    shown = scores[-POINTS_MAX:] or [(int(calls.start[mine[-1]]), 0.0)]
    since = shown[0][0]
    return Picture(
        calls=charts.lines(
            [charts.Line("calls placed", [(float(i), float(n)) for i, n in enumerate(counts)])],
            title="Calls a day",
            description="with the band of the line's own days before",
            band=band,
            x_ticks=ticks,
        ),
        fan=_fan(calls.callee[mine]),
        occupancy=charts.lines(
            [charts.Line("hours in use", [(float(i), float(n)) for i, n in enumerate(busy)])],
            title="Hours in use a day",
            description="ringing and talk of calls it placed",
            x_ticks=ticks,
        ),
        evidence=charts.lines(
            [
                charts.Line("evidence", [((at - since) / 60, value) for at, value in shown]),
                charts.Line(
                    "threshold", [(0.0, threshold), (max(1.0, (shown[-1][0] - since) / 60), threshold)]
                ),
            ],
            title="Evidence adding up",
            description="sum of named evidence after each call, in log odds",
            x_name="minutes",
            y_name="log odds",
        ),
    )


def _day(day: int) -> str:
    return str(np.datetime64(int(day), "D"))


def _fan(callees: NDArray[np.uint64]) -> str:
    numbers, counts = np.unique(callees, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:FAN_MAX]
    items = [charts.Bar(mask(str(numbers[i])), float(counts[i])) for i in order]
    return charts.bars(
        items,
        title="Whom it calls",
        description=f"{len(numbers)} different numbers; the {len(items)} most called",
    )


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
