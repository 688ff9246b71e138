"""A small SMPP customer: binds, submits, listens. For the play, `tideng send` and first trials."""

import asyncio
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, Self

from msgspec import Struct

from tideng.gateway.connection import Loss, SmppConnection, Ticker
from tideng.gateway.wire.smpp import (
    Answer,
    BindResp,
    BindTransceiver,
    DeliverSm,
    DeliverSmResp,
    Event,
    Pdu,
    Role,
    Session,
    SubmitSm,
    SubmitSmResp,
    Tag,
    Timers,
    Unbind,
    status_name,
)
from tideng.gateway.wire.smpp.receipts import Receipt, parse_receipt
from tideng.text.alphabets import Alphabet, alphabet_of, best_alphabet, data_coding_of, decode
from tideng.text.segments import split

ANSWER_S: Final = 30.0
_WITH_UDH: Final = 0x40


class ClientError(Exception):
    """The gateway did not do what was asked; the message says what it answered."""


class Answered(Struct, frozen=True):
    """What a submit was answered with."""

    message_id: str
    status: int
    codes: tuple[str, ...]
    """Finding codes from additional_status_info_text; empty when accepted."""

    @property
    def status_name(self) -> str:
        return status_name(self.status)


class SmppClient:
    """One transceiver bind. `async with SmppClient.connect(…) as client:` binds and unbinds."""

    def __init__(self, on_receipt: Callable[[Receipt], None], on_reply: Callable[[str, str], None]) -> None:
        self._on_receipt = on_receipt
        self._on_reply = on_reply
        self._reference = 0
        self._ticker = Ticker(time.monotonic)
        self._connection: SmppConnection | None = None
        self._lost: asyncio.Future[str] | None = None

    async def bind(self, host: str, port: int, system_id: str, password: str) -> None:
        """Connect and bind. Raises `ClientError`, or OSError when nobody listens."""
        loop = asyncio.get_running_loop()
        self._lost = loop.create_future()
        session = Session(Role.CLIENT, window=100)
        _, connection = await loop.create_connection(
            lambda: SmppConnection(session, self, timers=Timers(), clock=time.monotonic), host, port
        )
        self._connection = connection
        answer = await self._ask(
            BindTransceiver(system_id=system_id, password=password, interface_version=0x34)
        )
        if not isinstance(answer, BindResp) or answer.status:
            raise ClientError(f"the bind was answered {status_name(answer.status)}")
        connection.bound()

    async def submit(self, text: str, to: str, *, source: str = "", report: bool = True) -> list[Answered]:
        """Submit a text, in as many parts as it takes; one answer each."""
        alphabet = best_alphabet(text)
        self._reference = (self._reference + 1) % 256
        answers = []
        for segment in split(text, alphabet=alphabet, reference=self._reference):
            answer = await self._ask(
                SubmitSm(
                    source_addr=source,
                    dest_addr_ton=1,
                    dest_addr_npi=1,
                    destination_addr=to,
                    esm_class=_WITH_UDH if segment.has_udh else 0,
                    registered_delivery=1 if report else 0,
                    data_coding=data_coding_of(alphabet),
                    short_message=segment.octets,
                )
            )
            answers.append(_answered(answer))
        return answers

    async def close(self) -> None:
        """Unbind and disconnect."""
        connection = self._connection
        if connection is None or connection.is_closing:
            return
        try:
            await self._ask(Unbind())
        except ClientError:
            connection.drop("unbind was not answered")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _ask(self, pdu: Pdu) -> Pdu:
        if self._connection is None or self._lost is None:
            raise ClientError("not connected; call bind() first")
        answer: asyncio.Future[Pdu] = asyncio.get_running_loop().create_future()
        self._connection.request(pdu, answer)
        first: set[asyncio.Future[Any]] = {answer, self._lost}
        await asyncio.wait(first, timeout=ANSWER_S, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return answer.result()
        raise ClientError(self._lost.result() if self._lost.done() else f"no answer within {ANSWER_S:g} s")

    # What the connection tells (`Handler`)

    def connected(self, connection: SmppConnection) -> None:
        self._ticker.add(connection)

    def received(self, connection: SmppConnection, events: list[Event], frames: list[bytes]) -> None:
        for event in events:
            if isinstance(event, Answer) and isinstance(event.context, asyncio.Future):
                if not event.context.done():
                    event.context.set_result(event.pdu)
            elif isinstance(event, DeliverSm):
                connection.respond(DeliverSmResp(sequence=event.sequence))
                self._deliver(event)

    def expired(self, connection: SmppConnection, contexts: list[object]) -> None:
        """`_ask` has its own patience."""

    def lost(self, connection: SmppConnection, loss: Loss) -> None:
        self._ticker.discard(connection)
        if self._lost is not None and not self._lost.done():
            self._lost.set_result(f"the connection ended: {loss.reason}")

    def _deliver(self, pdu: DeliverSm) -> None:
        if pdu.is_receipt or pdu.is_intermediate:
            receipt = parse_receipt(pdu)
            if receipt is not None:
                self._on_receipt(receipt)
        else:
            self._on_reply(pdu.source_addr, decode(pdu.content, alphabet_of(pdu.data_coding, Alphabet.GSM)))


def _answered(pdu: Pdu) -> Answered:
    codes: tuple[str, ...] = ()
    info = pdu.tlv(Tag.ADDITIONAL_STATUS_INFO_TEXT)
    if info is not None:
        words = info.rstrip(b"\0").decode("latin-1").replace(",", " ").split()
        codes = tuple(word for word in words if word.isupper())
    return Answered(pdu.message_id if isinstance(pdu, SubmitSmResp) else "", pdu.status, codes)
