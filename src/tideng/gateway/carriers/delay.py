"""Things to do a fixed time later, in order, with one timer for all of them."""

import asyncio
from collections import deque
from collections.abc import Callable

from tideng.gateway.connection import Clock


class DelayLine:
    """First in, first out, each `delay_s` after it went in; at once, within the call, when that is 0.

    The caller bounds what it puts in.
    """

    def __init__(self, clock: Clock, delay_s: float) -> None:
        self._clock = clock
        self._delay_s = delay_s
        self._line: deque[tuple[float, Callable[[], None]]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._line)

    def put(self, action: Callable[[], None]) -> None:
        """Do `action` after the delay."""
        if self._delay_s <= 0:
            action()
            return
        self._line.append((self._clock() + self._delay_s, action))
        if self._timer is None:
            self._arm()

    def close(self) -> None:
        """Forget what is in the line."""
        self._line.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        wait = max(0.0, self._line[0][0] - self._clock())
        self._timer = asyncio.get_running_loop().call_later(wait, self._fire)

    def _fire(self) -> None:
        self._timer = None
        now = self._clock()
        while self._line and self._line[0][0] <= now:
            self._line.popleft()[1]()
        if self._line and self._timer is None:
            self._arm()
