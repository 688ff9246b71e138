"""An operator's own table as Parquet, read by the same mapping file as its CSV. Pure: bytes in, calls out."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from tideng.calls.readers.operator import PLAIN, Mapping, absent_columns, one_call
from tideng.calls.readers.origin import Origin, Outcome, Row, refused
from tideng.calls.records import RAW_BYTES_MAX

MAGIC: Final = b"PAR1"
BATCH_ROWS: Final = 65_536
_TORN_SHOWN: Final = 4_096
"""Octets by which a file that cannot be opened is known again."""


def read(raw: bytes, origin: Origin, columns: Mapping = PLAIN) -> Iterator[Outcome]:
    """Calls, one a row; a row's offset is its number. A file or row group that is damaged is put aside whole.

    Times may be text, numbers or timestamps; one without a zone is the origin's. Raises `MappingInvalid`.
    """
    import pyarrow as pa  # ships no types
    import pyarrow.parquet as pq  # ships no types

    done = 0
    try:
        with pq.ParquetFile(pa.BufferReader(raw)) as file:
            names = list(file.schema_arrow.names)
            absent_columns(names, origin, columns)
            mapped = _named(columns)
            wanted = [name for name in names if name in mapped]
            for batch in file.iter_batches(BATCH_ROWS, columns=wanted):
                for said in batch.to_pylist():
                    texts = {name: _text(value) for name, value in said.items()}
                    # As far as it was read: the same row in another file has the same hash.
                    held = Row(done, json.dumps(texts, ensure_ascii=False, sort_keys=True).encode())
                    if len(held.raw) > RAW_BYTES_MAX:
                        yield refused("too_long_row", origin, held)
                    else:
                        yield one_call(texts, held, origin, columns)
                    done += 1
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        yield refused("torn_row", origin, Row(done, raw[:_TORN_SHOWN]))


def _named(columns: Mapping) -> set[str]:
    return {
        value
        for name in Mapping.__struct_fields__
        if isinstance(value := getattr(columns, name), str) and value
    }


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value)
