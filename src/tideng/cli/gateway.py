"""`tideng serve`, `send` and `status`: run the gateway, give it a message, see what became of one."""

import asyncio
import contextlib
import gc
import signal
import sqlite3
from contextlib import closing
from typing import Annotated

import typer
from rich.markup import escape

from tideng.cli.context import Json, database, loaded
from tideng.cli.show import FAILED, as_json, err, out, stop, table

_PANEL = "Gateway"
GARBAGE_THRESHOLD = 20_000
"""New objects before the collector looks (Python's default: 700). Ours are freed by reference counts."""


def add_to(app: typer.Typer) -> None:
    """Put `serve`, `send` and `status` on the main command."""
    app.command(rich_help_panel=_PANEL)(serve)
    app.command(rich_help_panel=_PANEL)(send)
    app.command(rich_help_panel=_PANEL)(status)


def serve(context: typer.Context, json: Json = False) -> None:
    """Run the gateway: SMPP and HTTP doors, review, ledger, carriers, console. Ctrl-C or SIGTERM ends it."""
    from tideng.cli.logs import configure
    from tideng.evidence.keys import KeyRefused
    from tideng.evidence.ledger import LedgerError
    from tideng.gateway.review.policy import PolicyProblem
    from tideng.settings import SettingsInvalid
    from tideng.storage.failures import StorageError

    configure()
    try:
        import uvloop

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(context, json))
    except (StorageError, LedgerError, SettingsInvalid, PolicyProblem, KeyRefused) as error:
        stop(escape(str(error)))
    except OSError as error:
        stop(f"cannot start: {escape(str(error))}; is another program using the port?")


async def _serve(context: typer.Context, json: bool) -> None:
    from tideng.assembly import Gateway

    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, ended.set)
    gateway = Gateway(loaded(context))
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(gateway)
        http = await stack.enter_async_context(gateway.http())
        settings = gateway.settings
        where = {
            "smpp": f"{settings.smpp.host}:{gateway.smpp.port}",
            "http": f"http://{http.host}:{http.port}",
            "console": f"http://{http.host}:{http.port}/console",
            "data": settings.data,
            "policy": gateway.policy.version,
            "carriers": [carrier.id for carrier in settings.carriers],
        }
        _leave_alone()
        if json:
            as_json(where)
        else:
            out.print(
                f"[bold yellow]提灯 tideng[/] is serving · policy {where['policy']} · data {settings.data}"
            )
            out.print(
                f"  SMPP     {where['smpp']}\n  API      {where['http']}/v1   (docs at {where['http']}/docs)"
            )
            out.print(f"  console  {where['console']}")
            out.print(
                f"  carriers {', '.join(carrier.id for carrier in settings.carriers) or 'none configured'}"
            )
        await ended.wait()
        if not json:
            err.print("closing: finishing what is under way …")


def _leave_alone() -> None:
    """Everything made so far stays for ever: let the garbage collector not walk it again and again."""
    from tideng.assembly.memory import give_back_memory

    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)
    give_back_memory()


def send(
    to: Annotated[str, typer.Argument(help="The recipient's number.")],
    text: Annotated[str, typer.Argument(help="The whole text, signature included.")],
    url: Annotated[
        str, typer.Option(envvar="TIDENG_URL", help="The gateway's HTTP address.")
    ] = "http://127.0.0.1:8080",
    key: Annotated[str, typer.Option(envvar="TIDENG_API_KEY", help="An API key with scope send.")] = "",
    smpp: Annotated[str, typer.Option(help="HOST:PORT: send by SMPP instead.")] = "",
    system_id: Annotated[str, typer.Option(help="With --smpp.")] = "",
    password: Annotated[str, typer.Option(envvar="TIDENG_SMPP_PASSWORD", help="With --smpp.")] = "",
    source: Annotated[str, typer.Option(help="Code number to show; default: the customer's.")] = "",
    json: Json = False,
) -> None:
    """Submit one message and say what the review decided. Exit code 1 if it was refused."""
    if smpp:
        answer = _send_smpp(smpp, system_id, password, source, to, text)
    else:
        answer = _send_http(url, key, source, to, text)
    if json:
        as_json(answer)
    else:
        colour = {"send": "green", "hold": "yellow"}.get(str(answer["action"]), "red")
        out.print(f"[{colour}]{answer['action']}[/] message {answer['id']}")
        for code in answer["codes"]:
            out.print(f"  {code}")
    if answer["action"] == "refuse":
        raise typer.Exit(FAILED)


def _send_smpp(
    address: str, system_id: str, password: str, source: str, to: str, text: str
) -> dict[str, str | list[str]]:
    from tideng.cli.smpp_client import ClientError, SmppClient

    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        stop(f"--smpp is {escape(address)!r}; give HOST:PORT")

    async def talk() -> dict[str, str | list[str]]:
        async with SmppClient(lambda receipt: None, lambda number, said: None) as client:  # noqa: ARG005
            await client.bind(host, int(port), system_id, password)
            answers = await client.submit(text, to, source=source)
        last = answers[-1]
        action = "refuse" if last.status else "accepted"
        return {"id": last.message_id, "action": action, "codes": list(last.codes)}

    try:
        return asyncio.run(talk())
    except (ClientError, OSError) as error:
        stop(escape(str(error)))


def _send_http(url: str, key: str, source: str, to: str, text: str) -> dict[str, str | list[str]]:
    import httpx

    if not key:
        stop("no API key: give --key or set TIDENG_API_KEY; make one with `tideng api-key add CUSTOMER`")
    body = {"to": to, "text": text} | ({"from": source} if source else {})
    try:
        response = httpx.post(
            f"{url.rstrip('/')}/v1/messages",
            json=body,
            headers={"Authorization": f"Bearer {key}"},
            timeout=30,
        )
    except httpx.HTTPError as error:
        stop(f"{escape(url)} did not answer: {escape(str(error))}; is `tideng serve` running?")
    answer = response.json()
    if "action" not in answer and not answer.get("codes"):
        stop(f"{response.status_code} {escape(str(answer.get('detail', answer)))}", code=FAILED)
    return {
        "id": str(answer.get("id", "")),
        "action": str(answer.get("action", "refuse")),
        "codes": list(answer["codes"]),
    }


def status(
    context: typer.Context,
    message: Annotated[int | None, typer.Argument(help="A message id; default: today's counts.")] = None,
    json: Json = False,
) -> None:
    """What became of one message, with its place in the ledger; or the counts of today."""
    from tideng.storage.opening import open_reader

    with closing(open_reader(database(context))) as reader:
        if message is None:
            _today(context, reader, json)
            return
        from tideng.evidence.entries import decode_entry
        from tideng.evidence.stored import StoredLedger
        from tideng.gateway.store import queries

        row = queries.message(reader, message)
        if row is None:
            stop(f"there is no message {message}", code=FAILED)
        stored = StoredLedger(reader)
        life = [
            (position, decode_entry(leaf))
            for position in queries.life(reader, message)
            for leaf in stored.leaves(position, position + 1)
        ]
    if json:
        as_json({"message": row, "life": [{"index": index, "entry": entry} for index, entry in life]})
        return
    out.print(f"message [bold]{row.id}[/] of {escape(row.customer)} for {escape(row.principal or '—')}")
    out.print(f"  {row.action} · {row.state}{' · maybe sent twice' if row.maybe_sent else ''}")
    for code in row.codes:
        out.print(f"  {code}")
    rows = [
        (
            index,
            entry["kind"],
            escape(str(entry.get("action") or entry.get("outcome") or entry.get("state", ""))),
        )
        for index, entry in life
    ]
    table("its life in the ledger", ("index", "kind", "says"), rows)


def _today(context: typer.Context, reader: sqlite3.Connection, json: bool) -> None:
    from datetime import datetime

    from tideng.gateway.store import queries

    zone = loaded(context).settings.zone()
    day = datetime.now(zone).date().toordinal() - 719_163
    counts = queries.today(reader, day)
    if json:
        as_json(counts)
    else:
        table("today", ("what", "messages"), sorted(counts.items()))
