"""Pure rooms import an allow-list and neither act nor ask: same arguments, same answer, forever."""

import ast
import fnmatch
from collections.abc import Iterator

import pytest

from house import rules
from house.source import imported, sources

LANGUAGE = {"typing", "collections", "collections.abc", "types", "enum", "functools", "math", "bisect"}
VALUES = {"msgspec"}
"""Frozen values and their checked reading (architecture: allowed in every pure room)."""

PURE: dict[str, set[str]] = {
    # re, unicodedata: what a text is. phonenumbers: the numbering plans of other countries, a table.
    # hmac: a keyed hash is a function of its arguments.
    # itertools: pairs of neighbours. ahocorasick_rs: finding the names of places.
    "identifiers/*": {"re", "unicodedata", "phonenumbers", "hmac", "hashlib", "itertools", "ahocorasick_rs"},
    # numpy: arrays of characters. tomllib, hashlib, json, struct: knowledge, tables and weights are read from
    # bytes that are given, and named by their hash. hyperscan, ahocorasick_rs: finding literals.
    # itertools, difflib: the choices of a phrase; what varies in a campaign. sklearn, scipy: fitting is
    # arithmetic over given lines and a seed.
    "text/*": {
        "re",
        "unicodedata",
        "numpy",
        "tomllib",
        "hashlib",
        "json",
        "struct",
        "itertools",
        "difflib",
        "tideng.identifiers",
        "hyperscan",
        "ahocorasick_rs",
        "sklearn.linear_model",
        "scipy.sparse",
    },
    # struct-free sums, exact fractions, dated data given as bytes.
    "scan/law/*": {"tomllib", "fractions"},
    # hmac, hashlib: the order of a draw is a function of its seed.
    "scan/sampling.py": {"hmac", "hashlib"},
    "scan/money.py": {"re"},
    "scan/masking.py": {"tideng.identifiers"},
    "scan/keys.py": {"hashlib", "tideng.identifiers"},
    # hashlib: a batch is named by what it holds.
    "scan/plan.py": {"hashlib", "tideng.scan.batch"},
    "scan/columns.py": {"re", "tideng.identifiers"},
    "scan/entries.py": {"tideng.evidence.entries"},
    "scan/kernels/kinds.py": set(),
    "scan/kernels/plain.py": {"re", "tideng.identifiers"},
    # struct: octets. datetime: the calendar of SMPP times, never its clock.
    "gateway/wire/*": {"re", "struct", "datetime"},
    # tomllib, hashlib: a policy is read from bytes it is given and named by their hash.
    # datetime: local time of a moment that was given.
    "gateway/review/*": {"re", "datetime", "tomllib", "hashlib", "tideng.identifiers", "tideng.text"},
    "gateway/registry/snapshot.py": set(),
    "gateway/registry/values.py": set(),
    "gateway/registry/kinds.py": set(),
    "gateway/registry/problems.py": set(),
    # ipaddress, urllib.parse, datetime: reading what a field says; neither connects nor asks the time.
    "gateway/registry/checks.py": {"re"},
    "gateway/registry/fields.py": {"re", "datetime", "ipaddress", "urllib.parse", "tideng.identifiers"},
    "gateway/registry/template_body.py": {"re"},
    "gateway/registry/entries.py": {"tideng.evidence.entries"},
    # hashlib, hmac, base64, binascii: the arithmetic of RFC 6962 and of signed notes.
    "evidence/merkle.py": {"hashlib"},
    "evidence/tiles.py": {"hashlib"},
    "evidence/commitment.py": {"hmac"},
    "evidence/entries.py": set(),
    "evidence/verification.py": set(),
    # cryptography: Ed25519, of RFC 8032 a deterministic function of key and bytes.
    "evidence/note.py": {"base64", "binascii", "hashlib", "cryptography"},
    "evidence/checkpoint.py": {"base64", "re", "cryptography"},
    # html: escaping, a function of its argument. itertools: running sums.
    "documents/charts.py": {"html", "itertools"},
    # base64, hashlib: the hash by which a page's policy allows its style sheet.
    "documents/standalone.py": {"base64", "hashlib", "html"},
    "evidence/resources.py": {"re"},
    "evidence/proof_file.py": {"base64", "re"},
    "evidence/trust_policy.py": set(),
    # hmac, hashlib: the map's hashes. cryptography: X25519 and Ed25519, functions of key and bytes.
    "evidence/index_map.py": {"hmac", "hashlib"},
    "evidence/name_key.py": {"hashlib", "cryptography", "tideng.evidence.verifier"},
    # struct, zlib: the octets and checksums of a ZIP file that is neither read nor written here.
    "evidence/container.py": {"struct", "zlib"},
    "evidence/bundle.py": {"hashlib", "cryptography"},
    "evidence/retention.py": {"hashlib", "tomllib"},
    # Nothing but the standard library, and of it only what computes: the verifier of a court's expert.
    "evidence/verifier/parts.py": {
        *("base64", "binascii", "hashlib", "json", "re", "struct", "zlib"),
        "tideng.evidence.verifier",
    },
    "evidence/verifier/curve.py": {"hashlib"},
    "evidence/verifier/completeness.py": {"hmac", "itertools", "tideng.evidence.verifier"},
    "evidence/verifier/steps.py": {"hashlib", "hmac"},
    "evidence/verifier/timestamps.py": {"base64", "hashlib", "hmac", "re"},
    "gateway/messages.py": set(),
    "gateway/ids.py": set(),
    "gateway/entries.py": {"tideng.evidence.entries"},
    # commitment, entries, merkle: what the cleared bytes are compared with; ledger: the type Position.
    "gateway/past_entries.py": {"tideng.evidence.entries"},
    "gateway/clearance.py": {"tideng.evidence"},
    "gateway/store/states.py": set(),
    # hashlib: the spread over carriers depends on the message id alone.
    "gateway/carriers/routes.py": {"hashlib"},
    "gateway/carriers/pace.py": set(),
    "gateway/carriers/outcomes.py": set(),
    # hashlib: a record is named by the hash of its row.
    "calls/records.py": {"hashlib"},
    "calls/numbers.py": {"re", "tideng.identifiers"},
    # csv, datetime, zoneinfo, tomllib, urllib.parse: what a row says; the rows are given, nothing is opened.
    "calls/readers/origin.py": {"csv", "datetime", "zoneinfo"},
    "calls/readers/asterisk.py": set(),
    "calls/readers/ber.py": {"datetime"},
    "calls/readers/cucm.py": set(),
    "calls/readers/freeswitch.py": {"csv", "re", "urllib.parse"},
    "calls/readers/kamailio.py": set(),
    "calls/readers/operator.py": {"tomllib"},
    # json: a row as bytes to be hashed. pyarrow: Parquet out of bytes that are given.
    "calls/readers/operator_parquet.py": {
        "json",
        "datetime",
        "pyarrow",
        "pyarrow.parquet",
        "tideng.calls.readers",
    },
    "calls/readers/formats.py": {"tideng.calls.readers"},
    "calls/detector/layout.py": set(),
    # ibis, itertools: an expression is built, not run.
    "calls/features/definition.py": {"ibis", "itertools"},
    "calls/features/stream.py": set(),
    "calls/features/patterns.py": set(),
    "calls/subscribers/aggregates.py": {"csv", "numpy"},
}
NEVER = {"phonenumbers.geocoder", "phonenumbers.carrier", "phonenumbers.timezone"}
"""Megabytes of tables that a number's reading does not need."""
IMPURE_INSIDE = {
    "gateway/review/policies/__init__.py",
    "identifiers/tables/__init__.py",
    "scan/law/__init__.py",
    "text/knowledge/__init__.py",
    "text/policies/__init__.py",
    "text/tables/__init__.py",
    "text/weights/__init__.py",
}
"""Find the bytes that ship with the package; pure code (`load_policy`, `make_judge` …) reads them."""


def room_of(module: str) -> str | None:
    return next((room for room in PURE if fnmatch.fnmatch(module, room)), None)


def may_import(room: str, module: str, name: str) -> bool:
    top = name.split(".")[0]
    if name in NEVER:
        return False
    if name in LANGUAGE or top in VALUES or name in PURE[room] or top in PURE[room]:
        return True
    if top != "tideng":
        return False
    inside = name.removeprefix("tideng.").removeprefix("tideng").replace(".", "/")
    if any(name == allowed or name.startswith(allowed + ".") for allowed in PURE[room]):
        return True
    # Pure code may use pure code; which room may know which other is import-linter's business.
    return room_of(inside + ".py") is not None or room_of(inside + "/__init__.py") is not None


def foreign(module: str, tree: ast.Module) -> Iterator[str]:
    room = room_of(module)
    for name in sorted(imported(tree)) if room else ():
        if not may_import(room or "", module, name):
            yield f"imports {name}, which is not on the list of {room}"


@pytest.mark.parametrize("room", PURE)
def test_the_room_exists(room: str) -> None:
    assert fnmatch.filter(sources(), room), f"{room} is gone; take it off the list"


def pure_modules() -> dict[str, ast.Module]:
    return {m: tree for m, tree in sources().items() if room_of(m) and m not in IMPURE_INSIDE}


def test_pure_rooms_import_only_what_is_listed() -> None:
    assert [f"{m}: {p}" for m, tree in pure_modules().items() for p in foreign(m, tree)] == []


def test_pure_rooms_neither_act_nor_ask() -> None:
    assert [f"{m}: {p}" for m, tree in pure_modules().items() for p in rules.impure(tree)] == []


@pytest.mark.parametrize(
    "line",
    [
        "import time",
        "import random",
        "import logging",
        "import asyncio",
        "import socket",
        "import uuid",
        "import os",
        "import sqlite3",
        "import structlog",
        "from pathlib import Path",
        "from tideng.storage.sqlite import Writer",
        "from tideng.evidence.sqlite import SqliteLedger",
        "from tideng.gateway.registry.store import consents",
        "def f():\n    import secrets",
    ],
)
@pytest.mark.parametrize("module", ["text/gsm.py", "gateway/wire/smpp/codec.py", "gateway/review/judge.py"])
def test_an_import_that_acts_is_seen(module: str, line: str) -> None:
    assert [*foreign(module, ast.parse(line))] != []


def test_the_big_tables_are_seen() -> None:
    assert [*foreign("identifiers/phone.py", ast.parse("import phonenumbers"))] == []
    assert [*foreign("identifiers/phone.py", ast.parse("import phonenumbers.geocoder"))] != []


def test_an_import_that_only_computes_passes() -> None:
    line = "import re\nfrom typing import Final\nfrom msgspec import Struct\nfrom tideng.text import gsm"
    assert [*foreign("text/segments.py", ast.parse(line))] == []


@pytest.mark.parametrize(
    "line",
    [
        "datetime.now(UTC)",
        "datetime.datetime.utcnow()",
        "date.today()",
        "open('x')",
        "print('x')",
        "path.read_bytes()",
        "async def f(): ...",
    ],
)
def test_acting_and_asking_is_seen(line: str) -> None:
    assert [*rules.impure(ast.parse(line))] != []


def test_computing_passes() -> None:
    assert [*rules.impure(ast.parse("self.now()\ndatetime.fromtimestamp(at, UTC)\nbytes(3)"))] == []
