"""Sees everything a book knows in a block of texts: phrases by word and by sound, numbers and links."""

import itertools
from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tideng.text import tables_read as t
from tideng.text.chaining import Chaining, Seen, make_chaining
from tideng.text.contacts_seen import hidden_contacts
from tideng.text.disguises_seen import disguises
from tideng.text.folding import Block
from tideng.text.links_seen import accounts_seen, links_seen
from tideng.text.matching import Engine
from tideng.text.numbers_seen import NUMBERS, numbers_seen
from tideng.text.ordering import order_by
from tideng.text.phrasebook import Phrasebook
from tideng.text.sights import BY_CODE, FAR, Hits, Sights
from tideng.text.tables_read import Tables

Places = NDArray[np.int64]
Flags = NDArray[np.bool_]
_NOWHERE: Final = np.zeros(0, np.int64)
BRIEF_MAX: Final = 3
"""Folded characters of a text that says nothing."""
SURE_BY_SOUND: Final = 4
"""A word of so many syllables is not met by chance."""
SURE_SOUNDS: Final = 2
"""So many words by sound in a short text are no chance;"""
CHARACTERS_PER_CHANCE: Final = 60
"""in a longer one, one more for every so many characters."""
ACCOUNT_WORDS: Final = "account_word"
NEGATOR: Final = "negator"
NEGATED_WITHIN: Final = 14
"""A "do not" reaches so many characters, and no further than its clause."""
EVERYWHERE: Final = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么去法学如都同现当没动面起看"
    "定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应战向头文体政美相"
    "见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活尔更别打女变四神总"
    "何电数安少报才结反受目太量再感建务做接必场件计管期市直德资命山指克许统区保至队形社便空决治展马科司五基眼书非则听白却界达光放强即像难且权思王象完设式色路"
    "改误买卖刻背被议账单帐找换号登录请您您把钱车店送收付留加快慢里宝商"
    "记南品住告类求据程北边死张该交规万取格望觉术领共确传师观清今切院让识候带导争运每早晚份勿"
)
"""The commonest ideographs: two of them that sound alike are met by chance."""
_LENGTH_BITS: Final = 9
"""Two things that begin at one place are ordered by length, as far as these bits tell."""
_NUMBER: Final = {name: place for place, name in enumerate(BY_CODE)}
_OF_NUMBER: Final = np.array([_NUMBER[name] for name in NUMBERS], np.int64)


class Reader(Struct, frozen=True):
    """Sees everything the book knows in a block."""

    book: Phrasebook
    tables: Tables
    words: Engine
    sounds: Engine
    lengths: Places
    """Characters of each literal."""
    longest: int
    chaining: Chaining
    steady: Flags
    """By slot."""
    sounding: Places
    """By literal of `sounds`: the literal of `words`."""
    spoken: str
    """The literals of `sounds` as they are written, one behind the other."""
    spoken_starts: Places
    """By literal of `sounds`: where in `spoken` it begins."""
    short_sounds: Flags
    """By literal: whether its sound counts only beside another disguise."""
    letters: NDArray[np.uint8]
    """By literal: 1 begins with a letter or digit, 2 ends with one."""
    negator: int
    """The slot of "do not"."""
    account_word: int
    """The slot of words behind which an account is named; -1: the book has none."""

    def see(self, block: Block) -> Sights:
        """Everything seen in the block."""
        words = self._whole_words(block)
        hidden = disguises(block)
        heard = self._heard(block, words, hidden[0])
        # By place in the folded block: how many clauses end before it.
        clauses = np.zeros(len(block.points) + 2, np.int64)
        (block.classes & t.CLAUSE_END != 0).cumsum(out=clauses[1:-1])
        clauses[-1] = clauses[-2]
        owners = block.owners()
        seen = _together((words, heard)) if len(heard[0]) else words
        seen = self._not_denied(self.chaining.slots(seen, owners, len(block.texts), clauses), clauses)
        slots, starts, ends = _together([seen, *self._by_code(block, seen, heard, hidden)])
        texts = owners[starts]
        lengths = np.minimum(ends - starts, (1 << _LENGTH_BITS) - 1)
        order = order_by(slots, starts << _LENGTH_BITS | lengths)  # texts follow one another
        return Sights(block, Hits(slots[order], starts[order], ends[order], texts[order]), self.book)

    def _whole_words(self, block: Block) -> Seen:
        """The literals, without words of Latin letters that are a piece of a longer one."""
        numbers, ends = self.words.scan(block.joined)
        starts = ends - self.lengths[numbers]
        sides = self.letters[numbers]
        if not np.count_nonzero(sides):
            return numbers, starts, ends
        letter = np.zeros(len(block.points) + 2, np.bool_)
        letter[1:-1] = block.classes & t.LETTER != 0
        glued = ((sides & 1 != 0) & letter[starts]) | ((sides & 2 != 0) & letter[ends + 1])
        return _kept((numbers, starts, ends), ~glued)

    def _heard(self, block: Block, words: Seen, hidden: Places) -> Seen:
        """Words found by their sound that are written with other characters; `hidden`: other disguises."""
        which, ends = self.sounds.scan(
            self.tables.sounds(block.points).astype("<u4").tobytes().decode("utf-32-le")
        )
        if not len(which):
            return which, which, which
        heard = self.sounding[which]
        lengths = self.lengths[heard]
        starts = ends - lengths
        # What is written as some known word is that word; only other characters are a disguise.
        reach = len(block.points) + 1
        known = np.zeros((self.longest + 1) * reach, np.bool_)
        known[(words[2] - words[1]) * reach + words[1]] = True
        other = ~known[lengths * reach + starts]
        if not np.count_nonzero(other):
            return _NOWHERE, _NOWHERE, _NOWHERE
        heard, starts, ends = _kept((heard, starts, ends), other)
        meant = self._meant(block, self.spoken_starts[which[other]], starts, ends)
        heard, starts, ends = _kept((heard, starts, ends), meant)
        # One short word may share its sound by chance; two in a text do not, nor one beside a disguise.
        texts = block.starts.searchsorted(starts, side="right") - 1
        beside = np.zeros(len(block.texts), np.bool_)
        beside[block.starts.searchsorted(hidden, side="right") - 1] = True
        weak = self.short_sounds[heard]
        places, closes = starts[~weak], ends[~weak]
        order = places.argsort(kind="stable")
        places, closes = places[order], closes[order]
        # Two that share a character are one: 宠物店寄 sounds like two words at once.
        apart = np.append(True, places[1:] >= closes[:-1])[: len(places)]
        places = places[apart] + texts[~weak][order][apart] * reach
        needed = SURE_SOUNDS + np.diff(block.starts) // CHARACTERS_PER_CHANCE
        several = np.bincount(places // reach, minlength=len(block.texts)) >= needed
        sure = (several[texts] & ~weak) | beside[texts] | (ends - starts >= SURE_BY_SOUND)
        return _kept((heard, starts, ends), sure)

    def _meant(self, block: Block, spoken: Places, starts: Places, ends: Places) -> Flags:
        """Which are no chance: 改手机号 is not 该手机号 in disguise, both characters are everywhere.

        `spoken`: where in `self.spoken` the words begin that are heard.
        """
        places = zip(spoken.tolist(), starts.tolist(), ends.tolist(), strict=True)
        pairs = (
            (self.spoken[said : said + end - start], block.joined[start:end]) for said, start, end in places
        )
        return np.array([is_meant(said, written) for said, written in pairs], np.bool_)

    def _not_denied(self, seen: Seen, clauses: Places) -> Seen:
        """Without that in front of which a "do not" stands, in the same clause."""
        slots, starts, ends = seen
        denies = np.sort(ends[slots == self.negator])
        if not len(denies):
            return seen
        before = denies.searchsorted(starts, side="right") - 1
        last = np.where(before >= 0, denies[np.maximum(before, 0)], -FAR)
        same = clauses[starts + 1] == clauses[np.maximum(last, 0)]
        denied = same & (starts - last <= NEGATED_WITHIN) & ~self.steady[slots]
        return _kept(seen, ~denied)

    def _by_code(self, block: Block, seen: Seen, heard: Seen, hidden: tuple[Places, Places]) -> list[Seen]:
        """What code sees, by the slots of `BY_CODE`."""
        slots, starts, ends = seen
        found = [(kind, s.starts, s.ends) for kind, s in links_seen(block, self.book.hosts)]
        found += [(kind, s.starts, s.ends) for kind, s in hidden_contacts(block, self.book.hosts)]
        words = (slots == self.account_word).nonzero()[0]
        if len(words):
            words = words[np.argsort(starts[words])]
            accounts = accounts_seen(block, starts[words], ends[words])
            found.append(("account", accounts.starts, accounts.ends))
        found += [(kind, heard[1], heard[2]) for kind in ("by_sound", "disguised")]
        if block.raw_kinds.max(initial=0) >= t.KIND["cut"]:
            cut = _cut_inside(block, starts, ends)
            found += [(kind, starts[cut], ends[cut]) for kind in ("cut_inside", "disguised")]
        found.append(("disguised", *hidden))
        short = (block.starts[1:] - block.starts[:-1] - 1 <= BRIEF_MAX).nonzero()[0]
        found.append(("brief", block.starts[short], np.maximum(block.starts[short + 1] - 1, 0)))
        numbers, begins, closes = numbers_seen(block)
        named = [(np.full(len(s), _NUMBER[kind], np.int64), s, e) for kind, s, e in found if len(s)]
        return [(_OF_NUMBER[numbers], begins, closes), *named]


def is_meant(said: str, written: str) -> bool:
    """Whether somebody wrote `written` so that it be heard as `said`: not if all characters that he put
    there instead are among the commonest."""
    return not EVERYWHERE.issuperset(b for a, b in zip(said, written, strict=True) if a != b)


def _kept(seen: Seen, which: Flags) -> Seen:
    places = which.nonzero()[0]  # picking by places is several times as quick as by flags
    return seen[0][places], seen[1][places], seen[2][places]


def _together(parts: Sequence[Seen]) -> Seen:
    numbers, starts, ends = zip(*parts, strict=True)
    return np.concatenate(numbers), np.concatenate(starts), np.concatenate(ends)


def _cut_inside(block: Block, starts: Places, ends: Places) -> Places:
    """Which of these words a mark cuts apart in the original."""
    gaps = block.origins[np.maximum(ends - 1, 0)] - block.origins[starts] > ends - starts - 1
    cut = gaps.nonzero()[0]
    marked = np.concatenate(([0], np.cumsum(block.raw_kinds >= t.KIND["cut"])))
    return cut[marked[block.origins[ends[cut] - 1]] > marked[block.origins[starts[cut]]]]


def make_reader(book: Phrasebook, tables: Tables, words: Engine, sounds: Engine) -> Reader:
    """A reader of this book; the engines hold `book.literals` and `sounds_of(book, tables)`."""
    word = "abcdefghijklmnopqrstuvwxyz"
    sides = [
        0 if text in book.loose else (text[0] in word) + 2 * (text[-1] in word) for text in book.literals
    ]
    steady = np.zeros(len(book.slot_names), np.bool_)
    steady[list(book.steady)] = True
    spoken = [book.literals[place] for place in book.sound_literals]
    return Reader(
        book,
        tables,
        words,
        sounds,
        np.array([len(literal) for literal in book.literals], np.int64),
        max(map(len, book.literals), default=0),
        make_chaining(book),
        steady,
        np.array(book.sound_literals, np.int64),
        "".join(spoken),
        np.cumsum([0, *map(len, spoken)], dtype=np.int64)[:-1],
        np.array([place in book.short_sounds for place in range(len(book.literals))], np.bool_),
        np.array(sides, np.uint8),
        book.slot_names.index(NEGATOR),
        book.slot_names.index(ACCOUNT_WORDS) if ACCOUNT_WORDS in book.slot_names else -1,
    )


def sounds_of(book: Phrasebook, tables: Tables) -> list[str]:
    """The literals that are looked for by sound, each written with the first ideograph of its syllables."""
    literals = [book.literals[place] for place in book.sound_literals]
    written = np.frombuffer("".join(literals).encode("utf-32-le"), np.uint32)
    spoken = tables.sounds(written).astype("<u4").tobytes().decode("utf-32-le")
    ends = itertools.accumulate(map(len, literals))
    return [spoken[end - len(literal) : end] for literal, end in zip(literals, ends, strict=True)]
