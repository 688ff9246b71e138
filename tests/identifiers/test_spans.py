"""Spans in texts: what people write, in every form they write it, and what only looks like it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tideng.identifiers.bank_card import luhn_digit
from tideng.identifiers.spans.find import find
from tideng.identifiers.spans.folding import fold
from tideng.identifiers.spans.span import KINDS

ID = "110101199003078515"
CARD = "621700123456789012" + luhn_digit("621700123456789012")


def check(text: str, *expected: tuple[str, str]) -> None:
    """The one place that calls `find`; kinds and the characters they stand on, in order."""
    found = find(text)
    assert [(span.kind, span.value) for span in found] == list(expected)
    for span in found:
        assert text[span.start : span.end] == span.value
        assert 0 < span.confidence <= 1


@pytest.mark.parametrize(
    "form",
    [
        "13800138000",
        "138-0013-8000",
        "138 0013 8000",
        "138.0013.8000",
        "+86 138 0013 8000",
        "+86-13800138000",
        "86-138-0013-8000",
        "（+86）13800138000",
        "0086 13800138000",
        "１３８００１３８０００",
        "138　0013　8000",
        "138–0013–8000",
        "+8613800138000",
        "138\u200b0013\u200b8000",
        "1 3 8 0 0 1 3 8 0 0 0",
        "一三八零零一三八零零零",
        "幺三八零零幺三八零零零",
        "1380013 8000",
        "①③8001③8000".replace("①③", "13").replace("③", "3"),
    ],
)
def test_mobiles_in_every_form(form: str) -> None:
    check(f"我的手机号是{form}，请联系", ("mobile", form))


@pytest.mark.parametrize(
    "form",
    [
        ID,
        "110101 1990 0307 8515",
        "110101 19900307 8515",
        "110101-19900307-8515",
        "１１０１０１１９９００３０７８５１５",
        "11010519491231002X",
        "11010519491231002x",
        "１１０１０５１９４９１２３１００２Ｘ",
        "11O1O1199OO3O78515",
        "一一零一零一一九九零零三零七八五一五",
    ],
)
def test_ids_in_every_form(form: str) -> None:
    check(f"身份证号{form}。", ("resident_id", form))


@pytest.mark.parametrize("sign", ["", " ", "-", "　"])
def test_cards_in_groups(sign: str) -> None:
    form = sign.join(CARD[i : i + 4] for i in range(0, len(CARD), 4))
    check(f"银行卡号：{form}", ("bank_card", form))


@pytest.mark.parametrize(
    "text",
    [
        "订单号13800138000已发货",
        "时间戳1699999999999",
        "流水号 " + CARD,
        "身份证110101199003078516校验错误",
        "版本 1.2.3.4 发布",
        "2023-01-01 12:00:00",
        "合计13800138.00元",
        "UUID 13800138000abc",
        "sha f13800138000e9",
        "编号12345678901234567890",
        "单价138.5元，数量1380013800",
        "客服热线400-820-8820",
        "请拨打95588或10086",
        "第13800138000000号",
        "12345678901",
        "00000000000",
        "6217001234567890127",
        "a@b",
        "icon@2x.png",
        "高兴的是，方便大家",
        "今天天气很好，我们去公园",
        "金额较大，应当谨慎",
        "白天上班，黄昏散步",
        "北京市的天气不错",
        "项目在城市的路上",
        "温度计显示三十七度",
        "段落开头要空两格",
        "时间戳1440012345678，物联",
        "逛王府井，买李宁，去张家界",
        "Please visit Central Park in New York",
        "GET /api/v1/users:list12 cpu0:user1234",
    ],
)
def test_hard_negatives(text: str) -> None:
    check(text)


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("座机(021)62345678转3", "landline", "(021)62345678"),
        ("电话010-62345678", "landline", "010-62345678"),
        ("车牌京A·12345", "plate", "京A·12345"),
        ("沪AD12345违停", "plate", "沪AD12345"),
        ("护照E12345678", "passport", "E12345678"),
        ("回乡证H12345678", "hk_macao_permit", "H12345678"),
        ("台胞证12345678", "taiwan_permit", "12345678"),
        ("邮箱zhang.san@example.com。", "email", "zhang.san@example.com"),
        ("统一社会信用代码91350100M000100Y43", "credit_code", "91350100M000100Y43"),
        ("微信号：wx_zhang123", "wechat", "wx_zhang123"),
        ("QQ：12345678", "qq", "12345678"),
        ("密码: Abc@12345", "password", "Abc@12345"),
        ("IMEI 352099001761481", "imei", "352099001761481"),
        ("MAC 00:1A:2B:3C:4D:5E", "mac", "00:1A:2B:3C:4D:5E"),
        ("登录地址 192.168.1.10", "ipv4", "192.168.1.10"),
        ("定位 39.904211,116.407395", "coordinates", "39.904211,116.407395"),
        ("出生日期：1990年3月7日", "birth_date", "1990年3月7日"),
        ("尾号 138****8000", "masked_mobile", "138****8000"),
        ("身份证1.10101E+17", "damaged_number", "1.10101E+17"),
        ("身份证110101901231002", "resident_id", "110101901231002"),
        ("物联网卡 1440012345678 停机", "iot_number", "1440012345678"),
        ("wxid_9ab8c7d6e5", "wechat", "wxid_9ab8c7d6e5"),
        ("加薇芯 qinqin5201", "wechat", "qinqin5201"),
        ("Passenger: Maria Gonzalez,", "name", "Maria Gonzalez"),
        ("监护人古丽娜尔·艾山与", "name", "古丽娜尔·艾山"),
        (
            "ship to 742 Evergreen Terrace, Springfield, IL 62704",
            "address",
            "742 Evergreen Terrace, Springfield, IL 62704",
        ),
    ],
)
def test_every_other_kind(text: str, kind: str, value: str) -> None:
    check(text, (kind, value))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("收件人：李娜", "李娜"),
        ("我叫欧阳修远。", "欧阳修远"),
        ("患者刘洋于昨日就诊", "刘洋"),
        ("王建国先生您好", "王建国"),
        ("张伟，13800138000", "张伟"),
        ('{"name": "赵丽颖"}', "赵丽颖"),
        ("联系买买提·艾力，", "买买提·艾力"),
    ],
)
def test_names(text: str, name: str) -> None:
    assert [span.value for span in find(text) if span.kind == "name"] == [name]


@pytest.mark.parametrize(
    "address",
    [
        "浙江省杭州市西湖区文三路123号5栋2单元301室",
        "上海市浦东新区张江镇祖冲之路2288弄3号楼1201室",
        "广东省深圳市南山区科技园南区",
        "文三路123号",
        "四川省成都市武侯区人民南路四段11号",
    ],
)
def test_addresses(address: str) -> None:
    check(f"住址：{address}，", ("address", address))


def test_an_order_in_the_same_sentence_hides_no_phone() -> None:
    check("您的订单已发货，13800138000", ("mobile", "13800138000"))
    check("手机(138)0013-8000", ("mobile", "(138)0013-8000"))
    check("司机师傅说今天不来")


@settings(max_examples=300, deadline=None)
@given(st.text("张王李伟的1380013800 -+@.省市区路号X*Ｅ０１𠮷\u200b一三八零", max_size=60))
def test_spans_are_disjoint_ordered_and_true(text: str) -> None:
    end = 0
    for span in find(text):
        assert span.kind in KINDS
        assert end <= span.start < span.end <= len(text)
        assert text[span.start : span.end] == span.value
        end = span.end


@given(st.text(max_size=80))
def test_folding_keeps_every_offset(text: str) -> None:
    assert len(fold(text)) == len(text)


def test_every_digit_of_every_script_is_read_and_nothing_else() -> None:
    for code in range(0x80, 0x110000):
        character = chr(code)
        if character.isdigit():
            assert fold(character).isascii(), hex(code)
        elif not fold(character).isascii():
            assert fold(character) == character, hex(code)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("请联系老李", [("name", "老李")]),
        ("尊敬的马女士：陈医生已为您预约", [("name", "马女士"), ("name", "陈医生")]),
        ("让小王去找李姐和孙工", [("name", "小王"), ("name", "李姐"), ("name", "孙工")]),
        ("各高校长期招生，任何先生女士", []),
        ("小龙虾和小金库，有关老师，各位同学", []),
        ("我叫玛丽，阿依古丽在等", [("name", "玛丽"), ("name", "阿依古丽")]),
        ("他在天河北路233号上班", [("address", "天河北路233号")]),
        ("寄北京路128号", [("address", "北京路128号")]),
        ("朝阳区望京SOHO T3 B座1208", [("address", "朝阳区望京SOHO T3 B座1208")]),
        ("座机62345678，编号62345679", [("landline", "62345678")]),
        ("护照号 N1234567，型号 N1234567", [("passport", "N1234567")]),
        ("DOB: 05/12/1990", [("birth_date", "05/12/1990")]),
        ("born May 3, 1985 in Leeds", [("birth_date", "May 3, 1985")]),
        ("出生年月：1990年5月", [("birth_date", "1990年5月")]),
        ("server fd00::12 up, std::vector, 12:30:05", [("ipv6", "fd00::12")]),
        ("喝张裕和王老吉", []),
        (
            "轨迹: 08:01 31.230416,121.473701; 08:20 31.240018,121.490317; 09:05 31.251022,121.500100",
            [
                (
                    "track",
                    "31.230416,121.473701; 08:20 31.240018,121.490317; 09:05 31.251022,121.500100",
                )
            ],
        ),
        (
            "从31.230416,121.473701到31.240018,121.490317",
            [("coordinates", "31.230416,121.473701"), ("coordinates", "31.240018,121.490317")],
        ),
    ],
)
def test_short_forms_and_what_only_looks_like_them(text: str, expected: list[tuple[str, str]]) -> None:
    check(text, *expected)


def test_a_short_form_of_a_name_is_reported_with_the_least_confidence() -> None:
    # It names somebody to those who know, and identifies nobody in a list.
    assert [span.confidence for span in find("请联系老李和黄先生")] == [0.6, 0.6]
