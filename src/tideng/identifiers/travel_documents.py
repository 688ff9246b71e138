"""Passports and travel permits: forms without check characters, so context decides how far to believe
them.
"""

import re
from typing import Final

_PASSPORT: Final = re.compile(
    # Ordinary: G or E and 8 digits, E and a letter (no I, O) and 7 digits since 2017, old 14/15 and 7 digits;
    # diplomatic, service, public affairs: D S P (DE SE PE) and 7 digits; Hong Kong K/H, Macao MA/MB.
    r"[EG][0-9]{8}|E[A-HJ-NP-Z][0-9]{7}|1[45][0-9]{7}|(?:[DSP]|DE|SE|PE)[0-9]{7}|K[A-Z]?[0-9]{8}|M[AB][0-9]{7}"
).fullmatch
_HONG_KONG_MACAO: Final = re.compile(r"[HM][0-9]{8}(?:[0-9]{2})?").fullmatch
_TO_HONG_KONG: Final = re.compile(r"[CW][0-9]{8}|C[A-HJ-NP-Z][0-9]{7}").fullmatch
_TAIWAN: Final = re.compile(r"[0-9]{8}(?:[0-9]{2})?(?:\([A-Z0-9]\))?").fullmatch


def is_passport(text: str) -> bool:
    """True for the form of a Chinese passport number."""
    return _PASSPORT(text) is not None


def is_strong_passport(text: str) -> bool:
    """True for the forms that hardly anything else has: E or G with 8 digits, E with a letter and 7."""
    return text[:1] in ("E", "G") and _PASSPORT(text) is not None


def is_hong_kong_macao_permit(text: str) -> bool:
    """港澳居民来往内地通行证 (H/M and 8 or 10 digits) or 往来港澳通行证 (C/W)."""
    return _HONG_KONG_MACAO(text) is not None or _TO_HONG_KONG(text) is not None


def is_taiwan_permit(text: str) -> bool:
    """台湾居民来往大陆通行证: 8 digits (or 10 with the issue count). Needs context: many things have 8 digits."""  # noqa: E501
    return _TAIWAN(text) is not None
