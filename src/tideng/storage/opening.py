"""Opening a SQLite file the one way this project does, for writing (once) and for reading."""

import os
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

from tideng.storage.failures import DatabaseCorrupt, StorageFailed, translate
from tideng.storage.migrations import Migration, migrate
from tideng.storage.wal import check_log

BUSY_TIMEOUT_MS = 5_000


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that can only read, for one thread at a time; the caller closes it.

    Opened read-only, so that even its closing never checkpoints (that is the writer's alone). Raises
    `StorageFailed` if there is no such file, `DatabaseCorrupt` if it is damaged.
    """
    try:
        conn = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
        )
        try:
            conn.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
            conn.execute("PRAGMA query_only=ON")
            # Half of the default: there are several readers, and the system keeps the pages for all of them.
            conn.execute("PRAGMA cache_size=-1000")
            conn.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        except BaseException:
            conn.close()
            raise
    except sqlite3.Error as error:
        raise translate(path, error) from error
    return conn


def open_writable(
    path: Path, schema: Mapping[str, Sequence[Migration]], secure_delete: bool, now: int
) -> sqlite3.Connection:
    """The writing connection: WAL, every commit synced, no checkpoint but by hand, migrations applied.

    Only `Writer` calls this, under its lock. Raises as `Writer` says.
    """
    try:
        # Created by us, so that no moment exists in which others may read it; -wal and -shm inherit the mode.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        if not os.access(path, os.W_OK):
            raise PermissionError(13, "Permission denied")
    except OSError as error:
        raise StorageFailed(
            f"{path}: {error.strerror}. Make the file and its directory writable for this user."
        ) from error
    check_log(path)  # before SQLite reads it, and forgets what it cannot read
    conn = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        conn.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        mode = conn.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        if mode != "wal":
            raise StorageFailed(f"{path}: journal mode is {mode}, WAL was refused. Use a local file system.")
        conn.execute("PRAGMA synchronous=FULL")
        conn.execute("PRAGMA wal_autocheckpoint=0")
        conn.execute("PRAGMA foreign_keys=ON")
        if secure_delete:
            conn.execute("PRAGMA secure_delete=ON")
            # After a crash the log may hold what was deleted just before it.
            conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        migrate(conn, path, schema, now)
        _check_size(conn, path)
    except sqlite3.Error as error:
        conn.close()
        raise translate(path, error) from error
    except BaseException:
        conn.close()
        raise
    return conn


def _check_size(conn: sqlite3.Connection, path: Path) -> None:
    """A file cut short inside its last pages would otherwise be met only when someone reads them."""
    conn.execute("PRAGMA wal_checkpoint(PASSIVE)")
    pages = int(conn.execute("PRAGMA page_count").fetchone()[0])
    page_bytes = int(conn.execute("PRAGMA page_size").fetchone()[0])
    if path.stat().st_size < pages * page_bytes:
        raise DatabaseCorrupt(path, f"{path.stat().st_size} bytes long where {pages * page_bytes} are due")
