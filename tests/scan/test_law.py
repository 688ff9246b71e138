"""The law's arithmetic: thresholds, proportional sums, duty, ten times, intervals, and what would change
them.
"""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tideng.scan.law import shipped_rules
from tideng.scan.law.arithmetic import Band, band_of, load_rules, share, tiers
from tideng.scan.law.transfers import count_transfers

RULES = load_rules(shipped_rules())
items = st.dictionaries(st.sampled_from([3, 4, 5]), st.integers(0, 200_000))


@pytest.mark.parametrize(
    ("counts", "duty", "band"),
    [
        ({5: 4_999}, False, "below"),
        ({5: 5_000}, False, "serious"),
        ({5: 49_999}, False, "serious"),
        ({5: 50_000}, False, "especially_serious"),
        ({4: 499}, False, "below"),
        ({4: 500}, False, "serious"),
        ({3: 50}, False, "serious"),
        ({3: 500}, False, "especially_serious"),
        ({5: 2_500}, True, "serious"),
        ({5: 25_000}, True, "especially_serious"),
        ({3: 25, 4: 250}, False, "serious"),
        ({3: 24, 4: 250}, False, "below"),
        ({3: 20, 4: 200, 5: 1_000}, False, "serious"),
    ],
)
def test_bands(counts: dict[int, int], duty: bool, band: Band) -> None:
    assert band_of(RULES, share(RULES, counts, is_duty=duty)) == band


def test_income_alone_is_enough() -> None:
    assert tiers(RULES, {5: 1}, {5: 1}, income_fen=500_000).band_low == "serious"
    assert tiers(RULES, {5: 1}, {5: 1}, income_fen=5_000_000).band_low == "especially_serious"
    assert tiers(RULES, {5: 1}, {5: 1}, income_fen=499_999).band_low == "below"


def test_the_edge_of_story_2_is_shown() -> None:
    found = tiers(RULES, {5: 49_950}, {5: 50_120})
    assert (found.band_low, found.band_high) == ("serious", "especially_serious")
    need = {(d.to, d.item): d.items for d in found.distances if d.reading == found.lowest.name}
    assert need["especially_serious", 5] == 50
    fewer = {(d.to, d.item): d.items for d in found.distances if d.reading == found.highest.name}
    assert fewer["serious", 5] == -121


@given(items, items, st.booleans())
def test_distances_are_exact(low: dict[int, int], high: dict[int, int], duty: bool) -> None:
    found = tiers(RULES, low, high, is_duty=duty)
    for distance in found.distances:
        reading = found.lowest if distance.reading == found.lowest.name else found.highest
        moved = dict(reading.items)
        moved[distance.item] += distance.items
        assert band_of(RULES, share(RULES, moved, is_duty=duty)) == distance.to
        moved[distance.item] -= 1 if distance.items > 0 else -1
        assert band_of(RULES, share(RULES, moved, is_duty=duty)) != distance.to


@given(items)
def test_more_never_lowers_the_band(counts: dict[int, int]) -> None:
    more = {item: count + 1 for item, count in counts.items()}
    assert share(RULES, more, is_duty=False) >= share(RULES, counts, is_duty=False)
    assert Fraction(tiers(RULES, counts, counts).lowest.share) == share(RULES, counts, is_duty=False)


def test_article_11() -> None:
    # Got and sold again: once. Sold to two: twice. Kept: once.
    found = count_transfers(held=[1, 2, 3, 3], sold={"甲": [1, 2], "乙": [2, 9]})
    assert (found.held, found.by_buyer, found.sold, found.held_only, found.total) == (
        3,
        {"乙": 2, "甲": 2},
        4,
        1,
        5,
    )
    assert count_transfers([], {}).total == 0
