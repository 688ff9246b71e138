"""`make evaluate-calls`: judge the shipped detector on held-out worlds and write the report as one HTML page.

    python -m tools.evaluate_calls [--worlds 20] [--lines 6000] [--out build/calls-evaluation.html]

Held-out worlds come from other code and other constants than those the detector was trained on. Nothing here
is ever fed back into the shipped model.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from tools.calls_report import reached, report

from tideng.calls.detector.calibrating import calibrate
from tideng.calls.detector.detecting import cross, score_calls
from tideng.calls.detector.evidence import Scorer
from tideng.calls.detector.lines import LineStates
from tideng.calls.detector.shipped import shipped_model
from tideng.calls.evaluating import WorldResult, judge
from tideng.calls.worlds.export import as_calls
from tideng.calls.worlds.making import make

ZONE_S: Final = 28_800
BOX_SHARE: Final = 0.006
STRICTNESS: Final = (-2.0, -1.4, -0.7, 0.0, 0.7, 1.4)
"""Where the curve is drawn; scoring takes the time, not these."""


def one_world(
    seed: int, lines: int, scorer: Scorer, steps: Sequence[float] = (0.0,)
) -> dict[float, WorldResult]:
    """Make a held-out world, score its calls once and judge the alarms at each strictness of `steps`."""
    rng = np.random.default_rng([seed, 77])
    days, quiet = int(rng.integers(14, 36)), int(rng.integers(3, 10))
    world = make("held", seed, lines=lines, days=days, boxes=max(4, int(lines * BOX_SHARE)), quiet_days=quiet)
    calls, by_box = as_calls(world)
    scored = score_calls(calls, LineStates(len(calls.lines), zone_s=ZONE_S), scorer)
    usual = calibrate(calls, scored.line, scored.score, scorer.model, zone_s=ZONE_S)
    return {
        step: judge(world, calls, by_box, [*cross(calls, scored, scorer, usual.moved(step))], usual.shift)
        for step in steps
    }


def main(arguments: list[str]) -> int:
    """Judge, write, and print the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=20)
    parser.add_argument("--lines", type=int, default=6_000)
    parser.add_argument("--first", type=int, default=9_000)
    parser.add_argument("--strictness", type=float, default=0.0)
    parser.add_argument("--out", type=Path, default=Path("build/calls-evaluation.html"))
    chosen = parser.parse_args(arguments)
    if chosen.worlds < 1:
        parser.error(f"--worlds is {chosen.worlds}; give 1 or more")
    scorer = Scorer(shipped_model())
    begun = time.monotonic()
    steps = sorted({*STRICTNESS, chosen.strictness})
    by: dict[float, list[WorldResult]] = {step: [] for step in steps}
    for seed in range(chosen.first, chosen.first + chosen.worlds):
        for step, result in one_world(seed, chosen.lines, scorer, steps).items():
            by[step].append(result)
        result = by[chosen.strictness][-1]
        hit = [f for f in result.found if f.is_found]
        sys.stdout.write(
            f"{result.world}: {len(hit)}/{len(result.found)} boxes, median "
            f"{np.median([f.calls for f in hit] or [0]):.0f} calls, "
            f"{result.false_alarms} false = {result.per_million:.1f}/M, moved {result.shift:+.2f} "
            f"{result.false_kinds}\n"
        )
        sys.stdout.flush()
    for what, figure, aim in reached(by[chosen.strictness], scorer.model):
        sys.stdout.write(f"{what}: {figure}{f'; aim {aim}' if aim else ''}\n")
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    took = time.monotonic() - begun
    chosen.out.write_text(report(by, chosen.strictness, scorer.model, scorer.name, took), "utf-8")
    chosen.out.with_suffix(".json").write_bytes(msgspec.json.encode({f"{s:+g}": by[s] for s in steps}))
    sys.stdout.write(f"written to {chosen.out}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
