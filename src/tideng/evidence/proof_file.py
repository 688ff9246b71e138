"""One entry's proof as a file of its own (c2sp.org/tlog-proof@v1), verifiable offline. Pure."""

import base64
import re

from msgspec import Struct

from tideng.evidence.merkle import HASH_BYTES, ProofInvalid
from tideng.evidence.note import NoteInvalid, decode_base64

HEADER = "c2sp.org/tlog-proof@v1"
SUFFIX = ".tlog-proof"
HASHES_MAX = 63

_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})", re.ASCII)


class ProofFile(Struct, frozen=True):
    """`hashes`: the inclusion proof, nearest first. `extra` is not authenticated by anything."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes = b""


def format_proof(proof: ProofFile) -> bytes:
    """The file's bytes."""
    lines = [HEADER]
    if proof.extra:
        lines.append(f"extra {base64.b64encode(proof.extra).decode()}")
    lines.append(f"index {proof.index}")
    lines += [base64.b64encode(each).decode() for each in proof.hashes]
    return "\n".join([*lines, "", ""]).encode() + proof.checkpoint


def parse_proof(file: bytes) -> ProofFile:
    """The proof in a file; nothing is verified. `ProofInvalid` unless `format_proof` could have made it."""
    head, gap, checkpoint = file.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
        if not gap or not checkpoint or lines[0] != HEADER:
            raise ProofInvalid(f"the file does not begin as a {HEADER}")
        extra = b""
        if len(lines) > 1 and lines[1].startswith("extra "):
            extra = decode_base64(lines.pop(1).removeprefix("extra "))
        index = _INDEX.fullmatch(lines[1]) if len(lines) > 1 else None
        if index is None:
            raise ProofInvalid("the file names no index")
        hashes = tuple(decode_base64(line) for line in lines[2:])
    except (NoteInvalid, UnicodeDecodeError) as error:
        raise ProofInvalid(f"the proof file is malformed: {error}") from error
    if len(hashes) > HASHES_MAX or any(len(each) != HASH_BYTES for each in hashes):
        raise ProofInvalid(f"a proof has at most {HASHES_MAX} hashes of {HASH_BYTES} bytes")
    return ProofFile(int(index[1]), hashes, checkpoint, extra)
