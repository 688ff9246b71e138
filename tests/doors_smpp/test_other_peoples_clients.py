"""Other people's SMPP clients as customers of the whole gateway, assembled as in production.

smpplib (blocking, in a thread of its own) and aiosmpplib share no code with ours. Behind the gateway stands a
simulated carrier on loopback; the registry is the one of the play.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import smpplib.client
import smpplib.command
import smpplib.consts
import smpplib.gsm
from aiosmpplib import ESME, NPI, TON, PhoneNumber, SubmitSm
from aiosmpplib.broker import SimpleBroker
from aiosmpplib.hook import AbstractHook
from aiosmpplib.protocol import DeliverSm, SubmitSmResp

from tideng.assembly import Gateway
from tideng.cli.play import DEBT
from tideng.gateway.carriers.settings import CarrierSettings
from tideng.gateway.carriers.simulator import SimulatedCarrier
from tideng.gateway.carriers.simulator_settings import SimulatorSettings
from tideng.gateway.settings import HttpDoorSettings, SmppDoorSettings
from tideng.settings import Loaded, Settings

PATIENCE_S = 30
NOON = 1_795_579_200_000_000
"""2026-11-25 12:00 in Shanghai: no quiet hours, whatever the machine's clock says."""
SHORT = "【云麓图书馆】您预约的《提灯》已到馆,请凭读者证领取。"
EMOJI = "【云麓图书馆】您预约的《提灯》📚已到馆👍🏽请凭读者证领取😀"
# 139 units: the 67th of the first part and the 68th are the halves of one emoji.
LONG = "【云麓图书馆】" + "您预约的图书已到馆" * 6 + "请来取" + "馆" * 2 + "📚" + "三天内为您保留" * 10
KEXUN = ("kexun", "kexun-01", "106900990001")
LIBRARY = ("library", "library3", "106900990003")


class Story:
    """A gateway, its carrier, and a way to wait for either."""

    def __init__(self, gateway: Gateway, carrier: SimulatedCarrier) -> None:
        self.gateway, self.carrier = gateway, carrier

    @property
    def port(self) -> int:
        return self.gateway.smpp.port

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not holds():
                await asyncio.sleep(0.005)

    def texts(self) -> list[str]:
        """What phones have received."""
        return [one.text for one in self.carrier.received]

    def state(self, message: str) -> str:
        row = self.gateway.store.reader.execute("SELECT state FROM message WHERE id = ?", (int(message),))
        found = row.fetchone()
        return "" if found is None else str(found[0])


@asynccontextmanager
async def running(folder: Path, refusals: str = "coded") -> AsyncIterator[Story]:
    began = time.monotonic_ns()
    carrier = SimulatedCarrier(SimulatorSettings(port=0))
    await carrier.start()
    settings = Settings(
        data=str(folder / "data"),
        policy="cn-2026",
        smpp=SmppDoorSettings(port=0),
        http=HttpDoorSettings(port=0),
        carriers=(CarrierSettings(id="simulated", host="127.0.0.1", port=carrier.port, system_id="tideng"),),
    )
    gateway = Gateway(Loaded(settings, {}), now=lambda: NOON + (time.monotonic_ns() - began) // 1_000)
    registry = (resources.files("tideng.cli") / "play.toml").read_bytes()
    wanted = f'password = "kexun-01"\nrefusals = "{refusals}"\n'
    registry = registry.replace(b'password = "kexun-01"', wanted.encode())
    await gateway.registry.import_toml_async(registry, "test")
    try:
        async with gateway:
            story = Story(gateway, carrier)
            await story.until(lambda: gateway.carriers["simulated"].is_bound)
            yield story
    finally:
        await carrier.close()


def play(folder: Path, tell: Callable[[Story], Awaitable[None]], refusals: str = "coded") -> None:
    async def run() -> None:
        async with running(folder, refusals) as story, asyncio.timeout(2 * PATIENCE_S):
            await tell(story)

    asyncio.run(run())


# smpplib


class Blocking:
    """smpplib as a customer uses it; every method runs in a thread."""

    def __init__(self, client: smpplib.client.Client, code_number: str) -> None:
        self.client, self.code_number = client, code_number
        self.accepted: list[str] = []
        self.refused: list[Any] = []
        self.told: list[Any] = []
        self.answered = 0
        client.set_message_sent_handler(self._sent)
        client.set_error_pdu_handler(self.refused.append)
        client.set_message_received_handler(lambda pdu: self.told.append(pdu))

    def _sent(self, pdu: Any) -> None:
        """Called for every answer, also after the error handler was called for it."""
        if not pdu.is_error():
            self.accepted.append(pdu.message_id.decode())
        self.answered += 1

    def send(self, text: str, to: str, *, sar: bool = False) -> None:
        """Send all parts, then wait for their answers: a window as large as the message."""
        parts, coding, esm_class = smpplib.gsm.make_parts(text, use_udhi=not sar)
        expected = self.answered + len(parts)
        for index, part in enumerate(parts, 1):
            in_parts = {"sar_msg_ref_num": 77, "sar_total_segments": len(parts), "sar_segment_seqnum": index}
            self.client.send_message(
                source_addr=self.code_number,
                dest_addr_ton=smpplib.consts.SMPP_TON_INTL,
                dest_addr_npi=smpplib.consts.SMPP_NPI_ISDN,
                destination_addr=to,
                short_message=part,
                data_coding=coding,
                esm_class=esm_class,
                registered_delivery=1,
                **(in_parts if sar else {}),
            )
        while self.answered < expected:
            self.client.read_once()

    def hear(self, letters: int) -> None:
        while len(self.told) < letters:
            self.client.read_once()


@contextmanager
def bound(story: Story, who: tuple[str, str, str]) -> Any:
    system_id, password, code_number = who
    client = smpplib.client.Client("127.0.0.1", story.port, timeout=PATIENCE_S, allow_unknown_opt_params=True)
    client.connect()
    client.bind_transceiver(system_id=system_id, password=password)
    try:
        yield Blocking(client, code_number)
        client.unbind()
    finally:
        client.disconnect()


def with_smpplib(
    folder: Path,
    who: tuple[str, str, str],
    script: Callable[[Story, Blocking], None],
    refusals: str = "coded",
) -> None:
    async def tell(story: Story) -> None:
        def customer() -> None:
            with bound(story, who) as blocking:
                script(story, blocking)

        await asyncio.to_thread(customer)

    play(folder, tell, refusals)


def states(told: list[Any]) -> list[tuple[str, bytes, int]]:
    """(id, word of the text, message_state) of each report."""
    return [
        (
            one.receipted_message_id.decode(),
            one.short_message.partition(b"stat:")[2][:7],
            int(one.message_state),
        )
        for one in told
    ]


@pytest.mark.parametrize("text", [SHORT, EMOJI])
def test_smpplib_chinese_and_emoji_with_their_report(tmp_path: Path, text: str) -> None:
    def script(story: Story, customer: Blocking) -> None:
        customer.send(text, "8613800138000")
        customer.hear(1)
        (message,) = customer.accepted
        assert states(customer.told) == [(message, b"DELIVRD", 2)]
        assert customer.told[0].source_addr == b"8613800138000"
        assert customer.told[0].destination_addr == b"106900990003"
        assert story.texts() == [text]

    with_smpplib(tmp_path, LIBRARY, script)


@pytest.mark.parametrize("sar", [False, True])
def test_smpplib_cuts_a_long_message_badly_and_it_arrives_well(tmp_path: Path, sar: bool) -> None:
    """smpplib cuts wherever the octets are full, here within an emoji; parts heal before the review."""

    def script(story: Story, customer: Blocking) -> None:
        parts, _, _ = smpplib.gsm.make_parts(LONG)
        assert len(parts) == 3
        with pytest.raises(UnicodeDecodeError):
            parts[0][6:].decode("utf-16-be")
        customer.send(LONG, "8613800138000", sar=sar)
        assert len(set(customer.accepted)) == 3
        customer.hear(3)
        assert sorted(states(customer.told)) == [(one, b"DELIVRD", 2) for one in sorted(customer.accepted)]
        assert story.texts() == [LONG]

    with_smpplib(tmp_path, LIBRARY, script)


@pytest.fixture
def _smpplib_knows_the_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What docs/integrate/smpp.md tells its users: the library knows the TLV, but not in this answer."""
    params = smpplib.command.SubmitSMResp.params
    more = {"additional_status_info_text": smpplib.command.Param(type=str, max=256)}
    monkeypatch.setattr(smpplib.command.SubmitSMResp, "params", {**params, **more})


@pytest.mark.usefixtures("_smpplib_knows_the_codes")
def test_smpplib_is_refused_with_status_and_codes(tmp_path: Path) -> None:
    def script(story: Story, customer: Blocking) -> None:
        customer.send(DEBT, "8613800138000")
        (refused,) = customer.refused
        assert (refused.command, refused.status) == ("submit_sm_resp", 0x0402)
        codes = refused.additional_status_info_text.decode().split(",")
        assert codes[0] == "MANDATE_MISSING"
        assert "DEBT_DEMAND_UNMANDATED" in codes
        assert story.state(refused.message_id.decode()) == "refused"
        _hears_of_its_parts(story, customer)

    with_smpplib(tmp_path, KEXUN, script)


def test_smpplib_as_it_is_by_the_standard_statuses(tmp_path: Path) -> None:
    def script(story: Story, customer: Blocking) -> None:
        customer.send(DEBT, "8613800138000")
        (refused,) = customer.refused
        assert refused.status == smpplib.consts.SMPP_ESME_RSUBMITFAIL
        assert story.state(refused.message_id.decode()) == "refused"
        _hears_of_its_parts(story, customer)

    with_smpplib(tmp_path, KEXUN, script, "standard")


def _hears_of_its_parts(story: Story, customer: Blocking) -> None:
    """The parts before the last one were accepted: their ids are reported, the last one's as well."""
    (refused,) = customer.refused
    customer.hear(len(customer.accepted) + 1)
    assert {word for _, word, _ in states(customer.told)} == {b"REJECTD"}
    assert {one for one, _, _ in states(customer.told)} == {*customer.accepted, refused.message_id.decode()}
    assert story.texts() == []


def test_smpplib_is_told_of_a_hold_and_of_the_release(tmp_path: Path) -> None:
    async def tell(story: Story) -> None:
        loop = asyncio.get_running_loop()

        def customer() -> None:
            with bound(story, ("lvzhou", "lvzhou02", "106900990002")) as held:
                held.send(DEBT.replace("4000000009", "4000000002"), "8613800138000")
                assert held.refused == []
                ids = held.accepted
                held.hear(len(ids))
                assert sorted(states(held.told)) == [(one, b"ENROUTE", 1) for one in sorted(ids)]
                assert {one.esm_class for one in held.told} == {0x20}
                assert story.texts() == []
                decided = story.gateway.second_look.decide(int(ids[-1]), "send", "reviewer", "mandate seen")
                asyncio.run_coroutine_threadsafe(decided, loop).result(PATIENCE_S)
                held.hear(2 * len(ids))
                final = held.told[len(ids) :]
                assert sorted(states(final)) == [(one, b"DELIVRD", 2) for one in sorted(ids)]
                assert {one.esm_class for one in final} == {0x04}

        await asyncio.to_thread(customer)
        assert story.texts() == [DEBT.replace("4000000009", "4000000002")]

    play(tmp_path, tell)


def test_smpplib_hears_a_reply_and_then_may_not_send(tmp_path: Path) -> None:
    async def tell(story: Story) -> None:
        loop = asyncio.get_running_loop()

        def customer() -> None:
            with bound(story, LIBRARY) as one:
                one.send(SHORT, "8613800138000")
                one.hear(1)
                loop.call_soon_threadsafe(
                    lambda: story.carrier.reply("8613800138000", "退订。谢谢😀", to="106900990003")
                )
                one.hear(2)
                reply = one.told[1]
                assert reply.short_message.decode("utf-16-be") == "退订。谢谢😀"
                assert (reply.esm_class, reply.source_addr) == (0, b"8613800138000")

        await asyncio.to_thread(customer)

    play(tmp_path, tell)


@pytest.mark.usefixtures("_smpplib_knows_the_codes")
def test_the_example_of_the_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = Path(__file__).parents[2] / "docs" / "integrate" / "smpp.md"
    _, _, rest = page.read_text("utf-8").partition("```python\n")
    block = rest.partition("```")[0]
    assert '"127.0.0.1", 2775,' in block

    async def tell(story: Story) -> None:
        def customer() -> None:
            names: dict[str, Any] = {}
            example = block.replace("2775", str(story.port)).replace("client.listen()\n", "")
            exec(compile(example, str(page), "exec"), names)
            client = names["client"]
            for _ in range(2):
                client.read_once()
            client.unbind()
            client.disconnect()

        await asyncio.to_thread(customer)

    play(tmp_path, tell)
    told = capsys.readouterr().out
    assert "accepted as b'" in told
    assert "stat:DELIVRD" in told


# aiosmpplib


class Hook(AbstractHook):
    """What the library hands to its user, and every PDU as it came."""

    def __init__(self) -> None:
        self.answers: list[SubmitSmResp] = []
        self.told: list[DeliverSm] = []
        self.raw: list[bytes] = []
        self.errors: list[Exception] = []

    async def sending(self, smpp_message: object, pdu: bytes, client_id: str) -> None:
        """Nothing to do."""

    async def received(self, smpp_message: object, pdu: bytes, client_id: str) -> None:
        self.raw.append(pdu)
        if isinstance(smpp_message, DeliverSm):
            self.told.append(smpp_message)
        elif isinstance(smpp_message, SubmitSmResp):
            self.answers.append(smpp_message)

    async def send_error(self, smpp_message: object, error: Exception, client_id: str) -> None:
        self.errors.append(error)

    def commands(self, command: int) -> list[bytes]:
        return [pdu for pdu in self.raw if int.from_bytes(pdu[4:8], "big") == command]


SUBMIT_RESP, DELIVER, BIND_RESP = 0x80000004, 0x05, 0x80000009


@asynccontextmanager
async def esme(story: Story, who: tuple[str, str, str]) -> AsyncIterator[tuple[Hook, Callable[..., Any]]]:
    system_id, password, code_number = who
    hook, broker = Hook(), SimpleBroker()
    one = ESME("127.0.0.1", story.port, system_id, password, hook=hook, broker=broker, log_level="CRITICAL")

    async def send(text: str, to: str, **fields: Any) -> None:
        await broker.enqueue(
            SubmitSm(
                short_message=text,
                source=PhoneNumber(code_number),
                destination=PhoneNumber(to, ton=TON.INTERNATIONAL, npi=NPI.ISDN),
                **{"encoding": "ucs2", "log_id": to, **fields},
            )
        )

    running = asyncio.create_task(one.start())
    try:
        await story.until(lambda: bool(hook.commands(BIND_RESP)))
        yield hook, send
    finally:
        left_open = one._writer  # the library drops it without closing
        await one.stop()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        if left_open is not None:
            left_open.close()


@pytest.mark.parametrize("text", [SHORT, EMOJI])
def test_aiosmpplib_chinese_and_emoji_with_their_report(tmp_path: Path, text: str) -> None:
    async def tell(story: Story) -> None:
        async with esme(story, LIBRARY) as (hook, send):
            await send(text, "8613800138000")
            await story.until(lambda: bool(hook.told))
            (answer,), (told,) = hook.answers, hook.told
            receipt = told.parse_receipt()
            assert (receipt["id"], receipt["stat"], receipt["err"]) == (answer.message_id, "DELIVRD", 0)
            assert told.log_id == "8613800138000", "the library has matched report and message"
            assert story.texts() == [text]
            assert hook.errors == []

    play(tmp_path, tell)


@pytest.mark.parametrize("how", ["payload", "header and sar"])
def test_aiosmpplib_sends_a_long_message(tmp_path: Path, how: str) -> None:
    """By message_payload, or cut; then it sends header and sar_* TLVs at once, which §5.2.12 forbids."""
    fields = {} if how == "payload" else {"auto_message_payload": False, "esm_class": 0x40}

    async def tell(story: Story) -> None:
        async with esme(story, LIBRARY) as (hook, send):
            await send(LONG, "8613800138000", **fields)
            parts = 1 if how == "payload" else 3
            await story.until(lambda: len(hook.commands(DELIVER)) == parts)
            assert len(hook.commands(SUBMIT_RESP)) == parts
            assert hook.told[-1].parse_receipt()["stat"] == "DELIVRD"
            assert story.texts() == [LONG]

    play(tmp_path, tell)


def test_aiosmpplib_by_the_standard_statuses(tmp_path: Path) -> None:
    async def tell(story: Story) -> None:
        async with esme(story, KEXUN) as (hook, send):
            await send(DEBT, "8613800138000")
            await story.until(lambda: bool(hook.answers))
            (answer,) = hook.answers
            assert answer.command_status == 0x45
            assert story.state(answer.message_id) == "refused"
            assert len(hook.commands(BIND_RESP)) == 1

    play(tmp_path, tell, "standard")


def test_aiosmpplib_is_told_of_a_hold_and_of_the_refusal(tmp_path: Path) -> None:
    text = DEBT.replace("4000000009", "4000000002")

    async def tell(story: Story) -> None:
        async with esme(story, ("lvzhou", "lvzhou02", "106900990002")) as (hook, send):
            await send(text, "8613800138000")
            await story.until(lambda: len(hook.told) == 1)
            (answer,) = hook.answers
            # An intermediate notification is no receipt to this library: its text tells.
            assert hook.told[0].esm_class == 0x20
            assert f"id:{answer.message_id} " in hook.told[0].short_message
            assert hook.told[0].short_message.endswith("stat:ENROUTE err:000 text:DEBT_DEMAND")
            await story.gateway.second_look.decide(
                int(answer.message_id), "refuse", "reviewer", "no contract was shown"
            )
            await story.until(lambda: len(hook.told) == 2)
            final = hook.told[1].parse_receipt()
            assert (final["id"], final["stat"]) == (answer.message_id, "REJECTD")
            assert story.texts() == []

    play(tmp_path, tell)
