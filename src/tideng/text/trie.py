"""Finding thousands of literals in a long text by arithmetic over all its places at once.

All places go down a trie of the literals together, a character a step; nearly all are out of it after two or
three, and a table of the pairs that literals begin with keeps most from taking the first step. A step costs
some ten calls of numpy, whatever the number of literals and places; in a short text those cost more than an
automaton does.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Places = NDArray[np.int64]
Nodes = NDArray[np.int32]
Keys = NDArray[np.uint64]
_SPREAD: Final = np.uint64(0x9E3779B97F4A7C15)
"""Odd, so that no bit of a key is lost mod 2^64; the golden ratio's bits, so that neighbours fall apart."""
_FREE: Final = np.uint64(0xFFFFFFFFFFFFFFFF)
"""No key: a key is a node above 21 bits of a character."""
_CHARACTER_BITS: Final = np.uint64(21)
_POINTS: Final = 0x110000
_NO_CHARACTER: Final = 0xFFFFFFFF
"""Behind the end of a literal."""
_PAIR_BITS: Final = 17
_PAIR_SHIFT: Final = np.uint32(32 - _PAIR_BITS)
_FIRST: Final = np.uint32(0x01000193)
_SECOND: Final = np.uint32(0x9E3779B1)
_OUT: Final = 0
"""The root's number: no edge leads there. Memory that holds only noughts is never taken."""
_ROOMY: Final = 2
"""The table of edges has at least so many places for each: most look-ups then need one step."""


class _Edges(Struct, frozen=True):
    """From a node and a character to the next node: a table of open addressing, a power of two long."""

    keys: Keys
    """(node << 21 | character), or _FREE."""
    nodes: Nodes
    shift: np.uint64

    def follow(self, nodes: Nodes, characters: NDArray[np.uint32]) -> Nodes:
        """By place: the next node, or _OUT."""
        wanted = _keys(nodes, characters)
        at = (wanted * _SPREAD >> self.shift).astype(np.int64)
        there = self.keys.take(at)
        found = np.where(there == wanted, self.nodes.take(at), np.int32(_OUT))
        # Another edge may sit where this one belongs; then it sits in the next free place.
        todo = ((there != wanted) & (there != _FREE)).nonzero()[0]
        while len(todo):
            at[todo] = (at[todo] + 1) & (len(self.keys) - 1)
            there = self.keys[at[todo]]
            same = there == wanted[todo]
            found[todo[same]] = self.nodes[at[todo[same]]]
            todo = todo[~same & (there != _FREE)]
        return found


class Trie:
    """Literals, ready to be found in long texts. May be used by several threads at once."""

    def __init__(self, literals: Sequence[str]) -> None:
        order = np.array(sorted(range(len(literals)), key=literals.__getitem__), np.int64)
        lengths = np.array([len(literals[place]) for place in order.tolist()], np.int64)
        # Literals as rows, in order; those that begin alike are neighbours.
        characters = np.full((len(order), int(lengths.max(initial=1))), _NO_CHARACTER, np.uint32)
        written = "".join(literals[place] for place in order.tolist()).encode("utf-32-le", "surrogatepass")
        inside = np.arange(characters.shape[1]) < lengths[:, None]
        characters[inside] = np.frombuffer(written, np.uint32)
        fresh = inside.copy()
        fresh[1:] &= np.logical_or.accumulate(characters[1:] != characters[:-1], axis=1)
        numbers = fresh.cumsum(dtype=np.int32).reshape(fresh.shape)
        nodes = np.maximum.accumulate(np.where(fresh, numbers, np.int32(0)), axis=0)
        parents = np.column_stack((np.zeros(len(order), np.int32), nodes[:, :-1]))
        first = fresh[:, 0].nonzero()[0]
        self._roots = np.zeros(_POINTS, np.int32)
        """By character: the node that a literal begins with, or _OUT."""
        self._roots[characters[first, 0]] = nodes[first, 0]
        deeper = fresh[:, 1:]
        self._edges = _edges(parents[:, 1:][deeper], characters[:, 1:][deeper], nodes[:, 1:][deeper])
        ends = nodes[np.arange(len(order)), np.maximum(lengths - 1, 0)]
        count = int(nodes.max(initial=0)) + 1
        self._counts = np.bincount(ends, minlength=count)
        """By node: how many literals end there; two words may sound alike."""
        self._firsts = np.cumsum(self._counts) - self._counts
        self._literals = order[np.argsort(ends, kind="stable")]
        """By node, those literals."""
        self._leads_on = np.zeros(count, np.bool_)
        """By node: whether an edge leaves it."""
        self._leads_on[parents[:, 1:][deeper]] = True
        self._is_word = np.zeros(_POINTS, np.bool_)
        """By character: whether it is a literal alone."""
        self._is_word[characters[first, 0]] = self._counts[nodes[first, 0]] > 0
        self._begins = np.zeros(1 << _PAIR_BITS, np.bool_)
        """By pair of characters: whether a literal may begin so."""
        if characters.shape[1] > 1:
            second = fresh[:, 1].nonzero()[0]
            self._begins[_pairs(characters[second, 0], characters[second, 1])] = True

    def scan(self, text: str) -> tuple[Places, Places]:
        """(literal numbers, ends): every occurrence of every literal, in no order."""
        points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        alone = self._is_word.take(points).nonzero()[0]
        ended: list[tuple[Nodes, Places]] = [(self._roots[points[alone]], alone + 1)]
        here = self._begins.take(_pairs(points[:-1], points[1:])).nonzero()[0]
        nodes = self._roots[points.take(here)]
        here, nodes = _kept(here, nodes, nodes != _OUT)
        depth = 1
        while len(here):
            nodes = self._edges.follow(nodes, points.take(here + depth))
            here, nodes = _kept(here, nodes, nodes != _OUT)
            depth += 1
            full, last = _kept(here, nodes, self._counts.take(nodes) > 0)
            ended.append((last, full + depth))
            here, nodes = _kept(here, nodes, self._leads_on.take(nodes))
            if len(here) and here[-1] + depth == len(points):
                here, nodes = here[:-1], nodes[:-1]
        last = np.concatenate([one for one, _ in ended])
        ends = np.concatenate([one for _, one in ended])
        counts = self._counts.take(last)
        if int(counts.max(initial=1)) == 1:
            return self._literals.take(self._firsts.take(last)), ends
        rows = (self._firsts[last] - np.cumsum(counts) + counts).repeat(counts) + np.arange(counts.sum())
        return self._literals[rows], ends.repeat(counts)


def _kept(here: Places, nodes: Nodes, which: NDArray[np.bool_]) -> tuple[Places, Nodes]:
    places = which.nonzero()[0]  # picking by places is several times as quick as by flags
    return here.take(places), nodes.take(places)


def _pairs(first: NDArray[np.uint32], second: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """By place: the pair's place in a table; several pairs may share one."""
    found: NDArray[np.uint32] = (first * _FIRST + second) * _SECOND >> _PAIR_SHIFT
    return found


def _keys(nodes: Nodes, characters: NDArray[np.uint32]) -> Keys:
    return nodes.astype(np.uint64) << _CHARACTER_BITS | characters


def _edges(parents: Nodes, characters: NDArray[np.uint32], nodes: Nodes) -> _Edges:
    bits = max(4, (_ROOMY * len(nodes)).bit_length())
    table, shift = np.full(1 << bits, _FREE, np.uint64), np.uint64(64 - bits)
    held = np.zeros(1 << bits, np.int32)
    keys = _keys(parents, characters)
    at = (keys * _SPREAD >> shift).astype(np.int64)
    todo = np.arange(len(keys))
    while len(todo):
        free = todo[table[at[todo]] == _FREE]
        # Of several that want one place, the last written gets it.
        table[at[free]], held[at[free]] = keys[free], nodes[free]
        todo = todo[table[at[todo]] != keys[todo]]
        at[todo] = (at[todo] + 1) & (len(table) - 1)
    return _Edges(table, held, shift)
