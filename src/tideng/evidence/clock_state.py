"""What the kernel says about its clock: is it being corrected, and how far can it be off (adjtimex(2)).

What corrects the clock (NTP, RFC 5905) keeps a bound on its error up to date in the kernel. A time-stamp
bounds our times from outside; this bounds them between two time-stamps.
"""

import ctypes
import sys
from typing import Final

from msgspec import Struct

_TIME_ERROR: Final = 5
"""adjtimex's answer when the clock is not synchronised (TIME_ERROR)."""
_STA_UNSYNC: Final = 0x0040


class ClockState(Struct, frozen=True):
    """`max_error_us` is -1 where the kernel does not say."""

    is_synchronised: bool
    max_error_us: int


class _Timex(ctypes.Structure):
    # The head of `struct timex` (<sys/timex.h>), and room for the rest of it.
    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def clock_state() -> ClockState:
    """The state now. Only reads; needs no right. Anything but Linux: unknown."""
    if not sys.platform.startswith("linux"):
        return ClockState(is_synchronised=False, max_error_us=-1)
    told = _Timex()
    try:
        answer = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(told))
    except (OSError, AttributeError):
        answer = -1
    if answer < 0:
        return ClockState(is_synchronised=False, max_error_us=-1)
    synchronised = answer != _TIME_ERROR and not told.status & _STA_UNSYNC
    return ClockState(is_synchronised=synchronised, max_error_us=int(told.maxerror))
