"""Bulk statements against row-by-row ones; what the doctor sees."""

import os
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tideng.storage.bulk import BulkInsert, rows_json
from tideng.storage.health import health
from tideng.storage.migrations import Migration
from tideng.storage.sqlite import Writer

TABLE = "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b BLOB, c INTEGER, d BLOB)"
COLUMNS = ("id", "a", "b", "c", "d")
INSERT = BulkInsert("t", COLUMNS, blobs=("b", "d"))

words = st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=10)
blobs = st.none() | st.binary(max_size=30)
numbers = st.none() | st.integers(-(2**63), 2**63 - 1)


def table() -> sqlite3.Connection:
    conn = sqlite3.connect(":memory:", isolation_level=None)
    conn.execute(TABLE)
    return conn


@given(st.lists(st.tuples(words, blobs, numbers, blobs), max_size=20))
def test_bulk_equals_row_by_row(values: list[tuple[object, ...]]) -> None:
    rows = [(i, *row) for i, row in enumerate(values)]
    bulk, single = table(), table()
    try:
        assert INSERT.insert(bulk, rows) == len(rows)
        single.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?)", rows)
        query = "SELECT *, typeof(b), typeof(d) FROM t ORDER BY id"
        assert bulk.execute(query).fetchall() == single.execute(query).fetchall()
    finally:
        bulk.close()
        single.close()


def test_conflicts() -> None:
    conn = table()
    INSERT.insert(conn, [(1, "a", None, 1, b"")])
    with pytest.raises(sqlite3.IntegrityError):
        INSERT.insert(conn, [(2, "b", None, 1, b""), (1, "c", None, 1, b"")])
    assert BulkInsert("t", ("id", "a"), conflict="IGNORE").insert(conn, [(1, "x"), (2, "y")]) == 1
    upsert = BulkInsert("t", ("id", "a"), conflict="ON CONFLICT (id) DO UPDATE SET a = excluded.a")
    assert upsert.insert(conn, [(1, "z"), (3, "w")]) == 2
    assert conn.execute("SELECT a FROM t ORDER BY id").fetchall() == [("z",), ("y",), ("w",)]
    conn.close()


def test_rows_json_serves_updates_and_empty_inserts_do_nothing() -> None:
    conn = table()
    assert INSERT.insert(conn, []) == 0
    INSERT.insert(conn, [(i, "old", None, None, None) for i in range(3)])
    conn.execute(
        "UPDATE t SET a = value->>1 FROM json_each(?) WHERE t.id = value->>0", (rows_json([(1, "新")]),)
    )
    assert conn.execute("SELECT a FROM t ORDER BY id").fetchall() == [("old",), ("新",), ("old",)]
    conn.close()


def test_text_with_nul_is_refused_rather_than_cut() -> None:
    with pytest.raises(ValueError, match="U\\+0000"):
        rows_json([("before\0after",)])
    for harmless in ("\\u0000", "\\\\u0000", "\x01"):
        conn = table()
        BulkInsert("t", ("id", "a")).insert(conn, [(1, harmless)])
        assert conn.execute("SELECT a FROM t").fetchone() == (harmless,)
        conn.close()


def test_mistakes_in_code_are_told() -> None:
    with pytest.raises(ValueError, match="not an SQL name"):
        BulkInsert("t; DROP TABLE t", ("a",))
    with pytest.raises(ValueError, match="not among"):
        BulkInsert("t", ("a",), blobs=("b",))
    with pytest.raises(TypeError, match="column 2"):
        INSERT.pack([(1, "a", "text", 1, None)])


def test_any_number_of_rows_is_one_statement() -> None:
    """Each run of a statement lets go of the interpreter lock, and a busy event loop makes it wait for it.

    Counted, not timed: how long each wait takes is the machine's affair (the figures are in `bulk`).
    """
    conn, runs = table(), []
    rows = [(i, "x", b"y" * 300, i, None) for i in range(200)]
    conn.set_trace_callback(runs.append)
    INSERT.insert(conn, rows)
    assert len(runs) == 1
    conn.executemany("INSERT INTO t (id, a, b, c, d) VALUES (? + 1000, ?, ?, ?, ?)", rows)
    assert len(runs) == 201
    conn.close()


def codes(path: Path) -> set[str]:
    ours = sqlite3.sqlite_version_info >= (3, 51, 3)
    found = {hazard.code for hazard in health(path)}
    assert ("SQLITE_WAL_RESET" in found) != ours
    return found - {"SQLITE_WAL_RESET", "DISK_SPACE"}


def test_a_healthy_database(tmp_path: Path) -> None:
    with Writer(tmp_path / "a.db", schema={"gateway": [Migration(1, TABLE)]}):
        assert codes(tmp_path / "a.db") == set()
    assert codes(tmp_path / "a.db") == set()


def test_what_the_doctor_finds(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    assert codes(path) == {"DATABASE_UNREADABLE"}
    with Writer(path, schema={"gateway": [Migration(1, TABLE)]}) as writer:
        writer.call(
            lambda conn: INSERT.insert(conn, [(i, "x" * 100, b"y" * 100, i, None) for i in range(500)])
        )
    path.chmod(0o644)
    assert codes(path) == {"FILE_PERMISSIONS"}
    path.chmod(0o600)
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 2)
        file.write(os.urandom(8192))
    assert codes(path) & {"DATABASE_DAMAGED", "DATABASE_UNREADABLE"}
