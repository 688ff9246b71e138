"""Story 1: the debt that was not owed. Retold over real sockets, with a customer's client that is not ours.

A man gets a demand for 27,911 yuan. He owes nothing. The court held the customer *and* the SMS provider
liable: the provider knew what it was sending, reviewed nothing before it sent, and could not prove care.
Here the same text meets a provider that reviews first, and can prove it.
"""

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import smpplib.client
import smpplib.command
import smpplib.consts
import smpplib.exceptions
import smpplib.gsm
import smpplib.smpp

from gateway.process import PATIENCE_S, CarrierThread, GatewayProcess, until

DEMAND = (
    "【衡岳资产】余先生,目前最新欠款:27911元,现申请特殊减免还9431元即可结清账目,提供结清证明。"
    "减免有效时间截至本月21日上午10点。过期将永久取消此权益,并追责全款,追究其法律责任,详询{callback},退订回“T”。"
)
NOTICE = "【云麓图书馆】您预约的《提灯》已到馆,请凭读者证在总服务台领取,为您保留三天。退订回T"
MAN = "13800138001"
READER = "13800138002"


class Customer:
    """smpplib, bound as a transceiver, listening in a thread."""

    def __init__(self, port: int, system_id: str, password: str) -> None:
        self.reports: list[str] = []
        self.answers: dict[int, object] = {}
        self._client = smpplib.client.Client("127.0.0.1", port, allow_unknown_opt_params=True)
        self._client.set_message_sent_handler(lambda pdu: self.answers.__setitem__(pdu.sequence, pdu))
        self._client.set_message_received_handler(self._received)
        self._client.set_error_pdu_handler(lambda pdu: self.answers.__setitem__(pdu.sequence, pdu))
        self._client.connect()
        self._client.bind_transceiver(system_id=system_id, password=password)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def submit(self, text: str, to: str) -> object:
        """The answer to the last part."""
        parts, coding, udhi = smpplib.gsm.make_parts(text)
        sequences = [
            self._client.send_message(
                source_addr="",
                dest_addr_ton=smpplib.consts.SMPP_TON_INTL,
                dest_addr_npi=smpplib.consts.SMPP_NPI_ISDN,
                destination_addr=to,
                short_message=part,
                data_coding=coding,
                esm_class=udhi,
                registered_delivery=True,
            ).sequence
            for part in parts
        ]
        until(lambda: sequences[-1] in self.answers, "the answer")
        return self.answers[sequences[-1]]

    def _received(self, pdu: object) -> int:
        self.reports.append(pdu.short_message.decode("latin-1"))  # type: ignore[attr-defined]
        return 0

    def _listen(self) -> None:
        try:
            self._client.listen()
        except (OSError, smpplib.exceptions.ConnectionError, ValueError):
            return

    def close(self) -> None:
        # Not `unbind()`: it reads the answer itself, while our thread listens.
        self._client.send_pdu(smpplib.smpp.make_pdu("unbind", client=self._client))
        self._thread.join(PATIENCE_S)
        self._client.disconnect()


@pytest.fixture(autouse=True)
def _smpplib_knows_the_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What docs/integrate/smpp.md tells its users: the library knows the TLV, but not in this answer."""
    known = smpplib.command.SubmitSMResp.params
    codes = {"additional_status_info_text": smpplib.command.Param(type=str, max=256)}
    monkeypatch.setattr(smpplib.command.SubmitSMResp, "params", {**known, **codes})


@pytest.fixture
def carrier() -> Iterator[CarrierThread]:
    thread = CarrierThread()
    thread.up()
    yield thread
    thread.close()


@pytest.fixture
def gateway(tmp_path: Path, carrier: CarrierThread) -> Iterator[GatewayProcess]:
    process = GatewayProcess(tmp_path, carrier.port)
    process.import_registry()
    made = process.tideng("api-key", "add", "kexun", "--json")
    (tmp_path / "token").write_text(json.loads(made.stdout)["token"], "utf-8")
    process.start()
    yield process
    process.end()


def codes_in(answer: object) -> set[str]:
    """Finding codes as they stand in additional_status_info_text (0x001D) of the refusal."""
    octets = answer.additional_status_info_text  # type: ignore[attr-defined]
    said = octets.decode("latin-1") if isinstance(octets, bytes) else str(octets)
    return set(re.findall(r"[A-Z][A-Z_]{3,}", said))


def entries_of(gateway: GatewayProcess, message: str) -> list[dict[str, object]]:
    done = gateway.tideng("status", message, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    return [dict(step["entry"]) for step in told["life"]]


def state(gateway: GatewayProcess, message: str) -> str:
    rows = gateway.ask("SELECT state FROM message WHERE id = ?", int(message))
    return str(rows[0][0]) if rows else ""


def test_the_debt_that_was_not_owed(gateway: GatewayProcess, carrier: CarrierThread) -> None:
    # A customer whom no principal asked: refused, with the reasons, before anything reached a carrier.
    kexun = Customer(gateway.smpp_port, "kexun", "kexun-01")
    refused = kexun.submit(DEMAND.format(callback="4000000009"), MAN)
    assert 0x400 <= refused.status <= 0x4FF  # type: ignore[attr-defined]
    # smpplib's answer names what the whole list of findings says: at least the two that matter in court.
    assert {"MANDATE_MISSING", "DEBT_DEMAND_UNMANDATED"} <= codes_in(refused)
    kexun.close()

    # The same words under a mandate that names debt: a person must look.
    lvzhou = Customer(gateway.smpp_port, "lvzhou", "lvzhou02")
    held = lvzhou.submit(DEMAND.format(callback="4000000002"), MAN)
    assert held.status == 0  # type: ignore[attr-defined]
    held_id = held.message_id.decode()  # type: ignore[attr-defined]
    assert state(gateway, held_id) == "held"
    until(lambda: any(f"id:{held_id}" in report for report in lvzhou.reports), "the intermediate report")
    lvzhou.close()

    # A lawful notice goes through, and its report comes back.
    library = Customer(gateway.smpp_port, "library", "library3")
    sent = library.submit(NOTICE, READER)
    assert sent.status == 0  # type: ignore[attr-defined]
    sent_id = sent.message_id.decode()  # type: ignore[attr-defined]
    until(lambda: state(gateway, sent_id) == "delivered", "the delivery")
    until(lambda: any(f"id:{sent_id}" in r and "DELIVRD" in r for r in library.reports), "the report")
    assert carrier.texts == [NOTICE], "nothing but the notice may have reached the carrier"

    # The reader says T: in force before the carrier has its answer; the next one is refused.
    carrier.reply("86" + READER, "T")
    until(lambda: gateway.ask("SELECT count(*) FROM opt_out") == [(1,)], "the opt-out")
    again = library.submit(NOTICE.replace("提灯", "夜行记"), READER)
    assert codes_in(again) == {"OPTED_OUT"}
    library.close()

    # The court asks: what did you check, and can you prove it?
    lives = {one: [entry["kind"] for entry in entries_of(gateway, one)] for one in (held_id, sent_id)}
    assert lives[held_id] == ["decision/2"]
    assert lives[sent_id][:3] == ["decision/2", "handover/2", "report/2"]
    decision = entries_of(gateway, sent_id)[0]
    assert READER not in json.dumps(decision, ensure_ascii=False)
    assert "提灯" not in json.dumps(decision, ensure_ascii=False)
    assert gateway.verify()["intact"]


def test_over_http_the_refusal_has_its_reasons_too(
    gateway: GatewayProcess, carrier: CarrierThread, tmp_path: Path
) -> None:
    token = (tmp_path / "token").read_text("utf-8")
    answer = httpx.post(
        f"http://127.0.0.1:{gateway.http_port}/v1/messages",
        json={"to": MAN, "text": DEMAND.format(callback="4000000009")},
        headers={"Authorization": f"Bearer {token}"},
    )
    told = answer.json()
    assert answer.status_code == 422
    assert {"MANDATE_MISSING", "DEBT_DEMAND_UNMANDATED", "DEBT_DEMAND"} <= set(told["codes"])
    assert carrier.texts == []
