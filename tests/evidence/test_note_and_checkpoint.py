"""Signed notes and checkpoints, byte for byte as C2SP writes them."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from tideng.evidence.checkpoint import (
    Checkpoint,
    format_checkpoint,
    open_checkpoint,
    parse_checkpoint,
    sign_checkpoint,
)
from tideng.evidence.note import (
    NoteInvalid,
    encode_vkey,
    open_note,
    parse_vkey,
    sign,
    signature_line,
    verifier_for,
)

VECTORS = Path(__file__).parents[2] / ".." / "shared" / "data" / "evidence" / "signed_note"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
ME = verifier_for("log.example/1", KEY)


@pytest.mark.skipif(not VECTORS.exists(), reason="../shared/data/evidence is not here")
def test_the_example_of_the_specification() -> None:
    vkey = (VECTORS / "c2sp_example.vkey").read_text().strip()
    verifier = parse_vkey(vkey)
    opened = open_note((VECTORS / "c2sp_example.note").read_bytes(), [verifier])
    assert opened.text == "This is an example message.\n"
    assert encode_vkey(verifier) == vkey


def test_sign_and_open() -> None:
    note = sign("one\n\ntwo\n", "log.example/1", KEY)
    assert open_note(note, [ME]).text == "one\n\ntwo\n"
    assert note.decode().splitlines()[4].startswith("— log.example/1 ")


def test_unknown_signatures_are_carried_and_prove_nothing() -> None:
    note = sign("text\n", "log.example/1", KEY) + signature_line("text\n", "witness", OTHER)
    opened = open_note(note, [ME])
    assert [s.name for s in opened.unknown] == ["witness"]
    assert len(open_note(note, [ME, verifier_for("witness", OTHER)]).verified) == 2
    with pytest.raises(NoteInvalid, match="none of the 2"):
        open_note(note, [verifier_for("nobody", OTHER)])


def test_a_wrong_signature_by_a_known_key_spoils_the_note() -> None:
    good = sign("text\n", "log.example/1", KEY)
    forged = good + signature_line("another\n", "witness", OTHER)
    with pytest.raises(NoteInvalid, match="witness"):
        open_note(forged, [ME, verifier_for("witness", OTHER)])


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_every_changed_byte_is_noticed(at: int, mask: int) -> None:
    note = sign("checkpoint of something\n", "log.example/1", KEY)
    at %= len(note)
    changed = note[:at] + bytes([note[at] ^ mask]) + note[at + 1 :]
    with pytest.raises(NoteInvalid):
        open_note(changed, [ME])


@given(st.binary(max_size=200))
def test_noise_is_never_a_note(noise: bytes) -> None:
    with pytest.raises(NoteInvalid):
        open_note(noise, [ME])


@pytest.mark.parametrize("text", ["", "no newline", "tab\there\n", "nul\0\n"])
def test_texts_that_cannot_be_signed(text: str) -> None:
    with pytest.raises(NoteInvalid):
        sign(text, "log.example/1", KEY)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u3000b", "a\n"])
def test_names_that_cannot_sign(name: str) -> None:
    with pytest.raises(NoteInvalid):
        sign("text\n", name, KEY)


@pytest.mark.parametrize("vkey", ["", "a+b", "a+00000000+AAAA", encode_vkey(ME).replace("log", "lag")])
def test_bad_verifier_keys(vkey: str) -> None:
    with pytest.raises(NoteInvalid):
        parse_vkey(vkey)


def test_too_many_signatures() -> None:
    note = sign("text\n", "log.example/1", KEY) + signature_line("text\n", "w", OTHER) * 100
    with pytest.raises(NoteInvalid, match="limit is 100"):
        open_note(note, [ME])


def test_a_checkpoint_is_three_lines() -> None:
    checkpoint = Checkpoint("log.example/1", 7, bytes(32))
    assert format_checkpoint(checkpoint) == f"log.example/1\n7\n{'A' * 43}=\n"
    note = sign_checkpoint(checkpoint, KEY)
    assert open_checkpoint(note, "log.example/1", [ME]) == checkpoint
    with pytest.raises(NoteInvalid, match="of ledger"):
        open_checkpoint(note, "another", [ME])


@pytest.mark.parametrize(
    "text",
    ["", "o\n1\n", "o\n01\n" + "A" * 43 + "=\n", "o\n-1\n" + "A" * 43 + "=\n", "o\n1\nAAAA\n",
     "o\n1\n" + "A" * 43 + "=\n\n", "o\n1\n" + "A" * 42 + "B=\n", "\n1\n" + "A" * 43 + "=\n",
     "o\n1\n" + "A" * 43 + "="],
)  # fmt: skip
def test_texts_that_are_no_checkpoint(text: str) -> None:
    with pytest.raises(NoteInvalid):
        parse_checkpoint(text)


@given(st.integers(0, 2**60), st.binary(min_size=32, max_size=32), st.lists(st.sampled_from(["x", "y z"])))
def test_parse_undoes_format(size: int, root: bytes, extension: list[str]) -> None:
    checkpoint = Checkpoint("log.example/1", size, root, tuple(extension))
    assert parse_checkpoint(format_checkpoint(checkpoint)) == checkpoint
