"""What customers have still to be told. A row goes when the customer has acknowledged it."""

import sqlite3
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from tideng.gateway.messages import MessageId, Micros
from tideng.storage.bulk import BulkInsert, rows_json


class NewMail(Struct, frozen=True, kw_only=True, gc=False):
    """One report or reply for a customer. `id` comes from the message ids: ordered, never twice."""

    id: int
    customer: str
    kind: str
    """report or inbound."""
    message: MessageId
    state: str = ""
    error: str = ""
    at: Micros
    subject: str = ""
    sealed: bytes = b""


_mail: Final = BulkInsert(
    "mailbox",
    ("id", "customer", "kind", "message", "state", "error", "at", "subject", "sealed"),
    blobs=("sealed",),
    conflict="IGNORE",
)


def put_mail(conn: sqlite3.Connection, mail: Sequence[NewMail]) -> None:
    """Inside one job."""
    _mail.insert(
        conn,
        [(m.id, m.customer, m.kind, m.message, m.state, m.error, m.at, m.subject, m.sealed) for m in mail],
    )


def take_mail(conn: sqlite3.Connection, ids: Sequence[int]) -> None:
    """Inside one job: these were acknowledged by their customer."""
    conn.execute(
        "DELETE FROM mailbox WHERE id IN (SELECT value FROM json_each(?1))",
        (rows_json(ids),),
    )


def mail_after(
    reader: sqlite3.Connection, customer: str, after: int, limit: int
) -> list[tuple[NewMail, bytes, str, str]]:
    """A customer's mail with ids above `after`, oldest first.

    Each with the sealed body, subject and code number of the message it is about (empty for none).
    """
    rows = reader.execute(
        "SELECT b.id, b.customer, b.kind, b.message, b.state, b.error, b.at, b.subject, b.sealed, "
        "coalesce(m.sealed, x''), coalesce(m.subject, ''), coalesce(m.code_number, '') "
        "FROM mailbox b LEFT JOIN message m ON m.id = b.message "
        "WHERE b.customer = ? AND b.id > ? ORDER BY b.id LIMIT ?",
        (customer, after, limit),
    )
    return [
        (
            NewMail(
                id=row[0],
                customer=row[1],
                kind=row[2],
                message=row[3],
                state=row[4],
                error=row[5],
                at=row[6],
                subject=row[7],
                sealed=row[8],
            ),
            *row[9:12],
        )
        for row in rows
    ]


def customers_with_mail(reader: sqlite3.Connection) -> list[str]:
    """Customers with at least one item waiting."""
    return [customer for (customer,) in reader.execute("SELECT DISTINCT customer FROM mailbox")]


def drop_old_mail(conn: sqlite3.Connection, before: Micros) -> int:
    """Inside one job: mail no customer fetched in time. The ledger keeps what happened."""
    return conn.execute("DELETE FROM mailbox WHERE at < ?", (before,)).rowcount
