"""Judging texts: findings with their places, a verdict, a review and categories. Same text, same answer.

Named findings decide. A suspicion score may lift *unknown* or a *harmless kind* to *needs a person*; it
never lowers a finding.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tideng.text.expression import places_of
from tideng.text.folding import Block, fold_block
from tideng.text.phrasebook import Phrasebook, Rule
from tideng.text.reading import Reader
from tideng.text.sights import Sights
from tideng.text.verdict_policy import Review, Verdict, VerdictPolicy

TEXT_CHARACTERS_MAX: Final = 20_000
"""More of one text is not read, and the finding TEXT_TOO_LONG says so."""
BLOCK_CHARACTERS: Final = 100_000
"""Texts are judged in blocks of about so many characters."""
NOT_TEXT: Final = "NOT_READABLE_TEXT"
TOO_LONG: Final = "TEXT_TOO_LONG"
EMPTY: Final = "TEXT_EMPTY"
FINDING_SEEN_MAX: Final = 80
_NOTICE: Final = ["notice"]
BLANK_LOOKED_AT: Final = 200
"""A longer folded text is not looked at for being blank; folding takes most blanks away."""


class TextFinding(Struct, frozen=True, gc=False):
    """One thing seen, and where: a span of the original text."""

    code: str
    start: int
    end: int
    seen: str


class Judged(Struct, frozen=True, gc=False):
    """What one text was judged to be."""

    verdict: Verdict
    review: Review
    category: tuple[str, ...]
    findings: tuple[TextFinding, ...]
    """Strongest first."""
    data_for_sale: bool
    score: float | None = None
    """The suspicion score, where a scorer was given."""


class Suspicion(Protocol):
    """A scorer, as the judge sees it."""

    def scores(self, folded: Sequence[str]) -> NDArray[np.float64]:
        """By folded text: how suspicious, 0 to 1."""
        ...

    @property
    def hash(self) -> str:
        """SHA-256 of the weights."""
        ...

    @property
    def threshold(self) -> float:
        """From here on a person shall look."""
        ...


class Judge(Struct, frozen=True):
    """Everything that judging needs; made once, used by any number of threads."""

    reader: Reader
    policy: VerdictPolicy
    suspicion: Suspicion | None = None

    @property
    def hash(self) -> str:
        """SHA-256 over the hashes of tables, knowledge, policy and weights: which reading this was."""
        parts = (self.reader.tables.hash, self.reader.book.hash, self.policy.hash)
        weights = self.suspicion.hash if self.suspicion is not None else ""
        return hashlib.sha256("\0".join((*parts, weights)).encode()).hexdigest()

    @property
    def levels(self) -> Mapping[str, str]:
        """Finding code to its level: danger, verify, note, calm or fact."""
        return self.policy.levels

    def judge(self, text: str) -> Judged:
        """One text."""
        return self.judge_many([text])[0]

    def judge_many(self, texts: Sequence[str]) -> list[Judged]:
        """Many texts, in their order. Linear in their length; never raises, whatever they hold."""
        judged: list[Judged] = []
        batch: list[str] = []
        size = 0
        for text in texts:
            batch.append(text)
            size += len(text)
            if size >= BLOCK_CHARACTERS:
                judged += self._block(batch)
                batch, size = [], 0
        if batch:
            judged += self._block(batch)
        return judged

    def sights(self, texts: Sequence[str]) -> Sights:
        """Everything seen in these texts, for explaining."""
        return self.reader.see(fold_block([text[:TEXT_CHARACTERS_MAX] for text in texts], self.reader.tables))

    def _block(self, texts: Sequence[str]) -> list[Judged]:
        sights = self.sights(texts)
        found = findings_of(sights, self.reader.book)
        categories: list[list[str]] = [[] for _ in texts]
        for name, expression in self.policy.categories:
            for place in places_of(expression.truth(sights)):
                categories[place].append(name)
        odd = _oddities(sights.block)
        # Few combinations occur; each is decided once a block.
        decided: dict[tuple[str, ...], tuple[Verdict, Review]] = {}
        scores = None
        if self.suspicion is not None:
            block = sights.block
            scores = self.suspicion.scores([block.folded(place) for place in range(len(texts))])
        return [
            self._decided(
                text,
                sights.block,
                place,
                found[place],
                categories[place],
                None if scores is None else round(float(scores[place]), 4),
                odd.get(place, ()),
                decided,
            )
            for place, text in enumerate(texts)
        ]

    def _decided(
        self,
        text: str,
        block: Block,
        place: int,
        seen: list[tuple[Rule, tuple[int, int]]],
        category: list[str],
        score: float | None,
        odd: Sequence[TextFinding],
        decided: dict[tuple[str, ...], tuple[Verdict, Review]],
    ) -> Judged:
        findings = [_finding(block, place, text, rule, span) for rule, span in seen]
        codes = [rule.family.code for rule, _ in seen]
        for rule, _ in seen:
            name = rule.family.category
            if name and name not in category:
                category.insert(0, name)
        known = decided.get((*codes, "", *category))
        if known is None:
            found = self.policy.verdict(codes)
            known = found, self.policy.reviewed(found, codes, set(category or _NOTICE))
            decided[(*codes, "", *category)] = known
        verdict, review = known
        odd = list(odd)
        if len(text) > TEXT_CHARACTERS_MAX:
            odd.append(TextFinding(TOO_LONG, TEXT_CHARACTERS_MAX, len(text), ""))
        findings += odd
        if odd and verdict in ("unknown", "harmless_kind"):
            verdict = "unknown" if odd[0].code == EMPTY else "needs_person"
        lifts = score is not None and self.suspicion is not None and score >= self.suspicion.threshold
        if lifts and verdict in ("unknown", "harmless_kind"):  # a calm word in a suspicious text calms nobody
            verdict = "needs_person"
        if verdict != known[0]:
            review = self.policy.reviewed(verdict, codes, set(category or _NOTICE))
        category = category or _NOTICE
        return Judged(verdict, review, tuple(category), tuple(findings), "DATA_FOR_SALE" in codes, score)


def findings_of(sights: Sights, book: Phrasebook) -> list[list[tuple[Rule, tuple[int, int]]]]:
    """By text: the rules that hold, strongest first, each with the place that shows it best."""
    found: list[list[tuple[Rule, tuple[int, int]]]] = [[] for _ in sights.block.texts]
    for nth, expressions in sorted(book.asked_by(sights.filled()).items()):
        rule = book.rules[nth]
        holds = 0
        for expression in expressions:
            holds |= rule.when[expression].truth(sights)
        for place in places_of(holds):
            found[place].append((rule, _shown(sights, rule, place)))
    return found


def _shown(sights: Sights, rule: Rule, place: int) -> tuple[int, int]:
    for slot in rule.show:
        spans = sights.of_text(slot, place)
        if spans:
            # The longest says most.
            return max(spans, key=lambda span: span[1] - span[0])
    for expression in rule.when:
        for slot in expression.wanted():
            spans = sights.of_text(slot, place)
            if spans:
                return spans[0]
    start = int(sights.block.starts[place])
    return start, start


def _finding(block: Block, place: int, text: str, rule: Rule, span: tuple[int, int]) -> TextFinding:
    start, end = block.span(place, *span) if span[1] > span[0] else (0, 0)
    return TextFinding(rule.family.code, start, end, text[start:end][:FINDING_SEEN_MAX])


def _oddities(block: Block) -> dict[int, list[TextFinding]]:
    """By text: what keeps it from being read as one. Most blocks have nothing of it."""
    found: dict[int, list[TextFinding]] = {}
    for place in (np.diff(block.starts) <= BLANK_LOOKED_AT).nonzero()[0].tolist():
        if not block.folded(place).strip():
            found.setdefault(place, []).append(TextFinding(EMPTY, 0, 0, ""))
    bad = (block.raw_kinds == _BROKEN) | (block.raw_kinds == _CONTROL)
    if bad.any():
        texts = np.searchsorted(block.raw_starts, bad.nonzero()[0], side="right") - 1
        lengths = np.diff(block.raw_starts) - 1
        counts = np.bincount(texts, minlength=len(block.texts))
        for place in (counts > np.maximum(2, lengths // 10)).nonzero()[0].tolist():
            first = int((bad[block.raw_starts[place] :]).nonzero()[0][0])
            found.setdefault(place, []).append(TextFinding(NOT_TEXT, first, first + 1, ""))
    return found


_BROKEN: Final = 9
_CONTROL: Final = 5
