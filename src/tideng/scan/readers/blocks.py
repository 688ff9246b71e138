"""What readers hand out: blocks of lines, and notes on what could not be read."""

from collections.abc import Iterator
from itertools import islice
from typing import Final, Literal

import msgspec
from msgspec import Struct

BLOCK_BYTES: Final = 8_000_000
"""A block is about this long, so that memory stays flat whatever a file holds."""
ROWS_AT_ONCE: Final = 20_000
"""A block of a table has so many rows."""
DEPTH_MAX: Final = 12
"""Archives inside archives are opened this deep."""
EXPANDED_BYTES_MAX: Final = 200_000_000_000
"""One file may unpack to this much altogether."""
RATIO_MAX: Final = 2_000
"""More than this many bytes out of one byte in is a bomb, once `BOMB_BYTES_LEAST` have come out."""
BOMB_BYTES_LEAST: Final = 100_000_000
MEMBER_BYTES_MAX: Final = 2_000_000_000
"""A member that must be held whole (a table or document inside an archive) may be this long."""
MEMBERS_MAX: Final = 2_000_000
"""One archive may have this many members."""

Reason = Literal[
    "encrypted",
    "damaged",
    "unsupported",
    "over_limit",
    "needs_extra",
    "not_a_file",
    "no_permission",
    "binary",
]
"""`unsupported`: a format we do not read. `binary`: no text in it that we know how to find."""


class Block(Struct, gc=False):
    """Some whole lines of one member, in one encoding."""

    data: bytes
    encoding: str
    is_table: bool = False
    delimiter: str = "\t"
    first_line: int = 1
    """The number of the first line (or row), from 1."""
    offset: int = -1
    """Where the block begins in its file; -1 if the bytes were made by a reader."""
    header: tuple[str, ...] = ()
    """Column names, when the table has them; then no line of `data` repeats them."""
    part: str = ""
    """Sheet, table or page inside the member."""


class Unread(Struct, frozen=True, gc=False):
    """Part of a member that could not be read."""

    member: str
    reason: Reason
    detail: str
    bytes: int
    """Of the member as it lies in its container, or in the file."""


class Budget(Struct):
    """What one file on disk may still cost: bytes unpacked, members opened, pictures read."""

    expanded: int = 0
    members: int = 0
    packed: int = 1
    """Bytes on disk: unpacked bytes are compared with them."""
    pictures: bool = False
    """Whether pictures are read, which takes a second or more for each."""

    def take(self, size: int) -> bool:
        """Count `size` unpacked bytes; False when a limit is passed (nothing more should be unpacked)."""
        self.expanded += size
        # An image of a large disk holds no more than it is long.
        if self.expanded > max(EXPANDED_BYTES_MAX, 2 * self.packed):
            return False
        return self.expanded < BOMB_BYTES_LEAST or self.expanded <= RATIO_MAX * max(1, self.packed)


class CannotRead(Exception):
    """A member could not be read (further). `reason` is one of `Reason`."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason: Reason = reason
        self.detail = detail


class Part(Struct):
    """One member of a file (or the file itself) and its blocks, which are read as they are taken."""

    name: str
    format: str
    size: int
    blocks: Iterator[Block]
    packed: int = -1
    """Bytes it takes in its container; -1 if the container does not say."""


def lines_of_rows(
    rows: Iterator[list[str]], header: tuple[str, ...], part: str, first: int = 1
) -> Iterator[Block]:
    """Rows of text as tab-separated blocks; tabs and line ends inside cells become spaces."""
    start = first
    while held := list(islice(rows, ROWS_AT_ONCE)):
        yield Block(_lines(held), "utf-8", True, "\t", start, -1, header, part)
        start += len(held)


def _lines(rows: list[list[str]]) -> bytes:
    text = "\n".join(map("\t".join, rows)) + "\n"
    # Looking once at the whole is cheaper than at every row; cells with tabs or line ends are rare.
    tabs = sum(map(len, rows)) - sum(map(bool, rows))
    if "\r" in text or text.count("\n") != len(rows) or text.count("\t") != tabs:
        text = "\n".join("\t".join(" ".join(cell.split()) for cell in row) for row in rows) + "\n"
    return text.encode("utf-8", "surrogatepass")


def text_block(text: str, part: str = "") -> Block:
    """A text made by a reader, as one block."""
    return Block(text.encode("utf-8", "surrogatepass"), "utf-8", part=part)


def short(error: Exception) -> str:
    """An error in a few words, without the content that it may quote."""
    return msgspec.json.encode(str(error)[:120]).decode() if str(error) else type(error).__name__
