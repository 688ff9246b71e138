"""Intake: a batch of submissions is reviewed, recorded in the ledger and answered. In this order."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import Final, Protocol

import msgspec
from msgspec import Struct

from tideng import __version__
from tideng.evidence.commitment import KEY_BYTES, commit
from tideng.evidence.entries import encode_entry
from tideng.evidence.ledger import Position
from tideng.gateway.clearance import Cleared, Openings, Sealed, clear
from tideng.gateway.entries import DecisionEntry
from tideng.gateway.ids import MessageIds
from tideng.gateway.mailbox import Mailbox
from tideng.gateway.messages import MessageId, Micros, Outbound, Submission
from tideng.gateway.pump import Pump
from tideng.gateway.registry.snapshot import Snapshot
from tideng.gateway.registry.store import consents, opted_out
from tideng.gateway.review.judge import review
from tideng.gateway.review.judged import ReadsTexts
from tideng.gateway.review.policy import Policy
from tideng.gateway.review.values import Case, Facts, Verdict
from tideng.gateway.settings import DispatchSettings, IntakeSettings
from tideng.gateway.store.bodies import Body, seal_body
from tideng.gateway.store.decisions import Decided, recent_messages, write_new
from tideng.gateway.store.mailbox import NewMail
from tideng.gateway.store.store import Store
from tideng.gateway.telling import report_mail
from tideng.identifiers.phone import NotANumber, parse

SOFTWARE: Final = f"tideng {__version__}"
LANES: Final = 2
"""Batches at once: one is reviewed while the one before it is being synced to disk."""
_STATES: Final = {"send": "queued", "hold": "held", "refuse": "refused"}
_KEYS: Final = 4
"""Commitments of a first decision: recipient, text, octets, slots."""
ENTROPY_OCTETS: Final = _KEYS * KEY_BYTES + 12
"""What recording one message uses up: its commitments' keys, and a nonce."""
_slots: Final = msgspec.json.Encoder(order="sorted").encode


class Outcome(Struct, frozen=True, gc=False):
    """What a submitter is told: the verdict, durably recorded at `position`."""

    message: MessageId
    action: str
    codes: tuple[str, ...]
    position: int
    not_before: Micros = 0


class NotRecorded(Exception):
    """The decision could not be made durable; nothing was accepted. Submit again later."""


class Takes(Protocol):
    """Dispatch, as intake sees it."""

    def reserve(self, cleared_soon: int) -> int:
        """How many of these may come by memory right after the commit; the rest waits in the outbox."""
        ...

    def unreserve(self, unused: int) -> None:
        """Their commit failed."""
        ...

    def ready(self, cleared: Cleared, subject: str) -> None: ...


class Registers(Protocol):
    """The registry, as this step sees it."""

    @property
    def snapshot(self) -> Snapshot: ...


Answer = Callable[[Outcome | NotRecorded], None]


class _Waiting(Struct, frozen=True, gc=False):
    submission: Submission
    answer: Answer


class Intake:
    """Reviews and records submissions; hands the cleared ones to dispatch after their commit."""

    def __init__(
        self,
        store: Store,
        registry: Registers,
        policy: Policy,
        dispatch: Takes,
        mailbox: Mailbox,
        ids: MessageIds,
        settings: IntakeSettings,
        dispatch_settings: DispatchSettings,
        judge: ReadsTexts | None = None,
    ) -> None:
        """`judge` reads what texts say; None: only the review's own rules do."""
        self._store = store
        self._registry = registry
        self.policy = policy
        self._judge = judge
        self._dispatch = dispatch
        self._mailbox = mailbox
        self._ids = ids
        self._validity_us = int(dispatch_settings.validity_h * 3_600_000_000)
        self._pump = Pump(
            "intake",
            self._work,
            self._failed,
            waiting_max=settings.waiting_max,
            batch_max=settings.batch_max,
            lanes=LANES,
        )
        self._uncommitted: dict[asyncio.Future[Sequence[Position]], frozenset[str]] = {}
        self.start = self._pump.start
        self.close = self._pump.close

    @property
    def room(self) -> int:
        """How many more submissions may be offered now."""
        return self._pump.room

    def offer(self, submission: Submission, answer: Answer) -> None:
        """Queue one submission; `answer` is called once, after the commit. Raises `Overloaded`."""
        self._pump.offer(_Waiting(submission, answer))

    async def submit(self, submissions: Sequence[Submission]) -> list[Outcome]:
        """Review and record these; in their order. Raises `Overloaded` or `NotRecorded`."""
        loop = asyncio.get_running_loop()
        futures: list[asyncio.Future[Outcome]] = [loop.create_future() for _ in submissions]
        for submission, future in zip(submissions, futures, strict=True):
            self.offer(submission, partial(_settle, future))
        return list(await asyncio.gather(*futures))

    def _failed(self, batch: list[_Waiting], error: Exception) -> None:
        refusal = NotRecorded("the decision could not be recorded; nothing was accepted, submit again later")
        refusal.__cause__ = error
        for waiting in batch:
            waiting.answer(refusal)

    async def _work(self, batch: list[_Waiting]) -> Awaitable[None]:
        """Review these and hand their decisions to the writer; the rest is the commit and the answers."""
        store = self._store
        subjects = [store.written(_number(waiting.submission.recipient)) for waiting in batch]
        await self._earlier_ones(subjects)
        # The keys' own commit runs while the review does.
        fetching = asyncio.ensure_future(store.keys_for(subjects))
        try:
            now, as_of = store.ledger.now(), store.ledger.size
            cases = self._cases([waiting.submission for waiting in batch], subjects, now)
            verdicts = review(cases, self._registry.snapshot, self.policy, now, store.time_zone, self._judge)
        finally:
            keys = await fetching
        sendable = sum(1 for v in verdicts if v.action == "send" and v.not_before <= now)
        by_memory = self._dispatch.reserve(sendable)
        drafts = [*self._drafts(cases, verdicts, keys, now, as_of, by_memory)]
        mail = [*self._first_mail(drafts, now)]
        day = store.day(now)
        committing = asyncio.ensure_future(
            store.run(lambda conn: write_new(conn, store.ledger, [draft.row for draft in drafts], mail, day))
        )
        self._uncommitted[committing] = frozenset(subjects)
        committing.add_done_callback(self._uncommitted.__delitem__)
        return self._after(committing, batch, verdicts, drafts, mail, by_memory)

    async def _earlier_ones(self, subjects: Sequence[str]) -> None:
        """Wait for the commit of earlier batches that wrote to one of these recipients: what was sent to
        them is a fact of the review (duplicates, frequency).
        """
        for committing, theirs in [*self._uncommitted.items()]:
            if not theirs.isdisjoint(subjects):
                await asyncio.wait([committing])

    async def _after(
        self,
        committing: "asyncio.Future[Sequence[Position]]",
        batch: list[_Waiting],
        verdicts: Sequence[Verdict],
        drafts: "Sequence[_Draft]",
        mail: Sequence[NewMail],
        by_memory: int,
    ) -> None:
        """Once it is durable: tell the mailbox, dispatch and the submitters."""
        try:
            positions = await committing
        except BaseException:
            self._dispatch.unreserve(by_memory)
            raise
        self._mailbox.arrived(mail)
        for waiting, verdict, draft, position in zip(batch, verdicts, drafts, positions, strict=True):
            if draft.row.leased:
                self._dispatch.ready(
                    clear(draft.outbound, Sealed(draft.entry, draft.openings, position)), draft.row.subject
                )
            waiting.answer(_outcome(verdict, position))

    def _first_mail(self, drafts: "Sequence[_Draft]", now: Micros) -> Iterator[NewMail]:
        """Held messages are reported at once; refused ones only where earlier parts were accepted."""
        for draft in drafts:
            row = draft.row
            if row.action == "hold" or (row.action == "refuse" and draft.entry.part_ids):
                letter = report_mail(
                    self._ids, draft.outbound, row.subject, row.state, draft.entry.codes[0], now
                )
                if letter is not None:
                    yield letter

    def _cases(self, submissions: Sequence[Submission], subjects: Sequence[str], now: Micros) -> list[Case]:
        store = self._store
        refusals = opted_out(store.reader, subjects)
        agreed = consents(store.reader, subjects, now)
        recent = recent_messages(store.reader, subjects, now - self.policy.memory_us)
        return [
            Case(
                submission,
                Facts(
                    subject=subject,
                    text_key=store.text_key(submission.text or ""),
                    opted_out=refusals.get(subject, ()),
                    consents=agreed.get(subject, ()),
                    recent=recent.get(subject, ()),
                ),
            )
            for submission, subject in zip(submissions, subjects, strict=True)
        ]

    def _drafts(
        self,
        cases: Sequence[Case],
        verdicts: Sequence[Verdict],
        keys: dict[str, bytes],
        now: Micros,
        as_of: int,
        by_memory: int,
    ) -> "Iterator[_Draft]":
        for case, verdict in zip(cases, verdicts, strict=True):
            sends_now = verdict.action == "send" and verdict.not_before <= now
            leased = sends_now and by_memory > 0
            by_memory -= leased
            yield self._draft(case, verdict, keys[case.facts.subject], now, as_of, leased)

    def _draft(
        self, case: Case, verdict: Verdict, key: bytes, now: Micros, as_of: int, leased: bool
    ) -> "_Draft":
        submission = case.submission
        outbound = outbound_of(submission, verdict, self._validity_us)
        body, nonce = body_of(submission, verdict, outbound, self._store.entropy(ENTROPY_OCTETS))
        entry = decision_entry(submission, verdict, body, at=now, as_of=as_of)
        row = Decided(
            id=submission.id,
            customer=submission.customer,
            principal=verdict.principal,
            category=verdict.category,
            code_number=verdict.code_number,
            door=submission.door,
            action=verdict.action,
            state=_STATES[verdict.action],
            codes=",".join(entry.codes),
            subject=case.facts.subject,
            text_key=case.facts.text_key,
            reported=submission.registered_delivery,
            at=now,
            sealed=seal_body(key, submission.id, body, nonce),
            leaf=encode_entry(entry),
            due_at=max(now, verdict.not_before) if verdict.action == "send" else 0,
            leased=leased,
        )
        return _Draft(row, entry, Openings(body.opening_recipient, body.opening_text), outbound)


class _Draft(Struct, frozen=True, gc=False):
    row: Decided
    entry: DecisionEntry
    openings: Openings
    outbound: Outbound


def outbound_of(submission: Submission, verdict: Verdict, validity_us: int) -> Outbound:
    """What would go out under this verdict."""
    return Outbound(
        id=submission.id,
        customer=submission.customer,
        principal=verdict.principal,
        category=verdict.category,
        recipient=verdict.recipient,
        code_number=verdict.code_number,
        text=verdict.text,
        received_at=submission.received_at,
        valid_until=submission.valid_until or max(submission.received_at, verdict.not_before) + validity_us,
        registered_delivery=submission.registered_delivery,
        flash=submission.flash,
    )


def body_of(
    submission: Submission, verdict: Verdict, outbound: Outbound, entropy: bytes
) -> tuple[Body, bytes]:
    """What is personal about it, with a fresh key per field; and the nonce to seal it with."""
    keys = [entropy[at : at + KEY_BYTES] for at in range(0, _KEYS * KEY_BYTES, KEY_BYTES)]
    slots = _slots(submission.slots).decode() if submission.slots else ""
    body = Body(
        recipient=verdict.recipient,
        given=submission.recipient,
        text=outbound.text,
        opening_recipient=keys[0],
        opening_text=keys[1],
        opening_raw=keys[2],
        raw=submission.raw,
        opening_slots=keys[3] if slots else b"",
        slots=slots,
        seen=tuple([(finding.code, finding.seen) for finding in verdict.findings]),
        reference=submission.reference,
        valid_until=outbound.valid_until,
        not_before=verdict.not_before,
        flash=submission.flash,
        part_ids=submission.part_ids,
        submitted_by=submission.session if submission.door == "console" else "",
    )
    return body, entropy[_KEYS * KEY_BYTES :]


def decision_entry(
    submission: Submission, verdict: Verdict, body: Body, *, at: Micros, as_of: int
) -> DecisionEntry:
    """The entry that records this first verdict; what is personal as commitments only."""
    return DecisionEntry(
        action=verdict.action,
        as_of=as_of,
        at=at,
        auth=submission.auth,
        batch=submission.batch,
        by="policy",
        category=verdict.category,
        classified_by=verdict.classified_by,
        code_number=verdict.code_number,
        codes=tuple(dict.fromkeys([finding.code for finding in verdict.findings])),
        consent=verdict.consent,
        counted=verdict.counted,
        customer=submission.customer,
        door=submission.door,
        message=str(submission.id),
        not_before=verdict.not_before,
        part_ids=tuple(map(str, submission.part_ids)),
        peer=submission.peer,
        policy=verdict.policy,
        previous=-1,
        principal=verdict.principal,
        raw=commit(body.opening_raw, body.raw.hex()),
        reader=verdict.reader,
        reason="",
        received_at=submission.received_at,
        recipient=commit(body.opening_recipient, body.recipient or body.given),
        registry=verdict.registry,
        session=submission.session,
        signature=verdict.signature,
        slots=commit(body.opening_slots, body.slots) if body.slots else "",
        software=SOFTWARE,
        text=commit(body.opening_text, body.text),
    )


def _outcome(verdict: Verdict, position: Position) -> Outcome:
    codes = tuple(dict.fromkeys(finding.code for finding in verdict.findings))
    return Outcome(verdict.message, verdict.action, codes, position.index, verdict.not_before)


def _number(given: str) -> str:
    # A recipient that is no number still gets a subject of its own: what was typed may be personal.
    try:
        return parse(given).e164
    except NotANumber:
        return "?" + given


def _settle(future: "asyncio.Future[Outcome]", outcome: Outcome | NotRecorded) -> None:
    if future.done():
        return
    if isinstance(outcome, NotRecorded):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
