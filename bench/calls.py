"""`python -m bench.calls`: how fast call records stream and are counted, and how much memory a line needs.

python -m bench.calls [--lines 20000] [--days 14] [--batch-records 2000000]
"""

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tideng.calls.detector import layout
from tideng.calls.detector.detecting import score_calls
from tideng.calls.detector.evidence import Scorer
from tideng.calls.detector.lines import LineStates
from tideng.calls.detector.shipped import shipped_model
from tideng.calls.features.batch import write
from tideng.calls.worlds.export import as_calls
from tideng.calls.worlds.export import write as write_world
from tideng.calls.worlds.making import make


def streaming(lines: int, days: int) -> None:
    """Records a second on one core, features and evidence included, in batches of 1,000 and of 200,000."""
    calls, _ = as_calls(make("dev", 42, lines=lines, days=days, boxes=20))
    scorer = Scorer(shipped_model())
    score_calls(calls.piece(0, 1_000), LineStates(len(calls.lines), zone_s=28_800), scorer)
    for batch in (1_000, 200_000):
        states = LineStates(len(calls.lines), zone_s=28_800)
        begun = time.process_time()
        for first in range(0, len(calls.start), batch):
            score_calls(calls.piece(first, first + batch), states, scorer)
        took = time.process_time() - begun
        print(
            f"streaming, batches of {batch:,}: {len(calls.start) / took:,.0f} records/s of CPU "
            f"({len(calls.start):,} records)"
        )
    per_line = states.bytes_held / len(calls.lines)
    print(
        f"state: {states.bytes_held / 1e6:,.0f} MB for {len(calls.lines):,} lines ({per_line:,.0f} B a "
        f"line, tables' slack included)"
    )
    fixed = layout.WIDTH * 4 + layout.T_WIDTH * 8
    print(
        f"5 million quiet lines with 30 numbers each: {5e6 * (fixed + 30 * 10 / 0.6) / 2**30:.2f} GiB "
        f"(pairs at 60 % load)"
    )


def batch(records: int) -> None:
    """DuckDB's line-days, Parquet to Parquet, two threads."""
    lines = 20_000
    world = make("dev", 43, lines=lines, days=14, boxes=20)
    copies = max(1, records // len(world.start))
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for copy in range(copies):
            path = Path(folder) / f"c{copy}.parquet"
            write_world(world, path)
            if copy:
                table = pq.read_table(path)
                moved = np.char.add(np.array(table["caller"].to_pylist(), str), f"{copy:02d}")
                pq.write_table(table.set_column(0, "caller", pa.array(moved)), path)
            paths.append(path)
        begun = time.monotonic()
        rows = write(paths, Path(folder) / "out")
        took = time.monotonic() - begun
    total = copies * len(world.start)
    print(
        f"batch features: {total:,} records to {rows:,} line-days in {took:.1f} s = "
        f"{total / took / 1e6:.2f} M records/s"
    )
    print(
        f"peak memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB"
    )


def main(arguments: list[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=20_000)
    parser.add_argument("--days", type=int, default=14)
    parser.add_argument("--batch-records", type=int, default=2_000_000)
    chosen = parser.parse_args(arguments)
    streaming(chosen.lines, chosen.days)
    if chosen.batch_records:
        batch(chosen.batch_records)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
