"""Natural batching: whatever arrived while the last batch was being worked on is the next batch."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import structlog

T = TypeVar("T")
_log = structlog.get_logger()


class Overloaded(Exception):
    """A bounded queue is full. The peer is told (`ESME_RTHROTTLED`, HTTP 429); nothing is absorbed."""

    def __init__(self, name: str, waiting_max: int) -> None:
        super().__init__(f"{name}: {waiting_max} items are waiting, the limit; slow down and try again")
        self.name = name
        self.waiting_max = waiting_max


class Pump(Generic[T]):
    """One task that takes everything waiting, works on it as a list, and looks again. No timers.

    A batch whose work raises is given to `failed` with its error; the pump goes on. Items are
    worked on in the order they were offered, one batch at a time.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[list[T]], Awaitable[None]],
        failed: Callable[[list[T], Exception], None],
        *,
        waiting_max: int,
        batch_max: int,
    ) -> None:
        self.name = name
        self._work = work
        self._failed = failed
        self._waiting_max = waiting_max
        self._batch_max = batch_max
        self._waiting: deque[T] = deque()
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def room(self) -> int:
        """How many more items may be offered now."""
        return self._waiting_max - len(self._waiting)

    def offer(self, item: T) -> None:
        """Queue one item. Raises `Overloaded` when the limit is reached."""
        if len(self._waiting) >= self._waiting_max:
            raise Overloaded(self.name, self._waiting_max)
        self.put(item)

    def put(self, item: T) -> None:
        """Queue one item that is bounded elsewhere (a carrier's window, an unanswered report)."""
        self._waiting.append(item)
        self._idle.clear()
        self._wake.set()

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=f"pump:{self.name}")

    async def close(self) -> None:
        """Work off what waits, then stop."""
        await self._idle.wait()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def settled(self) -> None:
        """Return once nothing waits and nothing is being worked on."""
        await self._idle.wait()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            batch = self._take()
            if not batch:
                self._wake.clear()
                self._idle.set()
                continue
            try:
                await self._work(batch)
            except Exception as error:  # noqa: BLE001 - one bad batch must not stop the step
                _log.error("batch_failed", pump=self.name, items=len(batch), error=str(error), exc_info=True)
                self._failed(batch, error)

    def _take(self) -> list[T]:
        if len(self._waiting) <= self._batch_max:
            batch = list(self._waiting)
            self._waiting.clear()
            return batch
        return [self._waiting.popleft() for _ in range(self._batch_max)]
