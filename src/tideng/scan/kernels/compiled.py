"""Compile or not: a small pile is read sooner by plain Python than the compiler takes, and a large one need
not wait for it.

Kernels are compiled once per machine and kept in a folder that is named after their source, the compiler and
the interpreter; nothing else is believed. As long as they are not there, plain code finds the same.
"""

import hashlib
import os
import shutil
import sys
import tempfile
from atexit import register
from collections.abc import Callable
from functools import cache, wraps
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])  # Any: kernels take arrays of all kinds

COMPILE_BYTES_LEAST: Final = 24_000_000
"""Below this, plain Python is done before the compiler has compiled."""
LOAD_BYTES_LEAST: Final = 1_500_000
"""Below this, plain Python is done before kernels compiled earlier have been loaded."""
SOURCES: Final = ("digits.py", "eights.py", "rows.py", "kinds.py")
_READY: Final = "ready"


@cache
def folder() -> Path:
    """Where compiled kernels are kept: `NUMBA_CACHE_DIR`, or else the user's cache; if that can not be
    written, a folder that lasts as long as this process.
    """
    said = os.environ.get("NUMBA_CACHE_DIR")
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    place = Path(said) if said else Path(home) / "tideng" / "kernels" / _fingerprint()
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError:
        place = Path(tempfile.mkdtemp(prefix="tideng-kernels-"))
        register(shutil.rmtree, place, ignore_errors=True)
    if not os.access(place, os.W_OK):
        place = Path(tempfile.mkdtemp(prefix="tideng-kernels-"))
        register(shutil.rmtree, place, ignore_errors=True)
    # Workers read it from here.
    os.environ["NUMBA_CACHE_DIR"] = str(place)
    if "numba" in sys.modules:
        from numba import config

        config.CACHE_DIR = str(place)  # type: ignore[attr-defined]  # numba adds it when it starts
    return place


@cache
def _fingerprint() -> str:
    said = hashlib.sha256(f"{sys.version} {__file__}".encode())
    # Its version, read from its file: asking the installation for it takes as long as a small pile.
    numba = find_spec("numba")
    if numba is not None and numba.origin is not None:
        said.update(Path(numba.origin).with_name("_version.py").read_bytes())
    for name in SOURCES:
        said.update(Path(__file__).with_name(name).read_bytes())
    return said.hexdigest()[:16]


def is_ready() -> bool:
    """True if an earlier run compiled every kernel, and the source has not changed since."""
    return (folder() / f"{_READY}-{_fingerprint()}").exists()


def bytes_least() -> int:
    """From how many bytes on kernels pay: it depends on whether an earlier run compiled them."""
    return LOAD_BYTES_LEAST if is_ready() else COMPILE_BYTES_LEAST


def compile_all() -> None:
    """Compile every kernel of the scan for the arrays that it meets, and keep them."""
    import numpy as np

    folder()
    from tideng.scan.kernels.digits import find_digits, find_emails
    from tideng.scan.kernels.lookup import lookup
    from tideng.scan.kernels.rows import filled, fold, line_starts

    mode, Mode.compiles, Mode.waits = (Mode.compiles, Mode.waits), True, False
    data = b"13800138000,a@example.com\n"
    starts, ends = np.empty(8, np.int64), np.empty(8, np.int64)
    kinds, keys = np.empty(8, np.uint8), np.empty(8, np.uint64)
    frozen = np.frombuffer(data, np.uint8)
    for buffer in (frozen, frozen.copy()):
        found = find_digits(buffer, False, False, *lookup(), starts, ends, kinds, keys)
        find_emails(buffer, starts, ends, keys)
    fold(starts[:found], kinds[:found], keys[:found], np.empty(8, np.int64), np.zeros((8, 5), np.uint64))
    filled(frozen, line_starts(data), 44, 0, False)
    Mode.compiles, Mode.waits = mode
    (folder() / f"{_READY}-{_fingerprint()}").touch()


class Mode:
    """One per process: workers compile, a small pile read in place does not."""

    compiles = True
    waits = False
    """True while another process compiles: until it has, plain code works."""

    @classmethod
    def now(cls) -> bool:
        """True if kernels are to be used for the next block."""
        if cls.waits and is_ready():
            cls.compiles, cls.waits = True, False
        return cls.compiles


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
            folder()
            from numba import njit

            made.append(cast(F, njit(cache=True, nogil=True)(function)))
        return made[0](*arguments)

    return cast(F, call)
