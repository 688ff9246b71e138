"""Codes of the kinds of numbers that kernels find."""

from typing import Final

RESIDENT_ID: Final = 1
MOBILE: Final = 2
BANK_CARD: Final = 3
EMAIL: Final = 4
RESIDENT_ID_OLD: Final = 5
KIND_NAMES: Final = ("", "resident_id", "mobile", "bank_card", "email", "resident_id")
GROUPS_MAX: Final = 6
"""A number written in more groups than this is not read as one."""
RUN_LEAST: Final = 4
"""At least one group of a number has so many digits: that is what the kernel looks for."""
