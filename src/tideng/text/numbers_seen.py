"""Numbers in a block of folded texts: to call, to pay, of cards, of codes. Arrays, no loop over texts."""

import functools
from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tideng.text import tables_read as t
from tideng.text.folding import Block

Places = NDArray[np.int64]
Flags = NDArray[np.uint8]

_MONEY_BEFORE: Final = 1
_MONEY_AFTER: Final = 2
_UNIT_AFTER: Final = 4
"""Behind an amount in words: a sign of a currency does not stand there."""
_JOIN: Final = 8
_NUMERAL: Final = 16
_MASK: Final = 32
_CHARACTERS: Final = {
    _MONEY_BEFORE: "¥$￥£€",
    _MONEY_AFTER: "元块圆万￥",
    _UNIT_AFTER: "元块万",
    _JOIN: "- )",
    _NUMERAL: "零一二两三四五六七八九十百千万亿壹贰叁肆伍陆柒捌玖拾佰仟几",
    _MASK: "x*",
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
_KINDS: Final = {
    "phone": _PHONE,
    "mobile": _MOBILE,
    "service_phone": _SERVICE,
    "card": _CARD | _MASKED_CARD,
    "short_number": _SHORT,
    "amount": _AMOUNT,
}
_LENGTH_MAX: Final = 20
"""A longer run of digits is no number of any kind."""
_FEWER: Final = 10_000
"""Stands for the first four digits where there are fewer."""


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


class Spans(Struct, frozen=True):
    """Stretches of the folded block, in order."""

    starts: Places
    ends: Places


class Runs(Struct, frozen=True):
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


def _stretches(inside: NDArray[np.bool_]) -> Spans:
    """Where it is true; `inside` begins and ends with a false that is no place."""
    edges = (inside[1:] != inside[:-1]).nonzero()[0]
    return Spans(edges[::2], edges[1::2])


def runs_of(block: Block) -> Runs:
    """Every run of digits."""
    digit = np.zeros(len(block.points) + 2, np.bool_)
    digit[1:-1] = (block.classes & t.DIGIT) != 0
    spans = _stretches(digit)
    starts, ends = spans.starts, spans.ends
    padded = np.append(block.points, _PADDING)
    lengths = ends - starts
    heads = (padded[starts[:, None] + _FOUR] - np.uint32(ord("0"))).astype(np.int64) @ _PLACES
    heads[lengths < 4] = _FEWER
    return Runs(starts, ends, lengths, heads, _ROLES[padded[starts - 1]], _ROLES[padded[ends]])


_PADDING: Final = np.full(5, ord(" "), np.uint32)
_FOUR: Final = np.arange(4)
_PLACES: Final = np.array([1000, 100, 10, 1], np.int64)


def numbers_seen(block: Block) -> Iterator[tuple[str, Spans]]:
    """(kind, where) for phone, mobile, service_phone, card, short_number and amount."""
    runs = runs_of(block)
    if len(runs.starts):
        around = (runs.befores & _MONEY_BEFORE) | (runs.afters & (_MONEY_AFTER | _MASK))
        kinds = _kinds()[np.minimum(runs.lengths, _LENGTH_MAX), runs.heads] & _allowed()[around]
        present = int(np.bitwise_or.reduce(kinds))
        for kind, bits in _KINDS.items():
            if present & bits:
                chosen = (kinds & bits).nonzero()[0]
                yield kind, Spans(runs.starts[chosen], runs.ends[chosen])
        yield "phone", _in_parts(runs, block)
    yield "amount", _written_amounts(block)


def _in_parts(runs: Runs, block: Block) -> Spans:
    """Numbers written in groups: 021-6543 2100 as 0xx-, 400-xxx-xxxx, 138 0013 8000."""
    gap = (runs.starts[1:] - runs.ends[:-1] == 1) & (runs.afters[:-1] & _JOIN != 0)
    if not gap.any():
        return Spans(runs.starts[:0], runs.ends[:0])
    lengths = runs.lengths
    area = (lengths[:-1] >= 3) & (lengths[:-1] <= 4) & (block.points[runs.starts[:-1]] == ord("0"))
    two = gap & area & ((lengths[1:] == 7) | (lengths[1:] == 8))
    starts, ends = [runs.starts[:-1][two]], [runs.ends[1:][two]]
    if len(runs.starts) > 2:
        three = gap[:-1] & gap[1:] & (lengths[:-2] == 3)
        whole = lengths[1:-1] + lengths[2:]
        first = block.points[runs.starts[:-2]]
        toll = three & (whole == 7) & (first == ord("4"))
        mobile = three & (whole == 8) & (first == ord("1"))
        starts.append(runs.starts[:-2][toll | mobile])
        ends.append(runs.ends[2:][toll | mobile])
    order = np.argsort(np.concatenate(starts))
    return Spans(np.concatenate(starts)[order], np.concatenate(ends)[order])


def _written_amounts(block: Block) -> Spans:
    """Amounts in Chinese numerals: 三千八百元, 两万."""
    numeral = np.zeros(len(block.points) + 2, np.bool_)
    numeral[1:-1] = _ROLES[block.points] & _NUMERAL != 0
    spans = _stretches(numeral)
    starts, ends = spans.starts, spans.ends
    if not len(starts):
        return spans
    padded = np.append(block.points, np.uint32(32))
    last = padded[ends - 1]
    money = _ROLES[padded[ends]] & _UNIT_AFTER != 0
    # 两万 and 三千 name sums without a unit; 一千 of anything else is no harm.
    money |= (
        (ends - starts == 2) & ((last == ord("万")) | (last == ord("千"))) & (padded[starts] != ord("千"))
    )
    return Spans(starts[money], ends[money])
