"""The ledger on SQLite: entries, tiles and checkpoints, committed with whatever else their job wrote."""

import sqlite3
import threading
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tideng.evidence import merkle
from tideng.evidence.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from tideng.evidence.clock import SteadyClock
from tideng.evidence.completeness import SCHEMA as INDEX
from tideng.evidence.entries import EntryInvalid, declare, decode_entry, encode_entry
from tideng.evidence.ledger import (
    LedgerCorrupt,
    OutsideLedger,
    check_growth,
    check_leaves,
    check_range,
    check_tree,
)
from tideng.evidence.merkle import leaf_hash
from tideng.evidence.note import NoteInvalid, Verifier, verifier_for
from tideng.evidence.publication import read_resource
from tideng.evidence.resources import Resource
from tideng.evidence.retired import retired_keys
from tideng.evidence.stored import StoredLedger, verify_file
from tideng.evidence.tiles import TILE_WIDTH, Tile, TileEdge, TileHashes, TilesBroken, split_hashes
from tideng.evidence.verification import Verification
from tideng.storage.bulk import BulkInsert
from tideng.storage.migrations import Migration
from tideng.storage.sqlite import Writer

R = TypeVar("R")

CHECKPOINT_INTERVAL_US = 1_000_000

SCHEMA: Final = (
    Migration(
        1,
        """
        CREATE TABLE entry (idx INTEGER PRIMARY KEY, leaf BLOB NOT NULL);
        CREATE TABLE tile (
            level INTEGER NOT NULL, n INTEGER NOT NULL, hashes BLOB NOT NULL, PRIMARY KEY (level, n)
        );
        CREATE TABLE checkpoint (size INTEGER PRIMARY KEY, at INTEGER NOT NULL, note BLOB NOT NULL);
        """,
    ),
    INDEX,
)
"""Room "evidence": give it to the `Writer` as `schema={"evidence": SCHEMA, …}`."""

_ENTRIES = BulkInsert("entry", ("idx", "leaf"), blobs=("leaf",))
_TILES = BulkInsert(
    "tile",
    ("level", "n", "hashes"),
    blobs=("hashes",),
    conflict="ON CONFLICT (level, n) DO UPDATE SET hashes = excluded.hashes",
)

declare(
    "clock/1",
    "The machine's clock went back by `back_us` microseconds; `at` did not follow it.",
    "本机时钟回拨了 back_us 微秒；账本时间 at 未随之后退。",
)


class SqliteLedger:
    """Fulfils `Ledger` in the file of `writer`, and lets other rooms append inside their own jobs.

    Start-up rebuilds the tree's edge from its tiles and raises `LedgerCorrupt` if entries, tiles and the last
    checkpoint do not agree, or if that checkpoint was signed by another key or for another origin.
    """

    def __init__(
        self, writer: Writer, *, origin: str, key: Ed25519PrivateKey, clock: Callable[[], int]
    ) -> None:
        """`clock`: microseconds UTC, may step; the ledger's own `now` does not."""
        self.origin = origin
        self.verifier = verifier_for(origin, key)
        self.retired: list[Verifier] = []
        """Keys that signed earlier checkpoints, as entries "ledger_key/1" tell."""
        self._writer, self._key = writer, key
        self._clock = SteadyClock(clock)
        # Of the transaction under way; touched by the writer's thread only.
        self._leaves: list[bytes] = []
        self._full: list[Tile] = []
        self._at_begin: object = None
        self._is_wanted = False
        self._new_checkpoint: tuple[int, bytes] | None = None
        self._step_us = 0
        # Durable; replaced as a whole once committed, so that other threads read one or the other.
        self._reading = threading.Lock()
        self._reader = writer.reader()
        self._checkpoint: bytes | None = None
        self._checkpoint_size = -1
        self._checkpoint_seen = 0
        try:
            self._edge = writer.call(self._load)
        except BaseException:
            self._reader.close()
            raise
        self._durable = (self._edge.size, self._edge.root())
        writer.enlist(self)

    # Appending

    def append_in(self, conn: sqlite3.Connection, leaves: Sequence[bytes]) -> int:
        """Append what `encode_entry` made, inside a job of the same writer; the index of the first entry.

        Durable, with everything else the job wrote, when the job's future has its result; undone if the job
        fails. The rows are written when the transaction ends, all jobs' together: a later statement of the
        same job does not see them yet. ValueError if an entry is too long.
        """
        check_leaves(leaves)
        first = self._edge.size
        self._full += self._edge.extend([leaf_hash(leaf) for leaf in leaves])
        self._leaves += leaves
        return first

    def append(self, leaves: Sequence[bytes]) -> int:
        """See `Ledger`."""
        return self._writer.call(lambda conn: self.append_in(conn, leaves))

    def now(self) -> int:
        """See `Ledger`. A step back of the machine's clock becomes an entry "clock/1" of its own."""
        return self._clock.now()

    def checkpoint_in(self, conn: sqlite3.Connection) -> None:
        """End the transaction of this job with a checkpoint, unless nothing was added since the last."""
        self._is_wanted = True

    def checkpoint(self) -> bytes:
        """See `Ledger`. With an event loop use `await writer.run(ledger.checkpoint_in)`."""
        self._writer.call(self.checkpoint_in)
        if self._checkpoint is None:
            raise LedgerCorrupt("a checkpoint was written and is not there")
        return self._checkpoint

    # Reading

    @property
    def size(self) -> int:
        """See `Ledger`."""
        return self._durable[0]

    def leaf(self, index: int) -> bytes:
        """See `Ledger`."""
        return self.leaves(index, index + 1)[0]

    def leaves(self, start: int, stop: int) -> list[bytes]:
        """See `Ledger`."""
        check_range(start, stop, self.size)
        with self._reading:
            found = StoredLedger(self._reader).leaves(start, stop)
        if len(found) != stop - start:
            raise LedgerCorrupt(f"entries {start} to {stop - 1}: only {len(found)} are stored")
        return found

    def root(self, size: int | None = None) -> bytes:
        """See `Ledger`."""
        durable, root = self._durable
        if size is None or size == durable:
            return root
        if not 0 <= size < durable:
            raise OutsideLedger(f"the ledger never had {size} entries; it has {durable}")
        return self._from_tiles(lambda read: merkle.root(size, read))

    def inclusion_proof(self, index: int, size: int | None = None) -> list[bytes]:
        """See `Ledger`."""
        tree = check_tree(index, size, self.size)
        return self._from_tiles(lambda read: merkle.inclusion_proof(index, tree, read))

    def consistency_proof(self, old: int, new: int | None = None) -> list[bytes]:
        """See `Ledger`."""
        newer = check_growth(old, new, self.size)
        return self._from_tiles(lambda read: merkle.consistency_proof(old, newer, read))

    def latest_checkpoint(self) -> bytes | None:
        """See `Ledger`."""
        return self._checkpoint

    def resource(self, resource: Resource) -> bytes | None:
        """The bytes of a tile or entry bundle under the newest checkpoint; None if it covers none such."""
        with self._reading:
            return read_resource(StoredLedger(self._reader), resource, max(0, self._checkpoint_size))

    def verify(self, progress: Callable[[int, int], None] | None = None) -> Verification:
        """See `Ledger`. Raises `DatabaseCorrupt` where SQLite itself cannot read the file."""
        return verify_file(self._writer.path, self.origin, [self.verifier, *self.retired], progress)

    def close(self) -> None:
        """Let go of the reading connection. The writer is closed by whoever opened it."""
        with self._reading:
            self._reader.close()

    def _from_tiles(self, ask: Callable[[merkle.HashReader], R]) -> R:
        with self._reading:
            try:
                return ask(TileHashes(StoredLedger(self._reader).tile))
            except TilesBroken as error:
                raise LedgerCorrupt(f"{self._writer.path}: {error}. Run `tideng ledger verify`.") from error

    # Following the transaction (`Participant`), on the writer's thread

    def begin(self) -> None:
        """See `Participant`."""
        self._at_begin = self._edge.mark()

    def mark(self) -> object:
        """See `Participant`."""
        return self._edge.mark(), len(self._leaves), len(self._full), self._is_wanted

    def rollback_to(self, mark: object) -> None:
        """See `Participant`."""
        if not isinstance(mark, tuple):
            raise TypeError("rollback_to takes what mark returned")
        edge, leaves, full, self._is_wanted = mark
        self._edge.restore(edge)
        del self._leaves[leaves:]
        del self._full[full:]

    def flush(self, conn: sqlite3.Connection) -> None:
        """Write the rows of all jobs in three statements at most."""
        if self._leaves:
            self._record_clock_step(conn)
            first = self._edge.size - len(self._leaves)
            _ENTRIES.insert(conn, [(first + i, leaf) for i, leaf in enumerate(self._leaves)])
            tiles = self._full + self._edge.partial()
            _TILES.insert(conn, [(tile.level, tile.n, tile.hashes) for tile in tiles])
        seen = self._clock.seen()
        # Either way: after a step back the interval must not wait for the clock to catch up.
        is_due = bool(self._leaves) and abs(seen - self._checkpoint_seen) >= CHECKPOINT_INTERVAL_US
        if (is_due or self._is_wanted) and self._edge.size != self._checkpoint_size:
            self._write_checkpoint(conn, seen)

    def committed(self) -> None:
        """See `Participant`."""
        if self._leaves:
            self._durable = (self._edge.size, self._edge.root())
        if self._new_checkpoint is not None:
            seen, self._checkpoint = self._new_checkpoint
            self._checkpoint_size, self._checkpoint_seen = self._edge.size, seen
        self._forget()

    def rolled_back(self) -> None:
        """See `Participant`."""
        self._edge.restore(self._at_begin)
        if self._step_us:
            self._clock.give_back(self._step_us)
        self._forget()

    def _forget(self) -> None:
        self._leaves, self._full = [], []
        self._is_wanted, self._new_checkpoint, self._step_us = False, None, 0

    def _record_clock_step(self, conn: sqlite3.Connection) -> None:
        at = self._clock.now()
        self._step_us = self._clock.take_step()
        if self._step_us:
            self.append_in(conn, [encode_entry({"kind": "clock/1", "at": at, "back_us": self._step_us})])

    def _write_checkpoint(self, conn: sqlite3.Connection, seen: int) -> None:
        note = sign_checkpoint(Checkpoint(self.origin, self._edge.size, self._edge.root()), self._key)
        row = (self._edge.size, self._clock.now(), note)
        conn.execute("INSERT INTO checkpoint (size, at, note) VALUES (?, ?, ?)", row)
        self._new_checkpoint = (seen, note)

    # Start-up

    def _load(self, conn: sqlite3.Connection) -> TileEdge:
        stored = StoredLedger(conn)
        size = stored.size()
        self.retired = retired_keys(conn, self.origin)
        try:
            if stored.tile_hashes() != size:
                raise TilesBroken(f"{size} entries are stored, but tiles for {stored.tile_hashes()}")
            edge = TileEdge.load(size, stored.tile)
            self._check_last_leaves(stored, edge)
            self._load_checkpoint(stored, edge)
        except (TilesBroken, NoteInvalid) as error:
            raise LedgerCorrupt(f"{self._writer.path}: {error}. {_WAY_OUT}") from error
        return edge

    def _check_last_leaves(self, stored: StoredLedger, edge: TileEdge) -> None:
        """The end of a file is what a power cut or a bad copy takes first."""
        size = edge.size
        if not size:
            return
        start = (size - 1) // TILE_WIDTH * TILE_WIDTH
        leaves = stored.leaves(start, size)
        if [leaf_hash(leaf) for leaf in leaves] != split_hashes(stored.tile(0, start // TILE_WIDTH) or b""):
            raise TilesBroken(f"entries {start} to {size - 1} do not hash to what their tile holds")
        try:
            self._clock.not_before(int(decode_entry(leaves[-1])["at"]))
        except EntryInvalid:
            return  # its bytes are as they were appended; `verify` says what is wrong with them

    def _load_checkpoint(self, stored: StoredLedger, edge: TileEdge) -> None:
        last = stored.last_checkpoint()
        if last is None:
            return
        checkpoint = open_checkpoint(last.note, self.origin, [self.verifier, *self.retired])
        if checkpoint.size != last.size or last.size > edge.size:
            raise TilesBroken(f"the last checkpoint vouches for {last.size} entries; {edge.size} are stored")
        if merkle.root(last.size, TileHashes(stored.tile)) != checkpoint.root:
            raise TilesBroken(f"the first {last.size} entries contradict the checkpoint signed over them")
        self._checkpoint, self._checkpoint_size = last.note, last.size
        self._clock.not_before(last.at)


_WAY_OUT = (
    "Nothing was changed. Keep a copy of the data directory, run `tideng ledger verify` to see how far it "
    "can be vouched for, and restore the newest backup (or the right signing key and origin)."
)
