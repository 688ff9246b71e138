"""Carries out the retention policy: contents that were kept long enough are erased, entries stay."""

import sqlite3
from contextlib import closing
from functools import partial
from typing import Final

from msgspec import Struct

from tideng.evidence import landmarks
from tideng.evidence.indexer import Indexer
from tideng.evidence.landmarks import RetentionEntry
from tideng.evidence.retention import DAY_US, Loaded
from tideng.gateway.ids import first_id_at
from tideng.gateway.messages import Micros
from tideng.gateway.store.store import Store
from tideng.storage.failures import StorageFailed

ERASED_TOGETHER: Final = 5_000
"""Rows one transaction erases: others' commits must not wait for a whole year."""
TRUNCATIONS_MAX: Final = 3

_FREE: Final = "subject NOT IN (SELECT subject FROM legal_hold)"
_DUE: Final = {
    # Not what still waits: it could not be sent any more.
    "message": "id < ?1 AND length(sealed) > 0 AND state NOT IN ('queued', 'held')",
    "inbound": "received_at < ?1 AND length(sealed) > 0",
    "consent": "expires_at > 0 AND expires_at < ?1",
}


class Due(Struct, frozen=True):
    """What a run erases, or would."""

    messages: int
    replies: int
    consents: int
    held: int
    """Records that are due and that a legal hold keeps."""


class Keeping:
    """Retention over the gateway's records. Blocking; with the gateway stopped, or in its own thread."""

    def __init__(self, store: Store, indexer: Indexer, loaded: Loaded) -> None:
        self._store, self._indexer, self._loaded = store, indexer, loaded

    def due(self, now: Micros) -> Due:
        """What is due at `now`; nothing is changed."""
        with closing(self._store.writer.reader()) as conn:
            counts = {table: self._count(conn, table, now, _FREE) for table in _DUE}
            held = sum(self._count(conn, table, now, f"NOT {_FREE}") for table in _DUE)
        return Due(counts["message"], counts["inbound"], counts["consent"], held)

    def run(self, now: Micros, *, by: str) -> tuple[Due, int] | None:
        """Erase what is due and record it; None if nothing is. After a crash, run it again."""
        due = self.due(now)
        if not due.messages + due.replies + due.consents:
            return None
        store = self._store
        # Whoever is only known from a message that is erased now must be in the index first.
        self._indexer.catch_up(store.ledger.size)
        for table in _DUE:
            while store.writer.call(partial(self._erase_some, table=table, now=now)):
                pass
        entry = RetentionEntry(
            at=store.ledger.now(),
            by=by,
            consents=due.consents,
            held=due.held,
            messages=due.messages,
            policy=self._loaded.hash,
            replies=due.replies,
        )
        position = store.writer.call(lambda conn: landmarks.record_in(conn, store.ledger, entry))
        if not any(store.writer.truncate_wal() for _ in range(TRUNCATIONS_MAX)):
            raise StorageFailed(
                f"{store.writer.path}: a reader keeps erased rows in the log; run it again later"
            )
        return due, position

    def _bound(self, table: str, now: Micros) -> int:
        policy = self._loaded.policy
        kept = {"message": policy.message, "inbound": policy.reply, "consent": policy.consent}[table]
        before = now - kept.keep_days * DAY_US
        return first_id_at(before) if table == "message" else before

    def _count(self, conn: sqlite3.Connection, table: str, now: Micros, whose: str) -> int:
        sql = f"SELECT count(*) FROM {table} WHERE {_DUE[table]} AND {whose}"  # noqa: S608 - constants
        return int(conn.execute(sql, (self._bound(table, now),)).fetchone()[0])

    def _erase_some(self, conn: sqlite3.Connection, table: str, now: Micros) -> int:
        conn.execute("PRAGMA secure_delete=ON")
        bound = self._bound(table, now)
        if table == "consent":
            sql = f"DELETE FROM consent WHERE {_DUE[table]} AND {_FREE}"  # noqa: S608 - constants
            conn.execute(sql, (bound,))
            return 0
        sql = (
            f"UPDATE {table} SET sealed = x'' WHERE id IN (SELECT id FROM {table} WHERE {_DUE[table]} "  # noqa: S608
            f"AND {_FREE} LIMIT {ERASED_TOGETHER})"
        )
        return conn.execute(sql, (bound,)).rowcount
