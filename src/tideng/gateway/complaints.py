"""Complaints about a message: every step of their handling is an entry of its life (民法典 1195-1196)."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Final, Literal

from msgspec import Struct

from tideng.evidence.commitment import KEY_BYTES, commit
from tideng.evidence.entries import encode_entry
from tideng.evidence.subjects import SealBroken, SubjectErased
from tideng.gateway.entries import ComplaintEntry
from tideng.gateway.messages import MessageId, Micros
from tideng.gateway.store.bodies import Remark, open_remark, seal_remark
from tideng.gateway.store.decisions import append, write_life
from tideng.gateway.store.store import Store

StepName = Literal["received", "forwarded", "answered", "measure", "closed"]
TEXT_CHARACTERS_MAX: Final = 4_000
NUMBER_CHARACTERS_MAX: Final = 100


class ComplaintRefused(ValueError):
    """This step cannot be recorded. The message says why and what to do."""


class ComplaintStep(Struct, frozen=True):
    """One step, opened as far as it can be."""

    complaint: str
    step: str
    at: Micros
    due_at: Micros
    by: str
    text: str | None
    """None: erased."""
    position: int


def record(
    store: Store,
    message: MessageId,
    step: StepName,
    *,
    complaint: str,
    text: str,
    due_at: Micros,
    by: str,
) -> int:
    """Record one step; its entry. The first step of a complaint is "received", the last one "closed".

    Blocking; durable when it returns. Raises `ComplaintRefused`.
    """
    if not 1 <= len(complaint) <= NUMBER_CHARACTERS_MAX or not complaint.isprintable():
        raise ComplaintRefused(
            f"the complaint's number has {len(complaint)} characters; give 1 to {NUMBER_CHARACTERS_MAX} "
            "printable ones"
        )
    if len(text) > TEXT_CHARACTERS_MAX:
        raise ComplaintRefused(
            f"the text has {len(text)} characters; the limit is {TEXT_CHARACTERS_MAX}. Attach by hash."
        )
    with closing(store.writer.reader()) as conn:
        row = conn.execute("SELECT subject FROM message WHERE id = ?", (message,)).fetchone()
    if row is None:
        raise ComplaintRefused(f"there is no message {message}; `tideng status` lists today's")
    subject = str(row[0])
    try:
        key = store.key_for(subject)
    except SubjectErased as error:
        raise ComplaintRefused(f"the recipient of message {message} has been erased") from error
    entropy = store.entropy(KEY_BYTES + 12)
    opening = entropy[:KEY_BYTES] if text else b""
    entry = ComplaintEntry(
        at=store.ledger.now(),
        by=by,
        complaint=complaint,
        due_at=due_at,
        message=str(message),
        step=step,
        text=commit(opening, text) if text else "",
    )
    leaf = encode_entry(entry)
    sealed = seal_remark(key, message, Remark(text, opening), entropy[KEY_BYTES:])

    def job(conn: sqlite3.Connection) -> int:
        _check_order(conn, message, complaint, step)
        [position] = append(conn, store.ledger, [leaf])
        conn.execute(
            "INSERT INTO complaint (message, number, step, at, due_at, by, position, subject, sealed) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (message, complaint, step, entry.at, due_at, by, position.index, subject, sealed),
        )
        write_life(conn, [(message, position.index)])
        return position.index

    return store.writer.call(job)


def steps_of(store: Store, message: MessageId) -> Sequence[ComplaintStep]:
    """Every step about a message, in order."""
    with closing(store.writer.reader()) as conn:
        rows = conn.execute(
            "SELECT number, step, at, due_at, by, position, subject, sealed FROM complaint "
            "WHERE message = ? ORDER BY position",
            (message,),
        ).fetchall()
    found = []
    for number, step, at, due_at, by, position, subject, sealed in rows:
        try:
            text: str | None = open_remark(store.key_for(subject), message, sealed).text
        except (SubjectErased, SealBroken):
            text = None
        found.append(ComplaintStep(number, step, at, due_at, by, text, position))
    return found


def _check_order(conn: sqlite3.Connection, message: MessageId, complaint: str, step: StepName) -> None:
    done = [
        name
        for (name,) in conn.execute(
            "SELECT step FROM complaint WHERE message = ? AND number = ? ORDER BY position",
            (message, complaint),
        )
    ]
    if not done and step != "received":
        raise ComplaintRefused(f"complaint {complaint} was not received yet; record that first")
    if done and step == "received":
        raise ComplaintRefused(f"complaint {complaint} was received already; give the next step")
    if "closed" in done:
        raise ComplaintRefused(f"complaint {complaint} is closed; a new one needs a number of its own")
