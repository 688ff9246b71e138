"""How good the detector is, told honestly: per world, with intervals, promised against realised."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from tideng.calls.columns import Calls
from tideng.calls.detector.detecting import Alarm
from tideng.calls.worlds.traffic import Box, Flags, World

SUSPENSIONS_PROMISED: Final = 0.5
"""False ones per million line-days, for which the shipped threshold for suspending is set."""
GRACE_S: Final = 7_200
"""A record may come so long after the box's last call and still count for it."""


class Found(Struct, frozen=True, kw_only=True):
    """What became of one box."""

    kind: str
    is_found: bool
    calls: int
    """The box had placed when the alarm came; of those missed, all it ever placed."""
    minutes: float
    suspended_calls: int
    """The same for the stronger tier; -1: never."""


class WorldResult(Struct, frozen=True, kw_only=True):
    """One world, judged."""

    world: str
    line_days: int
    found: tuple[Found, ...]
    false_alarms: int
    false_suspensions: int
    false_kinds: dict[str, int]
    shift: float

    @property
    def per_million(self) -> float:
        """False alarms per million line-days."""
        return self.false_alarms / self.line_days * 1e6


def judge(world: World, calls: Calls, by_box: Flags, alarms: Sequence[Alarm], shift: float) -> WorldResult:
    """Compare alarms with a world's truth. A false alarm is a line, counted once; before a box began is
    false."""
    boxes = {box.line: box for box in world.boxes}
    first: dict[tuple[int, str], int] = {}
    false: dict[str, set[int]] = {"call_owner": set(), "suspend": set()}
    for alarm in alarms:
        box = boxes.get(alarm.line)
        if box is None or not box.start <= alarm.at <= box.stop + GRACE_S:
            false["call_owner"].add(alarm.line)
            if alarm.tier == "suspend":
                false["suspend"].add(alarm.line)
            continue
        for tier in ("call_owner", "suspend") if alarm.tier == "suspend" else ("call_owner",):
            first.setdefault((alarm.line, tier), alarm.at)
    line, end = calls.caller_line[by_box], calls.end[by_box]
    order = np.lexsort((end, line))
    line, end = line[order], end[order]
    kinds: dict[str, int] = {}
    for one in false["call_owner"]:
        name = world.archetypes[world.archetype[one]]
        kinds[name] = kinds.get(name, 0) + 1

    def placed(box: Box, at: int | None) -> int:
        low, high = np.searchsorted(line, [box.line, box.line + 1])
        return int(high - low) if at is None else int(np.searchsorted(end[low:high], at, "right"))

    found = []
    for box in world.boxes:
        at, stopped = first.get((box.line, "call_owner")), first.get((box.line, "suspend"))
        found.append(
            Found(
                kind=box.kind,
                is_found=at is not None,
                calls=placed(box, at),
                minutes=(at - box.start) / 60 if at is not None else float("inf"),
                suspended_calls=placed(box, stopped) if stopped is not None else -1,
            )
        )
    return WorldResult(
        world=world.name,
        line_days=world.lines * world.days,
        found=tuple(found),
        false_alarms=len(false["call_owner"]),
        false_suspensions=len(false["suspend"]),
        false_kinds=kinds,
        shift=shift,
    )


def poisson_interval(count: int, confidence: float = 0.95) -> tuple[float, float]:
    """Exact (Garwood) interval of a Poisson mean that gave `count`."""
    from scipy.stats import chi2  # ships no types

    tail = (1 - confidence) / 2
    low = float(chi2.ppf(tail, 2 * count)) / 2 if count else 0.0
    return low, float(chi2.ppf(1 - tail, 2 * count + 2)) / 2
