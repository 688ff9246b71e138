"""`tideng`: the commands and what they are for. Heavy rooms are imported by the command that needs them."""

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from tideng import __version__
from tideng.cli import (
    accounts,
    calls,
    evidence,
    gateway,
    ledger,
    posts,
    registry,
    retention,
    scan,
    simulate,
    subject,
    text,
    upkeep,
    witness,
)
from tideng.cli.show import stop
from tideng.settings import Loaded, SettingsInvalid, load

app = typer.Typer(
    name="tideng",
    help="Tideng 提灯 — protects people from harm that comes by phone, and proves what it did.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tideng {__version__}")
        raise typer.Exit


@app.callback()
def settings_for_all(
    context: typer.Context,
    settings: Annotated[
        Path | None,
        typer.Option("--settings", "-s", envvar="TIDENG_SETTINGS", help="TOML file with settings."),
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", "-d", help="Data folder; overrides the settings.")
    ] = None,
    version: Annotated[  # noqa: ARG001 - its callback does the work
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Tideng 提灯 — protects people from harm that comes by phone, and proves what it did."""
    environment = dict(os.environ)
    if data is not None:
        environment["TIDENG_DATA"] = str(data)

    def loaded() -> Loaded:
        try:
            return load(settings, environment)
        except SettingsInvalid as error:
            stop(escape(str(error)))

    context.obj = loaded


gateway.add_to(app)
app.add_typer(registry.app, name="registry", rich_help_panel="Registry and people")
accounts.add_to(app)
app.add_typer(ledger.app, name="ledger", rich_help_panel="Evidence")
app.add_typer(text.app, name="text", rich_help_panel="Reading texts")
app.add_typer(posts.app, name="posts", rich_help_panel="Reading texts")
app.add_typer(evidence.app, name="evidence", rich_help_panel="Evidence")
app.add_typer(witness.app, name="witness", rich_help_panel="Evidence")
app.add_typer(subject.app, name="subject", rich_help_panel="Evidence")
app.add_typer(retention.app, name="retention", rich_help_panel="Evidence")
app.add_typer(scan.app, name="scan", rich_help_panel="Scan")
calls.add_to(app)
app.add_typer(simulate.app, name="simulate", rich_help_panel="Trying it out")
simulate.add_play(app)
upkeep.add_to(app)


def run() -> None:
    """The entry point."""
    app()
