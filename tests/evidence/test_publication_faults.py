"""Publishing dies at any moment, meets a full disk, a spoilt database: no checkpoint is ever contradicted."""

import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidence import independent_log as independent
from tideng.evidence.entries import encode_entry
from tideng.evidence.ledger import LedgerCorrupt
from tideng.evidence.note import NoteInvalid, verifier_for
from tideng.evidence.publication import ExportRefused, export
from tideng.evidence.sqlite import SCHEMA, SqliteLedger
from tideng.evidence.stored import StoredLedger
from tideng.storage.opening import open_reader
from tideng.storage.sqlite import Writer

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ORIGIN = "faults.example/log"
PUBLIC = KEY.public_key().public_bytes_raw()

CHILD = """
import sys
from contextlib import closing
from pathlib import Path
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tideng.evidence.entries import encode_entry
from tideng.evidence.publication import export
from tideng.evidence.sqlite import SCHEMA, SqliteLedger
from tideng.evidence.stored import StoredLedger
from tideng.storage.opening import open_reader
from tideng.storage.sqlite import Writer, wall_clock_us
path = Path(sys.argv[1])
writer = Writer(path, schema={"evidence": SCHEMA})
key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ledger = SqliteLedger(writer, origin="faults.example/log", key=key, clock=wall_clock_us)
while True:
    at = ledger.now()
    ledger.append([encode_entry({"kind": "t/1", "at": at, "n": ledger.size + i}) for i in range(700)])
    note = ledger.checkpoint()
    with closing(open_reader(path)) as conn:
        done = export(StoredLedger(conn), note, ledger.origin, [ledger.verifier], Path(sys.argv[2]))
    print(done.size, flush=True)
"""


def fetch(folder: Path) -> independent.Fetch:
    return lambda path: (folder / path).read_bytes() if (folder / path).is_file() else None


def filled(path: Path, count: int, before: int = 0) -> bytes:
    """A closed ledger; its last checkpoint."""
    with Writer(path, schema={"evidence": SCHEMA}) as writer:
        ledger = SqliteLedger(writer, origin=ORIGIN, key=KEY, clock=lambda: 5)
        ledger.append([encode_entry({"kind": "t/1", "at": 5, "n": before + n}) for n in range(count)])
        note = ledger.checkpoint()
        ledger.close()
        return note


def publish(path: Path, note: bytes, folder: Path) -> int:
    with closing(open_reader(path)) as conn:
        return export(StoredLedger(conn), note, ORIGIN, [verifier_for(ORIGIN, KEY)], folder).size


def test_kill_9_while_publishing(tmp_path: Path) -> None:
    """Whenever it dies, what lies in the folder is a whole log, and the next run goes on from it."""
    path, folder, chance = tmp_path / "l.db", tmp_path / "published", random.Random(20260501)
    known: dict[str, list[bytes]] = {}
    last = 0
    for _ in range(4):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(path), str(folder)],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2] / "src")},
        )
        assert child.stdout is not None
        lines = [child.stdout.readline() for _ in range(chance.randrange(1, 5))]
        child.send_signal(signal.SIGKILL)
        lines += child.stdout.readlines()
        child.stdout.close()
        assert child.wait(10) == -signal.SIGKILL
        size = independent.accept(fetch(folder), ORIGIN, PUBLIC, known)
        assert size >= max([last, *(int(line) for line in lines if line.endswith("\n"))])
        last = size


def test_a_power_cut_before_the_checkpoint_leaves_the_old_one(tmp_path: Path) -> None:
    """Files written and not vouched for are emptied, as an unsynced file may be; the next run writes them."""
    path, folder = tmp_path / "l.db", tmp_path / "published"
    publish(path, filled(path, 300), folder)
    old = (folder / "checkpoint").read_bytes()
    note = filled(path, 900, 300)
    publish(path, note, folder)
    (folder / "checkpoint").write_bytes(old)
    for name in ("tile/0/002", "tile/entries/003", "tile/0/004.p/176"):
        (folder / name).write_bytes(b"")
    assert independent.accept(fetch(folder), ORIGIN, PUBLIC) == 300
    assert publish(path, note, folder) == 1_200
    assert independent.accept(fetch(folder), ORIGIN, PUBLIC) == 1_200


def test_a_full_disk_keeps_the_published_log(tmp_path: Path) -> None:
    path, folder = tmp_path / "l.db", tmp_path / "published"
    publish(path, filled(path, 300), folder)
    note = filled(path, 900, 300)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    me = verifier_for(ORIGIN, KEY)
    with closing(open_reader(path)) as conn:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, hard))
        try:
            with pytest.raises(OSError, match="large"):
                export(StoredLedger(conn), note, ORIGIN, [me], folder)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert independent.accept(fetch(folder), ORIGIN, PUBLIC) == 300
    assert publish(path, note, folder) == 1_200
    assert independent.accept(fetch(folder), ORIGIN, PUBLIC) == 1_200


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM entry WHERE idx = 500",
        "DELETE FROM tile WHERE level = 0 AND n = 1",
        "UPDATE tile SET hashes = zeroblob(8192) WHERE level = 0 AND n = 1",
    ],
)
def test_a_spoilt_ledger_is_not_published(tmp_path: Path, damage: str) -> None:
    path, folder = tmp_path / "l.db", tmp_path / "published"
    note = filled(path, 1_000)
    with closing(sqlite3.connect(path)) as conn, conn:
        conn.execute(damage)
    try:
        publish(path, note, folder)
    except (LedgerCorrupt, NoteInvalid):
        assert not (folder / "checkpoint").exists()
    else:  # a tile below the root's way may be wrong unseen: a reader sees it, and `ledger verify` names it
        with pytest.raises(independent.Rejected):
            independent.accept(fetch(folder), ORIGIN, PUBLIC)


def test_an_old_backup_does_not_overwrite_what_was_published(tmp_path: Path) -> None:
    path, folder = tmp_path / "l.db", tmp_path / "published"
    first = filled(path, 300)
    shutil.copy(path, tmp_path / "backup.db")
    publish(path, filled(path, 100, 300), folder)
    with pytest.raises(ExportRefused, match="older copy"):
        publish(tmp_path / "backup.db", first, folder)
    forked = filled(tmp_path / "backup.db", 200, 9_000)
    with pytest.raises(ExportRefused, match="two histories"):
        publish(tmp_path / "backup.db", forked, folder)
    assert independent.accept(fetch(folder), ORIGIN, PUBLIC) == 400
