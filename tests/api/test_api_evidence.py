"""Evidence from a gateway that runs: bundles, cases, a person's rights; over HTTP and by the command line."""

import asyncio
import json
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from api.api_rig import NOTICE, RECIPIENT, Rig, play
from tideng.cli.main import app
from tideng.evidence.verifier.steps import verify

OTHER = "13900000009"


async def sent(rig: Rig, *numbers: str) -> list[str]:
    """Messages, and none of them still waits for a carrier: an erasure would have to wait for it."""
    async with await rig.client("library", "send") as client:
        messages = [{"to": number, "text": f"{NOTICE}{nth}"} for nth, number in enumerate(numbers)]
        answer = await client.post("/v1/messages", json={"messages": messages})
    await rig.store.run(lambda conn: conn.execute("UPDATE message SET state = 'sent'") and None)
    await rig.store.run(lambda conn: conn.execute("DELETE FROM outbox") and None)
    return [one["id"] for one in answer.json()["results"]]


def test_a_bundle_of_a_message_a_number_and_a_case(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        one, two, three = await sent(rig, RECIPIENT, RECIPIENT, OTHER)
        async with await rig.client("", "admin") as admin:

            async def bundle(**asked: object) -> dict[str, Any]:
                answer = await admin.post("/v1/evidence/bundle", json={"pdf": False, **asked})
                assert answer.status_code == 200, answer.text
                assert answer.headers["content-type"] == "application/zip"
                assert verify(answer.content).is_verified
                with zipfile.ZipFile(BytesIO(answer.content)) as archive:
                    told = json.loads(archive.read("case.json"))
                assert told["export"] == int(answer.headers["tideng-export-entry"])
                return dict(told["asked"])

            assert (await bundle(messages=[one], case="1"))["message"] == one
            assert (await bundle(number=RECIPIENT))["number"] == f"86{RECIPIENT}"
            put = await admin.post("/v1/evidence/cases", json={"case": "7", "messages": [one, two]})
            assert put.json()["messages"] == [one, two]
            assert put.json()["position"] > 0
            again = await admin.post("/v1/evidence/cases", json={"case": "7", "messages": [two, three]})
            assert again.json()["messages"] == [one, two, three]
            listed = await admin.post("/v1/evidence/cases", json={"case": "7"})
            assert (listed.json()["messages"], listed.json()["position"]) == ([one, two, three], -1)
            assert (await bundle(case="7"))["messages"] == [one, two, three]
            for wrong, status in (({"messages": ["17"]}, 409), ({}, 422), ({"number": "x"}, 422)):
                answer = await admin.post("/v1/evidence/bundle", json=wrong)
                assert answer.status_code == status, answer.text
            missing = await admin.post("/v1/evidence/cases", json={"case": "7", "messages": ["17"]})
            assert missing.status_code == 409
        async with await rig.client("library", "send", "read") as customer:
            assert (await customer.post("/v1/evidence/bundle", json={"number": OTHER})).status_code == 403

    play(tmp_path, scene)


def test_a_person_is_shown_held_and_erased_while_others_are_written_to(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        await sent(rig, RECIPIENT, OTHER)
        async with await rig.client("", "admin") as admin:

            async def post(path: str, **asked: object) -> tuple[int, dict[str, Any]]:
                answer = await admin.post(path, json=asked)
                return answer.status_code, answer.json()

            _, found = await post("/v1/subjects/export", number=RECIPIENT)
            assert found["messages"][0]["text"] == f"{NOTICE}0"
            _, held = await post("/v1/subjects/hold", number=RECIPIENT, case="7")
            assert held["changed"] is True
            status, refused = await post("/v1/subjects/erase", number=RECIPIENT)
            assert (status, refused["type"]) == (409, "urn:tideng:problem:not-erased")
            await post("/v1/subjects/hold", number=RECIPIENT, case="7", state="ended")
            erasing = asyncio.create_task(post("/v1/subjects/erase", number=RECIPIENT, basis="his wish"))
            await sent(rig, OTHER, OTHER)
            status, erased = await erasing
            assert (status, erased["records"]) == (200, 1)
            _, found = await post("/v1/subjects/export", number=RECIPIENT)
            assert found["messages"][0]["text"] is None
            _, found = await post("/v1/subjects/export", number=OTHER)
            assert len(found["messages"]) == 3
            status, due = await post("/v1/retention/run", dry_run=True)
            assert (status, due["messages"], due["position"]) == (200, 0, -1)
            assert (await post("/v1/retention/run", policy="x"))[0] == 422
        assert rig.store.ledger.verify().is_intact

    play(tmp_path, scene)


def test_the_commands_ask_the_gateway_that_runs(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        [one] = await sent(rig, RECIPIENT)
        _, token = await rig.keys.create("", ["admin"], "test")
        out = tmp_path / "case.zip"

        def tideng(*words: str, key: str = token) -> tuple[int, str]:
            done = CliRunner().invoke(
                app,
                ["--data", str(tmp_path), *words, "--url", rig.url],
                env={"TIDENG_ADMIN_KEY": key, "TIDENG_ORIGIN": "test.example/ledger"},
            )
            return done.exit_code, done.stdout

        async def run(*words: str, **more: str) -> tuple[int, str]:
            return await asyncio.to_thread(tideng, *words, **more)

        code, told = await run("evidence", "case", "7", "--add", one, "--json")
        assert (code, json.loads(told)["messages"]) == (0, [one])
        code, told = await run("evidence", "bundle", "--case", "7", "--out", str(out), "--no-pdf", "--json")
        assert code == 0, told
        assert verify(out.read_bytes()).is_verified
        code, told = await run("subject", "export", RECIPIENT)
        assert json.loads(told)["messages"][0]["text"] == f"{NOTICE}0"
        assert (await run("subject", "hold", RECIPIENT, "--case", "7"))[0] == 0
        assert (await run("subject", "hold", RECIPIENT, "--case", "7"))[0] == 1
        assert (await run("subject", "erase", RECIPIENT, "--yes"))[0] == 1
        assert (await run("subject", "release", RECIPIENT, "--case", "7"))[0] == 0
        code, told = await run("subject", "erase", RECIPIENT, "--yes", "--json")
        assert json.loads(told)["records"] == 1
        code, told = await run("retention", "run", "--dry-run", "--json")
        assert json.loads(told)["due"]["messages"] == 0
        assert (await run("subject", "export", RECIPIENT, key="tk-wrong"))[0] == 1
        # Without a key the data would have to be free, and the error says what to do.
        done = await asyncio.to_thread(
            CliRunner().invoke,
            app,
            ["--data", str(tmp_path), "subject", "export", RECIPIENT],
            env={"TIDENG_ORIGIN": "test.example/ledger"},
        )
        assert done.exit_code == 2
        assert "--key" in done.output

    play(tmp_path, scene)
