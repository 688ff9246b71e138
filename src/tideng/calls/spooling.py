"""Records pushed over a socket become files in the watched folder: whole lines, complete or not there at all.

What arrives is written at once to a hidden file, which is synced and renamed when it is large, old, or the
peer pauses. So a socket is as safe to kill and as idempotent as files are. A file left behind by a killed
process is completed at the next start; a last line without its end is put aside. When too much waits to be
imported nothing more is read, and TCP tells the sender to wait.
"""

import fcntl
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec import Struct

from tideng.calls.readers.formats import Format, FormatUnknown, guess

TAKEN: Final = "taken"
REFUSED: Final = "refused"
_PREFIX: Final = "socket-"
_WRITING: Final = ".writing"
_WITH_HEADER: Final = frozenset({"operator", "cucm", "kamailio"})
LINE_FORMATS: Final = (
    "auto",
    "asterisk",
    "freeswitch-json",
    "freeswitch-csv",
    "kamailio",
    "cucm",
    "operator",
)
RETRY_S: Final = 0.5


class Limits(Struct, frozen=True, kw_only=True):
    """How much of everything."""

    line_bytes: int = 65_536
    connections: int = 16
    piece_bytes: int = 4_000_000
    """A file is completed at this size."""
    piece_s: float = 5.0
    """Or when its first line is so old."""
    quiet_s: float = 1.0
    """Or when the peer pauses so long: legs of one call are mostly written together."""
    spool_bytes: int = 1_000_000_000
    """Bytes that may wait to be imported; above it nothing is read."""


class LineRefused(ValueError):
    """The peer sent what cannot be taken; its connection ends. The message says why."""


class Piece:
    """One file being written. Not thread-safe."""

    def __init__(self, folder: Path, stem: str, header: bytes, *, at: float) -> None:
        self.stem, self.began = stem, at
        self._folder, self.path = folder, folder / f".{stem}{_WRITING}"
        self._fd = os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        # The lock tells `recover` of another process that this file is not left behind.
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        self.size = 0
        try:
            self.add(header)
        except OSError:
            self.path.unlink()
            os.close(self._fd)
            raise

    def add(self, lines: bytes) -> None:
        """Write all of it or, with OSError, nothing."""
        try:
            written = 0
            while written < len(lines):
                written += os.pwrite(self._fd, lines[written:], self.size + written)
        except OSError:
            os.ftruncate(self._fd, self.size)
            raise
        self.size += len(lines)

    def complete(self) -> Path:
        """Sync it and give it its name."""
        return _named(self._fd, self.path, self._folder / f"{self.stem}.cdr")


def _named(fd: int, path: Path, name: Path) -> Path:
    os.fsync(fd)
    path.rename(name)
    folder = os.open(name.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
        os.close(fd)
    return name


class Spool:
    """The folder's share that came by socket. Thread-safe."""

    def __init__(self, folder: Path, format: Format, limits: Limits, tell: Callable[[str], None]) -> None:
        """Completes what a killed process left. `tell` takes one sentence for the operator."""
        for name in (TAKEN, REFUSED):
            (folder / name).mkdir(mode=0o700, exist_ok=True)
        self.folder, self.format, self.limits, self.tell = folder, format, limits, tell
        self.arrived = threading.Event()
        """Set when a file is complete."""
        self._room = threading.Condition()
        self._recover()
        self._waiting = sum(path.stat().st_size for path in folder.glob(f"{_PREFIX}*"))

    def is_piece(self, path: Path) -> bool:
        """Whether a file of the folder came by socket: complete, and nobody else's."""
        return path.name.startswith(_PREFIX)

    def taken(self, path: Path) -> None:
        """It was imported: out of the way, for the operator to keep or remove."""
        self._move(path, TAKEN)

    def refuse(self, path: Path) -> None:
        """It could not be imported: put aside."""
        self._move(path, REFUSED)

    def aside(self, stem: str, octets: bytes, why: str) -> None:
        """Keep what is no whole line, and say so."""
        (self.folder / REFUSED / f"{stem}.part").write_bytes(octets)
        self.tell(f"{why}; {len(octets):,} bytes put aside as {REFUSED}/{stem}.part")

    def grew(self, by: int) -> None:
        """So many bytes more wait."""
        with self._room:
            self._waiting += by

    def has_room(self, *, wait_s: float) -> bool:
        """Whether more may be read; waits a moment if not."""
        with self._room:
            return self._room.wait_for(lambda: self._waiting < self.limits.spool_bytes, wait_s)

    def _move(self, path: Path, where: str) -> None:
        size = path.stat().st_size
        path.replace(self.folder / where / path.name)
        with self._room:
            self._waiting -= size
            self._room.notify_all()

    def _recover(self) -> None:
        for path in sorted(self.folder.glob(f".{_PREFIX}*{_WRITING}")):
            fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(fd)
                continue
            raw = path.read_bytes()
            whole = raw.rfind(b"\n") + 1
            stem = path.name[1:].removesuffix(_WRITING)
            if whole < len(raw):
                self.aside(stem, raw[whole:], "a line was cut off when the process ended")
            if whole == 0:
                path.unlink()
                os.close(fd)
                continue
            os.ftruncate(fd, whole)
            _named(fd, path, self.folder / f"{stem}.cdr")


class Cutter:
    """One connection's octets into pieces. Not thread-safe; time is an argument."""

    def __init__(self, spool: Spool, stem: str) -> None:
        """`stem`: names this connection's files; never used before."""
        self._spool, self._stem, self._count = spool, stem, 0
        self._rest = b""
        self._header: bytes | None = None
        self._piece: Piece | None = None
        self._last = 0.0

    def feed(self, octets: bytes, at: float) -> None:
        """Take what was read at `at` (monotonic seconds).

        `LineRefused` ends the connection. OSError: the disk is to blame; feed the same octets again. Lines
        that were written already then come twice, which the store of records knows.
        """
        data = self._rest + octets
        whole = data.rfind(b"\n") + 1
        most = self._spool.limits.line_bytes
        skip = 0
        if self._header is None and whole:
            try:
                header = self._header_of(data[: data.index(b"\n") + 1])
            except LineRefused:
                self._rest = data[:most]
                raise
            skip = len(header)
        else:
            header = self._header or b""
        self._keep(header, data[skip:whole], at)
        self._rest = data[whole:][:most]
        if whole:
            self._header = header
        if len(data) - whole > most:
            raise LineRefused(f"a line has more than {most:,} bytes")

    def tick(self, at: float) -> None:
        """Complete the file if it is old, or the peer has paused."""
        limits, piece = self._spool.limits, self._piece
        if piece and (at - piece.began >= limits.piece_s or at - self._last >= limits.quiet_s):
            self.complete()

    def complete(self) -> None:
        """Complete the file there is, if any."""
        if self._piece:
            self._piece.complete()
            self._piece = None
            self._spool.arrived.set()

    def end(self, why: str) -> None:
        """The connection is over: complete the file; half a line is put aside."""
        self.complete()
        if self._rest:
            self._spool.aside(f"{self._stem}-rest", self._rest, why)
            self._rest = b""

    def _keep(self, header: bytes, lines: bytes, at: float) -> None:
        if not lines:
            return
        self._last = at
        if self._piece is None:
            self._count += 1
            stem = f"{self._stem}-{self._count:06d}"
            self._piece = Piece(self._spool.folder, stem, header, at=at)
            self._spool.grew(len(header))
        piece, limits = self._piece, self._spool.limits
        piece.add(lines)
        self._spool.grew(len(lines))
        if piece.size >= limits.piece_bytes or at - piece.began >= limits.piece_s:
            self.complete()

    def _header_of(self, first: bytes) -> bytes:
        """The line that names the columns, to stand in every file; empty for formats without one."""
        try:
            format = guess(first) if self._spool.format == "auto" else self._spool.format
        except FormatUnknown as error:
            raise LineRefused(
                f"the first line looks like none of the formats ({len(first):,} bytes)"
            ) from error
        if format == "ber":
            raise LineRefused("BER has no lines; drop it as files")
        if format == "kamailio" and b"method" in first.lower():
            raise LineRefused(
                "transactions (INVITE and BYE rows) are joined within a file; drop them as files"
            )
        return first if format in _WITH_HEADER else b""
