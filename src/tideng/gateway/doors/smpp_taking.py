"""What one bound customer submits: reviewed or kept, then answered; at most a window of it at once."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from tideng.gateway.connection import SmppConnection
from tideng.gateway.doors.smpp_submits import Read, Submit, part, read, refusal, submission
from tideng.gateway.intake import NotRecorded, Outcome
from tideng.gateway.messages import MessageId
from tideng.gateway.parts import Whole
from tideng.gateway.pump import Overloaded
from tideng.gateway.registry.values import Customer
from tideng.gateway.wire.smpp import (
    DataSm,
    DataSmResp,
    Pdu,
    PeerMistake,
    SmeAddress,
    Status,
    SubmitMulti,
    SubmitMultiResp,
    SubmitSm,
    SubmitSmResp,
    UnsuccessSme,
)

if TYPE_CHECKING:
    from tideng.gateway.doors.smpp import SmppDoor

RECIPIENTS_MAX: Final = 254

Respond = Callable[[int, str, tuple[tuple[int, bytes], ...]], None]
"""(status, message id, TLVs); called exactly once for every message."""


class Taking:
    """Takes the submits of one bind and owes each its answer."""

    def __init__(
        self,
        door: "SmppDoor",
        connection: SmppConnection,
        *,
        customer: Customer,
        session: str,
        address: str,
        auth: str,
    ) -> None:
        access = customer.smpp
        self._door = door
        self._connection = connection
        self._customer = customer.id
        self._window = access.window if access is not None else 1
        self._refusals = access.refusals if access is not None else "coded"
        self._session = session
        self._address = address
        self._auth = auth
        self._owed = 0
        self._last_answer: Callable[[], None] | None = None

    def finish(self, then: Callable[[], None]) -> None:
        """Take nothing more; call `then` once every submit taken has its answer."""
        self._last_answer = then
        if not self._owed:
            then()

    def submit(self, pdu: SubmitSm | DataSm, frame: bytes) -> None:
        """One message, or one part of it."""
        kind = SubmitSmResp if isinstance(pdu, SubmitSm) else DataSmResp
        if not self._has_room:
            self._respond(kind(pdu.sequence, Status.ESME_RTHROTTLED, (), ""))
            return
        self._owed += 1

        def answer(status: int, message_id: str, tlvs: tuple[tuple[int, bytes], ...]) -> None:
            self._answer(kind(pdu.sequence, status, tlvs, message_id))

        self._take(pdu, pdu.destination_addr, frame, answer)

    def submit_multi(self, pdu: SubmitMulti, frame: bytes) -> None:
        """Each recipient its own message; those refused are listed (SMPP 3.4 §4.5.2)."""
        people = [one for one in pdu.destinations if isinstance(one, SmeAddress)]
        problem = Status.ESME_ROK
        if len(people) != len(pdu.destinations) or not 1 <= len(people) <= RECIPIENTS_MAX:
            problem = Status.ESME_RINVDLNAME  # we keep no distribution lists
        elif not self._has_room:
            problem = Status.ESME_RTHROTTLED
        if problem:
            self._respond(SubmitMultiResp(sequence=pdu.sequence, status=problem))
            return
        self._owed += 1
        answer = _AnswerToMany(pdu.sequence, len(people), self._answer)
        for person in people:
            self._take(pdu, person.destination_addr, frame, partial(answer.one_done, person))

    # Inside

    @property
    def _has_room(self) -> bool:
        return self._owed < self._window and self._last_answer is None

    def _answer(self, response: Pdu) -> None:
        self._respond(response)
        self._owed -= 1
        if not self._owed and self._last_answer is not None:
            self._last_answer()

    def _respond(self, response: Pdu) -> None:
        # What was accepted stays accepted when its answer can no longer be brought.
        if not self._connection.session.is_closed:
            self._connection.respond(response)

    def _take(self, pdu: Submit, recipient: str, frame: bytes, respond: Respond) -> None:
        door = self._door
        customer = door.registry.snapshot.customer(self._customer)
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
            if seen.about is not None and not seen.fault:
                self._keep(pdu, seen, recipient, message, frame, respond)
            else:
                door.intake.offer(
                    submission(
                        pdu,
                        seen,
                        message=message,
                        customer=customer.id,
                        recipient=recipient,
                        session=self._session,
                        peer=self._address,
                        auth=self._auth,
                        raw=frame,
                        now=now,
                    ),
                    partial(self._decided, message, respond),
                )
        except Overloaded:
            respond(Status.ESME_RTHROTTLED, "", ())

    def _keep(
        self, pdu: Submit, seen: Read, recipient: str, message: MessageId, frame: bytes, respond: Respond
    ) -> None:
        door = self._door
        one = part(
            pdu,
            seen,
            message=message,
            customer=self._customer,
            recipient=recipient,
            session=self._session,
            peer=self._address,
            auth=self._auth,
            raw=frame,
            now=door.now(),
        )

        def took(known_as: MessageId, whole: Whole | None) -> None:
            if whole is None:
                respond(Status.ESME_ROK, str(known_as), ())
                return
            try:
                door.whole_came(whole, partial(self._decided, whole.last.id, respond))
            except Overloaded:
                respond(Status.ESME_RTHROTTLED, "", ())

        door.parts.offer(one, took, lambda: respond(Status.ESME_RSYSERR, "", ()))

    def _decided(self, message: MessageId, respond: Respond, outcome: Outcome | NotRecorded) -> None:
        if isinstance(outcome, NotRecorded):
            respond(Status.ESME_RSYSERR, "", ())
        elif outcome.action == "refuse":
            status, tlvs = refusal(outcome.codes, self._refusals)
            respond(status, str(message), tlvs)
        else:
            respond(Status.ESME_ROK, str(message), ())


class _AnswerToMany:
    """Gathers the verdicts on a submit_multi's recipients into its one answer."""

    def __init__(self, sequence: int, recipients: int, answer: Callable[[Pdu], None]) -> None:
        self._sequence = sequence
        self._left = self._recipients = recipients
        self._answer = answer
        self._first = ""
        self._refused: list[UnsuccessSme] = []

    def one_done(
        self, person: SmeAddress, status: int, message_id: str, _: tuple[tuple[int, bytes], ...]
    ) -> None:
        """The verdict on one recipient; the last one sends the answer."""
        self._left -= 1
        if status:
            self._refused.append(
                UnsuccessSme(person.dest_addr_ton, person.dest_addr_npi, person.destination_addr, status)
            )
        else:
            self._first = self._first or message_id
        if self._left:
            return
        nobody = len(self._refused) == self._recipients
        self._answer(
            SubmitMultiResp(
                sequence=self._sequence,
                status=self._refused[0].error_status_code if nobody else Status.ESME_ROK,
                message_id=self._first,
                unsuccess=tuple(self._refused),
            )
        )
