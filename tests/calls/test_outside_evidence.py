"""What is known besides a line's own calls: reports, links between lines, callees shared with loud lines."""

import csv
import json
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from tideng.calls.alarms import entry_of, replay
from tideng.calls.cases import MemoryVisits
from tideng.calls.columns import Calls
from tideng.calls.detector.calibrating import shipped
from tideng.calls.detector.detecting import Alarm, cross, detect, score_calls, tier_of
from tideng.calls.detector.evidence import Scorer
from tideng.calls.detector.layout import FEATURES
from tideng.calls.detector.lines import LineStates
from tideng.calls.detector.outside import (
    GROUP_LINES_MAX,
    LINKED_S,
    LINKED_WEIGHTS,
    LOUD_BELOW,
    REPORT_S,
    REPORT_WEIGHT,
    Outside,
    Weight,
)
from tideng.calls.detector.shipped import shipped_model
from tideng.calls.records import CallRecord
from tideng.calls.register import LineFacts, Register, RegisterInvalid, read_register
from tideng.calls.reports import ReportInvalid, read_reports, report_of
from tideng.calls.watching import Watch
from tideng.calls.worlds.export import as_calls
from tideng.calls.worlds.making import make
from tideng.calls.worlds.traffic import World
from tideng.cli.main import app
from tideng.evidence.entries import decode_entry, encode_entry
from tideng.evidence.memory import MemoryLedger

ZONE_S = 28_800
T0 = 1_772_431_200
SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer(shipped_model())


@pytest.fixture(scope="module")
def town() -> World:
    return make("dev", 78, lines=900, days=12, boxes=25, quiet_days=5)


@pytest.fixture(scope="module")
def calls(town: World) -> Calls:
    return as_calls(town)[0]


def scored_alone(calls: Calls, scorer: Scorer) -> tuple[np.ndarray, np.ndarray]:
    """Of every call that is scored: its line, and its score by calls alone."""
    scored = score_calls(calls, LineStates(len(calls.lines), zone_s=ZONE_S), scorer)
    return scored.line, scored.score


def alarms_with(calls: Calls, scorer: Scorer, outside: Outside | None, line: int) -> list[Alarm]:
    """At the shipped threshold, so that a small town's own does not matter."""
    scored = score_calls(calls, LineStates(len(calls.lines), zone_s=ZONE_S), scorer, outside)
    return [a for a in cross(calls, scored, scorer, shipped(scorer.model)) if a.line == line]


@pytest.fixture(scope="module")
def nearly(calls: Calls, scorer: Scorer) -> int:
    """A line whose calls alone come near the threshold and never reach it."""
    lines, scores = scored_alone(calls, scorer)
    peaks = np.full(len(calls.lines), -99.0)
    np.maximum.at(peaks, lines, scores)
    limit = scorer.model.threshold
    return int(np.flatnonzero((peaks < limit - 0.1) & (peaks > limit - REPORT_WEIGHT + 0.2))[0])


# A resident's report


def test_a_report_makes_an_alarm_of_what_calls_alone_did_not(
    calls: Calls, scorer: Scorer, nearly: int
) -> None:
    assert alarms_with(calls, scorer, None, nearly) == []
    outside = Outside(scorer.model.threshold)
    lines, scores = scored_alone(calls, scorer)
    for day in range(12):
        outside.report(nearly, int(calls.start[0]) + day * 86_400)
    [alarm, *_] = alarms_with(calls, scorer, outside, nearly)
    told = {reason.name: reason.weight for reason in alarm.reasons}
    assert told["report"] == REPORT_WEIGHT
    assert sum(told.values()) == pytest.approx(alarm.score, abs=0.3)
    assert alarm.score - REPORT_WEIGHT < scorer.model.threshold <= alarm.score
    assert alarm.tier == "call_owner"
    assert scores[lines == nearly].max() + REPORT_WEIGHT >= alarm.score - 0.001


def test_a_report_counts_for_a_while_and_not_before_it_was_made(scorer: Scorer) -> None:
    outside = Outside(scorer.model.threshold)
    outside.report(3, T0)
    outside.report(3, T0)
    moments = np.array([T0 - 1, T0, T0 + REPORT_S - 1, T0 + REPORT_S, T0 + 5], np.int64)
    lines = np.array([3, 3, 3, 3, 4], np.int32)
    told = outside.weigh(lines, moments, np.zeros(5))
    assert told == {1: Weight(report=REPORT_WEIGHT), 2: Weight(report=REPORT_WEIGHT)}


def test_a_report_alone_is_no_alarm(calls: Calls, scorer: Scorer) -> None:
    lines, scores = scored_alone(calls, scorer)
    calm = next(int(line) for line in np.unique(lines) if scores[lines == line].max() < 0)
    outside = Outside(scorer.model.threshold)
    for day in range(0, 12, 6):
        outside.report(calm, int(calls.start[0]) + day * 86_400)
    assert alarms_with(calls, scorer, outside, calm) == []


def test_suspending_takes_a_second_cue_and_a_report_is_one(scorer: Scorer) -> None:
    limits = shipped(scorer.model)
    strangers_only = np.zeros(len(scorer.groups))
    strangers_only[scorer.groups.index("strangers")] = 20.0
    reached = limits.suspend + 1
    assert tier_of(reached, strangers_only, scorer, limits) == "call_owner"
    assert tier_of(reached, strangers_only, scorer, limits, Weight(report=REPORT_WEIGHT)) == "suspend"
    assert tier_of(limits.suspend - 1, strangers_only, scorer, limits, Weight(report=3.0)) == "call_owner"
    linked = Weight(linked=LINKED_WEIGHTS[1])
    assert tier_of(reached, strangers_only, scorer, limits, linked) == "call_owner"
    strangers_only[scorer.groups.index("rhythm")] = 1.0
    assert tier_of(reached, strangers_only, scorer, limits, linked) == "suspend"


def test_the_thresholds_rest_on_calls_alone(calls: Calls, scorer: Scorer, nearly: int) -> None:
    outside = Outside(scorer.model.threshold)
    for line in range(len(calls.lines)):
        outside.report(line, int(calls.start[0]) + 5 * 86_400)
    _, without = detect(calls, scorer, zone_s=ZONE_S)
    _, with_reports = detect(calls, scorer, zone_s=ZONE_S, outside=outside)
    assert without == with_reports


def test_an_alarm_with_a_report_replays_from_its_entry(calls: Calls, scorer: Scorer, nearly: int) -> None:
    outside = Outside(scorer.model.threshold)
    for day in range(12):
        outside.report(nearly, int(calls.start[0]) + day * 86_400)
    alarm = alarms_with(calls, scorer, outside, nearly)[0]
    made = entry_of(alarm, at=1, line="8621", rows=["ab" * 32], key=bytes(32), scorer=scorer)
    entry = decode_entry(encode_entry(made))
    assert replay(entry["features"], entry["model"], scorer, entry["weights"]) == (
        entry["score"],
        alarm.reasons,
    )
    assert replay(entry["features"], entry["model"], scorer)[0] == entry["score"] - 3_000


# Linkage


def test_the_second_line_of_an_installer_is_known_sooner(calls: Calls, town: World, scorer: Scorer) -> None:
    boxes = [box.line for box in town.boxes]
    sooner = later = 0
    outside = Outside(scorer.model.threshold)
    for line in boxes:
        outside.link(line, ("installer:li",))
    scored = score_calls(calls, LineStates(len(calls.lines), zone_s=ZONE_S), scorer, outside)
    linked = {a.line: a for a in [*cross(calls, scored, scorer, shipped(scorer.model))][::-1]}
    for line in boxes:
        alone = alarms_with(calls, scorer, None, line)
        if alone and line in linked:
            sooner += linked[line].at < alone[0].at
            later += linked[line].at > alone[0].at
    assert (sooner > 3, later) == (True, 0)
    with_link = [a for a in linked.values() if any(r.name == "linkage" for r in a.reasons)]
    assert {r.weight for a in with_link for r in a.reasons if r.name == "linkage"} <= {*LINKED_WEIGHTS}
    assert with_link


def test_links_count_other_loud_lines_within_days(scorer: Scorer) -> None:
    outside = Outside(10.0)
    for line in (1, 2, 3, 4):
        outside.link(line, ("address:a", f"installer:{line}"))
    loud, quiet = 10.0 - LOUD_BELOW, 0.0
    rows = [
        (1, 0, quiet, 0.0), (1, 10, loud, 0.0), (2, 20, quiet, 1.5), (1, 30, quiet, 0.0), (2, 40, loud, 1.5),
        (3, 50, quiet, 2.5), (1, 60, quiet, 1.5), (4, 10 + LINKED_S, quiet, 1.5),
        (4, 40 + LINKED_S, quiet, 0.0), (9, 50, loud, 0.0),
    ]  # fmt: skip
    line, at, score, wanted = (np.array(column) for column in zip(*rows, strict=True))
    told = outside.weigh(line.astype(np.int32), at + T0, score)
    assert [told.get(i, Weight()).linked for i in range(len(rows))] == wanted.tolist()


def test_a_hotel_links_nobody_and_neither_does_a_line_alone() -> None:
    hotel = {f"8621{i:08d}": LineFacts(address="西湖路 1 号") for i in range(GROUP_LINES_MAX + 1)}
    room = {
        "862155500001": LineFacts(address="Room 3", installer="W-77"),
        "862155500002": LineFacts(address="ROOM  3"),
    }
    register = Register({**hotel, **room})
    assert register.groups("862100000000") == ()
    assert register.groups("862155500001") == register.groups("862155500002") == ("address:room3",)
    assert register.groups("nobody") == ()
    assert register.too_large == 1


# Callees shared with other loud lines: a learned cue, over a real stream


def one_after_another(lists: list[list[int]]) -> Calls:
    """Each line calls down its list, a call a minute, one line after the other."""
    rows = [
        (line, callee, T0 + 7_200 * line + 60 * i)
        for line, callees in enumerate(lists)
        for i, callee in enumerate(callees)
    ]
    line, callee, start = (np.array(column) for column in zip(*rows, strict=True))
    return Calls(
        caller=(line + 862_150_000_000).astype(np.uint64), callee=callee.astype(np.uint64),
        caller_line=line.astype(np.int32), callee_line=np.full(len(rows), -1, np.int32), start=start,
        ring_s=np.full(len(rows), 8), talk_s=np.full(len(rows), 9), answered=np.ones(len(rows), bool),
        lines=tuple(str(862_150_000_000 + i) for i in range(len(lists))), classes=(),
    )  # fmt: skip


def test_a_list_that_another_loud_line_worked_through_is_evidence(scorer: Scorer) -> None:
    first = [8_613_800_000_000 + 7 * i for i in range(30)]
    others = [8_613_900_000_000 + 7 * i for i in range(30)]
    seen = {}
    for name, second in (("shared", first), ("other", others)):
        made = one_after_another([first, second])
        rows, _ = LineStates(2, zone_s=ZONE_S).feed(made)
        last = rows[-1:]
        seen[name] = (float(last[0, FEATURES.index("shared_with_loud")]), scorer.of(last)[0])
    assert seen["shared"][0] > 20 > seen["other"][0] == 0
    at = scorer.groups.index("shared_callees")
    assert seen["shared"][1][at] > seen["other"][1][at]


# Stream and batch


def records(calls: Calls) -> list[CallRecord]:
    columns = (calls.caller, calls.callee, calls.start, calls.ring_s, calls.talk_s, calls.answered)
    return [
        CallRecord(
            call_id=str(i), caller=str(a), callee=str(b), start_s=s, ring_s=r, talk_s=t, answered=ok,
            raw=f"{i:064x}",
        )
        for i, (a, b, s, r, t, ok) in enumerate(zip(*(c.tolist() for c in columns), strict=True))
    ]  # fmt: skip


def known(scorer: Scorer, town: World) -> Outside:
    outside = Outside(scorer.model.threshold)
    for box in town.boxes:
        outside.report(box.line, int(box.start) + 3_600)
        outside.link(box.line, (f"installer:{box.line % 3}",))
    return outside


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.floats(0, 1), max_size=5))
def test_any_slicing_of_the_stream_weighs_reports_and_links_alike(
    calls: Calls, town: World, scorer: Scorer, cuts: list[float]
) -> None:
    whole = score_calls(calls, LineStates(len(calls.lines), zone_s=ZONE_S), scorer, known(scorer, town))
    wanted = {int(whole.record[i]): weight for i, weight in whole.outside.items()}
    assert {weight.linked > 0 for weight in wanted.values()} == {True, False}
    states, outside = LineStates(len(calls.lines), zone_s=ZONE_S), known(scorer, town)
    ends = sorted({0, len(calls.start), *(int(cut * len(calls.start)) for cut in cuts)})
    found = {}
    for first, last in pairwise(ends):
        part = score_calls(calls.piece(first, last), states, scorer, outside)
        found |= {first + int(part.record[i]): weight for i, weight in part.outside.items()}
    assert found == wanted


def watch(visits: MemoryVisits, book: MemoryLedger, register: Register) -> Watch:
    return Watch(
        Scorer(shipped_model()), visits, book, key=b"k" * 32, now=book.now, entropy=bytes, register=register
    )


def ledger() -> MemoryLedger:
    return MemoryLedger(
        origin="test.example/calls", key=Ed25519PrivateKey.generate(), clock=lambda: 1_800_000_000_000_000
    )


def test_a_watch_restarted_in_between_opens_the_same_cases_with_owner_and_address(
    calls: Calls, town: World, tmp_path: Path
) -> None:
    everything = records(calls)
    register = Register(
        {calls.lines[b.line]: LineFacts(owner=f"owner {b.line}", address="弄堂 7 号") for b in town.boxes}
    )
    half = len(everything) // 2
    reported = [(calls.lines[b.line], int(b.start) + 60) for b in town.boxes[:6]]

    def tell(one: Watch) -> None:
        for line, at in reported:
            one.report(line, at)

    whole = MemoryVisits()
    straight = watch(whole, ledger(), register)
    tell(straight)
    straight.feed(everything[:half], 1)
    straight.feed(everything[half:], 2)
    visits, book = MemoryVisits(), ledger()
    first = watch(visits, book, register)
    tell(first)
    first.feed(everything[:half], 1)
    first.save(tmp_path)
    second = watch(visits, book, register)
    assert second.restore(tmp_path)
    tell(second)
    second.feed(everything[half:], 2)
    assert {v.id: v.reasons for v in visits.all()} == {v.id: v.reasons for v in whole.all()}
    names = {name for visit in visits.all() for name, _ in visit.reasons}
    assert {"report", "linkage"} <= names
    boxed = {calls.lines[b.line]: b.line for b in town.boxes}
    for visit in visits.all():
        if visit.line in boxed:
            assert (visit.owner, visit.address) == (f"owner {boxed[visit.line]}", "弄堂 7 号")


def test_a_line_that_goes_on_has_one_case_of_each_tier_however_its_records_come(calls: Calls) -> None:
    visits = MemoryVisits()
    running = watch(visits, ledger(), Register({}))
    everything = records(calls)
    for part, first in enumerate(range(0, len(everything), 700), 1):
        running.feed(everything[first : first + 700], part)
    opened = [(visit.line, visit.tier) for visit in visits.all()]
    assert len(opened) == len(set(opened)) > 5


# What people and files say


@pytest.mark.parametrize(
    ("at", "wanted"),
    [
        ("2026-03-10T14:05", datetime(2026, 3, 10, 14, 5, tzinfo=timezone(timedelta(hours=8)))),
        ("2026-03-10 14:05:30Z", datetime(2026, 3, 10, 14, 5, 30, tzinfo=UTC)),
        ("1773122700", datetime.fromtimestamp(1773122700, UTC)),
        ("", datetime.fromtimestamp(1_773_200_000, UTC)),
    ],
)
def test_a_moment_may_be_written_in_several_ways(at: str, wanted: datetime) -> None:
    told = report_of("021-5550 1234", at, by="mei", zone=SHANGHAI, now_s=1_773_200_000)
    assert (told.line, told.called_at) == ("862155501234", int(wanted.timestamp()))


@pytest.mark.parametrize(
    ("line", "at", "said"),
    [
        ("", "", "no number"), ("anonymous", "", "no number"), ("02155501234", "soon", "give it as"),
        ("02155501234", "2036-01-01", "not a past moment"), ("02155501234", "12", "not a past moment"),
    ],
)  # fmt: skip
def test_what_is_no_report_is_refused(line: str, at: str, said: str) -> None:
    with pytest.raises(ReportInvalid, match=said):
        report_of(line, at, by="mei", zone=SHANGHAI, now_s=1_773_200_000)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (b"number,owner\n1,2\n", "no column `line`"), (b"line,owner\n,Li\n", "row 2: no number"),
        (b"line,owner\n02155501234," + b"x" * 501, "limit is 500"), (b"line\n\xff\xfe\n", "no CSV in UTF-8"),
    ],
)  # fmt: skip
def test_a_register_that_cannot_be_read_says_where(tmp_path: Path, written: bytes, said: str) -> None:
    (tmp_path / "lines.csv").write_bytes(written)
    with pytest.raises(RegisterInvalid, match=said):
        read_register(tmp_path / "lines.csv")


def test_a_file_of_reports_names_the_one_that_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "reports.csv"
    path.write_text("line,at\n02155501234,2026-03-10T14:05\n02155501234,\n")
    with pytest.raises(ReportInvalid, match=r"reports.csv, report 2: at is empty"):
        read_reports(path, zone=SHANGHAI, area="", now_s=1_773_200_000)
    path.write_text("a,b\n")
    with pytest.raises(ReportInvalid, match="no columns"):
        read_reports(path, zone=SHANGHAI, area="", now_s=1_773_200_000)


def run(data: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["--data", str(data), *words])


def test_the_command_records_a_report_once_and_names_nobody_in_the_ledger(tmp_path: Path) -> None:
    words = ("calls", "report", "021 5550 1234", "--at", "2026-03-10T14:05", "--by", "mei", "--json")
    told = json.loads(run(tmp_path, *words).stdout)
    assert told == {"line": "862155501234", "called_at": 1_773_122_700, "new": True}
    assert not json.loads(run(tmp_path, *words).stdout)["new"]
    shown = json.loads(run(tmp_path, "ledger", "show", "--count", "50", "--json").stdout)["entries"]
    reports = [one["entry"] for one in shown if one["entry"]["kind"] == "call_report/1"]
    assert len(reports) == 1
    assert (reports[0]["by"], reports[0]["called_at"]) == ("mei", 1_773_122_700)
    assert "55501234" not in json.dumps(shown)
    assert run(tmp_path, "calls", "report", "nobody").exit_code == 2
    assert run(tmp_path, "calls", "report", "02155501234", "--at", "soon").exit_code == 2


def spool(folder: Path, calls: Calls) -> Path:
    path = folder / "town.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("caller", "callee", "start", "ring_s", "duration_s", "answered"))
        rows.writerows(
            zip(
                calls.caller.tolist(), calls.callee.tolist(), calls.start.tolist(), calls.ring_s.tolist(),
                calls.talk_s.tolist(), (str(ok).lower() for ok in calls.answered.tolist()), strict=True,
            )
        )  # fmt: skip
    return path


def test_watch_and_detect_take_reports_and_links(
    tmp_path: Path, calls: Calls, town: World, nearly: int
) -> None:
    (tmp_path / "spool").mkdir()
    records_file = spool(tmp_path / "spool", calls)
    line = calls.lines[nearly]
    begins = int(calls.start[0])
    data = tmp_path / "data"
    for day in range(0, 12, 3):
        assert run(data, "calls", "report", line, "--at", str(begins + day * 86_400)).exit_code == 0
    (data / "calls" / "lines.csv").write_text(f"line,owner,address\n{line},王奶奶,幸福里 3 号\n", "utf-8")
    done = run(data, "calls", "watch", str(tmp_path / "spool"), "--once", "--json")
    assert done.exit_code == 0, done.output
    opened = {case["line"]: case for case in map(json.loads, done.stdout.splitlines())}
    assert ["report", REPORT_WEIGHT] in opened[line]["reasons"]
    assert opened[line]["owner"] == "王奶奶"
    seen = json.loads(run(data, "calls", "why", line, "--json").stdout)
    assert "report" in {e["name"] for alarm in seen["alarms"] for e in alarm["evidence"]}
    assert seen["highest"] >= seen["threshold"]
    assert (
        json.loads(run(data, "calls", "why", line, "--from", str(records_file), "--json").stdout)["alarms"]
        == []
    )
    reports, lines = tmp_path / "reports.csv", tmp_path / "lines.csv"
    reports.write_text("line,at\n" + "".join(f"{line},{begins + day * 86_400}\n" for day in range(0, 12, 3)))
    boxes = [calls.lines[box.line] for box in town.boxes]
    lines.write_text("line,installer\n" + "".join(f"{one},W-1\n" for one in boxes))
    words = ("calls", "detect", str(records_file), "--json", "--reports", str(reports), "--lines", str(lines))
    done = run(data, *words)
    assert done.exit_code == 0, done.output
    names = {e["name"] for one in map(json.loads, done.stdout.splitlines()) for e in one["evidence"]}
    assert {"report", "linkage"} <= names
    (data / "calls" / "lines.csv").write_text("x\n")
    refused = run(data, "calls", "watch", str(tmp_path / "spool"), "--once")
    assert refused.exit_code == 2
    assert "no column `line`" in " ".join(refused.stderr.split())
    assert run(data, *words[:-1], str(tmp_path / "none.csv")).exit_code == 2
