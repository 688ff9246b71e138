"""The read model of the API and the console: what happened, without a name or a number in it.

Personal data comes only out of `opened` and `inbound_after`, and only while the subject's key exists.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, Final

from msgspec import Struct

from tideng.evidence.entries import decode_entry
from tideng.evidence.subjects import SubjectErased
from tideng.gateway.ids import time_of
from tideng.gateway.messages import MessageId, Micros
from tideng.gateway.store.bodies import Body, Reply, open_body, open_reply
from tideng.gateway.store.store import Store
from tideng.storage.bulk import rows_json

PAGE_MAX: Final = 200
"""Rows one call hands out."""
SEARCHED_MAX: Final = 100_000
"""Messages a filtered search looks through, newest first: a rare customer must not cost a scan of years."""


class MessageRow(Struct, frozen=True, kw_only=True, gc=False):
    """One message as it stands; nothing in it is personal."""

    id: MessageId
    customer: str
    principal: str
    category: str
    code_number: str
    door: str
    action: str
    """Of the latest decision: send, hold or refuse."""
    state: str
    """See `store/states.py`."""
    codes: tuple[str, ...]
    """Finding codes, strongest first."""
    position: int
    """Ledger index of the latest decision."""
    maybe_sent: bool
    received_at: Micros
    changed_at: Micros


class InboundRow(Struct, frozen=True, kw_only=True, gc=False):
    """One reply. `reply` is None once its sender was erased."""

    id: int
    customer: str
    principal: str
    code_number: str
    meaning: str
    """reply, opt_out or opt_out_all."""
    position: int
    received_at: Micros
    reply: Reply | None


class PartRow(Struct, frozen=True, gc=False):
    """One part of a long message; `state` is empty until a report came."""

    part: int
    parts: int
    state: str


_COLUMNS: Final = (
    "id, customer, principal, category, code_number, door, action, state, codes, position, "
    "maybe_sent, changed_at"
)


def today(reader: sqlite3.Connection, day: int) -> dict[str, int]:
    """How often each action and state happened on `day` (see `Store.day`)."""
    return dict(reader.execute("SELECT what, n FROM tally WHERE day = ?", (day,)).fetchall())


def tally(reader: sqlite3.Connection) -> dict[str, int]:
    """The same since the database was made."""
    return dict(reader.execute("SELECT what, sum(n) FROM tally GROUP BY what").fetchall())


def recent(
    reader: sqlite3.Connection,
    *,
    before: MessageId | None = None,
    customer: str | None = None,
    state: str | None = None,
    action: str | None = None,
    code: str | None = None,
    limit: int = 50,
) -> list[MessageRow]:
    """Messages with ids below `before`, newest first; of the last `SEARCHED_MAX` of them those that match."""
    conditions: list[str] = []
    values: list[object] = [_below(before), SEARCHED_MAX]
    for column, wanted in (("customer", customer), ("state", state), ("action", action)):
        if wanted is not None:
            conditions.append(f"{column} = ?")
            values.append(wanted)
    if code is not None:
        conditions.append("instr(',' || codes || ',', ?)")
        values.append(f",{code},")
    where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
    return _rows(
        reader,
        f"SELECT {_COLUMNS} FROM (SELECT {_COLUMNS} FROM message WHERE id < ? ORDER BY id DESC LIMIT ?) "  # noqa: S608
        f"{where}ORDER BY id DESC LIMIT ?",
        (*values, _page(limit)),
    )


def held(
    reader: sqlite3.Connection,
    *,
    before: MessageId | None = None,
    customer: str | None = None,
    limit: int = 50,
) -> list[MessageRow]:
    """Messages that wait for a person, newest first."""
    return _rows(
        reader,
        f"SELECT {_COLUMNS} FROM message WHERE state = 'held' AND id < ?1 AND (?2 IS NULL OR customer = ?2) "  # noqa: S608
        "ORDER BY id DESC LIMIT ?3",
        (_below(before), customer, _page(limit)),
    )


def held_count(reader: sqlite3.Connection) -> int:
    """How many messages wait for a person."""
    [count] = reader.execute("SELECT count(*) FROM message WHERE state = 'held'").fetchone()
    return int(count)


def message(reader: sqlite3.Connection, message_id: MessageId) -> MessageRow | None:
    """One message, or None."""
    found = messages(reader, (message_id,))
    return found.get(message_id)


def messages(reader: sqlite3.Connection, ids: Sequence[MessageId]) -> dict[MessageId, MessageRow]:
    """Those of `ids` that are stored."""
    rows = _rows(
        reader,
        f"SELECT {_COLUMNS} FROM message WHERE id IN (SELECT value FROM json_each(?))",  # noqa: S608 - constants
        (rows_json(ids),),
    )
    return {row.id: row for row in rows}


def life(reader: sqlite3.Connection, message_id: MessageId) -> list[int]:
    """Where the message's entries lie in the ledger, in order."""
    return [
        position
        for (position,) in reader.execute(
            "SELECT position FROM life WHERE message = ? ORDER BY position", (message_id,)
        )
    ]


def parts(reader: sqlite3.Connection, message_id: MessageId) -> list[PartRow]:
    """The parts of a long message that a carrier took; empty for a message of one part."""
    return [
        PartRow(*row)
        for row in reader.execute(
            "SELECT part, parts, state FROM part WHERE message = ? AND parts > 1 ORDER BY part, state",
            (message_id,),
        )
    ]


def entries_of(
    store: Store, message_id: MessageId
) -> list[tuple[int, dict[str, Any]]]:  # Any: see decode_entry
    """The entries of a message's life as (index, fields), in order."""
    return [
        (position, decode_entry(store.ledger.leaf(position))) for position in life(store.reader, message_id)
    ]


def opened(store: Store, row: MessageRow) -> Body | None:
    """What is personal about a message; None once it was erased. Log nothing of it."""
    found = store.reader.execute("SELECT subject, sealed FROM message WHERE id = ?", (row.id,)).fetchone()
    if found is None or not found[1]:
        return None
    subject, sealed = found
    try:
        return open_body(store.key_for(subject), row.id, sealed)
    except SubjectErased:
        return None


def inbound_after(store: Store, customer: str, after: int, limit: int = 50) -> list[InboundRow]:
    """A customer's replies with ids above `after`, oldest first."""
    rows = store.reader.execute(
        "SELECT id, customer, principal, code_number, meaning, position, received_at, subject, sealed "
        "FROM inbound WHERE customer = ? AND id > ? ORDER BY id LIMIT ?",
        (customer, after, _page(limit)),
    ).fetchall()
    return [
        InboundRow(
            id=row[0],
            customer=row[1],
            principal=row[2],
            code_number=row[3],
            meaning=row[4],
            position=row[5],
            received_at=row[6],
            reply=_reply(store, row[7], row[8]),
        )
        for row in rows
    ]


def _reply(store: Store, subject: str, sealed: bytes) -> Reply | None:
    if not sealed:  # kept as long as the retention policy says
        return None
    try:
        return open_reply(store.key_for(subject), subject, sealed)
    except SubjectErased:
        return None


def _rows(reader: sqlite3.Connection, sql: str, values: Sequence[object]) -> list[MessageRow]:
    return [*_read(reader.execute(sql, values).fetchall())]


def _read(rows: Sequence[tuple[Any, ...]]) -> Iterator[MessageRow]:  # Any: sqlite3 rows have no types
    for row in rows:
        yield MessageRow(
            id=row[0],
            customer=row[1],
            principal=row[2],
            category=row[3],
            code_number=row[4],
            door=row[5],
            action=row[6],
            state=row[7],
            codes=tuple(row[8].split(",")) if row[8] else (),
            position=row[9],
            maybe_sent=bool(row[10]),
            received_at=time_of(row[0]),
            changed_at=row[11],
        )


def _below(before: MessageId | None) -> int:
    return 2**63 - 1 if before is None else before


def _page(limit: int) -> int:
    if not 1 <= limit <= PAGE_MAX:
        raise ValueError(f"{limit} rows were asked for; ask for 1 to {PAGE_MAX} at a time")
    return limit
