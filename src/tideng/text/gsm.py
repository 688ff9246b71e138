"""GSM 03.38 (3GPP TS 23.038 §6.2.1): the default alphabet and its extension, one septet per octet."""

from typing import Final

ESCAPE: Final = 0x1B

_BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION: Final = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}
_OCTETS: Final[dict[str, bytes]] = {
    **{character: bytes((code,)) for code, character in enumerate(_BASIC) if code != ESCAPE},
    **{character: bytes((ESCAPE, code)) for code, character in _EXTENSION.items()},
}
_ALL: Final = frozenset(_OCTETS)
TWO_SEPTETS: Final = frozenset(_EXTENSION.values())
"""Characters of the extension: an escape and a code."""
# What is the same octet in ASCII and in GSM: most texts need no table.
_SAME: Final = frozenset(c for c in _BASIC if c.isascii() and ord(c) == _BASIC.index(c) and c != "\x1b")
_DECODE: Final = {code: character for code, character in enumerate(_BASIC) if code != ESCAPE}


class Unencodable(ValueError):
    """The text has a character the alphabet lacks. The message names its position, never the text."""


def is_gsm(text: str) -> bool:
    """True if every character is in the default alphabet or its extension."""
    return _ALL.issuperset(text)


def septets(text: str) -> int:
    """Septets `text` takes: characters of the extension count two. ValueError as `encode`."""
    if not is_gsm(text):
        encode(text)
    return len(text) + sum(map(text.count, TWO_SEPTETS & set(text)))


def encode(text: str) -> bytes:
    """One octet per septet, as SMPP carries the default alphabet unpacked. Raises `Unencodable`."""
    if _SAME.issuperset(text):
        return text.encode("ascii")
    try:
        return b"".join([_OCTETS[character] for character in text])
    except KeyError:
        at = next(i for i, character in enumerate(text) if character not in _OCTETS)
        raise Unencodable(
            f"character {at + 1} of {len(text)} is not in GSM 03.38; send the text as UCS-2"
        ) from None


def decode(octets: bytes) -> str:
    """The text of unpacked septets; never fails on values 0 to 127.

    An escape followed by a code without a meaning shows the basic character of that code, and a lone
    escape at the end a space (TS 23.038 §6.2.1.1 note). ValueError for octets above 127.
    """
    if ESCAPE not in octets:
        try:
            return "".join([_DECODE[octet] for octet in octets])
        except KeyError:
            raise ValueError("an octet is above 127: this is not the GSM default alphabet") from None
    characters: list[str] = []
    escaped = False
    for octet in octets:
        if octet > 0x7F:
            raise ValueError("an octet is above 127: this is not the GSM default alphabet")
        if escaped:
            escaped = False
            characters.append(_EXTENSION.get(octet) or _DECODE.get(octet, " "))
        elif octet == ESCAPE:
            escaped = True
        else:
            characters.append(_DECODE[octet])
    if escaped:
        characters.append(" ")
    return "".join(characters)
