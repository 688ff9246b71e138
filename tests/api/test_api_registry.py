"""Registry administration, consents, opt-outs, and what is readable without a key."""

from pathlib import Path

from api.api_rig import NOTICE, RECIPIENT, Rig, play
from tideng.gateway.registry.passwords import is_password
from tideng.gateway.registry.store import consents, opted_out


def test_an_object_is_put_read_and_remembered(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        async with await rig.client("", "admin") as admin:
            place = "/v1/registry/principal/museum"
            assert (await admin.get(place)).status_code == 404
            first = await admin.put(place, json={"name": "云麓市博物馆"})
            assert (first.status_code, first.json()["version"]) == (200, 1)
            assert first.json()["by"].startswith("key:")
            same = await admin.put(place, json={"id": "museum", "name": "云麓市博物馆"})
            assert same.json()["version"] == 1
            changed = await admin.put(place, json={"name": "云麓市博物馆", "status": "suspended"})
            assert changed.json()["version"] == 2
            history = (await admin.get(f"{place}/history")).json()["versions"]
            assert [one["item"]["status"] for one in history] == ["active", "suspended"]

    play(tmp_path, scene)


def test_a_bind_password_goes_in_and_nothing_of_it_comes_out(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        async with await rig.client("", "admin") as admin:
            place = "/v1/registry/customer/library"
            item = (await admin.get(place)).json()["item"]
            put = await admin.put(place, json=item | {"smpp": {"system_id": "lib", "password": "secret12"}})
            assert put.status_code == 200, put.text
            assert "password" not in put.text
            again = await admin.put(place, json=item | {"smpp": {"system_id": "lib"}})
            assert again.json()["version"] == put.json()["version"]
            customer = rig.registry.snapshot.customer("library")
            assert customer is not None
            assert customer.smpp is not None
            assert is_password("secret12", customer.smpp.password_hash)
            short = await admin.put(place, json=item | {"smpp": {"system_id": "lib", "password": "x"}})
            assert short.json()["errors"][0]["pointer"] == "/smpp/password"

    play(tmp_path, scene)


def test_a_wrong_object_changes_nothing_and_everything_wrong_is_said(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        async with await rig.client("", "admin") as admin:
            before = rig.registry.snapshot
            place = "/v1/registry/mandate/m9"
            fields = await admin.put(place, json={"principal": 5, "colour": "red"})
            assert {one["pointer"] for one in fields.json()["errors"]} == {
                "/principal",
                "/colour",
                "/customer",
            }
            meaning = await admin.put(place, json={"principal": "nobody", "customer": "nobody"})
            assert meaning.json()["type"] == "urn:tideng:problem:registry-invalid"
            assert len(meaning.json()["errors"]) >= 2
            other = await admin.put(place, json={"id": "m8", "principal": "library", "customer": "library"})
            assert other.json()["errors"][0]["pointer"] == "/id"
            for body in (b"{", b"[" * 100_000, b"\xff"):
                headers = {"Content-Type": "application/json"}
                assert (await admin.put(place, content=body, headers=headers)).status_code == 400
            assert (await admin.put("/v1/registry/colour/red", json={})).status_code == 404
            assert rig.registry.snapshot is before

    play(tmp_path, scene)


def test_a_toml_file_is_tried_and_then_imported(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        async with await rig.client("", "admin") as admin:
            headers = {"Content-Type": "application/toml"}
            body = '[[principal]]\nid = "museum"\nname = "云麓市博物馆"\n'.encode()
            place = "/v1/registry/import"
            tried = await admin.post(f"{place}?dry_run=true", content=body, headers=headers)
            assert tried.json() == {
                "added": ["principal:museum"],
                "changed": [],
                "unchanged": [],
                "dry_run": True,
            }
            assert rig.registry.snapshot.principal("museum") is None
            done = await admin.post(place, content=body, headers=headers)
            assert done.json()["dry_run"] is False
            assert rig.registry.snapshot.principal("museum") is not None
            bad = await admin.post(place, content=b"[[colour]]\n", headers=headers)
            assert bad.json()["type"] == "urn:tideng:problem:registry-invalid"
            assert (await admin.post(place, json={})).status_code == 415

    play(tmp_path, scene)


def test_an_opt_out_is_in_force_before_it_is_answered(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        async with await rig.client("", "admin") as admin, await rig.client("library", "send") as client:
            row = {"to": "138 0013 8000", "principal": "library"}
            first = await admin.post("/v1/opt-outs", json={"opt_outs": [row]})
            assert first.json() == {"new": 1, "known": 0}
            assert (await admin.post("/v1/opt-outs", json={"opt_outs": [row]})).json() == {
                "new": 0,
                "known": 1,
            }
            subject = rig.store.subject("8613800138000")
            assert opted_out(rig.store.reader, [subject]) == {subject: ("library",)}
            assert rig.stopped[0] == (subject, "library")
            refused = await client.post("/v1/messages", json={"to": RECIPIENT, "text": NOTICE})
            assert refused.status_code == 422
            assert "OPTED_OUT" in refused.json()["codes"]

    play(tmp_path, scene)


def test_consents_are_all_or_none(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        async with await rig.client("", "admin") as admin:
            row = {
                "principal": "library",
                "to": RECIPIENT,
                "category": "commercial",
                "wording": "2026-01",
                "channel": "counter",
                "given_at": "2026-01-05T10:00:00+08:00",
            }
            bad = [
                row | {"to": "x"},
                row | {"principal": "nobody"},
                row | {"given_at": "9999-01-01T00:00:00Z"},
            ]
            answer = await admin.post("/v1/consents", json={"consents": [row, *bad]})
            assert [one["pointer"] for one in answer.json()["errors"]] == [
                "/consents/1/to",
                "/consents/2/principal",
                "/consents/3/given_at",
            ]
            subject = rig.store.subject("8613800138000")
            assert consents(rig.store.reader, [subject], rig.store.now()) == {}
            done = await admin.post("/v1/consents", json={"consents": [row, row]})
            assert done.json() == {"new": 1, "known": 1}
            assert consents(rig.store.reader, [subject], rig.store.now())[subject][0][3] == "2026-01"

    play(tmp_path, scene)


def test_health_readiness_and_metrics(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        async with rig.with_token("") as nobody, await rig.client("library", "send") as client:
            assert (await nobody.get("/healthz")).json() == {"status": "ok"}
            assert (await nobody.get("/readyz")).status_code == 200
            rig.missing.append("no carrier is bound")
            not_ready = await nobody.get("/readyz")
            assert (not_ready.status_code, not_ready.json()["detail"]) == (503, "no carrier is bound")
            await client.post("/v1/messages", json={"to": RECIPIENT, "text": NOTICE})
            figures = (await nobody.get("/metrics")).text
            assert 'tideng_messages_total{what="send"} 1.0' in figures
            assert "tideng_dispatch_in_memory 0.0" in figures
            wanted = 'tideng_http_request_seconds_count{operation="post_v1_messages",status="202"} 1.0'
            assert wanted in figures
            for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP"):
                proxied = await nobody.get("/metrics", headers={name: "192.0.2.1"})
                assert proxied.status_code == 401, name
            async with await rig.client("", "admin") as admin:
                far = await admin.get("/metrics", headers={"X-Forwarded-For": "192.0.2.1"})
                assert far.status_code == 200

    play(tmp_path, scene)
