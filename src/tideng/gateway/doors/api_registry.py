"""Registry administration over HTTP: objects and their history, TOML import, consents and opt-outs."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from tideng.gateway.doors.api_fields import read_object
from tideng.gateway.doors.api_operation import Answer, ApiDeps, Call, Operation, as_json
from tideng.gateway.doors.api_problems import FieldError, Problem, fields_problem
from tideng.gateway.doors.api_values import (
    ConsentsRequest,
    ImportQuery,
    OptOutsRequest,
    Recorded,
    RegistryChange,
    RegistryHistory,
    RegistryVersion,
    micros,
    rfc3339,
)
from tideng.gateway.messages import Micros
from tideng.gateway.registry.kinds import TYPES
from tideng.gateway.registry.passwords import hash_password, is_password, password_problem
from tideng.gateway.registry.problems import RegistryInvalid
from tideng.gateway.registry.store import Version
from tideng.gateway.registry.values import Consent, Customer, OptOut
from tideng.identifiers.phone import NotANumber, parse

TOML: Final = "application/toml"
_DAY_US: Final = 86_400_000_000
_AHEAD_US: Final = 100 * 366 * _DAY_US
_EVERYONE: Final = "*"


class RegistryDoor:
    """The operations of administrators on the registry."""

    def __init__(self, deps: ApiDeps) -> None:
        self._deps = deps
        self._registry = deps.registry

    def operations(self) -> tuple[Operation, ...]:
        """Their rows of the table."""
        return (
            Operation(
                method="GET",
                path="/v1/registry/{kind}/{id}",
                access="admin",
                summary="The current version of one registry object.",
                act=self.get,
                gives={200: RegistryVersion},
            ),
            Operation(
                method="PUT",
                path="/v1/registry/{kind}/{id}",
                access="admin",
                summary="Make this the current version. What says nothing new makes none.",
                act=self.put,
                takes=tuple(TYPES.values()),
                decodes=False,
                gives={200: RegistryVersion},
                problems=("registry-invalid",),
            ),
            Operation(
                method="GET",
                path="/v1/registry/{kind}/{id}/history",
                access="admin",
                summary="Every version of one registry object, oldest first.",
                act=self.history,
                gives={200: RegistryHistory},
            ),
            Operation(
                method="POST",
                path="/v1/registry/import",
                access="admin",
                summary="Make the objects of a TOML file current: all or none.",
                act=self.take_toml,
                media_type=TOML,
                query=ImportQuery,
                gives={200: RegistryChange},
                problems=("registry-invalid",),
            ),
            Operation(
                method="POST",
                path="/v1/consents",
                access="admin",
                summary="Register consents in bulk.",
                act=self.consents,
                takes=(ConsentsRequest,),
                gives={200: Recorded},
            ),
            Operation(
                method="POST",
                path="/v1/opt-outs",
                access="admin",
                summary="Put opt-outs in force in bulk, at once also for what is queued.",
                act=self.opt_outs,
                takes=(OptOutsRequest,),
                gives={200: Recorded},
            ),
        )

    async def get(self, call: Call) -> Answer:
        """GET /v1/registry/{kind}/{id}."""
        return as_json(_shown((await self._versions(call))[-1]))

    async def history(self, call: Call) -> Answer:
        """GET /v1/registry/{kind}/{id}/history."""
        return as_json(RegistryHistory([_shown(version) for version in await self._versions(call)]))

    async def put(self, call: Call) -> Answer:
        """PUT /v1/registry/{kind}/{id}."""
        kind, object_id = call.path["kind"], call.path["id"]
        if kind not in TYPES:
            raise _no_such_kind(kind)
        try:
            raw = msgspec.json.decode(call.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            detail = f"the body is no JSON we can read ({type(error).__name__}); correct it"
            raise Problem("malformed-json", detail) from error
        if isinstance(raw, dict):
            if raw.setdefault("id", object_id) != object_id:
                raise fields_problem([FieldError("/id", "is not the id of the address; make them the same")])
            if kind == "customer" and isinstance(raw.get("smpp"), dict):
                raw["smpp"] = await self._with_hash(object_id, raw["smpp"])
        item = read_object(raw, TYPES[kind])
        try:
            await self._registry.change_async([item], call.by)
        except RegistryInvalid as error:
            raise _invalid(error) from error
        return await self.get(call)

    async def _with_hash(self, customer_id: str, smpp: dict[str, Any]) -> dict[str, Any]:  # Any: JSON
        """A password in clear becomes its hash; without one, the customer's hash stays."""
        customer = self._registry.snapshot.customer(customer_id)
        current = customer.smpp.password_hash if customer is not None and customer.smpp is not None else ""
        if "password" not in smpp:
            return {"password_hash": current} | smpp if current else smpp
        password = smpp["password"]
        problem = password_problem(password) if isinstance(password, str) else "is not text; send text"
        if problem or "password_hash" in smpp:
            error = FieldError(
                "/smpp/password", problem or "stands beside password_hash; give one of the two"
            )
            raise fields_problem([error])
        rest = {name: value for name, value in smpp.items() if name != "password"}
        return rest | {"password_hash": await asyncio.to_thread(_hash, password, current)}

    async def take_toml(self, call: Call) -> Answer:
        """POST /v1/registry/import."""
        dry_run = isinstance(call.query, ImportQuery) and call.query.dry_run
        try:
            difference = await self._registry.import_toml_async(call.body, call.by, dry_run=dry_run)
        except RegistryInvalid as error:
            raise _invalid(error) from error
        return as_json(
            RegistryChange(
                added=difference.added,
                changed=difference.changed,
                unchanged=difference.unchanged,
                dry_run=dry_run,
            )
        )

    async def consents(self, call: Call) -> Answer:
        """POST /v1/consents."""
        asked = call.given.consents if isinstance(call.given, ConsentsRequest) else []
        errors: list[FieldError] = []
        now = self._deps.store.now()
        given = [
            Consent(
                principal=self._principal(one.principal, f"/consents/{nth}/principal", errors),
                recipient=self._subject(one.to, f"/consents/{nth}/to", errors),
                category=one.category,
                wording=one.wording,
                channel=one.channel,
                given_at=_past(micros(one.given_at), now, f"/consents/{nth}/given_at", errors),
                expires_at=_within(micros(one.expires_at), now, f"/consents/{nth}/expires_at", errors),
                proof_hash=one.proof_hash,
            )
            for nth, one in enumerate(asked)
        ]
        if errors:
            raise fields_problem(errors)
        new = await asyncio.to_thread(self._registry.record_consents, given, call.by)
        return as_json(Recorded(new, len(given) - new))

    async def opt_outs(self, call: Call) -> Answer:
        """POST /v1/opt-outs."""
        asked = call.given.opt_outs if isinstance(call.given, OptOutsRequest) else []
        errors: list[FieldError] = []
        now = self._deps.store.now()
        outs = [
            OptOut(
                principal=self._principal(one.principal, f"/opt_outs/{nth}/principal", errors),
                recipient=self._subject(one.to, f"/opt_outs/{nth}/to", errors),
                at=_past(micros(one.at), now, f"/opt_outs/{nth}/at", errors) if one.at is not None else now,
                source=one.source,
            )
            for nth, one in enumerate(asked)
        ]
        if errors:
            raise fields_problem(errors)
        new = await asyncio.to_thread(self._registry.record_opt_outs, outs, call.by)
        for out in outs:
            self._deps.stop_sending(out.recipient, out.principal)
        return as_json(Recorded(len(new), len(outs) - len(new)))

    def _principal(self, principal: str, pointer: str, errors: list[FieldError]) -> str:
        if principal != _EVERYONE and self._registry.snapshot.principal(principal) is None:
            errors.append(FieldError(pointer, "is not registered; register the principal first"))
        return principal

    def _subject(self, number: str, pointer: str, errors: list[FieldError]) -> str:
        try:
            return self._deps.store.subject(parse(number).e164)
        except NotANumber as error:
            errors.append(FieldError(pointer, error.reason))
            return ""

    async def _versions(self, call: Call) -> Sequence[Version]:
        kind, object_id = call.path["kind"], call.path["id"]
        if kind not in TYPES:
            raise _no_such_kind(kind)
        versions = await asyncio.to_thread(self._registry.history, kind, object_id)
        if not versions:
            raise Problem("not-found", f"no {kind} of this id is registered; correct the id, or PUT it")
        return versions


def _hash(password: str, current: str) -> str:
    """The current hash if the password opens it, so that saying it again makes no new version."""
    return current if current and is_password(password, current) else hash_password(password)


def _no_such_kind(kind: str) -> Problem:
    return Problem("not-found", f"{kind[:64]!r} is no kind of object; known are {', '.join(TYPES)}")


def _invalid(error: RegistryInvalid) -> Problem:
    return fields_problem(
        [FieldError(problem.path, problem.message) for problem in error.problems], "registry-invalid"
    )


def _shown(version: Version) -> RegistryVersion:
    item = msgspec.to_builtins(version.item)
    if isinstance(version.item, Customer) and version.item.smpp is not None:
        # A hash can be guessed against; nobody who reads the registry needs it.
        del item["smpp"]["password_hash"]
    return RegistryVersion(
        kind=version.kind,
        id=version.id,
        version=version.version,
        at=rfc3339(version.at),
        by=version.by,
        position=version.position,
        item=item,
    )


def _past(at: Micros, now: Micros, pointer: str, errors: list[FieldError]) -> Micros:
    # A day's tolerance: the clock that wrote it may be another.
    if not 0 < at <= now + _DAY_US:
        errors.append(FieldError(pointer, "is before 1970 or more than a day ahead; correct it"))
    return at


def _within(at: Micros, now: Micros, pointer: str, errors: list[FieldError]) -> Micros:
    if not 0 <= at <= now + _AHEAD_US:
        errors.append(
            FieldError(pointer, "is before 1970 or more than 100 years ahead; leave it out for no end")
        )
    return at
