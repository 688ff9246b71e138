"""What a text names: place in the original and normal form, kind by kind; and that no text is too odd."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from text_judging.ready import judge
from tideng.text.named import ENTITIES_MAX, entities_of
from tideng.text.numerals import numeral


@pytest.mark.parametrize(
    ("text", "kind", "seen", "normal", "remark"),
    [
        ("【青禾银行】您的账单已出", "signature", "【青禾银行】", "青禾银行", ""),
        ("您的账单已出【青禾银行】", "signature", "【青禾银行】", "青禾银行", ""),
        ("消费1,200.50元", "amount", "1,200.50元", "CNY 1200.50", ""),
        ("￥2.5万", "amount", "￥2.5万", "CNY 25000", ""),
        ("每条０.３元", "amount", "０.３元", "CNY 0.30", ""),
        ("欠款三千八百元", "amount", "三千八百元", "CNY 3800", ""),
        ("合计贰万伍仟元整", "amount", "贰万伍仟元", "CNY 25000", ""),
        ("only $100 today", "amount", "$100", "USD 100", ""),
        ("2026年12月1日截止", "date", "2026年12月1日", "2026-12-01", ""),
        ("11月30日截止", "date", "11月30日", "--11-30", ""),
        ("晚上8点半开会", "time", "8点半", "T08:30", ""),
        ("请于24小时内付清", "deadline", "24小时内", "PT24H", "小时"),
        ("三个工作日内回电", "deadline", "三个工作日内", "P3D", "工作日"),
        ("今日18点前处理", "deadline", "今日18点前", "before 今日", ""),
        ("电话1３8 0013 8000", "phone", "1３8 0013 8000", "+8613800138000", "mobile"),
        ("电话021-65432100", "phone", "021-65432100", "+862165432100", "landline"),
        ("致电400-812-3456", "phone", "400-812-3456", "+864008123456", "toll_free"),
        ("详询95588", "phone", "95588", "95588", "service"),
        ("登录 icbc-jf.co.za/Ab", "link", "icbc-jf.co.za/Ab", "icbc-jf.co.za/Ab", "icbc-jf.co.za fake_link"),
        (
            "访问www。icbc。com。cn",
            "link",
            "www。icbc。com。cn",
            "www.icbc.com.cn",
            "icbc.com.cn official_link",
        ),
        ("t.cn/A6xx", "link", "t.cn/A6xx", "t.cn/A6xx", "t.cn short_link"),
        ("加飞机@seller777", "account", "飞机@seller777", "telegram:seller777", ""),
        ("微信:abc_123", "account", "微信:abc_123", "wechat:abc_123", ""),
        ("打到6222021234567890128", "bank_card", "6222021234567890128", "6222021234567890128", "ICBC"),
        ("验证码 771203,5分钟内有效", "code", "771203", "771203", ""),
        ("拒收请回复R", "opt_out", "拒收请回复R", "R", ""),
    ],
)
def test_each_kind_has_its_place_and_its_normal_form(
    text: str, kind: str, seen: str, normal: str, remark: str
) -> None:
    found = [(e.kind, e.seen, e.normal, e.remark) for e in entities_of(judge(), text)]
    assert (kind, seen, normal, remark) in found
    start = next(e.start for e in entities_of(judge(), text) if e.kind == kind)
    assert text[start : start + len(seen)] == seen


@pytest.mark.parametrize(
    "text",
    [
        "几千元",
        "13月45日",
        "2月30日",
        "打到6222021234567890129",
        "编号 771203",
        "第一块",
        "25:99",
        "见【附件】第二页",
    ],
)
def test_what_only_looks_like_it_is_not_named(text: str) -> None:
    assert [e for e in entities_of(judge(), text) if e.kind not in ("phone", "code")] == []


@given(
    st.text(
        st.sampled_from(
            "【】元块万千三两零¥$1234567890.,-月日年点半时内前加微信qq@:/abcom。 验证码退订回复t\u200b\ud800"
        ),
        max_size=80,
    )
)
def test_any_text_has_entities_in_order_inside_it(text: str) -> None:
    found = entities_of(judge(), text)
    assert len(found) <= ENTITIES_MAX
    assert [e.start for e in found] == sorted(e.start for e in found)
    for entity in found:
        assert 0 <= entity.start <= entity.end <= len(text)
        assert entity.seen == text[entity.start : entity.end]


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("零", 0),
        ("十", 10),
        ("十二", 12),
        ("一百零五", 105),
        ("一百五", 150),
        ("两万五", 25_000),
        ("一万零五", 10_005),
        ("三千八百", 3_800),
        ("一亿二千万", 120_000_000),
        ("三万亿", 3_000_000_000_000),
        ("二〇二六", 2026),
        ("3万", 30_000),
        ("15", 15),
        ("万", None),
        ("几千", None),
        ("", None),
        ("一" * 40, None),
    ],
)
def test_chinese_numerals(written: str, number: int | None) -> None:
    assert numeral(written) == number


def _written(value: int) -> str:
    """The orthodox writing, made another way: place by place."""
    digits, names = "零一二三四五六七八九", ("", "十", "百", "千")

    def section(part: int) -> str:
        said, gap = "", False
        for place in (3, 2, 1, 0):
            digit = part // 10**place % 10
            if digit:
                said += ("零" if gap and said else "") + digits[digit] + names[place]
                gap = False
            else:
                gap = True
        return said

    high, low = divmod(value, 10_000)
    if not high:
        return section(low) or "零"
    return section(high) + "万" + ("零" if 0 < low < 1000 else "") + section(low)


@given(st.integers(0, 99_999_999))
def test_what_is_written_orthodoxly_is_read_back(value: int) -> None:
    assert numeral(_written(value)) == value
