"""Writes the completeness index, interval after interval, beside a ledger that goes on growing."""

import sqlite3
from contextlib import closing
from typing import Final

from tideng.evidence.completeness import Concerned, Interval, draft, record_in
from tideng.evidence.name_key import NameKey
from tideng.evidence.sqlite import SqliteLedger
from tideng.storage.sqlite import Writer

ENTRIES_MAX: Final = 10_000
ROUNDS_MAX: Final = 100_000
"""Intervals one call of `catch_up` writes at most; an end for a loop that follows a moving target."""


class Indexer:
    """Blocking: give it a thread. One at a time per ledger; a second one's draft is dropped, not recorded."""

    def __init__(
        self,
        writer: Writer,
        ledger: SqliteLedger,
        concerned: Concerned,
        names: NameKey,
        *,
        entries_max: int = ENTRIES_MAX,
    ) -> None:
        self._writer, self._ledger = writer, ledger
        self._concerned, self._names = concerned, names
        self._entries_max = entries_max

    def write_next(self) -> Interval | None:
        """Record the next interval, up to what is durable now; None if there was nothing to record."""
        with closing(self._writer.reader()) as conn:
            made = draft(conn, self._ledger, self._concerned, self._names, entries_max=self._entries_max)
        if made is None:
            return None

        def job(conn: sqlite3.Connection) -> Interval | None:
            return record_in(conn, self._ledger, made)

        return self._writer.call(job)

    def catch_up(self, stop: int) -> Interval | None:
        """Record intervals until entries up to `stop`-1 are covered; the last interval written."""
        last = None
        for _ in range(ROUNDS_MAX):
            written = self.write_next()
            last = written or last
            if written is None or written.stop >= stop:
                break
        return last
