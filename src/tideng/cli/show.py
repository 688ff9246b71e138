"""How commands speak: tables and sentences for people, one JSON document for programs."""

import sys
from collections.abc import Sequence
from typing import Any, Final, NoReturn

import msgspec
import typer
from rich.console import Console
from rich.table import Table

OK: Final = 0
FAILED: Final = 1
"""The command ran, and what it looked at is not well: a ledger that differs, a refused message."""
USAGE: Final = 2
NOT_INSTALLED: Final = 3
"""The command could not run: wrong words, settings, files or permissions."""

out: Final = Console(highlight=False)
err: Final = Console(stderr=True, highlight=False)


def as_json(value: object) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:  # Any: shown by str()
    """A table for people; says so when it is empty."""
    if not rows:
        out.print(f"[dim]{title}: nothing[/dim]")
        return
    shown = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for column in columns:
        shown.add_column(column, overflow="fold")
    for row in rows:
        shown.add_row(*[str(cell) for cell in row])
    out.print(shown)


def stop(message: str, *, code: int = USAGE) -> NoReturn:
    """Say what is wrong and what to do, and end with `code`."""
    err.print(f"[bold red]tideng:[/] {message}", markup=True, soft_wrap=True)
    raise typer.Exit(code)


LEFT_OUT: Final = ("ocr",)
"""Extras that `make full` leaves out, because they are large and few need them."""


def not_installed(package: str, extra: str, otherwise: str = "") -> NoReturn:
    """Say which package is missing and what brings it, and end with `NOT_INSTALLED`."""
    in_checkout = "" if extra in LEFT_OUT else ", or in a checkout: make full"
    stop(
        f"this needs {package}, which is not installed. Run: pip install 'tideng\\[{extra}]'"
        f"{in_checkout}{otherwise}",
        code=NOT_INSTALLED,
    )
