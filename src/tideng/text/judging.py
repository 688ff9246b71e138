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
from tideng.text.finding import EMPTY, TextFinding, found_in, oddities
from tideng.text.folding import Block, fold_block
from tideng.text.reading import Reader
from tideng.text.sights import Sights
from tideng.text.verdict_policy import Review, Verdict, VerdictPolicy

TEXT_CHARACTERS_MAX: Final = 20_000
"""More of one text is not read, and the finding TEXT_TOO_LONG says so."""
BLOCK_CHARACTERS: Final = 100_000
"""Texts are judged in blocks of about so many characters,"""
BLOCK_TEXTS: Final = 4_000
"""and of no more texts: memory grows with their number, were they empty."""
TOO_LONG: Final = "TEXT_TOO_LONG"
_NOTICE: Final = ["notice"]
_CALM: Final = ("unknown", "harmless_kind")


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


class Decision(Struct, frozen=True):
    """What follows from a combination of rules and categories, for every text that has it."""

    verdict: Verdict
    review: Review
    category: tuple[str, ...]
    data_for_sale: bool


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
            if size >= BLOCK_CHARACTERS or len(batch) >= BLOCK_TEXTS:
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
        found = found_in(sights, self.reader.book)
        categories: list[list[str]] = [[] for _ in texts]
        for name, expression in self.policy.categories:
            for place in places_of(expression.truth(sights)):
                categories[place].append(name)
        # Few combinations occur; each is decided once a block.
        decided: dict[tuple[tuple[int, ...], tuple[str, ...]], Decision] = {}
        judged: list[Judged] = []
        for one, named in zip(found, categories, strict=True):
            key = (tuple(one.rules), tuple(named))
            decision = decided.get(key)
            if decision is None:
                decision = decided[key] = self._decision(*key)
            judged.append(
                Judged(
                    decision.verdict,
                    decision.review,
                    decision.category,
                    tuple(one.findings),
                    decision.data_for_sale,
                )
            )
        for place, odd in self._odd(texts, sights.block).items():
            judged[place] = self._lowered(judged[place], odd)
        return judged if self.suspicion is None else self._lifted(judged, sights.block, self.suspicion)

    def _decision(self, rules: tuple[int, ...], named: tuple[str, ...]) -> Decision:
        """What follows from these rules and categories."""
        families = [self.reader.book.rules[nth].family for nth in rules]
        category = list(named)
        for family in families:
            if family.category and family.category not in category:
                category.insert(0, family.category)
        codes = [family.code for family in families]
        verdict = self.policy.verdict(codes)
        category = category or _NOTICE
        review = self.policy.reviewed(verdict, codes, set(category))
        return Decision(verdict, review, tuple(category), "DATA_FOR_SALE" in codes)

    def _odd(self, texts: Sequence[str], block: Block) -> dict[int, list[TextFinding]]:
        """By text: what kept it from being read whole."""
        odd = oddities(block)
        for place, text in enumerate(texts):
            if len(text) > TEXT_CHARACTERS_MAX:
                odd.setdefault(place, []).append(TextFinding(TOO_LONG, TEXT_CHARACTERS_MAX, len(text), ""))
        return odd

    def _lowered(self, judged: Judged, odd: Sequence[TextFinding]) -> Judged:
        """Of what cannot be read whole, nobody says that it is harmless."""
        verdict = judged.verdict
        if verdict in _CALM:
            verdict = "unknown" if odd[0].code == EMPTY else "needs_person"
        return self._as(judged, verdict, (*judged.findings, *odd))

    def _lifted(self, judged: list[Judged], block: Block, suspicion: Suspicion) -> list[Judged]:
        """With their scores; a calm word in a suspicious text calms nobody."""
        scores = suspicion.scores(block.all_folded())
        found: list[Judged] = []
        for one, score in zip(judged, scores.tolist(), strict=True):
            lifts = round(score, 4) >= suspicion.threshold and one.verdict in _CALM
            verdict = "needs_person" if lifts else one.verdict
            found.append(self._as(one, verdict, one.findings, round(score, 4)))
        return found

    def _as(
        self,
        judged: Judged,
        verdict: Verdict,
        findings: tuple[TextFinding, ...],
        score: float | None = None,
    ) -> Judged:
        """The same text with another verdict, and with the review that follows from it."""
        review = judged.review
        if verdict != judged.verdict:
            codes = [finding.code for finding in judged.findings if finding.code in self.policy.levels]
            review = self.policy.reviewed(verdict, codes, set(judged.category))
        return Judged(verdict, review, judged.category, findings, judged.data_for_sale, score)
