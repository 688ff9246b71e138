"""Held messages: read, decide, check, done. The decision itself is `second_look`'s."""

from collections.abc import Mapping
from typing import Final, Literal

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect
from msgspec import Struct

from tideng.gateway.doors.pages_deps import DECIDES, HOME, PERSONAL, PagesDeps
from tideng.gateway.doors.pages_life import life_of
from tideng.gateway.doors.pages_views import bodies_of, id_of, lines_of, masked
from tideng.gateway.second_look import REASON_CHARACTERS_MAX, NoSuchMessage, NotYours
from tideng.gateway.store import queries
from tideng.gateway.store.decisions import StateChanged
from tideng.web.errors import NoSuchPage
from tideng.web.moments import when
from tideng.web.shell import Asked, Event, Page, address_of, signed_in

HELD: Final = f"{HOME}/held"
ROWS: Final = 50
_ACTIONS: Final[dict[str, Literal["send", "refuse"]]] = {"send": "send", "refuse": "refuse"}


class Proposal(Struct, frozen=True):
    """What a reviewer is about to decide, as the form says it."""

    action: str = ""
    reason: str = ""
    is_to_change: bool = False
    """They looked at it once more and went back to the form."""

    @property
    def problem(self) -> str:
        """What is missing before it can be decided; empty when nothing is."""
        if self.action not in _ACTIONS:
            return "action"
        if not self.reason:
            return "reason"
        return "reason_long" if len(self.reason) > REASON_CHARACTERS_MAX else ""


NOTHING_YET: Final = Proposal()


def held_handlers(deps: PagesDeps) -> list[HTTPRouteHandler]:
    """The list, the form, the check and the decision."""
    shell = deps.shell
    reviewers = [shell.requires(*DECIDES)]

    @get("/held")
    async def waiting(request: Asked) -> Page:
        before = request.query_params.get("before", "")
        found = queries.held(deps.store.reader, before=id_of(before) if before else None, limit=ROWS + 1)
        personal = bool(set(PERSONAL) & set(signed_in(request).account.roles))
        return shell.page(
            request,
            "console/held.html",
            lines=await lines_of(deps.store, found[:ROWS], personal=personal),
            personal=personal,
            older=found[ROWS - 1].id if len(found) > ROWS else None,
            is_first=not before,
            count=queries.held_count(deps.store.reader),
            meanings=deps.meanings(shell.language(request)),
        )

    @get("/held/{message_id:str}", guards=reviewers)
    async def look(request: Asked, message_id: FromPath[str]) -> Response[str]:
        """The form beside the text: nobody can decide what they have not read. Who read it is recorded."""
        return await _form(deps, request, message_id, NOTHING_YET)

    @post("/held/{message_id:str}/check", guards=reviewers, status_code=200)
    async def check(request: Asked, message_id: FromPath[str]) -> Response[str]:
        """Says back what is about to be decided; or the form again with what is missing."""
        proposal = _proposal(await shell.read_form(request))
        if proposal.problem or proposal.is_to_change:
            return await _form(deps, request, message_id, proposal, problem=proposal.problem)
        row = _row(deps, message_id)
        if row.state != "held":
            return _decided_already(deps, request, row)
        return shell.page(
            request, "console/held_check.html", row=row, action=proposal.action, reason=proposal.reason
        )

    @post("/held/{message_id:str}/decide", guards=reviewers, status_code=200)
    async def decide(request: Asked, message_id: FromPath[str]) -> Response[str]:
        proposal = _proposal(await shell.read_form(request))
        if proposal.problem:
            return await _form(deps, request, message_id, proposal, problem=proposal.problem)
        return await _decide(deps, request, _row(deps, message_id), proposal)

    return [waiting, look, check, decide]


async def _decide(
    deps: PagesDeps, request: Asked, row: queries.MessageRow, proposal: Proposal
) -> Response[str]:
    """Decide as proposed, and show the message; or who was first, or that it is the reviewer's own."""
    account = signed_in(request).account.name
    try:
        outcome = await deps.second_look.decide(row.id, _ACTIONS[proposal.action], account, proposal.reason)
    except NoSuchMessage as error:
        raise NoSuchPage from error
    except NotYours:
        return deps.shell.page(request, "console/held_yours.html", row=row, status=403)
    except StateChanged:
        return _decided_already(deps, request, _row(deps, str(row.id)))
    # An opt-out that came meanwhile refuses what was to be released; the page says so.
    done = outcome.action if outcome.action == proposal.action else "stopped"
    return Redirect(f"{HOME}/messages/{row.id}?done={done}", status_code=303)


async def _form(
    deps: PagesDeps, request: Asked, message_id: str, proposal: Proposal, *, problem: str = ""
) -> Response[str]:
    row = _row(deps, message_id)
    if row.state != "held":
        return _decided_already(deps, request, row)
    body = (await bodies_of(deps.store, [row.id])).get(row.id)
    if body is None:
        raise NoSuchPage
    account = signed_in(request).account.name
    await deps.shell.record(
        Event(kind="personal_shown", account=account, address=address_of(request), about=str(row.id))
    )
    meanings = deps.meanings(deps.shell.language(request))
    steps = life_of(deps.store, queries.entries_of(deps.store, row.id), body, meanings)
    return deps.shell.page(
        request,
        "console/held_one.html",
        status=422 if problem else 200,
        row=row,
        received=when(row.received_at, deps.store.time_zone),
        body=body,
        recipient=masked(body),
        is_own=body.submitted_by == account,
        findings=[finding for step in steps[-1:] for finding in step.findings],
        action=proposal.action,
        reason=proposal.reason,
        reason_max=REASON_CHARACTERS_MAX,
        problem=problem,
    )


def _decided_already(deps: PagesDeps, request: Asked, row: queries.MessageRow) -> Page:
    """Somebody, or an opt-out, was first. Nobody's fault: say what became of it."""
    entries = queries.entries_of(deps.store, row.id)
    decisions = [entry for _, entry in entries if entry["kind"].startswith("decision/")]
    by = str(decisions[-1]["by"]) if decisions else "policy"
    return deps.shell.page(
        request,
        "console/held_decided.html",
        status=409,
        row=row,
        by=by.removeprefix("person:"),
        is_person=by.startswith("person:"),
        at=when(row.changed_at, deps.store.time_zone),
    )


def _proposal(fields: Mapping[str, str]) -> Proposal:
    return Proposal(
        fields.get("action", ""), fields.get("reason", "").strip(), is_to_change=bool(fields.get("change"))
    )


def _row(deps: PagesDeps, message_id: str) -> queries.MessageRow:
    number = id_of(message_id)
    row = queries.message(deps.store.reader, number) if number is not None else None
    if row is None:
        raise NoSuchPage
    return row
