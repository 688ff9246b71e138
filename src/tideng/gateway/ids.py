"""Message ids: 63-bit, time-ordered, never twice, robust to everything peers do to ids."""

from collections.abc import Callable
from typing import Final

from tideng.gateway.messages import MessageId, Micros

EPOCH_US: Final = 1_767_225_600_000_000
"""2026-01-01T00:00:00Z."""

_SEQUENCE_BITS: Final = 22


class MessageIds:
    """Gives ids that grow: milliseconds since 2026 in the upper 41 bits, a counter in the lower 22.

    Decimal digits without leading zero, below 2^63: peers that fold case, strip zeros or parse
    ids as signed integers cannot confuse two of them. A clock that steps back does not:
    the counter goes on from the last id. `last` is the highest id ever stored.
    """

    def __init__(self, now: Callable[[], Micros], last: MessageId = 0) -> None:
        self._now = now
        self._last = last

    def next(self) -> MessageId:
        """The next id; never less than or equal to one given before."""
        self._last = max(self._last + 1, first_id_at(self._now()))
        return self._last


def first_id_at(at: Micros) -> MessageId:
    """The lowest id a message received at `at` can have: bounds searches by time."""
    return max(0, (at - EPOCH_US) // 1000) << _SEQUENCE_BITS


def time_of(message: MessageId) -> Micros:
    """When the id was given, to the millisecond (later if the clock had stepped back)."""
    return EPOCH_US + (message >> _SEQUENCE_BITS) * 1000
