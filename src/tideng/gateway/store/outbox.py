"""The outbox: what is cleared and not yet taken by a carrier; and what became of handing it over."""

import sqlite3
from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from tideng.gateway.messages import MessageId, Micros
from tideng.gateway.store.decisions import Appends, append, count, write_life
from tideng.gateway.store.mailbox import NewMail, put_mail
from tideng.storage.bulk import BulkInsert, rows_json


class Leased(Struct, frozen=True, gc=False):
    """An outbox row with what is needed to clear and send it again."""

    message: MessageId
    attempts: int
    accepted: dict[int, str]
    maybe_sent: bool
    customer: str
    principal: str
    category: str
    code_number: str
    position: int
    subject: str
    reported: int
    sealed: bytes


class Booking(Struct, frozen=True, kw_only=True, gc=False):
    """The outcome of one handing over, ready to be written."""

    message: MessageId
    state: str
    """sent, failed, expired; "" when it stays queued."""
    leaf: bytes = b""
    """Its ledger entry; empty for outcomes that change nothing anybody could ask about."""
    due_at: Micros = 0
    """For those that stay queued."""
    leased: bool = False
    attempts: int = 0
    accepted: dict[int, str] = {}
    maybe_sent: bool = False
    carrier: str = ""
    parts: int = 0
    mail: NewMail | None = None


_parts: Final = BulkInsert(
    "part", ("carrier", "folded", "carrier_id", "message", "part", "parts"), conflict="IGNORE"
)
_leased: Final = msgspec.json.Decoder(dict[int, str])


def folded(carrier_id: str) -> str:
    """The form under which ids are looked up: peers change case and strip zeros."""
    return carrier_id.casefold().lstrip("0") or "0"


def lease(conn: sqlite3.Connection, now: Micros, limit: int) -> list[Leased]:
    """Inside one job: take up to `limit` due rows, oldest message first. They are marked until booked."""
    taken = conn.execute(
        "UPDATE outbox SET leased = 1 WHERE message IN "
        "(SELECT message FROM outbox WHERE leased = 0 AND due_at <= ? ORDER BY due_at LIMIT ?) "
        "RETURNING message",
        (now, limit),
    ).fetchall()
    if not taken:
        return []
    rows = conn.execute(
        "SELECT m.id, o.attempts, o.accepted, m.maybe_sent, m.customer, m.principal, m.category, "
        "m.code_number, m.position, m.subject, m.reported, m.sealed "
        "FROM json_each(?1) j JOIN outbox o ON o.message = j.value JOIN message m ON m.id = o.message "
        "ORDER BY m.id",
        (rows_json([message for (message,) in taken]),),
    )
    return [
        Leased(row[0], row[1], _leased.decode(row[2]), bool(row[3]), *row[4:])  # columns in field order
        for row in rows
    ]


def release_all(conn: sqlite3.Connection) -> int:
    """Inside one job, at start: rows a killed process had taken may be on their way. Mark and free them."""
    conn.execute(
        "UPDATE message SET maybe_sent = 1 WHERE id IN (SELECT message FROM outbox WHERE leased = 1)"
    )
    return conn.execute("UPDATE outbox SET leased = 0 WHERE leased = 1").rowcount


def next_due(reader: sqlite3.Connection) -> Micros | None:
    """When the next row that nobody has taken is due; None when there is none."""
    [due] = reader.execute("SELECT min(due_at) FROM outbox WHERE leased = 0").fetchone()
    return None if due is None else int(due)


def waiting(reader: sqlite3.Connection) -> int:
    """Rows in the outbox."""
    [rows] = reader.execute("SELECT count(*) FROM outbox").fetchone()
    return int(rows)


def book(
    conn: sqlite3.Connection, ledger: Appends, bookings: Sequence[Booking], now: Micros, day: int
) -> None:
    """Inside one job: ledger entries, states, the carriers' ids, outbox and mailbox.

    A message that is no longer queued (withdrawn meanwhile, or finished before a crash) keeps its state.
    """
    recorded = [booking for booking in bookings if booking.leaf]
    positions = append(conn, ledger, [booking.leaf for booking in recorded])
    write_life(conn, [(b.message, p.index) for b, p in zip(recorded, positions, strict=True)])
    conn.execute(
        "UPDATE message SET state = CASE WHEN j.value->>1 <> '' AND state = 'queued' THEN j.value->>1 "
        "ELSE state END, maybe_sent = max(maybe_sent, j.value->>2), changed_at = ?2 "
        "FROM json_each(?1) j WHERE message.id = j.value->>0",
        (rows_json([(b.message, b.state, b.maybe_sent) for b in bookings]), now),
    )
    conn.execute(
        "DELETE FROM outbox WHERE message IN (SELECT value FROM json_each(?1))",
        (rows_json([b.message for b in bookings if b.state]),),
    )
    again = [b for b in bookings if not b.state]
    if again:
        conn.execute(
            "UPDATE outbox SET due_at = j.value->>1, leased = j.value->>2, attempts = j.value->>3, "
            "accepted = j.value->>4 FROM json_each(?1) j WHERE outbox.message = j.value->>0",
            (
                rows_json(
                    [
                        (b.message, b.due_at, b.leased, b.attempts, msgspec.json.encode(b.accepted).decode())
                        for b in again
                    ]
                ),
            ),
        )
    _parts.insert(
        conn,
        [
            (b.carrier, folded(carrier_id), carrier_id, b.message, part, b.parts)
            for b in bookings
            if b.state
            for part, carrier_id in b.accepted.items()
        ],
    )
    put_mail(conn, [b.mail for b in bookings if b.mail is not None])
    count(conn, day, [b.state for b in bookings if b.state])
