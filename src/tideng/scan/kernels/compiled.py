"""Compile or not: a small pile is read sooner by plain Python than numba takes to start."""

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Final, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])  # Any: kernels take arrays of all kinds

COMPILE_BYTES_LEAST: Final = 12_000_000
"""Below this, plain Python is done before the compiler has compiled."""
LOAD_BYTES_LEAST: Final = 600_000
"""Below this, plain Python is done before kernels compiled earlier have been loaded."""


def bytes_least() -> int:
    """From how many bytes on kernels pay: it depends on whether an earlier run compiled them."""
    folder = os.environ.get("NUMBA_CACHE_DIR")
    place = Path(folder) if folder else Path(__file__).parent
    is_kept = next(place.rglob("digits.find_digits-*.nbi"), None) is not None
    return LOAD_BYTES_LEAST if is_kept else COMPILE_BYTES_LEAST


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
