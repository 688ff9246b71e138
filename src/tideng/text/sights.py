"""What was seen in a block of texts: phrases by word and by sound, numbers and links; asked by slot."""

from bisect import bisect_left, insort
from collections.abc import Mapping
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tideng.text import tables_read as t
from tideng.text.folding import BREAK, Block
from tideng.text.links_seen import Hosts, accounts_seen, links_seen
from tideng.text.matching import Engine
from tideng.text.numbers_seen import numbers_seen
from tideng.text.ordering import order_by
from tideng.text.phrasebook import Phrasebook
from tideng.text.tables_read import Tables

Truth = NDArray[np.bool_]
Places = NDArray[np.int64]
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
)
"""Slots that code fills."""
ACCOUNT_WORDS: Final = "account_word"
NEGATOR: Final = "negator"
NEGATED_WITHIN: Final = 8
"""A "do not" reaches so many characters, and no further than its clause."""
FAR: Final = 1_000_000
"""Between two texts, in `near`: farther than any distance asked for."""


class Hits(Struct, frozen=True):
    """Everything seen, ordered by slot and then by place."""

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
        self._bounds: list[int] = np.searchsorted(hits.slots, np.arange(len(book.slot_names) + 1)).tolist()
        self._known: dict[int, Truth] = {}
        self._keys: list[int] | None = None
        self.nowhere = np.zeros(self._count, np.bool_)

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
        return np.flatnonzero(np.bincount(self.hits.slots)).tolist()

    def has(self, slot: int) -> Truth:
        """By text: whether the slot is filled."""
        known = self._known.get(slot)
        if known is None:
            if slot in self._book.derived:
                known = self._book.derived[slot].truth(self)
            elif self._bounds[slot] == self._bounds[slot + 1]:
                known = self.nowhere
            else:
                known = np.zeros(self._count, np.bool_)
                known[self.hits.texts[self._bounds[slot] : self._bounds[slot + 1]]] = True
            self._known[slot] = known
        return known

    def near(self, first: int, second: int, characters: int) -> Truth:
        """By text: whether both are filled, at most so many characters from the end of one to the other."""
        ones, others = self._slice(first), self._slice(second)
        if ones.start == ones.stop or others.start == others.stop:
            return self.nowhere
        found = np.zeros(self._count, np.bool_)
        texts = self.hits.texts[ones]
        starts = self.hits.starts[others] + self.hits.texts[others] * FAR
        here = texts * FAR
        low = np.searchsorted(starts, self.hits.starts[ones] + here - characters - _WORD)
        high = np.searchsorted(starts, self.hits.ends[ones] + here + characters, side="right")
        found[texts[high > low]] = True
        return found

    def _slice(self, slot: int) -> slice:
        return slice(self._bounds[slot], self._bounds[slot + 1])

    def of_text(self, slot: int, text: int) -> list[tuple[int, int]]:
        """Where the slot is filled in this text: spans in the joined block, in order."""
        if self._keys is None:
            self._keys = (self.hits.slots * self._count + self.hits.texts).tolist()
        key = slot * self._count + text
        low = bisect_left(self._keys, key)
        high = bisect_left(self._keys, key + 1, low)
        if low == high:
            return []
        return list(zip(self.hits.starts[low:high].tolist(), self.hits.ends[low:high].tolist(), strict=True))


BRIEF_MAX: Final = 3
"""Folded characters of a text that says nothing."""
SURE_BY_SOUND: Final = 4
"""A word of so many syllables is not met by chance."""
SURE_SOUNDS: Final = 2
"""So many words by sound in a short text are no chance;"""
CHARACTERS_PER_CHANCE: Final = 60
"""in a longer one, one more for every so many characters."""
_WORD: Final = 8
"""The second word may end, not begin, at the distance asked for."""


_LETTERLIKE: Final = (t.KIND["letterlike"], t.KIND["lookalike"])


def disguises(block: Block) -> tuple[Places, Places]:
    """Places of characters that ordinary senders do not use: hidden, mathematical, look-alike, split."""
    kinds = block.raw_kinds
    if not kinds.any():
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    bad = (
        (kinds == t.KIND["split_glyph"]) | (kinds == t.KIND["digit_lookalike"]) | (kinds == t.KIND["control"])
    )
    raw = np.frombuffer(BREAK.join(block.texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    if len(raw) == len(kinds):
        # A circled digit alone is a list mark, a Greek letter mathematics; beside a letter neither.
        like = (kinds == _LETTERLIKE[0]) | (kinds == _LETTERLIKE[1])
        alnum = (raw < 0x80) & (
            ((raw >= 48) & (raw <= 57)) | ((raw >= 65) & (raw <= 90)) | ((raw >= 97) & (raw <= 122))
        )
        beside = like | alnum
        neighbour = np.zeros(len(kinds), np.bool_)
        neighbour[1:] |= beside[:-1]
        neighbour[:-1] |= beside[1:]
        ideograph = (raw >= 0x3400) & (raw < 0xA000)
        bad |= like & (neighbour | ideograph)
        hidden = (kinds == t.KIND["invisible"]) | (kinds == t.KIND["combining"])
        # At an end of the text a mark of direction or a byte order mark hides nothing.
        inside = np.ones(len(kinds), np.bool_)
        inside[block.raw_starts[:-1][block.raw_starts[:-1] < len(kinds)]] = False
        inside[np.maximum(block.raw_starts[1:] - 2, 0)] = False
        bad |= hidden & inside
    places = np.flatnonzero(bad)
    own = np.searchsorted(block.raw_starts, places, side="right") - 1
    # A text of which nothing is left has no place to point at; that it is empty says enough.
    places = places[np.diff(block.starts)[own] > 1]
    low = np.minimum(np.searchsorted(block.origins, places), max(0, len(block.origins) - 1))
    return low, low + 1


class Reader(Struct, frozen=True):
    """Sees everything the book knows in a block."""

    book: Phrasebook
    tables: Tables
    words: Engine
    sounds: Engine
    lengths: Places
    """Characters of each literal."""
    slot_counts: Places
    slot_firsts: Places
    slots: Places
    """The slots of literal i: slots[slot_firsts[i] : slot_firsts[i] + slot_counts[i]]."""
    steady: Truth
    """By slot."""
    sounding: Places
    """By literal of `sounds`: the literal of `words`."""
    chains_from: Mapping[int, tuple[int, ...]]
    """By slot: the chains that begin with it."""
    parts_from: int
    """From this slot on, slots are only parts of chains."""
    letters: NDArray[np.uint8]
    """By literal: 1 begins with a letter or digit, 2 ends with one."""

    def see(self, block: Block) -> Sights:
        """Everything seen in the block."""
        numbers, ends = self.words.scan(block.joined)
        starts = ends - self.lengths[numbers]
        fits = self._stands_alone(block, numbers, starts, ends)
        numbers, starts, ends = numbers[fits], starts[fits], ends[fits]
        heard = self._heard(block, starts, ends)
        all_numbers = np.concatenate((numbers, heard[0]))
        all_starts, all_ends = np.concatenate((starts, heard[1])), np.concatenate((ends, heard[2]))
        slots, starts, ends = self._chained(block, *self._slots(all_numbers, all_starts, all_ends))
        kept = self._not_denied(block, slots, starts, ends)
        slots, starts, ends = slots[kept], starts[kept], ends[kept]
        parts = [(slots, starts, ends), *self._by_code(block, slots, starts, ends, heard)]
        slots, starts, ends = (np.concatenate(column) for column in zip(*parts, strict=True))
        texts = np.searchsorted(block.starts, starts, side="right") - 1
        order = order_by(slots, starts)  # texts follow one another: so they are in order too
        return Sights(block, Hits(slots[order], starts[order], ends[order], texts[order]), self.book)

    def _stands_alone(self, block: Block, numbers: Places, starts: Places, ends: Places) -> Truth:
        """False where a word of Latin letters is a piece of a longer one."""
        sides = self.letters[numbers]
        if not sides.any():
            return np.ones(len(numbers), np.bool_)
        letter = np.zeros(len(block.points) + 2, np.bool_)
        letter[1:-1] = block.classes & t.LETTER != 0
        glued = ((sides & 1 != 0) & letter[starts]) | ((sides & 2 != 0) & letter[ends + 1])
        return np.asarray(~glued, np.bool_)

    def _heard(self, block: Block, starts: Places, ends: Places) -> tuple[Places, Places, Places]:
        """Words found by their sound that are written with other characters."""
        which, heard_ends = self.sounds.scan(
            self.tables.sounds(block.points).astype("<u4").tobytes().decode("utf-32-le")
        )
        if not len(which):
            return which, which, which
        heard = self.sounding[which]
        heard_starts = heard_ends - self.lengths[heard]
        # What is written as some known word is that word; only other characters are a disguise.
        reach = len(block.points) + 1
        known = np.sort(starts * reach + ends)
        asked = heard_starts * reach + heard_ends
        place = np.minimum(np.searchsorted(known, asked), max(0, len(known) - 1))
        other = known[place] != asked if len(known) else np.ones(len(asked), np.bool_)
        heard, heard_starts, heard_ends = heard[other], heard_starts[other], heard_ends[other]
        # One short word may share its sound by chance; two in a text do not.
        texts = np.searchsorted(block.starts, heard_starts, side="right") - 1
        places = np.sort(texts * reach + heard_starts)
        places = places[np.append(True, places[1:] != places[:-1])[: len(places)]]
        needed = SURE_SOUNDS + np.diff(block.starts) // CHARACTERS_PER_CHANCE
        several = np.bincount(places // reach, minlength=len(block.texts)) >= needed
        kept = several[texts] | (heard_ends - heard_starts >= SURE_BY_SOUND)
        return heard[kept], heard_starts[kept], heard_ends[kept]

    def _slots(self, numbers: Places, starts: Places, ends: Places) -> tuple[Places, Places, Places]:
        counts = self.slot_counts[numbers]
        rows = np.repeat(np.arange(len(numbers)), counts)
        offsets = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        return self.slots[self.slot_firsts[numbers][rows] + offsets], starts[rows], ends[rows]

    def _chained(
        self, block: Block, slots: Places, starts: Places, ends: Places
    ) -> tuple[Places, Places, Places]:
        """With what the phrases with gaps make of their parts."""
        if not self.book.chains or not len(slots):
            return slots, starts, ends
        order = order_by(slots, starts)
        slots, starts, ends = slots[order], starts[order], ends[order]
        bounds = np.searchsorted(slots, np.arange(len(self.book.slot_names) + 1)).tolist()
        clauses = np.append(0, np.cumsum(block.classes & t.CLAUSE_END != 0))
        made: dict[int, tuple[Places, Places]] = {}
        todo = sorted(
            {
                place
                for slot in np.flatnonzero(np.bincount(slots)).tolist()
                for place in self.chains_from.get(slot, ())
            }
        )
        while todo:
            chain = self.book.chains[todo.pop(0)]
            first = made.get(chain.first)
            if first is None:
                here = slice(bounds[chain.first], bounds[chain.first + 1])
                first = starts[here], ends[here]
            second = slice(bounds[chain.second], bounds[chain.second + 1])
            if second.start == second.stop:
                continue
            joined = _joined(first, (starts[second], ends[second]), chain.gap, clauses)
            if not len(joined[0]):
                continue
            known = made.get(chain.slot)
            if known is not None:
                joined = np.append(known[0], joined[0]), np.append(known[1], joined[1])
            made[chain.slot] = joined
            for place in self.chains_from.get(chain.slot, ()):
                if place not in todo:
                    insort(todo, place)
        visible = slots < self.parts_from
        columns = [(slots[visible], starts[visible], ends[visible])]
        columns += [
            (np.full(len(s), slot, np.int64), s, e) for slot, (s, e) in made.items() if slot < self.parts_from
        ]
        slots, starts, ends = (np.concatenate(column) for column in zip(*columns, strict=True))
        return slots, starts, ends

    def _not_denied(self, block: Block, slots: Places, starts: Places, ends: Places) -> Truth:
        """False where a "do not" stands in front, in the same clause."""
        negator = self.book.slot_names.index(NEGATOR)
        denies = np.sort(ends[slots == negator])
        if not len(denies):
            return np.ones(len(slots), np.bool_)
        before = np.searchsorted(denies, starts, side="right") - 1
        last = np.where(before >= 0, denies[np.maximum(before, 0)], -FAR)
        clause = np.cumsum(block.classes & t.CLAUSE_END != 0)
        clause = np.append(clause, clause[-1:])
        same = clause[np.minimum(starts, len(clause) - 1)] == clause[np.maximum(last - 1, 0)]
        denied = same & (starts - last <= NEGATED_WITHIN) & ~self.steady[slots]
        return np.asarray(~denied, np.bool_)

    def _by_code(
        self,
        block: Block,
        slots: Places,
        starts: Places,
        ends: Places,
        heard: tuple[Places, Places, Places],
    ) -> list[tuple[Places, Places, Places]]:
        number = {name: place for place, name in enumerate(BY_CODE)}
        found = [(number[kind], s.starts, s.ends) for kind, s in numbers_seen(block)]
        found += [(number[kind], s.starts, s.ends) for kind, s in links_seen(block, self.book.hosts)]
        if ACCOUNT_WORDS in self.book.slot_names:
            words = slots == self.book.slot_names.index(ACCOUNT_WORDS)
            order = np.argsort(starts[words])
            accounts = accounts_seen(block, starts[words][order], ends[words][order])
            found.append((number["account"], accounts.starts, accounts.ends))
        found.append((number["by_sound"], heard[1], heard[2]))
        gaps = block.origins[np.maximum(ends - 1, 0)] - block.origins[starts] > ends - starts - 1
        cut = np.flatnonzero(gaps)
        if len(cut):
            marked = np.concatenate(([0], np.cumsum(block.raw_kinds >= t.KIND["cut"])))
            inside = marked[block.origins[ends[cut] - 1]] > marked[block.origins[starts[cut]]]
            cut = cut[inside]
        found.append((number["cut_inside"], starts[cut], ends[cut]))
        found += [(number["disguised"], s, e) for s, e in (disguises(block), (starts[cut], ends[cut]))]
        found.append((number["disguised"], heard[1], heard[2]))
        short = np.flatnonzero(np.diff(block.starts) - 1 <= BRIEF_MAX)
        found.append((number["brief"], block.starts[short], np.maximum(block.starts[short + 1] - 1, 0)))
        return [(np.full(len(s), kind, np.int64), s, e) for kind, s, e in found if len(s)]


def _joined(
    first: tuple[Places, Places], second: tuple[Places, Places], gap: int, clauses: Places
) -> tuple[Places, Places]:
    """From the start of each first part to the end of the nearest second part, where the gap allows it."""
    order = np.argsort(second[0], kind="stable")
    begins, closes = second[0][order], second[1][order]
    place = np.searchsorted(begins, first[1])
    fits = place < len(begins)
    nearest = np.minimum(place, len(begins) - 1)
    fits &= begins[nearest] - first[1] <= gap
    fits &= clauses[np.minimum(begins[nearest], len(clauses) - 1)] == clauses[first[1]]
    return first[0][fits], closes[nearest[fits]]


def make_reader(book: Phrasebook, tables: Tables, words: Engine, sounds: Engine) -> Reader:
    """A reader of this book; the engines hold `book.literals` and `sounds_of(book, tables)`."""
    counts = np.array([len(slots) for slots in book.slots_of], np.int64)
    word = "abcdefghijklmnopqrstuvwxyz"
    sides = [
        0 if text in book.loose else (text[0] in word) + 2 * (text[-1] in word) for text in book.literals
    ]
    steady = np.zeros(len(book.slot_names), np.bool_)
    steady[list(book.steady)] = True
    begins: dict[int, tuple[int, ...]] = {}
    for place, chain in enumerate(book.chains):
        begins[chain.first] = (*begins.get(chain.first, ()), place)
    return Reader(
        book,
        tables,
        words,
        sounds,
        np.array([len(literal) for literal in book.literals], np.int64),
        counts,
        np.cumsum(counts) - counts,
        np.array([slot for slots in book.slots_of for slot in slots], np.int64),
        steady,
        np.array(book.sound_literals, np.int64),
        begins,
        min((chain.first for chain in book.chains), default=len(book.slot_names)),
        np.array(sides, np.uint8),
    )


def sounds_of(book: Phrasebook, tables: Tables) -> list[str]:
    """The literals that are looked for by sound, each written with the first ideograph of its syllables."""
    literals = [book.literals[place] for place in book.sound_literals]
    return [
        tables.sounds(np.frombuffer(literal.encode("utf-32-le"), np.uint32)).tobytes().decode("utf-32-le")
        for literal in literals
    ]
