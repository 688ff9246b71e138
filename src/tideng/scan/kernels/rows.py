"""Hits to records: which line each number stands on, and what stands on one line together. Compiled."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tideng.scan.kernels.compiled import kernel
from tideng.scan.kernels.kinds import BANK_CARD, EMAIL, MOBILE, RESIDENT_ID, RESIDENT_ID_OLD

_i64 = NDArray[np.int64]
_u64 = NDArray[np.uint64]
_u8 = NDArray[np.uint8]

COLUMNS: Final = ("id", "phone", "phone2", "card", "email")


@kernel
def fold(lines: _i64, kinds: _u8, keys: _u64, out_lines: _i64, out: _u64) -> int:
    """Fill one row per record from hits in order of their line; the number of records.

    A line (or row) is one record, unless it names several people: then it is one record for each resident ID,
    and the n-th mobile number, card and mail address go to the n-th of them.
    """
    n, at, made = len(lines), 0, 0
    while at < n:
        end = at
        people = 0
        while end < n and lines[end] == lines[at]:
            people += kinds[end] in (RESIDENT_ID, RESIDENT_ID_OLD)
            end += 1
        rows = 1 if people < 2 else people
        ids, phones, cards, mails = 0, 0, 0, 0
        for row in range(rows):
            out_lines[made + row] = lines[at]
            for column in range(5):
                out[made + row, column] = 0
        for hit in range(at, end):
            kind = kinds[hit]
            if kind in (RESIDENT_ID, RESIDENT_ID_OLD):
                if ids < rows:
                    out[made + ids, 0] = keys[hit]
                ids += 1
            elif kind == MOBILE:
                if rows > 1:
                    if phones < rows:
                        out[made + phones, 1] = keys[hit]
                elif phones < 2:
                    out[made, 1 + phones] = keys[hit]
                phones += 1
            elif kind == BANK_CARD:
                if cards < rows:
                    out[made + cards, 3] = keys[hit]
                cards += 1
            elif kind == EMAIL:
                if mails < rows:
                    out[made + mails, 4] = keys[hit]
                mails += 1
        made += rows
        at = end
    return made


def line_starts(data: bytes) -> _i64:
    """Offsets of the first byte of every line."""
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == 10) + 1
    starts = np.concatenate([np.zeros(1, np.int64), ends])
    return starts[:-1] if starts[-1] == len(data) else starts


@kernel
def filled(buf: _u8, starts: _i64, sign: int, place: int, wide: bool) -> int:
    """How many lines have something (but blanks and quotes) in field `place`, counted from 0."""
    n, total = len(buf), 0
    for line in range(len(starts)):
        at = starts[line]
        end = starts[line + 1] if line + 1 < len(starts) else n
        field, quoted = 0, False
        has = False
        while at < end:
            byte = buf[at]
            if wide and byte >= 0x81 and at + 1 < end:
                if field == place:
                    has = True
                at += 2
                continue
            if byte == 34:
                quoted = not quoted
            elif byte == sign and not quoted:
                field += 1
                if field > place:
                    break
            elif field == place and byte > 32:
                has = True
            at += 1
        total += has
    return total


_BLANK: Final = "".join(map(chr, range(33)))


def filled_plain(text: str, skip: int, sign: str, places: Sequence[int]) -> list[int]:
    """As `filled`, of decoded text without its first `skip` lines, for several fields at once."""
    counts = [0] * len(places)
    for line in text.split("\n")[skip:]:
        fields = _quoted(line, sign) if '"' in line else line.split(sign)
        size = len(fields)
        for which, place in enumerate(places):
            if place < size and fields[place].strip(_BLANK):
                counts[which] += 1
    return counts


def _quoted(line: str, sign: str) -> list[str]:
    """Fields of a line, the quotes left out; between quotes the sign divides nothing."""
    fields = [""]
    for number, piece in enumerate(line.split('"')):
        first, *more = [piece] if number % 2 else piece.split(sign)
        fields[-1] += first
        fields += more
    return fields
