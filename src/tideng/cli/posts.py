"""`tideng posts`: screen exports of public platforms for posts that sell personal data."""

import csv
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
import typer
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from tideng.cli.show import err, stop
from tideng.cli.text_judge import bundled_judge, cache_folder

if TYPE_CHECKING:
    from tideng.text.data_sale import Sale

app = typer.Typer(help="Posts of public platforms: who sells personal data.", no_args_is_help=True)


def add_to(main: typer.Typer) -> None:
    """Put `tideng posts` on the main command."""
    main.add_typer(app, name="posts", rich_help_panel="Reading texts")


TEXT_FIELDS: Final = ("text", "content", "body", "desc", "description", "message", "正文", "内容", "文本")
TITLE_FIELDS: Final = ("title", "标题")
ID_FIELDS: Final = ("id", "post_id", "note_id", "aweme_id", "mid", "编号")
BATCH: Final = 500
FIELD_BYTES_MAX: Final = 1_000_000


@app.callback()
def posts() -> None:
    """Posts of public platforms: who sells personal data."""


@app.command()
def screen(
    file: Annotated[Path, typer.Argument(help="JSONL or CSV export with a text and, if any, an id.")],
    report: Annotated[Path | None, typer.Option(help="Write an HTML report here.")] = None,
    text_field: Annotated[str, typer.Option(help="The field that holds the text; default: found.")] = "",
    unmask: Annotated[bool, typer.Option(help="Show contacts whole: only for whoever may see them.")] = False,
    all_posts: Annotated[
        bool, typer.Option("--all", help="A line for every post, not only for sales.")
    ] = False,
) -> None:
    """One JSON line per post that sells data: slots, yuan per record, contacts, seller; and a report."""
    from tideng.text.data_sale import Sale, clusters, read_sales

    judge = bundled_judge("auto", cache_folder(None))
    ids: list[str] = []
    texts: list[str] = []
    sales: list[Sale] = []
    columns = (SpinnerColumn(), TextColumn("{task.description} {task.completed:,}"), TimeElapsedColumn())
    unread = 0
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("posts screened", total=None)
        for number, row in _rows(file):
            text = _text(row, text_field) if row is not None else None
            if text is None:
                unread += 1
                err.print(f"[yellow]line {number}[/] has no text that can be read; it is not judged")
                continue
            ids.append(_id(row, number))
            texts.append(text)
            if len(texts) - len(sales) >= BATCH:
                sales += read_sales(judge, texts[len(sales) :])
                progress.update(task, completed=len(sales))
        sales += read_sales(judge, texts[len(sales) :])
    groups = clusters(sales)
    seller = {place: number for number, group in enumerate(groups, 1) for place in group.posts}
    for place, sale in enumerate(sales):
        if sale.for_sale or all_posts:
            line = _line(ids[place], sale, seller.get(place), unmask=unmask)
            sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
    sys.stdout.buffer.flush()
    if report is not None:
        from tideng.cli.posts_report import report_html

        page = report_html(ids, texts, sales, groups, unread, file.name, datetime.now(UTC), unmask=unmask)
        try:
            report.write_text(page, encoding="utf-8")
        except OSError as error:
            stop(f"cannot write {escape(str(report))}: {escape(error.strerror or str(error))}")
    count = sum(sale.for_sale for sale in sales)
    err.print(f"{len(sales):,} posts, {count:,} sell data, {len(groups)} sellers with more than one post")
    if unread:
        err.print(f"[yellow]{unread:,} lines could not be read[/]")


def _line(name: str, sale: "Sale", seller: int | None, *, unmask: bool) -> dict[str, object]:
    """What is said of one post."""
    from tideng.text.data_sale import mask_contact

    return {
        "id": name,
        "data_for_sale": sale.for_sale,
        "points": sale.points,
        "what": sale.what,
        "offer": sale.offer,
        "contacts": sale.contacts if unmask else tuple(mask_contact(one) for one in sale.contacts),
        "yuan_per_record": sale.yuan_per_record,
        "seller": seller,
    }


def _rows(file: Path) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """(line, row) of a JSONL or CSV file; None for a line that is no row."""
    try:
        if file.suffix.lower() == ".csv":
            csv.field_size_limit(FIELD_BYTES_MAX)
            with file.open(encoding="utf-8-sig", errors="replace", newline="") as source:
                for number, row in enumerate(csv.DictReader(source), 2):
                    yield number, {key: value for key, value in row.items() if key}
            return
        with file.open("rb") as source:
            for number, line in enumerate(source, 1):
                if line.strip():
                    yield number, _object(line)
    except OSError as error:
        stop(f"cannot read {escape(str(file))}: {escape(error.strerror or str(error))}; name another file")
    except csv.Error as error:
        stop(f"{escape(str(file))} is no CSV that can be read: {escape(str(error))}")


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        found = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _text(row: dict[str, Any], wanted: str) -> str | None:
    """The post's text, with its title in front."""
    fields = (wanted,) if wanted else TEXT_FIELDS
    body = next((row[f] for f in fields if isinstance(row.get(f), str) and row[f].strip()), None)
    title = next((row[f] for f in TITLE_FIELDS if isinstance(row.get(f), str) and row[f].strip()), None)
    if wanted or title is None:
        return body
    return title if body is None else f"{title}\n{body}"


def _id(row: dict[str, Any] | None, number: int) -> str:
    found = next((row[f] for f in ID_FIELDS if row and row.get(f) not in (None, "")), None)
    return str(found) if found is not None else f"line {number}"
