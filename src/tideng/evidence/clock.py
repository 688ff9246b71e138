"""Time that never goes back, and that says when the machine's clock did."""

import threading
from collections.abc import Callable

STEP_US_MIN = 1_000
"""Smaller steps back are below what a machine's clock can promise and are not worth an entry."""


class SteadyClock:
    """Microseconds UTC that never decrease. Thread-safe.

    While the machine's clock is behind what was already said, the last value is repeated: a time that was
    never on any clock would be harder to defend than equal ones. `take_step` says by how much it went back.
    """

    def __init__(self, wall: Callable[[], int]) -> None:
        self._wall = wall
        self._lock = threading.Lock()
        self._said = 0
        self._seen = 0
        self._step_us = 0

    def now(self) -> int:
        """The time to write into an entry."""
        with self._lock:
            seen = self._wall()
            if self._seen - seen >= STEP_US_MIN:
                self._step_us = max(self._step_us, self._seen - seen)
            self._seen = seen
            self._said = max(self._said, seen)
            return self._said

    def seen(self) -> int:
        """What the machine's clock says, steps and all; only for measuring how long something took."""
        with self._lock:
            return self._wall()

    def not_before(self, at: int) -> None:
        """Never say a time before `at`: what the ledger already holds. Being behind it counts as a step."""
        with self._lock:
            self._said = max(self._said, at)
            self._seen = max(self._seen, at)

    def take_step(self) -> int:
        """Microseconds the machine's clock went back since last asked; 0 if it did not."""
        with self._lock:
            step, self._step_us = self._step_us, 0
            return step

    def give_back(self, step_us: int) -> None:
        """The step could not be recorded after all."""
        with self._lock:
            self._step_us = max(self._step_us, step_us)
