"""What stands at a byte of a file, and why we think so."""

import getpass
from pathlib import Path
from typing import Final

from msgspec import Struct

from tideng.identifiers.bank_card import issuer
from tideng.identifiers.resident_id import read_resident_id
from tideng.identifiers.spans.find import find
from tideng.identifiers.spans.span import Span
from tideng.scan.custody import digest, opened
from tideng.scan.entries import UnmaskedEntry
from tideng.scan.masking import mask
from tideng.scan.readers.text import encoding_of, head_of

AROUND_BYTES: Final = 20_000
"""A line is looked for so far to both sides."""
REASON_CHARACTERS_MAX: Final = 200


class Explained(Struct, frozen=True):
    """One span on the line of the byte."""

    start: int
    """Bytes of the file."""
    end: int
    kind: str
    value: str
    confidence: float
    why: str
    is_at_offset: bool


class Line(Struct, frozen=True):
    """The line that holds the byte."""

    encoding: str
    line_start: int
    line_bytes: int
    spans: tuple[Explained, ...]


def explained(path: Path, offset: int, *, masked: bool = True) -> Line:
    """Every span on the line that holds byte `offset` of a text file. ValueError if the file is shorter."""
    with path.open("rb") as file:
        encoding = encoding_of(head_of(file))
        size = file.seek(0, 2)
        if offset >= size:
            raise ValueError(f"{path} has {size} bytes; there is no byte {offset}")
        first = max(0, offset - AROUND_BYTES)
        file.seek(first - first % 2)
        first -= first % 2
        around = file.read(2 * AROUND_BYTES)
    end_mark = {"utf-16-le": b"\n\x00", "utf-16-be": b"\x00\n"}.get(encoding, b"\n")
    begin = (
        around.rfind(end_mark, 0, offset - first) + len(end_mark)
        if end_mark in around[: offset - first]
        else 0
    )
    end = around.find(end_mark, offset - first)
    raw = around[begin : end if end >= 0 else len(around)]
    text = raw.decode(encoding, "replace")
    spans = []
    for span in find(text):
        at = first + begin + len(text[: span.start].encode(encoding, "replace"))
        stop = at + len(span.value.encode(encoding, "replace"))
        value = mask(span.kind, span.value) if masked else span.value
        spans.append(Explained(at, stop, span.kind, value, span.confidence, why(span), at <= offset < stop))
    return Line(encoding, first + begin, len(raw), tuple(spans))


def why(span: Span) -> str:
    """The reasons for a span in one sentence; quotes no digit of it."""
    if span.kind == "resident_id":
        read = read_resident_id(span.canonical)
        place = read.region_name if read else ""
        time = (
            ""
            if read is None or read.is_region_of_its_time
            else ", though the code had ended before that birth"
        )
        return f"check character, date of birth and region ({place or 'foreigner'}) are right{time}"
    if span.kind == "bank_card":
        found = issuer(span.canonical)
        return (
            f"Luhn digit is right; issued by {found[0]}"
            if found
            else "Luhn digit is right; scheme's prefix and length"
        )
    reasons = {
        "mobile": "11 digits with an assigned beginning",
        "landline": "a known area code and as many digits as it has",
        "credit_code": "check character of MOD 31 is right",
        "email": "form of a mail address",
        "name": "a family name and given characters, likelier than words here",
        "address": "a place of the gazetteer or a road, with what is inside it",
    }
    return reasons.get(span.kind, "form, and the words beside it")


def log_unmasked(folder: Path, place: str, reason: str) -> None:
    """Keep in the appraisal's ledger that somebody looks at `place` in clear, and why."""
    with opened(folder) as custody:
        custody.record(
            UnmaskedEntry(
                at=custody.now(),
                by=getpass.getuser(),
                place=digest([place]),
                reason=reason[:REASON_CHARACTERS_MAX],
            )
        )
