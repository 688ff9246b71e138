"""JSONL in, JSONL out: a line of a file to a verdict line. What cannot be read is answered too."""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from tideng.text.finding import TextFinding
from tideng.text.judging import Judge, Judged
from tideng.text.verdict_policy import Review, Verdict

UNREADABLE: Final = "LINE_NOT_READABLE"


class Asked(Struct, frozen=True, gc=False):
    """One text to judge."""

    text: str
    id: str | int | float | None = None
    channel: str = ""


class Answered(Struct, frozen=True, gc=False, omit_defaults=False):
    """One verdict line."""

    id: str | int | float | None
    verdict: Verdict
    review: Review
    category: tuple[str, ...]
    findings: tuple[TextFinding, ...]
    score: float | msgspec.UnsetType
    data_for_sale: bool


_ask: Final = msgspec.json.Decoder(Asked).decode
_loose: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder().encode


def answer_lines(judge: Judge, lines: Sequence[tuple[int, bytes]]) -> list[bytes]:
    """A verdict line for every (line number, line), in order."""
    asked: list[Asked | None] = []
    problems: dict[int, bytes] = {}
    for place, (number, line) in enumerate(lines):
        try:
            asked.append(_ask(line))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            asked.append(None)
            problems[place] = _unreadable(line, number, str(error))
    judged = iter(judge.judge_many([one.text for one in asked if one is not None]))
    return [
        problems[place] if one is None else _encode(answered(one.id, next(judged)))
        for place, one in enumerate(asked)
    ]


def answered(id: str | int | float | None, judged: Judged) -> Answered:
    """A verdict under the id it was asked with."""
    score = msgspec.UNSET if judged.score is None else judged.score
    return Answered(
        id, judged.verdict, judged.review, judged.category, judged.findings, score, judged.data_for_sale
    )


def _unreadable(line: bytes, number: int, problem: str) -> bytes:
    """A line that is no such object still gets an answer: a person shall look at it."""
    name: str | int | float | None = f"line {number}"
    try:
        found = _loose(line)
        if isinstance(found, dict) and isinstance(found.get("id"), str | int | float):
            name = found["id"]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    finding = TextFinding(UNREADABLE, 0, 0, f"line {number}: {problem}"[:160])
    return _encode(Answered(name, "needs_person", "hold", (), (finding,), msgspec.UNSET, False))
