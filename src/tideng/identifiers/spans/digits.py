"""Numbers in a text: groups of digits, joined where people write separators, and what each of them is."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from msgspec import Struct

from tideng.identifiers import resident_id
from tideng.identifiers.area_codes import area_of
from tideng.identifiers.bank_card import issuer, read_bank_card
from tideng.identifiers.devices import is_imei, is_imsi
from tideng.identifiers.plan_cn import PLAUSIBLE_FIVE
from tideng.identifiers.spans import context
from tideng.identifiers.spans.folding import INVISIBLE
from tideng.identifiers.spans.span import Span

GROUPS_MAX: Final = 19
"""A number written digit by digit has this many groups at most (a card of 19)."""
TOKEN_CHARACTERS_MAX: Final = 4096
"""Digits and separators are read in stretches no longer than this."""

_GAP: Final = rf"(?:[ {INVISIBLE}]{{0,2}}[-.()/_ {INVISIBLE}·][ {INVISIBLE}]{{0,2}})"
_TOKEN: Final = re.compile(rf"[0-9]+(?:{_GAP}[0-9]+)*")
_GROUP: Final = re.compile(r"[0-9]+")
IOT: Final = re.compile(r"14[0-4][0-9]{10}|106(?:4[0-9]|5[0-9])[0-9]{8}")
"""Numbers of cards for things: 140 to 144 by the plan of MIIT, 1064 and 1065 as carriers give them."""
_WORD_AHEAD: Final = re.compile(r"[A-Za-z_]+$")
_SAYS_PHONE: Final = re.compile(
    r"(?:tel|phone|mobile|mob|cell|call|t|m|p|ph|sms|wx|vx|dh|sj|sjh|lxdh|to|from)_*$", re.I
)
_MOBILE_SHAPES: Final = {
    (11,),
    (3, 4, 4),
    (3, 8),
    (7, 4),
    (4, 4, 3),
    (3, 3, 5),
    (4, 3, 4),
    (5, 6),
    (3, 4, 2, 2),
    (5, 3, 3),
    (6, 5),
    (3, 2, 2, 2, 2),
    (2, 3, 3, 3),
    (3, 5, 3),
    (3, 3, 3, 2),
    (4, 7),
    (1, 10),
    (3, 2, 3, 3),
    (1, 2, 4, 4),
    (1, 3, 3, 4),
    (2, 5, 4),
    (2, 4, 5),
    (8, 3),
}


class Groups(Struct, frozen=True, gc=False):
    """Neighbouring groups of digits, and where each begins and ends."""

    digits: str
    sizes: tuple[int, ...]
    start: int
    end: int
    gaps: tuple[str, ...]
    """What stands between the groups."""


def numbers(folded: str) -> Iterator[Span]:
    """Every number of a known kind in a folded text. Values are left to the caller, who has the original."""
    for token in _TOKEN.finditer(folded):
        yield from _in_token(folded, token)


def _in_token(folded: str, token: re.Match[str]) -> Iterator[Span]:
    groups = [m.span() for m in _GROUP.finditer(folded, token.start(), token.end())]
    first = 0
    while first < len(groups):
        step = 1
        for last in range(min(len(groups), first + GROUPS_MAX), first, -1):
            found = _read(folded, groups, first, last)
            if found is not None:
                yield found
                step = last - first
                break
        first += step


def _read(folded: str, groups: Sequence[tuple[int, int]], first: int, last: int) -> Span | None:
    chosen = groups[first:last]
    size = sum(end - start for start, end in chosen)
    if not 5 <= size <= 21:
        return None
    pairs = pairwise(chosen)
    joined = Groups(
        digits="".join(folded[start:end] for start, end in chosen),
        sizes=tuple(end - start for start, end in chosen),
        start=chosen[0][0],
        end=chosen[-1][1],
        gaps=tuple(folded[left[1] : right[0]] for left, right in pairs),
    )
    for reader in (_resident_id, _bank_card, _mobile, _landline, _device, _iot_number):
        found = reader(folded, joined)
        if found is not None:
            return found
    return None


def _is_plain(gaps: Sequence[str]) -> bool:
    """People separate one number with one sign throughout; a slash or bracket in it makes it several."""
    signs = {gap.strip(f" {INVISIBLE}") for gap in gaps}
    return not signs & {"/", "_", "(", ")", ")(", ".("} and len(signs - {""}) <= 1


def _resident_id(folded: str, groups: Groups) -> Span | None:
    digits, end = groups.digits, groups.end
    if len(digits) in (17, 16) and folded[end : end + 3].lstrip(" -")[:1] in ("X", "x") and len(digits) == 17:
        tail = folded[end : end + 3]
        end += len(tail) - len(tail.lstrip(" -")) + 1
        digits += "X"
    if not _is_plain(groups.gaps) or len(digits) not in (15, 18):
        return None
    if re.match(r"[A-Za-z0-9]", folded[end : end + 1]) and folded[end : end + 1] not in "的":
        return None
    read = resident_id.read_resident_id(digits)
    if read is None:
        return None
    clause = context.before(folded, groups.start)
    said = context.nearest(clause, context.ORDER, context.CARD, context.IDENTITY)
    ahead = _WORD_AHEAD.search(folded[max(0, groups.start - 12) : groups.start])
    if ahead and said != 2 and (read.is_old or re.search(r"[0-9a-f]{4}$", ahead[0], re.I)):
        return None
    if read.is_old:
        return _old_id(folded, groups, read, said)
    if len(groups.sizes) > 6 and said != 2:
        return None
    confidence = 0.99 if read.is_region_of_its_time else 0.85
    return Span(groups.start, end, "resident_id", "", confidence, read.number)


def _old_id(folded: str, groups: Groups, read: resident_id.ResidentId, said: int) -> Span | None:
    # 15 digits carry no check character: about one random number in 4,000 looks like one.
    clause = context.before(folded, groups.start)
    if said in (0, 1) or context.IMEI.search(clause) or context.IMSI.search(clause):
        return None
    if said != 2 and (len(groups.sizes) > 1 or is_imei(groups.digits)):
        return None
    return Span(groups.start, groups.end, "resident_id", "", 0.9 if said == 2 else 0.6, read.number)


def _bank_card(folded: str, groups: Groups) -> Span | None:
    digits = groups.digits
    if (
        not 15 <= len(digits) <= 19
        or not _is_plain(groups.gaps)
        or any(gap.strip(" ") == "." for gap in groups.gaps)
    ):
        return None
    if _is_glued(folded, groups) or not _card_shape(groups.sizes):
        return None
    card = read_bank_card(digits)
    if card is None:
        return None
    said = context.nearest(
        context.before(folded, groups.start), context.ORDER, context.IDENTITY, context.CARD
    )
    is_known = issuer(digits) is not None
    # A mistyped ID of Gansu (62…) may pass for a UnionPay card: it is neither.
    if said == 0 or (resident_id.has_id_form(digits) and said != 2):
        return None
    if not is_known and said != 2 and (len(groups.sizes) == 1 and digits[:2] != "62"):
        return None
    confidence = 0.99 if is_known and said == 2 else 0.93 if is_known else 0.85 if said == 2 else 0.7
    return Span(groups.start, groups.end, "bank_card", "", confidence, digits)


def _card_shape(sizes: tuple[int, ...]) -> bool:
    if len(sizes) == 1 or all(size == 1 for size in sizes):
        return True
    fours = all(size == 4 for size in sizes[:-1]) and 1 <= sizes[-1] <= 7
    return fours or sizes in (
        (6, 13),
        (6, 10),
        (6, 12),
        (4, 6, 5),
        (8, 8),
        (6, 4, 4, 5),
        (6, 4, 4, 4),
        (6, 4, 4, 2),
        (8, 11),
        (6, 6, 7),
        (10, 9),
        (9, 10),
        (4, 5, 5, 5),
        (4, 4, 8),
        (6, 5, 5),
    )


def _mobile(folded: str, groups: Groups) -> Span | None:
    digits, sizes, start = groups.digits, groups.sizes, groups.start
    prefix = 0
    for code in ("0086", "86", "0"):
        if digits.startswith(code) and len(digits) == 11 + len(code):
            if code == "0" and sizes[0] != 1 and len(sizes) > 1 and sizes[0] != 4:
                continue
            prefix = len(code)
            break
    number = digits[prefix:]
    if (
        len(number) != 11
        or number[0] != "1"
        or number[1] not in "3456789"
        or not _is_plain_phone(groups.gaps)
    ):
        return None
    is_assigned = number[:5] in PLAUSIBLE_FIVE
    shape = _without(sizes, prefix)
    is_dictated = all(size == 1 for size in shape)
    if shape not in _MOBILE_SHAPES and not is_dictated:
        return None
    clause = context.before(folded, start)
    said = context.nearest(clause, context.ORDER, context.CARD, context.IDENTITY, context.PHONE)
    if said == 0 or _is_glued(folded, groups):
        return None
    if (is_dictated or not is_assigned) and said != 3:
        return None
    start = _with_plus(folded, start, prefix)
    return Span(
        start,
        groups.end,
        "mobile",
        "",
        _mobile_confidence(said, shape, number) if is_assigned else 0.6,
        number,
    )


def _mobile_confidence(said: int, shape: tuple[int, ...], number: str) -> float:
    if said == 3:
        return 0.99
    usual = shape in ((11,), (3, 4, 4))
    return (0.95 if usual else 0.8) if said < 0 and len(set(number[3:])) > 1 else 0.75


def _is_plain_phone(gaps: Sequence[str]) -> bool:
    signs = {gap.strip(f" {INVISIBLE}") for gap in gaps}
    # "(+86) 138…" and "86-138 0013 8000": the country code may be set off by another sign.
    return not any("/" in sign or "_" in sign for sign in signs) and len(signs - {"", ")", "("}) <= 1


def _without(sizes: tuple[int, ...], prefix: int) -> tuple[int, ...]:
    left = list(sizes)
    while prefix and left:
        taken = min(prefix, left[0])
        left[0] -= taken
        prefix -= taken
        if not left[0]:
            left.pop(0)
    return tuple(left)


def _with_plus(folded: str, start: int, prefix: int) -> int:
    if not prefix and folded[start - 1 : start] == "(" and folded[start + 3 : start + 4] == ")":
        return start - 1
    if prefix >= 2:
        if folded[start - 1 : start] == "+":
            start -= 1
        if folded[start - 1 : start] == "(" and ")" in folded[start : start + 6]:
            start -= 1
    return start


def _is_glued(folded: str, groups: Groups) -> bool:
    """True if letters, a decimal point or an underscore make this part of a longer word or number."""
    after = folded[groups.end : groups.end + 2]
    if re.match(r"[A-Za-z_]|\.[0-9]", after):
        return True
    lead = folded[max(0, groups.start - 14) : groups.start]
    ahead = _WORD_AHEAD.search(lead)
    if ahead:
        return _SAYS_PHONE.search(ahead[0]) is None and not re.search(r"(?:card|no|id)_*$", ahead[0], re.I)
    return bool(re.search(r"[0-9]\.$|[#$¥€]$|[A-Za-z0-9]-$|%$", lead)) and not re.search(r"86-$", lead)


def _landline(folded: str, groups: Groups) -> Span | None:
    digits, start, sizes = groups.digits, groups.start, groups.sizes
    prefix = 0
    for code in ("0086", "86"):
        if digits.startswith(code) and len(digits) >= 11 + len(code) - 2:
            prefix = len(code)
    national = digits[prefix:]
    if prefix and not national.startswith("0"):
        national = "0" + national
    area = area_of(national)
    if not prefix and (alone := _local(folded, groups)) is not None:
        return alone
    if not area or any("/" in gap or "_" in gap or "." in gap for gap in groups.gaps):
        return None
    shape = _without(sizes, prefix)
    local = len(national) - 1 - len(area)
    if len(shape) > 1 and shape[0] not in (len(area) + 1, len(area)):
        return None
    if len(shape) == 1 and len(digits) == len(national) and local == 7 and national[:2] == "01":
        return None
    said = context.nearest(context.before(folded, start), context.ORDER, context.CARD, context.PHONE)
    if said in (0, 1) or _is_glued(folded, groups):
        return None
    if len(shape) == 1 and said != 2 and prefix == 0 and len(digits) not in (11, 12):
        return None
    start = _with_plus(folded, start, prefix)
    if folded[start - 1 : start] == "(" and ")" in folded[start : groups.end]:
        start -= 1
    confidence = 0.98 if said == 2 else 0.9 if len(shape) > 1 else 0.7
    return Span(start, groups.end, "landline", "", confidence, national)


_SAYS_LANDLINE: Final = re.compile(
    r"(?:座机|固话|固定电话|电话|家电|办公电话|宅电|传真|fax|tel|phone)(?:号码?|是|为)?[ ]?[:：=.]?[ ]{0,2}$",
    re.I,
)


def _local(folded: str, groups: Groups) -> Span | None:
    """A number without its area: seven or eight digits right behind the word that says what it is."""
    digits, sizes = groups.digits, groups.sizes
    if digits[0] in "01" or sizes not in ((7,), (8,), (4, 4), (3, 4)) or not _is_plain_phone(groups.gaps):
        return None
    if digits[:3] in ("400", "800") or len(set(digits)) == 1 or _is_glued(folded, groups):
        return None
    if not _SAYS_LANDLINE.search(folded[max(0, groups.start - 12) : groups.start]):
        return None
    return Span(groups.start, groups.end, "landline", "", 0.7, digits)


def _iot_number(folded: str, groups: Groups) -> Span | None:
    """A card for a thing: 13 digits, as a time in milliseconds has, so only where the text says so."""
    digits = groups.digits
    if not IOT.fullmatch(digits) or not _is_plain(groups.gaps):
        return None
    if not context.IOT.search(context.before(folded, groups.start)):
        return None
    return Span(groups.start, groups.end, "iot_number", "", 0.9, digits)


def _device(folded: str, groups: Groups) -> Span | None:
    digits = groups.digits
    if len(digits) != 15 or not _is_plain(groups.gaps):
        return None
    clause = context.before(folded, groups.start)
    if context.IMEI.search(clause) and is_imei(digits):
        return Span(groups.start, groups.end, "imei", "", 0.98, digits)
    if context.IMSI.search(clause) and is_imsi(digits):
        return Span(groups.start, groups.end, "imsi", "", 0.95, digits)
    return None
