"""A ledger's rows read over one connection, for proofs, start-up and verification.

Blobs are cast: SQLite keeps what was written, whatever the column says, and a forger's text or NULL must
be found by verification, not stop it.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from tideng.evidence.merkle import HASH_BYTES
from tideng.evidence.note import Verifier
from tideng.evidence.tiles import TILE_WIDTH
from tideng.evidence.verification import StoredCheckpoint, Verification, verify_ledger
from tideng.storage.failures import translate
from tideng.storage.opening import open_reader


class StoredLedger:
    """A `verification.Source` over one connection."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn

    def size(self) -> int:
        last = self._conn.execute("SELECT max(idx) FROM entry").fetchone()[0]
        return 0 if last is None else int(last) + 1

    def leaves(self, start: int, stop: int) -> list[bytes]:
        """As many as are stored from `start` on without a gap, `stop` excluded."""
        rows = self._conn.execute(
            "SELECT idx, coalesce(CAST(leaf AS BLOB), x'') FROM entry"
            " WHERE idx >= ? AND idx < ? ORDER BY idx",
            (start, stop),
        ).fetchall()
        if rows and rows[-1][0] - rows[0][0] == len(rows) - 1 and rows[0][0] == start:
            return [row[1] for row in rows]
        return [row[1] for i, row in enumerate(rows) if row[0] == start + i]

    def tile(self, level: int, n: int) -> bytes | None:
        row = self._conn.execute(
            "SELECT coalesce(CAST(hashes AS BLOB), x'') FROM tile WHERE level = ? AND n = ?", (level, n)
        ).fetchone()
        return None if row is None else bytes(row[0])

    def tile_count(self) -> int:
        return int(self._conn.execute("SELECT count(*) FROM tile").fetchone()[0])

    def tile_hashes(self) -> int:
        """How many leaf hashes the tiles of level 0 hold."""
        row = self._conn.execute(
            "SELECT n, length(hashes) FROM tile WHERE level = 0 ORDER BY n DESC LIMIT 1"
        ).fetchone()
        return 0 if row is None else int(row[0]) * TILE_WIDTH + int(row[1]) // HASH_BYTES

    def checkpoints(self) -> Iterator[StoredCheckpoint]:
        for size, at, note in self._conn.execute(
            "SELECT size, CAST(at AS INTEGER), coalesce(CAST(note AS BLOB), x'') FROM checkpoint"
            " ORDER BY size"
        ):
            yield StoredCheckpoint(size, at, note)

    def last_checkpoint(self) -> StoredCheckpoint | None:
        row = self._conn.execute(
            "SELECT size, CAST(at AS INTEGER), coalesce(CAST(note AS BLOB), x'') FROM checkpoint"
            " ORDER BY size DESC LIMIT 1"
        ).fetchone()
        return None if row is None else StoredCheckpoint(*row)


def verify_file(
    path: Path,
    origin: str,
    verifiers: Sequence[Verifier],
    progress: Callable[[int, int], None] | None = None,
) -> Verification:
    """Verify the ledger in a database file, even one that `SqliteLedger` refuses; only reads.

    A running gateway may go on appending: what was there at the start is verified (and its write-ahead log
    grows until we are done). Raises `StorageError` where SQLite itself cannot read the file.
    """
    with closing(open_reader(path)) as conn:
        try:
            conn.execute("BEGIN")
            stored = StoredLedger(conn)
            return verify_ledger(stored, stored.size(), origin, verifiers, progress)
        except sqlite3.Error as error:
            raise translate(path, error) from error
