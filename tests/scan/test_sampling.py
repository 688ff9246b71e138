"""Sampling: known values, exact plans, honest coverage, a draw that anybody can repeat."""

import random
from functools import cache
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tideng.scan.sampling import bound, continued, draw, plan, seed_commitment, total_bound


@pytest.mark.parametrize(
    ("population", "confidence", "share", "size"),
    [
        (50_000, 0.95, 0.90, 29),
        (50_000, 0.95, 0.95, 59),
        (5_000, 0.95, 0.95, 58),
        (500, 0.95, 0.95, 54),
        (50_000, 0.95, 0.99, 297),
        (50_000, 0.99, 0.95, 90),
    ],
)
def test_sizes_known_from_the_literature(population: int, confidence: float, share: float, size: int) -> None:
    assert plan("all", population, confidence=confidence, share=share).size == size


@pytest.mark.parametrize(
    ("sample", "genuine", "low"),
    [(100, 100, 0.9705), (100, 98, 0.9384), (300, 294, 0.9609), (1000, 970, 0.9595)],
)
def test_bounds_known_from_the_literature(sample: int, genuine: int, low: float) -> None:
    assert round(bound(sample, genuine, 50_000).low, 4) == low


def test_at_the_edge_a_clean_sample_is_not_enough() -> None:
    assert bound(59, 59, 50_000).genuine_least < 50_000


@given(st.integers(1, 400), st.integers(0, 2), st.sampled_from([0.8, 0.9, 0.95]))
@settings(deadline=None)
def test_a_plan_proves_what_it_promises_and_one_fewer_does_not(
    population: int, failures: int, share: float
) -> None:
    try:
        made = plan("s", population, confidence=0.95, share=share, failures_allowed=failures)
    except ValueError:
        return
    if made.size < population:
        assert bound(made.size, made.size - failures, population).genuine_least >= share * population - 1e-9
    if made.size > failures + 1 and made.size < population:
        assert bound(made.size - 1, made.size - 1 - failures, population).genuine_least < share * population


@given(st.binary(min_size=1, max_size=32), st.integers(0, 300))
def test_a_draw_is_a_permutation_that_the_seed_fixes(seed: bytes, population: int) -> None:
    order = list(draw(seed, "s", population))
    assert sorted(order) == list(range(population))
    assert order == list(draw(seed, "s", population))
    assert list(islice(draw(seed, "s", population), 5)) == order[:5]


def test_every_place_is_as_likely() -> None:
    counts = [0] * 10
    for number in range(3_000):
        counts[next(draw(number.to_bytes(4, "big"), "s", 10))] += 1
    assert min(counts) > 230
    assert max(counts) < 370


@pytest.mark.parametrize("share", [0.9, 0.97])
def test_coverage_is_at_least_nominal(share: float) -> None:
    chance = random.Random(7)
    population, size, rounds = 2_000, 80, 1_500
    truth = round(population * share)
    proven = cache(lambda genuine: bound(size, genuine, population).genuine_least)
    kept = 0
    for _ in range(rounds):
        kept += proven(sum(place < truth for place in chance.sample(range(population), size))) <= truth
    assert kept / rounds >= 0.94  # nominal 0.95, less three standard errors of the simulation


def test_a_failed_draw_goes_on_in_the_same_order() -> None:
    first = plan("s", 50_000, confidence=0.95, share=0.95)
    longer = continued(first, 2)
    assert longer.size > first.size
    seed = b"x" * 32
    assert list(islice(draw(seed, "s", 50_000), longer.size))[: first.size] == list(
        islice(draw(seed, "s", 50_000), first.size)
    )


def test_strata_add_up() -> None:
    parts = {name: bound(60, 60, 1_000, 1 - 0.05 / 2) for name in "ab"}
    assert total_bound(parts) == sum(part.genuine_least for part in parts.values())


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        plan("s", 10, confidence=1, share=0.9)
    with pytest.raises(ValueError, match="can not prove"):
        plan("s", 10, confidence=0.9, share=0.95, failures_allowed=3)
    with pytest.raises(ValueError, match="no sample"):
        bound(5, 6, 10)
    assert seed_commitment(b"a") != seed_commitment(b"b")
