"""`tideng evidence`: hand over a bundle that a court's expert verifies offline, and verify one."""

import os
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from tideng.cli.context import Json, loaded, opened
from tideng.cli.show import FAILED, as_json, err, not_installed, out, stop

if TYPE_CHECKING:
    from collections.abc import Callable

    from tideng.evidence.issuing import Issued, Issuer, Request
    from tideng.gateway.store.store import Store

"""Something that must be installed is not."""

app = typer.Typer(help="Evidence bundles: hand over, verify.", no_args_is_help=True)


@app.command()
def bundle(
    context: typer.Context,
    file: Annotated[Path, typer.Option("--out", help="The bundle to write, a ZIP file.")],
    message: Annotated[int | None, typer.Option(help="The life of this message.")] = None,
    number: Annotated[
        str, typer.Option(help="Everything about this number, with proof of completeness.")
    ] = "",
    start: Annotated[
        str, typer.Option("--from", help="With --number: since when, like 2026-05-01 or 2026-05-01T08:00.")
    ] = "",
    end: Annotated[str, typer.Option("--to", help="With --number: until when; a day means its end.")] = "",
    case: Annotated[str, typer.Option(help="The case's number, for the custody list.")] = "",
    purpose: Annotated[str, typer.Option(help="Why it is handed over, for the ledger.")] = "",
    by: Annotated[str, typer.Option(help="Who hands it over; default: this system user.")] = "",
    disclose: Annotated[
        str,
        typer.Option(
            help="Fields to open, by comma: recipient, text, sender, raw, slots, reason, subject; or none."
        ),
    ] = "recipient,text,sender,raw,slots",
    pdf: Annotated[bool, typer.Option(help="Also write the timeline as PDF/A (needs typst).")] = True,
    json: Json = False,
) -> None:
    """Write an evidence bundle. The hand-over becomes an entry of the ledger itself.

    Give --message or --number (or both). A case of its own, with parties and deadlines, is not kept yet:
    --case only names it.
    """
    if message is None and not number:
        stop(
            "give --message ID or --number N; "
            + ("cases are not kept by this release, --case only names one" if case else "see --help")
        )
    request = _request(context, message, number, start, end, case, purpose, by, disclose)
    if pdf:
        _need_typst()
    with opened(context) as store:
        issued = _issue(context, store, request, pdf)
    try:
        write_whole(file, issued.content)
    except OSError as error:
        stop(f"{escape(str(file))}: {error.strerror}; the hand-over is recorded as entry {issued.export}")
    _tell(file, issued, json)


def write_whole(file: Path, content: bytes) -> None:
    """All of it or nothing: half a bundle looks like one that somebody has tampered with."""
    beside = file.with_name(file.name + ".part")
    with beside.open("wb") as out_file:
        out_file.write(content)
        out_file.flush()
        os.fsync(out_file.fileno())
    beside.replace(file)


def _request(
    context: typer.Context, message: int | None, number: str, start: str, end: str,
    case: str, purpose: str, by: str, disclose: str,
) -> "Request":  # fmt: skip
    import getpass

    from tideng.evidence.issuing import FIELDS, Request
    from tideng.identifiers.phone import NotANumber, parse

    fields = tuple(field for field in disclose.split(",") if field and field != "none")
    unknown = set(fields) - set(FIELDS)
    if unknown:
        stop(
            f"--disclose names {escape(', '.join(sorted(unknown)))}; fields are {', '.join(FIELDS)}, or none"
        )
    e164 = None
    if number:
        try:
            e164 = parse(number).e164
        except NotANumber as error:
            stop(f"--number: {escape(str(error))}")
    zone = loaded(context).settings.zone()
    return Request(
        message=message,
        number=e164,
        start=_moment(start, zone, end=False) if start else None,
        stop=_moment(end, zone, end=True) if end else None,
        case=case or (f"message-{message}" if message is not None else "number"),
        by=by or getpass.getuser(),
        purpose=purpose,
        fields=fields,
    )


def _moment(text: str, zone: Any, *, end: bool) -> int:  # Any: a tzinfo
    """A day or a moment in the operator's time zone, as µs since 1970."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        stop(f"{escape(text)!r} is no moment; write 2026-05-01 or 2026-05-01T08:00")
    if end and len(text) == 10:
        at = at.replace(hour=23, minute=59, second=59, microsecond=999_999)
    at = at if at.tzinfo else at.replace(tzinfo=zone)
    return int(at.timestamp() * 1_000_000)


def _need_typst() -> None:
    try:
        import typst  # noqa: F401
    except ImportError:
        not_installed("typst, for the timeline as PDF,", "documents", "; or give --no-pdf")


def _issue(context: typer.Context, store: "Store", request: "Request", pdf: bool) -> "Issued":
    from tideng.documents.pdf import PaperFailed
    from tideng.evidence.container import TooLarge
    from tideng.evidence.issuing import CaseTooLarge, NothingToShow

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task("starting")

        def tell(step: str) -> None:
            progress.update(task, description=step)

        try:
            issuer = _issuer(context, store, pdf=pdf)
            cosigned = _cosigned(context, store)
            if loaded(context).settings.evidence.witness_policy:
                cosigned(0)  # before anything is recorded: without its witnesses there will be no bundle
            return issuer.issue(request, environment(context, store), tell, cosigned)
        except (NothingToShow, CaseTooLarge, TooLarge, PaperFailed) as error:
            stop(escape(str(error)), code=FAILED)


def _cosigned(context: typer.Context, store: "Store") -> "Callable[[int], bytes]":
    """Has the bundle's checkpoint noted and witnessed; ends the command when the witnesses are missing."""
    from tideng.assembly.evidence import make_publisher

    publisher = make_publisher(store, loaded(context).settings)

    def cosigned(size: int) -> bytes:
        done = publisher.publish()
        if done is None or done.size < size or not done.is_witnessed:
            why = "; ".join(done.problems) if done else "no checkpoint"
            stop(f"the witnesses' quorum is not met: {escape(why)}. Try again when they answer", code=FAILED)
        return done.note

    return cosigned


def _issuer(context: typer.Context, store: "Store", *, pdf: bool) -> "Issuer":
    from tideng.assembly.evidence import make_issuer

    return make_issuer(store, loaded(context).settings, with_pdf=pdf)


def environment(context: typer.Context, store: "Store") -> bytes:
    """The environment record of a bundle: what runs, and how it fared."""
    from tideng.assembly.evidence import environment_record

    return environment_record(store, loaded(context))


def _tell(file: Path, issued: "Issued", json: bool) -> None:
    from hashlib import sha256

    digest = sha256(issued.content).hexdigest()
    if json:
        as_json(
            {
                "file": str(file),
                "sha256": digest,
                "bytes": len(issued.content),
                "entries": issued.entries,
                "fields_opened": issued.opened,
                "export": issued.export,
                "size": issued.size,
                "complete_from": issued.complete[0] if issued.complete else None,
                "complete_to": issued.complete[1] if issued.complete else None,
            }
        )
        return
    out.print(f"[green]✔[/] {escape(str(file))}: {issued.entries} entries, {issued.opened} fields opened")
    out.print(f"  SHA-256 {digest}")
    out.print(
        f"  the hand-over is entry {issued.export}; verify with `tideng evidence verify {escape(str(file))}`"
    )
    if issued.complete:
        out.print(f"  complete for its number among entries {issued.complete[0]} to {issued.complete[1] - 1}")


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="The bundle.")],
    policy: Annotated[
        Path | None, typer.Option(help="A C2SP tlog-policy you got elsewhere; default: the bundle's own.")
    ] = None,
    json: Json = False,
) -> None:
    """Verify a bundle, offline, in ten numbered steps. Exit code 1 if it does not hold."""
    from tideng.evidence.verifier.__main__ import run

    raise typer.Exit(run(file, policy, as_json=json, write=sys.stdout.write))


@app.command()
def audit(context: typer.Context, json: Json = False) -> None:
    """Recompute the completeness index from all entries: is every one in its place? Exit code 1 if not."""
    from contextlib import closing

    from tideng.evidence.index_audit import audit_index
    from tideng.gateway.store.concerned import GatewayConcerned

    with opened(context) as store, closing(store.writer.reader()) as conn, Progress(console=err) as progress:
        task = progress.add_task("intervals")
        found = audit_index(
            conn,
            store.ledger,
            GatewayConcerned(store),
            store.names,
            lambda done, total: progress.update(task, completed=done, total=total),
        )
    if json:
        as_json(found)
    else:
        mark = "[bold red]✘[/]" if found.problems else "[green]✔[/]"
        out.print(
            f"{mark} {found.intervals} intervals cover entries 0 to {found.covered - 1}: {found.entries} "
            f"concern people, {found.confirmed} stand under the right label, "
            f"{found.unnameable} are of people erased since"
        )
        for problem in found.problems:
            out.print(f"  {escape(problem)}")
    if found.problems:
        raise typer.Exit(FAILED)


@app.command()
def page(
    file: Annotated[Path, typer.Argument(help="Where to write verify.html.")],
) -> None:
    """Write the page that verifies bundles in a browser, offline, with code of its own."""
    from importlib import resources

    content = (resources.files("tideng.evidence") / "verify.html").read_bytes()
    file.write_bytes(content)
    out.print(f"[green]✔[/] {escape(str(file))}: open it in Chromium and choose a bundle; it asks no network")


@app.command()
def verifier(
    file: Annotated[Path, typer.Argument(help="Where to write it, like tideng-verify.pyz.")],
) -> None:
    """Write the bundle verifier as one file that any Python 3.11 or newer runs, with nothing installed."""
    from tideng.evidence.one_file import one_file

    file.write_bytes(one_file())
    file.chmod(0o755)
    out.print(f"[green]✔[/] {escape(str(file))}: run it as python {escape(str(file))} case.zip")
