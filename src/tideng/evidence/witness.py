"""A witness: cosigns a ledger's checkpoints, each only if it continues the last one (c2sp.org/tlog-witness).

It keeps one checkpoint per ledger and nothing else. Checking and keeping are one transaction, synced before
the answer, so that it never vouches for two histories, whatever dies when.
"""

import base64
import re
import sqlite3
from collections.abc import Callable, Sequence
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Struct

from tideng.evidence.checkpoint import Checkpoint, parse_checkpoint
from tideng.evidence.merkle import ProofInvalid, verify_consistency
from tideng.evidence.note import (
    COSIGNATURE,
    NoteInvalid,
    Verifier,
    cosign,
    decode_base64,
    open_note,
    split_note,
    verifier_for,
)
from tideng.storage.migrations import Migration
from tideng.storage.sqlite import Writer

HASHES_MAX: Final = 63
BODY_BYTES_MAX: Final = 64 * 1024
SIZE_TYPE: Final = "text/x.tlog.size"

SCHEMA: Final = (
    Migration(
        1,
        """
        CREATE TABLE witnessed (
            origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, at INTEGER NOT NULL
        ) WITHOUT ROWID;
        """,
    ),
)
"""Room "witness" of a database of its own."""

_OLD: Final = re.compile(r"old (0|[1-9][0-9]{0,18})", re.ASCII)


class Answer(Struct, frozen=True):
    """What an add-checkpoint request is answered with."""

    status: int
    body: bytes = b""
    media_type: str = "text/plain; charset=utf-8"


class Asked(Struct, frozen=True):
    """An add-checkpoint request: the size the log believes we have, the proof from there, the checkpoint."""

    old: int
    proof: tuple[bytes, ...]
    note: bytes


class _Refused(Exception):
    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class Witness:
    """Fulfils tlog-witness for the given logs. Thread-safe; blocks until synced."""

    def __init__(
        self,
        writer: Writer,
        *,
        name: str,
        key: Ed25519PrivateKey,
        logs: Sequence[Verifier],
        clock_s: Callable[[], int],
    ) -> None:
        """`logs`: the keys of known ledgers, named by their origin. `clock_s`: seconds since 1970."""
        self.verifier = verifier_for(name, key, COSIGNATURE)
        self._writer, self._name, self._key = writer, name, key
        self._logs, self._clock_s = tuple(logs), clock_s

    def add_checkpoint(self, body: bytes) -> Answer:
        """Answer one request; a cosignature only for what continues everything cosigned before."""
        try:
            asked = parse_request(body)
            text, checkpoint = self._known(asked)
            self._writer.call(lambda conn: self._advance(conn, asked, checkpoint))
        except _Refused as refused:
            return refused.answer
        return Answer(200, cosign(text, self._name, self._key, self._clock_s()))

    def size_of(self, origin: str) -> int:
        """The size of the newest checkpoint cosigned for a ledger; 0 if there is none."""
        return self._writer.call(lambda conn: _last(conn, origin)[0])

    def _known(self, asked: Asked) -> tuple[str, Checkpoint]:
        try:
            text, _ = split_note(asked.note)
            checkpoint = parse_checkpoint(text)
        except NoteInvalid as error:
            raise _Refused(Answer(400, b"not a checkpoint\n")) from error
        keys = [verifier for verifier in self._logs if verifier.name == checkpoint.origin]
        if not keys:
            raise _Refused(Answer(404, b"this ledger is not known here\n"))
        try:
            open_note(asked.note, keys)
        except NoteInvalid as error:
            raise _Refused(Answer(403, b"no known key signed this checkpoint\n")) from error
        if asked.old > checkpoint.size:
            raise _Refused(Answer(400, b"the old size is beyond the checkpoint\n"))
        return text, checkpoint

    def _advance(self, conn: sqlite3.Connection, asked: Asked, new: Checkpoint) -> None:
        size, root = _last(conn, new.origin)
        if asked.old != size:
            raise _Refused(Answer(409, f"{size}\n".encode(), SIZE_TYPE))
        if size == new.size and size and root != new.root:
            raise _Refused(Answer(409, f"{size}\n".encode(), SIZE_TYPE))
        try:
            if size:
                verify_consistency(size, new.size, root, new.root, asked.proof)
            elif asked.proof:
                raise ProofInvalid("from size 0 there is nothing to prove")
        except ProofInvalid as error:
            raise _Refused(Answer(422, b"the consistency proof does not hold\n")) from error
        conn.execute(
            "INSERT INTO witnessed (origin, size, root, at) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (origin) DO UPDATE SET size = excluded.size, root = excluded.root, at = excluded.at",
            (new.origin, new.size, new.root, self._clock_s()),
        )


def parse_request(body: bytes) -> Asked:
    """The parts of an add-checkpoint body."""
    head, gap, note = body.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
        old = _OLD.fullmatch(lines[0])
        if not gap or old is None or len(body) > BODY_BYTES_MAX:
            raise _Refused(Answer(400, b"not an add-checkpoint request\n"))
        proof = tuple(decode_base64(line) for line in lines[1:])
    except (UnicodeDecodeError, NoteInvalid) as error:
        raise _Refused(Answer(400, b"not an add-checkpoint request\n")) from error
    if len(proof) > HASHES_MAX or any(len(each) != 32 for each in proof):
        raise _Refused(Answer(400, b"a proof has at most 63 hashes of 32 bytes\n"))
    return Asked(int(old[1]), proof, note)


def format_request(old: int, proof: Sequence[bytes], note: bytes) -> bytes:
    """The body of an add-checkpoint request."""
    lines = [f"old {old}", *(base64.b64encode(each).decode() for each in proof), "", ""]
    return "\n".join(lines).encode() + note


def _last(conn: sqlite3.Connection, origin: str) -> tuple[int, bytes]:
    row = conn.execute("SELECT size, root FROM witnessed WHERE origin = ?", (origin,)).fetchone()
    return (int(row[0]), bytes(row[1])) if row else (0, b"")
