"""From literals to slots: the slots they fill, and the phrases with gaps that several of them make.

A phrase `a~4~b` is a chain: a literal of its first part, at most four characters, one of its second. Parts
are short and met everywhere (a figure, 元), so most of them are dropped before anything is looked at closely:
those whose partner the text does not have.
"""

from bisect import insort
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tideng.text.ordering import order_by, stretches
from tideng.text.phrasebook import Chain, Phrasebook

Places = NDArray[np.int64]
Seen = tuple[Places, Places, Places]
"""Numbers (of literals or slots), starts and ends: one entry for each thing seen."""
_NOTHING: Final = np.zeros(0, np.int64)


class Filled(Struct, frozen=True):
    """The slots of each literal, one behind the other."""

    counts: Places
    firsts: Places
    slots: Places

    def by(self, literals: Places) -> tuple[Places, Places]:
        """Which of `literals` fills which slot: places in it, and slots."""
        counts = self.counts[literals]
        rows = np.arange(len(literals)).repeat(counts)
        before = self.firsts[literals] - counts.cumsum() + counts
        return rows, self.slots[before[rows] + np.arange(len(rows))]


class Chaining(Struct, frozen=True):
    """What literals fill, whole slots and parts of chains apart."""

    whole: Filled
    parts: Filled
    """Numbered from 0 on."""
    parts_from: int
    """The slot that part 0 is."""
    partners: Places
    """By part: the part without which nothing comes of it."""
    chains: tuple[Chain, ...]
    chains_from: Mapping[int, tuple[int, ...]]
    """By slot: the chains that begin with it."""

    def slots(self, words: Seen, owners: Places, texts: int, clauses: Places) -> Seen:
        """The slots that these literals fill, alone and in chains.

        `owners`: by place in the block, its text, of so many `texts`; `clauses`: how many end before it.
        """
        literals, starts, ends = words
        rows, slots = self.whole.by(literals)
        made = self._made(self._useful(words, owners, texts), clauses)
        seen = [(slots, starts[rows], ends[rows]), *made]
        numbers, begins, closes = zip(*seen, strict=True)
        return np.concatenate(numbers), np.concatenate(begins), np.concatenate(closes)

    def _useful(self, words: Seen, owners: Places, texts: int) -> Seen:
        """The parts whose partner is in the same text, as slots, ordered by slot and place."""
        literals, starts, ends = words
        rows, parts = self.parts.by(literals)
        count = len(self.partners)
        before = owners[starts][rows] * count
        present = np.zeros(texts * count, np.bool_)
        present[before + parts] = True
        useful = present[before + self.partners[parts]].nonzero()[0]
        rows, slots = rows[useful], parts[useful] + self.parts_from
        starts = starts[rows]
        order = order_by(slots, starts)
        return slots[order], starts[order], ends[rows[order]]

    def _made(self, parts: Seen, clauses: Places) -> Iterator[Seen]:
        """What chains make of these parts, by slot."""
        slots, starts, ends = parts
        filled = stretches(slots)
        todo = sorted({place for slot in filled for place in self.chains_from.get(slot, ())})
        made: dict[int, tuple[Places, Places]] = {}
        while todo:
            chain = self.chains[todo.pop(0)]
            if chain.second not in filled:
                continue
            first = made.get(chain.first)
            if first is None:
                here = slice(*filled[chain.first])
                first = starts[here], ends[here]
            there = slice(*filled[chain.second])
            joined = _joined(first, (starts[there], ends[there]), chain.gap, clauses)
            if not len(joined[0]):
                continue
            known = made.get(chain.slot)
            if known is not None:
                joined = np.append(known[0], joined[0]), np.append(known[1], joined[1])
            made[chain.slot] = joined
            for place in self.chains_from.get(chain.slot, ()):
                if place not in todo:
                    insort(todo, place)
        for slot, (begins, closes) in made.items():
            if slot < self.parts_from:
                yield np.full(len(begins), slot, np.int64), begins, closes


def _joined(
    first: tuple[Places, Places], second: tuple[Places, Places], gap: int, clauses: Places
) -> tuple[Places, Places]:
    """From the start of each first part to the end of the nearest second part, where the gap allows it.

    The second parts are in order.
    """
    begins, closes = second
    place = begins.searchsorted(first[1])
    fits = place < len(begins)
    nearest = np.minimum(place, len(begins) - 1)
    fits &= begins[nearest] - first[1] <= gap
    fits &= clauses[begins[nearest]] == clauses[first[1]]
    return first[0][fits], closes[nearest[fits]]


def make_chaining(book: Phrasebook) -> Chaining:
    """Ready for the literals of this book."""
    parts_from = min((chain.first for chain in book.chains), default=len(book.slot_names))
    partners = np.zeros(len(book.slot_names) - parts_from, np.int64)
    begins: dict[int, tuple[int, ...]] = {}
    roots: dict[int, int] = {}
    for place, chain in enumerate(book.chains):
        begins[chain.first] = (*begins.get(chain.first, ()), place)
        root = roots.get(chain.first, chain.first)
        roots[chain.slot] = root
        partners[chain.second - parts_from] = root - parts_from
        if root == chain.first:
            partners[root - parts_from] = chain.second - parts_from
    return Chaining(
        _filled([[slot for slot in slots if slot < parts_from] for slots in book.slots_of]),
        _filled([[slot - parts_from for slot in slots if slot >= parts_from] for slots in book.slots_of]),
        parts_from,
        partners,
        book.chains,
        begins,
    )


def _filled(slots: Sequence[Sequence[int]]) -> Filled:
    counts = np.array([len(one) for one in slots], np.int64)
    return Filled(counts, np.cumsum(counts) - counts, np.array([s for one in slots for s in one], np.int64))
