"""`tideng simulate calls`: towns of telephone lines, some with a box, as the files an operator would hand
over."""

from pathlib import Path
from typing import Annotated

import typer

from tideng.cli.show import as_json, err, not_installed, out

LINES_PER_FILE = 20_000


def calls(
    folder: Annotated[Path, typer.Argument(help="Where the Parquet files and the truth (JSON) go.")],
    lines: Annotated[int, typer.Option(min=50, max=5_000_000, help="Telephone lines.")] = 20_000,
    days: Annotated[int, typer.Option(min=3, max=366, help="Days of records.")] = 28,
    boxes: Annotated[int, typer.Option(min=0, help="Lines that carry a box.")] = 40,
    quiet_days: Annotated[int, typer.Option(min=0, help="No box begins before.")] = 7,
    seed: Annotated[int, typer.Option(help="Same seed, same world.")] = 1,
    held_out: Annotated[
        bool, typer.Option("--held-out", help="The family of worlds the detector is judged on, not tuned on.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")] = False,
) -> None:
    """Make call records with known boxes. Large towns come as several files of 20,000 lines each."""
    import importlib.util

    if importlib.util.find_spec("pyarrow") is None:
        not_installed("pyarrow", "calls")
    from rich.progress import track

    from tideng.calls.worlds.export import write
    from tideng.calls.worlds.making import make

    folder.mkdir(parents=True, exist_ok=True)
    files = -(-lines // LINES_PER_FILE)
    written, records = [], 0
    for number in track(
        range(files), "making towns", console=err, transient=True, disable=json or files == 1
    ):
        here = min(LINES_PER_FILE, lines - number * LINES_PER_FILE)
        share = boxes * (number + 1) // files - boxes * number // files
        world = make(
            "held" if held_out else "dev",
            seed * 1_000 + number,
            lines=here,
            days=days,
            boxes=share,
            quiet_days=quiet_days,
            first_line=number * LINES_PER_FILE,
        )
        path = folder / f"calls-{number:04d}.parquet"
        write(world, path)
        written.append(str(path))
        records += len(world.start)
    if json:
        as_json({"files": written, "lines": lines, "days": days, "records": records})
        return
    out.print(
        f"{records:,} call records of {lines:,} lines over {days} days in {files} file(s) under {folder}"
    )
    out.print("the truth is beside each file: calls-….truth.json")
