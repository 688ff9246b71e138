"""Story 3: a "free broadband upgrade" wires a box to an old lady's telephone line; know it within minutes.

Her line is one of 20,000 in a town made by the held-out generator. At 14:00 on the tenth day the box begins.
"""

from datetime import UTC, datetime, timedelta, timezone

import msgspec
import numpy as np
import pypdfium2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tideng.calls.alarms import entry_of, replay
from tideng.calls.cases import MemoryVisits, Visit
from tideng.calls.columns import Calls
from tideng.calls.detector.calibrating import Threshold
from tideng.calls.detector.detecting import Alarm, detect
from tideng.calls.detector.evidence import Scorer
from tideng.calls.detector.outside import Outside
from tideng.calls.detector.shipped import shipped_model
from tideng.calls.visit import paper
from tideng.calls.worlds.export import as_calls
from tideng.calls.worlds.making import make
from tideng.calls.worlds.traffic import EPOCH_S
from tideng.evidence.entries import decode_entry, encode_entry
from tideng.evidence.memory import MemoryLedger

DAYS, LINES, CALLS_MAX = 10, 20_000, 12
WIRED_AT = EPOCH_S + 9 * 86_400 + 14 * 3600
STREET = 40


def fraudsters_calls() -> list[tuple[int, int, int, int, bool]]:
    """(callee, start, ring, talk, answered): down a list of numbers, people pretending to be police."""
    rng = np.random.default_rng(20260311)
    at, made = WIRED_AT, []
    for _ in range(60):
        answered = bool(rng.random() < 0.6)
        ring = int(rng.integers(6, 16)) if answered else int(rng.integers(20, 45))
        talk = (
            (int(rng.integers(2, 15)) if rng.random() < 0.55 else int(rng.integers(40, 400)))
            if answered
            else 0
        )
        made.append((8_613_800_000_000 + int(rng.integers(0, 99_999_999)), at, ring, talk, answered))
        at += ring + talk + int(rng.integers(6, 14))
    return made


def with_a_box(town: Calls, line: int) -> Calls:
    """The town's records with hers added, in order of arrival; she herself does not call any more."""
    hers = fraudsters_calls()
    quiet = ~((town.caller_line == line) & (town.start >= WIRED_AT))
    count = len(hers)
    callee, start, ring, talk, answered = (np.array(column) for column in zip(*hers, strict=True))
    columns = {
        "caller": np.full(count, int(town.lines[line]), np.uint64), "callee": callee.astype(np.uint64),
        "caller_line": np.full(count, line, np.int32), "callee_line": np.full(count, -1, np.int32),
        "start": start, "ring_s": ring, "talk_s": talk, "answered": answered,
    }  # fmt: skip
    merged = {name: np.concatenate([getattr(town, name)[quiet], column]) for name, column in columns.items()}
    order = np.argsort(merged["start"] + merged["ring_s"] + merged["talk_s"], kind="stable")
    return Calls(
        **{name: column[order] for name, column in merged.items()}, lines=town.lines, classes=town.classes
    )


@pytest.fixture(scope="module")
def told() -> tuple[int, Calls, list[Alarm], Threshold]:
    town = make("held", 33, lines=LINES, days=DAYS, boxes=0)
    calls, _ = as_calls(town)
    placed = np.bincount(calls.caller_line[calls.caller_line >= 0], minlength=LINES)
    widows = np.flatnonzero(town.archetype == town.archetypes.index("widow"))
    her_line = int(next(line for line in widows if 5 <= placed[line] <= 15 and line > STREET))
    everything = with_a_box(calls, her_line)
    alarms, threshold = detect(everything, Scorer(shipped_model()), zone_s=28_800)
    return her_line, everything, alarms, threshold


def test_the_alarm_comes_within_a_handful_of_calls_and_minutes(
    told: tuple[int, Calls, list[Alarm], Threshold],
) -> None:
    her_line, _, alarms, _ = told
    first = next(alarm for alarm in alarms if alarm.line == her_line)
    placed = sum(start + ring + talk <= first.at for _, start, ring, talk, _ in fraudsters_calls())
    assert 1 <= placed <= CALLS_MAX
    assert 0 < first.at - WIRED_AT < 30 * 60
    assert first.reasons[0].weight > 0
    assert sum(reason.weight for reason in first.reasons) == pytest.approx(first.score, abs=0.3)


def test_nobody_in_her_street_is_suspected(told: tuple[int, Calls, list[Alarm], Threshold]) -> None:
    her_line, _, alarms, _ = told
    street = range(her_line - STREET, her_line + STREET)
    assert [alarm.line for alarm in alarms if alarm.line in street and alarm.line != her_line] == []
    others = {alarm.line for alarm in alarms} - {her_line}
    assert len(others) <= 10, "in the whole town"


def test_a_report_by_somebody_who_was_called_makes_it_surer(
    told: tuple[int, Calls, list[Alarm], Threshold],
) -> None:
    her_line, calls, alarms, threshold = told
    scorer = Scorer(shipped_model())
    outside = Outside(scorer.model.threshold)
    outside.report(her_line, WIRED_AT + 60)
    reported, same = detect(calls, scorer, zone_s=28_800, outside=outside)
    assert same == threshold, "a report moves nobody else's threshold"

    def first(found: list[Alarm], tier: str) -> float:
        return min((a.at for a in found if a.line == her_line and a.tier == tier), default=float("inf"))

    assert first(reported, "suspend") < WIRED_AT + 30 * 60
    assert first(reported, "suspend") <= first(alarms, "suspend")
    assert {a.line for a in reported} - {a.line for a in alarms} == set()
    assert any(r.name == "report" for a in reported if a.line == her_line for r in a.reasons)


def test_the_alarm_is_an_entry_that_replays_to_the_same_score(
    told: tuple[int, Calls, list[Alarm], Threshold],
) -> None:
    her_line, _, alarms, _ = told
    alarm = next(alarm for alarm in alarms if alarm.line == her_line)
    scorer = Scorer(shipped_model())
    ledger = MemoryLedger(
        origin="test.example/calls", key=Ed25519PrivateKey.generate(), clock=lambda: WIRED_AT * 1_000_000
    )
    entry = entry_of(
        alarm, at=ledger.now(), line="862150000000", rows=["ab" * 32], key=b"k" * 32, scorer=scorer
    )
    ledger.append([encode_entry(entry)])
    kept = decode_entry(ledger.leaf(0))
    score, reasons = replay(kept["features"], kept["model"], scorer)
    assert score == kept["score"]
    assert reasons == alarm.reasons
    assert "862150000000" not in ledger.leaf(0).decode()


def test_the_officer_gets_a_paper_for_the_visit(told: tuple[int, Calls, list[Alarm], Threshold]) -> None:
    her_line, calls, alarms, _ = told
    alarm = next(alarm for alarm in alarms if alarm.line == her_line)
    visit = Visit(
        id="c0ffee", line=calls.lines[her_line], opened_at=alarm.at * 1_000_000, tier=alarm.tier,
        calls_placed=alarm.calls_placed, first_call_at=alarm.first_call_at, alarm_at=alarm.at,
        score=alarm.score,
        threshold=alarm.threshold, reasons=tuple((r.name, r.weight) for r in alarm.reasons),
        owner="王奶奶", address="幸福里 3 号 101", entry=0,
    )  # fmt: skip
    cases = MemoryVisits()
    assert cases.open(visit)
    assert not cases.open(msgspec.structs.replace(visit, owner="somebody else"))
    at = datetime.fromtimestamp(alarm.at, UTC)
    raw = paper(cases.get("c0ffee"), at=at)
    assert raw == paper(visit, at=at)
    text = "".join(page.get_textpage().get_text_bounded() for page in pypdfium2.PdfDocument(raw))
    for said in (calls.lines[her_line], "王奶奶", "幸福里", "机顶盒", "上门核查单"):
        assert said in text
    local = datetime.fromtimestamp(alarm.at, timezone(timedelta(hours=8)))
    assert local.strftime("%H:%M:%S") in text
