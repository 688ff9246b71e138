"""Signatures, entities and folding."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tideng.text.entities import amounts, deadlines, host_allowed, links, phone_numbers
from tideng.text.normalise import fold
from tideng.text.signature import read_signature


@pytest.mark.parametrize(
    ("text", "signature", "body"),
    [
        ("【明灯】您好", "明灯", "您好"),
        (" 【 明灯 】 您好 ", "明灯", "您好"),
        ("您好【明灯】", "明灯", "您好"),
        ("【明灯】", "明灯", ""),
        ("【甲】您好【乙】", "甲", "您好【乙】"),
        ("【甲【乙】】您好", None, "【甲【乙】】您好"),
        ("【】您好", None, "【】您好"),
        ("【明灯您好", None, "【明灯您好"),
        ("〔明灯〕您好", None, "〔明灯〕您好"),
        ("[明灯]您好", None, "[明灯]您好"),
        ("〖明灯〗您好", None, "〖明灯〗您好"),
        ("您好,【明灯】提醒", None, "您好,【明灯】提醒"),
        ("【" + "长" * 50 + "】您好", None, "【" + "长" * 50 + "】您好"),
        ("", None, ""),
    ],
)
def test_signature(text: str, signature: str | None, body: str) -> None:
    assert read_signature(text) == (signature, body)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("欠款:27911元", ("27911",)),
        ("¥1,200.50", ("1,200.50",)),
        ("人民币 300", ("300",)),
        ("￥３００", ("300",)),
        ("2.5万元", ("2.5",)),
        ("还9431元即可结清27911元", ("9431", "27911")),
        ("usd 50", ("50",)),
        ("5块儿糖", ()),
        ("2026年11月", ()),
        ("12345", ()),
        ("第3单元", ()),
    ],
)
def test_amounts(text: str, expected: tuple[str, ...]) -> None:
    assert amounts(fold(text).flat) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("电话13911112222", ("13911112222",)),
        ("139 1111 2222", ("13911112222",)),
        ("１３９１１１１２２２２", ("13911112222",)),
        ("+86 139-1111-2222", ("13911112222",)),
        ("8613911112222", ("13911112222",)),
        ("400-800-1234", ("4008001234",)),
        ("4008-001-234", ()),
        ("400 8001 234", ("4008001234",)),
        ("010-65432100", ("01065432100",)),
        ("(021)62883030", ("02162883030",)),
        ("客服95588", ("95588",)),
        ("致电 12345", ("12345",)),
        ("验证码95588", ()),
        ("订单号20261124139111122223", ()),
        ("2026-11-24 12:00", ()),
        ("+852 9123 4567", ("85291234567",)),
    ],
)
def test_phone_numbers(text: str, expected: tuple[str, ...]) -> None:
    assert phone_numbers(fold(text).flat) == expected


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("https://www.example.cn/a?b=1", ["www.example.cn"]),
        ("见www.example.cn。谢谢", ["www.example.cn"]),
        ("WWW.EXAMPLE.CN", ["www.example.cn"]),
        ("ｗｗｗ．ｅｘａｍｐｌｅ．ｃｎ", ["www.example.cn"]),
        ("www。example。com", ["www.example.com"]),
        ("example[.]com", ["example.com"]),
        ("example点com", ["example.com"]),
        ("exam\u200bple.com", ["example.com"]),
        ("淘宝.中国", ["淘宝.中国"]),
        ("t.cn/A6abc", ["t.cn"]),
        ("http://10.0.0.1/x", ["10.0.0.1"]),
        ("https://user@phish.xyz/login", ["phish.xyz"]),
        ("https://例子.测试/x", ["例子.测试"]),
        ("请查收.谢谢", []),
        ("金额12.50元", []),
        ("v1.2.3", []),
        ("11:30p.m.", []),
        ("你好。com", []),
    ],
)
def test_links(text: str, hosts: list[str]) -> None:
    assert [link.host for link in links(fold(text).flat)] == hosts


def test_shorteners_are_named() -> None:
    assert [link.is_short for link in links("t.cn/a example.cn")] == [True, False]


def test_hosts_below_are_allowed_and_look_alikes_are_not() -> None:
    assert host_allowed("m.example.cn", ("example.cn",))
    assert not host_allowed("evilexample.cn", ("example.cn",))
    assert not host_allowed("example.cn.evil.com", ("example.cn",))


@pytest.mark.parametrize(
    "text", ["截至2023年10月21日", "12月5日前", "24小时内", "今晚12点前", "within 24 hours"]
)
def test_deadlines(text: str) -> None:
    assert deadlines(text)


@pytest.mark.parametrize("text", ["明天见", "2小时后到", "10月21日开馆"])
def test_no_deadlines(text: str) -> None:
    assert not deadlines(text)


@pytest.mark.parametrize(
    ("text", "folded", "disguised"),
    [
        ("ＡＢＣ１２３", "abc123", False),
        ("微\u200b信", "微信", True),
        ("\u202e反转", "反转", True),
        ("微.信.钉.钉", "微信钉钉", True),
        ("您好 请查收", "您好请查收", False),
        ("𝟏𝟐𝟑", "123", True),
        ("①到馆", "1到馆", False),
        ("👨\u200d👩\u200d👧", "👨👩👧", False),
        ("❤\ufe0f", "❤", False),
        ("a b.c", "a b.c", False),
        ("换\n行", "换\n行", False),
        ("", "", False),
    ],
)
def test_fold(text: str, folded: str, disguised: bool) -> None:
    given_ = fold(text)
    assert (given_.text, given_.disguised) == (folded, disguised)


@given(st.text(max_size=300))
def test_folding_twice_changes_nothing_more_to_read(text: str) -> None:
    once = fold(text)
    assert len(once.text) <= len(once.flat)
    for finder in (amounts, phone_numbers, links, deadlines):
        assert finder(once.flat) == finder(once.flat)
    signature, body = read_signature(text)
    assert signature is not None or body == text
