"""Passwords of SMPP binds: argon2id hashes (RFC 9106), never the password itself."""

from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

PASSWORD_MIN: Final = 6
PASSWORD_MAX: Final = 64
"""SMPP 3.4 §5.2.2 allows 8 characters; clients with longer ones exist, and we let them bind."""

_HASHER: Final = PasswordHasher()  # RFC 9106 §4, second recommended option: 64 MiB, 3 passes


def password_problem(password: str) -> str:
    """Why this may not be a bind password, in one sentence without quoting it; "" when it may."""
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        return (
            f"has {len(password)} characters; allowed are {PASSWORD_MIN} to {PASSWORD_MAX} "
            f"(8 where the customer's client keeps to SMPP 3.4). Choose another"
        )
    if not (password.isascii() and password.isprintable()):
        return "has a character that does not travel in a bind; use printable ASCII"
    return ""


def hash_password(password: str) -> str:
    """The argon2id hash, with a fresh salt. Takes about 0.1 s and 64 MiB on purpose: not on an event loop."""
    return _HASHER.hash(password)


def is_password(password: str, password_hash: str) -> bool:
    """True when `password` made `password_hash`. As slow as `hash_password`; False for a damaged hash."""
    try:
        return _HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
