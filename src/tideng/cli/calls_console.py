"""`tideng calls console`: alarms and cases as pages in a browser."""

import asyncio
import ipaddress
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.markup import escape

from tideng.cli.calls_records import folder_of
from tideng.cli.context import Json, loaded, opened
from tideng.cli.show import as_json, err, not_installed, out, stop

if TYPE_CHECKING:
    from tideng.gateway.settings import HttpDoorSettings
    from tideng.gateway.store.store import Store

LISTEN: Final = "127.0.0.1:8091"
START_S: Final = 30.0


def console(
    context: typer.Context,
    listen: Annotated[
        str, typer.Option(help="HOST:PORT to listen on; port 0 lets the system choose.")
    ] = LISTEN,
    json: Json = False,
) -> None:
    """Show alarms, cases and lines as pages, for people with an account (`tideng account add`). Ctrl-C ends
    it."""
    from tideng.calls.losses import LossesInvalid

    for package in ("pyarrow", "typst"):
        if find_spec(package) is None:
            not_installed(package, "calls")
    host, port = address_of(listen)
    settings = loaded(context).settings.http
    with opened(context) as store:
        try:
            asyncio.run(_serve(store, folder_of(context), settings, host, port, json=json))
        except LossesInvalid as error:
            stop(escape(str(error)))
        except OSError as error:
            stop(f"cannot listen on {escape(listen)}: {error.strerror}; is another program using it?")


def address_of(listen: str, option: str = "--listen") -> tuple[str, int]:
    """(host, port) of HOST:PORT; ends the command when it is none."""
    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65_535:
        stop(f"{option} is {escape(listen)!r}; give HOST:PORT, as {LISTEN}")
    return host.strip("[]"), int(port)


async def _serve(
    store: "Store", folder: Path, settings: "HttpDoorSettings", host: str, port: int, *, json: bool
) -> None:
    from tideng.assembly.calls_console import calls_app
    from tideng.assembly.door import open_door

    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, ended.set)
    with calls_app(store, folder, settings) as app:
        async with open_door(app, host, port) as door:
            where = f"http://{_in_url(door.host)}:{door.port}/calls"
            if json:
                as_json({"console": where})
            else:
                out.print(f"[bold yellow]提灯 tideng[/] shows alarms at {where}")
                _warn(host, settings)
            await ended.wait()


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _warn(host: str, settings: "HttpDoorSettings") -> None:
    """Passwords and cookies cross a network in clear unless a TLS proxy stands in front."""
    try:
        is_here = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_here = host == "localhost"
    if not is_here and not settings.secure_cookies:
        err.print("[yellow]listening beyond this machine without TLS:[/] put a TLS proxy in front and set")
        err.print("  http.secure_cookies = true")


@contextmanager
def beside(
    store: "Store", folder: Path, settings: "HttpDoorSettings", listen: str
) -> Iterator[tuple[str, int]]:
    """The console in a thread of its own while the context lasts; where it listens. Raises OSError if it
    cannot, or `LossesInvalid`."""
    from tideng.assembly.calls_console import calls_app
    from tideng.assembly.door import HttpDoor, open_door
    from tideng.calls.losses import LossesInvalid

    host, port = address_of(listen, "--console")
    ready, doors, failures = threading.Event(), list[HttpDoor](), list[OSError | LossesInvalid]()
    ended: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def serve() -> None:
        until = asyncio.Event()
        ended.append((asyncio.get_running_loop(), until))
        with calls_app(store, folder, settings) as app:
            async with open_door(app, host, port) as door:
                doors.append(door)
                ready.set()
                await until.wait()

    def run() -> None:
        try:
            asyncio.run(serve())
        except (OSError, LossesInvalid) as error:
            failures.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=run, name="calls console", daemon=True)
    thread.start()
    ready.wait(START_S)
    try:
        if failures or not doors:
            raise failures[0] if failures else OSError(f"the console did not start within {START_S:g} s")
        yield doors[0].host, doors[0].port
    finally:
        for loop, until in ended:
            with suppress(RuntimeError):  # it has ended by itself
                loop.call_soon_threadsafe(until.set)
        thread.join()


def add_to(app: typer.Typer) -> None:
    """Put `console` on `tideng calls`."""
    app.command()(console)
