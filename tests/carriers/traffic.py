"""What the carrier tests share: really cleared messages, and a carrier whose results can be waited for."""

import asyncio
import random
import time
from collections.abc import Callable
from types import TracebackType

from tideng.evidence.commitment import commit
from tideng.evidence.entries import encode_entry
from tideng.evidence.ledger import Position
from tideng.evidence.merkle import leaf_hash
from tideng.gateway.carriers.carrier import Carrier
from tideng.gateway.carriers.incoming import CarrierInbound, CarrierReport
from tideng.gateway.carriers.outcomes import Handover
from tideng.gateway.carriers.settings import CarrierSettings
from tideng.gateway.clearance import Cleared, Openings, Sealed, clear
from tideng.gateway.entries import DecisionEntry
from tideng.gateway.messages import Outbound

WAIT_S = 10.0
KEYS = Openings(recipient=b"r" * 32, text=b"t" * 32)


def cleared(id: int = 1, text: str = "hello", recipient: str = "8613800000000", **fields: object) -> Cleared:
    """A message that went through `clear`, as in production."""
    values: dict[str, object] = {
        "id": id,
        "customer": "c1",
        "principal": "p1",
        "category": "notice",
        "recipient": recipient,
        "code_number": "10690001",
        "text": text,
        "received_at": 0,
        "valid_until": 0,
        "registered_delivery": 1,
    }
    outbound = Outbound(**(values | fields))  # type: ignore[arg-type]
    entry = DecisionEntry(
        action="send",
        as_of=0,
        at=1,
        auth="none",
        batch="",
        by="policy",
        category=outbound.category,
        classified_by="text",
        code_number=outbound.code_number,
        codes=(),
        consent=-1,
        counted=(),
        customer=outbound.customer,
        door="smpp",
        message=str(outbound.id),
        not_before=0,
        part_ids=(),
        peer="",
        policy="",
        previous=-1,
        principal=outbound.principal,
        raw="",
        reader="",
        reason="",
        received_at=0,
        recipient=commit(KEYS.recipient, outbound.recipient),
        registry=(),
        session="",
        signature="",
        slots="",
        software="",
        text=commit(KEYS.text, outbound.text),
    )
    return clear(outbound, Sealed(entry, KEYS, Position(0, leaf_hash(encode_entry(entry)))))


class Traffic:
    """A started carrier that keeps what it is told; `async with` closes it."""

    def __init__(self, port: int, *, ack: bool | None = True, **fields: object) -> None:
        values: dict[str, object] = {
            "id": "k1",
            "host": "127.0.0.1",
            "port": port,
            "system_id": "tideng",
            "reconnect_min_s": 0.01,
            "reconnect_max_s": 0.05,
            "close_timeout_s": 2.0,
        }
        self.results: list[Handover] = []
        self.reports: list[CarrierReport] = []
        self.inbound: list[CarrierInbound] = []
        self.ack = ack
        self.calls = 0
        """How often `on_reports` and `on_inbound` were called."""
        self._news = asyncio.Event()
        self.carrier = Carrier(
            CarrierSettings(**(values | fields)),  # type: ignore[arg-type]
            on_reports=self._on_reports,
            on_inbound=self._on_inbound,
            on_free=self._news.set,
            clock=time.monotonic,
            entropy=random.Random(1).random,
            wall_clock=lambda: 1_700_000_000_000_000,
        )

    async def __aenter__(self) -> "Traffic":
        self.carrier.start()
        await self.until(lambda: self.carrier.state.bound == len(self.carrier.state.links))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, e: BaseException | None, t: TracebackType | None
    ) -> None:
        await self.carrier.close()

    def _on_reports(self, reports: list[CarrierReport]) -> None:
        self.calls += 1
        self.reports += reports
        for report in reports:
            if self.ack is not None:
                report.ack(self.ack)
        self._news.set()

    def _on_inbound(self, inbound: list[CarrierInbound]) -> None:
        self.calls += 1
        self.inbound += inbound
        for item in inbound:
            if self.ack is not None:
                item.ack(self.ack)
        self._news.set()

    def on_result(self, handover: Handover) -> None:
        self.results.append(handover)
        self._news.set()

    async def until(self, holds: Callable[[], bool], timeout_s: float = WAIT_S) -> None:
        """Wait for news from the carrier until `holds()`."""
        async with asyncio.timeout(timeout_s):
            while not holds():
                self._news.clear()
                await self._news.wait()

    def send(self, message: Cleared, **fields: object) -> None:
        self.carrier.send(message, self.on_result, **fields)  # type: ignore[arg-type]

    async def send_all(self, messages: list[Cleared]) -> None:
        """Everything, as fast as `free` allows, and every result."""
        wanted = len(self.results) + len(messages)
        for message in messages:
            await self.until(lambda: self.carrier.free > 0)
            self.send(message)
        await self.until(lambda: len(self.results) == wanted)

    def texts(self) -> list[str]:
        return [handover.outcome.value for handover in self.results]
