"""The order of many places by two numbers, by sorting one number that holds both and where it came from."""

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.int64]
_BITS = 62


def order_by(major: Places, minor: Places) -> Places:
    """Indices in the order of `major`, then of `minor`, then as given. Neither may be negative.

    Sorting numbers is many times as quick as sorting indices by numbers, so the index rides in the low bits.
    """
    count = len(major)
    if not count:
        return np.zeros(0, np.int64)
    span = int(minor.max()) + 1
    key = major * span + minor
    bits = count.bit_length()
    if (int(major.max()) + 1) * span >= 1 << (_BITS - bits):
        return np.argsort(key, kind="stable")
    return np.sort(key << bits | np.arange(count)) & ((1 << bits) - 1)
