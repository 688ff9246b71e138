"""Evidence over HTTP: bundles, cases, a person's rights and retention while the gateway runs."""

import asyncio
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any, Final, Protocol

from tideng.documents.failures import PaperFailed
from tideng.evidence.cases import CaseRefused
from tideng.evidence.container import TooLarge
from tideng.evidence.issuing import CaseTooLarge, Issued, NothingToShow, Request
from tideng.evidence.publishing import WitnessesMissing
from tideng.evidence.retention import RetentionInvalid
from tideng.gateway.complaints import ComplaintRefused, StepName
from tideng.gateway.doors.api_evidence_values import (
    BundleRequest,
    CaseContent,
    CaseRequest,
    ComplaintRequest,
    ComplaintResult,
    ErasedResult,
    EraseRequest,
    HoldRequest,
    HoldResult,
    PersonRequest,
    RetentionRequest,
    RetentionResult,
)
from tideng.gateway.doors.api_operation import Answer, ApiDeps, Call, Operation, as_json
from tideng.gateway.doors.api_problems import FieldError, Problem, fields_problem
from tideng.gateway.doors.api_values import micros
from tideng.gateway.store.keeping import Due
from tideng.gateway.store.persons import Erased, NotErased
from tideng.identifiers.phone import NotANumber, parse

ZIP: Final = "application/zip"
_PRIVATE: Final = {"Cache-Control": "no-store"}


class AnswersForEvidence(Protocol):
    """The evidence desk, as the API sees it. Every method blocks."""

    def bundle(self, request: Request, *, with_pdf: bool) -> Issued: ...
    def messages_of(self, case: str) -> tuple[int, ...]: ...
    def add_to_case(self, case: str, messages: Sequence[int], *, by: str) -> int | None: ...
    def record_complaint(
        self, message: int, step: StepName, *, complaint: str, text: str, due_at: int, by: str
    ) -> int: ...
    def export_person(self, number: str) -> dict[str, Any]: ...  # Any: plain JSON
    def erase_person(self, number: str, *, basis: str, by: str) -> Erased: ...
    def hold_person(self, number: str, case: str, *, by: str, begun: bool) -> bool: ...
    def retention(self, policy: bytes, *, by: str, dry_run: bool) -> tuple[Due, int | None, str]: ...


class EvidenceDoor:
    """The operations on evidence. One bundle at a time: it takes a core, and memory for all of it."""

    def __init__(self, deps: ApiDeps, desk: AnswersForEvidence) -> None:
        self._deps, self._desk = deps, desk
        self._bundling = asyncio.Lock()

    def operations(self) -> tuple[Operation, ...]:
        """Their rows of the table."""
        return (
            Operation(
                method="POST",
                path="/v1/evidence/bundle",
                access="admin",
                summary="An evidence bundle about messages, a case, or a number. The hand-over is an entry.",
                act=self.bundle,
                takes=(BundleRequest,),
                gives={200: ZIP},
                problems=("nothing-to-show", "witnesses-missing"),
            ),
            Operation(
                method="POST",
                path="/v1/evidence/cases",
                access="admin",
                summary="Put messages into a case; without messages, what is in it.",
                act=self.case,
                takes=(CaseRequest,),
                gives={200: CaseContent},
                problems=("nothing-to-show",),
            ),
            Operation(
                method="POST",
                path="/v1/evidence/complaints",
                access="admin",
                summary="Record one step in the handling of a complaint about a message.",
                act=self.complaint,
                takes=(ComplaintRequest,),
                gives={200: ComplaintResult},
            ),
            *self._about_people(),
        )

    def _about_people(self) -> tuple[Operation, ...]:
        return (
            Operation(
                method="POST",
                path="/v1/subjects/export",
                access="admin",
                summary="Everything kept about a number (PIPL art. 45).",
                act=self.export,
                takes=(PersonRequest,),
                gives={200: "application/json"},
            ),
            Operation(
                method="POST",
                path="/v1/subjects/erase",
                access="admin",
                summary="Destroy a person's key: content is gone, proofs and opt-outs stay (PIPL art. 47).",
                act=self.erase,
                takes=(EraseRequest,),
                gives={200: ErasedResult},
                problems=("not-erased",),
            ),
            Operation(
                method="POST",
                path="/v1/subjects/hold",
                access="admin",
                summary="Begin or end a legal hold on a person's data.",
                act=self.hold,
                takes=(HoldRequest,),
                gives={200: HoldResult},
            ),
            Operation(
                method="POST",
                path="/v1/retention/run",
                access="admin",
                summary="Carry out the retention policy, or count what is due.",
                act=self.retention,
                takes=(RetentionRequest,),
                gives={200: RetentionResult},
            ),
        )

    async def bundle(self, call: Call) -> Answer:
        """POST /v1/evidence/bundle."""
        asked = call.given if isinstance(call.given, BundleRequest) else BundleRequest()
        messages = tuple(map(int, asked.messages))
        if not messages and not asked.number and asked.case:
            messages = await asyncio.to_thread(self._desk.messages_of, asked.case)
        if not messages and not asked.number:
            raise fields_problem([FieldError("/messages", "is missing; name messages, a number, or a case")])
        request = Request(
            messages=messages,
            number=_e164(asked.number) if asked.number else None,
            start=micros(asked.start) or None,
            stop=micros(asked.stop) or None,
            case=asked.case or (f"message-{messages[0]}" if messages else "number"),
            by=call.by,
            purpose=asked.purpose,
            fields=asked.disclose,
        )
        if asked.pdf and find_spec("typst") is None:
            raise fields_problem(
                [FieldError("/pdf", "needs typst, which is not installed (extra: documents); or say false")]
            )
        async with self._bundling:
            try:
                issued = await asyncio.to_thread(self._desk.bundle, request, with_pdf=asked.pdf)
            except WitnessesMissing as error:
                raise Problem("witnesses-missing", str(error), headers={"Retry-After": "60"}) from error
            except (NothingToShow, CaseTooLarge, TooLarge) as error:
                raise Problem("nothing-to-show", str(error)) from error
            except PaperFailed as error:
                raise fields_problem([FieldError("/pdf", f"{error}; or leave the PDF out")]) from error
        headers = {
            "Content-Disposition": 'attachment; filename="case.zip"',
            "Tideng-Export-Entry": str(issued.export),
            **_PRIVATE,
        }
        return Answer(body=issued.content, media_type=ZIP, headers=headers)

    async def case(self, call: Call) -> Answer:
        """POST /v1/evidence/cases."""
        asked = call.given if isinstance(call.given, CaseRequest) else CaseRequest(case="")
        position = None
        try:
            if asked.messages:
                position = await asyncio.to_thread(
                    self._desk.add_to_case, asked.case, [*map(int, asked.messages)], by=call.by
                )
        except CaseRefused as error:
            raise fields_problem([FieldError("/case", str(error))]) from error
        except NothingToShow as error:
            raise Problem("nothing-to-show", str(error)) from error
        messages = await asyncio.to_thread(self._desk.messages_of, asked.case)
        return as_json(
            CaseContent(asked.case, [*map(str, messages)], position if position is not None else -1)
        )

    async def complaint(self, call: Call) -> Answer:
        """POST /v1/evidence/complaints."""
        asked = call.given
        if not isinstance(asked, ComplaintRequest):
            raise fields_problem([FieldError("", "is missing; name the message, the complaint and the step")])
        try:
            position = await asyncio.to_thread(
                self._desk.record_complaint,
                int(asked.message),
                asked.step,
                complaint=asked.complaint,
                text=asked.text,
                due_at=micros(asked.due_at),
                by=call.by,
            )
        except ComplaintRefused as error:
            raise fields_problem([FieldError("/step", str(error))]) from error
        return as_json(ComplaintResult(position))

    async def export(self, call: Call) -> Answer:
        """POST /v1/subjects/export."""
        asked = call.given if isinstance(call.given, PersonRequest) else PersonRequest(number="")
        found = await asyncio.to_thread(self._desk.export_person, _e164(asked.number))
        return as_json(found, headers=_PRIVATE)

    async def erase(self, call: Call) -> Answer:
        """POST /v1/subjects/erase."""
        asked = call.given if isinstance(call.given, EraseRequest) else EraseRequest(number="")
        try:
            done = await asyncio.to_thread(
                self._desk.erase_person, _e164(asked.number), basis=asked.basis, by=call.by
            )
        except NotErased as error:
            raise Problem("not-erased", str(error)) from error
        return as_json(ErasedResult(done.position, done.records, done.opt_outs_kept))

    async def hold(self, call: Call) -> Answer:
        """POST /v1/subjects/hold."""
        asked = call.given if isinstance(call.given, HoldRequest) else HoldRequest(number="", case="")
        changed = await asyncio.to_thread(
            self._desk.hold_person, _e164(asked.number), asked.case, by=call.by, begun=asked.state == "begun"
        )
        return as_json(HoldResult(asked.case, asked.state, changed))

    async def retention(self, call: Call) -> Answer:
        """POST /v1/retention/run."""
        asked = call.given if isinstance(call.given, RetentionRequest) else RetentionRequest()
        try:
            due, position, policy = await asyncio.to_thread(
                self._desk.retention, asked.policy.encode(), by=call.by, dry_run=asked.dry_run
            )
        except RetentionInvalid as error:
            raise fields_problem([FieldError("/policy", str(error))]) from error
        entry = position if position is not None else -1
        return as_json(
            RetentionResult(entry, policy, due.messages, due.replies, due.consents, due.held, asked.dry_run)
        )


def _e164(number: str) -> str:
    try:
        return parse(number).e164
    except NotANumber as error:
        raise fields_problem([FieldError("/number", f"is no phone number: {error.reason}")]) from error
