"""`GET /ledger/…`: the same bytes as `tideng ledger export` writes (c2sp.org/tlog-tiles)."""

from collections.abc import Callable
from typing import Any, Final, Protocol

from litestar import Request, Response, Router, get
from litestar.params import FromPath

from tideng.evidence.resources import CHECKPOINT, Resource, parse_path

PREFIX: Final = "/ledger/"
_FRESH: Final = {"Cache-Control": "no-cache"}
_FOR_EVER: Final = {"Cache-Control": "public, max-age=31536000, immutable"}

Asked = Request[Any, Any, Any]  # Any: Litestar's user, auth and state; we use none of them


class Publishes(Protocol):
    """The ledger, as a reader of its published form sees it. Thread-safe."""

    def latest_checkpoint(self) -> bytes | None:
        """The newest checkpoint; None if there is none yet."""

    def resource(self, resource: Resource) -> bytes | None:
        """A tile or bundle under that checkpoint; None if there is no such."""


def ledger_router(ledger: Publishes, may_read: Callable[[Asked], bool]) -> Router:
    """Serves `ledger` below `PREFIX` to whom `may_read` lets; everybody else hears 404."""

    @get(f"{PREFIX}{{name:path}}", sync_to_thread=True, include_in_schema=False)
    def resource(request: Asked, name: FromPath[str]) -> Response[bytes]:
        found, kind, caching = None, "application/octet-stream", _FOR_EVER
        path = name.removeprefix("/")
        if not may_read(request):
            pass
        elif path == CHECKPOINT:
            found, kind, caching = ledger.latest_checkpoint(), "text/plain; charset=utf-8", _FRESH
        elif (parsed := parse_path(path)) is not None:
            found = ledger.resource(parsed)
        if found is None:
            return Response(b"", status_code=404, media_type="text/plain", headers=_FRESH)
        return Response(found, headers={**caching, "Content-Type": kind})

    return Router(path="/", route_handlers=[resource])
