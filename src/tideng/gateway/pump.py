"""Natural batching: whatever arrived while the last batch was being worked on is the next batch."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import structlog

from tideng.storage.failures import StorageError

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

    Items are worked on in the order they were offered, one batch at a time. Work that raises must have
    changed nothing: the batch is then tried again item by item, and those that fail alone are given to
    `failed`. Where the storage failed, all are.
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
            await self._attempt(batch)

    async def _attempt(self, batch: list[T]) -> None:
        try:
            await self._work(batch)
        except StorageError as error:
            _log.error("batch_not_stored", pump=self.name, items=len(batch), error=str(error))
            self._failed(batch, error)
        except Exception as error:  # noqa: BLE001 - one bad item must stop neither its neighbours nor the step
            if len(batch) > 1:
                for item in batch:
                    await self._attempt([item])
                return
            # The type alone: messages of unexpected errors may quote what people wrote.
            _log.error("item_failed", pump=self.name, error=type(error).__name__, exc_info=True)
            self._failed(batch, error)

    def _take(self) -> list[T]:
        if len(self._waiting) <= self._batch_max:
            batch = list(self._waiting)
            self._waiting.clear()
            return batch
        return [self._waiting.popleft() for _ in range(self._batch_max)]
