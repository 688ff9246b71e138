"""Builds and runs smsbench, the Go program that measures: message centre and load in one binary.

It shares no code with the gateway. Each mode prints one JSON line when it ends.
"""

import json
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

SOURCE: Final = Path(__file__).resolve().parents[2] / "shared" / "tools" / "smsbench"
BUILD_S: Final = 180.0
END_S: Final = 180.0
CODE_NUMBER: Final = "106900990009"
_started: list[subprocess.Popen[bytes]] = []


class NoSmsbench(Exception):
    """It cannot be built. The message says what is missing and how to get it."""


class Ran(Struct, frozen=True):
    """What one mode of smsbench printed, and its other lines."""

    result: dict[str, Any]  # Any: JSON
    lines: tuple[str, ...] = ()


def build(folder: Path) -> Path:
    """The binary, built from a copy of the source in `folder`. Raises `NoSmsbench`."""
    if not (SOURCE / "main.go").is_file():
        raise NoSmsbench("smsbench's source is not beside this checkout (../shared/tools/smsbench)")
    go = shutil.which("go")
    if go is None:
        raise NoSmsbench("smsbench needs Go; on Debian: apt-get install golang-go")
    source = folder / "smsbench-source"
    shutil.copytree(SOURCE, source)
    source.chmod(0o700)
    binary = folder / "smsbench"
    built = subprocess.run(
        [go, "build", "-o", str(binary), "."], cwd=source, capture_output=True, text=True, timeout=BUILD_S
    )
    if built.returncode:
        raise NoSmsbench(f"go build failed: {built.stderr.strip()[-400:]}")
    return binary


class Running:
    """One started mode; `end` waits for its JSON line."""

    def __init__(self, arguments: list[str], folder: Path) -> None:
        self._output = (folder / f"smsbench-{arguments[1]}.out").open("w+")
        self._process = subprocess.Popen(arguments, stdout=self._output, stderr=subprocess.STDOUT)
        _started.append(self._process)

    def interrupt(self) -> None:
        """Ask a message centre to sum up now."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)

    def end(self, timeout_s: float = END_S) -> Ran:
        """Its result. Raises RuntimeError when it printed none, TimeoutExpired when it does not end."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise
        finally:
            self._output.seek(0)
            lines = self._output.read().splitlines()
            self._output.close()
        if not lines or not lines[-1].startswith("{"):
            raise RuntimeError(f"smsbench printed no result: {' | '.join(lines[-3:])}")
        return Ran(json.loads(lines[-1]), tuple(lines[:-1]))


def end_all() -> None:
    """Kill what a failed round left running; nothing else."""
    for process in _started:
        if process.poll() is None:
            process.kill()
            process.wait()
    _started.clear()


def centre(binary: Path, folder: Path, port: int, *options: str) -> Running:
    """A message centre on loopback."""
    return Running([str(binary), "smsc", "-addr", f"127.0.0.1:{port}", *options], folder)


def load(
    binary: Path, folder: Path, port: int, count: int, start: int, *options: str, user: str, password: str
) -> Running:
    """A customer on one bind with smsbench's default window (50) that submits `count` messages."""
    numbers = ["-n", str(count), "-start", str(start)]
    account = ["-user", user, "-pass", password, "-from", CODE_NUMBER]
    return Running([str(binary), "esme", "-addr", f"127.0.0.1:{port}", *numbers, *account, *options], folder)
