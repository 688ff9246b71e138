"""Compile or not: a small pile is read sooner by plain Python than numba takes to start."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])  # Any: kernels take arrays of all kinds

COMPILE_BYTES_LEAST: Final = 3_000_000
"""Below this, plain Python is done before the compiler has been imported."""


class Mode:
    """One per process: workers compile, a small pile read in place does not."""

    compiles = True


def kernel(function: F) -> F:
    """`function`, compiled at its first call (kept on disk, without the interpreter's lock); plain in
    plain mode.
    """
    made: list[F] = []

    @wraps(function)
    def call(*arguments: Any) -> Any:  # Any: whatever the kernel takes and gives
        if not Mode.compiles:
            return function(*arguments)
        if not made:
            from numba import njit

            made.append(cast(F, njit(cache=True, nogil=True)(function)))
        return made[0](*arguments)

    return cast(F, call)
