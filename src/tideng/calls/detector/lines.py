"""The states of all watched lines: fed with columns, saved to one file, and read again."""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tideng.calls.columns import Calls
from tideng.calls.detector import layout
from tideng.calls.detector.stepping import advance
from tideng.calls.detector.tables import Numbers, Pairs

VERSION: Final = 1
BATCH: Final = 200_000
"""Records walked at once; bounds the memory of feature rows (22 MB)."""


class StateUnreadable(ValueError):
    """A saved state cannot be used. The message says why and what to do."""


class LineStates:
    """One process's share of the lines. Not thread-safe: one caller feeds it, in order of arrival."""

    def __init__(self, lines: int, *, zone_s: int) -> None:
        """`zone_s`: seconds east of UTC at which the lines' days are cut."""
        self.zone_s = zone_s
        self.state: NDArray[np.float32] = np.zeros((lines, layout.WIDTH), np.float32)
        self.times: NDArray[np.int64] = np.zeros((lines, layout.T_WIDTH), np.int64)
        self.pairs = Pairs()
        self.numbers = Numbers()

    def grow(self, lines: int) -> None:
        """Room for lines never seen before; their index follows on."""
        more = lines - len(self.state)
        if more > 0:
            self.state = np.concatenate([self.state, np.zeros((more, layout.WIDTH), np.float32)])
            self.times = np.concatenate([self.times, np.zeros((more, layout.T_WIDTH), np.int64)])

    @property
    def bytes_held(self) -> int:
        """Memory of all states and tables."""
        pairs, numbers = self.pairs, self.numbers
        held = (
            self.state,
            self.times,
            pairs.keys,
            pairs.first_day,
            numbers.keys,
            numbers.lines,
            numbers.loud_line,
            numbers.loud_at,
        )
        return sum(array.nbytes for array in held)

    def feed(self, calls: Calls) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Take records; for each a row of features and its run, zeros where no watched line placed it."""
        rows = np.zeros((len(calls.start), layout.WIDTH_FEATURES), np.float32)
        runs = np.zeros((len(calls.start), 3), np.int64)
        self.pairs.make_room(2 * len(calls.start))
        self.numbers.make_room(2 * len(calls.start))
        advance(
            self.state,
            self.times,
            self.pairs.keys,
            self.pairs.first_day,
            self.pairs.count,
            self.numbers.keys,
            self.numbers.lines,
            self.numbers.loud_line,
            self.numbers.loud_at,
            self.numbers.count,
            calls.caller_line,
            calls.callee_line,
            calls.caller,
            calls.callee,
            calls.start,
            calls.ring_s,
            calls.talk_s,
            calls.answered,
            self.zone_s,
            rows,
            runs,
        )
        return rows, runs

    def save(self, path: Path) -> None:
        """Write everything beside `path`, then put it there: a crash leaves the old file or the new one."""
        beside = path.with_suffix(".writing.npz")
        np.savez(
            beside,
            version=VERSION,
            width=layout.WIDTH,
            zone_s=self.zone_s,
            state=self.state,
            times=self.times,
            pair_keys=self.pairs.keys,
            pair_day=self.pairs.first_day,
            pair_count=self.pairs.count,
            number_keys=self.numbers.keys,
            number_lines=self.numbers.lines,
            number_loud=self.numbers.loud_line,
            number_loud_at=self.numbers.loud_at,
            number_count=self.numbers.count,
        )
        beside.replace(path)

    @classmethod
    def load(cls, path: Path) -> "LineStates":
        """What `save` wrote. `StateUnreadable` for anything else."""
        try:
            with np.load(path, allow_pickle=False) as kept:
                if int(kept["version"]) != VERSION or int(kept["width"]) != layout.WIDTH:
                    raise StateUnreadable(
                        "the state is of another version; replay the records of the last 60 days"
                    )
                states = cls(0, zone_s=int(kept["zone_s"]))
                states.state, states.times = kept["state"], kept["times"]
                pairs, numbers = states.pairs, states.numbers
                pairs.keys, pairs.first_day, pairs.count = (
                    kept["pair_keys"],
                    kept["pair_day"],
                    kept["pair_count"],
                )
                numbers.keys, numbers.lines = kept["number_keys"], kept["number_lines"]
                numbers.loud_line, numbers.loud_at = kept["number_loud"], kept["number_loud_at"]
                numbers.count = kept["number_count"]
        except (OSError, KeyError, ValueError) as error:
            if isinstance(error, StateUnreadable):
                raise
            raise StateUnreadable(
                f"the state file cannot be read ({type(error).__name__}); replay the records"
            ) from error
        return states
