"""The only writer of one SQLite file: one thread, natural group commit, and the only one to checkpoint.

Jobs that arrive while a commit is syncing form the next transaction, so the disk sets the batch size and
no timer is needed. SQLite before 3.51.3 can damage the log when two connections write or checkpoint at the
same moment (WAL-reset bug); one writing connection, `wal_autocheckpoint=0` and read-only readers never do.
"""

import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from tideng.storage.failures import (
    Overloaded,
    StorageClosed,
    StorageError,
    StorageFailed,
    is_environmental,
    translate,
)
from tideng.storage.lock import FileLock
from tideng.storage.migrations import Migration
from tideng.storage.opening import open_reader, open_writable
from tideng.storage.wal import WalGauge

if TYPE_CHECKING:
    import asyncio  # a command without an event loop need not wait for it

T = TypeVar("T")

WAL_BYTES_MAX = 16 * 1024 * 1024
JOBS_PER_COMMIT_MAX = 1_024
JOBS_MAX = 10_000


class Participant(Protocol):
    """State in memory that must follow the transaction. All calls come from the writer's thread.

    Per transaction: `begin`, then for each job `mark` and, if the job fails, `rollback_to` that mark; then
    `flush`, whose statements are part of the transaction; then `committed` (synced) or `rolled_back`.
    """

    def begin(self) -> None: ...
    def mark(self) -> object: ...
    def rollback_to(self, mark: object) -> None: ...
    def flush(self, conn: sqlite3.Connection) -> None: ...
    def committed(self) -> None: ...
    def rolled_back(self) -> None: ...


class _Job:
    """A job and where its outcome goes: a thread's future, or an event loop's."""

    __slots__ = ("alone", "error", "loop", "result", "waiter", "work")

    def __init__(
        self,
        work: Callable[[sqlite3.Connection], Any],  # Any: jobs of every result type share one queue
        waiter: "Future[Any] | asyncio.Future[Any]",
        loop: "asyncio.AbstractEventLoop | None" = None,
        *,
        alone: bool = False,
    ) -> None:
        self.work, self.waiter, self.loop, self.alone = work, waiter, loop, alone
        self.result: Any = None
        self.error: BaseException | None = None

    def settle(self) -> None:
        if self.waiter.done():  # the one who asked was cancelled; the commit stands
            return
        if self.error is not None:
            self.waiter.set_exception(self.error)
        else:
            self.waiter.set_result(self.result)


def wall_clock_us() -> int:
    """Microseconds since 1970, UTC, as this machine believes."""
    return time.time_ns() // 1_000


class Writer:
    """The only writer of one SQLite file.

    Opening takes the lock (`DataInUse`), applies migrations (`DatabaseNewer`) and refuses a damaged file
    (`DatabaseCorrupt`) or one that cannot be written (`StorageFailed`). Files are created for this user
    only (0600). `secure_delete` overwrites deleted content with zeros.
    """

    def __init__(
        self,
        path: Path,
        *,
        schema: Mapping[str, Sequence[Migration]],
        jobs_max: int = JOBS_MAX,
        jobs_per_commit_max: int = JOBS_PER_COMMIT_MAX,
        wal_bytes_max: int = WAL_BYTES_MAX,
        secure_delete: bool = False,
        clock: Callable[[], int] = wall_clock_us,
    ) -> None:
        self.path = path
        self.jobs_max = jobs_max
        self._jobs_per_commit_max = jobs_per_commit_max
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._gate = threading.Lock()
        self._closed = False
        self._participants: list[Participant] = []
        self._lock = FileLock(path)
        try:
            self._conn = open_writable(path, schema, secure_delete, clock())
        except BaseException:
            self._lock.release()
            raise
        page_bytes = int(self._conn.execute("PRAGMA page_size").fetchone()[0])
        self._gauge = WalGauge(path, page_bytes, wal_bytes_max)
        # A daemon: a program that forgets close() must still end; what was acknowledged is synced anyway.
        self._thread = threading.Thread(target=self._serve, name=f"writer {path.name}", daemon=True)
        self._thread.start()

    def enlist(self, participant: Participant) -> None:
        """Let `participant` follow every transaction from the next one on."""
        # Alone: a participant that joined inside a transaction would see its end and not its beginning.
        self._call_alone(lambda _: self._participants.append(participant))

    def submit(self, job: Callable[[sqlite3.Connection], T]) -> "Future[T]":
        """Run `job` in a transaction; the future has its result once the commit is synced to disk.

        Thread-safe. A job that raises loses only its own changes and gets its own exception. Jobs run in
        the order handed in and may share a transaction; a job must neither commit nor roll back. Raises
        `Overloaded` when `jobs_max` are waiting, `StorageClosed` after `close()`. The future raises
        `StorageFailed` when the transaction could not be synced: nothing in it was acknowledged.
        """
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()  # it cannot be taken back from the queue
        self._put(_Job(job, future))
        return future

    async def run(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """`submit` for the event loop. Cancelling the caller does not take the job back."""
        import asyncio

        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[T] = loop.create_future()
        self._put(_Job(job, waiter, loop))
        return await waiter

    def call(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """`submit` and wait; for the command line and start-up, never for the event loop."""
        if threading.current_thread() is self._thread:
            raise RuntimeError("a job may not wait for another job: the writer would wait for itself")
        return self.submit(job).result()

    def reader(self) -> sqlite3.Connection:
        """A read-only connection; the caller closes it and lets one thread at a time use it."""
        return open_reader(self.path)

    def truncate_wal(self) -> bool:
        """Move everything into the database file and empty the log; False if a reader held it back."""
        return self._call_alone(_truncate)

    def close(self) -> None:
        """Finish the jobs handed in, empty the log, close the file and let go of the lock. Repeatable."""
        with self._gate:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _call_alone(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """`call`, between transactions."""
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()
        self._put(_Job(job, future, alone=True))
        return future.result()

    def _put(self, job: _Job) -> None:
        # The gate makes sure that nothing is queued behind the end mark, where no one would answer it.
        with self._gate:
            if self._closed:
                raise StorageClosed(f"{self.path}: the writer is closed")
            if self._queue.qsize() >= self.jobs_max:
                raise Overloaded(self.jobs_max)
            self._queue.put(job)

    # The rest runs on the writer's thread.

    def _serve(self) -> None:
        jobs: list[_Job] = []
        try:
            is_open = True
            while is_open:
                jobs, is_open = self._next_jobs()
                self._serve_jobs(jobs)
        except BaseException as error:
            self._give_up(jobs, error)
            raise
        finally:
            self._shut()

    def _serve_jobs(self, jobs: list[_Job]) -> None:
        together = [job for job in jobs if not job.alone]
        if together:
            self._transact(together)
            _settle_all(together)
        for job in jobs:
            if job.alone:
                self._run_alone(job)
                _settle_all([job])
        if together:
            self._checkpoint_when_full()

    def _give_up(self, jobs: list[_Job], error: BaseException) -> None:
        """A bug got past the transaction: no one may be left waiting for a thread that is gone."""
        with self._gate:
            self._closed = True
        while not self._queue.empty():
            job = self._queue.get_nowait()
            if job is not None:
                jobs.append(job)
        for job in jobs:
            job.error = StorageFailed(f"{self.path}: the writer stopped ({type(error).__name__}). Restart.")
            job.error.__cause__ = error
        _settle_all(jobs)

    def _next_jobs(self) -> tuple[list[_Job], bool]:
        """Everything that waits, up to the limit, and whether more may come."""
        jobs: list[_Job] = []
        job = self._queue.get()
        while job is not None:
            jobs.append(job)
            if job.alone or len(jobs) >= self._jobs_per_commit_max:
                return jobs, True
            try:
                job = self._queue.get_nowait()
            except queue.Empty:
                return jobs, True
        return jobs, False

    def _transact(self, jobs: list[_Job]) -> None:
        conn = self._conn
        begun = False
        try:
            conn.execute("BEGIN IMMEDIATE")
            begun = True
            for participant in self._participants:
                participant.begin()
            self._run_jobs(conn, jobs)
            for participant in self._participants:
                participant.flush(conn)
            conn.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - every job of the transaction must hear of it
            self._abandon(jobs, error, begun=begun)
            return
        for participant in self._participants:
            participant.committed()

    def _run_jobs(self, conn: sqlite3.Connection, jobs: list[_Job]) -> None:
        # A lone job needs no savepoint: its transaction is one. Each statement saved is up to 5 ms less
        # waiting for the interpreter lock when the event loop is busy.
        is_lone = len(jobs) == 1
        for job in jobs:
            marks = [participant.mark() for participant in self._participants]
            if not is_lone:
                conn.execute("SAVEPOINT job")
            try:
                job.result = job.work(conn)
            except Exception as error:  # it belongs to the one who handed the job in
                if not conn.in_transaction or (isinstance(error, sqlite3.Error) and is_environmental(error)):
                    raise  # SQLite gave up the transaction, or the disk did: no job in it is safe
                job.error = error
                if is_lone:
                    raise
                conn.execute("ROLLBACK TO job")
                for participant, mark in zip(self._participants, marks, strict=True):
                    participant.rollback_to(mark)
            if not conn.in_transaction:
                raise StorageError("a job ended the transaction; jobs must neither commit nor roll back")
            if not is_lone:
                conn.execute("RELEASE job")

    def _abandon(self, jobs: list[_Job], error: Exception, *, begun: bool) -> None:
        """Undo the transaction in the file and in memory, and tell every job that has no error of its own."""
        try:
            if self._conn.in_transaction:
                self._conn.execute("ROLLBACK")
        except sqlite3.Error as second:
            error.add_note(f"and the rollback failed: {second}")
        if begun:
            for participant in self._participants:
                participant.rolled_back()
        for job in jobs:
            if job.error is None:
                job.error = self._explain(error)

    def _explain(self, error: Exception) -> Exception:
        # A fresh exception for each job: several threads will raise it and must not share a traceback.
        if not isinstance(error, sqlite3.Error):
            failure: StorageError = StorageFailed(
                f"{self.path}: the transaction was abandoned: {type(error).__name__}. See the cause."
            )
        else:
            failure = translate(self.path, error)
        failure.__cause__ = error
        return failure

    def _run_alone(self, job: _Job) -> None:
        try:
            job.result = job.work(self._conn)
        except sqlite3.Error as error:
            job.error = self._explain(error)

    def _checkpoint_when_full(self) -> None:
        try:
            if self._gauge.is_full():
                _, frames, _ = self._conn.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                self._gauge.checkpointed(int(frames))
        except (sqlite3.Error, OSError):
            # Everything acknowledged is safe in the log. What ails the disk will fail the next commit too,
            # and that one has someone to tell.
            self._gauge.checkpointed(0)

    def _shut(self) -> None:
        try:
            _truncate(self._conn)
        except sqlite3.Error:
            pass  # the log stays and is read at the next start; nothing is lost
        finally:
            self._gauge.close()
            self._conn.close()
            self._lock.release()


def _truncate(conn: sqlite3.Connection) -> bool:
    busy, _, _ = conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def _settle_all(jobs: list[_Job]) -> None:
    """Hand out the outcomes, waking each event loop once rather than once per job."""
    loops: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
    for job in jobs:
        if job.loop is None:
            job.settle()
        else:
            loops.setdefault(job.loop, []).append(job)
    for loop, its_jobs in loops.items():
        try:
            loop.call_soon_threadsafe(_settle_each, its_jobs)
        except RuntimeError:
            continue  # the loop was closed; no one is left to tell, and the commit stands


def _settle_each(jobs: list[_Job]) -> None:
    for job in jobs:
        job.settle()
