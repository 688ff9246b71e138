"""Numbers and mail addresses of a block, by kernels or by plain code: lines, kinds, keys."""

import re
from collections.abc import Callable
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tideng.identifiers.bank_card import issuer, luhn
from tideng.identifiers.resident_id import check_character
from tideng.identifiers.spans import context
from tideng.scan.kernels.kinds import BANK_CARD, EMAIL, MOBILE, RESIDENT_ID
from tideng.scan.kernels.plain import find_plain
from tideng.scan.keys import email_key
from tideng.scan.readers.blocks import Block
from tideng.scan.readers.text import split

BEFORE_BYTES: Final = 32
"""So far back words are looked for that say that a number is an order."""
_MAIL: Final = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9_.+%-]{0,63}@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,18}(?![A-Za-z0-9-])"
)
_FENCES: Final = np.zeros(256, np.bool_)
_FENCES[list(b',\t\n\r"|;')] = True
"""Behind these a number is a field of its own."""


@cache
def _room(size: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8], NDArray[np.uint64]]:
    return (
        np.empty(size, np.int64),
        np.empty(size, np.int64),
        np.empty(size, np.uint8),
        np.empty(size, np.uint64),
    )


def hits(
    data: bytes, encoding: str
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8], NDArray[np.uint64]]:
    """Numbers and mail addresses in bytes: starts, ends, kinds, keys, in order of place (in units for
    UTF-16).
    """
    from tideng.scan.kernels.digits import find_digits, find_emails, narrow
    from tideng.scan.kernels.lookup import lookup

    wide = encoding in ("gb18030", "gbk", "big5")
    buffer = narrow(data, encoding.endswith("be")) if "16" in encoding else np.frombuffer(data, np.uint8)
    size = 1 << max(12, (len(buffer) // 11 + 1).bit_length())
    starts, ends, kinds, keys = _room(size)
    n = find_digits(buffer, wide, encoding == "gb18030", *lookup(), starts, ends, kinds, keys)
    m = 0
    if b"@" in data:
        m = find_emails(buffer, starts[n:], ends[n:], keys[n:])
        kinds[n : n + m] = EMAIL
    total = n + m
    order = np.argsort(starts[:total], kind="stable") if m else slice(0, total)
    return starts[:total][order], ends[:total][order], kinds[:total][order], keys[:total][order]


def cards_of_columns(
    kinds: NDArray[np.uint8],
    keys: NDArray[np.uint64],
    before: Callable[[int], str],
    delimiter: str,
    columns: tuple[int, ...],
) -> NDArray[np.uint8]:
    """The kinds, where numbers that are a resident ID and a card alike are cards if their column says so.

    One card in some hundred thousand of those that begin like a region (62 is Gansu) passes every check of
    an ID. `before`: what stands on its line before the n-th hit. The key of both readings is the same.
    """
    from tideng.scan.kernels.lookup import lookup

    beginnings = np.unpackbits(lookup().leads).astype(np.bool_)
    doubtful = kinds == RESIDENT_ID
    doubtful[doubtful] = beginnings[(keys[doubtful] // np.uint64(10**13)).astype(np.int64)]
    kinds = kinds.copy()
    for place in np.flatnonzero(doubtful).tolist():
        first = f"{int(keys[place]):017}"
        number = first + check_character(first)
        if number.isdecimal() and luhn(number) and issuer(number):
            is_card = len(split(before(place), delimiter)) - 1 in columns
            kinds[place] = BANK_CARD if is_card else RESIDENT_ID
    return kinds


def plain_hits(
    block: Block, delimiter: str = "", cards: tuple[int, ...] = ()
) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.uint64], list[str]]:
    """As `hits`, without the compiler: lines, kinds, keys, and the characters of the first few."""
    text = block.data.decode(block.encoding, "replace")
    found = [
        (hit.start, hit.kind, hit.key, text[hit.start : hit.end])
        for hit in find_plain(text)
        if hit.kind not in (BANK_CARD, MOBILE)
        or not context.ORDER.search(
            text[max(0, hit.start - BEFORE_BYTES // 2) : hit.start].rpartition("\n")[2]
        )
    ]
    if "@" in text:
        found += [(mail.start(), EMAIL, email_key(mail[0]), mail[0]) for mail in _MAIL.finditer(text)]
        found.sort()
    ends = np.array([end.start() for end in re.finditer("\n", text)], np.int64)
    lines = np.searchsorted(ends, np.array([row[0] for row in found], np.int64)).astype(np.int64)
    kinds = np.array([row[1] for row in found], np.uint8)
    keys = np.array([row[2] for row in found], np.uint64)
    if cards:

        def before(place: int) -> str:
            return text[: found[place][0]].rpartition("\n")[2]

        kinds = cards_of_columns(kinds, keys, before, delimiter, cards)
    return lines, kinds, keys, [row[3] for row in found[:3]]


def _without_orders(
    block: Block, starts: NDArray[np.int64], kinds: NDArray[np.uint8], unit: int
) -> NDArray[np.bool_]:
    """Which hits stay: cards and mobiles that stand right behind 订单号, order= and the like do not."""
    keep = np.ones(len(starts), np.bool_)
    buffer = np.frombuffer(block.data, np.uint8)
    doubtful = ((kinds == BANK_CARD) | (kinds == MOBILE)) & (starts > 0)
    doubtful &= ~_FENCES[buffer[np.maximum(starts * unit - unit, 0)]]
    for place in np.flatnonzero(doubtful).tolist():
        at = int(starts[place]) * unit
        before = block.data[max(0, at - BEFORE_BYTES) : at].decode(block.encoding, "ignore")
        keep[place] = context.ORDER.search(before.rpartition("\n")[2]) is None
    return keep


def kernel_hits(
    block: Block, delimiter: str = "", cards: tuple[int, ...] = ()
) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.uint64], list[str]]:
    """Lines (from 0), kinds, keys, and the characters of the first few, by compiled kernels.

    `cards`: the columns, divided by `delimiter`, that hold card numbers.
    """
    starts, ends, kinds, keys = hits(block.data, block.encoding)
    unit = 2 if "16" in block.encoding else 1
    keep = _without_orders(block, starts, kinds, unit)
    starts, ends, kinds, keys = starts[keep], ends[keep], kinds[keep], keys[keep]
    if cards and unit == 1:

        def before(place: int) -> str:
            at = int(starts[place])
            return block.data[block.data.rfind(b"\n", 0, at) + 1 : at].decode(block.encoding, "replace")

        kinds = cards_of_columns(kinds, keys, before, delimiter, cards)
    places = (
        np.flatnonzero(np.frombuffer(block.data, np.uint8) == 10) if len(starts) else np.empty(0, np.int64)
    )
    lines = np.searchsorted(places, starts * unit).astype(np.int64)
    first = [block.data[a * unit : b * unit] for a, b in zip(starts[:3], ends[:3], strict=True)]
    return lines, kinds, keys, [raw.decode(block.encoding, "replace") for raw in first]
