"""The socket loop itself: what it writes when, whom it waits for, and whom it drops."""

import asyncio
import ipaddress
import ssl
import struct
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from carriers.independent_smsc import BIND_TRX, ENQUIRE, RESP, SUBMIT, pdu
from carriers.traffic import Traffic, cleared
from tideng.gateway.carriers.simulator import SimulatedCarrier
from tideng.gateway.carriers.simulator_settings import SimulatorSettings
from tideng.gateway.connection import Loss, SmppConnection, Ticker
from tideng.gateway.wire.smpp import (
    Bind,
    BindResp,
    DeliverSm,
    Event,
    Mistake,
    Role,
    Session,
    SubmitSm,
    SubmitSmResp,
    Timers,
    Unbind,
    UnbindResp,
)

BIND = pdu(BIND_TRX, 0, 1, b"c\0\0\0\x34\0\0\0")
SUBMIT_BODY = b"\0\0\0" + b"106\0" + b"\1\1" + b"86138\0" + b"\0\0\0\0\0\0\0\0\0" + b"\2hi"


class Door:
    """A server that answers everything, and remembers."""

    def __init__(self, *, timers: Timers | None = None, **limits: float) -> None:
        self.now = 100.0
        self.reads: list[list[Event]] = []
        self.losses: list[Loss] = []
        self.expiries: list[object] = []
        self.connection: SmppConnection | None = None
        self.answer_octets = 0
        self._timers = timers or Timers()
        self._limits = limits
        self._news = asyncio.Event()

    def accept(self) -> SmppConnection:
        session = Session(Role.SERVER)
        return SmppConnection(session, self, timers=self._timers, clock=lambda: self.now, **self._limits)  # type: ignore[arg-type]

    def connected(self, connection: SmppConnection) -> None:
        self.connection = connection
        self._news.set()

    def received(self, connection: SmppConnection, events: list[Event], frames: list[bytes]) -> None:
        assert len(events) == len(frames) > 0
        self.reads.append(events)
        for event in events:
            if isinstance(event, Bind):
                connection.respond(BindResp(sequence=event.sequence, command_id=event.command_id | RESP))
                connection.bound()
            elif isinstance(event, SubmitSm):
                connection.respond(SubmitSmResp(sequence=event.sequence, message_id="m" * 60))
            elif isinstance(event, Unbind):
                connection.respond(UnbindResp(sequence=event.sequence))
        self._news.set()

    def expired(self, connection: SmppConnection, contexts: list[object]) -> None:
        self.expiries += contexts

    def lost(self, connection: SmppConnection, loss: Loss) -> None:
        self.losses.append(loss)
        self._news.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not holds():
                self._news.clear()
                await self._news.wait()


Story = Callable[[Door, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def play(story: Story, **fields: object) -> None:
    async def run() -> None:
        door = Door(**fields)  # type: ignore[arg-type]
        server = await asyncio.get_running_loop().create_server(door.accept, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        try:
            await door.until(lambda: door.connection is not None)
            await story(door, reader, writer)
        finally:
            writer.close()
            server.close()
            await door.until(lambda: len(door.losses) == 1)
            await server.wait_closed()

    asyncio.run(run())


async def read_pdu(reader: asyncio.StreamReader) -> tuple[int, int, int]:
    async with asyncio.timeout(10):
        length, command, status, sequence = struct.unpack(">IIII", await reader.readexactly(16))
        await reader.readexactly(length - 16)
    return command, status, sequence


def connection_of(door: Door) -> SmppConnection:
    assert door.connection is not None
    return door.connection


def test_one_read_one_list_one_write() -> None:
    async def story(door: Door, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(BIND)
        await read_pdu(reader)
        writes: list[int] = []
        transport = connection_of(door)._transport
        assert transport is not None
        write = transport.write
        transport.write = lambda octets: (writes.append(len(octets)), write(octets))[1]  # type: ignore[method-assign]
        writer.write(b"".join(pdu(SUBMIT, 0, n, SUBMIT_BODY) for n in range(2, 52)))
        for n in range(2, 52):
            assert await read_pdu(reader) == (SUBMIT | RESP, 0, n)
        assert [len(read) for read in door.reads] == [1, 50]
        assert len(writes) == 1

    play(story)


def test_enquire_link_is_answered_without_the_handler() -> None:
    async def story(door: Door, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(pdu(ENQUIRE, 0, 9))
        assert await read_pdu(reader) == (ENQUIRE | RESP, 0, 9)
        assert door.reads == []

    play(story)


def test_a_mistake_is_answered_and_told() -> None:
    async def story(door: Door, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(pdu(SUBMIT, 0, 1, SUBMIT_BODY))
        assert await read_pdu(reader) == (SUBMIT | RESP, 0x04, 1)
        assert isinstance(door.reads[0][0], Mistake)
        writer.write(struct.pack(">IIII", 0x7FFFFFFF, SUBMIT, 0, 2))
        assert (await read_pdu(reader))[:2] == (RESP, 0x02)
        assert await reader.read() == b""
        await door.until(lambda: bool(door.losses))
        assert "command_length" in door.losses[0].reason

    play(story)


def test_unbind_is_answered_then_closed() -> None:
    async def story(door: Door, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(BIND)
        assert await read_pdu(reader) == (BIND_TRX | RESP, 0, 1)
        writer.write(pdu(6, 0, 2))
        assert await read_pdu(reader) == (6 | RESP, 0, 2)
        assert await reader.read() == b""

    play(story)


def test_who_does_not_bind_is_dropped() -> None:
    async def story(door: Door, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection_of(door).tick(door.now + 9.9)
        assert not connection_of(door).is_closing
        connection_of(door).tick(door.now + 10)
        await door.until(lambda: bool(door.losses))
        assert "session_init_s" in door.losses[0].reason

    play(story, timers=Timers(session_init_s=10))


def test_silence_is_asked_about_then_dropped() -> None:
    async def story(door: Door, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(BIND)
        await read_pdu(reader)
        connection_of(door).tick(door.now + 31)
        assert (await read_pdu(reader))[0] == ENQUIRE
        connection_of(door).tick(door.now + 40)
        assert not connection_of(door).is_closing
        connection_of(door).tick(door.now + 62)
        await door.until(lambda: bool(door.losses))
        assert "enquire_link" in door.losses[0].reason
        assert door.losses[0].written == door.losses[0].unwritten == door.expiries == []

    play(story)


def test_unanswered_requests_expire_once() -> None:
    async def story(door: Door, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(BIND)
        await read_pdu(reader)
        connection_of(door).request(DeliverSm(source_addr="1", destination_addr="2"), "context")
        await read_pdu(reader)
        connection_of(door).tick(door.now + 29)
        assert door.expiries == []
        connection_of(door).tick(door.now + 30)
        connection_of(door).tick(door.now + 31)
        assert door.expiries == ["context"]

    play(story)


def test_loss_tells_written_from_unwritten() -> None:
    async def story(door: Door, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(BIND)
        await read_pdu(reader)
        pdu_ = DeliverSm(source_addr="1", destination_addr="2")
        connection_of(door).request(pdu_, "written")
        await read_pdu(reader)
        connection_of(door).request(pdu_, "unwritten")
        connection_of(door).drop("test")
        await door.until(lambda: bool(door.losses))
        assert door.losses == [Loss("test", ["written"], ["unwritten"])]

    play(story)


def test_a_peer_that_does_not_read_is_not_read_then_dropped_by_size() -> None:
    async def story(door: Door, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(BIND)
        connection = connection_of(door)
        await door.until(lambda: connection.session.state.is_bound)
        transport = connection._transport
        assert transport is not None
        big = DeliverSm(source_addr="1", destination_addr="2", short_message=b"x" * 254)
        sent = 0
        while connection.is_writable:
            for _ in range(90):
                if connection.session.window_free:
                    connection.request(big, None)
                    sent += 1
            connection.session.expired(1e9, 0)  # free the window: this test is about bytes
            await asyncio.sleep(0)
        assert not transport.is_reading(), "a peer that reads nothing is given no more to answer"
        while not connection.is_closing:
            connection.request(big, None)
            connection.session.expired(1e9, 0)
        await door.until(lambda: bool(door.losses))
        assert "bytes wait for the peer; limit is 100000" in door.losses[0].reason

    play(story, buffer_bytes_max=100_000)


def test_a_peer_that_does_not_read_is_dropped_by_time_and_forgiven_in_time() -> None:
    async def story(door: Door, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(BIND)
        connection = connection_of(door)
        await door.until(lambda: connection.session.state.is_bound)
        big = DeliverSm(source_addr="1", destination_addr="2", short_message=b"x" * 254)
        for _ in range(2):
            while connection.is_writable:
                connection.request(big, None)
                connection.session.expired(1e9, 0)
                if connection._buffered > 20_000:
                    await asyncio.sleep(0)
            connection.tick(door.now + 29)
            assert not connection.is_closing
            writer.transport.resume_reading()  # type: ignore[attr-defined]
            async with asyncio.timeout(10):
                while not connection.is_writable:
                    await reader.read(1_000_000)
            assert connection._transport is not None
            assert connection._transport.is_reading()
            writer.transport.pause_reading()  # type: ignore[attr-defined]
        while connection.is_writable:
            connection.request(big, None)
            connection.session.expired(1e9, 0)
            if connection._buffered > 20_000:
                await asyncio.sleep(0)
        connection.tick(door.now + 30)
        await door.until(lambda: bool(door.losses))
        assert door.losses[0].reason == "peer has read nothing for 30 s"

    play(story, timers=Timers(enquire_link_s=0, inactivity_s=0))


def test_the_handler_can_hold_the_peer_back() -> None:
    async def story(door: Door, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(BIND)
        await read_pdu(reader)
        connection_of(door).pause_reading()
        writer.write(pdu(ENQUIRE, 0, 5))
        await writer.drain()
        for _ in range(20):
            await asyncio.sleep(0)
        connection_of(door).resume_reading()
        assert await read_pdu(reader) == (ENQUIRE | RESP, 0, 5)

    play(story)


def test_the_ticker_ticks_until_the_last_has_gone() -> None:
    ticks: list[float] = []

    async def story(door: Door, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        done = asyncio.Event()
        connection = connection_of(door)
        connection.tick = lambda now: (ticks.append(now), done.set())[0]  # type: ignore[method-assign]
        ticker = Ticker(lambda: 42.0, interval_s=0.001)
        ticker.add(connection)
        async with asyncio.timeout(5):
            await done.wait()
        ticker.discard(connection)
        assert ticker._handle is None

    play(story)
    assert ticks
    assert set(ticks) == {42.0}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "carrier.test")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.DNSName("carrier.test"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            ),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return folder / "cert.pem", folder / "key.pem"


async def _tls_centre(certificate: tuple[Path, Path]) -> SimulatedCarrier:
    cert, key = certificate
    centre = SimulatedCarrier(
        SimulatorSettings(port=0, tls_certificate_file=str(cert), tls_key_file=str(key))
    )
    await centre.start()
    return centre


def test_tls(certificate: tuple[Path, Path]) -> None:
    async def run() -> None:
        centre = await _tls_centre(certificate)
        name = {"tls": True, "tls_ca_file": str(certificate[0]), "tls_server_name": "carrier.test"}
        async with Traffic(centre.port, **name) as traffic:  # type: ignore[arg-type]
            await traffic.send_all([cleared(id) for id in range(1, 101)])
            assert traffic.texts() == ["accepted"] * 100
            await traffic.until(lambda: len(traffic.reports) == 100)
        await centre.close()

    asyncio.run(run())


def test_tls_to_someone_else_is_refused(certificate: tuple[Path, Path]) -> None:
    async def run() -> None:
        centre = await _tls_centre(certificate)
        traffic = Traffic(
            centre.port,
            tls=True,
            tls_ca_file=str(certificate[0]),
            tls_server_name="other.test",
            reconnect_max_s=9.0,
        )
        traffic.carrier.start()
        link = traffic.carrier._links[0]
        began = time.monotonic()
        while not link.failures:
            assert time.monotonic() - began < 10
            await asyncio.sleep(0)
        assert "certificate" in link.last_error.lower()
        assert centre.counts.binds == 0
        assert isinstance(traffic.carrier._links[0]._tls, ssl.SSLContext)
        await traffic.carrier.close()
        await centre.close()

    asyncio.run(run())
