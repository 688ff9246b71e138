"""Statement files (CSV or workbook, any encoding) to rows, and a page that shows where the money came from."""  # noqa: E501

import csv
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tideng.documents import charts
from tideng.documents.standalone import page
from tideng.scan.money import Money, Payment, read_statement, sum_up
from tideng.scan.readers.blocks import Budget, Part
from tideng.scan.readers.open import parts_of

BARS_SHOWN: Final = 20
DAYS_SHOWN: Final = 400


def rows_of(path: Path) -> Iterator[list[str]]:
    """Every row of every table in a file, headings included; ValueError if nothing of it can be read."""
    found = False
    with path.open("rb") as file:
        size = path.stat().st_size
        for part in parts_of(file, path.name, size, Budget(packed=max(1, size))):
            if isinstance(part, Part):
                for block in part.blocks:
                    found = True
                    if block.header:
                        yield list(block.header)
                    text = block.data.decode(block.encoding, "replace")
                    sign = "\t" if block.is_table or text.count("\t") > text.count(",") else ","
                    yield from csv.reader(text.splitlines(), delimiter=sign)
    if not found:
        raise ValueError(f"{path} holds no table that can be read. Export it as CSV or XLSX.")


def money_of(paths: Sequence[Path], buyers: Sequence[str] = ()) -> Money:
    """All statements together, summed."""
    payments: list[Payment] = []
    skipped = 0
    for path in paths:
        more, left = read_statement(rows_of(path))
        payments += more
        skipped += left
    return sum_up(payments, skipped, buyers)


def keep_page(money: Money, path: Path) -> None:
    """Write one HTML page that stands alone: incomes with their assumptions, flows, days."""
    paying = [flow for flow in money.flows if flow.received_fen > 0][:BARS_SHOWN]
    bars = [charts.Bar(flow.party, flow.received_fen / 100) for flow in paying]
    days = [charts.Bar(day, fen / 100) for day, fen in list(money.by_day.items())[:DAYS_SHOWN]][:BARS_SHOWN]
    rows = "".join(
        f"<tr><td>{_safe(flow.party)}</td><td class='number'>{yuan(flow.received_fen)}</td>"
        f"<td class='number'>{yuan(flow.paid_fen)}</td><td class='number'>{flow.times}</td>"
        f"<td>{flow.first} – {flow.last}</td><td>{'疑似' if flow.is_suspected else ''}</td></tr>"
        for flow in money.flows[:BARS_SHOWN]
    )
    incomes = "".join(
        f"<li><b>{yuan(i.fen)}</b>{_safe(i.assumption)} ({i.parties})</li>" for i in money.incomes
    )
    body = (
        f"<h1>资金流水汇总 · Flows of money</h1><ul class='figures'>{incomes}</ul>"
        f"{charts.bars(bars, title='按对方汇总的收入（元）') if bars else ''}"
        f"{charts.bars(days, title='按日汇总的收入（元）') if days else ''}"
        "<table><thead><tr><th>对方</th><th>收</th><th>付</th><th>笔数</th><th>起止</th><th>标记</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )
    unfinished = path.with_name(f".{path.name}")
    unfinished.write_text(page(title="资金流水汇总", body=body), "utf-8")
    os.replace(unfinished, path)


def yuan(fen: int) -> str:
    """Cents as yuan with two places."""
    return f"{fen // 100:,}.{fen % 100:02}"


def _safe(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
