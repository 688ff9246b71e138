"""The evidence for a box in one call: named additive scores out of a plain model, and what each is about.

A model is small trees. On its way to a leaf a row's expected value changes at every question a tree asks; the
change is credited to the kind of evidence the question was about. So the score is a sum of names, exactly.
Values are logarithms of odds: +1 makes a box e times as likely.
"""

import hashlib
from typing import Final, NamedTuple

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
    "report": "somebody reported that this line called with a scam",
    "linkage": "other lines of the same address or installer have turned loud",
    "prior": "before any evidence: boxes are rare",
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
    feature_group: tuple[int, ...]
    """Of each feature: the kind of evidence it is told under."""
    root: tuple[int, ...]
    feature: tuple[int, ...]
    limit: tuple[float, ...]
    expected: tuple[float, ...]
    """Value at each inner node, before its question is asked."""
    left: tuple[int, ...]
    right: tuple[int, ...]
    value: tuple[float, ...]


TAIL_SHARES: Final = (0.02, 0.01, 0.005, 0.002, 0.001)


class Trees(NamedTuple):
    """A model's columns as the kernels take them; see `Model`."""

    root: NDArray[np.int32]
    feature: NDArray[np.int32]
    limit: NDArray[np.float64]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: NDArray[np.float64]
    expected: NDArray[np.float64]
    feature_group: NDArray[np.int32]


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
        _check(model)
        self._trees = Trees(
            root=np.array(model.root, np.int32),
            feature=np.array(model.feature, np.int32),
            limit=np.array(model.limit, np.float64),
            left=np.array(model.left, np.int32),
            right=np.array(model.right, np.int32),
            value=np.array(model.value, np.float64),
            expected=np.array(model.expected, np.float64),
            feature_group=np.array(model.feature_group, np.int32),
        )

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the kinds of evidence, in the order of columns."""
        return self.model.groups

    def of(self, rows: Rows) -> NDArray[np.float64]:
        """Evidence by group for each row; the score is `offset` plus the row's sum."""
        out = np.zeros((len(rows), len(self.model.groups)), np.float64)
        tell(rows, self._trees, out)
        return out

    def scores(self, rows: Rows) -> NDArray[np.float64]:
        """The scores alone, which is several times faster."""
        out = np.zeros(len(rows), np.float64)
        add_up(rows, self._trees, out)
        return out


def _check(model: Model) -> None:
    """A kernel does not look where it steps: every index is checked here."""
    inner, leaves = len(model.feature), len(model.value)
    columns = (model.limit, model.expected, model.left, model.right)
    if any(len(column) != inner for column in columns):
        raise ModelInvalid("the trees' columns differ in length")
    for node in (*model.root, *model.left, *model.right):
        if not -leaves <= node < inner:
            raise ModelInvalid("a tree leads to a node that there is not")
    # A child stands after its parent, so that every walk ends.
    if any(0 <= child <= at for side in (model.left, model.right) for at, child in enumerate(side)):
        raise ModelInvalid("a tree leads back to itself")
    if any(not 0 <= feature < len(FEATURES) for feature in model.feature):
        raise ModelInvalid("a tree looks at a feature that there is not")
    if len(model.feature_group) != len(FEATURES) or any(
        not 0 <= group < len(model.groups) for group in model.feature_group
    ):
        raise ModelInvalid("a feature is told under a kind of evidence that there is not")


@kernel
def add_up(rows: Rows, trees: Trees, out: NDArray[np.float64]) -> None:
    """Walk every tree for every row and add the leaves up."""
    feature, limit, left, right, value = trees.feature, trees.limit, trees.left, trees.right, trees.value
    for i in range(len(rows)):
        for tree in range(len(trees.root)):
            node = trees.root[tree]
            while node >= 0:
                node = left[node] if np.float64(rows[i, feature[node]]) <= limit[node] else right[node]
            out[i] += value[-1 - node]


@kernel
def tell(rows: Rows, trees: Trees, out: NDArray[np.float64]) -> None:
    """Walk every tree for every row and credit each step's change to what its question was about."""
    feature, limit, left, right, value = trees.feature, trees.limit, trees.left, trees.right, trees.value
    expected, group = trees.expected, trees.feature_group
    for i in range(len(rows)):
        for tree in range(len(trees.root)):
            node = trees.root[tree]
            while node >= 0:
                child = left[node] if np.float64(rows[i, feature[node]]) <= limit[node] else right[node]
                after = expected[child] if child >= 0 else value[-1 - child]
                out[i, group[feature[node]]] += after - expected[node]
                node = child
