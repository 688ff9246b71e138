"""`python -m bench.evidence`: the figures of the evidence: seal, prove, export, verify, bundle, memory.

Each figure is measured on a disk (never on a memory file system) and printed with what it must reach.
"""

import argparse
import asyncio
import os
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Struct
from rich.console import Console
from rich.table import Table

from bench.machine import load_average, machine
from tideng.evidence import merkle
from tideng.evidence.entries import encode_entry
from tideng.evidence.merkle import leaf_hash
from tideng.evidence.publication import export
from tideng.evidence.sqlite import SCHEMA, SqliteLedger
from tideng.evidence.stored import StoredLedger, verify_file
from tideng.evidence.tiles import TileEdge, TileHashes
from tideng.gateway.intake import ENTROPY_OCTETS, body_of, decision_entry, outbound_of
from tideng.gateway.messages import Submission
from tideng.gateway.review.values import Verdict
from tideng.gateway.store.bodies import seal_body
from tideng.storage.bulk import BulkInsert
from tideng.storage.migrations import Migration
from tideng.storage.sqlite import Writer, wall_clock_us

OUT: Final = Path(__file__).resolve().parents[1] / "bench-out"
ORIGIN: Final = "bench.example/ledger"
KEY: Final = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
BATCH: Final = 512
BODIES: Final = (
    Migration(1, "CREATE TABLE body (idx INTEGER PRIMARY KEY, subject TEXT NOT NULL, sealed BLOB NOT NULL);"),
)
_bodies: Final = BulkInsert("body", ("idx", "subject", "sealed"), blobs=("sealed",))


class Figure(Struct, frozen=True):
    """One measured value and what the issue asks for."""

    name: str
    value: float
    unit: str
    target: str
    is_met: bool


@contextmanager
def opened(path: Path) -> Iterator[tuple[Writer, SqliteLedger]]:
    with Writer(path, schema={"evidence": SCHEMA, "bodies": BODIES}) as writer:
        ledger = SqliteLedger(writer, origin=ORIGIN, key=KEY, clock=wall_clock_us)
        try:
            yield writer, ledger
        finally:
            ledger.close()


def decisions(count: int, start: int, at: int) -> tuple[list[bytes], list[tuple[str, bytes]]]:
    """Decision records by the gateway's own code: three commitments, canonical bytes, a sealed body."""
    leaves, bodies = [], []
    for n in range(start, start + count):
        number = f"8613{n:09d}"
        text = f"【提灯图书馆】您预约的第{n}本书已到馆,请凭证领取。退订回T"
        submission = Submission(
            id=n, customer="library", recipient=number, text=text, received_at=at, session="smpp:lib:1",
            peer="10.0.0.1", auth="password", raw=b"\0" * 36 + number.encode() + text.encode("utf-16-be"),
        )  # fmt: skip
        verdict = Verdict(
            message=n, action="send", policy="ab" * 32, recipient=number, text=text,
            code_number="106900990003",
            signature="提灯图书馆", principal="library", category="notice", classified_by="text",
            registry=("code_number:106900990003@1", "customer:library@1", "mandate:m1@1"),
        )  # fmt: skip
        outbound = outbound_of(submission, verdict, 172_800_000_000)
        body, nonce = body_of(submission, verdict, outbound, os.urandom(ENTROPY_OCTETS))
        leaves.append(encode_entry(decision_entry(submission, verdict, body, at=at, as_of=n)))
        bodies.append((number, seal_body(os.urandom(32), n, body, nonce)))
    return leaves, bodies


def sealing(folder: Path, seconds: float) -> Iterator[Figure]:
    """Throughput with everything in the loop, then latency at half of the target."""
    with opened(folder / "sealing.db") as (writer, ledger):

        def one(count: int, start: int) -> "object":
            leaves, bodies = decisions(count, start, ledger.now())

            def job(conn: "object") -> int:
                first = ledger.append_in(conn, leaves)  # type: ignore[arg-type] # a connection
                rows = [(first + i, subject, sealed) for i, (subject, sealed) in enumerate(bodies)]
                _bodies.insert(conn, rows)  # type: ignore[arg-type]
                return first

            return writer.submit(job)

        done, begun, waiting = 0, time.perf_counter(), []
        while time.perf_counter() - begun < seconds:
            waiting.append(one(BATCH, done))
            done += BATCH
            if len(waiting) >= 3:
                waiting.pop(0).result()  # type: ignore[attr-defined] # a future
        for future in waiting:
            future.result()  # type: ignore[attr-defined]
        rate = done / (time.perf_counter() - begun)
        yield Figure("records sealed and synced", rate, "/s", "≥ 10,000", rate >= 10_000)
        p50, p99 = asyncio.run(_paced(writer, ledger, 5_000, seconds))
        yield Figure("ack p50 at 5,000/s", p50, "ms", "", True)
        yield Figure("ack p99 at 5,000/s", p99, "ms", "< 50", p99 < 50)


async def _paced(writer: Writer, ledger: SqliteLedger, rate: int, seconds: float) -> tuple[float, float]:
    """Open loop: a small batch every few milliseconds, whether the last one was answered or not."""
    each, latencies, tasks = 25, [], set()
    start = begun = time.perf_counter()
    sent = 10_000_000

    async def submit(first: int) -> None:
        asked = time.perf_counter()
        leaves, bodies = decisions(each, first, ledger.now())

        def job(conn: "object") -> None:
            index = ledger.append_in(conn, leaves)  # type: ignore[arg-type]
            _bodies.insert(conn, [(index + i, s, c) for i, (s, c) in enumerate(bodies)])  # type: ignore[arg-type]

        await writer.run(job)
        latencies.append(time.perf_counter() - asked)

    while time.perf_counter() - begun < seconds:
        task = asyncio.create_task(submit(sent))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        sent += each
        start += each / rate
        await asyncio.sleep(max(0.0, start - time.perf_counter()))
    await asyncio.gather(*tasks)
    latencies.sort()
    return statistics.median(latencies) * 1e3, latencies[int(len(latencies) * 0.99)] * 1e3


def proving(size: int) -> Iterator[Figure]:
    """Inclusion proofs at ten million entries, from tiles as they lie in the database."""
    edge = TileEdge()
    tiles = {}
    for start in range(0, size, 65_536):
        stop = min(size, start + 65_536)
        hashes = [leaf_hash(b"%d" % n) for n in range(start, stop)]
        tiles.update({(t.level, t.n): t.hashes for t in edge.extend(hashes)})
    tiles.update({(t.level, t.n): t.hashes for t in edge.partial()})
    times = []
    for index in range(7, size, size // 200):
        begun = time.perf_counter()
        merkle.inclusion_proof(index, size, TileHashes(lambda level, n: tiles.get((level, n))))
        times.append((time.perf_counter() - begun) * 1e3)
    value = statistics.median(times)
    yield Figure(f"inclusion proof at {size:,} entries", value, "ms", "< 1", value < 1)


def publishing(folder: Path, size: int) -> Iterator[Figure]:
    """Filling, exporting, verifying; and how memory grows between a tenth of the size and all of it."""
    path = folder / "export.db"
    with opened(path) as (_, ledger):
        tenth = _fill(ledger, size // 10)
        before = _memory_mb()
        rate = _fill(ledger, size - size // 10)
        yield Figure(f"entries appended, {size:,} (no commitments)", rate, "/s", "", bool(tenth))
        grown = _memory_mb() - before
        yield Figure("memory grown meanwhile", grown, "MB", "flat", grown < 60)
        note = ledger.checkpoint()
        with _reading(path) as stored:
            begun = time.perf_counter()
            export(stored, note, ORIGIN, [ledger.verifier], folder / "published")
            rate = size / (time.perf_counter() - begun)
        yield Figure(f"export of {size:,} entries", rate, "/s", "≥ 100,000", rate >= 100_000)
        begun = time.perf_counter()
        found = verify_file(path, ORIGIN, [ledger.verifier])
        took = (time.perf_counter() - begun) * 1_000_000 / size
        yield Figure(
            "full verification, per million entries", took, "s", "< 30", took < 30 and found.is_intact
        )
        before = _memory_mb()
        yield Figure("highest memory of this process", before, "MB", "", True)


def _fill(ledger: SqliteLedger, count: int) -> float:
    begun, at = time.perf_counter(), ledger.now()
    for start in range(0, count, 4_096):
        ledger.append(
            [
                encode_entry({"kind": "bench/1", "at": at, "n": n, "pad": "x" * 250})
                for n in range(start, min(count, start + 4_096))
            ]
        )
    return count / (time.perf_counter() - begun)


@contextmanager
def _reading(path: Path) -> Iterator[StoredLedger]:
    from contextlib import closing

    from tideng.storage.opening import open_reader

    with closing(open_reader(path)) as conn:
        yield StoredLedger(conn)


def bundling(folder: Path, messages: int) -> Iterator[Figure]:
    """A bundle of a thousand messages to one number, PDF included, from the gateway's own store."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
    from evidence.case_rig import ORIGIN as CASE_ORIGIN
    from evidence.case_rig import WANG, make_case
    from tideng.assembly.embedded import open_embedded
    from tideng.assembly.evidence import make_issuer
    from tideng.evidence.issuing import Request
    from tideng.evidence.verifier.steps import verify
    from tideng.settings import Settings

    data = folder / "case"
    make_case(data, wang=messages)
    settings = Settings(data=str(data), origin=CASE_ORIGIN)
    store = open_embedded(settings)
    try:
        begun = time.perf_counter()
        request = Request(number=WANG, case="bench", by="bench", purpose="bench")
        issued = make_issuer(store, settings, with_pdf=True).issue(request, b"{}")
        took = time.perf_counter() - begun
    finally:
        store.close()
    yield Figure(f"bundle of {messages:,} messages, index and PDF included", took, "s", "< 10", took < 10)
    begun = time.perf_counter()
    report = verify(issued.content)
    took = time.perf_counter() - begun
    yield Figure("verifying it, standard library alone", took, "s", "", report.is_verified)
    yield Figure("its size", len(issued.content) / 1e6, "MB", "", True)


def naming(count: int) -> Iterator[Figure]:
    """What the completeness index costs per person met for the first time."""
    from tideng.evidence.name_key import NameKey

    key = NameKey(b"n" * 32)
    begun = time.perf_counter()
    for n in range(count):
        key.name(f"8613{n:09d}")
    value = (time.perf_counter() - begun) / count * 1e6
    yield Figure("index: a new person's name", value, "µs", "", True)


def _memory_mb() -> float:
    with Path("/proc/self/statm").open() as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 1e6


def main() -> int:
    """0 if every figure with a target reaches it."""
    parser = argparse.ArgumentParser(prog="python -m bench.evidence", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes: to try the harness out")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    asked = parser.parse_args()
    quick = asked.quick
    console = Console()
    OUT.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="evidence-", dir=OUT))
    parts: list[Callable[[], Iterator[Figure]]] = [
        lambda: sealing(folder, 2 if quick else 8),
        lambda: naming(200 if quick else 2_000),
        lambda: proving(300_000 if quick else 10_000_000),
        lambda: publishing(folder, 50_000 if quick else 1_000_000),
        lambda: bundling(folder, 50 if quick else 1_000),
    ]
    figures: list[Figure] = []
    try:
        for part in parts:
            for figure in part():
                console.print(f"{figure.name}: {figure.value:,.2f} {figure.unit}")
                figures.append(figure)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    table = Table(title=f"evidence · {machine(OUT)} · load {load_average():.1f}", title_justify="left")
    for column in ("figure", "measured", "target", "met"):
        table.add_column(column)
    for each in figures:
        met = "" if not each.target else "✔" if each.is_met else "✘"
        table.add_row(each.name, f"{each.value:,.2f} {each.unit}", each.target, met)
    console.print(table)
    if asked.json:
        asked.json.write_bytes(msgspec.json.encode(figures))
    return 0 if all(figure.is_met for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
