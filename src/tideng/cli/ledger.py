"""`tideng ledger`: look at the ledger, prove an entry, recompute everything."""

import base64
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tideng.cli.context import Json, database, loaded, opened
from tideng.cli.show import FAILED, as_json, err, out, stop, table

if TYPE_CHECKING:
    from tideng.evidence.note import Verifier

_TELLING = ("message", "action", "codes", "outcome", "state", "meaning", "object", "id")

_WHERE = {
    "report/1": "there as a plain hash, field raw: SHA-256",
    "decision/2": "in its evidence bundle, field raw",
    "inbound/2": "in its evidence bundle, field raw",
}

app = typer.Typer(help="The tamper-evident ledger: verify, show, prove.", no_args_is_help=True)


def add_to(main: typer.Typer) -> None:
    """Put `tideng ledger` on the main command."""
    main.add_typer(app, name="ledger", rich_help_panel="Evidence")


@app.command()
def octets(
    context: typer.Context,
    index: Annotated[int, typer.Argument(help="The entry of a delivery report.")],
    file: Annotated[Path, typer.Argument(help="The PDU as the carrier's log has it, binary.")],
    json: Json = False,
) -> None:
    """Check that these octets are the delivery report of an entry, and print the key that shows it.

    A report's octets are not kept; who has them, a carrier for one, can have them checked. Exit code 1 if
    they are not the ones.
    """
    from tideng.evidence.commitment import opens
    from tideng.evidence.entries import decode_entry
    from tideng.evidence.ledger import LedgerError

    try:
        content = file.read_bytes()
    except OSError as error:
        stop(f"{escape(str(file))}: {error.strerror}")
    with opened(context) as store:
        try:
            entry = decode_entry(store.ledger.leaf(index))
        except LedgerError as error:
            stop(escape(str(error)))
        if entry["kind"] != "report/2":
            where = _WHERE.get(entry["kind"], "not recorded")
            stop(f"entry {index} is {entry['kind']}; its octets are {where}")
        key = store.report_key(entry["carrier"], entry["carrier_id"], entry["received_at"])
    same = opens(entry["raw"], key, content.hex())
    if json:
        as_json({"index": index, "same": same, "key": key.hex() if same else ""})
    elif same:
        out.print(f"[green]✔[/] these are the octets of entry {index}. Key: {key.hex()}")
        out.print("HMAC-SHA-256 under this key over the octets in hexadecimal gives the entry's field raw.")
    else:
        err.print(f"[red]✘[/] these {len(content)} octets are not those of entry {index}")
    if not same:
        raise typer.Exit(FAILED)


@app.command()
def verify(context: typer.Context, json: Json = False) -> None:
    """Recompute every hash, tile, root and checkpoint. Exit code 1 if anything differs."""
    from tideng.evidence.keys import signing_key
    from tideng.evidence.note import verifier_for
    from tideng.evidence.stored import verify_file
    from tideng.storage.failures import StorageError

    path = database(context)
    origin = loaded(context).settings.origin
    verifier = verifier_for(origin, signing_key(path.parent / "ledger.key"))
    known = [verifier, *_retired(path, origin)]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=json) as progress:
        task = progress.add_task("verifying entries")
        try:
            found = verify_file(
                path,
                origin,
                known,
                lambda done, total: progress.update(task, completed=done, total=total),
            )
        except StorageError as error:
            stop(escape(str(error)), code=FAILED)
    if json:
        as_json(
            {
                "intact": found.is_intact,
                "size": found.size,
                "root": found.root.hex(),
                "checkpoints": found.checkpoints,
                "problem": found.problem,
                "first_differing": found.first_differing,
            }
        )
    elif found.is_intact:
        out.print(
            f"[green]✔[/] {found.size} entries, {found.checkpoints} checkpoints recomputed: everything agrees"
        )
        out.print(f"  root {found.root.hex()}")
    else:
        out.print(f"[bold red]✘ {escape(found.problem)}[/]")
        out.print(f"  first entry that cannot be vouched for: {found.first_differing}")
    if not found.is_intact:
        raise typer.Exit(FAILED)


@app.command()
def show(
    context: typer.Context,
    first: Annotated[
        int | None, typer.Argument(help="Index of the first entry; default: the newest.")
    ] = None,
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=1000, help="How many.")] = 10,
    json: Json = False,
) -> None:
    """Show entries as they lie in the ledger."""
    from tideng.evidence.entries import decode_entry
    from tideng.evidence.merkle import leaf_hash
    from tideng.evidence.stored import StoredLedger
    from tideng.storage.opening import open_reader

    with closing(open_reader(database(context))) as conn:
        stored = StoredLedger(conn)
        size = stored.size()
        start = max(0, size - count) if first is None else first
        leaves = stored.leaves(start, min(size, start + count))
    entries = [(start + i, leaf_hash(leaf).hex(), decode_entry(leaf)) for i, leaf in enumerate(leaves)]
    if json:
        as_json(
            {
                "size": size,
                "entries": [
                    {"index": i, "leaf_hash": digest, "entry": entry} for i, digest, entry in entries
                ],
            }
        )
        return
    rows = []
    for index, _, entry in entries:
        said = " ".join(str(entry[key]) for key in _TELLING if entry.get(key))
        rows.append((index, entry["kind"], _when(entry["at"]), escape(said)))
    table(f"ledger of {size} entries", ("index", "kind", "at (UTC)", "says"), rows)


@app.command()
def prove(
    context: typer.Context,
    index: Annotated[int, typer.Argument(help="Index of the entry.", min=0)],
    file: Annotated[
        Path | None, typer.Option("--out", help="Also write the proof as a C2SP tlog-proof@v1 file.")
    ] = None,
    json: Json = False,
) -> None:
    """Show an entry with its inclusion proof, checked against the newest checkpoint (RFC 6962 §2.1.1)."""
    from tideng.evidence import merkle
    from tideng.evidence.checkpoint import open_checkpoint
    from tideng.evidence.entries import decode_entry
    from tideng.evidence.keys import signing_key
    from tideng.evidence.note import encode_vkey, verifier_for
    from tideng.evidence.proof_file import ProofFile, format_proof
    from tideng.evidence.stored import StoredLedger
    from tideng.evidence.tiles import TileHashes
    from tideng.storage.opening import open_reader

    path = database(context)
    origin = loaded(context).settings.origin
    verifier = verifier_for(origin, signing_key(path.parent / "ledger.key"))
    with closing(open_reader(path)) as conn:
        stored = StoredLedger(conn)
        newest = stored.last_checkpoint()
        if newest is None or index >= newest.size:
            stop(f"entry {index} is in no checkpoint yet; the newest covers {newest.size if newest else 0}")
        [leaf] = stored.leaves(index, index + 1)
        proof = merkle.inclusion_proof(index, newest.size, TileHashes(stored.tile))
    checkpoint = open_checkpoint(newest.note, origin, [verifier, *_retired(path, origin)])
    merkle.verify_inclusion(index, checkpoint.size, merkle.leaf_hash(leaf), proof, checkpoint.root)
    if file is not None:
        file.write_bytes(format_proof(ProofFile(index, tuple(proof), newest.note)))
    if json:
        as_json(
            {
                "index": index,
                "entry": decode_entry(leaf),
                "proof": [base64.b64encode(step).decode() for step in proof],
                "checkpoint": newest.note.decode(),
                "verifier": encode_vkey(verifier),
            }
        )
        return
    out.print_json(leaf.decode())
    out.print(f"[green]✔[/] entry {index} is under the root of the checkpoint below ({len(proof)} hashes)")
    out.print(escape(newest.note.decode()))


@app.command()
def checkpoint(context: typer.Context, json: Json = False) -> None:
    """Show the newest signed checkpoint (C2SP tlog-checkpoint) and the key that verifies it."""
    from tideng.evidence.keys import signing_key
    from tideng.evidence.note import encode_vkey, verifier_for
    from tideng.evidence.stored import StoredLedger
    from tideng.storage.opening import open_reader

    path = database(context)
    origin = loaded(context).settings.origin
    vkey = encode_vkey(verifier_for(origin, signing_key(path.parent / "ledger.key")))
    with closing(open_reader(path)) as conn:
        newest = StoredLedger(conn).last_checkpoint()
    if newest is None:
        stop("there is no checkpoint yet; it is written within a second of the first entry")
    if json:
        as_json({"size": newest.size, "checkpoint": newest.note.decode(), "verifier": vkey})
        return
    out.print(escape(newest.note.decode()), end="")
    out.print(f"verifier {escape(vkey)}")


@app.command()
def export(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Where to; made if it is not there.")],
    json: Json = False,
) -> None:
    """Write the ledger as C2SP tlog-tiles files that any web server can serve; again: only what is new.

    Exit code 1 if the folder holds another ledger, a newer copy, or a fork of this one.
    """
    from tideng.evidence.keys import signing_key
    from tideng.evidence.ledger import LedgerCorrupt
    from tideng.evidence.note import NoteInvalid, verifier_for
    from tideng.evidence.publication import ExportRefused
    from tideng.evidence.publication import export as publish
    from tideng.evidence.publishing import published_note
    from tideng.evidence.stored import StoredLedger
    from tideng.storage.opening import open_reader

    path = database(context)
    origin = loaded(context).settings.origin
    verifier = verifier_for(origin, signing_key(path.parent / "ledger.key"))
    known = [verifier, *_retired(path, origin)]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with closing(open_reader(path)) as conn, Progress(*columns, console=err, transient=True) as progress:
        conn.execute("BEGIN")  # one moment's view, however long the writing takes
        stored = StoredLedger(conn)
        newest = stored.last_checkpoint()
        if newest is None:
            stop("there is no checkpoint yet; it is written within a second of the first entry")
        note = newest.note
        if loaded(context).settings.evidence.witness_policy:
            witnessed = published_note(conn, is_witnessed=True)
            if witnessed is None:
                stop("no checkpoint was seen by the witnesses yet; is `tideng serve` running?", code=FAILED)
            note = witnessed
        task = progress.add_task("writing files")
        try:
            done = publish(
                stored,
                note,
                origin,
                known,
                folder,
                lambda done, total: progress.update(task, completed=done, total=total),
            )
        except (ExportRefused, LedgerCorrupt, NoteInvalid) as error:
            stop(escape(str(error)), code=FAILED)
        except OSError as error:
            stop(f"{escape(str(folder))}: {error.strerror}; its checkpoint is as it was, export again")
    if json:
        as_json({"folder": str(folder), "before": done.before, "size": done.size, "files": done.files})
        return
    out.print(
        f"[green]✔[/] {done.size} entries are published in {escape(str(folder))}: {done.files} new files"
    )


@app.command("rotate-key")
def rotate_key(
    context: typer.Context,
    by: Annotated[str, typer.Option(help="Who does it; default: this system user.")] = "",
    json: Json = False,
) -> None:
    """Replace the signing key. An entry and a last checkpoint lead from the old key to the new one."""
    import getpass

    from tideng.evidence.note import encode_vkey
    from tideng.evidence.rotation import rotate

    with opened(context) as store:
        old = encode_vkey(store.ledger.verifier)
        path = store.writer.path.parent / "ledger.key"
        new = encode_vkey(rotate(store.writer, store.ledger, path, by=by or getpass.getuser()))
    if json:
        as_json({"old": old, "new": new})
        return
    out.print(f"[green]✔[/] checkpoints are signed by a new key from the next start on\n  old {escape(old)}")
    out.print(f"  new {escape(new)}\n  Tell everyone who holds the old key, the witnesses first.")


@app.command("admit-loss")
def admit_loss(
    context: typer.Context,
    reason: Annotated[str, typer.Option(help="What happened, for whoever holds a later checkpoint.")],
    by: Annotated[str, typer.Option(help="Who admits it; default: this system user.")] = "",
    json: Json = False,
) -> None:
    """After restoring an older copy: record what was lost, and let the gateway start."""
    import getpass

    from tideng.assembly import open_embedded
    from tideng.evidence import landmarks
    from tideng.evidence.landmarks import LossEntry

    database(context)
    with closing(open_embedded(loaded(context).settings, check_seen=False)) as store:
        seen, ledger = store.seen.last(), store.ledger
        if seen is None or (seen[0] <= ledger.size and ledger.root(seen[0]) == seen[1]):
            stop("nothing is lost: this ledger continues everything it has shown", code=FAILED)
        entry = LossEntry(
            at=ledger.now(),
            by=by or getpass.getuser(),
            kept=ledger.size,
            reason=reason,
            seen=seen[0],
            seen_root=seen[1].hex(),
        )
        position = store.writer.call(lambda conn: landmarks.record_in(conn, ledger, entry))
        ledger.checkpoint()
        store.seen.admit(ledger, ledger.now())
    if json:
        as_json({"entry": position, "kept": entry.kept, "seen": entry.seen})
        return
    out.print(
        f"[yellow]recorded as entry {position}:[/] {entry.seen} entries were vouched for, "
        f"{entry.kept} are left"
    )
    out.print("  whoever holds a later checkpoint will see two histories; tell them before they ask")


def _retired(path: Path, origin: str) -> "list[Verifier]":
    from tideng.evidence.retired import retired_keys
    from tideng.storage.opening import open_reader

    with closing(open_reader(path)) as conn:
        return retired_keys(conn, origin)


def _when(at: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
