"""What a visit found: said on the case's page, checked once more, then recorded."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from litestar import Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect
from msgspec import Struct

from tideng.calls.cases import Visit
from tideng.calls.doors.pages_deps import DECIDES, HOME, CallPagesDeps
from tideng.calls.doors.pages_views import TONES
from tideng.web.shell import Asked, signed_in

NOTE_CHARACTERS_MAX: Final = 2_000
VERDICTS: Final = ("confirmed", "not_confirmed")

Find = Callable[[CallPagesDeps, str], Awaitable[Visit]]


class Told(Struct, frozen=True):
    """What a reviewer is about to record, as the form says it."""

    verdict: str
    note: str
    seen: str
    """The state of the case when the form was made: who comes second must be told."""

    @property
    def problem(self) -> str:
        """What is missing; empty when nothing is."""
        if self.verdict not in VERDICTS:
            return "verdict"
        return "note_long" if len(self.note) > NOTE_CHARACTERS_MAX else ""


def feedback_handlers(deps: CallPagesDeps, find: Find) -> list[HTTPRouteHandler]:
    """The form, its check and the recording."""
    shell = deps.shell
    reviewers = [shell.requires(*DECIDES)]
    one_at_a_time = asyncio.Lock()

    def form(request: Asked, visit: Visit, told: Told, problem: str) -> Response[str]:
        return shell.page(
            request,
            "calls/feedback.html",
            visit=visit,
            told=told,
            problem=problem,
            limit=NOTE_CHARACTERS_MAX,
            tones=TONES,
        )

    async def read(request: Asked) -> tuple[Told, bool]:
        fields = await shell.read_form(request)
        told = Told(
            fields.get("verdict", ""),
            fields.get("note", "").replace("\r\n", "\n").strip(),
            fields.get("seen", "")[:64],
        )
        return told, "change" in fields

    @post("/cases/{case:str}/check", guards=reviewers, status_code=200)
    async def check(request: Asked, case: FromPath[str]) -> Response[str]:
        """Says back what is about to be recorded; or the form again with what is missing."""
        told, is_to_change = await read(request)
        visit = await find(deps, case)
        if told.problem or is_to_change:
            return form(request, visit, told, told.problem)
        if visit.state != told.seen:
            return shell.page(request, "calls/decided.html", visit=visit)
        return shell.page(request, "calls/check.html", visit=visit, told=told, tones=TONES)

    @post("/cases/{case:str}/decide", guards=reviewers, status_code=200)
    async def decide(request: Asked, case: FromPath[str]) -> Response[str]:
        told, _ = await read(request)
        async with one_at_a_time:
            visit = await find(deps, case)
            if told.problem:
                return form(request, visit, told, told.problem)
            if visit.state != told.seen:
                return shell.page(request, "calls/decided.html", visit=visit)
            who = signed_in(request).account.name
            await asyncio.to_thread(deps.judge, visit, told.verdict == "confirmed", who, told.note)
        return Redirect(f"{HOME}/cases/{visit.id}?done={told.verdict}", status_code=303)

    return [check, decide]
