"""`tideng calls`: from call records to the first alarm, and to the visit."""

import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.markup import escape

from tideng.cli import (
    calls_console,
    calls_features,
    calls_photos,
    calls_records,
    calls_reports,
    calls_subscribers,
    calls_watch,
)
from tideng.cli.show import err, not_installed, out, stop, table

app = typer.Typer(help="Call records: find lines that have become a fraudster's exit.", no_args_is_help=True)
app.add_typer(calls_subscribers.app, name="subscribers")
calls_records.add_to(app)
calls_watch.add_to(app)
calls_console.add_to(app)
calls_reports.add_to(app)
calls_photos.add_to(app)
calls_features.add_to(app)

Zone = Annotated[float, typer.Option(help="Hours east of UTC at which the lines live.")]
Area = Annotated[str, typer.Option(help="Area code of numbers written without one, as 021.")]
Lines = Annotated[bool, typer.Option("--json", help="One JSON object per alarm and line, for programs.")]


def needs(package: str) -> None:
    """End the command, with what to install, when a package of the `calls` extra is missing."""
    import importlib.util

    if importlib.util.find_spec(package) is None:
        not_installed(package, "calls")


@app.command()
def detect(
    files: Annotated[
        list[Path], typer.Argument(help="Parquet or CSV: caller, callee, start, ring_s, duration_s …")
    ],
    zone: Zone = 8.0,
    area: Area = "",
    strictness: Annotated[
        float, typer.Option(help="Added to the thresholds, in log odds; above 0: fewer alarms.")
    ] = 0.0,
    model: Annotated[
        Path | None, typer.Option(help="Another detector model; default: the shipped one.")
    ] = None,
    reports: Annotated[
        Path | None, typer.Option(help="CSV with `line` and `at`: lines reported to call with scams.")
    ] = None,
    register: Annotated[
        Path | None,
        typer.Option("--lines", help="CSV with `line` and `address`, `installer`: links between lines."),
    ] = None,
    json: Lines = False,
) -> None:
    """Find lines on which a box began to call, and say why. Rows that cannot be used are counted, never
    evidence."""
    needs("duckdb")
    from tideng.calls.detector.detecting import detect as find
    from tideng.calls.detector.evidence import ModelInvalid, Scorer
    from tideng.calls.detector.shipped import shipped_model
    from tideng.calls.readers.plain import FileUnreadable, load

    try:
        scorer = Scorer(model.read_bytes() if model else shipped_model())
        calls, unread = load(files, area=area)
    except (FileUnreadable, ModelInvalid, OSError) as error:
        stop(escape(str(error)))
    outside = _outside(scorer, calls.lines, reports, register, zone, area)
    alarms, threshold = find(calls, scorer, zone_s=int(zone * 3600), strictness=strictness, outside=outside)
    told = [_told(alarm, calls.lines[alarm.line], scorer.name) for alarm in alarms]
    _say_unread(unread.read, unread.reasons)
    err.print(
        f"{len(calls.start):,} calls of {len(calls.lines):,} lines, {threshold.line_days:,} line-days; "
        f"threshold {threshold.call_owner:.2f} (moved {threshold.shift:+.2f} by this population)"
    )
    if json:
        for one in told:
            sys.stdout.write(msgspec.json.encode(one).decode() + "\n")
        return
    rows = [
        (_clock(one["at"], zone), one["line"], one["calls_placed"], one["tier"], _reasons(one["evidence"]))
        for one in told
    ]
    table("lines to look at", ("at", "line", "calls", "tier", "because"), rows)


def _outside(  # Any: Scorer and Outside, imported only when used
    scorer: Any, lines: Sequence[str], reports: Path | None, register: Path | None, zone: float, area: str
) -> Any:
    """What is known about the lines besides their calls; ends the command when a file cannot be used."""
    from tideng.calls.detector.outside import Outside
    from tideng.calls.register import NO_REGISTER, RegisterInvalid, read_register
    from tideng.calls.reports import ReportInvalid, read_reports

    outside = Outside(scorer.model.threshold)
    try:
        known = read_register(register, area=area) if register else NO_REGISTER
        place = timezone(timedelta(hours=zone))
        told = read_reports(reports, zone=place, area=area, now_s=int(time.time())) if reports else []
    except (RegisterInvalid, ReportInvalid) as error:
        stop(escape(str(error)))
    except OSError as error:
        stop(f"{escape(str(error.filename))}: {error.strerror}")
    index = {line: i for i, line in enumerate(lines)}
    for line, i in index.items():
        outside.link(i, known.groups(line))
    for report in sorted(told, key=lambda one: one.called_at):
        if report.line in index:
            outside.report(index[report.line], report.called_at)
    return outside


def _told(alarm: Any, line: str, model: str) -> dict[str, Any]:  # Any: Alarm, imported only when it is used
    return {
        "line": line,
        "at": alarm.at,
        "calls_placed": alarm.calls_placed,
        "tier": alarm.tier,
        "evidence": [
            {"name": reason.name, "weight": reason.weight, "says": reason.says} for reason in alarm.reasons
        ],
        "score": alarm.score,
        "threshold": alarm.threshold,
        "first_call_at": alarm.first_call_at,
        "model": model,
    }


def _say_unread(read: int, reasons: dict[str, int]) -> None:
    if reasons:
        parts = ", ".join(f"{name.replace('_', ' ')}: {count:,}" for name, count in sorted(reasons.items()))
        err.print(f"[yellow]put aside[/] of {read:,} rows: {escape(parts)}")


def _clock(at: int, zone: float) -> str:
    return datetime.fromtimestamp(at + zone * 3600, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _reasons(evidence: list[dict[str, Any]]) -> str:  # Any: as written by _told
    return ", ".join(
        f"{e['name'].replace('_', ' ')} {e['weight']:+.1f}" for e in evidence if e["weight"] > 0
    )[:120]


def add_to(main: typer.Typer) -> None:
    """Put `tideng calls` on the main command."""
    main.add_typer(app, name="calls", rich_help_panel="Call records")


__all__ = ["add_to", "app", "out"]
