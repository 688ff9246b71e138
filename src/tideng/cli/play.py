"""Story 1, played for a newcomer: a real gateway, a real SMPP customer, a simulated carrier, one ledger."""

import asyncio
import contextlib
import logging
import random
import secrets
import tempfile
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Final

import structlog
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from tideng.assembly import Gateway
from tideng.cli.show import out
from tideng.cli.smpp_client import Answered, SmppClient
from tideng.gateway.carriers.settings import CarrierSettings
from tideng.gateway.carriers.simulator import SimulatedCarrier
from tideng.gateway.carriers.simulator_settings import SimulatorSettings
from tideng.gateway.review.codes import CATALOGUE
from tideng.gateway.settings import HttpDoorSettings, SmppDoorSettings
from tideng.gateway.wire.smpp.receipts import Receipt
from tideng.settings import Loaded, Settings

WAIT_S: Final = 20.0
DEBT: Final = (
    "【衡岳资产】王先生,您目前最新欠款:27911元,现申请特殊减免,还9431元即可结清账目,提供结清证明。"
    "减免有效时间截至本月21日上午10点。过期将永久取消此权益,并追责全款,追究其法律责任,"
    "详询4000000009,退订回T"
)
NOTICE: Final = "【云麓图书馆】您预约的《提灯》已到馆,请凭读者证在总服务台领取,为您保留三天。退订回T"
AGAIN: Final = "【云麓图书馆】您预约的《夜行记》已到馆,请凭读者证在总服务台领取,为您保留三天。退订回T"


class PlayFailed(Exception):
    """Something of the play did not happen in time."""


class Stage:
    """What the scenes share."""

    def __init__(self, gateway: Gateway, carrier: SimulatedCarrier, http_port: int) -> None:
        self.gateway = gateway
        self.carrier = carrier
        self.http_port = http_port
        # A number of the fictional kind: nobody's phone rings.
        self.phone = f"138{random.randrange(10**8):08d}"
        self.receipts: list[Receipt] = []
        self.codes: dict[str, None] = {}

    async def customer(self, system_id: str, password: str) -> SmppClient:
        client = SmppClient(self.receipts.append, lambda number, text: None)  # noqa: ARG005
        await client.bind("127.0.0.1", self.gateway.smpp.port, system_id, password)
        return client

    async def until(self, holds: Callable[[], bool], what: str) -> None:
        """Look often until it holds; a play may wait, a test may not."""
        for _ in range(int(WAIT_S / 0.02)):
            if holds():
                return
            await asyncio.sleep(0.02)
        raise PlayFailed(f"{what} did not happen within {WAIT_S:g} s")

    def state(self, message: str) -> str:
        row = self.gateway.store.reader.execute(
            "SELECT state FROM message WHERE id = ?", (int(message),)
        ).fetchone()
        return "" if row is None else str(row[0])

    def codes_of(self, message: str) -> tuple[str, ...]:
        row = self.gateway.store.reader.execute(
            "SELECT codes FROM message WHERE id = ?", (int(message),)
        ).fetchone()
        return tuple(row[0].split(",")) if row and row[0] else ()


async def perform(*, once: bool) -> int:
    """Play; then, unless `once`, go on serving until interrupted. 0 if everything went as told."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory(prefix="tideng-play-") as folder:
        carrier = SimulatedCarrier(SimulatorSettings(port=0))
        await carrier.start()
        try:
            return await _perform(Path(folder), carrier, once=once)
        except PlayFailed as error:
            out.print(f"[bold red]the play stopped:[/] {escape(str(error))}")
            return 1
        finally:
            await carrier.close()


async def _perform(folder: Path, carrier: SimulatedCarrier, *, once: bool) -> int:
    loaded = Loaded(_settings(folder, carrier.port), {})
    async with contextlib.AsyncExitStack() as exit_stack:
        gateway = Gateway(loaded)
        registry = resources.files("tideng.cli") / "play.toml"
        await gateway.registry.import_toml_async(registry.read_bytes(), "play")
        await exit_stack.enter_async_context(gateway)
        http = await exit_stack.enter_async_context(gateway.http())
        stage = Stage(gateway, carrier, http.port)
        await stage.until(lambda: gateway.carriers["simulated"].is_bound, "the bind to the carrier")
        _prologue(stage)
        message_ids = [
            await _scene_refused(stage),
            await _scene_held(stage),
            *await _scene_delivered(stage),
        ]
        intact = _epilogue(stage, message_ids)
        if once:
            return 0 if intact else 1
        await _keep_running(stage, folder)
    return 0


def _settings(folder: Path, carrier_port: int) -> Settings:
    return Settings(
        data=str(folder / "data"),
        policy="cn-2026",
        smpp=SmppDoorSettings(port=_free(2775)),
        http=HttpDoorSettings(port=_free(8080)),
        carriers=(CarrierSettings(id="simulated", host="127.0.0.1", port=carrier_port, system_id="tideng"),),
    )


def _free(wanted: int) -> int:
    """The usual port where it is free, else one the system chooses."""
    import socket

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            return 0
        return wanted


def _prologue(stage: Stage) -> None:
    out.print(
        Panel(
            "A man gets a text: pay 9,431 yuan, or else. He owes nothing. The court asked the SMS provider:\n"
            "[bold]what did you check before you sent it, and can you prove it?[/]\n"
            "一条追债短信,他并不欠钱。法院问短信服务商:[bold]发送前审核了什么?能证明吗?[/]",
            title="提灯 Tideng · story 1 · 不曾欠下的债",
            border_style="yellow",
        )
    )
    gateway = stage.gateway
    out.print(
        f"gateway (SMPP) 127.0.0.1:{gateway.smpp.port}   console 127.0.0.1:{stage.http_port}   "
        f"simulated carrier 127.0.0.1:{stage.carrier.port}\n"
    )


async def _scene_refused(stage: Stage) -> str:
    _title(
        1, "a customer without the brand's mandate submits the demand over SMPP", "无委托书的客户提交催收短信"
    )
    client = await stage.customer("kexun", "kexun-01")
    answers = await client.submit(DEBT, stage.phone)
    await client.close()
    _said(DEBT)
    last = answers[-1]
    if last.status == 0:
        raise PlayFailed("the false debt demand was not refused")
    _verdict("REFUSED 拒绝", "red", last, stage.codes_of(last.message_id))
    return last.message_id


async def _scene_held(stage: Stage) -> str:
    _title(2, "the same words under a mandate that names debt", "同样内容,持有写明“催收”的委托书")
    client = await stage.customer("lvzhou", "lvzhou02")
    [*_, last] = await client.submit(DEBT.replace("4000000009", "4000000002"), stage.phone)
    await client.close()
    if last.status or stage.state(last.message_id) != "held":
        raise PlayFailed("the mandated debt demand was not held for a person")
    _verdict("HELD for a person 暂缓,待人工复核", "yellow", last, stage.codes_of(last.message_id))
    return last.message_id


async def _scene_delivered(stage: Stage) -> list[str]:
    _title(3, "a library's notice, its report, and the reply T", "图书馆通知、状态报告与回复 T")
    client = await stage.customer("library", "library3")
    [*_, sent] = await client.submit(NOTICE, stage.phone)
    _said(NOTICE)
    if sent.status:
        raise PlayFailed(f"the notice was refused: {', '.join(sent.codes)}")
    await stage.until(lambda: stage.state(sent.message_id) == "delivered", "the delivery")
    await stage.until(lambda: any(r.message_id == sent.message_id for r in stage.receipts), "the report")
    out.print(
        f"  [green]✔ SENT 放行[/] as {sent.message_id}; the carrier reports [green]DELIVRD[/], and so do we"
    )
    store = stage.gateway.store
    stage.carrier.reply("86" + stage.phone, "T")
    subject = store.subject("86" + stage.phone)
    await stage.until(
        lambda: (
            store.reader.execute("SELECT 1 FROM opt_out WHERE subject = ?", (subject,)).fetchone() is not None
        ),
        "the opt-out",
    )
    out.print("  the recipient replies [bold]T[/]: the opt-out is in force before the carrier has its answer")
    [*_, again] = await client.submit(AGAIN, stage.phone)
    await client.close()
    if "OPTED_OUT" not in stage.codes_of(again.message_id):
        raise PlayFailed("the message after the opt-out was not refused")
    _verdict("REFUSED 拒绝", "red", again, stage.codes_of(again.message_id))
    return [sent.message_id, again.message_id]


def _epilogue(stage: Stage, message_ids: list[str]) -> bool:
    _title(4, "where it is written, and that nobody changed it", "存证位置与校验")
    store = stage.gateway.store
    shown = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("message", "state", "in the ledger at"):
        shown.add_column(column)
    for message in message_ids:
        positions = [
            str(position)
            for (position,) in store.reader.execute(
                "SELECT position FROM life WHERE message = ? ORDER BY position", (int(message),)
            )
        ]
        shown.add_row(message, stage.state(message), " → ".join(positions))
    out.print(shown)
    store.ledger.checkpoint()
    found = store.ledger.verify()
    if found.is_intact:
        out.print(
            f"\n  [green]✔[/] {found.size} entries and {found.checkpoints} signed checkpoints recomputed: "
            f"everything agrees\n    root {found.root.hex()}\n"
        )
    else:
        out.print(f"\n  [bold red]✘ {escape(found.problem)}[/]\n")
    return found.is_intact


async def _keep_running(stage: Stage, folder: Path) -> None:
    gateway = stage.gateway
    password = secrets.token_urlsafe(9)
    await asyncio.to_thread(gateway.accounts.add, "reviewer", password, ("reviewer", "operator"))
    _, token = await gateway.api_keys.create("yunlu-library", ("send", "read"), "play", name="play")
    url = f"http://127.0.0.1:{stage.http_port}"
    library = "【云麓图书馆】明日闭馆一天,敬请谅解。"
    lines = (
        ("console", f"{url}/console   name: reviewer   password: {password}"),
        ("", "release or refuse the held message there · 在控制台放行或拒绝暂缓的短信"),
        (
            "by curl",
            f"curl -s {url}/v1/messages -H 'Authorization: Bearer {token}' "
            f"""-H 'Content-Type: application/json' -d '{{"to":"13900000001","text":"{library}"}}'""",
        ),
        (
            "by SMPP",
            f".venv/bin/tideng send --smpp 127.0.0.1:{gateway.smpp.port} --system-id library "
            f"--password library3 13900000002 '{library}'",
        ),
        ("look one up", f".venv/bin/tideng --data {folder / 'data'} status MESSAGE-ID"),
    )
    out.rule("[green]it keeps running · Ctrl-C ends it[/]", style="green")
    for name, line in lines:
        out.print(f"[bold]{name:>11}[/]  ", end="")
        # As it is, on one line: it is there to be copied.
        out.print(line, markup=False, soft_wrap=True)
    out.rule(style="green")
    await asyncio.get_running_loop().create_future()


def _title(number: int, english: str, chinese: str) -> None:
    out.print(f"[bold yellow]{number}[/] [bold]{english}[/]  [dim]{chinese}[/]")


def _said(text: str) -> None:
    out.print(f"  [italic dim]{escape(text)}[/]")


def _verdict(title: str, colour: str, answered: Answered, codes: tuple[str, ...]) -> None:
    status = f"  answered {answered.status_name}" if answered.status else ""
    out.print(f"  [bold {colour}]■ {title}[/]{status}")
    shown = Table(box=None, show_header=False, padding=(0, 1), pad_edge=False)
    shown.add_column(style=colour, no_wrap=True)
    shown.add_column()
    for code in codes:
        meaning = CATALOGUE[code]
        shown.add_row(f"  {code}", f"{meaning.seen_en} · {meaning.seen_zh}")
    out.print(shown)
    out.print()
