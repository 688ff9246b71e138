"""The order of many places by two numbers, by sorting one number that holds both and where it came from."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.int64]
_BITS: Final = 62
FEW: Final = 200
"""For so few, one call that compares twice takes less time than the arithmetic."""


def order_by(major: Places, minor: Places) -> Places:
    """Indices in the order of `major`, then of `minor`, then as given. Neither may be negative.

    Sorting numbers is many times as quick as sorting indices by numbers, so the index rides in the low bits.
    """
    count = len(major)
    if count <= FEW:
        return np.lexsort((minor, major))
    span = int(minor.max()) + 1
    key = major * span + minor
    bits = count.bit_length()
    if (int(major.max()) + 1) * span >= 1 << (_BITS - bits):
        return np.argsort(key, kind="stable")
    return np.sort(key << bits | np.arange(count)) & ((1 << bits) - 1)


def stretches(sorted_numbers: Places) -> dict[int, tuple[int, int]]:
    """By number that occurs: where its stretch begins and ends."""
    if not len(sorted_numbers):
        return {}
    cuts = [0, *((sorted_numbers[1:] != sorted_numbers[:-1]).nonzero()[0] + 1).tolist()]
    bounds = zip(cuts, [*cuts[1:], len(sorted_numbers)], strict=True)
    return dict(zip(sorted_numbers[cuts].tolist(), bounds, strict=True))


def runs_of(inside: NDArray[np.bool_]) -> tuple[Places, Places]:
    """Starts and ends of where it is true; `inside` begins and ends with a false that is no place."""
    edges = (inside[1:] != inside[:-1]).nonzero()[0]
    return edges[::2], edges[1::2]
