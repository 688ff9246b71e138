"""The token bucket and the rate that learns. Time is an argument, so seconds pass in microseconds."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tideng.gateway.carriers.pace import BURST_S, CUT_EVERY_S, RATE_MIN_PER_S, Pace


def test_unlimited_never_waits() -> None:
    pace = Pace(0, 0.0)
    for _ in range(10_000):
        assert pace.free(0.0) is None
        pace.take(0.0)
    assert pace.ready_in(0.0) == 0.0


@settings(max_examples=50, deadline=None)
@given(st.floats(1, 200), st.lists(st.floats(0.001, 0.5), min_size=5, max_size=40))
def test_no_second_exceeds_the_throughput(rate: float, gaps: list[float]) -> None:
    pace, now, taken = Pace(rate, 0.0), 0.0, []
    for gap in gaps:
        now += gap
        for _ in range(pace.free(now) or 0):
            pace.take(now)
            taken.append(now)
    for start in taken:
        in_second = sum(start <= at < start + 1.0 for at in taken)
        assert in_second <= rate + max(1.0, rate * BURST_S) + 1


def drive(pace: Pace, start: float, seconds: float, bearable: float) -> tuple[int, int]:
    """Feed a carrier that takes `bearable` per second and throttles the rest: (accepted, throttled)."""
    accepted = throttled = 0
    bucket, now = bearable * 0.2, start
    while now < start + seconds:
        now += 0.01
        bucket = min(bucket + bearable * 0.01, bearable * 0.2)
        free = pace.free(now)
        for _ in range(50 if free is None else free):
            pace.take(now)
            if bucket >= 1:
                bucket -= 1
                accepted += 1
            else:
                throttled += 1
                pace.throttled(now)
    return accepted, throttled


def test_learns_a_rate_the_carrier_bears() -> None:
    pace = Pace(0, 0.0)
    drive(pace, 0.0, 10.0, bearable=200.0)
    accepted, throttled = drive(pace, 10.0, 60.0, bearable=200.0)
    assert accepted > 60 * 200 * 0.6, "far below what the carrier takes"
    assert throttled < accepted * 0.05


def test_one_burst_of_throttling_cuts_once() -> None:
    pace = Pace(100, 0.0)
    for _ in range(100):
        pace.take(4.5)
    assert pace.throttled(5.0)
    limit = pace.rate_limit
    assert not any(pace.throttled(5.0 + CUT_EVERY_S / 2) for _ in range(50))
    assert pace.rate_limit == limit
    assert pace.throttled(5.0 + CUT_EVERY_S)
    assert pace.rate_limit < limit


def test_never_stops_for_good() -> None:
    pace = Pace(10, 0.0)
    for second in range(100):
        pace.throttled(float(second * 2))
    assert pace.rate_limit >= RATE_MIN_PER_S
    assert pace.ready_in(200.0) <= 1.0 / RATE_MIN_PER_S


def test_forgets_when_throttling_is_over() -> None:
    pace = Pace(100, 0.0)
    for _ in range(100):
        pace.take(0.5)
    pace.throttled(1.0)
    assert pace.rate_limit == pytest.approx(50.0)
    pace.free(3.0)
    assert 50.0 < pace.rate_limit < 100.0
    pace.free(60.0)
    assert pace.rate_limit == 100.0
    unlimited = Pace(0, 0.0)
    unlimited.throttled(1.0)
    for second in range(2, 120):
        unlimited.free(float(second))
    assert unlimited.rate_limit == 0.0


def test_rate_is_what_was_taken() -> None:
    pace = Pace(0, 0.0)
    for step in range(200):
        pace.take(step * 0.01)
    assert pace.rate(2.0) == pytest.approx(100.0, rel=0.05)
    assert pace.rate(60.0) < 5.0
