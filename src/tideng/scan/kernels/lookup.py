"""The tables of `identifiers` as bit maps that kernels read without a call."""

from functools import cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tideng.identifiers.bank_card import LENGTHS
from tideng.identifiers.plan_cn import PLAUSIBLE_FIVE
from tideng.identifiers.tables import bank_bins, region_periods

BIN_DIGITS: Final = 6


class Lookup(NamedTuple):
    """Bit maps by the leading digits of a number."""

    regions: NDArray[np.uint8]
    """Bit of every six-digit region code that ever was."""
    plan: NDArray[np.uint8]
    """Bit of every five digits that mobile numbers begin with."""
    bins: NDArray[np.uint8]
    """By six digits: bit n set if the list has a card of 15 + n digits with this beginning."""
    leads: NDArray[np.uint8]
    """Bit of every four digits that a card of any length begins with."""


@cache
def lookup() -> Lookup:
    """Built once per process, some 50 ms."""
    regions = np.zeros(1_000_000, np.bool_)
    regions[[int(code) for code in region_periods()]] = True
    plan = np.zeros(100_000, np.bool_)
    plan[[int(digits) for digits in PLAUSIBLE_FIVE]] = True
    bins = np.zeros(10**BIN_DIGITS, np.uint8)
    for prefix, entries in bank_bins().items():
        for length, _, _ in entries:
            if length in LENGTHS:
                low = int(prefix[:BIN_DIGITS].ljust(BIN_DIGITS, "0"))
                high = low + 10 ** max(0, BIN_DIGITS - len(prefix))
                bins[low:high] |= np.uint8(1 << (length - LENGTHS[0]))
    leads = bins.reshape(10_000, -1).any(axis=1)
    return Lookup(np.packbits(regions), np.packbits(plan), bins, np.packbits(leads))
