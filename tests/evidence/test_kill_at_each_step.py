"""kill -9 at every line of handing over a bundle and of replacing the key: the next try is right, and nothing
that was shown is contradicted. The child kills itself when the nth line of the module has begun.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from evidence.case_rig import ORIGIN, WANG, make_case
from tideng.evidence.verifier.steps import verify

CHILD = """
import os, signal, sys
at, module, *words = sys.argv[1:]
left = int(at)

def line(frame, event, _):
    global left
    if event == "line":
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
    return line

def called(frame, event, _):
    return line if frame.f_code.co_filename.endswith(module) and frame.f_code.co_name in NAMES else None

from tideng.cli.main import app
import tideng.evidence.issuing, tideng.evidence.rotation, tideng.cli.evidence
sys.settrace(called)
sys.argv = ["tideng", *words]
import threading
threading.settrace(called)
app()
"""
HAND_OVER = ("issue", "_material", "write_whole", "record_in")
ROTATE = ("rotate", "record_in")
LINES_MAX = 200


def run(data: Path, at: int, module: str, names: tuple[str, ...], *words: str) -> int:
    source = str(Path(__file__).parents[2] / "src")
    return subprocess.run(
        [sys.executable, "-c", f"NAMES = {names!r}\n{CHILD}", str(at), module, "--data", str(data), *words],
        env=os.environ | {"PYTHONPATH": source, "TIDENG_ORIGIN": ORIGIN},
        capture_output=True,
        check=False,
    ).returncode


def tideng(data: Path, *words: str) -> "subprocess.CompletedProcess[bytes]":
    source = str(Path(__file__).parents[2] / "src")
    return subprocess.run(
        [sys.executable, "-m", "tideng", "--data", str(data), *words],
        env=os.environ | {"PYTHONPATH": source, "TIDENG_ORIGIN": ORIGIN},
        capture_output=True,
        check=False,
    )


STRIDES = pytest.mark.parametrize("stride", [7, pytest.param(1, marks=pytest.mark.slow)])


@STRIDES
def test_killed_while_handing_over(tmp_path: Path, stride: int) -> None:
    data, out = tmp_path / "data", tmp_path / "case.zip"
    make_case(data, others=2)
    words = ("evidence", "bundle", "--number", WANG, "--case", "7", "--out", str(out), "--no-pdf", "--json")
    killed = 0
    for at in range(1, LINES_MAX, stride):
        code = run(data, at, ".py", HAND_OVER, *words)
        if code == 0:
            break
        assert code == -signal.SIGKILL, at
        killed += 1
        # Either there is no bundle, or it is whole.
        if out.exists():
            assert verify(out.read_bytes()).is_verified
            out.unlink()
    assert 20 < killed * stride < LINES_MAX - stride
    assert verify(out.read_bytes()).is_verified
    assert tideng(data, "ledger", "verify", "--json").returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".part") == ["case.zip", "data"]


@STRIDES
def test_killed_while_the_key_is_replaced(tmp_path: Path, stride: int) -> None:
    data = tmp_path / "data"
    make_case(data, others=2)
    before = tmp_path / "before.zip"
    given = ("evidence", "bundle", "--number", WANG, "--case", "7", "--no-pdf", "--json", "--out")
    assert tideng(data, *given, str(before)).returncode == 0
    killed = 0
    for at in range(1, LINES_MAX, stride):
        code = run(data, at, "rotation.py", ROTATE, "ledger", "rotate-key", "--json")
        if code == 0:
            break
        assert code == -signal.SIGKILL, at
        killed += 1
        assert tideng(data, "ledger", "verify", "--json").returncode == 0, at
    assert 10 < killed * stride < LINES_MAX - stride
    after = tmp_path / "after.zip"
    done = tideng(data, *given, str(after))
    assert done.returncode == 0, done.stderr
    assert verify(before.read_bytes()).is_verified
    assert verify(after.read_bytes()).is_verified
