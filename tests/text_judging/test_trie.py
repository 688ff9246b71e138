"""Arithmetic over all places against the automaton: the same literals at the same places, in one order."""

import numpy as np
from bench.text import made
from hypothesis import given, settings
from hypothesis import strategies as st

from text_judging.ready import occurrences
from tideng.text.judging import Judge
from tideng.text.knowledge import bundled_knowledge
from tideng.text.matching import Automaton, ByLength
from tideng.text.ordering import order_by, stretches
from tideng.text.policies import bundled_verdict_policy
from tideng.text.ready import make_judge
from tideng.text.tables import bundled_tables
from tideng.text.trie import Trie

LETTERS = st.text("abc验证码𠮷", min_size=1, max_size=14)


@settings(max_examples=300, deadline=None)
@given(st.lists(LETTERS, min_size=1, max_size=40), st.text("abc验证码𠮷 ", max_size=120))
def test_the_same_as_the_automaton(literals: list[str], text: str) -> None:
    # A book has a literal more than once where two words sound alike.
    literals = [*literals, *literals[:3]]
    assert occurrences(Trie(literals), text) == occurrences(Automaton(literals), text)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2**40), st.integers(0, 2**20)), max_size=300))
def test_the_order_is_that_of_two_keys(pairs: list[tuple[int, int]]) -> None:
    major = np.array([one for one, _ in pairs], np.int64)
    minor = np.array([one for _, one in pairs], np.int64)
    assert order_by(major, minor).tolist() == np.lexsort((minor, major)).tolist()


@given(st.lists(st.integers(0, 5), max_size=30).map(sorted))
def test_stretches_hold_every_number_and_no_other(numbers: list[int]) -> None:
    found = stretches(np.array(numbers, np.int64))
    assert {number: numbers[a:b] for number, (a, b) in found.items()} == {
        number: [number] * numbers.count(number) for number in numbers
    }


def _judges() -> tuple[Judge, Judge]:
    data = (bundled_tables(), bundled_knowledge(), bundled_verdict_policy())
    return make_judge(*data), make_judge(*data, for_files=False)


def test_many_texts_are_judged_as_each_alone() -> None:
    for_files, one_by_one = _judges()
    assert isinstance(for_files.reader.words, ByLength)
    texts = made(1_500)
    disguised = [
        text.replace("元", "圆").replace("微信", "薇 信").replace("款", "𣢸")[:60] + "\u200b"
        for text in texts
    ]
    lines = [*texts, *disguised, "", "a", "\ud800", "一" * 25_000]
    assert for_files.judge_many(lines) == [one_by_one.judge(line) for line in lines]
