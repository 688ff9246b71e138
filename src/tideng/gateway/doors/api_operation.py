"""The shape of the API: one table row per operation. Routes, access, OpenAPI and docs all read this table."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Literal, Protocol

import msgspec
from msgspec import Struct

from tideng.gateway.api_keys import ApiKeys
from tideng.gateway.doors.api_values import NoQuery
from tideng.gateway.ids import MessageIds
from tideng.gateway.intake import Answer as Tell
from tideng.gateway.messages import Submission
from tideng.gateway.registry.registry import Registry
from tideng.gateway.settings import HttpDoorSettings
from tideng.gateway.store.api_keys import ApiKey
from tideng.gateway.store.store import Store
from tideng.gateway.webhooks import WebhookSecrets

JSON: Final = "application/json"

Access = Literal["open", "send", "read", "admin", "local"]
"""open: anybody. local: this machine, or an admin's key. Else: keys with that scope."""


class Accepts(Protocol):
    """Intake, as the API sees it."""

    @property
    def room(self) -> int: ...

    def offer(self, submission: Submission, answer: Tell) -> None: ...


def _always_ready() -> Sequence[str]:
    return ()


def _no_gauges() -> Mapping[str, float]:
    return {}


class ApiDeps(Struct, frozen=True, kw_only=True):
    """What the API is connected to."""

    store: Store
    registry: Registry
    intake: Accepts
    ids: MessageIds
    keys: ApiKeys
    webhook_secrets: WebhookSecrets
    settings: HttpDoorSettings
    stop_sending: Callable[[str, str], None]
    """(subject, principal): dispatch must not send to them any more (`Dispatch.stop`)."""
    missing: Callable[[], Sequence[str]] = _always_ready
    """What keeps the gateway from being ready, one sentence each; empty: nothing."""
    gauges: Callable[[], Mapping[str, float]] = _no_gauges
    """Queue depths and the like, by name, for /metrics."""
    monotonic: Callable[[], float] = time.monotonic


class Call(Struct, frozen=True, kw_only=True):
    """One request, let in and read."""

    key: ApiKey | None
    path: Mapping[str, str]
    query: Struct
    body: bytes
    given: Struct | None
    """The body as one of the operation's `takes`, where it `decodes`."""
    headers: Mapping[str, str]
    peer: str

    @property
    def customer(self) -> str:
        """Whose messages this call is about. Only behind the scopes send and read."""
        return self.key.customer if self.key is not None else ""

    @property
    def by(self) -> str:
        """Who acts, for the ledger."""
        return f"key:{self.key.id}" if self.key is not None else "nobody"


class Answer(Struct, frozen=True, kw_only=True):
    """What goes back."""

    body: bytes
    status: int = 200
    media_type: str = JSON
    headers: Mapping[str, str] = MappingProxyType({})


class Operation(Struct, frozen=True, kw_only=True):
    """One method of one address."""

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    """With `{name}` for its parameters."""
    access: Access
    summary: str
    act: Callable[[Call], Awaitable[Answer]]
    takes: tuple[type[Struct], ...] = ()
    decodes: bool = True
    """False: the handler reads the body itself; `takes` is for the schema."""
    media_type: str = JSON
    """Of the body."""
    query: type[Struct] = NoQuery
    gives: Mapping[int, type[Struct] | str] = MappingProxyType({})
    """Status to what the body is: a struct (JSON), or a media type."""
    problems: tuple[str, ...] = ()
    """Beyond those every operation may give."""
    headers: Mapping[str, str] = MappingProxyType({})
    """Request headers it knows, with what they are for."""


_encode: Final = msgspec.json.Encoder().encode


def as_json(value: object, status: int = 200, headers: Mapping[str, str] = MappingProxyType({})) -> Answer:
    """A struct as a JSON answer."""
    return Answer(body=_encode(value), status=status, headers=headers)
