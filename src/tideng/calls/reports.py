"""Reports that a line called with a scam: kept in order, each once, and read from CSV for a replay."""

import csv
import sqlite3
from collections.abc import Iterator
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Final

from msgspec import Struct

from tideng.calls.numbers import to_e164
from tideng.calls.records import START_MAX, START_MIN

FILE: Final = "reports.db"
ROWS_MAX: Final = 1_000_000
AHEAD_S: Final = 86_400
"""How far ahead of the clock a reported moment may lie: clocks and zones differ."""
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS report (
    number INTEGER PRIMARY KEY, line TEXT NOT NULL, called_at INTEGER NOT NULL, by TEXT NOT NULL,
    opening TEXT NOT NULL, UNIQUE (line, called_at, by)
)
"""


class ReportInvalid(ValueError):
    """This cannot be a report. The message names the value and the next step."""


class Report(Struct, frozen=True, kw_only=True):
    """Somebody says that this line called with a scam."""

    line: str
    """E.164 digits, as records have it."""
    called_at: int
    """Seconds UTC."""
    by: str
    opening: str = ""
    """Key that opens the ledger entry's commitment, hex."""
    number: int = 0
    """In order of arrival, from 1; 0: not kept yet."""


def report_of(line: str, at: str, *, by: str, zone: tzinfo, area: str = "", now_s: int) -> Report:
    """A report from what people write. `at`: seconds UTC, or a date and time (in `zone` unless it says);
    empty: now. Raises `ReportInvalid`."""
    number = to_e164(line, area)
    if len(number) < 5 or not number.isdigit():
        raise ReportInvalid(f"line is {line[:40]!r}, which is no number; give it with its area code")
    called_at = now_s if not at.strip() else _moment(at.strip(), zone)
    if not START_MIN < called_at < min(START_MAX, now_s + AHEAD_S):
        raise ReportInvalid(f"at is {at[:40]!r}, which is not a past moment; give when the line called")
    return Report(line=number, called_at=called_at, by=by)


def _moment(at: str, zone: tzinfo) -> int:
    if at.isascii() and at.isdigit() and len(at) <= 12:
        return int(at)
    try:
        moment = datetime.fromisoformat(at)
    except ValueError as error:
        raise ReportInvalid(
            f"at is {at[:40]!r}; give it as 2026-03-10T14:05, or in seconds since 1970"
        ) from error
    return int((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp())


def read_reports(path: Path, *, zone: tzinfo, area: str, now_s: int) -> list[Report]:
    """A CSV with columns `line` and `at`. Raises `ReportInvalid`, naming the row, or OSError."""
    told: list[Report] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            if not {"line", "at"} <= set(rows.fieldnames or ()):
                raise ReportInvalid(f"{path.name} has no columns `line` and `at`; name them in the first row")
            for row in rows:
                if len(told) >= ROWS_MAX:
                    raise ReportInvalid(f"{path.name} has more than {ROWS_MAX:,} reports; split it")
                if not (row["at"] or "").strip():
                    raise ReportInvalid("at is empty; give when the line called")
                told.append(
                    report_of(row["line"] or "", row["at"] or "", by="", zone=zone, area=area, now_s=now_s)
                )
    except ReportInvalid as error:
        raise ReportInvalid(f"{path.name}, report {len(told) + 1}: {error}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ReportInvalid(f"{path.name} is no CSV in UTF-8: {error}") from error
    return told


class ReportStore:
    """Reports in one SQLite file, synced at every change."""

    def __init__(self, path: Path) -> None:
        """Makes the file if there is none."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute(_SCHEMA)

    def has(self, report: Report) -> bool:
        """Whether the same person has reported the same call."""
        row = (report.line, report.called_at, report.by)
        found = self._db.execute("SELECT 1 FROM report WHERE line = ? AND called_at = ? AND by = ?", row)
        return found.fetchone() is not None

    def add(self, report: Report) -> bool:
        """True if it is new."""
        row = (report.line, report.called_at, report.by, report.opening)
        return (
            self._db.execute(
                "INSERT OR IGNORE INTO report (line, called_at, by, opening) VALUES (?, ?, ?, ?)", row
            ).rowcount
            == 1
        )

    def after(self, number: int = 0) -> Iterator[Report]:
        """Those that came after report `number`, in order."""
        rows = self._db.execute(
            "SELECT line, called_at, by, opening, number FROM report WHERE number > ? ORDER BY number",
            (number,),
        )
        for line, called_at, by, opening, n in rows:
            yield Report(line=line, called_at=called_at, by=by, opening=opening, number=n)

    def shut(self) -> None:
        """Close the file."""
        self._db.close()
