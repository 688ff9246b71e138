"""Call records as columns, in order of arrival: what the detector and the features read."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray


class Calls(Struct, frozen=True, kw_only=True):
    """Records sorted by when their call ended. Numbers are 64-bit keys; `line_of` tells which are watched."""

    caller: NDArray[np.uint64]
    callee: NDArray[np.uint64]
    caller_line: NDArray[np.int32]
    """Index of the watched line that placed the call, or -1."""
    callee_line: NDArray[np.int32]
    start: NDArray[np.int64]
    """Seconds UTC."""
    ring_s: NDArray[np.int64]
    talk_s: NDArray[np.int64]
    answered: NDArray[np.bool_]
    lines: tuple[str, ...]
    """The watched lines as the file writes them, by index."""
    classes: tuple[str, ...]
    """Of each watched line; "" when the file says nothing."""

    @property
    def end(self) -> NDArray[np.int64]:
        """When each call ended, which is when its record can first be known."""
        return self.start + self.ring_s + self.talk_s

    def piece(self, first: int, last: int) -> "Calls":
        """Records `first … last-1`, with the same lines."""
        return Calls(
            caller=self.caller[first:last],
            callee=self.callee[first:last],
            caller_line=self.caller_line[first:last],
            callee_line=self.callee_line[first:last],
            start=self.start[first:last],
            ring_s=self.ring_s[first:last],
            talk_s=self.talk_s[first:last],
            answered=self.answered[first:last],
            lines=self.lines,
            classes=self.classes,
        )


class Unread(Struct, frozen=True, kw_only=True):
    """Rows that could not be used, counted by reason. None of them is ever evidence."""

    read: int
    reasons: dict[str, int]

    @property
    def refused(self) -> int:
        """How many rows were put aside."""
        return sum(self.reasons.values())


class LineCalls(Struct, frozen=True, kw_only=True):
    """What one line placed, oldest first; columns of one length."""

    callee: Sequence[str]
    start: NDArray[np.int64]
    """Seconds UTC."""
    busy_s: NDArray[np.int64]
    """Ringing and talk."""
    left_out: int = 0
    """Older calls that are not here, because there were too many."""


def line_calls(calls: Calls, line: int) -> LineCalls:
    """What the watched line with this index placed."""
    mine = np.flatnonzero(calls.caller_line == line)
    return LineCalls(
        callee=[str(number) for number in calls.callee[mine].tolist()],
        start=calls.start[mine],
        busy_s=calls.ring_s[mine] + calls.talk_s[mine],
    )
