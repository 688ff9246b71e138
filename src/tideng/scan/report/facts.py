"""What a report says, as plain rows: the HTML page and the PDF are two forms of the same. Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from tideng.scan.appraisal import Appraisal, sensitive_of
from tideng.scan.law.arithmetic import Rules
from tideng.scan.masking import mask
from tideng.scan.report.words import LANGUAGES, PROVINCES, kind_word

ROWS_MAX: Final = 40
"""Longer tables are cut in the report; the store has all rows."""
SAMPLES_MAX: Final = 12


class Table(Struct, frozen=True):
    """A table: what it is called, its columns, its rows; numeric columns are right-aligned."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[int, ...] = ()


class Facts(Struct, frozen=True):
    """A whole report before it is set."""

    language: str
    words: Mapping[str, str]
    figures: tuple[tuple[str, str], ...]
    request: Table
    tools: Table
    kinds: Table
    samples: Table
    files: Table
    law: Table
    changes: Table
    sensitive: Table
    unread: Table
    custody: Table
    charts: Mapping[str, tuple[tuple[str, float], ...]]


def facts(
    appraisal: Appraisal,
    rules: Rules,
    language: str,
    files: Mapping[int, str],
    unread: Sequence[tuple[str, str, str, int]],
) -> Facts:
    """Everything the report says in `language`. `files`: names by number; `unread`: member, reason,
    detail, bytes.
    """
    w = LANGUAGES[language]
    o = appraisal.outcome
    return Facts(
        language=language,
        words=w,
        figures=_figures(appraisal, w),
        request=Table(
            "",
            (w["paths"], w["started"], w["ended"]),
            tuple((p, _when(appraisal.started_at), _when(appraisal.ended_at)) for p in o.paths[:ROWS_MAX]),
        ),
        tools=Table("", (w["software"], w["tables"], w["rules"]), ((_software(), *_dates()),)),
        kinds=_kinds(appraisal, w, language),
        samples=_samples(appraisal, w, language),
        files=_files(appraisal, w, files),
        law=_law(appraisal, rules, w, language),
        changes=_changes(appraisal, w),
        sensitive=_sensitive(appraisal, w, language),
        unread=Table(
            "",
            (w["member"], w["reason"], w["detail"], w["bytes"]),
            tuple((name, reason, detail, f"{size:,}") for name, reason, detail, size in unread[:ROWS_MAX]),
            (3,),
        ),
        custody=Table("", (w["root"], w["entries"]), ((appraisal.root or "-", str(appraisal.entries)),)),
        charts=_charts(appraisal, language, files),
    )


def _figures(appraisal: Appraisal, w: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    o, p = appraisal.outcome, appraisal.outcome.persons
    numbers = (
        ("persons", p.persons),
        ("records", p.records),
        ("with_id", p.with_id),
        ("others", p.without_id),
        ("children", p.children),
        ("read", o.bytes_read),
        ("unread", o.bytes_unread),
        ("files", o.files),
    )
    return tuple((w[name], f"{number:,}") for name, number in numbers)


def _ranked(appraisal: Appraisal) -> list[tuple[str, int]]:
    return sorted(appraisal.outcome.counts.items(), key=lambda item: -item[1])


def _kinds(appraisal: Appraisal, w: Mapping[str, str], language: str) -> Table:
    distinct = appraisal.outcome.persons.distinct
    total = max(1, sum(appraisal.outcome.counts.values()))
    rows = tuple(
        (kind_word(k, language), f"{n:,}", f"{distinct[k]:,}" if k in distinct else "", f"{n / total:.1%}")
        for k, n in _ranked(appraisal)
    )
    return Table(w["chart_kinds"], (w["kind"], w["found"], w["distinct"], w["share"]), rows, (1, 2, 3))


def _samples(appraisal: Appraisal, w: Mapping[str, str], language: str) -> Table:
    rows = tuple(
        (kind_word(kind, language), mask(kind, value), _last(name), f"{line}")
        for name, line, kind, value in appraisal.outcome.samples[:SAMPLES_MAX]
    )
    return Table(w["value"], (w["kind"], w["value"], w["member"], w["line"]), rows, (3,))


def _files(appraisal: Appraisal, w: Mapping[str, str], files: Mapping[int, str]) -> Table:
    rows = tuple(
        (files.get(number, str(number)), f"{records:,}", f"{new:,}")
        for number, records, new in appraisal.outcome.persons.new_by_file[:ROWS_MAX]
    )
    return Table(w["chart_files"], (w["file"], w["records"], w["new"]), rows, (1, 2))


def _charts(
    appraisal: Appraisal, language: str, files: Mapping[int, str]
) -> dict[str, tuple[tuple[str, float], ...]]:
    p = appraisal.outcome.persons
    return {
        "chart_kinds": tuple((kind_word(kind, language), float(n)) for kind, n in _ranked(appraisal)[:16]),
        "chart_age": tuple((f"{age}–{int(age) + 9}", float(n)) for age, n in p.by_age.items()),
        "chart_province": tuple(
            (PROVINCES.get(code, code), float(n)) for code, n in list(p.by_province.items())[:20]
        ),
        "chart_files": tuple(
            (_last(files.get(number, str(number))), float(new)) for number, _, new in p.new_by_file[:12]
        ),
    }


def _law(appraisal: Appraisal, rules: Rules, w: Mapping[str, str], language: str) -> Table:
    t = appraisal.tiers
    rows = [
        (
            one.article,
            one.name_zh if language == "zh-CN" else one.name_en,
            f"{one.threshold:,}",
            f"{t.lowest.items.get(one.item, 0):,}",
            f"{t.highest.items.get(one.item, 0):,}",
        )
        for one in rules.classes
    ]
    if t.income_fen:
        rows.append(
            (w["income"], "", f"{rules.income_fen // 100:,}", f"{t.income_fen / 100:,.2f}", w[t.income_band])
        )
    rows.append((w["times"], "", "", f"{t.lowest.times:g}", f"{t.highest.times:g}"))
    rows.append((w["band"], "", "", w[t.band_low], w[t.band_high]))
    return Table(
        rules.title, (w["item"], w["kind"], w["threshold"], w["lowest"], w["highest"]), tuple(rows), (2, 3, 4)
    )


def _changes(appraisal: Appraisal, w: Mapping[str, str]) -> Table:
    names = {appraisal.tiers.lowest.name: w["lowest"], appraisal.tiers.highest.name: w["highest"]}
    rows = tuple(
        (
            names.get(d.reading, d.reading),
            f"({'三四五'[d.item - 3]})",
            f"{w['more'] if d.items > 0 else w['fewer']} {abs(d.items):,}",
            w[d.to],
        )
        for d in appraisal.tiers.distances
    )
    return Table(w["change"], ("", w["item"], w["count"], w["to"]), rows)


def _sensitive(appraisal: Appraisal, w: Mapping[str, str], language: str) -> Table:
    rows = tuple(
        (
            one.name_zh if language == "zh-CN" else one.name_en,
            w["yes"] if one.pipl_28 else "–",
            w["yes"] if one.gbt_45574 else "–",
            "; ".join(one.seen),
        )
        for one in sensitive_of(appraisal.outcome)
    )
    return Table(w["sensitive"], (w["category"], w["pipl"], "GB/T 45574-2025", w["seen_by"]), rows)


def _software() -> str:
    from tideng import __version__

    return f"tideng {__version__}"


def _dates() -> tuple[str, str]:
    from tideng.identifiers.tables import TABLES_DATE
    from tideng.scan.persons import RULES_DATE

    return TABLES_DATE, RULES_DATE


def _when(at: int) -> str:
    return datetime.fromtimestamp(at / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _last(name: str) -> str:
    short = name.replace("!", "/").rsplit("/", 1)[-1]
    return short if len(short) <= 36 else short[:16] + "…" + short[-18:]
