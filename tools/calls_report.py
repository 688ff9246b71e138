"""The page of `make evaluate-calls`: what was reached beside what is aimed for, curves, every world. Pure."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Final

import numpy as np
from msgspec import Struct

from tideng.calls.detector.evidence import Model
from tideng.calls.evaluating import SUSPENSIONS_PROMISED, Found, WorldResult, poisson_interval
from tideng.documents import charts
from tideng.documents.standalone import page

WITHIN: Final = 1.25
"""A world keeps the promise if it has no more than so many times what was promised."""
OFFICE: Final = ("office",)
ELSEWHERE: Final = ("office", "rented_room")
"""Boxes that are on no home's line."""
SLOW: Final = ("trickle", "mimicry")
CURVE_CALLS: Final = 60

Results = Sequence[WorldResult]
By = Mapping[float, Results]
"""Results by strictness: what was added to the thresholds, in log odds."""


class Rate(Struct, frozen=True):
    """False alarms or suspensions in so many line-days, a million as the unit."""

    count: int
    line_days: int

    @property
    def per_million(self) -> float:
        """The rate."""
        return self.count / self.line_days * 1e6

    def __str__(self) -> str:
        low, high = (one / self.line_days * 1e6 for one in poisson_interval(self.count))
        return f"{self.per_million:.1f} ({low:.1f} to {high:.1f})"


def false_alarms(results: Results) -> Rate:
    """Of the lower tier: call the owner."""
    return Rate(sum(r.false_alarms for r in results), sum(r.line_days for r in results))


def false_suspensions(results: Results) -> Rate:
    """Of the upper tier."""
    return Rate(sum(r.false_suspensions for r in results), sum(r.line_days for r in results))


def boxes_of(results: Results) -> list[Found]:
    """What became of every box of every world."""
    return [one for result in results for one in result.found]


def share(found: Sequence[Found], holds: Callable[[Found], bool]) -> str:
    """In percent, and as counts."""
    count = sum(map(holds, found))
    return f"{count / len(found):.1%} ({count:,} of {len(found):,})" if found else "–"


def until(found: Sequence[Found]) -> str:
    """Calls placed at the alarm: median and 95th percentile of the boxes found."""
    calls = [one.calls for one in found if one.is_found]
    return f"{np.median(calls):.0f} / {np.quantile(calls, 0.95):.0f}" if calls else "–"


def kept(results: Results, promised: float) -> int:
    """How many worlds keep the promise."""
    return sum(r.per_million <= WITHIN * promised for r in results)


def reached(results: Results, model: Model) -> list[tuple[str, str, str]]:
    """(what, reached, aimed for)."""
    found = boxes_of(results)
    homes = [one for one in found if one.kind not in ELSEWHERE]
    office = [one for one in found if one.kind in OFFICE]
    slow = [one for one in found if one.kind in SLOW]
    worst = max((r.per_million for r in results), default=0.0)
    decile = np.quantile([r.per_million for r in results], 0.9)
    return [
        ("boxes found, on lines of homes", share(homes, lambda one: one.is_found), "99 %"),
        ("… on all lines", share(found, lambda one: one.is_found), ""),
        ("calls placed at the alarm, homes: median / 95th percentile", until(homes), "3 / 8"),
        ("… all lines", until(found), ""),
        (
            "false alarms per million line-days (95 %, exact Poisson)",
            f"{false_alarms(results)}; promised {model.promised:g}",
            "5",
        ),
        (
            f"worlds within {WITHIN:g} times the promise",
            f"{kept(results, model.promised)} of {len(results)}; decile {decile:.1f}, worst {worst:.1f}",
            "90 %",
        ),
        (
            "false suspensions per million line-days",
            f"{false_suspensions(results)}; promised {SUSPENSIONS_PROMISED:g}",
            "0.5",
        ),
        ("suspended within 12 calls", share(found, lambda one: 0 <= one.suspended_calls <= 12), "90 %"),
        (
            "superimposed on an office line, found within 25 calls",
            share(office, lambda one: one.is_found and one.calls <= 25),
            "90 %",
        ),
        (
            "slow and careful boxes, found within 10 calls",
            share(slow, lambda one: one.is_found and one.calls <= 10),
            "95 %",
        ),
    ]


def report(by: By, strictness: float, model: Model, name: str, seconds: float) -> str:
    """The page: figures at `strictness`, curves over all of `by`."""
    results = by[strictness]
    kinds = sorted({one.kind for one in boxes_of(results)})
    body = (
        f"<h1>Calls: evaluation on {len(results)} held-out worlds</h1>"
        f"<p>Model {escape(name)}, strictness {strictness:+g}; "
        f"{false_alarms(results).line_days:,} line-days; {len(boxes_of(results)):,} boxes; "
        f"{seconds:.0f} s.</p>"
        '<p class="note">Simulated towns only. No real landline records with boxes were available; these '
        "figures say how the detector does on worlds made by other code than it was trained on, no more.</p>"
        "<h2>Reached</h2>"
        + _table(("", "reached", "aim"), reached(results, model))
        + "<h2>Boxes, by how they work</h2>"
        + _table(
            ("kind", "found", "calls, median / p95", "minutes, median / p95"),
            [_kind_row(kind, [b for b in boxes_of(results) if b.kind == kind]) for kind in kinds],
        )
        + _found_bars(boxes_of(results), kinds)
        + _within_calls(results)
        + "<h2>Found against false alarms</h2>"
        "<p>The same worlds with every threshold moved; an operator chooses by <code>--strictness</code>.</p>"
        + _table(
            ("strictness", "false alarms per million", "worlds within the promise", "found", "calls"),
            [_strict_row(step, by[step], model.promised) for step in sorted(by)],
        )
        + _trade(by)
        + "<h2>False alarms, by kind of line</h2>"
        + _false_bars(results)
        + "<h2>Worlds</h2>"
        + _table(
            ("world", "line-days", "found", "false", "per million", "threshold moved"),
            [_world_row(r) for r in results],
        )
    )
    return page(title="Calls: evaluation", body=body, language="en")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    heads = "".join(f'<th scope="col">{escape(one)}</th>' for one in head)
    lines = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    return f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table></div>'


def _kind_row(kind: str, found: Sequence[Found]) -> tuple[str, ...]:
    minutes = [one.minutes for one in found if one.is_found]
    waited = f"{np.median(minutes):.0f} / {np.quantile(minutes, 0.95):.0f}" if minutes else "–"
    return kind, share(found, lambda one: one.is_found), until(found), waited


def _strict_row(step: float, results: Results, promised: float) -> tuple[str, ...]:
    found = boxes_of(results)
    return (
        f"{step:+g}",
        str(false_alarms(results)),
        f"{kept(results, promised)} of {len(results)}",
        share(found, lambda one: one.is_found),
        until(found),
    )


def _world_row(result: WorldResult) -> tuple[str, ...]:
    hits = sum(one.is_found for one in result.found)
    return (
        result.world,
        f"{result.line_days:,}",
        f"{hits}/{len(result.found)}",
        str(result.false_alarms),
        f"{result.per_million:.1f}",
        f"{result.shift:+.2f}",
    )


def _found_bars(found: Sequence[Found], kinds: Sequence[str]) -> str:
    by_kind = [(kind, [one.is_found for one in found if one.kind == kind]) for kind in kinds]
    return charts.bars(
        [charts.Bar(kind, float(np.mean(hits)), f"{np.mean(hits):.1%}") for kind, hits in by_kind],
        title="Share of boxes found",
        description="By how the box works, all held-out worlds together",
    )


def _within_calls(results: Results) -> str:
    found = boxes_of(results)
    told = {
        "owner called": [one.calls for one in found if one.is_found],
        "line suspended": [one.suspended_calls for one in found if one.suspended_calls >= 0],
    }
    return charts.lines(
        [
            charts.Line(
                name, [(n, 100 * sum(c <= n for c in calls) / len(found)) for n in range(CURVE_CALLS + 1)]
            )
            for name, calls in told.items()
        ],
        title="Boxes acted on within so many calls",
        x_name="calls the box had placed",
        y_name="percent",
    )


def _trade(by: By) -> str:
    points = sorted(
        (
            false_alarms(results).per_million,
            100 * float(np.mean([not one.is_found for one in boxes_of(results)])),
        )
        for results in by.values()
    )
    return charts.lines(
        [charts.Line("boxes missed", points)],
        title="Boxes missed against false alarms",
        x_name="false alarms per million line-days",
        y_name="percent",
        x_ticks=[(x, f"{x:.0f}") for x, _ in (points[0], points[-1])],
    )


def _false_bars(results: Results) -> str:
    kinds: Counter[str] = Counter()
    for result in results:
        kinds.update(result.false_kinds)
    if not kinds:
        return "<p>None.</p>"
    return charts.bars(
        [charts.Bar(kind, count, f"{count:,}") for kind, count in kinds.most_common()],
        title="False alarms",
        description="By the kind of honest line",
    )
