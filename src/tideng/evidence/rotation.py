"""Replacing the ledger's signing key, so that everyone can follow from the old one to the new.

The old key's last act is a checkpoint over an entry that names the new key; the new key signs both names, so
nobody can name a key they do not hold. Checkpoints of retired keys stay valid (`retired.py`).
"""

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tideng.evidence import landmarks
from tideng.evidence.keys import signing_key
from tideng.evidence.landmarks import KeyEntry
from tideng.evidence.note import Verifier, encode_vkey, verifier_for
from tideng.evidence.retired import named_together
from tideng.evidence.sqlite import SqliteLedger
from tideng.storage.sqlite import Writer


def rotate(writer: Writer, ledger: SqliteLedger, path: Path, *, by: str) -> Verifier:
    """Make a new key, record it, sign a last checkpoint with the old one, and put the new one in its place.

    The old file is kept beside it. Whoever opens the ledger next signs with the new key. A crash on the way
    leaves the old key in force; running it again is right.
    """
    new_path = path.with_name(path.name + ".new")
    new_path.unlink(missing_ok=True)
    new_key: Ed25519PrivateKey = signing_key(new_path)
    old, new = ledger.verifier, verifier_for(ledger.origin, new_key)
    entry = KeyEntry(
        at=ledger.now(),
        by=by,
        new=encode_vkey(new),
        old=encode_vkey(old),
        signature=new_key.sign(named_together(old, new)).hex(),
    )
    writer.call(lambda conn: landmarks.record_in(conn, ledger, entry))
    ledger.checkpoint()
    kept = path.with_name(f"{path.name}.{old.key_id.hex()}")
    if not kept.exists():
        os.link(path, kept)
    os.replace(new_path, path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return new
