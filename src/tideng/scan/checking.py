"""Sampling with custody: the plan and the seed are in the ledger before anything is drawn."""

import csv
import os
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Final, Protocol

import duckdb
import msgspec
from msgspec import Struct

from tideng.evidence.entries import decode_entry
from tideng.evidence.keys import signing_key
from tideng.evidence.note import verifier_for
from tideng.evidence.stored import verify_file
from tideng.scan.custody import KEY, LEDGER, ORIGIN, digest, opened
from tideng.scan.entries import SampleCheckedEntry, SampleDrawnEntry, SamplePlannedEntry
from tideng.scan.sampling import SAMPLE_MAX, Bound, bound, draw, plan, seed_commitment

LIST: Final = "sample.csv"
STATE: Final = "sample.json"


class Verification(Protocol):
    """Whoever can say whether records are genuine: a register, a bank. Never by contacting the people
    concerned.

    Implementations keep their own rate limit (`per_minute`), answer in any order, and say None when they do
    not know: an unknown counts as not genuine.
    """

    per_minute: int

    def genuine(self, keys: list[int]) -> dict[int, bool | None]:
        """For each person's key whether the register knows exactly this record."""


class RememberedVerification:
    """Fulfils `Verification` from a set of keys known to be genuine: for registers delivered as a file."""

    def __init__(self, known: frozenset[int], per_minute: int = 60_000) -> None:
        self.known, self.per_minute = known, per_minute

    def genuine(self, keys: list[int]) -> dict[int, bool | None]:
        """See `Verification`."""
        return {key: key in self.known for key in keys}


class Drawn(Struct, frozen=True):
    """A sample, and where the ledger has its plan and its draw."""

    population: int
    size: int
    confidence: float
    share: float
    failures_allowed: int
    plan: int
    draw: int
    list: str


def draw_sample(folder: Path, *, share: float, confidence: float, failures: int) -> Drawn:
    """Plan, commit, draw: a list of persons (file and line of one record of each) in `sample.csv`."""
    with duckdb.connect() as conn:
        parts = str(folder / "records" / "*.parquet")
        conn.execute(
            "CREATE TABLE people AS SELECT id, min(struct_pack(f := file, m := member, l := line)) AS place FROM read_parquet(?) WHERE id > 0 "  # noqa: E501
            "GROUP BY id ORDER BY id",
            [parts],
        )
        row = conn.execute("SELECT count(*) FROM people").fetchone()
        population = int(row[0]) if row else 0
        if population == 0:
            raise ValueError("there is no record with a resident ID number to draw from")
        made = plan("resident_id", population, confidence=confidence, share=share, failures_allowed=failures)
        if made.size > SAMPLE_MAX:
            raise ValueError(f"the plan needs {made.size} checks; the limit is {SAMPLE_MAX}. Ask for less.")
        seed = secrets.token_bytes(32)
        with opened(folder) as custody:
            planned = custody.record(
                SamplePlannedEntry(
                    at=custody.now(),
                    confidence=str(confidence),
                    failures_allowed=failures,
                    population=population,
                    seed=seed_commitment(seed),
                    share=str(share),
                    size=made.size,
                    stratum=made.stratum,
                )
            )
            places = list(islice(draw(seed, made.stratum, population), made.size))
            drawn = custody.record(
                SampleDrawnEntry(
                    at=custody.now(),
                    places=digest(map(str, places)),
                    plan=planned,
                    seed=seed.hex(),
                    size=made.size,
                )
            )
        _list(conn, folder, places)
    result = Drawn(population, made.size, confidence, share, failures, planned, drawn, str(folder / LIST))
    (folder / STATE).write_bytes(msgspec.json.encode(result))
    return result


def _list(conn: duckdb.DuckDBPyConnection, folder: Path, places: list[int]) -> None:
    rows = conn.execute("SELECT place FROM people ORDER BY id").fetchall()
    paths = dict(
        conn.execute("SELECT file, path FROM read_parquet(?)", [str(folder / "files.parquet")]).fetchall()
    )
    unfinished = folder / f".{LIST}"
    with unfinished.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("no", "file", "member", "line"))
        for number, place in enumerate(places, 1):
            where = rows[place][0]
            values = list(where.values()) if isinstance(where, dict) else list(where)
            writer.writerow((number, paths.get(values[0], ""), values[1], values[2]))
    os.replace(unfinished, folder / LIST)


def record_check(folder: Path, genuine: int) -> Bound:
    """Keep what checking showed in the ledger, and say what it proves."""
    drawn = msgspec.json.decode((folder / STATE).read_bytes(), type=Drawn)
    shown = bound(drawn.size, genuine, drawn.population, drawn.confidence)
    with opened(folder) as custody:
        custody.record(
            SampleCheckedEntry(
                at=custody.now(),
                draw=drawn.draw,
                genuine=genuine,
                genuine_least=shown.genuine_least,
                sample=drawn.size,
            )
        )
    return shown


class Told(Struct, frozen=True):
    """One entry for people."""

    index: int
    kind: str
    at: str
    says: str


class Recount(Struct, frozen=True):
    """The ledger recomputed."""

    is_intact: bool
    problem: str
    size: int
    root: str
    entries: tuple[Told, ...]


def recount(folder: Path) -> Recount:
    """Recompute the appraisal's ledger from its leaves, and tell its entries."""
    verifier = verifier_for(ORIGIN, signing_key(folder / KEY))
    found = verify_file(folder / LEDGER, ORIGIN, [verifier])
    with opened(folder) as custody:
        entries = tuple(_told(custody.leaf(index), index) for index in range(custody.size))
    return Recount(found.is_intact, found.problem, found.size, found.root.hex(), entries)


def _told(leaf: bytes, index: int) -> Told:
    entry = decode_entry(leaf)
    at = datetime.fromtimestamp(entry["at"] / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return Told(index, entry["kind"], at, ", ".join(_fields(entry)))


def _fields(entry: dict[str, object]) -> Iterator[str]:
    for key, value in entry.items():
        if key not in ("kind", "at"):
            text = str(value)
            yield f"{key} {text[:24]}…" if len(text) > 26 else f"{key} {text}"
