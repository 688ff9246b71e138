"""Finding thousands of literals in a long text by arithmetic over all its places at once.

The hash of each window of the text comes from that of the window one shorter. For every length a table says
which hash a window must have to begin a literal (nearly all can begin none), and characters are compared.
Literals longer than `PREFIX` are looked for by their beginning. It takes some hundred steps of numpy,
whatever the number of literals; in a short text those cost more than an automaton does.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Places = NDArray[np.int64]
Hashes = NDArray[np.uint64]
PREFIX: Final = 8
_STEP: Final = np.uint64(0x9E3779B97F4A7C15)
"""Odd, so that no character is lost mod 2^64; the golden ratio's bits, so that neighbours fall apart."""
_BITS: Final = 17
_SHIFT: Final = np.uint64(64 - _BITS)
_NONE: Final = -1
_CROWD: Final = -2
HASHES_MAX: Final = 32_767
"""Beginnings of one length: the table holds their places in 16 bits."""


class _Beginnings(Struct, frozen=True):
    """The literals that are looked for by windows of one length."""

    window: int
    table: NDArray[np.int16]
    """By the upper bits of a hash: the place in `hashes` of the only one with them; or _NONE, or _CROWD."""
    hashes: Hashes
    """Sorted, each once."""
    firsts: Places
    """By place in `hashes`: where its literals begin in the arrays below;"""
    counts: Places
    """and how many there are."""
    numbers: Places
    lengths: Places
    characters: NDArray[np.uint32]
    """A row for each literal, filled up with 0, which no text has."""


class Windows:
    """Literals, ready to be found in long texts. May be used by several threads at once."""

    def __init__(self, literals: Sequence[str]) -> None:
        by_window: dict[int, list[int]] = {}
        for number, literal in enumerate(literals):
            by_window.setdefault(min(len(literal), PREFIX), []).append(number)
        by_window.pop(0, None)
        self._groups = [_beginnings(window, by_window[window], literals) for window in sorted(by_window)]
        self._longest = max(map(len, literals), default=0)

    def scan(self, text: str) -> tuple[Places, Places]:
        """(literal numbers, ends): every occurrence of every literal, in no order."""
        points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        padded = np.append(points, np.zeros(self._longest, np.uint32))
        characters = points.astype(np.uint64)
        found: list[tuple[Places, Places]] = []
        hashes, window = characters, 1
        for group in self._groups:
            while window < min(group.window, len(points)):
                hashes = hashes[:-1] * _STEP + characters[window:]
                window += 1
            if window < group.window:
                break
            found.append(_found(group, hashes, padded))
        if not found:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        return np.concatenate([one for one, _ in found]), np.concatenate([one for _, one in found])


def _found(group: _Beginnings, hashes: Hashes, points: NDArray[np.uint32]) -> tuple[Places, Places]:
    known = group.table[(hashes * _STEP) >> _SHIFT]
    places = (known != _NONE).nonzero()[0]
    known, hashes = known[places].astype(np.int64), hashes[places]
    crowded = (known == _CROWD).nonzero()[0]
    if len(crowded):
        sought = np.searchsorted(group.hashes, hashes[crowded])
        known[crowded] = np.minimum(sought, len(group.hashes) - 1)
    same = group.hashes[known] == hashes
    places, known = places[same], known[same]
    counts = group.counts[known]
    rows = np.repeat(group.firsts[known] - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
    places = np.repeat(places, counts)
    # Equal hashes are not yet equal words: whoever writes a text may have chosen them.
    wanted = group.characters[rows]
    there = points[places[:, None] + np.arange(wanted.shape[1])]
    same = ((there == wanted) | (wanted == 0)).all(axis=1)
    rows, places = rows[same], places[same]
    return group.numbers[rows], places + group.lengths[rows]


def _beginnings(window: int, numbers: Sequence[int], literals: Sequence[str]) -> _Beginnings:
    lengths = np.array([len(literals[number]) for number in numbers], np.int64)
    characters = np.zeros((len(numbers), int(lengths.max())), np.uint32)
    flat = np.frombuffer("".join(literals[number] for number in numbers).encode("utf-32-le"), np.uint32)
    rows = np.repeat(np.arange(len(numbers)), lengths)
    characters[rows, np.arange(len(flat)) - np.repeat(np.cumsum(lengths) - lengths, lengths)] = flat
    hashes = np.zeros(len(numbers), np.uint64)
    for place in range(window):
        hashes = hashes * _STEP + characters[:, place]
    order = np.argsort(hashes, kind="stable")
    each, firsts, counts = np.unique(hashes[order], return_index=True, return_counts=True)
    if len(each) > HASHES_MAX:
        raise ValueError(
            f"{len(each)} literals of length {window}; the limit is {HASHES_MAX}. Split the book"
        )
    table = np.full(1 << _BITS, _NONE, np.int16)
    upper = (each * _STEP) >> _SHIFT
    table[upper] = np.arange(len(each))
    crowds, crowd = np.unique(upper, return_counts=True)
    table[crowds[crowd > 1]] = _CROWD
    return _Beginnings(
        window,
        table,
        each,
        firsts,
        counts,
        np.array(numbers, np.int64)[order],
        lengths[order],
        characters[order],
    )
