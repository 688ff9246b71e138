"""The calls console's pages: alarms, one case, one line's picture. What was found is told in
`pages_feedback`, what was photographed in `pages_photos`."""

import asyncio
from typing import Any, Final, get_args

from litestar import Response, Router, get, post
from litestar.params import FromPath

from tideng.calls.cases import LOOK_FOR, PHOTOS, QUESTIONS, State, Visit, VisitUnknown
from tideng.calls.detector.evidence import MEANINGS
from tideng.calls.doors.pages_deps import DECIDES, HOME, PERSONAL, CallPagesDeps
from tideng.calls.doors.pages_feedback import NOTE_CHARACTERS_MAX, Told, feedback_handlers
from tideng.calls.doors.pages_photos import NOTHING_REFUSED, Refused, photo_handlers, photo_values
from tideng.calls.doors.pages_reports import report_handlers
from tideng.calls.doors.pages_views import (
    TONES,
    cursor_of,
    minutes_of,
    place_of,
    row_of,
    sums_chart,
    told_reasons,
    zone_s_at,
)
from tideng.calls.losses import CASES_MAX, FIGURES, Losses
from tideng.calls.picture import picture
from tideng.identifiers.phone import mask
from tideng.web.errors import NoSuchPage
from tideng.web.moments import when
from tideng.web.shell import FORM_BYTES_MAX, Asked, Event, Page, address_of, signed_in

ROWS: Final = 50
STATES: Final[tuple[State, ...]] = get_args(State)
TIERS: Final = ("call_owner", "suspend")


def calls_router(deps: CallPagesDeps) -> Router:
    """Every page under /calls. Everyone signed in may read; only reviewers say what a visit found."""
    shell = deps.shell

    @get("/")
    async def alarms(request: Asked) -> Page:
        return shell.page(request, "calls/alarms.html", **await _listed(deps, request))

    @get("/cases/{case:str}")
    async def one(request: Asked, case: FromPath[str]) -> Page:
        return await _case(deps, request, case, is_shown=False)

    @post("/cases/{case:str}/show", guards=[shell.requires(*PERSONAL)], status_code=200)
    async def show(request: Asked, case: FromPath[str]) -> Page:
        """The same page with number, owner and address; who looked is recorded before anything is shown."""
        await shell.read_form(request)
        return await _case(deps, request, case, is_shown=True)

    @get("/cases/{case:str}/line")
    async def line(request: Asked, case: FromPath[str]) -> Page:
        return await _line(deps, request, case)

    @post("/cases/{case:str}/paper", guards=[shell.requires(*PERSONAL)], status_code=200)
    async def paper(request: Asked, case: FromPath[str]) -> Response[bytes]:
        """The officer's PDF, with the whole number: a recorded look."""
        await shell.read_form(request)
        visit = await found(deps, case)
        await _record_look(deps, request, visit)
        raw = await asyncio.to_thread(deps.paper, visit)
        named = f'attachment; filename="visit-{visit.id[:12]}.pdf"'
        headers = {"Content-Disposition": named, "Cache-Control": "no-store"}
        return Response(raw, media_type="application/pdf", headers=headers)

    async def refused(request: Asked, case: str, what: Refused) -> Page:
        return await _case(deps, request, case, is_shown=False, refused=what)

    @get("/help")
    async def help_page(request: Asked) -> Page:
        figures = [(name, getattr(deps.assumed, name)) for name in FIGURES]
        return shell.page(
            request, "calls/help.html", tones=TONES, names=MEANINGS, assumed=deps.assumed, figures=figures
        )

    return Router(
        HOME,
        route_handlers=[
            alarms,
            one,
            show,
            line,
            paper,
            help_page,
            *feedback_handlers(deps, found),
            *report_handlers(deps),
            *photo_handlers(deps, found, _record_look, refused),
        ],
        guards=[shell.requires()],
        include_in_schema=False,
        request_max_body_size=FORM_BYTES_MAX,
    )


async def found(deps: CallPagesDeps, case: str) -> Visit:
    """The case with this id. Raises `NoSuchPage`."""
    try:
        return await asyncio.to_thread(deps.visits.get, case[:200])
    except VisitUnknown as error:
        raise NoSuchPage from error


async def _listed(deps: CallPagesDeps, request: Asked) -> dict[str, Any]:  # Any: whatever the template shows
    asked = request.query_params
    state = next((one for one in STATES if one == asked.get("state")), None)
    tier = next((one for one in TIERS if one == asked.get("tier")), None)
    before = cursor_of(asked.get("before", ""))
    visits = await asyncio.to_thread(
        lambda: deps.visits.all(state=state, tier=tier, before=before, limit=ROWS + 1)
    )
    counts = await asyncio.to_thread(deps.visits.counts)
    losses = Losses(
        deps.assumed, confirmed=counts.get("confirmed", 0), not_confirmed=counts.get("not_confirmed", 0)
    )
    confirmed = await asyncio.to_thread(lambda: deps.visits.all(state="confirmed", limit=CASES_MAX))
    personal = bool(set(PERSONAL) & set(signed_in(request).account.roles))
    filters = {name: value for name, value in (("state", state), ("tier", tier)) if value}
    return {
        "rows": [row_of(visit, deps.zone, losses, personal=personal) for visit in visits[:ROWS]],
        "avoided": losses.avoided_by(confirmed),
        "assumed": deps.assumed,
        "counts": [(one, counts.get(one, 0), TONES[one]) for one in STATES if one != "visited"],
        "personal": personal,
        "older": place_of(visits[ROWS - 1]) if len(visits) > ROWS else "",
        "is_first": before is None,
        "wanted": {"state": state or "", "tier": tier or ""},
        "filters": filters,
        "states": STATES,
        "tiers": TIERS,
        "tones": TONES,
    }


async def _record_look(deps: CallPagesDeps, request: Asked, visit: Visit) -> None:
    who = signed_in(request).account.name
    await deps.shell.record(
        Event(kind="personal_shown", account=who, address=address_of(request), about=visit.id)
    )


async def _case(
    deps: CallPagesDeps, request: Asked, case: str, *, is_shown: bool, refused: Refused = NOTHING_REFUSED
) -> Page:
    shell = deps.shell
    visit = await found(deps, case)
    roles = set(signed_in(request).account.roles)
    personal = bool(set(PERSONAL) & roles)
    if is_shown:
        await _record_look(deps, request, visit)
    zh = shell.language(request).startswith("zh")
    say = shell.speaker(shell.language(request))
    return shell.page(
        request,
        "calls/case.html",
        status=refused.status,
        visit=visit,
        line=(visit.line if is_shown else mask(visit.line)) if personal else "",
        is_shown=is_shown,
        may_show=personal and not is_shown,
        may_download=personal,
        may_decide=bool(set(DECIDES) & roles),
        tones=TONES,
        began=when(visit.first_call_at * 1_000_000, deps.zone),
        alarm=when(visit.alarm_at * 1_000_000, deps.zone),
        closed=when(visit.closed_at, deps.zone) if visit.closed_at else None,
        minutes=minutes_of(visit),
        sums=sums_chart(visit, say),
        reasons=told_reasons(visit, say),
        look_for=[one[0 if zh else 1] for one in LOOK_FOR],
        questions=[one[0 if zh else 1] for one in QUESTIONS],
        photos=[one.split(" / ")[0 if zh else 1] for one in PHOTOS],
        done=request.query_params.get("done", "") if request.method == "GET" else "",
        told=Told("", "", visit.state),
        problem="",
        limit=NOTE_CHARACTERS_MAX,
        **await photo_values(deps, visit, refused, is_chinese=zh),
    )


async def _line(deps: CallPagesDeps, request: Asked, case: str) -> Page:
    visit = await found(deps, case)
    personal = bool(set(PERSONAL) & set(signed_in(request).account.roles))
    placed = await asyncio.to_thread(deps.calls_of, visit.line)
    drawn = None
    if len(placed.start):
        say = deps.shell.speaker(deps.shell.language(request))
        drawn = await asyncio.to_thread(
            lambda: picture(
                placed,
                visit.curve,
                visit.threshold,
                zone_s=zone_s_at(visit.alarm_at, deps.zone),
                alarm_at=visit.alarm_at,
                say=lambda key, **values: say(f"picture.{key}", **values),
            )
        )
    return deps.shell.page(
        request,
        "calls/line.html",
        visit=visit,
        line=mask(visit.line) if personal else "",
        personal=personal,
        drawn=drawn,
        placed=len(placed.start),
        left_out=placed.left_out,
        curve=[(when(at * 1_000_000, deps.zone), score) for at, score in visit.curve],
    )
