"""One process per database file: a lock the kernel lets go of when the process dies, however it dies."""

import fcntl
import os
from pathlib import Path

from tideng.storage.failures import DataInUse, StorageFailed


class FileLock:
    """Exclusive use of `<database>.lock`, held from construction to `release()`.

    `flock` belongs to the opened file, so it also refuses a second writer inside this process, and no
    stale lock survives a crash. The file holds the owner's pid for the error message only, and stays.
    """

    def __init__(self, database: Path) -> None:
        self.path = database.with_name(database.name + ".lock")
        try:
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageFailed(
                f"{self.path}: {error.strerror}. Make the directory exist and writable for this user."
            ) from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = _pid(os.pread(self._fd, 32, 0))
            os.close(self._fd)
            raise DataInUse(database, holder) from error
        except OSError as error:
            os.close(self._fd)
            raise StorageFailed(
                f"{self.path}: cannot be locked ({error.strerror}). Use a local file system."
            ) from error
        try:
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            os.close(self._fd)
            raise StorageFailed(f"{self.path}: {error.strerror}. Free disk space and start again.") from error

    def release(self) -> None:
        """Let another process write. The file stays: unlinking it would let two processes lock two files."""
        os.close(self._fd)


def _pid(content: bytes) -> int:
    text = content.decode("ascii", "replace").strip()
    return int(text) if text.isdigit() else 0
