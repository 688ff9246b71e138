"""Counts failed sign-ins per account and per address, and says when to wait. In memory and bounded. Pure."""

import math
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

KEPT_MAX: Final = 10_000


class Attempts:
    """After `failures_max` failures under one name, every further try waits `pause_s` from the last one."""

    def __init__(
        self, failures_max: int, pause_s: float, *, clock: Callable[[], float], kept_max: int = KEPT_MAX
    ) -> None:
        """`clock`: monotonic seconds."""
        self._failures_max = failures_max
        self._pause_s = pause_s
        self._clock = clock
        self._kept_max = kept_max
        self._failed: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wait_s(self, *names: str) -> int:
        """Whole seconds until any of these may try again; 0: now."""
        now = self._clock()
        waits = [0.0]
        for name in names:
            failures, last = self._failed.get(name, (0, 0.0))
            if failures >= self._failures_max:
                waits.append(last + self._pause_s - now)
        return math.ceil(max(waits))

    def failed(self, *names: str) -> None:
        """Count a failure, before the outcome is known: many tries at once must not slip through.

        A failure older than the pause is forgotten. The names longest unused are forgotten first.
        """
        now = self._clock()
        for name in names:
            failures, last = self._failed.pop(name, (0, now))
            self._failed[name] = (1 if now - last >= self._pause_s else failures + 1, now)
        while len(self._failed) > self._kept_max:
            self._failed.popitem(last=False)

    def succeeded(self, *names: str) -> None:
        """Forget these names' failures."""
        for name in names:
            self._failed.pop(name, None)
