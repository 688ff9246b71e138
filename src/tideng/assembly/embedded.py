"""The embedded arrangement: the whole gateway in one process, on one event loop, on SQLite."""

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from importlib import resources
from pathlib import Path
from typing import Final

import structlog

from tideng.assembly.http import HttpDoor, serving
from tideng.evidence.keys import secret_key
from tideng.gateway.api_keys import ApiKeys
from tideng.gateway.carriers.carrier import Carrier
from tideng.gateway.carriers.incoming import CarrierInbound, CarrierReport
from tideng.gateway.carriers.routes import Route
from tideng.gateway.dispatch import Dispatch
from tideng.gateway.doors.pages_deps import DoorLine
from tideng.gateway.doors.smpp import SmppDoor
from tideng.gateway.ids import MessageIds
from tideng.gateway.inbound import Inbound
from tideng.gateway.inquiries import Inquiries
from tideng.gateway.intake import Intake
from tideng.gateway.mailbox import Mailbox
from tideng.gateway.messages import Micros
from tideng.gateway.parts import Parts
from tideng.gateway.registry.registry import Registry
from tideng.gateway.reports import Reports
from tideng.gateway.review.policy import Policy, load_policy
from tideng.gateway.second_look import SecondLook
from tideng.gateway.store.outbox import waiting
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


def open_embedded(settings: Settings, *, now: Callable[[], Micros] = wall_clock) -> Store:
    """The store of the embedded arrangement: SQLite files in the data folder."""
    web = {WEB_ROOM: tuple(Migration(version, sql) for version, sql in WEB_STEPS)}
    return open_store(
        Path(settings.data),
        origin=settings.origin,
        time_zone=settings.zone(),
        now=now,
        more_schema=web,
    )


class Gateway:
    """The whole gateway in one process, on one event loop. `async with Gateway(…)` runs it."""

    def __init__(self, loaded: Loaded, *, now: Callable[[], Micros] = wall_clock) -> None:
        settings = loaded.settings
        self.loaded = loaded
        self.settings = settings
        self.policy = read_policy(settings.policy)
        self.store = store = open_embedded(settings, now=now)
        self.registry = Registry(store.writer, store.ledger)
        [last] = store.reader.execute(
            "SELECT coalesce(max(id), 0) FROM (SELECT max(id) AS id FROM message "
            "UNION ALL SELECT max(id) FROM mailbox UNION ALL SELECT max(id) FROM inbound "
            "UNION ALL SELECT max(id) FROM orphan_report)"
        ).fetchone()
        self.ids = ids = MessageIds(now, last)
        self.mailbox = Mailbox(store, settings.reports)
        self.carriers = {
            carrier.id: Carrier(
                carrier,
                on_reports=self._reports_came,
                on_inbound=self._replies_came,
                on_free=self._carrier_is_free,
                clock=time.monotonic,
                entropy=random.random,
                wall_clock=now,
            )
            for carrier in settings.carriers
        }
        routes = settings.routes or tuple(Route(carrier=name) for name in self.carriers)
        self.dispatch = Dispatch(store, self.carriers, routes, ids, settings.dispatch)
        self.intake = Intake(
            store,
            self.registry,
            self.policy,
            self.dispatch,
            self.mailbox,
            ids,
            settings.intake,
            settings.dispatch,
        )
        self.second_look = SecondLook(
            store, self.dispatch, self.mailbox, ids, validity_h=settings.dispatch.validity_h
        )
        differences = {carrier.id: carrier.id_matching for carrier in settings.carriers}
        self.reports = Reports(store, self.dispatch, self.mailbox, ids, differences, settings.reports)
        self.parts = Parts(
            store, wait_s=settings.intake.parts_wait_s, waiting_max=settings.intake.parts_waiting_max
        )
        self.reply_parts = Parts(
            store, wait_s=settings.inbound.parts_wait_s, waiting_max=settings.intake.parts_waiting_max
        )
        self.inbound = Inbound(
            store,
            self.registry,
            self.intake,
            self.dispatch,
            self.mailbox,
            self.reply_parts,
            ids,
            settings.inbound,
        )
        self.dispatch.recalls = self.second_look
        self.dispatch.told = self.reports
        self.smpp = SmppDoor(
            settings.smpp,
            intake=self.intake,
            parts=self.parts,
            mailbox=self.mailbox,
            registry=self.registry,
            inquiries=Inquiries(store, self.second_look),
            ids=ids,
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
        self._exit = AsyncExitStack()

    async def __aenter__(self) -> "Gateway":
        """Start from the carriers inward, so that nothing arrives where nobody listens yet."""
        self._exit.callback(self.store.close)
        self.mailbox.start()
        self._exit.push_async_callback(self.mailbox.close)
        self.reports.start()
        self._exit.push_async_callback(self.reports.close)
        for parts in (self.parts, self.reply_parts):
            parts.start()
            self._exit.push_async_callback(parts.close)
        await self.inbound.start()
        self._exit.push_async_callback(self.inbound.close)
        await self.dispatch.start()
        self._exit.push_async_callback(self.dispatch.close)
        self.intake.start()
        self._exit.push_async_callback(self.intake.close)
        for carrier in self.carriers.values():
            carrier.start()
            self._exit.push_async_callback(carrier.close)
        self.webhooks.start()
        self._exit.push_async_callback(self.webhooks.close)
        await self.smpp.start()
        self._exit.push_async_callback(self.smpp.close)
        for ticker in (self._tick(), self._tick_slowly()):
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
        if not self.carriers:
            return ["no carrier is configured"]
        if not any(carrier.is_bound for carrier in self.carriers.values()):
            return ["no carrier is bound"]
        return []

    def gauges(self) -> dict[str, float]:
        """Queue depths and the like, for /metrics."""
        return {
            "intake_room": self.intake.room,
            "dispatch_in_memory": self.dispatch.in_memory,
            "outbox_rows": waiting(self.store.reader),
            "ledger_entries": self.store.ledger.size,
            "carriers_bound": sum(carrier.is_bound for carrier in self.carriers.values()),
        }

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
                await self.inbound.tick()
                await self.reports.tick()
                await self.mailbox.drop_old()
            except StorageError as error:
                _log.error("storage_trouble", error=str(error))
            await asyncio.sleep(SLOW_TICK_S)

    def _reports_came(self, reports: list[CarrierReport]) -> None:
        self.reports.take(reports)

    def _replies_came(self, replies: list[CarrierInbound]) -> None:
        self.inbound.take(replies)

    def _carrier_is_free(self) -> None:
        self.dispatch.feed_soon()


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
