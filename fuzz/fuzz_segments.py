"""Texts cut into segments: each is text by itself, within its limit; and parts cut by anyone join again."""

from contextlib import suppress
from typing import Final, Literal

from tideng.text.alphabets import Alphabet, Undecodable, Unencodable, best_alphabet, decode, encode
from tideng.text.concatenation import join, read_udh
from tideng.text.segments import TooLong, capacity, count_segments, split

ALPHABETS: Final = tuple(Alphabet)
WRITABLE: Final = tuple(one for one in Alphabet if one is not Alphabet.BINARY)
_LONG: Final = "【提灯】您好 👨‍👩‍👧‍👦🇨🇳e\u0301{€}\r\n" * 30
SEEDS: Final = [
    b"\0" + _LONG.encode(),
    b"\x40" + _LONG.encode(),
    b"\5" + ("a" * 152 + "€{}").encode() * 3,
    b"\0" + ("नमस्ते བོད་སྐད " * 20).encode(),
    b"\1" + "👍".encode() * 90,
    b"\x13\x10" + encode("提灯👍👍👍", Alphabet.UCS2),
    b"\0\x07hello \x1be world",
]


def fuzz_one(data: bytes) -> None:
    """Any text: parts within their limits, decodable one by one, and together the text."""
    if not data:
        return
    if data[0] & 0x80:
        text = data[1 : 1 + (len(data) - 1) // 2 * 2].decode(
            "utf-16-be", "surrogatepass"
        )  # lone surrogates too
    else:
        text = data[1:].decode("utf-8", "replace")
    if text[:1] in ("\ufeff", "\ufffe"):
        return  # a byte order mark is not text
    bits: Literal[8, 16] = 16 if data[0] & 0x40 else 8
    alphabet = best_alphabet(text) if not data[0] & 0x07 else WRITABLE[data[0] % len(WRITABLE)]
    try:
        segments = split(text, alphabet=alphabet, reference=data[0] * 257, reference_bits=bits)
    except (Unencodable, TooLong):
        return
    if count_segments(text, alphabet, bits) != len(segments):
        raise RuntimeError("count_segments and split disagree")
    room = capacity(alphabet, alone=len(segments) == 1, header_octets=6 if bits == 8 else 7)
    parts: dict[int, bytes] = {}
    for segment in segments:
        body = segment.octets
        if segment.has_udh:
            header, body = read_udh(segment.octets)
            about = header.concatenation
            if about is None or (about.index, about.total) != (segment.index, len(segments)):
                raise RuntimeError("a part's header says something else")
        if not body and text:
            raise RuntimeError("an empty part")
        if len(body) > room:
            raise RuntimeError("a part is over its limit")
        parts[segment.index] = body
        if body[:2] not in (b"\xfe\xff", b"\xff\xfe"):
            decode(body, alphabet)  # Undecodable here: something was cut apart
    if join(parts, alphabet) != text:
        raise RuntimeError("the parts are not the text")
    _parts(data)


def _parts(data: bytes) -> None:
    """Parts cut anywhere join to what the octets say in one piece."""
    if len(data) < 3:
        return
    alphabet, size, octets = ALPHABETS[data[0] % len(ALPHABETS)], data[1] or 1, data[2:]
    if alphabet is Alphabet.UCS2 and octets[:2] in (b"\xfe\xff", b"\xff\xfe"):
        return  # the mark is dropped from each part: not the same as in one piece
    starts = range(0, len(octets), size)
    parts = {number: octets[at : at + size] for number, at in enumerate(starts, 1)}
    with suppress(Undecodable):
        if join(parts, alphabet) != decode(octets, alphabet):
            raise RuntimeError("joined parts read differently from the octets in one piece")
