"""What earlier releases handed over or left behind, in the eyes of today's code."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tideng.evidence.entries import encode_entry
from tideng.evidence.sqlite import SCHEMA, SqliteLedger
from tideng.evidence.verifier.steps import OK, verify
from tideng.storage.sqlite import Writer

HERE = Path(__file__).parent
BUNDLES = sorted(HERE.glob("bundle-*.zip"))
LEDGERS = sorted(HERE.glob("ledger-schema-*.db"))
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def test_there_is_one_of_each_version() -> None:
    assert [path.name for path in LEDGERS] == [f"ledger-schema-{n}.db" for n in range(1, len(SCHEMA) + 1)]
    assert BUNDLES


@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda path: path.name)
def test_old_bundles_verify(bundle: Path) -> None:
    report = verify(bundle.read_bytes())
    assert report.statuses == [OK] * 10, report.says


@pytest.mark.parametrize("database", LEDGERS, ids=lambda path: path.name)
def test_old_ledgers_open_verify_and_go_on(database: Path, tmp_path: Path) -> None:
    shutil.copy(database, tmp_path / "l.db")
    with Writer(tmp_path / "l.db", schema={"evidence": SCHEMA}) as writer:
        ledger = SqliteLedger(writer, origin="compat.example/log", key=KEY, clock=lambda: 2**51)
        try:
            assert (ledger.size, ledger.verify().checkpoints) == (300, 2)
            ledger.append([encode_entry({"kind": "t/1", "at": 2**51, "n": 300})])
            ledger.checkpoint()
            assert ledger.verify().is_intact
        finally:
            ledger.close()
    with closing(sqlite3.connect(tmp_path / "l.db")) as conn:
        [version] = conn.execute("SELECT max(version) FROM schema_version WHERE room = 'evidence'").fetchone()
    assert version == len(SCHEMA)
