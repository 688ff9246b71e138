"""One call as everything after the readers sees it, and one row that could not become a call. Pure."""

import hashlib
from typing import Final, Literal

import msgspec
from msgspec import Struct

Reason = Literal[
    "missing_caller",
    "missing_callee",
    "unreadable_start",
    "impossible_start",
    "unreadable_duration",
    "negative_duration",
    "impossible_duration",
    "reversed_times",
    "torn_row",
    "not_a_call",
    "too_long_row",
    "unreadable_encoding",
    "truncated",
]
"""Why a row was put aside."""

TALK_S_MAX: Final = 7 * 86_400
RING_S_MAX: Final = 3_600
START_MIN: Final = 631_152_000
"""1990: nothing that writes call records in UTC seconds is older."""
START_MAX: Final = 4_102_444_800
RAW_BYTES_MAX: Final = 1_000_000
"""One row; a longer one is no call record but a damaged file."""


class CallRecord(Struct, frozen=True, kw_only=True, gc=False):
    """One call, legs merged. Numbers are E.164 digits where that could be said, else as written."""

    call_id: str
    caller: str
    callee: str
    start_s: int
    """Seconds UTC of the first ringing or seizure."""
    ring_s: int
    talk_s: int
    answered: bool
    cause: str = ""
    """As the source gives it: a Q.850 number, a SIP code, a word."""
    line_class: str = ""
    trunk: str = ""
    forwarded_by: str = ""
    source: str = ""
    """Name of the file or socket."""
    offset: int = 0
    """Row or byte in it, from 0."""
    raw: str = ""
    """SHA-256 hex of the row(s) it was made from: what evidence refers to."""


class Refused(Struct, frozen=True, kw_only=True, gc=False):
    """A row that is no usable call: counted, kept by hash, never evidence."""

    reason: Reason
    source: str
    offset: int
    raw: str


def raw_hash(*rows: bytes) -> str:
    """SHA-256 hex over rows, each closed by a line feed, as they stood in the source."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(row)
        digest.update(b"\n")
    return digest.hexdigest()


def record_key(record: CallRecord) -> bytes:
    """The same call from the same row, however its file is named or often it comes: sixteen bytes."""
    said = (record.call_id, record.caller, record.callee, record.start_s, record.ring_s, record.talk_s)
    return hashlib.blake2b(msgspec.json.encode(said), digest_size=16).digest()


def checked(record: CallRecord) -> CallRecord | Refused:
    """The record if a call can be like that, else why not."""
    reason = problem(record)
    if reason is None:
        return record
    return Refused(reason=reason, source=record.source, offset=record.offset, raw=record.raw)


def problem(record: CallRecord) -> Reason | None:
    """What no call can be like; None when all is well."""
    if not record.caller:
        return "missing_caller"
    if not record.callee:
        return "missing_callee"
    if not START_MIN < record.start_s < START_MAX:
        return "impossible_start"
    if record.ring_s < 0 or record.talk_s < 0:
        return "negative_duration"
    if record.talk_s > TALK_S_MAX or record.ring_s > RING_S_MAX:
        return "impossible_duration"
    return None
