"""Hyperscan and Aho-Corasick find the same, so the verdict does not depend on what is installed."""

import functools

from hypothesis import given, settings
from hypothesis import strategies as st

from text_judging.ready import held_apart, judge, occurrences
from tideng.text.matching import Automaton, Hyperscan

LITERALS = ["验证", "证码", "验证码", "码", "abc", "bc", "c", "公安局", "安", "é", "aa", "a"]


@functools.cache
def engines() -> tuple[Automaton, Hyperscan]:
    return Automaton(LITERALS), Hyperscan(LITERALS)


@given(st.text(alphabet="验证码公安局abcé \n\x1e", max_size=200))
@settings(max_examples=300, deadline=None)
def test_both_find_the_same_occurrences(text: str) -> None:
    one, other = (occurrences(engine, text) for engine in engines())
    assert one == other


def test_both_give_the_same_verdicts() -> None:
    texts = [row["text"] for row in held_apart()][::4]
    assert judge("hyperscan").judge_many(texts) == judge("ahocorasick").judge_many(texts)


def test_a_kept_database_finds_what_a_fresh_one_finds() -> None:
    kept = Hyperscan(LITERALS, engines()[1].dump())
    assert occurrences(kept, "abc验证码") == occurrences(engines()[0], "abc验证码")
