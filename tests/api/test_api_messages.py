"""POST /v1/messages and what can be asked about a message afterwards."""

import asyncio
import base64
from pathlib import Path
from typing import Any

import httpx
import msgspec
from msgspec.structs import replace

from api.api_rig import NOTICE, RECIPIENT, Rig, play
from tideng.evidence.checkpoint import open_checkpoint
from tideng.evidence.merkle import leaf_hash, verify_inclusion
from tideng.evidence.note import parse_vkey
from tideng.gateway.doors.api_once import Once
from tideng.gateway.doors.api_operation import Answer
from tideng.gateway.registry.values import Customer
from tideng.gateway.settings import HttpDoorSettings, IntakeSettings
from tideng.gateway.store import queries
from tideng.gateway.store.idempotency import kept

GOOD = {"to": RECIPIENT, "text": NOTICE}


async def send(client: httpx.AsyncClient, body: Any, **headers: str) -> httpx.Response:
    return await client.post("/v1/messages", json=body, headers=headers)


def number(nth: int) -> str:
    return f"139{nth:08d}"


def test_a_notice_is_accepted_recorded_and_found_again(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        async with await rig.client("library", "send", "read") as client:
            answer = await send(client, GOOD | {"reference": "order-7"})
            assert answer.status_code == 202, answer.text
            result = answer.json()
            assert result["action"] == "send"
            found = (await client.get(f"/v1/messages/{result['id']}")).json()
            assert (found["state"], found["reference"]) == ("queued", "order-7")
            assert found["life"][0]["position"] == result["position"]
            assert found["life"][0]["kind"] == "decision/2"

    play(tmp_path, scene)


def test_a_refusal_is_a_problem_with_its_codes_and_its_place_in_the_ledger(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        async with await rig.client("library", "send", "read") as client:
            answer = await send(client, {"to": "not a number", "text": NOTICE})
            problem = answer.json()
            assert answer.status_code == 422
            assert answer.headers["content-type"] == "application/problem+json"
            assert problem["type"] == "urn:tideng:problem:refused"
            assert "RECIPIENT_NOT_A_NUMBER" in problem["codes"]
            found = (await client.get(f"/v1/messages/{problem['id']}")).json()
            assert (found["state"], found["position"]) == ("refused", problem["position"])

    play(tmp_path, scene)


def test_each_message_of_a_batch_has_its_own_verdict_in_order(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        async with await rig.client("library", "send") as client:
            messages = [{"to": number(1), "text": NOTICE}, {"to": "x", "text": NOTICE}]
            answer = await send(client, {"messages": [*messages, {"to": number(2), "text": NOTICE}]})
            assert answer.status_code == 200
            assert [one["action"] for one in answer.json()["results"]] == ["send", "refuse", "send"]
            ids = [int(one["id"]) for one in answer.json()["results"]]
            assert ids == sorted(ids)

    play(tmp_path, scene)


def test_a_template_is_filled_and_a_signature_put_in_front(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        async with await rig.client("library", "send") as client:
            slots = {"title": "红楼梦", "day": "2026-12-01"}
            asked = {"to": RECIPIENT, "template": "due", "slots": slots, "signature": "云麓图书馆"}
            answer = await send(client, asked)
            assert answer.status_code in (202, 422)
            row = queries.message(rig.store.reader, int(answer.json()["id"]))
            assert row is not None
            body = queries.opened(rig.store, row)
            assert body is not None
            assert body.text == "【云麓图书馆】您借的红楼梦应于2026-12-01归还。"

    play(tmp_path, scene)


def test_a_proof_convinces_somebody_who_has_only_the_ledgers_public_key(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        async with await rig.client("library", "send", "read") as client:
            sent = (await send(client, GOOD)).json()
            proof = (await client.get(f"/v1/messages/{sent['id']}/proof")).json()
        checkpoint = open_checkpoint(
            proof["checkpoint"].encode(), "test.example/ledger", [parse_vkey(proof["verifier"])]
        )
        assert checkpoint.size == proof["size"]
        for one in proof["proofs"]:
            leaf = base64.b64decode(one["entry"])
            assert leaf_hash(leaf).hex() == one["leaf_hash"]
            path = [bytes.fromhex(step) for step in one["path"]]
            verify_inclusion(one["position"], checkpoint.size, leaf_hash(leaf), path, checkpoint.root)
        assert [one["position"] for one in proof["proofs"]] == [sent["position"]]

    play(tmp_path, scene)


def test_others_messages_are_as_unknown_as_none(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        async with await rig.client("library", "send") as mine, await rig.client("other", "read") as theirs:
            sent = (await send(mine, GOOD)).json()
            for message in (sent["id"], "1", "0", "-1", "1e3", "９", "9" * 19, "9" * 30, "x%00y"):
                for place in (f"/v1/messages/{message}", f"/v1/messages/{message}/proof"):
                    answer = await theirs.get(place)
                    assert answer.status_code == 404, message
                    assert answer.json()["type"] == "urn:tideng:problem:not-found"

    play(tmp_path, scene)


BAD_BODIES: tuple[tuple[bytes, int, str | None], ...] = (
    (b"", 400, None),
    (b"{", 400, None),
    (b"[" * 100_000, 400, None),
    (b'{"to":"\xff","text":"x"}', 400, None),
    (b'{"to":"1\\ud800","text":"x"}', 400, None),
    (b'{"to":1e999,"text":"x"}', 400, None),
    (b"null", 422, ""),
    (b"[]", 422, ""),
    (b"{}", 422, "/to"),
    (b'{"to":5,"text":"x"}', 422, "/to"),
    (b'{"to":"","text":"x"}', 422, "/to"),
    (b'{"to":"1","text":null}', 422, "/text"),
    (b'{"to":"1"}', 422, "/text"),
    (b'{"to":"1","text":"x","nonsense":1}', 422, "/nonsense"),
    (b'{"to":"1","text":"x","from":"abc"}', 422, "/from"),
    (b'{"to":"1","text":"x","category":"spam"}', 422, "/category"),
    (b'{"to":"1","text":"x","report":"yes"}', 422, "/report"),
    (b'{"to":"1","text":"x","slots":{"a":"b"}}', 422, "/slots"),
    (b'{"to":"1","text":"x","slots":{"a":5},"template":"due"}', 422, "/slots/..."),
    (b'{"to":"1","text":"x","template":"due"}', 422, "/text"),
    (b'{"to":"1","template":"none-of-mine"}', 422, "/template"),
    (b'{"to":"1","template":"due","slots":{"title":"a"}}', 422, "/slots/day"),
    (b'{"to":"1","template":"due","slots":{"title":"a","day":"b","z":"c"}}', 422, "/slots/z"),
    (b'{"to":"1","text":"x","not_before":"tomorrow"}', 422, "/not_before"),
    (b'{"to":"1","text":"x","not_before":"2026-01-01T00:00:00"}', 422, "/not_before"),
    (b'{"to":"1","text":"x","valid_until":"9999-12-31T23:59:59Z"}', 422, "/valid_until"),
    (b'{"messages":[]}', 422, "/messages"),
    (b'{"messages":{}}', 422, "/messages"),
    (b'{"messages":[{"to":"1","text":"x"},{"text":"x"}]}', 422, "/messages/1/to"),
    (b'{"messages":[{"to":"1","text":"x"}],"to":"1"}', 422, "/to"),
)
"""Body, status, and the pointer that must be among the errors."""


def test_bad_input_is_named_field_by_field(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        wrong: list[tuple[bytes, str]] = []
        async with await rig.client("library", "send") as client:
            before = rig.store.ledger.size
            headers = {"Content-Type": "application/json"}
            for body, status, pointer in BAD_BODIES:
                answer = await client.post("/v1/messages", content=body, headers=headers)
                assert answer.headers["content-type"] == "application/problem+json"
                pointers = [error["pointer"] for error in answer.json().get("errors", ())]
                if answer.status_code != status or (pointer is not None and pointer not in pointers):
                    wrong.append((body[:80], answer.text))
        assert wrong == []
        assert rig.store.ledger.size == before

    play(tmp_path, scene)


def test_every_problem_of_a_request_is_said_at_once(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        async with await rig.client("library", "send") as client:
            answer = await send(client, {"text": 5, "from": "abc", "extra": 1})
            pointers = {error["pointer"] for error in answer.json()["errors"]}
            assert pointers == {"/to", "/text", "/from", "/extra"}

    play(tmp_path, scene)


def test_what_lies_around_the_body_is_checked_too(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        async with await rig.client("library", "send", "read") as client:
            as_text = await client.post("/v1/messages", content=b"{}", headers={"Content-Type": "text/plain"})
            assert (as_text.status_code, as_text.json()["type"]) == (
                415,
                "urn:tideng:problem:unsupported-media-type",
            )
            headers = {"Content-Type": "application/json"}
            large = await client.post("/v1/messages", content=b" " * 3_000, headers=headers)
            assert (large.status_code, large.json()["type"]) == (413, "urn:tideng:problem:too-large")
            wrong = await client.put("/v1/messages", json=GOOD)
            assert (wrong.status_code, wrong.headers["allow"]) == (405, "OPTIONS, POST")
            options = await client.options("/v1/messages")
            assert (options.status_code, options.headers["allow"]) == (204, "OPTIONS, POST")
            head = await client.head("/healthz")
            assert (head.status_code, head.content) == (200, b"")
            nowhere = await client.get("/v1/nowhere")
            assert (nowhere.status_code, nowhere.json()["status"]) == (404, 404)
            unknown = await client.get("/v1/inbound?after=x&colour=red")
            assert unknown.status_code == 400
            assert [one["pointer"] for one in unknown.json()["errors"]] == ["?after", "?colour"]
            flood = await client.get("/v1/inbound?" + "&".join(f"a{nth}=1" for nth in range(51)))
            assert (flood.status_code, "errors" in flood.json()) == (400, False)
            bad_key = await send(client, GOOD, **{"Idempotency-Key": "a b"})
            assert (bad_key.status_code, bad_key.json()["type"]) == (400, "urn:tideng:problem:bad-request")

    play(tmp_path, scene, settings=HttpDoorSettings(body_bytes_max=2_048))


def test_duplicate_keys_in_an_object_are_harmless(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        async with await rig.client("library", "send") as client:
            body = b'{"to":"x","to":"13800138000","text":"' + NOTICE.encode() + b'"}'
            headers = {"Content-Type": "application/json"}
            answer = await client.post("/v1/messages", content=body, headers=headers)
            assert answer.status_code == 202

    play(tmp_path, scene)


def test_the_same_key_and_body_is_done_once_over_a_restart(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        _, token = await rig.keys.create("library", ["send"], "test")
        tokens.append(token)
        async with rig.with_token(token) as client:
            answers.append(await send(client, GOOD, **{"Idempotency-Key": "k1"}))
            sizes.append(rig.store.ledger.size)

    async def again(rig: Rig) -> None:
        async with rig.with_token(tokens[0]) as client:
            answers.append(await send(client, GOOD, **{"Idempotency-Key": "k1"}))
            sizes.append(rig.store.ledger.size)
            other = await send(client, {"to": number(3), "text": NOTICE}, **{"Idempotency-Key": "k1"})
            assert other.status_code == 422
            assert other.json()["type"] == "urn:tideng:problem:key-used-otherwise"

    tokens: list[str] = []
    answers: list[httpx.Response] = []
    sizes: list[int] = []
    play(tmp_path, scene)
    play(tmp_path, again)
    first, second = answers
    assert first.status_code == second.status_code == 202
    assert first.content == second.content
    assert second.headers["idempotent-replayed"] == "true"
    assert sizes[0] == sizes[1]


def test_a_crash_between_decision_and_answer_does_not_send_twice(tmp_path: Path) -> None:
    """The answer's row is put back to what it was before the answer: reserved, ids known, no answer."""

    async def scene(rig: Rig) -> None:
        async with await rig.client("library", "send") as client:
            batch = {"messages": [{"to": number(nth), "text": NOTICE} for nth in range(5)]}
            first = await send(client, batch, **{"Idempotency-Key": "k"})
            size = rig.store.ledger.size
            kept = rig.store.reader.execute("SELECT response FROM idempotency").fetchone()[0]
            await rig.store.run(lambda conn: forget_answer(conn, kept))
            last = int(first.json()["results"][-1]["id"])
            await rig.store.run(lambda conn: lose(conn, last))
            second = await send(client, batch, **{"Idempotency-Key": "k"})
            assert second.status_code == 200
            results = second.json()["results"]
            assert [one["id"] for one in results] == [one["id"] for one in first.json()["results"]]
            assert results[:4] == first.json()["results"][:4]
            assert rig.store.ledger.size == size + 1

    def lose(conn: Any, message: int) -> None:
        conn.execute("DELETE FROM message WHERE id = ?", (message,))
        conn.execute("DELETE FROM outbox WHERE message = ?", (message,))

    def forget_answer(conn: Any, kept: bytes) -> None:
        ids, _, _, _ = msgspec.msgpack.decode(kept)
        conn.execute("UPDATE idempotency SET response = ?", (msgspec.msgpack.encode([ids, 0, b"", ""]),))

    play(tmp_path, scene)


def test_the_same_key_twice_at_once_is_told_to_wait(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        async with await rig.client("library", "send") as client:
            await send(client, GOOD)  # verifies the key, so that the next two arrive together
            both = await asyncio.gather(
                *(send(client, {"to": number(1), "text": NOTICE}, **{"Idempotency-Key": "k"}) for _ in "12")
            )
            statuses = sorted(one.status_code for one in both)
            assert statuses in ([202, 202], [202, 409])
            assert len({one.json()["id"] for one in both if one.status_code == 202}) == 1
            assert len(queries.recent(rig.store.reader, customer="library")) == 2

    play(tmp_path, scene)


def test_faster_than_agreed_is_told_when_to_come_back(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        customer = rig.registry.snapshot.customer("library")
        assert isinstance(customer, Customer)
        await rig.registry.change_async([replace(customer, throughput_per_s=2)], "test")
        async with await rig.client("library", "send") as client:
            batch = {"messages": [{"to": number(nth), "text": NOTICE} for nth in range(10)]}
            assert (await send(client, batch)).status_code == 200
            answer = await send(client, GOOD)
            assert (answer.status_code, answer.json()["type"]) == (429, "urn:tideng:problem:throttled")
            assert 1 <= int(answer.headers["retry-after"]) <= 5

    play(tmp_path, scene)


def test_overload_is_answered_and_nothing_is_accepted(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        async with await rig.client("library", "send") as client:
            size = rig.store.ledger.size
            batch = {"messages": [{"to": number(nth), "text": NOTICE} for nth in range(5)]}
            answer = await send(client, batch)
            assert (answer.status_code, answer.json()["type"]) == (429, "urn:tideng:problem:overloaded")
            assert answer.headers["retry-after"] == "1"
            assert rig.store.ledger.size == size

    play(tmp_path, scene, intake=IntakeSettings(waiting_max=4))


def test_what_cannot_be_recorded_is_not_accepted(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        async with await rig.client("library", "send") as client:
            await send(client, GOOD)
            rig.store.writer.close()
            answer = await send(client, {"to": number(1), "text": NOTICE})
            assert (answer.status_code, answer.json()["type"]) == (503, "urn:tideng:problem:not-recorded")
            keyed = await send(client, GOOD, **{"Idempotency-Key": "k"})
            assert keyed.status_code == 503

    play(tmp_path, scene)


def test_an_answer_that_cannot_be_kept_is_given_all_the_same(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        async def work(ids: tuple[int, ...], again: bool) -> Answer:
            rig.store.writer.close()
            return Answer(body=b"done")

        answer = await Once(rig.store).answer("library", "k", b"{}", lambda: (7,), work)
        assert answer.body == b"done"
        reserved = kept(rig.store.reader, "library", "k", rig.store.now())
        assert reserved is not None
        assert (reserved.ids, reserved.status) == ((7,), 0)

    play(tmp_path, scene)
