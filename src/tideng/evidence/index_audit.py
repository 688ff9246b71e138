"""Recomputes the completeness index from the entries themselves: for an examiner at the operator's machine.

A bundle shows what the index says; only who holds the keys can see whether the index said it of everyone. So
this walks all entries, asks whom each concerns, and compares.
"""

import sqlite3
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from tideng.evidence import index_map
from tideng.evidence.completeness import Appends, Concerned, Interval, intervals
from tideng.evidence.entries import decode_entry
from tideng.evidence.index_map import Held
from tideng.evidence.name_key import NameKey, label_of
from tideng.storage.bulk import rows_json

READ_TOGETHER: Final = 2_000
PROBLEMS_MAX: Final = 100


class Audit(Struct, frozen=True):
    """What was recomputed; `problems` is empty if everything agrees."""

    intervals: int
    entries: int
    """Entries that concern a person."""
    confirmed: int
    """Of these, how many stand under the right label."""
    unnameable: int
    """Of these, how many concern somebody erased since: counted, not attributable."""
    covered: int
    """The first entry no interval covers yet."""
    problems: tuple[str, ...]


class _Totals:
    def __init__(self) -> None:
        self.entries = self.confirmed = self.unnameable = 0
        self.problems: list[str] = []

    def tell(self, problem: str) -> None:
        if len(self.problems) < PROBLEMS_MAX:
            self.problems.append(problem)


def audit_index(
    conn: sqlite3.Connection,
    ledger: Appends,
    concerned: Concerned,
    names: NameKey,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Audit:
    """Recompute every interval; only reads. Memory grows with one interval, not with the ledger."""
    found = intervals(conn)
    totals, expected = _Totals(), 0
    for nth, interval in enumerate(found, 1):
        if interval.first != expected:
            totals.tell(f"entries {expected} to {interval.first - 1} are in no interval")
        expected = interval.stop
        _audit_one(conn, ledger, concerned, names, interval, totals)
        progress(nth, len(found))
    return Audit(
        len(found), totals.entries, totals.confirmed, totals.unnameable, expected, tuple(totals.problems)
    )


def _audit_one(
    conn: sqlite3.Connection,
    ledger: Appends,
    concerned: Concerned,
    names: NameKey,
    interval: Interval,
    totals: _Totals,
) -> None:
    entry = decode_entry(ledger.leaves(interval.position, interval.position + 1)[0])
    where = f"the interval from {interval.first}"
    held = {
        bytes(label): Held(
            tuple(int.from_bytes(indices[i : i + 8], "big") for i in range(0, len(indices), 8)),
            names.salt(bytes(label)),
        )
        for label, indices in conn.execute(
            "SELECT label, indices FROM index_label WHERE first = ?", (interval.first,)
        )
    }
    sealed = {label: index_map.sealed(each) for label, each in held.items()}
    if index_map.root(index_map.branches(sealed)).hex() != entry["root"]:
        totals.tell(f"{where}: the map kept is not the one whose root entry {interval.position} carries")
    listed = sum(len(each.indices) for each in held.values())
    unnamed = set(entry["unnamed"])
    concerning = 0
    for start in range(interval.first, interval.stop, READ_TOGETHER):
        leaves = ledger.leaves(start, min(interval.stop, start + READ_TOGETHER))
        whose = list(enumerate(concerned.subjects_of(conn, start, leaves), start))
        known = _names_of(conn, concerned, names, sorted({s for _, s in whose if s is not None}))
        for index, subject in whose:
            if subject is None or index in unnamed:
                continue
            concerning += 1
            if subject not in known:
                totals.unnameable += 1
                continue
            there = held.get(label_of(known[subject], interval.first))
            if there is None or index not in there.indices:
                totals.tell(f"{where}: entry {index} concerns somebody under whose label it does not stand")
            else:
                totals.confirmed += 1
    # An erased person's consents and opt-outs no longer say whose they were: fewer may be found than held.
    if concerning > listed or listed != entry["entries"]:
        totals.tell(f"{where}: {concerning} entries concern people, the map holds {listed}")
    totals.unnameable += max(0, listed - concerning)
    totals.entries += max(listed, concerning)


def _names_of(
    conn: sqlite3.Connection, concerned: Concerned, names: NameKey, subjects: list[str]
) -> dict[str, bytes]:
    known = {
        subject: bytes(name)
        for subject, name in conn.execute(
            "SELECT subject, name FROM subject_name WHERE name IS NOT NULL "
            "AND subject IN (SELECT value FROM json_each(?))",
            (rows_json(subjects),),
        )
    }
    missing = [subject for subject in subjects if subject not in known]
    numbers = concerned.numbers_of(conn, missing) if missing else {}
    return known | {subject: names.name(number) for subject, number in numbers.items()}
