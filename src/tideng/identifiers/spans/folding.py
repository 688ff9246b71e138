"""One character in, one character out: full width, dashes, spaces and numerals made plain; offsets stay
true.
"""

import re
import unicodedata
from typing import Final

_PLAIN: Final = {0xFF01 + place: 0x21 + place for place in range(94)} | {
    **dict.fromkeys((0x2010, 0x2011, 0x2012, 0x2013, 0x2014, 0x2015, 0x2212, 0x2043, 0xFE63, 0x2500), 0x2D),
    **dict.fromkeys((0xA0, 0x3000, 0x2002, 0x2003, 0x2009, 0x202F, 0x205F, 0x2007), 0x20),
    **dict.fromkeys((0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0xAD, 0x200E, 0x200F), 0x01),
    **{0x2460 + digit: 0x31 + digit for digit in range(9)},
}
INVISIBLE: Final = "\x01"
"""What zero-width characters become: a separator that nobody sees."""

_NUMERALS: Final = {
    **dict(zip("〇零○一二三四五六七八九", "000123456789", strict=True)),
    **dict(zip("壹贰叁肆伍陆柒捌玖", "123456789", strict=True)),
    "幺": "1",
    "两": "2",
    "貳": "2",
    "參": "3",
    "陸": "6",
}
NUMERALS: Final = "".join(_NUMERALS)
_CHINESE: Final = str.maketrans(_NUMERALS)
_LOOKALIKE: Final = str.maketrans("OoQDIl|!ZzSsBbgqG", "00001111225588996")


def fold(text: str) -> str:
    """Plain ASCII where the text means it; as long as `text`, character by character."""
    folded = text.translate(_PLAIN)
    if folded.isascii():
        return folded
    return _FOREIGN_DIGIT.sub(_digit, folded)


_FOREIGN_DIGIT: Final = re.compile(r"(?![0-9])\d|[²³¹⁰⁴-⁹₀-₉፩-፱᧚①-⑨⑴-⑼⒈-⒐⓪⓵-⓽⓿❶-❾➀-➈➊-➒𐩀-𐩃𐹠-𐹨𑁒-𑁚🄀-🄊]")
"""Digits of any script, those too that stand in circles, brackets or above the line."""


def _digit(match: re.Match[str]) -> str:
    return str(unicodedata.digit(match[0]))


def fold_numerals(folded: str) -> str:
    """Chinese numerals as digits too: only for stretches that are numbers, or 一 becomes 1 everywhere."""
    return folded.translate(_CHINESE)


def fold_lookalikes(folded: str) -> str:
    """Letters that scanners read for digits, as digits (O 0, l 1, Z 2, S 5, B 8 …)."""
    return folded.translate(_LOOKALIKE)
