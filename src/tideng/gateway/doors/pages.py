"""The console's pages: today, messages and one message's life. Reading only; deciding is in `pages_held`."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Router, get, post
from litestar.params import FromPath
from msgspec import Struct

from tideng.evidence.checkpoint import open_checkpoint
from tideng.gateway.doors.pages_deps import DECIDES, HOME, PERSONAL, PagesDeps
from tideng.gateway.doors.pages_held import held_handlers
from tideng.gateway.doors.pages_life import life_of
from tideng.gateway.doors.pages_registry import registry_handlers
from tideng.gateway.doors.pages_views import TONES, bodies_of, id_of, lines_of, masked
from tideng.gateway.store import queries
from tideng.gateway.store.states import NEXT
from tideng.web.errors import NoSuchPage
from tideng.web.moments import when
from tideng.web.shell import FORM_BYTES_MAX, Asked, Event, Page, address_of, signed_in

ROWS: Final = 50
STATES: Final = tuple(state for state in NEXT if state)
VERDICTS: Final = ("send", "hold", "refuse")
OUTCOMES: Final = ("sent", "delivered", "failed", "expired", "unknown")
_BAR_WIDTH: Final = 360


class Bar(Struct, frozen=True):
    """One bar of the chart, in the drawing's units."""

    what: str
    count: int
    width: float
    top: int
    tone: str


def console_router(deps: PagesDeps) -> Router:
    """Every page under /console. Everyone signed in may read; only reviewers decide."""
    shell = deps.shell

    @get("/")
    async def today(request: Asked) -> Page:
        return shell.page(request, "console/today.html", **_today(deps))

    @get("/messages")
    async def messages(request: Asked) -> Page:
        return shell.page(request, "console/messages.html", **await _listed(deps, request))

    @get("/messages/{message_id:str}")
    async def message(request: Asked, message_id: FromPath[str]) -> Page:
        return await _message(deps, request, message_id, is_shown=False)

    @post("/messages/{message_id:str}/show", guards=[shell.requires(*PERSONAL)], status_code=200)
    async def show(request: Asked, message_id: FromPath[str]) -> Page:
        """The same page with number and text; who looked is recorded before anything is shown."""
        await shell.read_form(request)
        return await _message(deps, request, message_id, is_shown=True)

    @get("/help")
    async def help_page(request: Asked) -> Page:
        meanings = deps.meanings(shell.language(request))
        return shell.page(request, "console/help.html", meanings=meanings.values())

    @get("/settings")
    async def settings(request: Asked) -> Page:
        return shell.page(request, "console/settings.html", settings=deps.settings())

    @get("/rows/messages", guards=[shell.requires(is_act=False)])
    async def rows(request: Asked) -> Page:
        """The table's body alone, for the page that refreshes itself. Not an act of the person."""
        return shell.page(request, "console/rows.html", **await _listed(deps, request))

    guarded = Router(
        "/",
        route_handlers=[
            *(today, messages, message, show, help_page, settings),
            *held_handlers(deps),
            *registry_handlers(deps),
        ],
        guards=[shell.requires()],
    )
    return Router(
        HOME,
        route_handlers=[guarded, rows],
        include_in_schema=False,
        request_max_body_size=FORM_BYTES_MAX,
    )


def _today(deps: PagesDeps) -> dict[str, Any]:  # Any: whatever the template shows
    store = deps.store
    counts = queries.today(store.reader, store.day(deps.now()))
    note = store.ledger.latest_checkpoint()
    checkpoint = open_checkpoint(note, store.ledger.origin, [store.ledger.verifier]) if note else None
    return {
        "verdicts": [(what, counts.get(what, 0), TONES[what]) for what in VERDICTS],
        "bars": _bars(counts),
        "held": queries.held_count(store.reader),
        "day": when(deps.now(), store.time_zone),
        "carriers": deps.carriers(),
        "doors": deps.doors(),
        "size": store.ledger.size,
        "checkpoint": checkpoint,
        "origin": store.ledger.origin,
        "note": note.decode() if note else "",
    }


def _bars(counts: Mapping[str, int]) -> list[Bar]:
    """Widths relative to the largest; a count that is not 0 is always visible."""
    shown = (*VERDICTS, *OUTCOMES)
    largest = max([counts.get(what, 0) for what in shown] + [1])
    return [
        Bar(
            what,
            counts.get(what, 0),
            max(2.0, round(counts.get(what, 0) / largest * _BAR_WIDTH, 1)) if counts.get(what) else 0.0,
            nth * 30,
            TONES[what],
        )
        for nth, what in enumerate(shown)
    ]


async def _listed(deps: PagesDeps, request: Asked) -> dict[str, Any]:  # Any: whatever the template shows
    asked = request.query_params
    before = id_of(asked.get("before", ""))
    wanted = {name: asked.get(name, "")[:64] for name in ("state", "customer", "code")}
    found = queries.recent(
        deps.store.reader,
        before=before,
        state=wanted["state"] or None,
        customer=wanted["customer"] or None,
        code=wanted["code"] or None,
        limit=ROWS + 1,
    )
    personal = bool(set(PERSONAL) & set(signed_in(request).account.roles))
    return {
        "lines": await lines_of(deps.store, found[:ROWS], personal=personal),
        "personal": personal,
        "older": found[ROWS - 1].id if len(found) > ROWS else None,
        "is_first": before is None,
        "is_live": before is None and not asked.get("paused"),
        "wanted": wanted,
        "filters": {name: value for name, value in wanted.items() if value},
        "states": STATES,
        "customers": sorted(deps.registry.snapshot.customers),
        "meanings": deps.meanings(deps.shell.language(request)),
    }


async def _message(deps: PagesDeps, request: Asked, asked: str, *, is_shown: bool) -> Page:
    store, shell = deps.store, deps.shell
    message_id = id_of(asked)
    row = queries.message(store.reader, message_id) if message_id is not None else None
    if row is None:
        raise NoSuchPage
    account = signed_in(request).account
    may_show = bool(set(PERSONAL) & set(account.roles))
    if is_shown:
        await shell.record(
            Event(kind="personal_shown", account=account.name, address=address_of(request), about=str(row.id))
        )
    body = (await bodies_of(store, [row.id])).get(row.id)
    steps = life_of(
        store,
        queries.entries_of(store, row.id),
        body if is_shown else None,
        deps.meanings(shell.language(request)),
    )
    return shell.page(
        request,
        "console/message.html",
        row=row,
        tone=TONES.get(row.state, "plain"),
        received=when(row.received_at, store.time_zone),
        recipient=masked(body) if body else "",
        body=body if is_shown else None,
        is_erased=body is None,
        may_show=may_show and not is_shown and body is not None,
        may_decide=bool(set(DECIDES) & set(account.roles)) and row.state == "held",
        parts=queries.parts(store.reader, row.id),
        steps=steps,
        tones=TONES,
        done=request.query_params.get("done", "") if not is_shown else "",
    )
