"""The plain table `tideng calls detect` reads: Parquet or CSV with caller, callee, start, ring_s, duration_s
…

DuckDB reads it in one pass of columns, so that a hundred million rows fit a laptop. A row that cannot be used
is counted with its reason and is no evidence of anything.
"""

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import duckdb
import numpy as np

from tideng.calls.columns import Calls, Unread

COLUMNS: Final = ("caller", "callee", "start", "ring_s", "duration_s", "answered", "line_class")
REQUIRED: Final = ("caller", "callee", "start")
SYNONYMS: Final = {"start": "start_s", "duration_s": "talk_s"}
"""Names of the same columns in the parts of an import."""
TALK_S_MAX: Final = 7 * 86_400
RING_S_MAX: Final = 3_600
HEADER_BYTES_MAX: Final = 65_536
LINE_BYTES_MAX: Final = 1_000_000
SAME_SECOND_MAX: Final = 3
"""More calls than this of one line in one second are a fault of the records, not of the line."""
CLOCK_SLACK_S: Final = 30 * 86_400
OUTSIDE_CLASSES: Final = ("mobile", "external", "foreign", "outside", "mobile_external", "cell")


class FileUnreadable(ValueError):
    """A file is no table of calls. The message says which and what is missing."""


def load(
    paths: Sequence[Path], *, area: str = "", memory: str = "4GB", threads: int = 2
) -> tuple[Calls, Unread]:
    """Every usable row of the files, in order of arrival, and what was put aside.

    `area`: the area code that numbers dialled without one belong to, as "021".
    """
    with _database(memory, threads) as con:
        read = sum(_stage(con, path) for path in paths)
        _normalise(con, area.lstrip("0"))
        reasons = dict(
            con.execute("SELECT reason, count(*) FROM judged WHERE reason <> '' GROUP BY 1").fetchall()
        )
        torn = int(con.execute("SELECT count(*) FROM torn").fetchone()[0])  # type: ignore[index]  # count(*) has a row
        if torn:
            reasons["torn_row"] = torn
        calls, repeated = _columns(con)
        if repeated:
            reasons["duplicate"] = repeated
        return calls, Unread(read=read + torn, reasons=reasons)


@contextmanager
def _database(memory: str, threads: int) -> Iterator[duckdb.DuckDBPyConnection]:
    con = duckdb.connect(
        config={"memory_limit": memory, "threads": threads, "preserve_insertion_order": False}
    )
    con.execute(
        "CREATE TEMP TABLE staged (a VARCHAR, b VARCHAR, s DOUBLE, r DOUBLE, d DOUBLE, ok VARCHAR, class "
        "VARCHAR)"
    )
    con.execute("CREATE TEMP TABLE torn (file VARCHAR, line BIGINT)")
    try:
        yield con
    finally:
        con.close()


def _stage(con: duckdb.DuckDBPyConnection, path: Path) -> int:
    if not path.is_file():
        raise FileUnreadable(f"{path.name} is no file")
    name = str(path)
    source = "read_parquet($1)" if path.suffix.lower() in (".parquet", ".pq") else _csv(path)
    try:
        found = {
            str(row[0]).strip().lower(): str(row[0])
            for row in con.execute(f"DESCRIBE SELECT * FROM {source}", [name]).fetchall()  # noqa: S608 - no value in it
        }
        for ours, theirs in SYNONYMS.items():
            if ours not in found and theirs in found:
                found[ours] = found[theirs]
        missing = [column for column in REQUIRED if column not in found]
        if missing:
            raise FileUnreadable(
                f"{path.name} has no column {', '.join(missing)}; it needs {', '.join(COLUMNS[:6])}"
                " (and may have line_class). Import other formats with `tideng calls import`."
            )
        before = _count(con, "staged")
        con.execute(f"INSERT INTO staged SELECT {_fields(found)} FROM {source}", [name])  # noqa: S608 - as above
        if "read_csv" in source:
            con.execute("INSERT INTO torn SELECT DISTINCT '', line FROM reject_errors")
            con.execute("DROP TABLE IF EXISTS reject_errors; DROP TABLE IF EXISTS reject_scans")
    except duckdb.Error as error:
        raise FileUnreadable(f"{path.name} cannot be read: {str(error).splitlines()[0][:200]}") from error
    return _count(con, "staged") - before


def _csv(path: Path) -> str:
    """How DuckDB is to read a CSV: told everything, so that damaged rows do not mislead its guessing."""
    with path.open("rb") as file:
        head = file.readline(HEADER_BYTES_MAX).decode("utf-8-sig", "replace").strip("\r\n")
    mark = max(",;\t|", key=head.count)
    names = next(csv.reader([head], delimiter=mark), [])
    if len(set(names)) != len(names) or not names:
        raise FileUnreadable(f"{path.name} has a header with missing or repeated names: {head[:200]!r}")
    columns = ", ".join(f"{_quoted(name)}: 'VARCHAR'" for name in names)
    return (
        f"read_csv($1, header=true, auto_detect=false, delim={_quoted(mark)}, quote='\"', escape='\"', "
        f"columns={{{columns}}}, store_rejects=true, ignore_errors=true, strict_mode=false, "
        f"max_line_size={LINE_BYTES_MAX}, rejects_limit=0)"
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    row = con.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - our own table names
    return int(row[0]) if row else 0


def _fields(found: dict[str, str]) -> str:
    def text(column: str) -> str:
        return f'trim(CAST("{found[column]}" AS VARCHAR))' if column in found else "NULL"

    def number(column: str, absent: str) -> str:
        return f"try_cast({text(column)} AS DOUBLE)" if column in found else absent

    start = text("start")
    moment = (
        f"coalesce(try_cast({start} AS DOUBLE), epoch(try_cast({start} AS TIMESTAMPTZ)))"
        if "start" in found
        else "NULL"
    )
    seconds = (
        f"CASE WHEN {moment} > 1e14 THEN {moment} / 1e6 "
        f"WHEN {moment} > 1e11 THEN {moment} / 1e3 ELSE {moment} END"
    )
    return ", ".join(
        [
            text("caller"),
            text("callee"),
            seconds,
            number("ring_s", "0"),
            number("duration_s", "0"),
            f"lower({text('answered')})",
            f"lower({text('line_class')})",
        ]
    )


def _e164(column: str, area: str) -> str:
    clean = rf"regexp_replace(regexp_replace({column}, '\.0$', ''), '[ \-().]', '', 'g')"
    local = f"WHEN regexp_matches({clean}, '^[2-8][0-9]{{6,7}}$') THEN '86{area}' || {clean} " if area else ""
    return (
        f"CASE WHEN regexp_matches({clean}, '^(\\+|00)[1-9][0-9]+$') THEN regexp_replace({clean}, "
        f"'^(\\+|00)', '') "
        f"WHEN regexp_matches({clean}, '^1[3-9][0-9]{{9}}$') THEN '86' || {clean} "
        f"WHEN regexp_matches({clean}, '^0[1-9][0-9]{{8,11}}$') THEN '86' || substr({clean}, 2) "
        f"{local}ELSE {clean} END"
    )


def _key(column: str) -> str:
    return (
        f"CASE WHEN regexp_matches({column}, '^[1-9][0-9]{{0,17}}$') THEN CAST({column} AS UBIGINT) "
        f"ELSE ('0x' || substr(md5({column}), 1, 15))::UBIGINT + 2000000000000000000 END"
    )


def _normalise(con: duckdb.DuckDBPyConnection, area: str) -> None:
    con.execute(
        "CREATE TEMP TABLE windowed AS SELECT quantile_cont(s, 0.001) AS first, quantile_cont(s, 0.999) "
        "AS last "
        "FROM staged WHERE s > 631152000 AND s < 4102444800"
    )
    yes = "('true','t','1','yes','y','answered','answer','1.0')"
    no = "('false','f','0','no','n','no answer','no_answer','busy','failed','cancel','0.0')"
    con.execute(
        f"""CREATE TEMP TABLE judged AS SELECT a AS raw, {_e164("a", area)} AS a, {_e164("b", area)} AS b,
            CAST(floor(s) AS BIGINT) AS s, CAST(round(coalesce(r, 0)) AS BIGINT) AS r,
            CASE WHEN ok IN {yes} OR (ok IS NULL OR ok NOT IN {no}) AND coalesce(d, 0) > 0
                 THEN CAST(round(coalesce(d, 0)) AS BIGINT) ELSE 0 END AS d,
            ok IN {yes} OR (ok IS NULL OR ok NOT IN {no}) AND coalesce(d, 0) > 0 AS ok, class,
            CASE WHEN a IS NULL OR a = '' THEN 'missing_caller' WHEN b IS NULL OR b = '' THEN 'missing_callee'
                 WHEN a = b THEN 'calls_itself'
                 WHEN s IS NULL OR isnan(s) THEN 'unreadable_start'
                 WHEN s <= 631152000 OR s >= 4102444800 THEN 'impossible_start'
                 WHEN s < first - {CLOCK_SLACK_S} OR s > last + {CLOCK_SLACK_S} THEN 'clock_jump'
                 WHEN coalesce(r, 0) < 0 OR coalesce(d, 0) < 0 THEN 'negative_duration'
                 WHEN isnan(coalesce(d, 0)) OR d > {TALK_S_MAX} OR isnan(coalesce(r, 0)) OR r > {RING_S_MAX}
                      THEN 'impossible_duration'
                 ELSE '' END AS reason
            FROM staged, windowed"""  # noqa: S608 - built from our own constants
    )
    con.execute("DROP TABLE staged")
    con.execute(
        f"""UPDATE judged SET reason = 'same_second' WHERE reason = '' AND (a, s) IN (
            SELECT (a, s) FROM judged WHERE reason = '' GROUP BY a, s
            HAVING count(DISTINCT b) > {SAME_SECOND_MAX})"""  # noqa: S608 - our own constant
    )


def _columns(con: duckdb.DuckDBPyConnection) -> tuple[Calls, int]:
    con.execute(
        f"""CREATE TEMP TABLE kept AS SELECT {_key("a")} AS a, {_key("b")} AS b, s, r, d, ok,
            any_value(raw) AS raw, any_value(class) AS class, count(*) AS times
            FROM judged WHERE reason = '' GROUP BY ALL"""  # noqa: S608 - built from our own constants
    )
    row = con.execute("SELECT coalesce(sum(times - 1), 0) FROM kept").fetchone()
    _watched(con)
    data = con.execute(
        """SELECT a, b, s, r, d, ok, coalesce(x.line, -1)::INTEGER AS la, coalesce(y.line, -1)::INTEGER AS lb
           FROM kept LEFT JOIN watched x ON x.key = a LEFT JOIN watched y ON y.key = b
           ORDER BY s + r + d, s, a, b, d"""
    ).fetchnumpy()
    lines = con.execute("SELECT raw, class FROM watched ORDER BY line").fetchall()
    calls = Calls(
        caller=np.ascontiguousarray(data["a"], np.uint64),
        callee=np.ascontiguousarray(data["b"], np.uint64),
        caller_line=np.ascontiguousarray(data["la"], np.int32),
        callee_line=np.ascontiguousarray(data["lb"], np.int32),
        start=np.ascontiguousarray(data["s"], np.int64),
        ring_s=np.ascontiguousarray(data["r"], np.int64),
        talk_s=np.ascontiguousarray(data["d"], np.int64),
        answered=np.ascontiguousarray(data["ok"], np.bool_),
        lines=tuple(str(line[0]) for line in lines),
        classes=tuple(str(line[1] or "") for line in lines),
    )
    return calls, int(row[0]) if row else 0


def _watched(con: duckdb.DuckDBPyConnection) -> None:
    """Which callers are lines of the operator's own: not mobiles, not numbers that only call in from outside.

    A file that holds nothing but mobiles is watched whole, and so is one whose numbers all look alike.
    """
    outside = ", ".join(f"'{name}'" for name in OUTSIDE_CLASSES)
    con.execute(
        f"""CREATE TEMP TABLE callers AS SELECT a AS key, any_value(raw) AS raw, max(class) AS class,
            count(*) AS calls, count(DISTINCT b) AS fan,
            bool_or(coalesce(class, '') IN ({outside})) AS is_outside,
            a BETWEEN 8613000000000 AND 8619999999999 AS is_mobile FROM kept GROUP BY a"""  # noqa: S608 - constants
    )
    con.execute(
        """CREATE TEMP TABLE inward AS SELECT k.a AS key, avg((coalesce(c.fan, 0) >= 3)::INTEGER) AS share
           FROM kept k LEFT JOIN callers c ON c.key = k.b GROUP BY k.a"""
    )
    con.execute(
        """CREATE TEMP TABLE watched AS
           WITH told AS (SELECT count(*) FILTER (fan >= 3) AS many,
                count(*) FILTER (fan >= 3 AND is_mobile) AS mobiles,
                count(*) FILTER (fan >= 3 AND share >= 0.9) AS inwards FROM callers JOIN inward USING (key)),
           chosen AS (SELECT key, raw, class FROM callers JOIN inward USING (key), told
                WHERE NOT is_outside AND (NOT is_mobile OR mobiles > 0.8 * many)
                  AND (share < 0.9 OR fan < 3 OR inwards > 0.3 * many))
           SELECT key, raw, class, (row_number() OVER (ORDER BY key) - 1)::INTEGER AS line FROM chosen"""
    )
