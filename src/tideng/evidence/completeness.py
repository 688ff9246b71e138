"""The completeness index: at each interval the ledger says which entries concern whom, in a form that
tells nothing to anyone but shows one person, for good, that nothing about them was left out.

An interval covers entries `first` … `stop`-1 and ends with an entry "index/1" that carries the root of a map
(`index_map`) from labels (`name_key`) to indices. Intervals leave no gap: each begins where the last stopped.
The map is kept, so that it outlives the names of people who were erased.
"""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Literal, Protocol

from msgspec import Struct

from tideng.evidence import index_map
from tideng.evidence.entries import declare, encode_entry
from tideng.evidence.index_map import Held, Lookup
from tideng.evidence.name_key import NameKey, label_of
from tideng.evidence.naming import names_apart
from tideng.storage.bulk import BulkInsert, rows_json
from tideng.storage.migrations import Migration

UNNAMED_MAX: Final = 2_000
"""Entries of one interval that may be listed as concerning somebody whose number is not known."""
READ_TOGETHER: Final = 500
_INDEX_OCTETS: Final = 8
NAMED_TOGETHER: Final = 20_000
Naming = Callable[[bytes, Sequence[str]], Sequence[bytes]]
"""How the names of many numbers are worked out from the key's seed; see `naming`."""

SCHEMA: Final = Migration(
    2,
    """
    -- One row per entry index/1: what it covers, and the 256 hashes below its root's fixed levels.
    CREATE TABLE index_interval (
        first    INTEGER PRIMARY KEY,
        stop     INTEGER NOT NULL,
        position INTEGER NOT NULL UNIQUE,
        at       INTEGER NOT NULL,
        branches BLOB NOT NULL
    );
    -- What the map holds. A label is another one in each interval and says nothing about whose it is.
    CREATE TABLE index_label (
        first INTEGER NOT NULL, label BLOB NOT NULL, indices BLOB NOT NULL, PRIMARY KEY (first, label)
    ) WITHOUT ROWID;
    -- The name of a subject, or, until it is needed, its number sealed. Deleted when the person is erased.
    CREATE TABLE subject_name (subject TEXT PRIMARY KEY, name BLOB, number BLOB) WITHOUT ROWID;
    -- Checkpoints with what others said about them: witnesses' signatures, tokens of time-stampers.
    CREATE TABLE cosigned (size INTEGER PRIMARY KEY, at INTEGER NOT NULL, note BLOB NOT NULL);
    CREATE TABLE timestamp_token (
        size INTEGER PRIMARY KEY, at INTEGER NOT NULL, note BLOB NOT NULL, token BLOB NOT NULL
    );
    -- Whose data a court or an authority wants kept, whatever retention says. `opening`: of the hold/1 entry.
    CREATE TABLE legal_hold (
        subject TEXT NOT NULL, case_id TEXT NOT NULL, position INTEGER NOT NULL, opening BLOB NOT NULL,
        PRIMARY KEY (subject, case_id)
    ) WITHOUT ROWID;
    -- Where entries lie that bundles look for by their kind: environment/1, export/1, erasure/1 ...
    CREATE TABLE landmark (kind TEXT NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (kind, position))
        WITHOUT ROWID;
    """,
)
"""The second step of room "evidence"."""

_LABELS: Final = BulkInsert("index_label", ("first", "label", "indices"), blobs=("label", "indices"))
_NAMES: Final = BulkInsert(
    "subject_name",
    ("subject", "name"),
    blobs=("name",),
    conflict="ON CONFLICT (subject) DO UPDATE SET name = excluded.name, number = NULL",
)


class IndexEntry(Struct, frozen=True, kw_only=True, gc=False):
    """The completeness index over a stretch of the ledger. Checklist elements 16 and 18 (law.md §5)."""

    at: int
    entries: int
    """How many of the entries covered are in the map: those that concern a person."""
    first: int
    """The first entry covered: where the interval before stopped."""
    key: str
    """The public key of the names (ECVRF-EDWARDS25519-SHA512-TAI, RFC 9381), hex."""
    kind: Literal["index/1"] = "index/1"
    labels: int
    """How many people the map holds, each under a label of this interval."""
    previous: int
    """Index of the entry "index/1" before; -1 when it is the first."""
    root: str
    """Root of the map, hex."""
    stop: int
    """The first entry no longer covered."""
    unnamed: tuple[int, ...]
    """Entries that concern a person whose number was never kept: in no label, and listed for that reason."""


declare(
    "index/1",
    "The completeness index over a stretch of the ledger: the root of a map from people to entries.",
    "账本一段区间的完整性索引:从收信人到条目的映射之根哈希。",
)


class Concerned(Protocol):
    """Whoever appended the entries knows whom they concern."""

    def subjects_of(
        self, conn: sqlite3.Connection, first: int, leaves: Sequence[bytes]
    ) -> Sequence[str | None]:
        """For each entry from `first` on the subject it concerns, or None."""

    def numbers_of(self, conn: sqlite3.Connection, subjects: Sequence[str]) -> Mapping[str, str]:
        """The numbers of those subjects that can still be opened."""


class Appends(Protocol):
    """The ledger, as the index needs it; see `sqlite.SqliteLedger`."""

    @property
    def size(self) -> int: ...
    def now(self) -> int: ...
    def leaves(self, start: int, stop: int) -> list[bytes]: ...
    def append_in(self, conn: sqlite3.Connection, leaves: Sequence[bytes]) -> int: ...


class Interval(Struct, frozen=True):
    """A stretch of the ledger that has its index."""

    first: int
    stop: int
    position: int
    at: int


class Draft(Struct, frozen=True):
    """An interval worked out and not yet recorded."""

    entry: IndexEntry
    branches: bytes
    labels: Sequence[tuple[int, bytes, bytes]]
    names: Sequence[tuple[str, bytes]]


def intervals(conn: sqlite3.Connection, start: int = 0, stop: int = 2**62) -> list[Interval]:
    """The intervals that cover any of the entries `start` … `stop`-1, in order."""
    rows = conn.execute(
        "SELECT first, stop, position, at FROM index_interval WHERE stop > ? AND first < ? ORDER BY first",
        (start, stop),
    )
    return [Interval(*row) for row in rows]


def last_interval(conn: sqlite3.Connection) -> Interval | None:
    """The newest interval."""
    row = conn.execute(
        "SELECT first, stop, position, at FROM index_interval ORDER BY first DESC LIMIT 1"
    ).fetchone()
    return None if row is None else Interval(*row)


def draft(
    conn: sqlite3.Connection,
    ledger: Appends,
    concerned: Concerned,
    names: NameKey,
    *,
    entries_max: int,
    naming: Naming = names_apart,
) -> Draft | None:
    """Work out the next interval, up to what is durable now; None if there is nothing since the last.

    Takes some 100 µs for each person met for the first time, and a few for each entry; belongs to a thread
    of its own, with a connection of its own.
    """
    last = last_interval(conn)
    first = last.stop if last else 0
    stop = min(first + entries_max, ledger.size)
    if stop == first or (last is not None and (stop, last.position) == (first + 1, first)):
        return None  # an interval that holds nothing but the last one's own entry would go on for ever
    whose = _whose(conn, ledger, concerned, first, stop)
    known = _names(conn, concerned, names, sorted(whose), naming)
    count = sum(map(len, whose.values())) // _INDEX_OCTETS
    labels: dict[bytes, bytes] = {}
    unnamed: list[int] = []
    for subject, packed in whose.items():
        if subject in known:
            labels[label_of(known[subject], first)] = packed
        else:
            unnamed += _unpacked(packed)
    if len(unnamed) > UNNAMED_MAX:
        half = max(UNNAMED_MAX, (stop - first) // 2)
        return draft(conn, ledger, concerned, names, entries_max=half, naming=naming)
    below = index_map.branches(
        {label: index_map.sealed_packed(names.salt(label), packed) for label, packed in labels.items()}
    )
    entry = IndexEntry(
        at=ledger.now(),
        entries=count - len(unnamed),
        first=first,
        key=names.public.hex(),
        labels=len(labels),
        previous=last.position if last else -1,
        root=index_map.root(below).hex(),
        stop=stop,
        unnamed=tuple(sorted(unnamed)),
    )
    return Draft(
        entry,
        b"".join(below),
        [(first, label, packed) for label, packed in sorted(labels.items())],
        sorted(known.items()),
    )


def record_in(conn: sqlite3.Connection, ledger: Appends, made: Draft) -> Interval | None:
    """Inside one job: the entry and its map. None if another interval was recorded meanwhile."""
    last = last_interval(conn)
    if made.entry.first != (last.stop if last else 0):
        return None
    position = ledger.append_in(conn, [encode_entry(made.entry)])
    conn.execute(
        "INSERT INTO index_interval (first, stop, position, at, branches) VALUES (?, ?, ?, ?, ?)",
        (made.entry.first, made.entry.stop, position, made.entry.at, made.branches),
    )
    _LABELS.insert(conn, made.labels)
    _NAMES.insert(conn, made.names)
    return Interval(made.entry.first, made.entry.stop, position, made.entry.at)


def look_up(conn: sqlite3.Connection, names: NameKey, name: bytes, interval: Interval) -> Lookup:
    """The proof of what a name holds in an interval."""
    label = label_of(name, interval.first)
    [branches] = conn.execute(
        "SELECT branches FROM index_interval WHERE first = ?", (interval.first,)
    ).fetchone()
    below = [branches[i : i + 32] for i in range(0, len(branches), 32)]
    low, high = label[:1], bytes([label[0] + 1]) if label[0] < 255 else b"\xff" * 33
    around = {
        bytes(there): Held(_unpacked(indices), names.salt(bytes(there)))
        for there, indices in conn.execute(
            "SELECT label, indices FROM index_label WHERE first = ? AND label >= ? AND label < ?",
            (interval.first, low, high),
        )
    }
    sealed = {there: index_map.sealed(held) for there, held in around.items()}
    return index_map.look_up(label, below, sealed, around.get(label))


def keep_numbers_in(
    conn: sqlite3.Connection, met: Mapping[str, str], seal: Callable[[str, str], bytes]
) -> None:
    """Inside one job: keep numbers, sealed, whose names may be needed for an interval not yet drafted."""
    if not met:
        return
    known = {
        subject
        for (subject,) in conn.execute(
            "SELECT subject FROM subject_name WHERE subject IN (SELECT value FROM json_each(?))",
            (rows_json(list(met)),),
        )
    }
    conn.executemany(
        "INSERT OR IGNORE INTO subject_name (subject, number) VALUES (?, ?)",
        [(subject, seal(subject, number)) for subject, number in met.items() if subject not in known],
    )


def forget_name_in(conn: sqlite3.Connection, subject: str) -> None:
    """Inside one job: what the index knows about a subject's number is deleted; the maps stay as they are."""
    conn.execute("DELETE FROM subject_name WHERE subject = ?", (subject,))


def _whose(
    conn: sqlite3.Connection, ledger: Appends, concerned: Concerned, first: int, stop: int
) -> dict[str, bytes]:
    """Subject to the indices of its entries, packed as the index keeps them: there may be many thousands."""
    whose: dict[str, bytes] = {}
    for start in range(first, stop, READ_TOGETHER):
        leaves = ledger.leaves(start, min(stop, start + READ_TOGETHER))
        for index, subject in enumerate(concerned.subjects_of(conn, start, leaves), start):
            if subject is not None:
                whose[subject] = whose.get(subject, b"") + index.to_bytes(_INDEX_OCTETS, "big")
    return whose


def _names(
    conn: sqlite3.Connection, concerned: Concerned, key: NameKey, subjects: Sequence[str], naming: Naming
) -> dict[str, bytes]:
    known: dict[str, bytes] = {}
    for some in _pieces(subjects, NAMED_TOGETHER):
        rows = conn.execute(
            "SELECT subject, name FROM subject_name WHERE name IS NOT NULL"
            " AND subject IN (SELECT value FROM json_each(?))",
            (rows_json(some),),
        )
        known.update((subject, bytes(name)) for subject, name in rows)
        missing = [subject for subject in some if subject not in known]
        numbers = concerned.numbers_of(conn, missing) if missing else {}
        known.update(zip(numbers, naming(key.seed, [*numbers.values()]), strict=True))
    return known


def _pieces(subjects: Sequence[str], size: int) -> Iterable[Sequence[str]]:
    for start in range(0, len(subjects), size):
        yield subjects[start : start + size]


def _unpacked(octets: bytes) -> tuple[int, ...]:
    return tuple(
        int.from_bytes(octets[i : i + _INDEX_OCTETS], "big") for i in range(0, len(octets), _INDEX_OCTETS)
    )
