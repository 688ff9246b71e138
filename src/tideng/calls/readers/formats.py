"""Which reader reads what: by the name the operator gives, or by how the first octets look. Pure."""

from collections.abc import Iterator
from typing import Final, Literal, get_args

from tideng.calls.readers import asterisk, ber, cucm, freeswitch, kamailio, operator, operator_parquet
from tideng.calls.readers.origin import Origin, Outcome, Row, text_rows

Format = Literal[
    "auto", "asterisk", "freeswitch-json", "freeswitch-csv", "kamailio", "cucm", "ber", "operator"
]
FORMATS: Final = get_args(Format)
ASTERISK_COMMAS_MIN: Final = 15


class FormatUnknown(ValueError):
    """The octets look like none of the formats; name one."""


def guess(head: bytes) -> Format:
    """The format of a file that begins so. Raises `FormatUnknown`."""
    line = head.split(b"\n", 1)[0].strip().lower().removeprefix(b"\xef\xbb\xbf")
    if line.startswith(b"{"):
        return "freeswitch-json"
    if head[:1] in (b"\xa0", b"\xa1", b"\xa3", b"\xa4", b"\xbf"):
        return "ber"
    if head.startswith(operator_parquet.MAGIC):
        return "operator"
    if b"globalcallid_callid" in line:
        return "cucm"
    if b"callid" in line and (b"method" in line or b"start_time" in line or b"from_tag" in line):
        return "kamailio"
    if b"caller" in line and b"callee" in line:
        return "operator"
    if line.count(b",") >= ASTERISK_COMMAS_MIN and any(
        word in line for word in (b"answer", b"busy", b"failed")
    ):
        return "asterisk"
    raise FormatUnknown(f"the file looks like none of {', '.join(FORMATS[1:])}; name its --format")


def read(
    raw: bytes,
    format: Format,
    origin: Origin,
    *,
    template: str = "",
    columns: operator.Mapping = operator.PLAIN,
) -> Iterator[Outcome]:
    """Every row of a file as a call, or put aside with its reason."""
    match guess(raw[:65_536]) if format == "auto" else format:
        case "ber":
            return ber.read(raw, origin)
        case "freeswitch-json":
            return freeswitch.read_json(_documents(raw), origin)
        case "freeswitch-csv":
            return freeswitch.read_csv(text_rows(raw), origin, template)
        case "kamailio":
            return kamailio.read(text_rows(raw), origin)
        case "cucm":
            return cucm.read(text_rows(raw), origin)
        case "asterisk":
            return asterisk.read(text_rows(raw), origin)
        case _ if raw.startswith(operator_parquet.MAGIC):
            return operator_parquet.read(raw, origin, columns)
        case _:
            return operator.read(text_rows(raw), origin, columns)


def _documents(raw: bytes) -> Iterator[Row]:
    """One document over several lines, or one a line."""
    rows = [*text_rows(raw)]
    if len(rows) > 1 and not all(row.raw.startswith(b"{") and row.raw.endswith(b"}") for row in rows):
        yield Row(0, raw)
    else:
        yield from rows
