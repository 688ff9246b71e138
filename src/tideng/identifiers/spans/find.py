"""`find`: all personal data in one text."""

import re
from typing import Final

from msgspec.structs import replace

from tideng.identifiers.spans.addresses import addresses
from tideng.identifiers.spans.digits import numbers
from tideng.identifiers.spans.folding import NUMERALS, fold, fold_lookalikes, fold_numerals
from tideng.identifiers.spans.forms import lettered
from tideng.identifiers.spans.latin import latin_addresses, latin_names
from tideng.identifiers.spans.names import names
from tideng.identifiers.spans.span import Cover, Span, settle

TEXT_CHARACTERS_MAX: Final = 1_000_000
"""Longer texts are for the caller to cut at a line; nothing is found across a cut."""

_DICTATED: Final = re.compile(rf"[{NUMERALS}0-9][{NUMERALS}0-9 ,，、-]{{9,45}}[{NUMERALS}0-9Xx]")
_SCANNED: Final = re.compile(
    r"(?<![A-Za-z0-9])(?=[A-Za-z|!0-9 -]*[OoQDIl|!ZzSsBgqG])[0-9OoQDIl|!ZzSsBgqG][0-9OoQDIl|!ZzSsBgqG -]{9,24}[0-9OoQDIl|!ZzSsBgqGXx](?![A-Za-z0-9])"  # noqa: E501
)
_DIGITS_LEAST: Final = 7


def find(text: str) -> list[Span]:
    """Every span of personal data in `text`, disjoint, in order, with its characters as `value`."""
    folded = fold(text)
    found = list(numbers(folded)) + list(lettered(folded))
    size = len(folded)
    found += _spoken(folded, Cover(size, found))
    found += _misread(folded, Cover(size, found))
    hard = settle(found)
    cover = Cover(size, hard)
    found = [*addresses(folded), *latin_addresses(folded)]
    places = settle(span for span in found if cover.is_free(span.start, span.end))
    cover = Cover(size, [*hard, *places])
    found = [*names(folded), *latin_names(folded)]
    people = [span for span in found if cover.is_free(span.start, span.end)]
    return [
        replace(
            span, value=text[span.start : span.end], canonical=span.canonical or folded[span.start : span.end]
        )
        for span in settle([*hard, *places, *people])
    ]


def _spoken(folded: str, cover: Cover) -> list[Span]:
    """Numbers with Chinese numerals in them."""
    spans: list[Span] = []
    for stretch in _DICTATED.finditer(folded):
        if not any(c in NUMERALS for c in stretch[0]) or not cover.is_free(*stretch.span()):
            continue
        # The words in front stay as they are: they say what kind of number this is.
        lead = folded[max(0, stretch.start() - 16) : stretch.start()]
        line = lead + fold_numerals(stretch[0]).replace(",", " ").replace("，", " ").replace("、", " ")
        shift = stretch.start() - len(lead)
        for span in numbers(line):
            if span.start >= len(lead) and span.kind in ("mobile", "resident_id", "bank_card", "landline"):
                spans.append(_moved(span, shift, span.confidence * 0.95))  # noqa: PERF401
    return spans


def _misread(folded: str, cover: Cover) -> list[Span]:
    """Numbers with letters that a scanner took for digits; only where the number proves itself."""
    spans: list[Span] = []
    for stretch in _SCANNED.finditer(folded):
        plain = fold_lookalikes(stretch[0])
        if sum(c.isdigit() for c in stretch[0]) < _DIGITS_LEAST or not cover.is_free(*stretch.span()):
            continue
        lead = folded[max(0, stretch.start() - 16) : stretch.start()]
        for span in numbers(lead + plain):
            is_whole = span.start == len(lead) and span.end >= len(lead) + len(plain)
            proven = span.kind in ("resident_id", "bank_card") or (
                span.kind == "mobile" and span.confidence > 0.98
            )
            if is_whole and proven:
                spans.append(_moved(span, stretch.start() - len(lead), span.confidence * 0.85))
    return spans


def _moved(span: Span, by: int, confidence: float) -> Span:
    return replace(span, start=span.start + by, end=span.end + by, confidence=round(confidence, 2))
