"""Charts as SVG text: bars and lines, drawn on the server, readable without colour and without script. Pure.

Every chart carries its title and a description for those who hear it, and only presentation attributes, so
that it stands in a page under a strict Content-Security-Policy. A page's own style sheet may rename the
colours by the classes `chart`, `c0` … `c4`, `band`, `axis`, `mark` and `title`. Put a table
of the same numbers beside it.
"""

import itertools
import math
from collections.abc import Sequence
from html import escape
from typing import Final

from msgspec import Struct

WIDTH: Final = 720
ROW: Final = 26
MARGIN: Final = 48
FONT: Final = 'font-family="system-ui, Noto Sans CJK SC, sans-serif" font-size="13"'
COLOURS: Final = ("#1b5e8c", "#b3541e", "#3c7a3b", "#7a3b78", "#6b6b6b")
"""Each has a contrast of at least 4.5 : 1 on white (WCAG 2.2, 1.4.3)."""
DASHES: Final = ("", "6 3", "2 3", "10 3 2 3", "1 4")
BARS_MAX: Final = 200
POINTS_MAX: Final = 20_000


class Bar(Struct, frozen=True):
    """One bar: its name, its length, and what is written at its end (default: the number)."""

    name: str
    value: float
    label: str = ""


class Line(Struct, frozen=True):
    """One line: its name and its points, ordered by x."""

    name: str
    points: Sequence[tuple[float, float]]


class Band(Struct, frozen=True):
    """A shaded range, as of usual values: (x, lowest, highest), ordered by x."""

    name: str
    points: Sequence[tuple[float, float, float]]


def bars(items: Sequence[Bar], *, title: str, description: str = "", width: int = WIDTH) -> str:
    """A horizontal bar chart. ValueError if there are more than `BARS_MAX` bars or a value is not finite."""
    if len(items) > BARS_MAX:
        raise ValueError(f"{len(items)} bars; the limit is {BARS_MAX}. Sum up the rest.")
    if not all(math.isfinite(item.value) and item.value >= 0 for item in items):
        raise ValueError("a bar's value must be a finite number, not below 0")
    names = max((_width_of(item.name) for item in items), default=0) + 12
    left = min(names, width // 2)
    most = max((item.value for item in items), default=0) or 1
    room = width - left - 90
    parts = []
    for row, item in enumerate(items):
        y = 34 + row * ROW
        length = max(room * item.value / most, 1 if item.value else 0)
        told = item.label or f"{item.value:,g}"
        parts.append(
            f'<text x="{left - 8}" y="{y + 13}" text-anchor="end">{escape(item.name)}</text>'
            f'<rect class="c0" x="{left}" y="{y}" width="{length:.1f}" height="{ROW - 8}" '
            f'fill="{COLOURS[0]}"/>'
            f'<text x="{left + length + 6:.1f}" y="{y + 13}">{escape(told)}</text>'
        )
    return _svg("".join(parts), 40 + ROW * len(items), title, description, width)


def lines(
    drawn: Sequence[Line],
    *,
    title: str,
    description: str = "",
    x_name: str = "",
    y_name: str = "",
    band: Band | None = None,
    marks: Sequence[tuple[float, str]] = (),
    x_ticks: Sequence[tuple[float, str]] = (),
    width: int = WIDTH,
    height: int = 300,
) -> str:
    """A line chart with an optional band behind and named marks (vertical) on it.

    ValueError if there is no point, a point is not finite, or there are more than `POINTS_MAX`.
    """
    xs = [x for line in drawn for x, _ in line.points] + [x for x, *_ in (band.points if band else ())]
    ys = [y for line in drawn for _, y in line.points]
    ys += [y for _, low, high in (band.points if band else ()) for y in (low, high)]
    if not xs or len(xs) > POINTS_MAX or not all(map(math.isfinite, xs + ys)):
        raise ValueError(f"{len(xs)} points; a chart needs 1 to {POINTS_MAX}, all finite. Thin them out.")
    x0, x1 = min(xs), max(xs)
    y0, y1 = min(0.0, min(ys)), max(ys)
    x_span, y_span = (x1 - x0) or 1.0, (y1 - y0) or 1.0
    inner_w, inner_h = width - 2 * MARGIN, height - 2 * MARGIN

    def at(x: float, y: float) -> str:
        return f"{MARGIN + inner_w * (x - x0) / x_span:.1f},{MARGIN + inner_h * (1 - (y - y0) / y_span):.1f}"

    parts = [_axes(width, height, y0, y1, x_name, y_name)]
    if band:
        around = [at(x, high) for x, _, high in band.points]
        around += [at(x, low) for x, low, _ in reversed(band.points)]
        shape = f'<polygon class="band" points="{" ".join(around)}" fill="#1b5e8c" fill-opacity="0.15"/>'
        parts.append(shape)
    for number, line in enumerate(drawn):
        style = _style(number)
        points = " ".join(at(x, y) for x, y in line.points)
        parts.append(f'<polyline points="{points}" fill="none" stroke-width="2" {style}/>')
    for x, name in marks:
        place = at(x, y1).split(",")[0]
        parts.append(
            f'<line class="mark" x1="{place}" x2="{place}" y1="{MARGIN}" y2="{height - MARGIN}" '
            f'stroke="#a00000"/><text class="mark" x="{place}" y="{MARGIN - 6}" text-anchor="middle" '
            f'fill="#a00000">{escape(name)}</text>'
        )
    for x, name in x_ticks or ((x0, f"{x0:,g}"), (x1, f"{x1:,g}")):
        place = at(x, y0).split(",")[0]
        parts.append(
            f'<text x="{place}" y="{height - MARGIN + 18}" text-anchor="middle">{escape(name)}</text>'
        )
    parts.append(_legend(drawn, band, height))
    return _svg("".join(parts), height + 10, title, description, width)


def sums(
    items: Sequence[Bar],
    *,
    goal: float,
    goal_name: str,
    title: str,
    description: str = "",
    width: int = WIDTH,
) -> str:
    """How values, below 0 too, add up row by row, and the goal their sum is held against.

    ValueError if there are more than `BARS_MAX` rows or a number is not finite.
    """
    if not len(items) <= BARS_MAX or not all(math.isfinite(n) for n in (goal, *(i.value for i in items))):
        raise ValueError(f"{len(items)} rows; a chart takes up to {BARS_MAX}, all finite. Sum up the rest.")
    ends = [0.0, *itertools.accumulate(item.value for item in items)]
    low, high = min(0.0, goal, *ends), max(0.0, goal, *ends)
    left = min(max((_width_of(item.name) for item in items), default=0) + 12, width // 2)
    room, span = width - left - 64, (high - low) or 1.0

    def at(value: float) -> float:
        return left + room * (value - low) / span

    parts = []
    for row, item in enumerate(items):
        y, kind = 58 + row * ROW, 1 if item.value > 0 else 0
        first, last = sorted((at(ends[row]), at(ends[row + 1])))
        parts.append(
            f'<text x="{left - 8}" y="{y + 13}" text-anchor="end">{escape(item.name)}</text>'
            f'<rect class="c{kind}" x="{first:.1f}" y="{y}" width="{max(last - first, 1.5):.1f}" '
            f'height="{ROW - 8}" fill="{COLOURS[kind]}"/>'
            f'<text x="{last + 6:.1f}" y="{y + 13}">{escape(item.label or f"{item.value:+.2f}")}</text>'
        )
    floor, zero, mark = 54 + ROW * len(items), at(0.0), at(goal)
    parts.append(
        f'<path class="axis" d="M{zero:.1f} 50V{floor}" fill="none" stroke="#555555"/>'
        f'<path class="mark" d="M{mark:.1f} 50V{floor}" fill="none" stroke="#a00000" stroke-dasharray="6 3"/>'
        f'<text class="mark" x="{mark:.1f}" y="42" text-anchor="end" fill="#a00000">'
        f"{escape(goal_name)}</text>"
    )
    return _svg("".join(parts), floor + 8, title, description, width)


def _style(number: int) -> str:
    kind = number % len(COLOURS)
    return f'class="c{kind}" stroke="{COLOURS[kind]}" stroke-dasharray="{DASHES[kind]}"'


def _axes(width: int, height: int, y0: float, y1: float, x_name: str, y_name: str) -> str:
    floor = height - MARGIN
    frame = f"M{MARGIN} {MARGIN}V{floor}H{width - MARGIN}"
    parts = [f'<path class="axis" d="{frame}" fill="none" stroke="#555555"/>']
    for share in (0.0, 0.5, 1.0):
        y = floor - (height - 2 * MARGIN) * share
        told = f"{y0 + (y1 - y0) * share:,.3g}"
        parts.append(f'<text x="{MARGIN - 6}" y="{y + 4:.1f}" text-anchor="end">{told}</text>')
    parts.append(f'<text x="{width - MARGIN}" y="{height - 12}" text-anchor="end">{escape(x_name)}</text>')
    parts.append(f'<text x="{MARGIN}" y="{MARGIN - 12}">{escape(y_name)}</text>')
    return "".join(parts)


def _legend(drawn: Sequence[Line], band: Band | None, height: int) -> str:
    parts, x = [], MARGIN
    for number, line in enumerate(drawn):
        style = _style(number)
        parts.append(f'<path d="M{x} {height}h24" stroke-width="2" {style}/>')
        parts.append(f'<text x="{x + 30}" y="{height + 4}">{escape(line.name)}</text>')
        x += 44 + _width_of(line.name)
    if band:
        parts.append(
            f'<rect class="band" x="{x}" y="{height - 6}" width="24" height="12" fill="#1b5e8c" '
            'fill-opacity="0.15"/>'
        )
        parts.append(f'<text x="{x + 30}" y="{height + 4}">{escape(band.name)}</text>')
    return "".join(parts)


def _svg(inner: str, height: int, title: str, description: str, width: int) -> str:
    told = f"<desc>{escape(description)}</desc>" if description else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-label="{escape(title)}" {FONT} fill="#1c1c1c">'
        f"<title>{escape(title)}</title>{told}"
        f'<text class="title" x="0" y="16" font-weight="600">{escape(title)}</text>{inner}</svg>'
    )


def _width_of(text: str) -> int:
    """About how many pixels `text` takes: a Chinese character is twice as wide as a Latin one."""
    return sum(14 if ord(character) > 0x2E7F else 8 for character in text)
