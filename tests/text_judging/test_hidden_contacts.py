"""Contacts written to be missed: seen, read out, and never mistaken for dates, counts and orders."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from text_judging.ready import codes, judge
from tideng.text.contacts_seen import plain_number
from tideng.text.named import entities_of


@pytest.mark.parametrize(
    ("text", "kind", "normal"),
    [
        ("蔻蔻七七贰零三九一", "account", "qq:7720391"),
        ("扣扣三三〇98壹2", "account", "qq:3309812"),
        ("扣扣三三〇98123", "account", "qq:33098123"),
        ("加扣扣㈡㈥零⑨❶❹七", "account", "qq:2609147"),
        ("Q❷❷❼零伍❸❽,后付", "account", "qq:2270538"),
        ("联系 132零零45六六二一", "phone", "+8613200456621"),
        ("售后V芯:kdlp-09", "account", "wechat:kdlp-09"),
        ("解除请点 c c b ▪ j s y h ▪ t o p", "link", "ccb.jsyh.top"),
    ],
)
def test_a_hidden_contact_is_read_out_and_named(text: str, kind: str, normal: str) -> None:
    assert (kind, normal) in [(one.kind, one.normal) for one in entities_of(judge(), text)]
    assert "HIDDEN_CONTACT" in codes(text)


@pytest.mark.parametrize(
    "text",
    [
        "二〇二六年十一月二十七日",
        "周一二三四五六七八",
        "电话 12345678",
        "会议号 867 三二一 998",
        "订单号20260八九一二三",
        "消费USD 15.99 APPLE.COM/BILL已入账",
        "第一二三四五六七章",
        "三三两两的人",
        "a . com",
        "扣扣33098122",
        "扣款三百二十一元六角",
    ],
)
def test_ordinary_numbers_hide_nothing(text: str) -> None:
    assert "HIDDEN_CONTACT" not in codes(text)


def test_clipped_wechat_is_an_account_but_hides_nothing() -> None:
    assert ("account", "wechat:ltq7708") in [(o.kind, o.normal) for o in entities_of(judge(), "薇:ltq7708")]
    assert "HIDDEN_CONTACT" not in codes("薇:ltq7708")


@given(st.text(alphabet="扣q加☎ 零〇一二三七八九壹贰0123456789()-.▪ tocpm", max_size=60))
def test_any_mixture_is_read_inside_its_bounds(text: str) -> None:
    for one in entities_of(judge(), text):
        assert 0 <= one.start <= one.end <= len(text)


@given(st.integers(min_value=0, max_value=10**12))
def test_numerals_of_any_kind_say_their_number(number: int) -> None:
    digits = str(number)
    mixed = "".join("零一贰三肆五陆七捌九"[int(d)] if i % 2 else d for i, d in enumerate(digits))
    assert plain_number(mixed) == digits
