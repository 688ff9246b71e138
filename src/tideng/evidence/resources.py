"""What a C2SP tlog-tiles log serves: the names of its resources, and the bytes of entry bundles. Pure.

`checkpoint`, `tile/<L>/<N>[.p/<W>]` and `tile/entries/<N>[.p/<W>]` (c2sp.org/tlog-tiles). A log of size 0
has a checkpoint and nothing else: no tile may be empty.
"""

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct

from tideng.evidence.entries import ENTRY_BYTES_MAX
from tideng.evidence.tiles import TILE_WIDTH

CHECKPOINT = "checkpoint"
ENTRIES = -1
"""The level of an entry bundle: one below the leaf hashes, as it holds what they are hashes of."""
LEVEL_MAX = 63

_NAME = re.compile(
    r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII
)


class Resource(Struct, frozen=True, order=True):
    """One tile (`level` from 0) or entry bundle (`level` is `ENTRIES`); `width` is 256 when it is full."""

    level: int
    n: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """Its name below the log's prefix."""
        groups = [f"{self.n % 1000:03d}"]
        rest = self.n // 1000
        while rest:
            groups.append(f"x{rest % 1000:03d}")
            rest //= 1000
        level = "entries" if self.level == ENTRIES else str(self.level)
        part = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{level}/{'/'.join(reversed(groups))}{part}"


class BundleBroken(ValueError):
    """These bytes are not an entry bundle."""


def parse_path(path: str) -> Resource | None:
    """The resource of this name, or None. Only the one canonical spelling is a name."""
    found = _NAME.fullmatch(path)
    if found is None:
        return None
    level, index, width = found.groups()
    resource = Resource(
        ENTRIES if level == "entries" else int(level),
        int(index.replace("x", "").replace("/", "")),
        int(width) if width else TILE_WIDTH,
    )
    # Comparing with what we would write refuses extra groups of zeros and widths of 256 and more.
    is_known = resource.level <= LEVEL_MAX and (not width or resource.width < TILE_WIDTH)
    return resource if is_known and resource.path == path else None


def is_within(resource: Resource, size: int) -> bool:
    """True if a tree of `size` holds at least the hashes, or entries, of this resource."""
    complete = size >> (8 * max(resource.level, 0))
    return resource.n * TILE_WIDTH + resource.width <= complete


def resources(size: int, known: int = 0) -> Iterator[Resource]:
    """Everything a log of `size` serves besides its checkpoint, except what it served at size `known`.

    Entry bundles come first and higher levels last, so that what refers to something follows it.
    """
    for level in range(ENTRIES, LEVEL_MAX + 1):
        count = size >> (8 * max(level, 0))
        if not count:
            return
        full, width = divmod(count, TILE_WIDTH)
        before = known >> (8 * max(level, 0))
        for n in range(before // TILE_WIDTH, full):
            yield Resource(level, n)
        if width and before != count:
            yield Resource(level, full, width)


def encode_bundle(leaves: Sequence[bytes]) -> bytes:
    """Entries with their lengths as 16-bit big-endian numbers; ValueError if one is too long."""
    longest = max(map(len, leaves), default=0)
    if longest > ENTRY_BYTES_MAX:
        raise ValueError(f"an entry has {longest} bytes; the limit is {ENTRY_BYTES_MAX}")
    return b"".join([piece for leaf in leaves for piece in (len(leaf).to_bytes(2, "big"), leaf)])


def decode_bundle(bundle: bytes) -> list[bytes]:
    """The entries of a bundle. `BundleBroken` if a length does not fit."""
    leaves: list[bytes] = []
    at = 0
    while at < len(bundle):
        stop = at + 2 + int.from_bytes(bundle[at : at + 2], "big")
        if at + 2 > len(bundle) or stop > len(bundle):
            raise BundleBroken(f"entry {len(leaves)} of the bundle goes beyond its end")
        leaves.append(bundle[at + 2 : stop])
        at = stop
    return leaves
