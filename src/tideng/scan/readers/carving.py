"""Numbers in bytes that belong to no file: text runs taken out of free space, slack and damaged structures.

Only numbers are looked for there: names and addresses read out of chance bytes would be inventions.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from tideng.scan.readers.blocks import Block
from tideng.scan.readers.ranges import Range

CARVED: Final = "carved"
PIECE_BYTES: Final = 1_000_000
SECTOR_BYTES: Final = 512
NUMBER_BYTES_MAX: Final = 256
"""A piece is cut at a byte that no number has, looked for so far back."""
_PLAIN: Final = re.compile(rb"[\t\x20-\x7e\x80-\xff]{6,}")
_WIDE: Final = re.compile(rb"(?:[\x20-\x7e]\x00){6,}")
_LINE_GAP_MAX: Final = 128
"""Bytes of other characters between two numbers of one line of UTF-16."""
_WORTH: Final = re.compile(rb"[0-9]{5}|[0-9](?:[ -]?[0-9]){6}|@")
_SOLID: Final = re.compile(rb"[\x21-\x7e\x80-\xff]")

ReadAt = Callable[[int, int], bytes]
"""(first byte, how many) -> so many bytes, fewer at the end."""


def carved(read: ReadAt, ranges: Iterable[Range]) -> Iterator[Block]:
    """The runs of text in these ranges, a line each. `first_line` of a block is the sector it begins in."""
    for start, end in ranges:
        at, rest = start, b""
        while at < end:
            more = read(at, min(PIECE_BYTES, end - at))
            if not more:
                break
            data = rest + more
            begin = at - len(rest)
            at += len(more)
            cut = len(data) if at >= end else _cut(data)
            piece, rest = data[:cut], data[cut:]
            lines = _runs(piece)
            if lines:
                yield Block(b"\n".join(lines) + b"\n", "utf-8", first_line=begin // SECTOR_BYTES + 1)


def _cut(data: bytes) -> int:
    """Where no number is cut in two: behind the last byte that none has."""
    for at in range(len(data) - 1, max(0, len(data) - NUMBER_BYTES_MAX), -1):
        # A zero may stand between the digits of UTF-16.
        if data[at] and not _SOLID.match(data, at):
            return at + 1
        if not data[at] and not data[at - 1]:
            return at + 1
    return len(data)


def _runs(data: bytes) -> list[bytes]:
    if not data.strip(b"\x00"):
        return []
    return [run for run in (*_PLAIN.findall(data), *_wide_lines(data)) if _WORTH.search(run)]


def _wide_lines(data: bytes) -> list[bytes]:
    """The plain characters of text in UTF-16, both orders: those of one line together."""
    lines: list[bytes] = []
    last = -_LINE_GAP_MAX - 1
    for match in _WIDE.finditer(data):
        start, end = match.span()
        text = data[start:end:2]
        # Big-endian: the zero stands before its character, so the last one is not in the match.
        if start and data[start - 1] == 0 and end < len(data) and 0x20 <= data[end] < 0x7F:
            text += data[end : end + 1]
        between = data[last:start]
        if start - last <= _LINE_GAP_MAX and b"\n\x00" not in between and b"\x00\n" not in between:
            lines[-1] += b" " + text
        else:
            lines.append(text)
        last = end
    return lines
