"""What a ledger promises, whoever keeps it."""

from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct

from tideng.evidence.entries import ENTRY_BYTES_MAX
from tideng.evidence.verification import Verification

LEAVES_MAX = 10_000
"""Most entries one `leaves` call hands out."""


class Position(Struct, frozen=True, gc=False):
    """Where an entry lies, and the hash (RFC 6962 §2.1) that lies there."""

    index: int
    leaf_hash: bytes


class LedgerError(Exception):
    """The ledger could not do what was asked."""


class LedgerCorrupt(LedgerError):
    """What is stored contradicts itself or its last checkpoint. Nothing is repaired; a person must look."""


class OutsideLedger(LedgerError, LookupError):
    """There is no such index or size (yet)."""


class Ledger(Protocol):
    """An append-only, tamper-evident sequence of entries. Thread-safe.

    What an `append` returned for is durable (the memory ledger excepted), keeps its index for ever, and is
    included in every later checkpoint. A checkpoint, once signed, is never contradicted by a later one.
    """

    origin: str
    """The ledger's name in checkpoints."""

    @property
    def size(self) -> int:
        """Number of durable entries."""

    def now(self) -> int:
        """Microseconds UTC for the next entry's `at`; never decreases, not even over a restart."""

    def append(self, leaves: Sequence[bytes]) -> int:
        """Make entries durable, in order and together; the index of the first. Blocks until synced.

        All or none: `ValueError` if any is longer than `ENTRY_BYTES_MAX`. An empty append changes nothing.
        """

    def leaf(self, index: int) -> bytes:
        """The bytes of one entry. `OutsideLedger` if there is none."""

    def leaves(self, start: int, stop: int) -> list[bytes]:
        """Entries start … stop-1, at most `LEAVES_MAX`. `OutsideLedger` if one of them does not exist."""

    def root(self, size: int | None = None) -> bytes:
        """The tree's root now, or when it had `size` entries. `OutsideLedger` if it never had."""

    def inclusion_proof(self, index: int, size: int | None = None) -> list[bytes]:
        """Shows that entry `index` is in the tree of `size` (default: now). `OutsideLedger` if it is not."""

    def consistency_proof(self, old: int, new: int | None = None) -> list[bytes]:
        """Shows that the tree of `old` is a prefix of `new`'s. `OutsideLedger` unless 0 < old <= new."""

    def checkpoint(self) -> bytes:
        """A signed note over everything durable now (see `checkpoint.py`); durable itself. Blocks."""

    def latest_checkpoint(self) -> bytes | None:
        """The newest durable checkpoint, which may be a second or so behind; None if there is none yet."""

    def verify(self, progress: Callable[[int, int], None] | None = None) -> Verification:
        """Recompute everything. `progress(done, total)` is called now and then."""


def check_leaves(leaves: Sequence[bytes]) -> None:
    """ValueError if an entry is too long to be served in an entry bundle (tlog-tiles)."""
    for leaf in leaves:
        if len(leaf) > ENTRY_BYTES_MAX:
            raise ValueError(
                f"an entry has {len(leaf)} bytes; the limit is {ENTRY_BYTES_MAX}. Refer by hash."
            )


def check_range(start: int, stop: int, size: int) -> None:
    """`OutsideLedger` unless entries start … stop-1 exist and are not too many at once."""
    if not 0 <= start <= stop <= size:
        raise OutsideLedger(f"entries {start} to {stop - 1} are not all in a ledger of {size}")
    if stop - start > LEAVES_MAX:
        raise OutsideLedger(f"{stop - start} entries at once; the limit is {LEAVES_MAX}. Ask in pieces.")


def check_tree(index: int, tree: int | None, size: int) -> int:
    """The tree size meant; `OutsideLedger` unless `index` lies in it and the ledger has grown to it."""
    tree = size if tree is None else tree
    if not 0 <= index < tree <= size:
        raise OutsideLedger(f"entry {index} in a tree of {tree}: the ledger has {size} entries")
    return tree


def check_growth(old: int, new: int | None, size: int) -> int:
    """The newer size meant; `OutsideLedger` unless 0 < old <= new <= size."""
    new = size if new is None else new
    if not 0 < old <= new <= size:
        raise OutsideLedger(f"from size {old} to {new}: need 0 < old <= new <= {size}")
    return new
