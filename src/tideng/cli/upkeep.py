"""`tideng settings` and `tideng doctor`: what is in force, and what ails it."""

import sys
from pathlib import Path

import typer
from rich.markup import escape

from tideng import __version__
from tideng.cli.context import Json, loaded
from tideng.cli.show import FAILED, as_json, out, table


def add_to(app: typer.Typer) -> None:
    """Put `tideng settings` and `tideng doctor` on the main command."""
    app.command(rich_help_panel="Upkeep")(settings)
    app.command(rich_help_panel="Upkeep")(doctor)


def settings(context: typer.Context, json: Json = False) -> None:
    """Every setting in force, and where its value comes from."""
    rows = loaded(context).rows()
    if json:
        as_json(rows)
        return
    table(
        "settings in force",
        ("setting", "value", "from", "meaning"),
        [(row.key, escape(row.value), row.source, escape(row.description)) for row in rows],
    )


def doctor(context: typer.Context, json: Json = False) -> None:
    """Check this machine and the data folder. Exit code 1 if something must be mended."""
    import sqlite3

    from tideng.gateway.store.store import DATABASE, KEYS
    from tideng.storage.health import health

    folder = Path(loaded(context).settings.data)
    found = [(name, health(folder / name)) for name in (DATABASE, KEYS) if (folder / name).exists()]
    # What is true of the library is said once, not for every file.
    hazards = [(name, hazard) for name, each in found for hazard in each]
    hazards = list({hazard: (name, hazard) for name, hazard in hazards}.values())
    if json:
        as_json(
            {
                "tideng": __version__,
                "python": sys.version.split()[0],
                "sqlite": sqlite3.sqlite_version,
                "data": str(folder),
                "hazards": [
                    {
                        "file": name,
                        "code": hazard.code,
                        "severity": hazard.severity,
                        "seen": hazard.seen,
                        "next_step": hazard.next_step,
                    }
                    for name, hazard in hazards
                ],
            }
        )
    else:
        out.print(f"tideng {__version__} · Python {sys.version.split()[0]} · SQLite {sqlite3.sqlite_version}")
        if not (folder / DATABASE).exists():
            out.print(f"no data in {escape(str(folder))} yet; `tideng serve` makes it")
        colours = {"error": "bold red", "warning": "yellow", "note": "dim"}
        for name, hazard in hazards:
            colour = colours[hazard.severity]
            out.print(f"[{colour}]{hazard.severity} {hazard.code}[/] {name}: {escape(hazard.seen)}")
            out.print(f"  → {escape(hazard.next_step)}")
        if not hazards:
            out.print("[green]✔[/] nothing to mend")
    if any(hazard.severity == "error" for _, hazard in hazards):
        raise typer.Exit(FAILED)
