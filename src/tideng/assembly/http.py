"""The HTTP door of a gateway: API and console in one application, on the gateway's own event loop."""

import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from litestar import Litestar

from tideng.assembly.door import HttpDoor, open_door, recorder
from tideng.assembly.evidence_desk import EvidenceDesk
from tideng.assembly.upkeep import EvidenceUpkeep
from tideng.evidence.serving import PREFIX as LEDGER
from tideng.evidence.serving import ledger_router
from tideng.gateway.api_keys import ApiKeys
from tideng.gateway.carriers.carrier import Carrier
from tideng.gateway.dispatch import Dispatch
from tideng.gateway.doors.api import HttpRequest, api_router, is_api, is_local, problem_answer
from tideng.gateway.doors.api_operation import ApiDeps
from tideng.gateway.doors.pages import console_router
from tideng.gateway.doors.pages_deps import (
    HOME,
    CarrierLine,
    CodeMeaning,
    DoorLine,
    PagesDeps,
    console_room,
)
from tideng.gateway.ids import MessageIds
from tideng.gateway.intake import Intake
from tideng.gateway.registry.registry import Registry
from tideng.gateway.review.codes import CATALOGUE
from tideng.gateway.second_look import SecondLook
from tideng.gateway.store.store import Store
from tideng.gateway.webhooks import WebhookSecrets
from tideng.settings import Loaded
from tideng.web.accounts import Accounts
from tideng.web.app import make_app
from tideng.web.attempts import Attempts
from tideng.web.sessions import Sessions
from tideng.web.shell import Shell


class Parts(Protocol):
    """A gateway, as its HTTP door sees it."""

    loaded: Loaded
    store: Store
    registry: Registry
    intake: Intake
    dispatch: Dispatch
    ids: MessageIds
    second_look: SecondLook
    accounts: Accounts
    api_keys: ApiKeys
    webhook_secrets: WebhookSecrets
    evidence: EvidenceUpkeep

    @property
    def carriers(self) -> Mapping[str, Carrier]: ...
    def doors(self) -> Sequence[DoorLine]: ...
    def missing(self) -> Sequence[str]: ...
    def gauges(self) -> Mapping[str, float]: ...


def make_http_app(gateway: Parts) -> Litestar:
    """API, console, sign-in and pages of errors."""
    settings = gateway.loaded.settings.http
    store = gateway.store
    shell = Shell(
        gateway.accounts,
        Sessions(store.writer, now=store.now, entropy=store.entropy, hours=settings.session_hours),
        Attempts(settings.sign_in_failures, settings.sign_in_pause_s, clock=time.monotonic),
        recorder(store),
        [console_room()],
        home=HOME,
        secure=settings.secure_cookies,
    )
    api = ApiDeps(
        store=store,
        registry=gateway.registry,
        intake=gateway.intake,
        ids=gateway.ids,
        keys=gateway.api_keys,
        webhook_secrets=gateway.webhook_secrets,
        settings=settings,
        stop_sending=gateway.dispatch.stop,
        missing=gateway.missing,
        gauges=gateway.gauges,
    )
    pages = PagesDeps(
        shell=shell,
        store=store,
        registry=gateway.registry,
        second_look=gateway.second_look,
        meanings=_meanings,
        carriers=lambda: [_carrier_line(carrier) for carrier in gateway.carriers.values()],
        doors=gateway.doors,
        settings=gateway.loaded.rows,
        now=store.now,
    )
    everyone = gateway.loaded.settings.evidence.readers == "everyone"

    def may_read(request: HttpRequest) -> bool:
        return everyone or is_local(request, request.client.host if request.client else "")

    return make_app(
        [
            api_router(api, EvidenceDesk(store, gateway.loaded, gateway.evidence.publisher)),
            console_router(pages),
            ledger_router(gateway.evidence, may_read),
        ],
        shell,
        is_page=lambda path: not is_api(path) and not path.startswith(LEDGER),
        other_errors=problem_answer,
        body_bytes_max=settings.body_bytes_max,
    )


def serving(gateway: Parts) -> AbstractAsyncContextManager[HttpDoor]:
    """The HTTP door, open while the context lasts. OSError when the address cannot be had."""
    settings = gateway.loaded.settings.http
    return open_door(make_http_app(gateway), settings.host, settings.port)


def _meanings(language: str) -> Mapping[str, CodeMeaning]:
    chinese = language.startswith("zh")
    return {
        code: CodeMeaning(
            code=code,
            family=told.family,
            seen=told.seen_zh if chinese else told.seen_en,
            why=told.why_zh if chinese else told.why_en,
            next_step=told.next_zh if chinese else told.next_en,
        )
        for code, told in CATALOGUE.items()
    }


def _carrier_line(carrier: Carrier) -> CarrierLine:
    state = carrier.state
    senders = [link for link in state.links if link.kind != "receiver"]
    return CarrierLine(
        id=state.carrier,
        links_bound=state.bound,
        links=len(state.links),
        unanswered=sum(link.outstanding for link in senders),
        window=carrier.settings.window * max(1, len(senders)),
        rate_per_s=state.rate_limit_per_s,
        last_error=state.last_error,
    )
