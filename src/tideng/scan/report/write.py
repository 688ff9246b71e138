"""The reports of an appraisal into files: JSON, HTML in each language, PDF where typst and a font are
there.
"""

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Final

import duckdb
import msgspec

from tideng.documents import charts
from tideng.documents.standalone import page
from tideng.scan.appraisal import Appraisal, as_json
from tideng.scan.law import shipped_rules
from tideng.scan.law.arithmetic import load_rules
from tideng.scan.report.facts import Facts, Table, facts

UNREAD_ROWS: Final = 200


def write_all(appraisal: Appraisal, out: Path, languages: Sequence[str]) -> dict[str, Path]:
    """Write every form; form -> file. A file appears complete or not at all."""
    rules = load_rules(shipped_rules())
    names, unread = _names(out), _unread(out)
    written = {
        "json": _keep(out / "report.json", msgspec.json.format(msgspec.json.encode(as_json(appraisal))))
    }
    for number, language in enumerate(languages):
        told = facts(appraisal, rules, language, names, unread)
        ending = "" if number == 0 else f".{language}"
        written[f"html{ending}"] = _keep(out / f"report{ending}.html", html_of(told).encode())
        paper = pdf_of(told, appraisal.ended_at)
        if paper:
            written[f"pdf{ending}"] = _keep(out / f"report{ending}.pdf", paper)
    return written


def _keep(path: Path, data: bytes) -> Path:
    unfinished = path.with_name(f".{path.name}")
    unfinished.write_bytes(data)
    os.replace(unfinished, path)
    return path


# Not by parameters: binding one makes DuckDB import pandas, a quarter of a second.
def _names(out: Path) -> dict[int, str]:
    with duckdb.connect() as conn:
        files = conn.read_parquet(str(out / "files.parquet"))
        return dict(files.query("files", "SELECT file, path FROM files").fetchall())


def _unread(out: Path) -> list[tuple[str, str, str, int]]:
    with duckdb.connect() as conn:
        files = conn.read_parquet(str(out / "files.parquet"))
        rows = files.query(
            "files", "SELECT path, problem, detail, bytes FROM files WHERE problem <> ''"
        ).fetchall()
        if any((out / "members").glob("*.parquet")):
            members = conn.read_parquet(str(out / "members" / "*.parquet"))
            wanted = members.filter("reason <> ''").order("bytes DESC").limit(UNREAD_ROWS)
            rows += wanted.project("name, reason, detail, bytes").fetchall()
    return [(name, reason, detail, int(size)) for name, reason, detail, size in rows]


def html_of(told: Facts) -> str:
    """One page that stands alone."""
    w = told.words
    figures = "".join(f"<li><b>{escape(value)}</b>{escape(name)}</li>" for name, value in told.figures)
    drawn = {
        key: charts.bars([charts.Bar(name, value) for name, value in rows], title=w[key]) if rows else ""
        for key, rows in told.charts.items()
    }
    body = (
        f"<h1>{escape(w['title'])}</h1><p class='note'>{escape(w['lead'])}</p><ul class='figures'>{figures}</ul>"  # noqa: E501
        f"<h2>{w['h_request']}</h2>{_table(told.request)}<h2>{w['h_tools']}</h2>{_table(told.tools)}"
        f"<h2>{w['h_process']}</h2><p>{escape(w['method'])}</p>"
        f"<h2>{w['h_result']}</h2>{drawn['chart_kinds']}{_table(told.kinds)}{drawn['chart_files']}{_table(told.files)}"
        f"{drawn['chart_province']}{drawn['chart_age']}{_table(told.samples)}"
        f"<h2>{w['h_law']}</h2>{_table(told.law)}<p class='note'>{escape(w['law_note'])}</p>{_table(told.changes)}"  # noqa: E501
        f"{_table(told.sensitive)}<p class='muted'>{escape(w['labels_note'])}</p>"
        f"<h2>{w['h_sample']}</h2><p>{escape(w['sample_none'])}</p><h2>{w['h_unread']}</h2>{_table(told.unread)}"
        f"<h2>{w['h_custody']}</h2>{_table(told.custody)}<h2>{w['h_sign']}</h2><p>{escape(w['sign'])}</p>"
    )
    return page(title=w["title"], body=body, language=told.language)


def _table(table: Table) -> str:
    if not table.rows:
        return "<p class='muted'>–</p>"
    caption = f"<caption>{escape(table.caption)}</caption>" if table.caption else ""
    head = "".join(f"<th{_number(table, i)}>{escape(name)}</th>" for i, name in enumerate(table.columns))
    rows = "".join(
        "<tr>"
        + "".join(f"<td{_number(table, i)}>{escape(cell)}</td>" for i, cell in enumerate(row))
        + "</tr>"
        for row in table.rows
    )
    return f"<div class='scroll'><table>{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"  # noqa: E501


def _number(table: Table, place: int) -> str:
    return " class='number'" if place in table.numeric else ""


_TYPST: Final = """
#let d = data
#let grid_of(t) = if t.rows.len() > 0 [
  #if t.caption != "" [#text(weight: "bold", t.caption)]
  #table(columns: t.columns.len(), stroke: 0.4pt + luma(70%), inset: 4pt,
    ..t.columns.map(c => text(size: 8pt, weight: "bold", c)), ..t.rows.flatten().map(c => text(size: 8pt, c)))
] else [–]
= #d.words.title
#block(fill: luma(95%), inset: 8pt, d.words.lead)
#table(columns: 4, stroke: 0.4pt + luma(70%), ..d.figures.map(f => [#text(size: 13pt, weight: "bold", f.at(1)) \\ #text(size: 8pt, f.at(0))]))
== #d.words.h_request
#grid_of(d.request)
== #d.words.h_tools
#grid_of(d.tools)
== #d.words.h_process
#d.words.method
== #d.words.h_result
#grid_of(d.kinds)
#grid_of(d.files)
#grid_of(d.samples)
== #d.words.h_law
#grid_of(d.law)
#d.words.law_note
#grid_of(d.changes)
#grid_of(d.sensitive)
#d.words.labels_note
== #d.words.h_sample
#d.words.sample_none
== #d.words.h_unread
#grid_of(d.unread)
== #d.words.h_custody
#grid_of(d.custody)
== #d.words.h_sign
#d.words.sign
"""  # noqa: E501


def pdf_of(told: Facts, at_us: int) -> bytes | None:
    """The same as PDF; None where typst or a Chinese font is missing (the HTML page can be printed)."""
    try:
        from tideng.documents import pdf
    except ImportError:
        return None
    if not pdf.has_chinese_font():
        return None
    data: Mapping[str, object] = msgspec.to_builtins(told)
    return pdf.render(_TYPST, data, at=datetime.fromtimestamp(at_us / 1e6, UTC), title=told.words["title"])
