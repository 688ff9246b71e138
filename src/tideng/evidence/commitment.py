"""Keyed commitments: a leaf shows that a field had one value, and only its key's holder can tell which. Pure.

A plain hash of a phone number is no protection (all numbers can be tried in minutes), so each field is
HMAC-SHA-256 (RFC 2104) under its own fresh 32-byte key. Destroying the key erases the field; the leaf, and
every proof over it, stays as it was.
"""

import hmac
from collections.abc import Callable

KEY_BYTES = 32


def commit(key: bytes, value: bytes | str) -> str:
    """HMAC-SHA-256 of `value` (text as UTF-8) in lower-case hex. ValueError unless `key` has 32 bytes."""
    if len(key) != KEY_BYTES:
        raise ValueError(f"a commitment key has {KEY_BYTES} bytes, not {len(key)}")
    return hmac.digest(key, value.encode() if isinstance(value, str) else value, "sha256").hex()


def opens(commitment: str, key: bytes, value: bytes | str) -> bool:
    """True if `key` and `value` are what `commitment` was made from."""
    return hmac.compare_digest(commit(key, value).encode(), commitment.encode())


def fresh_keys(count: int, entropy: Callable[[int], bytes]) -> list[bytes]:
    """`count` keys from one call of `entropy` (in production `os.urandom`)."""
    pool = entropy(count * KEY_BYTES)
    if len(pool) != count * KEY_BYTES:
        raise ValueError(f"entropy gave {len(pool)} bytes; {count * KEY_BYTES} are needed")
    return [pool[i : i + KEY_BYTES] for i in range(0, len(pool), KEY_BYTES)]
