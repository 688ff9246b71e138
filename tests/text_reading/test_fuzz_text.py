"""Fuzzing of everything that reads a text: run by `make fuzz`, because it takes a while."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tideng.text import phrases
from tideng.text.entities import amounts, deadlines, links, phone_numbers
from tideng.text.normalise import fold
from tideng.text.opt_out import has_opt_out_wording, is_opt_out_reply
from tideng.text.signature import read_signature

_WORDS = """
【 】 欠款 逾期 结清 减免 起诉 验证码 告诉 退订 回T 元 万元 ¥ 0 12 138 400 - + ( ) . 。 点com .cn http:// @ /
[.] dot stop please all \u200b \u202e \ud800 \U0001f600 ﷺ ① 𝟏 ａ
"""
PIECES = st.sampled_from(_WORDS.split())


@pytest.mark.slow
@settings(max_examples=20_000, deadline=200)
@given(st.lists(PIECES | st.text(max_size=4), max_size=120).map("".join))
def test_no_text_breaks_or_stalls_a_reader(text: str) -> None:
    signature, body = read_signature(text)
    assert signature is None or f"{signature}" in text
    given_ = fold(body)
    for finder in (amounts, phone_numbers, links, deadlines):
        assert len(finder(given_.flat)) <= 16
    for family in (phrases.DEBT, phrases.THREAT, phrases.DISCOUNT, phrases.PRESSURE, phrases.ASK_CODE):
        assert phrases.seen(family, given_.text) in given_.text
    assert is_opt_out_reply(text) in (None, "principal", "all")
    assert has_opt_out_wording(given_.flat) in (True, False)
