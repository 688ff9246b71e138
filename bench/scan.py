"""`python -m bench.scan`: how fast the scan is, and how right, on piles whose truth is known.

    python -m bench.scan [--mb 300] [--files 628] [--rows 2270] [--tokens 20000000]

The case of 12,555 spreadsheets (2.2 GB, some 28 million rows) is `--files 12555`; the default is a
twentieth of it.
"""

import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections import Counter
from pathlib import Path
from typing import Final

import numpy as np

from tideng.identifiers.spans.find import find
from tideng.scan.corpus import Maker, mixed, spreadsheets

PEERS: Final = ("presidio-analyzer==2.2.366", "datafog==4.9.0")


def rate_of_kernel(folder: Path, megabytes: int) -> dict[str, dict[str, int]]:
    """Validated numeric families with offsets, one thread, in memory."""
    from tideng.scan.numbers import hits

    found: dict[str, dict[str, int]] = {}
    for encoding in ("gb18030", "utf-8"):
        path = folder / f"{encoding}.csv"
        truth = mixed(path, 1, megabytes * 500_000, encoding)
        data = path.read_bytes()
        hits(data[:10_000], encoding)
        ends = [data.rfind(b"\n", 0, i) + 1 for i in range(8_000_000, len(data), 8_000_000)]
        blocks = [data[a:b] for a, b in zip([0, *ends], [*ends, len(data)], strict=True)]
        began, cpu, kinds = time.perf_counter(), time.process_time(), Counter[int]()
        for block in blocks:
            kinds.update(np.bincount(hits(block, encoding)[2], minlength=6).nonzero()[0].tolist())
        wall, cpu = time.perf_counter() - began, time.process_time() - cpu
        ids = sum(int((hits(block, encoding)[2] == 1).sum()) for block in blocks)
        found[encoding] = {
            "MB/s wall": round(len(data) / wall / 1e6),
            "MB/s cpu": round(len(data) / cpu / 1e6),
            "ids": ids,
            "truth": truth.records,
        }
    return found


def rate_of_chance(tokens: int) -> dict[str, object]:
    """Random 18-digit tokens that pass for resident IDs, against 6,899/1e6 × days × 1/11."""
    from tideng.identifiers.tables import region_periods
    from tideng.scan.numbers import hits

    chance = np.random.default_rng(5)
    passed, done = 0, 0
    while done < tokens:
        size = min(400_000, tokens - done)
        digits = chance.integers(48, 58, (size, 19), dtype=np.uint8)
        digits[:, 18] = 10
        passed += int((hits(digits.tobytes(), "utf-8")[2] == 1).sum())
        done += size
    regions = sum(1 for code in region_periods() if code[0] != "0")
    days = (2027 - 1890 + 1) * 365.2425
    # A final X never occurs in digits, so one of eleven remainders cannot pass; codes of 9… need no region.
    expected = (regions / 1e6 + 0.1) * days / 1e8 / 11 * tokens
    return {"tokens": tokens, "passed": passed, "expected": round(expected, 1)}


def first_batch(folder: Path) -> dict[str, object]:
    """Seconds from the command to its first finished batch: kernels not compiled yet, and kept."""
    (folder / "start").mkdir()
    for number in range(25):
        mixed(folder / "start" / f"{number}.csv", number, 2_000_000)
    small = folder / "small.csv"
    mixed(small, 1, 100_000)
    found: dict[str, object] = {}
    surroundings = {**os.environ, "NUMBA_CACHE_DIR": str(folder / "kernels")}
    for name in ("cold", "warm"):
        out = folder / f"start-{name}"
        command = [sys.executable, "-m", "tideng", "scan", str(folder / "start"), "--no-hashes", "--json"]
        began = time.perf_counter()
        running = subprocess.Popen(
            [*command, "--out", str(out)],
            env=surroundings,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while running.poll() is None and not list((out / "records").glob("[!.]*")):
            time.sleep(0.01)
        found[f"{name}: first batch of 50 MB, s"] = round(time.perf_counter() - began, 2)
        running.wait()
        found[f"{name}: all of it, s"] = round(time.perf_counter() - began, 2)
        began = time.perf_counter()
        subprocess.run(
            [*command[:4], str(small), "--json"], env=surroundings, capture_output=True, check=True
        )
        found[f"{name}: 100 kB, whole command, s"] = round(time.perf_counter() - began, 2)
    return found


def first_finding(folder: Path) -> dict[str, object]:
    """Seconds from the command to the first finding kept, of a pile of one line; and of `scan spans`."""
    pile = folder / "one-line"
    pile.mkdir()
    line = f"电话{Maker(1).person().mobile}"
    (pile / "a.txt").write_text(line, "utf-8")
    tideng = [sys.executable, "-m", "tideng", "scan"]
    first, whole, spans = "first finding of a scan, s", "whole small scan, s", "scan spans, s"
    times: dict[str, list[float]] = {first: [], whole: [], spans: []}
    for number in range(9):
        out = folder / f"one-line-{number}"
        began = time.perf_counter()
        running = subprocess.Popen(
            [*tideng, str(pile), "--json", "--out", str(out)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while running.poll() is None and not list((out / "records").glob("[!.]*")):
            time.sleep(0.001)
        times[first].append(time.perf_counter() - began)
        running.wait()
        began = time.perf_counter()
        subprocess.run([*tideng, str(pile), "--json"], capture_output=True, check=True)
        times[whole].append(time.perf_counter() - began)
        began = time.perf_counter()
        asked = json.dumps({"id": "1", "text": line}).encode()
        subprocess.run([*tideng, "spans", "-"], input=asked, capture_output=True, check=True)
        times[spans].append(time.perf_counter() - began)
    return {name: round(statistics.median(values), 3) for name, values in times.items()}


def endless_line(folder: Path, megabytes: int) -> dict[str, object]:
    """A text without a single line end: time, and the memory of the one process that reads it."""
    people = [Maker(seed).person() for seed in range(500)]
    piece = "".join(f'{{"name":"{p.name}","id":"{p.id}","phone":"{p.mobile}"}},' for p in people).encode()
    times = megabytes * 1_000_000 // len(piece)
    (folder / "line").mkdir()
    with (folder / "line" / "a.txt").open("wb") as file:
        for _ in range(times):
            file.write(piece)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    command = [sys.executable, "-m", "tideng", "scan", str(folder / "line"), "--json", "--no-hashes"]
    done = subprocess.run([*command, "--workers", "1"], capture_output=True, check=True)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    told = json.loads(done.stdout)
    return {
        "MB": round(times * len(piece) / 1e6),
        "seconds": round(wall, 1),
        "cpu s": round(after.ru_utime - before.ru_utime, 1),
        "largest process MB": after.ru_maxrss // 1024,
        "ids": told["counts"]["resident_id"],
        "truth": times * len(people),
        "persons": told["persons"],
    }


def case_of_spreadsheets(folder: Path, files: int, rows: int) -> dict[str, object]:
    """The whole command on many workbooks: time, memory, exactness."""
    pile = folder / "case"
    truth = spreadsheets(pile, 2, files, rows)
    began = time.perf_counter()
    command = [sys.executable, "-m", "tideng", "scan", str(pile), "--json", "--no-hashes"]
    done = subprocess.run(command, capture_output=True, check=True)
    wall = time.perf_counter() - began
    told = json.loads(done.stdout)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "files": files,
        "MB": round(truth.bytes / 1e6),
        "rows": truth.records,
        "seconds": round(wall, 1),
        "rows/s": round(truth.records / wall),
        "cpu s": round(children.ru_utime + children.ru_stime, 1),
        "largest process MB": children.ru_maxrss // 1024,
        "persons": told["persons"],
        "truth": truth.persons,
        "records": told["records"],
        "seconds for 12,555 files of 2.2 GB": round(wall * 2200 / max(1, truth.bytes / 1e6)),
    }


def quality_of_spans() -> dict[str, object]:
    """Precision and recall of names and addresses in sentences, on our own invented people."""
    chance, maker = random.Random(3), Maker(11)
    forms = (
        "请联系{n}，电话{m}。",
        "收件人：{n} 地址：{a}",
        "{n}的身份证号是{i}。",
        "我叫{n}，家住{a}，请尽快发货。",
        "患者{n}于昨日就诊。",
        "会议由{n}主持。",
        "经办人{n}已签字。",
        "今天天气很好，大家都很高兴。",
        "本季度金额较大，请财务谨慎处理。",
        "订单13800138000于三月发出。",
    )
    score: Counter[tuple[str, str]] = Counter()
    for _ in range(2_000):
        person = maker.person()
        form = chance.choice(forms)
        text, truth = "", set()
        for piece in form.replace("{", "\0{").replace("}", "}\0").split("\0"):
            kind, value = {
                "{n}": ("name", person.name),
                "{m}": ("mobile", person.mobile),
                "{a}": ("address", person.address),
                "{i}": ("resident_id", person.id),
            }.get(piece, ("", piece))
            if kind:
                truth.add((kind, len(text), len(text) + len(value)))
            text += value
        found = {(span.kind, span.start, span.end) for span in find(text)}
        for kind, *_ in truth & found:
            score[kind, "right"] += 1
        for kind, *_ in truth - found:
            score[kind, "missed"] += 1
        for kind, *_ in found - truth:
            score[kind, "wrong"] += 1
    return {
        kind: {
            "precision": round(score[kind, "right"] / max(1, score[kind, "right"] + score[kind, "wrong"]), 4),
            "recall": round(score[kind, "right"] / max(1, score[kind, "right"] + score[kind, "missed"]), 4),
        }
        for kind in sorted({kind for kind, _ in score})
    }


def peers(folder: Path, ours: float) -> dict[str, object]:
    """Presidio and DataFog on such a corpus, in an environment of their own. `ours`: MB/s."""
    place = Path(sys.prefix) / "peers"
    python = place / "bin" / "python"
    if not python.exists():
        venv.create(place, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *PEERS], check=True)
    corpus = folder / "peers.csv"
    mixed(corpus, 3, 4_000_000)
    script = Path(__file__).with_name("scan_peers.py")
    # Without a network, a part of Presidio says at length that it found none.
    done = subprocess.run([python, script, corpus], capture_output=True, check=True)
    found: dict[str, dict[str, float]] = json.loads(done.stdout)
    return {name: {**told, "Tideng is faster by": round(ours / told["MB/s"])} for name, told in found.items()}


def main() -> None:
    """Measure and print one JSON document."""
    wish = argparse.ArgumentParser(description=__doc__)
    wish.add_argument("--mb", type=int, default=300)
    wish.add_argument("--files", type=int, default=628)
    wish.add_argument("--rows", type=int, default=2270)
    wish.add_argument("--tokens", type=int, default=20_000_000)
    wish.add_argument("--line-mb", type=int, default=1000)
    wish.add_argument(
        "--peers",
        action="store_true",
        default=os.environ.get("PEERS", "") not in ("", "0"),
        help="also measure Presidio and DataFog, which are installed for it (make bench ROOM=scan PEERS=1)",
    )
    asked = wish.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        kernel = rate_of_kernel(place, asked.mb)
        told: dict[str, object] = {
            "kernel": kernel,
            "chance": rate_of_chance(asked.tokens),
            "spans": quality_of_spans(),
            "first finding": first_finding(place),
            "start": first_batch(place),
            "line": endless_line(place, asked.line_mb),
            "case": case_of_spreadsheets(place, asked.files, asked.rows),
        }
        if asked.peers:
            told["peers"] = peers(place, kernel["utf-8"]["MB/s wall"])
    print(json.dumps(told, ensure_ascii=False, indent=2))


if __name__ == "__main__":
    main()
