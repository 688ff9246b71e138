"""Sheets, databases and columns: xlsx xls xlsb ods, sqlite, parquet, jsonl and json."""

import datetime as dt
import io
import json
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import Any, BinaryIO, Final

import msgspec

from tideng.scan.readers.blocks import (
    MEMBER_BYTES_MAX,
    Block,
    CannotRead,
    Part,
    Unread,
    lines_of_rows,
    short,
    text_block,
)
from tideng.scan.readers.text import encoding_of, head_of, text_blocks

ROWS_AT_ONCE: Final = 20_000
FIELDS_MAX: Final = 400
"""Keys of one JSON object that become columns."""
JSON_BYTES_MAX: Final = 256_000_000
"""A single JSON document longer than this is read as text, line by line."""

Found = Iterator[Part | Unread]


def cell(value: Any) -> str:  # Any: whatever a cell holds
    """A cell as people see it: whole numbers without a point, dates in ISO form."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        # Excel keeps 15 significant digits: a longer "number" has lost its last digits for ever.
        if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        return f"{value:.5E}" if abs(value) >= 1e15 else repr(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace") if len(value) < 4096 else ""
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        return value.date().isoformat()
    return str(value)


def sheets(file: BinaryIO, name: str, size: int) -> Found:
    """Every sheet of a workbook, hidden ones too."""
    import python_calamine

    if size > MEMBER_BYTES_MAX:
        raise CannotRead("over_limit", f"a workbook of {size} bytes; the limit is {MEMBER_BYTES_MAX}")
    file.seek(0)
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(file)
    except python_calamine.PasswordError as error:
        raise CannotRead("encrypted", "a workbook under a password") from error
    except (python_calamine.CalamineError, ValueError, OSError) as error:
        raise CannotRead("damaged", short(error)) from error

    def blocks() -> Iterator[Block]:
        for sheet in book.sheet_names:
            try:
                rows = iter(book.get_sheet_by_name(sheet).iter_rows())
                first = next(rows, None)
            except (python_calamine.CalamineError, ValueError) as error:
                raise CannotRead("damaged", f"sheet {sheet!r}: {short(error)}") from error
            if first is None:
                continue
            texts = ([v if v.__class__ is str else cell(v) for v in row] for row in rows)
            yield from _table([cell(value) for value in first], texts, sheet)

    yield Part(name, "workbook", size, blocks())


def _table(first: list[str], rows: Iterator[list[str]], part: str) -> Iterator[Block]:
    if is_header(first):
        yield from lines_of_rows(rows, tuple(first), part, 2)
    else:
        yield from lines_of_rows(chain([first], rows), (), part, 1)


def is_header(row: list[str]) -> bool:
    """True if a first row names columns: short words, hardly a digit."""
    filled = [text for text in row if text.strip()]
    digits = sum(sum(c.isdigit() for c in text) > 4 for text in filled)
    return (
        len(filled) >= 1
        and digits == 0
        and all(len(text) <= 30 for text in filled)
        and not any("@" in t for t in filled)
    )


def sqlite(file: BinaryIO, name: str, size: int) -> Found:
    """Every table of a database, opened read-only and without its journal."""
    with tempfile.NamedTemporaryFile(suffix=".sqlite") as copy:
        file.seek(0)
        while piece := file.read(1 << 20):
            copy.write(piece)
        copy.flush()
        conn = sqlite3.connect(f"file:{copy.name}?mode=ro&immutable=1", uri=True)
        conn.text_factory = lambda raw: raw.decode("utf-8", "replace")
        try:
            tables = [row[0] for row in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            blocks = chain.from_iterable(_rows(conn, table) for table in tables)
            yield Part(name, "sqlite", size, chain(blocks, _whole(file, size)))
        except sqlite3.DatabaseError as error:
            raise CannotRead("damaged", short(error)) from error
        finally:
            conn.close()


def _whole(file: BinaryIO, size: int) -> Iterator[Block]:
    """Nothing; `CannotRead` if the header promises more pages than there are (SQLite file format §1.3)."""
    file.seek(0)
    head = file.read(100)
    page = int.from_bytes(head[16:18], "big")
    pages = int.from_bytes(head[28:32], "big")
    if pages * (65_536 if page == 1 else page) > size:
        raise CannotRead("damaged", f"cut short: {pages} pages were promised")
    yield from ()


def _rows(conn: sqlite3.Connection, table: str) -> Iterator[Block]:
    quoted = '"' + table.replace('"', '""') + '"'
    try:
        cursor = conn.execute(f"SELECT * FROM {quoted}")  # noqa: S608
        header = tuple(column[0] for column in cursor.description)
        rows = ([cell(value) for value in row] for row in cursor)
        yield from lines_of_rows(rows, header, table)
    except sqlite3.DatabaseError as error:
        raise CannotRead("damaged", f"table {table!r}: {short(error)}") from error


def parquet(file: BinaryIO, name: str, size: int) -> Found:
    """A Parquet file, batch by batch."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    file.seek(0)
    try:
        stored = pq.ParquetFile(file)
    except (pa.ArrowInvalid, OSError) as error:
        raise CannotRead("damaged", short(error)) from error
    header = tuple(stored.schema_arrow.names)

    def rows() -> Iterator[list[str]]:
        for batch in stored.iter_batches(ROWS_AT_ONCE):
            columns = [[cell(value) for value in column.to_pylist()] for column in batch.columns]
            yield from map(list, zip(*columns, strict=True))

    yield Part(name, "parquet", size, lines_of_rows(rows(), header, ""))


def json_lines(file: BinaryIO, name: str, size: int) -> Found:
    """One object per line; columns are the keys of the first objects."""
    encoding = encoding_of(head_of(file))
    texts = io.TextIOWrapper(file, encoding=encoding, errors="replace")

    def objects() -> Iterator[dict[str, str]]:
        for line in texts:
            try:
                value = msgspec.json.decode(line.encode("utf-8", "surrogatepass")) if line.strip() else {}
            except (msgspec.DecodeError, RecursionError):
                value = {"text": line.strip()}
            yield _flat(value)

    def blocks() -> Iterator[Block]:
        yield from _objects(objects())
        texts.detach()

    yield Part(name, "jsonl", size, blocks())


def _objects(objects: Iterator[dict[str, str]]) -> Iterator[Block]:
    first = list(islice(objects, 200))
    columns = list(dict.fromkeys(key for flat in first for key in flat))[:FIELDS_MAX]
    known = set(columns)

    def rows() -> Iterator[list[str]]:
        for flat in chain(first, objects):
            others = [f"{key}={value}" for key, value in flat.items() if key not in known]
            yield [flat.get(key, "") for key in columns] + ([" ".join(others)] if others else [])

    yield from lines_of_rows(rows(), tuple(columns), "")


def _flat(value: object, prefix: str = "") -> dict[str, str]:
    if isinstance(value, dict):
        flat: dict[str, str] = {}
        for key, inner in value.items():
            flat |= _flat(inner, f"{prefix}.{key}" if prefix else str(key))
        return flat
    if isinstance(value, list):
        return {prefix or "value": " ".join(text for inner in value for text in _flat(inner).values())}
    return {prefix or "value": " ".join(cell(value).split())}


def json_document(file: BinaryIO, name: str, size: int) -> Found:
    """One document: the longest list of objects in it is a table, everything else is text."""
    encoding = encoding_of(head_of(file))
    if size > JSON_BYTES_MAX:
        yield Part(name, "text", size, text_blocks(file, 0, size, encoding))
        return
    file.seek(0)
    try:
        value = json.loads(file.read().decode(encoding, "replace").removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        yield Part(name, "text", size, text_blocks(file, 0, size, encoding))
        return
    yield Part(name, "json", size, _document(value))


def _document(value: object) -> Iterator[Block]:
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value[:20]):
        yield from _objects(_flat(item) for item in value)
    elif isinstance(value, dict):
        plain = {key: inner for key, inner in value.items() if not isinstance(inner, list | dict)}
        if plain:
            yield text_block("\n".join(f"{key}: {cell(inner)}" for key, inner in plain.items()) + "\n")
        for inner in value.values():
            if isinstance(inner, list | dict):
                yield from _document(inner)
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, list | dict):
                yield from _document(item)
            else:
                yield text_block(cell(item) + "\n")
    else:
        yield text_block(cell(value) + "\n")


READERS: Final[dict[str, Callable[[BinaryIO, str, int], Found]]] = {
    "xlsx": sheets,
    "xls": sheets,
    "ods": sheets,
    "sqlite": sqlite,
    "parquet": parquet,
    "jsonl": json_lines,
    "json": json_document,
}
