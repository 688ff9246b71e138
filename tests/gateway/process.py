"""A gateway as an operator starts it: `tideng serve` in a process of its own; a carrier outlives it."""

import asyncio
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from tideng.gateway.carriers.simulator import SimulatedCarrier
from tideng.gateway.carriers.simulator_settings import SimulatorSettings

T = TypeVar("T")
REPOSITORY = Path(__file__).parents[2]
REGISTRY = REPOSITORY / "src" / "tideng" / "cli" / "play.toml"
PATIENCE_S = 30.0


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def until(holds: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
    """Look until it holds. Another process cannot be awaited, so this is the one place that waits."""
    end = time.monotonic() + patience_s
    while not holds():
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {patience_s:g} s")
        threading.Event().wait(0.01)


class CarrierThread:
    """A simulated carrier on a loop of its own; it remembers everything, however often the gateway dies."""

    def __init__(self, **settings: Any) -> None:
        self.port = free_port()
        self._settings = SimulatorSettings(port=self.port, **settings)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="carrier", daemon=True)
        self._thread.start()
        self.carrier = SimulatedCarrier(self._settings)
        self._is_up = False
        self._texts: list[str] = []

    def up(self) -> None:
        if not self._is_up:
            self.carrier = SimulatedCarrier(self._settings)
            self.do(self.carrier.start())
            self._is_up = True

    def down(self) -> None:
        if self._is_up:
            self.do(self.carrier.close())
            self._texts += [one.text for one in self.carrier.received]
            self._is_up = False

    @property
    def texts(self) -> list[str]:
        """Every whole text that ever came, in order."""
        return self._texts + ([one.text for one in self.carrier.received] if self._is_up else [])

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)

    def reply(self, phone: str, text: str) -> None:
        async def say() -> None:
            self.carrier.reply(phone, text)

        self.do(say())

    def close(self) -> None:
        self.down()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_S)
        self._loop.close()


class GatewayProcess:
    """`tideng serve` with the example registry and one carrier."""

    def __init__(self, folder: Path, carrier_port: int, more: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.data = folder / "data"
        self.smpp_port, self.http_port = free_port(), free_port()
        self._settings = folder / "settings.toml"
        self._log = folder / "gateway.log"
        self._settings.write_text(
            f'data = "{self.data}"\norigin = "test.example/ledger"\n'
            f"[smpp]\nport = {self.smpp_port}\n[http]\nport = {self.http_port}\n"
            f'[[carriers]]\nid = "c1"\nhost = "127.0.0.1"\nport = {carrier_port}\nsystem_id = "tideng"\n'
            f"reconnect_min_s = 0.05\nreconnect_max_s = 0.2\n{more}",
            "utf-8",
        )
        self._process: subprocess.Popen[bytes] | None = None

    def tideng(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "tideng", "-s", str(self._settings), *arguments],
            capture_output=True,
            text=True,
            env=_environment(),
            timeout=120,
        )

    def import_registry(self) -> None:
        done = self.tideng("registry", "import", str(REGISTRY))
        assert done.returncode == 0, done.stdout + done.stderr

    def launch(self, before: Callable[[], None] | None = None) -> "subprocess.Popen[bytes]":
        """Start it and do not wait. `before` runs in the new process, ahead of the program."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tideng", "-s", str(self._settings), "serve", "--json"],
                stdout=log,
                stderr=log,
                env=_environment(),
                preexec_fn=before,
            )
        return self._process

    def start(self, before: Callable[[], None] | None = None) -> None:
        """Start it; returns when both doors listen."""
        process = self.launch(before)

        def is_up() -> bool:
            assert process.poll() is None, self.log()
            return all(_listens(port) for port in (self.smpp_port, self.http_port))

        until(is_up, "the gateway's doors")

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        assert self._process.wait(PATIENCE_S) == -signal.SIGKILL

    def end(self) -> int:
        """SIGTERM; the exit code."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.terminate()
        return self._process.wait(PATIENCE_S)

    def log(self) -> str:
        return self._log.read_text("utf-8", "replace")[-2_000:] if self._log.exists() else ""

    def ask(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Read the running gateway's database."""
        conn = sqlite3.connect(f"file:{self.data / 'tideng.db'}?mode=ro", uri=True)
        try:
            return conn.execute(sql, values).fetchall()
        finally:
            conn.close()

    def verify(self) -> dict[str, Any]:
        done = self.tideng("ledger", "verify", "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found


def _listens(port: int) -> bool:
    with socket.socket() as sock:
        sock.settimeout(1.0)
        return sock.connect_ex(("127.0.0.1", port)) == 0


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TIDENG_")}
    return kept | {"PYTHONPATH": str(REPOSITORY / "src")}
