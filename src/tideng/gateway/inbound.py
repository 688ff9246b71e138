"""Replies: "stop" is in force before the carrier gets its answer; the rest reaches the customer."""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

import structlog

from tideng.gateway.carriers.incoming import CarrierInbound
from tideng.gateway.dispatch import Dispatch
from tideng.gateway.ids import MessageIds
from tideng.gateway.intake import Intake, NotRecorded, Outcome
from tideng.gateway.mailbox import Mailbox
from tideng.gateway.messages import MessageId, Micros, Submission
from tideng.gateway.parts import Part, Parts, Whole
from tideng.gateway.pump import Overloaded, Pump
from tideng.gateway.registry.snapshot import Snapshot
from tideng.gateway.registry.values import OptOut
from tideng.gateway.replies import Understood, WholeReply, records_of
from tideng.gateway.settings import InboundSettings
from tideng.gateway.store.conversations import Conversation, conversations
from tideng.gateway.store.store import Store
from tideng.identifiers.phone import NotANumber, parse
from tideng.text.alphabets import Undecodable, decode
from tideng.text.concatenation import Concatenation
from tideng.text.opt_out import is_opt_out_reply

_log = structlog.get_logger()
_MEANINGS: Final = {None: "reply", "principal": "opt_out", "all": "opt_out_all"}
ORIGIN: Final = "carrier:"


class Registers(Protocol):
    """The registry, as this step sees it."""

    @property
    def snapshot(self) -> Snapshot: ...


class Inbound:
    """Understands, records and forwards replies; acknowledged after the commit."""

    def __init__(
        self,
        store: Store,
        registry: Registers,
        intake: Intake,
        dispatch: Dispatch,
        mailbox: Mailbox,
        parts: Parts,
        ids: MessageIds,
        settings: InboundSettings,
    ) -> None:
        self._store = store
        self._registry = registry
        self._intake = intake
        self._dispatch = dispatch
        self._mailbox = mailbox
        self._parts = parts
        self._ids = ids
        self._settings = settings
        self._pump: Pump[WholeReply] = Pump(
            "inbound", self._work, self._failed, waiting_max=1_000_000, batch_max=500
        )
        self.close = self._pump.close

    async def start(self) -> None:
        """Take up again the long replies that were whole, or too old, when the last process ended."""
        self._pump.start()
        for whole in await self._parts.left_over(ORIGIN, all_ages=True):
            self._take_whole(whole, _no_one_waits)

    def take(self, replies: Sequence[CarrierInbound]) -> None:
        """What a carrier link read; bounded by its `unacked_max`. Each is acknowledged after its commit."""
        for seen in replies:
            if seen.concatenation is not None and seen.concatenation.total > 1 and not seen.fault:
                self._keep(seen, seen.concatenation)
            else:
                self._pump.put(_of_one(seen))

    async def tick(self) -> None:
        """Once a minute: replies whose missing parts have not come are recorded as they are."""
        for whole in await self._parts.left_over(ORIGIN):
            self._take_whole(whole, _no_one_waits)

    def _keep(self, seen: CarrierInbound, about: Concatenation) -> None:
        part = Part(
            id=self._ids.next(),
            origin=ORIGIN + seen.carrier,
            sender=seen.destination,
            recipient=_number(seen.sender),
            about=about,
            octets=seen.octets,
            alphabet=seen.alphabet.value,
            raw=seen.raw,
            received_at=seen.received_at,
            context=seen.sender.encode(),
        )

        def took(_: MessageId, whole: Whole | None) -> None:
            if whole is None:
                seen.ack(True)
            else:
                self._take_whole(whole, seen.ack)

        try:
            self._parts.offer(part, took, lambda: seen.ack(False))
        except Overloaded:
            seen.ack(False)

    def _take_whole(self, whole: Whole, ack: Callable[[bool], None]) -> None:
        last = whole.last
        self._pump.put(
            WholeReply(
                carrier=last.origin.removeprefix(ORIGIN),
                sender=last.context.decode(),
                destination=last.sender,
                text=whole.text if whole.text is not None else f"[{whole.fault}]",
                received_at=last.received_at,
                raw=whole.raw,
                ack=ack,
                whole=whole,
            )
        )

    def _failed(self, batch: list[WholeReply], error: Exception) -> None:
        for reply in batch:
            if reply.whole is not None:
                self._parts.not_recorded(reply.whole)
            reply.ack(False)

    async def _work(self, batch: list[WholeReply]) -> None:
        store = self._store
        understood = self._understand(batch)
        keys = await store.keys_for([one.subject for one in understood])
        records = records_of(understood, keys, self._ids, store.entropy, store.ledger.now())
        new = await store.run(lambda conn: records.write(conn, store))
        for out in records.opt_outs:
            self._dispatch.stop(out.recipient, out.principal)
        for one in understood:
            one.reply.ack(True)
        wholes = [one.reply.whole for one in understood if one.reply.whole is not None]
        if wholes:
            await self._parts.forget(wholes)
        self._mailbox.arrived(records.mail)
        self._confirm(understood, new)

    def _understand(self, batch: Sequence[WholeReply]) -> list[Understood]:
        numbers = [_number(reply.sender) for reply in batch]
        subjects = [self._store.written(number) for number in numbers]
        asked = [(s, reply.destination) for s, reply in zip(subjects, batch, strict=True)]
        talks = conversations(self._store.reader, asked)
        snapshot = self._registry.snapshot
        understood = []
        for reply, number, subject in zip(batch, numbers, subjects, strict=True):
            talk = talks.get((subject, reply.destination))
            customer = talk.customer if talk else _only_customer(snapshot, reply.destination)
            meaning = _MEANINGS[is_opt_out_reply(reply.text)]
            principal = talk.principal if talk else ""
            understood.append(
                Understood(reply, number, subject, meaning, talk, customer, principal, reply.destination)
            )
        return understood

    def _confirm(self, understood: Sequence[Understood], new: Sequence[OptOut]) -> None:
        """One confirmation per opt-out that is new, reviewed and recorded like every other message."""
        if not self._settings.confirm_opt_out:
            return
        fresh = {(out.recipient, out.principal) for out in new}
        for one in understood:
            if one.talk is None or (one.subject, one.stopped) not in fresh:
                continue
            fresh.discard((one.subject, one.stopped))
            submission = confirmation(
                self._registry.snapshot, one.talk, one, self._ids.next(), self._store.now()
            )
            if submission is None:
                continue
            try:
                self._intake.offer(submission, _log_confirmation)
            except Overloaded:
                _log.warning("opt_out_confirmation_skipped", message=submission.id)


def confirmation(
    snapshot: Snapshot, talk: Conversation, one: Understood, message: int, now: Micros
) -> Submission | None:
    """The one message that may follow a stop: it says that the stop is in force. None without a signature."""
    signature = next(
        (
            s.id
            for s in snapshot.signatures.values()
            if s.principal == talk.principal and s.status == "active"
        ),
        "",
    )
    customer = snapshot.customer(talk.customer)
    name = signature or (customer.default_signature if customer else "")
    if not name:
        return None
    scope = "所有商户" if one.meaning == "opt_out_all" else name
    return Submission(
        id=message,
        customer=talk.customer,
        recipient=one.number,
        text=f"【{name}】您已退订,今后不会再收到{scope}经本平台发送的短信。",
        received_at=now,
        door="opt_out",
        session=f"inbound:{talk.message}",
        raw=one.reply.raw,
        code_number=one.code_number,
        principal=talk.principal,
        category="notice",
    )


def _log_confirmation(outcome: Outcome | NotRecorded) -> None:
    if isinstance(outcome, NotRecorded):
        _log.warning("opt_out_confirmation_not_recorded")
    elif outcome.action != "send":
        _log.info("opt_out_confirmation_not_sent", message=outcome.message, codes=list(outcome.codes))


def _of_one(seen: CarrierInbound) -> WholeReply:
    try:
        text = f"[{seen.fault}]" if seen.fault else decode(seen.octets, seen.alphabet)
    except Undecodable as error:
        text = f"[{error}]"
    return WholeReply(
        carrier=seen.carrier,
        sender=seen.sender,
        destination=seen.destination,
        text=text,
        received_at=seen.received_at,
        raw=seen.raw,
        ack=seen.ack,
    )


def _no_one_waits(_: bool) -> None:
    """The carrier had its answer when the parts were kept."""


def _number(sender: str) -> str:
    try:
        return parse(sender).e164
    except NotANumber:
        return "?" + sender


def _only_customer(snapshot: Snapshot, code_number: str) -> str:
    """Whose number it is when no message of ours explains the reply: only if it is one customer's alone."""
    number = snapshot.code_number(code_number)
    if number is None or len(number.bindings) != 1:
        return ""
    return number.bindings[0].customer
