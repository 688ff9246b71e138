"""C2SP signed notes (c2sp.org/signed-note) with Ed25519 keys, cosignatures of witnesses included. Pure.

A note is text, an empty line, and signature lines `— <name> <base64(key id ‖ signature)>`. Signatures by
unknown keys are carried along and prove nothing; a wrong one by a known key spoils the note. A witness's
`cosignature/v1` (c2sp.org/tlog-cosignature) is a signature over the text and the time it was seen.
"""

import base64
import binascii
from collections.abc import Iterable
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct

NOTE_BYTES_MAX = 1_000_000
SIGNATURES_MAX = 100
ED25519 = 1
"""The algorithm byte of an Ed25519 note key (signed-note, "Signature types")."""
COSIGNATURE = 4
"""The same of a witness's key, whose signatures carry a time."""
TIME_BYTES = 8

_DASH = "\N{EM DASH} "


class NoteInvalid(ValueError):
    """These bytes are not a note, or no known key vouches for it."""


class Verifier(Struct, frozen=True):
    """Whose signature is asked for: a name, its Ed25519 public key (32 bytes), and what it signs."""

    name: str
    public: bytes
    algorithm: int = ED25519

    @property
    def key_id(self) -> bytes:
        """The first 4 bytes of SHA-256(name ‖ LF ‖ algorithm ‖ public key)."""
        return sha256(self.name.encode() + b"\n" + bytes([self.algorithm]) + self.public).digest()[:4]


class Signature(Struct, frozen=True):
    """One signature line: `key_id` is 4 bytes, `signature` what follows it (64 bytes for Ed25519)."""

    name: str
    key_id: bytes
    signature: bytes

    @property
    def time_s(self) -> int:
        """When a witness says it saw the note, seconds since 1970; only of a verified cosignature."""
        return int.from_bytes(self.signature[:TIME_BYTES], "big")

    @property
    def line(self) -> bytes:
        """The line as it stands in a note."""
        return f"{_DASH}{self.name} {base64.b64encode(self.key_id + self.signature).decode()}\n".encode()


class OpenedNote(Struct, frozen=True):
    """A note that at least one known key vouches for. `text` ends with a newline."""

    text: str
    verified: tuple[Signature, ...]
    unknown: tuple[Signature, ...]


def sign(text: str, name: str, key: Ed25519PrivateKey) -> bytes:
    """The note of `text` with one signature by `key` under `name`. `NoteInvalid` if either is malformed."""
    _check_text(text)
    return text.encode() + b"\n" + signature_line(text, name, key)


def signature_line(text: str, name: str, key: Ed25519PrivateKey) -> bytes:
    """One more signature line for a note of `text`; append it to the note's bytes."""
    verifier = verifier_for(name, key)
    blob = base64.b64encode(verifier.key_id + key.sign(text.encode())).decode()
    return f"{_DASH}{name} {blob}\n".encode()


def verifier_for(name: str, key: Ed25519PrivateKey, algorithm: int = ED25519) -> Verifier:
    """What others need to check the signatures of `key` under `name`."""
    _check_name(name)
    return Verifier(name, key.public_key().public_bytes_raw(), algorithm)


def cosign(text: str, name: str, key: Ed25519PrivateKey, time_s: int) -> bytes:
    """A witness's signature line for a checkpoint's `text`: it saw this at `time_s`, and nothing larger."""
    _check_text(text)
    if not 0 <= time_s < 2**63:
        raise NoteInvalid(f"{time_s} is no time for a cosignature: seconds since 1970 are due")
    verifier = verifier_for(name, key, COSIGNATURE)
    signature = time_s.to_bytes(TIME_BYTES, "big") + key.sign(_cosigned(text, time_s))
    return Signature(name, verifier.key_id, signature).line


def _cosigned(text: str, time_s: int) -> bytes:
    return f"cosignature/v1\ntime {time_s}\n{text}".encode()


def open_note(note: bytes, verifiers: Iterable[Verifier]) -> OpenedNote:
    """The note's text and whose signatures hold. `NoteInvalid` unless at least one of `verifiers` signed."""
    text, signatures = split_note(note)
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    verified: dict[tuple[str, bytes], Signature] = {}
    unknown: list[Signature] = []
    for signature in signatures:
        whose = (signature.name, signature.key_id)
        verifier = known.get(whose)
        if verifier is None:
            unknown.append(signature)
            continue
        _check_signature(signature, verifier, text)
        verified.setdefault(whose, signature)
    if not verified:
        raise NoteInvalid(f"none of the {len(signatures)} signatures is by a key that was asked for")
    return OpenedNote(text, tuple(verified.values()), tuple(unknown))


def _check_signature(signature: Signature, verifier: Verifier, text: str) -> None:
    raw, signed = signature.signature, text.encode()
    if verifier.algorithm == COSIGNATURE:
        raw, signed = raw[TIME_BYTES:], _cosigned(text, signature.time_s)
        if signature.time_s >= 2**63:
            raise NoteInvalid(f"the cosignature of {signature.name} has a time beyond 2^63")
    try:
        Ed25519PublicKey.from_public_bytes(verifier.public).verify(raw, signed)
    except InvalidSignature as error:
        raise NoteInvalid(f"the signature of {signature.name} does not belong to this text") from error


def split_note(note: bytes) -> tuple[str, tuple[Signature, ...]]:
    """A note's text and its signature lines, nothing verified. `NoteInvalid` if it isn't a note."""
    if len(note) > NOTE_BYTES_MAX:
        raise NoteInvalid(f"the note has {len(note)} bytes; the limit is {NOTE_BYTES_MAX}")
    try:
        whole = note.decode()
    except UnicodeDecodeError as error:
        raise NoteInvalid("the note is not UTF-8") from error
    body, gap, tail = whole.rpartition("\n\n")
    if not gap or not tail.endswith("\n"):
        raise NoteInvalid("a note ends with an empty line and signature lines")
    text = body + "\n"
    _check_text(text)
    lines = tail[:-1].split("\n")
    if len(lines) > SIGNATURES_MAX:
        raise NoteInvalid(f"the note has {len(lines)} signatures; the limit is {SIGNATURES_MAX}")
    return text, tuple(_signature(line) for line in lines)


def encode_vkey(verifier: Verifier) -> str:
    """The verifier key as text: `<name>+<key id in hex>+<base64(algorithm ‖ public key)>`."""
    _check_name(verifier.name)
    key = base64.b64encode(bytes([verifier.algorithm]) + verifier.public).decode()
    return f"{verifier.name}+{verifier.key_id.hex()}+{key}"


def parse_vkey(vkey: str) -> Verifier:
    """Read `encode_vkey`'s text. `NoteInvalid` if it is malformed, its id is wrong, or it's not Ed25519.

    Keys of witnesses (`COSIGNATURE`) are read too; whoever asks for one kind checks `algorithm`.
    """
    parts = vkey.split("+", 2)  # base64 may hold plus signs, names and ids may not
    if len(parts) != 3:
        raise NoteInvalid("a verifier key is name+id+key")
    name, key_id, encoded = parts
    _check_name(name)
    key = decode_base64(encoded)
    if len(key) != 33 or key[0] not in (ED25519, COSIGNATURE):
        raise NoteInvalid(f"the key of {name} is not an Ed25519 verifier key")
    verifier = Verifier(name, key[1:], key[0])
    if verifier.key_id.hex() != key_id:
        raise NoteInvalid(f"the key of {name} has id {verifier.key_id.hex()}, not the one written")
    return verifier


def decode_base64(text: str) -> bytes:
    """Standard base64 in its one canonical spelling (RFC 4648 §3.5); `NoteInvalid` otherwise."""
    try:
        decoded = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise NoteInvalid("malformed base64") from error
    # Left-over bits must be zero, or one signature would have several spellings.
    if base64.b64encode(decoded).decode() != text:
        raise NoteInvalid("base64 that is not canonical")
    return decoded


def _signature(line: str) -> Signature:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != _DASH.strip():
        raise NoteInvalid("a signature line is an em dash, a name and base64, separated by single spaces")
    _, name, encoded = parts
    _check_name(name)
    blob = decode_base64(encoded)
    if len(blob) < 5:
        raise NoteInvalid(f"the signature of {name} has {len(blob)} bytes; at least 5 are needed")
    return Signature(name, blob[:4], blob[4:])


def _check_name(name: str) -> None:
    if not name or "+" in name or any(mark.isspace() or mark < " " for mark in name):
        raise NoteInvalid("a key name is not empty and has neither spaces nor plus signs")


def _check_text(text: str) -> None:
    if not text.endswith("\n"):
        raise NoteInvalid("a note's text ends with a newline")
    if any(mark < " " and mark != "\n" for mark in text):
        raise NoteInvalid("a note's text has no control characters but newlines")
