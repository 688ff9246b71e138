"""A small SMPP customer on raw struct: paced, or with a window. Shares no code with the gateway's codec.

smsbench has no pace of its own, and a latency under a closed window says little about one at half load.
"""

import asyncio
import struct
import time
from typing import Final

from msgspec import Struct, field

BIND_TRANSCEIVER: Final = 0x00000009
SUBMIT_SM: Final = 0x00000004
DELIVER_SM: Final = 0x00000005
ENQUIRE_LINK: Final = 0x00000015
RESPONSE: Final = 0x80000000
HEADER: Final = struct.Struct(">IIII")
TICK_S: Final = 0.001
CONNECT_S: Final = 10.0
ANSWERS_S: Final = 30.0
_TEXT: Final = b"hello #%d# world, this is a benchmark message"


class Loaded(Struct):
    """What one customer saw."""

    acknowledged: set[int] = field(default_factory=set)
    """Numbers answered ESME_ROK."""
    refused: int = 0
    latencies_s: list[float] = field(default_factory=list)
    """From the moment a message was due to its answer, so a stall counts for all that waited behind it."""
    ids: set[bytes] = field(default_factory=set)
    reported: set[bytes] = field(default_factory=set)
    elapsed_s: float = 0.0
    is_broken: bool = False

    def percentile_ms(self, share: float) -> float:
        ordered = sorted(self.latencies_s)
        return 1000 * ordered[int(share * (len(ordered) - 1))] if ordered else 0.0


class _Customer(asyncio.Protocol):
    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.seen = Loaded()
        self.bound: asyncio.Future[int] = loop.create_future()
        self.changed = asyncio.Event()
        self._due: dict[int, tuple[int, float]] = {}
        self._buffer = bytearray()
        self._out: list[bytes] = []
        self._transport: asyncio.Transport | None = None

    @property
    def outstanding(self) -> int:
        return len(self._due)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.seen.is_broken = True
        self.changed.set()
        if not self.bound.done():
            self.bound.set_exception(ConnectionError("closed before the bind was answered"))

    def send(self, command: int, sequence: int, body: bytes) -> None:
        self._out.append(HEADER.pack(16 + len(body), command, 0, sequence) + body)

    def flush(self) -> None:
        if self._out and self._transport is not None:
            self._transport.write(b"".join(self._out))
            self._out.clear()

    def submit(self, number: int, due: float, report: bool) -> None:
        text = _TEXT % number
        # service_type, source, destination; esm_class, protocol_id, priority; two empty times.
        body = b"\x00\x01\x01106900990009\x00\x01\x0186138%08d\x00" % number
        body += bytes(5) + bytes((report, 0, 0, 0, len(text))) + text
        sequence = number + 2
        self._due[sequence] = (number, due)
        self.send(SUBMIT_SM, sequence, body)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        now = time.perf_counter()
        at = 0
        while len(self._buffer) - at >= 16:
            length, command, status, sequence = HEADER.unpack_from(self._buffer, at)
            if len(self._buffer) - at < length:
                break
            self._take(command, status, sequence, bytes(self._buffer[at + 16 : at + length]), now)
            at += length
        del self._buffer[:at]
        self.flush()
        self.changed.set()

    def _take(self, command: int, status: int, sequence: int, body: bytes, now: float) -> None:
        if command == SUBMIT_SM | RESPONSE:
            number, due = self._due.pop(sequence)
            self.seen.latencies_s.append(now - due)
            if status:
                self.seen.refused += 1
            else:
                self.seen.acknowledged.add(number)
                self.seen.ids.add(body.partition(b"\0")[0])
        elif command == DELIVER_SM:
            self.send(DELIVER_SM | RESPONSE, sequence, b"\0")
            _, found, after = body.partition(b"id:")
            if found:
                self.seen.reported.add(after.partition(b" ")[0])
        elif command == ENQUIRE_LINK:
            self.send(ENQUIRE_LINK | RESPONSE, sequence, b"")
        elif command == BIND_TRANSCEIVER | RESPONSE and not self.bound.done():
            self.bound.set_result(status)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


async def _bound(port: int, user: str, password: str) -> _Customer:
    loop = asyncio.get_running_loop()
    _, customer = await loop.create_connection(_Customer, "127.0.0.1", port)
    account = f"{user}\0{password}\0\0".encode()
    customer.send(BIND_TRANSCEIVER, 1, account + b"\x34\0\0\0")
    customer.flush()
    async with asyncio.timeout(CONNECT_S):
        status = await customer.bound
    if status:
        raise ConnectionError(f"the bind was answered {status:#010x}")
    return customer


async def paced(
    port: int, user: str, password: str, *, start: int, count: int, per_s: float, report: bool
) -> Loaded:
    """Submit `count` messages, one every 1/`per_s` seconds whatever the answers do; wait for all of them."""
    customer = await _bound(port, user, password)
    began = time.perf_counter()
    sent = 0
    while sent < count and not customer.seen.is_broken:
        now = time.perf_counter()
        while sent < count and began + sent / per_s <= now:
            customer.submit(start + sent, began + sent / per_s, report)
            sent += 1
        customer.flush()
        await asyncio.sleep(TICK_S)
    await _answered(customer, report)
    customer.seen.elapsed_s = time.perf_counter() - began
    customer.close()
    return customer.seen


async def windowed(
    port: int, user: str, password: str, *, start: int, count: int, window: int, report: bool
) -> Loaded:
    """Keep `window` messages unanswered until `count` are submitted or the connection breaks."""
    customer = await _bound(port, user, password)
    began = time.perf_counter()
    sent = 0
    while (sent < count or customer.outstanding) and not customer.seen.is_broken:
        customer.changed.clear()
        while sent < count and customer.outstanding < window:
            customer.submit(start + sent, time.perf_counter(), report)
            sent += 1
        customer.flush()
        await customer.changed.wait()
    if not customer.seen.is_broken:
        await _answered(customer, report)
    customer.seen.elapsed_s = time.perf_counter() - began
    customer.close()
    return customer.seen


async def _answered(customer: _Customer, report: bool) -> None:
    """Returns when every submit has its answer and, if asked for, every accepted one its report."""
    seen = customer.seen
    async with asyncio.timeout(ANSWERS_S):
        while not seen.is_broken and (
            customer.outstanding or (report and len(seen.reported) < len(seen.ids))
        ):
            customer.changed.clear()
            await customer.changed.wait()
