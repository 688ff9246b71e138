"""Many rows in one statement: how to write to SQLite while another thread keeps the interpreter busy.

Python's sqlite3 lets go of the interpreter lock around every step, and every row of `executemany` is a
step. A busy event loop makes the writer wait up to the switch interval (5 ms) each time to get it back:
512 rows took 360 ms that way, and 20 ms as one statement. So rows travel as one JSON document and blobs
as one long blob, and SQLite takes them apart without Python:

    INSERT INTO entry (idx, leaf)
    SELECT value->>0, substr(?2, (value->>1) + 1, value->>2) FROM json_each(?1)

The same trick serves updates (`UPDATE … FROM json_each(?1)` with `rows_json`) and reads
(`SELECT json_group_array(…)`, one row back). json_each has columns of its own (key, value, type, atom, id,
parent, path): qualify yours.
"""

import sqlite3
from collections.abc import Collection, Iterable, Sequence

import msgspec

_encode = msgspec.json.Encoder().encode
_NUL = "\\u0000"


def rows_json(rows: Iterable[object]) -> str:
    """JSON text for `json_each(?)`: text, integers, floats, booleans (as 1/0), None, arrays, objects.

    `value->>0` gives the first item of a row given as a tuple or list. Bytes do not belong here (they would
    arrive as base64 text): use `BulkInsert` with `blobs`. ValueError for text with U+0000, which SQLite's
    JSON would cut there without a word.
    """
    encoded = _encode(rows if isinstance(rows, list | tuple) else list(rows)).decode()
    if _NUL in encoded and _NUL in encoded.replace("\\\\", ""):
        raise ValueError("a text holds U+0000, where SQLite's JSON would cut it. Keep such text as a blob.")
    return encoded


class BulkInsert:
    """A prepared `INSERT` of any number of rows as one statement, in the order given.

    `columns` name the items of each row; those also in `blobs` take bytes (or None). `conflict` is either
    empty (a duplicate key fails the whole insert), `"IGNORE"`, or an `ON CONFLICT …` clause. Names come
    from code, never from input, because SQL has no parameters for them.
    """

    def __init__(
        self, table: str, columns: Sequence[str], *, blobs: Collection[str] = (), conflict: str = ""
    ) -> None:
        for name in (table, *columns):
            if not name.isidentifier():
                raise ValueError(f"{name!r} is not an SQL name; use letters, digits and underscores")
        unknown = set(blobs) - set(columns)
        if unknown:
            raise ValueError(f"blobs {sorted(unknown)} are not among the columns {list(columns)}")
        self._blobs = [i for i, name in enumerate(columns) if name in blobs]
        # A row is its columns in order, blobs as their offset, followed by the lengths of the blobs.
        values = [f"value->>{i}" for i in range(len(columns))]
        for nth, i in enumerate(self._blobs):
            values[i] = f"substr(?2, (value->>{i}) + 1, value->>{len(columns) + nth})"
        ignore = " OR IGNORE" if conflict == "IGNORE" else ""
        # `WHERE true`: without it SQLite's parser takes ON CONFLICT for a join condition (lang_upsert §2.2).
        clause = f" WHERE true {conflict}" if conflict and not ignore else ""
        self.sql = (
            f"INSERT{ignore} INTO {table} ({', '.join(columns)}) "  # noqa: S608 - names are checked above
            f"SELECT {', '.join(values)} FROM json_each(?1){clause}"
        )

    def insert(self, conn: sqlite3.Connection, rows: Sequence[Sequence[object]]) -> int:
        """Insert `rows` inside the caller's transaction; the number of rows inserted or updated."""
        if not rows:
            return 0
        return conn.execute(self.sql, self.pack(rows)).rowcount

    def pack(self, rows: Sequence[Sequence[object]]) -> tuple[str] | tuple[str, bytes]:
        """The statement's parameters for `rows`. Pure; may be done on another thread, ahead of the writer."""
        if not self._blobs:
            return (rows_json(rows),)
        pieces: list[bytes] = []
        offset = 0
        packed: list[list[object]] = []
        for row in rows:
            flat = list(row)
            for i in self._blobs:
                blob = flat[i]
                if blob is None:
                    flat.append(None)
                    continue
                if not isinstance(blob, bytes):
                    raise TypeError(f"column {i} is a blob; got {type(blob).__name__}, give bytes or None")
                flat[i] = offset
                flat.append(len(blob))
                pieces.append(blob)
                offset += len(blob)
            packed.append(flat)
        # Never empty: SQLite's substr makes NULL of an empty blob's empty part.
        return rows_json(packed), b"".join(pieces) or b"\0"
