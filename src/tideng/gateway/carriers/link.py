"""One bind to a carrier, kept alive: connect, bind, serve; after a loss wait with jitter and begin again."""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from enum import StrEnum
from typing import Final, Literal, Protocol

from tideng.gateway.carriers.incoming import Inbox
from tideng.gateway.carriers.outcomes import CREDENTIALS
from tideng.gateway.carriers.settings import CarrierSettings
from tideng.gateway.carriers.transfer import Part
from tideng.gateway.connection import Clock, Loss, SmppConnection, Ticker
from tideng.gateway.wire.smpp import (
    Answer,
    BindReceiver,
    BindTransceiver,
    BindTransmitter,
    DataSm,
    DeliverSm,
    Event,
    Mistake,
    Pdu,
    Role,
    Session,
    Timers,
    Unbind,
    UnbindResp,
    Unmatched,
    status_name,
)

Kind = Literal["transceiver", "transmitter", "receiver"]
JITTER_SHARE: Final = 0.5
"""A wait is between this share of its length and all of it: links lost together do not return together."""
_BIND: Final = object()
_UNBIND: Final = object()
_BINDS: Final = {"transceiver": BindTransceiver, "transmitter": BindTransmitter, "receiver": BindReceiver}


class LinkStatus(StrEnum):
    """Where a link stands."""

    DOWN = "down"
    BINDING = "binding"
    BOUND = "bound"
    LEAVING = "leaving"
    """Unbinding, by our wish or the carrier's: nothing new is sent, answers still come."""


class Owner(Protocol):
    """The carrier, as its links see it. Called from the event loop's thread."""

    def link_bound(self) -> None:
        """One link more may send now."""
        ...

    def link_answered(self, link: "Link", answers: list[tuple[Part, Pdu]]) -> None:
        """The answers one read brought."""
        ...

    def link_expired(self, link: "Link", parts: list[Part]) -> None:
        """Written and not answered in time."""
        ...

    def link_lost(self, link: "Link", written: list[Part], unwritten: list[Part]) -> None:
        """These can no longer be answered or sent by this link. `unwritten` includes what waited in it."""
        ...

    def link_inbox(self, connection: SmppConnection) -> Inbox:
        """Where this connection's deliveries go."""
        ...

    def link_takes(self, inbox: Inbox, deliveries: list[tuple[DeliverSm | DataSm, bytes]]) -> None:
        """What one read brought."""
        ...


class Link:
    """A handler of `SmppConnection`. `run` is its one task, asleep while the link is bound."""

    def __init__(
        self,
        settings: CarrierSettings,
        kind: Kind,
        owner: Owner,
        *,
        clock: Clock,
        entropy: Callable[[], float],
        ticker: Ticker,
        tls: ssl.SSLContext | None,
    ) -> None:
        self.kind = kind
        self.status = LinkStatus.DOWN
        self.waiting: deque[Part] = deque()
        """Parts given to this link that the window or the pace does not let leave yet."""
        self.last_error = ""
        self.failures = 0
        """Connections or binds failed since the last success."""
        self.retry_at = 0.0
        self.late_answers = 0
        self.mistakes = 0
        self.connection: SmppConnection | None = None
        self.inbox: Inbox | None = None
        self._settings = settings
        self._owner = owner
        self._clock = clock
        self._entropy = entropy
        self._ticker = ticker
        self._tls = tls
        self._stop = asyncio.Event()
        self._ended = asyncio.Event()
        self._leave_at_number: int | None = None
        self._is_refused = False

    @property
    def takes_submits(self) -> bool:
        """Bound, and the peer reads what we write."""
        return (
            self.status is LinkStatus.BOUND
            and self.kind != "receiver"
            and self.connection is not None
            and self.connection.is_writable
        )

    @property
    def room(self) -> int:
        """Parts the window still takes, those waiting here deducted; never below 0."""
        if not self.takes_submits or self.connection is None:
            return 0
        return max(0, self.connection.session.window_free - len(self.waiting))

    @property
    def takes_tlvs(self) -> bool:
        """The carrier speaks 3.4 or later (§3.4)."""
        return self.connection is not None and self.connection.session.peer_takes_tlvs

    async def run(self) -> None:
        """Keep the link until `leave`. Ends when the connection has."""
        while not self._stop.is_set():
            await self._connect_and_wait()
            if self._stop.is_set():
                return
            delay = self._next_wait()
            self.retry_at = self._clock() + delay
            try:
                async with asyncio.timeout(delay):
                    await self._stop.wait()
            except TimeoutError:
                continue

    def leave(self) -> None:
        """Unbind once nothing is outstanding, and do not come back. `drop` ends it sooner."""
        self._stop.set()
        if self.status is LinkStatus.BOUND:
            self.status = LinkStatus.LEAVING
            self._give_back()
            self._leave_if_done()
        elif self.status is LinkStatus.BINDING and self.connection is not None:
            self.connection.drop("closed by us before the bind was answered")

    def drop(self, reason: str) -> None:
        """End the connection now; a task in `run` goes on unless `leave` was called."""
        if self.connection is not None:
            self.connection.drop(reason)

    # -- Handler ----------------------------------------------------------------------------------

    def connected(self, connection: SmppConnection) -> None:
        """Bind at once (§4.1)."""
        self.connection = connection
        self.inbox = self._owner.link_inbox(connection)
        self.status = LinkStatus.BINDING
        self._ticker.add(connection)
        connection.request(
            _BINDS[self.kind](
                system_id=self._settings.system_id,
                password=self._settings.password,
                system_type=self._settings.system_type,
                interface_version=self._settings.interface_version,
                address_range=self._settings.address_range,
            ),
            _BIND,
        )

    def received(self, connection: SmppConnection, events: list[Event], frames: list[bytes]) -> None:
        """Sort one read: answers together, deliveries together."""
        answers: list[tuple[Part, Pdu]] = []
        deliveries: list[tuple[DeliverSm | DataSm, bytes]] = []
        for event, frame in zip(events, frames, strict=True):
            if isinstance(event, Answer):
                if isinstance(event.context, Part):
                    answers.append((event.context, event.pdu))
                elif event.context is _BIND:
                    self._bind_answered(connection, event.pdu)
            elif isinstance(event, (DeliverSm, DataSm)):
                deliveries.append((event, frame))
            elif isinstance(event, Unbind):
                self._leave_at_number = event.sequence
                self.status = LinkStatus.LEAVING
                self.last_error = "the carrier unbound"
                self._give_back()
            elif isinstance(event, Unmatched):
                self.late_answers += 1
            elif isinstance(event, Mistake):
                self.mistakes += 1
                self.last_error = event.reason
        if answers:
            self._owner.link_answered(self, answers)
        if deliveries and self.inbox is not None:
            self._owner.link_takes(self.inbox, deliveries)
        if self.status is LinkStatus.LEAVING:
            self._leave_if_done()

    def expired(self, connection: SmppConnection, contexts: list[object]) -> None:
        """Unanswered in time."""
        if _UNBIND in contexts or _BIND in contexts:
            connection.drop("the carrier did not answer bind or unbind in time")
        parts = [context for context in contexts if isinstance(context, Part)]
        if parts:
            self._owner.link_expired(self, parts)
        if self.status is LinkStatus.LEAVING:
            self._leave_if_done()

    def lost(self, connection: SmppConnection, loss: Loss) -> None:
        """Tell the owner what became of everything, then let `run` go on."""
        self._ticker.discard(connection)
        self.status = LinkStatus.DOWN
        if self.inbox is not None:
            self.inbox.close()
        if not self._is_refused:
            self.last_error = loss.reason
        written = [context for context in loss.written if isinstance(context, Part)]
        unwritten = [context for context in loss.unwritten if isinstance(context, Part)]
        unwritten += self.waiting
        self.waiting.clear()
        self.connection = None
        self._leave_at_number = None
        self._ended.set()
        self._owner.link_lost(self, written, unwritten)

    # -- inside -----------------------------------------------------------------------------------

    async def _connect_and_wait(self) -> None:
        settings = self._settings
        self._ended.clear()
        self._is_refused = False
        session = Session(Role.CLIENT, window=settings.window)
        timers = Timers(
            session_init_s=settings.bind_timeout_s,
            enquire_link_s=settings.enquire_link_s,
            inactivity_s=0,
            response_s=settings.response_timeout_s,
        )
        try:
            async with asyncio.timeout(settings.connect_timeout_s):
                await asyncio.get_running_loop().create_connection(
                    lambda: SmppConnection(session, self, timers=timers, clock=self._clock),
                    settings.host,
                    settings.port,
                    ssl=self._tls,
                    server_hostname=(settings.tls_server_name or settings.host) if self._tls else None,
                )
        except TimeoutError:
            self._failed(f"no connection within {settings.connect_timeout_s:g} s")
        except OSError as error:
            self._failed(f"cannot connect: {error}")
        if self.connection is not None:
            if self._stop.is_set():
                self.leave()
            await self._ended.wait()

    def _failed(self, reason: str) -> None:
        self.failures += 1
        self.last_error = reason

    def _next_wait(self) -> float:
        settings = self._settings
        if self._is_refused:
            longest = settings.reconnect_max_s
        else:
            doublings = min(max(self.failures - 1, 0), 30)
            longest = min(settings.reconnect_max_s, settings.reconnect_min_s * 2**doublings)
        return longest * (JITTER_SHARE + (1 - JITTER_SHARE) * self._entropy())

    def _bind_answered(self, connection: SmppConnection, pdu: Pdu) -> None:
        if not connection.session.state.is_bound:
            self._failed(f"bind refused: {status_name(pdu.status)}")
            self._is_refused = pdu.status in CREDENTIALS
            connection.close(self.last_error)
            return
        connection.bound()
        self.failures = 0
        self.last_error = ""
        self.status = LinkStatus.BOUND
        self._owner.link_bound()

    def _give_back(self) -> None:
        """What has not left will not leave by this link."""
        waiting = list(self.waiting)
        self.waiting.clear()
        if waiting:
            self._owner.link_lost(self, [], waiting)

    def _leave_if_done(self) -> None:
        connection = self.connection
        if connection is None or connection.is_closing or connection.session.outstanding:
            return
        if self._leave_at_number is not None:
            number, self._leave_at_number = self._leave_at_number, None
            connection.respond(UnbindResp(sequence=number))
            connection.close("the carrier unbound")
        elif self._stop.is_set() and connection.session.state.is_bound:
            connection.request(Unbind(), _UNBIND)
