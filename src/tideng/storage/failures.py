"""What can go wrong with stored data, whose mistake it was, and what to do next."""

import sqlite3
from pathlib import Path

# Primary result codes (sqlite.org/rescode.html); the low byte of an extended code.
_DAMAGED = {11: "the database file is damaged", 26: "the file is not a database"}
_NEXT_STEP = {
    5: "Another program holds the database. Close it (only Tideng may write here) and try again.",
    6: "Another program holds the database. Close it (only Tideng may write here) and try again.",
    8: "Make the file and its directory writable for this user, then start again.",
    10: "Check the disk (dmesg, smartctl) and its free space; nothing unacknowledged was promised.",
    13: "Free disk space or enlarge the volume; the writer continues by itself once there is room.",
    14: "Check that the directory exists and that this user may create files in it.",
}
_FALLBACK = "Run `tideng doctor` and keep a copy of the data directory before changing anything."


class StorageError(Exception):
    """Stored data could not be read or written."""


class StorageFailed(StorageError):
    """Nothing of this transaction was acknowledged; the cause lies outside the program (disk, rights)."""


class Overloaded(StorageError):
    """Too many jobs wait for the disk. Try again later; `jobs_max` is the limit that was met."""

    def __init__(self, jobs_max: int) -> None:
        super().__init__(f"{jobs_max} jobs already wait for the disk, which is the limit. Try again later.")
        self.jobs_max = jobs_max


class StorageClosed(StorageError):
    """The writer was closed before this job was handed in."""


class DataInUse(StorageError):
    """Another process (`pid`, 0 when unknown) is the writer of this file."""

    def __init__(self, path: Path, pid: int) -> None:
        holder = f"process {pid}" if pid else "another process"
        super().__init__(
            f"{path} is in use by {holder}; only one process may write it. "
            f"Stop that process first, or use another data directory."
        )
        self.path, self.pid = path, pid


class DatabaseCorrupt(StorageError):
    """The file cannot be trusted. It is never repaired silently."""

    def __init__(self, path: Path, cause: str) -> None:
        super().__init__(
            f"{path}: {cause}. Stop, keep a copy of the file with its -wal beside it as evidence, "
            f"and restore the newest backup; `tideng ledger verify` shows what it holds."
        )
        self.path, self.cause = path, cause


class DatabaseNewer(StorageError):
    """The database was written by a newer release."""

    def __init__(self, path: Path, room: str, found: int, known: int) -> None:
        super().__init__(
            f"{path}: room '{room}' is at schema version {found}; this release knows up to {known}. "
            f"Start the newer release that wrote it, or restore the backup made before the upgrade."
        )
        self.path, self.room, self.found, self.known = path, room, found, known


def is_environmental(error: sqlite3.Error) -> bool:
    """True if the error is about the disk or the file, not about the statement that met it."""
    primary = _primary_code(error)
    return primary in _NEXT_STEP or primary in _DAMAGED


def translate(path: Path, error: sqlite3.Error) -> StorageError:
    """The one translation from sqlite3's errors to ours; chain it with `from error`."""
    primary = _primary_code(error)
    if primary in _DAMAGED:
        return DatabaseCorrupt(path, _DAMAGED[primary])
    name = getattr(error, "sqlite_errorname", None) or type(error).__name__
    return StorageFailed(f"{path}: {error} ({name}). {_NEXT_STEP.get(primary, _FALLBACK)}")


def _primary_code(error: sqlite3.Error) -> int:
    # Errors raised by the sqlite3 module itself (not by SQLite) carry no code.
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF
