"""`tideng calls photo`: a photograph from a visit, attached to its case."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from tideng.cli.calls_records import folder_of
from tideng.cli.context import Json, opened
from tideng.cli.show import as_json, out, stop


def photo(
    context: typer.Context,
    case: Annotated[str, typer.Argument(help="The case, or the beginning of its id.")],
    file: Annotated[Path, typer.Argument(help="The picture: JPEG, PNG or WebP, at most 12 MB.")],
    what: Annotated[
        str, typer.Option(help="What it shows: box, wiring, telephone or papers; default: something else.")
    ] = "",
    by: Annotated[str, typer.Option(help="Who attaches it.")] = "cli",
    json: Json = False,
) -> None:
    """Attach a photograph to a case: its hash is recorded in the ledger, the file kept as it is. Exit code 2
    if it cannot be."""
    from tideng.assembly.calls import VISITS, attach
    from tideng.calls.photos import PhotoInvalid, check_size

    folder = folder_of(context)
    if not (folder / VISITS).is_file():
        stop("there are no cases yet; `tideng calls watch DIR` opens them")
    with opened(context) as gateway:
        try:
            check_size(file.stat().st_size)
            kept, is_new = attach(folder, gateway.ledger, case, file.read_bytes(), what=what, by=by)
        except (PhotoInvalid, LookupError) as error:
            stop(escape(str(error)))
        except OSError as error:
            stop(f"{escape(str(file))}: {error.strerror}")
    if json:
        as_json({"case": kept.case, "photo": kept.id, "size": kept.size, "what": kept.what, "new": is_new})
        return
    said = "attached" if is_new else "had been attached before"
    out.print(f"photograph {kept.id[:12]} of case {kept.case[:16]}: {said}")


def add_to(app: typer.Typer) -> None:
    """Put `photo` on `tideng calls`."""
    app.command()(photo)
