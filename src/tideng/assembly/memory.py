"""Gives freed memory back to the system: the allocator keeps it for a next time that may never come."""

import contextlib
import ctypes


def give_back_memory() -> None:
    """Some milliseconds, without the interpreter lock. Elsewhere than with glibc there is nothing to call."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
