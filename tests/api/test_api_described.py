"""What the API says about itself is what it does: OpenAPI, its page, the documents; schemathesis agrees."""

import asyncio
import re
import threading
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import ignored_auth, positive_data_acceptance

from api.api_rig import Rig, play, running
from tideng.gateway.doors.api_problems import KINDS
from tideng.gateway.webhooks import signature

EXAMPLES = 20
# What fits the schema may still be refused: by the review, the registry's rules, or a principal unknown.
# Its wrong keys run into our pause after ten failures: 429, not 401. test_api_keys.py covers access.
NOT_OURS = [positive_data_acceptance, ignored_auth]
DOCS = Path(__file__).parents[2] / "docs" / "integrate"


def fetched(tmp_path: Path, path: str) -> Any:
    found: list[Any] = []

    async def scene(rig: Rig) -> None:
        async with rig.with_token("") as nobody:
            answer = await nobody.get(path)
            assert answer.status_code == 200
            found.append(answer.json() if "json" in answer.headers["content-type"] else answer.text)

    play(tmp_path, scene)
    return found[0]


def test_every_object_in_the_schema_says_that_it_takes_no_other_field(tmp_path: Path) -> None:
    document = fetched(tmp_path, "/openapi.json")
    assert document["openapi"] == "3.1.0"
    for name, schema in document["components"]["schemas"].items():
        assert schema["additionalProperties"] is False, name
    assert "password" in document["components"]["schemas"]["SmppAccess"]["properties"]


def test_the_page_shows_everything_and_asks_nobody_else(tmp_path: Path) -> None:
    text = fetched(tmp_path / "a", "/docs")
    document = fetched(tmp_path / "b", "/openapi.json")
    for path in document["paths"]:
        assert path in text
    for name in document["components"]["schemas"]:
        assert f'id="schema-{name}"' in text
    assert re.findall(r'(?:src|href)="(?!#|/docs/style.css|/openapi.json)', text) == []
    assert "<script" not in text
    assert "style=" not in text


def test_every_route_and_every_problem_is_in_the_documents(tmp_path: Path) -> None:
    http = (DOCS / "http.md").read_text()
    document = fetched(tmp_path, "/openapi.json")
    for path, methods in document["paths"].items():
        for method in methods:
            assert f"`{method.upper()} {path}`" in http, f"{method.upper()} {path}"
    for slug, kind in KINDS.items():
        assert re.search(rf"^\| `{slug}` \| {kind.status} \|", http, re.MULTILINE), slug
    documented = set(re.findall(r"^\| `([a-z-]+)` \| \d{3} \|", http, re.MULTILINE))
    assert documented == set(KINDS)


def test_the_webhook_example_verifies() -> None:
    text = (DOCS / "webhooks.md").read_text()
    [block] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(block, "webhooks.md", "exec"), names)
    is_genuine = names["is_genuine"]
    body = b'{"events":[]}'
    header = signature(b"whs_secret", 1_000, body)
    assert is_genuine("whs_secret", header, body, 1_100.0)
    assert not is_genuine("whs_secret", header, body, 1_400.0)
    assert not is_genuine("whs_other", header, body, 1_100.0)
    assert not is_genuine("whs_secret", header, body + b" ", 1_100.0)
    assert not is_genuine("whs_secret", "nonsense", body, 1_100.0)


@schemathesis.serializer("application/toml")
def toml(ctx: schemathesis.SerializationContext, value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else repr(value).encode()


class Background:
    """The rig on a thread of its own, because schemathesis is synchronous."""

    def __init__(self, folder: Path) -> None:
        self.url = ""
        self.token = ""
        self._folder = folder
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._run()))

    async def _run(self) -> None:
        async with running(self._folder) as rig:
            _, self.admin = await rig.keys.create("", ["admin"], "test")
            _, self.customer = await rig.keys.create("library", ["send", "read"], "test")
            self.url = rig.url
            self._ready.set()
            await self._stop.wait()

    def __enter__(self) -> "Background":
        self._thread.start()
        assert self._ready.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()


@pytest.fixture(scope="module")
def background(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with Background(tmp_path_factory.mktemp("api")) as running_rig:
        yield running_rig


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_schemathesis_finds_no_server_error_and_no_broken_promise(
    background: Background, mode: GenerationMode
) -> None:
    schema = schemathesis.openapi.from_url(f"{background.url}/openapi.json")
    called: set[str] = set()
    for result in schema.get_all_operations():
        operation = result.ok()
        is_customers = operation.path.startswith(("/v1/messages", "/v1/inbound"))
        token = background.customer if is_customers else background.admin
        headers = {"Authorization": f"Bearer {token}"}

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def attack(case: schemathesis.Case) -> None:
            case.call_and_validate(headers=headers, excluded_checks=NOT_OURS)  # noqa: B023 - run at once
            called.add(case.operation.label)

        try:
            attack()
        except Unsatisfiable:
            assert mode is GenerationMode.NEGATIVE, operation.label  # nothing can be wrong about a bare GET
    assert len(called) >= 14, called
