"""Reads the facts a review needs and writes what it decided: entry, message and outbox together."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import msgspec
from msgspec import Struct

from tideng.evidence.ledger import Position
from tideng.evidence.merkle import leaf_hash
from tideng.gateway.ids import first_id_at, time_of
from tideng.gateway.messages import MessageId, Micros
from tideng.gateway.review.values import RecentMessage
from tideng.gateway.store.mailbox import NewMail, put_mail
from tideng.storage.bulk import BulkInsert, rows_json

RECENT_PER_SUBJECT_MAX: Final = 200
"""Earlier messages per recipient a review may see; more than any frequency cap needs."""


class Appends(Protocol):
    """The ledger, inside a writer's job."""

    def append_in(self, conn: sqlite3.Connection, leaves: Sequence[bytes]) -> int: ...


def append(conn: sqlite3.Connection, ledger: Appends, leaves: Sequence[bytes]) -> list[Position]:
    """Inside one job: where these leaves will lie once the job is committed."""
    first = ledger.append_in(conn, leaves)
    return [Position(first + offset, leaf_hash(leaf)) for offset, leaf in enumerate(leaves)]


class Decided(Struct, frozen=True, kw_only=True, gc=False):
    """One decision ready to be written."""

    id: MessageId
    customer: str
    principal: str
    category: str
    code_number: str
    door: str
    action: str
    state: str
    codes: str
    subject: str
    text_key: str
    reported: int
    at: Micros
    sealed: bytes
    leaf: bytes
    due_at: Micros = 0
    """When it goes out; 0: not at all."""
    leased: bool = False
    """Handed to dispatch in memory right after the commit."""


_messages: Final = BulkInsert(
    "message",
    (
        "id",
        "customer",
        "principal",
        "category",
        "code_number",
        "door",
        "action",
        "state",
        "codes",
        "position",
        "subject",
        "text_key",
        "reported",
        "changed_at",
        "sealed",
    ),
    blobs=("sealed",),
)
_outbox: Final = BulkInsert("outbox", ("message", "due_at", "leased"))
_life: Final = BulkInsert("life", ("message", "position"), conflict="IGNORE")
_tally: Final = BulkInsert(
    "tally", ("day", "what", "n"), conflict="ON CONFLICT (day, what) DO UPDATE SET n = n + excluded.n"
)


def write_new(
    conn: sqlite3.Connection,
    ledger: Appends,
    decided: Sequence[Decided],
    mail: Sequence[NewMail],
    day: int,
) -> Sequence[Position]:
    """Inside one job: ledger entries, message rows, outbox rows and first letters of new messages."""
    positions = append(conn, ledger, [d.leaf for d in decided])
    _messages.insert(
        conn,
        [
            (
                d.id,
                d.customer,
                d.principal,
                d.category,
                d.code_number,
                d.door,
                d.action,
                d.state,
                d.codes,
                position.index,
                d.subject,
                d.text_key,
                d.reported,
                d.at,
                d.sealed,
            )
            for d, position in zip(decided, positions, strict=True)
        ],
    )
    _outbox.insert(conn, [(d.id, d.due_at, d.leased) for d in decided if d.due_at])
    write_life(conn, [(d.id, p.index) for d, p in zip(decided, positions, strict=True)])
    put_mail(conn, mail)
    count(conn, day, [d.action for d in decided])
    return positions


def write_redecided(
    conn: sqlite3.Connection, ledger: Appends, decided: Decided, mail: Sequence[NewMail], day: int
) -> Position:
    """Inside one job: a new decision on a message that is held or waits in the outbox.

    Raises `StateChanged` when it is neither any more: somebody else was first.
    """
    [position] = append(conn, ledger, [decided.leaf])
    changed = conn.execute(
        "UPDATE message SET action = ?, state = ?, codes = ?, position = ?, changed_at = ?, sealed = ? "
        "WHERE id = ? AND state IN ('held', 'queued')",
        (
            decided.action,
            decided.state,
            decided.codes,
            position.index,
            decided.at,
            decided.sealed,
            decided.id,
        ),
    ).rowcount
    if not changed:
        raise StateChanged(f"message {decided.id} is no longer held or queued; look at it again")
    conn.execute("DELETE FROM outbox WHERE message = ?", (decided.id,))
    if decided.due_at:
        _outbox.insert(conn, [(decided.id, decided.due_at, decided.leased)])
    put_mail(conn, mail)
    write_life(conn, [(decided.id, position.index)])
    count(conn, day, [decided.action])
    return position


class StateChanged(Exception):
    """Two decided at once; the first one counts."""


def write_life(conn: sqlite3.Connection, pairs: Sequence[tuple[MessageId, int]]) -> None:
    """Inside one job: note at which ledger positions a message's life goes on; again is harmless."""
    _life.insert(conn, pairs)


def count(conn: sqlite3.Connection, day: int, happened: Sequence[str]) -> None:
    """Add to the day's tally."""
    _tally.insert(conn, [(day, what, happened.count(what)) for what in sorted(set(happened))])


def recent_messages(
    conn: sqlite3.Connection, subjects: Sequence[str], since: Micros
) -> Mapping[str, tuple[RecentMessage, ...]]:
    """Messages to these recipients since `since` that were not refused, newest first. One statement."""
    [found] = conn.execute(
        "SELECT json_group_array(json_array(m.subject, m.principal, m.category, m.id, m.text_key)) "
        "FROM json_each(?1) j, message m "
        "WHERE m.rowid IN (SELECT r.id FROM message r WHERE r.subject = j.value AND r.id >= ?2 "
        "ORDER BY r.id DESC LIMIT ?3) AND m.action <> 'refuse'",
        (rows_json(subjects), first_id_at(since), RECENT_PER_SUBJECT_MAX),
    ).fetchone()
    if found == "[]":
        return {}
    grouped: dict[str, list[RecentMessage]] = {}
    for subject, principal, category, message, text_key in msgspec.json.decode(found):
        grouped.setdefault(subject, []).append(
            RecentMessage(principal=principal, category=category, at=time_of(message), text_key=text_key)
        )
    return {
        subject: tuple(sorted(seen, key=lambda one: one.at, reverse=True))
        for subject, seen in grouped.items()
    }
