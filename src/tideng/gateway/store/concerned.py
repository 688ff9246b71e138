"""Whom the gateway's entries concern: what the completeness index asks of whoever appended them."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from tideng.evidence.subjects import SealBroken, SubjectErased
from tideng.gateway.messages import MessageId
from tideng.gateway.store.bodies import open_body, open_reply
from tideng.gateway.store.store import Store
from tideng.storage.bulk import rows_json

# Of whatever version: an entry that a new version hid from the index would be one that was withheld.
_BY_MESSAGE: Final = frozenset({"decision", "handover", "report", "complaint", "console"})
_BY_POSITION: Final = frozenset({"inbound", "consent", "opt_out"})
ID_DIGITS_MAX: Final = 19


class _About(Struct, frozen=True, gc=False):
    kind: str
    message: str = ""
    about: str = ""


_read: Final = msgspec.json.Decoder(_About).decode


class GatewayConcerned:
    """Fulfils `completeness.Concerned` from the gateway's rows."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def subjects_of(
        self, conn: sqlite3.Connection, first: int, leaves: Sequence[bytes]
    ) -> Sequence[str | None]:
        """See `Concerned`."""
        found: dict[int, str] = {}
        by_message: dict[int, MessageId] = {}
        by_position: list[int] = []
        for index, leaf in enumerate(leaves, first):
            entry = _read(leaf)
            family = entry.kind.partition("/")[0]
            if family in _BY_POSITION:
                by_position.append(index)
            elif family in _BY_MESSAGE:
                given = entry.message or entry.about
                if given.isascii() and given.isdigit() and len(given) <= ID_DIGITS_MAX:
                    by_message[index] = int(given)
        if by_position:
            found.update(
                conn.execute(
                    "SELECT position, subject FROM inbound "
                    "WHERE position IN (SELECT value FROM json_each(?1)) UNION ALL "
                    "SELECT position, subject FROM registry_opening "
                    "WHERE position IN (SELECT value FROM json_each(?1))",
                    (rows_json(by_position),),
                ).fetchall()
            )
        if by_message:
            whose = dict(
                conn.execute(
                    "SELECT id, subject FROM message WHERE id IN (SELECT value FROM json_each(?))",
                    (rows_json(sorted(set(by_message.values()))),),
                ).fetchall()
            )
            found.update((index, whose[m]) for index, m in by_message.items() if m in whose)
        return [found.get(index) for index in range(first, first + len(leaves))]

    def numbers_of(self, conn: sqlite3.Connection, subjects: Sequence[str]) -> Mapping[str, str]:
        """See `Concerned`."""
        met = ((subject, self._store.number_of(subject)) for subject in subjects)
        numbers = {subject: number for subject, number in met if number is not None}
        for subject in subjects:
            if subject not in numbers:
                number = self._kept(conn, subject)
                if number is not None:
                    numbers[subject] = number
        return numbers

    def _kept(self, conn: sqlite3.Connection, subject: str) -> str | None:
        store = self._store
        row = conn.execute(
            "SELECT number FROM subject_name WHERE subject = ? AND number IS NOT NULL", (subject,)
        ).fetchone()
        try:
            if row is not None:
                return store.open_number(subject, row[0])
            row = conn.execute(
                "SELECT id, sealed FROM message WHERE subject = ? ORDER BY id DESC LIMIT 1", (subject,)
            ).fetchone()
            if row is not None:
                body = open_body(store.key_for(subject), row[0], row[1])
                return body.recipient or "?" + body.given
            row = conn.execute("SELECT sealed FROM inbound WHERE subject = ? LIMIT 1", (subject,)).fetchone()
            return None if row is None else open_reply(store.key_for(subject), subject, row[0]).sender
        except (SubjectErased, SealBroken):
            return None
