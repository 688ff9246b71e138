"""C2SP checkpoints (c2sp.org/tlog-checkpoint): a ledger's size and root as a signed note's text. Pure."""

import base64
import re
from collections.abc import Iterable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Struct

from tideng.evidence.merkle import HASH_BYTES
from tideng.evidence.note import NoteInvalid, Verifier, decode_base64, open_note, sign

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


class Checkpoint(Struct, frozen=True):
    """Ledger `origin` held `size` entries with this `root` (32 bytes). Extension lines bear no newline."""

    origin: str
    size: int
    root: bytes
    extension: tuple[str, ...] = ()


def format_checkpoint(checkpoint: Checkpoint) -> str:
    """The note text. `NoteInvalid` if a line is empty or breaks."""
    lines = [checkpoint.origin, str(checkpoint.size), base64.b64encode(checkpoint.root).decode()]
    lines += checkpoint.extension
    if any(not line or "\n" in line for line in lines):
        raise NoteInvalid("no line of a checkpoint is empty or contains a line break")
    if checkpoint.size < 0 or len(checkpoint.root) != HASH_BYTES:
        raise NoteInvalid(f"a checkpoint has a size from 0 and a root of {HASH_BYTES} bytes")
    return "\n".join(lines) + "\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """The checkpoint in a note's text. `NoteInvalid` unless `format_checkpoint` could have written it."""
    lines = text.split("\n")
    if len(lines) < 4 or lines.pop() or not all(lines):
        raise NoteInvalid("a checkpoint has three or more lines, none of them empty")
    origin, size, root, *extension = lines
    if not _SIZE.fullmatch(size):
        raise NoteInvalid("the size of a checkpoint is a decimal number without leading zeros")
    decoded = decode_base64(root)
    if len(decoded) != HASH_BYTES:
        raise NoteInvalid(f"the root of a checkpoint has {len(decoded)} bytes, not {HASH_BYTES}")
    return Checkpoint(origin, int(size), decoded, tuple(extension))


def sign_checkpoint(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> bytes:
    """The signed note; the key's name is the origin, as the specification recommends."""
    return sign(format_checkpoint(checkpoint), checkpoint.origin, key)


def open_checkpoint(note: bytes, origin: str, verifiers: Iterable[Verifier]) -> Checkpoint:
    """The checkpoint in a note signed by one of `verifiers`; `NoteInvalid` for any other note or origin."""
    checkpoint = parse_checkpoint(open_note(note, verifiers).text)
    if checkpoint.origin != origin:
        raise NoteInvalid(f"the checkpoint is of ledger {checkpoint.origin!r}, not {origin!r}")
    return checkpoint
