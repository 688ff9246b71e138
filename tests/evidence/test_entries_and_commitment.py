"""Canonical bytes, kinds, and commitments."""

import hashlib
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from tideng.evidence import entries as declared
from tideng.evidence.commitment import commit, fresh_keys, opens
from tideng.evidence.entries import (
    ENTRY_BYTES_MAX,
    KINDS,
    EntryInvalid,
    declare,
    decode_entry,
    encode_entry,
    is_canonical,
)

text = st.text(st.characters(codec="utf-8"), max_size=20)
scalars = st.integers(-(2**53) + 1, 2**53 - 1) | text | st.booleans() | st.none()
values = scalars | st.lists(scalars, max_size=3) | st.dictionaries(text, st.lists(scalars, max_size=3))
entries = st.dictionaries(text, values, max_size=6).map(lambda more: more | {"kind": "t/1", "at": 5})


class Told(Struct, frozen=True, kw_only=True):
    zebra: str
    kind: str = "told/1"
    at: int
    codes: tuple[str, ...] = ()


def independent(entry: object) -> bytes:
    return json.dumps(entry, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


@given(entries)
def test_the_encoding_is_the_one_any_json_library_gives(entry: dict[str, object]) -> None:
    leaf = encode_entry(entry)
    assert leaf == independent(entry)
    assert is_canonical(leaf)
    assert decode_entry(leaf) == json.loads(leaf)


def test_a_struct_is_encoded_with_its_keys_sorted() -> None:
    leaf = encode_entry(Told(zebra="提灯\x01\u2028", at=7, codes=("A", "B")))
    assert leaf == independent({"zebra": "提灯\x01\u2028", "kind": "told/1", "at": 7, "codes": ["A", "B"]})


@pytest.mark.parametrize(
    "extra",
    [{"x": 1.5}, {"x": 1.0}, {"x": 2**53}, {"x": [[2**53]]}, {"x": "\ud800"}, {"x": float("nan")},
     {"x": [[[[[[1]]]]]]}, {"kind": 1}, {"at": "1"}, {"at": -1}, {"at": True}, {"x": object()},
     {"x": "y" * ENTRY_BYTES_MAX}, {"x": 2**70}],
    ids=str,
)  # fmt: skip
def test_what_has_no_canonical_form(extra: dict[str, object]) -> None:
    with pytest.raises(EntryInvalid):
        encode_entry({"kind": "t/1", "at": 5} | extra)


@pytest.mark.parametrize(
    "leaf",
    [b"", b"[]", b'{"at":5}', b'{"kind":"t/1","at":5}', b'{"at":5, "kind":"t/1"}',
     b'{"at":5,"kind":"t\\u002f1"}',
     b'{"at":5,"at":5,"kind":"t/1"}', b'{"at":5.0,"kind":"t/1"}', b'{"at":5,"kind":"t/1"}\n',
     b'{"at":5,"kind":"\xff"}',
     b'{"at":05,"kind":"t/1"}', b'{"at":5,"kind":"t/1","z":-0}', b'{"at":5,"kind":"t/1","z":1e3}',
     b"[" * 60_000],
)  # fmt: skip
def test_other_spellings_are_not_canonical(leaf: bytes) -> None:
    assert not is_canonical(leaf)


@given(st.binary(max_size=80))
def test_noise_raises_only_entry_invalid(noise: bytes) -> None:
    with pytest.raises(EntryInvalid):
        decode_entry(noise)


def test_messages_never_quote_the_entry() -> None:
    with pytest.raises(EntryInvalid) as raised:
        encode_entry({"kind": "t/1", "at": 5, "13800138000": 1.5})
    assert "13800138000" not in str(raised.value)


def test_kinds_are_declared_once_and_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(declared, "_kinds", known := dict(KINDS))
    declare("test_kind/1", "A test.", "测试。")
    declare("test_kind/1", "A test.", "测试。")
    assert known["test_kind/1"].zh == "测试。"
    with pytest.raises(ValueError, match="another meaning"):
        declare("test_kind/1", "Something else.", "别的。")
    for bad in ("", "x", "x/", "/1", "x/y", "a b/1"):
        with pytest.raises(ValueError, match="not a name"):
            declare(bad, "", "")


def test_commitments_are_hmac_sha256() -> None:
    key = bytes(range(32))
    expected = hmac.new(key, b"13800138000", hashlib.sha256).hexdigest()
    assert commit(key, "13800138000") == commit(key, b"13800138000") == expected
    assert opens(expected, key, "13800138000")
    assert not opens(expected, key, "13800138001")
    assert not opens(expected, bytes(32), "13800138000")
    assert not opens("é", key, "13800138000")
    with pytest.raises(ValueError, match="32 bytes"):
        commit(b"short", "x")


def test_fresh_keys_use_every_byte_once() -> None:
    assert fresh_keys(3, lambda n: bytes(range(n))) == [bytes(range(i, i + 32)) for i in (0, 32, 64)]
    assert fresh_keys(0, lambda n: b"") == []
    with pytest.raises(ValueError, match="entropy gave"):
        fresh_keys(2, lambda n: b"x")
