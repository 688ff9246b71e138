"""One verdict told in full: the text with marks, findings and what to do, folds, parts of the score."""

from typing import Final

from msgspec import Struct

from tideng.text.finding import TextFinding
from tideng.text.folding import Fold
from tideng.text.judging import TEXT_CHARACTERS_MAX, Judge
from tideng.text.named import Entity, entities_of
from tideng.text.suspicion import POINTS_PER_LOGIT, Scorer
from tideng.text.verdict_policy import Review, Verdict

MARK_OPEN: Final = "[bold black on yellow]"
MARK_CLOSE: Final = "[/]"


class Reason(Struct, frozen=True):
    """A finding in a reader's words."""

    code: str
    start: int
    end: int
    seen: str
    name: str
    how: str
    next_step: str


class ScorePart(Struct, frozen=True):
    """What one stretch adds, in logits; all parts add up to the score's logit exactly, in thousandths."""

    what: str
    adds: float


class Told(Struct, frozen=True):
    """Everything there is to say about one text."""

    text: str
    marked: str
    """The original in rich markup, with what was seen marked."""
    verdict: Verdict
    review: Review
    category: tuple[str, ...]
    data_for_sale: bool
    findings: tuple[Reason, ...]
    entities: tuple[Entity, ...]
    """What the text names, with normal forms."""
    folds: tuple[Fold, ...]
    score: float | None
    threshold: float
    parts: tuple[ScorePart, ...]
    tables: str
    knowledge: str
    policy: str


_ODD: Final = {
    "TEXT_EMPTY": (
        "空文本 empty",
        "没有可读内容。Nothing to read.",
        "请发来整条短信。Send the whole message.",
    ),
    "TEXT_TOO_LONG": ("过长 too long", "只读了开头。Only the beginning was read.", "请分段。Split it."),
    "NOT_READABLE_TEXT": (
        "不是文字 not text",
        "乱码或控制字符太多。Too many broken or control characters.",
        "请用截图或重新复制。Send a screenshot, or copy it again.",
    ),
}


def explain(judge: Judge, text: str) -> Told:
    """What `judge` makes of `text`, and why."""
    judged = judge.judge(text)
    block = judge.sights([text]).block
    scorer = judge.suspicion if isinstance(judge.suspicion, Scorer) else None
    parts = scorer.parts(block.folded(0)) if scorer is not None else ()
    return Told(
        text=text,
        marked=_marked(text, judged.findings),
        verdict=judged.verdict,
        review=judged.review,
        category=judged.category,
        data_for_sale=judged.data_for_sale,
        findings=tuple(_reason(judge, finding) for finding in judged.findings),
        entities=entities_of(judge, text[:TEXT_CHARACTERS_MAX]),
        folds=block.folds(0),
        score=judged.score,
        threshold=round(scorer.threshold, 4) if scorer is not None else 0.0,
        parts=tuple(ScorePart(part.what, part.points / POINTS_PER_LOGIT) for part in parts),
        tables=judge.reader.tables.hash[:12],
        knowledge=judge.reader.book.hash[:12],
        policy=f"{judge.policy.version} {judge.policy.hash[:12]}",
    )


def _reason(judge: Judge, finding: TextFinding) -> Reason:
    rule = judge.reader.book.rule(finding.code)
    if rule is None:
        name, how, step = _ODD.get(finding.code, (finding.code, "", ""))
        return Reason(finding.code, finding.start, finding.end, finding.seen, name, how, step)
    family = rule.family
    return Reason(
        finding.code,
        finding.start,
        finding.end,
        finding.seen,
        f"{family.zh} {family.en}",
        f"{family.how_zh} {family.how_en}",
        f"{family.next_zh} {family.next_en}",
    )


def _marked(text: str, findings: tuple[TextFinding, ...]) -> str:
    """Rich markup of the text; spans that overlap are marked as one."""
    spans: list[tuple[int, int]] = []
    for start, end in sorted((f.start, f.end) for f in findings if f.end > f.start):
        if spans and start <= spans[-1][1]:
            spans[-1] = spans[-1][0], max(end, spans[-1][1])
        else:
            spans.append((start, end))
    pieces, done = [], 0
    for start, end in spans:
        pieces += [_plain(text[done:start]), MARK_OPEN, _plain(text[start:end]), MARK_CLOSE]
        done = end
    return "".join([*pieces, _plain(text[done:])])


def _plain(text: str) -> str:
    """The text with nothing that rich reads as markup, and lone surrogates made visible."""
    return text.encode("utf-8", "replace").decode().replace("[", "\\[")
