"""`tideng account` and `tideng api-key`: people at the console, programs at the API."""

import asyncio
from typing import Annotated

import typer
from rich.markup import escape

from tideng.cli.context import Json, opened
from tideng.cli.show import as_json, out, stop, table

account = typer.Typer(help="People who sign in at the console.", no_args_is_help=True)
api_key = typer.Typer(help="Keys for the HTTP API.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The account's name.")]
Password = Annotated[
    str,
    typer.Option(
        prompt=True,
        confirmation_prompt=True,
        hide_input=True,
        envvar="TIDENG_PASSWORD",
        help="Asked for when it is not given.",
    ),
]


def add_to(app: typer.Typer) -> None:
    """Put the groups `account` and `api-key` on the main command."""
    app.add_typer(account, name="account", rich_help_panel="Registry and people")
    app.add_typer(api_key, name="api-key", rich_help_panel="Registry and people")


@account.command("add")
def add_account(
    context: typer.Context,
    name: Name,
    password: Password,
    role: Annotated[list[str], typer.Option(help="reviewer, operator or auditor; may be repeated.")] = [  # noqa: B006 - typer reads the default
        "reviewer"
    ],
) -> None:
    """Make an account. The password is asked for, or taken from TIDENG_PASSWORD."""
    from tideng.web.accounts import AccountInvalid, Accounts

    with opened(context) as store:
        try:
            Accounts(store.writer, now=store.now).add(name, password, role)
        except AccountInvalid as error:
            stop(escape(str(error)))
    out.print(f"[green]✔[/] {escape(name)} may sign in as {', '.join(role)}")


@account.command("list")
def list_accounts(context: typer.Context, json: Json = False) -> None:
    """List accounts and their roles."""
    from tideng.web.accounts import Accounts

    with opened(context) as store:
        accounts = Accounts(store.writer, now=store.now).list()
    if json:
        as_json(accounts)
        return
    rows = [(escape(a.name), ", ".join(a.roles), "disabled" if a.is_disabled else "") for a in accounts]
    table("accounts", ("name", "roles", ""), rows)


@account.command("password")
def set_password(context: typer.Context, name: Name, password: Password) -> None:
    """Set an account's password; its sessions end."""
    from tideng.web.accounts import AccountInvalid, Accounts

    with opened(context) as store:
        try:
            Accounts(store.writer, now=store.now).set_password(name, password)
        except AccountInvalid as error:
            stop(escape(str(error)))
    out.print("[green]✔[/] changed")


@account.command("disable")
def disable_account(
    context: typer.Context,
    name: Name,
    enable: Annotated[bool, typer.Option("--enable", help="Let the account sign in again.")] = False,
) -> None:
    """Disable an account (or --enable it again); its sessions end."""
    from tideng.web.accounts import AccountInvalid, Accounts

    with opened(context) as store:
        try:
            Accounts(store.writer, now=store.now).disable(name, disabled=not enable)
        except AccountInvalid as error:
            stop(escape(str(error)))
    out.print("[green]✔[/] changed")


@api_key.command("add")
def add_key(
    context: typer.Context,
    customer: Annotated[str, typer.Argument(help="Customer id; empty for keys that only administrate.")] = "",
    scope: Annotated[list[str], typer.Option(help="send, read or admin; may be repeated.")] = [  # noqa: B006 - typer reads the default
        "send",
        "read",
    ],
    name: Annotated[str, typer.Option(help="What it is for.")] = "",
    by: Annotated[str, typer.Option(help="Who makes it; recorded in the ledger.")] = "cli",
    json: Json = False,
) -> None:
    """Make a key. Its token is shown once and never again."""
    import time

    from tideng.gateway.api_keys import SCOPES, ApiKeys

    unknown = [one for one in scope if one not in SCOPES]
    if unknown:
        stop(f"scope {escape(unknown[0])!r} is unknown; use {', '.join(SCOPES)}")
    with opened(context) as store:
        keys = ApiKeys(store, monotonic=time.monotonic)
        try:
            key, token = asyncio.run(
                keys.create(customer, [one for one in SCOPES if one in scope], by, name=name)
            )
        except ValueError as error:
            stop(escape(str(error)))
    if json:
        as_json({"id": key.id, "customer": key.customer, "scopes": key.scopes, "token": token})
    else:
        out.print(f"key {key.id}; its token, shown only now:\n[bold]{token}[/]")


@api_key.command("list")
def list_keys(context: typer.Context, json: Json = False) -> None:
    """List keys; tokens are not kept."""
    import time

    from tideng.gateway.api_keys import ApiKeys

    with opened(context) as store:
        keys = ApiKeys(store, monotonic=time.monotonic).list()
    shown = [
        {
            "id": key.id,
            "customer": key.customer,
            "scopes": list(key.scopes),
            "name": key.name,
            "revoked": bool(key.revoked_at),
        }
        for key in keys
    ]
    if json:
        as_json(shown)
        return
    rows = [
        (k["id"], k["customer"], " ".join(key.scopes), escape(key.name), "revoked" if key.revoked_at else "")
        for k, key in zip(shown, keys, strict=True)
    ]
    table("api keys", ("id", "customer", "scopes", "name", ""), rows)


@api_key.command("revoke")
def revoke_key(
    context: typer.Context,
    key_id: Annotated[str, typer.Argument(help="The key's id, as `api-key list` shows it.")],
    by: Annotated[str, typer.Option(help="Who revokes it; recorded in the ledger.")] = "cli",
) -> None:
    """End a key at once."""
    import time

    from tideng.gateway.api_keys import ApiKeys

    with opened(context) as store:
        ended = asyncio.run(ApiKeys(store, monotonic=time.monotonic).revoke(key_id, by))
    out.print("[green]✔[/] revoked" if ended else f"there is no live key {escape(key_id)}")
