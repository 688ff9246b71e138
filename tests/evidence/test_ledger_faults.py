"""kill -9, a full disk, a read-only one, a damaged file, a forger, a wrong key: nothing acknowledged is lost,
and nothing is repaired in silence."""

import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tideng.evidence.entries import decode_entry, encode_entry
from tideng.evidence.ledger import LedgerCorrupt
from tideng.evidence.merkle import leaf_hash
from tideng.evidence.note import verifier_for
from tideng.evidence.sqlite import SCHEMA, SqliteLedger
from tideng.evidence.stored import verify_file
from tideng.storage.failures import DatabaseCorrupt, DataInUse, StorageError, StorageFailed
from tideng.storage.sqlite import Writer

SEED = bytes(range(32))
KEY = Ed25519PrivateKey.from_private_bytes(SEED)
ORIGIN = "faults.example/log"
ME = verifier_for(ORIGIN, KEY)

CHILD = """
import sys, time
from pathlib import Path
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tideng.evidence.entries import encode_entry
from tideng.evidence.sqlite import SCHEMA, SqliteLedger
from tideng.storage.sqlite import Writer, wall_clock_us
writer = Writer(Path(sys.argv[1]), schema={"evidence": SCHEMA}, wal_bytes_max=int(sys.argv[2]))
key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ledger = SqliteLedger(writer, origin="faults.example/log", key=key, clock=wall_clock_us)
while True:
    size = ledger.size
    leaves = [encode_entry({"kind": "t/1", "at": ledger.now(), "n": size + i}) for i in range(1 + size % 90)]
    first = ledger.append(leaves)
    print(first, first + len(leaves), flush=True)
"""


@contextmanager
def opened(
    path: Path, clock: Callable[[], int] = lambda: 5, key: Ed25519PrivateKey = KEY
) -> Iterator[SqliteLedger]:
    with Writer(path, schema={"evidence": SCHEMA}) as writer:
        ledger = SqliteLedger(writer, origin=ORIGIN, key=key, clock=clock)
        try:
            yield ledger
        finally:
            ledger.close()


def some(count: int, size: int = 60, at: int = 5) -> list[bytes]:
    return [encode_entry({"kind": "t/1", "at": at, "n": i, "pad": "x" * size}) for i in range(count)]


def filled(path: Path, count: int = 3_000) -> bytes:
    """A closed ledger with a checkpoint in the middle and one at the end; its root."""
    with opened(path) as ledger:
        ledger.append(some(count // 2))
        ledger.checkpoint()
        ledger.append(some(count - count // 2))
        ledger.checkpoint()
        return ledger.root()


def append_until_it_fails(ledger: SqliteLedger) -> None:
    for _ in range(100):
        ledger.append(some(100, size=500))


class NotIntact(Exception):
    """The ledger opened, and its verification found the damage."""


def accept(path: Path) -> None:
    with opened(path) as ledger:
        if not ledger.verify().is_intact:
            raise NotIntact


def tamper(path: Path, *statements: str) -> None:
    conn = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        assert conn.execute(statement).rowcount != 0
    conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    conn.close()


def child(path: Path, wal_bytes_max: int = 300_000) -> "subprocess.Popen[str]":
    source = str(Path(__file__).parents[2] / "src")
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path), str(wal_bytes_max)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": source},
    )


def test_kill_9_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """Ten rounds on one growing file, each killed after a random number of acknowledgements."""
    path, chance = tmp_path / "ledger.db", random.Random(20260501)
    for _ in range(10):
        process = child(path)
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(chance.randrange(1, 120))]
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.readlines()  # acknowledged before the kill, read after it
        process.stdout.close()
        assert process.wait(10) == -signal.SIGKILL
        acknowledged = max(int(line.split()[1]) for line in lines if line.endswith("\n"))
        with opened(path, clock=lambda: 2**52) as ledger:
            assert ledger.size >= acknowledged
            assert ledger.verify().is_intact
            told = [decode_entry(leaf) for start in range(0, acknowledged, 5_000)
                    for leaf in ledger.leaves(start, min(acknowledged, start + 5_000))]  # fmt: skip
            assert [entry["n"] for entry in told] == list(range(acknowledged))


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    process = child(tmp_path / "ledger.db")
    assert process.stdout is not None
    try:
        process.stdout.readline()
        with pytest.raises(DataInUse) as raised:
            Writer(tmp_path / "ledger.db", schema={"evidence": SCHEMA})
        assert raised.value.pid == process.pid
        assert verify_file(tmp_path / "ledger.db", ORIGIN, [ME]).is_intact  # reading beside it is fine
    finally:
        process.kill()
        process.stdout.close()
        process.wait(10)


def test_a_full_disk_is_told_and_survived(tmp_path: Path) -> None:
    """RLIMIT_FSIZE stands in for a full disk: writes beyond it fail, later ones succeed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with opened(tmp_path / "ledger.db") as ledger:
        ledger.append(some(100))
        resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, hard))
        try:
            with pytest.raises(StorageFailed, match=r"ledger\.db: .*(disk|full|I/O)"):
                append_until_it_fails(ledger)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        acknowledged, root = ledger.size, ledger.root()
        assert acknowledged >= 200
        assert ledger.append(some(10)) == acknowledged  # the writer goes on by itself
        assert ledger.root(acknowledged) == root
        assert ledger.verify().is_intact
    with opened(tmp_path / "ledger.db") as ledger:
        assert ledger.size == acknowledged + 10
        assert ledger.verify().is_intact


def test_what_was_promised_across_jobs_of_one_failing_commit(tmp_path: Path) -> None:
    """All jobs of a transaction that could not be written fail, and the tree forgets all of them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Writer(tmp_path / "ledger.db", schema={"evidence": SCHEMA}) as writer:
        ledger = SqliteLedger(writer, origin=ORIGIN, key=KEY, clock=lambda: 5)
        ledger.append(some(10))
        before = ledger.root()
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
        try:
            futures = [writer.submit(lambda conn: ledger.append_in(conn, some(300, 500))) for _ in range(5)]
            for future in futures:
                with pytest.raises(StorageFailed):
                    future.result(30)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert (ledger.size, ledger.root()) == (10, before)
        assert ledger.append(some(1)) == 10
        ledger.close()


def test_a_job_that_fails_takes_its_entries_back(tmp_path: Path) -> None:
    def fail(conn: sqlite3.Connection) -> None:
        ledger.append_in(conn, some(700))
        raise LookupError

    with Writer(tmp_path / "ledger.db", schema={"evidence": SCHEMA}) as writer:
        ledger = SqliteLedger(writer, origin=ORIGIN, key=KEY, clock=lambda: 5)
        futures = []
        for _ in range(20):
            futures.append(
                (writer.submit(lambda conn: ledger.append_in(conn, some(30))), writer.submit(fail))
            )
        assert [good.result(10) for good, _ in futures] == list(range(0, 600, 30))
        for _, bad in futures:
            with pytest.raises(LookupError):
                bad.result(10)
        assert ledger.size == 600
        assert ledger.verify().is_intact
        ledger.close()


def test_a_read_only_file_or_directory(tmp_path: Path) -> None:
    """As root nothing is read-only, so a child without rights tries."""
    path = tmp_path / "ledger.db"
    filled(path, 10)
    path.chmod(0o400)
    tmp_path.chmod(0o500)
    code = (
        "import sys, os\n"
        "from pathlib import Path\n"
        "from tideng.storage.sqlite import Writer\n"
        "from tideng.storage.failures import StorageFailed\n"
        "if os.geteuid() == 0:\n"
        "    import ctypes\n"  # give up the right to pass over permissions: CAP_DAC_OVERRIDE
        "    libc = ctypes.CDLL(None, use_errno=True)\n"
        "    header = (ctypes.c_uint32 * 2)(0x20080522, 0)\n"
        "    assert libc.capset(header, (ctypes.c_uint32 * 6)()) == 0\n"
        "try:\n"
        "    Writer(Path(sys.argv[1]), schema={})\n"
        "except StorageFailed as error:\n"
        "    print(error)\n"
    )
    source = str(Path(__file__).parents[2] / "src")
    run = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": source},
        check=False,
    )
    tmp_path.chmod(0o700)
    assert "writable for this user" in run.stdout, run.stderr


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.9])
def test_a_file_cut_short_is_refused(tmp_path: Path, keep: float) -> None:
    path = tmp_path / "ledger.db"
    filled(path)
    size = path.stat().st_size
    os.truncate(path, int(size * keep) // 4096 * 4096)
    content = path.read_bytes()
    with pytest.raises((DatabaseCorrupt, LedgerCorrupt), match="restore the newest backup"), opened(path):
        pass
    assert path.read_bytes()[100:] == content[100:]  # nothing was repaired


@pytest.mark.parametrize("pages", [1, 3, 20])
def test_a_tail_of_zeros_is_refused_or_found(tmp_path: Path, pages: int) -> None:
    path = tmp_path / "ledger.db"
    filled(path)
    with path.open("r+b") as file:
        file.seek(-4096 * pages, os.SEEK_END)
        file.write(bytes(4096 * pages))
    with pytest.raises((DatabaseCorrupt, LedgerCorrupt, NotIntact)):
        accept(path)


def after_a_crash(path: Path) -> Path:
    """A copy of a ledger of twenty commits as a crash would leave it: most of it still in the log."""
    copy = path.with_name("crashed.db")
    with opened(path) as ledger:
        for _ in range(20):
            ledger.append(some(20))
        for suffix in ("", "-wal"):
            copy.with_name(copy.name + suffix).write_bytes(path.with_name(path.name + suffix).read_bytes())
    return copy


def test_a_log_that_was_cut_by_a_crash_is_read_up_to_the_cut(tmp_path: Path) -> None:
    """What a power cut does to the one commit that was not yet synced."""
    crashed = after_a_crash(tmp_path / "ledger.db")
    log = crashed.with_name("crashed.db-wal")
    os.truncate(log, log.stat().st_size - 5_000)
    with opened(crashed) as ledger:
        assert ledger.size == 380
        assert ledger.verify().is_intact


@pytest.mark.parametrize("frame", [0, 10, 30])
def test_a_log_damaged_before_its_end_is_refused(tmp_path: Path, frame: int) -> None:
    """SQLite would read up to the damage and forget the synced commits behind it without a word."""
    crashed = after_a_crash(tmp_path / "ledger.db")
    log = crashed.with_name("crashed.db-wal")
    content = bytearray(log.read_bytes())
    content[32 + frame * 4_120 + 24 + 100] ^= 1
    log.write_bytes(content)
    with pytest.raises(DatabaseCorrupt, match="were synced behind"):
        accept(crashed)
    assert log.read_bytes() == content


def test_verify_names_the_changed_entry(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    filled(path)
    leaf = encode_entry({"kind": "t/1", "at": 5, "n": 1_234, "pad": "y"})
    tamper(path, f"UPDATE entry SET leaf = x'{leaf.hex()}' WHERE idx = 1234")
    with opened(path) as ledger:
        found = ledger.verify()
    assert (found.is_intact, found.first_differing) == (False, 1_234)


FORGERIES = {
    "entry removed": ("DELETE FROM entry WHERE idx = 700", 700),
    "entry made text": ("UPDATE entry SET leaf = 'x' WHERE idx = 700", 700),
    "leaf tile changed": ("UPDATE tile SET hashes = zeroblob(8192) WHERE level = 0 AND n = 2", 512),
    "leaf tile removed": ("DELETE FROM tile WHERE level = 0 AND n = 2", 512),
    "upper tile longer": ("UPDATE tile SET hashes = hashes || zeroblob(32) WHERE level = 1", None),
    "tile added": ("INSERT INTO tile VALUES (5, 0, zeroblob(32))", None),
    "checkpoint changed": ("UPDATE checkpoint SET note = replace(note, '1500', '1501') WHERE size = 1500", 0),
    "checkpoint moved": ("UPDATE checkpoint SET size = 1499 WHERE size = 1500", 0),
    "checkpoint time back": ("UPDATE checkpoint SET at = 1 WHERE size = 3000", 1_500),
    "checkpoint null": ("UPDATE checkpoint SET note = zeroblob(0) WHERE size = 1500", 0),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_every_forgery_is_found(tmp_path: Path, name: str) -> None:
    path = tmp_path / "ledger.db"
    filled(path)
    statement, index = FORGERIES[name]
    tamper(path, statement)
    found = verify_file(path, ORIGIN, [ME])
    assert not found.is_intact
    if index is not None:
        assert found.first_differing == index


def test_a_whole_rewritten_history_contradicts_its_checkpoints(tmp_path: Path) -> None:
    """The forger rebuilds entries and tiles perfectly, but cannot sign."""
    real, forged = tmp_path / "real.db", tmp_path / "forged.db"
    filled(real)
    with opened(forged) as ledger:
        ledger.append([encode_entry({"kind": "t/1", "at": 5, "n": 0, "pad": "forged"}), *some(3_000)[1:]])
    tamper(
        real,
        f"ATTACH '{forged}' AS forged",
        "UPDATE entry SET leaf = (SELECT leaf FROM forged.entry f WHERE f.idx = entry.idx)",
        "UPDATE tile SET hashes = "
        "(SELECT hashes FROM forged.tile f WHERE f.level = tile.level AND f.n = tile.n)",
    )
    found = verify_file(real, ORIGIN, [ME])
    assert not found.is_intact
    assert "another root" in found.problem
    with pytest.raises(LedgerCorrupt, match="contradict the checkpoint"), opened(real):
        pass


def test_an_older_entry_count_than_the_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    filled(path)
    tamper(path, "DELETE FROM entry WHERE idx >= 2900")
    with pytest.raises(LedgerCorrupt, match="2900 entries are stored, but tiles for 3000"), opened(path):
        pass


def test_the_wrong_key_is_refused(tmp_path: Path) -> None:
    filled(tmp_path / "ledger.db", 10)
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))
    with pytest.raises(LedgerCorrupt, match="right signing key"), opened(tmp_path / "ledger.db", key=other):
        pass


def test_a_clock_step_over_a_restart_is_recorded(tmp_path: Path) -> None:
    with opened(tmp_path / "ledger.db", clock=lambda: 9_000_000) as ledger:
        ledger.append(some(1, at=9_000_000))
    with opened(tmp_path / "ledger.db", clock=lambda: 2_000_000) as ledger:
        assert ledger.now() == 9_000_000
        ledger.append(some(1, at=ledger.now()))
        told = decode_entry(ledger.leaf(2))
    assert (told["kind"], told["back_us"], told["at"]) == ("clock/1", 7_000_000, 9_000_000)


def test_checkpoints_at_most_once_a_second_even_when_the_clock_steps_back(tmp_path: Path) -> None:
    times = iter([10_000_000 + i * 50_000 for i in range(200)] + [1_000_000 + i * 50_000 for i in range(400)])
    seen: list[bytes | None] = []
    with opened(tmp_path / "ledger.db", clock=lambda: next(times)) as ledger:
        for _ in range(100):
            ledger.append(some(1))
            seen.append(ledger.latest_checkpoint())
        assert 5 <= len(set(seen)) <= 60
        assert seen[-1] != seen[60]
        assert ledger.verify().is_intact


def test_the_leaf_hash_is_the_position_s(tmp_path: Path) -> None:
    with opened(tmp_path / "ledger.db") as ledger:
        index = ledger.append(some(1))
        assert ledger.root() == leaf_hash(ledger.leaf(index))
    with pytest.raises(StorageError):
        verify_file(tmp_path / "absent.db", ORIGIN, [ME])
