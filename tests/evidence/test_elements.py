"""What a decision records beyond its verdict: the facts it read, who came how, and the octets themselves."""

import hashlib
import json
import zipfile
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

from click.testing import Result
from msgspec.structs import replace
from typer.testing import CliRunner

from api.api_rig import NOTICE, Rig, play
from evidence.case_rig import ORIGIN, issue
from evidence.case_rig import opened as opened_store
from tideng.cli.main import app
from tideng.evidence.commitment import opens
from tideng.gateway.carriers.incoming import CarrierReport
from tideng.gateway.registry.store import record_consents_in
from tideng.gateway.registry.values import Consent
from tideng.gateway.reports import Reports
from tideng.gateway.second_look import SecondLook
from tideng.gateway.settings import ReportSettings
from tideng.gateway.store import queries
from tideng.gateway.store.case import GatewayCase
from tideng.gateway.wire.smpp.receipts import ReceiptState

LI = "13900000009"
SALE = "【云麓图书馆】年末大促全场五折优惠,限时抢购!回T退订"
DEBT = "【衡岳资产】您拖欠借款27911元,请于今日18时前还清,否则将起诉并通知单位。"


def decision(rig: Rig, message: int, nth: int = 0) -> tuple[int, dict[str, Any]]:  # Any: an entry
    steps = queries.entries_of(rig.store, message)
    return [(index, entry) for index, entry in steps if entry["kind"].startswith("decision/")][nth]


def opened(rig: Rig, message: int, nth: int = 0) -> dict[str, str]:
    """What opens of this decision, as its bundle would show it."""
    index, entry = decision(rig, message, nth)
    found = GatewayCase(rig.store).openings(rig.store.reader, {index: entry})[index]
    assert all(opens(entry[one.field], one.key, one.value) for one in found)
    return {one.field: one.value for one in found}


def test_a_message_of_a_request_keeps_its_own_octets(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        mine = f'{{ "to": "13900000001", "text": "{NOTICE}" }}'
        slots = '{"day":"2026-12-01","title":"\\u7ea2\\u697c\\u68a6"}'
        due = f'{{"to":"13900000002","template":"due","slots":{slots}}}'
        body = f'{{"messages": [{mine},\n {due}]}}'.encode()
        async with await rig.client("library", "send") as client:
            answer = await client.post(
                "/v1/messages", content=body, headers={"content-type": "application/json"}
            )
            one, two = (int(each["id"]) for each in answer.json()["results"])
            alone = await client.post(
                "/v1/messages", content=mine.encode(), headers={"content-type": "application/json"}
            )
        _, first = decision(rig, one)
        _, second = decision(rig, two)
        assert first["auth"] == "api_key"
        assert first["batch"] == second["batch"] != ""
        assert bytes.fromhex(opened(rig, one)["raw"]).decode() == mine
        assert bytes.fromhex(opened(rig, two)["raw"]).decode() == due
        assert opened(rig, two)["slots"] == '{"day":"2026-12-01","title":"红楼梦"}'
        assert (first["classified_by"], second["classified_by"]) == ("text", "template")
        _, single = decision(rig, int(alone.json()["id"]))
        assert (single["batch"], single["slots"]) == ("", "")
        # Nobody can try all numbers against what lies in the open.
        assert "13900000001" not in json.dumps(first)
        assert first["raw"] != single["raw"]

    play(tmp_path, scene)


def test_the_facts_that_were_read_are_named(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        store = rig.store
        library = rig.registry.snapshot.customers["library"]
        rig.registry.change([replace(library, categories=("notice", "commercial"))], "test")
        agreed = Consent(
            principal="library", recipient=store.subject("86" + LI), category="commercial", wording="v1",
            channel="desk", given_at=1,
        )  # fmt: skip
        await store.run(
            partial(record_consents_in, ledger=store.ledger, given=[agreed], at=store.now(), by="t")
        )
        consent = store.ledger.size - 1
        async with await rig.client("library", "send") as client:
            ids = []
            for text in (SALE, SALE.replace("五折", "六折")):
                answer = await client.post("/v1/messages", json={"to": LI, "text": text})
                ids.append(int(answer.json().get("id") or answer.json()["message_id"]))
        (index, first), (_, second) = decision(rig, ids[0]), decision(rig, ids[1])
        assert first["category"] == "commercial"
        assert first["consent"] == second["consent"] == consent
        assert json.loads(store.ledger.leaf(consent))["kind"] == "consent/1"
        assert (first["counted"], second["counted"]) == (["86400:0:2"], ["86400:1:2"])
        assert consent < first["as_of"] <= index < second["as_of"]
        answer = await _sent(rig, "13900000001", NOTICE)
        _, notice = decision(rig, answer)
        assert (notice["consent"], notice["counted"]) == (-1, [])

    play(tmp_path, scene)


async def _sent(rig: Rig, to: str, text: str, customer: str = "library") -> int:
    async with await rig.client(customer, "send") as client:
        answer = await client.post("/v1/messages", json={"to": to, "text": text})
        return int(answer.json()["id"])


def test_a_person_decides_and_both_decisions_open(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        example = Path(__file__).parents[2] / "docs/operate/examples/registry.toml"
        rig.registry.import_toml(example.read_bytes(), "test")
        held = await _sent(rig, LI, DEBT, "lvzhou")
        assert decision(rig, held)[1]["action"] == "hold"
        look = SecondLook(rig.store, rig.dispatch, rig.mailbox, rig.ids, validity_h=1)
        await look.decide(held, "send", "mei", "已核对委托书")
        _, first = decision(rig, held, 0)
        _, second = decision(rig, held, 1)
        assert (second["by"], second["action"], first["reason"]) == ("person:mei", "send", "")
        assert opened(rig, held, 1)["reason"] == "已核对委托书"
        assert "reason" not in opened(rig, held, 0)
        same = ("recipient", "text", "raw")
        assert all(opened(rig, held, 0)[field] == opened(rig, held, 1)[field] for field in same)
        assert "已核对" not in json.dumps(second, ensure_ascii=False)

    play(tmp_path, scene)
    found = queries_of(tmp_path)
    issued = issue(tmp_path, messages=(found,), fields=("recipient", "text", "raw", "reason"))
    with zipfile.ZipFile(BytesIO(issued.content)) as archive:
        told = archive.read("timeline.html").decode()
    assert "已核对委托书" in told
    assert told.count("短信内容") == 2


def queries_of(folder: Path) -> int:
    """The one message there."""
    with opened_store(folder) as (store, _):
        [found] = store.reader.execute("SELECT id FROM message").fetchone()
        return int(found)


def test_the_octets_of_a_report_can_be_checked_by_who_has_them(tmp_path: Path) -> None:
    pdu = tmp_path / "report.pdu"
    pdu.write_bytes(b"\0\0\0\x14\0\0\0\x05" + bytes(4) + b"\0\0\0\x07id:7")
    answered: list[bool] = []

    async def scene(rig: Rig) -> None:
        reports = Reports(rig.store, rig.dispatch, rig.mailbox, rig.ids, {}, ReportSettings())
        reports.start()
        seen = CarrierReport(
            carrier="k1",
            carrier_id="7",
            state=ReceiptState.DELIVERED,
            final=True,
            error="000",
            received_at=rig.store.now(),
            raw=pdu.read_bytes(),
            ack=answered.append,
        )
        reports.take([seen])
        await reports.close()

    play(tmp_path / "data", scene)
    assert answered == [True]
    with opened_store(tmp_path / "data") as (store, _):
        index = store.ledger.size - 1
        leaf = store.ledger.leaf(index)
    entry = json.loads(leaf)
    assert entry["kind"] == "report/2"
    assert hashlib.sha256(pdu.read_bytes()).hexdigest() not in leaf.decode()

    def octets(file: Path, at: int = index) -> Result:
        return CliRunner().invoke(
            app,
            ["--data", str(tmp_path / "data"), "ledger", "octets", str(at), str(file), "--json"],
            env={"TIDENG_ORIGIN": ORIGIN},
        )

    done = octets(pdu)
    assert done.exit_code == 0, done.output
    assert opens(entry["raw"], bytes.fromhex(json.loads(done.stdout)["key"]), pdu.read_bytes().hex())
    other = tmp_path / "other.pdu"
    other.write_bytes(pdu.read_bytes()[:-1] + b"8")
    refused = octets(other)
    assert (refused.exit_code, json.loads(refused.stdout)["key"]) == (1, "")
    assert "not recorded" in octets(pdu, 0).output
    assert octets(tmp_path / "none").exit_code == 2
    assert octets(pdu, 10_000).exit_code == 2
