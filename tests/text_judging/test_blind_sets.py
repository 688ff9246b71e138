"""Messages by hands that knew nothing of the rules (`blind/*.jsonl`), measured before any change for them.

First measurements, which are the honest ones (danger recall by findings; harmless called danger): set 1
0.653, 18 of 180; set 2 0.800, 10 of 130; set 3 0.627, 10 of 130; set 4 0.681, 2 of 120; set 5 0.560, 12 of
150; set 6 0.544, 8 of 136. After the first four the classes of their mistakes were worked on, so today's
figures flatter; that the work on three sets helped the fourth so little says how far phrases carry to what
nobody has seen. For sets 5 and 6 nothing was changed. The floors hold what was reached.
"""

import json
from pathlib import Path

import pytest

from text_judging.ready import judge

SETS = Path(__file__).parent / "blind"


@pytest.mark.parametrize(
    ("name", "recall", "wrong"),
    [("1", 0.96, 1), ("2", 0.95, 2), ("3", 0.96, 1), ("4", 0.98, 1), ("5", 0.56, 12), ("6", 0.54, 8)],
)
def test_what_was_reached_is_kept(name: str, recall: float, wrong: int) -> None:
    rows = [json.loads(line) for line in (SETS / f"{name}.jsonl").read_text("utf-8").splitlines()]
    verdicts = [one.verdict == "danger" for one in judge().judge_many([row["text"] for row in rows])]
    found = [said for row, said in zip(rows, verdicts, strict=True) if row["label"] == "danger"]
    alarmed = [
        row["text"] for row, said in zip(rows, verdicts, strict=True) if said and row["label"] == "harmless"
    ]
    assert sum(found) / len(found) >= recall
    assert len(alarmed) <= wrong, "\n".join(alarmed)
