"""`tideng retention`: what the retention policy says, and carrying it out."""

import getpass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from tideng.cli.context import Json, loaded, opened
from tideng.cli.running import Key, Url, ask
from tideng.cli.show import as_json, out, stop, table

if TYPE_CHECKING:
    from tideng.evidence.retention import Loaded

Policy = Annotated[
    Path | None, typer.Option(help="A TOML file of your own; default: the policy shipped with Tideng.")
]

app = typer.Typer(help="How long contents are kept, and erasing them in time.", no_args_is_help=True)


def add_to(main: typer.Typer) -> None:
    """Put `tideng retention` on the main command."""
    main.add_typer(app, name="retention", rich_help_panel="Evidence")


@app.command()
def show(policy: Policy = None, json: Json = False) -> None:
    """The policy in force: kinds of records, the law's least, and how long they are kept."""
    found = _read(policy)
    classes = {name: getattr(found.policy, name) for name in ("message", "reply", "consent")}
    if json:
        as_json(
            {
                "version": found.policy.version,
                "since": found.policy.since,
                "hash": found.hash,
                "classes": classes,
            }
        )
        return
    rows = [(name, each.floor_days, each.keep_days, each.basis) for name, each in classes.items()]
    table(f"retention {found.policy.version}", ("record", "least, days", "kept, days", "basis"), rows)


@app.command()
def run(
    context: typer.Context,
    policy: Policy = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what is due; change nothing.")] = False,
    by: Annotated[str, typer.Option(help="Who runs it; default: this system user.")] = "",
    json: Json = False,
    key: Key = "",
    url: Url = "",
) -> None:
    """Erase the contents that were kept long enough. Legal holds are respected; the run is an entry."""
    from tideng.gateway.store.keeping import Due

    _read(policy)
    content = _bytes(policy)
    if key:
        body = {"dry_run": dry_run, "policy": content.decode() if policy else ""}
        told = ask(context, url, key, "/v1/retention/run", body).json()
        due = Due(*(told[name] for name in Due.__struct_fields__))
        position, found = None if told["position"] < 0 else int(told["position"]), str(told["policy"])
    else:
        from tideng.assembly.evidence_desk import EvidenceDesk

        with opened(context) as store:
            desk = EvidenceDesk(store, loaded(context))
            due, position, found = desk.retention(content, by=by or getpass.getuser(), dry_run=dry_run)
    if json:
        as_json({"dry_run": dry_run, "entry": position, "policy": found, "due": due})
        return
    verb = "would be erased" if dry_run else "erased"
    out.print(
        f"{due.messages} messages, {due.replies} replies, {due.consents} ended consents {verb}; "
        f"{due.held} kept by a legal hold"
    )
    if position is not None:
        out.print(f"  recorded as entry {position}")


def _bytes(policy: Path | None) -> bytes:
    try:
        if policy:
            return policy.read_bytes()
    except OSError as error:
        stop(f"{escape(str(policy))}: {error.strerror}")
    return (resources.files("tideng.evidence") / "retention.toml").read_bytes()


def _read(policy: Path | None) -> "Loaded":
    from tideng.evidence.retention import RetentionInvalid, load_retention

    try:
        return load_retention(_bytes(policy))
    except RetentionInvalid as error:
        stop(escape(str(error)))
