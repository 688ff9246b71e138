"""Replies: which message they answer, and what is kept of them."""

import sqlite3
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from tideng.gateway.messages import MessageId, Micros
from tideng.storage.bulk import BulkInsert, rows_json


class Conversation(Struct, frozen=True, gc=False):
    """The latest message that went from a code number to a subject."""

    message: MessageId
    customer: str
    principal: str


class KeptReply(Struct, frozen=True, kw_only=True, gc=False):
    """One reply as a row of `inbound`."""

    id: int
    customer: str
    principal: str
    code_number: str
    meaning: str
    position: int
    subject: str
    received_at: Micros
    sealed: bytes


_replies: Final = BulkInsert(
    "inbound",
    (
        "id",
        "customer",
        "principal",
        "code_number",
        "meaning",
        "position",
        "subject",
        "received_at",
        "sealed",
    ),
    blobs=("sealed",),
)


def keep_replies(conn: sqlite3.Connection, replies: Sequence[KeptReply]) -> None:
    """Inside one job."""
    _replies.insert(
        conn,
        [
            (
                r.id,
                r.customer,
                r.principal,
                r.code_number,
                r.meaning,
                r.position,
                r.subject,
                r.received_at,
                r.sealed,
            )
            for r in replies
        ],
    )


def conversations(
    reader: sqlite3.Connection, asked: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], Conversation]:
    """(subject, code number) -> the latest message that may have reached the subject from it."""
    found: dict[tuple[str, str], Conversation] = {}
    if not asked:
        return found
    rows = reader.execute(
        "SELECT j.value->>0, j.value->>1, m.id, m.customer, m.principal FROM json_each(?1) j "
        "JOIN message m ON m.id = (SELECT id FROM message WHERE subject = j.value->>0 "
        "AND code_number = j.value->>1 AND state NOT IN ('held', 'refused') ORDER BY id DESC LIMIT 1)",
        (rows_json(sorted(set(asked))),),
    )
    for subject, code_number, message, customer, principal in rows:
        found[subject, code_number] = Conversation(message, customer, principal)
    return found
