"""A model of subscribers: trees as plain JSON, scored with numpy alone; training needs the `train` extra."""

from collections.abc import Callable
from typing import Any, Final

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tideng.calls.detector.compiling import kernel
from tideng.calls.subscribers.aggregates import FEATURES, Aggregates, Floats, features

FOLDS: Final = 10
MEMBERS: Final = (
    {"num_leaves": 31, "min_data_in_leaf": 10, "feature_fraction": 0.4, "learning_rate": 0.03},
    {
        "num_leaves": 15,
        "min_data_in_leaf": 8,
        "feature_fraction": 0.25,
        "learning_rate": 0.03,
        "extra_trees": True,
    },
    {"num_leaves": 63, "min_data_in_leaf": 20, "feature_fraction": 0.3, "learning_rate": 0.03},
)
"""Different temperaments, averaged in log odds."""
ROUNDS: Final = (500, 900, 350)
SHARED: Final = {
    "objective": "binary",
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 3.0,
    "verbose": -1,
    "deterministic": True,
    "num_threads": 1,
}
FALSE_SHARES: Final = (0.01, 0.001)
LEARN_MIN: Final = 100


class ModelInvalid(ValueError):
    """These bytes are no subscriber model, or none can be learnt. The message says why."""


class Quality(Struct, frozen=True, kw_only=True):
    """What cross-validation says: never measured on rows a member had seen."""

    rows: int
    positives: int
    auc: float
    recall_at_1_percent: float
    recall_at_1_permille: float


class SubscriberModel(Struct, frozen=True, kw_only=True):
    """Trees as flat columns; children below 0 are leaves. An unknown value goes where `unknown_left` says."""

    kind: str = "tideng-subscribers/1"
    features: tuple[str, ...]
    members: int
    root: tuple[int, ...]
    feature: tuple[int, ...]
    limit: tuple[float, ...]
    unknown_left: tuple[bool, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    value: tuple[float, ...]
    threshold_1_percent: float
    """Log odds that one in a hundred honest rows exceeded in cross-validation."""
    threshold_1_permille: float
    quality: Quality


def decode(raw: bytes) -> SubscriberModel:
    """The model in these bytes. Raises `ModelInvalid`."""
    try:
        model = msgspec.json.decode(raw, type=SubscriberModel)
    except msgspec.DecodeError as error:
        raise ModelInvalid(f"not a subscriber model: {error}") from error
    if model.features != FEATURES:
        raise ModelInvalid("the model was trained for other features; train it again")
    return model


@kernel
def _walk(
    x: Floats,
    root: NDArray[np.int32],
    feature: NDArray[np.int32],
    limit: Floats,
    unknown_left: NDArray[np.bool_],
    left: NDArray[np.int32],
    right: NDArray[np.int32],
    value: Floats,
    out: Floats,
) -> None:
    for i in range(len(x)):
        for tree in range(len(root)):
            node = root[tree]
            while node >= 0:
                v = x[i, feature[node]]
                goes_left = unknown_left[node] if np.isnan(v) else v <= limit[node]
                node = left[node] if goes_left else right[node]
            out[i] += value[-1 - node]


def score(model: SubscriberModel, values: Floats) -> Floats:
    """Log odds of each row."""
    out = np.zeros(len(values))
    _walk(
        features(values),
        np.array(model.root, np.int32),
        np.array(model.feature, np.int32),
        np.array(model.limit),
        np.array(model.unknown_left, np.bool_),
        np.array(model.left, np.int32),
        np.array(model.right, np.int32),
        np.array(model.value),
        out,
    )
    return out / model.members


def train(
    table: Aggregates,
    *,
    seed: int = 1,
    effort: float = 1.0,
    progress: Callable[[int, int], None] | None = None,
) -> SubscriberModel:
    """Learn from a labelled table, with its cross-validated quality; `effort` is the share of rounds taken.

    Raises `ModelInvalid` on too little to learn from.
    """
    if table.labels is None:
        raise ModelInvalid("the table has no labels")
    y = table.labels
    if len(y) < LEARN_MIN or min(int(y.sum()), int((1 - y).sum())) < FOLDS:
        raise ModelInvalid(
            f"{len(y)} rows with {int(y.sum())} fraudsters; at least {LEARN_MIN} rows and {FOLDS} of each "
            f"kind are needed"
        )
    x = features(table.values)
    rng = np.random.default_rng(seed)
    fold = np.empty(len(y), np.int64)
    for label in (0, 1):
        mine = rng.permutation(np.flatnonzero(y == label))
        fold[mine] = np.arange(len(mine)) % FOLDS
    held = np.zeros(len(y))
    for k in range(FOLDS):
        inside = fold != k
        held[~inside] = sum(
            b.predict(x[~inside], raw_score=True) for b in _members(x[inside], y[inside], seed, effort)
        ) / len(MEMBERS)
        if progress is not None:
            progress(k + 1, FOLDS + 1)
    boosters = _members(x, y, seed, effort)
    if progress is not None:
        progress(FOLDS + 1, FOLDS + 1)
    at_1_percent, at_1_permille = (_threshold(held[y == 0], share) for share in FALSE_SHARES)
    flat = _flat([tree for booster in boosters for tree in booster.dump_model()["tree_info"]])
    return SubscriberModel(
        root=flat["root"],
        feature=flat["feature"],
        limit=flat["limit"],
        unknown_left=flat["unknown_left"],
        left=flat["left"],
        right=flat["right"],
        value=flat["value"],
        features=FEATURES,
        members=len(MEMBERS),
        threshold_1_percent=at_1_percent,
        threshold_1_permille=at_1_permille,
        quality=Quality(
            rows=len(y),
            positives=int(y.sum()),
            auc=auc(y, held),
            recall_at_1_percent=float((held[y == 1] > at_1_percent).mean()),
            recall_at_1_permille=float((held[y == 1] > at_1_permille).mean()),
        ),
    )


def auc(y: NDArray[np.int64], score: Floats) -> float:
    """Chance that a fraudster scores higher than an honest subscriber; ties count half."""
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    positives = int(y.sum())
    negatives = len(y) - positives
    return float((ranks[y == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def _threshold(honest: Floats, share: float) -> float:
    ordered = np.sort(honest)[::-1]
    return float(ordered[int(share * len(ordered))])


def _members(
    x: Floats, y: NDArray[np.int64], seed: int, effort: float
) -> list[Any]:  # Any: lightgbm has no types
    import lightgbm

    return [
        lightgbm.train(
            {**SHARED, **member, "seed": seed + i}, lightgbm.Dataset(x, y), max(1, int(rounds * effort))
        )
        for i, (member, rounds) in enumerate(zip(MEMBERS, ROUNDS, strict=True))
    ]


def _flat(trees: list[dict[str, Any]]) -> dict[str, tuple[Any, ...]]:  # Any: parsed JSON of LightGBM
    columns: dict[str, list[Any]] = {
        name: [] for name in ("feature", "limit", "unknown_left", "left", "right", "value")
    }

    def add(node: dict[str, Any]) -> int:
        if "leaf_value" in node:
            columns["value"].append(node["leaf_value"])
            return -len(columns["value"])
        at = len(columns["feature"])
        columns["feature"].append(node["split_feature"])
        columns["limit"].append(node["threshold"])
        # LightGBM reads an unknown as 0 where it saw none in training.
        known_only = node["missing_type"] == "None"
        columns["unknown_left"].append(node["threshold"] >= 0 if known_only else node["default_left"])
        columns["left"].append(0)
        columns["right"].append(0)
        columns["left"][at] = add(node["left_child"])
        columns["right"][at] = add(node["right_child"])
        return at

    root = [add(tree["tree_structure"]) for tree in trees]
    return {"root": tuple(root), **{name: tuple(column) for name, column in columns.items()}}
