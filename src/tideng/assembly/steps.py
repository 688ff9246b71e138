"""The steps of a message's life, connected: from the intake to the carriers and back. No door is in here."""

import random
import time
from collections.abc import Callable
from contextlib import AsyncExitStack

from tideng.gateway.carriers.carrier import Carrier
from tideng.gateway.carriers.incoming import CarrierInbound, CarrierReport
from tideng.gateway.carriers.routes import Route
from tideng.gateway.dispatch import Dispatch
from tideng.gateway.ids import MessageIds
from tideng.gateway.inbound import Inbound
from tideng.gateway.intake import Intake
from tideng.gateway.mailbox import Mailbox
from tideng.gateway.messages import Micros
from tideng.gateway.parts import Parts
from tideng.gateway.registry.registry import Registry
from tideng.gateway.reports import Reports
from tideng.gateway.review.judged import ReadsTexts
from tideng.gateway.review.policy import Policy
from tideng.gateway.second_look import SecondLook
from tideng.gateway.store.outbox import waiting
from tideng.gateway.store.store import Store
from tideng.settings import Settings


class Steps:
    """What a message goes through, whichever door it came by and whoever drives it."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        registry: Registry,
        policy: Policy,
        judge: ReadsTexts,
        *,
        now: Callable[[], Micros],
    ) -> None:
        self._store = store
        self.ids = ids = MessageIds(now, last_id(store))
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
        waiting_max = settings.intake.parts_waiting_max
        self.parts = Parts(store, wait_s=settings.intake.parts_wait_s, waiting_max=waiting_max)
        self.intake = Intake(
            store,
            registry,
            policy,
            self.dispatch,
            self.mailbox,
            ids,
            settings.intake,
            settings.dispatch,
            judge,
        )
        self.second_look = SecondLook(
            store, self.dispatch, self.mailbox, ids, validity_h=settings.dispatch.validity_h
        )
        differences = {carrier.id: carrier.id_matching for carrier in settings.carriers}
        self.reports = Reports(store, self.dispatch, self.mailbox, ids, differences, settings.reports)
        self.reply_parts = Parts(store, wait_s=settings.inbound.parts_wait_s, waiting_max=waiting_max)
        self.inbound = Inbound(
            store,
            registry,
            self.intake,
            self.dispatch,
            self.mailbox,
            self.reply_parts,
            ids,
            settings.inbound,
        )
        self.dispatch.recalls = self.second_look
        self.dispatch.told = self.reports

    async def start(self, end: AsyncExitStack) -> None:
        """Start from the books outward, so that nothing arrives where nobody listens yet; `end` undoes it."""
        self.mailbox.start()
        end.push_async_callback(self.mailbox.close)
        self.reports.start()
        end.push_async_callback(self.reports.close)
        for parts in (self.parts, self.reply_parts):
            parts.start()
            end.push_async_callback(parts.close)
        await self.inbound.start()
        end.push_async_callback(self.inbound.close)
        await self.dispatch.start()
        end.push_async_callback(self.dispatch.close)
        self.intake.start()
        end.push_async_callback(self.intake.close)
        for carrier in self.carriers.values():
            carrier.start()
            end.push_async_callback(carrier.close)

    async def tick_slowly(self) -> None:
        """Once a minute: what has waited too long is settled."""
        await self.inbound.tick()
        await self.reports.tick()
        await self.mailbox.drop_old()

    def missing(self) -> list[str]:
        """What keeps messages from going out, one sentence each."""
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
            "outbox_rows": waiting(self._store.reader),
            "ledger_entries": self._store.ledger.size,
            "carriers_bound": sum(carrier.is_bound for carrier in self.carriers.values()),
        }

    # The carriers exist before the steps that listen to them.

    def _reports_came(self, reports: list[CarrierReport]) -> None:
        self.reports.take(reports)

    def _replies_came(self, replies: list[CarrierInbound]) -> None:
        self.inbound.take(replies)

    def _carrier_is_free(self) -> None:
        self.dispatch.feed_soon()


def last_id(store: Store) -> int:
    """The greatest id the books hold: new ones begin above it, whatever the clock says."""
    [last] = store.reader.execute(
        "SELECT coalesce(max(id), 0) FROM (SELECT max(id) AS id FROM message "
        "UNION ALL SELECT max(id) FROM mailbox UNION ALL SELECT max(id) FROM inbound "
        "UNION ALL SELECT max(id) FROM orphan_report)"
    ).fetchone()
    return int(last)
