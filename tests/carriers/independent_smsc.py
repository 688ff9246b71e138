"""A message centre that shares no code with ours: sockets and `struct`, written from SMPP 3.4 §4 alone."""

import asyncio
import struct
from collections.abc import Callable

HEADER = struct.Struct(">IIII")
BIND_TRX, SUBMIT, DELIVER, UNBIND, ENQUIRE = 0x9, 0x4, 0x5, 0x6, 0x15
RESP = 0x80000000


def pdu(command: int, status: int, sequence: int, body: bytes = b"") -> bytes:
    return HEADER.pack(16 + len(body), command, status, sequence) + body


class Submit:
    """A submit_sm taken apart by hand."""

    def __init__(self, sequence: int, body: bytes) -> None:
        self.sequence = sequence
        at = 0

        def text() -> str:
            nonlocal at
            end = body.index(0, at)
            value = body[at:end].decode("latin-1")
            at = end + 1
            return value

        def octet() -> int:
            nonlocal at
            at += 1
            return body[at - 1]

        self.service_type = text()
        self.source_ton, self.source_npi, self.source = octet(), octet(), text()
        self.dest_ton, self.dest_npi, self.destination = octet(), octet(), text()
        self.esm_class, self.protocol_id, self.priority = octet(), octet(), octet()
        self.schedule, self.validity = text(), text()
        self.registered_delivery, self.replace = octet(), octet()
        self.data_coding, self.default_id = octet(), octet()
        length = octet()
        self.octets = body[at : at + length]
        self.tlvs = body[at + length :]


class IndependentSmsc:
    """Accepts every bind; what it answers to a submit is `answer`'s choice (bytes, or None for silence)."""

    def __init__(self, answer: Callable[["IndependentSmsc", Submit], bytes | None]) -> None:
        self.answer = answer
        self.binds: list[bytes] = []
        self.submits: list[Submit] = []
        self.answers: list[tuple[int, int, int, bytes]] = []
        self.unbinds = 0
        self.port = 0
        self.bind_resp_tlvs = struct.pack(">HHB", 0x0210, 1, 0x34)
        self.writers: list[asyncio.StreamWriter] = []
        self._changed = asyncio.Event()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> "IndependentSmsc":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self.writers:
            writer.close()
        await self._server.wait_closed()
        await self.until(lambda: not self.writers)

    def ok(self, submit: Submit) -> bytes:
        return pdu(SUBMIT | RESP, 0, submit.sequence, b"%x\0" % (0xA0 + len(self.submits)))

    def send(self, octets: bytes) -> None:
        self.writers[-1].write(octets)

    def deliver(
        self, sequence: int, octets: bytes, *, esm_class: int = 0, coding: int = 0, tlvs: bytes = b""
    ) -> bytes:
        body = b"\0\1\1" + b"8613800000000\0" + b"\0\0" + b"10690001\0" + bytes((esm_class, 0, 0)) + b"\0\0"
        body += bytes((0, 0, coding, 0, len(octets))) + octets + tlvs
        return pdu(DELIVER, 0, sequence, body)

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not holds():
                self._changed.clear()
                await self._changed.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        try:
            while True:
                length, command, status, sequence = HEADER.unpack(await reader.readexactly(16))
                body = await reader.readexactly(length - 16)
                self._take(writer, command, status, sequence, body)
                self._changed.set()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            self.writers.remove(writer)
            self._changed.set()

    def _take(
        self, writer: asyncio.StreamWriter, command: int, status: int, sequence: int, body: bytes
    ) -> None:
        if command & RESP:
            self.answers.append((command, status, sequence, body))
        elif command == BIND_TRX:
            self.binds.append(body)
            writer.write(pdu(command | RESP, 0, sequence, b"smsc\0" + self.bind_resp_tlvs))
        elif command == SUBMIT:
            submit = Submit(sequence, body)
            self.submits.append(submit)
            octets = self.answer(self, submit)
            if octets is not None:
                writer.write(octets)
        elif command == UNBIND:
            self.unbinds += 1
            writer.write(pdu(command | RESP, 0, sequence))
        elif command == ENQUIRE:
            writer.write(pdu(command | RESP, 0, sequence))
