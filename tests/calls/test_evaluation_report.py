"""The report on held-out worlds: its figures follow from what became of every box, and thresholds matter."""

import re

import numpy as np
import pytest
from tools.calls_report import Rate, kept, reached, report
from tools.evaluate_calls import one_world

from tideng.calls.detector.calibrating import MARGIN, shipped, threshold_of
from tideng.calls.detector.detecting import detect
from tideng.calls.detector.evidence import Scorer
from tideng.calls.detector.shipped import shipped_model
from tideng.calls.evaluating import Found, WorldResult, judge
from tideng.calls.worlds.export import as_calls
from tideng.calls.worlds.making import make

SCORER = Scorer(shipped_model())
MODEL = SCORER.model
STEPS = (-2.0, 0.0, 1.4)


def box(kind: str, calls: int, *, found: bool = True, suspended: int = -1) -> Found:
    return Found(kind=kind, is_found=found, calls=calls, minutes=calls * 2.0, suspended_calls=suspended)


def world(found: list[Found], *, false: int = 0, suspensions: int = 0) -> WorldResult:
    return WorldResult(
        world="held-1",
        line_days=500_000,
        found=tuple(found),
        false_alarms=false,
        false_suspensions=suspensions,
        false_kinds={"survey": false} if false else {},
        shift=-0.5,
    )


HELD = [
    world([box("dialler", 3, suspended=9), box("office", 20), box("office", 40), box("mimicry", 9)], false=2),
    world([box("trickle", 12, found=False), box("rented_room", 5, suspended=20)], false=9, suspensions=1),
]


def test_every_figure_follows_from_the_boxes() -> None:
    told = {what: figure for what, figure, _ in reached(HELD, MODEL)}
    assert told["boxes found, on lines of homes"] == "66.7% (2 of 3)"
    assert told["… on all lines"] == "83.3% (5 of 6)"
    assert told["… all lines"] == "9 / 36"
    assert told["superimposed on an office line, found within 25 calls"] == "50.0% (1 of 2)"
    assert told["slow and careful boxes, found within 10 calls"] == "50.0% (1 of 2)"
    assert told["suspended within 12 calls"] == "16.7% (1 of 6)"
    assert told["false alarms per million line-days (95 %, exact Poisson)"].startswith("11.0 (5.5 to 19.7)")
    assert told["false suspensions per million line-days"].startswith("1.0 (0.0 to 5.6); promised 0.5")
    assert kept(HELD, 10.0) == 1


def test_an_interval_holds_its_rate_and_narrows() -> None:
    few, many = Rate(3, 1_000_000), Rate(300, 100_000_000)
    assert few.per_million == many.per_million == 3.0
    assert str(few) == "3.0 (0.6 to 8.8)"
    assert str(many) == "3.0 (2.7 to 3.4)"


def test_the_page_has_every_table_and_stands_alone() -> None:
    page = report({-1.0: HELD, 0.0: HELD, 1.0: HELD}, 0.0, MODEL, "m <1>", 2.0)
    assert page.count("<table>") == 4
    assert page.count("<svg") == page.count('role="img"') == 4
    assert "m &lt;1&gt;" in page
    assert not re.search(r"(?:src|href)=\"(?!data:)", page)
    assert "66.7% (2 of 3)" in page


def test_a_world_is_scored_once_and_judged_as_by_the_detector() -> None:
    """The curve's middle is what `detect` says; higher thresholds give fewer alarms."""
    scorer = SCORER
    by = one_world(99_100, 900, scorer, STEPS)
    rng = np.random.default_rng([99_100, 77])
    days, quiet = int(rng.integers(14, 36)), int(rng.integers(3, 10))
    made = make("held", 99_100, lines=900, days=days, boxes=5, quiet_days=quiet)
    calls, by_box = as_calls(made)
    alarms, threshold = detect(calls, scorer, zone_s=28_800)
    assert by[0.0] == judge(made, calls, by_box, alarms, threshold.shift)
    counts = [sum(one.is_found for one in by[step].found) + by[step].false_alarms for step in STEPS]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1]


@pytest.mark.parametrize("peaks", [np.empty(0), np.full(50_000, -3.0), np.linspace(-6.0, 12.0, 40_000)])
def test_the_margin_stands_above_every_threshold_for_calling(peaks: np.ndarray) -> None:
    assert MARGIN >= 0.5  # with 0.3 three of ten towns broke the promise: docs/calls/evaluation.md
    found = threshold_of(peaks, 1_000_000, MODEL)
    assert found.call_owner == pytest.approx(MODEL.threshold + found.shift + MARGIN)
    assert shipped(MODEL).call_owner == pytest.approx(MODEL.threshold + MARGIN)
    assert found.suspend >= MODEL.suspend
