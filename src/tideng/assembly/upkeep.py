"""What goes on beside the gateway for its evidence: checkpoints shown, witnessed and stamped; the index."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar

import structlog

from tideng.assembly.evidence import make_indexer, make_publisher, make_timestamper, record_clock_state
from tideng.assembly.memory import give_back_memory
from tideng.evidence.ledger import LedgerError
from tideng.evidence.naming import NamingFailed
from tideng.evidence.publishing import WitnessFailed
from tideng.evidence.resources import Resource
from tideng.evidence.timestamping import NotStamped
from tideng.gateway.store.store import Store
from tideng.settings import Settings
from tideng.storage.failures import StorageError

T = TypeVar("T")
_log = structlog.get_logger()
TICK_S: Final = 1.0
CLOCK_S: Final = 3600.0
"""Between two entries about the machine's clock."""
_TROUBLE: Final = (StorageError, LedgerError, WitnessFailed, NotStamped, NamingFailed)


class EvidenceUpkeep:
    """One task; everything that waits for others or for the disk is given a thread."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._settings = store, settings.evidence
        self.indexer = make_indexer(store, settings)
        self.publisher = make_publisher(store, settings)
        self._timestamper = make_timestamper(store, settings)
        self._covered = store.ledger.size
        self._unwitnessed_s = 0.0
        self._due = {"publish": 0.0, "stamp": 0.0, "clock": 0.0, "index": self._settings.index_interval_s}

    async def check_start(self) -> None:
        """Raises `RolledBack` if this ledger is older than what was shown to others."""
        for problem in await asyncio.to_thread(self.publisher.check_start):
            _log.warning("witness_not_asked", problem=problem)

    async def run(self) -> None:
        """For as long as the gateway runs."""
        while True:
            await asyncio.sleep(TICK_S)
            for name in self._due:
                self._due[name] -= TICK_S
            if self._due["publish"] <= 0:
                self._due["publish"] = self._settings.witness_interval_s if self._asks_witnesses else TICK_S
                await self._guarded("publish", self._publish)
            if self._timestamper is not None and self._due["stamp"] <= 0:
                self._due["stamp"] = self._settings.timestamp_interval_s
                await self._guarded("stamp", self._timestamper.stamp)
            if self._due["clock"] <= 0:
                self._due["clock"] = CLOCK_S
                await self._guarded("clock", partial(record_clock_state, self._store))
            size = self._store.ledger.size
            if self._due["index"] <= 0 or size - self._covered >= self._settings.index_entries_max:
                self._due["index"], self._covered = self._settings.index_interval_s, size
                await self._guarded("index", partial(self.indexer.catch_up, size))
                await self._guarded("index", self._store.forget_named)
                await asyncio.to_thread(give_back_memory)

    def gauges(self) -> dict[str, float]:
        """For /metrics."""
        return {"ledger_unwitnessed_s": self._unwitnessed_s}

    # What `serving` asks

    def latest_checkpoint(self) -> bytes | None:
        """See `serving.Publishes`: only what was noted, and witnessed where witnesses are configured."""
        return self.publisher.latest()

    def resource(self, resource: Resource) -> bytes | None:
        """See `serving.Publishes`."""
        return self._store.ledger.resource(resource)

    @property
    def _asks_witnesses(self) -> bool:
        return bool(self._settings.witness_policy)

    def _publish(self) -> None:
        done = self.publisher.publish()
        if done is None or done.is_witnessed:
            self._unwitnessed_s = 0.0
            return
        self._unwitnessed_s += self._settings.witness_interval_s
        if self._unwitnessed_s >= self._settings.witness_within_s:
            _log.error("witness_quorum_missing", since_s=self._unwitnessed_s, problems=done.problems)

    async def _guarded(self, what: str, work: Callable[[], T]) -> None:
        try:
            await asyncio.to_thread(work)
        except _TROUBLE as error:
            _log.error(f"evidence_{what}_failed", error=str(error))
