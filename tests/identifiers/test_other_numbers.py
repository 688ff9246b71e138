"""Cards, devices, plates, documents: right ones pass, near misses do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import imei as oracle_imei
from stdnum import luhn as oracle_luhn
from stdnum.cn import uscc

from tideng.identifiers import devices, plate, travel_documents
from tideng.identifiers.area_codes import area_of
from tideng.identifiers.bank_card import issuer, luhn, luhn_digit, mask_bank_card, read_bank_card
from tideng.identifiers.credit_code import is_credit_code


@given(st.text("0123456789", min_size=2, max_size=25))
def test_luhn_agrees_with_an_independent_implementation(digits: str) -> None:
    assert luhn(digits) == oracle_luhn.is_valid(digits)
    assert luhn(digits + luhn_digit(digits))


@given(st.text("0123456789ABCDEFGHJKLMNPQRTUWXY", min_size=18, max_size=18))
def test_credit_codes_agree_with_an_independent_implementation(code: str) -> None:
    if code[:8].isdigit():
        assert is_credit_code(code) == uscc.is_valid(code)


def test_cards() -> None:
    number = "621700123456789012"
    whole = number + luhn_digit(number)
    assert issuer(whole) == ("CCB", "DC")
    assert read_bank_card(whole).bank == "CCB"  # type: ignore[union-attr]
    assert read_bank_card(whole[:-1] + str((int(whole[-1]) + 1) % 10)) is None
    assert mask_bank_card(whole).startswith("621700***")
    assert read_bank_card("4111111111111111").bank == ""  # type: ignore[union-attr]
    assert read_bank_card("1699999999999") is None


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("京A12345", True),
        ("沪AD12345", True),
        ("粤B12345D", True),
        ("京I12345", False),
        ("京AABCDE", False),
        ("中A12345", False),
    ],
)
def test_plates(text: str, right: bool) -> None:
    assert plate.is_plate(text) is right


@pytest.mark.parametrize("text", ["E12345678", "G12345678", "EA1234567", "D1234567", "MA1234567"])
def test_passports(text: str) -> None:
    assert travel_documents.is_passport(text)


@pytest.mark.parametrize("text", ["EI1234567", "X12345678", "E1234567", "12345678"])
def test_no_passports(text: str) -> None:
    assert not travel_documents.is_passport(text)


def test_permits() -> None:
    assert travel_documents.is_hong_kong_macao_permit("H12345678")
    assert travel_documents.is_hong_kong_macao_permit("H1234567890")
    assert travel_documents.is_hong_kong_macao_permit("CA1234567")
    assert travel_documents.is_taiwan_permit("12345678")


@given(st.text("0123456789", min_size=13, max_size=13))
def test_imei_needs_its_check_digit(digits: str) -> None:
    number = "35" + digits
    assert devices.is_imei(number) == oracle_imei.is_valid(number)


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        (devices.is_ipv4, "192.168.1.10", "192.168.01.10"),
        (devices.is_ipv4, "8.8.8.8", "256.1.1.1"),
        (devices.is_ipv6, "2001:db8::1:2", "::1"),
        (devices.is_mac, "00:1A:2B:3C:4D:5E", "00:1A-2B:3C:4D:5E"),
        (devices.is_imsi, "460001234567890", "461001234567890"),
    ],
)
def test_net_addresses(check: object, right: str, wrong: str) -> None:
    assert check(right)  # type: ignore[operator]
    assert not check(wrong)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("digits", "area"),
    [
        ("02162345678", "21"),
        ("01062345678", "10"),
        ("0755123456", ""),
        ("075526888888", "755"),
        ("03106234567", "310"),
        ("02112345678", ""),
    ],
)
def test_area_codes(digits: str, area: str) -> None:
    assert area_of(digits) == area
