"""Phrases with gaps against a plain loop over pieces; and that a set of needed slots never hides a rule."""

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from text_judging.ready import judge
from tideng.text.chaining import make_chaining
from tideng.text.expression import Expression, parse_expression, truth_of
from tideng.text.phrasebook import Chain, Phrasebook
from tideng.text.spreading import Link, unchained

MARK, OPEN = "|", "."
"""Between texts; the end of a clause inside one."""


def _book(phrases: list[str]) -> Phrasebook:
    """A book of one slot with these phrases, in the letters they are written with."""
    slots, links = unchained({"whole": tuple(phrases)}, {})
    number = {slot: place for place, slot in enumerate(slots)}
    found: dict[str, list[int]] = {}
    for slot, words in slots.items():
        for word in words:
            found.setdefault(word, []).append(number[slot])
    base = judge().reader.book

    def chain(link: Link) -> Chain:
        return Chain(number[link.slot], number[link.first], number[link.second], link.gap)

    return structs.replace(
        base,
        literals=tuple(found),
        slots_of=tuple(map(tuple, found.values())),
        slot_names=tuple(slots),
        chains=tuple(map(chain, links)),
    )


def _by_hand(phrase: str, text: str) -> set[tuple[int, int]]:
    """Where the phrase is: after each piece the nearest next one within the gap, in one clause."""
    pieces = phrase.split("~")
    first, *rest = pieces
    found = {(at, at + len(first)) for at in range(len(text)) if text.startswith(first, at)}
    for gap, piece in zip(rest[::2], rest[1::2], strict=True):
        longer = set()
        for start, end in found:
            nearest = text.find(piece, end)
            if 0 <= nearest <= end + int(gap) and not {MARK, OPEN} & set(text[end:nearest]):
                longer.add((start, nearest + len(piece)))
        found = longer
    return found


PIECES = st.text("abc", min_size=1, max_size=2)
PHRASES = st.builds(
    lambda first, rest: first + "".join(f"~{gap}~{piece}" for gap, piece in rest),
    PIECES,
    st.lists(st.tuples(st.integers(0, 5), PIECES), max_size=3),
)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(PHRASES, min_size=1, max_size=6, unique=True),
    st.lists(st.text("abcx.", max_size=14), min_size=1, max_size=4),
)
def test_chains_are_put_together_as_by_hand(phrases: list[str], texts: list[str]) -> None:
    book = _book(phrases)
    joined = MARK.join(texts)
    words = [
        (number, at, at + len(literal))
        for number, literal in enumerate(book.literals)
        for at in range(len(joined))
        if joined.startswith(literal, at)
    ]
    seen = tuple(np.array(column, np.int64) for column in zip(*words, strict=True)) if words else (EMPTY,) * 3
    owners = np.array([*itertools.accumulate(joined, lambda n, c: n + (c == MARK), initial=0)], np.int64)
    clauses = np.array([0, *itertools.accumulate(c in MARK + OPEN for c in joined)], np.int64)
    clauses = np.append(clauses, clauses[-1])
    slots, starts, ends = make_chaining(book).slots((seen[0], seen[1], seen[2]), owners, len(texts), clauses)
    assert set(slots.tolist()) <= {0}
    found = set(zip(starts.tolist(), ends.tolist(), strict=True))
    assert found == set().union(*(_by_hand(phrase, joined) for phrase in phrases))


EMPTY = np.zeros(0, np.int64)
SLOTS = "abcdefgh"
LEAVES = st.sampled_from(SLOTS) | st.sampled_from(["near(a, b, 3)", "near(g, h, 9)"])
WRITTEN = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds("({} & {})".format, inner, inner),
        st.builds("({} | {})".format, inner, inner),
        inner.map("!{}".format),
        st.builds("{} of ({}, {}, {})".format, st.integers(1, 3), inner, inner, inner),
    ),
    max_leaves=10,
)


class _Filled:
    """One text in which these slots are filled, and every two of them near."""

    everywhere = 1

    def __init__(self, filled: set[int], derived: dict[int, Expression]) -> None:
        self.filled, self.derived = filled, derived

    def has(self, slot: int) -> int:
        if slot in self.derived:
            return self.derived[slot].truth(self)
        return truth_of(np.zeros(1, np.int64), 1) if slot in self.filled else 0

    def near(self, first: int, second: int, _characters: int) -> int:
        return int(first in self.filled and second in self.filled)


@settings(max_examples=500, deadline=None)
@given(WRITTEN, WRITTEN, st.sets(st.integers(0, 6)))
def test_what_holds_has_something_of_every_set_it_needs(text: str, derived: str, filled: set[int]) -> None:
    # The last slot is a derived one.
    own = {7: parse_expression(derived.replace("h", "a"), SLOTS.index)}
    expression = parse_expression(text, SLOTS.index)
    if expression.truth(_Filled(filled, own)):
        have = sum(1 << slot for slot in filled)
        assert all(need & have for need in expression.needs(own))
