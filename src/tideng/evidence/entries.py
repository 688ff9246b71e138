"""The canonical bytes of an entry, and what each kind of entry means. Pure.

An entry is a JSON object with at least `kind` ("decision/1") and `at` (microseconds, UTC). Its one encoding
is a subset of RFC 8785 (JSON Canonicalization Scheme): UTF-8, keys sorted, no white space, escapes as in
RFC 8785 §3.2.2.2; strings, booleans, null, arrays, objects and whole numbers within ±(2^53-1); no other
numbers, because their text is where implementations differ. Keys sort by code point; RFC 8785 sorts by
UTF-16 unit, which is the same for the ASCII names used here. Any verifier with a JSON library can check it:
decode, encode with sorted keys, compare.
"""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any, Literal, get_origin

import msgspec
from msgspec import Meta, Struct

ENTRY_BYTES_MAX = 65_535
"""The length prefix of a C2SP tlog-tiles entry bundle is 16 bits wide."""

_WHOLE_MAX = 2**53 - 1
_Whole = Annotated[int, Meta(ge=-_WHOLE_MAX, le=_WHOLE_MAX)]
_Scalar = _Whole | str | bool | None
_Depth1 = _Scalar | list[_Scalar] | dict[str, _Scalar]
_Depth2 = _Scalar | list[_Depth1] | dict[str, _Depth1]
_Depth3 = _Scalar | list[_Depth2] | dict[str, _Depth2]
_Depth4 = _Scalar | list[_Depth3] | dict[str, _Depth3]

_encode = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder(dict[str, _Depth4]).decode


class EntryInvalid(ValueError):
    """These bytes, or this value, are not a canonical entry. The message says why, never the content."""


class Meaning(Struct, frozen=True):
    """One sentence about a kind of entry, for people."""

    en: str
    zh: str


_kinds: dict[str, Meaning] = {}
KINDS: Mapping[str, Meaning] = MappingProxyType(_kinds)
"""Every declared kind and its meaning. Rooms add theirs with `declare` when they are imported."""


def declare(kind: str, meaning_en: str, meaning_zh: str) -> None:
    """Make `kind` ("name/version") known. Declaring it again with another meaning is a ValueError."""
    name, slash, version = kind.partition("/")
    if not (name.replace("_", "").replace(".", "").isalnum() and slash and version.isdecimal()):
        raise ValueError(f"kind {kind!r} is not a name, a slash and a number, like 'decision/1'")
    meaning = Meaning(en=meaning_en, zh=meaning_zh)
    if _kinds.setdefault(kind, meaning) != meaning:
        raise ValueError(f"kind {kind!r} already has another meaning; give the new one a new number")


def encode_entry(entry: Struct | Mapping[str, object]) -> bytes:
    """The canonical bytes of `entry`; `EntryInvalid` if it has none or they exceed `ENTRY_BYTES_MAX`."""
    if isinstance(entry, Struct):
        whole = _whole_fields(type(entry))
        if whole is not None:
            return _encode_declared(entry, whole)
    try:
        leaf = _encode(entry)
    except (TypeError, ValueError, OverflowError) as error:
        raise EntryInvalid(f"the entry has no canonical form: {type(error).__name__}") from error
    if b"null" in leaf and _holds_float(msgspec.to_builtins(entry)):
        raise EntryInvalid("the entry holds NaN or infinity, which would silently become null")
    # Reading it back costs about a microsecond and is the whole check: types, range, depth, kind and at.
    decode_entry(leaf)
    return leaf


def _encode_declared(entry: Struct, whole: tuple[str, ...]) -> bytes:
    """For a type that can hold nothing outside the subset but too large a number, or too much."""
    for name in whole:
        if not -_WHOLE_MAX <= getattr(entry, name) <= _WHOLE_MAX:
            raise EntryInvalid(f"{name} is outside ±(2^53-1), where JSON readers lose digits")
    leaf = _encode(entry)
    if len(leaf) > ENTRY_BYTES_MAX:
        raise EntryInvalid(f"the entry has {len(leaf)} bytes; the limit is {ENTRY_BYTES_MAX}. Refer by hash.")
    return leaf


@cache
def _whole_fields(kind: type[Struct]) -> tuple[str, ...] | None:
    """The whole numbers of an entry type whose other fields are text, truth or lists of text.

    None for any other type: its values are read back and checked one by one. Frozen, because a value's
    types are then as mypy saw them made.
    """
    fields = {field.name: field.type for field in msgspec.structs.fields(kind)}
    simple = (str, int, bool, tuple[str, ...])
    others = {name: of for name, of in fields.items() if name != "kind"}
    is_simple = all(of in simple for of in others.values())
    names_itself = get_origin(fields.get("kind")) is Literal and fields.get("at") is int
    if not (kind.__struct_config__.frozen and is_simple and names_itself):
        return None
    return tuple(name for name, of in others.items() if of is int)


def decode_entry(leaf: bytes) -> dict[str, Any]:  # Any: an entry's fields are its kind's business
    """The fields of an entry, or `EntryInvalid`. Whether the form is canonical too, `is_canonical` says."""
    if len(leaf) > ENTRY_BYTES_MAX:
        raise EntryInvalid(f"the entry has {len(leaf)} bytes; the limit is {ENTRY_BYTES_MAX}. Refer by hash.")
    try:
        entry: dict[str, Any] = _decode(leaf)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise EntryInvalid(f"the entry is outside the canonical subset: {_without_content(error)}") from error
    if type(entry.get("kind")) is not str or type(entry.get("at")) is not int or entry["at"] < 0:
        raise EntryInvalid("an entry needs 'kind' (text) and 'at' (microseconds since 1970)")
    return entry


def is_canonical(leaf: bytes) -> bool:
    """True if these bytes are exactly what `encode_entry` would have made."""
    try:
        return _encode(decode_entry(leaf)) == leaf
    except EntryInvalid:
        return False


def _holds_float(value: object) -> bool:
    if isinstance(value, dict):
        return any(_holds_float(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(_holds_float(item) for item in value)
    return isinstance(value, float)


def _without_content(error: Exception) -> str:
    # msgspec names types and limits; a Unicode error would quote bytes of the entry.
    return str(error) if isinstance(error, msgspec.DecodeError) else type(error).__name__
