"""Expressions over many texts at once say for each what they say for it alone."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tideng.text.expression import Expression, Truth, parse_expression, places_of, truth_of

SLOTS = 5
SLOT = st.integers(0, SLOTS - 1).map(lambda slot: f"s{slot}")


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    several = st.lists(inner, min_size=1, max_size=4)
    return st.one_of(
        several.map(lambda parts: "(" + " & ".join(parts) + ")"),
        several.map(lambda parts: "(" + " | ".join(parts) + ")"),
        inner.map(lambda part: f"!{part}"),
        st.builds(
            lambda parts, least: f"{min(least, len(parts))} of ({', '.join(parts)})",
            several,
            st.integers(1, 3),
        ),
    )


WRITTEN = st.recursive(SLOT, _grown, max_leaves=12)
TEXTS = st.lists(st.frozensets(st.integers(0, SLOTS - 1)), min_size=1, max_size=70)
"""By text: the slots it fills."""


class Filled:
    """Texts that fill these slots; two filled slots are never near."""

    def __init__(self, texts: list[frozenset[int]]) -> None:
        self._texts = texts
        self.everywhere: Truth = (1 << len(texts)) - 1

    def has(self, slot: int) -> Truth:
        places = [place for place, slots in enumerate(self._texts) if slot in slots]
        return truth_of(np.array(places, np.int64), len(self._texts))

    def near(self, first: int, second: int, characters: int) -> Truth:
        return 0


def plainly(one: Expression, filled: frozenset[int]) -> bool:
    """What the expression says about one text, word for word."""
    held = [plainly(operand, filled) for operand in one.operands]
    match one.operator:
        case "slot":
            return one.slots[0] in filled
        case "not":
            return not held[0]
        case "and":
            return all(held)
        case "or":
            return any(held)
        case _:
            return sum(held) >= one.number


@given(WRITTEN, TEXTS)
@settings(max_examples=400, deadline=None)
def test_all_at_once_as_each_alone(written: str, texts: list[frozenset[int]]) -> None:
    read = parse_expression(written, lambda name: int(name[1:]))
    held = [place for place, filled in enumerate(texts) if plainly(read, filled)]
    assert places_of(read.truth(Filled(texts))) == held


@given(st.frozensets(st.integers(0, 300)))
def test_a_set_of_texts_and_back(places: frozenset[int]) -> None:
    given_twice = np.array([*places, *places], np.int64)
    assert places_of(truth_of(given_twice, 301)) == sorted(places)
