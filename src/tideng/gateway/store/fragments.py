"""Parts of long messages whose other parts have not come. Sealed like everything personal."""

import sqlite3
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from tideng.gateway.messages import Micros
from tideng.storage.bulk import BulkInsert, rows_json


class Fragment(Struct, frozen=True, kw_only=True, gc=False):
    """One stored part. `series` names its message without naming people."""

    origin: str
    series: str
    part: int
    seen_at: Micros
    subject: str
    sealed: bytes


_fragments: Final = BulkInsert(
    "fragment",
    ("origin", "series", "part", "seen_at", "subject", "sealed"),
    blobs=("sealed",),
    conflict="ON CONFLICT (origin, series, part) DO UPDATE SET sealed = excluded.sealed",
)
_COLUMNS: Final = "f.origin, f.series, f.part, f.seen_at, f.subject, f.sealed"


def keep_fragments(conn: sqlite3.Connection, fragments: Sequence[Fragment]) -> None:
    """Inside one job. The same part again replaces itself."""
    _fragments.insert(conn, [(f.origin, f.series, f.part, f.seen_at, f.subject, f.sealed) for f in fragments])


def fragments_of(reader: sqlite3.Connection, series: Sequence[tuple[str, str]]) -> list[Fragment]:
    """Every stored part of these (origin, series), in order."""
    rows = reader.execute(
        f"SELECT {_COLUMNS} FROM json_each(?1) j CROSS JOIN fragment f "  # noqa: S608 - constants
        "ON f.origin = j.value->>0 AND f.series = j.value->>1 ORDER BY f.origin, f.series, f.part",
        (rows_json(series),),
    )
    return [_read(row) for row in rows]


def old_fragments(
    reader: sqlite3.Connection, origin_prefix: str, before: Micros, limit: int
) -> list[Fragment]:
    """Every part of series that began before `before`."""
    rows = reader.execute(
        f"SELECT {_COLUMNS} FROM fragment f WHERE f.origin >= ?1 AND f.origin < ?1 || x'7f' "  # noqa: S608
        "AND (SELECT min(g.seen_at) FROM fragment g WHERE g.origin = f.origin AND g.series = f.series) < ?2 "
        "ORDER BY f.origin, f.series, f.part LIMIT ?3",
        (origin_prefix, before, limit),
    )
    return [_read(row) for row in rows]


def rename_series(conn: sqlite3.Connection, moves: Sequence[tuple[str, str, str]]) -> None:
    """Inside one job: every part of (origin, series) now belongs to the third name. Each series once."""
    conn.execute(
        "UPDATE fragment SET series = j.value->>2 FROM json_each(?) j "
        "WHERE fragment.origin = j.value->>0 AND fragment.series = j.value->>1",
        (rows_json(moves),),
    )


def drop_fragments(conn: sqlite3.Connection, series: Sequence[tuple[str, str]]) -> int:
    """Inside one job: these messages are whole and recorded, or given up. The number of parts dropped."""
    return conn.execute(
        "DELETE FROM fragment WHERE (origin, series) IN (SELECT value->>0, value->>1 FROM json_each(?))",
        (rows_json(series),),
    ).rowcount


def count_fragments(reader: sqlite3.Connection) -> int:
    """Parts kept now."""
    [found] = reader.execute("SELECT count(*) FROM fragment").fetchone()
    return int(found)


def _read(row: Sequence[object]) -> Fragment:
    origin, series, part, seen_at, subject, sealed = row
    return Fragment(
        origin=str(origin),
        series=str(series),
        part=int(part),  # type: ignore[call-overload]  # sqlite3 rows have no types
        seen_at=int(seen_at),  # type: ignore[call-overload]
        subject=str(subject),
        sealed=bytes(sealed),  # type: ignore[call-overload]
    )
