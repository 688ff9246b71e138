"""One batch of files -> two Parquet files (records, members) and a small summary. Runs in a worker
process.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Struct

from tideng.scan import arrow
from tideng.scan.analyse import DEEP_BYTES_MAX, Found, Layout, analyse, primed
from tideng.scan.readers.blocks import Budget, CannotRead, Part, Unread, short
from tideng.scan.readers.carving import CARVED
from tideng.scan.readers.open import parts_of
from tideng.scan.readers.text import boundary, encoding_of, head_of, text_blocks

ROWS_AT_ONCE: Final = 200_000
HASH_BYTES: Final = 1 << 20
PLAIN: Final = ("text", "sql")
"""Formats that may be cut into ranges of bytes."""
RECORDS: Final = pa.schema(
    [
        ("file", pa.int32()),
        ("member", pa.int32()),
        ("line", pa.int64()),
        ("id", pa.uint64()),
        ("phone", pa.uint64()),
        ("phone2", pa.uint64()),
        ("card", pa.uint64()),
        ("email", pa.uint64()),
        ("named", pa.uint64()),
        ("low", pa.uint8()),
        ("high", pa.uint8()),
    ]
)
MEMBERS: Final = pa.schema(
    [
        ("file", pa.int32()),
        ("member", pa.int32()),
        ("name", pa.string()),
        ("format", pa.string()),
        ("encoding", pa.string()),
        ("bytes", pa.int64()),
        ("records", pa.int64()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("labels", pa.string()),
        ("sha256", pa.string()),
        ("sm3", pa.string()),
    ]
)


class Task(Struct, frozen=True):
    """A file, or the part of a long text that begins in bytes start … end-1."""

    file: int
    path: str
    size: int
    start: int = 0
    end: int = -1

    @property
    def is_whole(self) -> bool:
        """True unless this is one of several ranges."""
        return self.end < 0


class How(Struct, frozen=True):
    """How files are read."""

    hashes: bool = True
    """With SHA-256 and SM3 of each."""
    pictures: bool = False
    """Pictures too, by OCR."""


class Batch(Struct, frozen=True):
    """What one worker does at a time; done or not done as a whole."""

    id: str
    tasks: tuple[Task, ...]
    bytes: int


class Summary(Struct):
    """What the caller keeps of a batch."""

    id: str
    bytes: int = 0
    read: int = 0
    unread: dict[str, int] = {}
    """Bytes by reason."""
    files: int = 0
    members: int = 0
    records: int = 0
    expanded: int = 0
    counts: dict[str, int] = {}
    formats: dict[str, int] = {}
    labels: list[str] = []
    samples: list[tuple[str, int, str, str]] = []
    unread_parts: int = 0


class _Writer:
    """Records and members of one batch, in files that get their names when they are complete."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self._records = pq.ParquetWriter(folder / "records" / f".{name}", RECORDS, compression="zstd")
        self._rows: list[list[object]] = []
        self._held: list[pa.RecordBatch] = []
        self._held_rows = 0

    def add(self, file: int, member: int, found: Found) -> None:
        size = len(found.lines)
        if not size:
            return
        columns = [
            np.full(size, file),
            np.full(size, member),
            found.lines,
            *(found.keys[:, place] for place in range(6)),
            found.low,
            found.high,
        ]
        arrays = [arrow.numbers(one, field.type) for one, field in zip(columns, RECORDS, strict=True)]
        self._held.append(pa.RecordBatch.from_arrays(arrays, schema=RECORDS))
        self._held_rows += size
        if self._held_rows >= ROWS_AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        if self._held:
            self._records.write_table(pa.Table.from_batches(self._held))
        self._held, self._held_rows = [], 0

    def member(self, row: list[object]) -> None:
        self._rows.append(row)

    def close(self) -> None:
        """Both files become visible under their names; before that a crash leaves nothing that counts."""
        self._flush()
        self._records.close()
        columns: list[tuple[object, ...]] = list(zip(*self._rows, strict=True)) or [()] * len(MEMBERS)
        table = pa.Table.from_arrays(
            [arrow.column(c, f.type) for c, f in zip(columns, MEMBERS, strict=True)], schema=MEMBERS
        )
        pq.write_table(table, self.folder / "members" / f".{self.name}", compression="zstd")
        for kind in ("records", "members"):
            os.replace(self.folder / kind / f".{self.name}", self.folder / kind / f"{self.name}.parquet")


def scan_batch(batch: Batch, folder: str, how: How) -> Summary:
    """Read every file of a batch, write what was found into `folder`, and sum it up. Never raises for a
    bad file.
    """
    writer = _Writer(Path(folder), batch.id)
    summary = Summary(batch.id)
    counts: Counter[str] = Counter()
    formats: Counter[str] = Counter()
    for task in batch.tasks:
        _file(task, writer, summary, counts, formats, how)
    writer.close()
    summary.counts, summary.formats = dict(counts), dict(formats)
    summary.labels = sorted(set(summary.labels))
    return summary


def _file(
    task: Task, writer: _Writer, summary: Summary, counts: Counter[str], formats: Counter[str], how: How
) -> None:
    size = task.size if task.is_whole else task.end - task.start
    summary.bytes += size
    summary.files += task.start == 0
    try:
        with open(task.path, "rb") as file:
            digests = digests_of(file) if how.hashes and task.start == 0 else ("", "")
            losses: list[Unread] = []
            expanded = 0
            budget = Budget(packed=max(1, task.size), pictures=how.pictures)
            for number, part in enumerate(_parts(file, task, budget)):
                summary.members += 1
                if isinstance(part, Unread):
                    broken: Unread | None = part
                    _note(
                        writer,
                        task.file,
                        number,
                        part.member,
                        "unread",
                        "",
                        abs(part.bytes),
                        0,
                        part,
                        "",
                        digests,
                    )
                else:
                    expanded += part.size
                    layout = _layout(task, part)
                    broken = _member(task, number, part, layout, writer, summary, counts, digests)
                    formats[part.format] += 1
                if broken is not None:
                    losses.append(broken)
            summary.read += size - _lose(summary, losses, size, expanded)
            summary.expanded += budget.expanded or expanded
    except OSError as error:
        refused = isinstance(error, PermissionError)
        unread = Unread(task.path, "no_permission" if refused else "damaged", short(error), size)
        _note(writer, task.file, 0, task.path, "unread", "", size, 0, unread, "", ("", ""))
        _lose(summary, [unread], size, 0)


def _layout(task: Task, part: Part) -> Layout:
    """What is known of a member before its first block."""
    if part.format == CARVED:
        return Layout(is_known=True, part="", deep_bytes=DEEP_BYTES_MAX)
    if task.start == 0:
        return Layout()
    with open(task.path, "rb") as file:
        head = head_of(file)
    return primed(head, encoding_of(head))


def _lose(summary: Summary, losses: list[Unread], size: int, expanded: int) -> int:
    """Book what could not be read of a file by its reasons; never more than the file has. The bytes
    booked.
    """
    # A negative number is in unpacked bytes: its share of everything unpacked is its share of the file.
    hidden = sum(-loss.bytes for loss in losses if loss.bytes < 0)
    shares = [
        loss.bytes if loss.bytes >= 0 else size * -loss.bytes // max(1, hidden + expanded) for loss in losses
    ]
    left = size
    for loss, share in zip(losses, shares, strict=True):
        booked = min(left, share)
        left -= booked
        summary.unread = {**summary.unread, loss.reason: summary.unread.get(loss.reason, 0) + booked}
        summary.unread_parts += 1
    return size - left


def _parts(file: BinaryIO, task: Task, budget: Budget) -> Iterator[Part | Unread]:
    if task.is_whole:
        yield from parts_of(file, task.path, task.size, budget)
        return
    encoding = encoding_of(head_of(file))
    start = boundary(file, task.start, task.size, encoding)
    end = boundary(file, task.end, task.size, encoding)
    yield Part(task.path, "text", end - start, text_blocks(file, start, end, encoding))


def _member(
    task: Task,
    number: int,
    part: Part,
    layout: Layout,
    writer: _Writer,
    summary: Summary,
    counts: Counter[str],
    digests: tuple[str, str],
) -> Unread | None:
    """Read one member to its end, or to where it breaks."""
    records, encoding = 0, ""
    labels: set[str] = set()
    problem: Unread | None = None
    try:
        for block in part.blocks:
            found = analyse(block, layout)
            writer.add(task.file, number, found)
            counts.update(found.counts)
            labels.update(found.labels)
            records += len(found.lines)
            encoding = encoding or block.encoding
            if len(summary.samples) < 8:
                summary.samples += [(part.name, *sample) for sample in found.samples[:3]]
    except CannotRead as error:
        problem = Unread(part.name, error.reason, error.detail, _rest(part, records))
    except Exception as error:  # noqa: BLE001
        # A reader met a file worse than it knows: the rest of this member is lost, and nothing else.
        problem = Unread(
            part.name, "damaged", f"{type(error).__name__}: {short(error)}", _rest(part, records)
        )
    summary.records += records
    summary.labels += labels
    _note(
        writer,
        task.file,
        number,
        part.name,
        part.format,
        encoding,
        part.size,
        records,
        problem,
        " ".join(sorted(labels)),
        digests,
    )
    return problem


def _rest(part: Part, records: int) -> int:
    size = part.packed if part.packed >= 0 else part.size
    # How far a reader came in bytes it cannot say; if it had begun, half is the honest middle.
    return size // 2 if records else size


def _note(
    writer: _Writer,
    file: int,
    number: int,
    name: str,
    kind: str,
    encoding: str,
    size: int,
    records: int,
    problem: Unread | None,
    labels: str,
    digests: tuple[str, str],
) -> None:
    clean = name.encode("utf-8", "replace").decode()
    reason, detail = (problem.reason, problem.detail) if problem else ("", "")
    sha, sm3 = digests if number == 0 else ("", "")
    writer.member([file, number, clean, kind, encoding, size, records, reason, detail, labels, sha, sm3])


def digests_of(file: BinaryIO) -> tuple[str, str]:
    """SHA-256 and SM3 (GB/T 32905) of a file, position restored."""
    sha, sm3 = hashlib.sha256(), hashlib.new("sm3")
    file.seek(0)
    while piece := file.read(HASH_BYTES):
        sha.update(piece)
        sm3.update(piece)
    file.seek(0)
    return sha.hexdigest(), sm3.hexdigest()
