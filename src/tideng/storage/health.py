"""What `tideng doctor` says about a database file: hazards, why they matter, what to do."""

import shutil
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Literal

from msgspec import Struct

from tideng.storage.failures import StorageError, translate
from tideng.storage.opening import open_reader

WAL_RESET_FIXED = (3, 51, 3)
FREE_BYTES_MIN = 1024 * 1024 * 1024
PROBLEMS_MAX = 10


class Hazard(Struct, frozen=True):
    """One thing to know. `error`: do not run like this; `warning`: look into it; `note`: for the record."""

    code: str
    severity: Literal["error", "warning", "note"]
    seen: str
    next_step: str


def health(path: Path) -> list[Hazard]:
    """Everything noteworthy about the file and the SQLite that reads it; empty is healthy.

    Only reads, may run beside the gateway, and takes time in proportion to the file (quick_check).
    """
    hazards = [*_library(), *_file(path), *_disk(path)]
    try:
        with closing(open_reader(path)) as conn:
            try:
                hazards += _content(conn)
            except sqlite3.Error as error:
                raise translate(path, error) from error
    except StorageError as error:
        hazards.append(Hazard("DATABASE_UNREADABLE", "error", str(error), "Restore the newest backup."))
    return hazards


def _library() -> Iterator[Hazard]:
    if sqlite3.sqlite_version_info < WAL_RESET_FIXED:
        yield Hazard(
            "SQLITE_WAL_RESET",
            "warning",
            f"SQLite {sqlite3.sqlite_version}: before 3.51.3, two connections that write or checkpoint "
            f"at the same moment can damage the file",
            "Tideng writes and checkpoints from one thread only, so it is not affected. Let no other "
            "program open the file for writing; move to SQLite 3.51.3 when your system offers it.",
        )


def _file(path: Path) -> Iterator[Hazard]:
    for each in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
        if each.exists() and stat.S_IMODE(each.stat().st_mode) & 0o077:
            yield Hazard(
                "FILE_PERMISSIONS",
                "error",
                f"{each} may be read or changed by others (mode {stat.S_IMODE(each.stat().st_mode):04o})",
                f"Run: chmod 600 '{each}'",
            )


def _disk(path: Path) -> Iterator[Hazard]:
    if not path.parent.exists():
        return
    free = shutil.disk_usage(path.parent).free
    if free < FREE_BYTES_MIN:
        yield Hazard(
            "DISK_SPACE",
            "warning",
            f"{free // 2**20} MiB are free where {path.name} lies; {FREE_BYTES_MIN // 2**20} MiB are advised",
            "Free space: when the disk is full, submissions are refused until there is room.",
        )


def _content(conn: sqlite3.Connection) -> Iterator[Hazard]:
    mode = conn.execute("PRAGMA journal_mode").fetchone()[0]
    if mode != "wal":
        yield Hazard(
            "JOURNAL_MODE",
            "warning",
            f"journal mode is {mode}, not WAL",
            "Start the gateway once; it sets the mode. If it stays, use a local file system.",
        )
    for (problem,) in conn.execute(f"PRAGMA quick_check({PROBLEMS_MAX})").fetchall():
        if problem != "ok":
            yield Hazard(
                "DATABASE_DAMAGED",
                "error",
                f"quick_check: {problem}",
                "Stop, copy the data directory as evidence, restore the newest backup.",
            )
