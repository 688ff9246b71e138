"""The registry, read-only: what is registered, and every version of it."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from tideng.gateway.doors.pages_deps import PagesDeps
from tideng.gateway.doors.pages_life import proof_of
from tideng.gateway.doors.pages_views import TONES
from tideng.gateway.registry.kinds import TYPES, kind_of
from tideng.gateway.registry.store import Version
from tideng.gateway.registry.values import RegistryObject
from tideng.web.errors import NoSuchPage
from tideng.web.moments import When, when
from tideng.web.shell import Asked, Page

OBJECTS_MAX: Final = 500
"""Objects of one kind on a page; `find` narrows it down."""
_SECRET: Final = frozenset({"password_hash"})


def registry_handlers(deps: PagesDeps) -> list[HTTPRouteHandler]:
    """The list by kind, and one object with its history."""
    shell = deps.shell

    @get("/registry")
    async def registry(request: Asked) -> Page:
        asked = request.query_params.get("kind", "")
        kind = asked if asked in TYPES else "customer"
        find = request.query_params.get("find", "").strip()[:64]
        snapshot = deps.registry.snapshot
        objects = [item for item in snapshot.objects() if kind_of(item) == kind and _matches(item, find)]
        objects.sort(key=lambda item: item.id)
        return shell.page(
            request,
            "console/registry.html",
            kinds=[*TYPES],
            kind=kind,
            find=find,
            count=len(objects),
            objects_max=OBJECTS_MAX,
            objects=[(item, _name(item), snapshot.version(kind, item.id)) for item in objects[:OBJECTS_MAX]],
            tones=TONES,
        )

    @get("/registry/{kind:str}/{object_id:str}")
    async def registered(request: Asked, kind: FromPath[str], object_id: FromPath[str]) -> Page:
        history = deps.registry.history(kind, object_id) if kind in TYPES else []
        if not history:
            raise NoSuchPage
        asked = request.query_params.get("version", "")
        shown = next((version for version in history if str(version.version) == asked), history[-1])
        return shell.page(
            request,
            "console/registered.html",
            kind=kind,
            shown=shown,
            is_newest=shown is history[-1],
            fields=_fields(shown.item),
            history=[(version, _at(deps, version)) for version in reversed(history)],
            at=_at(deps, shown),
            proof=proof_of(deps.store.ledger, shown.position),
            tones=TONES,
        )

    return [registry, registered]


def _at(deps: PagesDeps, version: Version) -> When:
    return when(version.at, deps.store.time_zone)


def _name(item: RegistryObject) -> str:
    for field in ("name", "holder", "principal", "body"):
        found = getattr(item, field, "")
        if found:
            return str(found)
    return ""


def _matches(item: RegistryObject, find: str) -> bool:
    return not find or find.casefold() in f"{item.id} {_name(item)}".casefold()


def _fields(item: RegistryObject) -> list[tuple[str, str]]:
    """Every field that says something, dotted where nested; secrets only as being set."""
    return [*_flat("", msgspec.to_builtins(item))]


def _flat(prefix: str, value: Mapping[str, Any]) -> list[tuple[str, str]]:  # Any: JSON-like values
    rows: list[tuple[str, str]] = []
    for key, inner in value.items():
        name = f"{prefix}{key}"
        if isinstance(inner, dict):
            rows += _flat(f"{name}.", inner)
        elif key in _SECRET:
            rows.append((name, "••••••" if inner else ""))
        elif isinstance(inner, list):
            for nth, each in enumerate(inner, 1):
                rows += _flat(f"{name}.{nth}.", each) if isinstance(each, dict) else [(name, str(each))]
        elif inner not in ("", None):
            rows.append((name, str(inner)))
    return rows
