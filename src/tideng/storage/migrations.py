"""Numbered schema changes, one history per room, applied in one transaction."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from tideng.storage.failures import DatabaseNewer

_HISTORY = """
CREATE TABLE IF NOT EXISTS schema_version (
    room TEXT NOT NULL, version INTEGER NOT NULL, applied_at INTEGER NOT NULL, -- microseconds, UTC
    PRIMARY KEY (room, version)
) WITHOUT ROWID
"""


class Migration(Struct, frozen=True):
    """One step of a room's schema. Versions count 1, 2, 3 …; a released step is never edited."""

    version: int
    sql: str


def migrate(
    conn: sqlite3.Connection, path: Path, schema: Mapping[str, Sequence[Migration]], now: int
) -> list[tuple[str, int]]:
    """Bring every room to its newest version; the (room, version) pairs that were applied.

    All steps of all rooms are one transaction: after an error or a crash the old schema is still there.
    Raises `DatabaseNewer` if a room was written by a newer release.
    """
    for room, steps in schema.items():
        if [step.version for step in steps] != list(range(1, len(steps) + 1)):
            raise ValueError(f"migrations of room '{room}' must be numbered 1, 2, 3 … without gaps")
    applied: list[tuple[str, int]] = []
    conn.execute("BEGIN IMMEDIATE")
    try:
        conn.execute(_HISTORY)
        found = dict(conn.execute("SELECT room, max(version) FROM schema_version GROUP BY room").fetchall())
        for room, steps in schema.items():
            if found.get(room, 0) > len(steps):
                raise DatabaseNewer(path, room, found[room], len(steps))
            for step in steps[found.get(room, 0) :]:
                for statement in _statements(step.sql):
                    conn.execute(statement)
                conn.execute("INSERT INTO schema_version VALUES (?, ?, ?)", (room, step.version, now))
                applied.append((room, step.version))
        conn.execute("COMMIT")
    except BaseException:
        if conn.in_transaction:
            conn.execute("ROLLBACK")
        raise
    return applied


def _statements(script: str) -> Iterator[str]:
    # Not executescript(): it commits first, and half a migration must never be kept.
    statement = ""
    for piece in script.split(";"):
        statement += piece + ";"
        if sqlite3.complete_statement(statement):
            if statement.strip(" \n\t;"):
                yield statement
            statement = ""
    rest = statement.removesuffix(";").strip()
    if rest:
        yield rest
