"""`tideng text` and `tideng posts` as an operator runs them: lines in, lines out, in order, nothing lost."""

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from tideng.cli.main import app

RUN = CliRunner()


def judged(tmp_path: Path, content: str, *options: str) -> list[dict[str, Any]]:
    file = tmp_path / "in.jsonl"
    file.write_text(content, encoding="utf-8")
    cache = ["--cache", str(tmp_path / "cache"), "--processes", "1"]
    result = RUN.invoke(app, ["text", "judge", str(file), *cache, *options])
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_one_verdict_line_for_each_in_order(tmp_path: Path) -> None:
    asked = [
        {"id": "a", "text": "验证码 771203,5分钟内有效,请勿告诉他人", "channel": "sms"},
        {"id": 2, "text": "出一手电销数据,0.3元一条,量大从优,飞机@abc99"},
        {"text": "今天一起吃饭吗"},
    ]
    found = judged(tmp_path, "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in asked))
    assert [one["id"] for one in found] == ["a", 2, None]
    assert [one["verdict"] for one in found] == ["harmless_kind", "danger", "unknown"]
    assert [one["data_for_sale"] for one in found] == [False, True, False]
    for one in found:
        assert set(one) == {"id", "verdict", "review", "category", "findings", "score", "data_for_sale"}
        for finding in one["findings"]:
            assert set(finding) == {"code", "start", "end", "seen"}


def test_a_line_that_cannot_be_read_is_answered_and_named(tmp_path: Path) -> None:
    found = judged(tmp_path, '{"id": "x", "text": 5}\n\nnonsense\n{"id": "y", "text": ""}\n')
    assert [(one["id"], one["verdict"]) for one in found] == [
        ("x", "needs_person"),
        ("line 3", "needs_person"),
        ("y", "unknown"),
    ]
    assert found[1]["findings"][0]["code"] == "LINE_NOT_READABLE"


def test_both_engines_and_a_second_start_from_the_cache_answer_alike(tmp_path: Path) -> None:
    line = json.dumps({"id": 1, "text": "您的ETC已失效,请点击 etc-xx.top 重新认证"}, ensure_ascii=False)
    first = judged(tmp_path, line, "--engine", "hyperscan")
    assert list((tmp_path / "cache").iterdir())
    assert judged(tmp_path, line, "--engine", "hyperscan") == first
    assert judged(tmp_path, line, "--engine", "ahocorasick") == first
    for kept in (tmp_path / "cache").iterdir():
        kept.write_bytes(kept.read_bytes()[:-9] + b"damaged!!")
    assert judged(tmp_path, line, "--engine", "hyperscan") == first


def test_an_unknown_engine_and_a_missing_file_say_what_to_do(tmp_path: Path) -> None:
    result = RUN.invoke(app, ["text", "judge", str(tmp_path / "none.jsonl")])
    assert result.exit_code == 2
    result = RUN.invoke(app, ["text", "judge", "-", "--engine", "grep"], input="")
    assert result.exit_code == 2


def test_the_parts_of_an_explanation_add_up_exactly(tmp_path: Path) -> None:
    text = "征.信.修.复,先付定金,加微信"
    result = RUN.invoke(app, ["text", "explain", text, "--json", "--cache", str(tmp_path)])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["verdict"] == "danger"
    assert {fold["kind"] for fold in told["folds"]} == {"cut"}

    from text_judging.ready import tables
    from tideng.text.folding import fold_block
    from tideng.text.suspicion import read_scorer
    from tideng.text.weights import bundled_weights

    scorer = read_scorer(bundled_weights(), tables())
    folded = fold_block([text], tables()).folded(0)
    assert sum(part.points for part in scorer.parts(folded)) == int(scorer.points([folded])[0])
    assert round(sum(1000 * part["adds"] for part in told["parts"])) == int(scorer.points([folded])[0])


def test_weights_trained_twice_are_the_same_bytes(tmp_path: Path) -> None:
    lines = [{"text": f"刷单返佣金日结{n}元进群", "label": "danger"} for n in range(30)]
    lines += [{"text": f"会议改到{n}点请准时参加", "label": "harmless"} for n in range(30)]
    file = tmp_path / "lines.jsonl"
    file.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in lines))
    made = []
    for name in ("a", "b"):
        into = tmp_path / name
        result = RUN.invoke(app, ["text", "train", str(file), "--out", str(into)])
        assert result.exit_code == 0, result.output
        made.append(into.read_bytes())
    assert made[0] == made[1]
    assert len(made[0]) < 1_000_000


def test_posts_are_screened_masked_grouped_and_reported(tmp_path: Path) -> None:
    posts = [
        {"id": "p1", "text": "出一手股民数据,0.5元一条,拿样加飞机seller777"},
        {"id": "p2", "text": "精准网贷料子实时更新,三毛一条,拿样加飞机seller777"},
        {"id": "p3", "text": "周末去爬山吗"},
        {"id": "p4"},
    ]
    file, page = tmp_path / "posts.jsonl", tmp_path / "out.html"
    file.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in posts))
    result = RUN.invoke(app, ["posts", "screen", str(file), "--report", str(page)])
    assert result.exit_code == 0, result.output
    found = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
    assert [one["id"] for one in found] == ["p1", "p2"]
    assert [one["yuan_per_record"] for one in found] == [0.5, 0.3]
    assert found[0]["seller"] == found[1]["seller"] == 1
    assert "seller777" not in result.stdout
    html = page.read_text(encoding="utf-8")
    assert "seller777" not in html
    assert "default-src 'none'" in html
    assert "<script" not in html


def normal_lines(count: int) -> str:
    wares = ("快递", "会议", "账单", "体检", "课程", "车票")
    return "".join(
        json.dumps({"text": f"您的{wares[n % 6]}已安排在{n}号窗口,加急办理请联系"}, ensure_ascii=False) + "\n"
        for n in range(count)
    )


def test_a_threshold_set_on_own_normals_keeps_the_budget_and_the_weights(tmp_path: Path) -> None:
    from text_judging.ready import tables
    from tideng.text.suspicion import read_scorer
    from tideng.text.weights import bundled_weights

    file, into = tmp_path / "ours.jsonl", tmp_path / "ours.weights"
    file.write_text(normal_lines(600), encoding="utf-8")
    result = RUN.invoke(
        app, ["text", "calibrate", str(file), "--out", str(into), "--budget", "0.01", "--json"]
    )
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["normals"] == 600
    assert told["lifted"]["after"] <= 6
    before, after = read_scorer(bundled_weights(), tables()), read_scorer(into.read_bytes(), tables())
    assert (before.weights == after.weights).all()
    assert before.bias == after.bias
    assert after.threshold == told["threshold"]["after"] != before.threshold
    assert after.about["calibrated_on"] == 600
    line = json.dumps({"id": 1, "text": "刷单返佣金日结"}, ensure_ascii=False)
    assert judged(tmp_path, line, "--weights", str(into))[0]["verdict"] == "danger"


def test_too_few_normals_set_no_threshold(tmp_path: Path) -> None:
    file, into = tmp_path / "ours.jsonl", tmp_path / "ours.weights"
    file.write_text(normal_lines(30), encoding="utf-8")
    result = RUN.invoke(app, ["text", "calibrate", str(file), "--out", str(into)])
    assert result.exit_code == 2
    assert "at least 200 are needed" in result.output.replace("\n", " ")
    assert not into.exists()
