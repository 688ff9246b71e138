"""Features of whole files, by DuckDB on one machine or by Spark on many: the same expression, run
elsewhere."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Literal

import duckdb
import ibis  # ships no types

from tideng.calls.features.definition import BY_CONTENT, line_days

Engine = Literal["duckdb", "spark"]
MEMORY_USUAL_MIN: Final = 1 << 30
"""On a small machine this much is taken all the same, unless less is asked for."""
MEMORY_LEAST: Final = 256 << 20
"""With less, DuckDB cannot even begin."""
BYTES_PER_RECORD: Final = 800
"""What DuckDB holds of a record where it need not spill (measured: see docs/calls);"""
BYTES_PER_WHOLE: Final = 550
"""where its numbers are whole numbers."""
PART: Final = "line-days-{}.parquet"
OWN: Final = re.compile(r"line-days-\d{4}\.parquet")
"""What `PART` may be called, and nothing else."""
DIGITS_MAX: Final = 17
"""So many, and their number, fit into 64 bits."""
_LENGTH_BITS: Final = 5
_CGROUP: Final = Path("/sys/fs/cgroup/memory.max")


class InputInTheWay(ValueError):
    """A file to be read has the name of a file to be written. The message names it."""


class MemoryTooSmall(ValueError):
    """DuckDB cannot count within the memory it was given. The message says what to ask for."""


def memory_to_use() -> int:
    """Bytes: half of what this machine, or the container, has."""
    has = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):  # another system, or "max"
        has = min(has, int(_CGROUP.read_text()))
    return max(MEMORY_USUAL_MIN, has // 2)


@contextmanager
def engine(name: Engine, *, memory: int, threads: int = 2) -> Iterator[Any]:
    """A connected Ibis backend. Any: Ibis types its backends no further."""
    if name == "duckdb":
        con = ibis.duckdb.connect(
            memory_limit=f"{memory >> 20}MiB", threads=threads, preserve_insertion_order=False
        )
        yield con
        con.disconnect()
        return
    from pyspark.sql import SparkSession

    session = SparkSession.builder.config("spark.ui.enabled", "false").getOrCreate()
    try:
        yield ibis.pyspark.connect(session)
    finally:
        session.stop()


def calls_table(con: Any, paths: Sequence[Path]) -> Any:  # Any: see `engine`
    """The files as the definition's `calls`, to be put in order by `BY_CONTENT`."""
    raw = (
        con.read_parquet([str(path) for path in paths]) if len(paths) > 1 else con.read_parquet(str(paths[0]))
    )
    names = {"start_s": "start", "talk_s": "duration_s"}
    raw = raw.rename({new: old for old, new in names.items() if old in raw.columns})
    return raw.mutate(
        start=raw.start.cast("int64"),
        ring_s=raw.ring_s.cast("int64"),
        duration_s=raw.duration_s.cast("int64"),
    ).select("caller", "callee", "start", "ring_s", "duration_s", "answered")


def in_parts(calls: Any, parts: int, *, zone_s: int) -> Iterator[Any]:
    """One expression per share of the lines; together they are all line-days. Bounds memory on one
    machine."""
    if parts <= 1:
        yield line_days(calls, zone_s=zone_s, order=BY_CONTENT)
        return
    for part in range(parts):
        here = calls.filter((_share(calls.caller, parts) == part) | (_share(calls.callee, parts) == part))
        days = line_days(here, zone_s=zone_s, order=BY_CONTENT)
        yield days.filter(_share(days.line, parts) == part)


def _are_digits(calls: Any) -> bool:
    """Whether every number is digits alone, and few enough for a whole number of 64 bits."""
    pattern = f"^[0-9]{{1,{DIGITS_MAX}}}$"
    if not (calls.caller.type().is_string() and calls.callee.type().is_string()):
        return False
    both = calls.caller.re_search(pattern) & calls.callee.re_search(pattern)
    return bool(both.all().to_pyarrow().as_py())


def _as_whole(number: Any) -> Any:
    """Digits as a whole number, filled up with noughts behind, and how many they were: so whole numbers have
    the order of the strings, and a nought in front is a digit like others."""
    length = number.length().cast("int64")
    filled = number + ibis.literal("0" * DIGITS_MAX).substr(length)
    return (filled.cast("int64") << _LENGTH_BITS) + length


def _as_digits(whole: Any) -> Any:
    """The other way round."""
    # A 1 in front keeps the noughts behind it.
    written = ((whole >> _LENGTH_BITS) + 10**DIGITS_MAX).cast("string")
    return written.substr(1, whole & ((1 << _LENGTH_BITS) - 1))


def _share(number: Any, parts: int) -> Any:
    return ((number.hash() % parts) + parts) % parts


def write(
    paths: Sequence[Path],
    out: Path,
    *,
    name: Engine = "duckdb",
    parts: int = 0,
    memory: int = 0,
    zone_s: int = 28_800,
) -> int:
    """Write the features of all files as Parquet into a folder; the number of line-days.

    `memory`: bytes for DuckDB; 0: half of what there is. `parts`: shares of the lines, one after another; 0:
    as many as it needs to stay within `memory`. Raises `MemoryTooSmall`, or `InputInTheWay`.
    """
    memory = memory or memory_to_use()
    if memory < MEMORY_LEAST:
        raise MemoryTooSmall(f"{memory:,} bytes for DuckDB; give it {MEMORY_LEAST:,} or more")
    for path in paths:
        if OWN.fullmatch(path.name) and path.resolve().parent == out.resolve():
            raise InputInTheWay(f"{path} would be written over; name another folder for the features")
    out.mkdir(parents=True, exist_ok=True)
    rows, written = 0, set()
    with engine(name, memory=memory) as con:
        calls = calls_table(con, paths)
        # Whole numbers take less memory than strings, and less time to compare and to hash.
        is_whole = name == "duckdb" and _are_digits(calls)
        if not parts:
            records = 0 if name == "spark" else int(calls.count().to_pyarrow().as_py())
            parts = max(1, -(-records * (BYTES_PER_WHOLE if is_whole else BYTES_PER_RECORD) // memory))
        if is_whole:
            calls = calls.mutate(caller=_as_whole(calls.caller), callee=_as_whole(calls.callee))
        for part, days in enumerate(in_parts(calls, parts, zone_s=zone_s)):
            path = out / PART.format(f"{part:04d}")
            if is_whole:
                days = days.mutate(line=_as_digits(days.line))
            try:
                con.to_parquet(days, str(path))
            except duckdb.OutOfMemoryException as error:
                raise MemoryTooSmall(
                    f"{memory:,} bytes and {parts} shares of the lines are too little; take more of either"
                ) from error
            rows += int(con.read_parquet(str(path)).count().to_pyarrow().as_py())
            written.add(path)
    # Shares of an earlier run, of which there were more, would be read as line-days of this one.
    for old in set(out.iterdir()) - written:
        if OWN.fullmatch(old.name) and old.is_file():
            old.unlink()
    return rows
