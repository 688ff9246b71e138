"""1,200 messages by two hands, written on 2026-12-01, that neither a phrase nor the score has learnt from.

`untaught.jsonl` stays out of training, so that this can be measured again. First measured, by the rules and
weights of the day before: findings called 0.34 of 500 dangers dangerous and 22 of 700 harmless messages;
findings and score together stopped 0.63 of the dangers and 38 harmless ones. After that day's work 0.34 and
16, 0.85 and 31. The floors hold what was reached.
"""

import json
from pathlib import Path

from tools.make_training_lines import by_hand, lines

from text_judging.ready import tables
from tideng.text.knowledge import bundled_knowledge
from tideng.text.policies import bundled_verdict_policy
from tideng.text.ready import make_judge
from tideng.text.suspicion import read_scorer
from tideng.text.tables import bundled_tables
from tideng.text.weights import bundled_weights

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parent / "untaught.jsonl").read_text(encoding="utf-8").splitlines()
]
STOPPED = ("danger", "verify", "needs_person")


def test_findings_and_score_stop_most_of_what_they_never_saw() -> None:
    scorer = read_scorer(bundled_weights(), tables())
    judge = make_judge(bundled_tables(), bundled_knowledge(), bundled_verdict_policy(), suspicion=scorer)
    verdicts = [one.verdict for one in judge.judge_many([row["text"] for row in ROWS])]
    by_label: dict[str, list[str]] = {"danger": [], "harmless": []}
    for row, verdict in zip(ROWS, verdicts, strict=True):
        by_label[row["label"]].append(verdict)
    assert sum(one in STOPPED for one in by_label["danger"]) >= 0.84 * len(by_label["danger"])
    assert by_label["danger"].count("danger") >= 0.34 * len(by_label["danger"])
    assert by_label["danger"].count("harmless_kind") <= 4
    assert sum(one in STOPPED for one in by_label["harmless"]) <= 0.05 * len(by_label["harmless"])
    assert by_label["harmless"].count("danger") <= 17


def test_the_score_learns_nothing_from_it() -> None:
    taught = {row["text"] for row in (*lines(), *by_hand())}
    assert not taught & {row["text"] for row in ROWS}
