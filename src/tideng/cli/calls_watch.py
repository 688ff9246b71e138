"""`tideng calls watch`: follow a folder, alarm, open cases, tell about them."""

import contextlib
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, cast

import msgspec
import typer
from rich.markup import escape

from tideng.cli.calls_console import address_of, beside
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

if TYPE_CHECKING:
    from tideng.calls.readers.formats import Format
    from tideng.calls.spooling import Spool
    from tideng.gateway.store.store import Store

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
    listen: Annotated[
        str, typer.Option(help="HOST:PORT: take records pushed there too, line by line over TCP.")
    ] = "",
    peer: Annotated[
        list[str] | None,
        typer.Option(help="With --listen: address or network that may push; default: this machine."),
    ] = None,
    webhook: Annotated[str, typer.Option(help="Tell this address (https) of new cases; signed.")] = "",
    webhook_secret: Annotated[
        Path | None, typer.Option(help="File with the secret that signs them (16 octets or more).")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object per new case and line.")] = False,
) -> None:
    """Follow a folder: import what arrives, alarm, open cases, record them in the ledger. Ctrl-C ends it."""
    from tideng.assembly.calls import open_watch
    from tideng.calls.register import RegisterInvalid

    bring = reading(format, zone, area, template, mapping)
    if not folder.is_dir():
        stop(f"{escape(str(folder))} is no folder")
    if once and listen:
        stop("--once ends when the folder is read, so nothing could be pushed; leave it or --listen out")
    with opened(context) as gateway, contextlib.ExitStack() as stack:
        home = folder_of(context)
        if console:
            _show(stack, context, gateway, console)
        spool = _spooling(stack, folder, listen, peer or [], "operator" if mapping else format)
        try:
            teller = _teller(home, webhook, webhook_secret)
            tellers = () if teller is None else (teller,)
            with open_watch(
                home, gateway.ledger, now=gateway.ledger.now, entropy=os.urandom, announcers=tellers
            ) as desk:
                _follow(
                    desk, bring, folder, once=once, json=json, tell=_telling(teller, webhook), spool=spool
                )
        except RegisterInvalid as error:
            stop(escape(str(error)))
        except KeyboardInterrupt:
            err.print("ended; what was read is kept")


def _show(stack: contextlib.ExitStack, context: typer.Context, store: "Store", console: str) -> None:
    """The pages beside the watch, for as long as the stack. Ends the command when they cannot be."""
    from tideng.calls.losses import LossesInvalid

    settings = loaded(context).settings.http
    try:
        host, port = stack.enter_context(beside(store, folder_of(context), settings, console))
    except LossesInvalid as error:
        stop(escape(str(error)))
    except OSError as error:
        stop(f"cannot listen on {escape(console)}: {error.strerror}; is another program using it?")
    err.print(f"alarms are shown at http://{host}:{port}/calls", soft_wrap=True)


def _follow(
    desk: Any,
    bring: Any,
    folder: Path,
    *,
    once: bool,
    json: bool,
    tell: "Callable[[], object]",
    spool: "Spool | None",
) -> None:  # Any: see `reading`
    from rich.live import Live

    sizes: dict[Path, int] = {}
    tried: dict[Path, int] = {}
    with Live(console=err, refresh_per_second=2, transient=True) as board:
        while True:
            if spool is not None:
                spool.arrived.clear()
            for path in sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith(".")):
                size = path.stat().st_size
                if spool is not None and spool.is_piece(path):
                    _bring_piece(desk, bring, path, spool)
                    continue
                # A file that still grows is left for the next look, unless this is the only one.
                settled = once or sizes.get(path) == size
                sizes[path] = size
                if settled and tried.get(path) != size:
                    tried[path] = size
                    _bring(desk, bring, path)
            _say(desk.catch_up(), json=json)
            tell()
            board.update(
                f"{desk.watch.lines:,} lines, {desk.watch.records:,} records, part {desk.watch.position}; "
                f"put aside {counted(desk.store.refusals())}"
            )
            if once:
                return
            if spool is None:
                time.sleep(POLL_S)
            else:
                spool.arrived.wait(POLL_S)


def _bring(desk: Any, bring: Any, path: Path) -> bool:  # Any: see `reading`
    """Import one file; False, and why is said, if it cannot be."""
    from tideng.calls.importing import FileTooLarge
    from tideng.calls.readers.formats import FormatUnknown
    from tideng.calls.readers.operator import MappingInvalid

    try:
        bring(desk.store, path)
    except (FormatUnknown, FileTooLarge, MappingInvalid, OSError) as error:
        err.print(f"[red]{escape(path.name)}[/]: {escape(str(error))}")
        return False
    return True


def _bring_piece(desk: Any, bring: Any, path: Path, spool: "Spool") -> None:  # Any: see `reading`
    """Import what came by socket. It leaves the folder only after it was committed."""
    if _bring(desk, bring, path):
        spool.taken(path)
    else:
        spool.refuse(path)


def _say(opened: list[Any], *, json: bool) -> None:  # Any: Visit
    for visit in opened:
        if json:
            sys.stdout.write(msgspec.json.encode(public(visit)).decode() + "\n")
            sys.stdout.flush()
        else:
            out.print(
                f"[bold red]{visit.tier}[/] line {visit.line}: {visit.calls_placed} calls, "
                + ", ".join(f"{name} {weight:+.1f}" for name, weight in visit.reasons if weight > 0)
            )


def _spooling(
    stack: contextlib.ExitStack, folder: Path, listen: str, peer: list[str], format: str
) -> "Spool | None":
    """The socket beside the watch, for as long as the stack; None without --listen. Ends the command when it
    cannot be."""
    from ipaddress import ip_network

    from tideng.calls.spool_door import LOOPBACK, spool_door
    from tideng.calls.spooling import LINE_FORMATS, Limits, Spool

    if not listen:
        return None
    if format not in LINE_FORMATS:
        stop(f"--format {escape(format)} has no lines; with --listen choose one of {', '.join(LINE_FORMATS)}")
    host, port = address_of(listen)
    try:
        peers = tuple(ip_network(one) for one in peer) or LOOPBACK
    except ValueError as error:
        stop(f"--peer: {escape(str(error))}; give an address or a network, as 192.0.2.0/24")
    if not peer and host not in ("127.0.0.1", "::1", "localhost"):
        stop(f"--listen {escape(listen)} is open to others; say with --peer who may push")
    spool = Spool(folder, cast("Format", format), Limits(), lambda said: err.print(escape(said)))
    try:
        door = stack.enter_context(spool_door(spool, host, port, peers, lambda: time.time_ns() // 1_000))
    except OSError as error:
        stop(f"cannot listen on {escape(listen)}: {error.strerror}; is another program using it?")
    err.print(f"records are taken at {host}:{door.port}", soft_wrap=True)
    return spool


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
