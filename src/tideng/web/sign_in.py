"""Signing in and out."""

from typing import Final
from urllib.parse import urlsplit

from litestar import Response, Router, get, post
from litestar.response import Redirect

from tideng.web.shell import FORM_BYTES_MAX, Asked, Event, Page, Shell, address_of, signed_in

SIGN_IN: Final = "/sign-in"
SIGN_OUT: Final = "/sign-out"
_NAME_CHARACTERS_MAX: Final = 64


def sign_in_router(shell: Shell) -> Router:
    """`GET` and `POST /sign-in`, `POST /sign-out`."""

    @get(SIGN_IN)
    async def ask(request: Asked) -> Response[str]:
        """The form; who is signed in already is sent on."""
        onward = local_path(request.query_params.get("next", ""), shell.home)
        if await shell.sessions.find(request.cookies.get(shell.session_cookie, "")):
            return Redirect(onward, status_code=303)
        return _form(shell, request, onward=onward)

    @post(SIGN_IN, status_code=200)
    async def sign_in(request: Asked) -> Response[str]:
        """A session under a new id, or the form again with one error that says nothing about the account."""
        fields = await shell.read_form(request)
        name = fields.get("name", "").strip().lower()[:_NAME_CHARACTERS_MAX]
        onward = local_path(fields.get("next", ""), shell.home)
        address = address_of(request)
        counted = (f"account:{name}", f"address:{address}")
        wait_s = shell.attempts.wait_s(*counted)
        if wait_s:
            error = shell.say(request, "sign_in.wait", seconds=wait_s)
            return _form(shell, request, name=name, onward=onward, error=error, status=429, wait_s=wait_s)
        shell.attempts.failed(*counted)
        account = await shell.accounts.check(name, fields.get("password", ""))
        if account is None:
            await shell.record(Event(kind="sign_in_failed", account=name, address=address))
            error = shell.say(request, "sign_in.wrong")
            return _form(shell, request, name=name, onward=onward, error=error, status=403)
        shell.attempts.succeeded(*counted)
        await shell.record(Event(kind="signed_in", account=account.name, address=address))
        session = await shell.sessions.start(account, request.cookies.get(shell.session_cookie, ""))
        response = Redirect(onward, status_code=303)
        response.set_cookie(shell.cookie(shell.session_cookie, session.secret))
        response.set_cookie(shell.cookie(shell.form_cookie, "", max_age=0))
        return response

    @post(SIGN_OUT, status_code=200, guards=[shell.requires()])
    async def sign_out(request: Asked) -> Response[str]:
        """Ends the session on the server, then forgets the cookie."""
        await shell.read_form(request)
        session = signed_in(request)
        await shell.sessions.end(session.secret)
        await shell.record(
            Event(kind="signed_out", account=session.account.name, address=address_of(request))
        )
        response = Redirect(SIGN_IN, status_code=303)
        response.set_cookie(shell.cookie(shell.session_cookie, "", max_age=0))
        return response

    return Router(
        "/",
        route_handlers=[ask, sign_in, sign_out],
        include_in_schema=False,
        request_max_body_size=FORM_BYTES_MAX,
    )


def _form(
    shell: Shell,
    request: Asked,
    *,
    onward: str,
    name: str = "",
    error: str = "",
    status: int = 200,
    wait_s: int = 0,
) -> Page:
    page = shell.page(
        request, "web/sign_in.html", status=status, name=name, onward=onward, error=error, path=SIGN_IN
    )
    if wait_s:
        page.set_header("Retry-After", str(wait_s))
    return page


def local_path(asked: str, otherwise: str) -> str:
    """`asked` if it is a path of our own origin: a sign-in must not lead to another site."""
    parts = urlsplit(asked)
    is_local = asked.startswith("/") and not asked.startswith(("//", "/\\")) and asked.isprintable()
    return asked if is_local and not parts.scheme and not parts.netloc and "\\" not in asked else otherwise
