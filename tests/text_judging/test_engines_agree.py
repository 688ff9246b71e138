"""Hyperscan and Aho-Corasick find the same, so the verdict does not depend on what is installed."""

import functools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from text_judging.ready import held_apart, judge
from tideng.text.matching import Automaton, Hyperscan

LITERALS = ["验证", "证码", "验证码", "码", "abc", "bc", "c", "公安局", "安", "é", "aa", "a"]


@functools.cache
def engines() -> tuple[Automaton, Hyperscan]:
    return Automaton(LITERALS), Hyperscan(LITERALS)


@given(st.text(alphabet="验证码公安局abcé \n\x1e", max_size=200))
@settings(max_examples=300, deadline=None)
def test_both_find_the_same_occurrences(text: str) -> None:
    one, other = (engine.scan(text) for engine in engines())
    assert np.array_equal(one[0], other[0])
    assert np.array_equal(one[1], other[1])


def test_both_give_the_same_verdicts() -> None:
    texts = [row["text"] for row in held_apart()][::4]
    assert judge("hyperscan").judge_many(texts) == judge("ahocorasick").judge_many(texts)


def test_a_kept_database_finds_what_a_fresh_one_finds() -> None:
    kept = Hyperscan(LITERALS, engines()[1].dump())
    one, other = kept.scan("abc验证码"), engines()[0].scan("abc验证码")
    assert np.array_equal(one[0], other[0])
    assert np.array_equal(one[1], other[1])
