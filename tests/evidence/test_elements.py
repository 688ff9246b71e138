"""What a decision records beyond its verdict: the facts it read, who came how, and the octets themselves."""

import hashlib
import json
import zipfile
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from msgspec.structs import replace
from typer.testing import CliRunner

from api.api_rig import NOTICE, Rig, play
from evidence.case_rig import ORIGIN, issue
from evidence.case_rig import opened as opened_store
from tideng.assembly.evidence import record_clock_state
from tideng.cli.main import app
from tideng.evidence.clock_state import clock_state
from tideng.evidence.commitment import opens
from tideng.gateway.carriers.incoming import CarrierReport
from tideng.gateway.complaints import steps_of
from tideng.gateway.registry.problems import RegistryInvalid
from tideng.gateway.registry.store import record_consents_in
from tideng.gateway.registry.values import Consent, Hop
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


def test_a_complaint_is_part_of_the_message_life(tmp_path: Path) -> None:
    ids: list[int] = []

    async def scene(rig: Rig) -> None:
        message = await _sent(rig, LI, NOTICE)
        ids.append(message)
        key = await rig.client("", "admin")
        async with key as admin:

            async def step(name: str, **more: object) -> tuple[int, str]:
                body = {"message": str(message), "complaint": "12321-7", "step": name, **more}
                answer = await admin.post("/v1/evidence/complaints", json=body)
                return answer.status_code, answer.text

            assert "not received yet" in (await step("forwarded"))[1]
            assert (await step("received", text="不是我的书", due_at="2026-12-04T00:00:00+08:00"))[0] == 200
            assert "received already" in (await step("received"))[1]
            assert (await step("measure", text="已停发"))[0] == 200
            assert (await step("closed"))[0] == 200
            assert "is closed" in (await step("answered"))[1]
            assert "no message" in (await step("received", message="17"))[1]
        told = [entry for _, entry in queries.entries_of(rig.store, message)]
        assert [entry["step"] for entry in told[1:]] == ["received", "measure", "closed"]
        assert "不是我的书" not in json.dumps(told, ensure_ascii=False)
        assert [one.text for one in steps_of(rig.store, message)] == ["不是我的书", "已停发", ""]
        assert [one.due_at > 0 for one in steps_of(rig.store, message)] == [True, False, False]

    play(tmp_path, scene)
    with zipfile.ZipFile(BytesIO(issue(tmp_path, number="86" + LI).content)) as archive:
        page = archive.read("timeline.html").decode()
    assert "不是我的书" in page
    assert "12321-7" in page
    done = CliRunner().invoke(
        app,
        [
            "--data",
            str(tmp_path),
            "evidence",
            "complaint",
            str(ids[0]),
            "received",
            "--complaint",
            "8",
            "--json",
        ],
        env={"TIDENG_ORIGIN": ORIGIN},
    )
    assert done.exit_code == 0, done.output
    wrong = CliRunner().invoke(
        app,
        ["--data", str(tmp_path), "evidence", "complaint", str(ids[0]), "praised", "--complaint", "8"],
        env={"TIDENG_ORIGIN": ORIGIN},
    )
    assert wrong.exit_code == 2


def test_everyone_between_principal_and_customer_is_handed_over(tmp_path: Path) -> None:
    ids: list[int] = []

    async def scene(rig: Rig) -> None:
        mandate = rig.registry.snapshot.mandates_by_id["m1"]
        wrong = replace(mandate, via=(Hop(name=" ", document_hash="x"),))
        with pytest.raises(RegistryInvalid) as refused:
            rig.registry.change([wrong], "test")
        assert "via[0].name" in str(refused.value)
        hops = (Hop(name="某某传媒有限公司", document_hash="cd" * 32),)
        rig.registry.change([replace(mandate, via=hops)], "test")
        ids.append(await _sent(rig, LI, NOTICE))
        assert "mandate:m1@2" in decision(rig, ids[0])[1]["registry"]

    play(tmp_path, scene)
    bundle = issue(tmp_path, messages=(ids[0],))
    with zipfile.ZipFile(BytesIO(bundle.content)) as archive:
        bodies = b"".join(archive.read(name) for name in archive.namelist() if name.startswith("registry/"))
    assert "某某传媒有限公司".encode() in bodies


def test_how_far_the_clock_could_be_off_is_recorded(tmp_path: Path) -> None:
    state = clock_state()
    assert state.max_error_us >= -1
    assert not (state.is_synchronised and state.max_error_us < 0)

    async def scene(rig: Rig) -> None:
        position = record_clock_state(rig.store)
        entry = json.loads(rig.store.ledger.leaf(position))
        assert entry["kind"] == "clock_state/1"
        await _sent(rig, LI, NOTICE)

    play(tmp_path, scene)
    with zipfile.ZipFile(BytesIO(issue(tmp_path, number="86" + LI).content)) as archive:
        kinds = [json.loads(archive.read(n))["kind"] for n in archive.namelist() if n.startswith("entries/")]
    assert "clock_state/1" in kinds
