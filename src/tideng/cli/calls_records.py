"""`tideng calls import | why | visits | feedback`: records in, cases looked at, and what one line did."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer
from rich.markup import escape

from tideng.cli.context import Json, loaded, opened
from tideng.cli.show import FAILED, as_json, err, out, stop, table

UNTOLD: Final = ("opening", "note", "curve")
"""Of a case: its key, what somebody wrote about people, and what only a picture needs."""
Format_ = Annotated[
    str,
    typer.Option(
        "--format", help="auto, asterisk, freeswitch-json, freeswitch-csv, kamailio, cucm, ber, operator."
    ),
]
Zone_ = Annotated[str, typer.Option("--zone", help="Time zone of times written without one.")]
Area_ = Annotated[str, typer.Option("--area", help="Area code of numbers written without one, as 021.")]
Template_ = Annotated[
    str, typer.Option("--template", help="freeswitch-csv: the template of the switch's configuration.")
]
Mapping_ = Annotated[
    Path | None, typer.Option("--mapping", help="operator (CSV or Parquet): TOML that names the columns.")
]


def folder_of(context: typer.Context) -> Path:
    """Where imported records lie."""
    return Path(loaded(context).settings.data) / "calls"


def reading(
    format: str, zone: str, area: str, template: str, mapping: Path | None
) -> Callable[[Any, Path], Any]:
    """Brings a file of this format into a store. Ends the command when the options do not fit."""
    from tideng.calls.readers.formats import FORMATS
    from tideng.calls.readers.operator import PLAIN, MappingInvalid
    from tideng.calls.readers.operator import mapping as read_mapping
    from tideng.calls.readers.origin import Origin

    if format not in FORMATS:
        stop(f"--format is {escape(format)!r}; choose one of {', '.join(FORMATS)}")
    try:
        columns = read_mapping(mapping.read_bytes()) if mapping else PLAIN
        place = ZoneInfo(zone)
    except (MappingInvalid, OSError, KeyError, ValueError) as error:
        stop(escape(str(error)))
    if mapping and format == "auto":
        format = "operator"

    def bring(store: Any, path: Path) -> Any:  # Any: CallStore and Imported, imported only when used
        origin = Origin(name=path.name, zone=place, area=area)
        return store.bring_in(path, format, origin, template=template, columns=columns)

    return bring


def import_(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="Call record files of one format.")],
    format: Format_ = "auto",
    zone: Zone_ = "Asia/Shanghai",
    area: Area_ = "",
    template: Template_ = "",
    mapping: Mapping_ = None,
    json: Json = False,
) -> None:
    """Read call records into the store: each call once, unusable rows put aside by reason. Exit code 1 if
    any file failed."""
    from tideng.calls.importing import CallStore, FileTooLarge
    from tideng.calls.readers.formats import FormatUnknown
    from tideng.calls.readers.operator import MappingInvalid

    bring = reading(format, zone, area, template, mapping)
    store = CallStore(folder_of(context))
    done, failed = [], []
    try:
        for path in files:
            try:
                done.append(bring(store, path))
            except (FormatUnknown, FileTooLarge, MappingInvalid, OSError) as error:
                failed.append({"name": path.name, "problem": str(error)})
    finally:
        store.close()
    if json:
        as_json({"files": done, "failed": failed})
    else:
        rows = [
            (
                escape(one.name),
                "known already" if one.already else one.records,
                one.repeated,
                counted(one.refused),
            )
            for one in done
        ]
        table("imported", ("file", "calls", "repeated", "put aside"), rows)
        for problem in failed:
            err.print(f"[red]{escape(problem['name'])}[/]: {escape(problem['problem'])}")
    if failed:
        raise typer.Exit(FAILED)


def counted(reasons: dict[str, int]) -> str:
    """Reasons and counts as one text."""
    return ", ".join(f"{name} {count}" for name, count in sorted(reasons.items())) or "-"


def public(visit: Any) -> dict[str, Any]:  # Any: Visit
    """What programs are told of a case."""
    told = {name: getattr(visit, name) for name in visit.__struct_fields__ if name not in UNTOLD}
    return {**told, "evidence": [{"name": name, "weight": weight} for name, weight in visit.reasons]}


def _alarm(alarm: Any) -> dict[str, Any]:  # Any: Alarm
    return {
        "at": alarm.at,
        "calls_placed": alarm.calls_placed,
        "tier": alarm.tier,
        "score": alarm.score,
        "threshold": alarm.threshold,
        "evidence": [{"name": r.name, "weight": r.weight, "says": r.says} for r in alarm.reasons],
    }


def why(
    context: typer.Context,
    line: Annotated[str, typer.Argument(help="The line, as its records write it.")],
    files: Annotated[
        list[Path] | None, typer.Option("--from", help="Read these instead of what was imported.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write the line's picture here.")] = None,
    pdf: Annotated[Path | None, typer.Option(help="Write the visiting officer's paper here.")] = None,
    json: Json = False,
) -> None:
    """What one line did and what speaks for and against a box on it. Exit code 1 if nothing alarmed."""
    from tideng.assembly.calls import look_at
    from tideng.calls.readers.plain import FileUnreadable
    from tideng.calls.register import RegisterInvalid

    paths = files or sorted(folder_of(context).glob("records-*.parquet"))
    if not paths:
        stop("nothing was imported yet; `tideng calls import FILE`, or name files with --from")
    try:
        seen = look_at(paths, line, known=None if files else folder_of(context))
    except (FileUnreadable, LookupError, RegisterInvalid) as error:
        stop(escape(str(error)))
    if html:
        html.write_text(seen.page(), "utf-8")
    if pdf and seen.alarms:
        pdf.write_bytes(seen.paper(datetime.now(UTC)))
    if json:
        as_json(
            {
                "line": line,
                "calls": seen.placed,
                "highest": seen.highest,
                "threshold": seen.threshold,
                "alarms": [_alarm(alarm) for alarm in seen.alarms],
            }
        )
    else:
        out.print(
            f"line {escape(line)}: {seen.placed:,} calls placed; highest score {seen.highest:.2f}, "
            f"threshold {seen.threshold:.2f}"
        )
        for alarm in seen.alarms:
            out.print(
                f"[bold]{alarm.tier}[/] at {datetime.fromtimestamp(alarm.at, UTC):%Y-%m-%d %H:%M:%S}Z "
                f"after {alarm.calls_placed} calls"
            )
            for reason in alarm.reasons:
                out.print(f"  {reason.weight:+6.2f}  {reason.name.replace('_', ' ')}: {reason.says}")
    if not seen.alarms:
        raise typer.Exit(FAILED)


def visits(context: typer.Context, json: Json = False) -> None:
    """Cases that alarms have opened, newest first, and the expected loss avoided where it can be said."""
    from tideng.calls import losses
    from tideng.calls.cases import SqliteVisits

    path = folder_of(context) / "visits.db"
    if not path.is_file():
        stop("there are no cases yet; `tideng calls watch DIR` opens them")
    store = SqliteVisits(path)
    try:
        found, counts = store.all(), store.counts()
        model = losses.Losses(
            losses.read(folder_of(context) / losses.FILE),
            confirmed=counts.get("confirmed", 0),
            not_confirmed=counts.get("not_confirmed", 0),
        )
    except losses.LossesInvalid as error:
        stop(escape(str(error)))
    finally:
        store.shut()
    if json:
        as_json([{**public(visit), "loss_avoided": model.avoided(visit)} for visit in found])
        return
    rows = [
        (
            v.id[:16],
            v.line,
            v.state,
            v.tier,
            v.calls_placed,
            datetime.fromtimestamp(v.alarm_at, UTC).strftime("%Y-%m-%d %H:%M"),
            _money(model.avoided(v)),
        )
        for v in found
    ]
    table("visits", ("case", "line", "state", "tier", "calls", "alarm (UTC)", "loss avoided (90 %)"), rows)
    if model.assumed.missing:
        err.print(
            "the loss avoided is not reckoned: no figure for "
            f"{', '.join(model.assumed.missing)}; give it in {escape(str(folder_of(context) / losses.FILE))}"
        )


def _money(avoided: Any) -> str:  # Any: Interval or None
    return "-" if avoided is None else f"{avoided.low:,} to {avoided.high:,} {escape(avoided.currency)}"


def feedback(
    context: typer.Context,
    case: Annotated[str, typer.Argument(help="The case, or the beginning of its id.")],
    confirmed: Annotated[bool, typer.Option("--confirmed/--not-confirmed", help="What the visit found.")],
    by: Annotated[str, typer.Option(help="Who says so.")] = "cli",
) -> None:
    """Say what a visit found; it is recorded, and moves the threshold (see the analyst's guide)."""
    from tideng.assembly.calls import tell

    with opened(context) as gateway:
        try:
            visit, shift = tell(folder_of(context), gateway.ledger, case, confirmed=confirmed, by=by)
        except LookupError as error:
            stop(escape(str(error)))
    out.print(f"case {visit.id[:16]} is {visit.state}; by all feedback the threshold moves {shift:+.2f}")


def add_to(app: typer.Typer) -> None:
    """Put these commands on `tideng calls`."""
    app.command("import")(import_)
    for command in (why, visits, feedback):
        app.command()(command)
