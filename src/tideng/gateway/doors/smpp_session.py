"""One customer's connection: its bind, what it submits and asks, and what it is told."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog

from tideng.gateway.connection import Loss, SmppConnection
from tideng.gateway.doors.smpp_letters import STATES, deliver_sms
from tideng.gateway.doors.smpp_submits import alphabet_meant_by
from tideng.gateway.doors.smpp_taking import Taking
from tideng.gateway.mailbox import Letter
from tideng.gateway.messages import MessageId
from tideng.gateway.registry.values import Customer
from tideng.gateway.wire.smpp import (
    Answer,
    Bind,
    BindResp,
    CancelSm,
    CancelSmResp,
    DataSm,
    Event,
    Pdu,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    ReplaceSmResp,
    SessionClosed,
    State,
    Status,
    SubmitMulti,
    SubmitSm,
    Unbind,
    UnbindResp,
    WindowFull,
    WireError,
    is_temporary,
)
from tideng.gateway.wire.smpp.receipts import ReceiptState
from tideng.gateway.wire.smpp.tlvs import Tag
from tideng.text.alphabets import Alphabet

if TYPE_CHECKING:
    from tideng.gateway.doors.smpp import SmppDoor

_log = structlog.get_logger()
INTERFACE_VERSION: Final = 0x34
_RECEIVING: Final = frozenset({State.BOUND_RX, State.BOUND_TRX})


class _Telling:
    """One letter under way: as many PDUs as it has ids or parts."""

    __slots__ = ("done", "left", "ok")

    def __init__(self, done: Callable[[bool], None], left: int) -> None:
        self.done, self.left, self.ok = done, left, True


class CustomerSession:
    """Handler of one connection, and a `Sink` of the customer's mailbox while it can receive."""

    def __init__(self, door: "SmppDoor", number: int) -> None:
        self._door = door
        self._number = number
        self._connection: SmppConnection | None = None
        self._address = ""
        self._customer: Customer | None = None
        self._taking: Taking | None = None
        self._window = 0
        self._default_alphabet = Alphabet.GSM
        self._is_finishing = False
        self._ended = asyncio.get_running_loop().create_future()
        self.name = f"smpp:{number}"

    @property
    def customer(self) -> str:
        """The bound customer's id; empty before the bind."""
        return self._customer.id if self._customer is not None else ""

    # Sink

    @property
    def room(self) -> int:
        """Letters it can take now."""
        connection = self._connection
        if connection is None or self._is_finishing or not connection.is_writable:
            return 0
        if connection.session.state not in _RECEIVING:
            return 0
        return max(0, self._window - connection.session.outstanding)

    def push(self, letter: Letter, done: Callable[[bool], None]) -> None:
        """See `Sink`."""
        connection = self._connection
        if connection is None or connection.is_closing:
            done(False)
            return
        pdus = list(deliver_sms(letter, self._default_alphabet))
        telling = _Telling(done, len(pdus))
        for pdu in pdus:
            try:
                connection.request(pdu, telling)
            except (SessionClosed, WindowFull):
                self._told(telling, ok=False)
            except WireError as error:
                # It would never be possible: told as far as SMPP can tell it, or it holds up all others.
                _log.error("letter_cannot_be_told_by_smpp", letter=letter.id, reason=str(error))
                self._told(telling, ok=True)

    # Handler

    def connected(self, connection: SmppConnection) -> None:
        """See `Handler`."""
        self._connection = connection
        self._address = connection.peer.rpartition(":")[0]
        problem = self._door.admit(self, self._address)
        self._door.ticker.add(connection)
        if problem:
            _log.info("connection_refused", session=self.name, reason=problem)
            connection.drop(problem)

    def received(self, connection: SmppConnection, events: list[Event], frames: list[bytes]) -> None:
        """See `Handler`."""
        for event, frame in zip(events, frames, strict=True):
            if isinstance(event, SubmitSm | DataSm):
                if self._taking is not None:  # bound: the session takes none before
                    self._taking.submit(event, frame)
            elif isinstance(event, Answer):
                self._answered(event)
            elif isinstance(event, Bind):
                self._door.run(self._bind(connection, event))
            elif isinstance(event, Pdu):
                self._ask(connection, event, frame)

    def expired(self, connection: SmppConnection, contexts: list[object]) -> None:
        """See `Handler`."""
        for context in contexts:
            if isinstance(context, _Telling):
                self._told(context, ok=False)

    def lost(self, connection: SmppConnection, loss: Loss) -> None:
        """See `Handler`."""
        door = self._door
        door.ticker.discard(connection)
        if self._customer is not None:
            door.mailbox.detach(self._customer.id, self)
        for context in (*loss.written, *loss.unwritten):
            if isinstance(context, _Telling):
                self._told(context, ok=False)
        door.gone(self, self._address)
        if not self._ended.done():
            self._ended.set_result(None)
        _log.info("session_ended", session=self.name, reason=loss.reason)

    async def leave(self) -> None:
        """Answer what is owed, unbind; returns when the connection has ended."""
        connection = self._connection
        if connection is None or connection.is_closing:
            return
        if connection.session.state.is_bound:
            self._finish(partial(self._unbind, connection))
        elif connection.session.state is not State.UNBINDING:
            connection.close("the gateway is closing")
        await asyncio.wait([self._ended])

    @staticmethod
    def _unbind(connection: SmppConnection) -> None:
        if connection.session.state.is_bound:  # else the customer was faster
            connection.request(Unbind(), None)

    def _finish(self, then: Callable[[], None]) -> None:
        """No more letters, no more submits; `then` once every submit has its answer."""
        self._is_finishing = True
        if self._customer is not None:
            self._door.mailbox.detach(self._customer.id, self)
        if self._taking is not None:
            self._taking.finish(then)

    def drop(self, reason: str) -> None:
        """End now."""
        if self._connection is not None:
            self._connection.drop(reason)

    # Binding

    async def _bind(self, connection: SmppConnection, pdu: Bind) -> None:
        from tideng.gateway.doors.smpp import Refused

        response = pdu.command_id | 0x80000000
        system_id = self._door.settings.system_id
        door = self._door
        try:
            customer = await door.authenticate(
                pdu.system_id, pdu.password, self._address, is_wanted=lambda: not connection.is_closing
            )
            # From here to the answer nothing waits: who has hung up takes no bind, and gives none back.
            if connection.is_closing:
                return
            door.take_bind(customer)
        except Refused as refused:
            _log.info("bind_refused", session=self.name, reason=str(refused))
            if not connection.is_closing:
                connection.respond(
                    BindResp(sequence=pdu.sequence, status=refused.status, command_id=response)
                )
                connection.close("bind refused")
            return
        self._customer = customer
        access = customer.smpp
        self.name = f"smpp:{pdu.system_id}:{self._number}"
        self._window = access.window if access is not None else 1
        self._default_alphabet = alphabet_meant_by(customer)
        self._taking = Taking(
            self._door,
            connection,
            customer=customer,
            session=self.name,
            address=self._address,
            auth="password+tls" if connection.is_encrypted else "password",
        )
        tlvs: tuple[tuple[int, bytes], ...] = ()
        if connection.session.peer_takes_tlvs:
            tlvs = ((int(Tag.SC_INTERFACE_VERSION), bytes((INTERFACE_VERSION,))),)
        connection.respond(
            BindResp(sequence=pdu.sequence, system_id=system_id, command_id=response, tlvs=tlvs)
        )
        connection.bound()
        _log.info("bound", session=self.name, customer=customer.id)
        if connection.session.state in _RECEIVING:
            self._door.mailbox.attach(customer.id, self)

    # Asking

    def _ask(self, connection: SmppConnection, pdu: Pdu, frame: bytes) -> None:
        if isinstance(pdu, SubmitMulti):
            if self._taking is not None:
                self._taking.submit_multi(pdu, frame)
        elif isinstance(pdu, Unbind):
            self._finish(partial(self._unbound, connection, pdu))
        elif isinstance(pdu, QuerySm):
            self._query(connection, pdu)
        elif isinstance(pdu, CancelSm):
            self._door.run(self._cancel(connection, pdu))
        elif isinstance(pdu, ReplaceSm):
            # What was reviewed is what is sent: a replacement is a new submit.
            connection.respond(ReplaceSmResp(sequence=pdu.sequence, status=Status.ESME_RREPLACEFAIL))

    @staticmethod
    def _unbound(connection: SmppConnection, pdu: Unbind) -> None:
        if not connection.session.is_closed:
            connection.respond(UnbindResp(sequence=pdu.sequence))
            connection.close("unbound")

    def _query(self, connection: SmppConnection, pdu: QuerySm) -> None:
        state = self._door.inquiries.state_of(self.customer, _message_id(pdu.message_id))
        if state is None:
            connection.respond(QuerySmResp(sequence=pdu.sequence, status=Status.ESME_RQUERYFAIL))
            return
        connection.respond(
            QuerySmResp(
                sequence=pdu.sequence,
                message_id=pdu.message_id,
                message_state=STATES.get(state, ReceiptState.ENROUTE),
            )
        )

    async def _cancel(self, connection: SmppConnection, pdu: CancelSm) -> None:
        cancelled = await self._door.inquiries.cancel(self.customer, _message_id(pdu.message_id))
        if not connection.session.is_closed:
            status = Status.ESME_ROK if cancelled else Status.ESME_RCANCELFAIL
            connection.respond(CancelSmResp(sequence=pdu.sequence, status=status))

    # Letters

    def _answered(self, answer: Answer) -> None:
        telling = answer.context
        if not isinstance(telling, _Telling):
            return
        status = answer.pdu.status
        if status and not is_temporary(status):
            _log.warning("letter_refused_by_customer", session=self.name, status=status)
        self._told(telling, ok=not status or not is_temporary(status))
        if self._customer is not None:
            self._door.mailbox.flush(self._customer.id)

    @staticmethod
    def _told(telling: _Telling, *, ok: bool) -> None:
        telling.ok = telling.ok and ok
        telling.left -= 1
        if not telling.left:
            telling.done(telling.ok)


def _message_id(text: str) -> MessageId:
    """0, which no message has, for what is no id of ours."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 19 else 0
