"""What was seen in a block of texts, asked by slot. `reading` sees it."""

from bisect import bisect_left
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tideng.text.expression import Truth, truth_of
from tideng.text.folding import Block
from tideng.text.links_seen import Hosts
from tideng.text.ordering import stretches
from tideng.text.phrasebook import Phrasebook

Places = NDArray[np.int64]
Flags = NDArray[np.bool_]
BY_CODE: Final = (
    "phone",
    "mobile",
    "service_phone",
    "card",
    "short_number",
    "amount",
    "link",
    "official_link",
    "fake_link",
    "short_link",
    "odd_ending",
    "account",
    "by_sound",
    "cut_inside",
    "disguised",
    "brief",
    "hidden_contact",
)
"""Slots that code fills."""
FAR: Final = 1_000_000
"""Between two texts, in `near`: farther than any distance asked for."""
_WORD: Final = 8
"""The second word may end, not begin, at the distance asked for."""


class Hits(Struct, frozen=True):
    """Everything seen, ordered by slot, then by where it begins, then by where it ends."""

    slots: Places
    starts: Places
    ends: Places
    texts: Places


class Sights:
    """Answers what an expression asks (`expression.Sights`), and keeps the answers."""

    def __init__(self, block: Block, hits: Hits, book: Phrasebook) -> None:
        self.block, self.hits = block, hits
        self._book = book
        self._count = len(block.texts)
        self._stretches = stretches(hits.slots)
        self._known: dict[int, Truth] = {}
        self._owners: Places | None = None
        self._lists: tuple[list[int], list[int], list[int]] | None = None
        self.everywhere: Truth = (1 << self._count) - 1

    @property
    def slot_names(self) -> tuple[str, ...]:
        """What the slots are called, by number."""
        return self._book.slot_names

    @property
    def hosts(self) -> Hosts:
        """What the book knows about hosts."""
        return self._book.hosts

    def filled(self) -> list[int]:
        """Every slot that some text of the block fills."""
        return list(self._stretches)

    def has(self, slot: int) -> Truth:
        """The texts in which the slot is filled."""
        known = self._known.get(slot)
        if known is None:
            derived = self._book.derived.get(slot)
            if derived is not None:
                known = derived.truth(self)
            else:
                here = self._stretches.get(slot)
                known = truth_of(self.hits.texts[slice(*here)], self._count) if here is not None else 0
            self._known[slot] = known
        return known

    def near(self, first: int, second: int, characters: int) -> Truth:
        """The texts in which both are filled, at most so many characters from the end of one to the other."""
        if first not in self._stretches or second not in self._stretches:
            return 0
        ones, others = slice(*self._stretches[first]), slice(*self._stretches[second])
        texts = self.hits.texts[ones]
        starts = self.hits.starts[others] + self.hits.texts[others] * FAR
        here = texts * FAR
        low = starts.searchsorted(self.hits.starts[ones] + here - characters - _WORD)
        high = starts.searchsorted(self.hits.ends[ones] + here + characters, side="right")
        return truth_of(texts[high > low], self._count)

    def of_text(self, slot: int, text: int) -> list[tuple[int, int]]:
        """Where the slot is filled in this text: spans in the joined block, in order."""
        if self._lists is None:
            self._lists = self._by_owner().tolist(), self.hits.starts.tolist(), self.hits.ends.tolist()
        keys, starts, ends = self._lists
        key = slot * self._count + text
        low = bisect_left(keys, key)
        high = bisect_left(keys, key + 1, low)
        return list(zip(starts[low:high], ends[low:high], strict=True))

    def one_of_each(self, slots: Places, texts: Places, is_first: Flags) -> tuple[Places, Places]:
        """By slot and text: start and end, in the joined block, of the longest span there (where `is_first`:
        of the first); where the slot is not filled, twice the place where the text begins."""
        keys = slots * self._count + texts
        owners = self._by_owner()
        low, high = owners.searchsorted(keys), owners.searchsorted(keys, side="right")
        filled = (high > low).nonzero()[0]
        starts = self.block.starts[texts]
        ends = starts.copy()
        if not len(filled):
            return starts, ends
        bounds = np.empty(2 * len(filled), np.int64)
        bounds[::2], bounds[1::2] = low[filled], high[filled]
        # The longest, of equals the first: one number holds both. One more behind the last, for a bound.
        count = len(owners)
        ranked = np.zeros(count + 1, np.int64)
        ranked[:-1] = (self.hits.ends - self.hits.starts) * (count + 1) + np.arange(count, 0, -1)
        longest = count - np.maximum.reduceat(ranked, bounds)[::2] % (count + 1)
        best = np.where(is_first[filled], bounds[::2], longest)
        starts[filled], ends[filled] = self.hits.starts[best], self.hits.ends[best]
        return starts, ends

    def _by_owner(self) -> Places:
        """By hit: one number for its slot and text; they are in this order."""
        if self._owners is None:
            self._owners = self.hits.slots * self._count + self.hits.texts
        return self._owners
