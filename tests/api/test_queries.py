"""The read model: filters, pages, lives; and what is left of a person who was erased."""

from pathlib import Path

import pytest

from api.api_rig import NOTICE, Rig, play
from tideng.gateway.store import queries
from tideng.gateway.store.bodies import Reply, seal_reply
from tideng.gateway.store.conversations import KeptReply, keep_replies


async def sent(rig: Rig, customer: str, *numbers: str) -> list[int]:
    async with await rig.client(customer, "send") as client:
        messages = [{"to": number, "text": NOTICE} for number in numbers]
        answer = await client.post("/v1/messages", json={"messages": messages})
        return [int(one["id"]) for one in answer.json()["results"]]


def test_recent_filters_and_pages(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        first, refused, third = await sent(rig, "library", "13900000001", "x", "13900000003")
        [other] = await sent(rig, "other", "13900000004")
        reader = rig.store.reader
        assert [row.id for row in queries.recent(reader)] == [other, third, refused, first]
        assert [row.id for row in queries.recent(reader, limit=2)] == [other, third]
        assert [row.id for row in queries.recent(reader, before=third)] == [refused, first]
        assert [row.id for row in queries.recent(reader, customer="library", action="send")] == [third, first]
        assert [row.id for row in queries.recent(reader, state="refused")] == [refused]
        assert [row.id for row in queries.recent(reader, code="RECIPIENT_NOT_A_NUMBER")] == [refused]
        assert queries.recent(reader, code="RECIPIENT") == []
        assert queries.held(reader) == []
        assert queries.held_count(reader) == 0
        for limit in (0, 201):
            with pytest.raises(ValueError):
                queries.recent(reader, limit=limit)
        day = rig.store.day(rig.store.now())
        counted = queries.today(reader, day)
        assert (counted["send"], counted["refuse"]) == (3, 1)
        assert queries.today(reader, day - 2) == {}
        assert queries.tally(reader)["send"] == 3

    play(tmp_path, scene)


def test_a_life_is_what_the_ledger_holds(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        [message] = await sent(rig, "library", "13900000001")
        [(position, entry)] = queries.entries_of(rig.store, message)
        assert queries.life(rig.store.reader, message) == [position]
        assert (entry["kind"], entry["message"], entry["action"]) == ("decision/2", str(message), "send")
        assert queries.message(rig.store.reader, message + 1) is None
        assert queries.entries_of(rig.store, message + 1) == []

    play(tmp_path, scene)


def test_an_erased_person_leaves_a_row_without_a_body(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        [message] = await sent(rig, "library", "13900000001")
        subject = rig.store.subject("8613900000001")
        sealed = seal_reply(
            rig.store.key_for(subject), subject, Reply(sender="8613900000001", text="谢谢"), b"n" * 12
        )
        reply = KeptReply(
            id=5,
            customer="library",
            principal="library",
            code_number="106900990003",
            meaning="reply",
            position=0,
            subject=subject,
            received_at=rig.store.now(),
            sealed=sealed,
        )
        await rig.store.run(lambda conn: keep_replies(conn, [reply]))
        row = queries.message(rig.store.reader, message)
        assert row is not None
        body = queries.opened(rig.store, row)
        assert body is not None
        assert (body.recipient, body.text) == ("8613900000001", NOTICE)
        async with await rig.client("library", "read") as client, await rig.client("other", "read") as other:
            page = (await client.get("/v1/inbound")).json()
            assert (page["items"][0]["from"], page["items"][0]["text"]) == ("8613900000001", "谢谢")
            assert page["next"] == "5"
            assert (await client.get("/v1/inbound?after=5")).json() == {"items": [], "next": "5"}
            assert (await other.get("/v1/inbound")).json()["items"] == []
            assert rig.store.keys.destroy(subject, rig.store.now())
            assert queries.opened(rig.store, row) is None
            page = (await client.get("/v1/inbound")).json()
            assert (page["items"][0]["from"], page["items"][0]["text"]) == ("", "")
            status = await client.get(f"/v1/messages/{message}")
            assert (status.status_code, status.json()["reference"]) == (200, "")

    play(tmp_path, scene)
