"""Keys and webhook secrets over HTTP: a running gateway is the only writer, so the CLI asks it too."""

from tideng.gateway.api_keys import NAME_CHARACTERS_MAX
from tideng.gateway.doors.api_operation import Answer, ApiDeps, Call, Operation, as_json
from tideng.gateway.doors.api_problems import FieldError, Problem, fields_problem
from tideng.gateway.doors.api_values import KeyInfo, KeyList, KeyRequest, WebhookSecret, micros, rfc3339
from tideng.gateway.store.api_keys import ApiKey

_AHEAD_US = 100 * 366 * 86_400_000_000


class AdminDoor:
    """The operations on keys and secrets."""

    def __init__(self, deps: ApiDeps) -> None:
        self._deps = deps

    def operations(self) -> tuple[Operation, ...]:
        """Their rows of the table."""
        return (
            Operation(
                method="GET",
                path="/v1/keys",
                access="admin",
                summary="Every API key, revoked ones included; never their secrets.",
                act=self.keys,
                gives={200: KeyList},
            ),
            Operation(
                method="POST",
                path="/v1/keys",
                access="admin",
                summary="Make an API key. Its token is in this answer and never again.",
                act=self.make_key,
                takes=(KeyRequest,),
                gives={200: KeyInfo},
            ),
            Operation(
                method="DELETE",
                path="/v1/keys/{id}",
                access="admin",
                summary="Revoke an API key, at once.",
                act=self.revoke_key,
                gives={200: KeyInfo},
            ),
            Operation(
                method="POST",
                path="/v1/webhook-secrets/{customer}",
                access="admin",
                summary="Make, or replace, the secret that signs a customer's webhook. Shown once.",
                act=self.make_webhook_secret,
                gives={200: WebhookSecret},
            ),
        )

    async def keys(self, call: Call) -> Answer:
        """GET /v1/keys."""
        return as_json(KeyList([_shown(key) for key in self._deps.keys.list()]))

    async def make_key(self, call: Call) -> Answer:
        """POST /v1/keys."""
        asked = call.given if isinstance(call.given, KeyRequest) else KeyRequest(scopes=[])
        expires_at = micros(asked.expires_at)
        now = self._deps.store.now()
        if asked.expires_at is not None and not now < expires_at <= now + _AHEAD_US:
            detail = "is past or more than 100 years ahead; leave it out for no end"
            raise fields_problem([FieldError("/expires_at", detail)])
        if asked.customer and self._deps.registry.snapshot.customer(asked.customer) is None:
            raise fields_problem([FieldError("/customer", "is not registered; register the customer first")])
        if asked.name and not asked.name.isprintable():
            detail = f"has a character that cannot be shown; use up to {NAME_CHARACTERS_MAX} printable ones"
            raise fields_problem([FieldError("/name", detail)])
        try:
            key, token = await self._deps.keys.create(
                asked.customer, asked.scopes, call.by, name=asked.name, expires_at=expires_at
            )
        except ValueError as error:
            raise fields_problem([FieldError("/scopes", str(error))]) from error
        return as_json(_shown(key, token), headers={"Cache-Control": "no-store"})

    async def revoke_key(self, call: Call) -> Answer:
        """DELETE /v1/keys/{id}."""
        key_id = call.path["id"]
        await self._deps.keys.revoke(key_id, call.by)
        for key in self._deps.keys.list():
            if key.id == key_id:
                return as_json(_shown(key))
        raise Problem("not-found", "no key has this id; GET /v1/keys lists them")

    async def make_webhook_secret(self, call: Call) -> Answer:
        """POST /v1/webhook-secrets/{customer}."""
        customer = call.path["customer"]
        if self._deps.registry.snapshot.customer(customer) is None:
            raise Problem("not-found", "no customer of this id is registered; correct the id")
        secret = await self._deps.webhook_secrets.create(customer, call.by)
        return as_json(WebhookSecret(customer, secret), headers={"Cache-Control": "no-store"})


def _shown(key: ApiKey, token: str = "") -> KeyInfo:
    return KeyInfo(
        id=key.id,
        customer=key.customer,
        scopes=key.scopes,
        name=key.name,
        created_at=rfc3339(key.created_at),
        created_by=key.created_by,
        expires_at=rfc3339(key.expires_at),
        revoked_at=rfc3339(key.revoked_at),
        token=token,
    )
