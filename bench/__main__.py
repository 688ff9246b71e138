"""`python -m bench`: measure the gateway as its customers and carriers meet it."""

import argparse
import os
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.console import Console

from bench import peers, smsbench
from bench.gateway import GatewayProcess
from bench.machine import load_average, machine
from bench.scenarios import QUICK, ROUNDS, Bench, Round, Sizes, median
from bench.table import Figures, as_json, show

OUT: Final = Path(__file__).resolve().parents[1] / "bench-out"


def main() -> int:
    """0, or 1 if anything that was acknowledged is lost."""
    asked = _arguments()
    console = Console()
    OUT.mkdir(exist_ok=True)
    # Not the system's temporary folder: where that is memory, a sync would cost nothing and prove nothing.
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=OUT))
    try:
        binary = smsbench.build(folder)
        figures = run(folder, binary, QUICK if asked.quick else Sizes(), console)
        if asked.peers:
            figures.peers = peers.measure(binary, folder, 5_000 if asked.quick else 20_000)
    except smsbench.NoSmsbench as error:
        console.print(f"[red]cannot measure:[/] {error}")
        return 2
    finally:
        smsbench.end_all()
        if not asked.keep:
            shutil.rmtree(folder, ignore_errors=True)
    show(figures, console)
    (OUT / "latest.json").write_bytes(as_json(figures))
    if asked.json:
        asked.json.write_bytes(as_json(figures))
    return 1 if figures.lost else 0


def run(folder: Path, binary: Path, sizes: Sizes, console: Console) -> Figures:
    """The whole programme: throughput in turns, latency, HTTP, memory, kill, profile."""
    loads = [load_average()]
    described = machine(folder)
    gateway = GatewayProcess(folder / "gateway")
    gateway.prepare()
    bench = Bench(folder, binary, gateway, sizes, first=0)
    plain: list[Round] = []
    reported: list[Round] = []
    posted: list[Round] = []
    try:
        console.print("warming up")
        bench.smpp(sizes.warm_up, reports=True)
        for number in range(1, ROUNDS + 1):
            console.print(f"round {number} of {ROUNDS}: SMPP without reports, with reports, HTTP")
            plain.append(bench.smpp(sizes.round, reports=False))
            reported.append(bench.smpp(sizes.round, reports=True))
            posted.append(bench.http(sizes.round))
            loads.append(load_average())
        half = median(reported, "delivered_per_s") / 2
        console.print(f"latency at half load, {half:,.0f}/s")
        paced = [bench.paced(half, reports=True) for _ in range(ROUNDS)]
        console.print(f"memory: {sizes.memory:,} messages with reports in one process")
        with_much = bench.smpp(sizes.memory, reports=True)
        figures = Figures(
            date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            machine=described,
            load_averages=loads,
            plain=plain,
            with_reports=reported,
            paced_per_s=half,
            paced=paced,
            http=posted,
            rss_mb=gateway.usage().rss_bytes / 1e6,
            messages=sizes.memory,
            long=with_much,
        )
        console.print("kill -9 under load")
        figures.killed = bench.kill()
    finally:
        gateway.end()
    console.print("where the CPU goes")
    samples = folder / "samples.json"
    sampled = GatewayProcess(folder / "sampled", samples=samples)
    sampled.prepare()
    try:
        under = Bench(folder, binary, sampled, sizes, first=0)
        figures.profile = under.profile(samples, sizes.round)
    finally:
        sampled.end()
    loads.append(load_average())
    return figures


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small rounds: to try the harness out")
    parser.add_argument(
        "--peers",
        action="store_true",
        default=os.environ.get("PEERS", "") not in ("", "0"),
        help="also measure Kannel and Jasmin where installed (make bench PEERS=1)",
    )
    parser.add_argument("--json", type=Path, help="write every round to this file")
    parser.add_argument("--keep", action="store_true", help="keep the run's folder, data and logs")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
