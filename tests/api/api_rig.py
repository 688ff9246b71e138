"""A real gateway without carriers, behind a real server on loopback: what the tests of the API talk to."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import uvicorn
from litestar import Litestar
from msgspec.structs import replace

from tideng.assembly.evidence_desk import EvidenceDesk
from tideng.assembly.texts import make_text_judge
from tideng.gateway.api_keys import ApiKeys
from tideng.gateway.dispatch import Dispatch
from tideng.gateway.doors.api import api_router, problem_answer
from tideng.gateway.doors.api_operation import ApiDeps
from tideng.gateway.ids import MessageIds
from tideng.gateway.intake import Intake
from tideng.gateway.mailbox import Mailbox
from tideng.gateway.registry.registry import Registry
from tideng.gateway.registry.values import (
    CodeNumber,
    Customer,
    Licence,
    Mandate,
    NumberBinding,
    Principal,
    Signature,
    Slot,
    Template,
)
from tideng.gateway.review.policy import load_policy
from tideng.gateway.settings import DispatchSettings, HttpDoorSettings, IntakeSettings, ReportSettings
from tideng.gateway.store.api_keys import MIGRATIONS, ROOM
from tideng.gateway.store.store import Store, open_store
from tideng.gateway.webhooks import WebhookSecrets
from tideng.settings import Loaded, Settings

SEALING_KEY = bytes(range(32))
JUDGE = make_text_judge(Settings())
POLICY = (resources.files("tideng.gateway.review") / "policies" / "cn-2026.toml").read_bytes()

LIBRARY = Customer(
    id="library",
    name="云麓市图书馆",
    licence=Licence(number="B2-1"),
    categories=("notice", "verification"),
    default_code_number="106900990003",
    default_signature="云麓图书馆",
    throughput_per_s=100_000,
)
REGISTRY = (
    Principal(id="library", name="云麓市图书馆"),
    LIBRARY,
    replace(LIBRARY, id="other", default_code_number="106900990004"),
    Signature(id="云麓图书馆", principal="library"),
    Mandate(id="m1", principal="library", customer="library", document_hash="ab" * 32),
    Mandate(id="m2", principal="library", customer="other", document_hash="ab" * 32),
    CodeNumber(id="106900990003", holder="tideng", bindings=(NumberBinding(customer="library"),)),
    CodeNumber(id="106900990004", holder="tideng", bindings=(NumberBinding(customer="other"),)),
    Template(
        id="due",
        customer="library",
        body="您借的{title}应于{day}归还。",
        category="notice",
        slots=(Slot(name="title", type="text"), Slot(name="day", type="date")),
    ),
)
NOTICE = "【云麓图书馆】您预约的图书已到馆，请于本周内到二楼服务台领取。"
RECIPIENT = "13800138000"


class Rig:
    """The parts, and a client per key."""

    def __init__(self, folder: Path, *, settings: HttpDoorSettings, intake: IntakeSettings) -> None:
        self.loaded = Loaded(Settings(data=str(folder), origin="test.example/ledger"), {})
        self.store: Store = open_store(
            folder,
            origin="test.example/ledger",
            time_zone=ZoneInfo("Asia/Shanghai"),
            now=_now,
            more_schema={ROOM: MIGRATIONS},
        )
        self.registry = Registry(self.store.writer, self.store.ledger)
        if self.registry.snapshot.customer("library") is None:
            self.registry.change(REGISTRY, "test")
        [last] = self.store.reader.execute("SELECT coalesce(max(id), 0) FROM message").fetchone()
        self.ids = MessageIds(_now, last)
        self.mailbox = Mailbox(self.store, ReportSettings())
        self.dispatch = Dispatch(self.store, {}, (), self.ids, DispatchSettings())
        self.intake = Intake(
            self.store,
            self.registry,
            load_policy(POLICY),
            self.dispatch,
            self.mailbox,
            self.ids,
            intake,
            DispatchSettings(),
            JUDGE,
        )
        self.keys = ApiKeys(self.store, monotonic=time.monotonic)
        self.secrets = WebhookSecrets(self.store, SEALING_KEY)
        self.stopped: list[tuple[str, str]] = []
        self.missing: list[str] = []
        self.deps = ApiDeps(
            store=self.store,
            registry=self.registry,
            intake=self.intake,
            ids=self.ids,
            keys=self.keys,
            webhook_secrets=self.secrets,
            settings=settings,
            stop_sending=lambda subject, principal: self.stopped.append((subject, principal)),
            missing=lambda: self.missing,
            gauges=lambda: {"dispatch_in_memory": float(self.dispatch.in_memory)},
        )
        self.url = ""

    async def start(self) -> None:
        self.mailbox.start()
        await self.dispatch.start()
        self.intake.start()

    async def close(self) -> None:
        await self.intake.close()
        await self.dispatch.close()
        await self.mailbox.close()
        self.store.close()

    async def client(self, customer: str, *scopes: str) -> httpx.AsyncClient:
        """A client that presents a fresh key; the caller closes it."""
        _, token = await self.keys.create(customer, scopes, "test")  # type: ignore[arg-type] # test shorthand
        return self.with_token(token)

    def with_token(self, token: str) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.AsyncClient(base_url=self.url, headers=headers, trust_env=False, timeout=30)


@asynccontextmanager
async def running(
    folder: Path,
    *,
    settings: HttpDoorSettings | None = None,
    intake: IntakeSettings | None = None,
) -> AsyncIterator[Rig]:
    """The rig, listening."""
    rig = Rig(folder, settings=settings or HttpDoorSettings(), intake=intake or IntakeSettings())
    await rig.start()
    app = Litestar(
        [api_router(rig.deps, EvidenceDesk(rig.store, rig.loaded))],
        openapi_config=None,
        exception_handlers={Exception: problem_answer},
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        rig.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", access_log=False))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            while not server.started:
                await asyncio.sleep(0)
            yield rig
        finally:
            server.should_exit = True
            await serving
            await rig.close()


def play(folder: Path, scene: Callable[[Rig], Awaitable[None]], **options: object) -> None:
    """Run one scene against a fresh rig in `folder`."""

    async def whole() -> None:
        async with running(folder, **options) as rig:  # type: ignore[arg-type] # forwarded as given
            await scene(rig)

    asyncio.run(whole())


def _now() -> int:
    return time.time_ns() // 1_000
