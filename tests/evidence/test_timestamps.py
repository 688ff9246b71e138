"""Time-stamp tokens: others' vectors, an authority of our own, and one that lies."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidence.authority import Authority
from tideng.evidence.entries import encode_entry
from tideng.evidence.sqlite import SCHEMA, SqliteLedger
from tideng.evidence.timestamping import NotStamped, Timestamper, ask_over_http
from tideng.evidence.verifier.parts import Failed
from tideng.evidence.verifier.timestamps import verify_timestamp
from tideng.storage.sqlite import Writer

VECTORS = Path(__file__).parents[3] / "shared/data/evidence/rfc3161"
needs_vectors = pytest.mark.skipif(not VECTORS.is_dir(), reason="the shared vectors are not here")
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="no program named openssl")


def check(folder: str, response: str, payload: bytes = b"hello") -> str:
    below = VECTORS / folder
    return verify_timestamp(
        (below / response).read_bytes(), payload, (below / "ts_chain.pem").read_bytes()
    ).time


@needs_vectors
@pytest.mark.parametrize(
    ("folder", "response", "time"),
    [
        ("test_tsa", "response.tsr", "2024-10-08T15:40:32Z"),
        ("sigstage", "response-sha256.tsr", "2025-05-09T11:58:55Z"),
        ("sigstage", "response-sha384.tsr", "2025-05-09T11:58:55Z"),
        ("sigstage", "response-sha512.tsr", "2025-05-09T11:58:56Z"),
        ("sigstage", "response-no-embedded-cert.tsr", "2025-06-18T08:13:02Z"),
    ],
)
def test_others_tokens(folder: str, response: str, time: str) -> None:
    assert check(folder, response) == time
    with pytest.raises(Failed, match="another checkpoint"):
        check(folder, response, b"hallo")


@needs_vectors
@pytest.mark.parametrize(
    ("folder", "response"),
    [("sigstage", "response-invalid-signature.tsr"), ("test_tsa", "other_response.tsr")],
)
def test_others_bad_tokens(folder: str, response: str) -> None:
    with pytest.raises(Failed):
        check(folder, response)


@needs_vectors
@pytest.mark.parametrize("step", [37, pytest.param(1, marks=pytest.mark.slow)])
def test_a_flipped_byte_of_a_token_never_changes_its_time(step: int) -> None:
    """CMS leaves some bytes unsigned (versions, algorithm lists); a bundle's manifest covers those too."""
    below = VECTORS / "test_tsa"
    response, roots = (below / "response.tsr").read_bytes(), (below / "ts_chain.pem").read_bytes()
    for at in range(0, len(response), step):
        spoilt = bytearray(response)
        spoilt[at] ^= 0x41
        try:
            found = verify_timestamp(bytes(spoilt), b"hello", roots)
        except Failed:
            continue
        assert found.time == "2024-10-08T15:40:32Z"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[tuple[Writer, SqliteLedger]]:
    with Writer(tmp_path / "l.db", schema={"evidence": SCHEMA}) as writer:
        key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
        kept = SqliteLedger(writer, origin="stamped.example", key=key, clock=lambda: 9)
        kept.append([encode_entry({"kind": "t/1", "at": 9})])
        kept.checkpoint()
        yield writer, kept
        kept.close()


def tokens(writer: Writer) -> list[tuple[int, bytes, bytes]]:
    return writer.call(lambda conn: conn.execute("SELECT size, note, token FROM timestamp_token").fetchall())


@needs_openssl
@pytest.mark.parametrize("elliptic", [False, True])
def test_a_checkpoint_is_stamped_once(
    tmp_path: Path, ledger: tuple[Writer, SqliteLedger], elliptic: bool
) -> None:
    writer, kept = ledger
    authority = Authority(tmp_path / "tsa", elliptic=elliptic)
    stamper = Timestamper(writer, kept, authority.answer, authority.roots)
    stamp = stamper.stamp()
    assert stamp is not None
    assert stamp.size == 1
    assert stamper.stamp() is None
    [(size, note, token)] = tokens(writer)
    assert (size, note) == (1, kept.latest_checkpoint())
    assert verify_timestamp(token, note, authority.roots).time == stamp.time


@needs_openssl
def test_a_wrong_authority_is_not_believed(tmp_path: Path, ledger: tuple[Writer, SqliteLedger]) -> None:
    writer, kept = ledger
    right, wrong = Authority(tmp_path / "right"), Authority(tmp_path / "wrong")
    with pytest.raises(NotStamped, match="does not hold"):
        Timestamper(writer, kept, wrong.answer, right.roots).stamp()
    assert tokens(writer) == []


@needs_openssl
def test_an_old_answer_is_not_taken_for_a_new_one(
    tmp_path: Path, ledger: tuple[Writer, SqliteLedger]
) -> None:
    writer, kept = ledger
    authority, queries = Authority(tmp_path / "tsa"), []

    def replay(query: bytes) -> bytes:
        queries.append(query)
        return authority.answer(queries[0])

    stamper = Timestamper(writer, kept, replay, authority.roots)
    stamper.stamp()
    kept.append([encode_entry({"kind": "t/1", "at": 9})])
    kept.checkpoint()
    with pytest.raises(NotStamped):
        stamper.stamp()
    assert len(tokens(writer)) == 1


@pytest.mark.parametrize("noise", [b"", b"<html>no</html>", b"\x30\x80", bytes(100)])
def test_noise_is_no_token(tmp_path: Path, ledger: tuple[Writer, SqliteLedger], noise: bytes) -> None:
    writer, kept = ledger
    with pytest.raises(NotStamped):
        Timestamper(writer, kept, lambda _: noise, b"").stamp()


def test_an_authority_nobody_reaches() -> None:
    with pytest.raises(NotStamped, match="did not answer"):
        ask_over_http("http://127.0.0.1:9/tsa")(b"query")
