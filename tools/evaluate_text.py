"""`make evaluate`: figures of the text room on development data, each with its interval, as Markdown.

    python -m tools.evaluate_text [--data ../shared/data/messages] [--quick]

Nothing of the data is kept. Folds are drawn by skeleton, so that one template is never on both sides.
"""

import argparse
import json
import math
import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from tideng.text.calibrating import folded_texts, threshold_for
from tideng.text.data_sale import read_sales
from tideng.text.judging import Judge
from tideng.text.knowledge import bundled_knowledge
from tideng.text.policies import bundled_verdict_policy
from tideng.text.ready import make_judge
from tideng.text.skeletons import skeleton
from tideng.text.suspicion import read_scorer
from tideng.text.tables import bundled_tables
from tideng.text.tables_read import Tables
from tideng.text.training import fit
from tideng.text.weights import bundled_weights

FOLDS: Final = 5
BUDGET: Final = 0.005
RATE: Final = 0.3
DRAWS: Final = (11, 12, 13, 14)
"""Seeds: every line is disguised so many times, for one draw is luck."""
Z: Final = 1.96
HELD_APART: Final = Path("tests/text_judging/held_apart.jsonl")
UNTAUGHT: Final = Path("tests/text_judging/untaught.jsonl")
VERDICTS: Final = ("danger", "verify", "needs_person")
"""Those that stop a message."""


def share(hits: int, of: int) -> str:
    """A share with its Wilson interval (95 %)."""
    if not of:
        return "–"
    p = hits / of
    middle = (p + Z * Z / (2 * of)) / (1 + Z * Z / of)
    half = Z * math.sqrt(p * (1 - p) / of + Z * Z / (4 * of * of)) / (1 + Z * Z / of)
    return f"{p:.4f} ({max(0, middle - half):.4f}–{min(1, middle + half):.4f}; {hits}/{of})"


def rows(file: Path) -> list[dict[str, Any]]:
    """Every line of a JSONL file."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def parts_by_skeleton(folded: Sequence[str], seed: int = 1) -> NDArray[np.int64]:
    """By text: its fold; texts of one skeleton are in one."""
    names: dict[str, int] = {}
    places = np.array([names.setdefault(skeleton(text), len(names)) for text in folded])
    return (np.random.default_rng(seed).permutation(len(names)) % FOLDS)[places]


def cross_validated(texts: Sequence[str], truth: NDArray[np.bool_], tables: Tables) -> NDArray[np.float64]:
    """Logits of every text by a model that has seen no text of its skeleton."""
    folded = folded_texts(texts, tables)
    part = parts_by_skeleton(folded)
    scores = np.zeros(len(folded))
    for fold in range(FOLDS):
        rest = [text for text, own in zip(folded, part, strict=True) if own != fold]
        model = fit(rest, truth[part != fold].tolist(), tables)
        here = [text for text, own in zip(folded, part, strict=True) if own == fold]
        scores[part == fold] = model.logits(here, tables)
    return scores


def limit_at(scores: NDArray[np.float64], budget: float) -> float:
    """The score that at most `budget` of these reach."""
    return float(np.sort(scores)[::-1][int(budget * len(scores))])


def average_precision(truth: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """Area under precision over recall."""
    order = np.argsort(-scores, kind="stable")
    hits = truth[order]
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return float((precision * hits).sum() / max(1, hits.sum()))


def interval(measure: Callable[[NDArray[np.int64]], float], count: int, rounds: int = 200) -> str:
    """A bootstrap interval (95 %) of a measure over resampled places."""
    chance = np.random.default_rng(3)
    values = sorted(measure(chance.integers(0, count, count)) for _ in range(rounds))
    low, high = values[int(rounds * 0.025)], values[int(rounds * 0.975)]
    return f"{measure(np.arange(count)):.3f} ({low:.3f}–{high:.3f})"


# What obfuscation does to a text, at `RATE` of its ideographs.
Disguise = Callable[[str, random.Random, Tables], str]


def _each(change: Callable[[str, random.Random], str]) -> Disguise:
    def whole(text: str, chance: random.Random, _tables: Tables) -> str:
        return "".join(change(c, chance) if c >= "\u4e00" and chance.random() < RATE else c for c in text)

    return whole


def _homophones(text: str, chance: random.Random, tables: Tables) -> str:
    if not _ALIKE:
        points = np.arange(0x4E00, 0x9FA6, dtype=np.uint32)
        for point, sound in zip(points.tolist(), tables.sounds(points).tolist(), strict=True):
            _SOUND[chr(point)] = sound
            _ALIKE.setdefault(sound, []).append(chr(point))
    changed = []
    for char in text:
        others = _ALIKE.get(_SOUND.get(char, -1), [])
        changed.append(chance.choice(others) if len(others) > 1 and chance.random() < RATE else char)
    return "".join(changed)


_ALIKE: Final[dict[int, list[str]]] = {}
_SOUND: dict[str, int] = {}


def _traditional(text: str, chance: random.Random, _tables: Tables) -> str:
    import opencc

    converter = opencc.OpenCC("s2t")
    return "".join(converter.convert(c) if chance.random() < RATE else c for c in text)


def _full_width(text: str, chance: random.Random, _tables: Tables) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" and chance.random() < RATE else c for c in text)


def _circled(text: str, chance: random.Random, _tables: Tables) -> str:
    return "".join("⓪①②③④⑤⑥⑦⑧⑨"[int(c)] if c in "0123456789" and chance.random() < RATE else c for c in text)


def _mathematical(text: str, chance: random.Random, _tables: Tables) -> str:
    def one(c: str) -> str:
        if "a" <= c <= "z":
            return chr(0x1D41A + ord(c) - 97)
        return chr(0x1D7CE + int(c)) if c in "0123456789" else c

    return "".join(one(c) if chance.random() < RATE else c for c in text)


def _pad(text: str, chance: random.Random, _tables: Tables) -> str:
    benign = ("祝您生活愉快", "天气转凉注意添衣", "感谢您的支持", "愿您一切顺利")
    return f"{chance.choice(benign)},{text},{chance.choice(benign)}"


def _combo(text: str, chance: random.Random, tables: Tables) -> str:
    for kind in ("invisible", "symbols", "traditional"):
        text = DISGUISES[kind](text, chance, tables)
    return text


DISGUISES: Final[dict[str, Disguise]] = {
    "zero width": _each(lambda c, _: c + "\u200b"),
    "invisible": _each(lambda c, chance: c + chance.choice("\u200b\u200d\u2060\ufeff\u00ad")),
    "symbols": _each(lambda c, chance: c + chance.choice("*.·-_|~^")),
    "spaces": _each(lambda c, _: c + " "),
    "emoji": _each(lambda c, chance: c + chance.choice("❤✨🔥💰🎁")),
    "punctuation": _each(lambda c, _: c + "、"),
    "bidi marks": _each(lambda c, chance: c + chance.choice("\u202a\u202c\u200e\u200f")),
    "combining": _each(lambda c, _: c + "\u0336"),
    "traditional": _traditional,
    "full width": _full_width,
    "circled digits": _circled,
    "mathematical": _mathematical,
    "padding": _pad,
    "combination": _combo,
    "homophones": _homophones,
    "dropping": _each(lambda _c, _: ""),
}


def findings_alone(judge: Judge, say: Callable[[str], None]) -> None:
    """On lines held apart from the rules, and the same lines disguised."""
    held = rows(HELD_APART)
    judged = judge.judge_many([row["text"] for row in held])
    pairs = [(row, one.verdict == "danger") for row, one in zip(held, judged, strict=True)]
    danger = [found for row, found in pairs if row["expect"] == "danger"]
    false = [row for row, found in pairs if row["expect"] == "harmless" and found]
    harmless = sum(row["expect"] == "harmless" for row in held)
    say("\n## Findings alone, on lines held apart\n")
    say(f"- danger recall {share(sum(danger), len(danger))}")
    say(f"- precision {share(sum(danger), sum(danger) + len(false))}")
    say(f"- harmless called dangerous {share(len(false), harmless)}")
    say(
        "\n## Recall when disguised (30 % of characters)\n\n| kind | recall | drop in points |\n|---|---|---|"
    )
    texts = [row["text"] for row in held if row["expect"] == "danger" and row["about"] != "obf"]
    clean = sum(one.verdict == "danger" for one in judge.judge_many(texts)) / len(texts)
    drops = []
    for name, disguise in DISGUISES.items():
        drawn = [random.Random(seed) for seed in DRAWS]
        changed = judge.judge_many(
            [disguise(t, chance, judge.reader.tables) for chance in drawn for t in texts]
        )
        hits = sum(one.verdict == "danger" for one in changed)
        drop = 100 * (clean - hits / len(changed))
        if name not in ("homophones", "dropping"):
            drops.append(drop)
        say(f"| {name} | {share(hits, len(changed))} | {drop:.1f} |")
    mean = sum(drops) / len(drops)
    say(f"\nMean drop over {len(drops)} kinds (homophones and dropping apart): {mean:.2f} points")


def fake_base_stations(judge: Judge, data: Path, say: Callable[[str], None]) -> None:
    """Fraud and illegal against advertisements: findings, and the trainable score by template-disjoint CV."""
    found = [row for row in rows(data / "fbs/dev.jsonl") if row["label"][:2] in ("FR", "IL", "AD")]
    texts = [row["text"] for row in found]
    truth = np.array([row["label"][:2] in ("FR", "IL") for row in found])
    verdicts = np.array([one.verdict == "danger" for one in judge.judge_many(texts)])
    say("\n## Fake base stations: fraud and illegal against advertisements\n")
    say(f"- findings alone: recall {share(int((verdicts & truth).sum()), int(truth.sum()))}, ")
    wrong = int((verdicts & ~truth).sum())
    say(f"  called dangerous among advertisements {share(wrong, int((~truth).sum()))}")
    scores = cross_validated(texts, truth, judge.reader.tables)
    limit = limit_at(scores[~truth], BUDGET)
    hits = int((scores[truth] > limit).sum())
    say(f"- trainable score, recall at {BUDGET:.1%} false alarms: {share(hits, int(truth.sum()))}")


def leave_one_out(judge: Judge, data: Path, say: Callable[[str], None]) -> None:
    """False alarms on a corpus that the threshold has not seen."""
    tables = judge.reader.tables
    fbs = [row for row in rows(data / "fbs/dev.jsonl") if row["label"][:2] in ("FR", "IL", "AD")]
    other = [row["text"] for row in rows(data / "sms80w_10k/dev.jsonl") if row["label"] == "not_spam"]
    own = rows(HELD_APART)
    truth = [row["label"][:2] in ("FR", "IL") for row in fbs]
    texts = folded_texts([row["text"] for row in fbs], tables)
    harmless = folded_texts([row["text"] for row in own if row["expect"] == "harmless"], tables)
    # The operator's own normals (here: ours) are in the training, the strange corpus is not.
    model = fit([*texts, *harmless], [*truth, *[False] * len(harmless)], tables)
    usual = [text for text, bad in zip(texts, truth, strict=True) if not bad]
    limit = limit_at(model.logits([*usual, *harmless], tables), BUDGET)
    folded = folded_texts(other, tables)
    strange = model.logits(folded, tables)
    raised = judge.judge_many(other)
    shipped = read_scorer(bundled_weights(), tables)
    advertised = folded_texts([row["text"] for row in fbs if row["label"].startswith("AD")], tables)
    lifted = [shipped.scores(some) >= shipped.threshold for some in (folded, advertised)]
    say("\n## A corpus that was left out (microblogs and news)\n")
    say(f"- score, threshold at {BUDGET:.1%} elsewhere: {share(int((strange > limit).sum()), len(other))}")
    known = cross_validated([row["text"] for row in fbs], np.array(truth), tables)[np.array(truth)]
    say(calibrated_elsewhere(folded, strange, known))
    for name, over in zip(("microblogs", "advertisements"), lifted, strict=True):
        say(f"- shipped score, its own threshold, on {name}: {share(int(over.sum()), len(over))}")
    say(f"- findings alone called dangerous: {share(sum(r.verdict == 'danger' for r in raised), len(other))}")


def calibrated_elsewhere(
    folded: Sequence[str], normal: NDArray[np.float64], fraud: NDArray[np.float64]
) -> str:
    """The same model with its threshold set on a fifth of the strange corpus, tried on the other four fifths.

    What `tideng text calibrate` does. Fifths are drawn by skeleton: no template is on both sides.
    """
    part = parts_by_skeleton(folded)
    over, hits = 0, 0
    for fold in range(FOLDS):
        limit = threshold_for(normal[part == fold], BUDGET)
        over += int((normal[part != fold] >= limit).sum())
        hits += int((fraud >= limit).sum())
    return (
        f"- … set on a fifth of the strange corpus ({len(normal) // FOLDS} texts), tried on the rest: "
        f"{share(over, len(normal) * (FOLDS - 1))}; recall on fraud of the corpus it learned from then "
        f"{share(hits, len(fraud) * FOLDS)} (the same texts counted {FOLDS} times: intervals too narrow)"
    )


def data_sale(judge: Judge, data: Path, say: Callable[[str], None]) -> None:
    """Posts that sell data: without training, and trained on one platform and tried on the other."""
    found = rows(data / "posts/dev.jsonl")
    texts = [row["text"] for row in found]
    truth = np.array(["Data Theft" in row["label"] or "data_leak" in row["label"] for row in found])
    source = np.array([row["source"] for row in found])
    points = np.array([sale.points for sale in read_sales(judge, texts)])
    tables = judge.reader.tables
    folded = folded_texts(texts, tables)
    say("\n## Posts that sell personal data: average precision\n")
    for name in ("rsp_telegram", "pip_twitter"):
        here = np.flatnonzero(source == name)
        rest = np.flatnonzero(source != name)
        model = fit([folded[i] for i in rest.tolist()], truth[rest].tolist(), tables)
        logits = model.logits([folded[i] for i in here.tolist()], tables)
        both = points[here] + logits

        def ap(scores: NDArray[np.float64], here: NDArray[np.int64] = here) -> str:
            return interval(lambda at: average_precision(truth[here][at], scores[at]), len(here))

        say(f"- {name}: slots alone {ap(points[here])}; trained on the other {ap(logits)}; both {ap(both)}")


def untaught(judge: Judge, say: Callable[[str], None]) -> None:
    """On messages by other hands that neither a phrase nor the shipped score has learnt from."""
    kept = rows(UNTAUGHT)
    scorer = read_scorer(bundled_weights(), judge.reader.tables)
    texts = [row["text"] for row in kept]
    is_danger = np.array([row["label"] == "danger" for row in kept])
    judged = msgspec.structs.replace(judge, suspicion=scorer).judge_many(texts)
    say("\n## Messages that nothing has learnt from\n")
    for name, verdicts in (("called dangerous", VERDICTS[:1]), ("stopped, by findings or score", VERDICTS)):
        hits = np.array([one.verdict in verdicts for one in judged])
        for whom, those in (("dangers", hits[is_danger]), ("harmless ones", hits[~is_danger])):
            say(f"- {whom} {name}: {share(int(those.sum()), len(those))}")
    scores = scorer.scores(folded_texts(texts, judge.reader.tables))
    for budget in (0.01, 0.03):
        above = scores[is_danger] > limit_at(scores[~is_danger], budget)
        found = share(int(above.sum()), len(above))
        say(f"- dangers by the score alone, at {budget:.0%} of the harmless: {found}")

    def area(places: NDArray[np.int64]) -> float:
        """Of a danger and a harmless message, how often the danger has the higher score."""
        truth, own = is_danger[places], scores[places]
        ranks = np.argsort(np.argsort(own, kind="stable"), kind="stable")[truth]
        count = int(truth.sum())
        return float((ranks.sum() - count * (count - 1) / 2) / (count * (len(truth) - count)))

    say(f"- area under the score's curve {interval(area, len(kept))}")


def main() -> None:
    """Write every figure to standard output."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=Path, default=Path("../shared/data/messages"))
    arguments.add_argument("--quick", action="store_true", help="nothing is trained, no corpus read")
    given = arguments.parse_args()
    judge = make_judge(bundled_tables(), bundled_knowledge(), bundled_verdict_policy())

    def say(line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    say("# Figures of the text room\n")
    say(
        f"knowledge {judge.reader.book.hash[:12]}, policy {judge.policy.version}; 95 % intervals in brackets."
    )
    findings_alone(judge, say)
    untaught(judge, say)
    if given.quick:
        return
    if not given.data.is_dir():
        say(f"\n{given.data} is not here: the corpora are not part of the package; name them with --data")
        return
    fake_base_stations(judge, given.data, say)
    leave_one_out(judge, given.data, say)
    data_sale(judge, given.data, say)


if __name__ == "__main__":
    main()
