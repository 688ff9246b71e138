"""One customer's connection: its bind, what it submits and asks, and what it is told."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog

from tideng.gateway.connection import Loss, SmppConnection
from tideng.gateway.doors.smpp_letters import STATES, deliver_sms
from tideng.gateway.doors.smpp_submits import Read, Submit, part, read, refusal, submission
from tideng.gateway.intake import NotRecorded, Outcome
from tideng.gateway.mailbox import Letter
from tideng.gateway.messages import MessageId
from tideng.gateway.parts import Whole
from tideng.gateway.pump import Overloaded
from tideng.gateway.registry.values import Customer
from tideng.gateway.wire.smpp import (
    Answer,
    Bind,
    BindResp,
    CancelSm,
    CancelSmResp,
    DataSm,
    DataSmResp,
    Event,
    Pdu,
    PeerMistake,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    ReplaceSmResp,
    SmeAddress,
    State,
    Status,
    SubmitMulti,
    SubmitMultiResp,
    SubmitSm,
    SubmitSmResp,
    Unbind,
    UnbindResp,
    UnsuccessSme,
    WireError,
    is_temporary,
)
from tideng.gateway.wire.smpp.receipts import ReceiptState
from tideng.gateway.wire.smpp.tlvs import Tag

if TYPE_CHECKING:
    from tideng.gateway.doors.smpp import SmppDoor

_log = structlog.get_logger()
INTERFACE_VERSION: Final = 0x34
RECIPIENTS_MAX: Final = 254

Respond = Callable[[int, str, tuple[tuple[int, bytes], ...]], None]
"""(status, message id, TLVs)."""


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
        self._window = 0
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
        if connection is None or not connection.is_writable:
            return 0
        return max(0, self._window - connection.session.outstanding)

    def push(self, letter: Letter, done: Callable[[bool], None]) -> None:
        """See `Sink`."""
        connection = self._connection
        if connection is None or connection.is_closing:
            done(False)
            return
        try:
            pdus = list(deliver_sms(letter))
        except ValueError:
            _log.warning("letter_cannot_be_told_by_smpp", letter=letter.id)
            done(True)
            return
        telling = _Telling(done, len(pdus))
        for pdu in pdus:
            try:
                connection.request(pdu, telling)
            except WireError:
                self._told(telling, ok=False)

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
                self._submit(event, frame)
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
        """Unbind politely; returns when the connection has ended."""
        connection = self._connection
        if connection is None or connection.is_closing:
            return
        if connection.session.state.is_bound:
            connection.request(Unbind(), None)
        else:
            connection.close("the gateway is closing")
        await asyncio.wait([self._ended])

    def drop(self, reason: str) -> None:
        """End now."""
        if self._connection is not None:
            self._connection.drop(reason)

    # Binding

    async def _bind(self, connection: SmppConnection, pdu: Bind) -> None:
        from tideng.gateway.doors.smpp import Refused

        response = pdu.command_id | 0x80000000
        system_id = self._door.settings.system_id
        try:
            customer = await self._door.authenticate(pdu.system_id, pdu.password, self._address)
        except Refused as refused:
            _log.info("bind_refused", session=self.name, reason=str(refused))
            if not connection.is_closing:
                connection.respond(
                    BindResp(sequence=pdu.sequence, status=refused.status, command_id=response)
                )
                connection.close("bind refused")
            return
        self._customer = customer
        if connection.is_closing:
            return
        self.name = f"smpp:{pdu.system_id}:{self._number}"
        tlvs: tuple[tuple[int, bytes], ...] = ()
        if connection.session.peer_takes_tlvs:
            tlvs = ((int(Tag.SC_INTERFACE_VERSION), bytes((INTERFACE_VERSION,))),)
        connection.respond(
            BindResp(sequence=pdu.sequence, system_id=system_id, command_id=response, tlvs=tlvs)
        )
        connection.bound()
        _log.info("bound", session=self.name, customer=customer.id)
        if connection.session.state in (State.BOUND_RX, State.BOUND_TRX):
            self._window = customer.smpp.window if customer.smpp is not None else 1
            self._door.mailbox.attach(customer.id, self)

    # Submitting

    def _submit(self, pdu: SubmitSm | DataSm, frame: bytes) -> None:
        kind = SubmitSmResp if isinstance(pdu, SubmitSm) else DataSmResp
        self._take(pdu, pdu.destination_addr, frame, partial(self._respond, kind, pdu.sequence))

    def _take(self, pdu: Submit, recipient: str, frame: bytes, respond: Respond) -> None:
        """One message to one recipient, or one part of it: reviewed or kept, then answered."""
        door = self._door
        customer = door.registry.snapshot.customer(self.customer)
        if customer is None or not door.may_submit(customer):
            respond(Status.ESME_RTHROTTLED, "", ())
            return
        now = door.now()
        try:
            seen = read(pdu, customer, now)
        except PeerMistake as mistake:
            respond(mistake.status, "", ())
            return
        message = door.ids.next()
        try:
            if seen.about is not None and not isinstance(pdu, SubmitMulti) and not seen.fault:
                self._keep(pdu, seen, message, frame, respond)
            else:
                door.intake.offer(
                    submission(
                        pdu,
                        seen,
                        message=message,
                        customer=customer.id,
                        recipient=recipient,
                        session=self.name,
                        peer=self._address,
                        raw=frame,
                        now=now,
                    ),
                    partial(self._decided, message, respond),
                )
        except Overloaded:
            respond(Status.ESME_RTHROTTLED, "", ())

    def _keep(
        self, pdu: SubmitSm | DataSm, seen: Read, message: MessageId, frame: bytes, respond: Respond
    ) -> None:
        door = self._door
        if seen.about is None:
            raise TypeError("only a part of a long message can be kept")
        one = part(
            pdu,
            seen,
            seen.about,
            message=message,
            customer=self.customer,
            session=self.name,
            peer=self._address,
            raw=frame,
            now=door.now(),
        )

        def took(whole: Whole | None) -> None:
            if whole is None:
                respond(Status.ESME_ROK, str(message), ())
                return
            try:
                door.whole_came(whole, partial(self._decided, whole.last.id, respond))
            except Overloaded:
                respond(Status.ESME_RTHROTTLED, "", ())

        door.parts.offer(one, took, lambda: respond(Status.ESME_RSYSERR, "", ()))

    @staticmethod
    def _decided(message: MessageId, respond: Respond, outcome: Outcome | NotRecorded) -> None:
        if isinstance(outcome, NotRecorded):
            respond(Status.ESME_RSYSERR, "", ())
        elif outcome.action == "refuse":
            status, tlvs = refusal(outcome.codes)
            respond(status, str(message), tlvs)
        else:
            respond(Status.ESME_ROK, str(message), ())

    def _respond(
        self,
        kind: type[SubmitSmResp] | type[DataSmResp],
        sequence: int,
        status: int,
        message_id: str,
        tlvs: tuple[tuple[int, bytes], ...],
    ) -> None:
        connection = self._connection
        # What was accepted stays accepted when its answer can no longer be brought.
        if connection is not None and not connection.session.is_closed:
            connection.respond(kind(sequence, status, tlvs, message_id))

    def _submit_multi(self, pdu: SubmitMulti, frame: bytes) -> None:
        """Each recipient its own message; those refused are listed (SMPP 3.4 §4.5.2)."""
        connection = self._connection
        if connection is None:
            return
        people = [one for one in pdu.destinations if isinstance(one, SmeAddress)]
        if len(people) != len(pdu.destinations) or not 1 <= len(people) <= RECIPIENTS_MAX:
            connection.respond(SubmitMultiResp(sequence=pdu.sequence, status=Status.ESME_RINVDLNAME))
            return
        first = ""
        refused: list[UnsuccessSme] = []
        left = len(people)

        def one_done(
            person: SmeAddress,
            status: int,
            message_id: str,
            _: tuple[tuple[int, bytes], ...],
        ) -> None:
            nonlocal first, left
            left -= 1
            if status:
                refused.append(
                    UnsuccessSme(person.dest_addr_ton, person.dest_addr_npi, person.destination_addr, status)
                )
            else:
                first = first or message_id
            if not left and not connection.session.is_closed:
                status = refused[0].error_status_code if len(refused) == len(people) else Status.ESME_ROK
                connection.respond(
                    SubmitMultiResp(
                        sequence=pdu.sequence, status=status, message_id=first, unsuccess=tuple(refused)
                    )
                )

        for person in people:
            self._take(pdu, person.destination_addr, frame, partial(one_done, person))

    # Asking

    def _ask(self, connection: SmppConnection, pdu: Pdu, frame: bytes) -> None:
        if isinstance(pdu, SubmitMulti):
            self._submit_multi(pdu, frame)
        elif isinstance(pdu, Unbind):
            if self._customer is not None:
                self._door.mailbox.detach(self._customer.id, self)
            connection.respond(UnbindResp(sequence=pdu.sequence))
        elif isinstance(pdu, QuerySm):
            self._query(connection, pdu)
        elif isinstance(pdu, CancelSm):
            self._door.run(self._cancel(connection, pdu))
        elif isinstance(pdu, ReplaceSm):
            # What was reviewed is what is sent: a replacement is a new submit.
            connection.respond(ReplaceSmResp(sequence=pdu.sequence, status=Status.ESME_RREPLACEFAIL))

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
