"""Who is connected to whom. The only place that knows every room; the embedded arrangement."""

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from importlib import resources
from pathlib import Path
from typing import Final

import structlog

from tideng.gateway.carriers.carrier import Carrier
from tideng.gateway.carriers.incoming import CarrierInbound, CarrierReport
from tideng.gateway.carriers.routes import Route
from tideng.gateway.dispatch import Dispatch
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
from tideng.gateway.store.store import Store, open_store
from tideng.settings import Loaded, Settings, SettingsInvalid
from tideng.storage.failures import StorageError

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
    return open_store(Path(settings.data), origin=settings.origin, time_zone=settings.zone(), now=now)


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
            "SELECT max(coalesce(max(id), 0)) FROM (SELECT max(id) AS id FROM message "
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
        self.parts = Parts(store, settings.intake)
        self.inbound = Inbound(
            store, self.registry, self.intake, self.dispatch, self.mailbox, ids, settings.inbound
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
        self._exit = AsyncExitStack()

    async def __aenter__(self) -> "Gateway":
        """Start from the carriers inward, so that nothing arrives where nobody listens yet."""
        self._exit.callback(self.store.close)
        self.mailbox.start()
        self._exit.push_async_callback(self.mailbox.close)
        self.reports.start()
        self._exit.push_async_callback(self.reports.close)
        self.inbound.start()
        self._exit.push_async_callback(self.inbound.close)
        await self.dispatch.start()
        self._exit.push_async_callback(self.dispatch.close)
        self.intake.start()
        self._exit.push_async_callback(self.intake.close)
        for carrier in self.carriers.values():
            carrier.start()
            self._exit.push_async_callback(carrier.close)
        await self.smpp.start()
        self._exit.push_async_callback(self.smpp.close)
        for ticker in (self._tick(), self._tick_slowly()):
            task = asyncio.create_task(ticker)
            self._exit.push_async_callback(_stop, task)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Doors first, then what is under way, then the carriers, then the books."""
        await self._exit.aclose()

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
                    await self.store.run(self.store.ledger.checkpoint_in)
            except StorageError as error:
                _log.error("storage_trouble", error=str(error))

    async def _tick_slowly(self) -> None:
        while True:
            try:
                await self.reports.tick()
                await self.mailbox.drop_old()
            except StorageError as error:
                _log.error("storage_trouble", error=str(error))
            await asyncio.sleep(SLOW_TICK_S)

    def _reports_came(self, reports: list[CarrierReport]) -> None:
        self.reports.take(reports)

    def _replies_came(self, replies: list[CarrierInbound]) -> None:
        self.inbound.take_parts(replies)

    def _carrier_is_free(self) -> None:
        self.dispatch.feed_soon()


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
