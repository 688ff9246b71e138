"""Asking a gateway that runs: it alone may write to its data, so commands ask it when given a key."""

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from tideng.cli.context import loaded
from tideng.cli.show import FAILED, stop

if TYPE_CHECKING:
    import httpx

Key = Annotated[
    str,
    typer.Option(
        "--key",
        envvar="TIDENG_ADMIN_KEY",
        help="An admin's API key: ask the gateway that runs, instead of opening its data.",
    ),
]
Url = Annotated[str, typer.Option("--url", help="Where it runs; default: the settings' HTTP address.")]
TIMEOUT_S = 600.0


def ask(
    context: typer.Context,
    url: str,
    key: str,
    path: str,
    body: dict[str, Any],  # Any: plain JSON
) -> "httpx.Response":
    """The gateway's answer. Ends the command when it does not answer, or answers with a problem."""
    import httpx

    http = loaded(context).settings.http
    base = (url or f"http://{http.host}:{http.port}").rstrip("/")
    try:
        response = httpx.post(
            base + path,
            json=body,
            headers={"Authorization": f"Bearer {key}"},
            timeout=TIMEOUT_S,
            trust_env=False,
        )
    except httpx.HTTPError as error:
        stop(f"{escape(base)} did not answer ({type(error).__name__}); is `tideng serve` running there?")
    if response.status_code >= 400:
        problem = response.json()
        wrong = "; ".join(f"{one['pointer']} {one['detail']}" for one in problem.get("errors", ()))
        stop(f"{response.status_code} {escape(wrong or problem.get('detail', ''))}", code=FAILED)
    return response
