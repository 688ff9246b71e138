"""A ledger in memory: for tests, demonstrations and rooms that want to see the promise without a disk."""

import threading
from collections.abc import Callable, Iterator, Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tideng.evidence import merkle
from tideng.evidence.checkpoint import Checkpoint, sign_checkpoint
from tideng.evidence.clock import SteadyClock
from tideng.evidence.entries import encode_entry
from tideng.evidence.ledger import OutsideLedger, check_growth, check_leaves, check_range, check_tree
from tideng.evidence.merkle import leaf_hash
from tideng.evidence.note import verifier_for
from tideng.evidence.tiles import TileEdge, TileHashes
from tideng.evidence.verification import StoredCheckpoint, Verification, verify_ledger


class MemoryLedger:
    """Fulfils `Ledger` except for durability: everything is gone with the process."""

    def __init__(self, *, origin: str, key: Ed25519PrivateKey, clock: Callable[[], int]) -> None:
        """`clock`: microseconds UTC, may step; the ledger's own `now` does not."""
        self.origin = origin
        self.verifier = verifier_for(origin, key)
        self._key = key
        self._clock = SteadyClock(clock)
        self._lock = threading.RLock()
        self._leaves: list[bytes] = []
        self._edge = TileEdge()
        self._full: dict[tuple[int, int], bytes] = {}
        self._checkpoints: list[StoredCheckpoint] = []

    @property
    def size(self) -> int:
        """See `Ledger`."""
        return len(self._leaves)

    def now(self) -> int:
        """See `Ledger`."""
        return self._clock.now()

    def append(self, leaves: Sequence[bytes]) -> int:
        """See `Ledger`; nothing is synced."""
        check_leaves(leaves)
        with self._lock:
            first = self.size
            if leaves:
                at, step = self._clock.now(), self._clock.take_step()
                said = [encode_entry({"kind": "clock/1", "at": at, "back_us": step})] if step else []
                self._add([*leaves, *said])
            return first

    def _add(self, leaves: list[bytes]) -> None:
        for tile in self._edge.extend([leaf_hash(leaf) for leaf in leaves]):
            self._full[tile.level, tile.n] = tile.hashes
        self._leaves += leaves

    def leaf(self, index: int) -> bytes:
        """See `Ledger`."""
        return self.leaves(index, index + 1)[0]

    def leaves(self, start: int, stop: int) -> list[bytes]:
        """See `Ledger`."""
        with self._lock:
            check_range(start, stop, self.size)
            return self._leaves[start:stop]

    def root(self, size: int | None = None) -> bytes:
        """See `Ledger`."""
        with self._lock:
            if size is None:
                return self._edge.root()
            if not 0 <= size <= self.size:
                raise OutsideLedger(f"the ledger never had {size} entries; it has {self.size}")
            return merkle.root(size, TileHashes(self.tile))

    def inclusion_proof(self, index: int, size: int | None = None) -> list[bytes]:
        """See `Ledger`."""
        with self._lock:
            tree = check_tree(index, size, self.size)
            return merkle.inclusion_proof(index, tree, TileHashes(self.tile))

    def consistency_proof(self, old: int, new: int | None = None) -> list[bytes]:
        """See `Ledger`."""
        with self._lock:
            newer = check_growth(old, new, self.size)
            return merkle.consistency_proof(old, newer, TileHashes(self.tile))

    def checkpoint(self) -> bytes:
        """See `Ledger`."""
        with self._lock:
            if not self._checkpoints or self._checkpoints[-1].size != self.size:
                note = sign_checkpoint(Checkpoint(self.origin, self.size, self.root()), self._key)
                self._checkpoints.append(StoredCheckpoint(self.size, self._clock.now(), note))
            return self._checkpoints[-1].note

    def latest_checkpoint(self) -> bytes | None:
        """See `Ledger`."""
        with self._lock:
            return self._checkpoints[-1].note if self._checkpoints else None

    def verify(self, progress: Callable[[int, int], None] | None = None) -> Verification:
        """See `Ledger`."""
        with self._lock:
            return verify_ledger(self, self.size, self.origin, [self.verifier], progress)

    # As `verification.Source`

    def tile(self, level: int, n: int) -> bytes | None:
        """The stored hashes of a tile, or None."""
        partial = {(tile.level, tile.n): tile.hashes for tile in self._edge.partial()}
        return self._full.get((level, n), partial.get((level, n)))

    def tile_count(self) -> int:
        """Number of tiles, partial ones included."""
        return len(self._full) + len(self._edge.partial())

    def checkpoints(self) -> Iterator[StoredCheckpoint]:
        """Every checkpoint, smallest first."""
        return iter(self._checkpoints)
