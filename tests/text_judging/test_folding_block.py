"""Folding keeps the way back to every character, does nothing twice, and never raises."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from text_judging.ready import tables
from tideng.text.folding import fold_block

HARD = st.text(
    alphabet=st.one_of(
        st.characters(),
        st.sampled_from(
            "验证码公安银行*. ·\u200b\u202e①𝟏ａoil0l元亻言讠正妈轉賬\x1e\n\ud800❤️🅰发手续费票piaoxufei飞🐔✈💰"
        ),
    ),
    max_size=60,
)


def folded(text: str) -> str:
    return fold_block([text], tables()).folded(0)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("ＡＢＣ１２３", "abc123"),
        ("請點擊鏈接", "请点击链接"),
        ("账.户异·常", "账户异常"),
        ("验\u200b证\u200b码", "验证码"),
        ("1 3 8 0 0 0 0 1 2 3 4", "13800001234"),
        ("扣扣➀➁➂④⑤", "扣扣12345"),
        ("𝟏𝟎𝟎元", "100元"),
        ("🅰🅱", "ab"),
        ("l0000元", "10000元"),
        ("奖金oooo元", "奖金0000元"),
        ("亻尔的亻言息", "你的信息"),
        ("аррle id", "apple id"),
        ("加 V 信", "加v信"),
        ("é", "e"),
        ("价格 5-3-2011", "价格5-3-2011"),
        ("开fa票", "开发票"),
        ("交手xu费", "交手续费"),
        ("会员fèi", "会员费"),
        ("纸✈️联系", "纸飞机联系"),
        ("滚⚽平台", "滚球平台"),
        ("吃🐔去吗", "吃去吗"),
        ("官网daikuan.example", "官网daikuan.example"),
        ("在jia等你", "在jia等你"),
    ],
)
def test_what_it_reads_like(text: str, read: str) -> None:
    assert folded(text) == read


@given(HARD)
@example("亻\u200b言")
@example("①\u20e3")
@settings(max_examples=400, deadline=None)
def test_folding_twice_changes_nothing_more(text: str) -> None:
    once = folded(text)
    assert folded(once) == once


@given(st.lists(HARD, max_size=6))
@settings(max_examples=200, deadline=None)
def test_a_block_reads_as_each_text_alone(texts: list[str]) -> None:
    block = fold_block(texts, tables())
    assert [block.folded(place) for place in range(len(texts))] == [folded(text) for text in texts]


@given(st.lists(HARD, min_size=1, max_size=4))
@settings(max_examples=200, deadline=None)
def test_every_character_knows_where_it_came_from(texts: list[str]) -> None:
    block = fold_block(texts, tables())
    for place, text in enumerate(texts):
        for here in range(int(block.starts[place]), int(block.starts[place + 1]) - 1):
            start, end = block.span(place, here, here + 1)
            assert 0 <= start < end <= len(text)


def test_folds_say_what_was_hidden_and_where() -> None:
    text = "您的账.户①cbc\u200b到期"
    found = {(fold.kind, fold.start, fold.seen) for fold in fold_block([text], tables()).folds(0)}
    assert found == {("cut", 3, "."), ("letterlike", 5, "①"), ("invisible", 9, "\u200b")}


def test_genuine_traditional_text_is_not_disguised() -> None:
    from text_judging.ready import codes

    assert "DISGUISED_LETTERS" not in codes("您的包裹已送達櫃檯,請於今日憑取件碼領取,多謝")
    assert "DISGUISED_LETTERS" not in codes("聽日返工記得帶鎖匙,唔該晒")


@pytest.mark.parametrize("text", ["\u0301" * 200_000, "\u202e" * 200_000, "\ud800" * 1000, "", "\x00" * 5000])
def test_hostile_input_is_read_in_bounded_time(text: str) -> None:
    from text_judging.ready import verdict

    assert verdict(text).verdict in ("unknown", "needs_person")
