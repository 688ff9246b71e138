"""The gateway's store: one database with its single writer, the ledger in it, and the keys beside it."""

import asyncio
import os
import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TypeVar

from tideng.evidence.sqlite import SqliteLedger
from tideng.evidence.subjects import SubjectKeys
from tideng.gateway.messages import Micros
from tideng.identifiers.keyed import keyed_hash
from tideng.storage.sqlite import Writer

T = TypeVar("T")


class Store:
    """What every step of the gateway reads from and writes to.

    Writes are jobs of the one writer and durable when they return. `reader` belongs to the event
    loop's thread and sees what has been committed.
    """

    def __init__(
        self,
        writer: Writer,
        ledger: SqliteLedger,
        keys: SubjectKeys,
        lookup_key: bytes,
        *,
        now: Callable[[], Micros],
        time_zone: tzinfo,
    ) -> None:
        self.writer = writer
        self.ledger = ledger
        self.keys = keys
        self.now = now
        self.time_zone = time_zone
        self._lookup_key = lookup_key
        self.reader: sqlite3.Connection = writer.reader()

    def subject(self, number: str) -> str:
        """The keyed hash under which this number's records are kept."""
        return keyed_hash(self._lookup_key, "subject", number)

    def text_key(self, text: str) -> str:
        """Comparable, not readable: equal texts have equal keys."""
        return keyed_hash(self._lookup_key, "text", text)

    def series(self, *parts: str) -> str:
        """Names the parts that belong together without naming people."""
        return keyed_hash(self._lookup_key, "series", "\x1f".join(parts))

    def day(self, at: Micros) -> int:
        """Days since 1970-01-01 in the operator's time zone."""
        return datetime.fromtimestamp(at / 1e6, UTC).astimezone(self.time_zone).date().toordinal() - 719_163

    def entropy(self, octets: int) -> bytes:
        return os.urandom(octets)

    async def run(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """One job of the writer; durable when it returns."""
        return await self.writer.run(job)

    async def keys_for(self, subjects: Sequence[str]) -> dict[str, bytes]:
        """The subjects' keys, made durable first where they are new."""
        known = self.keys.cached(subjects)
        if len(known) == len(set(subjects)):
            return known
        return await asyncio.to_thread(self.keys.keys_for, subjects, self.entropy)

    def close(self) -> None:
        self.reader.close()
        self.writer.close()
        self.keys.close()


DATABASE = "tideng.db"
KEYS = "keys.db"


def database_path(directory: Path) -> Path:
    return directory / DATABASE
