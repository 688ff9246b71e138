"""Training the suspicion score on an operator's own lines, and setting its threshold by a false-alarm budget.

Needs scikit-learn (the extra `train`). Deterministic: same lines and seed, same bytes.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tideng.text.calibrating import TooFewLines, folded_texts, threshold_for
from tideng.text.suspicion import POINTS_PER_LOGIT, grams_of, write_weights
from tideng.text.tables_read import Tables

BUCKETS: Final = 1 << 18
LINES_MIN: Final = 20
"""Fewer of one kind teach nothing."""
FOLDS: Final = 5
FREEDOM: Final = 200.0
"""How freely weights grow (scikit-learn's C). On fake-base-station messages, templates kept apart, recall at
0.5 % false alarms is 0.967 at 20, 0.973 at 100, 0.975 at 200, 0.976 at 500."""

RARITY: Final = 0.5
"""What many lines hold says little: the weight of an n-gram may grow with its rarity to this power. Trained
on 18,000 lines and asked about 1,201 by other hands, recall at 1 % false alarms is 0.68 at 0, 0.71 at 0.5,
0.66 at 1 and 0.67 at 1.5; at 3 % it is 0.82, 0.84, 0.84 and 0.83. A strange corpus (microblogs) suffers from
more: 2.0, 4.2, 5.8 and 6.4 % of it then pass that threshold."""


class Trained(Struct, frozen=True):
    """New weights as bytes, and how they did on lines they were not trained on."""

    content: bytes
    threshold: float
    false_alarms: float
    recall: float
    """At the threshold, on held-out fifths."""


class Linear(Struct, frozen=True):
    """A trained model before it is quantised."""

    weights: NDArray[np.float64]
    bias: float

    def logits(self, texts: Sequence[str], tables: Tables) -> NDArray[np.float64]:
        """By text: the log-odds of danger."""
        return np.asarray(_matrix(texts, tables, len(self.weights)) @ self.weights + self.bias)


def _matrix(texts: Sequence[str], tables: Tables, buckets: int):  # type: ignore[no-untyped-def]  # scipy has no types
    from scipy.sparse import csr_matrix  # scipy ships no types

    grams = grams_of(texts, tables, buckets)
    values = 1 / np.sqrt(np.maximum(grams.counts, 1))[grams.texts]
    return csr_matrix((values, (grams.texts, grams.buckets)), shape=(len(texts), buckets))


def fit(
    texts: Sequence[str],
    is_danger: Sequence[bool],
    tables: Tables,
    *,
    buckets: int = BUCKETS,
    freedom: float = FREEDOM,
) -> Linear:
    """A logistic regression on folded texts."""
    from sklearn.linear_model import (  # scikit-learn ships no types
        LogisticRegression,
    )

    model = LogisticRegression(
        C=freedom, max_iter=300, class_weight="balanced", solver="liblinear", random_state=1
    )
    matrix = _matrix(texts, tables, buckets)
    rarity = np.log((len(texts) + 1) / (np.bincount(matrix.indices, minlength=buckets) + 1)) ** RARITY
    rarity /= rarity[np.unique(matrix.indices)].mean()
    model.fit(matrix.multiply(rarity).tocsr(), np.asarray(is_danger))
    return Linear(model.coef_[0].astype(np.float64) * rarity, float(model.intercept_[0]))


def train(
    texts: Sequence[str],
    is_danger: Sequence[bool],
    tables: Tables,
    *,
    normals: Sequence[str] = (),
    budget: float = 0.005,
    seed: int = 1,
    freedom: float = FREEDOM,
    groups: Sequence[str] = (),
    about: dict[str, object] | None = None,
) -> Trained:
    """Train on labelled texts; `groups` names what belongs together, as lines of one campaign do.

    The threshold keeps `budget` on `normals` (the operator's own), else on held-out harmless lines.

    Raises TooFewLines.
    """
    truth = np.asarray(is_danger, np.bool_)
    for name, count in (("dangerous", int(truth.sum())), ("harmless", int((~truth).sum()))):
        if count < LINES_MIN:
            raise TooFewLines(f"{count} {name} lines; at least {LINES_MIN} are needed. Add some")
    read = folded_texts(texts, tables)
    held_out = np.zeros(len(read))
    # Lines of one group (one template, one campaign) are held out together; else the figures flatter.
    names = {name: place for place, name in enumerate(dict.fromkeys(groups or read))}
    drawn = np.random.default_rng(seed).permutation(len(names)) % FOLDS
    part = drawn[[names[name] for name in groups or read]]
    for fold in range(FOLDS):
        rest = [text for text, own in zip(read, part, strict=True) if own != fold]
        model = fit(rest, truth[part != fold].tolist(), tables, freedom=freedom)
        here = [text for text, own in zip(read, part, strict=True) if own == fold]
        held_out[part == fold] = model.logits(here, tables)
    whole = fit(read, truth.tolist(), tables, freedom=freedom)
    usual = whole.logits(folded_texts(normals, tables), tables) if normals else held_out[~truth]
    limit = threshold_for(usual, budget)
    recall, alarms = float((held_out[truth] >= limit).mean()), float((held_out[~truth] >= limit).mean())
    said = {
        "lines": len(read),
        "dangerous": int(truth.sum()),
        "seed": seed,
        "budget": budget,
        "freedom": freedom,
    }
    said |= {"held_out_recall": round(recall, 4), "held_out_false_alarms": round(alarms, 4)}
    return Trained(quantised(whole, limit, said | (about or {})), limit, alarms, recall)


def quantised(model: Linear, limit: float, about: dict[str, object]) -> bytes:
    """The model in one octet per bucket. The largest weights are cut off at the 99.99th percentile."""
    strength = np.abs(model.weights[model.weights != 0])
    largest = float(np.percentile(strength, 99.99)) if len(strength) else 1.0
    step = largest / 127
    weights = np.clip(np.rint(model.weights / step), -127, 127).astype(np.int8)
    bias = round(model.bias * POINTS_PER_LOGIT)
    probability = 1 / (1 + float(np.exp(-limit)))
    return write_weights(weights, step * POINTS_PER_LOGIT, bias, probability, about)
