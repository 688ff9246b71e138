"""`tideng scan`: how many people a pile of files exposes, which data, and what that means in law."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from tideng.cli.show import stop

MISSING: int = 3
"""Exit code: a part of the installation that this command needs is missing."""


def spans(
    file: Annotated[
        Path | None, typer.Argument(help="JSON lines with id and text; - or nothing: stdin.")
    ] = None,
    least: Annotated[
        float, typer.Option("--least", min=0, max=1, help="Leave out spans less sure than this.")
    ] = 0.0,
) -> None:
    """Find personal data in texts: one JSON line in ({"id","text"}), one out ({"id","spans"})."""
    from tideng.scan.span_lines import answer

    out = sys.stdout.buffer
    if file is None or str(file) == "-":
        for line in answer(sys.stdin.buffer, least):
            out.write(line)
            out.flush()
        return
    try:
        with file.open("rb") as lines:
            out.writelines(answer(lines, least))
    except OSError as error:
        stop(f"{file} cannot be read: {error.strerror}. Name a file of JSON lines, or - for standard input.")
