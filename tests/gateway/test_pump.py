"""The pump: order, batches, lanes, and what becomes of a batch that fails."""

import asyncio
from collections.abc import Awaitable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tideng.gateway.pump import Overloaded, Pump
from tideng.storage.failures import StorageFailed


def play(scene: Awaitable[None]) -> None:
    async def run() -> None:
        async with asyncio.timeout(20):
            await scene

    asyncio.run(run())


@given(st.lists(st.integers(0, 5), max_size=30), st.integers(1, 3), st.integers(1, 7))
def test_everything_is_worked_on_once_and_in_order(pauses: list[int], lanes: int, batch_max: int) -> None:
    begun: list[int] = []
    ended: list[int] = []

    async def scene() -> None:
        async def rest(batch: list[int]) -> None:
            for _ in range(pauses[batch[0]]):
                await asyncio.sleep(0)
            ended.extend(batch)

        async def work(batch: list[int]) -> Awaitable[None]:
            assert 0 < len(batch) <= batch_max
            begun.extend(batch)
            await asyncio.sleep(0)
            return rest(batch)

        pump = Pump("p", work, lambda batch, error: None, waiting_max=99, batch_max=batch_max, lanes=lanes)
        pump.start()
        for number, pause in enumerate(pauses):
            pump.offer(number)
            if pause == 1:
                await asyncio.sleep(0)
        await pump.settled()
        assert len(ended) == len(pauses), "settled too early"
        await pump.close()

    play(scene())
    assert begun == [*range(len(pauses))]
    assert sorted(ended) == begun


def test_the_next_batch_begins_while_the_one_before_is_finishing() -> None:
    async def scene() -> None:
        finish = asyncio.Event()
        begun: list[int] = []

        async def work(batch: list[int]) -> Awaitable[None]:
            begun.extend(batch)

            async def rest() -> None:
                await finish.wait()

            return rest()

        pump = Pump("p", work, lambda batch, error: None, waiting_max=9, batch_max=9, lanes=2)
        pump.start()
        for number in (1, 2, 3):
            pump.offer(number)
            await asyncio.sleep(0.001)
        assert begun == [1, 2], "a third batch may not begin before one of the two is done"
        finish.set()
        await pump.close()
        assert begun == [1, 2, 3]

    play(scene())


@pytest.mark.parametrize("late", [False, True])
def test_one_bad_item_stops_neither_its_neighbours_nor_the_step(late: bool) -> None:
    async def scene() -> None:
        done: list[int] = []
        failed: list[tuple[int, str]] = []

        async def work(batch: list[int]) -> Awaitable[None] | None:
            async def rest() -> None:
                if 3 in batch:
                    raise ValueError("three")
                done.extend(batch)

            if late:
                return rest()
            await rest()
            return None

        def give_up(batch: list[int], error: Exception) -> None:
            failed.extend((item, str(error)) for item in batch)

        pump = Pump("p", work, give_up, waiting_max=9, batch_max=9, lanes=2)
        for number in range(6):
            pump.offer(number)
        pump.start()
        await pump.settled()
        pump.offer(7)
        await pump.close()
        assert sorted(done) == [0, 1, 2, 4, 5, 7]
        assert failed == [(3, "three")]

    play(scene())


def test_a_storage_failure_is_everybody_s() -> None:
    async def scene() -> None:
        failed: list[int] = []

        async def work(batch: list[int]) -> None:
            raise StorageFailed("disk full")

        pump = Pump("p", work, lambda batch, error: failed.extend(batch), waiting_max=9, batch_max=9)
        pump.offer(1)
        pump.offer(2)
        pump.start()
        await pump.close()
        assert failed == [1, 2]

    play(scene())


def test_a_full_pump_says_so() -> None:
    async def scene() -> None:
        async def work(batch: list[int]) -> None: ...

        pump = Pump("intake", work, lambda batch, error: None, waiting_max=1, batch_max=1)
        pump.offer(1)
        assert pump.room == 0
        with pytest.raises(Overloaded, match="intake: 1 items are waiting"):
            pump.offer(2)

    play(scene())
