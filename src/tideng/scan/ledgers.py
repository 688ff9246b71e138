"""Holdings and sales of scanned piles, person by person: art. 11 of 法释〔2017〕10号 over record files.

A buyer was given what lies in the files that a pattern names (a folder that was sent, a chat), or in another
scan. Persons are the same across all of them: by resident ID, or by shared keys where there is no ID.
"""

import fnmatch
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import duckdb
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tideng.scan.custody import digest, opened
from tideng.scan.entries import TransfersCountedEntry
from tideng.scan.law import shipped_rules
from tideng.scan.law.arithmetic import Tiers, load_rules, tiers
from tideng.scan.law.transfers import Counted, count_transfers
from tideng.scan.persons import group

_LINKS: Final = ("phone", "phone2", "card", "email", "named")
RECORDS_MAX: Final = 60_000_000
"""Persons of all ledgers are compared in memory: some 100 bytes a record."""
ID_BIT: Final = 1 << 62
"""Keeps resident IDs apart from the groups of people without one."""


class Transfers(Struct, frozen=True):
    """What art. 11 counts, and what that reaches."""

    counted: Counted
    tiers: Tiers
    files: dict[str, int]
    """How many files each buyer was given."""


def transfers_of(folder: Path, given: Sequence[tuple[str, str]], *, is_duty: bool) -> Transfers:
    """Count the holdings in `folder` and what each buyer was given; keep the result in the ledger there.

    ValueError if a pattern names no file: a sale that cannot be counted must not look like none.
    """
    with duckdb.connect() as conn:
        held, sold, classes, files = _persons(conn, folder, given)
    counted = count_transfers(held, sold)
    low = _by_class(held, sold, {key: pair[0] for key, pair in classes.items()})
    high = _by_class(held, sold, {key: pair[1] for key, pair in classes.items()})
    made = tiers(load_rules(shipped_rules()), low, high, is_duty=is_duty)
    with opened(folder) as custody:
        custody.record(
            TransfersCountedEntry(
                at=custody.now(),
                buyers=digest(f"{buyer}\0{what}" for buyer, what in given),
                held=counted.held,
                held_only=counted.held_only,
                sold=counted.sold,
                total=counted.total,
            )
        )
    return Transfers(counted, made, files)


def _by_class(held: set[int], sold: dict[str, set[int]], classes: dict[int, int]) -> dict[int, int]:
    items: dict[int, int] = {}
    everyone: set[int] = set().union(*sold.values()) if sold else set()
    for keys in (*sold.values(), held - everyone):
        for key in keys:
            items[classes[key]] = items.get(classes[key], 0) + 1
    return items


def _persons(
    conn: duckdb.DuckDBPyConnection, folder: Path, given: Sequence[tuple[str, str]]
) -> tuple[set[int], dict[str, set[int]], dict[int, tuple[int, int]], dict[str, int]]:
    """Persons held, persons by buyer, their classes (strict, wide), and files by buyer."""
    sources = [folder] + [Path(what) for _, what in given if (Path(what) / "state.sqlite").exists()]
    parts = [
        f"SELECT {number} AS source, file, id, {', '.join(_LINKS)}, low, high "  # noqa: S608
        f"FROM read_parquet('{str(source / 'records' / '*.parquet').replace(chr(39), chr(39) * 2)}')"
        for number, source in enumerate(sources)
    ]
    conn.execute(f"CREATE TABLE all_records AS {' UNION ALL '.join(parts)}")
    row = conn.execute("SELECT count(*) FROM all_records").fetchone()
    if row and row[0] > RECORDS_MAX:
        raise ValueError(f"{row[0]} records; the limit is {RECORDS_MAX}. Count the buyers in several runs.")
    rows = conn.execute("SELECT * FROM all_records").fetchnumpy()
    persons = _keys(rows)
    held = set(persons[rows["source"] == 0].tolist())
    sold: dict[str, set[int]] = {}
    files: dict[str, int] = {}
    outside = 0
    for buyer, what in given:
        if (Path(what) / "state.sqlite").exists():
            outside += 1
            chosen = rows["source"] == outside
            size = len(np.unique(rows["file"][chosen]))
        else:
            numbers = _matching(conn, folder, what)
            chosen = (rows["source"] == 0) & np.isin(rows["file"], numbers)
            size = len(numbers)
        if not size:
            raise ValueError(f"{what} names no file of the scan; nothing was counted")
        files[buyer] = files.get(buyer, 0) + size
        sold.setdefault(buyer, set()).update(persons[chosen].tolist())
    return held, sold, _classes(persons, rows["low"], rows["high"]), files


def _matching(conn: duckdb.DuckDBPyConnection, folder: Path, pattern: str) -> NDArray[np.int64]:
    rows = conn.execute(
        "SELECT file, path FROM read_parquet(?) WHERE problem = ''", [str(folder / "files.parquet")]
    ).fetchall()
    return np.array(
        [
            number
            for number, path in rows
            if fnmatch.fnmatch(path, pattern)
            or fnmatch.fnmatch(path, f"*/{pattern}")
            or f"/{pattern}/" in path
        ],
        np.int64,
    )


def _keys(rows: dict[str, NDArray[np.uint64]]) -> NDArray[np.int64]:
    """One key for each record: of the ID it names or that shares one of its keys, or of its group."""
    ids = rows["id"].astype(np.int64)
    links = [
        np.where(rows[name] > 0, rows[name] | np.uint64(tag << 60), 0).astype(np.uint64)
        for name, tag in zip(_LINKS, (1, 1, 2, 3, 4), strict=True)
    ]
    named = ids > 0
    owners, owned = np.concatenate([link[named] for link in links]), np.tile(ids[named], len(links))
    owners, owned = owners[owners > 0], owned[owners > 0]
    order = np.lexsort((owned, owners))
    keys, first = np.unique(owners[order], return_index=True)
    for link in links:
        if not len(keys):
            break
        place = np.minimum(np.searchsorted(keys, link), len(keys) - 1)
        by_key = np.where((link > 0) & (keys[place] == link), owned[order][first[place]], 0)
        # A key of several IDs is a conflict; the record then counts with the lowest of them, once.
        ids = np.where(ids > 0, ids, by_key)
    loose = np.flatnonzero(ids == 0)
    result = ids | np.int64(ID_BIT)
    result[loose] = group([link[loose] for link in links])
    return result


def _classes(
    persons: NDArray[np.int64], low: NDArray[np.uint64], high: NDArray[np.uint64]
) -> dict[int, tuple[int, int]]:
    """The gravest class of each person, read strictly and widely."""
    unique, place = np.unique(persons, return_inverse=True)
    strict, wide = np.full(len(unique), 9, np.int64), np.full(len(unique), 9, np.int64)
    np.minimum.at(strict, place, low.astype(np.int64))
    np.minimum.at(wide, place, high.astype(np.int64))
    pairs = zip(strict.tolist(), wide.tolist(), strict=True)
    return dict(zip(unique.tolist(), pairs, strict=True))
