"""Lines to train on and weights to keep, with a clear word about what cannot be read or written."""

from pathlib import Path
from typing import Literal, TypeVar

import msgspec
from msgspec import Struct
from rich.markup import escape

from tideng.cli.show import stop

_Row = TypeVar("_Row")


class Labelled(Struct, frozen=True):
    """One line to learn from."""

    text: str
    label: Literal["danger", "harmless"]
    group: str = ""


class Normal(Struct, frozen=True):
    """One normal message of the operator's own."""

    text: str


def read_labelled(file: Path) -> list[Labelled]:
    """Every line of the file; ends the command at one that cannot be used."""
    return _read(file, Labelled)


def read_normals(file: Path) -> list[str]:
    """Every text of the file; ends the command at one that cannot be used."""
    return [row.text for row in _read(file, Normal)]


def write_out(file: Path, content: bytes) -> None:
    """Write new weights; ends the command when they cannot be kept."""
    try:
        file.write_bytes(content)
    except OSError as error:
        stop(f"cannot write {escape(str(file))}: {escape(error.strerror or str(error))}; name another file")


def _read(file: Path, kind: type[_Row]) -> list[_Row]:
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        stop(f"cannot read {escape(str(file))}: {escape(error.strerror or str(error))}; name another file")
    decode = msgspec.json.Decoder(kind).decode
    rows = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                rows.append(decode(line))
            except msgspec.DecodeError as error:
                stop(f"{escape(str(file))} line {number}: {escape(str(error))}; mend or remove it")
    return rows
