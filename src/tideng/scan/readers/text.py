"""Plain text: which encoding, and where it may be cut."""

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from tideng.scan.readers.blocks import BLOCK_BYTES, Block
from tideng.scan.readers.sniff import HEAD_BYTES, utf16_order

LINE_BYTES_MAX: Final = 1_000_000
"""A line longer than this is cut, at a sign that no number contains where there is one."""
_DELIMITERS: Final = ("\t", ",", ";", "|", "，", "^", "\x01")
_SAMPLE_LINES: Final = 40
_COMMON: Final = frozenset(
    "的一是不在人有我他中大国上个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可她里后么"
    "市区县号姓名电话手机地址身份证省路街公司银行男女客户会员日期订单金额备注"
)
_COMMON_OLD: Final = frozenset(
    "的一是不在人有我他中大國上個到說們為子和你地出道也時年得就那要下以生會自著去之過家學對可她裡後麼"
    "市區縣號姓名電話手機地址身份證省路街公司銀行男女客戶會員日期訂單金額備註"
)


def encoding_of(sample: bytes) -> str:
    """The encoding of a text that begins with `sample`; UTF-8 before GB18030 before Big5, by validity and
    wording.
    """
    if sample.startswith(codecs.BOM_UTF8):
        return "utf-8"
    if sample.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le"
    if sample.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be"
    if b"\x00" in sample:
        return utf16_order(sample) or "utf-8"
    if sample.isascii() or _valid(sample, "utf-8"):
        return "utf-8"
    gb, big5 = _valid(sample, "gb18030"), _valid(sample, "big5")
    if gb and big5:
        # Both accept almost any pair of bytes; the right reading has far more of the commonest characters.
        as_gb = sum(c in _COMMON for c in sample.decode("gb18030", "ignore"))
        as_big5 = sum(c in _COMMON_OLD for c in sample.decode("big5", "ignore"))
        return "big5" if as_big5 > 2 * as_gb + 2 else "gb18030"
    if gb or big5:
        return "gb18030" if gb else "big5"
    # Neither is valid: damaged. Whichever loses less.
    lost = {name: sample.decode(name, "replace").count("\ufffd") for name in ("utf-8", "gb18030")}
    return min(lost, key=lambda name: lost[name])


def _valid(sample: bytes, encoding: str) -> bool:
    try:
        # A character cut by the sample's end is no fault of the text.
        codecs.getincrementaldecoder(encoding)().decode(sample)
    except UnicodeDecodeError:
        return False
    return True


def delimiter_of(text: str) -> str:
    """The sign that divides the lines of a table into the same number (two or more) of fields; "" for
    prose.
    """
    lines = [line for line in text.splitlines()[:_SAMPLE_LINES] if line.strip()][:-1] or text.splitlines()[:1]
    best, most = "", 0
    for sign in _DELIMITERS:
        counts = [len(split(line, sign)) for line in lines]
        usual = max(set(counts), key=counts.count)
        share = counts.count(usual) / len(counts)
        fields_least = 2 if sign == "\t" or len(lines) > 2 else 3
        if usual >= fields_least and share >= 0.8 and usual > most and len(lines) >= 1:
            # A comma divides prose too; a table's fields are short.
            longest = sorted(max(map(len, split(line, sign))) for line in lines)[len(lines) // 2]
            if sign in "\t|;\x01^" or longest <= 60:
                best, most = sign, usual
    return best


_QUOTED: Final = re.compile(r'"((?:[^"]|"")*)"')


def split(line: str, sign: str) -> list[str]:
    """The fields of one line, quotes taken off (RFC 4180); a quoted field may hold the sign."""
    if '"' not in line:
        return line.split(sign)
    fields, at = [], 0
    while at <= len(line):
        quoted = _QUOTED.match(line, at)
        if quoted and line[quoted.end() : quoted.end() + len(sign)] in (sign, ""):
            fields.append(quoted[1].replace('""', '"'))
            at = quoted.end() + len(sign)
            if quoted.end() >= len(line):
                break
        else:
            stop = line.find(sign, at)
            stop = len(line) if stop < 0 else stop
            fields.append(line[at:stop])
            at = stop + len(sign)
            if stop >= len(line):
                break
    return fields


def boundary(file: BinaryIO, at: int, size: int, encoding: str) -> int:
    """Where the line that holds byte `at` ends: both neighbours of a cut compute the same place."""
    if at <= 0 or at >= size:
        return max(0, min(at, size))
    wide = "16" in encoding
    at -= at % 2 if wide else 0
    file.seek(at)
    ahead = file.read(LINE_BYTES_MAX)
    return at + _line_end(ahead, encoding, first=True)


def _line_end(data: bytes, encoding: str, *, first: bool) -> int:
    """Just behind the first (or last) line end in `data`; the whole of it if there is none."""
    if "16" not in encoding:
        place = data.find(b"\n") if first else data.rfind(b"\n")
        return place + 1 if place >= 0 else soft_end(data)
    mark = b"\n\x00" if encoding.endswith("le") else b"\x00\n"
    place = data.find(mark) if first else data.rfind(mark)
    while place >= 0 and place % 2:
        place = data.find(mark, place + 1) if first else data.rfind(mark, 0, place + 1)
    return place + 2 if place >= 0 else len(data) // 2 * 2


def soft_end(data: bytes) -> int:
    """Where a text without line ends may be cut: behind a sign that no number contains and that no
    character of two bytes has.
    """
    place = max(data.rfind(sign, max(0, len(data) - 4096)) for sign in (b",", b";", b'"', b"\t", b")"))
    return place + 1 if place >= 0 else len(data)


def text_blocks(file: BinaryIO, start: int, end: int, encoding: str) -> Iterator[Block]:
    """Bytes start … end-1 of a text as blocks of whole lines."""
    file.seek(start)
    rest, offset, line = b"", start, 1
    left = end - start
    while left > 0 or rest:
        more = file.read(min(BLOCK_BYTES, left)) if left > 0 else b""
        left = left - len(more) if more else 0
        data = rest + more
        if not data:
            return
        cut = len(data) if left <= 0 else _line_end(data, encoding, first=False)
        piece, rest = data[:cut], data[cut:]
        if offset == 0:
            piece = _without_mark(piece)
        yield Block(piece, encoding, first_line=line, offset=offset + cut - len(piece))
        line += piece.count(b"\n")
        offset += cut


def _without_mark(data: bytes) -> bytes:
    for mark in (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        if data.startswith(mark):
            return data[len(mark) :]
    return data


def head_of(file: BinaryIO) -> bytes:
    """The first bytes of a file, position restored to the beginning."""
    file.seek(0)
    head = file.read(HEAD_BYTES)
    file.seek(0)
    return head
