"""Evidence that no call of the line itself holds: somebody reported it, or lines it is linked to turned loud.

It is added to the score of calls, never learned, and never moves the thresholds: those rest on calls alone.
The weights are logarithms of odds and are assumptions, for want of any published figure:

- a report: 20 times as often about a line with a box as about an honest one. Not more, because a shown number
  can be forged (改号) and an honest line be reported. A second report adds nothing: it may be the same
  person.
- one other line of the same address or installer that turned loud within three days: 4.5 times; two or more:
  12 times. Cases: a rented room with several new lines, one installer's visits of one day.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

REPORT_WEIGHT: Final = 3.0
REPORT_S: Final = 7 * 86_400
"""A report counts for calls that end so long after the reported one."""
LINKED_WEIGHTS: Final = (0.0, 1.5, 2.5)
"""By the number of other linked lines that turned loud; more count like the last."""
LINKED_S: Final = 3 * 86_400
LOUD_BELOW: Final = 1.0
"""A line is loud from so far below the shipped threshold on, by its own calls alone."""
GROUP_LINES_MAX: Final = 50
"""Of a larger group (a hotel, a whole district's installer) some line is always loud: it links nobody."""
REPORTS_MAX: Final = 32
"""Reports remembered per line: the newest."""


class Weight(Struct, frozen=True):
    """What is added to one call's score."""

    report: float = 0.0
    linked: float = 0.0

    @property
    def total(self) -> float:
        """Both."""
        return self.report + self.linked


NOTHING: Final = Weight()
Loud = dict[str, dict[int, int]]
"""By group and line: when it was last loud, seconds UTC."""


class Outside:
    """What is known about lines besides their calls. Lines are indexes, as in `Calls`."""

    def __init__(self, threshold: float) -> None:
        """`threshold`: the shipped one of the model."""
        self._level = threshold - LOUD_BELOW
        self._reports: dict[int, list[int]] = {}
        self._groups: dict[int, tuple[str, ...]] = {}
        self._members: dict[str, list[int]] = {}
        self.loud: Loud = {}

    def report(self, line: int, at: int) -> None:
        """Somebody says that this line called with a scam at this moment (seconds UTC)."""
        known = self._reports.setdefault(line, [])
        known.append(at)
        del known[:-REPORTS_MAX]

    def link(self, line: int, groups: Sequence[str]) -> None:
        """This line belongs to these groups: an address, an installer."""
        if groups:
            self._groups[line] = tuple(groups)
        for group in groups:
            self._members.setdefault(group, []).append(line)

    def weigh(
        self, line: NDArray[np.int32], at: NDArray[np.int64], score: NDArray[np.float64]
    ) -> dict[int, Weight]:
        """What is added to calls in order of arrival, by their position here; and remember who was loud."""
        if not self._reports and not self._groups:
            return {}
        loud = [int(line[i]) for i in np.flatnonzero(score >= self._level)]
        concerned = np.isin(line, [*self._touched(loud)])
        told = {}
        for i in np.flatnonzero(concerned).tolist():
            who, when = int(line[i]), int(at[i])
            weight = Weight(self._reported(who, when), self._linked(who, when))
            if weight.total:
                told[i] = weight
            if score[i] >= self._level:
                for group in self._groups.get(who, ()):
                    self.loud.setdefault(group, {})[who] = when
        self._forget(int(at[-1]) if len(at) else 0)
        return told

    def _touched(self, loud: Iterable[int]) -> set[int]:
        """Lines about which anything can be said: reported, or in a group in which somebody is loud."""
        groups = {group for who in loud for group in self._groups.get(who, ())} | set(self.loud)
        return set(self._reports).union(*(self._members.get(group, ()) for group in groups))

    def _reported(self, line: int, when: int) -> float:
        known = self._reports.get(line, ())
        return REPORT_WEIGHT if any(0 <= when - at < REPORT_S for at in known) else 0.0

    def _linked(self, line: int, when: int) -> float:
        others = {
            other
            for group in self._groups.get(line, ())
            for other, at in self.loud.get(group, {}).items()
            if other != line and 0 <= when - at < LINKED_S
        }
        return LINKED_WEIGHTS[min(len(others), len(LINKED_WEIGHTS) - 1)]

    def _forget(self, now: int) -> None:
        for group, lines in list(self.loud.items()):
            # Twice as long as they count: a record that comes late still finds what it would have found.
            kept = {line: at for line, at in lines.items() if now - at < 2 * LINKED_S}
            if kept:
                self.loud[group] = kept
            else:
                del self.loud[group]
