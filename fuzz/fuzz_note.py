"""Noise against the readers of notes, checkpoints, verifier keys and entries: only their own errors come out.

python fuzz/fuzz_note.py [seconds]
"""

import random
import sys
import time
from collections.abc import Callable
from contextlib import suppress

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tideng.evidence.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint, sign_checkpoint
from tideng.evidence.entries import EntryInvalid, decode_entry, encode_entry, is_canonical
from tideng.evidence.note import NoteInvalid, encode_vkey, open_note, parse_vkey, signature_line, verifier_for

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ME = verifier_for("fuzz.example/log", KEY)
NOTE = sign_checkpoint(Checkpoint("fuzz.example/log", 12_345, bytes(32)), KEY)
ENTRY = encode_entry({"kind": "t/1", "at": 5, "a": [1, "提灯", {"b": None}], "c": '\\"\n'})


def mutate(chance: random.Random, seed: bytes) -> bytes:
    """A few changes of the kinds that break parsers: bits, cuts, repeats, foreign pieces."""
    data = bytearray(seed)
    for _ in range(chance.randrange(1, 6)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(5):
            case 0 if at < len(data):
                data[at] ^= 1 << chance.randrange(8)
            case 1:
                del data[at : at + chance.randrange(8)]
            case 2:
                data[at:at] = data[at : at + chance.randrange(40)]
            case 3:
                data[at:at] = chance.choice(
                    [b"\n\n", "— ".encode(), b"+", b"=", b"\0", b"\xff", b"1e9", b"[" * 99]
                )
            case _:
                data[at:at] = chance.randbytes(chance.randrange(9))
    return bytes(data)


def note(data: bytes) -> None:
    with suppress(NoteInvalid):
        open_note(data, [ME])
        text, _, _ = data.decode().rpartition("\n\n")
        if signature_line(text + "\n", ME.name, KEY) not in data:
            raise RuntimeError("a note was opened that our key did not sign")
    with suppress(NoteInvalid):
        open_checkpoint(data, "fuzz.example/log", [ME])


def text(data: bytes) -> None:
    for read in (parse_checkpoint, parse_vkey):
        with suppress(NoteInvalid):
            read(data.decode("utf-8", "replace"))


def entry(data: bytes) -> None:
    with suppress(EntryInvalid):
        fields = decode_entry(data)
        if is_canonical(data) and encode_entry(fields) != data:
            raise RuntimeError("two canonical forms of one entry")


TARGETS: list[tuple[Callable[[bytes], None], bytes]] = [
    (note, NOTE),
    (text, NOTE.partition(b"\n\n")[0] + b"\n"),
    (text, encode_vkey(ME).encode()),
    (entry, ENTRY),
]


def run(seconds: float, seed: int) -> int:
    """Number of inputs tried; any other exception than the readers' own goes through."""
    chance, stop, count = random.Random(seed), time.monotonic() + seconds, 0
    while time.monotonic() < stop:
        target, start = TARGETS[count % len(TARGETS)]
        data = mutate(chance, start)
        try:
            target(data)
        except Exception:
            sys.stderr.write(f"seed {seed}, input {count}: {data!r}\n")
            raise
        count += 1
    return count


if __name__ == "__main__":
    seed = time.time_ns()
    tried = run(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0, seed)
    sys.stdout.write(f"{tried} inputs, seed {seed}: only the readers' own errors\n")
