"""What the gateway knows of a case's entries: whose life they are, what opens them, what they refer to."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tideng.evidence.bundle import Opening, RegistryBody
from tideng.evidence.commitment import opens
from tideng.evidence.subjects import SealBroken, SubjectErased
from tideng.gateway.messages import MessageId
from tideng.gateway.store.bodies import Body, open_body, open_remark, open_reply
from tideng.gateway.store.store import Store

Fields = Mapping[str, Any]  # Any: fields of entries


class GatewayCase:
    """Fulfils `issuing.CaseSource` from the gateway's rows."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def positions(self, conn: sqlite3.Connection, message: int) -> list[int]:
        """See `CaseSource`."""
        rows = conn.execute("SELECT position FROM life WHERE message = ? ORDER BY position", (message,))
        return [position for (position,) in rows]

    def number_of(self, conn: sqlite3.Connection, message: int) -> str | None:
        """See `CaseSource`."""
        body = self._body(conn, message)
        return body.recipient or None if body else None

    def openings(
        self, conn: sqlite3.Connection, entries: Mapping[int, Fields]
    ) -> Mapping[int, Sequence[Opening]]:
        """See `CaseSource`. A "decision/1" that was replaced stays closed: its keys are gone."""
        bodies: dict[MessageId, Body | None] = {}
        found: dict[int, Sequence[Opening]] = {}
        for index, entry in entries.items():
            family = entry["kind"].partition("/")[0]
            if family == "decision":
                message = int(entry["message"])
                if message not in bodies:
                    bodies[message] = self._body(conn, message)
                body = bodies[message]
                found[index] = [*_of_decision(entry, body)] if body else []
            elif family == "complaint":
                found[index] = [*self._of_complaint(conn, index)]
            elif family == "inbound":
                found[index] = [*self._of_reply(conn, index)]
            elif family in ("consent", "opt_out"):
                rows = conn.execute(
                    "SELECT opening, subject FROM registry_opening WHERE position = ?", (index,)
                ).fetchall()
                found[index] = [Opening("subject", bytes(key), subject) for key, subject in rows]
        return found

    def registry(self, conn: sqlite3.Connection, entries: Mapping[int, Fields]) -> Sequence[RegistryBody]:
        """See `CaseSource`."""
        named = sorted({str(each) for entry in entries.values() for each in entry.get("registry", ())})
        bodies: dict[int, RegistryBody] = {}
        for name in named:
            kind, _, rest = name.partition(":")
            object_id, _, version = rest.rpartition("@")
            row = conn.execute(
                "SELECT position, body FROM registry_version WHERE kind = ? AND id = ? AND version = ?",
                (kind, object_id, version),
            ).fetchone()
            if row is not None:
                bodies[row[0]] = RegistryBody(row[0], row[1].encode())
        return [bodies[position] for position in sorted(bodies)]

    def _body(self, conn: sqlite3.Connection, message: MessageId) -> Body | None:
        row = conn.execute("SELECT subject, sealed FROM message WHERE id = ?", (message,)).fetchone()
        if row is None:
            return None
        try:
            return open_body(self._store.key_for(row[0]), message, row[1])
        except (SubjectErased, SealBroken):
            return None

    def _of_complaint(self, conn: sqlite3.Connection, index: int) -> Iterator[Opening]:
        row = conn.execute(
            "SELECT message, subject, sealed FROM complaint WHERE position = ?", (index,)
        ).fetchone()
        if row is None:
            return
        try:
            remark = open_remark(self._store.key_for(row[1]), row[0], row[2])
        except (SubjectErased, SealBroken):
            return
        if remark.opening:
            yield Opening("text", remark.opening, remark.text)

    def _of_reply(self, conn: sqlite3.Connection, index: int) -> Iterator[Opening]:
        row = conn.execute("SELECT subject, sealed FROM inbound WHERE position = ?", (index,)).fetchone()
        if row is None:
            return
        try:
            reply = open_reply(self._store.key_for(row[0]), row[0], row[1])
        except (SubjectErased, SealBroken):
            return
        yield Opening("sender", reply.opening_sender, reply.sender)
        yield Opening("text", reply.opening_text, reply.text)
        if reply.opening_raw:
            yield Opening("raw", reply.opening_raw, reply.raw.hex())


def _of_decision(entry: Fields, body: Body) -> Iterator[Opening]:
    values = (
        ("recipient", body.opening_recipient, body.recipient or body.given),
        ("text", body.opening_text, body.text),
        ("raw", body.opening_raw, body.raw.hex()),
        ("slots", body.opening_slots, body.slots),
        ("reason", body.opening_reason, body.reason),
    )
    for field, key, value in values:
        if key and opens(entry.get(field, ""), key, value):
            yield Opening(field, key, value)
