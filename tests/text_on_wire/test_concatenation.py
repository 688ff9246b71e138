"""User data headers as peers send them, and parts that come together."""

from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tideng.text.alphabets import Alphabet, Undecodable
from tideng.text.concatenation import Concatenation, MalformedUdh, join, read_udh, write_udh

RUNS = settings(max_examples=200, deadline=None, derandomize=True)


@st.composite
def concatenations(draw: st.DrawFn) -> Concatenation:
    bits: Literal[8, 16] = draw(st.sampled_from([8, 16]))
    total = draw(st.integers(1, 255))
    return Concatenation(draw(st.integers(0, 2**bits - 1)), bits, total, draw(st.integers(1, total)))


@RUNS
@given(concatenations(), st.binary(max_size=140))
def test_read_undoes_write(about: Concatenation, body: bytes) -> None:
    header = write_udh(about)
    assert len(header) == (6 if about.bits == 8 else 7)
    udh, rest = read_udh(header + body)
    assert udh.concatenation == about
    assert rest == body


def test_headers_octet_by_octet() -> None:
    assert write_udh(Concatenation(0xAB, 8, 3, 2)) == bytes.fromhex("050003AB0302")
    assert write_udh(Concatenation(0xABCD, 16, 3, 2)) == bytes.fromhex("060804ABCD0302")


@pytest.mark.parametrize(
    ("octets", "concatenation"),
    [
        ("00", None),
        ("0605041234ABCD", None),  # ports only
        ("0B0504123456780003AB0302", Concatenation(0xAB, 8, 3, 2)),  # ports, then parts
        ("0A0003AB03020003CD0403", Concatenation(0xCD, 8, 4, 3)),  # the last of two counts
        ("050003AB0300", None),  # index 0
        ("050003AB0304", None),  # index above total
        ("050003AB0000", None),
        ("0400020302", None),  # an element of the wrong size
        ("0A0003AB03020003CD0304", Concatenation(0xAB, 8, 3, 2)),  # nonsense does not displace sense
    ],
)
def test_headers_as_they_come(octets: str, concatenation: Concatenation | None) -> None:
    udh, body = read_udh(bytes.fromhex(octets) + b"body")
    assert udh.concatenation == concatenation
    assert body == b"body"


@pytest.mark.parametrize(
    "octets", ["", "05", "050003AB03", "0500", "05000AAB0302", "0100", "FF" + "00" * 200]
)
def test_headers_that_contradict_themselves(octets: str) -> None:
    with pytest.raises(MalformedUdh):
        read_udh(bytes.fromhex(octets))


@RUNS
@given(st.binary(max_size=160))
def test_noise_is_a_header_or_malformed(octets: bytes) -> None:
    try:
        udh, body = read_udh(octets)
    except MalformedUdh:
        return
    assert octets.endswith(body)
    assert 1 + sum(2 + len(value) for _, value in udh.elements) + len(body) == len(octets)


def test_a_pair_cut_by_the_peer_heals() -> None:
    # As Kannel and Jasmin send it: half an emoji in each part.
    octets = "提".encode("utf-16-be") * 3 + "😀".encode("utf-16-be")
    assert join({1: octets[:8], 2: octets[8:]}, Alphabet.UCS2) == "提提提😀"
    assert join({2: octets[7:], 1: octets[:7]}, Alphabet.UCS2) == "提提提😀", "odd parts too (Jasmin #619)"
    assert join({1: b"a\x1b", 2: b"\x65"}, Alphabet.GSM) == "a€"


def test_a_byte_order_mark_counts_for_all_parts() -> None:
    # Jasmin #256, #619: parts after the first came out as noise.
    octets = b"\xff\xfe" + ("提灯" * 40).encode("utf-16-le")
    assert join({1: octets[:134], 2: octets[134:]}, Alphabet.UCS2) == "提灯" * 40


@pytest.mark.parametrize("codec", ["utf-16-be", "utf-16-le"])
def test_a_byte_order_mark_in_every_part_is_no_text(codec: str) -> None:
    mark = "\ufeff".encode(codec)
    one, two = ("提灯" * 33).encode(codec), "提灯".encode(codec)
    assert join({1: mark + one, 2: mark + two}, Alphabet.UCS2) == "提灯" * 34
    assert join({1: "提".encode("utf-16-be"), 2: b"\xfe\xffab"}, Alphabet.UCS2) == "提\ufeff慢"


@pytest.mark.parametrize("parts", [{}, {2: b"b"}, {1: b"a", 3: b"c"}, {0: b"x", 1: b"a"}])
def test_a_missing_part(parts: dict[int, bytes]) -> None:
    with pytest.raises(ValueError, match="is missing"):
        join(parts, Alphabet.GSM)


def test_parts_that_are_no_text_together() -> None:
    with pytest.raises(Undecodable):
        join({1: b"\0a", 2: b"\0"}, Alphabet.UCS2)
