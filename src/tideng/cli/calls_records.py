"""`tideng calls import | watch | why | visits | feedback`: records in, cases out, and what one line did."""

import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import msgspec
import typer
from rich.markup import escape

from tideng.cli.context import Json, loaded, opened
from tideng.cli.show import FAILED, as_json, err, out, stop, table

POLL_S: Final = 2.0
POST_S: Final = 10.0
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


def _reading(
    format: str, zone: str, area: str, template: str, mapping: Path | None
) -> Callable[[Any, Path], Any]:
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

    bring = _reading(format, zone, area, template, mapping)
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
                _counts(one.refused),
            )
            for one in done
        ]
        table("imported", ("file", "calls", "repeated", "put aside"), rows)
        for problem in failed:
            err.print(f"[red]{escape(problem['name'])}[/]: {escape(problem['problem'])}")
    if failed:
        raise typer.Exit(FAILED)


def _counts(reasons: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(reasons.items())) or "-"


def watch(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Folder into which record files are dropped.")],
    format: Format_ = "auto",
    zone: Zone_ = "Asia/Shanghai",
    area: Area_ = "",
    template: Template_ = "",
    mapping: Mapping_ = None,
    once: Annotated[bool, typer.Option("--once", help="Take what is there and end.")] = False,
    webhook: Annotated[str, typer.Option(help="Tell this address (https) of new cases; signed.")] = "",
    webhook_secret: Annotated[
        Path | None, typer.Option(help="File with the secret that signs them (16 octets or more).")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object per new case and line.")] = False,
) -> None:
    """Follow a folder: import what arrives, alarm, open cases, record them in the ledger. Ctrl-C ends it."""
    from tideng.assembly.calls import open_watch

    bring = _reading(format, zone, area, template, mapping)
    if not folder.is_dir():
        stop(f"{escape(str(folder))} is no folder")
    with opened(context) as gateway:
        home = folder_of(context)
        try:
            teller = _teller(home, webhook, webhook_secret)
            tellers = () if teller is None else (teller,)
            with open_watch(
                home, gateway.ledger, now=gateway.ledger.now, entropy=os.urandom, announcers=tellers
            ) as desk:
                _follow(desk, bring, folder, once=once, json=json, tell=_telling(teller, webhook))
        except KeyboardInterrupt:
            err.print("ended; what was read is kept")


def _follow(
    desk: Any, bring: Any, folder: Path, *, once: bool, json: bool, tell: "Callable[[], object]"
) -> None:  # Any: see _reading
    from rich.live import Live

    from tideng.calls.importing import FileTooLarge
    from tideng.calls.readers.formats import FormatUnknown
    from tideng.calls.readers.operator import MappingInvalid

    sizes: dict[Path, int] = {}
    tried: dict[Path, int] = {}
    with Live(console=err, refresh_per_second=2, transient=True) as board:
        while True:
            for path in sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith(".")):
                size = path.stat().st_size
                # A file that still grows is left for the next look, unless this is the only one.
                settled = once or sizes.get(path) == size
                sizes[path] = size
                if not settled or tried.get(path) == size:
                    continue
                tried[path] = size
                try:
                    bring(desk.store, path)
                except (FormatUnknown, FileTooLarge, MappingInvalid, OSError) as error:
                    err.print(f"[red]{escape(path.name)}[/]: {escape(str(error))}")
            for visit in desk.catch_up():
                if json:
                    sys.stdout.write(msgspec.json.encode(_public(visit)).decode() + "\n")
                    sys.stdout.flush()
                else:
                    out.print(
                        f"[bold red]{visit.tier}[/] line {visit.line}: {visit.calls_placed} calls, "
                        + ", ".join(f"{name} {weight:+.1f}" for name, weight in visit.reasons if weight > 0)
                    )
            tell()
            board.update(
                f"{desk.watch.lines:,} lines, {desk.watch.records:,} records, part {desk.watch.position}; "
                f"put aside {_counts(desk.store.refusals())}"
            )
            if once:
                return
            time.sleep(POLL_S)


def _teller(home: Path, webhook: str, secret: Path | None) -> Any:  # Any: a WebhookAnnouncer, or None
    """Who keeps what is to be told; ends the command for an address or a secret that will not do."""
    from urllib.parse import urlsplit

    from tideng.calls.announcing import SECRET_OCTETS_MIN, WebhookAnnouncer

    if not webhook:
        return None
    where = urlsplit(webhook)
    is_local = where.hostname in ("127.0.0.1", "::1", "localhost")
    if where.scheme != "https" and not (where.scheme == "http" and is_local):
        stop(f"--webhook is {escape(webhook)}; give an https address, or http on this machine")
    try:
        key = secret.read_bytes().strip() if secret is not None else b""
    except OSError as error:
        stop(f"{escape(str(secret))}: {error.strerror}")
    if len(key) < SECRET_OCTETS_MIN:
        stop(f"--webhook-secret holds {len(key)} octets; at least {SECRET_OCTETS_MIN} are needed")
    return WebhookAnnouncer(home / "told.db", key, lambda: int(time.time()))


def _telling(teller: Any, webhook: str) -> "Callable[[], object]":  # Any: see `_teller`
    """Sends what is due. A receiver that does not answer is asked again later, by the next run too."""
    if teller is None:
        return lambda: None

    def post(body: bytes, headers: dict[str, str]) -> int:
        import httpx

        try:
            return httpx.post(
                webhook,
                content=body,
                headers=headers,
                timeout=POST_S,
                follow_redirects=False,
                trust_env=False,
            ).status_code
        except httpx.HTTPError:
            return 0

    return lambda: teller.deliver(post)


def _public(visit: Any) -> dict[str, Any]:  # Any: Visit
    told = {name: getattr(visit, name) for name in visit.__struct_fields__ if name != "opening"}
    return {**told, "evidence": [{"name": name, "weight": weight} for name, weight in visit.reasons]}


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

    paths = files or sorted(folder_of(context).glob("records-*.parquet"))
    if not paths:
        stop("nothing was imported yet; `tideng calls import FILE`, or name files with --from")
    try:
        seen = look_at(paths, line)
    except (FileUnreadable, LookupError) as error:
        stop(escape(str(error)))
    if html:
        html.write_text(seen.page(), "utf-8")
    if pdf and seen.alarms:
        pdf.write_bytes(seen.paper(datetime.now(UTC)))
    told = [
        {
            "at": a.at,
            "calls_placed": a.calls_placed,
            "tier": a.tier,
            "score": a.score,
            "threshold": a.threshold,
            "evidence": [{"name": r.name, "weight": r.weight, "says": r.says} for r in a.reasons],
        }
        for a in seen.alarms
    ]
    if json:
        as_json(
            {
                "line": line,
                "calls": seen.placed,
                "highest": seen.highest,
                "threshold": seen.threshold,
                "alarms": told,
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
    """Cases that alarms have opened, newest first."""
    from tideng.calls.cases import SqliteVisits

    path = folder_of(context) / "visits.db"
    if not path.is_file():
        stop("there are no cases yet; `tideng calls watch DIR` opens them")
    store = SqliteVisits(path)
    try:
        found = store.all()
    finally:
        store.shut()
    if json:
        as_json([_public(visit) for visit in found])
        return
    rows = [
        (
            v.id[:16],
            v.line,
            v.state,
            v.tier,
            v.calls_placed,
            datetime.fromtimestamp(v.alarm_at, UTC).strftime("%Y-%m-%d %H:%M"),
        )
        for v in found
    ]
    table("visits", ("case", "line", "state", "tier", "calls", "alarm (UTC)"), rows)


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
    for command in (watch, why, visits, feedback):
        app.command()(command)
