"""`tideng text`: judge texts, explain a verdict, train the suspicion score on your own messages."""

import itertools
import os
import sys
from pathlib import Path
from typing import IO, Annotated

import typer
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from tideng.cli.context import Json
from tideng.cli.show import as_json, err, not_installed, out, stop, table
from tideng.cli.text_judge import (
    EngineChoice,
    bundled_judge,
    cache_folder,
    read_weights,
    shared_out,
    start_worker,
    tasks,
    work,
)

app = typer.Typer(help="What a text is, what it hides, and why.", no_args_is_help=True)


def add_to(main: typer.Typer) -> None:
    """Put `tideng text` on the main command."""
    main.add_typer(app, name="text", rich_help_panel="Reading texts")


Engine = Annotated[
    str, typer.Option(help="auto, hyperscan or ahocorasick; they find the same.", metavar="ENGINE")
]
Cache = Annotated[
    Path | None, typer.Option(help="Folder for compiled patterns; default: your cache directory.")
]
Weights = Annotated[
    Path | None, typer.Option(help="Suspicion weights of your own; default: the shipped ones.")
]
Score = Annotated[bool, typer.Option("--score/--no-score", help="With the suspicion score.")]


@app.command()
def judge(
    file: Annotated[
        str, typer.Argument(help="JSONL file of {id, text, channel?}; - is standard input.")
    ] = "-",
    processes: Annotated[int, typer.Option("--processes", "-p", min=0, help="0: one per core.")] = 0,
    engine: Engine = "auto",
    cache: Cache = None,
    score: Score = True,
    weights: Weights = None,
) -> None:
    """Judge every text of a JSONL file: one verdict line each, in their order, on standard output."""
    chosen, folder = _engine(engine), cache_folder(cache)
    scorer = read_weights(weights) if score else None
    count = processes or len(os.sched_getaffinity(0))
    with _opened(file) as source:
        todo = tasks(source)
        begun = list(itertools.islice(todo, 2))
        # Made before the processes, so that they have it from the first moment and at no cost.
        start_worker(chosen, folder, scorer)
        every = itertools.chain(begun, todo)
        answers = map(work, every) if len(begun) < 2 or count == 1 else shared_out(every, count)
        for number, answer in enumerate(answers):
            if number == 0:
                progress = _progress()
                progress.start()
                shown = progress.add_task("judged", total=None)
            _write(answer, progress, shown)
        if begun:
            progress.stop()


def _write(answer: tuple[int, bytes], progress: Progress, shown: object) -> None:
    count, lines = answer
    sys.stdout.buffer.write(lines)
    sys.stdout.buffer.flush()
    progress.advance(shown, count)  # type: ignore[arg-type]  # a TaskID is an int of rich's own


def _progress() -> Progress:
    columns = (SpinnerColumn(), TextColumn("{task.description} {task.completed:,}"), TimeElapsedColumn())
    return Progress(*columns, console=err, transient=True, disable=not err.is_terminal)


def _opened(file: str) -> IO[bytes]:
    if file == "-":
        return sys.stdin.buffer
    try:
        return Path(file).open("rb")
    except OSError as error:
        stop(f"cannot read {escape(file)}: {escape(error.strerror or str(error))}; name another file, or -")


def _engine(engine: str) -> EngineChoice:
    known: dict[str, EngineChoice] = {"auto": "auto", "hyperscan": "hyperscan", "ahocorasick": "ahocorasick"}
    if engine not in known:
        stop(f"--engine is {escape(engine)!r}; choose auto, hyperscan or ahocorasick")
    return known[engine]


@app.command()
def explain(
    text: Annotated[str, typer.Argument(help="The text, in quotes; - reads standard input.")],
    json: Json = False,
    engine: Engine = "auto",
    cache: Cache = None,
    weights: Weights = None,
) -> None:
    """Show one verdict with its reasons: marks, findings, what is named, folds, parts of the score."""
    from tideng.text.explaining import explain as explained

    given = sys.stdin.buffer.read().decode("utf-8", "replace").rstrip("\n") if text == "-" else text
    told = explained(bundled_judge(_engine(engine), cache_folder(cache), read_weights(weights)), given)
    if json:
        as_json(told)
        return
    out.print(told.marked, markup=True, soft_wrap=True)
    out.print(
        f"[bold]{told.verdict}[/]  review [bold]{told.review}[/]  category {', '.join(told.category)}"
        + ("  [bold red]data for sale[/]" if told.data_for_sale else "")
    )
    rows = [
        (f.code, f"{f.start}–{f.end}", escape(f.seen), escape(f.name), escape(f.next_step))
        for f in told.findings
    ]
    table("findings, strongest first", ("code", "where", "seen", "what", "what to do"), rows)
    table(
        "named in the text",
        ("kind", "where", "seen", "normal form", "remark"),
        [
            (e.kind, f"{e.start}–{e.end}", escape(e.seen), escape(e.normal), escape(e.remark))
            for e in told.entities
        ],
    )
    table(
        "read as something else",
        ("kind", "where", "seen", "read as"),
        [(f.kind, f"{f.start}–{f.end}", escape(f.seen), escape(f.read_as)) for f in told.folds],
    )
    if told.score is not None:
        out.print(f"suspicion {told.score:.4f}; a person looks from {told.threshold:.4f} on")
        table(
            "parts of the score (they add up)",
            ("part", "adds"),
            [(escape(part.what), f"{part.adds:+.4f}") for part in told.parts],
        )
    out.print(f"[dim]tables {told.tables}  knowledge {told.knowledge}  policy {told.policy}[/]")


@app.command()
def families(json: Json = False) -> None:
    """List the families of harm that are known, with their codes and levels."""
    found = bundled_judge("ahocorasick", cache_folder(None)).reader.book.rules
    if json:
        as_json(
            [
                {"code": r.family.code, "level": r.family.level, "zh": r.family.zh, "en": r.family.en}
                for r in found
            ]
        )
        return
    table(
        "families",
        ("code", "level", "名称", "name"),
        [(r.family.code, r.family.level, r.family.zh, r.family.en) for r in found],
    )


@app.command()
def calibrate(
    normals: Annotated[Path, typer.Argument(help="JSONL of {text}: your own normal messages.")],
    into: Annotated[Path, typer.Option("--out", help="Where the weights go.")],
    weights: Weights = None,
    budget: Annotated[
        float, typer.Option(min=0, max=0.5, help="Share of normals that may be lifted.")
    ] = 0.005,
    json: Json = False,
) -> None:
    """Set the threshold of the suspicion score on your own normal messages; the weights stay as they are."""
    from tideng.cli.text_train import read_normals, write_out
    from tideng.text.calibrating import TooFewLines, calibrated, folded_texts
    from tideng.text.suspicion import WeightsInvalid, read_scorer
    from tideng.text.tables import bundled_tables
    from tideng.text.tables_read import read_tables

    usual = read_normals(normals)
    try:
        before = read_scorer(read_weights(weights), read_tables(bundled_tables()))
        scores = before.scores(folded_texts(usual, before.tables))
        content = calibrated(before, scores, budget=budget)
    except (TooFewLines, WeightsInvalid) as error:
        stop(escape(str(error)))
    write_out(into, content)
    after = read_scorer(content, before.tables)
    was, now = int((scores >= before.threshold).sum()), int((scores >= after.threshold).sum())
    if json:
        as_json(
            {
                "normals": len(usual),
                "threshold": {"before": before.threshold, "after": after.threshold},
                "lifted": {"before": was, "after": now},
            }
        )
        return
    out.print(
        f"{len(usual):,} normal messages: the threshold goes from {before.threshold:.4f} "
        f"to {after.threshold:.4f} and lifts {now} of them, not {was}; weights in {escape(str(into))}"
    )


@app.command()
def train(
    file: Annotated[Path, typer.Argument(help="JSONL of {text, label: danger|harmless, group?}.")],
    into: Annotated[Path, typer.Option("--out", help="Where the weights go.")],
    normals: Annotated[
        Path | None, typer.Option(help="JSONL of {text}: your own normal messages, for the threshold.")
    ] = None,
    budget: Annotated[
        float, typer.Option(min=0, max=0.5, help="Share of normals that may be lifted.")
    ] = 0.005,
    seed: Annotated[int, typer.Option(help="Same seed and lines, same bytes.")] = 1,
    freedom: Annotated[
        float, typer.Option(min=0.001, max=1e6, help="How freely weights grow; lower for few or noisy lines.")
    ] = 200.0,
    json: Json = False,
) -> None:
    """Train the suspicion score on lines you may use; the threshold keeps to a false-alarm budget."""
    from tideng.cli.text_train import read_labelled, read_normals, write_out
    from tideng.text.tables import bundled_tables
    from tideng.text.tables_read import read_tables

    try:
        import sklearn  # noqa: F401 - only whether it is there
    except ImportError:
        not_installed("scikit-learn", "train")
    from tideng.text.calibrating import TooFewLines
    from tideng.text.training import train as trained

    rows = read_labelled(file)
    usual = read_normals(normals) if normals is not None else []
    try:
        made = trained(
            [row.text for row in rows],
            [row.label == "danger" for row in rows],
            read_tables(bundled_tables()),
            normals=usual,
            budget=budget,
            seed=seed,
            freedom=freedom,
            groups=[row.group or row.text for row in rows],
        )
    except TooFewLines as error:
        stop(escape(str(error)))
    write_out(into, made.content)
    told = {
        "lines": len(rows),
        "recall": made.recall,
        "false_alarms": made.false_alarms,
        "bytes": len(made.content),
    }
    if json:
        as_json(told)
        return
    out.print(
        f"{len(rows)} lines; on lines held out by group: recall {made.recall:.3f} "
        f"at {made.false_alarms:.4f} false alarms; {len(made.content):,} bytes in {escape(str(into))}"
    )
