"""`tideng serve` as a process of its own: prepared, started, measured from outside, ended or killed."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import msgspec
import psutil  # type: ignore[import-untyped] # it ships no types
from msgspec import Struct

USER: Final = "bench"
PASSWORD: Final = "bench-09"
START_S: Final = 60.0
END_S: Final = 60.0
_REGISTRY: Final = Path(__file__).with_name("registry.toml")


class DidNotStart(Exception):
    """The gateway did not come up; the message holds the end of its log."""


class Usage(Struct, frozen=True):
    """What the process has used so far."""

    cpu_s: float
    rss_bytes: int


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class GatewayProcess:
    """One gateway with a data folder of its own. Ports stay the same over restarts."""

    def __init__(self, folder: Path, *, samples: Path | None = None) -> None:
        self.folder = folder
        self.smpp_port = free_port()
        self.http_port = free_port()
        self.centre_port = free_port()
        self.token = ""
        self._samples = samples
        self._carriers = 1
        self._process: subprocess.Popen[bytes] | None = None
        self._log = folder / "gateway.log"
        self._settings = folder / "settings.toml"

    def prepare(self) -> None:
        """Write the settings, import the registry and make an API key, all by the command line."""
        self.folder.mkdir(parents=True)
        self._write_settings()
        self._tideng("registry", "import", str(_REGISTRY))
        made = self._tideng("api-key", "add", "bench", "--json")
        self.token = str(msgspec.json.decode(made)["token"])

    def restart(self) -> None:
        """End it and start it on the same data with a carrier of a new name.

        Every message centre of smsbench counts its ids from the same number. Under one name the reports of
        a later round would belong to messages of an earlier one.
        """
        self.end()
        self._carriers += 1
        self._write_settings()
        self.start()

    def _write_settings(self) -> None:
        # Every setting that matters for speed has its default; reconnecting is quick because the message
        # centre starts after the gateway.
        self._settings.write_text(
            f'data = "{self.folder / "data"}"\norigin = "bench.example/ledger"\n'
            f"[smpp]\nport = {self.smpp_port}\n[http]\nport = {self.http_port}\n"
            f'[[carriers]]\nid = "bench-{self._carriers}"\nhost = "127.0.0.1"\nport = {self.centre_port}\n'
            'system_id = "tideng"\nreconnect_min_s = 0.1\nreconnect_max_s = 0.3\n',
            "utf-8",
        )

    def start(self) -> None:
        """Returns when both doors listen. Raises `DidNotStart`."""
        module = ["tideng"] if self._samples is None else ["bench.sampler", str(self._samples)]
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *module, "-s", str(self._settings), "serve", "--json"],
                stdout=log,
                stderr=log,
                env=_environment(),
            )
        until = time.monotonic() + START_S
        for port in (self.smpp_port, self.http_port):
            while not _listens(port):
                if self._process.poll() is not None or time.monotonic() > until:
                    raise DidNotStart(f"tideng serve did not come up: {self._log_end()}")
                time.sleep(0.05)

    def until_carrier_is_bound(self) -> None:
        """Returns when the gateway is connected to the message centre of this round."""
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            for connection in psutil.Process(self.process.pid).net_connections("tcp"):
                if (
                    connection.raddr
                    and connection.raddr.port == self.centre_port
                    and connection.status == psutil.CONN_ESTABLISHED
                ):
                    time.sleep(0.2)  # the bind itself, not visible from outside, takes a round trip
                    return
            time.sleep(0.05)
        raise DidNotStart(f"the gateway did not connect to its carrier: {self._log_end()}")

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """Raises `DidNotStart` before `start`."""
        if self._process is None:
            raise DidNotStart("the gateway was not started")
        return self._process

    def usage(self) -> Usage:
        """CPU seconds (user and system, all threads) and resident memory."""
        process = psutil.Process(self.process.pid)
        times = process.cpu_times()
        return Usage(times.user + times.system, process.memory_info().rss)

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        """SIGTERM, and kill what does not end in time."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def verifies(self) -> bool:
        """`tideng ledger verify` on the stopped gateway's data."""
        done = subprocess.run(
            [sys.executable, "-m", "tideng", "-s", str(self._settings), "ledger", "verify"],
            capture_output=True,
            env=_environment(),
        )
        return done.returncode == 0

    def _tideng(self, *arguments: str) -> bytes:
        done = subprocess.run(
            [sys.executable, "-m", "tideng", "-s", str(self._settings), *arguments],
            capture_output=True,
            env=_environment(),
        )
        if done.returncode:
            said = (done.stdout + done.stderr).decode("utf-8", "replace").strip()
            raise DidNotStart(f"tideng {' '.join(arguments[:2])} failed: {said[-600:]}")
        return done.stdout

    def _log_end(self) -> str:
        return self._log.read_text("utf-8", "replace")[-800:] if self._log.is_file() else "(no log)"


def _environment() -> dict[str, str]:
    # Settings in the environment would go before the benchmark's file.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TIDENG_")}
    return kept | {"PYTHONUNBUFFERED": "1"}


def _listens(port: int) -> bool:
    with socket.socket() as sock:
        sock.settimeout(1.0)
        return sock.connect_ex(("127.0.0.1", port)) == 0
