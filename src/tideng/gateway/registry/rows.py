"""Consents and opt-outs from CSV files, row by row: good rows are kept, bad ones named by line.

A number is parsed and turned into its subject at once; the number itself goes no further, and no reason
given for a bad row quotes it. Files come as spreadsheets save them: UTF-8 with or without a mark, or GBK.
"""

import csv
import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from difflib import get_close_matches
from typing import BinaryIO, Final, TypeVar, get_args

from msgspec import Struct

from tideng.gateway.messages import Micros
from tideng.gateway.registry.fields import sha256
from tideng.gateway.registry.problems import Problem, RegistryInvalid
from tideng.gateway.registry.values import Category, Consent, OptOut
from tideng.identifiers.phone import NotANumber, parse

LINE_BYTES_MAX: Final = 4096
FIELD_MAX: Final = 200

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_YEAR_MIN: Final = 2000
_YEAR_MAX: Final = 2199
"""Later moments leave the range in which JSON readers keep whole numbers exact (2^53 µs is in 2255)."""
_SPREADSHEET: Final = re.compile(
    r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[ T](\d{1,2}):(\d{1,2})(?::(\d{1,2}))?)?", re.ASCII
)
_CATEGORIES: Final = frozenset(get_args(Category))
_EVERYONE: Final = frozenset({"*", "全部"})

_NAMES: Final[Mapping[str, str]] = {
    "号码": "number",
    "手机号": "number",
    "委托方": "principal",
    "类别": "category",
    "文案版本": "wording",
    "渠道": "channel",
    "同意时间": "given_at",
    "到期时间": "expires_at",
    "凭证哈希": "proof_hash",
    "退订时间": "at",
    "来源": "source",
}
_CONSENT_COLUMNS: Final = ("number", "principal", "category", "wording", "channel", "given_at")
_CONSENT_EXTRAS: Final = ("expires_at", "proof_hash")
_OPT_OUT_COLUMNS: Final = ("number", "principal")
_OPT_OUT_EXTRAS: Final = ("at", "source")


class BadRow(Struct, frozen=True, gc=False):
    """A line that was not taken. `reason` says what to correct and quotes no number."""

    line: int
    reason: str


class Reading(Struct, frozen=True, kw_only=True):
    """What a row is read against."""

    subject_of: Callable[[str], str]
    """E.164 digits to subject (keyed hash)."""
    principals: Container[str]
    """Registered ids; a row naming another one is bad, because it would protect or allow no one."""
    now: Micros
    time_zone: tzinfo
    """Of times without an offset, and of dates: a date of expiry is that day's end."""
    region: str = "CN"
    """Of numbers without a country code, ISO 3166-1."""


class _Bad(Exception):
    pass


_R = TypeVar("_R", Consent, OptOut)


def read_consents(stream: BinaryIO, reading: Reading) -> Iterator[Consent | BadRow]:
    """Each row as a consent or a bad row, in order, one line in memory at a time.

    Columns in any order: number, principal, category, wording, channel, given_at; may be there:
    expires_at, proof_hash. Raises `RegistryInvalid` when the heading cannot be used.
    """
    return _read(stream, _CONSENT_COLUMNS, _CONSENT_EXTRAS, lambda row: _consent(row, reading))


def read_opt_outs(stream: BinaryIO, reading: Reading) -> Iterator[OptOut | BadRow]:
    """Each row as an opt-out or a bad row. Columns: number, principal (`*`: everyone); at, source.

    An opt-out without a time is in force from now. Raises `RegistryInvalid` when the heading cannot be used.
    """
    return _read(stream, _OPT_OUT_COLUMNS, _OPT_OUT_EXTRAS, lambda row: _opt_out(row, reading))


def _read(
    stream: BinaryIO,
    needed: Sequence[str],
    extras: Sequence[str],
    understand: Callable[[Mapping[str, str]], _R],
) -> Iterator[_R | BadRow]:
    lines = _lines(stream)
    _, first = next(lines, (1, b""))
    return _rows(lines, _heading(first, needed, extras), understand)


def _rows(
    lines: Iterable[tuple[int, bytes | None]],
    columns: Sequence[str],
    understand: Callable[[Mapping[str, str]], _R],
) -> Iterator[_R | BadRow]:
    for number, line in lines:
        if line is not None and not line.strip():
            continue
        try:
            cells = _cells(line)
            if len(cells) != len(columns):
                raise _Bad(f"has {len(cells)} fields; the heading has {len(columns)}. Add or remove commas")
            yield understand(dict(zip(columns, cells, strict=True)))
        except _Bad as bad:
            yield BadRow(number, str(bad))


def _lines(stream: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Numbered lines; None for one beyond the limit, whose rest is skipped, so that memory stays flat."""
    number = 0
    while line := stream.readline(LINE_BYTES_MAX + 1):
        number += 1
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if len(line) <= LINE_BYTES_MAX:
            yield number, line
            continue
        while line and not line.endswith(b"\n"):
            line = stream.readline(LINE_BYTES_MAX + 1)
        yield number, None


def _cells(line: bytes | None) -> list[str]:
    # Line by line, not through one csv.reader: an unclosed quotation mark would swallow the rows after it.
    if line is None:
        raise _Bad(f"is longer than {LINE_BYTES_MAX} bytes. Is it one row?")
    text = _decoded(line).rstrip("\r\n")
    if '"' not in text:
        return [cell.strip() for cell in text.split(",")]
    try:
        [cells] = csv.reader([text], strict=True)
    except csv.Error as error:
        raise _Bad("has a quotation mark that does not close. Double it, or remove it") from error
    return [cell.strip() for cell in cells]


def _decoded(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        pass  # then GBK, as spreadsheets on Chinese Windows save
    try:
        return line.decode("gb18030")
    except UnicodeDecodeError as error:
        raise _Bad("is neither UTF-8 nor GBK. Save the file as CSV UTF-8") from error


def _heading(line: bytes | None, needed: Sequence[str], extras: Sequence[str]) -> list[str]:
    try:
        columns = [_NAMES.get(cell, cell) for cell in _cells(line)]
    except _Bad as bad:
        raise RegistryInvalid([Problem("line 1", str(bad))]) from bad
    known = (*needed, *extras)
    problems = []
    # The heading is not quoted: a file without one begins with somebody's number.
    for nth, column in enumerate(columns, 1):
        close = get_close_matches(column, known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"
        if column not in known:
            problems.append(Problem("line 1", f"column {nth} has an unknown name; {hint}"))
        elif columns.index(column) < nth - 1:
            problems.append(Problem("line 1", f"column {nth} repeats {column!r}; keep one"))
    problems.extend(
        Problem("line 1", f"column {column!r} is missing; add it")
        for column in needed
        if column not in columns
    )
    if problems:
        raise RegistryInvalid(problems)
    return columns


def _consent(row: Mapping[str, str], reading: Reading) -> Consent:
    category = row["category"]
    if category not in _CATEGORIES:
        raise _Bad(f"category is not known; known are {', '.join(sorted(_CATEGORIES))}")
    given_at = _moment(row["given_at"], "given_at", reading)
    if given_at > reading.now:
        raise _Bad("given_at lies in the future. Correct it")
    until = row.get("expires_at", "")
    expires_at = _moment(until, "expires_at", reading, day_end=True) if until else 0
    if until and expires_at <= given_at:
        raise _Bad("expires_at does not lie after given_at. Correct one of them")
    proof_hash = row.get("proof_hash", "").lower()
    if any(True for _ in sha256(proof_hash)):
        raise _Bad("proof_hash is no SHA-256 in 64 hex digits. Correct it, or leave it empty")
    return Consent(
        principal=_principal(row["principal"], reading),
        recipient=_subject(row["number"], reading),
        category=category,  # type: ignore[arg-type]  # it is in _CATEGORIES
        wording=_words(row["wording"], "wording"),
        channel=_words(row["channel"], "channel"),
        given_at=given_at,
        expires_at=expires_at,
        proof_hash=proof_hash,
    )


def _opt_out(row: Mapping[str, str], reading: Reading) -> OptOut:
    said = row.get("at", "")
    at = _moment(said, "at", reading) if said else reading.now
    if at > reading.now:
        raise _Bad("at lies in the future. Correct it, or leave it empty for now")
    everyone = row["principal"] in _EVERYONE
    source = row.get("source", "")
    return OptOut(
        principal="*" if everyone else _principal(row["principal"], reading),
        recipient=_subject(row["number"], reading),
        at=at,
        source=_words(source, "source") if source else "import",
    )


def _subject(number: str, reading: Reading) -> str:
    try:
        return reading.subject_of(parse(number, reading.region).e164)
    except NotANumber as error:
        raise _Bad(f"number: {error.reason}") from error


def _principal(principal: str, reading: Reading) -> str:
    if principal not in reading.principals:
        raise _Bad("principal is not registered. Register it first, or correct the id")
    return principal


def _words(value: str, label: str) -> str:
    if not value:
        raise _Bad(f"{label} is empty. Fill it in")
    if len(value) > FIELD_MAX or not value.isprintable():
        raise _Bad(f"{label} is longer than {FIELD_MAX} characters or has control characters. Shorten it")
    return value


def _moment(value: str, label: str, reading: Reading, *, day_end: bool = False) -> Micros:
    """ISO 8601, or a spreadsheet's 2026/1/5 9:30; a date alone is its first moment, or the next day's."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        moment = _spreadsheet_moment(value, label)
    if not _YEAR_MIN <= moment.year <= _YEAR_MAX:
        raise _Bad(f"{label} is not between {_YEAR_MIN} and {_YEAR_MAX}. Correct it; empty means no end")
    if day_end and "T" not in value and " " not in value:
        moment += timedelta(days=1)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=reading.time_zone)
    return (moment - _EPOCH) // _MICROSECOND


def _spreadsheet_moment(value: str, label: str) -> datetime:
    parts = _SPREADSHEET.fullmatch(value)
    year, month, day, hour, minute, second = map(int, parts.groups("0")) if parts else (0,) * 6
    try:
        return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - `_moment` adds the zone
    except ValueError as error:
        raise _Bad(f"{label} is no time; write 2026-01-05T09:30:00+08:00 or 2026-01-05") from error
