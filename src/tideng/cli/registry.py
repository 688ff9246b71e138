"""`tideng registry`: who may send what for whom, from files and on the terminal."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.markup import escape

from tideng.cli.context import Json, opened
from tideng.cli.show import FAILED, as_json, out, stop, table

app = typer.Typer(
    help="Customers, principals, mandates, signatures, templates, numbers.", no_args_is_help=True
)


def add_to(main: typer.Typer) -> None:
    """Put `tideng registry` on the main command."""
    main.add_typer(app, name="registry", rich_help_panel="Registry and people")


Kind = Annotated[
    str, typer.Argument(help="customer, principal, signature, mandate, template or code_number.")
]
ObjectId = Annotated[str, typer.Argument(help="The object's id.")]
Csv = Annotated[
    Path, typer.Argument(help="CSV file with a header row; its columns are in docs/operate/registry.md.")
]
By = Annotated[str, typer.Option("--by", help="Who makes the change; recorded in the ledger.")]
FILE_BYTES_MAX = 50_000_000


@app.command("import")
def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="TOML with registry objects.", exists=True, dir_okay=False)],
    by: By = "cli",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change; change nothing.")
    ] = False,
    json: Json = False,
) -> None:
    """Make the objects of a TOML file current: all of them or none."""
    from tideng.gateway.registry.problems import RegistryInvalid
    from tideng.gateway.registry.registry import Registry

    if file.stat().st_size > FILE_BYTES_MAX:
        stop(f"{escape(file.name)} is over {FILE_BYTES_MAX} bytes; split it")
    with opened(context) as store:
        registry = Registry(store.writer, store.ledger)
        try:
            difference = registry.import_toml(file.read_bytes(), by, dry_run=dry_run)
        except RegistryInvalid as error:
            if json:
                as_json({"problems": error.problems})
            else:
                for problem in error.problems:
                    out.print(f"[red]✘[/] {escape(problem.path)}: {escape(problem.message)}")
            raise typer.Exit(FAILED) from error
    if json:
        as_json({"added": difference.added, "changed": difference.changed, "unchanged": difference.unchanged})
        return
    for mark, names in (("+", difference.added), ("~", difference.changed), ("=", difference.unchanged)):
        for name in names:
            out.print(f"{mark} {escape(name)}")
    out.print("[yellow]dry run: nothing was changed[/]" if dry_run else "[green]✔[/] recorded in the ledger")


@app.command()
def export(context: typer.Context) -> None:
    """Write the whole registry as TOML to standard output. Holds password hashes: keep it safe."""
    from tideng.gateway.registry.registry import Registry

    with opened(context) as store:
        typer.echo(Registry(store.writer, store.ledger).export_toml().decode(), nl=False)


@app.command("list")
def list_(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(help="customer, principal, signature …; default: all.")] = "",
    json: Json = False,
) -> None:
    """List current objects with their version and status."""
    from tideng.gateway.registry.kinds import TYPES, kind_of
    from tideng.gateway.registry.registry import Registry

    if kind and kind not in TYPES:
        stop(f"there is no kind {escape(kind)!r}; kinds are {', '.join(TYPES)}")
    with opened(context) as store:
        snapshot = Registry(store.writer, store.ledger).snapshot
    objects = [item for item in snapshot.objects() if not kind or kind_of(item) == kind]
    if json:
        as_json([{"kind": kind_of(item), **msgspec.to_builtins(item)} for item in objects])
        return
    table(
        "registry",
        ("kind", "id", "version", "status", "name"),
        [
            (
                kind_of(item),
                escape(item.id),
                snapshot.version(kind_of(item), item.id),
                item.status,
                escape(getattr(item, "name", "")),
            )
            for item in objects
        ],
    )


@app.command()
def history(context: typer.Context, kind: Kind, object_id: ObjectId, json: Json = False) -> None:
    """Every version of one object: when, by whom, and where in the ledger."""
    from tideng.gateway.registry.registry import Registry

    with opened(context) as store:
        versions = Registry(store.writer, store.ledger).history(kind, object_id)
    if json:
        as_json(versions)
        return
    table(
        f"{kind}:{object_id}",
        ("version", "by", "ledger", "content"),
        [
            (v.version, escape(v.by), v.position, escape(msgspec.json.encode(v.item).decode()))
            for v in versions
        ],
    )


@app.command()
def close(
    context: typer.Context, kind: Kind, object_id: ObjectId, by: By = "cli", json: Json = False
) -> None:
    """End an object; it stays in the history and in the ledger."""
    from tideng.gateway.registry.problems import RegistryInvalid
    from tideng.gateway.registry.registry import Registry

    with opened(context) as store:
        try:
            versions = Registry(store.writer, store.ledger).close_object(kind, object_id, by)
        except RegistryInvalid as error:
            stop(escape(str(error)), code=FAILED)
    if json:
        as_json(versions)
    else:
        out.print("closed" if versions else "it was closed already")


@app.command()
def consents(context: typer.Context, file: Csv, by: By = "cli", json: Json = False) -> None:
    """Register consents from CSV. Numbers are keyed at once and never stored."""
    _rows(context, file, by, json, "import_consents")


@app.command("opt-outs")
def opt_outs(context: typer.Context, file: Csv, by: By = "cli", json: Json = False) -> None:
    """Put opt-outs from CSV in force. Numbers are keyed at once and never stored."""
    _rows(context, file, by, json, "import_opt_outs")


def _rows(context: typer.Context, file: Path, by: str, json: bool, method: str) -> None:
    from tideng.gateway.registry.registry import Registry

    if not file.is_file():
        stop(f"there is no file {escape(str(file))}")
    with opened(context) as store, file.open("rb") as stream:
        registry = Registry(store.writer, store.ledger)
        taken = getattr(registry, method)(stream, by, subject_of=store.subject, time_zone=store.time_zone)
    if json:
        as_json(taken)
    else:
        out.print(f"{taken.rows} rows: {taken.new} new, {taken.known} known already, {taken.bad} bad")
        for row in taken.bad_rows[:20]:
            out.print(f"  [red]line {row.line}[/] {escape(row.reason)}")
    if taken.bad:
        raise typer.Exit(FAILED)
