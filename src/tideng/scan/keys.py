"""The keys that persons are known by, from spans and from names. Pure."""

import hashlib

from tideng.identifiers.spans.folding import fold as fold_text
from tideng.identifiers.spans.span import Span


def name_key(*parts: str) -> int:
    """A 60-bit key for a name and what makes it a person: a birth date, an address."""
    plain = "|".join("".join(fold_text(part).split()) for part in parts)
    return (
        int.from_bytes(hashlib.blake2b(plain.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
        >> 4
        or 1
    )


def email_key(address: str) -> int:
    """The key that `find_emails` gives the same address."""
    value = 14695981039346656037
    for byte in address.lower().encode("utf-8", "replace"):
        value = (value ^ byte) * 1099511628211 % 2**64
    return value >> 4


def key_of(span: Span) -> int:
    """The key of an ID, mobile, card or mail address, as the kernels make it."""
    if span.kind == "resident_id":
        return int(span.canonical[:17])
    if span.kind == "mobile":
        return int(span.canonical)
    if span.kind == "bank_card":
        return int(span.canonical[:-1])
    return email_key(span.canonical)


def named_key(spans: list[Span]) -> int:
    """The key of a name with what stands beside it; 0 if a name stands alone or there is none."""
    name = next((span.value for span in spans if span.kind == "name" and span.confidence >= 0.7), "")
    beside = next(
        (
            s.canonical
            for s in spans
            if s.kind in ("birth_date", "address", "landline", "wechat", "qq", "passport", "plate")
        ),
        "",
    )
    return name_key(name, beside) if name and beside else 0
