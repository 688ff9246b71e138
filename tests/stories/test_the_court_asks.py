"""Story 1, afterwards: the court asks the SMS provider what it checked before it sent, and to prove it.

A real gateway takes a false debt demand and a library's notice over SMPP; a simulated carrier delivers one of
them. Then, with the gateway stopped, the commands hand over bundles, one person is erased, and everything
that was handed over before still holds in the eyes of a verifier that needs nothing of ours.
"""

import asyncio
import contextlib
import json
import subprocess
import sys
import zipfile
from importlib import resources
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from tideng.assembly import Gateway
from tideng.cli.main import app
from tideng.cli.play import DEBT, NOTICE, Stage
from tideng.gateway.carriers.settings import CarrierSettings
from tideng.gateway.carriers.simulator import SimulatedCarrier
from tideng.gateway.carriers.simulator_settings import SimulatorSettings
from tideng.gateway.settings import HttpDoorSettings, SmppDoorSettings
from tideng.settings import Loaded, Settings


async def what_happened(data: Path) -> tuple[str, str, str]:
    """The refused message, the delivered one, and the recipient's number."""
    carrier = SimulatedCarrier(SimulatorSettings(port=0))
    await carrier.start()
    settings = Settings(
        data=str(data),
        smpp=SmppDoorSettings(port=0),
        http=HttpDoorSettings(port=0),
        carriers=(CarrierSettings(id="simulated", host="127.0.0.1", port=carrier.port, system_id="tideng"),),
    )
    try:
        async with contextlib.AsyncExitStack() as stack:
            gateway = Gateway(Loaded(settings, {}))
            registry = resources.files("tideng.cli") / "play.toml"
            await gateway.registry.import_toml_async(registry.read_bytes(), "story")
            await stack.enter_async_context(gateway)
            stage = Stage(gateway, carrier, 0)
            await stage.until(lambda: gateway.carriers["simulated"].is_bound, "the bind")
            collector = await stage.customer("kexun", "kexun-01")
            [*_, refused] = await collector.submit(DEBT, stage.phone)
            await collector.close()
            assert refused.status != 0
            library = await stage.customer("library", "library3")
            [*_, sent] = await library.submit(NOTICE, stage.phone)
            await stage.until(lambda: stage.state(sent.message_id) == "delivered", "the delivery")
            carrier.reply("86" + stage.phone, "T")
            subject = gateway.store.subject("86" + stage.phone)
            sql = "SELECT 1 FROM opt_out WHERE subject = ?"
            reader = gateway.store.reader
            await stage.until(lambda: reader.execute(sql, (subject,)).fetchone() is not None, "the stop")
            await library.close()
            return refused.message_id, sent.message_id, stage.phone
    finally:
        await carrier.close()


def command(data: Path, *words: str, exits: int = 0) -> Any:
    done = CliRunner().invoke(app, ["--data", str(data), *words])
    assert done.exit_code == exits, (done.output, done.exception)
    try:
        return json.loads(done.stdout)
    except json.JSONDecodeError:
        return done.stdout


def verified(bundle: Path, verifier: Path) -> dict[str, str]:
    """The steps' statuses, as a program says that has nothing but Python: not even our packages."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(verifier), str(bundle), "--json"], capture_output=True, text=True
    )
    told = json.loads(done.stdout)
    assert told["verified"] is (done.returncode == 0)
    return {step["name"]: step["status"] for step in told["steps"]}


def test_the_court_asks(tmp_path: Path) -> None:
    data = tmp_path / "data"
    refused, sent, phone = asyncio.run(what_happened(data))
    verifier = tmp_path / "tideng-verify.pyz"
    command(data, "evidence", "verifier", str(verifier))

    # What did you check before you sent it?
    one = tmp_path / "refused.zip"
    told = command(data, "evidence", "bundle", "--message", refused, "--case", "(2026)沪0113民初1号",
                   "--purpose", "court", "--by", "counsel", "--out", str(one), "--json")  # fmt: skip
    assert told["fields_opened"] == 3  # recipient, text, and the octets as they came
    assert verified(one, verifier)["openings"] == "ok"
    with zipfile.ZipFile(one) as archive:
        decision = next(
            entry
            for name in archive.namelist()
            if name.startswith("entries/")
            and (entry := json.loads(archive.read(name))).get("message") == refused
        )
        page = archive.read("timeline.html").decode()
        environment = [json.loads(archive.read(n)) for n in archive.namelist() if n.startswith("entries/")]
        assert archive.read("timeline.pdf").startswith(b"%PDF-")
    assert decision["action"] == "refuse"
    assert "27911" in page
    assert any(entry["kind"] == "environment/1" for entry in environment)

    # Is that everything you hold about this number?
    everything = tmp_path / "number.zip"
    told = command(
        data,
        "evidence",
        "bundle",
        "--number",
        phone,
        "--case",
        "1",
        "--out",
        str(everything),
        "--json",
        "--no-pdf",
    )
    assert told["complete_from"] == 0
    statuses = verified(everything, verifier)
    assert statuses["completeness"] == "ok"
    with zipfile.ZipFile(everything) as archive:
        kinds = [json.loads(archive.read(n))["kind"] for n in archive.namelist() if n.startswith("entries/")]
    for kind in ("decision/2", "handover/2", "report/2", "inbound/2", "opt_out/1", "index/1", "export/1"):
        assert kind in kinds
    assert command(data, "evidence", "verify", str(everything), "--json")["verified"] is True

    # The man asks to be forgotten; what the court holds stays true.
    assert command(data, "subject", "export", phone)["messages"][0]["text"] == DEBT
    command(data, "subject", "erase", phone, "--yes")
    assert command(data, "subject", "export", phone)["messages"][0]["text"] is None
    assert verified(one, verifier)["openings"] == "ok"
    assert verified(everything, verifier)["completeness"] == "ok"
    later = tmp_path / "later.zip"
    told = command(data, "evidence", "bundle", "--message", sent, "--out", str(later), "--json", "--no-pdf")
    assert told["fields_opened"] == 0
    assert verified(later, verifier)["openings"] == "absent"
    assert command(data, "ledger", "verify", "--json")["intact"] is True

    # And whoever changes one letter of it is met.
    content = bytearray(one.read_bytes())
    content[len(content) // 2] ^= 1
    one.write_bytes(content)
    assert "failed" in verified(one, verifier).values()
    command(data, "evidence", "verify", str(one), exits=1)


def test_the_ledger_can_be_handed_to_anyone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    refused, _, _ = asyncio.run(what_happened(data))
    folder = tmp_path / "published"
    told = command(data, "ledger", "export", str(folder), "--json")
    assert told["size"] > 0
    assert command(data, "ledger", "export", str(folder), "--json")["files"] == 0
    proof = tmp_path / "one.tlog-proof"
    command(data, "ledger", "prove", "0", "--out", str(proof), "--json")
    assert proof.read_text().startswith("c2sp.org/tlog-proof@v1\nindex 0\n")
    keys = command(data, "ledger", "rotate-key", "--json")
    assert keys["old"] != keys["new"]
    assert command(data, "ledger", "verify", "--json")["intact"] is True
    assert command(data, "retention", "run", "--dry-run", "--json")["due"]["messages"] == 0
    assert "183" in command(data, "retention", "show", "--json")["classes"].__repr__()
    command(data, "evidence", "bundle", "--out", str(tmp_path / "x.zip"), exits=2)
    command(
        data, "evidence", "bundle", "--message", "1", "--out", str(tmp_path / "x.zip"), "--no-pdf", exits=1
    )
    page = tmp_path / "verify.html"
    command(data, "evidence", "page", str(page))
    assert "sha256-" in page.read_text("utf-8")
    assert command(data, "status", refused, "--json")["message"]["action"] == "refuse"
