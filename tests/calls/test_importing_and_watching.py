"""Files in, cases out: each call once, however often its file comes; crashes and restarts change nothing."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tideng.calls.cases import Before, MemoryVisits, SqliteVisits, Visit, Visits, VisitUnknown
from tideng.calls.columns import Calls
from tideng.calls.detector.calibrating import MARGIN, feedback_shift, shipped, threshold_of
from tideng.calls.detector.detecting import detect
from tideng.calls.detector.evidence import ModelInvalid, Scorer
from tideng.calls.detector.lines import LineStates, StateUnreadable
from tideng.calls.detector.shipped import shipped_model
from tideng.calls.importing import CallStore, calls_of, write_part
from tideng.calls.readers.formats import read
from tideng.calls.readers.origin import Origin
from tideng.calls.records import CallRecord
from tideng.calls.watching import CURVE_MAX, Watch, is_line, number_key
from tideng.calls.worlds.adversary import search
from tideng.calls.worlds.export import as_calls
from tideng.calls.worlds.making import make
from tideng.calls.worlds.traffic import World
from tideng.evidence.entries import decode_entry
from tideng.evidence.memory import MemoryLedger

TIERS = (None, "call_owner", "suspend")
HEAD = "caller,callee,start,ring_s,duration_s,answered"
ROWS = [f"0215550{i:04d},1380000{i:04d},{1772431200 + i * 60},5,{i},true" for i in range(20)]


def store(tmp_path: Path) -> CallStore:
    return CallStore(tmp_path / "calls")


def drop(tmp_path: Path, name: str, rows: list[str]) -> Path:
    path = tmp_path / name
    path.write_text("\n".join([HEAD, *rows]) + "\n")
    return path


def bring(kept: CallStore, path: Path) -> tuple[int, int, dict[str, int], bool]:
    done = kept.bring_in(path, "auto", Origin(name=path.name))
    return done.records, done.repeated, done.refused, done.already


def test_a_file_that_comes_again_changes_nothing(tmp_path: Path) -> None:
    kept = store(tmp_path)
    first = drop(
        tmp_path,
        "a.csv",
        [*ROWS, "0215550,13800000000,never,1,1,true", "0215550000,13800000000,1772431200,1,-5,true"],
    )
    assert bring(kept, first) == (20, 0, {"unreadable_start": 1, "negative_duration": 1}, False)
    assert bring(kept, first) == (0, 0, {}, True)
    again = drop(tmp_path, "later.csv", [*ROWS[10:], "02155509999,13800009999,1772439999,5,5,true"])
    assert bring(kept, again) == (1, 10, {}, False)
    kept.close()
    reopened = store(tmp_path)
    assert reopened.parts() == [1, 2]
    assert len(reopened.records(1)) == 20
    assert reopened.refusals() == {"unreadable_start": 1, "negative_duration": 1}
    ends = [r.start_s + r.ring_s + r.talk_s for r in reopened.records(1)]
    assert ends == sorted(ends)


def test_a_failed_import_leaves_nothing(tmp_path: Path) -> None:
    kept = store(tmp_path)

    def broken():  # type: ignore[no-untyped-def]
        yield CallRecord(
            call_id="1", caller="8621", callee="8613", start_s=1772431200, ring_s=1, talk_s=1, answered=True
        )
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="gone"):
        kept.take(broken(), "x", "hash")
    assert kept.parts() == []
    assert bring(kept, drop(tmp_path, "a.csv", ROWS))[0] == 20


def records(world: World) -> list[CallRecord]:
    columns = (world.caller, world.callee, world.start, world.ring_s, world.duration_s, world.answered)
    return [
        CallRecord(
            call_id=str(i),
            caller=str(a),
            callee=str(b),
            start_s=s,
            ring_s=r,
            talk_s=t,
            answered=ok,
            raw=f"{i:064x}",
        )
        for i, (a, b, s, r, t, ok) in enumerate(zip(*(c.tolist() for c in columns), strict=True))
    ]


@pytest.fixture(scope="module")
def town() -> World:
    return make("dev", 77, lines=900, days=12, boxes=25, quiet_days=5)


def watch(visits: Visits, ledger: MemoryLedger) -> Watch:
    return Watch(
        Scorer(shipped_model()),
        visits,
        ledger,
        key=b"k" * 32,
        now=ledger.now,
        entropy=lambda n: bytes(n),
        strictness=-3.0,
    )


def ledger() -> MemoryLedger:
    return MemoryLedger(
        origin="test.example/calls", key=Ed25519PrivateKey.generate(), clock=lambda: 1_800_000_000_000_000
    )


def test_a_watch_in_pieces_restarted_in_between_opens_the_same_cases(town: World, tmp_path: Path) -> None:
    everything = records(town)
    whole_visits, whole_ledger = MemoryVisits(), ledger()
    whole = watch(whole_visits, whole_ledger)
    half = len(everything) // 2
    for part, rows in ((1, everything[:half]), (2, everything[half:])):
        whole.feed(rows, part)
    assert len(whole_visits.all()) > 5
    visits, book = MemoryVisits(), ledger()
    first = watch(visits, book)
    first.feed(everything[:half], 1)
    first.save(tmp_path)
    second = watch(visits, book)
    assert second.restore(tmp_path)
    assert second.position == 1
    second.feed(everything[half:], 2)
    assert {v.id for v in visits.all()} == {v.id for v in whole_visits.all()}
    entry = decode_entry(book.leaf(0))
    assert entry["kind"] == "call_alarm/1"
    assert book.size == len(visits.all())


class _Killed(Exception):
    """The process ends here."""


class _CasesThatEnd(MemoryVisits):
    """Cases of a process that is killed when the first one is to be opened."""

    def open(self, visit: Visit) -> bool:
        raise _Killed


def test_no_case_without_its_entry_and_a_kill_between_the_two_loses_none(town: World) -> None:
    everything = records(town)
    whole = MemoryVisits()
    watch(whole, ledger()).feed(everything, 1)
    book = ledger()
    with pytest.raises(_Killed):
        watch(_CasesThatEnd(), book).feed(everything, 1)
    assert book.size == 1
    visits = MemoryVisits()
    watch(visits, book).feed(everything, 1)
    assert {visit.id for visit in visits.all()} == {visit.id for visit in whole.all()}
    assert book.size == 1 + len(visits.all())
    entries = {visit.id: decode_entry(book.leaf(visit.entry)) for visit in visits.all()}
    assert {entry["kind"] for entry in entries.values()} == {"call_alarm/1"}
    assert len({visit.entry for visit in visits.all()}) == len(visits.all())


def test_the_watch_finds_what_detection_over_columns_finds(town: World) -> None:
    calls, _ = as_calls(town)
    alarms, _ = detect(calls, Scorer(shipped_model()), zone_s=28_800, strictness=-3.0)
    boxes = {box.line for box in town.boxes}
    assert len({a.line for a in alarms} & boxes) >= 0.7 * len(boxes)


def test_states_saved_and_loaded_go_on_alike(town: World, tmp_path: Path) -> None:
    calls, _ = as_calls(town)
    half = len(calls.start) // 2
    straight = LineStates(len(calls.lines), zone_s=28_800)
    straight.feed(calls.piece(0, half))
    straight.save(tmp_path / "s.npz")
    resumed = LineStates.load(tmp_path / "s.npz")
    a, _ = straight.feed(calls.piece(half, len(calls.start)))
    b, _ = resumed.feed(calls.piece(half, len(calls.start)))
    assert np.array_equal(a, b)
    (tmp_path / "s.npz").write_bytes(b"PK nothing")
    with pytest.raises(StateUnreadable):
        LineStates.load(tmp_path / "s.npz")


def test_any_slicing_of_the_stream_gives_the_same_features(town: World) -> None:
    calls, _ = as_calls(town)
    end = min(len(calls.start), 20_000)
    whole, _ = LineStates(len(calls.lines), zone_s=28_800).feed(calls.piece(0, end))
    sliced = LineStates(len(calls.lines), zone_s=28_800)
    cuts = [0, 1, 7, 500, 9_999, end]
    parts = [sliced.feed(calls.piece(a, b))[0] for a, b in pairwise(cuts)]
    assert np.array_equal(whole, np.concatenate(parts))


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_cases_keep_their_promise(kind: str, tmp_path: Path) -> None:
    cases: Visits = MemoryVisits() if kind == "memory" else SqliteVisits(tmp_path / "v.db")
    visit = Visit(
        id="a", line="8621", opened_at=1, tier="suspend", calls_placed=3, first_call_at=5, alarm_at=9,
        score=6.0,
        threshold=5.0, reasons=(("rhythm", 2.0),),
    )  # fmt: skip
    assert cases.open(visit)
    assert not cases.open(visit)
    assert cases.get("a") == visit
    assert cases.of_line("8621") == [visit]
    assert cases.of_line("8622") == []
    closed = cases.close("a", "confirmed", at=99, by="officer")
    assert (closed.state, closed.closed_at) == ("confirmed", 99)
    assert cases.all(state="confirmed") == [closed]
    assert cases.all(state="open") == []
    assert cases.counts() == {"confirmed": 1}
    with pytest.raises(VisitUnknown):
        cases.get("b")
    with pytest.raises(VisitUnknown):
        cases.close("b", "confirmed", at=1, by="x")


def tier_of(number: int) -> str:
    return "suspend" if number % 2 else "call_owner"


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moments=st.lists(st.integers(0, 4), max_size=12), limit=st.integers(1, 5), tier=st.sampled_from(TIERS))
def test_paging_shows_every_case_once_newest_first(
    kind: str, tmp_path_factory: pytest.TempPathFactory, moments: list[int], limit: int, tier: str | None
) -> None:
    folder = tmp_path_factory.mktemp("cases")
    cases: Visits = MemoryVisits() if kind == "memory" else SqliteVisits(folder / "v.db")
    for number, at in enumerate(moments):
        cases.open(
            Visit(
                id=f"{number:x}", line="8621", opened_at=1, tier=tier_of(number), calls_placed=3,
                first_call_at=5, alarm_at=at, score=6.0, threshold=5.0, reasons=(),
            )
        )  # fmt: skip
    seen: list[Visit] = []
    while page := cases.all(
        tier=tier, before=Before(seen[-1].alarm_at, seen[-1].id) if seen else None, limit=limit
    ):
        assert len(page) <= limit
        seen += page
    assert seen == cases.all(tier=tier)
    assert len({visit.id for visit in seen}) == sum(
        tier in (None, tier_of(number)) for number in range(len(moments))
    )
    assert [visit.alarm_at for visit in seen] == sorted((v.alarm_at for v in seen), reverse=True)


def test_how_the_evidence_added_up_is_kept_over_parts_and_restarts(town: World, tmp_path: Path) -> None:
    everything = records(town)
    visits, book = MemoryVisits(), ledger()
    for part, first in enumerate(range(0, len(everything), 4_000), 1):
        running = watch(visits, book)
        running.restore(tmp_path)
        running.feed(everything[first : first + 4_000], part)
        running.save(tmp_path)
    assert len(visits.all()) > 5
    for visit in visits.all():
        assert visit.curve[-1] == (visit.alarm_at, pytest.approx(visit.score, abs=0.002))
        assert 1 <= len(visit.curve) <= CURVE_MAX
        assert [at for at, _ in visit.curve] == sorted(at for at, _ in visit.curve)
    assert max(len(visit.curve) for visit in visits.all()) > 3


def test_a_state_saved_before_curves_were_kept_is_taken_up(town: World, tmp_path: Path) -> None:
    first = watch(MemoryVisits(), ledger())
    first.feed(records(town)[:5_000], 1)
    first.save(tmp_path)
    path = tmp_path / "watch.msgpack"
    old = msgspec.msgpack.decode(path.read_bytes())
    del old["curves"]
    path.write_bytes(msgspec.msgpack.encode(old))
    second = watch(MemoryVisits(), ledger())
    assert second.restore(tmp_path)
    assert (second.position, second.lines) == (1, first.lines)


def test_the_calls_of_one_line_are_those_of_its_records(town: World, tmp_path: Path) -> None:
    everything = records(town)[:6_000]
    write_part(everything[:3_000], tmp_path / "records-000001.parquet")
    write_part(everything[3_000:], tmp_path / "records-000002.parquet")
    [(line, _)] = Counter(one.caller for one in everything).most_common(1)
    hers = sorted((one for one in everything if one.caller == line), key=lambda one: one.start_s)
    found = calls_of(tmp_path, line)
    assert found.start.tolist() == [one.start_s for one in hers]
    assert sorted(found.callee) == sorted(one.callee for one in hers)
    assert int(found.busy_s.sum()) == sum(one.ring_s + one.talk_s for one in hers)
    newest = calls_of(tmp_path, line, most=2)
    assert (newest.start.tolist(), newest.left_out) == (found.start.tolist()[-2:], len(hers) - 2)
    assert len(calls_of(tmp_path, "8600").start) == 0
    assert len(calls_of(tmp_path / "none", line).start) == 0


def test_feedback_raises_the_threshold_when_visits_find_nothing() -> None:
    assert feedback_shift(0, 0) == 0
    assert feedback_shift(30, 2) == 0
    assert 0 < feedback_shift(5, 20) < feedback_shift(5, 60) <= 2


def test_mobiles_are_no_lines_and_keys_are_steady() -> None:
    def made(caller: str) -> CallRecord:
        return CallRecord(
            call_id="", caller=caller, callee="1", start_s=0, ring_s=0, talk_s=0, answered=False
        )

    assert is_line(made("862155501234"))
    assert not is_line(made("8613800001111"))
    assert number_key("862155501234") == 862155501234
    assert number_key("ext-7") == number_key("ext-7") > 1 << 62


def test_a_model_that_is_none_is_refused() -> None:
    with pytest.raises(ModelInvalid):
        Scorer(b"{}")
    with pytest.raises(ModelInvalid, match="other features"):
        Scorer(shipped_model().replace(b'"new_fast"', b'"old_fast"'))


SAMPLE = Path(__file__).parents[2] / ".." / "shared" / "data" / "calls" / "formats" / "asterisk" / "cdr.csv"


@pytest.mark.skipif(not SAMPLE.is_file(), reason="the shared samples are not on this machine")
def test_real_records_of_an_honest_exchange_alarm_nobody() -> None:
    calls = [
        one for one in read(SAMPLE.read_bytes(), "asterisk", Origin(name="s")) if isinstance(one, CallRecord)
    ]
    calls.sort(key=lambda record: record.start_s + record.ring_s + record.talk_s)
    visits = MemoryVisits()
    seen = Watch(
        Scorer(shipped_model()), visits, ledger(), key=b"k" * 32, now=lambda: 1, entropy=lambda n: bytes(n)
    )
    seen.feed(calls, 1)
    assert seen.lines > 10
    assert visits.all() == []


def test_an_adversary_with_a_budget_is_measured() -> None:
    town = make("dev", 78, lines=40, days=8, boxes=0)
    calls, _ = as_calls(town)
    line = int(np.bincount(calls.caller_line[calls.caller_line >= 0], minlength=40).argsort()[20])
    mine = np.flatnonzero((calls.caller_line == line) | (calls.callee_line == line))
    history = Calls(
        **{
            name: getattr(calls, name)[mine]
            for name in Calls.__struct_fields__
            if name not in ("lines", "classes")
        },
        lines=calls.lines,
        classes=calls.classes,
    )
    scorer = Scorer(shipped_model())
    attempts = search(history, line, scorer, scorer.model.threshold, budget=25, seed=1)
    got = [attempt.strangers_called for attempt in attempts]
    assert len(got) == 25
    assert got == sorted(got, reverse=True)
    assert any(attempt.is_found for attempt in attempts)


def test_a_calm_population_gets_a_lower_threshold_a_restless_one_the_shipped_one() -> None:
    model = Scorer(shipped_model()).model
    boxes = np.full(30, model.threshold + 4)
    calm = threshold_of(np.concatenate([np.full(4_000, -3.0), boxes]), 100_000, model)
    restless = threshold_of(
        np.concatenate([np.full(4_000, -3.0), np.full(40, model.threshold), boxes]), 100_000, model
    )
    assert calm.call_owner == pytest.approx(model.threshold - 2.5 + MARGIN)
    assert model.threshold + MARGIN < restless.call_owner <= model.threshold + MARGIN + 0.3001
    assert calm.suspend == model.suspend < restless.suspend  # quiet lines are cut off no sooner
    assert threshold_of(np.empty(0), 0, model).between == 0
    assert shipped(model).call_owner == model.threshold + MARGIN
