"""A report that a line called with a scam, written down at the console."""

import asyncio
from typing import Final
from urllib.parse import urlencode

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect

from tideng.calls.doors.pages_deps import DECIDES, HOME, CallPagesDeps
from tideng.calls.reports import ReportInvalid
from tideng.web.shell import Asked, Page, signed_in

REPORT: Final = f"{HOME}/report"
CHARACTERS_MAX: Final = 64


def report_handlers(deps: CallPagesDeps) -> list[HTTPRouteHandler]:
    """The form, and the recording. A report adds evidence and can be made by mistake without harm: it is
    recorded at once."""
    shell = deps.shell
    reviewers = [shell.requires(*DECIDES)]
    one_at_a_time = asyncio.Lock()

    def form(request: Asked, *, line: str = "", at: str = "", problem: str = "") -> Page:
        done = request.query_params.get("done", "") if request.method == "GET" else ""
        return shell.page(request, "calls/report.html", line=line, at=at, problem=problem, done=done)

    @get("/report", guards=reviewers)
    async def ask(request: Asked) -> Page:
        return form(request)

    @post("/report", guards=reviewers, status_code=200)
    async def take(request: Asked) -> Response[str]:
        fields = await shell.read_form(request)
        line, at = (fields.get(name, "").strip()[:CHARACTERS_MAX] for name in ("line", "at"))
        async with one_at_a_time:
            try:
                is_new = await asyncio.to_thread(deps.report, line, at, signed_in(request).account.name)
            except ReportInvalid as error:
                problem = "line" if str(error).startswith("line") else "at"
                return form(request, line=line, at=at, problem=problem)
        return Redirect(f"{REPORT}?{urlencode({'done': 'new' if is_new else 'known'})}", status_code=303)

    return [ask, take]
