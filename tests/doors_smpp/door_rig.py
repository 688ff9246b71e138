"""The real SMPP door on loopback, a scripted intake behind it, and a customer made of sockets and `struct`.

The customer shares no code with ours: it is written from SMPP 3.4 §4 alone.
"""

import asyncio
import struct
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import argon2
from msgspec import structs

from tideng.gateway.doors.smpp import SmppDoor
from tideng.gateway.ids import MessageIds
from tideng.gateway.intake import Answer, NotRecorded, Outcome
from tideng.gateway.mailbox import Letter, Sink
from tideng.gateway.messages import Submission
from tideng.gateway.parts import Parts
from tideng.gateway.registry.snapshot import Snapshot, Versioned, build
from tideng.gateway.registry.values import Customer, SmppAccess
from tideng.gateway.settings import SmppDoorSettings
from tideng.gateway.store.store import Store, open_store

HEADER = struct.Struct(">IIII")
BIND_RX, BIND_TX, QUERY, SUBMIT, DELIVER, UNBIND, REPLACE, CANCEL, BIND_TRX = range(1, 10)
ENQUIRE, MULTI, DATA, RESP = 0x15, 0x21, 0x103, 0x80000000
OK, THROTTLED, SYSERR = 0x00, 0x58, 0x08
PASSWORD = "secret12"
NOON = 1_800_000_000_000_000
PATIENCE_S = 10


@cache
def password_hash(password: str = PASSWORD) -> str:
    """argon2id as in production, made with less: the hash itself says how it is checked."""
    return argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(password)


def customer(**fields: Any) -> Customer:
    """A customer; fields of `SmppAccess` go where they belong."""
    access = {name: fields.pop(name) for name in list(fields) if name in SmppAccess.__struct_fields__}
    smpp = SmppAccess(**{"system_id": "acme", "password_hash": password_hash(), **access})
    return Customer(**{"id": "acme", "name": "Acme", "smpp": smpp, **fields})


class Got(NamedTuple):
    """One PDU as it came."""

    command: int
    status: int
    sequence: int
    body: bytes

    @property
    def text(self) -> str:
        """The first C-octet string of the body."""
        return self.body.partition(b"\0")[0].decode("latin-1")

    @property
    def delivered(self) -> dict[str, Any]:
        """A deliver_sm taken apart by hand (§4.6.1)."""
        at = 0

        def text() -> str:
            nonlocal at
            end = self.body.index(0, at)
            value, at = self.body[at:end].decode("latin-1"), end + 1
            return value

        def octet() -> int:
            nonlocal at
            at += 1
            return self.body[at - 1]

        fields: dict[str, Any] = {"service_type": text()}
        for name in ("source", "destination"):
            fields |= {f"{name}_ton": octet(), f"{name}_npi": octet(), name: text()}
        fields |= {name: octet() for name in ("esm_class", "protocol_id", "priority")}
        text(), text()
        fields |= {name: octet() for name in ("registered", "replace", "data_coding", "default_id")}
        length = octet()
        fields["octets"] = self.body[at : at + length]
        fields["tlvs"] = tlvs(self.body[at + length :])
        return fields


def tlvs(octets: bytes) -> dict[int, bytes]:
    found = {}
    while octets:
        tag, length = struct.unpack(">HH", octets[:4])
        found[tag], octets = octets[4 : 4 + length], octets[4 + length :]
    return found


def tlv(tag: int, value: bytes) -> bytes:
    return struct.pack(">HH", tag, len(value)) + value


def pdu(command: int, sequence: int, body: bytes = b"", status: int = 0) -> bytes:
    return HEADER.pack(16 + len(body), command, status, sequence) + body


def bind_body(system_id: str = "acme", password: str = PASSWORD, version: int = 0x34) -> bytes:
    return f"{system_id}\0{password}\0\0".encode() + bytes((version, 0, 0)) + b"\0"


def submit_body(
    octets: bytes = b"hello",
    *,
    to: str = "13800138000",
    source: str = "106900990003",
    esm_class: int = 0,
    data_coding: int = 0,
    registered: int = 1,
    schedule: str = "",
    validity: str = "",
    length: int | None = None,
    more: bytes = b"",
) -> bytes:
    return (
        b"\0" + b"\0\0" + source.encode() + b"\0" + b"\1\1" + to.encode("latin-1") + b"\0"
        + bytes((esm_class, 0, 0))
        + schedule.encode() + b"\0" + validity.encode() + b"\0"
        + bytes((registered, 0, data_coding, 0, len(octets) if length is None else length))
        + octets + more
    )  # fmt: skip


def udh(reference: int, total: int, index: int) -> bytes:
    return bytes((5, 0, 3, reference, total, index))


class Peer:
    """One connection of a customer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.sequence = 0

    def send(self, command: int, body: bytes = b"", *, sequence: int = 0, status: int = 0) -> int:
        """Write one PDU; its sequence number."""
        self.sequence = sequence or self.sequence + 1
        self.writer.write(pdu(command, self.sequence, body, status))
        return self.sequence

    async def read(self) -> Got:
        """The next PDU, whatever it is."""
        async with asyncio.timeout(PATIENCE_S):
            length, command, status, sequence = HEADER.unpack(await self.reader.readexactly(16))
            body = await self.reader.readexactly(length - 16)
        return Got(command, status, sequence, body)

    async def ask(self, command: int, body: bytes = b"") -> Got:
        """Send, and the next PDU, which must be its answer; enquire_link is answered on the way."""
        sequence = self.send(command, body)
        while (got := await self.read()).command == ENQUIRE:
            self.writer.write(pdu(ENQUIRE | RESP, got.sequence))
        assert (got.command, got.sequence) == (command | RESP, sequence), got
        return got

    async def bind(self, command: int = BIND_TRX, **fields: Any) -> Got:
        return await self.ask(command, bind_body(**fields))

    async def submit(self, octets: bytes = b"hello", **fields: Any) -> Got:
        return await self.ask(SUBMIT, submit_body(octets, **fields))

    def acknowledge(self, got: Got, status: int = OK) -> None:
        self.writer.write(pdu(got.command | RESP, got.sequence, b"" if status else b"\0", status))

    async def ended(self) -> bool:
        """True once the server has closed the connection; what comes before is not read."""
        async with asyncio.timeout(PATIENCE_S):
            try:
                return await self.reader.read(1) == b""
            except ConnectionError:
                return True

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError):  # the server was first
            await self.writer.wait_closed()


class Desk:
    """Fulfils the door's intake: records what is offered, answers as told; nothing is reviewed."""

    def __init__(self) -> None:
        self.offered: list[Submission] = []
        self.later: list[tuple[Submission, Answer]] = []
        self.answers_at_once = True
        self.decide: Callable[[Submission], Outcome | NotRecorded] = sent

    def offer(self, submission: Submission, answer: Answer) -> None:
        decided = self.decide(submission)
        self.offered.append(submission)
        if self.answers_at_once:
            # Never from within `offer`: the real one answers after a commit.
            asyncio.get_running_loop().call_soon(answer, decided)
        else:
            self.later.append((submission, answer))

    def answer(self, place: int = 0) -> None:
        submission, answer = self.later.pop(place)
        answer(self.decide(submission))


def sent(submission: Submission) -> Outcome:
    return Outcome(submission.id, "send", (), 1)


def refused(*codes: str) -> Callable[[Submission], Outcome]:
    return lambda submission: Outcome(submission.id, "refuse", codes, 1)


class Post:
    """Fulfils the door's mailbox in memory: what fails comes back to the front and waits for `flush`."""

    def __init__(self) -> None:
        self.sinks: list[Sink] = []
        self.letters: deque[Letter] = deque()
        self.done: list[tuple[int, bool]] = []
        self.pushes = 0

    def attach(self, customer: str, sink: Sink) -> None:
        self.sinks.append(sink)
        self.flush(customer)

    def detach(self, customer: str, sink: Sink) -> None:
        if sink in self.sinks:
            self.sinks.remove(sink)

    def flush(self, customer: str) -> None:
        while self.letters:
            sink = next((one for one in self.sinks if one.room > 0), None)
            if sink is None:
                return
            self.pushes += 1
            if self.pushes > 1_000:
                self.letters.clear()
                raise AssertionError("a letter is handed out again and again within one flush")
            letter = self.letters.popleft()
            sink.push(letter, lambda ok, letter=letter: self._done(letter, ok))  # type: ignore[misc]

    def _done(self, letter: Letter, ok: bool) -> None:
        self.done.append((letter.id, ok))
        if not ok:
            self.letters.appendleft(letter)

    def send(self, *letters: Letter) -> None:
        self.letters.extend(letters)
        self.flush("acme")


class Registered:
    """Fulfils the door's registry."""

    def __init__(self, *customers: Customer) -> None:
        self.snapshot: Snapshot = build(Versioned(one, 1) for one in customers)

    def change(self, changed: Customer) -> None:
        self.snapshot = self.snapshot.with_change(changed, 2)


class Inquiries:
    """Fulfils the door's questions."""

    def __init__(self) -> None:
        self.states: dict[tuple[str, int], str] = {}
        self.asked = 0

    def state_of(self, customer: str, message: int) -> str | None:
        self.asked += 1
        return self.states.get((customer, message))

    async def cancel(self, customer: str, message: int) -> bool:
        return self.states.get((customer, message)) in ("held", "queued")


class Rig:
    """The door with everything around it. `now` and `wall` are its clocks."""

    def __init__(self, folder: Path, customers: tuple[Customer, ...], settings: dict[str, Any]) -> None:
        self.now = 1000.0
        self.wall = NOON
        self.folder = folder
        self.desk, self.post, self.inquiries = Desk(), Post(), Inquiries()
        self.registry = Registered(*customers)
        self.settings = SmppDoorSettings(**{"port": 0, **settings})
        self.store = self._open()
        self.ids = MessageIds(lambda: self.wall)
        self.peers: list[Peer] = []
        self.parts, self.door = self._build()

    def _open(self) -> Store:
        zone = ZoneInfo("Asia/Shanghai")
        return open_store(self.folder, origin="t.example/l", time_zone=zone, now=lambda: self.wall)

    def _build(self) -> tuple[Parts, SmppDoor]:
        parts = Parts(self.store, wait_s=300, waiting_max=1_000)
        door = SmppDoor(
            self.settings,
            intake=self.desk,
            parts=parts,
            mailbox=self.post,
            registry=self.registry,
            inquiries=self.inquiries,
            ids=self.ids,
            now=lambda: self.wall,
            clock=lambda: self.now,
        )
        return parts, door

    async def start(self) -> None:
        self.parts.start()
        await self.door.start()

    async def stop(self) -> None:
        async with asyncio.timeout(20):
            await self.door.close()
            await self.parts.close()

    async def restart(self) -> None:
        """The process ends and another begins on the same data; its connections end with it."""
        for peer in self.peers:
            await peer.close()
        self.peers.clear()
        await self.stop()
        self.store.close()
        self.store = self._open()
        self.parts, self.door = self._build()
        await self.start()

    async def connect(self, **how: Any) -> Peer:
        port = self.door.tls_port if "ssl" in how else self.door.port
        peer = Peer(*await asyncio.open_connection("127.0.0.1", port, **how))
        self.peers.append(peer)
        return peer

    async def bound(self, command: int = BIND_TRX, **fields: Any) -> Peer:
        peer = await self.connect()
        got = await peer.bind(command, **fields)
        assert got.status == OK, got
        return peer

    async def until(self, holds: Callable[[], bool]) -> None:
        """Let the loop turn until it is so."""
        async with asyncio.timeout(PATIENCE_S):
            while not holds():
                await asyncio.sleep(0)

    def kept_parts(self) -> int:
        [found] = self.store.reader.execute("SELECT count(*) FROM fragment").fetchone()
        return int(found)


@asynccontextmanager
async def running(
    folder: Path, *customers: Customer, settings: dict[str, Any] | None = None, **fields: Any
) -> AsyncIterator[Rig]:
    rig = Rig(folder, customers or (customer(**fields),), settings or {})
    await rig.start()
    try:
        yield rig
    finally:
        for peer in rig.peers:
            await peer.close()
        await rig.stop()
        rig.store.close()


def play(folder: Path, story: Callable[[Rig], Awaitable[None]], **how: Any) -> None:
    """Run one story against a door of its own."""

    async def run() -> None:
        async with running(folder, **how) as rig:
            await story(rig)

    asyncio.run(run())


def report(mail: int, state: str = "delivered", **fields: Any) -> Letter:
    """A letter about message 4711."""
    known = {"message": 4711, "code_number": "106900990003", "number": "8613800138000", "at": NOON}
    return structs.replace(
        Letter(id=mail, customer="acme", kind="report", state=state, **known),  # type: ignore[arg-type]
        **fields,
    )


def reply(mail: int, text: str) -> Letter:
    return report(mail, "reply", kind="inbound", text=text)
