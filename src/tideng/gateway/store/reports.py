"""Finds which message a carrier's report is about, and writes what it changes."""

import sqlite3
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from tideng.gateway.messages import MessageId, Micros
from tideng.gateway.store.decisions import Appends, append, count, write_life
from tideng.gateway.store.mailbox import NewMail, put_mail
from tideng.gateway.store.states import FINAL
from tideng.storage.bulk import BulkInsert, rows_json

_orphans: Final = BulkInsert(
    "orphan_report", ("id", "carrier", "folded", "report", "seen_at"), blobs=("report",)
)
_FINAL_SQL: Final = ", ".join(f"'{state}'" for state in sorted(FINAL))


class PartRow(Struct, frozen=True, gc=False):
    """One part a carrier accepted, with what telling its customer takes."""

    asked: int
    """Which of the look-ups found it."""
    carrier_id: str
    message: MessageId
    part: int
    parts: int
    state: str
    customer: str
    subject: str
    reported: int
    message_state: str


class Change(Struct, frozen=True, kw_only=True, gc=False):
    """What one report changes."""

    message: MessageId
    carrier: str
    folded: str
    carrier_id: str
    part_state: str
    """"" when the report is intermediate."""
    leaf: bytes
    message_state: str
    """"" when the message's state stays."""
    mail: NewMail | None = None


def find_parts(reader: sqlite3.Connection, forms: Sequence[tuple[int, str, str]]) -> dict[int, list[PartRow]]:
    """(look-up number, carrier, folded id) -> the parts under that id. One statement."""
    found: dict[int, list[PartRow]] = {}
    if not forms:
        return found
    rows = reader.execute(
        "SELECT j.value->>0, p.carrier_id, p.message, p.part, p.parts, p.state, m.customer, m.subject, "
        "m.reported, m.state FROM json_each(?1) j "
        "CROSS JOIN part p ON p.carrier = j.value->>1 AND p.folded = j.value->>2 "
        "JOIN message m ON m.id = p.message",
        (rows_json(forms),),
    ).fetchall()
    for row in rows:
        found.setdefault(row[0], []).append(PartRow(*row))
    return found


def part_states(reader: sqlite3.Connection, messages: Sequence[MessageId]) -> dict[MessageId, dict[int, str]]:
    """For long messages: part -> reported state ("" when none)."""
    states: dict[MessageId, dict[int, str]] = {}
    if not messages:
        return states
    rows = reader.execute(
        "SELECT p.message, p.part, p.state FROM json_each(?1) j "
        "CROSS JOIN part p ON p.message = j.value AND p.parts > 1",
        (rows_json(messages),),
    )
    for message, part, state in rows:
        # After a maybe-sent retry a part can have two ids; one delivered is enough.
        known = states.setdefault(message, {})
        if known.get(part, "") != "delivered":
            known[part] = state or known.get(part, "")
    return states


def write_changes(
    conn: sqlite3.Connection, ledger: Appends, changes: Sequence[Change], now: Micros, day: int
) -> None:
    """Inside one job: entries, part and message states, mail. A final state is never left again."""
    positions = append(conn, ledger, [change.leaf for change in changes])
    write_life(conn, [(c.message, p.index) for c, p in zip(changes, positions, strict=True) if c.message])
    conn.execute(
        "UPDATE part SET state = j.value->>3 FROM json_each(?1) j "
        "WHERE part.carrier = j.value->>0 AND part.folded = j.value->>1 AND part.carrier_id = j.value->>2",
        (rows_json([(c.carrier, c.folded, c.carrier_id, c.part_state) for c in changes if c.part_state]),),
    )
    ended = [c for c in changes if c.message_state]
    if ended:
        conn.execute(
            "UPDATE message SET state = j.value->>1, changed_at = ?2 FROM json_each(?1) j "  # noqa: S608 - constants
            f"WHERE message.id = j.value->>0 AND message.state NOT IN ({_FINAL_SQL})",
            (rows_json([(c.message, c.message_state) for c in ended]), now),
        )
    put_mail(conn, [c.mail for c in changes if c.mail is not None])
    count(conn, day, [c.message_state for c in ended])


def park_orphans(
    conn: sqlite3.Connection, orphans: Sequence[tuple[int, str, str, bytes, Micros]], orphans_max: int
) -> None:
    """Inside one job: keep (id, carrier, folded, report, seen_at) until its message turns up."""
    _orphans.insert(conn, orphans)
    conn.execute(
        "DELETE FROM orphan_report WHERE id <= "
        "(SELECT id FROM orphan_report ORDER BY id DESC LIMIT 1 OFFSET ?)",
        (orphans_max,),
    )


def all_orphans(reader: sqlite3.Connection) -> list[tuple[int, str, str, bytes, Micros]]:
    """Every parked report, oldest first."""
    return reader.execute(
        "SELECT id, carrier, folded, report, seen_at FROM orphan_report ORDER BY id"
    ).fetchall()


def drop_orphans(conn: sqlite3.Connection, ids: Sequence[int]) -> None:
    """Inside one job: these found their message, or waited too long."""
    conn.execute("DELETE FROM orphan_report WHERE id IN (SELECT value FROM json_each(?1))", (rows_json(ids),))
