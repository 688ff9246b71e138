"""Numbers in a block of folded texts: to call, to pay, of cards, of codes. Arrays, no loop over texts."""

import functools
from collections.abc import Mapping
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tideng.text import tables_read as t
from tideng.text.folding import Block
from tideng.text.ordering import runs_of

Places = NDArray[np.int64]
Flags = NDArray[np.uint8]

_MONEY_BEFORE: Final = 1
_MONEY_AFTER: Final = 2
_UNIT_AFTER: Final = 4
"""Behind an amount in words: a sign of a currency does not stand there."""
_JOIN: Final = 8
_NUMERAL: Final = 16
_MASK: Final = 32
_DIGIT: Final = 64
_CHARACTERS: Final = {
    _MONEY_BEFORE: "¥$￥£€",
    _MONEY_AFTER: "元块圆万￥",
    _UNIT_AFTER: "元块万",
    _JOIN: "- )",
    _NUMERAL: "零一二两三四五六七八九十百千万亿壹贰叁肆伍陆柒捌玖拾佰仟几",
    _MASK: "x*",
    _DIGIT: "0123456789",
}


def roles_of(characters: Mapping[int, str]) -> Flags:
    """By code point: the bits of these roles that it has."""
    found = np.zeros(t.POINTS, np.uint8)
    for role, those in characters.items():
        found[[ord(character) for character in those]] |= role
    return found


_ROLES: Final = roles_of(_CHARACTERS)
"""By code point: what it says about a number beside it."""
_PHONE, _MOBILE, _SERVICE, _CARD, _MASKED_CARD, _SHORT, _AMOUNT = (1 << place for place in range(7))
NUMBERS: Final = ("phone", "mobile", "service_phone", "card", "short_number", "amount")
"""What a number may be."""
_BITS: Final = np.array([_PHONE, _MOBILE, _SERVICE, _CARD | _MASKED_CARD, _SHORT, _AMOUNT], np.uint8)
"""By place in `NUMBERS`."""
_IS_PHONE, _IS_AMOUNT = NUMBERS.index("phone"), NUMBERS.index("amount")
_LENGTH_MAX: Final = 20
"""A longer run of digits is no number of any kind."""
_FEWER: Final = 10_000
"""Stands for the first four digits where there are fewer."""


class Spans(Struct, frozen=True):
    """Stretches of the folded block, in order."""

    starts: Places
    ends: Places


@functools.cache
def _kinds() -> Flags:
    """By length and by the first four digits: which kinds a run of digits may be, as bits."""
    length = np.arange(_LENGTH_MAX + 1)[:, None]
    head = np.arange(_FEWER + 1)
    two = head // 100
    mobile = (length == 11) & (head >= 1300) & (head < 2000)
    mobile |= (length == 13) & (head >= 8613) & (head < 8620)
    toll = (length == 10) & ((head // 10 == 400) | (head // 10 == 800))
    landline = (length >= 10) & (length <= 12) & (head < 1000) & (head >= 100)
    abroad = (length >= 7) & (length <= 15) & (head < 100)
    hotline = (two == 95) | (two == 96)
    service = (length == 5) & (hotline | (two == 10) | (two == 12))
    service |= (length >= 6) & (length <= 10) & hotline
    found = np.full((_LENGTH_MAX + 1, _FEWER + 1), _AMOUNT, np.uint8)
    found[mobile | toll | landline | abroad] |= _PHONE
    found[mobile] |= _MOBILE
    found[service] |= _SERVICE
    found[(length >= 16) & (length <= 19) & (head >= 0)] |= _CARD
    found[(length >= 4) & (length <= 8) & (head >= 0)] |= _SHORT
    found[(length >= 4) & (two == 62)] |= _MASKED_CARD
    return found


@functools.cache
def _allowed() -> Flags:
    """By what the characters around a run say: which kinds it may still be, as bits."""
    around = np.arange(256)
    found = np.full(256, _PHONE | _MOBILE | _SERVICE, np.uint8)
    found[around & _MONEY_BEFORE == 0] |= _CARD
    found[around & _MASK != 0] |= _MASKED_CARD
    found[around & _MONEY_AFTER == 0] |= _SHORT
    found[around & (_MONEY_BEFORE | _MONEY_AFTER) != 0] |= _AMOUNT
    return found


class _Runs(Struct, frozen=True):
    """Runs of digits with what is needed to tell what they are."""

    starts: Places
    ends: Places
    lengths: Places
    heads: Places
    """The first four digits as a number; `_FEWER` where there are fewer."""
    befores: Flags
    """What the character before says, as bits;"""
    afters: Flags
    """and the one behind."""


Numbers = tuple[Places, Places, Places]
"""What they are (places in `NUMBERS`), where they begin, where they end."""


def numbers_seen(block: Block) -> Numbers:
    """Every number of the block; what may be several things is there several times."""
    # One place more at each end, that is no number's.
    roles = np.zeros(len(block.points) + 2, np.uint8)
    roles[1:-1] = _ROLES[block.points]
    found: list[Numbers] = []
    seen = int(np.bitwise_or.reduce(roles))
    if seen & _DIGIT:
        runs = _runs_of(block, roles)
        around = (runs.befores & _MONEY_BEFORE) | (runs.afters & (_MONEY_AFTER | _MASK))
        kinds = _kinds()[np.minimum(runs.lengths, _LENGTH_MAX), runs.heads] & _allowed()[around]
        which, rows = ((_BITS[:, None] & kinds) != 0).nonzero()
        found.append((which, runs.starts[rows], runs.ends[rows]))
        if seen & _JOIN:
            found += _in_parts(runs, block)
    if seen & _NUMERAL:
        found.append(_written_amounts(block, roles))
    if len(found) == 1:
        return found[0]
    whats, starts, ends = zip(*found or [(_NOWHERE,) * 3], strict=True)
    return np.concatenate(whats), np.concatenate(starts), np.concatenate(ends)


def _runs_of(block: Block, roles: Flags) -> _Runs:
    """Every run of digits."""
    starts, ends = runs_of(roles & _DIGIT != 0)
    lengths = ends - starts
    heads = np.full(len(starts), _FEWER, np.int64)
    long = (lengths >= _HEAD).nonzero()[0]
    digits = block.points[starts[long][:, None] + _FOUR].astype(np.int64) - ord("0")
    heads[long] = (digits * _PLACES).sum(axis=1)
    return _Runs(starts, ends, lengths, heads, roles[starts], roles[ends + 1])


_HEAD: Final = 4
_FOUR: Final = np.arange(_HEAD)
_PLACES: Final = np.array([1000, 100, 10, 1], np.int64)
_NOWHERE: Final = np.zeros(0, np.int64)


def _in_parts(runs: _Runs, block: Block) -> list[Numbers]:
    """Numbers written in groups: 021-6543 2100 as 0xx-, 400-xxx-xxxx, 138 0013 8000."""
    gap = (runs.starts[1:] - runs.ends[:-1] == 1) & (runs.afters[:-1] & _JOIN != 0)
    if not np.count_nonzero(gap):
        return []
    lengths = runs.lengths
    area = (lengths[:-1] >= 3) & (lengths[:-1] <= 4) & (block.points[runs.starts[:-1]] == ord("0"))
    two = gap & area & ((lengths[1:] == 7) | (lengths[1:] == 8))
    found = [(runs.starts[:-1][two], runs.ends[1:][two])]
    if len(runs.starts) > 2:
        three = gap[:-1] & gap[1:] & (lengths[:-2] == 3)
        whole = lengths[1:-1] + lengths[2:]
        first = block.points[runs.starts[:-2]]
        toll = three & (whole == 7) & (first == ord("4"))
        mobile = three & (whole == 8) & (first == ord("1"))
        found.append((runs.starts[:-2][toll | mobile], runs.ends[2:][toll | mobile]))
    return [(np.full(len(starts), _IS_PHONE), starts, ends) for starts, ends in found]


def _written_amounts(block: Block, roles: Flags) -> Numbers:
    """Amounts in Chinese numerals: 三千八百元, 两万."""
    starts, ends = runs_of(roles & _NUMERAL != 0)
    last = block.points[ends - 1]
    money = roles[ends + 1] & _UNIT_AFTER != 0
    # 两万 and 三千 name sums without a unit; 一千 of anything else is no harm.
    money |= (
        (ends - starts == 2)
        & ((last == ord("万")) | (last == ord("千")))
        & (block.points[starts] != ord("千"))
    )
    return np.full(np.count_nonzero(money), _IS_AMOUNT), starts[money], ends[money]
