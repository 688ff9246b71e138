"""The stream and the batch count the same days to the bit, on DuckDB and on Spark."""

import os
from pathlib import Path

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tideng.calls.features.batch import MEMORY_USUAL_MIN, InputInTheWay, MemoryTooSmall, memory_to_use, write
from tideng.calls.features.definition import COLUMNS, line_days
from tideng.calls.features.stream import LineDays
from tideng.calls.worlds.export import write as write_world
from tideng.calls.worlds.making import make
from tideng.calls.worlds.traffic import World

ZONE_S = 28_800


def ordered(world: World) -> dict[str, np.ndarray]:
    order = np.lexsort((np.arange(len(world.start)), world.start))
    return {
        "caller": np.char.mod("%d", world.caller[order]),
        "callee": np.char.mod("%d", world.callee[order]),
        "start": world.start[order],
        "ring_s": world.ring_s[order],
        "duration_s": world.duration_s[order],
        "answered": world.answered[order],
        "call_no": np.arange(len(order)),
    }


def streamed(columns: dict[str, np.ndarray]) -> set[tuple[object, ...]]:
    days = LineDays(zone_s=ZONE_S)
    for caller, callee, start, ring, talk, ok, _ in zip(*(c.tolist() for c in columns.values()), strict=True):
        days.add(caller, callee, start, ring, talk, ok)
    return set(days.rows())


def on_duckdb(columns: dict[str, np.ndarray]) -> set[tuple[object, ...]]:
    con = ibis.duckdb.connect()
    table = con.create_table("calls", pa.table({name: pa.array(c.tolist()) for name, c in columns.items()}))
    made = con.to_pyarrow(line_days(table, zone_s=ZONE_S))
    assert tuple(made.column_names) == COLUMNS
    return set(zip(*(column.to_pylist() for column in made.columns), strict=True))


def test_a_stream_counts_what_the_batch_counts() -> None:
    columns = ordered(make("dev", 3, lines=300, days=9, boxes=3, quiet_days=3))
    batch = on_duckdb(columns)
    assert len(batch) > 3_000
    assert streamed(columns) == batch


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_million_records_stream_as_in_the_batch() -> None:
    columns = ordered(make("held", 4, lines=34_000, days=16, boxes=10, quiet_days=3))
    assert len(columns["start"]) > 1_000_000
    assert streamed(columns) == on_duckdb(columns)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("ignore")
def test_spark_counts_what_duckdb_counts(tmp_path: object) -> None:
    from pyspark.sql import SparkSession

    columns = ordered(make("dev", 5, lines=120, days=9, boxes=2, quiet_days=3))
    session = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.warehouse.dir", str(tmp_path))
        .getOrCreate()
    )
    try:
        con = ibis.pyspark.connect(session)
        rows = [tuple(row) for row in zip(*(c.tolist() for c in columns.values()), strict=True)]
        types = "caller string, callee string, start long, ring_s long, duration_s long, "
        types += "answered boolean, call_no long"
        session.createDataFrame(rows, types).createOrReplaceTempView("calls")
        made = con.to_pyarrow(line_days(con.table("calls"), zone_s=ZONE_S))
        assert set(zip(*(column.to_pylist() for column in made.columns), strict=True)) == on_duckdb(columns)
    finally:
        session.stop()


def test_shares_of_the_lines_and_little_memory_change_nothing(tmp_path: Path) -> None:
    world = make("dev", 6, lines=300, days=9, boxes=3, quiet_days=3)
    write_world(world, tmp_path / "calls.parquet")
    found = []
    for name, parts, memory in (("whole", 1, 0), ("shares", 3, 1 << 30), ("by memory", 0, 300_000_000)):
        rows = write([tmp_path / "calls.parquet"], tmp_path / name, parts=parts, memory=memory)
        files = sorted((tmp_path / name).glob("*.parquet"))
        table = pq.read_table(files)
        assert table.num_rows == rows
        assert len(files) == max(1, parts)
        found.append(set(zip(*(table[column].to_pylist() for column in COLUMNS), strict=True)))
    assert len(found[0]) > 1_000
    assert found[0] == found[1] == found[2]


def _rows_of(folder: Path) -> set[tuple[object, ...]]:
    table = pq.read_table(sorted(folder.glob("line-days-????.parquet")))
    rows = [*zip(*(table[column].to_pylist() for column in COLUMNS), strict=True)]
    assert len(rows) == len(set(rows))
    return set(rows)


@pytest.mark.parametrize(
    "written",
    [
        {},
        {"1": "02838420571", "2": "0" * 17, "3": "0", "4": "9" * 17, "5": "12345678901234567"},
        {"1": "123456789012345678", "2": "10086"},
        {"1": "+8613800138000", "2": "8613800138000", "3": "1e5", "4": "100000", "5": "", "6": "sip:x"},
        {"1": None, "2": "０１２"},
    ],
    ids=["digits", "noughts in front", "too many digits", "no digits", "missing"],
)
def test_numbers_of_any_kind_come_out_as_they_went_in(tmp_path: Path, written: dict[str, str | None]) -> None:
    columns = ordered(make("dev", 8, lines=40, days=6, boxes=1, quiet_days=2))
    known = dict(zip(np.unique(columns["caller"])[:6].tolist(), written.values(), strict=False))
    given = {name: column.tolist() for name, column in columns.items()}
    for side in ("caller", "callee"):
        given[side] = [known.get(number, number) for number in given[side]]
    table = pa.table(given)
    pq.write_table(table.drop_columns(["call_no"]), tmp_path / "calls.parquet")
    write([tmp_path / "calls.parquet"], tmp_path / "out")
    con = ibis.duckdb.connect()
    made = con.to_pyarrow(line_days(con.create_table("calls", table), zone_s=ZONE_S))
    by_string = set(zip(*(column.to_pylist() for column in made.columns), strict=True))
    assert _rows_of(tmp_path / "out") == by_string
    assert {row[0] for row in by_string} >= set(written.values()) - {None}


def _written(rows: list[tuple[object, ...]], path: Path) -> Path:
    names = ("caller", "callee", "start", "ring_s", "duration_s", "answered")
    pq.write_table(pa.table(dict(zip(names, zip(*rows, strict=True), strict=True))), path)
    return path


def test_calls_at_one_moment_are_in_the_order_of_their_numbers_as_written(tmp_path: Path) -> None:
    """ "10" comes before "9" for every engine, and whether or not another line's number has a letter."""
    rows: list[tuple[object, ...]] = [
        ("5", "9", 100, 0, 0, True),
        ("5", "10", 100, 0, 50, True),
        ("5", "77", 152, 0, 1, True),
    ]
    write([_written(rows, tmp_path / "digits.parquet")], tmp_path / "digits")
    others = [*rows, ("x1", "8", 100, 0, 1, True)]
    write([_written(others, tmp_path / "letters.parquet")], tmp_path / "letters")
    digits, letters = _rows_of(tmp_path / "digits"), _rows_of(tmp_path / "letters")
    assert {row for row in letters if row[0] != "x1" and row[0] != "8"} == digits
    [quick] = [row[COLUMNS.index("quick")] for row in digits if row[0] == "5"]
    assert quick == 1


def test_numbers_in_other_columns_than_strings_are_counted(tmp_path: Path) -> None:
    rows: list[tuple[object, ...]] = [(5, 9, 100, 0, 7, True), (5, 10, 200, 0, 50, True)]
    write([_written(rows, tmp_path / "whole.parquet")], tmp_path / "out")
    assert {row[0] for row in _rows_of(tmp_path / "out")} == {5, 9, 10}


def test_nothing_is_deleted_that_was_not_written_here(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    mine = ("line-days-2024-march.parquet", "line-days-0000.backup.parquet", "line-days-.parquet")
    for name in mine:
        (out / name).write_text("mine")
    (out / "line-days-0007.parquet").mkdir()
    calls = _written([("5", "9", 100, 0, 7, True)], out / "line-days-raw.parquet")
    write([calls], out)
    assert {path.name for path in out.iterdir()} == {
        *mine,
        "line-days-0007.parquet",
        "line-days-raw.parquet",
        "line-days-0000.parquet",
    }
    with pytest.raises(InputInTheWay, match=r"line-days-0000\.parquet would be written over"):
        write([out / "line-days-0000.parquet"], out)


def test_shares_of_an_earlier_run_are_not_left_among_the_new(tmp_path: Path) -> None:
    write_world(make("dev", 6, lines=60, days=4, boxes=1, quiet_days=2), tmp_path / "calls.parquet")
    out = tmp_path / "out"
    write([tmp_path / "calls.parquet"], out, parts=5)
    (out / "notes.txt").write_text("mine")
    five = _rows_of(out)
    rows = write([tmp_path / "calls.parquet"], out, parts=2)
    assert sorted(path.name for path in out.iterdir()) == [
        "line-days-0000.parquet",
        "line-days-0001.parquet",
        "notes.txt",
    ]
    assert len(five) == rows
    assert _rows_of(out) == five


def test_too_little_memory_is_said_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(MemoryTooSmall, match="50,000,000 bytes for DuckDB; give it 268,435,456 or more"):
        write([tmp_path / "none.parquet"], tmp_path / "out", memory=50_000_000)


def test_half_of_the_memory_is_taken_and_no_less_than_a_gigabyte() -> None:
    has = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert MEMORY_USUAL_MIN <= memory_to_use() <= max(MEMORY_USUAL_MIN, has // 2)
