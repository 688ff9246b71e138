"""The one socket loop for SMPP: server door, carrier link and simulator are handlers of it.

Callbacks only: no task per connection, no future per PDU. One read gives the handler one list of events;
everything written during one turn of the event loop leaves in one write, with TCP_NODELAY set, so that
neither Nagle's algorithm nor a peer's delayed acknowledgement ever holds a message back.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Final, Protocol, cast

from msgspec import Struct

from tideng.gateway.wire.smpp import (
    Answer,
    Deadlines,
    Due,
    EnquireLink,
    EnquireLinkResp,
    Event,
    Mistake,
    Pdu,
    Session,
    Timers,
)

Clock = Callable[[], float]
"""Monotonic seconds."""

WRITE_HIGH_BYTES: Final = 256 * 1024
"""Above this much unsent, the transport asks us to wait."""
BUFFER_BYTES_MAX: Final = 2 * 1024 * 1024
"""Above this much waiting on top of the transport's own, the peer is dropped."""
STALL_S: Final = 30.0
"""A peer that reads nothing for this long while we have something for it is dropped."""
LINGER_S: Final = 5.0
"""After `close`, how long what is written may take to leave."""
_PROBE: Final = object()

_REASONS: Final = {
    Due.CLOSE_NO_BIND: "no bind within session_init_s",
    Due.CLOSE_INACTIVE: "nothing but enquire_link for inactivity_s",
    Due.CLOSE_DEAD: "enquire_link was not answered within response_s",
}


class Loss(Struct, frozen=True):
    """What a connection leaves behind."""

    reason: str
    """For logs; no personal data."""
    written: list[object]
    """Contexts of unanswered requests that were, or may have been, put on the wire: outcome unknown."""
    unwritten: list[object]
    """Contexts of requests that never left this process."""


class Handler(Protocol):
    """Who decides what is said. Every call comes from the event loop's thread, never from within a method
    of the connection except `connected`, `received` and `expired`, and none after `lost`.
    """

    def connected(self, connection: "SmppConnection") -> None:
        """The transport is there (with TLS: after the handshake)."""
        ...

    def received(self, connection: "SmppConnection", events: list[Event], frames: list[bytes]) -> None:
        """What one read brought, never empty, and the raw PDU behind each event at the same index.

        enquire_link and its answer are dealt with already and left out. The reply of a `Mistake` is
        written already; where it says close, the connection closes after this call. The same after an
        unbind that was answered.
        """
        ...

    def expired(self, connection: "SmppConnection", contexts: list[object]) -> None:
        """Requests the peer did not answer in time: outcome unknown."""
        ...

    def lost(self, connection: "SmppConnection", loss: Loss) -> None:
        """The end, called exactly once if `connected` was."""
        ...


class SmppConnection(asyncio.Protocol):
    """One TCP or TLS connection that speaks SMPP.

    `request` and `respond` are as the session's, and raise what it raises. The owner calls `tick` at least
    once a second (see `Ticker`); without it no timer runs.
    """

    def __init__(
        self,
        session: Session,
        handler: Handler,
        *,
        timers: Timers,
        clock: Clock,
        buffer_bytes_max: int = BUFFER_BYTES_MAX,
        stall_s: float = STALL_S,
    ) -> None:
        self.session = session
        self.handler = handler
        self.timers = timers
        self.peer = ""
        """IP address and port; empty before `connected`."""
        self.context: object = None
        """The handler's own."""
        self._clock = clock
        self._buffer_bytes_max = buffer_bytes_max
        self._stall_s = stall_s
        self._transport: asyncio.Transport | None = None
        self._call_soon = asyncio.get_running_loop().call_soon
        self._deadlines = Deadlines(timers, clock())
        self._buffer: list[bytes] = []
        self._buffered = 0
        self._unwritten: list[object] = []
        self._is_flush_due = False
        self._paused_at: float | None = None
        self._is_read_paused = False
        self._closing_at: float | None = None
        self._reason = ""
        self._is_over = False

    # -- what the handler calls -------------------------------------------------------------------

    @property
    def is_writable(self) -> bool:
        """False while the peer reads too slowly, and once closing: then send no new requests."""
        return self._paused_at is None and self._closing_at is None and not self._is_over

    @property
    def is_encrypted(self) -> bool:
        """Over TLS."""
        return self._transport is not None and self._transport.get_extra_info("sslcontext") is not None

    @property
    def is_closing(self) -> bool:
        """`close` or `drop` was called, or the connection is gone."""
        return self._closing_at is not None or self._is_over

    def request(self, pdu: Pdu, context: object) -> None:
        """Send a request. The answer is `Answer(pdu, context)`; else the context in `expired`, `lost`."""
        now = self._clock()
        octets = self.session.request(pdu, context, now)
        self._unwritten.append(context)
        self._deadlines.sent(now)
        self._write(octets)

    def respond(self, pdu: Pdu) -> None:
        """Answer a request of the peer."""
        self._write(self.session.respond(pdu))

    def bound(self) -> None:
        """The handler tells that a bind was accepted: session_init no longer runs, the others do."""
        self._deadlines.bound()

    def pause_reading(self) -> None:
        """Take nothing more from the socket until `resume_reading`; TCP holds the peer back."""
        self._is_read_paused = True
        self._arrange_reading()

    def resume_reading(self) -> None:
        """Undo `pause_reading`. A slow peer stays unread until it has caught up."""
        self._is_read_paused = False
        self._arrange_reading()

    def close(self, reason: str) -> None:
        """End after what is written has left, within LINGER_S."""
        if self._closing_at is None and self._transport is not None:
            self._write_out()  # even to a slow peer: the transport sends what it holds before it closes
            self._closing_at = self._clock()
            self._reason = reason
            self._transport.close()

    def drop(self, reason: str) -> None:
        """End now; what is not written is lost."""
        if self._transport is not None and not self._is_over:
            if self._closing_at is None:
                self._closing_at = self._clock()
                self._reason = reason
            self._transport.abort()

    def tick(self, now: float) -> None:
        """Run the timers: response, enquire_link, inactivity, session_init, and our own against stalling."""
        if self._transport is None or self._is_over:
            return
        if self._closing_at is not None:
            if now - self._closing_at >= LINGER_S:
                self.drop(self._reason)
            return
        if self._paused_at is not None and now - self._paused_at >= self._stall_s:
            self.drop(f"peer has read nothing for {self._stall_s:g} s")
            return
        contexts = self.session.expired(now, self.timers.response_s) if self.timers.response_s else []
        contexts = [context for context in contexts if context is not _PROBE]
        if contexts:
            # One that still waits in our buffer may yet leave, so it is unknown as well.
            self.handler.expired(self, contexts)
        self._run_deadlines(now)

    # -- what the event loop calls ----------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: connected."""
        # A stream, by the contract of create_server and create_connection; uvloop's inherits nothing.
        stream = cast(asyncio.Transport, transport)
        self._transport = stream
        sock = stream.get_extra_info("socket")
        if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream.set_write_buffer_limits(high=WRITE_HIGH_BYTES)
        address = stream.get_extra_info("peername")
        self.peer = f"{address[0]}:{address[1]}" if isinstance(address, tuple) else ""
        self.handler.connected(self)

    def data_received(self, data: bytes) -> None:
        """asyncio: one read."""
        if self._closing_at is not None:
            return
        now = self._clock()
        session = self.session
        events = session.receive_data(data, now)
        frames = session.frames
        closing = ""
        for event in events:
            kind = type(event)
            if kind is EnquireLink or kind is Mistake or (kind is Answer and event.context is _PROBE):  # type: ignore[union-attr]
                events, frames, closing = self._serve_link(events, frames)
                break
        self._deadlines.heard(now, link_only=not events)
        if events:
            self.handler.received(self, events, frames)
        if closing or session.is_closed:
            self.close(closing or "unbound")

    def pause_writing(self) -> None:
        """asyncio: the peer reads too slowly. Stop reading too, or its requests would pile up answers."""
        self._paused_at = self._clock()
        self._arrange_reading()

    def resume_writing(self) -> None:
        """asyncio: the peer has caught up."""
        self._paused_at = None
        self._flush()
        self._arrange_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: over."""
        self._is_over = True
        never_left = {id(context) for context in self._unwritten}
        written: list[object] = []
        unwritten: list[object] = []
        for context in self.session.abandon():
            if context is not _PROBE:
                (unwritten if id(context) in never_left else written).append(context)
        self._buffer.clear()
        self._unwritten.clear()
        reason = self._reason or (f"connection lost: {exc}" if exc else "closed by the peer")
        self.handler.lost(self, Loss(reason, written, unwritten))

    # -- inside -----------------------------------------------------------------------------------

    def _write(self, octets: bytes) -> None:
        self._buffer.append(octets)
        self._buffered += len(octets)
        if not self._is_flush_due:
            self._is_flush_due = True
            self._call_soon(self._flush_soon)
        if self._buffered > self._buffer_bytes_max:
            self.drop(f"{self._buffered} bytes wait for the peer; limit is {self._buffer_bytes_max}")

    def _flush_soon(self) -> None:
        self._is_flush_due = False
        self._flush()

    def _flush(self) -> None:
        if self.is_writable:
            self._write_out()

    def _write_out(self) -> None:
        if self._buffer and self._transport is not None:
            octets = b"".join(self._buffer)
            self._buffer.clear()
            self._buffered = 0
            # From here on the kernel may have any part of it: nothing of this counts as unwritten.
            self._unwritten.clear()
            self._transport.write(octets)

    def _serve_link(self, events: list[Event], frames: list[bytes]) -> tuple[list[Event], list[bytes], str]:
        """Answer what concerns only the link; returns the rest, and why to close (empty: do not)."""
        kept: list[Event] = []
        kept_frames: list[bytes] = []
        closing = ""
        for event, frame in zip(events, frames, strict=True):
            if isinstance(event, EnquireLink):
                if not self.session.is_closed:
                    self.respond(EnquireLinkResp(sequence=event.sequence))
                continue
            if isinstance(event, Answer) and event.context is _PROBE:
                continue
            if isinstance(event, Mistake):
                if event.reply:
                    self._write(event.reply)
                if event.close:
                    closing = event.reason
            kept.append(event)
            kept_frames.append(frame)
        return kept, kept_frames, closing

    def _run_deadlines(self, now: float) -> None:
        for due in self._deadlines.due(now):
            if due is Due.SEND_ENQUIRE_LINK:
                if not self.session.is_closed and self._closing_at is None:
                    self._write(self.session.request(EnquireLink(), _PROBE, now))
            else:
                self.drop(_REASONS[due])

    def _arrange_reading(self) -> None:
        transport = self._transport
        if transport is None or self._is_over or transport.is_closing():
            return
        wanted = self._paused_at is None and not self._is_read_paused
        if wanted and not transport.is_reading():
            transport.resume_reading()
        elif not wanted and transport.is_reading():
            transport.pause_reading()


class Ticker:
    """One timer for all connections of an owner. Bounded by who adds to it; a lost connection removes itself
    only through its handler, which calls `discard`.
    """

    def __init__(self, clock: Clock, *, interval_s: float = 1.0) -> None:
        self._clock = clock
        self._interval_s = interval_s
        self._members: set[SmppConnection] = set()
        self._handle: asyncio.TimerHandle | None = None

    def add(self, connection: SmppConnection) -> None:
        """Tick this connection from now on."""
        self._members.add(connection)
        if self._handle is None:
            self._handle = asyncio.get_running_loop().call_later(self._interval_s, self._turn)

    def discard(self, connection: SmppConnection) -> None:
        """Stop ticking it; the timer itself stops with the last one."""
        self._members.discard(connection)
        if not self._members and self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _turn(self) -> None:
        self._handle = asyncio.get_running_loop().call_later(self._interval_s, self._turn)
        now = self._clock()
        for connection in list(self._members):
            connection.tick(now)
