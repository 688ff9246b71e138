"""Which files there are: everything below the given paths, once, in a fixed order; nothing is followed or
opened.
"""

import fnmatch
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from tideng.scan.readers.blocks import Reason


class Item(Struct, frozen=True, gc=False):
    """One entry of the file system. `problem` says why it will not be opened."""

    path: str
    size: int
    modified_ns: int = 0
    problem: Reason | None = None
    detail: str = ""


def walk(paths: Iterable[Path], ignored: Sequence[str] = ()) -> Iterator[Item]:
    """Every file below `paths`, folders sorted by name. Symbolic links inside are listed, never followed.

    `ignored`: patterns (as in a shell) for names or whole paths; what they match is left out altogether.
    """
    seen: set[tuple[int, int]] = set()
    for path in paths:
        yield from _below(os.fspath(path), ignored, seen, is_given=True)


def _below(
    path: str, ignored: Sequence[str], seen: set[tuple[int, int]], *, is_given: bool = False
) -> Iterator[Item]:
    stack = [(path, is_given)]
    while stack:
        at, given = stack.pop()
        if not given and any(
            fnmatch.fnmatch(at, p) or fnmatch.fnmatch(os.path.basename(at), p) for p in ignored
        ):
            continue
        try:
            found = os.stat(at) if given else os.lstat(at)
        except OSError as error:
            yield Item(at, 0, 0, "no_permission", error.strerror or "cannot be looked at")
            continue
        if (found.st_dev, found.st_ino) in seen:
            continue
        if stat.S_ISDIR(found.st_mode):
            seen.add((found.st_dev, found.st_ino))
            try:
                names = sorted(os.listdir(at), reverse=True)
            except OSError as error:
                yield Item(at, 0, 0, "no_permission", error.strerror or "cannot be listed")
                continue
            stack.extend((os.path.join(at, name), False) for name in names)
        elif stat.S_ISREG(found.st_mode):
            # Two names of one file (hard links) hold the same bytes: they count once.
            if found.st_nlink > 1:
                seen.add((found.st_dev, found.st_ino))
            yield Item(at, found.st_size, found.st_mtime_ns)
        else:
            what = "a symbolic link" if stat.S_ISLNK(found.st_mode) else "a device, socket or pipe"
            yield Item(at, 0, 0, "not_a_file", what)
