"""The evidence for a box in one call: named additive scores out of a plain model, and what each is about.

A model is small trees; every tree looks at the features of one named kind of evidence only, so the score is
a sum of names. Values are logarithms of odds: +1 makes a box e times as likely.
"""

import hashlib
from typing import Final

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tideng.calls.detector.compiling import kernel
from tideng.calls.detector.layout import FEATURES

Rows = NDArray[np.float32]

MEANINGS: Final = {
    "strangers": "calls to numbers this line was never in contact with, beyond its own usual days",
    "rhythm": "the pauses between calls are short and even, as a machine's or a list's",
    "short_or_missed": "strangers do not answer or hang up within seconds, beyond its own share",
    "usual_contacts": "the line's usual contacts are not called; nobody is tried twice",
    "line_in_use": "the line is in use almost without a break",
    "incoming": "few calls come in or get through; strangers do not call back",
    "talk": "hang-ups mixed with very long calls to strangers",
    "hours": "calls at hours at which this line does not usually call",
    "shared_callees": "numbers that other suddenly loud lines call too, none that the town usually calls",
    "habits": "what this line usually does: how much it calls, and how many strangers",
}


class ModelInvalid(ValueError):
    """These bytes are no detector model. The message says why."""


class Model(Struct, frozen=True, kw_only=True):
    """Trees as flat columns. `left`/`right` below 0 are leaves: -1-i is `value[i]`."""

    version: str
    features: tuple[str, ...]
    groups: tuple[str, ...]
    offset: float
    """Where the sum begins: the logarithm of the odds before any evidence."""
    threshold: float
    """Promised on the dev worlds: `promised` false alarms per million line-days."""
    suspend: float
    promised: float
    tail: tuple[float, ...]
    """The dev worlds' own daily peaks at `TAIL_SHARES`, for the calibration on a population."""
    root: tuple[int, ...]
    tree_group: tuple[int, ...]
    feature: tuple[int, ...]
    limit: tuple[float, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    value: tuple[float, ...]


TAIL_SHARES: Final = (0.02, 0.01, 0.005, 0.002, 0.001)


class Scorer:
    """A model made ready. `of(rows)` gives each row's evidence by group."""

    def __init__(self, raw: bytes) -> None:
        """`ModelInvalid` unless `raw` is a model for exactly our features."""
        try:
            self.model = msgspec.json.decode(raw, type=Model)
        except msgspec.DecodeError as error:
            raise ModelInvalid(f"not a detector model: {error}") from error
        model = self.model
        if model.features != FEATURES:
            raise ModelInvalid("the model was made for other features; train it again")
        self.name = f"{model.version}+{hashlib.sha256(raw).hexdigest()[:12]}"
        self._trees = (
            np.array(model.root, np.int32),
            np.array(model.tree_group, np.int32),
            np.array(model.feature, np.int32),
            np.array(model.limit, np.float64),
            np.array(model.left, np.int32),
            np.array(model.right, np.int32),
            np.array(model.value, np.float64),
        )
        if any(not 0 <= feature < len(FEATURES) for feature in model.feature):
            raise ModelInvalid("a tree looks at a feature that there is not")

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the kinds of evidence, in the order of columns."""
        return self.model.groups

    def of(self, rows: Rows) -> NDArray[np.float64]:
        """Evidence by group for each row; the score is `offset` plus the row's sum."""
        out = np.zeros((len(rows), len(self.model.groups)), np.float64)
        add_up(rows, *self._trees, out)
        return out

    def total(self, evidence: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scores of rows of evidence."""
        total: NDArray[np.float64] = self.model.offset + evidence.sum(axis=1)
        return total


@kernel
def add_up(
    rows: Rows,
    root: NDArray[np.int32],
    tree_group: NDArray[np.int32],
    feature: NDArray[np.int32],
    limit: NDArray[np.float64],
    left: NDArray[np.int32],
    right: NDArray[np.int32],
    value: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Walk every tree for every row and add the leaf to the tree's group."""
    for i in range(len(rows)):
        for tree in range(len(root)):
            node = root[tree]
            while node >= 0:
                node = left[node] if np.float64(rows[i, feature[node]]) <= limit[node] else right[node]
            out[i, tree_group[tree]] += value[-1 - node]
