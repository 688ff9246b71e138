"""POST /v1/texts/judge gives the verdicts of the text room, and keeps nothing."""

from pathlib import Path

from api.api_rig import Rig, play


def test_texts_are_judged_in_order(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        async with await rig.client("library", "read") as client:
            texts = [{"id": "a", "text": "刷单返佣金日结,进群领任务"}, {"text": "今天一起吃饭吗"}]
            answer = await client.post("/v1/texts/judge", json={"texts": texts})
            assert answer.status_code == 200, answer.text
            first, second = answer.json()["results"]
            assert (first["id"], first["verdict"], first["review"]) == ("a", "danger", "refuse")
            assert "TASK_REWARD" in [finding["code"] for finding in first["findings"]]
            assert second["verdict"] == "unknown"
            for wrong in (
                {"texts": []},
                {"texts": [{"text": "x", "more": 1}]},
                {"texts": [{"text": "x" * 10_001}]},
            ):
                assert (await client.post("/v1/texts/judge", json=wrong)).status_code == 422
        async with await rig.client("library", "send") as client:
            assert (await client.post("/v1/texts/judge", json={"texts": texts})).status_code == 403

    play(tmp_path, scene)
