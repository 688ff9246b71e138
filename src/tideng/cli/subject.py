"""`tideng subject`: a person's own data: show, erase, hold for a court."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from tideng.cli.context import Json, loaded, opened
from tideng.cli.show import FAILED, as_json, out, stop

if TYPE_CHECKING:
    from tideng.gateway.store.persons import Persons

Number = Annotated[str, typer.Argument(help="The person's phone number.")]
Case = Annotated[str, typer.Option("--case", help="The case's number.")]
By = Annotated[str, typer.Option(help="Who asks for it; default: this system user.")]

app = typer.Typer(help="One person's data: export, erase, legal hold.", no_args_is_help=True)


@app.command()
def export(context: typer.Context, number: Number) -> None:
    """Everything kept about a number, as JSON (PIPL art. 45)."""
    with _persons(context) as persons:
        as_json(persons.export(_e164(number)))


@app.command()
def erase(
    context: typer.Context,
    number: Number,
    basis: Annotated[str, typer.Option(help="Why: the person's request, a court's order …")] = "request",
    by: By = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Destroy a person's key. Nobody can read the content again; proofs stay valid, opt-outs in force."""
    from tideng.gateway.store.persons import NotErased

    e164 = _e164(number)
    if not yes:
        typer.confirm(
            "This cannot be undone. Backups of keys.db are yours to destroy. Erase?", abort=True, err=True
        )
    with _persons(context) as persons:
        try:
            done = persons.erase(e164, basis=basis, by=by or getpass.getuser())
        except NotErased as error:
            stop(escape(str(error)), code=FAILED)
    if json:
        as_json({"entry": done.position, "records": done.records, "opt_outs_kept": done.opt_outs_kept})
        return
    out.print(
        f"[green]✔[/] erased: {done.records} records can be read by nobody; entry {done.position} says so"
    )
    out.print(
        f"  {done.opt_outs_kept} opt-outs stay in force, as keyed hashes. Destroy old backups of keys.db."
    )


@app.command()
def hold(context: typer.Context, number: Number, case: Case, by: By = "") -> None:
    """Keep a person's data for a case, whatever retention and erasure say."""
    with _persons(context) as persons:
        if not persons.hold(_e164(number), case, by=by or getpass.getuser()):
            stop(f"these data are held for case {escape(case)} already", code=FAILED)
    out.print(f"[green]✔[/] held for case {escape(case)}")


@app.command()
def release(context: typer.Context, number: Number, case: Case, by: By = "") -> None:
    """End a legal hold."""
    with _persons(context) as persons:
        if not persons.release(_e164(number), case, by=by or getpass.getuser()):
            stop(f"there is no hold for case {escape(case)}", code=FAILED)
    out.print(f"[green]✔[/] the hold for case {escape(case)} has ended")


@contextmanager
def _persons(context: typer.Context) -> "Iterator[Persons]":
    from tideng.assembly.evidence import make_indexer
    from tideng.gateway.store.persons import Persons

    with opened(context) as store:
        yield Persons(store, make_indexer(store, loaded(context).settings))


def _e164(number: str) -> str:
    from tideng.identifiers.phone import NotANumber, parse

    try:
        return parse(number).e164
    except NotANumber as error:
        stop(escape(str(error)))
