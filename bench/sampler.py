"""Runs the `tideng` command under a CPU sampler: `python -m bench.sampler OUTPUT tideng-arguments…`.

SIGPROF comes every INTERVAL_S of CPU the process uses. The handler runs on the main thread, between two
byte codes, and gives each thread's CPU since the last sample (by its own CPU clock) to the stack that
thread is in. For the main thread, which runs the event loop, that is unbiased. The writer's stack is read
a moment later, when the main thread has the interpreter lock, so its samples lean towards the places where
it lets go of that lock (statements, the commit); its sum is exact. SIGUSR2 begins and ends the recording.
"""

import json
import signal
import sys
import threading
import time
from collections import defaultdict
from pathlib import Path
from types import FrameType
from typing import Final

INTERVAL_S: Final = 0.002
DEPTH_MAX: Final = 60
ROOMS: Final = (  # (part of the file's path, room); the innermost frame that fits decides
    ("/gateway/review/", "review"),
    ("/gateway/registry/", "review"),
    ("/tideng/evidence/", "seal"),
    ("/tideng/storage/", "seal"),
    ("/gateway/store/", "seal"),
    ("/gateway/entries", "seal"),
    ("/gateway/clearance", "seal"),
    ("/gateway/intake", "intake"),
    ("/gateway/dispatch", "dispatch"),
    ("/gateway/carriers/", "carrier link"),
    ("/gateway/reports", "reports"),
    ("/gateway/mailbox", "reports"),
    ("/gateway/telling", "reports"),
    ("/gateway/doors/smpp", "smpp door"),
    ("/gateway/doors/", "http door"),
    ("/litestar/", "http door"),
    ("/uvicorn/", "http door"),
)
STEPS: Final = frozenset({"intake", "dispatch", "reports"})


class Sampler:
    """CPU seconds by room and by function, while it is on."""

    def __init__(self, output: Path) -> None:
        self._output = output
        self._rooms: defaultdict[str, float] = defaultdict(float)
        self._functions: defaultdict[str, float] = defaultdict(float)
        self._clocks: dict[int, float] = {}
        self._samples = 0
        self._is_on = False

    def switch(self, _number: int, _frame: FrameType | None) -> None:
        """SIGUSR2: begin, or end and write what was seen."""
        self._is_on = not self._is_on
        if self._is_on:
            self._elapsed()
            signal.setitimer(signal.ITIMER_PROF, INTERVAL_S, INTERVAL_S)
            return
        signal.setitimer(signal.ITIMER_PROF, 0)
        seen = {"samples": self._samples, "rooms": self._rooms, "functions": self._functions}
        # Beside and renamed: whoever waits for the file must not see half of it.
        beside = self._output.with_suffix(".part")
        beside.write_text(json.dumps(seen), "utf-8")
        beside.replace(self._output)

    def sample(self, _number: int, frame: FrameType | None) -> None:
        """SIGPROF."""
        self._samples += 1
        frames = sys._current_frames()
        here = threading.get_ident()
        for thread, used in self._elapsed().items():
            at = frame if thread == here else frames.get(thread)
            if used > 0 and at is not None:
                room, function = place(at)
                self._rooms[room] += used
                self._functions[f"{room}\t{function}"] += used

    def _elapsed(self) -> dict[int, float]:
        elapsed = {}
        for thread in threading.enumerate():
            ident = thread.ident
            if ident is None:
                continue
            try:
                used = time.clock_gettime(time.pthread_getcpuclockid(ident))
            except OSError:  # the thread has just ended
                continue
            elapsed[ident] = used - self._clocks.get(ident, used)
            self._clocks[ident] = used
        return elapsed


def place(frame: FrameType) -> tuple[str, str]:
    """The room this stack works for, and the innermost function of Tideng's (or, without one, of anyone)."""
    room = ""
    function = ""
    at: FrameType | None = frame
    for _ in range(DEPTH_MAX):
        if at is None:
            break
        path = at.f_code.co_filename
        if not function and "/tideng/" in path:
            function = _name(at)
        if not room:
            room = _room(at, path)
        elif room == "seal":
            # The books of dispatch and reports are theirs; intake's are the seal.
            step = next((name for part, name in ROOMS if name in STEPS and part in path), "")
            if step and step != "intake":
                room = f"{step}: books"
        at = at.f_back
    return room or "event loop, other", function or _name(frame)


def _room(at: FrameType, path: str) -> str:
    if path.endswith("/gateway/connection.py"):
        # Both sides of the gateway use this loop; the handler says which side this is.
        connection = at.f_locals.get("self")
        handler = type(getattr(connection, "handler", None)).__module__
        return "smpp door" if ".doors." in handler else "carrier link" if ".carriers." in handler else ""
    if path.endswith("/storage/sqlite.py") and at.f_code.co_name == "_transact":
        return "seal"
    return next((name for part, name in ROOMS if part in path), "")


def _name(frame: FrameType) -> str:
    path = frame.f_code.co_filename
    inside = path.rpartition("/tideng/")[2] if "/tideng/" in path else path.rpartition("/")[2]
    return f"{inside}:{frame.f_code.co_qualname}"


def main() -> None:
    """Hand over to the command line with the sampler in place."""
    sampler = Sampler(Path(sys.argv[1]))
    sys.argv = ["tideng", *sys.argv[2:]]
    signal.signal(signal.SIGUSR2, sampler.switch)
    signal.signal(signal.SIGPROF, sampler.sample)
    from tideng.cli.main import run

    run()


if __name__ == "__main__":
    main()
