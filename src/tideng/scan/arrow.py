"""Columns for Arrow, made from bytes.

`pyarrow.array` asks whether it was given something of pandas, and imports pandas to find out: 0.2 s and 40 MB
in every process, where that is installed.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def numbers(column: NDArray[Any] | Sequence[int], kind: pa.DataType) -> pa.Array:
    """Whole numbers of an Arrow type as wide as they are."""
    held = np.ascontiguousarray(column, kind.to_pandas_dtype())
    return pa.Array.from_buffers(kind, len(held), [None, pa.py_buffer(held)])


def texts(column: Sequence[str]) -> pa.Array:
    """Strings of less than 2 GB altogether."""
    each = [text.encode() for text in column]
    ends = np.zeros(len(each) + 1, np.int32)
    np.cumsum([len(text) for text in each], out=ends[1:])
    return pa.Array.from_buffers(
        pa.string(), len(each), [None, pa.py_buffer(ends), pa.py_buffer(b"".join(each))]
    )


def column(values: Sequence[Any], kind: pa.DataType) -> pa.Array:  # Any: str or int, as the type says
    """Values of one type, none of them missing."""
    return texts(values) if pa.types.is_string(kind) else numbers(values, kind)
