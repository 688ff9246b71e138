"""Feeds noise to every target until the time is up, or until one fails: `python -m fuzz --seconds 60`.

    python -m fuzz --target session --seed 7      one target; the same seed gives the same inputs
    python -m fuzz --target session --replay FILE the one input that a failure has left

Exit status 1 after the first failure, whose input is kept in a file; a fixed fault leaves a test with it.
"""

import argparse
import hashlib
import secrets
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from fuzz.noise import inputs
from fuzz.targets import Target, targets

BATCH: Final = 200
"""Inputs for one target before it is the next one's turn and the clock is read."""
SECONDS: Final = 60.0
FOUND: Final = Path("fuzz-found")


class Failure(NamedTuple):
    """The first input that a target did not bear."""

    target: str
    data: bytes
    error: Exception


class Work:
    """One target and where it stands in its endless inputs."""

    def __init__(self, target: Target, seed: int) -> None:
        self.target = target
        self.tried = 0
        self._inputs: Iterator[bytes] = inputs(f"{seed}/{target.name}", target.seeds)

    def round(self, count: int) -> Failure | None:
        """The next `count` inputs, or as many as it takes to fail."""
        for data in islice(self._inputs, count):
            self.tried += 1
            failure = attempt(self.target, data)
            if failure is not None:
                return failure
        return None


def attempt(target: Target, data: bytes) -> Failure | None:
    """One input. A target swallows the errors it promises, so whatever comes out here is a fault."""
    try:
        target.run(data)
    except Exception as error:  # noqa: BLE001  # finding the exception nobody thought of is the purpose
        return Failure(target.name, data, error)
    return None


def keep(failure: Failure, folder: Path) -> Path:
    """Writes the input; the name tells the target and is the same for the same input."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{failure.target}-{hashlib.sha256(failure.data).hexdigest()[:12]}.bin"
    path.write_bytes(failure.data)
    return path


def run(works: Sequence[Work], seconds: float, console: Console) -> Failure | None:
    """All targets in turn for `seconds`, each at least one batch; the first failure ends it."""
    columns = (
        TextColumn("{task.description:<24}"),
        BarColumn(),
        TextColumn("{task.fields[tried]:>12,} inputs"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        tasks: dict[str, TaskID] = {
            work.target.name: progress.add_task(work.target.name, total=seconds, tried=0) for work in works
        }
        start = time.monotonic()
        while True:
            for work in works:
                failure = work.round(BATCH)
                gone = time.monotonic() - start
                progress.update(tasks[work.target.name], completed=min(gone, seconds), tried=work.tried)
                if failure is not None:
                    return failure
            if gone >= seconds:
                return None


def tell(failure: Failure, path: Path, console: Console) -> None:
    """What failed, where its input is, and how to see it again."""
    try:
        raise failure.error
    except type(failure.error):
        console.print_exception(max_frames=12)
    console.print(
        f"[bold red]{failure.target} failed[/] on {len(failure.data)} octets, kept in {path}", soft_wrap=True
    )
    console.print(
        f"Again: python -m fuzz --target {failure.target} --replay {path}", highlight=False, soft_wrap=True
    )


def main(arguments: Sequence[str] | None = None, *, folder: Path | None = None) -> int:
    """0: every input was borne. 1: one was not. 2: there is no such target."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description="Noise against every reader.")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="the same seed gives the same inputs (default: a new one)")
    parser.add_argument("--target", help="only this target")
    parser.add_argument("--replay", type=Path, help="only the input in this file; needs --target")
    parser.add_argument("--found", type=Path, default=FOUND, help="where a failing input is kept")
    chosen = parser.parse_args(arguments)
    console = Console()
    known = list(targets() if folder is None else targets(folder))
    wanted = [target for target in known if chosen.target in (None, target.name)]
    if not wanted or (chosen.replay and not chosen.target):
        console.print(f"--target is one of: {', '.join(target.name for target in known)}")
        return 2
    if chosen.replay:
        failure = attempt(wanted[0], chosen.replay.read_bytes())
    else:
        seed = secrets.randbits(32) if chosen.seed is None else chosen.seed
        console.print(f"seed {seed}, {len(wanted)} targets, {chosen.seconds:g} s", highlight=False)
        works = [Work(target, seed) for target in wanted]
        failure = run(works, chosen.seconds, console)
    if failure is not None:
        tell(failure, keep(failure, chosen.found), console)
        return 1
    if not chosen.replay:
        console.print(f"{sum(work.tried for work in works):,} inputs, seed {seed}: only the promised errors")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
