"""The machine the figures belong to, in one line."""

import os
import platform
import sqlite3
import time
from pathlib import Path
from typing import Final

from msgspec import Struct

SYNCS: Final = 200
PAGE: Final = bytes(4096)


class Machine(Struct, frozen=True):
    """What a reader needs to compare figures."""

    cpu: str
    cores: int
    python: str
    sqlite: str
    kernel: str
    syncs_per_s: float
    """4 KiB appended and fdatasync, one after the other, in the folder the gateway's data lies in."""

    def line(self) -> str:
        return (
            f"{self.cpu} · {self.cores} cores · Python {self.python} · SQLite {self.sqlite} · "
            f"Linux {self.kernel} · {self.syncs_per_s:,.0f} fdatasync/s"
        )


def machine(folder: Path) -> Machine:
    """Describe this machine; writes and removes a small file in `folder`."""
    return Machine(
        cpu=_cpu(),
        cores=len(os.sched_getaffinity(0)),
        python=platform.python_version(),
        sqlite=sqlite3.sqlite_version,
        kernel=platform.release(),
        syncs_per_s=_syncs_per_s(folder),
    )


def load_average() -> float:
    """Runnable processes, average of the last minute."""
    return os.getloadavg()[0]


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _syncs_per_s(folder: Path) -> float:
    path = folder / "syncs"
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        began = time.perf_counter()
        for _ in range(SYNCS):
            os.write(descriptor, PAGE)
            os.fdatasync(descriptor)
        return SYNCS / (time.perf_counter() - began)
    finally:
        os.close(descriptor)
        path.unlink()
