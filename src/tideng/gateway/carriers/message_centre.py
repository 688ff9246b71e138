"""The inside of the simulated carrier: answers binds and submits as configured, delivers reports, replies."""

import random
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final

from msgspec import Struct

from tideng.gateway.carriers.delay import DelayLine
from tideng.gateway.carriers.pace import Pace
from tideng.gateway.carriers.simulator_settings import Behaviour, SimulatorSettings, write_id
from tideng.gateway.connection import Clock, Loss, SmppConnection, Ticker
from tideng.gateway.wire.smpp import (
    Answer,
    Bind,
    BindResp,
    DataSm,
    DeliverSm,
    Event,
    GenericNack,
    Pdu,
    Role,
    Session,
    State,
    Status,
    SubmitSm,
    SubmitSmResp,
    Tag,
    Timers,
    Unbind,
    UnbindResp,
    Unmatched,
)

DELIVERED: Final = 2
UNDELIVERABLE: Final = 5
"""message_state (SMPP 3.4 §5.2.28)."""
_WORDS: Final = {DELIVERED: "DELIVRD", UNDELIVERABLE: "UNDELIV"}
_RESPONSE: Final = 0x8000_0000


class Counts(Struct):
    """What happened so far."""

    submitted: int = 0
    accepted: int = 0
    throttled: int = 0
    refused: int = 0
    delivered: int = 0
    """deliver_sm and data_sm sent, repeats included."""
    acknowledged: int = 0
    turned_away: int = 0
    """Deliveries answered with anything but ESME_ROK, or not at all."""
    dropped: int = 0
    """Answers and deliveries given up: nobody took them, or too many waited."""
    binds: int = 0
    binds_refused: int = 0
    unanswered_max: int = 0
    """Most submits of one connection that waited for our answer at one time."""


class Delivery(Struct):
    """A report or reply on its way to the customer."""

    pdu: DeliverSm | DataSm
    preferred: SmppConnection | None = None
    tries: int = 0


class MessageCentre:
    """The handler of every connection of one simulated carrier."""

    def __init__(
        self,
        settings: SimulatorSettings,
        *,
        clock: Clock,
        stamp: Callable[[], str],
        on_accepted: Callable[[SubmitSm], None],
        on_change: Callable[[], None],
    ) -> None:
        self.counts = Counts()
        self.connections: dict[SmppConnection, int] = {}
        """Each with its number of submits that wait for our answer."""
        self._settings = settings
        self._clock = clock
        self._stamp = stamp
        self._on_accepted = on_accepted
        self._on_change = on_change
        self._random = random.Random(settings.seed)
        self._suffixes = sorted(settings.by_suffix, key=len, reverse=True)
        self._pace = Pace(settings.throughput_per_s, clock())
        self._number = 1_000_000
        self._submits: dict[SmppConnection, int] = {}
        self._pending: deque[Delivery] = deque()
        self._ticker = Ticker(clock)
        self._answers = DelayLine(clock, settings.answer_delay_s)
        self._reports = DelayLine(clock, settings.report_delay_s)
        self._repeats = DelayLine(clock, settings.redeliver_s)
        self._held: list[Callable[[], None]] | None = None

    def accept(self) -> SmppConnection:
        """A connection for one more peer."""
        session = Session(Role.SERVER, window=self._settings.deliver_window)
        return SmppConnection(session, self, timers=Timers(), clock=self._clock)

    def close(self) -> None:
        """Forget what is delayed."""
        for line in (self._answers, self._reports, self._repeats):
            line.close()

    def hold_answers(self) -> None:
        """Take submits and answer none."""
        if self._held is None:
            self._held = []

    def release_answers(self) -> None:
        """Answer what was held, in order, and from now on at once."""
        held, self._held = self._held or [], None
        for answer in held:
            answer()
        self._deliver_pending()

    def deliver(self, delivery: Delivery) -> None:
        """As soon as a bound receiver has room in its window."""
        if len(self._pending) >= self._settings.pending_max:
            self._pending.popleft()
            self.counts.dropped += 1
        self._pending.append(delivery)
        self._deliver_pending()

    # -- Handler ----------------------------------------------------------------------------------

    def connected(self, connection: SmppConnection) -> None:
        """See `Handler`."""
        self.connections[connection] = 0
        self._submits[connection] = 0
        self._ticker.add(connection)
        if len(self.connections) > self._settings.connections_max:
            connection.drop("too many connections; limit is `connections_max`")

    def received(self, connection: SmppConnection, events: list[Event], frames: list[bytes]) -> None:
        """See `Handler`."""
        for event in events:
            if connection.is_closing:
                break
            if isinstance(event, SubmitSm):
                self._submitted(connection, event)
            elif isinstance(event, Answer):
                self._delivery_answered(event.context, event.pdu.status)
            elif isinstance(event, Bind):
                self._bind(connection, event)
            elif isinstance(event, Unbind):
                connection.respond(UnbindResp(sequence=event.sequence))
            elif isinstance(event, Pdu) and not isinstance(event, Unmatched):
                # query_sm, cancel_sm, …: legal, and not simulated.
                connection.respond(GenericNack(sequence=event.sequence, status=Status.ESME_RINVCMDID))
        self._deliver_pending()
        self._on_change()

    def expired(self, connection: SmppConnection, contexts: list[object]) -> None:  # the Handler's signature
        """See `Handler`."""
        for context in contexts:
            self._delivery_answered(context, Status.ESME_RX_T_APPN)

    def lost(self, connection: SmppConnection, loss: Loss) -> None:
        """What was not acknowledged is delivered again, by whichever bind comes."""
        self._ticker.discard(connection)
        self.connections.pop(connection, None)
        self._submits.pop(connection, None)
        for context in [*loss.written, *loss.unwritten]:
            if isinstance(context, Delivery):
                context.preferred = None
                self._pending.append(context)
        self._deliver_pending()
        self._on_change()

    # -- binds ------------------------------------------------------------------------------------

    def _bind(self, connection: SmppConnection, pdu: Bind) -> None:
        settings = self._settings
        status = Status.ESME_ROK
        if pdu.system_id != settings.system_id:
            status = Status.ESME_RINVSYSID
        elif settings.password and pdu.password != settings.password:
            status = Status.ESME_RINVPASWD
        version = settings.interface_version
        tlvs = ((int(Tag.SC_INTERFACE_VERSION), bytes((version,))),) if version and not status else ()
        connection.respond(
            BindResp(
                sequence=pdu.sequence,
                status=status,
                command_id=pdu.command_id | _RESPONSE,
                system_id="simulated",
                tlvs=tlvs,
            )
        )
        if status:
            self.counts.binds_refused += 1
        else:
            self.counts.binds += 1
            connection.bound()

    # -- submits ----------------------------------------------------------------------------------

    def _submitted(self, connection: SmppConnection, pdu: SubmitSm) -> None:
        counts = self.counts
        counts.submitted += 1
        waiting = self.connections[connection] = self.connections[connection] + 1
        counts.unanswered_max = max(counts.unanswered_max, waiting)
        self._submits[connection] += 1
        every = self._settings.disconnect_every
        if every and self._submits[connection] >= every:
            connection.drop("the simulated line breaks after every so many submits")
            return
        now = self._clock()
        if self._pace.free(now) == 0:
            counts.throttled += 1
            self._answer(
                connection, SubmitSmResp(sequence=pdu.sequence, status=self._settings.throttle_status)
            )
            return
        self._pace.take(now)
        behaviour = self._behaviour(pdu.destination_addr)
        if behaviour is Behaviour.SILENT:
            return
        if behaviour is Behaviour.REFUSED:
            counts.refused += 1
            self._answer(connection, SubmitSmResp(sequence=pdu.sequence, status=self._settings.refuse_status))
            return
        self._take(connection, pdu, behaviour)

    def _take(self, connection: SmppConnection, pdu: SubmitSm, behaviour: Behaviour) -> None:
        settings = self._settings
        self.counts.accepted += 1
        self._number += 1
        number = self._number
        self._on_accepted(pdu)
        answer = SubmitSmResp(sequence=pdu.sequence, message_id=write_id(number, settings.id_style))
        if behaviour is Behaviour.MISSING or not self._is_report_wanted(pdu, behaviour):
            self._answer(connection, answer)
            return
        delivery = Delivery(self._report(pdu, number, behaviour), connection)
        if behaviour is Behaviour.BEFORE:
            self.deliver(delivery)
            self._answer(connection, answer)
        elif behaviour is Behaviour.DELAYED:
            self._answer(connection, answer)
            if len(self._reports) < settings.pending_max:
                self._reports.put(partial(self.deliver, delivery))
            else:
                self.counts.dropped += 1
        else:
            self._answer(connection, answer, delivery)

    def _answer(self, connection: SmppConnection, pdu: SubmitSmResp, then: Delivery | None = None) -> None:
        waiting = len(self._answers) if self._held is None else len(self._held)
        if waiting >= self._settings.pending_max:
            self.counts.dropped += 1
        elif self._held is not None:
            self._held.append(partial(self._answer_now, connection, pdu, then))
        else:
            self._answers.put(partial(self._answer_now, connection, pdu, then))

    def _answer_now(self, connection: SmppConnection, pdu: SubmitSmResp, then: Delivery | None) -> None:
        if connection in self.connections and not connection.is_closing and not connection.session.is_closed:
            self.connections[connection] -= 1
            connection.respond(pdu)
        if then is not None:
            self.deliver(then)

    def _behaviour(self, recipient: str) -> Behaviour:
        settings = self._settings
        for suffix in self._suffixes:
            if recipient.endswith(suffix):
                return settings.by_suffix[suffix]
        if settings.shares:
            lot = self._random.random()
            for behaviour, share in settings.shares.items():
                lot -= share
                if lot < 0:
                    return behaviour
        return settings.behaviour

    @staticmethod
    def _is_report_wanted(pdu: SubmitSm, behaviour: Behaviour) -> bool:
        """registered_delivery bits 0-1: 1 all, 2 failures only, 3 (5.0) successes only (§5.2.17)."""
        wish = pdu.registered_delivery & 0x03
        return wish == 1 or wish == (2 if behaviour is Behaviour.FAILING else 3)

    # -- deliveries -------------------------------------------------------------------------------

    def _report(self, pdu: SubmitSm, number: int, behaviour: Behaviour) -> DeliverSm | DataSm:
        settings = self._settings
        state = UNDELIVERABLE if behaviour is Behaviour.FAILING else DELIVERED
        id = write_id(number, settings.report_id_style)
        stamp = self._stamp()
        # SMPP 3.4 appendix B. Not our own receipt writer: a foreign carrier shares no code with us.
        text = (
            f"id:{id} sub:001 dlvrd:{int(state == DELIVERED):03d} submit date:{stamp} "
            f"done date:{stamp} stat:{_WORDS[state]} err:{0 if state == DELIVERED else 99:03d} text:"
        ).encode("ascii")
        tlvs: tuple[tuple[int, bytes], ...] = ()
        if settings.report_tlvs:
            tlvs = (
                (int(Tag.RECEIPTED_MESSAGE_ID), id.encode("ascii") + b"\0"),
                (int(Tag.MESSAGE_STATE), bytes((state,))),
            )
        if settings.reports_by_data_sm:
            return DataSm(
                source_addr=pdu.destination_addr,
                destination_addr=pdu.source_addr,
                esm_class=0x04,
                tlvs=(*tlvs, (int(Tag.MESSAGE_PAYLOAD), text)),
            )
        return DeliverSm(
            source_addr=pdu.destination_addr,
            destination_addr=pdu.source_addr,
            esm_class=0x04,
            short_message=text,
            tlvs=tlvs,
        )

    def _deliver_pending(self) -> None:
        pending = self._pending
        while pending:
            connection = self._receiver(pending[0].preferred)
            if connection is None:
                return
            delivery = pending.popleft()
            self.counts.delivered += 1
            connection.request(delivery.pdu, delivery)

    def _receiver(self, preferred: SmppConnection | None) -> SmppConnection | None:
        other_first = self._settings.reports_on_other_bind
        if preferred is not None and not other_first and self._can_receive(preferred):
            return preferred
        for connection in self.connections:
            if connection is not preferred and self._can_receive(connection):
                return connection
        if preferred is not None and self._can_receive(preferred):
            return preferred
        return None

    @staticmethod
    def _can_receive(connection: SmppConnection) -> bool:
        session = connection.session
        return (
            session.state in (State.BOUND_RX, State.BOUND_TRX)
            and connection.is_writable
            and session.window_free > 0
        )

    def _delivery_answered(self, context: object, status: int) -> None:
        if not isinstance(context, Delivery):
            return
        if status == Status.ESME_ROK:
            self.counts.acknowledged += 1
            return
        self.counts.turned_away += 1
        context.tries += 1
        if context.tries > self._settings.redeliver_max or len(self._repeats) >= self._settings.pending_max:
            self.counts.dropped += 1
            return
        self._repeats.put(partial(self.deliver, context))
