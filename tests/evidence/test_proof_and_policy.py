"""tlog-proof, tlog-policy and cosignatures as their specifications say; foreign eyes read what we write."""

import base64
from itertools import combinations

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence import independent_log as independent
from tideng.evidence.checkpoint import Checkpoint, format_checkpoint, sign_checkpoint
from tideng.evidence.merkle import ProofInvalid
from tideng.evidence.note import (
    COSIGNATURE,
    NoteInvalid,
    cosign,
    encode_vkey,
    open_note,
    parse_vkey,
    verifier_for,
)
from tideng.evidence.proof_file import ProofFile, format_proof, parse_proof
from tideng.evidence.trust_policy import (
    Party,
    PolicyInvalid,
    PolicyNotMet,
    check_witnessed,
    format_policy,
    is_quorum,
    parse_policy,
)

ORIGIN = "policy.example/log"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ME = verifier_for(ORIGIN, KEY)
EYES = [Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in range(1, 7)]
SEEN = [verifier_for(f"w{n}.example", key, COSIGNATURE) for n, key in enumerate(EYES)]
POINT = Checkpoint(ORIGIN, 5, b"r" * 32)
TEXT = format_checkpoint(POINT)

TWO_GROUPS = "\n".join(
    [
        f"log {encode_vkey(ME)} https://log.example/",
        "# the outside",
        "",
        *[f"  witness\tX{n} {encode_vkey(v)}" for n, v in enumerate(SEEN[:3])],
        "group X-witnesses 2 X0 X1 X2",
        *[f"witness Y{n} {encode_vkey(v)} https://y{n}.example" for n, v in enumerate(SEEN[3:])],
        "group Y-witnesses any Y0 Y1 Y2",
        "group X-and-Y all X-witnesses Y-witnesses",
        "quorum X-and-Y",
        "",
    ]
)


def seen_by(*who: int, time_s: int = 1_800_000_000) -> bytes:
    lines = [cosign(TEXT, SEEN[n].name, EYES[n], time_s) for n in who]
    return sign_checkpoint(POINT, KEY) + b"".join(lines)


# Cosignatures


def test_a_cosignature_in_foreign_eyes() -> None:
    note = seen_by(0, 3)
    assert independent.cosignature_time(note, "w3.example", SEEN[3].public) == 1_800_000_000
    opened = open_note(note, [SEEN[0]])
    assert [(s.name, s.time_s) for s in opened.verified] == [("w0.example", 1_800_000_000)]
    assert opened.verified[0].line in note
    with pytest.raises(InvalidSignature):
        independent.cosignature_time(note.replace(b"\n5\n", b"\n6\n"), "w3.example", SEEN[3].public)


def test_the_time_is_signed_too() -> None:
    raw = bytearray(open_note(seen_by(0), [SEEN[0]]).verified[0].signature)
    raw[7] ^= 1
    line = f"— w0.example {base64.b64encode(SEEN[0].key_id + raw).decode()}\n".encode()
    with pytest.raises(NoteInvalid):
        open_note(sign_checkpoint(POINT, KEY) + line, [ME, SEEN[0]])


@pytest.mark.parametrize("time_s", [-1, 2**63])
def test_times_that_are_none(time_s: int) -> None:
    with pytest.raises(NoteInvalid):
        cosign(TEXT, "w", KEY, time_s)


def test_witness_keys_read_back() -> None:
    assert parse_vkey(encode_vkey(SEEN[0])) == SEEN[0]
    assert SEEN[0].key_id != verifier_for("w0.example", EYES[0]).key_id


# Policies


def test_the_policy_of_the_specification() -> None:
    policy = parse_policy(TWO_GROUPS.encode())
    assert policy.logs == (Party(ORIGIN, ME, "https://log.example/"),)
    assert parse_policy(format_policy(policy)) == policy
    names = ["X0", "X1", "X2", "Y0", "Y1", "Y2"]
    for count in range(7):
        for some in combinations(names, count):
            enough = sum(n[0] == "X" for n in some) >= 2 and any(n[0] == "Y" for n in some)
            assert is_quorum(policy, frozenset(some)) is enough
            if count <= 3:
                note = seen_by(*map(names.index, some))
                if enough:
                    assert {name for name, _ in check_witnessed(policy, note).witnesses} == set(some)
                else:
                    with pytest.raises(PolicyNotMet):
                        check_witnessed(policy, note)


def test_no_quorum_needed() -> None:
    policy = parse_policy(f"log {encode_vkey(ME)}\nquorum none\n".encode())
    assert check_witnessed(policy, seen_by()).witnesses == ()
    stranger = parse_policy(f"log {encode_vkey(verifier_for(ORIGIN, EYES[0]))}\nquorum none\n".encode())
    with pytest.raises(NoteInvalid):
        check_witnessed(stranger, seen_by())
    other_name = parse_policy(f"log {encode_vkey(verifier_for('o.example', KEY))}\nquorum none\n".encode())
    note = (
        TEXT.encode() + b"\n" + sign_checkpoint(Checkpoint("o.example", 5, b"r" * 32), KEY).split(b"\n\n")[1]
    )
    with pytest.raises(NoteInvalid):
        check_witnessed(other_name, note)


W0, W1 = encode_vkey(SEEN[0]), encode_vkey(SEEN[1])


@pytest.mark.parametrize(
    "lines",
    [
        "",
        "quorum none\nquorum none",
        "quorum a",
        f"witness none {W0}\nquorum none",
        "quorum",
        "group a any\nquorum a",
        f"witness a {W0}\nwitness a {W1}\nquorum a",
        f"witness a {W0}\nwitness b {W0}\nquorum a",
        f"witness a {W0}\ngroup g 2 a\nquorum g",
        f"witness a {W0}\ngroup g 0 a\nquorum g",
        f"witness a {W0}\ngroup g 01 a\nquorum g",
        f"witness a {W0}\ngroup g -1 a\nquorum g",
        f"witness a {W0}\ngroup g any a a\nquorum g",
        f"witness a {W0}\ngroup g any a\ngroup h any a\nquorum g",
        f"group g any a\nwitness a {W0}\nquorum g",
        f"log {W0}\nquorum none",
        f"witness a {encode_vkey(ME)}\nquorum a",
        f"witness a {W0} u v\nquorum a",
        "Quorum none",
        "quorum none\r",
        "quorum\x00none",
        "group g any none\nquorum g",
        f"witness a {W0}x\nquorum a",
    ],
)
def test_what_is_no_policy(lines: str) -> None:
    with pytest.raises(PolicyInvalid):
        parse_policy(lines.encode())


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_noise_is_no_policy(noise: bytes) -> None:
    with pytest.raises(PolicyInvalid):
        parse_policy(noise + b"\nnonsense\n")


def test_names_are_octets() -> None:
    kelvin = "\N{KELVIN SIGN}".encode()
    policy = parse_policy(
        b"witness " + kelvin + b" " + W0.encode() + b"\nwitness K " + W1.encode() + b"\nquorum K"
    )
    assert [w.name.encode("latin-1") for w in policy.witnesses] == [kelvin, b"K"]
    assert not is_quorum(policy, frozenset({policy.witnesses[0].name}))


# Proof files


@settings(deadline=None)
@given(
    st.integers(0, 2**60), st.lists(st.binary(min_size=32, max_size=32), max_size=63), st.binary(max_size=50)
)
def test_proofs_read_back(index: int, hashes: list[bytes], extra: bytes) -> None:
    proof = ProofFile(index, tuple(hashes), seen_by(0), extra)
    assert parse_proof(format_proof(proof)) == proof


def test_the_form_of_the_specification() -> None:
    proof = format_proof(ProofFile(73894, (b"\x01" * 32,), seen_by(0), b"extra data"))
    head, checkpoint = proof.decode().split("\n\n", 1)
    assert head.split("\n") == [
        "c2sp.org/tlog-proof@v1", "extra ZXh0cmEgZGF0YQ==", "index 73894",
        "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=",
    ]  # fmt: skip
    assert checkpoint.encode() == seen_by(0)


@pytest.mark.parametrize(
    "file",
    [
        b"",
        b"c2sp.org/tlog-proof@v1\nindex 1\n",
        b"c2sp.org/tlog-proof@v2\nindex 1\n\nx\n\n",
        b"c2sp.org/tlog-proof@v1\nindex 01\n\nx",
        b"c2sp.org/tlog-proof@v1\nindex 1\nAAAA\n\nx",
        b"c2sp.org/tlog-proof@v1\n\nx",
        b"c2sp.org/tlog-proof@v1\nindex 1\nextra AAAA\n\nx",
        b"c2sp.org/tlog-proof@v1\nindex 1\n\n",
        b"c2sp.org/tlog-proof@v1\nindex -1\n\nx",
    ],
)
def test_what_is_no_proof(file: bytes) -> None:
    with pytest.raises(ProofInvalid):
        parse_proof(file)
