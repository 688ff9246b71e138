"""User data headers and the parts of long messages (TS 23.040 §9.2.3.24)."""

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

from tideng.text.alphabets import Alphabet, decode

REFERENCE_8: Final = 0x00
REFERENCE_16: Final = 0x08


class MalformedUdh(ValueError):
    """The user data header contradicts its own lengths. The message names sizes only."""


class Concatenation(Struct, frozen=True):
    """Which part of which long message this is. `index` counts from 1."""

    reference: int
    bits: Literal[8, 16]
    total: int
    index: int


class Udh(Struct, frozen=True):
    """A user data header: its elements verbatim, and the concatenation among them."""

    elements: tuple[tuple[int, bytes], ...]
    concatenation: Concatenation | None


def read_udh(octets: bytes) -> tuple[Udh, bytes]:
    """The header and what follows it. Raises `MalformedUdh`.

    A concatenation with index 0, above its total, or of total 0 is nonsense and read as none; of several
    the last counts (TS 23.040 §9.2.3.24).
    """
    if not octets:
        raise MalformedUdh("a user data header is announced, but there are no octets")
    length = octets[0]
    if length + 1 > len(octets):
        raise MalformedUdh(f"the header says {length} octets; {len(octets) - 1} are left")
    at, end = 1, length + 1
    elements: list[tuple[int, bytes]] = []
    concatenation: Concatenation | None = None
    while at < end:
        if at + 2 > end or at + 2 + octets[at + 1] > end:
            raise MalformedUdh(f"the element at octet {at} runs past the header's {length} octets")
        tag, size = octets[at], octets[at + 1]
        value = octets[at + 2 : at + 2 + size]
        elements.append((tag, value))
        concatenation = _concatenation(tag, value) or concatenation
        at += 2 + size
    return Udh(tuple(elements), concatenation), octets[end:]


def write_udh(about: Concatenation) -> bytes:
    """The header of one part: 6 octets with an 8-bit reference, 7 with a 16-bit one."""
    if about.bits == 16:
        return (
            bytes((6, REFERENCE_16, 4))
            + about.reference.to_bytes(2, "big")
            + bytes((about.total, about.index))
        )
    return bytes((5, REFERENCE_8, 3, about.reference, about.total, about.index))


def join(parts: Mapping[int, bytes], alphabet: Alphabet) -> str:
    """The whole text of parts 1 … n. The *octets* are joined first: a pair cut by a careless peer heals.

    A byte order mark that begins the first part is dropped wherever it begins a later one.
    ValueError when a part is missing; `Undecodable` as `decode`.
    """
    missing = [index for index in range(1, len(parts) + 1) if index not in parts]
    if missing or not parts:
        raise ValueError(f"part {missing[0] if missing else 1} of {len(parts)} is missing")
    pieces = [parts[index] for index in range(1, len(parts) + 1)]
    mark = pieces[0][:2]
    if alphabet is Alphabet.UCS2 and mark in (b"\xfe\xff", b"\xff\xfe"):
        pieces[1:] = [piece.removeprefix(mark) for piece in pieces[1:]]
    return decode(b"".join(pieces), alphabet)


def _concatenation(tag: int, value: bytes) -> Concatenation | None:
    if tag == REFERENCE_8 and len(value) == 3:
        reference, total, index = value
        bits: Literal[8, 16] = 8
    elif tag == REFERENCE_16 and len(value) == 4:
        reference, total, index = value[0] << 8 | value[1], value[2], value[3]
        bits = 16
    else:
        return None
    if not 1 <= index <= total:
        return None
    return Concatenation(reference, bits, total, index)
