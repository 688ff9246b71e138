"""Numbers of call records to E.164 digits, by the area the line stands in. Pure."""

import re
from typing import Final

from tideng.identifiers.phone import NotANumber, parse

_CLEAN: Final = re.compile(r"[\s\-().]+")
_LOCAL: Final = re.compile(r"[2-8][0-9]{6,7}").fullmatch
_MISSING: Final = frozenset(
    {"", "anonymous", "unknown", "unavailable", "restricted", "private", "-", "null", "none"}
)
NUMBER_CHARACTERS_MAX: Final = 64


def to_e164(raw: str, area: str = "") -> str:
    """E.164 digits where the numbering plan says so, the cleaned text otherwise, "" when no number was shown.

    Extensions, short codes and emergency numbers stay as dialled. `area` is "021" or "21"; without it a
    number of seven or eight digits stays local.
    """
    clean = _CLEAN.sub("", raw.strip())[:NUMBER_CHARACTERS_MAX]
    if clean.lower() in _MISSING:
        return ""
    if clean.startswith("sip:"):
        clean = clean[4:].partition("@")[0]
    if _LOCAL(clean):
        return f"86{area.lstrip('0')}{clean}" if area else clean
    if len(clean) < 7 or not clean.lstrip("+").isdigit():
        return clean
    try:
        return parse(clean).e164
    except NotANumber:
        return clean.lstrip("+")
