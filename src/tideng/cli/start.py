"""`tideng`: its commands and where each comes from. Only modules that a command line names are imported."""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.markup import escape

from tideng import __version__
from tideng.cli.show import stop

if TYPE_CHECKING:
    from tideng.settings import Loaded

#: Module of this package -> the commands it puts on the main one, in the order of `--help`.
BRINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "gateway": ("serve", "send", "status"),
    "registry": ("registry",),
    "accounts": ("account", "api-key"),
    "ledger": ("ledger",),
    "text": ("text",),
    "posts": ("posts",),
    "evidence": ("evidence",),
    "witness": ("witness",),
    "subject": ("subject",),
    "retention": ("retention",),
    "scan": ("scan",),
    "calls": ("calls",),
    "simulate": ("simulate", "play"),
    "upkeep": ("settings", "doctor"),
}
_WITH_VALUE: Final = ("--settings", "-s", "--data", "-d")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tideng {__version__}")
        raise typer.Exit


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

    def loaded() -> "Loaded":
        from tideng.settings import SettingsInvalid, load

        try:
            return load(settings, environment)
        except SettingsInvalid as error:
            stop(escape(str(error)))

    context.obj = loaded


def built(modules: Iterable[str]) -> typer.Typer:
    """The main command with what these modules bring."""
    app = typer.Typer(
        name="tideng",
        help="Tideng 提灯 — protects people from harm that comes by phone, and proves what it did.",
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_show_locals=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(settings_for_all)
    for module in modules:
        import_module(f"tideng.cli.{module}").add_to(app)
    return app


def modules_for(words: Sequence[str], environment: Mapping[str, str]) -> tuple[str, ...]:
    """The modules that these words of a command line need: one, or all where help or a choice is asked for.

    An import costs more than most commands: all of them take a quarter of a second.
    """
    rest = iter(words)
    for word in rest:
        if word in _WITH_VALUE:
            next(rest, None)
        elif not word.startswith("-"):
            named = tuple(module for module, commands in BRINGS.items() if word in commands)
            is_completion = any(name.endswith("_COMPLETE") for name in environment)
            return named if named and not is_completion else tuple(BRINGS)
        elif not word.startswith(("--settings=", "--data=")):
            break
    return tuple(BRINGS)


def run() -> None:
    """The entry point."""
    built(modules_for(sys.argv[1:], os.environ))()
