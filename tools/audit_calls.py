"""The shortcut audit: `python -m tools.audit_calls FOLDER`. What is lost without each kind of evidence.

A kind that carries most of the evidence, or whose loss costs nearly everything, may be a habit of the
simulator and not of boxes: it has to be justified by a case. Trained and judged on dev worlds; the held-out
family is never touched. Eleven trainings, about twenty minutes.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from tools.train_calls import learnt

from tideng.calls.detector.evidence import Scorer
from tideng.calls.detector.training import GROUPS, Lesson, line_peaks, train

PER_MILLION: Final = 10.0
"""False alarms per million line-days at which models are compared."""
JUDGED: Final = 24
"""Worlds they are compared on: seeds from 3000, on which nothing was trained or set."""


def judged(scorer: Scorer, worlds: Sequence[Lesson]) -> tuple[float, float, float]:
    """Share of boxes found, median and 95th percentile of the calls they had placed by then."""
    firsts, boxes = [], 0
    scores = [scorer.scores(world.rows) for world in worlds]
    peaks = np.concatenate([line_peaks(world, score) for world, score in zip(worlds, scores, strict=True)])
    level = np.sort(peaks)[::-1][int(PER_MILLION * sum(world.line_days for world in worlds) / 1e6)]
    for world, score in zip(worlds, scores, strict=True):
        boxes += len(np.unique(world.line[world.by_box]))
        hit = np.flatnonzero(world.by_box & (score > level))
        _, first = np.unique(world.line[hit], return_index=True)
        firsts.append(world.nth[hit[first]])
    calls = np.concatenate(firsts)
    return len(calls) / boxes, float(np.median(calls)), float(np.quantile(calls, 0.95))


def evidence_shares(scorer: Scorer, worlds: Sequence[Lesson]) -> dict[str, float]:
    """By kind: its share of all evidence for a box, over the boxes' own first 25 calls."""
    total = np.zeros(len(scorer.groups))
    for world in worlds:
        early = world.by_box & (world.nth <= 25)
        total += np.maximum(scorer.of(world.rows[early]), 0).sum(axis=0)
    return dict(zip(scorer.groups, (total / total.sum()).tolist(), strict=True))


def main(arguments: list[str]) -> int:
    """Train with everything and without each kind; print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    chosen = parser.parse_args(arguments)
    chosen.folder.mkdir(parents=True, exist_ok=True)
    learn = [learnt(chosen.folder, 1000 + i) for i in range(24)]
    back = [learnt(chosen.folder, 2000 + i) for i in range(7)]
    worlds = [learnt(chosen.folder, 3000 + i) for i in range(JUDGED)]
    shares: dict[str, float] = {}
    sys.stdout.write(
        "| without | share of all evidence | boxes found | calls, median / p95 |\n|---|---|---|---|\n"
    )
    for group in ("", *GROUPS):
        without = (group,) if group else ()
        raw = train(learn, back, version="audit", promised=10.0, promised_suspend=1.0, without=without)
        scorer = Scorer(raw)
        shares = shares or evidence_shares(scorer, worlds)
        found, median, late = judged(scorer, worlds)
        share = f"{shares[group]:.0%}" if group else ""
        name = group or "(nothing left out)"
        sys.stdout.write(f"| {name} | {share} | {found:.1%} | {median:.0f} / {late:.0f} |\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
