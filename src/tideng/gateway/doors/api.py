"""The HTTP API: lets requests in, reads them, asks the one operation meant, and answers. Thin on purpose."""

import traceback
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
import structlog
from litestar import Request, Response, Router
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler

from tideng.gateway.api_keys import KeyRefused, TooManyFailures
from tideng.gateway.doors.api_admin import AdminDoor
from tideng.gateway.doors.api_docs import STYLE, page
from tideng.gateway.doors.api_evidence import AnswersForEvidence, EvidenceDoor
from tideng.gateway.doors.api_fields import read_json, read_query
from tideng.gateway.doors.api_messages import Messages
from tideng.gateway.doors.api_observe import Observation
from tideng.gateway.doors.api_openapi import document, operation_id
from tideng.gateway.doors.api_operation import JSON, Answer, ApiDeps, Call, Operation
from tideng.gateway.doors.api_problems import MEDIA_TYPE, Problem, problem_of_status
from tideng.gateway.doors.api_registry import RegistryDoor
from tideng.gateway.doors.api_texts import TextsDoor
from tideng.gateway.pump import Overloaded
from tideng.gateway.store.api_keys import ApiKey
from tideng.storage.failures import Overloaded as StorageOverloaded
from tideng.storage.failures import StorageError

_log = structlog.get_logger()
HttpRequest = Request[Any, Any, Any]  # Any: Litestar's user, auth and state; we use none of them
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
QUERY_FIELDS_MAX: Final = 50
_LOCAL: Final = frozenset({"127.0.0.1", "::1"})
_FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-real-ip")
_DETAILS: Final = {
    404: "nothing is at this address; /docs lists what there is",
    405: "this address does not know the method; /docs lists what it knows",
    413: "the body is larger than allowed; split it",
    500: "the gateway made a mistake; it was logged",
}
PATHS: Final = ("/v1/", "/openapi.json", "/docs", "/metrics", "/healthz", "/readyz")
"""Where this router answers. What goes wrong there is a problem document, not a page."""


def api_router(deps: ApiDeps, desk: AnswersForEvidence) -> Router:
    """Every address of the API, to be mounted at the root of one Litestar app.

    What fails before a handler is found is the app's to answer: with `problem_answer` where `is_api`.
    """
    observation = Observation(deps)
    table = (
        *Messages(deps).operations(),
        *RegistryDoor(deps).operations(),
        *AdminDoor(deps).operations(),
        *TextsDoor(deps).operations(),
        *EvidenceDoor(deps, desk).operations(),
        *observation.operations(),
    )
    by_path: dict[str, dict[str, Operation]] = {}
    for operation in (*table, *_self_description(table)):
        by_path.setdefault(operation.path, {})[operation.method] = operation
    door = _Door(deps, observation)
    limit = deps.settings.body_bytes_max
    return Router(
        path="/",
        route_handlers=[_route(door, path, methods, limit) for path, methods in by_path.items()],
        exception_handlers={HTTPException: problem_answer},
        include_in_schema=False,
    )


def is_api(path: str) -> bool:
    """Whether this path is the API's."""
    return path.startswith(PATHS)


def problem_answer(request: HttpRequest, error: Exception) -> Response[bytes]:
    """For the app: what fails before a handler of ours is found (404, 405, broken HTTP), as a problem."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    # The framework's own words may quote the request; ours do not.
    detail = _DETAILS.get(status, "the request could not be read; compare it with /docs")
    if status >= 500:
        _log.error("request_failed", method=request.method, error=type(error).__name__)
    headers = getattr(error, "headers", None) or {}
    return _response(problem_of_status(status, detail), {k: v for k, v in headers.items() if k == "Allow"})


def _self_description(table: Sequence[Operation]) -> tuple[Operation, ...]:
    described = (
        Operation(
            method="GET",
            path="/openapi.json",
            access="open",
            summary="This API as an OpenAPI 3.1 document.",
            act=_unbound,
            gives={200: "application/json"},
        ),
        Operation(
            method="GET",
            path="/docs",
            access="open",
            summary="This API as a page.",
            act=_unbound,
            gives={200: "text/html"},
        ),
    )
    whole = document((*table, *described))
    for_programs = Answer(body=msgspec.json.encode(whole), media_type=JSON)
    for_people = Answer(body=page(whole).encode(), media_type="text/html; charset=utf-8")
    style = Answer(body=STYLE.encode(), media_type="text/css; charset=utf-8")
    by_path = {"/openapi.json": for_programs, "/docs": for_people}
    looks = Operation(
        method="GET", path="/docs/style.css", access="open", summary="Its looks.", act=_always(style)
    )
    return (*(msgspec.structs.replace(one, act=_always(by_path[one.path])) for one in described), looks)


async def _unbound(_call: Call) -> Answer:
    raise Problem("internal-error", "this operation was not bound; report it")


def _always(answer: Answer) -> Any:  # Any: a coroutine function of exactly `Operation.act`'s type
    async def act(_call: Call) -> Answer:
        return answer

    return act


def _route(
    door: "_Door", path: str, operations: Mapping[str, Operation], body_bytes_max: int
) -> HTTPRouteHandler:
    async def handle(request: HttpRequest) -> Response[bytes]:
        return await door.answer(request, operations)

    return HTTPRouteHandler(
        path.replace("}", ":str}"),
        http_method=list(_METHODS),
        status_code=200,
        name=f"api:{path}",
        request_max_body_size=body_bytes_max,
        # The console's CSRF token protects cookies; here nothing is done without a key in a header.
        opt={"exclude_from_csrf": True},
    )(handle)


class _Door:
    """The same steps for every operation."""

    def __init__(self, deps: ApiDeps, observation: Observation) -> None:
        self._deps = deps
        self._observation = observation

    async def answer(self, request: HttpRequest, operations: Mapping[str, Operation]) -> Response[bytes]:
        """Let in, read, act, answer; whatever goes wrong is a problem document."""
        started = self._deps.monotonic()
        # A HEAD is a GET whose body the server keeps back (RFC 9110 §9.3.2).
        operation = operations.get("GET" if request.method == "HEAD" else request.method)
        if operation is None:
            allow = ", ".join(sorted([*operations, "OPTIONS", *(["HEAD"] if "GET" in operations else [])]))
            if request.method == "OPTIONS":
                return Response(b"", status_code=204, headers={"Allow": allow})
            detail = f"this address knows {allow}; use one of them"
            return _response(Problem("method-not-allowed", detail, headers={"Allow": allow}))
        try:
            answer = await operation.act(await self._call(request, operation))
            response = Response(
                answer.body,
                status_code=answer.status,
                media_type=answer.media_type,
                headers=dict(answer.headers),
            )
        except HTTPException as error:
            response = problem_answer(request, error)
        except Exception as error:  # noqa: BLE001 - the border: everything becomes an answer
            response = _response(_problem(error, operation))
        name = operation_id(operation)
        self._observation.answered(name, response.status_code or 200, self._deps.monotonic() - started)
        return response

    async def _call(self, request: HttpRequest, operation: Operation) -> Call:
        peer = request.client.host if request.client is not None else ""
        key = await self._let_in(request, operation, peer)
        query = read_query(_query(request), operation.query)
        body, given = b"", None
        if operation.takes or operation.media_type != JSON:
            _check_media_type(request, operation.media_type)
            body = await request.body()
            if operation.takes and operation.decodes:
                given = read_json(body, operation.takes)
        return Call(
            key=key,
            path=request.path_params,
            query=query,
            body=body,
            given=given,
            headers=request.headers,
            peer=peer,
        )

    async def _let_in(self, request: HttpRequest, operation: Operation, peer: str) -> ApiKey | None:
        if operation.access == "open" or (operation.access == "local" and is_local(request, peer)):
            return None
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Problem(
                "unauthorized",
                "no API key came with the request; send Authorization: Bearer tdk_…",
                headers={"WWW-Authenticate": "Bearer"},
            )
        key = await self._deps.keys.verify(token.strip(), peer)
        scope = "admin" if operation.access == "local" else operation.access
        if scope not in key.scopes:
            detail = f"this key has the scopes {', '.join(key.scopes)}; {scope} is needed. Use another key"
            raise Problem("forbidden", detail)
        return key


def _query(request: HttpRequest) -> dict[str, str]:
    """The query in its own order (the framework's has none); of a repeated name the last counts."""
    text = request.scope["query_string"].decode("latin-1")
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=QUERY_FIELDS_MAX))
    except ValueError as error:
        detail = f"the query has more than {QUERY_FIELDS_MAX} parameters, the limit; leave some out"
        raise Problem("bad-request", detail) from error


def is_local(request: HttpRequest, peer: str) -> bool:
    """Whether the caller sits on this machine itself."""
    # Behind a proxy on this machine everybody would look local.
    return peer in _LOCAL and not any(name in request.headers for name in _FORWARDED)


def _check_media_type(request: HttpRequest, wanted: str) -> None:
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != wanted:
        raise Problem("unsupported-media-type", f"the body must be {wanted}; say so in Content-Type")


def _problem(error: Exception, operation: Operation) -> Problem:
    """What to answer to an error; the unexpected is logged without its message, which might be personal."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, KeyRefused):
        return Problem("unauthorized", str(error), headers={"WWW-Authenticate": "Bearer"})
    if isinstance(error, TooManyFailures):
        wait = str(max(1, int(error.retry_after_s)))
        return Problem("too-many-failures", str(error), headers={"Retry-After": wait})
    if isinstance(error, Overloaded | StorageOverloaded):
        return Problem("overloaded", str(error), headers={"Retry-After": "1"})
    where = traceback.format_tb(error.__traceback__, limit=-5)
    _log.error("request_failed", operation=operation_id(operation), error=type(error).__name__, where=where)
    if isinstance(error, StorageError):
        detail = "it could not be recorded and is not known to be done; try again later"
        return Problem("not-recorded", detail, headers={"Retry-After": "5"})
    return Problem("internal-error", "the gateway made a mistake; it was logged. Nothing is known to be done")


def _response(problem: Problem, headers: Mapping[str, str] | None = None) -> Response[bytes]:
    return Response(
        problem.body(),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers={**problem.headers, **(headers or {})},
    )
