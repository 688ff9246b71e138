"""One HTTP door on the caller's event loop, and who at it did what, recorded in the ledger."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import uvicorn
from litestar import Litestar
from msgspec import Struct

from tideng.evidence.entries import encode_entry
from tideng.gateway.entries import ConsoleEntry
from tideng.gateway.store.store import Store
from tideng.web.shell import Event, Record

CLOSE_S: Final = 5
CONNECTIONS_MAX: Final = 1_000


class HttpDoor(Struct, frozen=True):
    """A door that is open."""

    host: str
    port: int


@asynccontextmanager
async def open_door(app: Litestar, host: str, port: int) -> AsyncIterator[HttpDoor]:
    """Answers there while the context lasts. OSError when the address cannot be had."""
    listener = socket.create_server((host, port), backlog=256)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="on",
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=CLOSE_S,
        limit_concurrency=CONNECTIONS_MAX,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve([listener]), name="http")
    try:
        await asyncio.wait({task, asyncio.create_task(server.ready.wait())}, return_when="FIRST_COMPLETED")
        if task.done():
            task.result()
        yield HttpDoor(host, listener.getsockname()[1])
    finally:
        server.should_exit = True
        await asyncio.gather(task, return_exceptions=True)
        listener.close()


def recorder(store: Store) -> Record:
    """Writes what people do at the pages into the ledger."""

    async def record(event: Event) -> None:
        entry = ConsoleEntry(
            about=event.about,
            account=event.account,
            address=event.address,
            at=store.ledger.now(),
            did=event.kind,
        )
        leaf = encode_entry(entry)

        await store.run(lambda conn: store.ledger.append_in(conn, [leaf]))

    return record


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Say when the door is open."""
        await super().startup(sockets)
        self.ready.set()

    def install_signal_handlers(self) -> None:
        """The gateway decides when to end, not its HTTP door."""

    def capture_signals(self) -> "_Nothing":  # type: ignore[override]  # uvicorn: a context manager
        return _Nothing()


class _Nothing:
    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...
