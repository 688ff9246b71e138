"""Turns rows and times into what the console's templates show."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from tideng.evidence.subjects import SubjectErased
from tideng.gateway.messages import MessageId
from tideng.gateway.store.bodies import Body, open_body
from tideng.gateway.store.queries import MessageRow
from tideng.gateway.store.store import Store
from tideng.identifiers.phone import mask
from tideng.web.moments import When, when

PREVIEW_CHARACTERS: Final = 24
TONES: Final[Mapping[str, str]] = {
    "send": "good", "hold": "wait", "refuse": "bad", "queued": "plain", "held": "wait", "refused": "bad",
    "sent": "plain", "delivered": "good", "failed": "bad", "expired": "bad", "unknown": "wait",
    "accepted": "good", "withdrawn": "bad",
    "active": "good", "suspended": "wait", "closed": "plain",
}  # fmt: skip
"""Every state's colour; the word always stands beside it."""

_ID_DIGITS_MAX: Final = 19
_LONG_DIGITS: Final = re.compile(r"[0-9０-９]{5,}")


class Line(Struct, frozen=True, kw_only=True):
    """One message in a list."""

    row: MessageRow
    received: When
    tone: str
    recipient: str
    """Masked; empty when erased or not for this role."""
    preview: str
    is_erased: bool


async def lines_of(store: Store, rows: Sequence[MessageRow], *, personal: bool) -> list[Line]:
    """The rows of a list; recipients masked, texts cut, long digits in them hidden."""
    bodies = await bodies_of(store, [row.id for row in rows]) if personal else {}
    return [_line(store, row, bodies.get(row.id), personal=personal) for row in rows]


def _line(store: Store, row: MessageRow, body: Body | None, *, personal: bool) -> Line:
    return Line(
        row=row,
        received=when(row.received_at, store.time_zone),
        tone=TONES.get(row.state, "plain"),
        recipient=masked(body) if body else "",
        preview=preview(body.text) if body else "",
        is_erased=personal and body is None,
    )


def masked(body: Body) -> str:
    """The recipient, not callable."""
    return (
        mask(body.recipient) if body.recipient else _LONG_DIGITS.sub("•••", body.given)[:PREVIEW_CHARACTERS]
    )


def preview(text: str) -> str:
    """The beginning of a text; digits that could be a number, a card or a code are hidden."""
    shown = _LONG_DIGITS.sub("•••", text.replace("\n", " "))
    return shown if len(shown) <= PREVIEW_CHARACTERS else f"{shown[:PREVIEW_CHARACTERS]}…"


async def bodies_of(store: Store, messages: Sequence[MessageId]) -> dict[MessageId, Body]:
    """What is personal about these messages; those whose recipient was erased are absent. One statement."""
    found = store.reader.execute(
        "SELECT id, subject, sealed FROM message WHERE id IN (SELECT value FROM json_each(?))",
        (msgspec.json.encode(messages).decode(),),
    ).fetchall()
    subjects = {subject for _, subject, _ in found}
    # Not `store.keys_for`: for an erased person that is a key which opens nothing.
    kept = store.keys.keys_for_async
    try:
        keys = await kept([*subjects], store.entropy)
    except SubjectErased as erased:
        keys = await kept([*subjects.difference(erased.subjects)], store.entropy)
    return {
        message: open_body(keys[subject], message, sealed)
        for message, subject, sealed in found
        if sealed and subject in keys
    }


def id_of(text: str) -> MessageId | None:
    """The message number in an address or form; None when it is none."""
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= _ID_DIGITS_MAX else None
    return number if number is not None and number < 2**63 else None
