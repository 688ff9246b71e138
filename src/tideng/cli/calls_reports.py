"""`tideng calls report`: somebody says that a line called with a scam."""

import os
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape

from tideng.cli.calls_records import Area_, folder_of
from tideng.cli.context import Json, loaded, opened
from tideng.cli.show import as_json, out, stop


def report(
    context: typer.Context,
    line: Annotated[str, typer.Argument(help="The number that called.")],
    at: Annotated[
        str, typer.Option(help="When it called: 2026-03-10T14:05, or seconds since 1970; default: now.")
    ] = "",
    area: Area_ = "",
    by: Annotated[str, typer.Option(help="Who writes it down.")] = "cli",
    json: Json = False,
) -> None:
    """Say that a line called with a scam: recorded in the ledger, and evidence about its calls of the next
    days. Exit code 2 if it cannot be."""
    from tideng.assembly.calls import take_report
    from tideng.calls.reports import FILE, ReportInvalid, ReportStore, report_of

    zone = loaded(context).settings.zone()
    with opened(context) as gateway:
        reports = ReportStore(folder_of(context) / FILE)
        try:
            told = report_of(line, at, by=by, zone=zone, area=area, now_s=gateway.now() // 1_000_000)
            is_new = take_report(reports, gateway.ledger, told, os.urandom)
        except ReportInvalid as error:
            stop(escape(str(error)))
        finally:
            reports.shut()
    if json:
        as_json({"line": told.line, "called_at": told.called_at, "new": is_new})
        return
    called = datetime.fromtimestamp(told.called_at, UTC).astimezone(zone)
    said = "recorded" if is_new else "had been recorded before"
    out.print(f"report about {told.line}, called {called:%Y-%m-%d %H:%M}: {said}")


def add_to(app: typer.Typer) -> None:
    """Put `report` on `tideng calls`."""
    app.command()(report)
