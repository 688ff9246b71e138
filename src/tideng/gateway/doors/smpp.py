"""The SMPP door: listeners, limits, and who may bind. What a bound customer says is in `smpp_session`."""

import asyncio
import hmac
import ipaddress
import secrets
import ssl
from collections import Counter, OrderedDict
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import cache
from hashlib import sha256
from typing import Final, Protocol

import structlog

from tideng.gateway.connection import Clock, SmppConnection, Ticker
from tideng.gateway.doors.smpp_session import CustomerSession
from tideng.gateway.doors.smpp_submits import ORIGIN, submission_of_whole
from tideng.gateway.ids import MessageIds
from tideng.gateway.intake import Answer, NotRecorded, Outcome
from tideng.gateway.mailbox import Sink
from tideng.gateway.messages import MessageId, Micros, Submission
from tideng.gateway.parts import Parts, Whole
from tideng.gateway.pump import Overloaded
from tideng.gateway.registry.passwords import hash_password, is_password
from tideng.gateway.registry.snapshot import Snapshot
from tideng.gateway.registry.values import Customer
from tideng.gateway.settings import SmppDoorSettings
from tideng.gateway.wire.smpp import Role, Session, Status, Timers
from tideng.storage.failures import StorageError

_log = structlog.get_logger()
HASHING_AT_ONCE_MAX: Final = 2
"""argon2id takes 64 MiB and 0.1 s each: more at once would starve everything else."""
KNOWN_PASSWORDS_MAX: Final = 1_000
FAILURES_KEPT_MAX: Final = 10_000
CLOSE_S: Final = 5.0
SWEEP_S: Final = 1.0
_ROUNDING: Final = 1e-6
"""Tokens are fractions of binary floats: five a second make 1.9999999999 in 0.4 s."""


class Takes(Protocol):
    """Intake, as the door sees it."""

    def offer(self, submission: Submission, answer: Answer) -> None: ...


class Delivers(Protocol):
    """The mailbox, as the door sees it."""

    def attach(self, customer: str, sink: Sink) -> None: ...
    def detach(self, customer: str, sink: Sink) -> None: ...
    def flush(self, customer: str) -> None: ...


class Registers(Protocol):
    """The registry, as the door sees it."""

    @property
    def snapshot(self) -> Snapshot: ...


class Inquires(Protocol):
    """Questions about a customer's own messages."""

    def state_of(self, customer: str, message: MessageId) -> str | None: ...
    async def cancel(self, customer: str, message: MessageId) -> bool: ...


class Refused(Exception):
    """A bind that may not be; `status` is its answer, the text says why, for the log."""

    def __init__(self, status: Status, why: str) -> None:
        super().__init__(why)
        self.status = status


class SmppDoor:
    """Listens, accepts binds, and lets the right ones in."""

    def __init__(
        self,
        settings: SmppDoorSettings,
        *,
        intake: Takes,
        parts: Parts,
        mailbox: Delivers,
        registry: Registers,
        inquiries: Inquires,
        ids: MessageIds,
        now: Callable[[], Micros],
        clock: Clock,
    ) -> None:
        self.settings = settings
        self.intake = intake
        self.parts = parts
        self.mailbox = mailbox
        self.registry = registry
        self.inquiries = inquiries
        self.ids = ids
        self.now = now
        self.clock = clock
        self.port = 0
        self.tls_port = -1
        self.timers = Timers(
            session_init_s=settings.session_init_s,
            enquire_link_s=settings.enquire_link_s,
            inactivity_s=settings.inactivity_s,
            response_s=settings.response_s,
        )
        self.ticker = Ticker(clock)
        self.sessions: set[CustomerSession] = set()
        self._by_address: Counter[str] = Counter()
        self._binds: Counter[str] = Counter()
        self._allowances: dict[str, Allowance] = {}
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._passwords: OrderedDict[str, bytes] = OrderedDict()
        # Known to this process only, so that what is kept of passwords is worth nothing elsewhere.
        self._process_key = secrets.token_bytes(32)
        self._hashing = asyncio.Semaphore(HASHING_AT_ONCE_MAX)
        self._nobody = _password_of_nobody()
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._counter = 0
        self._sweeping: asyncio.Task[None] | None = None

    # Life

    async def start(self) -> None:
        """Listen. Raises OSError when an address cannot be had, ssl.SSLError for a bad certificate."""
        await self._offer_left_overs()
        settings = self.settings
        loop = asyncio.get_running_loop()
        plain = await loop.create_server(self._accept, settings.host, settings.port, backlog=256)
        self._servers.append(plain)
        self.port = plain.sockets[0].getsockname()[1]
        if settings.tls_port >= 0:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(settings.tls_certificate, settings.tls_key or None)
            secure = await loop.create_server(
                self._accept, settings.host, settings.tls_port, ssl=context, backlog=256
            )
            self._servers.append(secure)
            self.tls_port = secure.sockets[0].getsockname()[1]
        self._sweeping = asyncio.create_task(self._sweep(), name="smpp sweep")

    async def close(self) -> None:
        """Stop listening, unbind everyone, let what is under way be answered."""
        for server in self._servers:
            server.close()
        if self._sweeping is not None:
            self._sweeping.cancel()
            await asyncio.gather(self._sweeping, return_exceptions=True)
        leaving = [session.leave() for session in list(self.sessions)]
        if leaving:
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.gather(*leaving), CLOSE_S)
        for session in list(self.sessions):
            session.drop("the gateway is closing")
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def connections(self) -> int:
        """Open connections, bound or not."""
        return len(self.sessions)

    def run(self, work: Coroutine[None, None, None]) -> None:
        """Own a short task of a session."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _accept(self) -> SmppConnection:
        self._counter += 1
        session = CustomerSession(self, self._counter)
        return SmppConnection(
            Session(Role.SERVER, window=10_000, frame_bytes_max=self.settings.frame_bytes_max),
            session,
            timers=self.timers,
            clock=self.clock,
        )

    # What sessions ask

    def admit(self, session: CustomerSession, address: str) -> str:
        """Count a new connection; why it may not stay, or nothing."""
        self.sessions.add(session)
        self._by_address[address] += 1
        if len(self.sessions) > self.settings.connections_max:
            return f"over {self.settings.connections_max} connections"
        if self._by_address[address] > self.settings.connections_per_address_max:
            return f"over {self.settings.connections_per_address_max} connections from one address"
        if self._is_locked_out(f"address {address}"):
            return "locked out after failed binds"
        return ""

    def gone(self, session: CustomerSession, address: str) -> None:
        """The connection has ended."""
        self.sessions.discard(session)
        self._by_address[address] -= 1
        if self._by_address[address] <= 0:
            del self._by_address[address]
        if session.customer:
            self._binds[session.customer] -= 1

    async def authenticate(
        self, system_id: str, password: str, address: str, *, is_wanted: Callable[[], bool]
    ) -> Customer:
        """The customer of a bind. Raises `Refused`; an unknown name takes as long as a wrong password.

        `is_wanted` is asked before the costly part: who has hung up waits for nothing.
        """
        names = (f"address {address}", f"system_id {system_id}")
        if any(self._is_locked_out(name) for name in names):
            raise Refused(Status.ESME_RBINDFAIL, "locked out after failed binds")
        customer = self.registry.snapshot.by_system_id(system_id)
        access = customer.smpp if customer is not None else None
        known = access.password_hash if access is not None else self._nobody
        is_right = await self._is_password(password, known, is_wanted)
        if not is_right or customer is None or access is None:
            for name in names:
                self._count_failure(name)
            raise Refused(Status.ESME_RINVPASWD, "unknown system_id or wrong password")
        if access.allow and not _is_allowed(address, access.allow):
            raise Refused(Status.ESME_RBINDFAIL, "the address is not on the customer's list")
        if customer.status != "active":
            raise Refused(Status.ESME_RBINDFAIL, f"the customer is {customer.status}")
        return customer

    def take_bind(self, customer: Customer) -> None:
        """Count one more bind of this customer, given back by `gone`. Raises `Refused` over its limit."""
        limit = customer.smpp.binds_max if customer.smpp is not None else 0
        if self._binds[customer.id] >= limit:
            raise Refused(Status.ESME_RALYBND, f"over {limit} binds of one customer")
        self._binds[customer.id] += 1

    def may_submit(self, customer: Customer, messages: int = 1) -> bool:
        """Whether the customer's throughput allows as many more messages now."""
        allowance = self._allowances.get(customer.id)
        if allowance is None or allowance.per_s != customer.throughput_per_s:
            allowance = Allowance(customer.throughput_per_s, self.clock())
            self._allowances[customer.id] = allowance
        return allowance.take(messages, self.clock())

    def whole_came(self, whole: Whole, answer: Answer) -> None:
        """Review a long message; its parts are dropped once the verdict is recorded. Raises `Overloaded`."""

        def recorded(outcome: Outcome | NotRecorded) -> None:
            if isinstance(outcome, Outcome):
                self.run(self.parts.forget([whole]))
            else:
                self.parts.not_recorded(whole)
            answer(outcome)

        try:
            self.intake.offer(submission_of_whole(whole), recorded)
        except Overloaded:
            self.parts.not_recorded(whole)
            raise

    # Inside

    async def _offer_left_overs(self) -> None:
        """Messages complete when a process ended: recorded ones lose their parts, others are reviewed."""
        for whole in await self.parts.left_over(ORIGIN, all_ages=True):
            customer = whole.last.origin.removeprefix(ORIGIN)
            if self.inquiries.state_of(customer, whole.last.id) is not None:
                await self.parts.forget([whole])
            else:
                self._review_unasked(whole)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            try:
                for whole in await self.parts.left_over(ORIGIN):
                    self._review_unasked(whole)
            except StorageError as error:
                _log.error("left_overs_not_read", error=str(error))

    def _review_unasked(self, whole: Whole) -> None:
        try:
            self.whole_came(whole, _log_unasked)
        except Overloaded:
            _log.warning("left_over_waits", parts=whole.last.about.total)

    async def _is_password(self, password: str, known: str, is_wanted: Callable[[], bool]) -> bool:
        digest = hmac.digest(self._process_key, f"{known}\0{password}".encode(), sha256)
        kept = self._passwords.get(known)
        if kept is not None and hmac.compare_digest(kept, digest):
            return True
        async with self._hashing:
            if not is_wanted():
                raise Refused(Status.ESME_RBINDFAIL, "hung up before the password was checked")
            right = await asyncio.to_thread(is_password, password, known)
        if right:
            self._passwords[known] = digest
            while len(self._passwords) > KNOWN_PASSWORDS_MAX:
                self._passwords.popitem(last=False)
        return right

    def _is_locked_out(self, name: str) -> bool:
        failures, until = self._failures.get(name, (0, 0.0))
        return failures >= self.settings.lockout_failures and self.clock() < until

    def _count_failure(self, name: str) -> None:
        failures, until = self._failures.pop(name, (0, 0.0))
        now = self.clock()
        if until and now >= until:
            failures = 0
        self._failures[name] = (failures + 1, now + self.settings.lockout_s)
        while len(self._failures) > FAILURES_KEPT_MAX:
            self._failures.popitem(last=False)


class Allowance:
    """A token bucket: `per_s` messages a second, one second's worth at once."""

    __slots__ = ("_at", "_tokens", "per_s")

    def __init__(self, per_s: int, now: float) -> None:
        self.per_s = per_s
        self._tokens = float(per_s)
        self._at = now

    def take(self, wanted: int, now: float) -> bool:
        """Take `wanted` tokens, or none and say False."""
        self._tokens = min(float(self.per_s), self._tokens + (now - self._at) * self.per_s)
        self._at = now
        if self._tokens < wanted - _ROUNDING:
            return False
        self._tokens = max(0.0, self._tokens - wanted)
        return True


@cache
def _password_of_nobody() -> str:
    """What the password of an unknown system_id is checked against, to take as long."""
    return hash_password(secrets.token_hex())


def _is_allowed(address: str, networks: tuple[str, ...]) -> bool:
    own = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(own, ipaddress.IPv6Address) and own.ipv4_mapped is not None:
        own = own.ipv4_mapped
    return any(own in ipaddress.ip_network(network, strict=False) for network in networks)


def _log_unasked(outcome: Outcome | NotRecorded) -> None:
    if isinstance(outcome, NotRecorded):
        _log.error("left_over_not_recorded")
    else:
        _log.info("left_over_reviewed", message=outcome.message, action=outcome.action)
