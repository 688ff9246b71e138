"""Requests of ours that await an answer, by sequence number (SMPP 3.4 §2.5.2)."""

from typing import Final, NamedTuple

from tideng.gateway.wire.smpp.errors import WindowFull

SEQUENCE_FIRST: Final = 1
SEQUENCE_LAST: Final = 0x7FFF_FFFF


class Waiting(NamedTuple):
    """One unanswered request."""

    command_id: int
    context: object
    sent_at: float
    counted: bool


class Window:
    """At most `size` counted requests at once; numbers from 1 to 0x7FFFFFFF and round again.

    Link management (bind, unbind, enquire_link) is not counted: a full window must not keep us from asking
    whether the peer lives.
    """

    def __init__(self, size: int, *, first: int = SEQUENCE_FIRST) -> None:
        if size < 1:
            raise ValueError(f"window is {size}; it must be at least 1")
        self.size = size
        self.counted = 0
        self._next = first
        # In the order of sending, which is the order of expiry: `expired` stops at the first young one.
        self._waiting: dict[int, Waiting] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def free(self) -> int:
        """How many more counted requests may be sent now."""
        return self.size - self.counted

    def next_sequence(self, *, counted: bool) -> int:
        """The next free number; it is not taken until `open`. Raises WindowFull."""
        if counted and self.counted >= self.size:
            raise WindowFull(f"{self.counted} requests are unanswered; the window is {self.size}. Wait")
        number = self._next
        while number in self._waiting:
            number = SEQUENCE_FIRST if number == SEQUENCE_LAST else number + 1
        return number

    def open(self, sequence: int, waiting: Waiting | None) -> None:
        """Take the number, and a slot when an answer is awaited."""
        self._next = SEQUENCE_FIRST if sequence == SEQUENCE_LAST else sequence + 1
        if waiting is not None:
            self._waiting[sequence] = waiting
            self.counted += waiting.counted

    def peek(self, sequence: int) -> Waiting | None:
        """Who waits for this number."""
        return self._waiting.get(sequence)

    def close(self, sequence: int) -> None:
        """The answer came: free the slot."""
        self.counted -= self._waiting.pop(sequence).counted

    def expired(self, before: float) -> list[Waiting]:
        """Everything sent at or before `before`; the slots are free afterwards."""
        old = []
        for sequence, waiting in self._waiting.items():
            if waiting.sent_at > before:
                break
            old.append((sequence, waiting))
        for sequence, _ in old:
            self.close(sequence)
        return [waiting for _, waiting in old]

    def oldest_at(self) -> float | None:
        """When the oldest unanswered request was sent."""
        for waiting in self._waiting.values():
            return waiting.sent_at
        return None

    def abandon(self) -> list[Waiting]:
        """Everything unanswered; the window is empty afterwards."""
        everything = list(self._waiting.values())
        self._waiting.clear()
        self.counted = 0
        return everything
