"""What a change of the registry writes into the ledger. Fields in alphabetical order, as in gateway/entries.

A registry object is recorded by the hash of its canonical body; the body is in `registry_version`. Of a
recipient only a commitment is recorded: even the subject's keyed hash would let whoever holds the lookup
key link entries after the person was erased.
"""

from typing import Literal

from msgspec import Struct

from tideng.evidence.entries import declare


class RegistryEntry(Struct, frozen=True, kw_only=True, gc=False):
    """One new version of one object. Checklist element 10 (law.md §5): what was in force, and since when."""

    at: int
    """µs UTC."""
    body: str
    """SHA-256 hex of the canonical body."""
    by: str
    """Who changed it: an operator's account, or the command that did."""
    kind: Literal["registry/1"] = "registry/1"
    object_id: str
    object_kind: str
    version: int


class ConsentEntry(Struct, frozen=True, kw_only=True, gc=False):
    """A consent was registered. Checklist element 6: wording, purpose, channel, time, expiry, proof."""

    at: int
    by: str
    category: str
    channel: str
    expires_at: int
    """0: no end was agreed."""
    given_at: int
    kind: Literal["consent/1"] = "consent/1"
    principal: str
    proof: str
    """SHA-256 hex of the proof, as given."""
    subject: str
    """Commitment to the recipient's subject."""
    wording: str


class OptOutEntry(Struct, frozen=True, kw_only=True, gc=False):
    """A recipient said stop, or took it back. Checklist elements 7 and 13."""

    at: int
    by: str
    kind: Literal["opt_out/1"] = "opt_out/1"
    principal: str
    """"*": every principal."""
    said_at: int
    """When the recipient said it."""
    source: str
    state: Literal["in_force", "withdrawn"]
    subject: str
    """Commitment to the recipient's subject."""


declare(
    "registry/1",
    "A registry object was added or changed: who, when, and the hash of what it says since.",
    "登记信息新增或变更:何人、何时,以及变更后内容的哈希值。",
)
declare(
    "consent/1",
    "A recipient's consent to a principal's messages was registered.",
    "登记了收信人对某委托方短信的同意。",
)
declare(
    "opt_out/1",
    "A recipient said stop to one principal or to all, or took it back.",
    "收信人对某委托方或全部委托方退订,或撤回退订。",
)
