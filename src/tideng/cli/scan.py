"""`tideng scan`: how many people a pile of files exposes, which data, and what that means in law."""

import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.markup import escape
from typer.core import TyperGroup

from tideng.cli import scan_law
from tideng.cli.context import Json
from tideng.cli.show import FAILED, as_json, err, not_installed, out, stop, table

if TYPE_CHECKING:
    from tideng.scan.appraisal import Appraisal, Wish
    from tideng.scan.run import Cluster

"""Exit code: a part of the installation that this command needs is missing."""
STOPPED: Final = 130
"""Exit code: stopped by Ctrl-C; the same command takes it up again."""


class _ScanGroup(TyperGroup):
    """`tideng scan PATH` means `tideng scan files PATH`; words that are commands stay commands."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]  # typer's context is click's
        if args and args[0] not in ("--help", "-h") and args[0] not in self.commands:
            args = ["files", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    help="Count the people in a pile of files: `tideng scan PATH…`. Also: spans, explain, sample, transfers, money, custody.",  # noqa: E501
    no_args_is_help=True,
    cls=_ScanGroup,
)


app.command("sample")(scan_law.sample)
app.command("continue")(scan_law.continue_)
app.command("checked")(scan_law.checked)
app.command("transfers")(scan_law.transfers)


def add_to(main: typer.Typer) -> None:
    """Put `tideng scan` on the main command."""
    main.add_typer(app, name="scan", rich_help_panel="Scan")


@app.command()
def files(
    paths: Annotated[list[Path], typer.Argument(help="Files and folders; only ever read.")],
    out_folder: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Keep results and reports here; run again to take it up."),
    ] = None,
    json: Json = False,
    fail_over: Annotated[
        int | None,
        typer.Option("--fail-over", min=0, help="Exit code 1 if more persons than this are found."),
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option("--ignore", help="Leave out names or paths like this pattern.")
    ] = None,
    workers: Annotated[int, typer.Option("--workers", min=0, help="Processes; 0: one per core.")] = 0,
    hashes: Annotated[
        bool, typer.Option("--hashes/--no-hashes", help="SHA-256 and SM3 of every file.")
    ] = True,
    ocr: Annotated[
        bool, typer.Option("--ocr", help="Read pictures too (extra `ocr`): a second or more for each.")
    ] = False,
    duty: Annotated[
        bool, typer.Option("--duty", help="Got in duty or service: half the thresholds (art. 5(1)(八)).")
    ] = False,
    income: Annotated[
        float, typer.Option("--income", min=0, help="Illegal income in yuan, if it is known.")
    ] = 0.0,
    day: Annotated[str, typer.Option("--day", help="Date of the appraisal, for ages; default: today.")] = "",
    engine: Annotated[str, typer.Option("--engine", help="embedded, or spark.")] = "embedded",
) -> None:
    """Walk files of any kind, count records and persons, and write an appraisal."""
    try:
        from tideng.scan.appraisal import Wish
        from tideng.scan.batch import How
        from tideng.scan.readers.pictures import is_installed
        from tideng.scan.run import OutUnsafe
    except ImportError as error:
        not_installed(error.name or "a package", "scan")
    if ocr and not is_installed():
        not_installed("rapidocr", "ocr")
    if missing := [path for path in paths if not path.exists()]:
        stop(f"{escape(str(missing[0]))} does not exist. Name files or folders that do.")
    wish = Wish(
        paths=tuple(paths),
        ignored=tuple(ignore or ()),
        workers=workers,
        how=How(hashes, ocr),
        is_duty=duty,
        income_fen=round(income * 100),
    )
    try:
        done = _kept_or_not(wish, out_folder, day, json, engine)
    except OutUnsafe as error:
        stop(escape(str(error)))
    except KeyboardInterrupt:
        err.print("stopped. Nothing is lost: the same command with the same --out goes on from here.")
        raise typer.Exit(STOPPED) from None
    _gate(done, fail_over)


def _kept_or_not(wish: "Wish", folder: Path | None, day: str, json: bool, engine: str) -> "Appraisal":
    from tideng.scan.run import check_out

    day = day or datetime.now(UTC).date().isoformat()
    if folder is not None:
        check_out(folder, wish.paths)
        return _appraised(wish, folder, day, json, engine, keep=True)
    with tempfile.TemporaryDirectory(prefix="tideng-scan-") as passing:
        return _appraised(wish, Path(passing), day, json, engine, keep=False)


def _gate(done: "Appraisal", fail_over: int | None) -> None:
    persons = done.outcome.persons.persons
    if fail_over is not None and persons > fail_over:
        err.print(f"[bold red]✘[/] {persons} persons; the limit is {fail_over}")
        raise typer.Exit(FAILED)


def _appraised(wish: "Wish", folder: Path, day: str, json: bool, engine: str, *, keep: bool) -> "Appraisal":
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    from tideng.scan import appraisal

    cluster = _cluster(engine)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[records]:,} records"),
    )
    with Progress(*columns, console=err, transient=True, disable=json) as progress:
        task = progress.add_task("scanning", total=None, records=0)
        done = appraisal.appraise(
            wish,
            folder,
            day=day,
            cluster=cluster,
            tell=lambda p: progress.update(task, completed=p.bytes, total=p.bytes_total, records=p.records),
        )
    written = appraisal.keep_reports(done, folder, wish.languages) if keep else {}
    if json:
        as_json(appraisal.as_json(done))
    else:
        _show(done, written)
    return done


def _cluster(engine: str) -> "Cluster | None":
    if engine == "embedded":
        return None
    if engine != "spark":
        stop(f"there is no engine {escape(engine)}; choose embedded or spark")
    try:
        import pyspark  # noqa: F401 - asked for by name, so say at once if it is not there
    except ImportError:
        not_installed("pyspark", "spark")
    from functools import partial

    from tideng.scan.spark import scan_batches, session

    return partial(scan_batches, session())


def _show(done: "Appraisal", written: dict[str, Path]) -> None:
    outcome, persons = done.outcome, done.outcome.persons
    out.print(
        f"[bold]{persons.persons:,} persons[/] ({persons.with_id:,} by resident ID, {persons.without_id:,} by other keys; "  # noqa: E501
        f"at most {max(persons.persons, persons.persons_max):,}) in {outcome.records:,} records",
        soft_wrap=True,
    )
    out.print(
        f"{outcome.bytes_total:,} bytes in {outcome.files:,} files: {outcome.bytes_read:,} read, {outcome.bytes_unread:,} unread"  # noqa: E501
        + "".join(f", {size:,} {reason}" for reason, size in outcome.unread_by_reason.items()),
        soft_wrap=True,
    )
    rows = [
        (kind, f"{count:,}", f"{persons.distinct[kind]:,}" if kind in persons.distinct else "")
        for kind, count in outcome.counts.items()
    ]
    table("found", ("kind", "findings", "distinct"), rows)
    out.print(
        f"law ({done.tiers.rules}): from {done.tiers.band_low} to {done.tiers.band_high}; an appraiser decides"  # noqa: E501
    )
    for form, path in written.items():
        out.print(f"  {form}: {escape(str(path))}")


@app.command()
def spans(
    file: Annotated[
        Path | None, typer.Argument(help="JSON lines with id and text; - or nothing: stdin.")
    ] = None,
    least: Annotated[
        float, typer.Option("--least", min=0, max=1, help="Leave out spans less sure than this.")
    ] = 0.0,
) -> None:
    """Find personal data in texts: one JSON line in ({"id","text"}), one out ({"id","spans"})."""
    from tideng.scan.span_lines import answer

    stream = sys.stdout.buffer
    if file is None or str(file) == "-":
        for line in answer(sys.stdin.buffer, least):
            stream.write(line)
            stream.flush()
        return
    try:
        with file.open("rb") as lines:
            stream.writelines(answer(lines, least))
            stream.flush()
    except OSError as error:
        stop(f"{file} cannot be read: {error.strerror}. Name a file of JSON lines, or - for standard input.")


@app.command()
def explain(
    place: Annotated[str, typer.Argument(help="FILE:OFFSET, in bytes of the file.")],
    unmask: Annotated[
        str, typer.Option("--unmask", help="Show it in clear; the reason is logged in --out.")
    ] = "",
    out_folder: Annotated[
        Path | None, typer.Option("--out", "-o", help="The appraisal whose ledger logs it.")
    ] = None,
    json: Json = False,
) -> None:
    """Say what stands at a byte of a file, and why we think so. Masked, unless a reason is given and
    logged.
    """
    from tideng.scan.explain import explained, log_unmasked

    name, colon, offset = place.rpartition(":")
    if not colon or not offset.isdecimal() or not Path(name).is_file():
        stop(f"{escape(place)} is no FILE:OFFSET with an existing file and a whole number")
    if unmask:
        if out_folder is None or not (out_folder / "state.sqlite").exists():
            stop("to unmask, name the appraisal with --out: looking in clear is logged there")
        log_unmasked(out_folder, place, unmask)
    try:
        found = explained(Path(name), int(offset), masked=not unmask)
    except ValueError as error:
        stop(escape(str(error)))
    if json:
        as_json(found)
        return
    out.print(f"{found.encoding}, line of {found.line_bytes} bytes from {found.line_start}")
    table(
        "found",
        ("bytes", "kind", "value", "sure", "why"),
        [
            (f"{s.start}–{s.end}", s.kind, escape(s.value), f"{s.confidence:.2f}", escape(s.why))
            for s in found.spans
        ],
    )


@app.command()
def money(
    files: Annotated[list[Path], typer.Argument(help="WeChat, Alipay or bank statements: CSV or XLSX.")],
    buyer: Annotated[
        list[str] | None, typer.Option("--buyer", help="A counterpart known to have got data.")
    ] = None,
    page: Annotated[
        Path | None, typer.Option("--page", help="Also write an HTML page with charts here.")
    ] = None,
    json: Json = False,
) -> None:
    """Sum statements by counterpart and day; income under stated assumptions, for `--income` of a scan."""
    from tideng.scan.statements import keep_page, money_of, yuan

    try:
        found = money_of(files, buyer or [])
        if page is not None:
            keep_page(found, page)
    except (OSError, ValueError) as error:
        stop(escape(str(error)))
    if json:
        as_json(found)
        return
    table(
        "income",
        ("assumption", "yuan", "parties"),
        [(i.assumption, yuan(i.fen), i.parties) for i in found.incomes],
    )
    rows = [
        (f.party, yuan(f.received_fen), yuan(f.paid_fen), f.times, "suspected" if f.is_suspected else "")
        for f in found.flows
    ]
    table("flows", ("counterpart", "received", "paid", "times", ""), rows[:40])


@app.command()
def custody(
    folder: Annotated[Path, typer.Argument(help="The --out folder of a scan.")], json: Json = False
) -> None:
    """Recompute the appraisal's ledger, and show who did what. Exit code 1 if anything differs."""
    from tideng.scan.recount import recount

    if not (folder / "ledger.sqlite").exists():
        stop(f"{escape(str(folder))} holds no appraisal's ledger")
    found = recount(folder)
    if json:
        as_json(found)
    else:
        table(
            "custody",
            ("entry", "kind", "at (UTC)", "says"),
            [(e.index, e.kind, e.at, escape(e.says)) for e in found.entries],
        )
        out.print(
            "[green]✔[/] everything agrees" if found.is_intact else f"[bold red]✘ {escape(found.problem)}[/]"
        )
    if not found.is_intact:
        raise typer.Exit(FAILED)
