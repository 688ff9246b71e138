"""Kernels run compiled where numba is installed, and as plain Python, slower by far, where it is not."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

try:
    import numba

    IS_COMPILED = True
except ImportError:  # a light install: same answers, about a hundredth of the speed
    IS_COMPILED = False


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """`function`, compiled on first use if it can be. It must keep to what numba understands."""
    if not IS_COMPILED:
        return function
    compiled: Callable[P, R] = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    return compiled
