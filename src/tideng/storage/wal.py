"""How long the write-ahead log is, read from the file itself (sqlite.org/walformat.html).

SQLite reuses the file from the start after a complete checkpoint and does not shrink it, so its size says
nothing; and asking SQLite means checkpointing. A frame belongs to the log in use when it carries the salts
of the file's header. Reading the -wal through our own descriptor is safe: SQLite's locks live on the
database and the -shm, whose descriptors we must never open and close (POSIX locks would go with them).
"""

import os
from pathlib import Path

_HEADER_BYTES = 32
_FRAME_HEADER_BYTES = 24
_SALTS = slice(16, 24)


class WalGauge:
    """Says when the log has outgrown `bytes_max` and should be checkpointed."""

    def __init__(self, database: Path, page_bytes: int, bytes_max: int) -> None:
        self._path = database.with_name(database.name + "-wal")
        self._frame_bytes = _FRAME_HEADER_BYTES + page_bytes
        self._frames_max = max(1, bytes_max // self._frame_bytes)
        self._limit = self._frames_max
        self._salts = b""
        self._fd = -1

    def is_full(self) -> bool:
        """True if the log in use is longer than the limit."""
        if self._fd < 0:
            try:
                self._fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                return False
        salts = os.pread(self._fd, _HEADER_BYTES, 0)[_SALTS]
        if salts != self._salts:  # a new log was begun at the head of the file
            self._salts, self._limit = salts, self._frames_max
        frame = os.pread(self._fd, 16, _HEADER_BYTES + (self._limit - 1) * self._frame_bytes)
        return len(salts) == 8 and frame[8:16] == salts

    def checkpointed(self, frames: int) -> None:
        """`frames` were in the log when it was last checkpointed; do not ask again until it has grown.

        Without this a slow reader, who keeps the log from being begun anew, would cost a checkpoint per
        commit.
        """
        self._limit = max(self._frames_max, frames + self._frames_max // 4 + 1)

    def close(self) -> None:
        """Let go of the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
