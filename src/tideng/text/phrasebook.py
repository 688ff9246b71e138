"""The knowledge files read: slots of phrases, and families of fraud or of harm that combine them.

A phrase is written once with its choices, `{加|添加}<app>`, and is spread out into plain literals; so every
engine that finds literals finds the same. A slot is a set of phrases that mean one thing; a family says by an
expression over slots (`expression.py`) when it is seen.
"""

import hashlib
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Literal, TypeVar

import msgspec
from msgspec import Struct

from tideng.text.expression import Expression, ExpressionInvalid, SlotSet, parse_expression, slots_in
from tideng.text.links_seen import Hosts, host_table
from tideng.text.sounding import SOUNDING_MIN, sounding, warning_slots
from tideng.text.spreading import PhraseInvalid, spread_out, unchained
from tideng.text.suffixes import PublicSuffixes, SuffixesInvalid, read_suffixes
from tideng.text.tables_read import Tables

SHARED: Final = "shared.toml"
SUFFIXES: Final = "public_suffixes.txt"
Level = Literal["danger", "verify", "note", "calm", "fact"]
NO_SLOT: Final = -1
_LEVELS: Final = ("danger", "verify", "note", "calm", "fact")
_WARNINGS: Final = _LEVELS[:2]


_Read = TypeVar("_Read")


class KnowledgeInvalid(ValueError):
    """A knowledge file that cannot be used; the message names file, place and remedy."""


class Family(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One family: how it works, how it is seen, what to do; and lines that prove it."""

    code: str
    level: Level
    zh: str
    en: str
    how_zh: str
    how_en: str
    next_zh: str
    next_en: str
    source: str
    when: tuple[str, ...]
    """Expressions over slots; any of them is enough,"""
    unless: str = ""
    """where this one does not hold."""
    show: tuple[str, ...] = ()
    """Slots whose words are shown as what was seen, the most telling first."""
    category: str = ""
    """What the text also is, for the gateway."""
    slots: dict[str, tuple[str, ...]] = {}
    examples: tuple[str, ...]
    harmless: tuple[str, ...]
    """Look-alikes in which this family must not be seen."""


class Chain(Struct, frozen=True):
    """A phrase with a gap: a word of `first`, at most `gap` characters, a word of `second`; one clause."""

    slot: int
    first: int
    second: int
    gap: int


class _Shared(Struct, frozen=True, forbid_unknown_fields=True):
    parts: dict[str, tuple[str, ...]]
    slots: dict[str, tuple[str, ...]]
    derived: dict[str, str]
    steady: tuple[str, ...]
    by_sound: tuple[str, ...]
    loose: tuple[str, ...]
    hosts: dict[str, tuple[str, ...]]


class Rule(Struct, frozen=True):
    """A family made ready: its expressions parsed, its slots numbered."""

    family: Family
    when: tuple[Expression, ...]
    show: tuple[int, ...]
    wanted: tuple[int, ...]
    """Slots that its expressions ask for, where no slot of `show` is filled."""


Asked = tuple[int, int, tuple[SlotSet, ...]]
"""A rule, one of its expressions, and the sets of slots of each of which it needs one."""


class Phrasebook(Struct, frozen=True):
    """All literals, slots and families, in a fixed order."""

    literals: tuple[str, ...]
    """Folded; every one is in at least one slot."""
    slots_of: tuple[tuple[int, ...], ...]
    """By literal: the slots it fills."""
    slot_names: tuple[str, ...]
    chains: tuple[Chain, ...]
    """In the order in which they are to be looked for: a chain may be the first part of a later one."""
    derived: Mapping[int, Expression]
    """Slots that follow from others."""
    steady: frozenset[int]
    """Slots whose phrases count even behind a "do not"."""
    sound_literals: tuple[int, ...]
    """Literals that are also looked for by their sound."""
    short_sounds: frozenset[int]
    """Literals whose sound alone says nothing: it counts where something else in the text is disguised."""
    loose: frozenset[str]
    """Latin words that count inside longer ones: places that a data set masked."""
    hosts: Hosts
    rules: tuple[Rule, ...]
    """The most severe level first."""
    by_slot: Mapping[int, tuple[Asked, ...]]
    """By slot: what could hold once it is filled; NO_SLOT: what needs none."""
    hash: str
    """SHA-256 over the files' bytes."""

    def asked_by(self, filled: Iterable[int]) -> dict[int, set[int]]:
        """Rule to its expressions that could hold where these slots are filled; all others cannot."""
        filled = list(filled)
        have = 0
        for slot in filled:
            have |= 1 << slot
        asked: dict[int, set[int]] = {}
        for slot in (NO_SLOT, *filled):
            for rule, expression, needs in self.by_slot.get(slot, ()):
                for need in needs:
                    if not need & have:
                        break
                else:
                    asked.setdefault(rule, set()).add(expression)
        return asked

    def rule(self, code: str) -> Rule | None:
        """The rule with this finding code."""
        return next((rule for rule in self.rules if rule.family.code == code), None)


def read_phrasebook(given: Mapping[str, bytes], tables: Tables, sights: tuple[str, ...]) -> Phrasebook:
    """The knowledge files of these names and bytes. `sights` are slots that code fills, not phrases.

    Raises KnowledgeInvalid, naming file and place.
    """
    shared = _decoded(SHARED, given.get(SHARED, b""), _Shared)
    families = {
        name: _decoded(name, content, Family)
        for name, content in sorted(given.items())
        if name not in (SHARED, SUFFIXES)
    }
    slots: dict[str, tuple[str, ...]] = dict.fromkeys((*sights, *shared.derived), ())
    # A slot that code fills may have phrases too.
    slots |= shared.slots
    for name, family in families.items():
        slots |= {f"{name.removesuffix('.toml')}.{slot}": phrases for slot, phrases in family.slots.items()}
    try:
        slots, links = unchained(slots, shared.parts)
        number = {slot: place for place, slot in enumerate(slots)}
        literals = spread_out(slots, shared.parts, number, tables)
    except PhraseInvalid as error:
        raise KnowledgeInvalid(str(error)) from error
    codes = [family.code for family in families.values()]
    for code in codes:
        if codes.count(code) > 1:
            raise KnowledgeInvalid(f"two knowledge files have the code {code}; give one another code")
    derived = {
        number[name]: _expression(SHARED, text, lambda slot: number.get(slot))
        for name, text in shared.derived.items()
    }
    rules, asking = _rules(families, number, derived)
    short = {number[slot] for slot in shared.by_sound}
    warnings = [one for rule in rules if rule.family.level in _WARNINGS for one in rule.when]
    digest = hashlib.sha256()
    for name in sorted(given):
        digest.update(name.encode() + b"\0" + given[name] + b"\0")
    return Phrasebook(
        literals=tuple(literals),
        slots_of=tuple(tuple(s) for s in literals.values()),
        slot_names=tuple(slots),
        chains=tuple(
            Chain(number[link.slot], number[link.first], number[link.second], link.gap) for link in links
        ),
        derived=derived,
        steady=frozenset(number[slot] for slot in shared.steady),
        sound_literals=sounding(literals, short, warning_slots(warnings, derived, tuple(slots)), tables),
        short_sounds=frozenset(
            place
            for place, (literal, filled) in enumerate(literals.items())
            if len(literal) < SOUNDING_MIN and not short & set(filled)
        ),
        loose=frozenset(shared.loose),
        hosts=host_table(shared.hosts, _suffixes(given.get(SUFFIXES, b""))),
        rules=tuple(rules),
        by_slot=asking,
        hash=digest.hexdigest(),
    )


def _rules(
    families: Mapping[str, Family], number: Mapping[str, int], derived: Mapping[int, Expression]
) -> tuple[list[Rule], dict[int, tuple[Asked, ...]]]:
    """All rules, the most severe level first, and which of them to ask by slot."""
    try:
        rules = [_rule(name, family, number, derived) for name, family in families.items()]
        rules.sort(key=lambda rule: _LEVELS.index(rule.family.level))
        return rules, _by_slot(rules, derived)
    except RecursionError as error:
        raise KnowledgeInvalid(f"{SHARED}: derived slots ask for each other in a circle; cut it") from error


def _suffixes(content: bytes) -> PublicSuffixes:
    try:
        return read_suffixes(content)
    except SuffixesInvalid as error:
        raise KnowledgeInvalid(f"{SUFFIXES}: {error}") from error


def _by_slot(rules: Sequence[Rule], derived: Mapping[int, Expression]) -> dict[int, tuple[Asked, ...]]:
    found: dict[int, list[Asked]] = {}
    for nth, rule in enumerate(rules):
        for place, expression in enumerate(rule.when):
            needs = expression.needs(derived)
            for slot in slots_in(needs[0]) if needs else (NO_SLOT,):
                found.setdefault(slot, []).append((nth, place, needs[1:]))
    return {slot: tuple(asking) for slot, asking in found.items()}


def _decoded(name: str, content: bytes, kind: type[_Read]) -> _Read:
    try:
        return msgspec.convert(tomllib.loads(content.decode()), kind)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise KnowledgeInvalid(f"{name}: {error}. Compare it with another knowledge file") from error


def _expression(name: str, text: str, number: Callable[[str], int | None]) -> Expression:
    def found(slot: str) -> int:
        place = number(slot)
        if place is None:
            raise KnowledgeInvalid(f"{name}: no slot is called {slot!r}; define it, or correct the word")
        return place

    try:
        return parse_expression(text, found)
    except ExpressionInvalid as error:
        raise KnowledgeInvalid(f"{name}: {error}") from error


def _rule(name: str, family: Family, number: Mapping[str, int], derived: Mapping[int, Expression]) -> Rule:
    own = name.removesuffix(".toml")

    def found(slot: str) -> int:
        place = number.get(f"{own}.{slot}", number.get(slot))
        if place is None:
            raise KnowledgeInvalid(f"{name}: no slot is called {slot!r}; define it, or correct the word")
        return place

    def parsed(text: str) -> Expression:
        return _expression(name, text, lambda slot: number.get(f"{own}.{slot}", number.get(slot)))

    when = tuple(parsed(text) for text in family.when)
    if family.unless:
        never = Expression("not", (parsed(family.unless),))
        when = tuple(Expression("and", (one, never)) for one in when)
    # Nobody wrote a derived slot: it shows nothing.
    wanted = dict.fromkeys(slot for one in when for slot in one.wanted() if slot not in derived)
    show = tuple(slot for slot in map(found, family.show) if slot not in derived)
    return Rule(family, when, show, tuple(wanted))
