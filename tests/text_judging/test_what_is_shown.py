"""The words that show findings, looked up for a block at once, against one look-up after the other."""

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from text_judging.ready import judge

TEXTS = [
    json.loads(line)["text"]
    for line in (Path(__file__).parent / "blind" / "5.jsonl").read_text(encoding="utf-8").splitlines()
]
ANY = st.sampled_from(TEXTS) | st.text("还款验证码薇❤.,零12v转 \u200b", max_size=30)


@settings(max_examples=60)
@given(st.lists(ANY, min_size=1, max_size=12), st.data())
def test_one_of_each_is_the_longest_or_the_first(texts: list[str], data: st.DataObject) -> None:
    sights = judge().sights(texts)
    slots = [*sights.filled(), 0, -1]
    asked = data.draw(
        st.lists(
            st.tuples(st.sampled_from(slots), st.integers(0, len(texts) - 1), st.booleans()), max_size=40
        )
    )
    columns = [np.array([one[column] for one in asked], np.int64) for column in range(3)]
    starts, ends = sights.one_of_each(columns[0], columns[1], columns[2].astype(np.bool_))
    shown_starts, shown_ends = sights.block.spans(columns[1], starts, ends)
    for place, (slot, text, is_first) in enumerate(asked):
        spans = sights.of_text(slot, text)
        begin = int(sights.block.starts[text])
        wanted = (begin, begin)
        if spans:
            wanted = spans[0] if is_first else max(spans, key=lambda span: span[1] - span[0])
        assert (int(starts[place]), int(ends[place])) == wanted
        original = sights.block.span(text, *wanted) if wanted[1] > wanted[0] else (0, 0)
        assert (shown_starts[place], shown_ends[place]) == original


def test_every_finding_shows_words_of_its_own_text() -> None:
    together = judge().judge_many(TEXTS)
    assert sum(len(one.findings) for one in together) > 150
    for text, judged in zip(TEXTS, together, strict=True):
        assert judged == judge().judge(text)
        for finding in judged.findings:
            assert text[finding.start : finding.end].startswith(finding.seen)


@pytest.mark.parametrize(
    ("text", "beside"),
    [("官网 abc。com", "a b c"), ("a b c d", "联系 q q。com"), ("℡ⅷdot\x00", "x"), ("还款\u200b", "x 0 8 8")],
)
def test_what_stands_beside_a_text_changes_nothing(text: str, beside: str) -> None:
    alone = judge().judge(text)
    assert judge().judge_many([text, beside])[0] == alone
    assert judge().judge_many([beside, text])[1] == alone
    assert all(0 <= one.start <= one.end <= len(text) for one in alone.findings)


SPELLED = st.text("ab0。. co mt点V芯加:-·'\u200b\x00℡ⅷ", max_size=14)


@settings(max_examples=150)
@given(st.lists(SPELLED, min_size=2, max_size=8))
def test_texts_are_judged_in_a_block_as_alone(texts: list[str]) -> None:
    assert judge().judge_many(texts) == [judge().judge(text) for text in texts]


def test_many_texts_of_nothing_take_little_memory() -> None:
    """They have no characters to count by: so many are several blocks all the same."""
    judge()
    tracemalloc.start()
    judged = judge().judge_many([""] * 60_000)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(judged) == 60_000
    assert {one.findings[-1].code for one in judged} == {"TEXT_EMPTY"}
    assert most < 40_000_000
