"""Small piles of files and one way to scan them, for all scan tests."""

from pathlib import Path

from tideng.scan.run import Outcome, run

DAY = "2026-11-25"


def scanned(folder: Path, out: Path, **wishes: object) -> Outcome:
    """The one place that calls `run`."""
    outcome = run([folder], out, day=DAY, workers=1, **wishes)  # type: ignore[arg-type]  # tests pass what run takes
    assert outcome.bytes_read + outcome.bytes_unread == outcome.bytes_total
    assert sum(outcome.unread_by_reason.values()) == outcome.bytes_unread
    return outcome
