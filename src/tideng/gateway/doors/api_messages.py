"""Messages over HTTP: send, look up, prove; and the replies to them."""

import asyncio
import base64
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Final

import msgspec
from msgspec import Struct

from tideng.evidence.checkpoint import open_checkpoint
from tideng.evidence.merkle import leaf_hash
from tideng.evidence.note import encode_vkey
from tideng.gateway.doors.api_once import HEADER, UNKNOWN_CUSTOMER_PER_S, Once, Throughput, checked_key
from tideng.gateway.doors.api_operation import Answer, ApiDeps, Call, Operation, as_json
from tideng.gateway.doors.api_problems import MEDIA_TYPE, FieldError, Problem, fields_problem
from tideng.gateway.doors.api_values import (
    InboundItem,
    InboundPage,
    InboundQuery,
    InclusionProof,
    LifeStep,
    MessageProof,
    MessageRequest,
    MessageResult,
    MessagesRequest,
    MessagesResult,
    MessageStatus,
    Part,
    micros,
    rfc3339,
)
from tideng.gateway.intake import NotRecorded, Outcome
from tideng.gateway.messages import MessageId, Micros, Submission
from tideng.gateway.registry.values import Template
from tideng.gateway.store import queries
from tideng.gateway.store.queries import MessageRow

AHEAD_MAX: Final = timedelta(days=366)
"""How far in the future a message may ask for."""
STEPS_MAX: Final = 1_000
"""Ledger entries of one message's life that one answer shows."""
_AHEAD_US: Final = AHEAD_MAX // timedelta(microseconds=1)
_ID_MAX: Final = 2**63 - 1


class Messages:
    """The operations on messages and replies."""

    def __init__(self, deps: ApiDeps) -> None:
        self._deps = deps
        self._store = deps.store
        self._once = Once(deps.store)
        self._throughput = Throughput(deps.monotonic)
        self._requests = count(1)

    def operations(self) -> tuple[Operation, ...]:
        """Their rows of the table."""
        return (
            Operation(
                method="POST",
                path="/v1/messages",
                access="send",
                summary="Send one message, or several. Answered once the verdicts are durably recorded.",
                act=self.send,
                takes=(MessagesRequest, MessageRequest),
                gives={200: MessagesResult, 202: MessageResult},
                problems=("in-progress", "key-used-otherwise", "refused", "throttled", "not-recorded"),
                headers={"Idempotency-Key": "Makes a repeated request safe for a day; a UUID serves well."},
            ),
            Operation(
                method="GET",
                path="/v1/messages/{id}",
                access="read",
                summary="One message as it stands, with its life in the ledger.",
                act=self.status,
                gives={200: MessageStatus},
            ),
            Operation(
                method="GET",
                path="/v1/messages/{id}/proof",
                access="read",
                summary="Inclusion proofs of the message's entries under one signed checkpoint.",
                act=self.proof,
                gives={200: MessageProof},
            ),
            Operation(
                method="GET",
                path="/v1/inbound",
                access="read",
                summary="Replies after a given one, oldest first.",
                act=self.inbound,
                query=InboundQuery,
                gives={200: InboundPage},
            ),
        )

    async def send(self, call: Call) -> Answer:
        """POST /v1/messages."""
        key = checked_key(call.headers.get(HEADER))
        given = call.given
        asked = given.messages if isinstance(given, MessagesRequest) else [given]
        requests = [one for one in asked if isinstance(one, MessageRequest)]
        limit = self._deps.settings.messages_per_request_max
        if len(requests) > limit:
            error = FieldError("/messages", f"has {len(requests)} messages; the limit is {limit}. Split it")
            raise fields_problem([error])
        is_single = isinstance(given, MessageRequest)

        async def work(ids: tuple[MessageId, ...], again: bool) -> Answer:
            results = await self._results(call, requests, ids, again, is_single)
            return _single(results[0]) if is_single else as_json(MessagesResult(results))

        return await self._once.answer(
            call.customer, key, call.body, lambda: tuple(self._deps.ids.next() for _ in requests), work
        )

    async def _results(
        self,
        call: Call,
        requests: Sequence[MessageRequest],
        ids: tuple[MessageId, ...],
        again: bool,
        is_single: bool,
    ) -> list[MessageResult]:
        submissions = self._submissions(call, requests, ids, is_single)
        recorded = queries.messages(self._store.reader, ids) if again else {}
        missing = [one for one in submissions if one.id not in recorded]
        outcomes: Mapping[MessageId, Outcome | NotRecorded] = {}
        if missing:
            customer = self._deps.registry.snapshot.customer(call.customer)
            per_s = customer.throughput_per_s if customer is not None else UNKNOWN_CUSTOMER_PER_S
            if self._deps.intake.room < len(missing):
                raise Problem(
                    "overloaded", "too many wait for review; wait 1 s", headers={"Retry-After": "1"}
                )
            self._throughput.take(call.customer, len(missing), per_s)
            outcomes = await self._submit(missing)
            if not recorded and all(isinstance(one, NotRecorded) for one in outcomes.values()):
                raise Problem(
                    "not-recorded",
                    "the decision could not be recorded; nothing was accepted, send it again later",
                    headers={"Retry-After": "5"},
                )
        return [
            _of_row(recorded[message]) if message in recorded else _of_outcome(message, outcomes[message])
            for message in ids
        ]

    async def _submit(self, submissions: Sequence[Submission]) -> dict[MessageId, Outcome | NotRecorded]:
        """All outcomes, with one wake-up for the whole request. Intake has room: it was asked just now."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        outcomes: dict[MessageId, Outcome | NotRecorded] = {}

        def told(message: MessageId, outcome: Outcome | NotRecorded) -> None:
            outcomes[message] = outcome
            if len(outcomes) == len(submissions) and not done.done():
                done.set_result(None)

        for submission in submissions:
            self._deps.intake.offer(submission, partial(told, submission.id))
        await done
        return outcomes

    def _submissions(
        self, call: Call, requests: Sequence[MessageRequest], ids: Sequence[MessageId], is_single: bool
    ) -> list[Submission]:
        errors: list[FieldError] = []
        now = self._store.now()
        raws = [call.body] if is_single else _slices(call.body)
        batch = "" if is_single else self._store.request(call.body)
        session = f"{call.by}#{next(self._requests)}"
        places = [""] if is_single else [f"/messages/{nth}" for nth in range(len(requests))]
        submissions = [
            Submission(
                id=message,
                customer=call.customer,
                recipient=request.to,
                text=self._text(call.customer, request, at, errors),
                received_at=now,
                door="http",
                session=session,
                peer=call.peer,
                raw=raw,
                auth="api_key",
                batch=batch,
                code_number=request.from_,
                principal=request.principal,
                category=request.category,
                template=request.template,
                slots=request.slots,
                reference=request.reference,
                registered_delivery=1 if request.report else 0,
                not_before=_moment(request.not_before, now, f"{at}/not_before", errors),
                valid_until=_moment(request.valid_until, now, f"{at}/valid_until", errors),
            )
            for at, request, message, raw in zip(places, requests, ids, raws, strict=True)
        ]
        if errors:
            raise fields_problem(errors)
        return submissions

    def _text(self, customer: str, request: MessageRequest, pointer: str, errors: list[FieldError]) -> str:
        text = request.text
        if request.template:
            if text:
                errors.append(FieldError(f"{pointer}/text", "stands beside a template; give one of the two"))
            found = self._deps.registry.snapshot.templates_by_id.get(request.template)
            if found is None or found.customer != customer:
                errors.append(
                    FieldError(f"{pointer}/template", "is none of yours; register it, or correct it")
                )
                return ""
            text = _filled(found, request.slots, pointer, errors)
        elif not text:
            errors.append(FieldError(f"{pointer}/text", "is missing, and no template is named; add one"))
        elif request.slots:
            errors.append(FieldError(f"{pointer}/slots", "need a template; name it, or leave them out"))
        head = f"【{request.signature}】"
        return text if not request.signature or text.startswith(head) else head + text

    async def status(self, call: Call) -> Answer:
        """GET /v1/messages/{id}."""
        row = self._own(call)
        body = queries.opened(self._store, row)
        steps = queries.entries_of(self._store, row.id)[:STEPS_MAX]
        return as_json(
            MessageStatus(
                id=str(row.id),
                action=row.action,
                state=row.state,
                codes=row.codes,
                position=row.position,
                principal=row.principal,
                category=row.category,
                code_number=row.code_number,
                reference=body.reference if body is not None else "",
                maybe_sent=row.maybe_sent,
                received_at=rfc3339(row.received_at),
                changed_at=rfc3339(row.changed_at),
                life=[LifeStep(position, entry["kind"], rfc3339(entry["at"])) for position, entry in steps],
                parts=[
                    Part(part.part, part.parts, part.state)
                    for part in queries.parts(self._store.reader, row.id)
                ],
            )
        )

    async def proof(self, call: Call) -> Answer:
        """GET /v1/messages/{id}/proof."""
        row = self._own(call)
        ledger = self._store.ledger
        positions = queries.life(self._store.reader, row.id)[:STEPS_MAX]
        note = ledger.latest_checkpoint()
        size = open_checkpoint(note, ledger.origin, [ledger.verifier]).size if note is not None else 0
        if note is None or size <= max(positions):
            await self._store.run(ledger.checkpoint_in)
            note = ledger.latest_checkpoint() or b""
            size = open_checkpoint(note, ledger.origin, [ledger.verifier]).size
        proofs: list[InclusionProof] = []
        for position in positions:
            leaf = ledger.leaf(position)
            proofs.append(
                InclusionProof(
                    position=position,
                    entry=base64.b64encode(leaf).decode(),
                    leaf_hash=leaf_hash(leaf).hex(),
                    path=[one.hex() for one in ledger.inclusion_proof(position, size)],
                )
            )
        return as_json(
            MessageProof(
                id=str(row.id),
                checkpoint=note.decode(),
                size=size,
                verifier=encode_vkey(ledger.verifier),
                proofs=proofs,
            )
        )

    async def inbound(self, call: Call) -> Answer:
        """GET /v1/inbound."""
        query = call.query if isinstance(call.query, InboundQuery) else InboundQuery()
        rows = queries.inbound_after(self._store, call.customer, query.after, query.limit)
        items = [
            InboundItem(
                id=str(row.id),
                from_=row.reply.sender if row.reply is not None else "",
                text=row.reply.text if row.reply is not None else "",
                code_number=row.code_number,
                principal=row.principal,
                meaning=row.meaning,
                received_at=rfc3339(row.received_at),
                position=row.position,
            )
            for row in rows
        ]
        return as_json(InboundPage(items, str(rows[-1].id if rows else query.after)))

    def _own(self, call: Call) -> MessageRow:
        """The message asked for; others' messages are as unknown as none."""
        given = call.path["id"]
        if given.isascii() and given.isdecimal() and len(given) <= 19 and int(given) <= _ID_MAX:
            row = queries.message(self._store.reader, int(given))
            if row is not None and row.customer == call.customer:
                return row
        raise Problem("not-found", "no message of yours has this id; use the id you were given")


class _Slices(Struct, frozen=True):
    """Where each message of a request lies in its octets."""

    messages: list[msgspec.Raw]


_slices_of: Final = msgspec.json.Decoder(_Slices)


def _slices(body: bytes) -> list[bytes]:
    """Each message's own octets."""
    return [bytes(raw) for raw in _slices_of.decode(body).messages]


def _filled(template: Template, slots: Mapping[str, str], pointer: str, errors: list[FieldError]) -> str:
    """The template's wording with its slots filled; whether the values fit, the review says."""
    names = {slot.name for slot in template.slots}
    errors.extend(
        FieldError(f"{pointer}/slots/{name}", "is missing; the template needs it")
        for name in sorted(names - slots.keys())
    )
    errors.extend(
        FieldError(f"{pointer}/slots/{name[:64]}", "is no slot of this template; leave it out")
        for name in sorted(slots.keys() - names)
    )
    pieces = template.body.split("{")
    filled = [pieces[0]]
    for piece in pieces[1:]:
        name, _, wording = piece.partition("}")
        filled += slots.get(name, ""), wording
    return "".join(filled)


def _moment(given: datetime | None, now: Micros, pointer: str, errors: list[FieldError]) -> Micros:
    if given is None:
        return 0
    at = micros(given)
    if at > now + _AHEAD_US:
        errors.append(
            FieldError(pointer, f"is more than {AHEAD_MAX.days} days ahead, the limit; come nearer")
        )
    # A moment before 1970 is as past as 1970 is; the review says VALIDITY_PAST.
    return max(1, at)


def _of_outcome(message: MessageId, outcome: Outcome | NotRecorded) -> MessageResult:
    if isinstance(outcome, NotRecorded):
        return MessageResult(id=str(message), action="none", error="not-recorded")
    return _result(outcome.message, outcome.action, outcome.codes, outcome.position, outcome.not_before)


def _of_row(row: MessageRow) -> MessageResult:
    return _result(row.id, row.action, row.codes, row.position, 0)


def _result(
    message: MessageId, action: str, codes: tuple[str, ...], position: int, not_before: Micros
) -> MessageResult:
    return MessageResult(
        id=str(message),
        action="send" if action == "send" else "hold" if action == "hold" else "refuse",
        codes=codes,
        position=position,
        not_before=rfc3339(not_before),
    )


def _single(result: MessageResult) -> Answer:
    if result.action != "refuse":
        return as_json(result, 202)
    problem = Problem(
        "refused",
        "the message was reviewed and refused; docs/findings.md says what each code means and what to do",
        codes=result.codes,
        message_id=result.id,
        position=result.position,
    )
    return Answer(body=problem.body(), status=problem.status, media_type=MEDIA_TYPE)
