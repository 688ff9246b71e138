"""`tideng evidence`: hand over a bundle that a court's expert verifies offline, and verify one."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from msgspec import ValidationError, convert, structs
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from tideng.cli.context import Json, loaded, opened
from tideng.cli.running import Key, Url, ask
from tideng.cli.show import FAILED, as_json, err, not_installed, out, stop

if TYPE_CHECKING:
    from tideng.assembly.evidence_desk import EvidenceDesk
    from tideng.evidence.issuing import Issued, Request
    from tideng.gateway.store.store import Store

"""Something that must be installed is not."""

app = typer.Typer(help="Evidence bundles: hand over, verify.", no_args_is_help=True)


def add_to(main: typer.Typer) -> None:
    """Put `tideng evidence` on the main command."""
    main.add_typer(app, name="evidence", rich_help_panel="Evidence")


@app.command()
def bundle(
    context: typer.Context,
    file: Annotated[Path, typer.Option("--out", help="The bundle to write, a ZIP file.")],
    message: Annotated[
        list[int] | None, typer.Option(help="The life of this message; may be given several times.")
    ] = None,
    number: Annotated[
        str, typer.Option(help="Everything about this number, with proof of completeness.")
    ] = "",
    start: Annotated[
        str, typer.Option("--from", help="With --number: since when, like 2026-05-01 or 2026-05-01T08:00.")
    ] = "",
    end: Annotated[str, typer.Option("--to", help="With --number: until when; a day means its end.")] = "",
    case: Annotated[
        str, typer.Option(help="The case's number; alone: what `tideng evidence case` put into it.")
    ] = "",
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
    key: Key = "",
    url: Url = "",
) -> None:
    """Write an evidence bundle. The hand-over becomes an entry of the ledger itself.

    Give --message or --number (or both), or a --case that was put together. With --key a gateway that runs
    is asked; else the data must be free.
    """
    if not message and not number and not case:
        stop("give --message ID, --number N, or --case with what was put into it; see --help")
    if key:
        _from_running(
            context, file, message or [], number, start, end, case, purpose, disclose, pdf, url, key, json
        )
        return
    if pdf:
        _need_typst()
    with opened(context) as store:
        desk = desk_over(context, store)
        request = _request(context, message or [], number, start, end, case, purpose, by, disclose)
        if not request.messages and request.number is None:
            request = structs.replace(request, messages=desk.messages_of(case))
        if not request.messages and request.number is None:
            stop(f"nothing was put into case {escape(case)}; `tideng evidence case` does it", code=FAILED)
        issued = _issue(desk, request, pdf)
    try:
        write_whole(file, issued.content)
    except OSError as error:
        stop(f"{escape(str(file))}: {error.strerror}; the hand-over is recorded as entry {issued.export}")
    _tell(file, issued, json)


@app.command("case")
def case_file(
    context: typer.Context,
    case: Annotated[str, typer.Argument(help="The case's number.")],
    add: Annotated[list[int] | None, typer.Option(help="Put this message into it; may be repeated.")] = None,
    by: Annotated[str, typer.Option(help="Who does it; default: this system user.")] = "",
    json: Json = False,
    key: Key = "",
    url: Url = "",
) -> None:
    """Put messages into a case, or list what is in it. Its bundle: `tideng evidence bundle --case`."""
    import getpass

    from tideng.evidence.cases import CaseRefused
    from tideng.evidence.issuing import NothingToShow

    if key:
        body = {"case": case, "messages": [*map(str, add or ())]}
        messages = ask(context, url, key, "/v1/evidence/cases", body).json()["messages"]
    else:
        with opened(context) as store:
            desk = desk_over(context, store)
            try:
                if add:
                    desk.add_to_case(case, add, by=by or getpass.getuser())
            except (CaseRefused, NothingToShow) as error:
                stop(escape(str(error)), code=FAILED)
            messages = [*map(str, desk.messages_of(case))]
    if json:
        as_json({"case": case, "messages": messages})
        return
    out.print(f"case {escape(case)}: {len(messages)} messages")
    for each in messages:
        out.print(f"  {each}")


@app.command()
def complaint(
    context: typer.Context,
    message: Annotated[int, typer.Argument(help="The message complained about.")],
    step: Annotated[str, typer.Argument(help="received, forwarded, answered, measure or closed.")],
    number: Annotated[str, typer.Option("--complaint", help="The complaint's own number.")],
    text: Annotated[str, typer.Option(help="What was written at this step; sealed, and committed to.")] = "",
    due: Annotated[str, typer.Option(help="The deadline it sets, like 2026-05-04.")] = "",
    by: Annotated[str, typer.Option(help="Who does it; default: this system user.")] = "",
    json: Json = False,
    key: Key = "",
    url: Url = "",
) -> None:
    """Record one step in the handling of a complaint; it becomes part of the message's life."""
    import getpass

    from tideng.gateway.complaints import ComplaintRefused
    from tideng.gateway.doors.api_evidence_values import ComplaintRequest

    asked = {
        "message": str(message),
        "complaint": number,
        "step": step,
        "text": text,
        "due_at": _rfc3339(context, due, end=True),
    }
    try:
        checked = convert(asked, ComplaintRequest)
    except ValidationError as error:
        stop(escape(str(error)))
    if key:
        position = int(ask(context, url, key, "/v1/evidence/complaints", asked).json()["position"])
    else:
        due_at = _moment(due, loaded(context).settings.zone(), end=True) if due else 0
        with opened(context) as store:
            try:
                position = desk_over(context, store).record_complaint(
                    message,
                    checked.step,
                    complaint=number,
                    text=text,
                    due_at=due_at,
                    by=by or getpass.getuser(),
                )
            except ComplaintRefused as error:
                stop(escape(str(error)), code=FAILED)
    if json:
        as_json({"entry": position})
        return
    out.print(f"[green]✔[/] complaint {escape(number)}, {step}: entry {position}")


def desk_over(context: typer.Context, store: "Store") -> "EvidenceDesk":
    """The desk over a store that this command has to itself."""
    from tideng.assembly.evidence_desk import EvidenceDesk

    return EvidenceDesk(store, loaded(context))


def _from_running(
    context: typer.Context, file: Path, message: list[int], number: str, start: str, end: str, case: str,
    purpose: str, disclose: str, pdf: bool, url: str, key: str, json: bool,
) -> None:  # fmt: skip
    from hashlib import sha256

    fields = [field for field in disclose.split(",") if field and field != "none"]
    body = {
        "messages": [*map(str, message)],
        "number": number,
        "from": _rfc3339(context, start, end=False),
        "to": _rfc3339(context, end, end=True),
        "case": case,
        "purpose": purpose,
        "disclose": fields,
        "pdf": pdf,
    }
    answer = ask(context, url, key, "/v1/evidence/bundle", body)
    export = int(answer.headers["Tideng-Export-Entry"])
    try:
        write_whole(file, answer.content)
    except OSError as error:
        stop(f"{escape(str(file))}: {error.strerror}; the hand-over is recorded as entry {export}")
    digest = sha256(answer.content).hexdigest()
    if json:
        as_json({"file": str(file), "sha256": digest, "bytes": len(answer.content), "export": export})
        return
    out.print(f"[green]✔[/] {escape(str(file))}: {len(answer.content)} bytes, handed over by entry {export}")
    out.print(f"  SHA-256 {digest}\n  verify with `tideng evidence verify {escape(str(file))}`")


def _rfc3339(context: typer.Context, text: str, *, end: bool) -> str | None:
    if not text:
        return None
    at = _moment(text, loaded(context).settings.zone(), end=end)
    return datetime.fromtimestamp(at / 1e6, UTC).isoformat()


def write_whole(file: Path, content: bytes) -> None:
    """All of it or nothing: half a bundle looks like one that somebody has tampered with."""
    beside = file.with_name(file.name + ".part")
    with beside.open("wb") as out_file:
        out_file.write(content)
        out_file.flush()
        os.fsync(out_file.fileno())
    beside.replace(file)


def _request(
    context: typer.Context, messages: list[int], number: str, start: str, end: str,
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
        messages=tuple(messages),
        number=e164,
        start=_moment(start, zone, end=False) if start else None,
        stop=_moment(end, zone, end=True) if end else None,
        case=case or (f"message-{messages[0]}" if messages else "number"),
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


def _issue(desk: "EvidenceDesk", request: "Request", pdf: bool) -> "Issued":
    from tideng.documents.failures import PaperFailed
    from tideng.evidence.container import TooLarge
    from tideng.evidence.issuing import CaseTooLarge, NothingToShow
    from tideng.evidence.publishing import WitnessesMissing

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task("starting")

        def tell(step: str) -> None:
            progress.update(task, description=step)

        try:
            return desk.bundle(request, with_pdf=pdf, progress=tell)
        except (NothingToShow, CaseTooLarge, TooLarge, PaperFailed, WitnessesMissing) as error:
            stop(escape(str(error)), code=FAILED)


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
    with opened(context) as store, Progress(console=err) as progress:
        task = progress.add_task("intervals")
        found = desk_over(context, store).audit(
            lambda done, total: progress.update(task, completed=done, total=total)
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
