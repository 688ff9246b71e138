"""Numbers in a block of folded texts: to call, to pay, of cards, of codes. Arrays, no loop over texts."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tideng.text import tables_read as t
from tideng.text.folding import Block

Places = NDArray[np.int64]


def _among(characters: str) -> NDArray[np.bool_]:
    """By code point: whether it is one of these."""
    found = np.zeros(t.POINTS, np.bool_)
    found[[ord(character) for character in characters]] = True
    return found


_MONEY_AFTER: Final = _among("元块圆万￥")
_MONEY_BEFORE: Final = _among("¥$￥£€")
_JOINS: Final = _among("- )")
_NUMERALS: Final = _among("零一二两三四五六七八九十百千万亿壹贰叁肆伍陆柒捌玖拾佰仟几")
_MASK: Final = _among("x*")
_LIKE_MONEY_AFTER: Final = _among("元块万")


class Spans(Struct, frozen=True):
    """Stretches of the folded block, in order."""

    starts: Places
    ends: Places


class Runs(Struct, frozen=True):
    """Runs of digits with what is needed to tell what they are."""

    starts: Places
    ends: Places
    heads: Places
    """The first four digits as a number; fewer digits: -1."""
    befores: NDArray[np.uint32]
    afters: NDArray[np.uint32]

    @property
    def lengths(self) -> Places:
        """How many digits each has."""
        return self.ends - self.starts


def runs_of(block: Block) -> Runs:
    """Every run of digits."""
    digit = np.zeros(len(block.points) + 2, np.int8)
    digit[1:-1] = (block.classes & t.DIGIT) != 0
    edges = np.diff(digit)
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    padded = np.concatenate((block.points, np.full(5, ord(" "), np.uint32))).astype(np.int64)
    heads = np.zeros(len(starts), np.int64)
    for place in range(4):
        heads = heads * 10 + (padded[starts + place] - ord("0"))
    heads[ends - starts < 4] = -1
    befores = padded[starts - 1].astype(np.uint32)
    return Runs(starts, ends, heads, befores, padded[ends].astype(np.uint32))


def numbers_seen(block: Block) -> Iterator[tuple[str, Spans]]:
    """(kind, where) for phone, service, card, amount, digits and masked numbers."""
    runs = runs_of(block)
    lengths, heads = runs.lengths, runs.heads
    if len(lengths):
        mobile = (lengths == 11) & (heads >= 1300) & (heads < 2000)
        mobile |= (lengths == 13) & (heads >= 8613) & (heads < 8620)
        toll = (lengths == 10) & ((heads // 10 == 400) | (heads // 10 == 800))
        landline = ((lengths == 11) | (lengths == 12) | (lengths == 10)) & (heads < 1000) & (heads >= 100)
        abroad = (lengths >= 7) & (lengths <= 15) & (heads < 100) & (heads >= 0)
        plain = mobile | toll | landline | abroad
        yield "phone", Spans(runs.starts[plain], runs.ends[plain])
        yield "mobile", Spans(runs.starts[mobile], runs.ends[mobile])
        yield "phone", _in_parts(runs, block)
        service = (lengths == 5) & ((heads // 100 == 95) | (heads // 100 == 96) | (heads // 100 == 10))
        service |= (lengths == 5) & (heads // 100 == 12)
        service |= (lengths >= 6) & (lengths <= 10) & ((heads // 100 == 95) | (heads // 100 == 96))
        yield "service_phone", Spans(runs.starts[service], runs.ends[service])
        card = (lengths >= 16) & (lengths <= 19) & ~_MONEY_BEFORE[runs.befores]
        masked = (heads // 100 == 62) & _MASK[runs.afters] & (lengths >= 4)
        yield "card", Spans(runs.starts[card | masked], runs.ends[card | masked])
        short = (lengths >= 4) & (lengths <= 8) & ~_MONEY_AFTER[runs.afters]
        yield "short_number", Spans(runs.starts[short], runs.ends[short])
        money = _MONEY_AFTER[runs.afters] | _MONEY_BEFORE[runs.befores]
        yield "amount", Spans(runs.starts[money], runs.ends[money])
    yield "amount", _written_amounts(block)


def _in_parts(runs: Runs, block: Block) -> Spans:
    """Numbers written in groups: 021-6543 2100 as 0xx-, 400-xxx-xxxx, 138 0013 8000."""
    if len(runs.starts) < 2:
        return Spans(runs.starts[:0], runs.ends[:0])
    gap = (runs.starts[1:] - runs.ends[:-1] == 1) & _JOINS[runs.afters[:-1]]
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
    numeral = np.zeros(len(block.points) + 2, np.int8)
    numeral[1:-1] = _NUMERALS[block.points]
    edges = np.diff(numeral)
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    padded = np.append(block.points, np.uint32(32))
    last = padded[ends - 1] if len(ends) else padded[:0]
    money = _LIKE_MONEY_AFTER[padded[ends]]
    # 两万 and 三千 name sums without a unit; 一千 of anything else is no harm.
    money |= (
        (ends - starts == 2) & ((last == ord("万")) | (last == ord("千"))) & (padded[starts] != ord("千"))
    )
    return Spans(starts[money], ends[money])
