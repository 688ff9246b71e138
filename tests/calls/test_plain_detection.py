"""`tideng calls detect` on files: what it reads, what it puts aside, what it says; and that noise never
alarms."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from tideng.calls.detector.detecting import detect
from tideng.calls.detector.evidence import Scorer
from tideng.calls.detector.shipped import shipped_model
from tideng.calls.evaluating import judge, poisson_interval
from tideng.calls.readers.plain import FileUnreadable, load
from tideng.calls.worlds.export import as_calls, write
from tideng.calls.worlds.making import make
from tideng.cli.main import app

HEAD = "caller,callee,start,ring_s,duration_s,answered"
T0 = 1772431200


def csv(tmp_path: Path, *rows: str, head: str = HEAD) -> Path:
    path = tmp_path / "calls.csv"
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["calls", *words])


def test_numbers_in_any_writing_are_one_line(tmp_path: Path) -> None:
    rows = [
        f"02155501234,13800000001,{T0},5,60,true", f"+86 21 5550 1234,13800000002,{T0 + 100},5,0,false",
        f"862155501234,0086 13800000003,{T0 + 200}000,5,60,1", f"55501234,13800000004,{T0 + 300},5,60,yes",
        "55501234,13800000005,2026-03-02T06:10:00Z,5,60,",
    ]  # fmt: skip
    calls, unread = load([csv(tmp_path, *rows)], area="021")
    assert unread.refused == 0
    assert len(set(calls.caller.tolist())) == 1
    assert calls.callee.tolist() == [8613800000001 + i for i in range(5)]
    assert calls.answered.tolist() == [True, False, True, True, True]
    assert calls.start.tolist() == [T0, T0 + 100, T0 + 200, T0 + 300, T0 + 600]


def test_what_no_call_can_be_is_put_aside_and_counted(tmp_path: Path) -> None:
    good = [f"02155501234,1380000{i:04d},{T0 + i * 60},5,60,true" for i in range(50)]
    bad = [
        f",13800000001,{T0},5,60,true", f"02155501234,,{T0},5,60,true",
        "02155501234,13800000001,soon,5,60,true",
        "02155501234,13800000001,-7,5,60,true", f"02155501234,13800000001,{T0},-5,60,true",
        f"02155501234,13800000001,{T0},5,-60,true", f"02155501234,13800000001,{T0},5,99999999,true",
        f"02155501234,02155501234,{T0},5,60,true",
        f"02155501234,13800000001,{T0 - 20 * 31_536_000},5,60,true",
        good[0],
        *(f"02155509999,1390000{i:04d},{T0},5,60,true" for i in range(30)),
    ]  # fmt: skip
    calls, unread = load([csv(tmp_path, *good, *bad)])
    assert len(calls.start) == 50
    assert unread.read == 90
    assert unread.reasons == {
        "missing_caller": 1, "missing_callee": 1, "unreadable_start": 1, "impossible_start": 1,
        "negative_duration": 2, "impossible_duration": 1, "calls_itself": 1, "clock_jump": 1, "duplicate": 1,
        "same_second": 30,
    }  # fmt: skip


def test_torn_rows_endless_lines_and_odd_octets_are_counted(tmp_path: Path) -> None:
    path = csv(tmp_path, *(f"02155501234,1380000{i:04d},{T0 + i * 60},5,60,true" for i in range(20)))
    with path.open("ab") as file:
        file.write(
            b"x" * 1_200_000
            + b"\n"
            + b"\xff\xfe\xff,1,2,3,4,5\n"
            + f"02155501234,13900000000,{T0 + 9000},1,1,true\n".encode()
        )
    calls, unread = load([path])
    assert 20 <= len(calls.start) <= 21
    assert unread.refused >= 1


def test_columns_that_are_missing_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match="callee"):
        load([csv(tmp_path, "1,2", head="caller,start")])
    assert run("detect", str(csv(tmp_path, "1,2", head="caller,start"))).exit_code == 2
    assert run("detect", str(tmp_path / "absent.csv")).exit_code == 2


def test_mobiles_and_numbers_that_only_call_in_are_not_watched(tmp_path: Path) -> None:
    rows = [
        f"021555{i:05d},1380000{j:04d},{T0 + i * 500 + j * 60},5,60,true" for i in range(8) for j in range(5)
    ]
    rows += [f"95188001,021555{i:05d},{T0 + i * 30},5,60,true" for i in range(8)]
    rows += [f"13912345678,1380000{j:04d},{T0 + j * 30},5,60,true" for j in range(9)]
    calls, _ = load([csv(tmp_path, *rows)])
    assert sorted(calls.lines) == [f"021555{i:05d}" for i in range(8)]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("town") / "calls.parquet"
    write(make("held", 12, lines=1_200, days=14, boxes=12, quiet_days=6), path)
    return path


def test_each_alarm_is_one_json_object(town: Path) -> None:
    done = run("detect", str(town), "--json", "--strictness", "-1.5")
    assert done.exit_code == 0, done.output
    alarms = [json.loads(line) for line in done.stdout.splitlines()]
    truth = json.loads(town.with_suffix(".truth.json").read_text())["boxes"]
    boxes = {box["line"]: box for box in truth}
    assert {"line", "at", "calls_placed", "tier", "evidence"} <= set(alarms[0])
    assert {alarm["tier"] for alarm in alarms} <= {"call_owner", "suspend"}
    right = {
        alarm["line"]
        for alarm in alarms
        if alarm["line"] in boxes and alarm["at"] >= boxes[alarm["line"]]["start"]
    }
    assert len(right) >= 8
    assert [alarm["at"] for alarm in alarms] == sorted(alarm["at"] for alarm in alarms)
    for alarm in alarms:
        assert sum(part["weight"] for part in alarm["evidence"]) == pytest.approx(alarm["score"], abs=0.5)


def test_csv_and_parquet_give_the_same_alarms_without_line_class(town: Path, tmp_path: Path) -> None:
    import pyarrow.csv as pc

    table = pq.read_table(town).drop_columns(["line_class"])
    pc.write_csv(table, tmp_path / "same.csv")
    as_csv = run("detect", str(tmp_path / "same.csv"), "--json").stdout
    assert as_csv == run("detect", str(town), "--json").stdout
    assert as_csv


def test_nothing_but_damaged_rows_alarms_nobody(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    size = 4_000
    table = pa.table(
        {
            "caller": [f"021555{i % 40:05d}" for i in range(size)],
            "callee": [f"138{rng.integers(0, 10**8):08d}" for _ in range(size)],
            "start": np.full(size, T0),
            "ring_s": rng.integers(-9, 9, size),
            "duration_s": rng.integers(-60, 9, size),
            "answered": rng.random(size) < 0.5,
        }
    )
    pq.write_table(table, tmp_path / "bad.parquet")
    done = run("detect", str(tmp_path / "bad.parquet"), "--json")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "put aside" in done.stderr


def test_an_empty_file_says_nothing(tmp_path: Path) -> None:
    done = run("detect", str(csv(tmp_path)), "--json")
    assert (done.exit_code, done.stdout) == (0, "")


def test_a_world_is_judged_by_its_truth() -> None:
    world = make("held", 12, lines=1_200, days=14, boxes=12, quiet_days=6)
    calls, by_box = as_calls(world)
    alarms, threshold = detect(calls, Scorer(shipped_model()), zone_s=28_800, strictness=-1.5)
    result = judge(world, calls, by_box, alarms, threshold.shift)
    assert sum(one.is_found for one in result.found) >= 8
    assert result.line_days == 1_200 * 14
    assert all(1 <= one.calls <= 500 for one in result.found)
    assert poisson_interval(0)[1] == pytest.approx(3.689, abs=0.001)
    assert poisson_interval(10)[0] == pytest.approx(4.795, abs=0.001)


def test_the_same_seed_is_the_same_world_and_families_differ() -> None:
    a, b = (make("dev", 5, lines=100, days=8, boxes=2, quiet_days=3) for _ in range(2))
    assert np.array_equal(a.start, b.start)
    assert a.boxes == b.boxes
    assert all(box.start >= 1772294400 + 3 * 86_400 for box in a.boxes)
    held = make("held", 5, lines=100, days=8, boxes=2, quiet_days=3)
    assert set(held.archetypes) & set(a.archetypes) <= {"school"}
