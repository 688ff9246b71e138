"""The embedded arrangement: the whole gateway in one process, on one event loop, on SQLite."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from importlib import resources
from pathlib import Path
from typing import Final

import structlog

from tideng.assembly.door import HttpDoor
from tideng.assembly.evidence import check_settings, record_environment
from tideng.assembly.http import serving
from tideng.assembly.steps import Steps
from tideng.assembly.texts import make_text_judge
from tideng.assembly.upkeep import EvidenceUpkeep
from tideng.evidence.keys import secret_key
from tideng.gateway.api_keys import ApiKeys
from tideng.gateway.doors.pages_deps import DoorLine
from tideng.gateway.doors.smpp import SmppDoor
from tideng.gateway.inquiries import Inquiries
from tideng.gateway.messages import Micros
from tideng.gateway.registry.registry import Registry
from tideng.gateway.review.policy import Policy, load_policy
from tideng.gateway.store.store import Store, open_store
from tideng.gateway.webhooks import Webhooks, WebhookSecrets
from tideng.settings import Loaded, Settings, SettingsInvalid
from tideng.storage.failures import StorageError
from tideng.storage.migrations import Migration
from tideng.web.accounts import Accounts
from tideng.web.schema import ROOM as WEB_ROOM
from tideng.web.schema import STEPS as WEB_STEPS

_log = structlog.get_logger()
TICK_S: Final = 0.25
SLOW_TICK_S: Final = 60.0


def wall_clock() -> Micros:
    """Microseconds since 1970, UTC, as this machine believes."""
    return time.time_ns() // 1_000


def read_policy(name: str) -> Policy:
    """A policy shipped with Tideng by its name, or one of the operator's by its path."""
    shipped = resources.files("tideng.gateway.review") / "policies" / f"{name}.toml"
    if shipped.is_file():
        return load_policy(shipped.read_bytes())
    path = Path(name)
    if not path.is_file():
        raise SettingsInvalid(f"policy is {name!r}: neither shipped with Tideng nor a file; try cn-2026")
    return load_policy(path.read_bytes())


def open_embedded(
    settings: Settings, *, now: Callable[[], Micros] = wall_clock, check_seen: bool = True
) -> Store:
    """The store of the embedded arrangement: SQLite files in the data folder.

    `check_seen=False` opens a ledger that is older than what it has shown to others, to admit the loss.
    """
    web = {WEB_ROOM: tuple(Migration(version, sql) for version, sql in WEB_STEPS)}
    return open_store(
        Path(settings.data),
        origin=settings.origin,
        time_zone=settings.zone(),
        now=now,
        more_schema=web,
        check_seen=check_seen,
    )


class Gateway:
    """The whole gateway in one process, on one event loop. `async with Gateway(…)` runs it."""

    def __init__(self, loaded: Loaded, *, now: Callable[[], Micros] = wall_clock) -> None:
        settings = loaded.settings
        self.loaded = loaded
        self.settings = settings
        self.policy = read_policy(settings.policy)
        judge = make_text_judge(settings)
        check_settings(settings)
        self.store = store = open_embedded(settings, now=now)
        self.registry = Registry(store.writer, store.ledger)
        self.steps = steps = Steps(settings, store, self.registry, self.policy, judge, now=now)
        # What doors, commands and the console use of them.
        self.ids = steps.ids
        self.intake = steps.intake
        self.second_look = steps.second_look
        self.dispatch = steps.dispatch
        self.mailbox = steps.mailbox
        self.carriers = steps.carriers
        self.smpp = SmppDoor(
            settings.smpp,
            intake=self.intake,
            parts=steps.parts,
            mailbox=self.mailbox,
            registry=self.registry,
            inquiries=Inquiries(store, self.second_look),
            ids=steps.ids,
            now=now,
            clock=time.monotonic,
        )
        self.accounts = Accounts(store.writer, now=now)
        self.api_keys = ApiKeys(store, monotonic=time.monotonic)
        self.webhook_secrets = WebhookSecrets(store, secret_key(Path(settings.data) / "webhooks.key"))
        self.webhooks = Webhooks(
            store,
            self.registry,
            self.mailbox,
            self.webhook_secrets,
            settings.reports,
            monotonic=time.monotonic,
            allowed_networks=settings.reports.webhook_networks,
        )
        self.evidence = EvidenceUpkeep(store, settings)
        self._exit = AsyncExitStack()

    async def __aenter__(self) -> "Gateway":
        """Start the steps, then the doors, so that nothing arrives where nobody listens yet."""
        self._exit.callback(self.store.close)
        await self.evidence.check_start()
        record_environment(self.store, self.loaded, self.policy.hash)
        await self.steps.start(self._exit)
        self.webhooks.start()
        self._exit.push_async_callback(self.webhooks.close)
        await self.smpp.start()
        self._exit.push_async_callback(self.smpp.close)
        for ticker in (self._tick(), self._tick_slowly(), self.evidence.run()):
            task = asyncio.create_task(ticker)
            self._exit.push_async_callback(_stop, task)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Doors first, then what is under way, then the carriers, then the books."""
        await self._exit.aclose()

    def http(self) -> "AbstractAsyncContextManager[HttpDoor]":
        """The HTTP door, open while the context lasts."""
        return serving(self)

    def doors(self) -> list[DoorLine]:
        """The doors customers come in by, for the console."""
        settings = self.settings
        return [
            DoorLine(
                name="smpp",
                address=f"{settings.smpp.host}:{self.smpp.port}",
                connections=self.smpp.connections,
            ),
            DoorLine(name="http", address=settings.http.host, connections=0),
        ]

    def missing(self) -> list[str]:
        """What keeps the gateway from being ready, one sentence each."""
        return self.steps.missing()

    def gauges(self) -> dict[str, float]:
        """Queue depths and the like, for /metrics."""
        return {**self.steps.gauges(), **self.evidence.gauges()}

    async def _tick(self) -> None:
        """Wake what waits for a moment to come: due messages, letters that came back."""
        turns = 0
        while True:
            await asyncio.sleep(TICK_S)
            turns += 1
            try:
                self.dispatch.tick()
                if turns % int(1 / TICK_S) == 0:
                    self.mailbox.tick()
                    self.webhooks.tick()
                    await self.store.run(self.store.ledger.checkpoint_in)
            except StorageError as error:
                _log.error("storage_trouble", error=str(error))

    async def _tick_slowly(self) -> None:
        while True:
            try:
                await self.steps.tick_slowly()
            except StorageError as error:
                _log.error("storage_trouble", error=str(error))
            await asyncio.sleep(SLOW_TICK_S)


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
