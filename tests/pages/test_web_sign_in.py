"""Accounts, sessions, forms and what every answer carries, over the real application."""

import re
from collections.abc import Callable
from hashlib import sha256

import pytest
from litestar import Router, get, post
from litestar.testing import TestClient

from pages.house import PASSWORD, House
from tideng.web.shell import Asked, Shell

ClientOf = Callable[..., TestClient]


def rooms(shell: Shell) -> Router:
    @get("/console", guards=[shell.requires()])
    async def inside() -> str:
        return "inside"

    @get("/console/review", guards=[shell.requires("reviewer")])
    async def review() -> str:
        return "reviewing"

    @post("/console/act", guards=[shell.requires()], status_code=200)
    async def act(request: Asked) -> str:
        return (await shell.read_form(request)).get("word", "")

    @get("/console/broken", guards=[shell.requires()])
    async def broken() -> str:
        raise RuntimeError("recipient 13800000000")

    return Router("/", route_handlers=[inside, review, act, broken])


@pytest.fixture
def client(house: House, client_of: ClientOf) -> TestClient:
    house.accounts.add("li", PASSWORD, ["reviewer"])
    house.accounts.add("ops", PASSWORD, ["operator"])
    return client_of(house.shell, rooms(house.shell))


def token_in(page: str) -> str:
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', page)
    assert found
    return found[1]


def sign_in(client: TestClient, name: str = "li", password: str = PASSWORD, onward: str = "/console"):
    page = client.get("/sign-in").text
    fields = {"form_token": token_in(page), "name": name, "password": password, "next": onward}
    return client.post("/sign-in", data=fields, follow_redirects=False)


def test_nobody_sees_a_page_before_signing_in(client: TestClient) -> None:
    answer = client.get("/console?state=held", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        "/sign-in?next=%2Fconsole%3Fstate%3Dheld",
    )


def test_a_part_of_a_page_sends_the_whole_page_to_sign_in(client: TestClient) -> None:
    answer = client.get("/console", headers={"HX-Request": "true"}, follow_redirects=False)
    assert answer.status_code == 401
    assert answer.headers["hx-redirect"].startswith("/sign-in")


def test_sign_in_and_out(client: TestClient, house: House) -> None:
    answer = sign_in(client, " LI ", onward="/console/review")
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/review")
    cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith("tideng_session="))
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert client.get("/console/review").text == "reviewing"
    token = token_in(client.get("/console/nowhere").text) if False else None
    assert token is None
    secret = client.cookies["tideng_session"]
    house_token = __import__("tideng.web.sessions", fromlist=["form_token"]).form_token(secret)
    assert (
        client.post("/sign-out", data={"form_token": house_token}, follow_redirects=False).status_code == 303
    )
    client.cookies.set("tideng_session", secret)
    assert client.get("/console", follow_redirects=False).status_code == 303
    assert [event.kind for event in house.events] == ["signed_in", "signed_out"]


def test_the_database_cannot_sign_anybody_in(client: TestClient, house: House) -> None:
    sign_in(client)
    secret = client.cookies["tideng_session"]
    rows = house.writer.call(lambda conn: conn.execute("SELECT id_hash FROM session").fetchall())
    assert rows == [(sha256(secret.encode()).digest(),)]
    password_hash = house.writer.call(
        lambda conn: conn.execute("SELECT password_hash FROM account").fetchone()
    )
    assert password_hash[0].startswith("$argon2id$")
