"""SMPP times to microseconds and back."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tideng.gateway.wire.smpp import OurMistake, PeerMistake, Status
from tideng.gateway.wire.smpp.times import FIRST, LAST, format_absolute, format_relative, parse_time

RUNS = settings(max_examples=200, deadline=None, derandomize=True)
SECOND = 1_000_000
DAY = 86_400 * SECOND


def micros(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> int:
    return round(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()) * SECOND


NOW = micros(2026, 11, 24, 12, 0, 0)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("261124180000000+", micros(2026, 11, 24, 18, 0, 0)),
        ("261124180000032+", micros(2026, 11, 24, 10, 0, 0)),  # Beijing: 32 quarter hours ahead
        ("261124180000020-", micros(2026, 11, 24, 23, 0, 0)),
        ("261124180000500+", micros(2026, 11, 24, 18, 0, 0) + 500_000),
        ("261124180000023+", micros(2026, 11, 24, 12, 15, 0)),
        ("000101000000000+", micros(2000, 1, 1)),
        ("991231235959900+", micros(2099, 12, 31, 23, 59, 59) + 900_000),
        ("000001000000000R", NOW + DAY),
        ("000000013000000R", NOW + 5_400 * SECOND),
        ("010203040506000R", NOW + (365 + 60 + 3) * DAY + (4 * 3_600 + 5 * 60 + 6) * SECOND),
        ("", 0),
    ],
)
def test_reading(text: str, at: int) -> None:
    assert parse_time(text, NOW) == at


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "261124180000000",
        "2611241800000000+",
        "261124180000000Z",
        "261324180000000+",
        "260230000000000+",
        "261124250000000+",
        "261124180000049+",
        "２61124180000000+",
        "26112418000000 +",
        "-61124180000000+",
    ],
)
@pytest.mark.parametrize("status", [Status.ESME_RINVSCHED, Status.ESME_RINVEXPIRY])
def test_what_is_no_time(text: str, status: Status) -> None:
    with pytest.raises(PeerMistake) as caught:
        parse_time(text, NOW, status=status)
    assert caught.value.status == status


@RUNS
@given(st.text("0123456789+-R", min_size=14, max_size=17) | st.text(max_size=17))
def test_noise_raises_only_the_peers_mistake(text: str) -> None:
    try:
        at = parse_time(text, NOW)
    except PeerMistake:
        return
    assert isinstance(at, int)


@RUNS
@given(st.integers(FIRST, LAST - 1))
def test_absolute_there_and_back(at: int) -> None:
    text = format_absolute(at)
    assert len(text) == 16
    assert parse_time(text, NOW) == at - at % 100_000


@RUNS
@given(st.integers(0, 99 * DAY))
def test_relative_there_and_back(span: int) -> None:
    text = format_relative(span)
    assert len(text) == 16
    assert 0 <= parse_time(text, NOW) - NOW - span < SECOND


def test_what_two_digits_cannot_say() -> None:
    for at in (FIRST - 1, LAST, -(10**30), 10**30):
        with pytest.raises(OurMistake, match="2000 to 2099"):
            format_absolute(at)
    for span in (-1, 99 * DAY + 1):
        with pytest.raises(OurMistake, match="99 days"):
            format_relative(span)
    assert format_relative(90 * SECOND) == "000000000130000R"
