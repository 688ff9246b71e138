"""The appraisal's own ledger, beside its results: who did what with the evidence, in order, provably."""

import hashlib
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from msgspec import Struct

from tideng.evidence.entries import encode_entry
from tideng.evidence.keys import signing_key
from tideng.evidence.sqlite import SCHEMA, SqliteLedger
from tideng.storage.sqlite import Writer

LEDGER: Final = "ledger.sqlite"
KEY: Final = "ledger.key"
ORIGIN: Final = "tideng.scan/appraisal"


class Custody:
    """Appends entries; each is durable, and in a checkpoint, when `record` returns."""

    def __init__(self, ledger: SqliteLedger) -> None:
        self._ledger = ledger

    def now(self) -> int:
        """Microseconds UTC, never going back."""
        return self._ledger.now()

    def record(self, entry: Struct) -> int:
        """Keep one entry; its index."""
        index = self._ledger.append([encode_entry(entry)])
        self._ledger.checkpoint()
        return index

    def leaf(self, index: int) -> bytes:
        """The bytes of one entry."""
        return self._ledger.leaf(index)

    @property
    def size(self) -> int:
        """Entries so far."""
        return self._ledger.size

    @property
    def root(self) -> str:
        """The tree's root in hex: what the report quotes."""
        return self._ledger.root().hex()


@contextmanager
def opened(folder: Path) -> Iterator[Custody]:
    """The ledger in `folder`, made there if it is new."""
    writer = Writer(folder / LEDGER, schema={"evidence": SCHEMA})
    try:
        key = signing_key(folder / KEY)
        yield Custody(SqliteLedger(writer, origin=ORIGIN, key=key, clock=lambda: time.time_ns() // 1000))
    finally:
        writer.close()


def digest(parts: Iterable[str]) -> str:
    """SHA-256 over lines."""
    total = hashlib.sha256()
    for part in parts:
        total.update(part.encode("utf-8", "surrogateescape") + b"\n")
    return total.hexdigest()
