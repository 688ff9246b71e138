"""Key files, people's keys, and forgetting them for good."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from tideng.evidence.keys import KeyRefused, secret_key, signing_key
from tideng.evidence.subjects import SCHEMA, SealBroken, SubjectErased, SubjectKeys, open_sealed, seal
from tideng.storage.failures import StorageFailed
from tideng.storage.sqlite import Writer


class Entropy:
    """Bytes that never repeat, and how often they were asked for."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, count: int) -> bytes:
        self.calls += 1
        return b"".join(os.urandom(32) for _ in range(count // 32))


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    with Writer(tmp_path / "keys.db", schema={"subjects": SCHEMA}, secure_delete=True) as writer:
        yield writer


def test_a_signing_key_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / "ledger.key"
    first = signing_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert signing_key(path).private_bytes_raw() == first.private_bytes_raw()
    assert os.listdir(tmp_path) == ["ledger.key"]
    assert isinstance(first, Ed25519PrivateKey)


def test_a_secret_is_made_once(tmp_path: Path) -> None:
    first = secret_key(tmp_path / "lookup.key")
    assert len(first) == 32
    assert secret_key(tmp_path / "lookup.key") == first
    with pytest.raises(KeyRefused, match="holds 32 bytes; 16 are due"):
        secret_key(tmp_path / "lookup.key", 16)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602])
def test_a_key_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "ledger.key"
    signing_key(path)
    path.chmod(mode)
    with pytest.raises(KeyRefused, match="chmod 600"):
        signing_key(path)


@pytest.mark.parametrize(
    "content", [b"", b"noise", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_a_file_without_a_key_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "ledger.key").write_bytes(content)
    (tmp_path / "ledger.key").chmod(0o600)
    with pytest.raises(KeyRefused, match="Restore it"):
        signing_key(tmp_path / "ledger.key")


def test_no_directory_for_a_key(tmp_path: Path) -> None:
    with pytest.raises(KeyRefused, match="readable for this user"):
        signing_key(tmp_path / "none" / "ledger.key")


def test_keys_are_durable_before_they_are_handed_out(tmp_path: Path, writer: Writer) -> None:
    entropy = Entropy()
    first = SubjectKeys(writer).keys_for(["a", "b", "a"], entropy)
    assert set(first) == {"a", "b"}
    assert len({*first.values()}) == 2
    again = SubjectKeys(writer)  # an empty cache: what is stored counts
    assert again.keys_for(["b", "c", "a"], entropy) | {"c": b""} == first | {"c": b""}
    calls = entropy.calls
    again.keys_for(["a", "b", "c"], entropy)
    assert entropy.calls == calls  # from the cache
    assert again.keys_for([], entropy) == {}


def test_from_the_event_loop(writer: Writer) -> None:
    keys = SubjectKeys(writer)
    assert asyncio.run(keys.keys_for_async(["a"])) == keys.keys_for(["a"])


def test_the_cache_is_bounded(writer: Writer) -> None:
    keys, entropy = SubjectKeys(writer, cached_max=10), Entropy()
    names = [f"s{i}" for i in range(50)]
    first = keys.keys_for(names, entropy)
    calls = entropy.calls
    keys.keys_for(names[-10:], entropy)
    assert entropy.calls == calls
    assert keys.keys_for(names, entropy) == first


def test_an_erased_subject_stays_erased_and_its_bytes_are_gone(tmp_path: Path, writer: Writer) -> None:
    keys = SubjectKeys(writer)
    key = keys.keys_for(["a", "b"])["a"]
    files = [tmp_path / "keys.db", tmp_path / "keys.db-wal"]
    assert any(key in file.read_bytes() for file in files)
    assert keys.destroy("a", at=7)
    assert not any(key in file.read_bytes() for file in files)
    for asked in (keys, SubjectKeys(writer)):
        with pytest.raises(SubjectErased) as raised:
            asked.keys_for(["b", "a"])
        assert raised.value.subjects == ("a",)
        assert set(asked.keys_for(["b"])) == {"b"}
    assert not keys.destroy("a", at=8)
    assert not keys.destroy("unknown", at=8)


def test_a_reader_that_keeps_the_bytes_in_the_log_is_told(tmp_path: Path, writer: Writer) -> None:
    keys = SubjectKeys(writer)
    keys.keys_for(["a"])
    reader = writer.reader()
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM subject_key").fetchone()
    writer.call(lambda conn: None)
    writer._conn.execute("PRAGMA busy_timeout=1")  # the test need not wait as long as the product
    with pytest.raises(StorageFailed, match="erase again"):
        keys.destroy("a", at=7)
    reader.close()
    assert not keys.destroy("a", at=7)  # it was destroyed; now its bytes are gone too


@given(st.binary(max_size=100), st.binary(max_size=20), st.data())
def test_sealed_bytes_open_only_as_they_were(plain: bytes, associated: bytes, data: st.DataObject) -> None:
    key, nonce = bytes(range(32)), bytes(12)
    sealed = seal(key, plain, nonce, associated)
    assert open_sealed(key, sealed, associated) == plain
    at, mask = data.draw(st.integers(0, len(sealed) - 1)), data.draw(st.integers(1, 255))
    for wrong in (
        (key, sealed[:at] + bytes([sealed[at] ^ mask]) + sealed[at + 1 :], associated),
        (bytes(32), sealed, associated),
        (key, sealed, associated + b"x"),
        (key, sealed[:at], associated),
    ):
        with pytest.raises(SealBroken):
            open_sealed(*wrong)


def test_sealing_needs_whole_keys_and_nonces() -> None:
    with pytest.raises(ValueError, match="nonce"):
        seal(bytes(32), b"", b"short", b"")
    with pytest.raises(ValueError, match="key"):
        seal(bytes(16), b"", bytes(12), b"")
