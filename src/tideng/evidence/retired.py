"""The keys that signed a ledger's checkpoints before the present one, as its own entries tell."""

import sqlite3
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tideng.evidence import landmarks
from tideng.evidence.entries import EntryInvalid, decode_entry
from tideng.evidence.note import NoteInvalid, Verifier, encode_vkey, parse_vkey

KIND: Final = "ledger_key/1"


def retired_keys(conn: sqlite3.Connection, origin: str) -> list[Verifier]:
    """The keys that signed this ledger's checkpoints before, newest first; malformed entries are left out."""
    found: list[Verifier] = []
    for position in landmarks.positions(conn, KIND):
        row = conn.execute("SELECT CAST(leaf AS BLOB) FROM entry WHERE idx = ?", (position,)).fetchone()
        try:
            entry = decode_entry(row[0] if row else b"")
            old, new = parse_vkey(str(entry.get("old"))), parse_vkey(str(entry.get("new")))
            signature = bytes.fromhex(str(entry.get("signature")))
            Ed25519PublicKey.from_public_bytes(new.public).verify(signature, named_together(old, new))
        except (EntryInvalid, NoteInvalid, InvalidSignature, ValueError):
            continue
        if old.name == new.name == origin:
            found.insert(0, old)
    return found


def named_together(old: Verifier, new: Verifier) -> bytes:
    """What the new key signs in a "ledger_key/1" entry."""
    return f"tideng/ledger-key/1\n{encode_vkey(old)}\n{encode_vkey(new)}\n".encode()
