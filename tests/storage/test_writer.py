"""The writer's promises: alone, together, failing, overloaded, closed."""

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tideng.storage.failures import (
    DatabaseCorrupt,
    DatabaseNewer,
    DataInUse,
    Overloaded,
    StorageClosed,
    StorageError,
    StorageFailed,
)
from tideng.storage.migrations import Migration
from tideng.storage.sqlite import Writer

NOTES = Migration(1, "CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT)")


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    with Writer(tmp_path / "a.db", schema={"gateway": [NOTES]}) as writer:
        yield writer


def insert(text: str) -> Callable[[sqlite3.Connection], int | None]:
    return lambda conn: conn.execute("INSERT INTO note (text) VALUES (?)", (text,)).lastrowid


def fail(conn: sqlite3.Connection) -> None:
    insert("never")(conn)
    raise LookupError("mine")


def texts(path: Path) -> list[str]:
    conn = sqlite3.connect(path)
    try:
        return [row[0] for row in conn.execute("SELECT text FROM note ORDER BY id")]
    finally:
        conn.close()


class Pause:
    """Holds the writer's thread inside a job, so that what follows shares the next transaction."""

    def __init__(self, writer: Writer) -> None:
        self._started, self._go = threading.Event(), threading.Event()
        writer.submit(lambda _: (self._started.set(), self._go.wait(10)))
        assert self._started.wait(10)

    def end(self) -> None:
        self._go.set()


class Witness:
    """A participant that notes what it is told, with one number as its state in memory."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.state = self.saved = 0
        self.fail_flush = False

    def begin(self) -> None:
        self.said.append("begin")
        self.saved = self.state

    def mark(self) -> object:
        return self.state

    def rollback_to(self, mark: object) -> None:
        self.said.append("rollback_to")
        assert isinstance(mark, int)
        self.state = mark

    def flush(self, conn: sqlite3.Connection) -> None:
        if self.fail_flush:
            raise sqlite3.OperationalError("flush failed")
        insert(f"flush {self.state}")(conn)

    def committed(self) -> None:
        self.said.append("committed")

    def rolled_back(self) -> None:
        self.said.append("rolled_back")
        self.state = self.saved


def test_a_result_means_another_connection_can_read_it(writer: Writer) -> None:
    assert writer.call(insert("a")) == 1
    assert texts(writer.path) == ["a"]
    reader = writer.reader()
    assert reader.execute("SELECT count(*) FROM note").fetchone() == (1,)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        insert("b")(reader)
    reader.close()


def test_waiting_jobs_share_one_transaction_and_keep_their_order(writer: Writer) -> None:
    witness = Witness()
    writer.enlist(witness)
    pause = Pause(writer)
    futures = [writer.submit(insert(str(i))) for i in range(50)]
    assert not any(future.done() for future in futures)
    pause.end()
    assert [future.result(10) for future in futures] == list(range(2, 52))
    assert witness.said == ["begin", "committed"] * 2


@pytest.mark.parametrize("companions", [0, 1, 5])
def test_a_failing_job_loses_only_its_own_changes(writer: Writer, companions: int) -> None:
    pause = Pause(writer)
    good = [writer.submit(insert(f"before {i}")) for i in range(companions)]
    bad = writer.submit(fail)
    good += [writer.submit(insert(f"after {i}")) for i in range(companions)]
    pause.end()
    with pytest.raises(LookupError, match="mine"):
        bad.result(10)
    for future in good:
        future.result(10)
    assert len(texts(writer.path)) == 2 * companions
    assert "never" not in texts(writer.path)
    assert writer.call(insert("later"))


def test_a_statement_that_fails_is_its_jobs_own_error(writer: Writer) -> None:
    pause = Pause(writer)
    first, second = (
        writer.submit(insert("a")),
        writer.submit(lambda conn: conn.execute("INSERT INTO nothing")),
    )
    pause.end()
    assert first.result(10) == 1
    with pytest.raises(sqlite3.OperationalError):
        second.result(10)


@pytest.mark.parametrize("companions", [0, 2])
def test_participants_follow_a_failing_job(writer: Writer, companions: int) -> None:
    witness = Witness()
    writer.enlist(witness)
    witness.state = 7

    def bump(_: object) -> None:
        witness.state += 1

    def bump_and_fail(_: object) -> None:
        witness.state += 100
        raise LookupError

    pause = Pause(writer)
    futures = [writer.submit(bump) for _ in range(companions)]
    bad = writer.submit(bump_and_fail)
    pause.end()
    with pytest.raises(LookupError):
        bad.result(10)
    for future in futures:
        future.result(10)
    assert witness.state == 7 + companions


def test_a_flush_that_fails_fails_every_job(writer: Writer) -> None:
    witness = Witness()
    writer.enlist(witness)
    witness.fail_flush = True
    pause = Pause(writer)
    futures = [writer.submit(insert("x")) for _ in range(3)]
    pause.end()
    for future in futures:
        with pytest.raises(StorageFailed, match="flush failed"):
            future.result(10)
    witness.fail_flush = False
    writer.call(insert("y"))
    assert texts(writer.path) == ["y", "flush 0"]
    assert witness.said[-3:] == ["rolled_back", "begin", "committed"]


def test_a_job_may_not_end_the_transaction(writer: Writer) -> None:
    pause = Pause(writer)
    other, bad = writer.submit(insert("x")), writer.submit(lambda conn: conn.execute("ROLLBACK"))
    pause.end()
    for future in (other, bad):
        with pytest.raises(StorageError):
            future.result(10)
    assert writer.call(insert("still works"))


def test_overload_is_answered(tmp_path: Path) -> None:
    with Writer(tmp_path / "a.db", schema={"gateway": [NOTES]}, jobs_max=3) as writer:
        pause = Pause(writer)
        futures = [writer.submit(insert("x")) for _ in range(3)]
        with pytest.raises(Overloaded, match="3 jobs"):
            writer.submit(insert("one too many"))
        pause.end()
        for future in futures:
            future.result(10)
    assert texts(tmp_path / "a.db") == ["x"] * 3


def test_close_finishes_what_was_handed_in_and_refuses_the_rest(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "a.db", schema={"gateway": [NOTES]})
    futures = [writer.submit(insert("x")) for _ in range(100)]
    writer.close()
    writer.close()
    assert all(future.done() for future in futures)
    with pytest.raises(StorageClosed):
        writer.submit(insert("late"))
    assert not (tmp_path / "a.db-wal").exists()
    assert len(texts(tmp_path / "a.db")) == 100


def test_a_job_may_not_wait_for_a_job(writer: Writer) -> None:
    with pytest.raises(RuntimeError, match="wait for itself"):
        writer.call(lambda _: writer.call(insert("x")))


def test_run_from_the_event_loop(writer: Writer) -> None:
    async def main() -> None:
        results = await asyncio.gather(
            *(writer.run(insert(str(i))) for i in range(20)), writer.run(fail), return_exceptions=True
        )
        assert results[:20] == list(range(1, 21))
        assert isinstance(results[20], LookupError)
        task = asyncio.ensure_future(writer.run(insert("cancelled by its caller")))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await writer.run(insert("next"))

    asyncio.run(main())
    assert len(texts(writer.path)) == 22


def test_a_loop_that_is_gone_does_not_stop_the_writer(writer: Writer) -> None:
    pause = Pause(writer)
    loop = asyncio.new_event_loop()
    task = loop.create_task(writer.run(insert("no one waits")))
    loop.run_until_complete(asyncio.sleep(0))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(task)
    loop.close()
    pause.end()
    writer.call(insert("next"))
    assert texts(writer.path) == ["no one waits", "next"]


def test_a_second_writer_is_refused_and_told_by_whom(tmp_path: Path) -> None:
    with Writer(tmp_path / "a.db", schema={}) as writer, pytest.raises(DataInUse) as raised:
        Writer(tmp_path / "a.db", schema={})
    assert raised.value.pid == os.getpid()
    assert str(os.getpid()) in str(raised.value)
    Writer(writer.path, schema={}).close()


def test_files_are_for_their_owner_only(writer: Writer) -> None:
    writer.call(insert("x"))
    for suffix in ("", "-wal", "-shm", ".lock"):
        assert (writer.path.with_name("a.db" + suffix).stat().st_mode & 0o777) == 0o600


def test_settings_of_the_connection(writer: Writer) -> None:
    asked = ("journal_mode", "synchronous", "wal_autocheckpoint", "foreign_keys")
    found = writer.call(lambda conn: [conn.execute(f"PRAGMA {name}").fetchone()[0] for name in asked])
    assert found == ["wal", 2, 0, 1]


def test_the_log_is_checkpointed_and_stays_bounded(tmp_path: Path) -> None:
    with Writer(tmp_path / "a.db", schema={"gateway": [NOTES]}, wal_bytes_max=200_000) as writer:
        for _ in range(100):
            writer.call(insert("x" * 20_000))
        assert (tmp_path / "a.db-wal").stat().st_size < 400_000
        assert (tmp_path / "a.db").stat().st_size > 1_500_000


def test_a_reader_holds_the_log_back_and_nothing_is_lost(tmp_path: Path) -> None:
    with Writer(tmp_path / "a.db", schema={"gateway": [NOTES]}, wal_bytes_max=100_000) as writer:
        writer.call(insert("first"))
        reader = writer.reader()
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM note").fetchone() == (1,)
        for _ in range(30):
            writer.call(insert("x" * 20_000))
        assert reader.execute("SELECT count(*) FROM note").fetchone() == (1,)
        reader.close()
        for _ in range(30):
            writer.call(insert("y" * 20_000))
    assert len(texts(tmp_path / "a.db")) == 61


def test_migrations_are_applied_once_and_in_order(tmp_path: Path) -> None:
    second = Migration(
        2,
        "-- a comment; with a semicolon\nALTER TABLE note ADD COLUMN at INTEGER;"
        "CREATE TRIGGER t AFTER INSERT ON note BEGIN UPDATE note SET at = 1; UPDATE note SET at = 2; END;",
    )
    Writer(tmp_path / "a.db", schema={"gateway": [NOTES]}, clock=lambda: 5).close()
    with Writer(tmp_path / "a.db", schema={"gateway": [NOTES, second]}, clock=lambda: 6) as writer:
        writer.call(insert("x"))
        rows = writer.call(
            lambda conn: conn.execute("SELECT * FROM schema_version ORDER BY version").fetchall()
        )
        assert rows == [("gateway", 1, 5), ("gateway", 2, 6)]
        assert writer.call(lambda conn: conn.execute("SELECT at FROM note").fetchone()) == (2,)


def test_a_migration_that_fails_leaves_the_old_schema(tmp_path: Path) -> None:
    Writer(tmp_path / "a.db", schema={"gateway": [NOTES]}).close()
    broken = Migration(2, "DROP TABLE note; CREATE TABLE nonsense (")
    with pytest.raises(StorageFailed):
        Writer(tmp_path / "a.db", schema={"gateway": [NOTES, broken]})
    with Writer(tmp_path / "a.db", schema={"gateway": [NOTES]}) as writer:
        assert writer.call(insert("x")) == 1


def test_a_database_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    Writer(tmp_path / "a.db", schema={"gateway": [NOTES, Migration(2, "SELECT 1")]}).close()
    with pytest.raises(DatabaseNewer, match=r"version 2.*up to 1"):
        Writer(tmp_path / "a.db", schema={"gateway": [NOTES]})


def test_migrations_without_gaps(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="without gaps"):
        Writer(tmp_path / "a.db", schema={"gateway": [Migration(2, "SELECT 1")]})


@pytest.mark.parametrize("content", [b"not a database, but long enough to have a header " * 40])
def test_a_file_that_is_no_database(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.db").write_bytes(content)
    with pytest.raises(DatabaseCorrupt, match="not a database"):
        Writer(tmp_path / "a.db", schema={"gateway": [NOTES]})
    assert (tmp_path / "a.db").read_bytes() == content


def test_a_missing_directory(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed, match="directory"):
        Writer(tmp_path / "none" / "a.db", schema={})
