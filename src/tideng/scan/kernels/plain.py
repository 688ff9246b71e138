"""The same numbers as `digits.find_digits`, from decoded text, in plain Python: the kernel's reference.

Slow and short. The property tests hold the kernel to it in every encoding and at every cut.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from tideng.identifiers.bank_card import issuer, luhn
from tideng.identifiers.plan_cn import PLAUSIBLE_FIVE
from tideng.identifiers.resident_id import has_id_form, is_resident_id, read_resident_id
from tideng.scan.kernels.kinds import BANK_CARD, GROUPS_MAX, MOBILE, RESIDENT_ID, RESIDENT_ID_OLD, RUN_LEAST

_RUN: Final = re.compile(r"[0-9]+")
_CHAIN: Final = re.compile(rf"[0-9]+(?:([- ])([0-9]+)(?:\1([0-9]+)){{0,{GROUPS_MAX - 1}}})?")
_LENGTHS: Final = frozenset({11, 13, *range(15, 20)})
_LEAST: Final = min(_LENGTHS)
_WORD: Final = re.compile(r"[0-9A-Za-z_]")


class Hit(NamedTuple):
    """One number: characters start … end-1, its kind, and its key."""

    start: int
    end: int
    kind: int
    key: int


def find_plain(text: str) -> Iterator[Hit]:
    """Every checked number in `text`, in order."""
    at = 0
    while (chain := _CHAIN.search(text, at)) is not None:
        start, end = chain.span()
        signs = chain[0].count(chain[1]) if chain[1] else 0
        if not signs and end - start not in _LENGTHS:
            # One run: what almost all numbers are, and almost none has a length that means anything.
            at = end
        elif end - start - signs < _LEAST:
            # Too few digits; but the last group, and all of a chain cut short, may belong to what follows.
            at = (
                chain.start(3 if signs > 1 else 2)
                if signs < GROUPS_MAX
                else chain[0].index(chain[1]) + start + 1
            )
        elif (hit := _read(text, start)) is not None:
            yield hit
            at = hit.end
        else:
            at = end if not signs else chain[0].index(chain[1]) + start + 1


def _read(text: str, start: int) -> Hit | None:
    groups = _groups(text, start)
    if not any(end - first >= RUN_LEAST for first, end in groups):
        return None
    for count in range(min(len(groups), GROUPS_MAX), 0, -1):
        hit = _window(text, groups[:count])
        if hit is not None:
            return hit
    return None


def _groups(text: str, start: int) -> list[tuple[int, int]]:
    run = _RUN.match(text, start)
    groups: list[tuple[int, int]] = []
    sign = ""
    while run is not None and len(groups) <= GROUPS_MAX:
        groups.append(run.span())
        gap = text[run.end() : run.end() + 1]
        if gap not in ("-", " ") or (sign and gap != sign):
            break
        sign = gap
        run = _RUN.match(text, run.end() + 1)
    return groups


def _window(text: str, groups: list[tuple[int, int]]) -> Hit | None:
    digits = "".join(text[first:end] for first, end in groups)
    sizes = tuple(end - first for first, end in groups)
    start, end = groups[0][0], groups[-1][1]
    if len(digits) == 17 and text[end : end + 1] in ("X", "x"):
        end, digits = end + 1, digits + "X"
    if _WORD.match(text, end):
        return None
    if len(digits) == 18 and is_resident_id(digits):
        return Hit(start, end, RESIDENT_ID, int(digits[:17]))
    is_decimal = (start > 1 and text[start - 1] == "." and text[start - 2] in "0123456789") or re.match(
        r"\.[0-9]", text[end : end + 2]
    )
    if digits[-1] == "X" or (start and _WORD.match(text, start - 1)) or is_decimal:
        return None
    return _weak(digits, sizes, start, end)


def _weak(digits: str, sizes: tuple[int, ...], start: int, end: int) -> Hit | None:
    """Kinds that need free ends: cards, mobiles, old IDs."""
    if len(digits) == 11 and (len(sizes) == 1 or sizes == (3, 4, 4)) and digits[:5] in PLAUSIBLE_FIVE:
        return Hit(start, end, MOBILE, int(digits))
    if len(digits) == 13 and digits[:2] == "86" and digits[2:7] in PLAUSIBLE_FIVE:
        is_set_off = sizes in ((13,), (2, 11), (2, 3, 4, 4))
        return Hit(start, end, MOBILE, int(digits[2:])) if is_set_off else None
    if 15 <= len(digits) <= 19:
        fours = len(sizes) == 1 or (set(sizes[:-1]) == {4} and sizes[-1] <= 4)
        if fours and issuer(digits) and luhn(digits) and not has_id_form(digits):
            return Hit(start, end, BANK_CARD, int(digits[:-1]))
        if sizes == (15,) and (read := read_resident_id(digits)):
            return Hit(start, end, RESIDENT_ID_OLD, int(read.number[:17]))
    return None
