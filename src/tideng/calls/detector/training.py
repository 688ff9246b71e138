"""Learn the additive evidence from simulated dev worlds. Needs the `train` extra; the result is plain JSON.

Every tree may look at one group of features only, and where the direction is known beforehand (more strangers
never speak against a box) it is imposed: what holds in one town only has less room.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tideng.calls.columns import Calls
from tideng.calls.detector.calibrating import daily_peaks, tail_levels
from tideng.calls.detector.detecting import STRANGERS_MIN
from tideng.calls.detector.evidence import Model
from tideng.calls.detector.layout import FEATURES
from tideng.calls.detector.lines import BATCH, LineStates

GROUPS: Final = {
    "strangers": ("new_fast", "new_slow", "new_surprise", "over_own_peak", "episode_new"),
    "rhythm": ("gap_mean", "gap_spread", "gap_now", "quick_share"),
    "short_or_missed": ("missed_share", "missed_over_own", "unanswered_fast", "short_share"),
    "usual_contacts": ("known_ratio", "known_fast", "redial_share"),
    "line_in_use": ("occupancy", "episode_hours"),
    "incoming": ("incoming_ratio", "called_back", "incoming_failed"),
    "talk": ("talk_over_own", "talk_spread_over_own", "long_calls", "long_share"),
    "hours": ("hour_share",),
    "shared_callees": ("popular_share", "shared_with_loud"),
    "habits": ("own_out", "own_new_share", "own_days"),
}
"""Which name a feature's evidence is told under."""
DIRECTIONS: Final = {
    "new_fast": 1,
    "new_surprise": 1,
    "over_own_peak": 1,
    "missed_over_own": 1,
    "known_ratio": -1,
    "known_fast": -1,
    "redial_share": -1,
    "called_back": -1,
    "incoming_ratio": -1,
    "long_calls": 1,
    "long_share": 1,
    "short_share": 1,
    "popular_share": -1,
    "shared_with_loud": 1,
    "own_new_share": -1,
}
PARAMETERS: Final = {
    "objective": "binary",
    "learning_rate": 0.1,
    "num_leaves": 28,
    "min_data_in_leaf": 150,
    "lambda_l2": 5.0,
    "feature_fraction": 0.6,
    "bagging_fraction": 0.6,
    "bagging_freq": 1,
    "max_bin": 63,
    "verbose": -1,
    "num_threads": 1,
    "deterministic": True,
    "seed": 7,
}
LOUD_SHARE: Final = 0.6
EARLY_CALLS: Final = 25
HARD: Final = -4.0
"""Honest calls that a first model scores above this are all but kept."""
HARDEST, HARDEST_WEIGHT = -1.0, 16.0
"""False alarms come from a few thousand honest lines of a million, which likelihood alone hardly sees: each
of their calls counts as many times."""


class Lesson(Struct, frozen=True, kw_only=True):
    """What is kept of one world for training: calls that could be evidence, and what they were."""

    rows: NDArray[np.float32]
    line: NDArray[np.int32]
    day: NDArray[np.int64]
    is_box_line: NDArray[np.bool_]
    by_box: NDArray[np.bool_]
    nth: NDArray[np.int64]
    """Of the box's calls, counted from 1; 0 for others."""
    line_days: int


def lesson(
    calls: Calls, by_box: NDArray[np.bool_], box_lines: NDArray[np.int64], *, zone_s: int, days: int
) -> Lesson:
    """Walk a world and keep what training needs."""
    states = LineStates(len(calls.lines), zone_s=zone_s)
    rows, picked = [], []
    for first in range(0, len(calls.start), BATCH):
        piece = calls.piece(first, first + BATCH)
        walked, _ = states.feed(piece)
        here = np.flatnonzero((piece.caller_line >= 0) & (walked[:, 1] >= STRANGERS_MIN))
        rows.append(walked[here])
        picked.append(here + first)
    record = np.concatenate(picked)
    line = calls.caller_line[record]
    by = by_box[record]
    nth = np.zeros(len(record), np.int64)
    mine = np.flatnonzero(by)
    order = mine[np.argsort(line[mine], kind="stable")]
    if len(order):
        heads = np.flatnonzero(np.diff(line[order], prepend=-1))
        nth[order] = np.arange(len(order)) - np.repeat(heads, np.diff(np.append(heads, len(order)))) + 1
    return Lesson(
        rows=np.concatenate(rows),
        line=line,
        day=(calls.start[record] + zone_s) // 86_400,
        is_box_line=np.isin(line, box_lines),
        by_box=by,
        nth=nth,
        line_days=len(calls.lines) * days,
    )


def train(
    learn: Sequence[Lesson],
    keep_back: Sequence[Lesson],
    *,
    version: str,
    promised: float,
    promised_suspend: float,
    drift: float = 1.0,
    suspend_margin: float = 0.0,
    rounds: int = 300,
    without: Sequence[str] = (),
) -> bytes:
    """A model learnt from some worlds, its thresholds set on others.

    `promised` and `promised_suspend` are false alarms per million line-days; the thresholds keep them divided
    by `drift`, which leaves room for worlds that are made otherwise; the threshold for suspending lies
    `suspend_margin` higher still, in log odds. `without`: groups left out (the audit).
    """
    import lightgbm

    used = [name for group, fields in GROUPS.items() if group not in without for name in fields]
    parameters = {
        **PARAMETERS,
        "monotone_constraints": [DIRECTIONS.get(name, 0) for name in FEATURES],
        "interaction_constraints": [[FEATURES.index(name) for name in used]],
    }
    x, y, weight = _gathered(learn, None)
    first = lightgbm.train(parameters, lightgbm.Dataset(x, y, weight=weight), 60)
    x, y, weight = _gathered(learn, first)
    booster = lightgbm.train(parameters, lightgbm.Dataset(x, y, weight=weight), rounds)
    trees = _flat(booster.dump_model()["tree_info"])
    scores: list[NDArray[np.float64]] = [
        np.asarray(booster.predict(world.rows, raw_score=True, num_threads=1)) for world in keep_back
    ]
    line_days = sum(world.line_days for world in keep_back)
    highest = np.sort(
        np.concatenate([line_peaks(world, s) for world, s in zip(keep_back, scores, strict=True)])
    )[::-1]
    levels = np.array([_tail(world, score) for world, score in zip(keep_back, scores, strict=True)])

    def allowed(promise: float) -> float:
        return float(highest[int(promise / drift * line_days / 1e6)])

    return msgspec.json.encode(
        Model(
            version=version,
            features=FEATURES,
            groups=tuple(GROUPS),
            feature_group=tuple(_group_of(name) for name in FEATURES),
            offset=round(
                sum(trees["expected"][at] if at >= 0 else trees["value"][-1 - at] for at in trees["root"]), 6
            ),
            threshold=round(allowed(promised), 4),
            suspend=round(allowed(promised_suspend) + suspend_margin, 4),
            promised=promised,
            tail=tuple(round(float(level), 4) for level in np.median(levels, axis=0)),
            **trees,
        )
    )


def _tail(world: Lesson, score: NDArray[np.float64]) -> tuple[float, ...]:
    honest = ~world.is_box_line
    return tail_levels(daily_peaks(world.line[honest], world.day[honest], score[honest]), world.line_days)


def line_peaks(world: Lesson, score: NDArray[np.float64]) -> NDArray[np.float64]:
    """By line: the highest score of an honest one's calls."""
    honest = ~world.is_box_line
    peaks = np.full(int(world.line.max(initial=0)) + 1, -99.0)
    np.maximum.at(peaks, world.line[honest], score[honest])
    return peaks


def _gathered(worlds: Sequence[Lesson], first: Any) -> tuple[Any, Any, Any]:  # Any: lightgbm has no types
    """Rows, labels and weights: few easy ones, every one the first model found hard, early box calls
    first."""
    rng = np.random.default_rng(5)
    x, y, weight = [], [], []
    for world in worlds:
        honest, chance = ~world.is_box_line, rng.random(len(world.line))
        thin = np.where(world.rows[:, FEATURES.index("own_new_share")] > LOUD_SHARE, 0.01, 0.04)
        easy = np.flatnonzero(honest & (chance < thin))
        if first is not None:
            wide = np.maximum(thin * 8, 0.3)
            maybe = np.flatnonzero(honest & (chance < wide))
            looks = first.predict(world.rows[maybe], raw_score=True, num_threads=1)
            hard, looks = maybe[looks > HARD], looks[looks > HARD]
            easy = easy[first.predict(world.rows[easy], raw_score=True, num_threads=1) <= HARD]
            x.append(world.rows[hard])
            y.append(np.zeros(len(hard)))
            weight.append(np.where(looks > HARDEST, HARDEST_WEIGHT, 1.0) / wide[hard])
        late = (world.nth > EARLY_CALLS) & (chance >= 0.15)
        box = np.flatnonzero(world.by_box & ~late)
        x += [world.rows[easy], world.rows[box]]
        y += [np.zeros(len(easy)), np.ones(len(box))]
        nth = world.nth[box]
        weight += [1 / thin[easy], 2.0 / (1 + nth / 20) / np.where(nth > EARLY_CALLS, 0.15, 1.0)]
    return np.concatenate(x), np.concatenate(y), np.concatenate(weight)


def _group_of(feature: str) -> int:
    return next(i for i, fields in enumerate(GROUPS.values()) if feature in fields)


def _flat(trees: list[dict[str, Any]]) -> dict[str, tuple[Any, ...]]:
    """LightGBM's nested trees as flat columns. Any: it is parsed JSON."""
    names = ("feature", "limit", "expected", "left", "right", "value")
    columns: dict[str, list[Any]] = {name: [] for name in names}

    def add(node: dict[str, Any]) -> int:
        if "leaf_value" in node:
            columns["value"].append(round(node["leaf_value"], 5))
            return -len(columns["value"])
        at = len(columns["feature"])
        columns["feature"].append(node["split_feature"])
        columns["limit"].append(float(f"{node['threshold']:.7g}"))
        columns["expected"].append(round(node["internal_value"], 5))
        for side in ("left", "right"):
            columns[side].append(0)
        columns["left"][at] = add(node["left_child"])
        columns["right"][at] = add(node["right_child"])
        return at

    root = tuple(add(tree["tree_structure"]) for tree in trees)
    return {"root": root, **{name: tuple(column) for name, column in columns.items()}}
