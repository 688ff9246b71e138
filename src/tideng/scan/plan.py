"""Files to batches: small files together, long texts in ranges; the same inputs give the same batches.
Pure.
"""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Final

from tideng.scan.batch import Batch, Task

BATCH_BYTES: Final = 32_000_000
"""A batch weighs so much: long enough to pay for its files, short enough that no worker is left alone."""
BATCH_BYTES_FIRST: Final = 1_000_000
"""The first batch weighs so much, and each twice the one before: there is soon something to see."""
_PACKED: Final = (".gz", ".bz2", ".xz", ".zst", ".7z", ".rar", ".zip", ".tgz", ".xlsx", ".xlsb", ".ods")
"""Names that promise more bytes inside than out: some `PACKED_RATIO` times."""
PACKED_RATIO: Final = 8
BATCH_FILES: Final = 256
RANGE_BYTES: Final = 64_000_000
"""Long texts are read in ranges of this length, by several workers."""


def weight(path: str, size: int) -> int:
    """How much work a file promises, in bytes of text."""
    return size * PACKED_RATIO if path.lower().endswith(_PACKED) else size


def batches(files: Iterable[tuple[int, str, int, int, bool]], settings: str) -> Iterator[Batch]:
    """Batches for (number, path, size, modified, is plain text), named by what they hold and by
    `settings`.
    """
    held: list[Task] = []
    stamps: list[str] = []
    size = load = 0
    enough = BATCH_BYTES_FIRST
    for number, path, length, modified, is_plain in files:
        ranges = _ranges(number, path, length) if is_plain else [Task(number, path, length)]
        for task in ranges:
            held.append(task)
            stamps.append(f"{path}\0{length}\0{modified}\0{task.start}\0{task.end}")
            size += length if task.is_whole else task.end - task.start
            load += weight(path, length) if task.is_whole else task.end - task.start
            if load >= enough or len(held) >= BATCH_FILES:
                yield _batch(held, stamps, size, settings)
                held, stamps, size, load = [], [], 0, 0
                enough = min(BATCH_BYTES, enough * 2)
    if held:
        yield _batch(held, stamps, size, settings)


def _ranges(number: int, path: str, length: int) -> list[Task]:
    if length <= RANGE_BYTES * 3 // 2:
        return [Task(number, path, length)]
    starts = range(0, length, RANGE_BYTES)
    return [Task(number, path, length, start, min(length, start + RANGE_BYTES)) for start in starts]


def _batch(tasks: list[Task], stamps: list[str], size: int, settings: str) -> Batch:
    name = hashlib.sha256("\n".join([settings, *stamps]).encode("utf-8", "surrogateescape")).hexdigest()[:24]
    return Batch(name, tuple(tasks), size)
