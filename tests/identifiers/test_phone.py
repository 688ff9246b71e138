"""What a phone number is."""

import re

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tideng.identifiers.phone import NotANumber, is_code_number, mask, operator_of, parse
from tideng.identifiers.plan_cn import BY_FIVE_DIGITS


def check(raw: str, e164: str, kind: str, sms: bool, region: str = "CN") -> None:
    number = parse(raw)
    assert (number.e164, number.kind, number.can_receive_sms, number.region) == (e164, kind, sms, region)


@pytest.mark.parametrize(
    "raw",
    [
        "13800138000",
        "+8613800138000",
        "8613800138000",
        "008613800138000",
        "0086 138 0013 8000",
        "+86-138-0013-8000",
        "138 0013 8000",
        " 138.0013.8000 ",
        "１３８００１３８０００",
        "＋８６１３８００１３８０００",
        "(+86)13800138000",
        "（+86）138－0013－8000",
    ],
)
def test_one_mobile_many_writings(raw: str) -> None:
    check(raw, "8613800138000", "mobile", True)


@pytest.mark.parametrize(
    ("raw", "e164", "kind", "sms", "region"),
    [
        ("17000000000", "8617000000000", "mobile", True, "CN"),
        ("19212345678", "8619212345678", "mobile", True, "CN"),
        ("13492345678", "8613492345678", "satellite", True, "CN"),
        ("17401234567", "8617401234567", "satellite", True, "CN"),
        ("1440012345678", "861440012345678", "iot", False, "CN"),
        ("021-62883030", "862162883030", "landline", False, "CN"),
        ("+86 10 65001234", "861065001234", "landline", False, "CN"),
        ("0755 86013388", "8675586013388", "landline", False, "CN"),
        ("4008001234", "864008001234", "toll_free", False, "CN"),
        ("800-810-1234", "868008101234", "toll_free", False, "CN"),
        ("95588", "8695588", "service", False, "CN"),
        ("10086", "8610086", "service", False, "CN"),
        ("96110", "8696110", "service", False, "CN"),
        ("12345", "8612345", "service", False, "CN"),
        ("110", "86110", "service", False, "CN"),
        ("106901234567", "86106901234567", "service", False, "CN"),
        ("+85291234567", "85291234567", "outside", True, "HK"),
        ("0085291234567", "85291234567", "outside", True, "HK"),
        ("+886912345678", "886912345678", "outside", True, "TW"),
        ("+447400123456", "447400123456", "outside", True, "GB"),
        ("+442083661177", "442083661177", "outside", False, "GB"),
        ("+12125551234", "12125551234", "outside", True, "US"),
    ],
)
def test_kinds(raw: str, e164: str, kind: str, sms: bool, region: str) -> None:
    check(raw, e164, kind, sms, region)


@pytest.mark.parametrize(
    "raw",
    [
        "",
        " ",
        "+",
        "hello",
        "1380013800",
        "138001380001",
        "15412345678",
        "16412345678",
        "19412345678",
        "13412",
        "13495345678",
        "14112345678",
        "1450012345678",
        "+999123456",
        "+8613",
        "13800138000,13900139000",
        "138001380OO",
        "1" * 500,
        "٠١٢٣٤٥٦٧٨٩٠",
        "\ud800",
        "+1",
        "00",
        "8" * 21,
    ],
)
def test_not_a_number(raw: str) -> None:
    with pytest.raises(NotANumber) as caught:
        parse(raw)
    assert caught.value.reason


@given(st.text(max_size=80) | st.from_regex(r"[+0-9 ()-]{0,25}"))
def test_anything_is_a_number_or_says_why_without_quoting_it(raw: str) -> None:
    said = ""
    try:
        number = parse(raw)
    except NotANumber as error:
        said = error.reason
    else:
        assert re.fullmatch(r"[0-9]{3,25}", number.e164)
        if number.kind != "service":  # service numbers are not dialled from abroad: no E.164 form
            assert parse("+" + number.e164) == number
    assert not re.search(r"[0-9]{5,}", said)


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True))
def test_every_mobile_of_the_plan_is_possible_for_the_library_too(raw: str) -> None:
    try:
        number = parse(raw)
    except NotANumber:
        return
    assert phonenumbers.is_possible_number(phonenumbers.parse("+" + number.e164))


def test_another_region_reads_its_own_numbers() -> None:
    assert parse("020 8366 1177", region="GB").e164 == "442083661177"
    assert parse("+8613800138000", region="GB").kind == "mobile"


def test_operator_by_prefix() -> None:
    said = {n: operator_of("86" + n) for n in ("13800138000", "18600000000", "18900000000", "19200000000")}
    assert list(said.values()) == ["china_mobile", "china_unicom", "china_telecom", "china_broadnet"]
    assert operator_of("8617100000000") == "virtual"
    assert operator_of("8613492000000") is None
    assert operator_of("85291234567") is None


def test_plan_size() -> None:
    # 55 mobile prefixes, each with 100 five-digit beginnings, less 1349x: a slip in the table shows here.
    mobiles = sum(1 for kind, _ in BY_FIVE_DIGITS.values() if kind == "mobile")
    assert mobiles == 100 * 55 - 10
    assert len(BY_FIVE_DIGITS) - mobiles == 3 + 10 + 3 + 10 + 10


def test_mask_hides_the_middle() -> None:
    assert mask("8613800138000") == "138****8000"
    assert mask("85291234567") == "852******67"
    assert mask("86110") == "*****"


def test_code_numbers() -> None:
    assert all(is_code_number(n) for n in ("1069012345", "95588", "10086", "861069012345", "12306", "96110"))
    assert not any(is_code_number(n) for n in ("13800138000", "", "106", "1" * 30, "4008001234", "TIDENG"))
