"""Natural batching: whatever arrived while the last batch was being worked on is the next batch."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import structlog

from tideng.storage.failures import StorageError

T = TypeVar("T")
Rest = Awaitable[None] | None
"""What is left of the work on a batch when the next batch may begin: waiting for its commit, say."""
_log = structlog.get_logger()


class Overloaded(Exception):
    """A bounded queue is full. The peer is told (`ESME_RTHROTTLED`, HTTP 429); nothing is absorbed."""

    def __init__(self, name: str, waiting_max: int) -> None:
        super().__init__(f"{name}: {waiting_max} items are waiting, the limit; slow down and try again")
        self.name = name
        self.waiting_max = waiting_max


class Pump(Generic[T]):
    """Takes everything waiting, works on it as a list, and looks again. No timers.

    Items are worked on in the order they were offered, one batch at a time; of `lanes` batches all but one
    may be in the rest that `work` returned. Work that raises must have changed nothing: the batch is then
    tried again item by item, and those that fail alone are given to `failed`. Where the storage failed,
    all are.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[list[T]], Awaitable[Rest]],
        failed: Callable[[list[T], Exception], None],
        *,
        waiting_max: int,
        batch_max: int,
        lanes: int = 1,
    ) -> None:
        self.name = name
        self._work = work
        self._failed = failed
        self._waiting_max = waiting_max
        self._batch_max = batch_max
        self._lanes = lanes
        self._waiting: deque[T] = deque()
        self._under_way = 0
        self._turn = asyncio.Lock()
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._tasks: list[asyncio.Task[None]] = []

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
        self._tasks = [
            asyncio.create_task(self._run(), name=f"pump:{self.name}:{lane}") for lane in range(self._lanes)
        ]

    async def close(self) -> None:
        """Work off what waits, then stop."""
        await self._idle.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def settled(self) -> None:
        """Return once nothing waits and nothing is being worked on."""
        await self._idle.wait()

    async def _run(self) -> None:
        while True:
            # Outside the turn, which an earlier batch may need to recover.
            await self._wake.wait()
            async with self._turn:
                batch = self._take()
                if not batch:
                    continue  # another lane took it all
                self._under_way += 1
                rest = await self._begin(batch)
            if rest is not None:
                await self._end(batch, rest)
            self._under_way -= 1
            if not self._under_way and not self._waiting:
                self._idle.set()

    async def _begin(self, batch: list[T]) -> Rest:
        """The part of the work that goes in turn."""
        try:
            return await self._work(batch)
        except Exception as error:  # noqa: BLE001 - one bad item must stop neither its neighbours nor the step
            await self._recover(batch, error)
            return None

    async def _end(self, batch: list[T], rest: Awaitable[None]) -> None:
        try:
            await rest
        except Exception as error:  # noqa: BLE001 - as above
            async with self._turn:
                await self._recover(batch, error)

    async def _recover(self, batch: list[T], error: Exception) -> None:
        """Nothing of this batch was done: try its items one by one, or give them up. In turn."""
        if isinstance(error, StorageError):
            _log.error("batch_not_stored", pump=self.name, items=len(batch), error=str(error))
            self._failed(batch, error)
        elif len(batch) > 1:
            for item in batch:
                await self._alone(item)
        else:
            # The type alone: messages of unexpected errors may quote what people wrote.
            _log.error("item_failed", pump=self.name, error=type(error).__name__, exc_info=error)
            self._failed(batch, error)

    async def _alone(self, item: T) -> None:
        try:
            rest = await self._work([item])
            if rest is not None:
                await rest
        except Exception as error:  # noqa: BLE001 - as above
            await self._recover([item], error)

    def _take(self) -> list[T]:
        if len(self._waiting) <= self._batch_max:
            batch = list(self._waiting)
            self._waiting.clear()
            self._wake.clear()
            return batch
        return [self._waiting.popleft() for _ in range(self._batch_max)]
