"""Puts routers, the page shell and the answers to errors together into one application."""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

import structlog
from litestar import Litestar, Response, Router, get
from litestar.datastructures import MutableScopeHeaders
from litestar.exceptions import HTTPException
from litestar.openapi.config import OpenAPIConfig
from litestar.response import Redirect
from litestar.types import ASGIApp, Message, Scope

from tideng.web.assets import asset
from tideng.web.errors import FormRefused, NoSuchPage, NotAllowed, NotSignedIn, UploadTooLarge
from tideng.web.shell import Asked, Shell
from tideng.web.sign_in import SIGN_IN, sign_in_router

BODY_BYTES_MAX: Final = 2_000_000

_CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": _CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_HSTS: Final = {"Strict-Transport-Security": "max-age=31536000; includeSubDomains"}

_log = structlog.get_logger()

Answers = Callable[[Asked, Exception], Response[Any]]  # Any: whatever the API's problem bodies are


def make_app(
    routers: Sequence[Router],
    shell: Shell,
    *,
    is_page: Callable[[str], bool] = lambda path: not f"{path}/".startswith("/v1/"),
    other_errors: Answers | None = None,
    openapi: OpenAPIConfig | None = None,
    body_bytes_max: int = BODY_BYTES_MAX,
    state: Mapping[str, object] | None = None,
) -> Litestar:
    """One application of all `routers`, with sign-in, assets, security headers and error pages.

    Errors under paths that are no pages (`is_page`) are answered by `other_errors`.
    """
    headers = _HEADERS | (_HSTS if shell.secure else {})

    async def add_headers(message: Message, scope: Scope) -> None:  # noqa: ARG001 - Litestar's signature
        if message["type"] == "http.response.start":
            found = MutableScopeHeaders.from_message(message)
            for name, value in headers.items():
                found.setdefault(name, value)

    def with_headers(app: ASGIApp) -> ASGIApp:
        async def wrapped(scope: Scope, receive: Any, send: Any) -> None:  # Any: ASGI's own callables
            async def sending(message: Message) -> None:
                await add_headers(message, scope)
                await send(message)

            await app(scope, receive, sending)

        return wrapped

    def answer(request: Asked, error: Exception) -> Response[Any]:
        if other_errors is not None and not is_page(request.url.path):
            return other_errors(request, error)
        return error_page(shell, request, error)

    @get("/", sync_to_thread=False, include_in_schema=False)
    def front() -> Redirect:
        return Redirect(shell.home, status_code=303)

    app = Litestar(
        route_handlers=[front, *routers, sign_in_router(shell), asset],
        exception_handlers={HTTPException: answer, Exception: answer},
        openapi_config=openapi,
        request_max_body_size=body_bytes_max,
        logging_config=None,
    )
    for name, value in (state or {}).items():
        app.state[name] = value
    # Outermost, so that answers made before any route is found have the headers too.
    app.asgi_handler = with_headers(app.asgi_handler)
    return app


def error_page(shell: Shell, request: Asked, error: Exception) -> Response[str]:
    """What a person sees instead of the page: what happened and what to do. Never a stack trace."""
    if isinstance(error, NotSignedIn):
        return _to_sign_in(request)
    status = _status(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("page_failed", error=type(error).__name__, exc_info=error)
    kind = "form" if isinstance(error, FormRefused) else str(int(status))
    if not shell.phrases.has(f"error.{kind}_title"):
        kind = "other"
    return shell.page(request, "web/error.html", status=status, kind=kind)


def _status(error: Exception) -> int:
    if isinstance(error, NoSuchPage):
        return HTTPStatus.NOT_FOUND
    if isinstance(error, NotAllowed | FormRefused):
        return HTTPStatus.FORBIDDEN
    if isinstance(error, UploadTooLarge):
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return error.status_code if isinstance(error, HTTPException) else HTTPStatus.INTERNAL_SERVER_ERROR


def _to_sign_in(request: Asked) -> Response[str]:
    if request.headers.get("hx-request"):
        # A part of a page cannot show a sign-in form: htmx takes the whole page there.
        back = urlencode({"next": request.headers.get("hx-current-path", "") or "/"})
        return Response("", status_code=401, headers={"HX-Redirect": f"{SIGN_IN}?{back}"})
    onward = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if request.method not in ("GET", "HEAD"):
        onward = ""
    return Redirect(f"{SIGN_IN}?{urlencode({'next': onward})}", status_code=303)
