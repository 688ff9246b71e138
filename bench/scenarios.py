"""What is measured: each scenario is one round and its figures; `measure` runs them in turn."""

import asyncio
import signal
import statistics
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from bench import http_load, load, smsbench
from bench.gateway import PASSWORD, USER, GatewayProcess
from bench.machine import load_average

ROUNDS: Final = 3
SETTLE_S: Final = 0.5
KILL_WINDOW: Final = 50
SAMPLES_S: Final = 20.0


class NothingAccepted(Exception):
    """A round measured nothing; the message names the statuses the gateway answered."""


class Sizes(Struct, frozen=True):
    """Messages per round."""

    round: int = 20_000
    warm_up: int = 5_000
    paced_s: float = 8.0
    memory: int = 200_000
    kill_after_s: float = 2.0


QUICK: Final = Sizes(round=3_000, warm_up=1_000, paced_s=3.0, memory=5_000, kill_after_s=1.0)


class Round(Struct, frozen=True):
    """One round's figures; what does not apply is 0."""

    delivered_per_s: float = 0.0
    accepted_per_s: float = 0.0
    reports_per_s: float = 0.0
    cpu_us: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    submitted: int = 0
    missing: int = 0
    duplicates: int = 0
    reports_missing: int = 0
    refused: int = 0
    load_average: float = 0.0


class Killed(Struct, frozen=True):
    """What kill -9 under load left."""

    acknowledged: int
    lost: int
    duplicates: int
    verifies: bool


class Profile(Struct, frozen=True):
    """Where the gateway's CPU goes."""

    samples: int
    per_message_us: dict[str, float]
    top: list[tuple[str, float]]


class Bench:
    """One gateway process and the parties around it. Numbers of messages never repeat within a run."""

    def __init__(self, folder: Path, binary: Path, gateway: GatewayProcess, sizes: Sizes, first: int) -> None:
        self.folder = folder
        self.binary = binary
        self.gateway = gateway
        self.sizes = sizes
        self.sent = 0
        self._first = first

    def _take(self, count: int) -> int:
        start = self._first + self.sent
        self.sent += count
        return start

    def _centre(self, *options: str) -> smsbench.Running:
        self.gateway.restart()
        centre = smsbench.centre(self.binary, self.folder, self.gateway.centre_port, *options)
        self.gateway.until_carrier_is_bound()
        return centre

    def smpp(self, count: int, *, reports: bool, around: Callable[[], None] = lambda: None) -> Round:
        """SMPP in, SMPP out, as fast as smsbench's default window allows.

        `around` is called before the first submit and after the last report.
        """
        start = self._take(count)
        options = ["-expect", str(count), "-idle", "20s"]
        options += ["-dlr", "-grace", "120s"] if reports else ["-grace", "300ms"]
        centre = self._centre(*options)
        before = self.gateway.usage()
        around()
        customer = smsbench.load(
            self.binary,
            self.folder,
            self.gateway.smpp_port,
            count,
            start,
            *(["-dlr"] if reports else []),
            user=USER,
            password=PASSWORD,
        )
        seen = customer.end().result
        if not seen["ok"]:
            centre.interrupt()
            raise NothingAccepted(f"none of {count} messages was accepted; answers were {seen['codes']}")
        if reports:
            time.sleep(SETTLE_S)
            centre.interrupt()
        delivered = centre.end().result
        around()
        used = self.gateway.usage().cpu_s - before.cpu_s
        return _round(count, seen, delivered, used, reports)

    def paced(self, per_s: float, *, reports: bool) -> Round:
        """Answer latency at a fixed pace, which does not wait for answers."""
        count = max(100, int(per_s * self.sizes.paced_s))
        start = self._take(count)
        centre = self._centre(*(["-dlr"] if reports else []))
        before = self.gateway.usage()
        seen = asyncio.run(
            load.paced(
                self.gateway.smpp_port,
                USER,
                PASSWORD,
                start=start,
                count=count,
                per_s=per_s,
                report=reports,
            )
        )
        time.sleep(SETTLE_S)
        used = self.gateway.usage().cpu_s - before.cpu_s
        centre.interrupt()
        delivered = centre.end().result
        return Round(
            delivered_per_s=delivered["mean_per_s"],
            accepted_per_s=len(seen.acknowledged) / seen.elapsed_s,
            cpu_us=1e6 * used / count,
            p50_ms=seen.percentile_ms(0.5),
            p99_ms=seen.percentile_ms(0.99),
            submitted=count,
            missing=len(seen.acknowledged) - delivered["distinct"],
            duplicates=delivered["duplicates"],
            reports_missing=len(seen.ids - seen.reported) if reports else 0,
            refused=seen.refused,
            load_average=load_average(),
        )

    def http(self, count: int) -> Round:
        """Batches of 100 over keep-alive, while the carrier is up and takes what was accepted."""
        start = self._take(count)
        centre = self._centre("-expect", str(count), "-idle", "20s", "-grace", "300ms")
        before = self.gateway.usage()
        posted = asyncio.run(
            http_load.post(self.gateway.http_port, self.gateway.token, start=start, count=count)
        )
        delivered = centre.end().result
        used = self.gateway.usage().cpu_s - before.cpu_s
        return Round(
            delivered_per_s=delivered["mean_per_s"],
            accepted_per_s=posted.per_s,
            cpu_us=1e6 * used / count,
            submitted=count,
            missing=posted.accepted - delivered["distinct"],
            duplicates=delivered["duplicates"],
            refused=posted.other,
            load_average=load_average(),
        )

    def kill(self) -> Killed:
        """kill -9 under load, start again: whatever was acknowledged must reach the carrier."""
        start = self._take(1_000_000)
        centre = self._centre("-dump", "-idle", "8s")
        seen = asyncio.run(self._load_and_kill(start))
        self.gateway.start()
        ran = centre.end()
        self.gateway.end()
        delivered = Counter(number for line in ran.lines if (number := _dumped(line)) is not None)
        return Killed(
            acknowledged=len(seen.acknowledged),
            lost=len(seen.acknowledged - delivered.keys()),
            duplicates=sum(times - 1 for times in delivered.values()),
            verifies=self.gateway.verifies(),
        )

    async def _load_and_kill(self, start: int) -> load.Loaded:
        task = asyncio.create_task(
            load.windowed(
                self.gateway.smpp_port,
                USER,
                PASSWORD,
                start=start,
                count=1_000_000,
                window=KILL_WINDOW,
                report=True,
            )
        )
        await asyncio.sleep(self.sizes.kill_after_s)
        await asyncio.to_thread(self.gateway.kill)
        return await task

    def profile(self, samples: Path, count: int) -> Profile:
        """One round with reports under the sampler; needs a gateway started with `samples`."""
        self.smpp(count, reports=True, around=lambda: self.gateway.signal(signal.SIGUSR2))
        until = time.monotonic() + SAMPLES_S
        while not samples.is_file() and time.monotonic() < until:
            time.sleep(0.05)
        seen = msgspec.json.decode(samples.read_bytes())
        return Profile(
            samples=seen["samples"],
            per_message_us=_per_message(seen["rooms"], count),
            top=sorted(_per_message(seen["functions"], count).items(), key=lambda one: -one[1])[:25],
        )


def _per_message(seconds: dict[str, float], count: int) -> dict[str, float]:
    return {name: 1e6 * value / count for name, value in seconds.items()}


def _round(
    count: int,
    seen: dict[str, Any],  # Any: smsbench's JSON
    delivered: dict[str, Any],
    used: float,
    reports: bool,
) -> Round:
    # smsbench waits 0.2 s after its unbind before it takes the total time.
    reports_s = max(seen["total_s"] - 0.2, seen["elapsed_s"])
    return Round(
        delivered_per_s=delivered["mean_per_s"],
        accepted_per_s=seen["accept_per_s"],
        reports_per_s=seen["dlr_distinct_matched"] / reports_s if reports else 0.0,
        cpu_us=1e6 * used / count,
        p50_ms=seen["lat_ms_p50"],
        p99_ms=seen["lat_ms_p99"],
        submitted=count,
        missing=seen["ok"] - delivered["distinct"],
        duplicates=delivered["duplicates"],
        reports_missing=seen["ok"] - seen["dlr_distinct_matched"] if reports else 0,
        refused=seen["err"],
        load_average=load_average(),
    )


def _dumped(line: str) -> int | None:
    """The number in one line of smsbench's -dump."""
    if not line.startswith("SUBMIT "):
        return None
    octets = bytes.fromhex(line.rpartition("hex=")[2])
    digits = octets.replace(b"\0", b"").split(b"#")
    return int(digits[1]) if len(digits) > 2 and digits[1].isdigit() else None


def median(rounds: list[Round], field: str) -> float:
    """Of one figure over the rounds."""
    return float(statistics.median(getattr(one, field) for one in rounds))
