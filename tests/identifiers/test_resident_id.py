"""Resident IDs: the standard's own examples, an independent oracle, and what must not pass."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import ric

from tideng.identifiers.resident_id import (
    age_on,
    check_character,
    has_id_form,
    is_date,
    mask_resident_id,
    read_resident_id,
    resident_id_problem,
    upgrade,
)

firsts = st.tuples(st.sampled_from(["110105", "440524", "500112"]), st.dates(), st.integers(0, 999)).map(
    lambda t: f"{t[0]}{max(1949, min(2020, t[1].year)):04}{t[1].month:02}{min(28, t[1].day):02}{t[2]:03}"
)


@pytest.mark.parametrize("number", ["11010519491231002X", "440524188001010014", "11010519491231002x"])
def test_examples_of_the_standard(number: str) -> None:
    # The second is of GB 11643 itself; its bearer was born in 1880, before any year we believe.
    assert (resident_id_problem(number) == "") == (number[6:10] != "1880")


@given(firsts)
def test_check_character_agrees_with_an_independent_implementation(first: str) -> None:
    assert check_character(first) == ric.calc_check_digit(first + "0")


@given(firsts, st.sampled_from("0123456789X"))
def test_exactly_one_of_eleven_ends_is_right(first: str, end: str) -> None:
    assert (resident_id_problem(first + end) == "") == (end == check_character(first))


@given(firsts)
def test_what_it_says(first: str) -> None:
    read = read_resident_id(first + check_character(first))
    assert read is not None
    assert read.birth.replace("-", "") == first[6:14]
    assert read.sex == ("male" if int(first[16]) % 2 else "female")


def test_old_numbers_are_upgraded() -> None:
    assert upgrade("110105491231002") == "11010519491231002X"
    read = read_resident_id("110105491231002")
    assert read is not None
    assert (read.number, read.is_old) == ("11010519491231002X", True)
    with pytest.raises(ValueError, match="15 digits"):
        upgrade("1")


@pytest.mark.parametrize(
    ("number", "says"),
    [
        ("", "0 characters"),
        ("11010519491231002A", "other characters"),
        ("110105194902310025", "no date"),
        ("110105194912310021", "check character"),
        ("999", "3 characters"),
        ("00000019491231002" + check_character("00000019491231002"), "no known region"),
    ],
)
def test_wrong_ones_say_why_without_a_digit(number: str, says: str) -> None:
    problem = resident_id_problem(number)
    assert says in problem
    assert not number or number not in problem


def test_a_region_that_had_ended_before_the_birth_is_doubtful() -> None:
    # 崇文区 (110103) was dissolved in 2010.
    old, late = "11010319800101001", "11010320150101001"
    assert read_resident_id(old + check_character(old)).is_region_of_its_time  # type: ignore[union-attr]
    assert not read_resident_id(late + check_character(late)).is_region_of_its_time  # type: ignore[union-attr]


def test_permits_of_hong_kong_macao_taiwan() -> None:
    for code, holder in (("810000", "hong_kong"), ("820000", "macao"), ("830000", "taiwan")):
        first = code + "19900307" + "123"
        assert read_resident_id(first + check_character(first)).holder == holder  # type: ignore[union-attr]


def test_small_things() -> None:
    assert age_on("2012-11-26", "2026-11-25") == 13
    assert age_on("2012-11-25", "2026-11-25") == 14
    assert mask_resident_id("11010519491231002X") == "110105***********X"
    assert is_date(2024, 2, 29)
    assert not is_date(2023, 2, 29)
    assert has_id_form("621201200510186972")
