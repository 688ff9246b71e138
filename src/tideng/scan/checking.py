"""Sampling with custody: the plan and the seed are in the ledger before anything is drawn."""

import csv
import os
import secrets
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Final, Literal, Protocol

import duckdb
import msgspec
from msgspec import Struct

from tideng.scan.custody import Custody, digest, opened
from tideng.scan.entries import SampleCheckedEntry, SampleDrawnEntry, SamplePlannedEntry
from tideng.scan.sampling import (
    SAMPLE_MAX,
    Bound,
    Plan,
    bound,
    confidence_of,
    continued,
    draw,
    plan,
    seed_commitment,
    total_bound,
)

LIST: Final = "sample.csv"
STATE: Final = "sample.json"
STRATA_MAX: Final = 60
"""More strata than this make every one of them too sure to be checked."""
By = Literal["", "class", "province"]
_STRATA: Final[dict[By, str]] = {
    "": "'resident_id'",
    "class": "'class ' || min(low)",
    "province": "'province ' || (id // 1000000000000000)",
}


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


class Stratum(Struct, frozen=True):
    """One part of the people, what was drawn of it, and what checking showed (-1: not yet)."""

    plan: Plan
    size: int
    planned: int
    """Index of the plan's entry in the ledger …"""
    drawn: int
    """… and of the draw's."""
    stage: int = 0
    """How often the draw was continued."""
    genuine: int = -1


class Drawn(Struct, frozen=True):
    """A sample, and where the ledger has its plans and its draws."""

    population: int
    size: int
    confidence: float
    share: float
    failures_allowed: int
    plan: int
    draw: int
    list: str
    by: By = ""
    is_sequential: bool = False
    seed: str = ""
    strata: tuple[Stratum, ...] = ()


class Checked(Struct, frozen=True):
    """What checking proves: of every stratum that was checked, and of all together once all are."""

    strata: dict[str, Bound]
    is_complete: bool
    genuine_least: int
    """Of all people, at least so many; 0 until every stratum has been checked."""


def draw_sample(
    folder: Path,
    *,
    share: float,
    confidence: float,
    failures: int,
    by: By = "",
    is_sequential: bool = False,
) -> Drawn:
    """Plan, commit, draw: a list of persons (file and line of one record of each) in `sample.csv`.

    `by`: strata that are drawn apart. `is_sequential`: `continue_sample` may draw further when checking
    fails; the plan then keeps half of the error for that.
    """
    with duckdb.connect() as conn:
        populations = _people(conn, folder, by)
        if not populations:
            raise ValueError("there is no record with a resident ID number to draw from")
        if len(populations) > STRATA_MAX:
            raise ValueError(f"{len(populations)} strata; the limit is {STRATA_MAX}. Divide less finely.")
        sure = confidence_of(confidence, strata=len(populations), is_sequential=is_sequential)
        plans = [_plan(name, size, sure, share, failures, len(populations)) for name, size in populations]
        total = sum(made.size for made in plans)
        if total > SAMPLE_MAX:
            raise ValueError(f"the plan needs {total} checks; the limit is {SAMPLE_MAX}. Ask for less.")
        seed = secrets.token_bytes(32)
        with opened(folder) as custody:
            planned = [_record_plan(custody, made, seed) for made in plans]
            strata = tuple(
                Stratum(made, made.size, entry, _record_draw(custody, made, seed, entry))
                for made, entry in zip(plans, planned, strict=True)
            )
        result = Drawn(
            population=sum(size for _, size in populations),
            size=total,
            confidence=confidence,
            share=share,
            failures_allowed=failures,
            plan=strata[0].planned,
            draw=strata[0].drawn,
            list=str(folder / LIST),
            by=by,
            is_sequential=is_sequential,
            seed=seed.hex(),
            strata=strata,
        )
        _list(conn, folder, result)
    (folder / STATE).write_bytes(msgspec.json.encode(result))
    return result


def continue_sample(folder: Path, *, failures: int, stratum: str = "") -> Drawn:
    """Draw further in the same order, because `failures` turned up where the plan allowed fewer."""
    drawn = _state(folder)
    if not drawn.is_sequential:
        raise ValueError(
            "this sample was not planned to be continued: looking again would make its confidence untrue. "
            "Draw a new one with --sequential."
        )
    old = _stratum(drawn, stratum)
    if failures <= old.plan.failures_allowed:
        raise ValueError(
            f"the plan allows {old.plan.failures_allowed} failures: there is nothing to continue"
        )
    made = continued(old.plan, failures)
    if made.size > SAMPLE_MAX:
        raise ValueError(f"the plan needs {made.size} checks; the limit is {SAMPLE_MAX}")
    seed = bytes.fromhex(drawn.seed)
    with opened(folder) as custody:
        planned = _record_plan(custody, made, seed)
        new = Stratum(made, made.size, planned, _record_draw(custody, made, seed, planned), old.stage + 1)
    strata = tuple(new if one is old else one for one in drawn.strata)
    result = msgspec.structs.replace(
        drawn, strata=strata, size=sum(one.size for one in strata), plan=new.planned, draw=new.drawn
    )
    with duckdb.connect() as conn:
        _people(conn, folder, drawn.by)
        _list(conn, folder, result)
    (folder / STATE).write_bytes(msgspec.json.encode(result))
    return result


def record_check(folder: Path, genuine: int, stratum: str = "") -> Checked:
    """Keep what checking showed in the ledger, and say what it proves."""
    drawn = _state(folder)
    old = _stratum(drawn, stratum)
    shown = bound(old.size, genuine, old.plan.population, old.plan.confidence)
    with opened(folder) as custody:
        custody.record(
            SampleCheckedEntry(
                at=custody.now(),
                draw=old.drawn,
                genuine=genuine,
                genuine_least=shown.genuine_least,
                sample=old.size,
            )
        )
    new = msgspec.structs.replace(old, genuine=genuine)
    strata = tuple(new if one is old else one for one in drawn.strata)
    (folder / STATE).write_bytes(msgspec.json.encode(msgspec.structs.replace(drawn, strata=strata)))
    bounds = {
        one.plan.stratum: bound(one.size, one.genuine, one.plan.population, one.plan.confidence)
        for one in strata
        if one.genuine >= 0
    }
    is_complete = len(bounds) == len(strata)
    return Checked(bounds, is_complete, total_bound(bounds) if is_complete else 0)


def _state(folder: Path) -> Drawn:
    drawn = msgspec.json.decode((folder / STATE).read_bytes(), type=Drawn)
    if not drawn.strata:
        raise ValueError("this sample was drawn by an earlier release. Draw a new one.")
    return drawn


def _stratum(drawn: Drawn, name: str) -> Stratum:
    if not name and len(drawn.strata) == 1:
        return drawn.strata[0]
    found = next((one for one in drawn.strata if one.plan.stratum == name), None)
    if found is None:
        names = ", ".join(one.plan.stratum for one in drawn.strata)
        raise ValueError(f"name one stratum of: {names}")
    return found


def _plan(name: str, population: int, sure: float, share: float, failures: int, strata: int) -> Plan:
    try:
        return plan(name, population, confidence=sure, share=share, failures_allowed=failures)
    except ValueError:
        # A part too small for the claim is checked whole, and proves what it is; one alone must say why not.
        if strata == 1:
            raise
        return Plan(
            stratum=name,
            population=population,
            confidence=sure,
            share=share,
            failures_allowed=failures,
            size=population,
        )


def _record_plan(custody: Custody, made: Plan, seed: bytes) -> int:
    return custody.record(
        SamplePlannedEntry(
            at=custody.now(),
            confidence=str(round(made.confidence, 9)),
            failures_allowed=made.failures_allowed,
            population=made.population,
            seed=seed_commitment(seed),
            share=str(made.share),
            size=made.size,
            stratum=made.stratum,
        )
    )


def _places(seed: bytes, made: Plan) -> Sequence[int]:
    return list(islice(draw(seed, made.stratum, made.population), made.size))


def _record_draw(custody: Custody, made: Plan, seed: bytes, planned: int) -> int:
    return custody.record(
        SampleDrawnEntry(
            at=custody.now(),
            places=digest(map(str, _places(seed, made))),
            plan=planned,
            seed=seed.hex(),
            size=made.size,
        )
    )


def _people(conn: duckdb.DuckDBPyConnection, folder: Path, by: By) -> list[tuple[str, int]]:
    """Table `people`: every resident ID, where one of its records is, its stratum; the strata and sizes."""
    place = "min(struct_pack(f := file, m := member, l := line)) AS place"
    made = f"SELECT id, {place}, {_STRATA[by]} AS stratum FROM read_parquet(?) WHERE id > 0 GROUP BY id ORDER BY id"  # noqa: E501, S608
    conn.execute(f"CREATE TABLE people AS {made}", [str(folder / "records" / "*.parquet")])
    rows = conn.execute("SELECT stratum, count(*) FROM people GROUP BY 1 ORDER BY 1").fetchall()
    return [(str(name), int(size)) for name, size in rows]


def _list(conn: duckdb.DuckDBPyConnection, folder: Path, drawn: Drawn) -> None:
    paths = dict(
        conn.execute("SELECT file, path FROM read_parquet(?)", [str(folder / "files.parquet")]).fetchall()
    )
    unfinished = folder / f".{LIST}"
    with unfinished.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("no", "file", "member", "line", "stratum"))
        number = 0
        for one in drawn.strata:
            name = one.plan.stratum
            rows = conn.execute("SELECT place FROM people WHERE stratum = ? ORDER BY id", [name]).fetchall()
            for place in _places(bytes.fromhex(drawn.seed), one.plan):
                number += 1
                where = list(rows[place][0].values())
                writer.writerow((number, paths.get(where[0], ""), where[1], where[2], name))
    os.replace(unfinished, folder / LIST)
