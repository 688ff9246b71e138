"""`make evaluate-calls`: judge the shipped detector on held-out worlds and write the report as one HTML page.

    python -m tools.evaluate_calls [--worlds 20] [--lines 6000] [--out build/calls-evaluation.html]

Held-out worlds come from other code and other constants than those the detector was trained on. Nothing here
is ever fed back into the shipped model.
"""

import argparse
import sys
import time
from html import escape
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from tideng.calls.detector.detecting import detect
from tideng.calls.detector.evidence import Scorer
from tideng.calls.detector.shipped import shipped_model
from tideng.calls.evaluating import Found, WorldResult, judge, poisson_interval
from tideng.calls.worlds.export import as_calls
from tideng.calls.worlds.making import make
from tideng.documents import charts
from tideng.documents.standalone import page

ZONE_S: Final = 28_800
BOX_SHARE: Final = 0.006
STRICTNESS: Final = (-1.5, -0.75, 0.0, 0.75, 1.5)


def one_world(seed: int, lines: int, scorer: Scorer, strictness: float = 0.0) -> WorldResult:
    """Make a held-out world and judge the detector on it."""
    rng = np.random.default_rng([seed, 77])
    days, quiet = int(rng.integers(14, 36)), int(rng.integers(3, 10))
    world = make("held", seed, lines=lines, days=days, boxes=max(4, int(lines * BOX_SHARE)), quiet_days=quiet)
    calls, by_box = as_calls(world)
    alarms, threshold = detect(calls, scorer, zone_s=ZONE_S, strictness=strictness)
    return judge(world, calls, by_box, alarms, threshold.shift)


def quantiles(found: list[Found]) -> str:
    """Share found, calls and minutes to the alarm."""
    hit = [one for one in found if one.is_found]
    if not hit:
        return f"0 of {len(found)}</td><td>–</td><td>–</td><td>–</td><td>–"
    calls = np.array([one.calls for one in hit])
    minutes = np.array([one.minutes for one in hit])
    return (
        f"{len(hit)} of {len(found)} ({len(hit) / len(found):.0%})</td><td>{np.median(calls):.0f}</td>"
        f"<td>{np.quantile(calls, 0.95):.0f}</td><td>{np.median(minutes):.0f}</td>"
        f"<td>{np.quantile(minutes, 0.95):.0f}"
    )


def _hits(result: WorldResult) -> int:
    return sum(one.is_found for one in result.found)


def report(results: list[WorldResult], scorer: Scorer, seconds: float) -> str:
    """The page."""
    days = sum(result.line_days for result in results)
    alarms = sum(result.false_alarms for result in results)
    suspended = sum(result.false_suspensions for result in results)
    low, high = poisson_interval(alarms)
    promised = scorer.model.promised
    found = [one for result in results for one in result.found]
    kept = [r for r in results if r.per_million <= 1.25 * promised]
    kinds = sorted({one.kind for one in found})
    rows = "".join(
        f"<tr><td>{escape(kind)}</td><td>{quantiles([one for one in found if one.kind == kind])}</td></tr>"
        for kind in kinds
    )
    worlds = "".join(
        f"<tr><td>{escape(r.world)}</td><td>{r.line_days:,}</td><td>{_hits(r)}/{len(r.found)}</td>"
        f"<td>{r.false_alarms}</td><td>{r.per_million:.1f}</td><td>{r.shift:+.2f}</td></tr>"
        for r in results
    )
    totals: dict[str, int] = {}
    for result in results:
        for name, count in result.false_kinds.items():
            totals[name] = totals.get(name, 0) + count
    by_kind = ", ".join(f"{k} {v}" for k, v in sorted(totals.items(), key=lambda kv: -kv[1]))
    bars = charts.bars(
        [charts.Bar(k, sum(f.is_found for f in found if f.kind == k) / max(1, sum(f.kind == k for f in
        found))) for k in kinds],
        title="Share of boxes found", description="By how the box works, all held-out worlds together",
    )  # fmt: skip
    hits = sorted(one.calls for one in found if one.is_found)
    curve = [(float(n), sum(h <= n for h in hits) / max(1, len(found))) for n in range(61)]
    line = charts.lines(
        [charts.Line("boxes found", curve)], title="Boxes found within so many calls",
        x_name="calls the box had placed", y_name="share",
    )  # fmt: skip
    within = sum(0 <= one.suspended_calls <= 12 for one in found) / max(1, len(found))
    body = (
        f"<h1>Calls: evaluation on {len(results)} held-out worlds</h1>"
        f"<p>Model {escape(scorer.name)}; {days:,} line-days; {len(found)} boxes; {seconds:.0f} s.</p>"
        f"<p class=note>Simulated towns only. No real landline records with boxes were available; "
        "these figures say how the detector does on worlds made by other code than it was trained on, no "
        "more.</p>"
        f"<h2>False alarms</h2><p>{alarms} lines = {alarms / days * 1e6:.1f} per million line-days "
        f"(95 % exact Poisson: {low / days * 1e6:.1f} to {high / days * 1e6:.1f}); promised {promised:g}. "
        f"{len(kept)} of {len(results)} worlds within 1.25 times the promise. "
        f"Worst decile of worlds: {np.quantile([r.per_million for r in results], 0.9):.1f}. "
        f"Suspension tier: {suspended} = {suspended / days * 1e6:.2f} per million.</p>"
        f"<p>By kind of line: {escape(by_kind)}</p>"
        "<h2>Boxes</h2><div class=scroll><table><tr><th>kind<th>found<th>calls, median<th>calls, "
        "p95<th>minutes, median"
        f"<th>minutes, p95</tr>{rows}<tr><td>all</td><td>{quantiles(found)}</td></tr></table></div>"
        f"<p>Suspension tier within 12 calls: {within:.0%}.</p>{bars}{line}"
        "<h2>Worlds</h2><div class=scroll><table><tr><th>world<th>line-days<th>found<th>false<th>per "
        "million<th>threshold moved"
        f"</tr>{worlds}</table></div>"
    )
    return page(title="Calls: evaluation", body=body, language="en")


def main(arguments: list[str]) -> int:
    """Judge, write, and print the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=20)
    parser.add_argument("--lines", type=int, default=6_000)
    parser.add_argument("--first", type=int, default=9_000)
    parser.add_argument("--strictness", type=float, default=0.0)
    parser.add_argument("--out", type=Path, default=Path("build/calls-evaluation.html"))
    chosen = parser.parse_args(arguments)
    scorer = Scorer(shipped_model())
    begun = time.monotonic()
    results = []
    for seed in range(chosen.first, chosen.first + chosen.worlds):
        result = one_world(seed, chosen.lines, scorer, chosen.strictness)
        results.append(result)
        hit = [f for f in result.found if f.is_found]
        sys.stdout.write(
            f"{result.world}: {len(hit)}/{len(result.found)} boxes, median "
            f"{np.median([f.calls for f in hit] or [0]):.0f} calls, "
            f"{result.false_alarms} false = {result.per_million:.1f}/M, moved {result.shift:+.2f} "
            f"{result.false_kinds}\n"
        )
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text(report(results, scorer, time.monotonic() - begun), "utf-8")
    chosen.out.with_suffix(".json").write_bytes(msgspec.json.encode(results))
    sys.stdout.write(f"written to {chosen.out}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
