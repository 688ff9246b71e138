"""Which alphabet a data_coding means, and text to octets and back (SMPP 3.4 §5.2.19; TS 23.038 §4)."""

from enum import Enum
from typing import Final

from tideng.text import gsm
from tideng.text.gsm import Unencodable

__all__ = [
    "Alphabet",
    "Undecodable",
    "Unencodable",
    "alphabet_of",
    "best_alphabet",
    "data_coding_of",
    "decode",
    "encode",
    "is_flash",
]


class Alphabet(Enum):
    """How octets stand for characters."""

    GSM = "gsm"
    ASCII = "ascii"
    LATIN1 = "latin1"
    UCS2 = "ucs2"
    """UTF-16 in big-endian order, surrogate pairs included: what "UCS-2" means on today's networks."""
    UTF8 = "utf8"
    """No data_coding says so; some customers mean it by 0."""
    BINARY = "binary"


class Undecodable(ValueError):
    """The octets are not text in this alphabet. The message names sizes and positions only."""


_BY_CODING: Final = {
    0x01: Alphabet.ASCII,
    0x02: Alphabet.BINARY,
    0x03: Alphabet.LATIN1,
    0x04: Alphabet.BINARY,
    0x08: Alphabet.UCS2,
}
_CODINGS: Final = {
    Alphabet.GSM: 0x00,
    Alphabet.ASCII: 0x01,
    Alphabet.LATIN1: 0x03,
    Alphabet.UCS2: 0x08,
    Alphabet.BINARY: 0x04,
}
_CLASSES: Final = (None, Alphabet.BINARY, Alphabet.UCS2, Alphabet.BINARY)


def alphabet_of(data_coding: int, default: Alphabet) -> Alphabet:
    """What `data_coding` means where 0 means `default`.

    Groups 0x10-0x1F are TS 23.038's general group with a message class, 0xC0-0xEF message waiting,
    0xF0-0xFF data coding with class. Codes nobody defined are read as binary: not guessed at.
    """
    if data_coding == 0:
        return default
    known = _BY_CODING.get(data_coding)
    if known is not None:
        return known
    if 0x10 <= data_coding <= 0x1F:
        return _CLASSES[data_coding >> 2 & 3] or default
    if 0xC0 <= data_coding <= 0xDF:
        return default
    if 0xE0 <= data_coding <= 0xEF:
        return Alphabet.UCS2
    if data_coding >= 0xF0:
        return Alphabet.BINARY if data_coding & 0x04 else default
    return Alphabet.BINARY


def is_flash(data_coding: int) -> bool:
    """Message class 0: shown at once, not stored."""
    return (data_coding & 0xF3) in (0x10, 0xF0)


def decode(octets: bytes, alphabet: Alphabet) -> str:
    """The text. A byte order mark is honoured and dropped. Raises `Undecodable`."""
    try:
        match alphabet:
            case Alphabet.GSM:
                return gsm.decode(octets)
            case Alphabet.UCS2:
                return _decode_ucs2(octets)
            case Alphabet.LATIN1:
                return octets.decode("latin-1")
            case Alphabet.ASCII:
                return octets.decode("ascii")
            case Alphabet.UTF8:
                return octets.decode("utf-8-sig")
            case Alphabet.BINARY:
                raise Undecodable("binary content is not text")
    except UnicodeDecodeError as error:
        raise Undecodable(
            f"octet {error.start + 1} of {len(octets)} is not {alphabet.value}: {error.reason}"
        ) from None
    except Undecodable:
        raise
    except ValueError as error:
        raise Undecodable(str(error)) from None


def encode(text: str, alphabet: Alphabet) -> bytes:
    """The octets. Raises `Unencodable`, with the position of the first character that does not fit."""
    if alphabet is Alphabet.GSM:
        return gsm.encode(text)
    if alphabet is Alphabet.BINARY:
        raise Unencodable("text has no binary form; name an alphabet")
    codec = {
        Alphabet.UCS2: "utf-16-be",
        Alphabet.LATIN1: "latin-1",
        Alphabet.ASCII: "ascii",
        Alphabet.UTF8: "utf-8",
    }[alphabet]
    try:
        return text.encode(codec)
    except UnicodeEncodeError as error:
        where = f"character {error.start + 1} of {len(text)}"
        if "\ud800" <= text[error.start] <= "\udfff":
            raise Unencodable(f"{where} is half a surrogate pair; send whole characters") from None
        raise Unencodable(f"{where} is not in {alphabet.value}; send the text as UCS-2") from None


def best_alphabet(text: str) -> Alphabet:
    """GSM where it holds the text, else UCS-2."""
    return Alphabet.GSM if gsm.is_gsm(text) else Alphabet.UCS2


def data_coding_of(alphabet: Alphabet) -> int:
    """The plain data_coding of an alphabet. ValueError for UTF-8, which SMPP cannot name."""
    coding = _CODINGS.get(alphabet)
    if coding is None:
        raise ValueError(f"SMPP has no data_coding for {alphabet.value}")
    return coding


def _decode_ucs2(octets: bytes) -> str:
    if len(octets) % 2:
        raise Undecodable(f"{len(octets)} octets are no UCS-2: two octets a character")
    if octets[:2] == b"\xff\xfe":
        return octets[2:].decode("utf-16-le")
    if octets[:2] == b"\xfe\xff":
        octets = octets[2:]
    return octets.decode("utf-16-be")
