"""Setting the threshold of the suspicion score by a false-alarm budget on an operator's own normal messages.

A score keeps what it learned and knows nothing of the next operator's customers: weights trained on one
corpus and set to 0.5 % there lift most of another. So the threshold is set where it is used.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from tideng.text.folding import fold_block
from tideng.text.suspicion import Scorer, write_scorer
from tideng.text.tables_read import Tables

EXPECTED_MIN: Final = 1.0
"""So many normals the budget must let through; with fewer the threshold is the luck of one message."""


class TooFewLines(ValueError):
    """Not enough to learn from; the message says of what."""


def folded_texts(texts: Sequence[str], tables: Tables) -> list[str]:
    """What the texts read like."""
    block = fold_block(texts, tables)
    return [block.folded(place) for place in range(len(texts))]


def threshold_for(scores: NDArray[np.float64], budget: float) -> float:
    """The lowest score that at most `budget` of these (normal) scores reach or pass."""
    ordered = np.sort(scores)[::-1]
    allowed = int(np.floor(budget * len(ordered)))
    return float(np.nextafter(ordered[min(allowed, len(ordered) - 1)], np.inf))


def calibrated(scorer: Scorer, scores: NDArray[np.float64], *, budget: float = 0.005) -> bytes:
    """The same weights with the threshold that `budget` of these scores, of normal texts, reach at most.

    Raises TooFewLines when the budget would not let a single one of them through.
    """
    if budget * len(scores) < EXPECTED_MIN:
        need = int(np.ceil(EXPECTED_MIN / budget)) if budget else 0
        raise TooFewLines(
            f"{len(scores)} normal messages for a budget of {budget:g}; "
            + (
                f"at least {need:,} are needed. Add some"
                if need
                else "a budget of 0 has no threshold. Raise it"
            )
        )
    threshold = threshold_for(scores, budget)
    about = scorer.about | {"calibrated_on": len(scores), "budget": budget}
    return write_scorer(msgspec.structs.replace(scorer, threshold=threshold, about=about))
