"""Which alphabet a data_coding means, and what is not text in it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tideng.text.alphabets import (
    Alphabet,
    Undecodable,
    Unencodable,
    alphabet_of,
    best_alphabet,
    data_coding_of,
    decode,
    encode,
    is_flash,
)

RUNS = settings(max_examples=200, deadline=None, derandomize=True)
TEXTUAL = [alphabet for alphabet in Alphabet if alphabet is not Alphabet.BINARY]


@pytest.mark.parametrize("default", [Alphabet.GSM, Alphabet.LATIN1, Alphabet.ASCII])
@pytest.mark.parametrize(
    ("coding", "alphabet"),
    [
        (0x00, None),
        (0x01, Alphabet.ASCII),
        (0x02, Alphabet.BINARY),
        (0x03, Alphabet.LATIN1),
        (0x04, Alphabet.BINARY),
        (0x08, Alphabet.UCS2),
        (0x0F, Alphabet.BINARY),  # CMPP's GBK; SMPP has no code for it
        (0x10, None),
        (0x11, None),
        (0x14, Alphabet.BINARY),
        (0x18, Alphabet.UCS2),
        (0x1B, Alphabet.UCS2),
        (0xC0, None),
        (0xC8, None),
        (0xD3, None),
        (0xE0, Alphabet.UCS2),
        (0xEF, Alphabet.UCS2),
        (0xF0, None),
        (0xF3, None),
        (0xF4, Alphabet.BINARY),
        (0xF7, Alphabet.BINARY),
        (0x80, Alphabet.BINARY),
    ],
)
def test_data_codings(coding: int, alphabet: Alphabet | None, default: Alphabet) -> None:
    """None: the connection's default."""
    assert alphabet_of(coding, default) is (alphabet or default)


def test_every_octet_means_something() -> None:
    for coding in range(256):
        assert isinstance(alphabet_of(coding, Alphabet.GSM), Alphabet)


@pytest.mark.parametrize("coding", range(256))
def test_flash_is_message_class_0(coding: int) -> None:
    assert is_flash(coding) is (coding in {0x10, 0x14, 0x18, 0x1C, 0xF0, 0xF4, 0xF8, 0xFC})


@pytest.mark.parametrize("alphabet", [*TEXTUAL, Alphabet.BINARY])
def test_a_coding_we_write_is_one_we_read(alphabet: Alphabet) -> None:
    if alphabet is Alphabet.UTF8:
        with pytest.raises(ValueError, match="utf8"):
            data_coding_of(alphabet)
    else:
        assert alphabet_of(data_coding_of(alphabet), Alphabet.GSM) is alphabet


@RUNS
@given(st.text(max_size=80), st.sampled_from(TEXTUAL))
def test_decode_undoes_encode(text: str, alphabet: Alphabet) -> None:
    if text.startswith("\ufeff"):
        return  # a byte order mark is not text
    try:
        octets = encode(text, alphabet)
    except Unencodable:
        assert alphabet is not Alphabet.UCS2
        return
    assert decode(octets, alphabet) == text


@RUNS
@given(st.binary(max_size=80), st.sampled_from(Alphabet))
def test_noise_is_text_or_undecodable(octets: bytes, alphabet: Alphabet) -> None:
    try:
        text = decode(octets, alphabet)
    except Undecodable:
        return
    assert not any("\ud800" <= character <= "\udfff" for character in text)


@pytest.mark.parametrize("text", ["提灯", "😀", ""])
def test_byte_order_marks(text: str) -> None:
    big, little = text.encode("utf-16-be"), text.encode("utf-16-le")
    assert decode(big, Alphabet.UCS2) == text
    assert decode(b"\xfe\xff" + big, Alphabet.UCS2) == text
    assert decode(b"\xff\xfe" + little, Alphabet.UCS2) == text
    assert decode(b"\xef\xbb\xbf" + text.encode(), Alphabet.UTF8) == text


@pytest.mark.parametrize(
    ("octets", "alphabet", "words"),
    [
        (b"\x63\xd0\x70", Alphabet.UCS2, "3 octets"),
        (b"\xd8\x3d", Alphabet.UCS2, "octet 1 of 2"),
        (b"\0a\xde\x00", Alphabet.UCS2, "octet 3 of 4"),
        (b"\xff\xfe\x00\xde", Alphabet.UCS2, "not ucs2"),
        (b"a\xff", Alphabet.ASCII, "octet 2 of 2"),
        (b"a\xff", Alphabet.UTF8, "octet 2 of 2"),
        (b"a\xff", Alphabet.GSM, "above 127"),
        (b"a", Alphabet.BINARY, "binary"),
    ],
)
def test_what_is_no_text(octets: bytes, alphabet: Alphabet, words: str) -> None:
    with pytest.raises(Undecodable, match=words):
        decode(octets, alphabet)


@pytest.mark.parametrize(
    ("text", "alphabet"), [("a提", Alphabet.LATIN1), ("aé", Alphabet.ASCII), ("a\ud800", Alphabet.UCS2)]
)
def test_what_does_not_fit_names_its_position(text: str, alphabet: Alphabet) -> None:
    with pytest.raises(Unencodable, match="character 2 of 2"):
        encode(text, alphabet)
    with pytest.raises(Unencodable):
        encode(text, Alphabet.BINARY)


def test_half_a_pair_is_not_sent_to_ucs2_again() -> None:
    with pytest.raises(Unencodable, match="half a surrogate pair"):
        encode("a\ud800", Alphabet.UCS2)
    with pytest.raises(Unencodable, match="as UCS-2"):
        encode("a提", Alphabet.LATIN1)


def test_best_alphabet() -> None:
    assert best_alphabet("hello €") is Alphabet.GSM
    assert best_alphabet("") is Alphabet.GSM
    assert best_alphabet("您好") is Alphabet.UCS2
    assert best_alphabet("caffè") is Alphabet.GSM
    assert best_alphabet("garçon") is Alphabet.UCS2
