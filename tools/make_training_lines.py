"""Writes the lines that the shipped suspicion weights are trained on: grammar and hand, all our own words.

    python -m tools.make_training_lines > lines.jsonl
    tideng text train lines.jsonl --budget 0.03 --out src/tideng/text/weights/own-lines.weights

Every family of the knowledge files and every harmless kind has lines. A share of the dangerous ones is
disguised, so that disguise is learned as a habit of the dangerous; so are some harmless ones in ordinary ways
(full width, traditional), so that those are not. Lines by hand (`by_hand*.txt`, and the blind sets after they
had been measured) teach more than the grammar does: what they say, they say once.
"""

import itertools
import json
import random
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "lines"
BLIND: Final = Path(__file__).parent.parent / "tests/text_judging/blind"
_CHOICE: Final = re.compile(r"\[([^\]]*)\]")
HEADS: Final = ("", "", "", "您好,", "尊敬的用户,", "【通知】", "温馨提示:", "紧急:", "亲,")
TAILS: Final = ("", "", "", "。", "!", ",谢谢", ",请知悉", ",回T退订", "【客服】")
PER_LINE: Final = 9
NEIGHBOURS: Final = 20


def sections(name: str) -> dict[str, list[str]]:
    """The lines of one file by section, choices still open."""
    found: dict[str, list[str]] = {}
    section = ""
    for line in (FOLDER / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            section = line[3:].strip()
            found[section] = []
        elif line and not line.startswith("#"):
            found[section].append(line)
    return found


def spoken(line: str) -> Iterator[str]:
    """Every way to say one line."""
    pieces = _CHOICE.split(line)
    options = [piece.split("|") if place % 2 else [piece] for place, piece in enumerate(pieces)]
    for choice in itertools.product(*options):
        yield "".join(choice)


def disguised(text: str, chance: random.Random) -> str:
    """The text with marks, spaces or invisible characters inside its words."""
    mark = chance.choice([".", "*", "\u200b", " ", "-", "✦", "·"])
    return "".join(c + (mark if chance.random() < 0.3 and c >= "\u4e00" else "") for c in text)


def lines(seed: int = 20260101) -> Iterator[dict[str, str]]:
    """Every training line, in a fixed order."""
    chance = random.Random(seed)
    for name, label in (("dangerous.txt", "danger"), ("harmless.txt", "harmless")):
        for section, written in sections(name).items():
            for number, line in enumerate(written):
                ways = [*spoken(line)]
                for count in range(PER_LINE):
                    said = chance.choice(ways)
                    if count:
                        said = chance.choice(HEADS) + said + chance.choice(TAILS)
                    if label == "danger" and count == PER_LINE - 1:
                        said = disguised(said, chance)
                    yield {"text": said, "label": label, "group": f"{label}/{section}/{number}"}


def by_hand() -> Iterator[dict[str, str]]:
    """Every line that was written by hand. Neighbours make a group: they share their matter."""
    labels = {"D": "danger", "H": "harmless"}
    for file in sorted(FOLDER.glob("by_hand*.txt")):
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines()):
            if not line.startswith("#"):
                label, _, text = line.split("|", 2)
                group = f"{file.stem}/{number // NEIGHBOURS}"
                yield {"text": text, "label": labels[label], "group": group}
    for file in sorted(BLIND.glob("*.jsonl")):
        for row in map(json.loads, file.read_text(encoding="utf-8").splitlines()):
            if row["label"] in labels.values():
                yield {"text": row["text"], "label": row["label"], "group": f"blind/{row['id']}"}


if __name__ == "__main__":
    seen: set[str] = set()
    for row in itertools.chain(lines(), by_hand()):
        if row["text"] not in seen:
            seen.add(row["text"])
            sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
