"""An appraisal: scan, sums of law, custody and reports, in this order, into one folder."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from tideng import __version__
from tideng.identifiers.tables import TABLES_DATE
from tideng.scan.batch import How
from tideng.scan.custody import Custody, digest, opened
from tideng.scan.entries import AppraisalReportEntry, ScanEndedEntry, ScanStartedEntry
from tideng.scan.law import shipped_categories, shipped_rules
from tideng.scan.law.arithmetic import Tiers, load_rules, tiers
from tideng.scan.law.sensitive import Sensitive, load_categories, sensitive
from tideng.scan.persons import RULES_DATE
from tideng.scan.run import Cluster, Outcome, Progress, run
from tideng.scan.walk import walk


class Wish(Struct, frozen=True, kw_only=True):
    """What was asked for."""

    paths: tuple[Path, ...]
    ignored: tuple[str, ...] = ()
    workers: int = 0
    how: How = How()
    is_duty: bool = False
    """Got in the course of duty or service: half suffices (art. 5(1)(八))."""
    income_fen: int = 0
    languages: tuple[str, ...] = ("zh-CN", "en")


class Appraisal(Struct, frozen=True, kw_only=True):
    """What came of it."""

    outcome: Outcome
    tiers: Tiers
    started_at: int
    ended_at: int
    root: str = ""
    """Root of the appraisal's ledger when the report was made; "" when no folder was kept."""
    entries: int = 0


def law_of(outcome: Outcome, *, is_duty: bool, income_fen: int) -> Tiers:
    """The tiers of an outcome: persons read strictly at one end, records read widely at the other."""
    persons = outcome.persons
    return tiers(
        load_rules(shipped_rules()),
        persons.by_class_low,
        persons.records_by_class_high,
        is_duty=is_duty,
        income_fen=income_fen,
    )


def sensitive_of(outcome: Outcome) -> tuple[Sensitive, ...]:
    """Labels of PIPL art. 28 and GB/T 45574, apart from the tiers."""
    return sensitive(
        load_categories(shipped_categories()), outcome.labels, outcome.counts, outcome.persons.children
    )


def appraise(
    wish: Wish,
    out: Path,
    *,
    day: str,
    tell: Callable[[Progress], None] = lambda _: None,
    cluster: Cluster | None = None,
) -> Appraisal:
    """Scan into `out`, keep custody there, and hand back what was counted; `reports` writes it down."""
    out.mkdir(parents=True, exist_ok=True)
    with opened(out) as custody:
        started = _start(custody, wish)
        outcome = run(
            wish.paths,
            out,
            day=day,
            ignored=wish.ignored,
            workers=wish.workers,
            how=wish.how,
            tell=tell,
            cluster=cluster,
        )
        ended = _end(custody, outcome, out, hashes=wish.how.hashes)
        return Appraisal(
            outcome=outcome,
            tiers=law_of(outcome, is_duty=wish.is_duty, income_fen=wish.income_fen),
            started_at=started,
            ended_at=ended,
            root=custody.root,
            entries=custody.size,
        )


def _start(custody: Custody, wish: Wish) -> int:
    items = list(walk(wish.paths, wish.ignored))
    at = custody.now()
    custody.record(
        ScanStartedEntry(
            at=at,
            bytes=sum(item.size for item in items),
            files=len(items),
            inputs=digest(f"{item.path}\0{item.size}\0{item.modified_ns}" for item in items),
            paths=tuple(str(path) for path in wish.paths)[:64],
            settings=f"tables {TABLES_DATE}; persons {RULES_DATE}; ignored {', '.join(wish.ignored) or 'nothing'}; pictures {'read by OCR' if wish.how.pictures else 'listed'}",  # noqa: E501
            software=f"tideng {__version__}",
        )
    )
    return at


def _end(custody: Custody, outcome: Outcome, out: Path, *, hashes: bool) -> int:
    at = custody.now()
    custody.record(
        ScanEndedEntry(
            at=at,
            bytes_read=outcome.bytes_read,
            bytes_unread=outcome.bytes_unread,
            hashes=_hashes(out) if hashes else "",
            outcome=hashlib.sha256(msgspec.json.encode(outcome)).hexdigest(),
            persons=outcome.persons.persons,
            records=outcome.records,
        )
    )
    return at


def _hashes(out: Path) -> str:
    """One hash over the hashes of all inputs, in the order of files."""
    import duckdb

    folder = out / "members"
    if not any(folder.glob("*.parquet")):
        return digest(())
    with duckdb.connect() as conn:
        # Not by a parameter: binding one makes DuckDB import pandas, a quarter of a second.
        members = conn.read_parquet(str(folder / "*.parquet"))
        rows = members.query(
            "members", "SELECT DISTINCT file, sha256, sm3 FROM members WHERE sha256 <> '' ORDER BY file"
        ).fetchall()
    return digest(f"{file} {sha} {sm3}" for file, sha, sm3 in rows)


def keep_reports(appraisal: Appraisal, out: Path, languages: Sequence[str]) -> dict[str, Path]:
    """Write the reports into `out` and their hashes into its ledger; form -> file. PDF only where typst
    is installed.
    """
    from tideng.scan.report.write import write_all

    written = write_all(appraisal, out, languages)
    with opened(out) as custody:
        for form, path in written.items():
            sha = hashlib.sha256(path.read_bytes()).hexdigest()
            custody.record(AppraisalReportEntry(at=custody.now(), form=form, sha256=sha))
    return written


def as_json(appraisal: Appraisal) -> dict[str, object]:
    """The one object that `tideng scan --json` prints and `report.json` holds."""
    outcome, persons = appraisal.outcome, appraisal.outcome.persons
    return {
        "paths": outcome.paths,
        "files": outcome.files,
        "bytes_total": outcome.bytes_total,
        "bytes_read": outcome.bytes_read,
        "bytes_unread": outcome.bytes_unread,
        "unread_by_reason": outcome.unread_by_reason,
        "bytes_expanded": outcome.bytes_expanded,
        "records": outcome.records,
        "persons": persons.persons,
        "persons_interval": {"min": persons.persons, "max": max(persons.persons, persons.persons_max)},
        "persons_with_id": persons.with_id,
        "persons_without_id": persons.without_id,
        "children_under_14": persons.children,
        "conflicts": persons.conflicts,
        "counts": outcome.counts,
        "distinct": persons.distinct,
        "formats": outcome.formats,
        "labels": outcome.labels,
        "sensitive": sensitive_of(outcome),
        "tiers": appraisal.tiers,
        "new_persons_by_file": persons.new_by_file,
        "started_at": appraisal.started_at,
        "ended_at": appraisal.ended_at,
        "ledger": {"root": appraisal.root, "entries": appraisal.entries},
        "software": f"tideng {__version__}",
        "tables": TABLES_DATE,
        "person_rules": RULES_DATE,
        "law_rules": appraisal.tiers.rules,
        "sensitive_rules": load_categories(shipped_categories()).version,
    }
