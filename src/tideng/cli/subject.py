"""`tideng subject`: a person's own data: show, erase, hold for a court."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from tideng.cli.context import Json, loaded, opened
from tideng.cli.running import Key, Url, ask
from tideng.cli.show import FAILED, as_json, out, stop

if TYPE_CHECKING:
    from tideng.assembly.evidence_desk import EvidenceDesk

Number = Annotated[str, typer.Argument(help="The person's phone number.")]
Case = Annotated[str, typer.Option("--case", help="The case's number.")]
By = Annotated[str, typer.Option(help="Who asks for it; default: this system user.")]

app = typer.Typer(help="One person's data: export, erase, legal hold.", no_args_is_help=True)


def add_to(main: typer.Typer) -> None:
    """Put `tideng subject` on the main command."""
    main.add_typer(app, name="subject", rich_help_panel="Evidence")


@app.command()
def export(context: typer.Context, number: Number, key: Key = "", url: Url = "") -> None:
    """Everything kept about a number, as JSON (PIPL art. 45)."""
    if key:
        as_json(ask(context, url, key, "/v1/subjects/export", {"number": number}).json())
        return
    with _desk(context) as desk:
        as_json(desk.export_person(_e164(number)))


@app.command()
def erase(
    context: typer.Context,
    number: Number,
    basis: Annotated[str, typer.Option(help="Why: the person's request, a court's order …")] = "request",
    by: By = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: Json = False,
    key: Key = "",
    url: Url = "",
) -> None:
    """Destroy a person's key. Nobody can read the content again; proofs stay valid, opt-outs in force."""
    from tideng.gateway.store.persons import NotErased

    e164 = _e164(number)
    if not yes:
        typer.confirm(
            "This cannot be undone. Backups of keys.db are yours to destroy. Erase?", abort=True, err=True
        )
    if key:
        told = ask(context, url, key, "/v1/subjects/erase", {"number": number, "basis": basis}).json()
        position, records, kept = told["position"], told["records"], told["opt_outs_kept"]
    else:
        with _desk(context) as desk:
            try:
                done = desk.erase_person(e164, basis=basis, by=by or getpass.getuser())
            except NotErased as error:
                stop(escape(str(error)), code=FAILED)
        position, records, kept = done.position, done.records, done.opt_outs_kept
    if json:
        as_json({"entry": position, "records": records, "opt_outs_kept": kept})
        return
    out.print(f"[green]✔[/] erased: {records} records can be read by nobody; entry {position} says so")
    out.print(f"  {kept} opt-outs stay in force, as keyed hashes. Destroy old backups of keys.db.")


@app.command()
def hold(
    context: typer.Context, number: Number, case: Case, by: By = "", key: Key = "", url: Url = ""
) -> None:
    """Keep a person's data for a case, whatever retention and erasure say."""
    if not _changed(context, number, case, by, key, url, begun=True):
        stop(f"these data are held for case {escape(case)} already", code=FAILED)
    out.print(f"[green]✔[/] held for case {escape(case)}")


@app.command()
def release(
    context: typer.Context, number: Number, case: Case, by: By = "", key: Key = "", url: Url = ""
) -> None:
    """End a legal hold."""
    if not _changed(context, number, case, by, key, url, begun=False):
        stop(f"there is no hold for case {escape(case)}", code=FAILED)
    out.print(f"[green]✔[/] the hold for case {escape(case)} has ended")


def _changed(
    context: typer.Context, number: str, case: str, by: str, key: str, url: str, *, begun: bool
) -> bool:
    e164 = _e164(number)
    if key:
        body = {"number": number, "case": case, "state": "begun" if begun else "ended"}
        return bool(ask(context, url, key, "/v1/subjects/hold", body).json()["changed"])
    with _desk(context) as desk:
        return desk.hold_person(e164, case, by=by or getpass.getuser(), begun=begun)


@contextmanager
def _desk(context: typer.Context) -> "Iterator[EvidenceDesk]":
    from tideng.assembly.evidence_desk import EvidenceDesk

    with opened(context) as store:
        yield EvidenceDesk(store, loaded(context))


def _e164(number: str) -> str:
    from tideng.identifiers.phone import NotANumber, parse

    try:
        return parse(number).e164
    except NotANumber as error:
        stop(escape(str(error)))
