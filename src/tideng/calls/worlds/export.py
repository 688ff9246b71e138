"""A simulated world as the detector's columns, or as the files an operator would hand over."""

from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from tideng.calls.columns import Calls
from tideng.calls.worlds.traffic import CLASSES, LINE_BASE, Flags, World

ROWS_PER_GROUP: Final = 1_000_000


def as_calls(world: World) -> tuple[Calls, Flags]:
    """Columns in order of arrival without repeated records, and which of them a box placed."""
    end = world.start + world.ring_s + world.duration_s
    order = np.lexsort((world.callee, world.caller, world.start, end))
    fields = [world.caller[order], world.callee[order], world.start[order], end[order]]
    fresh = np.ones(len(order), bool)
    fresh[1:] = np.any([field[1:] != field[:-1] for field in fields], axis=0)
    rows = order[fresh]

    def line_of(number: np.ndarray) -> np.ndarray:
        index = number[rows] - LINE_BASE - world.first_line
        return np.where((index >= 0) & (index < world.lines), index, -1).astype(np.int32)

    calls = Calls(
        caller=world.caller[rows].astype(np.uint64),
        callee=world.callee[rows].astype(np.uint64),
        caller_line=line_of(world.caller),
        callee_line=line_of(world.callee),
        start=world.start[rows],
        ring_s=world.ring_s[rows],
        talk_s=world.duration_s[rows],
        answered=world.answered[rows],
        lines=tuple(str(LINE_BASE + world.first_line + i) for i in range(world.lines)),
        classes=tuple(CLASSES[k] for k in world.classes),
    )
    return calls, world.by_box[rows]


def write(world: World, path: Path) -> None:
    """Parquet with the columns of `tideng calls detect`, and the truth beside it as JSON."""
    import pyarrow as pa  # ships no types
    import pyarrow.parquet as pq  # ships no types

    index = world.caller - LINE_BASE - world.first_line
    inside = (index >= 0) & (index < world.lines)
    names = np.array([*CLASSES, None], object)
    line_class = names[np.where(inside, world.classes[np.where(inside, index, 0)], len(CLASSES))]
    pq.write_table(
        pa.table(
            {
                "caller": pa.array(world.caller).cast(pa.string()),
                "callee": pa.array(world.callee).cast(pa.string()),
                "start": world.start,
                "ring_s": world.ring_s,
                "duration_s": world.duration_s,
                "answered": world.answered,
                "line_class": pa.array(line_class, pa.string()).dictionary_encode(),
            }
        ),
        path,
        compression="zstd",
        row_group_size=ROWS_PER_GROUP,
    )
    truth = {
        "world": world.name,
        "lines": world.lines,
        "days": world.days,
        "boxes": [
            {
                "line": str(LINE_BASE + world.first_line + b.line),
                "kind": b.kind,
                "start": b.start,
                "stop": b.stop,
                "calls": b.calls,
            }
            for b in world.boxes
        ],
    }
    path.with_suffix(".truth.json").write_bytes(msgspec.json.encode(truth))
