"""Recompute a whole ledger from its leaves and compare everything stored with the result.

Steps, for each entry: its bytes are canonical; its hash is the one in its tile; each tile above fits. For
each checkpoint: its signature holds, sizes and times do not decrease, and its root is that of the entries
up to its size. At the end: no entry, tile or hash is left over. Memory does not grow with the ledger.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from msgspec import Struct

from tideng.evidence.checkpoint import open_checkpoint
from tideng.evidence.entries import is_canonical
from tideng.evidence.merkle import HASH_BYTES, leaf_hash
from tideng.evidence.note import NoteInvalid, Verifier
from tideng.evidence.tiles import TILE_WIDTH, Tile, TileEdge

CHUNK = 4_096
"""Entries verified between two calls of `progress`."""


class StoredCheckpoint(Struct, frozen=True):
    """A checkpoint as it was kept: `at` in microseconds UTC."""

    size: int
    at: int
    note: bytes


class Source(Protocol):
    """Where a ledger is read from. `size` is what its entries say, tiles and checkpoints apart."""

    def leaves(self, start: int, stop: int) -> Sequence[bytes]: ...
    def tile(self, level: int, n: int) -> bytes | None: ...
    def tile_count(self) -> int: ...
    def checkpoints(self) -> Iterable[StoredCheckpoint]: ...


class Verification(Struct, frozen=True):
    """What was recomputed. `problem` is empty if everything agrees, and otherwise says what does not.

    `first_differing` is the first entry index that cannot be vouched for: the damaged entry itself where
    its own bytes or hash differ, the first entry under the tile or after the last good checkpoint otherwise.
    """

    size: int
    root: bytes
    checkpoints: int
    problem: str = ""
    first_differing: int | None = None

    @property
    def is_intact(self) -> bool:
        """True if everything agrees."""
        return not self.problem


class _Differs(Exception):
    def __init__(self, index: int, problem: str) -> None:
        super().__init__(problem)
        self.index = index


class _Walk:
    """One pass over the ledger."""

    def __init__(self, source: Source, size: int, origin: str, verifiers: Sequence[Verifier]) -> None:
        self.source, self.size, self.origin, self.verifiers = source, size, origin, verifiers
        self.edge = TileEdge()
        self.tiles = 0
        self.checked = 0
        self._vouched = 0
        self._last_at = 0

    def run(self, progress: Callable[[int, int], None]) -> None:
        pending = iter(self.source.checkpoints())
        due = self._next(pending)
        while True:
            while due is not None and due.size == self.edge.size:
                self._check_checkpoint(due)
                due = self._next(pending)
            done = self.edge.size
            if done == self.size:
                break
            stop = min(self.size, done + CHUNK, due.size if due else self.size)
            self._check_entries(done, stop)
            progress(stop, self.size)
        if due is not None:
            raise _Differs(self.size, f"a checkpoint vouches for {due.size} entries; {self.size} are here")
        for tile in self.edge.partial():
            self._check_tile(tile)
        if self.source.tile_count() != self.tiles:
            raise _Differs(self.size, f"{self.source.tile_count()} tiles are stored; {self.tiles} are due")

    def _next(self, pending: Iterator[StoredCheckpoint]) -> StoredCheckpoint | None:
        due = next(pending, None)
        if due is not None and due.size < self.edge.size:
            raise _Differs(self._vouched, f"the checkpoint of size {due.size} is out of order")
        return due

    def _check_entries(self, start: int, stop: int) -> None:
        leaves = self.source.leaves(start, stop)
        hashes = [leaf_hash(leaf) for leaf in leaves]
        self._check_leaf_hashes(start, hashes)
        if len(leaves) != stop - start:
            raise _Differs(start + len(leaves), f"entry {start + len(leaves)} is missing")
        for offset, leaf in enumerate(leaves):
            if not is_canonical(leaf):
                raise _Differs(start + offset, f"entry {start + offset} is not in canonical form")
        for tile in self.edge.extend(hashes):
            self._check_tile(tile)

    def _check_leaf_hashes(self, start: int, hashes: list[bytes]) -> None:
        """Against level 0 before anything else: it is the only place that names the exact entry."""
        at = 0
        while at < len(hashes):
            n, offset = divmod(start + at, TILE_WIDTH)
            here = hashes[at : at + TILE_WIDTH - offset]
            stored = (self.source.tile(0, n) or b"")[offset * HASH_BYTES :][: len(here) * HASH_BYTES]
            if stored != b"".join(here):
                index = start + at + _first_difference(stored, here)
                raise _Differs(index, f"entry {index} does not hash to what its tile holds")
            at += len(here)

    def _check_tile(self, tile: Tile) -> None:
        self.tiles += 1
        stored = self.source.tile(tile.level, tile.n) or b""
        if stored == tile.hashes:
            return
        hashes = [tile.hashes[i : i + HASH_BYTES] for i in range(0, len(tile.hashes), HASH_BYTES)]
        position = _first_difference(stored, hashes)
        index = min((tile.n * TILE_WIDTH + position) * TILE_WIDTH**tile.level, self.size)
        raise _Differs(index, f"tile {tile.n} of level {tile.level} differs at hash {position}")

    def _check_checkpoint(self, stored: StoredCheckpoint) -> None:
        try:
            checkpoint = open_checkpoint(stored.note, self.origin, self.verifiers)
        except NoteInvalid as error:
            raise _Differs(self._vouched, f"the checkpoint of size {stored.size}: {error}") from error
        if checkpoint.size != stored.size or stored.at < self._last_at:
            raise _Differs(self._vouched, f"the checkpoint of size {stored.size} is out of order")
        if checkpoint.root != self.edge.root():
            raise _Differs(
                self._vouched,
                f"the checkpoint of size {stored.size} has another root than the entries: "
                f"some entry from {self._vouched} on was changed after it was signed",
            )
        self._vouched, self._last_at = stored.size, stored.at
        self.checked += 1


def verify_ledger(
    source: Source,
    size: int,
    origin: str,
    verifiers: Sequence[Verifier],
    progress: Callable[[int, int], None] | None = None,
) -> Verification:
    """Verify the first `size` entries and everything stored about them. Never raises for a bad ledger."""
    walk = _Walk(source, size, origin, verifiers)
    try:
        walk.run(progress or (lambda _done, _total: None))
    except _Differs as found:
        return Verification(size, walk.edge.root(), walk.checked, str(found), found.index)
    return Verification(size, walk.edge.root(), walk.checked)


def _first_difference(stored: bytes, hashes: Sequence[bytes]) -> int:
    for i, hashed in enumerate(hashes):
        if stored[i * HASH_BYTES : (i + 1) * HASH_BYTES] != hashed:
            return i
    return len(hashes)  # the stored tile is right as far as it should go, and then goes on
