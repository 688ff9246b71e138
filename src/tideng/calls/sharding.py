"""Streams past one machine: records go to the shard of each line they touch; a transport carries them.

The promise is the same in process and, later, over NATS: order within a shard, nothing twice for one sequence
number, a bounded queue that says it is full instead of forgetting.
"""

import hashlib
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from tideng.calls.records import CallRecord

QUEUE_MAX: Final = 1_000_000


class StreamFull(Exception):
    """A shard's queue is full; wait for its reader."""


class RecordStream(Protocol):
    """Carries records to shards, in order per shard."""

    def publish(self, shard: int, records: Sequence[CallRecord]) -> None:
        """Append. `StreamFull` (nothing taken) when they do not fit."""

    def take(self, shard: int, most: int) -> list[CallRecord]:
        """The next records of a shard, oldest first; empty when there are none."""


def shard_of(number: str, shards: int) -> int:
    """Which shard a number belongs to; the same everywhere and for ever."""
    return int.from_bytes(hashlib.blake2b(number.encode(), digest_size=8).digest(), "big") % shards


def route(records: Iterable[CallRecord], shards: int) -> dict[int, list[CallRecord]]:
    """Records by shard: the caller's, and the callee's too when it is another (its incoming side)."""
    routed: dict[int, list[CallRecord]] = {}
    for record in records:
        for shard in {shard_of(record.caller, shards), shard_of(record.callee, shards)}:
            routed.setdefault(shard, []).append(record)
    return routed


class MemoryStream:
    """Fulfils `RecordStream` in one process."""

    def __init__(self, *, queue_max: int = QUEUE_MAX) -> None:
        self._queues: dict[int, deque[CallRecord]] = {}
        self._max = queue_max

    def publish(self, shard: int, records: Sequence[CallRecord]) -> None:
        """See `RecordStream`."""
        queue = self._queues.setdefault(shard, deque())
        if len(queue) + len(records) > self._max:
            raise StreamFull(f"shard {shard} holds {len(queue)} records; the limit is {self._max}")
        queue.extend(records)

    def take(self, shard: int, most: int) -> list[CallRecord]:
        """See `RecordStream`."""
        queue = self._queues.get(shard, deque())
        return [queue.popleft() for _ in range(min(most, len(queue)))]
