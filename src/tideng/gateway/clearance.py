"""The only door to a carrier: an allowing verdict *and* the sealed entry that records exactly it."""

from typing import Final

from msgspec import Struct

from tideng.evidence.commitment import commit
from tideng.evidence.entries import encode_entry
from tideng.evidence.ledger import Position
from tideng.evidence.merkle import leaf_hash
from tideng.gateway.messages import Outbound
from tideng.gateway.past_entries import Decision


class NotCleared(Exception):
    """The verdict does not allow sending, or the ledger does not record this message and this verdict."""


class Openings(Struct, frozen=True, gc=False):
    """The keys that open a decision's commitments. 32 bytes each."""

    recipient: bytes
    text: bytes


class Sealed(Struct, frozen=True, gc=False):
    """A decision that is durably in the ledger: its entry, its openings, its position."""

    entry: Decision
    openings: Openings
    position: Position


_KEY: Final = object()


class Cleared:
    """Reviewed, allowed, recorded. Made only by `clear`."""

    __slots__ = ("outbound", "position")

    def __init__(self, outbound: Outbound, position: Position, *, key: object) -> None:
        if key is not _KEY:
            raise TypeError("Cleared is made by clear()")
        self.outbound = outbound
        self.position = position


def clear(outbound: Outbound, sealed: Sealed) -> Cleared:
    """Let `outbound` pass if the sealed decision allows exactly it.

    Checks that the action is "send"; that message, customer, code number, principal and category agree; that
    the recipient and the text open the entry's commitments; and that the canonical entry hashes to
    the leaf at the position. Raises `NotCleared` otherwise: always a bug or a tampered store.
    """
    entry, keys = sealed.entry, sealed.openings
    if entry.action != "send":
        raise NotCleared(f"message {outbound.id}: the recorded verdict is {entry.action!r}, not 'send'")
    said = (entry.message, entry.customer, entry.code_number, entry.principal, entry.category)
    asked = (
        str(outbound.id),
        outbound.customer,
        outbound.code_number,
        outbound.principal,
        outbound.category,
    )
    if said != asked:
        raise NotCleared(f"message {outbound.id}: the recorded decision is about something else")
    if (
        commit(keys.recipient, outbound.recipient) != entry.recipient
        or commit(keys.text, outbound.text) != entry.text
    ):
        raise NotCleared(f"message {outbound.id}: recipient or text differ from what was reviewed")
    if leaf_hash(encode_entry(entry)) != sealed.position.leaf_hash:
        raise NotCleared(f"message {outbound.id}: entry {sealed.position.index} in the ledger differs")
    return Cleared(outbound, sealed.position, key=_KEY)
