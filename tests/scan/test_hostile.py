"""Piles that would hurt a careless reader: endless lines, many files, pipes, read-only mounts, Ctrl-C."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scan.piles import scanned
from tideng.scan.corpus import Maker, mixed

WITH_PIPES = hasattr(os, "mkfifo")


def _scan(source: Path, out: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "tideng", "scan", str(source), "--out", str(out), "--json", *more]


def _begun(command: list[str], out: Path) -> subprocess.Popen[bytes]:
    """A scan that has finished its first batch."""
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 120
    while not list((out / "records").glob("*.parquet")) and running.poll() is None:
        assert time.monotonic() < deadline, "no batch was finished in two minutes"
        os.sched_yield()
    return running


def test_ctrl_c_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    truths = [mixed(tmp_path / "in" / f"{n}.csv", seed=n, size=34_000_000) for n in range(5)]
    out = tmp_path / "out"
    command = _scan(tmp_path / "in", out, "--no-hashes", "--workers", "2")
    running = _begun(command, out)
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=120)
    assert running.returncode == 130, told
    assert b"Nothing is lost" in told
    left = [path.name for path in (out / "records").glob("*.parquet")]
    assert 0 < len(left) <= 5
    again = subprocess.run(command, capture_output=True, check=True, timeout=300)
    found = json.loads(again.stdout)
    assert found["records"] == sum(truth.records for truth in truths)
    assert found["persons"] == sum(truth.persons for truth in truths)
    assert found["bytes_read"] == found["bytes_total"] == sum(truth.bytes for truth in truths)


def test_the_installed_command_starts_workers_too(tmp_path: Path) -> None:
    # Workers import the program that began them; one that runs when it is imported would start itself again.
    command = Path(sys.executable).with_name("tideng")
    (tmp_path / "in").mkdir()
    truth = mixed(tmp_path / "in" / "a.csv", seed=3, size=30_000_000)
    asked = [str(command), *_scan(tmp_path / "in", tmp_path / "out", "--no-hashes", "--workers", "2")[3:]]
    told = subprocess.run(asked, capture_output=True, timeout=300)
    assert told.returncode == 0, told.stderr[-2000:]
    assert json.loads(told.stdout)["persons"] == truth.persons


@pytest.mark.slow
def test_one_endless_line_is_read_in_flat_memory(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    people = [Maker(seed).person() for seed in range(200)]
    piece = "".join(f'{{"name":"{p.name}","id":"{p.id}","phone":"{p.mobile}"}},' for p in people).encode()
    times = 60_000_000 // len(piece)
    with (tmp_path / "in" / "line.txt").open("wb") as file:
        for _ in range(times):
            file.write(piece)
    program = (
        "import json, resource, subprocess, sys\n"
        f"done = subprocess.run({_scan(tmp_path / 'in', tmp_path / 'out', '--workers', '1')!r}, "
        "capture_output=True, check=True)\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss\n"
        "print(json.dumps([json.loads(done.stdout), used]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, timeout=300)
    found, used_kb = json.loads(done.stdout)
    assert found["bytes_read"] == found["bytes_total"] == times * len(piece)
    assert found["persons"] == len(people)
    assert found["counts"]["resident_id"] == times * len(people)
    assert used_kb < 1_000_000


def test_names_and_numbers_survive_where_a_long_line_is_cut(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    people = [Maker(seed).person() for seed in range(500)]
    text = "，".join(f"联系人{p.name} 身份证{p.id} 电话{p.mobile}" for p in people)
    assert len(text) > 20_000
    (tmp_path / "in" / "a.txt").write_bytes(text.encode("gb18030"))
    outcome = scanned(tmp_path / "in", tmp_path / "out")
    assert outcome.persons.with_id == len(people)
    assert outcome.counts["mobile"] == len(people)
    assert outcome.counts["name"] >= 0.98 * len(people)


@pytest.mark.skipif(not WITH_PIPES, reason="this system has no named pipes")
def test_pipes_devices_and_loops_neither_hang_nor_count(tmp_path: Path) -> None:
    pile = tmp_path / "in"
    (pile / "a" / "b").mkdir(parents=True)
    os.mkfifo(pile / "pipe")
    (pile / "a" / "b" / "up").symlink_to(pile, target_is_directory=True)
    (pile / "zero").symlink_to("/dev/zero")
    (pile / "list.txt").write_text("13800138000\n")
    os.link(pile / "list.txt", pile / "a" / "the same.txt")
    outcome = scanned(pile, tmp_path / "out")
    assert outcome.counts["mobile"] == 1
    assert outcome.files_unopened == 3
    assert outcome.bytes_total == 12


def test_very_many_small_files(tmp_path: Path) -> None:
    pile, count = tmp_path / "in", 5_000
    for number in range(count):
        folder = pile / f"{number % 50:02}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.txt").write_text(f"电话1380013{number:04}\n", encoding="gb18030")
    outcome = scanned(pile, tmp_path / "out")
    assert outcome.files == outcome.records == outcome.persons.persons == count


def test_a_read_only_mount_is_read(tmp_path: Path) -> None:
    """The system, not our care, forbids writing: a read-only mount that only this scan sees."""
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("unshare is not installed (package util-linux)")
    pile, mount = tmp_path / "in", tmp_path / "mount"
    pile.mkdir()
    mount.mkdir()
    (pile / "list.csv").write_text("姓名,手机号\n" + "".join(f"张伟,1380013{n:04}\n" for n in range(300)))
    steps = (
        f"mount --bind '{pile}' '{mount}' && mount -o remount,bind,ro '{mount}' || exit 77\n"
        f"touch '{mount}/x' 2>/dev/null && exit 78\n"
        f"exec '{sys.executable}' -m tideng scan '{mount}' --out '{tmp_path / 'out'}' --json"
    )
    wish = [unshare, "--mount", "--map-root-user", "--user", "sh", "-c", steps]
    done = subprocess.run(wish, capture_output=True, timeout=120, check=False)
    if done.returncode in (1, 77) and not done.stdout:
        pytest.skip(f"this system lets nobody mount: {done.stderr.decode().strip()[:120]}")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["persons"] == 300
    assert [path.name for path in pile.iterdir()] == ["list.csv"]
