"""A running gateway with a running witness and an authority: what it shows, over real sockets."""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidence import independent_log as independent
from evidence.authority import Authority
from tideng.assembly import Gateway
from tideng.assembly.evidence import make_timestamper
from tideng.evidence.keys import signing_key
from tideng.evidence.note import encode_vkey, verifier_for
from tideng.evidence.settings import EvidenceSettings
from tideng.evidence.witness import SCHEMA, Witness
from tideng.evidence.witness_door import witness_app
from tideng.gateway.settings import HttpDoorSettings, SmppDoorSettings
from tideng.settings import Loaded, Settings, SettingsInvalid
from tideng.storage.sqlite import Writer

ORIGIN = "upkeep.example/ledger"


@asynccontextmanager
async def witness_at(witness: Witness) -> AsyncIterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(witness_app(witness), log_config=None, lifespan="off", access_log=False)
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:
            await asyncio.sleep(0)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


def test_a_gateway_shows_what_its_witness_saw(tmp_path: Path) -> None:
    log_key = signing_key(tmp_path / "ledger.key")
    log = verifier_for(ORIGIN, log_key)
    key = Ed25519PrivateKey.from_private_bytes(b"w" * 32)

    async def play() -> None:
        with Writer(tmp_path / "w.db", schema={"witness": SCHEMA}) as writer:
            witness = Witness(writer, name="w.example", key=key, logs=[log], clock_s=lambda: 1_800_000_000)
            async with witness_at(witness) as url:
                policy = tmp_path / "policy.txt"
                policy.write_text(f"witness W {encode_vkey(witness.verifier)} {url}\nquorum W\n")
                settings = Settings(
                    data=str(tmp_path),
                    origin=ORIGIN,
                    smpp=SmppDoorSettings(port=0),
                    http=HttpDoorSettings(port=0),
                    evidence=EvidenceSettings(witness_policy=str(policy)),
                )
                async with Gateway(Loaded(settings, {})) as gateway, gateway.http() as door:
                    await gateway.store.run(gateway.store.ledger.checkpoint_in)
                    base = f"http://{door.host}:{door.port}/ledger"
                    async with httpx.AsyncClient(trust_env=False) as client:
                        assert (await client.get(f"{base}/checkpoint")).status_code == 404
                        done = await asyncio.to_thread(gateway.evidence.publisher.publish)
                        assert done is not None
                        assert done.is_witnessed
                        shown = {}
                        for path in ("checkpoint", "tile/0/000.p/1", "tile/entries/000.p/1"):
                            shown[path] = (await client.get(f"{base}/{path}")).content
                        forwarded = {"X-Forwarded-For": "203.0.113.9"}
                        outside = await client.get(f"{base}/checkpoint", headers=forwarded)
                        assert outside.status_code == 404  # readers are those on this machine, unless opened
                    size = independent.accept(shown.get, ORIGIN, log.public)
                    assert size == done.size == 1  # the entry environment/1
                    note, public = shown["checkpoint"], witness.verifier.public
                    assert independent.cosignature_time(note, "w.example", public) == 1_800_000_000
                    assert witness.size_of(ORIGIN) == 1
                    assert gateway.evidence.gauges() == {"ledger_unwitnessed_s": 0.0}

    asyncio.run(play())


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no program named openssl")
def test_a_gateway_has_its_checkpoints_stamped(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "tsa")
    (tmp_path / "roots.pem").write_bytes(authority.roots)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            answer = authority.answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    settings = Settings(
        data=str(tmp_path / "data"),
        smpp=SmppDoorSettings(port=0),
        evidence=EvidenceSettings(
            timestamp_url=f"http://127.0.0.1:{server.server_port}/",
            timestamp_roots=str(tmp_path / "roots.pem"),
        ),
    )

    async def play() -> None:
        async with Gateway(Loaded(settings, {})) as gateway:
            await gateway.store.run(gateway.store.ledger.checkpoint_in)
            stamper = make_timestamper(gateway.store, settings)
            assert stamper is not None
            stamp = await asyncio.to_thread(stamper.stamp)
            assert stamp is not None
            assert stamp.size == gateway.store.ledger.size

    try:
        asyncio.run(play())
    finally:
        server.shutdown()
        server.server_close()


def test_settings_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "policy").write_text("quorum nobody\n")
    for evidence, word in (
        (EvidenceSettings(witness_policy=str(tmp_path / "policy")), "witness_policy"),
        (EvidenceSettings(witness_policy=str(tmp_path / "absent")), "witness_policy"),
        (EvidenceSettings(timestamp_url="http://127.0.0.1:9/"), "timestamp_roots"),
    ):
        settings = Settings(data=str(tmp_path / "data"), smpp=SmppDoorSettings(port=0), evidence=evidence)
        with pytest.raises(SettingsInvalid, match=word):
            Gateway(Loaded(settings, {}))
