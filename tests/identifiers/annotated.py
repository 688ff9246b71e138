"""Annotated lines: `{kind|value}` in a line of text; `*` as value: one drawn for the line."""

import random
import re
from collections import Counter
from pathlib import Path

from tideng.identifiers.bank_card import luhn_digit
from tideng.identifiers.credit_code import check_character
from tideng.identifiers.spans.find import find
from tideng.scan.corpus import Maker

LINES = Path(__file__).parent / "lines"
_MARK = re.compile(r"\{([a-z_0-9]+)\|([^}]*)\}")


def _drawn(kind: str, maker: Maker, chance: random.Random) -> str:
    if kind == "resident_id":
        return maker.person().id
    if kind == "bank_card":
        return maker.person().card
    if kind == "imei":
        first = f"86{chance.randint(0, 10**12 - 1):012}"
        return first + luhn_digit(first)
    first = "91310000MA1FL" + "".join(chance.choice("0123456789ABCDEFGH") for _ in range(4))
    return first + check_character(first)


def lines(name: str) -> list[tuple[str, set[tuple[str, int, int]]]]:
    """The lines of a set with their true spans (kind, start, end)."""
    maker, chance = Maker(41), random.Random(41)
    found = []
    for line in (LINES / name).read_text("utf-8").splitlines():
        text, at = "", 0
        truth: set[tuple[str, int, int]] = set()
        for mark in _MARK.finditer(line):
            text += line[at : mark.start()]
            value = _drawn(mark[1], maker, chance) if mark[2] == "*" else mark[2]
            truth.add((mark[1], len(text), len(text) + len(value)))
            text += value
            at = mark.end()
        found.append((text + line[at:], truth))
    return found


def score(name: str) -> tuple[Counter[tuple[str, str]], list[str]]:
    """(kind, right | missed | wrong) counted over a set, and the lines that were not read as they should."""
    counted: Counter[tuple[str, str]] = Counter()
    told = []
    for text, truth in lines(name):
        found = {(span.kind, span.start, span.end) for span in find(text)}
        for kind, *_ in truth & found:
            counted[kind, "right"] += 1
        for kind, *_ in truth - found:
            counted[kind, "missed"] += 1
        for kind, *_ in found - truth:
            counted[kind, "wrong"] += 1
        if found != truth:
            missed, wrong = _shown(text, truth - found), _shown(text, found - truth)
            told.append(f"{text}\n    missed {missed}\n    wrong  {wrong}")
    return counted, told


def _shown(text: str, spans: set[tuple[str, int, int]]) -> str:
    return " ".join(f"{kind}:{text[start:end]}" for kind, start, end in sorted(spans))


def rates(counted: Counter[tuple[str, str]]) -> tuple[float, float]:
    """Precision and recall over all kinds."""
    right = sum(n for (_, how), n in counted.items() if how == "right")
    missed = sum(n for (_, how), n in counted.items() if how == "missed")
    wrong = sum(n for (_, how), n in counted.items() if how == "wrong")
    return right / (right + wrong), right / (right + missed)
