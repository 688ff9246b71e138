"""What commands share: the settings in force, and the store when it may be opened."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer
from rich.markup import escape

from tideng.cli.show import stop

if TYPE_CHECKING:
    from tideng.gateway.store.store import Store
    from tideng.settings import Loaded

Json = Annotated[bool, typer.Option("--json", help="One JSON document instead of tables.")]


def loaded(context: typer.Context) -> "Loaded":
    """The settings of this call; ends the command when they are invalid."""
    # Typer types `obj` as Any; `start` puts this function there.
    return cast("Callable[[], Loaded]", context.obj)()


def database(context: typer.Context) -> Path:
    """The database file; ends the command when there is none."""
    from tideng.gateway.store.store import DATABASE

    path = Path(loaded(context).settings.data) / DATABASE
    if not path.is_file():
        stop(f"there is no data in {escape(str(path.parent))}; start `tideng serve` once, or name --data")
    return path


@contextmanager
def opened(context: typer.Context) -> "Iterator[Store]":
    """The store, for this command alone. Ends the command when a gateway has it."""
    from tideng.assembly import open_embedded
    from tideng.evidence.ledger import LedgerError
    from tideng.storage.failures import DataInUse, StorageError

    try:
        store = open_embedded(loaded(context).settings)
    except DataInUse as error:
        stop(
            f"{escape(str(error))} While it runs, ask it: by --key where the command takes one, "
            "or by its HTTP API. Or stop it first."
        )
    except (StorageError, LedgerError) as error:
        stop(escape(str(error)))
    try:
        yield store
    finally:
        store.close()
