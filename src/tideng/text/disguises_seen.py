"""Characters that ordinary senders do not use: hidden, mathematical, look-alike, split.

What looks odd and is ordinary: a flag, a keycap that numbers a line, a text in Cyrillic, letters of fashion
in a text without ideographs.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tideng.text import tables_read as t
from tideng.text.folding import BREAK, Block

Places = NDArray[np.int64]
Flags = NDArray[np.bool_]
_NOWHERE: Final = np.zeros(0, np.int64)
_LEAST: Final = t.KIND["invisible"]
"""Kinds with lower numbers are ways to write."""
_FLAG_A: Final = 0x1F1E6
_KEYCAP: Final = 0x20E3
_EMOJI_STYLE: Final = 0xFE0F
_CODES: Final = (
    "AD AE AF AG AI AL AM AO AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT "
    "BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH "
    "ER ES ET EU FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GT GU GW GY HK HN HR HT "
    "HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR "
    "LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF "
    "NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC "
    "SD SE SG SH SI SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW "
    "TZ UA UG UM UN US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW "
)
_COUNTRIES: Final = frozenset(_CODES.split())
"""ISO 3166-1, with the flags of the EU, the UN and Kosovo."""


def disguises(block: Block) -> tuple[Places, Places]:
    """Where folded characters begin and end that stand for disguised ones."""
    kinds = block.raw_kinds
    if kinds.max(initial=0) < _LEAST:
        return _NOWHERE, _NOWHERE
    bad = (
        (kinds == t.KIND["split_glyph"])
        | (kinds == t.KIND["digit_lookalike"])
        | (kinds == t.KIND["control"])
        | (kinds == t.KIND["spelled"])
    )
    raw = np.frombuffer(BREAK.join(block.texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    if len(raw) == len(kinds):
        bad |= _letters(block, raw, kinds) | _hidden(block, raw, kinds)
    places = bad.nonzero()[0]
    own = np.searchsorted(block.raw_starts, places, side="right") - 1
    # A text of which nothing is left has no place to point at; that it is empty says enough.
    left = np.diff(block.starts)[own] > 1
    places, own = places[left], own[left]
    # What was taken away behind the last character is shown by that: what follows is another text's.
    low = np.minimum(np.searchsorted(block.origins, places), block.starts[own + 1] - 2)
    return low, low + 1


def _letters(block: Block, raw: NDArray[np.uint32], kinds: NDArray[np.uint8]) -> Flags:
    """Characters that only look like letters or digits. A circled digit alone is a list mark, a Greek letter
    mathematics; beside a letter neither."""
    like: Flags = (kinds == t.KIND["letterlike"]) | (kinds == t.KIND["lookalike"])
    if not np.count_nonzero(like):
        return like
    alnum = (raw < 0x80) & (
        ((raw >= 48) & (raw <= 57)) | ((raw >= 65) & (raw <= 90)) | ((raw >= 97) & (raw <= 122))
    )
    ideograph = (raw >= 0x3400) & (raw < 0xA000)
    own = np.searchsorted(block.raw_starts, np.arange(len(raw)), side="right") - 1
    in_chinese = np.bincount(own[ideograph], minlength=len(block.raw_starts))[own] > 0
    # Without ideographs, fashion: small capitals, bold letters, whole words of Cyrillic.
    plain = (kinds == t.KIND["lookalike"]) & ((raw < 0x1D00) | (raw > 0x1DBF))
    found: Flags = like & ((_beside(like | alnum) & in_chinese) | (_beside(alnum) & plain) | ideograph)
    found |= (raw >= 0x1D400) & (raw <= 0x1D7FF) & in_chinese  # letters of mathematics
    for place in (found & (raw >= _FLAG_A) & (raw < _FLAG_A + 26)).nonzero()[0].tolist():
        found[place] = not _in_flag(raw, place)
    return found


def _beside(which: Flags) -> Flags:
    found = np.zeros(len(which), np.bool_)
    found[1:] |= which[:-1]
    found[:-1] |= which[1:]
    return found


def _in_flag(raw: NDArray[np.uint32], place: int) -> bool:
    """Whether the regional letters around `place` are flags of countries."""
    start = end = place
    while start > 0 and _FLAG_A <= raw[start - 1] < _FLAG_A + 26:
        start -= 1
    while end < len(raw) and _FLAG_A <= raw[end] < _FLAG_A + 26:
        end += 1
    letters = "".join(chr(65 + int(point) - _FLAG_A) for point in raw[start:end])
    return len(letters) % 2 == 0 and _COUNTRIES.issuperset(
        letters[at : at + 2] for at in range(0, len(letters), 2)
    )


def _hidden(block: Block, raw: NDArray[np.uint32], kinds: NDArray[np.uint8]) -> Flags:
    """Marks that are not seen, or stand on another character."""
    hidden: Flags = (kinds == t.KIND["invisible"]) | (kinds == t.KIND["combining"])
    if not np.count_nonzero(hidden):
        return hidden
    # At an end of the text a mark of direction or a byte order mark hides nothing.
    hidden[block.raw_starts[:-1][block.raw_starts[:-1] < len(kinds)]] = False
    hidden[np.maximum(block.raw_starts[1:] - 2, 0)] = False
    for place in (hidden & (raw == _KEYCAP)).nonzero()[0].tolist():
        first = place - (2 if raw[place - 1] == _EMOJI_STYLE else 1)
        hidden[place] = _is_figure(raw, first - 1) or _is_figure(raw, place + 1)
    return hidden


def _is_figure(raw: NDArray[np.uint32], place: int) -> bool:
    """Whether a digit or the end of another keycap stands there: keycaps in a row spell a number."""
    point = int(raw[place]) if 0 <= place < len(raw) else 0
    return 48 <= point <= 57 or point in (_KEYCAP, _EMOJI_STYLE)
