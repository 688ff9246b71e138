"""Sampling: known values, exact plans, honest coverage, a draw that anybody can repeat."""

import random
from functools import cache
from itertools import islice
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tideng.scan.sampling import bound, confidence_of, continued, draw, plan, seed_commitment, total_bound


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


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_coverage_is_at_least_nominal_whatever_the_truth(confidence: float) -> None:
    # Exact, not simulated: every possible truth, every possible sample with its hypergeometric chance.
    population, size = 300, 40
    proven = [bound(size, genuine, population, confidence).genuine_least for genuine in range(size + 1)]
    ways = comb(population, size)
    for truth in range(population + 1):
        kept = sum(
            comb(truth, genuine) * comb(population - truth, size - genuine)
            for genuine in range(size + 1)
            if proven[genuine] <= truth
        )
        assert kept / ways >= confidence, truth


@given(st.floats(0.5, 0.99), st.integers(1, 40))
def test_all_looks_together_spend_no_more_than_the_error_allowed(confidence: float, strata: int) -> None:
    looks = [
        1 - confidence_of(confidence, strata=strata, stage=stage, is_sequential=True) for stage in range(30)
    ]
    assert strata * sum(looks) <= 1 - confidence + 1e-12
    assert strata * (1 - confidence_of(confidence, strata=strata)) <= 1 - confidence + 1e-12


@pytest.mark.parametrize("false_share", [0.051, 0.06, 0.09])
def test_a_draw_that_is_continued_until_it_holds_is_still_as_sure(false_share: float) -> None:
    # Simulated against the worst examiner: whoever fails looks again, up to four times.
    chance = random.Random(11)
    population, rounds, wrong = 2_000, 2_000, 0
    false_items = round(population * false_share)
    first = plan(
        "s", population, confidence=confidence_of(0.95, is_sequential=True), share=0.95, failures_allowed=0
    )
    further = cache(lambda now, failures: continued(now, failures))
    for _ in range(rounds):
        order = chance.sample(range(population), population)
        now = first
        for _look in range(5):
            failures = sum(place < false_items for place in order[: now.size])
            if failures <= now.failures_allowed:
                wrong += 1  # it "proves" 95 %, and fewer are genuine
                break
            if failures > population * 0.05:
                break  # disproved: no longer sample can prove it
            now = further(now, failures)
    assert wrong / rounds <= 0.05


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
