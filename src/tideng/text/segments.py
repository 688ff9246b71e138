"""Cuts a text into segments without cutting what belongs together (TS 23.040 §9.2.3.24.1; SMPP 3.4 §5.2)."""

import unicodedata
from collections.abc import Iterator
from typing import Final, Literal

from msgspec import Struct

from tideng.text import gsm
from tideng.text.alphabets import Alphabet, encode
from tideng.text.concatenation import Concatenation, write_udh

Method = Literal["udh", "sar", "payload"]

OCTETS_MAX: Final = 140
SEPTETS_MAX: Final = 160
PARTS_MAX: Final = 255
PAYLOAD_OCTETS_MAX: Final = 64_000
"""message_payload is 16-bit; the rest of the PDU must fit into our frame limit too."""
_HEADER_OCTETS: Final = {8: 6, 16: 7}
_JOINERS: Final = frozenset("\u200d\ufe0e\ufe0f\u20e3")


class Segment(Struct, frozen=True, gc=False):
    """What one submit_sm carries. `octets` begin with the header where `has_udh`."""

    octets: bytes
    has_udh: bool
    index: int
    total: int
    reference: int


class TooLong(ValueError):
    """The text needs more segments than allowed."""


def capacity(alphabet: Alphabet, *, alone: bool, header_octets: int = 6) -> int:
    """Octets of text in one segment: septets for GSM (unpacked, one octet each), octets otherwise.

    Alone 160 septets, 140 octets (70 UCS-2 units); beside a header of 6 octets 153 and 134 (67), of 7
    octets 152 and 133, of which UCS-2 uses 132 (66).
    """
    if alone:
        return SEPTETS_MAX if alphabet is Alphabet.GSM else OCTETS_MAX
    left = OCTETS_MAX - header_octets
    if alphabet is Alphabet.GSM:
        return left * 8 // 7
    return left - left % 2 if alphabet is Alphabet.UCS2 else left


def split(
    text: str,
    *,
    alphabet: Alphabet,
    reference: int,
    reference_bits: Literal[8, 16] = 8,
    method: Method = "udh",
    parts_max: int = PARTS_MAX,
) -> tuple[Segment, ...]:
    """The segments of `text`, in order; one, without header, where it fits.

    Never cuts a surrogate pair or a GSM escape, nor, where a cut before it leaves no part empty, an emoji or
    combining sequence or CR LF. With "sar" the limits are those of "udh": the header the carrier adds
    needs the room. Raises `Unencodable`, and `TooLong` above `parts_max`.
    """
    octets = encode(text, alphabet)
    if len(octets) <= capacity(alphabet, alone=True):
        return (Segment(octets, False, 1, 1, 0),)
    if method == "payload":
        if len(octets) > PAYLOAD_OCTETS_MAX:
            raise TooLong(f"text is {len(octets)} octets; limit is {PAYLOAD_OCTETS_MAX}. Shorten it.")
        return (Segment(octets, False, 1, 1, 0),)
    bits: Literal[8, 16] = 16 if method == "sar" else reference_bits
    room = capacity(alphabet, alone=False, header_octets=_HEADER_OCTETS[reference_bits])
    pieces = list(_pieces(text, alphabet, room))
    total = len(pieces)
    if total > min(parts_max, PARTS_MAX):
        raise TooLong(f"text needs {total} segments; limit is {min(parts_max, PARTS_MAX)}. Shorten it.")
    reference %= 1 << bits
    return tuple(
        Segment(
            (write_udh(Concatenation(reference, bits, total, index)) if method == "udh" else b"") + piece,
            method == "udh",
            index,
            total,
            reference,
        )
        for index, piece in enumerate(pieces, 1)
    )


def count_segments(text: str, alphabet: Alphabet, reference_bits: Literal[8, 16] = 8) -> int:
    """How many segments `split` makes by header. Raises `Unencodable`."""
    octets = encode(text, alphabet)
    if len(octets) <= capacity(alphabet, alone=True):
        return 1
    room = capacity(alphabet, alone=False, header_octets=_HEADER_OCTETS[reference_bits])
    return sum(1 for _ in _pieces(text, alphabet, room))


def _pieces(text: str, alphabet: Alphabet, room: int) -> Iterator[bytes]:
    start = 0
    while start < len(text):
        end = _end(text, start, alphabet, room)
        yield encode(text[start:end], alphabet)
        start = end


def _end(text: str, start: int, alphabet: Alphabet, room: int) -> int:
    """Where the piece that begins at `start` ends: the last good cut that fits, else the last possible."""
    end = _last_that_fits(text, start, alphabet, room)
    if end == len(text):
        return end
    cut = end
    while cut > start and _belongs(text, cut):
        cut -= 1
    # A sequence longer than a whole segment has to be cut somewhere.
    return cut if cut > start else end


def _last_that_fits(text: str, start: int, alphabet: Alphabet, room: int) -> int:
    window = text[start : start + (room // 2 if alphabet is Alphabet.UCS2 else room)]
    # Most windows hold only characters of the smallest size: no need to look at each.
    if alphabet is Alphabet.UCS2:
        even = max(window) <= "\uffff"
    elif alphabet is Alphabet.GSM:
        even = gsm.TWO_SEPTETS.isdisjoint(window)
    else:
        even = alphabet is not Alphabet.UTF8 or window.isascii()
    if even:
        return start + len(window)
    end, used = start, 0
    for character in window:
        used += _size(character, alphabet)
        if used > room:
            break
        end += 1
    return end


def _size(character: str, alphabet: Alphabet) -> int:
    if alphabet is Alphabet.UCS2:
        return 4 if character > "\uffff" else 2
    if alphabet is Alphabet.GSM:
        return 2 if character in gsm.TWO_SEPTETS else 1
    return len(character.encode())


def _belongs(text: str, at: int) -> bool:
    """A cut before `text[at]` would tear a sequence apart."""
    before, after = text[at - 1], text[at]
    if after < "\u0300" and before < "\u0300":
        return before == "\r" and after == "\n"
    if after in _JOINERS or before == "\u200d":
        return True
    if "\U0001f3fb" <= after <= "\U0001f3ff":  # skin tones
        return True
    if "\U0001f1e6" <= after <= "\U0001f1ff":  # flags are pairs of regional indicators
        run = 0
        while at - 1 - run >= 0 and "\U0001f1e6" <= text[at - 1 - run] <= "\U0001f1ff":
            run += 1
        return run % 2 == 1
    if "\U000e0020" <= after <= "\U000e007f":  # tag sequences
        return True
    # By category: many vowel signs and subjoined letters (Tibetan, Thai, Indic) have combining class 0.
    return unicodedata.category(after)[0] == "M"
