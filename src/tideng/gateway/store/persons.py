"""A person's own data: shown to them, erased for them, held for a court. By keyed hash, never by number."""

import sqlite3
from contextlib import closing
from typing import Any, Final

from msgspec import Struct

from tideng.evidence import completeness, landmarks
from tideng.evidence.commitment import commit
from tideng.evidence.indexer import Indexer
from tideng.evidence.landmarks import ErasureEntry, HoldEntry
from tideng.evidence.subjects import SealBroken, SubjectErased
from tideng.gateway.ids import time_of
from tideng.gateway.store.bodies import open_body, open_reply
from tideng.gateway.store.store import Store
from tideng.storage.failures import StorageFailed

TRUNCATIONS_MAX: Final = 3


class NotErased(Exception):
    """Nothing was erased. The message says what stands in the way, and what to do."""


class Erased(Struct, frozen=True):
    """What an erasure did; `position` is its entry."""

    position: int
    records: int
    opt_outs_kept: int


class Persons:
    """Rights of access and erasure (PIPL arts. 45, 47), and legal holds. Blocking."""

    def __init__(self, store: Store, indexer: Indexer) -> None:
        self._store, self._indexer = store, indexer

    def export(self, number: str) -> dict[str, Any]:  # Any: plain JSON
        """Everything kept about a number (E.164 digits), opened as far as it can be."""
        store = self._store
        subject = store.subject(number)
        with closing(store.writer.reader()) as conn:
            return {
                "number": number,
                "messages": [*self._messages(conn, subject)],
                "replies": [*self._replies(conn, subject)],
                "consents": _rows(
                    conn,
                    "SELECT principal, category, wording, channel, given_at, expires_at, proof_hash, "
                    "position FROM consent WHERE subject = ? ORDER BY position",
                    subject,
                ),
                "opt_outs": _rows(
                    conn, "SELECT principal, at, source, position FROM opt_out WHERE subject = ?", subject
                ),
                "holds": _rows(conn, "SELECT case_id, position FROM legal_hold WHERE subject = ?", subject),
            }

    def erase(self, number: str, *, basis: str, by: str) -> Erased:
        """Destroy a person's key; proofs stay valid, opt-outs stay in force. Again is harmless.

        `NotErased` while a legal hold or an unsent message stands in the way; `StorageFailed` if other
        programs keep erased bytes in a log: erase again once they are closed.
        """
        store = self._store
        subject = store.subject(number)
        # What concerns this person must be in the index before their name is forgotten.
        self._indexer.catch_up(store.ledger.size)
        store.keep_met()
        with closing(store.writer.reader()) as conn:
            _refuse_if_needed(conn, subject)

        def job(conn: sqlite3.Connection) -> Erased:
            _refuse_if_needed(conn, subject)
            conn.execute("PRAGMA secure_delete=ON")
            records = sum(
                int(conn.execute(f"SELECT count(*) FROM {table} WHERE subject = ?", (subject,)).fetchone()[0])  # noqa: S608
                for table in ("message", "inbound")
            )
            [kept] = conn.execute("SELECT count(*) FROM opt_out WHERE subject = ?", (subject,)).fetchone()
            entry = ErasureEntry(
                at=store.ledger.now(),
                basis=basis,
                by=by,
                kept="opt_out: keyed hash" if kept else "",
                records=records,
                subject=commit(store.entropy(32), subject),
            )
            position = landmarks.record_in(conn, store.ledger, entry)
            for table in ("consent", "registry_opening", "mailbox", "fragment"):
                conn.execute(f"DELETE FROM {table} WHERE subject = ?", (subject,))  # noqa: S608 - constants
            completeness.forget_name_in(conn, subject)
            return Erased(position, records, int(kept))

        erased = store.writer.call(job)
        store.forget(subject)
        store.keys.destroy(subject, store.ledger.now())
        if not any(store.writer.truncate_wal() for _ in range(TRUNCATIONS_MAX)):
            raise StorageFailed(
                f"{store.writer.path}: a reader keeps erased rows in the log; erase again later"
            )
        return erased

    def hold(self, number: str, case: str, *, by: str) -> bool:
        """Keep a person's data whatever retention and erasure say; False if it is held for this case."""
        return self._change_hold(number, case, by, begun=True)

    def release(self, number: str, case: str, *, by: str) -> bool:
        """End a hold; False if there is none for this case."""
        return self._change_hold(number, case, by, begun=False)

    def _change_hold(self, number: str, case: str, by: str, *, begun: bool) -> bool:
        store = self._store
        subject, opening = store.subject(number), store.entropy(32)

        def job(conn: sqlite3.Connection) -> bool:
            found = conn.execute(
                "SELECT 1 FROM legal_hold WHERE subject = ? AND case_id = ?", (subject, case)
            ).fetchone()
            if begun is (found is not None):
                return False
            entry = HoldEntry(
                at=store.ledger.now(),
                by=by,
                case=case,
                state="begun" if begun else "ended",
                subject=commit(opening, subject),
            )
            position = landmarks.record_in(conn, store.ledger, entry)
            if begun:
                conn.execute("INSERT INTO legal_hold VALUES (?, ?, ?, ?)", (subject, case, position, opening))
            else:
                conn.execute("DELETE FROM legal_hold WHERE subject = ? AND case_id = ?", (subject, case))
            return True

        return store.writer.call(job)

    def _messages(self, conn: sqlite3.Connection, subject: str) -> list[dict[str, Any]]:  # Any: JSON
        found = []
        for row in conn.execute(
            "SELECT id, customer, principal, category, code_number, action, state, codes, position, sealed "
            "FROM message WHERE subject = ? ORDER BY id",
            (subject,),
        ).fetchall():
            told = dict(zip(_MESSAGE, row[:-1], strict=True)) | {
                "id": str(row[0]),
                "received_at": time_of(row[0]),
            }
            try:
                body = open_body(self._store.key_for(subject), row[0], row[-1])
                told |= {"recipient": body.recipient or body.given, "text": body.text}
            except (SubjectErased, SealBroken):
                told |= {"recipient": None, "text": None}
            found.append(told)
        return found

    def _replies(self, conn: sqlite3.Connection, subject: str) -> list[dict[str, Any]]:  # Any: JSON
        found = []
        for row in conn.execute(
            "SELECT id, customer, principal, code_number, meaning, position, received_at, sealed "
            "FROM inbound WHERE subject = ? ORDER BY id",
            (subject,),
        ).fetchall():
            told = dict(zip(_REPLY, row[:-1], strict=True)) | {"id": str(row[0])}
            try:
                told["text"] = open_reply(self._store.key_for(subject), subject, row[-1]).text
            except (SubjectErased, SealBroken):
                told["text"] = None
            found.append(told)
        return found


_MESSAGE: Final = (
    "id", "customer", "principal", "category", "code_number", "action", "state", "codes", "position",
)  # fmt: skip
_REPLY: Final = ("id", "customer", "principal", "code_number", "meaning", "position", "received_at")


def _rows(conn: sqlite3.Connection, sql: str, subject: str) -> list[dict[str, Any]]:  # Any: JSON
    cursor = conn.execute(sql, (subject,))
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _refuse_if_needed(conn: sqlite3.Connection, subject: str) -> None:
    cases = [case for (case,) in conn.execute("SELECT case_id FROM legal_hold WHERE subject = ?", (subject,))]
    if cases:
        raise NotErased(f"a legal hold keeps these data (case {', '.join(cases)}); end it first")
    waiting = conn.execute(
        "SELECT id FROM message WHERE subject = ? AND state IN ('queued', 'held') LIMIT 3", (subject,)
    ).fetchall()
    if waiting:
        ids = ", ".join(str(message) for (message,) in waiting)
        raise NotErased(
            f"messages still wait to be sent or reviewed ({ids}); let them end, or refuse them, first"
        )
