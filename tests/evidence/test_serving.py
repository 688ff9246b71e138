"""GET /ledger/ serves a log that a foreign reader accepts, to those who may read it."""

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from litestar import Litestar
from litestar.testing import TestClient

from evidence import independent_log as independent
from tideng.evidence.entries import encode_entry
from tideng.evidence.serving import ledger_router
from tideng.evidence.sqlite import SCHEMA, SqliteLedger
from tideng.storage.sqlite import Writer


@pytest.mark.parametrize("may", [True, False])
def test_what_is_served(tmp_path: Path, may: bool) -> None:
    with Writer(tmp_path / "l.db", schema={"evidence": SCHEMA}) as writer:
        key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
        ledger = SqliteLedger(writer, origin="served.example", key=key, clock=lambda: 5)
        app = Litestar([ledger_router(ledger, lambda request: may)], openapi_config=None)
        with TestClient(app) as client:
            assert client.get("/ledger/checkpoint").status_code == 404  # there is none yet
            ledger.append([encode_entry({"kind": "t/1", "at": 5, "n": n}) for n in range(700)])
            ledger.checkpoint()
            ledger.append([encode_entry({"kind": "t/1", "at": 5, "n": n}) for n in range(9)])
            answers: dict[str, Any] = {}

            def fetch(path: str) -> bytes | None:
                answers[path] = client.get(f"/ledger/{path}")
                return answers[path].content if answers[path].status_code == 200 else None

            if not may:
                assert fetch("checkpoint") is None
                assert fetch("tile/0/000") is None
            else:
                assert independent.accept(fetch, "served.example", ledger.verifier.public) == 700
                assert fetch("tile/0/002.p/189") is None  # beyond the checkpoint
                assert answers["checkpoint"].headers["content-type"] == "text/plain; charset=utf-8"
                assert answers["checkpoint"].headers["cache-control"] == "no-cache"
                assert answers["tile/0/000"].headers["content-type"] == "application/octet-stream"
                assert "immutable" in answers["tile/0/000"].headers["cache-control"]
                assert fetch("tile/0/0") is None
                assert fetch("") is None
        ledger.close()
