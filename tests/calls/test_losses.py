"""What an alarm is thought to have spared: reckoned from figures that somebody gave with source and date."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from tideng.calls.cases import SqliteVisits, State, Visit
from tideng.calls.losses import DAY_S, Assumptions, Figure, Losses, LossesInvalid, read
from tideng.cli.main import app

OWN = """
currency = "CNY"
[victim_share]
low = 0.001
high = 0.004
source = "our cases of 2025"
date = "2026-01"
[loss_per_victim]
low = 8000
high = 60000
source = "our cases of 2025"
date = "2026-01"
"""


def figure(low: float, high: float | None = None) -> Figure:
    return Figure(low=low, high=high or low, source="a test", date="2026-01")


def assumed(**changed: Figure) -> Assumptions:
    figures = {
        "calls_a_day": figure(50), "discovery_days": figure(2), "victim_share": figure(0.01),
        "loss_per_victim": figure(10_000), **changed,
    }  # fmt: skip
    return Assumptions(currency="CNY", **figures)


def case(
    line: str = "8621", *, after_days: float = 0.5, state: State = "confirmed", at: int = 900_000
) -> Visit:
    return Visit(
        id=f"{line}-{at}", line=line, opened_at=1, tier="suspend", calls_placed=9,
        first_call_at=at - int(after_days * DAY_S), alarm_at=at, score=9.0, threshold=7.0, reasons=(),
        state=state,
    )  # fmt: skip


def test_without_doubt_in_any_figure_it_is_the_plain_product() -> None:
    spared = Losses(assumed(), confirmed=0, not_confirmed=0).avoided(case())
    assert spared is not None
    # 50 calls a day for the day and a half that were left, one in a hundred pays 10,000.
    assert (spared.low, spared.median, spared.high, spared.currency) == (7_500, 7_500, 7_500, "CNY")


def test_the_doubt_in_a_figure_is_the_doubt_in_the_sum() -> None:
    model = Losses(assumed(loss_per_victim=figure(5_000, 20_000)), confirmed=0, not_confirmed=0)
    one = model.avoided(case())
    assert one is not None
    assert one.low == pytest.approx(3_750, rel=0.06)
    assert one.median == pytest.approx(7_500, rel=0.06)
    assert one.high == pytest.approx(15_000, rel=0.06)
    # The same figure holds for every line: two lines are not surer than one.
    both = model.avoided_by([case("8621"), case("8622")])
    assert both is not None
    assert both.high / both.low == pytest.approx(one.high / one.low, rel=0.06)
    assert both.median == pytest.approx(2 * one.median, rel=0.06)


def test_nothing_is_spared_by_an_alarm_that_came_after_the_discovery_or_found_nothing() -> None:
    model = Losses(assumed(), confirmed=1, not_confirmed=0)
    late = model.avoided(case(after_days=3))
    assert late is not None
    assert (late.low, late.high) == (0, 0)
    assert model.avoided(case(state="not_confirmed")) is None


def test_a_line_counts_once_from_its_first_alarm() -> None:
    model = Losses(assumed(), confirmed=0, not_confirmed=0)
    again = case(after_days=0.75, at=900_000 + DAY_S // 4, state="confirmed")
    for both in ([case(state="open"), again], [again, case(state="open")]):
        assert model.avoided_by(both) == model.avoided(case())


def test_an_open_alarm_is_worth_what_visits_make_likely() -> None:
    believed = Losses(assumed(), confirmed=50, not_confirmed=0).avoided(case(state="open"))
    doubted = Losses(assumed(), confirmed=5, not_confirmed=45).avoided(case(state="open"))
    assert believed is not None
    assert doubted is not None
    assert doubted.high < believed.low <= 7_500


@pytest.mark.parametrize("name", ["calls_a_day", "discovery_days", "victim_share", "loss_per_victim"])
def test_a_figure_that_nobody_gave_leaves_it_unsaid(name: str) -> None:
    figures = {n: getattr(assumed(), n) for n in Assumptions.__struct_fields__ if n not in (name, "currency")}
    missing = Assumptions(currency="CNY", **figures)
    assert missing.missing == (name,)
    assert Losses(missing, confirmed=3, not_confirmed=0).avoided_by([case()]) is None


@given(st.floats(1e-6, 1), st.floats(1e-6, 1), st.integers(0, 9), st.integers(0, 9))
def test_the_interval_is_ordered_and_repeats(low: float, high: float, right: int, wrong: int) -> None:
    low, high = sorted((low, high))
    made = [
        Losses(assumed(victim_share=figure(low, high)), confirmed=right, not_confirmed=wrong).avoided(case())
        for _ in range(2)
    ]
    assert made[0] == made[1]
    assert made[0] is not None
    assert 0 <= made[0].low <= made[0].median <= made[0].high


def test_what_is_shipped_has_a_source_and_is_not_enough(tmp_path: Path) -> None:
    shipped = read(tmp_path / "losses.toml")
    assert shipped.missing == ("victim_share", "loss_per_victim", "currency")
    for given_figure in (shipped.calls_a_day, shipped.discovery_days):
        assert given_figure is not None
        assert given_figure.source
        assert given_figure.date
    (tmp_path / "losses.toml").write_text(OWN)
    assert read(tmp_path / "losses.toml").missing == ()


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("currency = ", "losses.toml"),
        ("currncy = 'CNY'", "currncy"),
        (OWN.replace("0.004", "4"), "victim_share is 0.001 to 4"),
        (OWN.replace("8000", "90000"), "loss_per_victim is 90000 to 60000"),
        (OWN.replace("0.001", "nan"), "victim_share"),
        (OWN.replace("0.001", "0"), "victim_share"),
        (OWN.replace('source = "our cases of 2025"', 'source = " "', 1), "no source"),
        (OWN.replace('date = "2026-01"', "", 1), "date"),
    ],
)
def test_figures_that_cannot_be_are_refused_by_name(tmp_path: Path, written: str, said: str) -> None:
    (tmp_path / "losses.toml").write_text(written)
    with pytest.raises(LossesInvalid, match=said):
        read(tmp_path / "losses.toml")


def test_the_command_says_it_with_the_cases_or_says_what_is_missing(tmp_path: Path) -> None:
    folder = tmp_path / "calls"
    folder.mkdir()
    visits = SqliteVisits(folder / "visits.db")
    visits.open(case())
    visits.shut()

    def run(*words: str) -> tuple[int, str, str]:
        done = CliRunner().invoke(app, ["--data", str(tmp_path), "calls", "visits", *words])
        return done.exit_code, done.stdout, done.stderr

    code, told, beside = run("--json")
    assert (code, json.loads(told)[0]["loss_avoided"]) == (0, None)
    assert "victim_share" in run()[2]
    (folder / "losses.toml").write_text(OWN)
    code, told, beside = run("--json")
    assert json.loads(told)[0]["loss_avoided"]["currency"] == "CNY"
    assert (code, beside) == (0, "")
    (folder / "losses.toml").write_text("x = 1")
    assert run()[0] == 2
