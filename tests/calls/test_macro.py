"""Simulated towns make as many calls as real fixed lines do: both families, whatever the seed."""

import numpy as np
import pytest
from msgspec.structs import replace

from tideng.calls.worlds.macro import TOWNS_TOGETHER, macro, out_of_bounds
from tideng.calls.worlds.making import Family, make


@pytest.mark.parametrize("family", ["dev", "held"])
def test_towns_are_as_busy_as_the_country(family: Family) -> None:
    figures = [macro(make(family, seed, lines=1_500, days=14, boxes=6)) for seed in range(700, 724)]
    odd = {seed: out_of_bounds(one) for seed, one in enumerate(figures, 700) if out_of_bounds(one)}
    # A prior has tails: one town in twelve may lie outside.
    assert len(odd) <= 2, odd
    together = np.mean([one.minutes_per_line_day for one in figures])
    assert TOWNS_TOGETHER[0] <= together <= TOWNS_TOGETHER[1]


def test_boxes_are_not_counted() -> None:
    quiet = macro(make("dev", 31, lines=400, days=14, boxes=0))
    boxed = macro(make("dev", 31, lines=400, days=14, boxes=60))
    assert abs(quiet.calls_per_line_day - boxed.calls_per_line_day) < 0.3 * quiet.calls_per_line_day


def test_a_town_that_never_sleeps_is_told() -> None:
    figures = macro(make("held", 5, lines=300, days=7, boxes=0))
    assert out_of_bounds(replace(figures, night_share=0.5)) == ("night_share",)
