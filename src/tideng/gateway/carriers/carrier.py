"""A carrier: its links taken together. Takes cleared messages, and only those; tells what became of each."""

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from tideng.gateway.carriers.incoming import CarrierInbound, CarrierReport, Inbox
from tideng.gateway.carriers.link import Kind, Link, LinkStatus
from tideng.gateway.carriers.outcomes import Handover, Outcome, classify
from tideng.gateway.carriers.outgoing import parts_of
from tideng.gateway.carriers.pace import Pace
from tideng.gateway.carriers.routes import ErrorClass
from tideng.gateway.carriers.settings import CarrierSettings
from tideng.gateway.carriers.state import CarrierState, link_state
from tideng.gateway.carriers.transfer import Part, Transfer
from tideng.gateway.clearance import Cleared
from tideng.gateway.connection import Clock, SmppConnection, Ticker
from tideng.gateway.messages import Micros
from tideng.gateway.wire.smpp import (
    DataSm,
    DeliverSm,
    OurMistake,
    Pdu,
    SessionClosed,
    Status,
    SubmitSmResp,
    status_name,
)

NOTHING_ACCEPTED: Final[Mapping[int, str]] = MappingProxyType({})
WAKE_MIN_S: Final = 0.01
"""When the pace holds parts back, they leave in groups at most this often."""
FULL_RETRY_S: Final = 0.1
"""Wait proposed to one who sends although `free` is 0."""


class Carrier:
    """Links to one carrier. Every method is for the event loop's thread.

    `on_reports` and `on_inbound` get one list per read, whose items the gateway acknowledges. `on_free` is
    called when there may be room again: after answers, a bind, or when the pace allows. No callback may
    raise; each may call `send`. `clock` is monotonic seconds, `entropy` gives numbers in [0, 1) for jitter,
    `wall_clock` stamps what arrives.
    """

    def __init__(
        self,
        settings: CarrierSettings,
        *,
        on_reports: Callable[[list[CarrierReport]], None],
        on_inbound: Callable[[list[CarrierInbound]], None],
        clock: Clock,
        entropy: Callable[[], float],
        on_free: Callable[[], None] | None = None,
        wall_clock: Callable[[], Micros] = lambda: time.time_ns() // 1000,
    ) -> None:
        problem = settings.problem()
        if problem:
            raise ValueError(problem)
        self.settings = settings
        self.id = settings.id
        self._on_reports = on_reports
        self._on_inbound = on_inbound
        self._on_free = on_free
        self._clock = clock
        self._wall_clock = wall_clock
        self._entropy = entropy
        self._pace = Pace(settings.throughput_per_s, clock())
        self._links: list[Link] = []
        self._senders: list[Link] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._wake: asyncio.TimerHandle | None = None
        self._throttled = 0
        self._is_closing = False

    # -- life -------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to connect, all links at once; returns immediately. Call once, inside a running loop.

        Raises OSError or ssl.SSLError when `tls_ca_file` cannot be read.
        """
        if self._links:
            raise RuntimeError(f"carrier {self.id} is started already")
        ticker = Ticker(self._clock, interval_s=min(1.0, self.settings.response_timeout_s / 4))
        tls = None
        if self.settings.tls:
            tls = ssl.create_default_context(cafile=self.settings.tls_ca_file or None)
        kinds: tuple[Kind, ...] = (
            ("transceiver",) if self.settings.bind == "transceiver" else ("transmitter", "receiver")
        )
        for kind in kinds * self.settings.links:
            link = Link(
                self.settings,
                kind,
                self,
                clock=self._clock,
                entropy=self._entropy,
                ticker=ticker,
                tls=tls,
            )
            self._links.append(link)
            self._tasks.append(asyncio.get_running_loop().create_task(link.run()))
        self._senders = [link for link in self._links if link.kind != "receiver"]

    async def close(self) -> None:
        """Take nothing new, wait for outstanding answers, unbind, close; drop what takes too long.

        Every `send` has had its result when this returns: unanswered parts are unknown.
        """
        self._is_closing = True
        if self._wake is not None:
            self._wake.cancel()
            self._wake = None
        for link in self._links:
            link.leave()
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=self.settings.close_timeout_s)
        if late:
            for link in self._links:
                link.drop(f"not closed within {self.settings.close_timeout_s:g} s")
            _, late = await asyncio.wait(late, timeout=self.settings.connect_timeout_s)
            for task in late:
                task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    # -- what the dispatcher asks and does --------------------------------------------------------

    @property
    def is_bound(self) -> bool:
        """At least one link can send."""
        return any(link.takes_submits for link in self._senders)

    @property
    def free(self) -> int:
        """Segments that can be handed over now: windows of all links, throughput and learned rate."""
        if self._is_closing:
            return 0
        room = 0
        for link in self._senders:
            room += link.room
        if room:
            allowed = self._pace.free(self._clock())
            if allowed is not None:
                waiting = sum(len(link.waiting) for link in self._senders)
                room = min(room, max(0, allowed - waiting))
            if not room:
                self._wake_later()
        return room

    @property
    def state(self) -> CarrierState:
        """For the console."""
        now = self._clock()
        errors = [link.last_error for link in self._links if link.last_error]
        return CarrierState(
            carrier=self.id,
            links=tuple(link_state(link) for link in self._links),
            bound=sum(link.status is LinkStatus.BOUND for link in self._links),
            free=self.free,
            rate_per_s=self._pace.rate(now),
            rate_limit_per_s=self._pace.rate_limit,
            throttled=self._throttled,
            last_error=errors[0] if errors else "",
        )

    def send(
        self,
        cleared: Cleared,
        on_result: Callable[[Handover], None],
        accepted: Mapping[int, str] = NOTHING_ACCEPTED,
        attempt: int = 1,
    ) -> None:
        """Hand one message over; `on_result` is called exactly once, never from within this call.

        All parts go over one link, those in `accepted` are left out. Throttled parts are sent again while
        the link lives, for `throttled_max_s`. Ask `free` first: one who sends without room gets BUSY.
        """
        outbound = cleared.outbound
        link = self._choose_link()
        if link is None:
            self._answer_soon(outbound.id, on_result, accepted, attempt, self._no_link())
            return
        try:
            pdus = parts_of(self.settings, outbound, takes_tlvs=link.takes_tlvs)
        except (ValueError, OurMistake) as error:
            # The messages of these name limits and positions, never the text.
            refusal = _Settled(Outcome.REFUSED, reason=f"cannot be sent by carrier {self.id}: {error}")
            self._answer_soon(outbound.id, on_result, accepted, attempt, refusal)
            return
        total = len(pdus)
        parts = [index for index in range(1, total + 1) if index not in accepted]
        if not parts:
            done = _Settled(Outcome.ACCEPTED, total=total)
            self._answer_soon(outbound.id, on_result, accepted, attempt, done)
            return
        transfer = Transfer(outbound.id, self.id, total, accepted, attempt, on_result, pdus[0].data_coding)
        for index in parts:
            link.waiting.append(Part(transfer, index, pdus[index - 1]))
        self._pump(link)

    # -- Owner: what the links tell ---------------------------------------------------------------

    def link_bound(self) -> None:
        """See `Owner`."""
        self._announce()

    def link_answered(self, link: Link, answers: list[tuple[Part, Pdu]]) -> None:
        """See `Owner`."""
        again: list[Part] = []
        for part, pdu in answers:
            if pdu.status == 0 and isinstance(pdu, SubmitSmResp):
                part.transfer.accept(part, pdu.message_id)
            elif self._is_to_be_sent_again(link, part, pdu.status):
                again.append(part)
            else:
                self._settle_failed(part, pdu.status)
                self._withdraw_waiting(link, part.transfer)
        if again:
            link.waiting.extendleft(reversed(again))
        if link.waiting:
            self._pump(link)
        self._announce()

    def link_expired(self, link: Link, parts: list[Part]) -> None:
        """See `Owner`."""
        reason = f"carrier {self.id} did not answer within {self.settings.response_timeout_s:g} s"
        for part in parts:
            part.transfer.unknown(part, reason)
            self._withdraw_waiting(link, part.transfer)
        self._pump(link)
        self._announce()

    def link_lost(self, link: Link, written: list[Part], unwritten: list[Part]) -> None:
        """See `Owner`."""
        reason = f"carrier {self.id}: link lost: {link.last_error}"
        for part in written:
            part.transfer.unknown(part, reason)
        for part in unwritten:
            part.transfer.not_sent(reason, self.settings.reconnect_min_s)
        self._announce()

    def link_inbox(self, connection: SmppConnection) -> Inbox:
        """See `Owner`."""
        return Inbox(self.settings, connection, on_reports=self._on_reports, on_inbound=self._on_inbound)

    def link_takes(self, inbox: Inbox, deliveries: list[tuple[DeliverSm | DataSm, bytes]]) -> None:
        """See `Owner`."""
        inbox.take(deliveries, self._wall_clock())

    # -- inside -----------------------------------------------------------------------------------

    def _choose_link(self) -> Link | None:
        """The sender with the most room; None when none has any or we are closing."""
        if self._is_closing:
            return None
        best: Link | None = None
        room = 0
        for link in self._senders:
            if link.room > room:
                best, room = link, link.room
        return best

    def _no_link(self) -> "_Settled":
        if self._is_closing:
            return _Settled(Outcome.NOT_SENT, reason=f"carrier {self.id} is closing", retry_after_s=1.0)
        if self.is_bound:
            return _Settled(
                Outcome.BUSY, reason=f"carrier {self.id}: every window is full", retry_after_s=FULL_RETRY_S
            )
        now = self._clock()
        waits = [link.retry_at - now for link in self._senders if link.retry_at > now]
        return _Settled(
            Outcome.BUSY,
            reason=f"carrier {self.id} has no bound link",
            retry_after_s=min(waits, default=self.settings.reconnect_min_s),
        )

    def _answer_soon(
        self,
        message: int,
        on_result: Callable[[Handover], None],
        accepted: Mapping[int, str],
        attempt: int,
        settled: "_Settled",
    ) -> None:
        handover = Handover(
            message=message,
            carrier=self.id,
            outcome=settled.outcome,
            accepted=dict(accepted),
            total_parts=settled.total,
            attempt=attempt,
            retry_after_s=settled.retry_after_s,
            reason=settled.reason,
        )
        asyncio.get_running_loop().call_soon(on_result, handover)

    def _pump(self, link: Link) -> None:
        """Let leave what window and pace allow."""
        connection = link.connection
        if connection is None or not link.takes_submits:
            return
        waiting = link.waiting
        now = self._clock()
        pace = self._pace
        while waiting and connection.session.window_free and connection.is_writable:
            if pace.free(now) == 0:
                self._wake_later()
                return
            part = waiting.popleft()
            try:
                connection.request(part.pdu, part)
            except SessionClosed:
                waiting.appendleft(part)  # `lost` is on its way and settles it
                return
            except OurMistake as error:
                # A field no carrier could take, such as an address of 30 digits. Soon, not now: `send`
                # promises not to call back.
                reason = f"cannot be put on the wire: {error}"
                asyncio.get_running_loop().call_soon(part.transfer.refuse, 0, reason)
                continue
            pace.take(now)

    def _is_to_be_sent_again(self, link: Link, part: Part, status: int) -> bool:
        if classify(status) is not ErrorClass.THROTTLE:
            return False
        now = self._clock()
        self._throttled += 1
        self._pace.throttled(now)
        if part.throttled_since < 0:
            part.throttled_since = now
        return (
            link.takes_submits
            and not part.transfer.is_failing
            and now - part.throttled_since < self.settings.throttled_max_s
        )

    def _settle_failed(self, part: Part, status: int) -> None:
        # A generic_nack with status 0 says nothing; it is no acceptance either.
        status = status or Status.ESME_RUNKNOWNERR
        reason = f"carrier {self.id} answered {status_name(status)}"
        if classify(status) is ErrorClass.PERMANENT:
            part.transfer.refuse(status, reason)
        else:
            part.transfer.busy(status, reason, self.settings.retry_after_s)

    def _withdraw_waiting(self, link: Link, transfer: Transfer) -> None:
        """Parts of a failed message that have not left stay here: without the others they are no message."""
        if any(part.transfer is transfer for part in link.waiting):
            stay = [part for part in link.waiting if part.transfer is not transfer]
            withdrawn = len(link.waiting) - len(stay)
            link.waiting.clear()
            link.waiting.extend(stay)
            for _ in range(withdrawn):
                transfer.not_sent("another part failed", self.settings.retry_after_s)

    def _wake_later(self) -> None:
        if self._wake is None and not self._is_closing:
            delay = max(WAKE_MIN_S, self._pace.ready_in(self._clock()))
            self._wake = asyncio.get_running_loop().call_later(delay, self._woken)

    def _woken(self) -> None:
        self._wake = None
        for link in self._senders:
            if link.waiting:
                self._pump(link)
        self._announce()

    def _announce(self) -> None:
        if self._on_free is not None and self.free:
            self._on_free()


class _Settled(Struct, frozen=True):
    """An outcome known before anything was written."""

    outcome: Outcome
    total: int = 0
    reason: str = ""
    retry_after_s: float = 0.0
