"""Which families are seen in a block of texts, and which words of the original show each best."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tideng.text.expression import Truth, places_of
from tideng.text.folding import Block
from tideng.text.phrasebook import Phrasebook, Rule
from tideng.text.sights import Sights
from tideng.text.tables_read import KIND

NOT_TEXT: Final = "NOT_READABLE_TEXT"
EMPTY: Final = "TEXT_EMPTY"
FINDING_SEEN_MAX: Final = 80
_BROKEN_MIN: Final = 2
_BROKEN_SHARE: Final = 10
"""More than two broken characters and more than one in so many: this is no text."""


class TextFinding(Struct, frozen=True, gc=False):
    """One thing seen, and where: a span of the original text."""

    code: str
    start: int
    end: int
    seen: str


class Found(Struct, frozen=True):
    """What was found in one text, strongest first: the rules that hold, and their findings."""

    rules: list[int]
    """Places in `Phrasebook.rules`."""
    findings: list[TextFinding]


class _Shown:
    """Which slot shows a rule in which text, gathered for a whole block and looked up at once."""

    def __init__(self, sights: Sights) -> None:
        self._sights = sights
        self.rules: list[int] = []
        self.texts: list[int] = []
        self._slots: list[int] = []
        self._is_any: list[bool] = []

    def add(self, nth: int, rule: Rule, holds: Truth) -> None:
        """The rule `nth` holds in these texts."""
        rest = holds
        # The longest of the words that tell most; else the first of those that its expressions ask for.
        for slots, is_any in ((rule.show, False), (rule.wanted, True)):
            for slot in slots:
                here = rest & self._sights.has(slot)
                if here:
                    self._take(nth, slot, places_of(here), is_any)
                    rest &= ~here
                if not rest:
                    return
        self._take(nth, -1, places_of(rest), True)

    def _take(self, nth: int, slot: int, texts: Sequence[int], is_any: bool) -> None:
        self.rules += [nth] * len(texts)
        self.texts += texts
        self._slots += [slot] * len(texts)
        self._is_any += [is_any] * len(texts)

    def spans(self) -> tuple[list[int], list[int]]:
        """By what was added: start and end in the original text; 0 and 0 where no words show it."""
        slots, texts = np.array(self._slots, np.int64), np.array(self.texts, np.int64)
        where = self._sights.one_of_each(slots, texts, np.array(self._is_any, np.bool_))
        return self._sights.block.spans(texts, *where)


def found_in(sights: Sights, book: Phrasebook) -> list[Found]:
    """By text: what was found."""
    texts = sights.block.texts
    found = [Found([], []) for _ in texts]
    shown = _Shown(sights)
    for nth, expressions in sorted(book.asked_by(sights.filled()).items()):
        rule = book.rules[nth]
        holds = 0
        for expression in expressions:
            holds |= rule.when[expression].truth(sights)
        if holds:
            shown.add(nth, rule, holds)
    if not shown.rules:
        return found
    codes = [rule.family.code for rule in book.rules]
    for nth, place, start, end in zip(shown.rules, shown.texts, *shown.spans(), strict=True):
        here = found[place]
        here.rules.append(nth)
        seen = texts[place][start:end][:FINDING_SEEN_MAX]
        here.findings.append(TextFinding(codes[nth], start, end, seen))
    return found


def oddities(block: Block) -> dict[int, list[TextFinding]]:
    """By text: what keeps it from being read as one. Most blocks have nothing of it."""
    found: dict[int, list[TextFinding]] = {}
    for place, folded in enumerate(block.all_folded()):
        if not folded or folded.isspace():
            found.setdefault(place, []).append(TextFinding(EMPTY, 0, 0, ""))
    bad = _unreadable(block)
    if np.count_nonzero(bad):
        texts = np.searchsorted(block.raw_starts, bad.nonzero()[0], side="right") - 1
        lengths = np.diff(block.raw_starts) - 1
        counts = np.bincount(texts, minlength=len(block.texts))
        limit = np.maximum(_BROKEN_MIN, lengths // _BROKEN_SHARE)
        for place in (counts > limit).nonzero()[0].tolist():
            first = int((bad[block.raw_starts[place] :]).nonzero()[0][0])
            found.setdefault(place, []).append(TextFinding(NOT_TEXT, first, first + 1, ""))
    return found


def _unreadable(block: Block) -> NDArray[np.bool_]:
    unreadable: NDArray[np.bool_] = (block.raw_kinds == KIND["broken"]) | (block.raw_kinds == KIND["control"])
    return unreadable
