"""API keys: shown once, verified, scoped, limited, revoked."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from api.api_rig import NOTICE, RECIPIENT, Rig, play
from tideng.evidence.entries import decode_entry
from tideng.gateway.api_keys import FAILURES_MAX, ApiKeys, KeyRefused, TooManyFailures

GOOD = {"to": RECIPIENT, "text": NOTICE}


def test_a_keys_life_is_in_the_ledger_and_its_secret_nowhere(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        key, token = await rig.keys.create("library", ["read", "send"], "cli:root", name="shop")
        secret = token.rsplit("_", 1)[1]
        assert await rig.keys.verify(token, "192.0.2.1") == key
        assert await rig.keys.revoke(key.id, "cli:root")
        assert not await rig.keys.revoke(key.id, "cli:root")
        with pytest.raises(KeyRefused):
            await rig.keys.verify(token, "192.0.2.1")
        size = rig.store.ledger.size
        leaves = rig.store.ledger.leaves(size - 2, size)
        entries = [decode_entry(leaf) for leaf in leaves]
        assert [(one["state"], one["key"], one["by"]) for one in entries] == [
            ("created", key.id, "cli:root"),
            ("revoked", key.id, "cli:root"),
        ]
        assert key.scopes == ("send", "read")
        [kept] = rig.keys.list()
        assert kept.revoked_at
        assert kept.hash.startswith("$argon2id$")
        for path in tmp_path.iterdir():
            assert secret.encode() not in path.read_bytes(), path.name

    play(tmp_path, scene)


def test_wrong_keys_are_refused_alike_and_lock_their_address_only(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        _, token = await rig.keys.create("library", ["read"], "test")
        said: set[str] = set()
        wrong = ["", "tdk_", "x" * 5_000, token[:-1], token[:-1] + ("a" if token[-1] != "a" else "b")]
        for attempt in range(FAILURES_MAX):
            with pytest.raises(KeyRefused) as refused:
                await rig.keys.verify(wrong[attempt % len(wrong)], "192.0.2.1")
            said.add(str(refused.value))
        assert len(said) == 1
        with pytest.raises(TooManyFailures):
            await rig.keys.verify(token, "192.0.2.1")
        assert await rig.keys.verify(token, "192.0.2.2")
        # A key this process has verified is not locked out by a neighbour behind the same proxy.
        assert await rig.keys.verify(token, "192.0.2.1")

    play(tmp_path, scene)


def test_a_pause_after_failures_ends_and_a_key_can_end(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        clock = [0.0]
        keys = ApiKeys(rig.store, monotonic=lambda: clock[0])
        _, token = await keys.create("library", ["read"], "test")
        for _ in range(FAILURES_MAX):
            with pytest.raises(KeyRefused):
                await keys.verify("tdk_nonsense", "192.0.2.1")
        with pytest.raises(TooManyFailures) as locked:
            await keys.verify(token, "192.0.2.1")
        clock[0] += locked.value.retry_after_s
        assert await keys.verify(token, "192.0.2.1")
        _, ended = await keys.create("library", ["read"], "test", expires_at=rig.store.now() - 1)
        with pytest.raises(KeyRefused):
            await keys.verify(ended, "192.0.2.3")

    play(tmp_path, scene)


def test_many_connections_at_once_are_all_let_in(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        key, token = await rig.keys.create("library", ["read"], "test")
        found = await asyncio.gather(*(rig.keys.verify(token, "192.0.2.1") for _ in range(50)))
        assert [one.id for one in found] == [key.id] * 50

    play(tmp_path, scene)


@pytest.mark.parametrize(
    ("customer", "scopes"),
    [("", ["send"]), ("library", ["admin", "send"]), ("library", []), ("library", ["root"])],
)
def test_scopes_that_do_not_fit_are_refused(tmp_path: Path, customer: str, scopes: list[str]) -> None:
    async def scene(rig: Rig) -> None:
        with pytest.raises(ValueError):
            await rig.keys.create(customer, scopes, "test")  # type: ignore[arg-type] # that is the point

    play(tmp_path, scene)


def test_every_operation_asks_for_its_scope(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        async with (
            await rig.client("library", "send") as send,
            await rig.client("library", "read") as read,
            await rig.client("", "admin") as admin,
            rig.with_token("") as nobody,
        ):
            allowed = {
                ("POST", "/v1/messages"): send,
                ("GET", "/v1/inbound"): read,
                ("GET", "/v1/messages/1"): read,
                ("GET", "/v1/messages/1/proof"): read,
                ("GET", "/v1/registry/customer/library"): admin,
                ("PUT", "/v1/registry/customer/library"): admin,
                ("POST", "/v1/registry/import"): admin,
                ("POST", "/v1/consents"): admin,
                ("POST", "/v1/opt-outs"): admin,
                ("GET", "/v1/keys"): admin,
                ("POST", "/v1/keys"): admin,
                ("DELETE", "/v1/keys/x"): admin,
                ("POST", "/v1/webhook-secrets/library"): admin,
            }
            for (method, path), who in allowed.items():
                for client in (send, read, admin):
                    answer = await client.request(method, path)
                    assert (answer.status_code != 403) == (client is who), (method, path)
                assert answer.status_code != 401
                without = await nobody.request(method, path)
                assert without.status_code == 401, (method, path)
                assert without.headers["www-authenticate"] == "Bearer"

    play(tmp_path, scene)


def test_keys_are_made_and_revoked_over_the_api(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        async with await rig.client("", "admin") as admin:
            asked = {"customer": "library", "scopes": ["send"], "name": "shop"}
            made = await admin.post("/v1/keys", json=asked)
            assert made.status_code == 200
            assert made.headers["cache-control"] == "no-store"
            token = made.json()["token"]
            async with rig.with_token(token) as client:
                assert (await client.post("/v1/messages", json=GOOD)).status_code == 202
                listed = (await admin.get("/v1/keys")).json()["keys"]
                assert token not in msgspec.json.encode(listed).decode()
                gone = await admin.delete(f"/v1/keys/{made.json()['id']}")
                assert gone.json()["revoked_at"]
                assert (await client.post("/v1/messages", json=GOOD)).status_code == 401
            assert (await admin.delete("/v1/keys/none")).status_code == 404
            nobody = await admin.post("/v1/keys", json={"customer": "nobody", "scopes": ["send"]})
            assert nobody.json()["errors"][0]["pointer"] == "/customer"
            both = await admin.post("/v1/keys", json={"customer": "library", "scopes": ["send", "admin"]})
            assert both.json()["errors"][0]["pointer"] == "/scopes"

    play(tmp_path, scene)
