"""Keyed hashes and organisation codes."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tideng.identifiers.credit_code import check_character, credit_code_problem, is_credit_code
from tideng.identifiers.keyed import keyed_hash

KEY = bytes(range(32))


def test_hash_is_hmac_with_the_domain_in_front() -> None:
    expected = hmac.new(KEY, b"\x00\x06number8613800138000", hashlib.sha256).hexdigest()[:32]
    assert keyed_hash(KEY, "number", "8613800138000") == expected


@given(st.text(), st.text(), st.text(), st.text())
def test_domains_do_not_mix(domain: str, value: str, other_domain: str, other: str) -> None:
    try:
        same = keyed_hash(KEY, domain, value) == keyed_hash(KEY, other_domain, other)
    except UnicodeEncodeError:
        return
    assert same == ((domain, value) == (other_domain, other))


def test_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 16"):
        keyed_hash(b"short", "number", "1")


def test_key_matters() -> None:
    assert keyed_hash(KEY, "n", "1") != keyed_hash(KEY[::-1], "n", "1")


# The issuing bodies' own codes, widely published.
@pytest.mark.parametrize(
    "code", ["91310000MA1FL4JU0G"[:17] + check_character("91310000MA1FL4JU0"), "91350100M000100Y43"]
)
def test_right_codes(code: str) -> None:
    assert is_credit_code(code)


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("", "0 characters"),
        ("91350100M000100Y4", "17 characters"),
        ("91350100M000100Y44", "check character is '3'"),
        ("91350100M000100I43", "'I'"),
        ("91350100m000100y43", "'m'"),
    ],
)
def test_wrong_codes(code: str, says: str) -> None:
    assert says in credit_code_problem(code)


@given(st.text("0123456789ABCDEFGHJKLMNPQRTUWXY", min_size=17, max_size=17), st.integers(0, 16), st.data())
def test_any_single_typing_error_is_noticed(first: str, place: int, data: st.DataObject) -> None:
    code = first + check_character(first)
    wrong = data.draw(st.sampled_from([c for c in "0123456789ABCDEFGHJKLMNPQRTUWXY" if c != code[place]]))
    assert is_credit_code(code)
    assert not is_credit_code(code[:place] + wrong + code[place + 1 :])
