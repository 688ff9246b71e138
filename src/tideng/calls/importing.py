"""Files of any format into one store of records: each call once, each unusable row kept by hash and reason.

A store is a folder: `records-000001.parquet` … in order of import, and `calls.db` (SQLite) with what was
seen.
Importing the same file, or the same row in another file, again changes nothing.
"""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from msgspec import Struct

from tideng.calls.columns import LineCalls
from tideng.calls.readers.formats import Format, read
from tideng.calls.readers.operator import PLAIN, Mapping
from tideng.calls.readers.origin import Origin
from tideng.calls.records import CallRecord, Refused, record_key

FILE_BYTES_MAX: Final = 2_000_000_000
"""One file is read at once; split larger ones, or give Parquet and CSV to `detect`, which streams."""
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS seen (key BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS refused (raw TEXT, reason TEXT, source TEXT, at_offset INTEGER, PRIMARY KEY (raw,
source, at_offset)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS files (hash TEXT PRIMARY KEY, name TEXT, part INTEGER, records INTEGER, repeated
INTEGER, refused INTEGER) WITHOUT ROWID;
"""


class Imported(Struct, frozen=True, kw_only=True):
    """What one file brought."""

    name: str
    records: int
    repeated: int
    """Calls already known from this or another file."""
    refused: dict[str, int]
    part: int
    """Number of the part written; 0 when there was nothing new."""
    already: bool = False
    """The whole file had been imported before."""


class FileTooLarge(ValueError):
    """A file exceeds `FILE_BYTES_MAX`. The message says what to do."""


class CallStore:
    """A folder of imported records. One process writes; open it again after a crash and nothing is
    doubled."""

    def __init__(self, folder: Path) -> None:
        """Makes the folder if there is none."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._db = sqlite3.connect(folder / "calls.db", isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def bring_in(
        self, path: Path, format: Format, origin: Origin, *, template: str = "", columns: Mapping = PLAIN
    ) -> Imported:
        """Import one file; all of it or, after a crash, nothing."""
        if path.stat().st_size > FILE_BYTES_MAX:
            raise FileTooLarge(
                f"{path.name} has {path.stat().st_size:,} bytes; the limit is {FILE_BYTES_MAX:,}. Split it."
            )
        raw = path.read_bytes()
        digest = hashlib.sha256(raw).hexdigest()
        known = self._db.execute("SELECT name FROM files WHERE hash = ?", (digest,)).fetchone()
        if known:
            return Imported(name=path.name, records=0, repeated=0, refused={}, part=0, already=True)
        return self.take(read(raw, format, origin, template=template, columns=columns), path.name, digest)

    def take(self, outcomes: Iterable[CallRecord | Refused], name: str, digest: str) -> Imported:
        """Keep what a reader made of a source whose bytes have this hash."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            fresh, repeated, reasons = self._sorted_out(outcomes)
            part = self._next_part() if fresh else 0
            if fresh:
                write_part(fresh, self.part(part))
            count = sum(reasons.values())
            self._db.execute(
                "INSERT OR IGNORE INTO files VALUES (?, ?, ?, ?, ?, ?)",
                (digest, name, part, len(fresh), repeated, count),
            )
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        return Imported(name=name, records=len(fresh), repeated=repeated, refused=reasons, part=part)

    def _sorted_out(
        self, outcomes: Iterable[CallRecord | Refused]
    ) -> tuple[list[CallRecord], int, dict[str, int]]:
        fresh: list[CallRecord] = []
        repeated = 0
        reasons: dict[str, int] = {}
        for one in outcomes:
            if isinstance(one, Refused):
                reasons[one.reason] = reasons.get(one.reason, 0) + 1
                self._db.execute(
                    "INSERT OR IGNORE INTO refused VALUES (?, ?, ?, ?)",
                    (one.raw, one.reason, one.source, one.offset),
                )
            elif self._db.execute("INSERT OR IGNORE INTO seen VALUES (?)", (record_key(one),)).rowcount:
                fresh.append(one)
            else:
                repeated += 1
        fresh.sort(key=lambda record: (record.start_s + record.ring_s + record.talk_s, record.start_s))
        return fresh, repeated, reasons

    def _next_part(self) -> int:
        row = self._db.execute("SELECT coalesce(max(part), 0) FROM files").fetchone()
        return int(row[0]) + 1

    def part(self, number: int) -> Path:
        """Where part `number` lies."""
        return self.folder / f"records-{number:06d}.parquet"

    def parts(self, after: int = 0) -> list[int]:
        """Numbers of the parts that were committed, in order."""
        rows = self._db.execute("SELECT part FROM files WHERE part > ? ORDER BY part", (after,)).fetchall()
        return [int(row[0]) for row in rows]

    def refusals(self) -> dict[str, int]:
        """All rows put aside so far, by reason."""
        return dict(self._db.execute("SELECT reason, count(*) FROM refused GROUP BY reason").fetchall())

    def records(self, number: int) -> list[CallRecord]:
        """The records of one part, in order of arrival."""
        return list(read_part(self.part(number)))


CALLS_OF_LINE_MAX: Final = 100_000


def calls_of(folder: Path, line: str, *, most: int = CALLS_OF_LINE_MAX) -> LineCalls:
    """What one line placed, by all parts in a folder of records: its newest `most` calls."""
    import pyarrow.dataset as ds  # ships no types

    parts = sorted(str(path) for path in folder.glob("records-*.parquet"))
    if not parts:
        return LineCalls(callee=(), start=np.empty(0, np.int64), busy_s=np.empty(0, np.int64))
    found = ds.dataset(parts, format="parquet").to_table(
        columns=["callee", "start_s", "ring_s", "talk_s"], filter=ds.field("caller") == line
    )
    left_out = max(0, len(found) - most)
    found = found.sort_by("start_s").slice(left_out)
    column = {name: found[name].to_numpy() for name in ("start_s", "ring_s", "talk_s")}
    return LineCalls(
        callee=found["callee"].to_pylist(),
        start=column["start_s"],
        busy_s=column["ring_s"] + column["talk_s"],
        left_out=left_out,
    )


_TEXTS: Final = (
    "call_id",
    "caller",
    "callee",
    "cause",
    "line_class",
    "trunk",
    "forwarded_by",
    "source",
    "raw",
)


def write_part(records: Sequence[CallRecord], path: Path) -> None:
    """Records as Parquet, columns named as in `CallRecord`; a crash leaves no half file under this name."""
    import pyarrow as pa  # ships no types
    import pyarrow.parquet as pq  # ships no types

    columns = {
        name: pa.array([getattr(record, name) for record in records], pa.string() if name in _TEXTS else None)
        for name in CallRecord.__struct_fields__
    }
    beside = path.with_suffix(".writing")
    pq.write_table(pa.table(columns), beside, compression="zstd")
    beside.replace(path)


def read_part(path: Path) -> Iterator[CallRecord]:
    """The records of a part."""
    import pyarrow.parquet as pq

    with closing(pq.ParquetFile(path)) as file:
        for batch in file.iter_batches(65_536):
            for row in batch.to_pylist():
                yield msgspec.convert(row, CallRecord)
