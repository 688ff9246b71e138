"""An operator's own table: CSV with a header (`operator_parquet`: Parquet), read by a mapping file. Pure.

A mapping is TOML: `caller = "msisdn"`, `callee = "other_party"`, `start = "start_datetime"` and, as they
exist,
`ring_s`, `answer`, `end`, `duration_s`, `answered`, `cause`, `line_class`, `trunk`, `call_id`,
`forwarded_by`;
`direction = "call_event"` with `incoming = ["call_dst"]` swaps the two parties of incoming rows.
"""

import tomllib
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec
from msgspec import Struct

from tideng.calls.readers.origin import Origin, Outcome, Row, call, cells, moment, refused
from tideng.calls.records import Refused

_NO: Final = frozenset({"", "0", "false", "f", "n", "no", "no answer", "busy", "failed", "否"})


class MappingInvalid(ValueError):
    """A mapping file does not say what is needed. The message says what."""


class Mapping(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which column holds what; "" is: none does."""

    caller: str
    callee: str
    start: str
    ring_s: str = ""
    answer: str = ""
    end: str = ""
    duration_s: str = ""
    answered: str = ""
    cause: str = ""
    line_class: str = ""
    trunk: str = ""
    call_id: str = ""
    forwarded_by: str = ""
    direction: str = ""
    incoming: tuple[str, ...] = ()


PLAIN: Final = Mapping(
    caller="caller",
    callee="callee",
    start="start",
    ring_s="ring_s",
    duration_s="duration_s",
    answered="answered",
    line_class="line_class",
)
"""The columns of `tideng calls detect`."""


def mapping(raw: bytes) -> Mapping:
    """The mapping that TOML bytes say. Raises `MappingInvalid`."""
    try:
        return msgspec.convert(tomllib.loads(raw.decode("utf-8")), Mapping)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise MappingInvalid(f"the mapping cannot be used: {error}") from error


def read(rows: Iterable[Row], origin: Origin, columns: Mapping = PLAIN) -> Iterator[Outcome]:
    """Calls, one a row."""
    names: list[str] = []
    for row in rows:
        values = cells(row, origin)
        if isinstance(values, Refused):
            yield values
        elif not names:
            names = [value.strip() for value in values]
            absent_columns(names, origin, columns)
        elif len(values) != len(names):
            yield refused("torn_row", origin, row)
        else:
            yield one_call(dict(zip(names, values, strict=True)), row, origin, columns)


def absent_columns(names: list[str], origin: Origin, columns: Mapping) -> None:
    """Raises `MappingInvalid` when a table lacks a column that every call needs."""
    absent = [name for name in (columns.caller, columns.callee, columns.start) if name not in names]
    if absent:
        raise MappingInvalid(
            f"{origin.name} has no column {', '.join(absent)}; it has {', '.join(names)[:300]}"
        )


def one_call(said: dict[str, str], row: Row, origin: Origin, columns: Mapping) -> Outcome:
    """The call that a row says, its fields as text by column name; or the row, put aside."""

    def field(name: str) -> str:
        return said.get(name, "").strip() if name else ""

    start = moment(field(columns.start), origin.zone)
    if start is None:
        return refused("unreadable_start", origin, row)
    answer, end = moment(field(columns.answer), origin.zone), moment(field(columns.end), origin.zone)
    try:
        ring = float(field(columns.ring_s) or (answer - start if answer is not None else 0))
        talk = float(field(columns.duration_s) or (end - (answer or start) if end is not None else 0))
    except ValueError:
        return refused("unreadable_duration", origin, row)
    if end is not None and end < start:
        return refused("reversed_times", origin, row)
    if columns.answered:
        answered = field(columns.answered).lower() not in _NO
    else:
        answered = answer is not None or (not columns.answer and talk > 0)
    caller, callee = field(columns.caller), field(columns.callee)
    if columns.direction and field(columns.direction) in columns.incoming:
        caller, callee = callee, caller
    return call(
        origin,
        [row],
        call_id=field(columns.call_id),
        caller=caller,
        callee=callee,
        start_s=start,
        ring_s=ring,
        talk_s=talk,
        answered=answered,
        cause=field(columns.cause),
        line_class=field(columns.line_class),
        trunk=field(columns.trunk),
        forwarded_by=field(columns.forwarded_by),
    )
