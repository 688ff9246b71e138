"""Scan a pile of files to its end: batches to workers, results to a folder that can be taken up again
after a crash.
"""

import os
import signal
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from tideng import __version__
from tideng.identifiers.tables import TABLES_DATE
from tideng.scan import arrow
from tideng.scan.batch import PLAIN, Batch, How, Summary, scan_batch
from tideng.scan.kernels.compiled import Mode, bytes_least, compile_all, folder, is_ready
from tideng.scan.persons import RULES_DATE, Persons, count_persons
from tideng.scan.plan import RANGE_BYTES, batches, weight
from tideng.scan.readers.sniff import HEAD_BYTES, format_of
from tideng.scan.walk import Item, walk

STATE: Final = "state.sqlite"
QUEUE_PER_WORKER: Final = 2
"""Batches that wait for a worker: enough to keep it busy, few enough to keep memory flat."""
IN_PROCESS_BYTES: Final = 24_000_000
"""Smaller piles are read here: starting workers would take longer."""


class OutUnsafe(ValueError):
    """The output folder lies inside the evidence, or holds something else."""


class Progress(Struct, frozen=True):
    """How far a scan is."""

    bytes: int
    bytes_total: int
    files: int
    records: int


class Outcome(Struct, kw_only=True):
    """Everything that was counted; `report` and `law` read it."""

    paths: list[str]
    bytes_total: int
    bytes_read: int
    bytes_unread: int
    unread_by_reason: dict[str, int]
    bytes_expanded: int
    files: int
    files_unopened: int
    members: int
    records: int
    counts: dict[str, int]
    formats: dict[str, int]
    labels: list[str]
    persons: Persons
    samples: list[tuple[str, int, str, str]]
    batches: int
    batches_taken_up: int


Cluster = Callable[[Sequence[Batch], str, How], Iterator[Summary]]
"""Runs batches somewhere else (Spark) and hands back their summaries, each when its files are complete."""


class Store:
    """The state of a scan: which batches are done. A batch counts when, and only when, its row is
    committed.
    """

    def __init__(self, folder: Path) -> None:
        for name in ("records", "members", "spill"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self._conn = sqlite3.connect(folder / STATE)
        self._conn.execute("PRAGMA journal_mode = WAL")
        self._conn.execute("PRAGMA synchronous = FULL")
        self._conn.execute("CREATE TABLE IF NOT EXISTS batch (id TEXT PRIMARY KEY, summary BLOB NOT NULL)")
        self._conn.commit()

    def done(self, batch: str) -> Summary | None:
        """What a finished batch held; None if it is not finished."""
        row = self._conn.execute("SELECT summary FROM batch WHERE id = ?", (batch,)).fetchone()
        return msgspec.json.decode(row[0], type=Summary) if row else None

    def finish(self, summary: Summary) -> None:
        """Make a batch count, once."""
        self._conn.execute(
            "INSERT OR REPLACE INTO batch VALUES (?, ?)", (summary.id, msgspec.json.encode(summary))
        )
        self._conn.commit()

    def close(self) -> None:
        """Release the file."""
        self._conn.close()


def check_out(out: Path, paths: Sequence[Path]) -> None:
    """`OutUnsafe` if writing to `out` would touch the evidence or somebody else's files."""
    target = out.resolve()
    for path in paths:
        source = path.resolve()
        if target == source or (source in target.parents and source.is_dir()):
            raise OutUnsafe(
                f"{out} lies inside {path}, which is evidence and is only read. Name a folder elsewhere."
            )
    if out.exists() and (
        not out.is_dir()
        or (any(out.iterdir()) and not any((out / name).exists() for name in (STATE, "ledger.sqlite")))
    ):
        raise OutUnsafe(f"{out} holds something that is no scan. Name an empty or new folder.")


def run(
    paths: Sequence[Path],
    out: Path,
    *,
    day: str,
    ignored: Sequence[str] = (),
    workers: int = 0,
    how: How = How(),  # noqa: B008  # frozen
    tell: Callable[[Progress], None] = lambda _: None,
    cluster: Cluster | None = None,
) -> Outcome:
    """Scan `paths` into `out`; what an earlier run finished there is taken over. `day`: ISO date, for
    ages.
    """
    items = list(walk(paths, ignored))
    total = sum(item.size for item in items)
    load = sum(weight(item.path, item.size) for item in items)
    if find_spec("numba") is None:
        # A light installation: plain code finds the same, slowly, and without workers.
        Mode.compiles, workers = False, 1
    elif load < bytes_least():
        Mode.compiles = "tideng.scan.kernels.digits" in sys.modules
    else:
        Mode.compiles = True
    workers = workers or os.cpu_count() or 1
    is_small = load <= IN_PROCESS_BYTES or workers == 1
    store = Store(out)
    try:
        settings = f"{__version__} {TABLES_DATE} {RULES_DATE} {how}"
        planned = _planned(items, settings)
        if cluster is not None:
            summaries, taken = _on_cluster(list(planned), store, out, how, cluster)
        else:
            summaries, taken = _all(planned, store, out, total, 1 if is_small else workers, how, tell)
    finally:
        store.close()
    parts = [out / "records" / f"{summary.id}.parquet" for summary in summaries]
    persons = count_persons(parts, out / "spill", day)
    _write_files(out, items)
    return _outcome(paths, items, summaries, persons, taken)


def _planned(items: Sequence[Item], settings: str) -> Iterator[Batch]:
    listed = (
        (number, item.path, item.size, item.modified_ns, item.size > RANGE_BYTES and _is_plain(item))
        for number, item in enumerate(items)
        if item.problem is None
    )
    return batches(listed, settings)


def _is_plain(item: Item) -> bool:
    try:
        with open(item.path, "rb") as file:
            return format_of(file.read(HEAD_BYTES), item.size) in PLAIN
    except OSError:
        return False


def _all(
    planned: Iterator[Batch],
    store: Store,
    out: Path,
    total: int,
    workers: int,
    how: How,
    tell: Callable[[Progress], None],
) -> tuple[list[Summary], int]:
    """Every batch's summary in the order of the plan; and how many were done before."""
    summaries: dict[str, Summary | None] = {}
    waiting: dict[Future[Summary], str] = {}
    done = files = records = taken = 0

    def count(summary: Summary) -> None:
        nonlocal done, files, records
        summaries[summary.id] = summary
        done, files, records = done + summary.bytes, files + summary.files, records + summary.records
        tell(Progress(done, total, files, records))

    def take() -> None:
        for future in wait(waiting, return_when=FIRST_COMPLETED).done:
            waiting.pop(future)
            summary = future.result()
            store.finish(summary)
            count(summary)

    pool = _pool(workers) if workers > 1 else None
    try:
        if pool is not None and not is_ready():
            # One worker compiles while the others begin with plain code.
            pool.submit(compile_all)
        for batch in planned:
            summaries[batch.id] = None
            finished = store.done(batch.id)
            if finished is not None and (out / "records" / f"{batch.id}.parquet").exists():
                taken += 1
                count(finished)
            elif pool is None:
                summary = scan_batch(batch, str(out), how)
                store.finish(summary)
                count(summary)
            else:
                waiting[pool.submit(scan_batch, batch, str(out), how)] = batch.id
                if len(waiting) >= workers * QUEUE_PER_WORKER:
                    take()
        while waiting:
            take()
    finally:
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)
    return [summary for summary in summaries.values() if summary is not None], taken


def _on_cluster(
    planned: Sequence[Batch], store: Store, out: Path, how: How, cluster: Cluster
) -> tuple[list[Summary], int]:
    before = {batch.id: store.done(batch.id) for batch in planned}
    waiting = [batch for batch in planned if before[batch.id] is None]
    for summary in cluster(waiting, str(out), how):
        store.finish(summary)
    done = [store.done(batch.id) for batch in planned]
    return [summary for summary in done if summary is not None], len(planned) - len(waiting)


def _pool(workers: int) -> ProcessPoolExecutor:
    context = get_context("forkserver")
    # What every worker needs is imported once, in the process that they are forked from.
    context.set_forkserver_preload(["tideng.scan.preloaded"])
    folder()
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_begin_worker)


def _begin_worker() -> None:
    """Ctrl-C is for the parent: a worker finishes its batch, or dies with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Mode.compiles = is_ready()
    Mode.waits = not Mode.compiles


def _write_files(out: Path, items: Sequence[Item]) -> None:
    """`files.parquet`: number, path and size of every file, so that findings can be traced."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    clean = [item.path.encode("utf-8", "replace").decode() for item in items]
    table = pa.table(
        {
            "file": arrow.numbers(range(len(items)), pa.int32()),
            "path": arrow.texts(clean),
            "bytes": arrow.numbers([item.size for item in items], pa.int64()),
            "problem": arrow.texts([item.problem or "" for item in items]),
            "detail": arrow.texts([item.detail for item in items]),
        }
    )
    pq.write_table(table, out / ".files.parquet")
    os.replace(out / ".files.parquet", out / "files.parquet")


def _outcome(
    paths: Sequence[Path], items: Sequence[Item], summaries: Sequence[Summary], persons: Persons, taken: int
) -> Outcome:
    counts: Counter[str] = Counter()
    formats: Counter[str] = Counter()
    unread: Counter[str] = Counter()
    for summary in summaries:
        counts.update(summary.counts)
        formats.update(summary.formats)
        unread.update(summary.unread)
    read = sum(summary.read for summary in summaries)
    total = sum(item.size for item in items)
    return Outcome(
        paths=[str(path) for path in paths],
        bytes_total=total,
        bytes_read=read,
        bytes_unread=total - read,
        unread_by_reason=dict(unread),
        bytes_expanded=sum(summary.expanded for summary in summaries),
        files=len(items),
        files_unopened=sum(item.problem is not None for item in items),
        members=sum(summary.members for summary in summaries),
        records=persons.records,
        counts=dict(sorted(counts.items())),
        formats=dict(sorted(formats.items())),
        labels=sorted({label for summary in summaries for label in summary.labels}),
        persons=persons,
        samples=[sample for summary in summaries for sample in summary.samples][:24],
        batches=len(summaries),
        batches_taken_up=taken,
    )
