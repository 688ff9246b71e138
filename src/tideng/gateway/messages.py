"""What travels through the gateway: the words every step of a message's life shares."""

from msgspec import Struct

MessageId = int
"""63-bit number, time-ordered; written as decimal digits. No case, no leading zero, no base to confuse."""

Micros = int
"""Microseconds since 1970-01-01T00:00:00Z."""


class Submission(Struct, frozen=True, kw_only=True, gc=False):
    """What a customer asks us to send to one recipient. Nothing about it has been checked.

    `text` is whole: segments the customer cut have been joined. It is None when the octets could not
    be read; `fault` then says why in one sentence without quoting them.
    """

    id: MessageId
    customer: str
    recipient: str
    """As given; `identifiers.phone` has not seen it."""
    text: str | None
    received_at: Micros
    door: str = "smpp"
    """smpp, http or cli."""
    session: str = ""
    """Which bind or request carried it; ties the entry to the door's log."""
    peer: str = ""
    """IP address it came from."""
    raw: bytes = b""
    """The octets as they came: the PDU (of joined parts: all, in order), or the message's own JSON."""
    auth: str = "none"
    """How the customer proved who they are: password, password+tls, api_key; none for our own messages."""
    batch: str = ""
    """Names the request where it held several messages; says nothing about what is in it."""
    fault: str = ""
    code_number: str = ""
    """The number the phone shall show, extension included. Empty: the customer's default."""
    principal: str = ""
    """On whose behalf, if declared; else read from the signature."""
    category: str = ""
    """As declared by the customer; the review may see another."""
    template: str = ""
    slots: dict[str, str] = {}
    reference: str = ""
    """The customer's own reference."""
    registered_delivery: int = 0
    """SMPP 3.4 §5.2.17 bits; HTTP sets 1."""
    not_before: Micros = 0
    valid_until: Micros = 0
    flash: bool = False
    part_ids: tuple[MessageId, ...] = ()
    """Ids the customer was already given, answered ROK, before this verdict: of the parts that came before
    the last one; of all parts, its own included, where a message is given up incomplete."""


class Outbound(Struct, frozen=True, kw_only=True, gc=False):
    """Exactly what a carrier is asked to deliver: the bytes that were reviewed."""

    id: MessageId
    customer: str
    principal: str
    category: str
    recipient: str
    """E.164 digits without '+'."""
    code_number: str
    text: str
    received_at: Micros
    valid_until: Micros
    registered_delivery: int = 0
    flash: bool = False
