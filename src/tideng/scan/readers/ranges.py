"""Which bytes of an image are spoken for, as ranges that do not overlap."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

Range = tuple[int, int]
"""First byte, and the one behind the last."""


class Ranges:
    """A set of bytes. Adding and asking take time with the logarithm of how many ranges there are."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def add(self, ranges: Iterable[Range]) -> None:
        """These bytes too; overlaps are joined."""
        for start, end in ranges:
            if start >= end:
                continue
            low = bisect_left(self._ends, start)
            high = bisect_right(self._starts, end)
            if low < high:
                start, end = min(start, self._starts[low]), max(end, self._ends[high - 1])
            self._starts[low:high], self._ends[low:high] = [start], [end]

    def meets(self, ranges: Iterable[Range]) -> bool:
        """True if any of these bytes is in the set."""
        return any(
            bisect_right(self._ends, start) < bisect_left(self._starts, end)
            for start, end in ranges
            if start < end
        )

    def rest(self, size: int) -> Iterator[Range]:
        """What of bytes 0 … size-1 is not in the set, in order."""
        at = 0
        for start, end in zip(self._starts, self._ends, strict=True):
            if start >= size:
                break
            if start > at:
                yield at, start
            at = max(at, end)
        if at < size:
            yield at, size
