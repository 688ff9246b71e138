"""The Merkle tree as 256-wide tiles (c2sp.org/tlog-tiles): what is stored, and hashes read back. Pure.

The hash at (tile level L, tile n, position i) is the root of the complete subtree of 256**L leaves that
starts at leaf (256·n + i)·256**L. Level 0 holds leaf hashes. Only the last tile of a level may be partial.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256

from msgspec import Struct

from tideng.evidence.merkle import HASH_BYTES, Edge, fold

TILE_WIDTH = 256
TILE_HEIGHT = 8
TILE_BYTES = TILE_WIDTH * HASH_BYTES
PAIR_BYTES = 2 * HASH_BYTES
TILES_MAX = 4_096
"""Tiles `TileHashes` keeps: 32 MB; then it begins anew."""
ROOTS_MAX = 200_000


class Tile(Struct, frozen=True):
    """`hashes`: 1 to 256 hashes of 32 bytes, concatenated."""

    level: int
    n: int
    hashes: bytes


TileSource = Callable[[int, int], bytes | None]
"""`(level, n)` -> the stored hashes of that tile, or None if there is none."""


class TilesBroken(Exception):
    """A tile is missing or has the wrong length, or does not fit the one above it."""


class _Level:
    """The last tile of one level and the compact range inside it."""

    __slots__ = ("edge", "hashes", "n")

    def __init__(self, n: int, hashes: bytes) -> None:
        self.n = n
        self.hashes = bytearray(hashes)
        self.edge = Edge()
        self.edge.extend(split_hashes(hashes))


class TileEdge:
    """The right edge of the tree, tile by tile: append, know the root, go back to a mark."""

    def __init__(self) -> None:
        self.size = 0
        self._levels: list[_Level] = []

    @classmethod
    def load(cls, size: int, source: TileSource) -> "TileEdge":
        """The edge of a stored tree. `TilesBroken` if its last tiles do not fit each other and `size`."""
        edge = cls()
        edge.size = size
        level, count = 0, size
        while count:
            n, width = divmod(count, TILE_WIDTH)
            hashes = _exactly(source, level, n, width) if width else b""
            edge._levels.append(_Level(n, hashes))
            if n:
                above = source(level + 1, (n - 1) // TILE_WIDTH) or b""
                at = (n - 1) % TILE_WIDTH * HASH_BYTES
                if above[at : at + HASH_BYTES] != tile_root(_exactly(source, level, n - 1, TILE_WIDTH)):
                    raise TilesBroken(f"tile {n - 1} of level {level} does not fit the tile above it")
            level, count = level + 1, n
        return edge

    def extend(self, hashes: Sequence[bytes]) -> list[Tile]:
        """Append leaf hashes; the tiles that became full, in the order in which they did."""
        full: list[Tile] = []
        self.size += len(hashes)
        level = 0
        while hashes:
            if level == len(self._levels):
                self._levels.append(_Level(0, b""))
            hashes = self._extend_level(level, hashes, full)
            level += 1
        return full

    def _extend_level(self, level: int, hashes: Sequence[bytes], full: list[Tile]) -> list[bytes]:
        last = self._levels[level]
        upward: list[bytes] = []
        start = 0
        while start < len(hashes):
            some = hashes[start : start + TILE_WIDTH - last.edge.size]
            last.hashes += b"".join(some)
            last.edge.extend(some)
            start += len(some)
            if last.edge.size == TILE_WIDTH:
                full.append(Tile(level, last.n, bytes(last.hashes)))
                upward.append(last.edge.root())
                last = self._levels[level] = _Level(last.n + 1, b"")
        return upward

    def partial(self) -> list[Tile]:
        """The last tile of each level that has one, lowest level first; never a full one."""
        return [Tile(i, level.n, bytes(level.hashes)) for i, level in enumerate(self._levels) if level.hashes]

    def root(self) -> bytes:
        """The root of everything appended."""
        return fold([top for level in reversed(self._levels) for top in level.edge.stack])

    def mark(self) -> object:
        """Where we are; a few kilobytes are copied."""
        return (
            self.size,
            [(level.n, bytes(level.hashes), level.edge.size, level.edge.stack) for level in self._levels],
        )

    def restore(self, mark: object) -> None:
        """Go back to what `mark` returned."""
        if not isinstance(mark, tuple):
            raise TypeError("restore takes what mark returned")
        self.size, levels = mark
        self._levels = []
        for n, hashes, size, stack in levels:
            level = _Level(n, b"")
            level.hashes, level.edge = bytearray(hashes), Edge(size, stack)
            self._levels.append(level)


class TileHashes:
    """Subtree hashes read from tiles, as `merkle`'s proofs ask for them; those of one tree share most."""

    def __init__(self, source: TileSource) -> None:
        self._source = source
        self._tiles: dict[tuple[int, int], bytes] = {}
        self._roots: dict[tuple[int, int], bytes] = {}

    def __call__(self, level: int, n: int) -> bytes:
        """The hash of the n-th complete subtree of 2**level leaves. `TilesBroken` if its tile lacks it."""
        found = self._roots.get((level, n))
        if found is None:
            found = tile_root(self._part(level, n))
            if len(self._roots) >= ROOTS_MAX:
                self._roots.clear()
            self._roots[level, n] = found
        return found

    def _part(self, level: int, n: int) -> bytes:
        tile_level, height = divmod(level, TILE_HEIGHT)
        first = n << height
        tile, position = divmod(first, TILE_WIDTH)
        hashes = self._tiles.get((tile_level, tile))
        if hashes is None:
            hashes = self._source(tile_level, tile) or b""
            if len(self._tiles) >= TILES_MAX:
                self._tiles.clear()
            self._tiles[tile_level, tile] = hashes
        part = hashes[position * HASH_BYTES : (position + (1 << height)) * HASH_BYTES]
        if len(part) != HASH_BYTES << height:
            raise TilesBroken(f"tile {tile} of level {tile_level} is missing or too short")
        return part


def tile_root(hashes: bytes) -> bytes:
    """The root over 1, 2, 4, … 256 hashes of one tile."""
    # Two neighbours lie beside each other already: no list, no call, one hash each.
    while len(hashes) > HASH_BYTES:
        hashes = b"".join(
            [sha256(b"\x01" + hashes[i : i + PAIR_BYTES]).digest() for i in range(0, len(hashes), PAIR_BYTES)]
        )
    return hashes


def split_hashes(hashes: bytes) -> list[bytes]:
    """A tile's bytes as a list of hashes."""
    return [hashes[i : i + HASH_BYTES] for i in range(0, len(hashes), HASH_BYTES)]


def _exactly(source: TileSource, level: int, n: int, width: int) -> bytes:
    hashes = source(level, n)
    if hashes is None:
        raise TilesBroken(f"tile {n} of level {level} is missing")
    if len(hashes) != width * HASH_BYTES:
        raise TilesBroken(f"tile {n} of level {level} has {len(hashes)} bytes; {width * HASH_BYTES} are due")
    return hashes
