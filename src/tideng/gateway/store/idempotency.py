"""Keeps what was answered under an Idempotency-Key, so that a repeated request is answered, not repeated.

A key is reserved with the ids its messages will bear before they are submitted. After a crash between the
decision's commit and the answer's, the ids say which of them were recorded: exactly once over any kill.
"""

import sqlite3
from typing import Final

import msgspec
from msgspec import Struct

from tideng.gateway.messages import MessageId, Micros

KEPT_US: Final = 24 * 3_600_000_000
"""How long an answer is kept: a day."""


class Kept(Struct, frozen=True, kw_only=True):
    """One request under a key: what was asked, which ids were set aside, what was answered."""

    request_hash: bytes
    ids: tuple[MessageId, ...]
    status: int = 0
    """0: no answer was made durable; the process ended first."""
    answer: bytes = b""
    media_type: str = ""


class _Record(Struct, frozen=True, array_like=True):
    ids: tuple[MessageId, ...]
    status: int
    answer: bytes
    media_type: str


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(_Record).decode


def kept(reader: sqlite3.Connection, customer: str, key: str, now: Micros) -> Kept | None:
    """What is kept under this key; None when it is new or a day old."""
    row = reader.execute(
        "SELECT request_hash, response FROM idempotency WHERE customer = ? AND key = ? AND at >= ?",
        (customer, key, now - KEPT_US),
    ).fetchone()
    if row is None:
        return None
    record = _decode(row[1])
    return Kept(
        request_hash=bytes(row[0]),
        ids=record.ids,
        status=record.status,
        answer=record.answer,
        media_type=record.media_type,
    )


def keep_in(conn: sqlite3.Connection, customer: str, key: str, asked: Kept, at: Micros) -> None:
    """Inside one job: reserve the key, or put the answer to it. Forgets what is older than a day."""
    conn.execute("DELETE FROM idempotency WHERE at < ?", (at - KEPT_US,))
    conn.execute(
        "INSERT INTO idempotency (customer, key, request_hash, response, at) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (customer, key) DO UPDATE SET response = excluded.response",
        (
            customer,
            key,
            asked.request_hash,
            _encode(_Record(asked.ids, asked.status, asked.answer, asked.media_type)),
            at,
        ),
    )
