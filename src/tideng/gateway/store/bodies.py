"""What is personal about a message, sealed under its subject's key. Erasing the key erases this."""

from typing import Final

import msgspec
from msgspec import Struct

from tideng.evidence.subjects import open_sealed, seal
from tideng.gateway.messages import MessageId, Micros


class Body(Struct, frozen=True, kw_only=True, gc=False):
    """Everything personal about one message, and what opens its decisions: they share their commitments."""

    recipient: str
    """E.164 digits; empty when what was given is not a number."""
    given: str
    """The recipient as given."""
    text: str
    """As reviewed; for unreadable texts empty."""
    opening_recipient: bytes
    opening_text: bytes
    opening_raw: bytes = b""
    raw: bytes = b""
    """The octets as they came; empty in what earlier releases took in."""
    opening_slots: bytes = b""
    slots: str = ""
    """JSON, keys sorted; empty when no template was filled."""
    opening_reason: bytes = b""
    reason: str = ""
    """What the person wrote who decided, when one did."""
    seen: tuple[tuple[str, str], ...] = ()
    """Finding codes with what was seen."""
    reference: str = ""
    valid_until: Micros = 0
    not_before: Micros = 0
    flash: bool = False
    part_ids: tuple[MessageId, ...] = ()
    submitted_by: str = ""
    """Console account, when a person submitted it: may not release it."""


class Reply(Struct, frozen=True, kw_only=True, gc=False):
    """Everything personal about one reply."""

    sender: str
    text: str
    opening_sender: bytes = b""
    opening_text: bytes = b""
    opening_raw: bytes = b""
    raw: bytes = b""


class Remark(Struct, frozen=True, gc=False):
    """What was written about a message, and what opens its commitment."""

    text: str
    opening: bytes


_encode: Final = msgspec.msgpack.Encoder().encode
_decode_body: Final = msgspec.msgpack.Decoder(Body).decode
_decode_reply: Final = msgspec.msgpack.Decoder(Reply).decode
_decode_remark: Final = msgspec.msgpack.Decoder(Remark).decode


def seal_body(key: bytes, message: MessageId, body: Body, nonce: bytes) -> bytes:
    """Encrypted and bound to its message: a body moved to another row does not open."""
    return seal(key, _encode(body), nonce, b"message:%d" % message)


def open_body(key: bytes, message: MessageId, sealed: bytes) -> Body:
    """The body that `seal_body` sealed for this message. Raises `SealBroken`."""
    return _decode_body(open_sealed(key, sealed, b"message:%d" % message))


def seal_reply(key: bytes, subject: str, reply: Reply, nonce: bytes) -> bytes:
    """A reply under its sender's key; `nonce` is 12 fresh bytes."""
    return seal(key, _encode(reply), nonce, b"reply:" + subject.encode())


def open_reply(key: bytes, subject: str, sealed: bytes) -> Reply:
    """The reply that `seal_reply` sealed for this subject. Raises `SealBroken`."""
    return _decode_reply(open_sealed(key, sealed, b"reply:" + subject.encode()))


def seal_remark(key: bytes, message: MessageId, remark: Remark, nonce: bytes) -> bytes:
    """A remark under its message's subject's key; `nonce` is 12 fresh bytes."""
    return seal(key, _encode(remark), nonce, b"remark:%d" % message)


def open_remark(key: bytes, message: MessageId, sealed: bytes) -> Remark:
    """The remark that `seal_remark` sealed for this message. Raises `SealBroken`."""
    return _decode_remark(open_sealed(key, sealed, b"remark:%d" % message))
