"""A carrier for demonstrations, tests and users' own integration: a real SMPP message centre on loopback."""

import asyncio
import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime

from tideng.gateway.carriers.incoming import DEFAULT_ALPHABETS
from tideng.gateway.carriers.message_centre import Counts, Delivery, MessageCentre
from tideng.gateway.carriers.simulated_phones import Phones, Received
from tideng.gateway.carriers.simulator_settings import SimulatorSettings
from tideng.gateway.connection import Clock
from tideng.gateway.wire.smpp import DeliverSm, SubmitSm
from tideng.text.alphabets import best_alphabet, data_coding_of
from tideng.text.segments import split

REPLY_PARTS_MAX = 255
CLOSE_S = 5.0


def _stamp() -> str:
    return datetime.now(UTC).strftime("%y%m%d%H%M")


class SimulatedCarrier:
    """Listens from `start` to `close`. Same seed and same submits in the same order, same behaviours.

    `clock` is monotonic seconds; `stamp` writes the time into reports (appendix B: YYMMDDhhmm). Every method
    is for the event loop's thread.
    """

    def __init__(
        self,
        settings: SimulatorSettings,
        *,
        clock: Clock = time.monotonic,
        stamp: Callable[[], str] = _stamp,
    ) -> None:
        problem = settings.problem()
        if problem:
            raise ValueError(problem)
        self.settings = settings
        self.port = settings.port
        self._phones = Phones(DEFAULT_ALPHABETS[settings.default_alphabet], settings.received_max)
        self._centre = MessageCentre(
            settings, clock=clock, stamp=stamp, on_accepted=self._accepted, on_change=self._look
        )
        self._reference = 0
        self._server: asyncio.Server | None = None
        self._watchers: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    async def start(self) -> None:
        """Listen; `port` is known afterwards. Raises OSError when the address is taken."""
        settings, tls = self.settings, None
        if settings.tls_certificate_file:
            tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            tls.load_cert_chain(settings.tls_certificate_file, settings.tls_key_file)
        self._server = await asyncio.get_running_loop().create_server(
            self._centre.accept, settings.host, settings.port, ssl=tls
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening, drop every connection, forget what is delayed."""
        self._centre.close()
        if self._server is None:
            return
        self._server.close()
        self.disconnect()
        await self.until(lambda: not self._centre.connections, timeout_s=CLOSE_S)
        await self._server.wait_closed()
        self._server = None

    @property
    def counts(self) -> Counts:
        """What happened so far; grows while you look."""
        return self._centre.counts

    @property
    def received(self) -> tuple[Received, ...]:
        """Whole messages, oldest first, at most `received_max`."""
        return tuple(self._phones.received)

    @property
    def bound(self) -> int:
        """Connections bound now."""
        return sum(connection.session.state.is_bound for connection in self._centre.connections)

    def disconnect(self) -> None:
        """Drop every connection now, as a broken line would."""
        for connection in list(self._centre.connections):
            connection.drop("the simulated line broke")

    def hold_answers(self) -> None:
        """Take submits and answer none, until `release_answers`."""
        self._centre.hold_answers()

    def release_answers(self) -> None:
        """Answer what was held, in order, and from now on at once."""
        self._centre.release_answers()

    def reply(self, phone: str, text: str, *, to: str = "") -> None:
        """A person answers from `phone`, to the code number that wrote last (or `to`); long texts in parts.

        Raises ValueError when nobody wrote to this phone and `to` is empty.
        """
        destination = to or self._phones.last_sender(phone)
        if not destination:
            raise ValueError("nobody has written to this phone; say with `to` which code number it answers")
        alphabet = best_alphabet(text)
        self._reference = self._reference % 255 + 1
        for segment in split(text, alphabet=alphabet, reference=self._reference, parts_max=REPLY_PARTS_MAX):
            pdu = DeliverSm(
                source_addr_ton=1,
                source_addr_npi=1,
                source_addr=phone,
                destination_addr=destination,
                esm_class=0x40 if segment.has_udh else 0,
                data_coding=data_coding_of(alphabet),
                short_message=segment.octets,
            )
            self._centre.deliver(Delivery(pdu))

    async def until(self, holds: Callable[[], bool], *, timeout_s: float) -> None:
        """Wait until `holds()`, which is asked after everything that happens here. Raises TimeoutError."""
        if holds():
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        watcher = (holds, future)
        self._watchers.append(watcher)
        try:
            async with asyncio.timeout(timeout_s):
                await future
        finally:
            self._watchers.remove(watcher)

    def _accepted(self, pdu: SubmitSm) -> None:
        self._phones.take(pdu)

    def _look(self) -> None:
        for holds, future in self._watchers:
            if not future.done() and holds():
                future.set_result(None)


async def serve(
    settings: SimulatorSettings, *, on_ready: Callable[[SimulatedCarrier], None] | None = None
) -> None:
    """Run a simulated carrier until cancelled; `on_ready` is told when it listens."""
    simulator = SimulatedCarrier(settings)
    await simulator.start()
    try:
        if on_ready is not None:
            on_ready(simulator)
        await asyncio.get_running_loop().create_future()
    finally:
        await simulator.close()
