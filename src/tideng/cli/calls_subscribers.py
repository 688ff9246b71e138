"""`tideng calls subscribers`: learn from aggregates of months, and score others."""

import csv
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.markup import escape

from tideng.cli.show import as_json, err, not_installed, out, stop

app = typer.Typer(
    help="Subscribers by their aggregates of months (calls, texts, data, bills).", no_args_is_help=True
)


@app.command()
def train(
    file: Annotated[
        Path, typer.Argument(help="CSV of aggregates with a column `label` (0 honest, 1 fraudster).")
    ],
    model: Annotated[Path, typer.Option("--out", help="Where to write the model (plain JSON).")],
    seed: Annotated[int, typer.Option(help="Same seed, same model.")] = 1,
    effort: Annotated[
        float, typer.Option(min=0.001, max=10, help="Share of the usual rounds; less is faster.")
    ] = 1.0,
    json: Annotated[bool, typer.Option("--json", help="The quality as one JSON document.")] = False,
) -> None:
    """Learn a model and say, by cross-validation, how good it is. Absent columns are tolerated."""
    import importlib.util

    if importlib.util.find_spec("lightgbm") is None:
        not_installed("lightgbm", "train")
    from rich.progress import Progress

    from tideng.calls.subscribers import aggregates
    from tideng.calls.subscribers.model import ModelInvalid
    from tideng.calls.subscribers.model import train as learn

    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            table = aggregates.read(lines, labelled=True)
        with Progress(console=err, transient=True, disable=json) as progress:
            task = progress.add_task("learning, fold by fold")
            made = learn(
                table,
                seed=seed,
                effort=effort,
                progress=lambda done, total: progress.update(task, completed=done, total=total),
            )
        model.write_bytes(msgspec.json.encode(made))
    except (aggregates.TableInvalid, ModelInvalid, OSError, UnicodeDecodeError, csv.Error) as error:
        stop(escape(str(error)))
    quality = made.quality
    if json:
        as_json(
            {"model": str(model), "absent": table.absent, "unread_cells": table.unread, "quality": quality}
        )
        return
    out.print(
        f"{quality.rows:,} subscribers, {quality.positives:,} fraudsters; written to {escape(str(model))}"
    )
    out.print(
        f"cross-validated: AUC {quality.auc:.3f}; {quality.recall_at_1_percent:.1%} found at 1 % false "
        f"alarms, "
        f"{quality.recall_at_1_permille:.1%} at 0.1 %"
    )


@app.command()
def score(
    file: Annotated[Path, typer.Argument(help="CSV of aggregates; a label column is ignored.")],
    model: Annotated[Path, typer.Option(help="A model that `train` wrote.")],
    json: Annotated[bool, typer.Option("--json", help="One JSON object per subscriber and line.")] = False,
) -> None:
    """Score subscribers, in the order of the file: CSV (id, score, level), or JSON objects."""
    from tideng.calls.subscribers import aggregates
    from tideng.calls.subscribers.model import ModelInvalid, decode
    from tideng.calls.subscribers.model import score as judge

    try:
        known = decode(model.read_bytes())
        with file.open(encoding="utf-8-sig", newline="") as lines:
            table = aggregates.read(lines, labelled=False)
    except (aggregates.TableInvalid, ModelInvalid, OSError, UnicodeDecodeError, csv.Error) as error:
        stop(escape(str(error)))
    if table.absent:
        err.print(f"columns not in the file, taken as unknown: {escape(', '.join(table.absent))}")
    writer = csv.writer(sys.stdout)
    if not json:
        writer.writerow(("id", "score", "level"))
    for name, value in zip(table.names, judge(known, table.values).tolist(), strict=True):
        level = (
            "0.1%"
            if value > known.threshold_1_permille
            else "1%"
            if value > known.threshold_1_percent
            else ""
        )
        if json:
            sys.stdout.write(
                msgspec.json.encode({"id": name, "score": round(value, 6), "level": level}).decode() + "\n"
            )
        else:
            writer.writerow((name, round(value, 6), level))
