"""The appraisal's ledger recomputed from its leaves, and told to people."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from tideng.evidence.entries import decode_entry
from tideng.evidence.keys import signing_key
from tideng.evidence.note import verifier_for
from tideng.evidence.stored import verify_file
from tideng.scan.custody import KEY, LEDGER, ORIGIN, opened


class Told(Struct, frozen=True):
    """One entry for people."""

    index: int
    kind: str
    at: str
    says: str


class Recount(Struct, frozen=True):
    """The ledger recomputed."""

    is_intact: bool
    problem: str
    size: int
    root: str
    entries: tuple[Told, ...]


def recount(folder: Path) -> Recount:
    """Recompute the appraisal's ledger from its leaves, and tell its entries."""
    verifier = verifier_for(ORIGIN, signing_key(folder / KEY))
    found = verify_file(folder / LEDGER, ORIGIN, [verifier])
    with opened(folder) as custody:
        entries = tuple(_told(custody.leaf(index), index) for index in range(custody.size))
    return Recount(found.is_intact, found.problem, found.size, found.root.hex(), entries)


def _told(leaf: bytes, index: int) -> Told:
    entry = decode_entry(leaf)
    at = datetime.fromtimestamp(entry["at"] / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return Told(index, entry["kind"], at, ", ".join(_fields(entry)))


def _fields(entry: dict[str, object]) -> Iterator[str]:
    for key, value in entry.items():
        if key not in ("kind", "at"):
            text = str(value)
            yield f"{key} {text[:24]}…" if len(text) > 26 else f"{key} {text}"
