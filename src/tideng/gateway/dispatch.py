"""Dispatch: cleared messages go to carriers; what the carriers answer is booked. The outbox owns retries."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import structlog

from tideng.evidence.entries import encode_entry
from tideng.gateway.carriers.outcomes import Handover, Outcome
from tideng.gateway.carriers.routes import RETRIES, ErrorClass, Route, choose, expired, next_attempt
from tideng.gateway.clearance import Cleared
from tideng.gateway.entries import HandoverEntry
from tideng.gateway.ids import MessageIds
from tideng.gateway.messages import Micros
from tideng.gateway.pump import Pump
from tideng.gateway.settings import DispatchSettings
from tideng.gateway.store.mailbox import NewMail
from tideng.gateway.store.outbox import Booking, Leased, book, lease, next_due, release_all
from tideng.gateway.store.store import Store
from tideng.gateway.telling import report_mail
from tideng.identifiers.phone import operator_of

_log = structlog.get_logger()
_STOPS_KEPT_US: Final = 3_600_000_000


class Carries(Protocol):
    """A carrier, as dispatch sees it."""

    @property
    def free(self) -> int:
        """Segments it can take now."""
        ...

    @property
    def is_bound(self) -> bool:
        """At least one link can send."""
        ...

    def send(
        self,
        cleared: Cleared,
        on_result: "OnResult",
        accepted: Mapping[int, str] = ...,
        attempt: int = ...,
    ) -> None: ...


class OnResult(Protocol):
    """Told once per handing over, when every part has an answer or is given up."""

    def __call__(self, handover: Handover, /) -> None: ...


class Recalls(Protocol):
    """How a queued message is taken back, and how one from the outbox is cleared again."""

    def clear_again(self, rows: Sequence[Leased]) -> list["Flight"]: ...
    async def withdraw(self, flight: "Flight", code: str) -> None: ...


class Flight:
    """One cleared message on its way to a carrier."""

    __slots__ = ("accepted", "attempts", "cleared", "maybe_sent", "order", "subject", "tried")

    def __init__(
        self,
        cleared: Cleared,
        subject: str,
        *,
        attempts: int = 0,
        accepted: Mapping[int, str] | None = None,
        maybe_sent: bool = False,
    ) -> None:
        self.cleared = cleared
        self.subject = subject
        self.attempts = attempts
        self.accepted: dict[int, str] = dict(accepted or {})
        self.maybe_sent = maybe_sent
        self.order: tuple[str, ...] = ()
        self.tried: set[str] = set()


class Dispatch:
    """Owns every message between its clearance and a carrier's answer.

    In memory at most `ready_max`; the rest waits in the outbox, from where `refill` leases it. After a
    kill, what was leased goes out again, marked maybe-sent: at least once out, once in the books.
    """

    def __init__(
        self,
        store: Store,
        carriers: Mapping[str, Carries],
        routes: Sequence[Route],
        ids: MessageIds,
        settings: DispatchSettings,
    ) -> None:
        self._store = store
        self._carriers = carriers
        self._routes = routes
        self._ids = ids
        self._settings = settings
        self._queues: dict[str, deque[Flight]] = {name: deque() for name in carriers}
        self._in_memory = 0
        self._stopped: dict[str, tuple[set[str], Micros]] = {}
        self._results: Pump[tuple[Flight, Handover]] = Pump(
            "handovers", self._book, self._book_failed, waiting_max=1_000_000, batch_max=1_000
        )
        self._feed_asked = False
        self._refilling: asyncio.Task[None] | None = None
        self._open = False
        self.recalls: Recalls | None = None
        self.told: Told | None = None

    async def start(self) -> None:
        freed = await self._store.run(release_all)
        if freed:
            _log.warning("maybe_sent_after_restart", messages=freed)
        self._results.start()
        self._open = True
        self.tick()

    async def close(self) -> None:
        """Stop feeding; book what the carriers have answered. Close the carriers first."""
        self._open = False
        if self._refilling is not None:
            await asyncio.gather(self._refilling, return_exceptions=True)
        await self._results.close()

    @property
    def in_memory(self) -> int:
        return self._in_memory

    async def booked(self) -> None:
        """Return once every answer given so far is in the books."""
        await self._results.settled()

    def reserve(self, cleared_soon: int) -> int:
        """How many of these may come by memory right after their commit. Their rows are leased by it."""
        if not self._open or not any(carrier.is_bound for carrier in self._carriers.values()):
            return 0
        granted = max(0, min(cleared_soon, self._settings.ready_max - self._in_memory))
        self._in_memory += granted
        return granted

    def unreserve(self, unused: int) -> None:
        """Their commit failed."""
        self._in_memory -= unused

    def ready(self, cleared: Cleared, subject: str) -> None:
        """One reserved message is committed and cleared."""
        self._queue(Flight(cleared, subject))

    def stop(self, subject: str, principal: str) -> None:
        """An opt-out is in force: nothing of this principal ("*": anybody) may still go to this subject."""
        principals, _ = self._stopped.get(subject, (set(), 0))
        self._stopped[subject] = (principals | {principal}, self._store.now())

    def tick(self) -> None:
        """A few times a second: look for due rows, feed idle carriers, forget old stops."""
        self.feed_soon()
        horizon = self._store.now() - _STOPS_KEPT_US
        for subject in [s for s, (_, at) in self._stopped.items() if at < horizon]:
            del self._stopped[subject]
        if self._open and self._refilling is None and self._in_memory <= self._settings.ready_max // 2:
            due = next_due(self._store.reader)
            if due is not None and due <= self._store.now() and self._somebody_is_up():
                self._refilling = asyncio.create_task(self._refill(), name="refill")
                self._refilling.add_done_callback(self._refilled)

    def _somebody_is_up(self) -> bool:
        return any(carrier.is_bound for carrier in self._carriers.values())

    async def _refill(self) -> None:
        limit = self._settings.ready_max - self._in_memory
        now = self._store.now()
        self._in_memory += limit
        rows = await self._store.run(lambda conn: lease(conn, now, limit))
        self._in_memory -= limit - len(rows)
        if self.recalls is None:
            raise RuntimeError("dispatch is not connected: set `recalls` before `start`")
        for flight in self.recalls.clear_again(rows):
            self._queue(flight)

    def _refilled(self, task: "asyncio.Task[None]") -> None:
        self._refilling = None
        if not task.cancelled() and task.exception() is not None:
            _log.error("refill_failed", error=str(task.exception()))

    def _queue(self, flight: Flight) -> None:
        outbound = flight.cleared.outbound
        routes = self._routes
        operator = operator_of(outbound.recipient) or "" if any(r.operator for r in routes) else ""
        flight.order = tuple(c for c in choose(routes, outbound, operator=operator) if c in self._carriers)
        if not flight.order:
            self._end(flight, "failed", "refused", reason="no route")
            return
        up = [name for name in flight.order if self._carriers[name].is_bound and name not in flight.tried]
        self._queues[(up or flight.order)[0]].append(flight)
        self.feed_soon()

    def feed_soon(self) -> None:
        """There may be room at a carrier: look once this turn of the loop is over."""
        if not self._feed_asked:
            self._feed_asked = True
            asyncio.get_running_loop().call_soon(self._feed)

    def _feed(self) -> None:
        self._feed_asked = False
        if not self._open:
            return
        for name, queue in self._queues.items():
            carrier = self._carriers[name]
            if queue and not carrier.is_bound:
                self._move(name, queue)
            while queue and carrier.free > 0:
                self._send(carrier, queue.popleft())

    def _move(self, name: str, queue: deque[Flight]) -> None:
        """The carrier is down: those that have another way take it; the rest stays."""
        for flight in list(queue):
            other = next((n for n in flight.order if n != name and self._carriers[n].is_bound), None)
            if other is not None and not flight.accepted:
                queue.remove(flight)
                self._queues[other].append(flight)

    def _send(self, carrier: Carries, flight: Flight) -> None:
        outbound = flight.cleared.outbound
        stops = self._stopped.get(flight.subject)
        if stops is not None and ({outbound.principal, "*"} & stops[0]):
            self._withdraw(flight)
            return
        if expired(outbound, self._store.now()):
            self._end(flight, "expired", "expired", reason="validity over")
            return
        flight.attempts += 1
        carrier.send(
            flight.cleared,
            lambda handover: self._answered(flight, handover),
            flight.accepted,
            flight.attempts,
        )

    def _withdraw(self, flight: Flight) -> None:
        if self.recalls is None:
            raise RuntimeError("dispatch is not connected: set `recalls` before `start`")
        task = asyncio.create_task(self.recalls.withdraw(flight, "OPTED_OUT"), name="withdraw")
        _tasks.add(task)
        task.add_done_callback(self._withdrawn)

    def _withdrawn(self, task: "asyncio.Task[None]") -> None:
        _tasks.discard(task)
        self._in_memory -= 1
        if not task.cancelled() and task.exception() is not None:
            _log.error("withdraw_failed", error=str(task.exception()))

    def _answered(self, flight: Flight, handover: Handover) -> None:
        self._results.put((flight, handover))
        self.feed_soon()

    def _end(self, flight: Flight, state: str, outcome: str, *, reason: str) -> None:
        """Finish a message without asking a carrier."""
        _log.info("ended_without_carrier", message=flight.cleared.outbound.id, state=state, reason=reason)
        handover = Handover(
            message=flight.cleared.outbound.id,
            carrier="",
            outcome=Outcome.REFUSED,
            accepted=flight.accepted,
            total_parts=0,
            attempt=flight.attempts,
            reason=outcome,
        )
        self._results.put((flight, handover))

    async def _book(self, batch: list[tuple[Flight, Handover]]) -> None:
        store = self._store
        now = store.ledger.now()
        bookings = [self._booking(flight, handover, now) for flight, handover in batch]
        day = store.day(now)
        await store.run(lambda conn: book(conn, store.ledger, bookings, now, day))
        mail: list[NewMail] = []
        for (flight, _), booking in zip(batch, bookings, strict=True):
            if not booking.state and booking.leased:
                self._queue(flight)
                continue
            self._in_memory -= 1
            if booking.mail is not None:
                mail.append(booking.mail)
        if self.told is not None:
            self.told.handed_over(bookings, mail)

    def _book_failed(self, batch: list[tuple[Flight, Handover]], error: Exception) -> None:
        # Not in the books: the outbox rows stay leased, and the next start sends them again, maybe-sent.
        self._in_memory -= len(batch)
        _log.error("handovers_not_booked", messages=len(batch), error=type(error).__name__)

    def _booking(self, flight: Flight, handover: Handover, now: Micros) -> Booking:
        outbound = flight.cleared.outbound
        flight.accepted = dict(handover.accepted)
        flight.maybe_sent = flight.maybe_sent or bool(handover.unknown)
        if handover.outcome is Outcome.ACCEPTED:
            return self._booked(flight, handover, "sent", "accepted", now)
        if not handover.carrier:  # ended by us
            state = "expired" if handover.reason == "expired" else "failed"
            return self._booked(flight, handover, state, handover.reason, now)
        error = handover.error or ErrorClass.PERMANENT
        flight.tried.add(handover.carrier)
        if error is not ErrorClass.PERMANENT:
            if RETRIES[error].elsewhere and not flight.accepted and self._elsewhere(flight):
                return self._again(flight, handover, now, leased=True, due_at=now)
            at = next_attempt(
                outbound, error, attempt=flight.attempts, now=now, wish_s=handover.retry_after_s
            )
            if at is not None:
                flight.tried.clear()
                return self._again(flight, handover, now, leased=False, due_at=at)
        state = "expired" if error is not ErrorClass.PERMANENT else "failed"
        outcome = "expired" if state == "expired" else "refused"
        return self._booked(flight, handover, state, outcome, now)

    def _elsewhere(self, flight: Flight) -> bool:
        return any(name not in flight.tried and self._carriers[name].is_bound for name in flight.order)

    def _again(
        self, flight: Flight, handover: Handover, now: Micros, *, leased: bool, due_at: Micros
    ) -> Booking:
        unknown = handover.outcome is Outcome.UNKNOWN
        return Booking(
            message=handover.message,
            state="",
            leaf=self._leaf(flight, handover, "unknown", now) if unknown else b"",
            due_at=due_at,
            leased=leased,
            attempts=flight.attempts,
            accepted=flight.accepted,
            maybe_sent=flight.maybe_sent,
        )

    def _booked(self, flight: Flight, handover: Handover, state: str, outcome: str, now: Micros) -> Booking:
        outbound = flight.cleared.outbound
        mail = None
        if state != "sent":
            error = f"{handover.status:03x}" if handover.status else outcome
            mail = report_mail(self._ids, outbound, flight.subject, state, error, now)
        return Booking(
            message=handover.message,
            state=state,
            leaf=self._leaf(flight, handover, outcome, now),
            maybe_sent=flight.maybe_sent,
            carrier=handover.carrier,
            accepted=flight.accepted,
            parts=handover.total_parts,
            mail=mail,
        )

    def _leaf(self, flight: Flight, handover: Handover, outcome: str, now: Micros) -> bytes:
        return encode_entry(
            HandoverEntry(
                at=now,
                attempt=flight.attempts,
                carrier=handover.carrier,
                coding=handover.coding,
                carrier_ids=tuple(handover.accepted[part] for part in sorted(handover.accepted)),
                maybe_sent=flight.maybe_sent,
                message=str(handover.message),
                outcome=outcome,
                parts=handover.total_parts,
                status=handover.status,
            )
        )


class Told(Protocol):
    """Who wants to know what was booked: reports that came early, and customers."""

    def handed_over(self, bookings: Sequence[Booking], mail: Sequence[NewMail]) -> None: ...


_tasks: set["asyncio.Task[None]"] = set()
