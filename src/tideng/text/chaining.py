"""From literals to slots: the slots they fill, and the phrases with gaps that several of them make.

A phrase `a~4~b` is a chain: a literal of its first part, at most four characters, one of its second. Parts
are short and met everywhere (a figure, 元), so most of them are dropped before anything is looked at closely:
those whose partner the text does not have.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tideng.text.phrasebook import Phrasebook

Places = NDArray[np.int64]
Seen = tuple[Places, Places, Places]
"""Numbers (of literals or slots), starts and ends: one entry for each thing seen."""
_NONE: Final = -1
_FARTHER: Final = 100
"""More than any gap: so far apart are the last place of one part and the first of the next."""


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
        return rows, self.slots.take(before.take(rows) + np.arange(len(rows)))


class Chaining(Struct, frozen=True):
    """What literals fill, whole slots and parts of chains apart."""

    whole: Filled
    parts: Filled
    """Numbered from 0 on."""
    parts_from: int
    """The slot that part 0 is."""
    partners: Places
    """By part: the part without which nothing comes of it."""
    seconds: Places
    """By part: the part that is to follow it, _NONE behind the last;"""
    gaps: Places
    """after how many characters at most;"""
    makes: Places
    """and the slot that both are then: a whole one, or a part to be followed by another."""

    def slots(self, words: Seen, owners: Places, texts: int, clauses: Places) -> Seen:
        """The slots that these literals fill, alone and in chains.

        `owners`: by place in the block, its text, of so many `texts`; `clauses`: how many end before it.
        """
        literals, starts, ends = words
        rows, slots = self.whole.by(literals)
        seen = [(slots, starts[rows], ends[rows])]
        parts = self._useful(words, owners, texts)
        if len(parts[0]):
            seen += self._made(parts, clauses)
        numbers, begins, closes = zip(*seen, strict=True)
        return np.concatenate(numbers), np.concatenate(begins), np.concatenate(closes)

    def _useful(self, words: Seen, owners: Places, texts: int) -> Seen:
        """The parts whose partner is in the same text, as parts with starts and ends."""
        literals, starts, ends = words
        rows, parts = self.parts.by(literals)
        count = len(self.partners)
        before = (owners.take(starts) * count).take(rows)
        present = np.zeros(texts * count, np.bool_)
        present[before + parts] = True
        useful = present.take(before + self.partners.take(parts)).nonzero()[0]
        rows = rows[useful]
        return parts[useful], starts[rows], ends[rows]

    def _made(self, seen: Seen, clauses: Places) -> Iterator[Seen]:
        """The whole slots that these parts make, each with the nearest that may follow it in its clause."""
        parts, starts, ends = seen
        reach = len(clauses) + _FARTHER
        # One number for a part and where it begins: the next number from (what is to follow, where this
        # ends) on is the nearest of what is to follow, if it is one of that at all.
        keys = parts * reach + starts
        order = keys.argsort(kind="stable")
        keys, closes = keys[order], ends[order]
        firsts = (self.seconds[parts] != _NONE).nonzero()[0]
        parts, starts, ends = parts[firsts], starts[firsts], ends[firsts]
        while len(parts):
            seconds = self.seconds[parts]
            nearest = keys.searchsorted(seconds * reach + ends)
            np.minimum(nearest, len(keys) - 1, out=nearest)
            begins = keys[nearest] - seconds * reach
            fits = (begins >= ends) & (begins - ends <= self.gaps[parts])
            here = fits.nonzero()[0]
            here = here[clauses[begins[here]] == clauses[ends[here]]]
            slots, starts, ends = self.makes[parts[here]], starts[here], closes[nearest[here]]
            whole = slots < self.parts_from
            yield slots[whole], starts[whole], ends[whole]
            parts, starts, ends = slots[~whole] - self.parts_from, starts[~whole], ends[~whole]


def make_chaining(book: Phrasebook) -> Chaining:
    """Ready for the literals of this book."""
    parts_from = min((chain.first for chain in book.chains), default=len(book.slot_names))
    count = len(book.slot_names) - parts_from
    partners, gaps, makes = (np.zeros(count, np.int64) for _ in range(3))
    seconds = np.full(count, _NONE, np.int64)
    roots: dict[int, int] = {}
    for chain in book.chains:
        first, second = chain.first - parts_from, chain.second - parts_from
        seconds[first], gaps[first], makes[first] = second, chain.gap, chain.slot
        root = roots[chain.slot] = roots.get(chain.first, first)
        partners[second], partners[first] = root, second
    return Chaining(
        *_filled(book.slots_of, parts_from),
        parts_from,
        partners,
        seconds,
        gaps,
        makes,
    )


def _filled(slots_of: Sequence[Sequence[int]], parts_from: int) -> tuple[Filled, Filled]:
    """The whole slots of each literal, and its parts."""
    slots = np.array([slot for slots in slots_of for slot in slots], np.int64)
    owners = np.arange(len(slots_of)).repeat([len(slots) for slots in slots_of])
    is_part = slots >= parts_from
    found: list[Filled] = []
    for which, first in ((~is_part, 0), (is_part, parts_from)):
        counts = np.bincount(owners[which], minlength=len(slots_of))
        found.append(Filled(counts, np.cumsum(counts) - counts, slots[which] - first))
    whole, parts = found
    return whole, parts
