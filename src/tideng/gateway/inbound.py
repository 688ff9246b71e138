"""Replies: "stop" is in force before the carrier gets its answer; the rest reaches the customer."""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import structlog
from msgspec import Struct

from tideng.evidence.commitment import commit
from tideng.evidence.entries import encode_entry
from tideng.gateway.carriers.incoming import CarrierInbound
from tideng.gateway.dispatch import Dispatch
from tideng.gateway.entries import InboundEntry
from tideng.gateway.ids import MessageIds
from tideng.gateway.intake import Intake, NotRecorded, Outcome
from tideng.gateway.mailbox import Mailbox
from tideng.gateway.messages import Micros, Submission
from tideng.gateway.parts import Part, Parts, Whole
from tideng.gateway.pump import Overloaded, Pump
from tideng.gateway.registry.snapshot import Snapshot
from tideng.gateway.registry.store import record_opt_outs_in
from tideng.gateway.registry.values import OptOut
from tideng.gateway.settings import InboundSettings
from tideng.gateway.store.bodies import Reply, seal_reply
from tideng.gateway.store.conversations import Conversation, KeptReply, conversations, keep_replies
from tideng.gateway.store.decisions import append, write_life
from tideng.gateway.store.mailbox import NewMail, put_mail
from tideng.gateway.store.store import Store
from tideng.identifiers.phone import NotANumber, parse
from tideng.text.alphabets import Undecodable, decode
from tideng.text.concatenation import Concatenation
from tideng.text.opt_out import is_opt_out_reply

_log = structlog.get_logger()
_MEANINGS: Final = {None: "reply", "principal": "opt_out", "all": "opt_out_all"}
EVERYONE: Final = "*"
ORIGIN: Final = "carrier:"
_OPENINGS_OCTETS: Final = 32 + 32 + 12


class WholeReply(Struct, frozen=True, kw_only=True, gc=False):
    """One reply, all its parts joined."""

    carrier: str
    sender: str
    """As the carrier wrote it."""
    destination: str
    text: str
    """What could not be read is said in brackets; the entry keeps the octets' hash."""
    received_at: Micros
    raw_hash: bytes
    ack: Callable[[bool], None]
    whole: Whole | None = None
    """The parts to drop once it is recorded."""


class Registers(Protocol):
    """The registry, as this step sees it."""

    @property
    def snapshot(self) -> Snapshot: ...


class _Understood(Struct, frozen=True, gc=False):
    reply: WholeReply
    number: str
    subject: str
    meaning: str
    talk: Conversation | None
    customer: str
    principal: str
    code_number: str


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

    def start(self) -> None:
        """Take up again the long replies that were whole, or too old, when the last process ended."""
        self._pump.start()
        for whole in self._parts.left_over(ORIGIN, all_ages=True):
            self._take_whole(whole, _no_one_waits)

    def take(self, replies: Sequence[CarrierInbound]) -> None:
        """What a carrier link read; bounded by its `unacked_max`. Each is acknowledged after its commit."""
        for seen in replies:
            if seen.concatenation is not None and seen.concatenation.total > 1 and not seen.fault:
                self._keep(seen, seen.concatenation)
            else:
                self._pump.put(_of_one(seen))

    def tick(self) -> None:
        """Once a minute: replies whose missing parts have not come are recorded as they are."""
        for whole in self._parts.left_over(ORIGIN):
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
            raw_hash=seen.raw_hash,
            received_at=seen.received_at,
            context=seen.sender.encode(),
        )

        def took(whole: Whole | None) -> None:
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
                raw_hash=whole.raw_hash,
                ack=ack,
                whole=whole,
            )
        )

    def _failed(self, batch: list[WholeReply], error: Exception) -> None:
        for reply in batch:
            reply.ack(False)

    async def _work(self, batch: list[WholeReply]) -> None:
        store = self._store
        now = store.ledger.now()
        understood = self._understand(batch)
        keys = await store.keys_for([one.subject for one in understood])
        day_entries, rows, outs = [], [], []
        for one in understood:
            entropy = store.entropy(_OPENINGS_OCTETS)
            day_entries.append(encode_entry(_entry(one, entropy, now)))
            reply = Reply(
                sender=one.number,
                text=one.reply.text,
                opening_sender=entropy[:32],
                opening_text=entropy[32:64],
            )
            rows.append(
                (self._ids.next(), one, seal_reply(keys[one.subject], one.subject, reply, entropy[64:]))
            )
            if one.meaning != "reply":
                principal = one.principal if one.meaning == "opt_out" and one.principal else EVERYONE
                outs.append(OptOut(principal=principal, recipient=one.subject, at=now, source="inbound"))
        mail = [
            NewMail(
                id=number,
                customer=one.customer,
                kind="inbound",
                message=one.talk.message if one.talk else 0,
                state=one.meaning,
                at=now,
                subject=one.subject,
                sealed=sealed,
            )
            for number, one, sealed in rows
            if one.customer
        ]

        def job(conn: sqlite3.Connection) -> list[OptOut]:
            positions = append(conn, store.ledger, day_entries)
            new = record_opt_outs_in(conn, store.ledger, outs, at=now, by="inbound") if outs else []
            keep_replies(
                conn,
                [
                    _kept(number, one, sealed, position.index, now)
                    for (number, one, sealed), position in zip(rows, positions, strict=True)
                ],
            )
            write_life(
                conn,
                [
                    (one.talk.message, p.index)
                    for one, p in zip(understood, positions, strict=True)
                    if one.talk
                ],
            )
            put_mail(conn, mail)
            return new

        new = await store.run(job)
        for out in outs:
            self._dispatch.stop(out.recipient, out.principal)
        for one in understood:
            one.reply.ack(True)
        wholes = [one.reply.whole for one in understood if one.reply.whole is not None]
        if wholes:
            await self._parts.forget(wholes)
        self._mailbox.arrived(mail)
        self._confirm(understood, new)

    def _understand(self, batch: Sequence[WholeReply]) -> list[_Understood]:
        numbers = [_number(reply.sender) for reply in batch]
        subjects = [self._store.subject(number) for number in numbers]
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
                _Understood(reply, number, subject, meaning, talk, customer, principal, reply.destination)
            )
        return understood

    def _confirm(self, understood: Sequence[_Understood], new: Sequence[OptOut]) -> None:
        """One confirmation per opt-out that is new, reviewed and recorded like every other message."""
        if not self._settings.confirm_opt_out:
            return
        fresh = {(out.recipient, out.principal) for out in new}
        for one in understood:
            principal = one.principal if one.meaning == "opt_out" and one.principal else EVERYONE
            if one.meaning == "reply" or one.talk is None or (one.subject, principal) not in fresh:
                continue
            fresh.discard((one.subject, principal))
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
    snapshot: Snapshot, talk: Conversation, one: _Understood, message: int, now: Micros
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
        raw_hash=one.reply.raw_hash,
        code_number=one.code_number,
        principal=talk.principal,
        category="notice",
    )


def _log_confirmation(outcome: Outcome | NotRecorded) -> None:
    if isinstance(outcome, NotRecorded):
        _log.warning("opt_out_confirmation_not_recorded")
    elif outcome.action != "send":
        _log.info("opt_out_confirmation_not_sent", message=outcome.message, codes=list(outcome.codes))


def _entry(one: _Understood, entropy: bytes, now: Micros) -> InboundEntry:
    return InboundEntry(
        at=now,
        carrier=one.reply.carrier,
        code_number=one.code_number,
        meaning=one.meaning,
        principal=one.principal,
        raw=one.reply.raw_hash.hex(),
        received_at=one.reply.received_at,
        sender=commit(entropy[:32], one.number),
        text=commit(entropy[32:64], one.reply.text),
    )


def _kept(number: int, one: _Understood, sealed: bytes, position: int, now: Micros) -> KeptReply:
    return KeptReply(
        id=number,
        customer=one.customer,
        principal=one.principal,
        code_number=one.code_number,
        meaning=one.meaning,
        position=position,
        subject=one.subject,
        received_at=now,
        sealed=sealed,
    )


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
        raw_hash=seen.raw_hash,
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
