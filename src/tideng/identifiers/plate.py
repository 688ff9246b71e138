"""机动车号牌: plates of vehicles (GA 36-2018), new energy included."""

import re
from typing import Final

PROVINCES: Final = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_LETTERS: Final = "A-HJ-NP-Z"
_REST: Final = (
    # New energy, small: D F (and A B C E G H J K since) first; large: the same letters last.
    rf"(?:[A-HJK][{_LETTERS}0-9][0-9]{{4}}|[0-9]{{5}}[A-HJK]|"
    rf"(?:[{_LETTERS}0-9]{{4}}[{_LETTERS}0-9挂学警港澳领试超]))"
)
PATTERN: Final = rf"[{PROVINCES}使][{_LETTERS}][·•・.\- ]?{_REST}|WJ[{PROVINCES}]?[0-9]{{4}}[0-9TDSHBXJ]"
_PLATE: Final = re.compile(PATTERN).fullmatch
_LETTERS_MAX: Final = 3


def is_plate(text: str) -> bool:
    """True for the form of a plate; at most three letters stand in its serial, and at least one digit."""
    upper = text.upper()
    if _PLATE(upper) is None:
        return False
    serial = upper[2:]
    return any(c.isdigit() for c in serial) and sum("A" <= c <= "Z" for c in serial) <= _LETTERS_MAX
