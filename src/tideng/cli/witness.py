"""`tideng witness`: the small role that vouches for other people's ledgers (c2sp.org/tlog-witness)."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from tideng.cli.context import Json
from tideng.cli.show import as_json, out, stop

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from tideng.evidence.note import Verifier

Folder = Annotated[
    Path, typer.Option("--folder", help="The witness's own folder: its key and what it has seen.")
]
Name = Annotated[str, typer.Option("--name", help="Its name in cosignatures, like witness.example/w1.")]

app = typer.Typer(help="Witness ledgers: cosign what continues, refuse what forks.", no_args_is_help=True)


def add_to(main: typer.Typer) -> None:
    """Put `tideng witness` on the main command."""
    main.add_typer(app, name="witness", rich_help_panel="Evidence")


@app.command()
def key(folder: Folder, name: Name, json: Json = False) -> None:
    """Show the witness's verifier key, made at the first call: for the ledger's tlog-policy."""
    from tideng.evidence.note import COSIGNATURE, encode_vkey, verifier_for

    vkey = encode_vkey(verifier_for(name, _key(folder), COSIGNATURE))
    if json:
        as_json({"name": name, "verifier": vkey})
        return
    out.print(escape(vkey), soft_wrap=True)


@app.command()
def serve(
    folder: Folder,
    name: Name,
    policy: Annotated[
        Path, typer.Option(help="A tlog-policy file; its `log` lines are the ledgers witnessed.")
    ],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="TCP port.")] = 8090,
) -> None:
    """Serve add-checkpoint until interrupted. It answers only after what it has seen is on disk."""
    import uvicorn

    from tideng.evidence.witness import SCHEMA, Witness
    from tideng.evidence.witness_door import witness_app
    from tideng.storage.failures import StorageError
    from tideng.storage.sqlite import Writer

    logs = _logs(policy)
    signing = _key(folder)
    try:
        with Writer(folder / "witness.db", schema={"witness": SCHEMA}) as writer:
            witness = Witness(writer, name=name, key=signing, logs=logs, clock_s=lambda: int(time.time()))
            out.print(f"witness [bold]{escape(name)}[/] for {len(logs)} ledgers on http://{host}:{port}")
            uvicorn.run(witness_app(witness), host=host, port=port, log_config=None, access_log=False)
    except (StorageError, OSError) as error:
        stop(escape(str(error)))


def _key(folder: Path) -> "Ed25519PrivateKey":
    from tideng.evidence.keys import KeyRefused, signing_key

    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return signing_key(folder / "witness.key")
    except (KeyRefused, OSError) as error:
        stop(escape(str(error)))


def _logs(policy: Path) -> "list[Verifier]":
    from tideng.evidence.trust_policy import PolicyInvalid, parse_policy

    try:
        logs = [party.verifier for party in parse_policy(policy.read_bytes()).logs]
    except (OSError, PolicyInvalid) as error:
        stop(f"{escape(str(policy))}: {escape(str(error))}")
    if not logs:
        stop(f"{escape(str(policy))} names no log; add a line: log VKEY (see `tideng ledger checkpoint`)")
    return logs
