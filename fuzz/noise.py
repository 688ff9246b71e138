"""Seeded inputs for the targets: pure noise, and valid inputs damaged the way that breaks parsers."""

import random
from collections.abc import Iterator, Sequence
from typing import Final

OCTETS_MAX: Final = 600
"""Of pure noise, and of what one damage adds. Longer inputs find nothing more, only later."""
CHANGES_MAX: Final = 6
INTERESTING: Final = (
    b"\0",
    b"\xff",
    b"\x1b",
    b"\x80",
    b"\0\0\0\x10",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\xd8\x3d",
    b"\xde\x00",
    b"\xff\xfe",
    b"\xfe\xff",
    b"\x04\x24\x00\x01",
    b"\x05\x00\x03",
    b"\x06\x08\x04",
    b" stat:",
    b"id:",
)


def _change(chance: random.Random, data: bytearray, corpus: Sequence[bytes]) -> None:
    at = chance.randrange(len(data) + 1)
    match chance.randrange(9):
        case 0 if at < len(data):
            data[at] ^= 1 << chance.randrange(8)
        case 1 if at < len(data):
            data[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFE, 0xFF, chance.randrange(256)))
        case 2:
            del data[at : at + chance.randrange(1, 9)]
        case 3:
            del data[at:]
        case 4:
            data[at:at] = data[at : at + chance.randrange(1, 40)]
        case 5:
            data[at:at] = chance.choice(INTERESTING)
        case 6:
            other = chance.choice(corpus)
            data[at:] = other[chance.randrange(len(other) + 1) :]
        case 7:
            data += chance.choice(corpus)
        case _:
            data[at:at] = chance.randbytes(chance.randrange(1, 17))


def damaged(chance: random.Random, corpus: Sequence[bytes]) -> bytes:
    """One of the corpus after a few changes: bits, cuts, repeats, halves of others, foreign pieces."""
    data = bytearray(chance.choice(corpus))
    for _ in range(chance.randrange(1, CHANGES_MAX)):
        _change(chance, data, corpus)
    return bytes(data)


def inputs(seed: str, corpus: Sequence[bytes]) -> Iterator[bytes]:
    """Endless inputs, the same for the same seed and corpus: first the corpus itself, then four damaged for
    each one of pure noise."""
    yield from corpus
    chance = random.Random(seed)
    while True:
        if corpus and chance.random() < 0.8:
            yield damaged(chance, corpus)
        else:
            yield chance.randbytes(chance.randrange(chance.choice((8, 40, OCTETS_MAX))))
