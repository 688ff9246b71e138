"""Renders pages inside the common layout, knows who is signed in, and reads forms."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from jinja2 import BaseLoader, Environment, PackageLoader, PrefixLoader, StrictUndefined, select_autoescape
from litestar import MediaType, Request, Response
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie, UploadFile
from litestar.exceptions import ClientException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.handlers import BaseRouteHandler
from markupsafe import Markup
from msgspec import Struct

from tideng.web.accounts import Accounts, Role
from tideng.web.assets import ASSETS
from tideng.web.attempts import Attempts
from tideng.web.errors import FormRefused, NotAllowed, NotSignedIn, UploadTooLarge
from tideng.web.sessions import Session, Sessions, form_token, is_form_token
from tideng.web.words import LANGUAGES, Phrases, language_of

LANGUAGE_COOKIE: Final = "tideng_lang"
YEAR_S: Final = 365 * 24 * 3600
FORM_BYTES_MAX: Final = 64 * 1024
FORM_FIELDS_MAX: Final = 50

Page = Response[str]
Asked = Request[Any, Any, Any]  # Litestar's generics for user, auth and state: we use none of them
Connection = ASGIConnection[Any, Any, Any, Any]


class Event(Struct, frozen=True, kw_only=True):
    """Something a person did that must be recorded. Nothing personal about recipients is in it."""

    kind: str
    """signed_in, sign_in_failed, signed_out; products add theirs."""
    account: str
    """As typed where the sign-in failed, at most 64 characters."""
    address: str
    """IP address."""
    about: str = ""
    """Which object, by its id."""


Record = Callable[[Event], Awaitable[None]]
"""Makes an event durable before it returns. When it raises, what was asked is not done."""


class MenuItem(Struct, frozen=True):
    """One entry of the main menu."""

    path: str
    phrase: str
    roles: tuple[Role, ...] = ()
    """Who may open it, as its page's guard says; empty: whoever is signed in."""


class Room(Struct, frozen=True):
    """A product's pages: where its templates (as `name/….html`) and phrases are."""

    name: str
    templates: BaseLoader
    phrases: Traversable
    menu: tuple[MenuItem, ...] = ()


class Upload(Struct, frozen=True):
    """A form with files, once its token is right."""

    fields: Mapping[str, str]
    files: Mapping[str, bytes]
    """What was chosen, by field. What a file was called at home is left out: it decides nothing."""


class Shell:
    """What every page is made with. One per application."""

    def __init__(
        self,
        accounts: Accounts,
        sessions: Sessions,
        attempts: Attempts,
        record: Record,
        rooms: Sequence[Room],
        *,
        home: str,
        secure: bool,
    ) -> None:
        """`home`: where a sign-in leads. `secure`: send cookies over https only."""
        self.accounts = accounts
        self.sessions = sessions
        self.attempts = attempts
        self.record = record
        self.home = home
        self.secure = secure
        self.menu = [item for room in rooms for item in room.menu]
        self.session_cookie = "__Host-tideng_session" if secure else "tideng_session"
        self.form_cookie = "__Host-tideng_form" if secure else "tideng_form"
        own = resources.files("tideng.web") / "phrases"
        self.phrases = Phrases([own, *(room.phrases for room in rooms)])
        loaders = {"web": PackageLoader("tideng.web"), **{room.name: room.templates for room in rooms}}
        self._pages = Environment(
            loader=PrefixLoader(loaders),
            autoescape=select_autoescape(default=True, default_for_string=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    # Pages

    def page(self, request: Connection, template: str, *, status: int = 200, **values: object) -> Page:
        """A whole page, or a part of one, in the asker's language. Never cached."""
        session = session_of(request)
        secret = session.secret if session else self._form_secret(request)
        language = self.language(request)
        text = self._pages.get_template(template).render(
            t=self.speaker(language),
            language=language,
            languages=[(name, self._address(request, lang=name)) for name in LANGUAGES],
            session=session,
            menu=self._menu_of(session),
            home=self.home,
            here=request.url.path,
            form_token=form_token(secret),
            asset=ASSETS.address,
            **values,
        )
        response = Response(
            text, media_type=MediaType.HTML, status_code=status, headers={"Cache-Control": "no-store"}
        )
        if request.query_params.get("lang") in LANGUAGES:
            response.set_cookie(
                Cookie(LANGUAGE_COOKIE, value=language, max_age=YEAR_S, samesite="lax", secure=self.secure)
            )
        if session is None:
            response.set_cookie(self.cookie(self.form_cookie, secret))
        return response

    def _menu_of(self, session: Session | None) -> list[MenuItem]:
        """What somebody may open. Nobody is shown a way that ends at "not allowed"."""
        roles = set(session.account.roles) if session else set()
        return [item for item in self.menu if not item.roles or roles & set(item.roles)]

    def speaker(self, language: str) -> Callable[..., str]:
        """`t("section.key", name=value)` for templates. Ends in `_html`: the phrase is markup of our own."""

        def say(key: str, **values: object) -> str:
            phrase = self.phrases.say(language, key)
            if key.endswith("_html"):
                return Markup(phrase).format(**values)  # noqa: S704 - our own words; values are escaped
            return phrase.format(**values) if values else phrase

        return say

    def language(self, request: Connection) -> str:
        """The language of this request's page."""
        return language_of(
            request.query_params.get("lang", ""),
            request.cookies.get(LANGUAGE_COOKIE, ""),
            request.headers.get("accept-language", ""),
        )

    def say(self, request: Connection, key: str, **values: object) -> str:
        """One phrase in the asker's language."""
        return self.phrases.say(self.language(request), key, **values)

    def _address(self, request: Connection, **changed: str) -> str:
        kept = [(name, value) for name, value in request.query_params.multi_items() if name not in changed]
        # After a refused form the page's address answers only to POST: offer the page the form was on.
        path = request.url.path if request.scope.get("method") in ("GET", "HEAD") else self.home
        return f"{path}?{urlencode([*kept, *changed.items()])}"

    # Who asks

    def requires(
        self, *roles: Role, is_act: bool = True
    ) -> Callable[[Connection, BaseRouteHandler], Awaitable[None]]:
        """A guard: somebody is signed in, in one of `roles` if any are named.

        It raises `NotSignedIn` or `NotAllowed`.
        """

        async def guard(connection: Connection, _: BaseRouteHandler) -> None:
            session = session_of(connection) or await self.sessions.find(
                connection.cookies.get(self.session_cookie, ""), is_act=is_act
            )
            if session is None:
                raise NotSignedIn
            connection.state["session"] = session
            if roles and not set(roles) & set(session.account.roles):
                raise NotAllowed

        return guard

    async def read_form(self, request: Asked) -> Mapping[str, str]:
        """The fields of a POST, once its token is right. The only way to a form: none goes unchecked.

        Raises `FormRefused`.
        """
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/x-www-form-urlencoded":
            raise FormRefused
        body = await request.body()
        try:
            fields = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FORM_FIELDS_MAX))
        except ValueError as error:  # not UTF-8, or too many fields
            raise FormRefused from error
        self._check_token(request, fields)
        return fields

    async def read_upload(self, request: Asked, *, limit: int) -> Upload:
        """Fields and files of a POST with files, once its token is right: as `read_form`, the only way to
        them.

        `limit`: octets of the whole body; the route's `request_max_body_size` must allow as many. Raises
        `FormRefused`, or `UploadTooLarge`: before it reads, where the request says how long it is.
        """
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "multipart/form-data":
            raise FormRefused
        try:
            if (request.content_length or 0) > limit:
                raise UploadTooLarge
            # Read whole before it is taken apart: a body cut off half-way would leave a file open.
            await request.body()
            form = await request.form()
        except RequestEntityTooLarge as error:
            raise UploadTooLarge from error
        # No multipart form, or text in it that is none in the encoding it names.
        except (ClientException, UnicodeDecodeError, LookupError) as error:
            raise FormRefused from error
        try:
            sent = list(form.multi_items())
            if len(sent) > FORM_FIELDS_MAX:
                raise FormRefused
            fields = {name: value for name, value in sent if isinstance(value, str)}
            self._check_token(request, fields)
            files = {name: await file.read() for name, file in sent if isinstance(file, UploadFile)}
            return Upload(fields, files)
        finally:
            await form.close()

    def _check_token(self, request: Asked, fields: dict[str, str]) -> None:
        session = session_of(request)
        secret = session.secret if session else request.cookies.get(self.form_cookie, "")
        if not is_form_token(fields.pop("form_token", ""), secret):
            raise FormRefused

    def cookie(self, name: str, value: str, *, max_age: int | None = None) -> Cookie:
        """A cookie no script reads and no other site sends."""
        return Cookie(
            name, value=value, path="/", httponly=True, samesite="strict", secure=self.secure, max_age=max_age
        )

    def _form_secret(self, request: Connection) -> str:
        return request.cookies.get(self.form_cookie, "") or self.sessions.fresh_secret()


def session_of(request: Connection) -> Session | None:
    """Who asks, once a guard has found out."""
    found = request.state.get("session")
    return found if isinstance(found, Session) else None


def signed_in(request: Connection) -> Session:
    """Who asks, behind a guard. Raises `NotSignedIn`."""
    session = session_of(request)
    if session is None:
        raise NotSignedIn
    return session


def address_of(request: Connection) -> str:
    """The IP address the request came from."""
    return request.client.host if request.client else ""
