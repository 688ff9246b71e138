"""Phrases as they are written, spread out into literals: `{加|添加}<app>` is every choice, `a~4~b` a chain.

Every engine that finds literals then finds the same. A phrase with very many choices becomes a chain too.
"""

import itertools
import math
import re
from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct

from tideng.text.folding import fold_block
from tideng.text.tables_read import Tables

LITERALS_MAX: Final = 200_000
SPREAD_MAX: Final = 10_000
"""So many literals may come from one phrase."""
NESTED_MAX: Final = 8
HALVED_FROM: Final = 250
"""A phrase with more choices than this is looked for in two pieces, where both are words."""
SINGLE_COST: Final = 60
"""What a single character costs as a word: it is met everywhere."""
HALF_MAX: Final = 400
GAP_MAX: Final = 6
_MARKS: Final = frozenset("{}<|")
_GROUP: Final = re.compile(r"\{[^}]*\}|<[^>]*>|[^{<]+")
_GAP: Final = re.compile(r"~(\d{1,2})~")
_WIDE: Final = re.compile(r"~\d+~")


class PhraseInvalid(ValueError):
    """A phrase that cannot be used; the message names its slot and the remedy."""


class Link(Struct, frozen=True):
    """A step of a phrase with gaps, by names of slots: `first`, at most `gap` characters, `second`."""

    slot: str
    first: str
    second: str
    gap: int


def unchained(
    slots: Mapping[str, tuple[str, ...]], shared: Mapping[str, tuple[str, ...]]
) -> tuple[dict[str, tuple[str, ...]], list[Link]]:
    """The slots with every phrase that has a gap (`a~4~b`) taken apart, and how to put it together."""
    plain: dict[str, tuple[str, ...]] = {}
    parts: dict[str, tuple[str, ...]] = {}
    links: list[Link] = []
    for slot, phrases in slots.items():
        written = [_halved(phrase, shared, slot) for phrase in phrases]
        plain[slot] = tuple(phrase for phrase in written if not _GAP.search(phrase))
        for count, phrase in enumerate(written):
            pieces = _GAP.split(phrase)
            if any(not piece.strip("{|} ") for piece in pieces):
                raise PhraseInvalid(f"{slot}: {phrase!r} has a gap beside nothing; write what stands there")
            if any(_WIDE.search(piece) for piece in pieces):
                raise PhraseInvalid(f"{slot}: {phrase!r} has a gap of more than 99; write a smaller one")
            before = ""
            for step in range(0, len(pieces), 2):
                if len(pieces) == 1:
                    break
                here = f"{slot}#{count}.{step}"
                parts[here] = (pieces[step],)
                if before:
                    whole = slot if step == len(pieces) - 1 else f"{here}+"
                    if whole != slot:
                        parts[whole] = ()
                    links.append(Link(whole, before, here, int(pieces[step - 1])))
                    before = whole
                else:
                    before = here
    return plain | parts, links


def _halved(phrase: str, shared: Mapping[str, tuple[str, ...]], slot: str) -> str:
    """A phrase with very many choices as a chain: its ends are words, its middle a gap of their length."""
    if _MARKS.isdisjoint(phrase):
        return phrase
    pieces = _GAP.split(phrase)
    for step in range(0, len(pieces), 2):
        groups = [[*_spread(group, shared, slot, 0)] for group in _GROUP.findall(pieces[step])]
        cost = math.prod(map(len, groups))
        if cost <= HALVED_FROM or len(groups) < 2:
            continue
        best = ""
        for start in range(1, len(groups)):
            for end in range(start, min(len(groups) - 1, start + 3) + 1):
                left, right = _said(groups[:start]), _said(groups[end:])
                gap = sum(max(map(len, group)) for group in groups[start:end])
                if not left or not right or gap > GAP_MAX:
                    continue
                if gap and min(map(len, (*left, *right))) < 2:
                    # Single characters with room between them are met by chance.
                    continue
                price = (
                    len(left) + len(right) + 3 * gap + SINGLE_COST * sum(len(w) == 1 for w in (*left, *right))
                )
                if price < cost:
                    best, cost = f"{{{'|'.join(left)}}}~{gap}~{{{'|'.join(right)}}}", price
        pieces[step] = best or pieces[step]
    return "".join(piece if place % 2 == 0 else f"~{piece}~" for place, piece in enumerate(pieces))


def _said(groups: list[list[str]]) -> list[str]:
    """Every way to say these groups; none where one way says nothing, or where there are too many."""
    if math.prod(map(len, groups)) > HALF_MAX:
        return []
    words = ["".join(choice) for choice in itertools.product(*groups)]
    return [] if "" in words else words


def spread_out(
    slots: Mapping[str, tuple[str, ...]],
    parts: Mapping[str, tuple[str, ...]],
    number: Mapping[str, int],
    tables: Tables,
) -> dict[str, list[int]]:
    """Every literal, folded as texts are, and the slots it fills."""
    spread: list[tuple[str, int]] = []
    for slot, phrases in slots.items():
        for phrase in phrases:
            # A blank keeps words apart in English; folding would need no care for it in Chinese.
            words = [*_spread(phrase, parts, slot, 0)]
            if len(words) > SPREAD_MAX:
                raise PhraseInvalid(f"{slot}: {phrase!r} gives {len(words)}; the limit is {SPREAD_MAX}")
            spread += [(word, number[slot]) for word in words]
    if len(spread) > LITERALS_MAX:
        raise PhraseInvalid(f"{len(spread)} literals; the limit is {LITERALS_MAX}. Write fewer choices")
    folded = fold_block([word for word, _ in spread], tables).all_folded()
    found: dict[str, list[int]] = {}
    slot_names = tuple(slots)
    for literal, (word, slot_number) in zip(map(str.strip, folded), spread, strict=True):
        if len(literal) < 2:
            # One choice of several may be that short; alone it would be everywhere.
            if word in slots[slot_names[slot_number]] and "#" not in slot_names[slot_number]:
                raise PhraseInvalid(f"{word!r} is shorter than two characters; it is everywhere. Lengthen it")
            # Inside a phrase with a gap the other part keeps it rare.
            if not literal or "#" not in slot_names[slot_number]:
                continue
        have = found.setdefault(literal, [])
        if slot_number not in have:
            have.append(slot_number)
    return found


def _spread(phrase: str, parts: Mapping[str, tuple[str, ...]], slot: str, depth: int) -> Iterator[str]:
    """Every way to say the phrase. `{a|b|}` chooses, `<part>` is a shared choice."""
    if _MARKS.isdisjoint(phrase):
        yield phrase
        return
    if depth > NESTED_MAX:
        raise PhraseInvalid(f"{slot}: {phrase!r} is nested deeper than {NESTED_MAX}; write it flatter")
    groups: list[list[str]] = []
    at = 0
    while at < len(phrase):
        start = min((i for i in (phrase.find("{", at), phrase.find("<", at)) if i >= 0), default=len(phrase))
        if start > at:
            if "}" in phrase[at:start] or "|" in phrase[at:start]:
                raise PhraseInvalid(f"{slot}: {phrase!r} has a bracket or bar too many; brackets do not nest")
            groups.append([phrase[at:start]])
        if start == len(phrase):
            break
        end = phrase.find("}" if phrase[start] == "{" else ">", start)
        if end < 0:
            raise PhraseInvalid(f"{slot}: {phrase!r} has an open bracket; close it")
        inside = phrase[start + 1 : end]
        if phrase[start] == "<" and inside not in parts:
            raise PhraseInvalid(f"{slot}: no part is called {inside!r}; define it in shared.toml")
        choices = inside.split("|") if phrase[start] == "{" else parts[inside]
        groups.append([word for choice in choices for word in _spread(choice, parts, slot, depth + 1)])
        at = end + 1
    yield from map("".join, itertools.product(*groups))
