"""Fixtures of the page tests."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from pages.house import MIGRATIONS, House
from tideng.storage.sqlite import Writer
from tideng.web.app import make_app
from tideng.web.schema import ROOM
from tideng.web.shell import Shell


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with Writer(tmp_path / "web.db", schema={ROOM: MIGRATIONS}) as writer:
        made = House(writer)
        yield made
        made.sessions.close()


@pytest.fixture
def client_of() -> Iterator[Callable[..., TestClient]]:
    """Opens test clients on applications and closes them."""
    opened: list[TestClient] = []

    def open_client(shell: Shell, *routers: object) -> TestClient:
        client = TestClient(make_app(list(routers), shell), base_url="http://testserver.local")
        client.__enter__()
        opened.append(client)
        return client

    yield open_client
    for client in opened:
        client.__exit__(None, None, None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from pages.visitor import ARGS, CHROMIUM, sync_api

    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield started
        started.close()
