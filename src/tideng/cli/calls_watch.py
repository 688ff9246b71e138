"""`tideng calls watch`: follow a folder, alarm, open cases, tell about them."""

import contextlib
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer
from rich.markup import escape

from tideng.cli.calls_console import beside
from tideng.cli.calls_records import (
    Area_,
    Format_,
    Mapping_,
    Template_,
    Zone_,
    counted,
    folder_of,
    public,
    reading,
)
from tideng.cli.context import loaded, opened
from tideng.cli.show import err, out, stop

POLL_S: Final = 2.0
POST_S: Final = 10.0


def watch(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Folder into which record files are dropped.")],
    format: Format_ = "auto",
    zone: Zone_ = "Asia/Shanghai",
    area: Area_ = "",
    template: Template_ = "",
    mapping: Mapping_ = None,
    once: Annotated[bool, typer.Option("--once", help="Take what is there and end.")] = False,
    console: Annotated[
        str, typer.Option(help="HOST:PORT: show alarms and cases there as pages at the same time.")
    ] = "",
    webhook: Annotated[str, typer.Option(help="Tell this address (https) of new cases; signed.")] = "",
    webhook_secret: Annotated[
        Path | None, typer.Option(help="File with the secret that signs them (16 octets or more).")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object per new case and line.")] = False,
) -> None:
    """Follow a folder: import what arrives, alarm, open cases, record them in the ledger. Ctrl-C ends it."""
    from tideng.assembly.calls import open_watch
    from tideng.calls.losses import LossesInvalid
    from tideng.calls.register import RegisterInvalid

    bring = reading(format, zone, area, template, mapping)
    if not folder.is_dir():
        stop(f"{escape(str(folder))} is no folder")
    with opened(context) as gateway, contextlib.ExitStack() as stack:
        home = folder_of(context)
        if console:
            settings = loaded(context).settings.http
            try:
                host, port = stack.enter_context(beside(gateway, home, settings, console))
            except LossesInvalid as error:
                stop(escape(str(error)))
            except OSError as error:
                stop(f"cannot listen on {escape(console)}: {error.strerror}; is another program using it?")
            err.print(f"alarms are shown at http://{host}:{port}/calls")
        try:
            teller = _teller(home, webhook, webhook_secret)
            tellers = () if teller is None else (teller,)
            with open_watch(
                home, gateway.ledger, now=gateway.ledger.now, entropy=os.urandom, announcers=tellers
            ) as desk:
                _follow(desk, bring, folder, once=once, json=json, tell=_telling(teller, webhook))
        except RegisterInvalid as error:
            stop(escape(str(error)))
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
                    sys.stdout.write(msgspec.json.encode(public(visit)).decode() + "\n")
                    sys.stdout.flush()
                else:
                    out.print(
                        f"[bold red]{visit.tier}[/] line {visit.line}: {visit.calls_placed} calls, "
                        + ", ".join(f"{name} {weight:+.1f}" for name, weight in visit.reasons if weight > 0)
                    )
            tell()
            board.update(
                f"{desk.watch.lines:,} lines, {desk.watch.records:,} records, part {desk.watch.position}; "
                f"put aside {counted(desk.store.refusals())}"
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


def add_to(app: typer.Typer) -> None:
    """Put `watch` on `tideng calls`."""
    app.command()(watch)
