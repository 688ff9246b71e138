"""Who was in contact with whom: open-addressing tables of 64-bit keys, ten bytes a pair."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tideng.calls.detector.compiling import kernel

LOAD_MAX: Final = 0.6
SIZE_MIN: Final = 1 << 12

Keys = NDArray[np.uint64]


@kernel
def slot_of(keys: Keys, key: np.uint64) -> int:
    """Where `key` is, or the free slot where it belongs. The table is never full."""
    mask = np.uint64(len(keys) - 1)
    at = (key ^ (key >> np.uint64(29))) & mask
    while keys[at] != 0 and keys[at] != key:
        at = (at + np.uint64(1)) & mask
    return int(at)


@kernel
def rehash(old: Keys, into: Keys, order: NDArray[np.int64]) -> None:
    """Put every key of `old` into the larger table; `order[i]` is where slot i went, or -1."""
    for i in range(len(old)):
        order[i] = -1
        if old[i] != 0:
            at = slot_of(into, old[i])
            into[at] = old[i]
            order[i] = at


class Pairs:
    """Contacts between lines and numbers: the day of the first, so that a redial is told from an old
    friend."""

    def __init__(self, expected: int = 0) -> None:
        size = SIZE_MIN
        while size * LOAD_MAX < expected:
            size *= 2
        self.keys: Keys = np.zeros(size, np.uint64)
        self.first_day: NDArray[np.int16] = np.zeros(size, np.int16)
        self.count: NDArray[np.int64] = np.zeros(1, np.int64)

    def make_room(self, more: int) -> None:
        """Grow so that `more` new keys fit."""
        size = len(self.keys)
        if (int(self.count[0]) + more) <= size * LOAD_MAX:
            return
        while (int(self.count[0]) + more) > size * LOAD_MAX:
            size *= 2
        keys = np.zeros(size, np.uint64)
        order = np.empty(len(self.keys), np.int64)
        rehash(self.keys, keys, order)
        first_day = np.zeros(size, np.int16)
        moved = order >= 0
        first_day[order[moved]] = self.first_day[moved]
        self.keys, self.first_day = keys, first_day


class Numbers:
    """How many watched lines were in contact with a number, and which loud line called it last."""

    def __init__(self, expected: int = 0) -> None:
        size = SIZE_MIN
        while size * LOAD_MAX < expected:
            size *= 2
        self.keys: Keys = np.zeros(size, np.uint64)
        self.lines: NDArray[np.uint8] = np.zeros(size, np.uint8)
        self.loud_line: NDArray[np.int32] = np.full(size, -1, np.int32)
        self.loud_at: NDArray[np.int64] = np.zeros(size, np.int64)
        self.count: NDArray[np.int64] = np.zeros(1, np.int64)

    def make_room(self, more: int) -> None:
        """Grow so that `more` new keys fit."""
        size = len(self.keys)
        if (int(self.count[0]) + more) <= size * LOAD_MAX:
            return
        while (int(self.count[0]) + more) > size * LOAD_MAX:
            size *= 2
        keys = np.zeros(size, np.uint64)
        order = np.empty(len(self.keys), np.int64)
        rehash(self.keys, keys, order)
        moved = order >= 0
        for name, empty in (("lines", 0), ("loud_line", -1), ("loud_at", 0)):
            column = getattr(self, name)
            larger = np.full(size, empty, column.dtype)
            larger[order[moved]] = column[moved]
            setattr(self, name, larger)
        self.keys = keys
