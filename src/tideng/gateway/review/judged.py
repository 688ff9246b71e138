"""What the judge of texts says of a message, as the review takes it: its warnings, and a suspicion.

Categories are the review's own reading: it decides consent and quiet hours by them, and there an opt-out line
alone makes no advertisement of a notice, as it does for a stranger's text.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from tideng.gateway.review.values import Finding
from tideng.text.judging import Judged

OWN: Final = frozenset(
    {
        "DEBT_DEMAND",
        "DISCOUNT_TO_SETTLE",
        "THREAT",
        "DEADLINE_PRESSURE",
        "UNKNOWN_CALLBACK",
        "DISGUISED_LETTERS",
        "AUTHORITY_CLAIM",
        "TEXT_TOO_LONG",
        "TEXT_EMPTY",
    }
)
"""Codes that the review's own rules give, who know the registry and the whole message."""
ABOUT_LINKS: Final = frozenset(
    {"LOOKALIKE_LINK", "ODD_LINK", "STRANGE_LINK", "RENEW_LINK", "OFFICIAL_WARNING_WITH_LINK"}
)
"""Codes that a link to a host the customer has registered answers."""
_WARNINGS: Final = ("danger", "verify")


class ReadsTexts(Protocol):
    """`text.judging.Judge`, as the review sees it."""

    @property
    def hash(self) -> str:
        """Which tables, knowledge, policy and weights."""
        ...

    @property
    def levels(self) -> Mapping[str, str]:
        """Finding code to danger, verify, note, calm or fact."""
        ...

    def judge_many(self, texts: Sequence[str]) -> list[Judged]:
        """One judgement per text, in order."""
        ...


def judged_texts(texts: Sequence[str], judge: ReadsTexts) -> list[tuple[Finding, ...]]:
    """What the judge says of these texts. Calming findings are not taken: they release nothing here."""
    levels = judge.levels
    return [_taken(one, levels) for one in judge.judge_many(texts)]


def _taken(judged: Judged, levels: Mapping[str, str]) -> tuple[Finding, ...]:
    findings = tuple(
        Finding(found.code, found.seen)
        for found in judged.findings
        if found.code not in OWN and levels.get(found.code, "danger") in _WARNINGS
    )
    if judged.verdict == "needs_person" and not findings:
        findings = (Finding("SUSPICIOUS_TEXT", "" if judged.score is None else f"{judged.score:.2f}"),)
    return findings
