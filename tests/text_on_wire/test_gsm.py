"""GSM 03.38: our table against an independent one."""

import gsm0338  # type: ignore[import-untyped]  # the package has no types
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tideng.text import gsm
from tideng.text.gsm import Unencodable

assert gsm0338.__name__  # importing it registers the codec
ORACLE = gsm0338.Codec()
RUNS = settings(max_examples=200, deadline=None, derandomize=True)
BASIC = [code for code in range(128) if code != gsm.ESCAPE]
EXTENSION = "\f^{}\\[~]|€"
EVERY = "".join(gsm.decode(bytes((code,))) for code in BASIC) + EXTENSION


@pytest.mark.parametrize("code", BASIC)
def test_each_basic_character(code: int) -> None:
    octets = bytes((code,))
    text, _ = ORACLE.decode(octets)
    assert gsm.decode(octets) == text
    assert gsm.encode(text) == octets
    assert gsm.septets(text) == 1


@pytest.mark.parametrize("character", EXTENSION)
def test_each_extension_character_costs_two_septets(character: str) -> None:
    octets, _ = ORACLE.encode(character)
    assert gsm.encode(character) == octets
    assert gsm.decode(octets) == character
    assert gsm.septets(character) == len(octets) == 2


@RUNS
@given(st.text(st.sampled_from(EVERY), max_size=200))
def test_decode_undoes_encode(text: str) -> None:
    octets = gsm.encode(text)
    assert octets == ORACLE.encode(text)[0]
    assert gsm.decode(octets) == text
    assert gsm.septets(text) == len(octets)
    assert gsm.is_gsm(text)


@RUNS
@given(st.text(max_size=40))
def test_what_it_holds_is_what_it_encodes(text: str) -> None:
    if gsm.is_gsm(text):
        assert gsm.decode(gsm.encode(text)) == text
    else:
        for measure in (gsm.encode, gsm.septets):
            with pytest.raises(Unencodable):
                measure(text)


def test_an_error_names_the_position_not_the_text() -> None:
    with pytest.raises(Unencodable, match="character 4 of 6") as caught:
        gsm.encode("abc提灯d")
    assert "提" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("character", ["ç", "`", "\x1b", "\t", "\0", "“", "－", "А"])
def test_lookalikes_are_not_gsm(character: str) -> None:
    assert not gsm.is_gsm(character)


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b"\x1b\x41", "A"),  # an escape without meaning shows the basic character
        (b"\x1b", " "),
        (b"a\x1b\x1bb", "a b"),
        (b"\x1b\x65\x1b", "€ "),
        (b"", ""),
    ],
)
def test_escapes_without_meaning(octets: bytes, text: str) -> None:
    assert gsm.decode(octets) == text


@RUNS
@given(st.binary(max_size=60))
def test_noise_fails_only_above_127(octets: bytes) -> None:
    if max(octets, default=0) > 127:
        with pytest.raises(ValueError, match="above 127"):
            gsm.decode(octets)
    else:
        assert len(gsm.decode(octets)) <= len(octets)
