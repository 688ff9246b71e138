"""How long the write-ahead log is, read from the file itself (sqlite.org/walformat.html).

SQLite reuses the file from the start after a complete checkpoint and does not shrink it, so its size says
nothing; and asking SQLite means checkpointing. A frame belongs to the log in use when it carries the salts
of the file's header. Reading the -wal through our own descriptor is safe: SQLite's locks live on the
database and the -shm, whose descriptors we must never open and close (POSIX locks would go with them).
"""

import os
import struct
from pathlib import Path

from tideng.storage.failures import DatabaseCorrupt

_HEADER_BYTES = 32
_FRAME_HEADER_BYTES = 24
_SALTS = slice(16, 24)
_MAGIC = 0x377F0682


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


def check_log(database: Path) -> None:
    """`DatabaseCorrupt` if synced commits lie behind damage in the log a crash left; only reads.

    SQLite reads the log up to the first frame whose checksum is wrong and forgets the rest: right for the
    one commit that was being written, a silent loss for any other. With `synchronous=FULL` a commit is
    written only after the one before it was synced; so two commits in one unbroken chain of checksums
    behind the damage show that the first of them had been acknowledged. (A log cut off at its end looks
    like a power cut; only a checkpoint kept elsewhere can tell.)
    """
    log = database.with_name(database.name + "-wal")
    if not log.exists():
        return
    with log.open("rb") as file:
        header = file.read(_HEADER_BYTES)
        if len(header) < _HEADER_BYTES:
            return
        magic, _, page_bytes, _, _, _, *stored = struct.unpack(">8I", header)
        order = ">" if magic & 1 else "<"
        chain = _checksum(order, header[:24], (0, 0))
        if magic >> 1 != _MAGIC >> 1 or list(chain) != stored or not 512 <= page_bytes <= 65_536:
            return  # never begun: SQLite resets the header only when nothing in the log is needed
        damaged_at, commits, number = -1, 0, 0
        while len(frame := file.read(_FRAME_HEADER_BYTES + page_bytes)) == _FRAME_HEADER_BYTES + page_bytes:
            if frame[8:16] == header[_SALTS]:
                expected = _checksum(order, frame[:8] + frame[_FRAME_HEADER_BYTES:], chain)
                chain = struct.unpack(">2I", frame[16:24])
                is_linked = expected == chain
            else:
                is_linked = False
            if not is_linked:
                damaged_at, commits = (number if damaged_at < 0 else damaged_at), 0
            elif damaged_at >= 0 and frame[4:8] != bytes(4):
                commits += 1
                if commits == 2:
                    raise DatabaseCorrupt(
                        database,
                        f"its log is damaged at frame {damaged_at}, and commits were synced behind it",
                    )
            number += 1


def _checksum(order: str, data: bytes, seed: tuple[int, int]) -> tuple[int, int]:
    """walformat.html §4.2, over an even number of 32-bit words."""
    first, second = seed
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for i in range(0, len(words), 2):
        first = (first + words[i] + second) & 0xFFFFFFFF
        second = (second + words[i + 1] + first) & 0xFFFFFFFF
    return first, second
