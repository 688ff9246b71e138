"""Records -> persons: exact distinct counts in flat memory, which file adds whom, and how far the rules
matter.

Rules of 2026-11: a valid resident ID number is a person. A record without one belongs to a person whose
records share one of its keys (mobile, card, mail address, name with birth date or address). Records that no
ID reaches are joined with each other by shared keys (union-find). Two ID numbers are never joined, however
many keys they share: that is counted as a conflict.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tideng.scan.kernels.compiled import kernel

if TYPE_CHECKING:
    import duckdb

RULES_DATE: Final = "2026-11-26"
MEMORY: Final = "450MB"
LOOSE_MAX: Final = 12_000_000
"""Beyond so many distinct records without an ID they are no longer joined with each other, and the result
says so.
"""
TOP_FILES: Final = 200
_LINKS: Final = ("phone", "phone2", "card", "email", "named")
_TAGS: Final = {"phone": 1, "phone2": 1, "card": 2, "email": 3, "named": 4}


class Persons(Struct, kw_only=True):
    """How many people records are about."""

    records: int
    persons: int
    with_id: int
    """Distinct valid resident ID numbers."""
    without_id: int
    """Further people, known by other keys only."""
    persons_max: int
    """If nothing but equal keys of one kind is joined: every other key is a person of its own."""
    children: int
    """Under 14 on the day of the appraisal, by the birth date in the number."""
    conflicts: int
    """Keys that records of two or more ID numbers share."""
    is_joined: bool
    distinct: dict[str, int]
    by_class_low: dict[int, int]
    """Persons by the gravest class that any of their records has, classes read strictly; and gravely."""
    by_class_high: dict[int, int]
    records_by_class_high: dict[int, int]
    new_by_file: list[tuple[int, int, int]]
    """(file, records, persons not seen in any earlier file), the richest first."""
    by_province: dict[str, int]
    by_age: dict[str, int]
    by_sex: dict[str, int]


@kernel
def _union(parents: NDArray[np.int64], a: NDArray[np.int64], b: NDArray[np.int64]) -> int:
    """Join a[i] with b[i]; the smaller root stays. Number of joins that made two into one."""
    joined = 0
    for i in range(len(a)):
        x, y = a[i], b[i]
        while parents[x] != x:
            parents[x] = parents[parents[x]]
            x = parents[x]
        while parents[y] != y:
            parents[y] = parents[parents[y]]
            y = parents[y]
        if x != y:
            joined += 1
            if x < y:
                parents[y] = x
            else:
                parents[x] = y
    return joined


def _roots(parents: NDArray[np.int64]) -> NDArray[np.int64]:
    while True:
        above = parents[parents]
        if np.array_equal(above, parents):
            return parents
        parents = above


def count_persons(parts: Sequence[Path], spill: Path, day: str) -> Persons:
    """Count the people in record files. `day`: ISO date of the appraisal, for ages. Spills into `spill`."""
    import duckdb  # only now: it takes as long as a first finding may

    conn = duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": str(spill), "threads": 2})
    try:
        conn.execute("SET preserve_insertion_order = false")
        _prepare(conn, parts)
        return _counted(conn, day)
    finally:
        conn.close()


def _prepare(conn: "duckdb.DuckDBPyConnection", parts: Sequence[Path]) -> None:
    if parts:
        conn.read_parquet([str(part) for part in parts]).create_view("records")
    else:
        columns = ", ".join(f"0::UBIGINT AS {name}" for name in ("id", *_LINKS))
        conn.execute(f"CREATE VIEW records AS SELECT 0 AS file, {columns}, 5 AS low, 5 AS high WHERE false")
    pieces = [
        f"SELECT {_tagged(name)} AS k, id FROM records WHERE id > 0 AND {name} > 0"  # noqa: S608
        for name in _LINKS
    ]
    owned = " UNION ALL ".join(pieces)
    conn.execute(f"CREATE TABLE owned AS SELECT k, min(id) <> max(id) AS is_shared FROM ({owned}) GROUP BY k")  # noqa: S608
    conn.execute(
        "CREATE TABLE ids AS SELECT id, min(file) AS file, min(low) AS low, min(high) AS high "
        "FROM records WHERE id > 0 GROUP BY id"
    )
    keys = ", ".join(f"CASE WHEN {name} > 0 THEN {_tagged(name)} END AS {name}" for name in _LINKS)
    conn.execute(
        f"CREATE TABLE anonymous AS SELECT {keys}, min(file) AS file, min(low) AS low, min(high) AS high "  # noqa: S608
        f"FROM records WHERE id = 0 GROUP BY {', '.join(_LINKS)}"
    )
    free = " AND ".join(f"({name} IS NULL OR {name} NOT IN (SELECT k FROM owned))" for name in _LINKS)  # noqa: S608
    conn.execute(f"CREATE TABLE loose AS SELECT * FROM anonymous WHERE {free}")  # noqa: S608


def _tagged(name: str) -> str:
    return f"({name} | ({_TAGS[name]}::UBIGINT << 60))"


def _counted(conn: "duckdb.DuckDBPyConnection", day: str) -> Persons:
    records = _one(conn, "SELECT count(*) FROM records")
    with_id = _one(conn, "SELECT count(*) FROM ids")
    loose = _one(conn, "SELECT count(*) FROM loose")
    is_joined = loose <= LOOSE_MAX
    _groups(conn, join=is_joined)
    without = _one(conn, "SELECT count(*) FROM people")
    ten_on = f"{int(day[:4]) - 14}{day[5:7]}{day[8:10]}"
    born = "(id // 1000) % 100000000"
    first_key = "coalesce(named, phone, card, email, phone2)"
    by_file = conn.execute(
        "WITH new AS (SELECT file, count(*) AS n FROM (SELECT file FROM ids UNION ALL SELECT file FROM people) GROUP BY file) "  # noqa: E501, S608
        "SELECT r.file, r.n, coalesce(new.n, 0) FROM (SELECT file, count(*) AS n FROM records GROUP BY file) r "  # noqa: E501
        f"LEFT JOIN new USING (file) ORDER BY 3 DESC, 2 DESC, 1 LIMIT {TOP_FILES}"
    ).fetchall()
    everyone = "(SELECT low, high FROM ids UNION ALL SELECT low, high FROM people)"
    age = f"({day[:4]}{day[5:7]}{day[8:10]} - {born}) // 10000"
    return Persons(
        records=records,
        persons=with_id + without,
        with_id=with_id,
        without_id=without,
        persons_max=with_id + _one(conn, f"SELECT count(DISTINCT {first_key}) FROM anonymous"),  # noqa: S608
        children=_one(conn, f"SELECT count(*) FROM ids WHERE {born} > {ten_on}"),  # noqa: S608
        conflicts=_one(conn, "SELECT count(*) FROM owned WHERE is_shared"),
        is_joined=is_joined,
        distinct=_distinct(conn),
        by_class_low=_by(conn, f"SELECT low, count(*) FROM {everyone} GROUP BY 1"),  # noqa: S608
        by_class_high=_by(conn, f"SELECT high, count(*) FROM {everyone} GROUP BY 1"),  # noqa: S608
        records_by_class_high=_by(conn, "SELECT high, count(*) FROM records GROUP BY 1"),
        new_by_file=[(int(a), int(b), int(c)) for a, b, c in by_file],
        by_province=_by(
            conn, "SELECT (id // 1000000000000000)::VARCHAR, count(*) FROM ids GROUP BY 1 ORDER BY 2 DESC"
        ),
        by_age=_by(
            conn,
            f"SELECT least(90, greatest(0, ({age}) // 10 * 10))::VARCHAR, count(*) FROM ids GROUP BY 1 ORDER BY 1",  # noqa: E501, S608
        ),
        by_sex=_by(
            conn, "SELECT CASE WHEN id % 2 = 1 THEN 'male' ELSE 'female' END, count(*) FROM ids GROUP BY 1"
        ),
    )


def group(columns: Sequence[NDArray[np.uint64]]) -> NDArray[np.int64]:
    """A number for each record such that records share it if keys (0: none) lead from one to the other."""
    size = len(columns[0])
    nodes = np.unique(np.concatenate(columns)) if size else np.empty(0, np.uint64)
    nodes = nodes[nodes > 0]
    parents = np.arange(len(nodes), dtype=np.int64)
    first = np.zeros(size, np.uint64)
    for column in columns:
        both = (first > 0) & (column > 0)
        _union(parents, np.searchsorted(nodes, first[both]), np.searchsorted(nodes, column[both]))
        first = np.where(first > 0, first, column)
    return _roots(parents)[np.searchsorted(nodes, first)] if size else np.empty(0, np.int64)


def _groups(conn: "duckdb.DuckDBPyConnection", *, join: bool) -> None:
    """Table `people`: one row for each group of loose records."""
    key = "coalesce(phone, phone2, card, email, named)"
    if not join:
        conn.execute(
            f"CREATE TABLE people AS SELECT {key} AS k, min(file) AS file, min(low) AS low, min(high) AS high "  # noqa: E501, S608
            "FROM loose GROUP BY 1"
        )
        return
    rows = conn.execute(f"SELECT {', '.join(_LINKS)}, file, low, high FROM loose").fetchnumpy()  # noqa: S608
    columns = [np.ma.filled(np.ma.asarray(rows[name]), 0).astype(np.uint64) for name in _LINKS]
    members = group(columns)
    conn.register("grouped", {"k": members, "file": rows["file"], "low": rows["low"], "high": rows["high"]})
    conn.execute(
        "CREATE TABLE people AS SELECT k, min(file) AS file, min(low) AS low, min(high) AS high FROM grouped GROUP BY k"  # noqa: E501
    )
    conn.unregister("grouped")


def _distinct(conn: "duckdb.DuckDBPyConnection") -> dict[str, int]:
    found = {"resident_id": _one(conn, "SELECT count(*) FROM ids")}
    phones = (
        "SELECT phone AS k FROM records WHERE phone > 0 UNION ALL SELECT phone2 FROM records WHERE phone2 > 0"
    )
    found["mobile"] = _one(conn, f"SELECT count(DISTINCT k) FROM ({phones})")  # noqa: S608
    found["bank_card"] = _one(conn, "SELECT count(DISTINCT card) FROM records WHERE card > 0")
    found["email"] = _one(conn, "SELECT count(DISTINCT email) FROM records WHERE email > 0")
    return found


def _one(conn: "duckdb.DuckDBPyConnection", sql: str) -> int:
    row = conn.execute(sql).fetchone()
    return int(row[0]) if row else 0


def _by(
    conn: "duckdb.DuckDBPyConnection", sql: str
) -> dict[Any, int]:  # Any: the key is the query's business
    return {key: int(count) for key, count in conn.execute(sql).fetchall()}
