"""What a review takes in and gives back."""

from typing import Literal

from msgspec import Struct

from tideng.gateway.messages import MessageId, Micros, Submission

Action = Literal["send", "hold", "refuse"]


class RecentMessage(Struct, frozen=True, gc=False):
    """One earlier message to the same recipient that was not refused."""

    principal: str
    category: str
    at: Micros
    text_key: str
    """Keyed hash of the text: says 'the same', never what."""


class Facts(Struct, frozen=True, kw_only=True, gc=False):
    """What the store knows about this recipient at the moment of the review."""

    subject: str = ""
    """Keyed hash of the recipient's number; empty when it is not a number."""
    text_key: str = ""
    """Keyed hash of this text, comparable with `RecentMessage.text_key`."""
    opted_out: tuple[str, ...] = ()
    """Principals this recipient said stop to; "*" is everyone."""
    consents: tuple[tuple[str, str, Micros, str, int], ...] = ()
    """(principal, category, expires_at or 0, wording version, index of its entry)."""
    recent: tuple[RecentMessage, ...] = ()


class Case(Struct, frozen=True, gc=False):
    """One submission with what is known about its recipient."""

    submission: Submission
    facts: Facts


class Finding(Struct, frozen=True, gc=False):
    """One thing a rule saw. `code` is public, documented, never renamed; `seen` may be personal."""

    code: str
    seen: str = ""


class Verdict(Struct, frozen=True, kw_only=True, gc=False):
    """What the policy decided, and everything needed to explain it later."""

    message: MessageId
    action: Action
    findings: tuple[Finding, ...] = ()
    policy: str = ""
    """SHA-256 hex of the policy data in force."""
    not_before: Micros = 0
    """Later than now when quiet hours move the message; else 0."""
    recipient: str = ""
    """E.164 digits without '+'; empty when it is not a number that can receive SMS."""
    text: str = ""
    """The exact text that may be sent (default signature already put in front)."""
    code_number: str = ""
    signature: str = ""
    principal: str = ""
    category: str = ""
    classified_by: str = ""
    """Who named the category: customer, template or text."""
    consent: int = -1
    """Index of the consent that was read for it; -1: none needed, or none there."""
    counted: tuple[str, ...] = ()
    """Frequency counters read: "window in s:earlier messages:limit"."""
    reader: str = ""
    """Which judge read the text: SHA-256 over its tables, knowledge, policy and weights; empty: none."""
    registry: tuple[str, ...] = ()
    """Versions read, as kind:id@version (customer:acme@3, mandate:m1@1 …), sorted."""
