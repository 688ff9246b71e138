"""`tideng calls features | patterns`: what lines did day by day, and harmful patterns in it."""

import importlib.util
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.markup import escape

from tideng.cli.show import as_json, not_installed, out, stop, table

Zone = Annotated[float, typer.Option(help="Hours east of UTC at which the lines' days are cut.")]


def _need(package: str, extra: str) -> None:
    if importlib.util.find_spec(package) is None:
        not_installed(package, extra)


def features(
    files: Annotated[list[Path], typer.Argument(help="Parquet with the columns of `detect`.")],
    folder: Annotated[Path, typer.Option("--out", help="Folder for the Parquet files of line-days.")],
    engine: Annotated[str, typer.Option(help="duckdb on this machine, or spark.")] = "duckdb",
    parts: Annotated[
        int, typer.Option(min=0, max=1000, help="Shares of the lines, one at a time; 0: as memory needs.")
    ] = 0,
    memory: Annotated[
        float, typer.Option(min=0, max=4096, help="GB for DuckDB; 0: half of what this machine has.")
    ] = 0,
    zone: Zone = 8.0,
    json: Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")] = False,
) -> None:
    """Count what each line did each day: one definition, the same numbers on either engine."""
    _need("ibis", "calls")
    if engine == "spark":
        _need("pyspark", "spark")
    elif engine != "duckdb":
        stop(f"--engine is {escape(engine)!r}; choose duckdb or spark")
    from tideng.calls.features.batch import InputInTheWay, MemoryTooSmall, write

    missing = [str(path) for path in files if not path.is_file()]
    if missing:
        stop(f"there is no file {escape(missing[0])}")
    try:
        rows = write(
            files,
            folder,
            name="spark" if engine == "spark" else "duckdb",
            parts=parts,
            memory=int(memory * 1e9),
            zone_s=int(zone * 3600),
        )
    except InputInTheWay as error:
        stop(escape(str(error)))
    except MemoryTooSmall as error:
        stop(f"{escape(str(error))} (--memory, --parts)")
    if json:
        as_json({"line_days": rows, "folder": str(folder), "engine": engine})
    else:
        out.print(f"{rows:,} line-days under {escape(str(folder))}")


def patterns(
    folder: Annotated[Path, typer.Argument(help="Folder that `features` wrote.")],
    json: Annotated[bool, typer.Option("--json", help="One JSON object per finding and line.")] = False,
) -> None:
    """Line-days that look like a SIM box, one-ring calling or bulk calling."""
    _need("pyarrow", "calls")
    import pyarrow.parquet as pq  # ships no types

    from tideng.calls.features.batch import OWN
    from tideng.calls.features.patterns import patterns_of

    paths = sorted(path for path in folder.glob("line-days-*") if OWN.fullmatch(path.name))
    if not paths:
        stop(f"{escape(str(folder))} holds no line-days; write them with `tideng calls features`")
    found = [
        one
        for path in paths
        for row in pq.read_table(path).to_pylist()
        for one in patterns_of(str(row["line"]), int(row["day"]), row)
    ]
    if json:
        for one in found:
            sys.stdout.write(msgspec.json.encode(one).decode() + "\n")
        return
    rows = [(one.pattern, one.line, one.day, one.values) for one in found]
    table("patterns", ("pattern", "line", "day", "values"), rows)


def add_to(app: typer.Typer) -> None:
    """Put these commands on `tideng calls`."""
    app.command()(features)
    app.command()(patterns)
