"""JSON lines with texts in, JSON lines with spans out: the shape that programs and test sets use."""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec
from msgspec import Struct

from tideng.identifiers.spans.find import TEXT_CHARACTERS_MAX, find

LINE_BYTES_MAX: Final = 64_000_000
"""A longer line is answered with an error of its own."""


class _Asked(Struct):
    id: str | int | None = None
    text: str = ""


_decode = msgspec.json.Decoder(_Asked).decode
_encode = msgspec.json.Encoder().encode


def answer(lines: Iterable[bytes], least: float = 0.0) -> Iterator[bytes]:
    """One line of JSON for every non-empty line: `id` and `spans`, or `id` null and `error`.

    Offsets count characters (Unicode code points) of the text as JSON decodes it. A bad line does not stop
    the others.
    """
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _encode(_answered(number, line, least)) + b"\n"


def _answered(number: int, line: bytes, least: float) -> dict[str, object]:
    if len(line) > LINE_BYTES_MAX:
        return {"id": None, "error": f"line {number} has {len(line)} bytes; the limit is {LINE_BYTES_MAX}"}
    try:
        asked = _decode(line[3:] if line.startswith(b"\xef\xbb\xbf") else line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        why = type(error).__name__ if isinstance(error, UnicodeDecodeError) else str(error)
        return {"id": None, "error": f"line {number} is not an object with id and text: {why}"}
    return {"id": asked.id, "spans": spans_of(asked.text, least)}


def spans_of(text: str, least: float = 0.0) -> list[dict[str, object]]:
    """The spans of one text as plain values, at least as sure as `least`; long texts are read in pieces."""
    return [
        {
            "start": start + span.start,
            "end": start + span.end,
            "kind": span.kind,
            "value": span.value,
            "confidence": span.confidence,
        }
        for start, piece in _pieces(text)
        for span in find(piece)
        if span.confidence >= least
    ]


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    start = 0
    while len(text) - start > TEXT_CHARACTERS_MAX:
        cut = text.rfind("\n", start, start + TEXT_CHARACTERS_MAX) + 1
        cut = cut if cut > start else start + TEXT_CHARACTERS_MAX
        yield start, text[start:cut]
        start = cut
    yield start, text[start:]
