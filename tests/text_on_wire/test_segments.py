"""Long texts: where they are cut, where never, and that they come together again."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tideng.text.alphabets import Alphabet, Unencodable, decode, encode
from tideng.text.concatenation import Concatenation, join, read_udh
from tideng.text.segments import (
    PAYLOAD_OCTETS_MAX,
    Segment,
    TooLong,
    capacity,
    count_segments,
    split,
)

RUNS = settings(max_examples=120, deadline=None, derandomize=True)
GSM_TEXT = st.text(st.sampled_from("abc é€[]{}\r\n"), max_size=700)
EMOJI = ["😀", "👍🏽", "👨‍👩‍👧‍👦", "🇨🇳", "❤️", "e\u0301", "1️⃣", "\r\n", "提", "a", " ", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"]
# Marks of combining class 0, which only their category betrays: Tibetan, Thai, Hindi; a variation selector.
MARKS = ["བྱ", "กั", "कु", "कि", "葛\U000e0100"]
UCS2_TEXT = st.lists(st.sampled_from(EMOJI + MARKS), max_size=200).map("".join)


def parts(text: str, alphabet: Alphabet, bits: int = 8) -> list[bytes]:
    """The bodies of a split by header, after checking every header."""
    segments = split(text, alphabet=alphabet, reference=0xABCD, reference_bits=bits)  # type: ignore[arg-type]
    assert len(segments) == count_segments(text, alphabet, bits)  # type: ignore[arg-type]
    if len(segments) == 1:
        assert not segments[0].has_udh
        return [segments[0].octets]
    bodies = []
    for index, segment in enumerate(segments, 1):
        udh, body = read_udh(segment.octets)
        reference = 0xABCD if bits == 16 else 0xCD
        assert udh.concatenation == Concatenation(reference, bits, len(segments), index)  # type: ignore[arg-type]
        assert (segment.index, segment.total, segment.has_udh) == (index, len(segments), True)
        assert segment.reference == reference
        bodies.append(body)
    return bodies


def check(text: str, alphabet: Alphabet, *sizes: int, bits: int = 8) -> None:
    """The octets of each part."""
    assert [len(body) for body in parts(text, alphabet, bits)] == list(sizes)


@pytest.mark.parametrize(
    ("alphabet", "alone", "with_8", "with_16"),
    [
        (Alphabet.GSM, 160, 153, 152),
        (Alphabet.UCS2, 140, 134, 132),
        (Alphabet.LATIN1, 140, 134, 133),
    ],
)
def test_capacities(alphabet: Alphabet, alone: int, with_8: int, with_16: int) -> None:
    assert capacity(alphabet, alone=True) == alone
    assert capacity(alphabet, alone=False) == with_8
    assert capacity(alphabet, alone=False, header_octets=7) == with_16


def test_the_limits_in_septets() -> None:
    check("a" * 160, Alphabet.GSM, 160)
    check("a" * 161, Alphabet.GSM, 153, 8)
    check("a" * 306, Alphabet.GSM, 153, 153)
    check("a" * 307, Alphabet.GSM, 153, 153, 1)
    check("a" * 161, Alphabet.GSM, 152, 9, bits=16)
    check("€" * 80, Alphabet.GSM, 160)
    check("", Alphabet.GSM, 0)


def test_the_limits_in_ucs2() -> None:
    check("提" * 70, Alphabet.UCS2, 140)
    check("提" * 71, Alphabet.UCS2, 134, 8)
    check("提" * 134, Alphabet.UCS2, 134, 134)
    check("提" * 71, Alphabet.UCS2, 132, 10, bits=16)


def test_an_escape_is_not_cut() -> None:
    # Jasmin 0.11 cuts here: 152 + escape | euro.
    check("a" * 152 + "€" + "a" * 10, Alphabet.GSM, 152, 12)
    check("€" * 81, Alphabet.GSM, 152, 10)


def test_a_surrogate_pair_is_not_cut() -> None:
    # Kannel 1.4.5 and Jasmin 0.11 both cut here.
    check("提" * 66 + "😀" + "提" * 10, Alphabet.UCS2, 132, 24)


@pytest.mark.parametrize("sequence", [one for one in EMOJI + MARKS if len(one) > 1])
def test_a_sequence_stays_together(sequence: str) -> None:
    for before in range(50, 68):
        text = "提" * before + sequence + "提" * 67
        for body in parts(text, Alphabet.UCS2)[1:]:
            start = decode(body, Alphabet.UCS2)
            assert start.startswith((sequence, "提")), before


def test_a_line_end_stays_together_in_gsm() -> None:
    check("a" * 152 + "\r\n" + "a" * 20, Alphabet.GSM, 152, 22)


def test_a_sequence_longer_than_a_part_is_cut_between_characters() -> None:
    bodies = parts("e" + "\u0301" * 200, Alphabet.UCS2)
    assert [len(body) for body in bodies] == [134, 134, 134]


def test_pairs_of_flags() -> None:
    bodies = parts("🇨🇳" * 40, Alphabet.UCS2)
    assert all(len(body) % 8 == 0 for body in bodies)


@RUNS
@given(st.sampled_from([Alphabet.GSM, Alphabet.UCS2]), st.sampled_from([8, 16]), st.data())
def test_join_undoes_split_within_the_limits(alphabet: Alphabet, bits: int, data: st.DataObject) -> None:
    text = data.draw(GSM_TEXT if alphabet is Alphabet.GSM else UCS2_TEXT)
    bodies = parts(text, alphabet, bits)
    room = capacity(alphabet, alone=len(bodies) == 1, header_octets=6 if bits == 8 else 7)
    assert all(len(body) <= room for body in bodies)
    assert all(bodies) or bodies == [b""]
    assert join(dict(enumerate(bodies, 1)), alphabet) == text
    # Each part is text by itself: no pair and no escape is torn.
    assert "".join(decode(body, alphabet) for body in bodies) == text
    if alphabet is Alphabet.GSM:
        assert not any(body.endswith(b"\x1b") for body in bodies)


@RUNS
@given(UCS2_TEXT)
def test_no_part_begins_with_what_belongs_to_the_one_before(text: str) -> None:
    for body in parts(text, Alphabet.UCS2)[1:]:
        first = decode(body, Alphabet.UCS2)[0]
        assert first not in "\u200d\ufe0f\u20e3\n"
        assert not unicodedata.category(first).startswith("M")
        assert not "\U0001f3fb" <= first <= "\U0001f3ff"


@RUNS
@given(st.text(max_size=300).filter(lambda text: not text.startswith("\ufeff")))
def test_any_text_in_utf8(text: str) -> None:
    bodies = parts(text, Alphabet.UTF8)
    assert b"".join(bodies) == text.encode()
    assert all(len(body) <= 140 for body in bodies)


def test_by_tlv_there_is_no_header() -> None:
    segments = split("提" * 100, alphabet=Alphabet.UCS2, reference=0x1_0005, method="sar")
    assert [(one.has_udh, one.index, one.total, one.reference) for one in segments] == [
        (False, 1, 2, 5),
        (False, 2, 2, 5),
    ]
    assert [len(one.octets) for one in segments] == [134, 66]


def test_by_payload_there_is_one_part() -> None:
    text = "提" * 1_000
    assert split(text, alphabet=Alphabet.UCS2, reference=1, method="payload") == (
        Segment(encode(text, Alphabet.UCS2), False, 1, 1, 0),
    )
    with pytest.raises(TooLong, match=str(PAYLOAD_OCTETS_MAX)):
        split("a" * (PAYLOAD_OCTETS_MAX + 1), alphabet=Alphabet.LATIN1, reference=1, method="payload")


def test_too_long_names_the_limit() -> None:
    with pytest.raises(TooLong, match=r"11 segments; limit is 10\."):
        split("a" * 1_531, alphabet=Alphabet.GSM, reference=1, parts_max=10)
    assert len(split("a" * 1_530, alphabet=Alphabet.GSM, reference=1, parts_max=10)) == 10
    with pytest.raises(TooLong, match="limit is 255"):
        split("a" * 153 * 256, alphabet=Alphabet.GSM, reference=1, parts_max=1_000)


def test_what_the_alphabet_lacks() -> None:
    with pytest.raises(Unencodable, match="character 171 of 171"):
        split("a" * 170 + "提", alphabet=Alphabet.GSM, reference=1)
    with pytest.raises(Unencodable):
        split("a\ud800", alphabet=Alphabet.UCS2, reference=1)
