"""One block of lines -> what is in it: counts by kind, and records with the keys that persons are known
by.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tideng.identifiers.spans.find import find
from tideng.identifiers.spans.folding import fold as fold_text
from tideng.scan.columns import SAMPLE_ROWS, Columns, classify
from tideng.scan.kernels.compiled import Mode
from tideng.scan.kernels.kinds import BANK_CARD, EMAIL, KIND_NAMES, MOBILE, RESIDENT_ID
from tideng.scan.kernels.rows import filled, filled_plain, fold, line_starts
from tideng.scan.keys import key_of, name_key, named_key
from tideng.scan.numbers import kernel_hits, plain_hits
from tideng.scan.readers.blocks import Block
from tideng.scan.readers.tables import is_header
from tideng.scan.readers.text import delimiter_of, soft_end, split

DEEP_BYTES_MAX: Final = 4_000_000
"""Of prose, so much per member is read for names, addresses and every other kind; beyond it only numbers
are.
"""
LINE_CHARACTERS_MAX: Final = 8_000
"""A longer line of prose is looked at in pieces: what names a number stands near it."""
_SOFT_ENDS: Final = ("，", "。", "；", ",", ";", '"', "}", ")", "\t", " ")
_FULL_WIDTH: Final = re.compile(rb"\xef\xbc[\x90-\x99]")
_FULL_WIDTH_GB: Final = re.compile(rb"\xa3[\xb0-\xb9]")
_CODES: Final = {"resident_id": RESIDENT_ID, "mobile": MOBILE, "bank_card": BANK_CARD, "email": EMAIL}
_COLUMN_KINDS: Final = (
    "name",
    "address",
    "birth_date",
    "wechat",
    "qq",
    "plate",
    "passport",
    "password",
    "account",
    "landline",
    "credit_code",
    "hk_macao_permit",
    "ipv4",
    "mac",
    "coordinates",
    "imei",
    "imsi",
    "taiwan_permit",
)
_WORTH: Final = re.compile(
    r"[0-9０-９〇零一二三四五六七八九][0-9０-９〇零一二三四五六七八九 -]{4}|@|＠|姓名|联系|地址|微信|护照|身份|密码|收件|先生|女士|[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Z]|[\u4e00-\u9fa5]{2,}[路街巷]|[省市区县][\u4e00-\u9fa5]"  # noqa: E501
)


class Found(Struct):
    """What blocks held, in arrays of equal length: one row per record."""

    lines: NDArray[np.int64]
    keys: NDArray[np.uint64]
    """Columns: id, phone, second phone, card, mail address, name with birth date or address; 0 means none."""
    low: NDArray[np.uint8]
    high: NDArray[np.uint8]
    counts: Counter[str]
    """Findings by kind."""
    labels: tuple[str, ...] = ()
    samples: tuple[tuple[int, str, str], ...] = ()
    """A few findings for the report: line, kind, characters (unmasked: whoever shows them masks them)."""


class Layout(Struct):
    """What is known of a member before its next block: table or prose, columns, how much prose was read
    deeply.
    """

    is_known: bool = False
    is_table: bool = False
    delimiter: str = "\t"
    columns: Columns = Columns()
    part: str | None = None
    deep_bytes: int = 0


def analyse(block: Block, layout: Layout) -> Found:
    """Everything in one block. `layout` is carried from block to block of a member."""
    block = _plainer(block)
    _look(block, layout)
    if layout.is_table:
        return _table(block, layout)
    if layout.deep_bytes < DEEP_BYTES_MAX and len(block.data):
        room = DEEP_BYTES_MAX - layout.deep_bytes
        if len(block.data) > room:
            cut = block.data.rfind(b"\n", 0, room) + 1 or soft_end(block.data[:room])
            if cut > 0 and "16" not in block.encoding:
                layout.deep_bytes = DEEP_BYTES_MAX
                first = _deep(block.data[:cut], block)
                rest = Block(
                    block.data[cut:],
                    block.encoding,
                    first_line=block.first_line + block.data.count(b"\n", 0, cut),
                )
                return join([first, _fast(rest, layout)])
        layout.deep_bytes += len(block.data)
        return _deep(block.data, block)
    return _fast(block, layout)


def _plainer(block: Block) -> Block:
    """Full-width digits made plain, UTF-16 made UTF-8: the kernels then see every number."""
    if "16" in block.encoding:
        if not block.is_table and len(block.data) > DEEP_BYTES_MAX:
            return block
        text = block.data.decode(block.encoding, "replace")
        return _recoded(block, text)
    if has_full_width(block.data, block.encoding):
        return _recoded(block, fold_text(block.data.decode(block.encoding, "replace")))
    return block


def has_full_width(data: bytes, encoding: str) -> bool:
    """True if digits of full width are in a text; in GB18030 the end of one character and the beginning of
    the next look like one.
    """
    if encoding == "utf-8":
        return _FULL_WIDTH.search(data) is not None
    for place in _FULL_WIDTH_GB.finditer(data):
        at = before = place.start()
        while before and data[before - 1] >= 0x81:
            before -= 1
        if (at - before) % 2 == 0:
            return True
    return False


def _recoded(block: Block, text: str) -> Block:
    data = text.encode("utf-8", "replace")
    return Block(
        data, "utf-8", block.is_table, block.delimiter, block.first_line, -1, block.header, block.part
    )


def primed(head: bytes, encoding: str) -> Layout:
    """The layout for a later range of a text that begins with `head`, header included."""
    layout = Layout()
    cut = head.rfind(b"\n") + 1 if "16" not in encoding else len(head) // 2 * 2
    _look(_plainer(Block(head[:cut] or head, encoding)), layout)
    return layout


def _look(block: Block, layout: Layout) -> None:
    if layout.is_known and layout.part == block.part:
        return
    sample = block.data[:65_536].decode(block.encoding, "replace")
    if len(block.data) > 65_536:
        sample = sample[: sample.rfind("\n") + 1] or sample
    layout.is_known, layout.part = True, block.part
    header = list(block.header)
    if block.is_table:
        layout.is_table, layout.delimiter = True, block.delimiter
        rows = [split(line, "\t") for line in sample.split("\n")[:SAMPLE_ROWS] if line]
    else:
        layout.delimiter = delimiter_of(sample)
        layout.is_table = layout.delimiter != ""
        if not layout.is_table:
            return
        rows = [
            split(line.rstrip("\r"), layout.delimiter)
            for line in sample.split("\n")[: SAMPLE_ROWS + 1]
            if line.strip()
        ]
        if rows and block.first_line == 1 and is_header(rows[0]):
            header = rows.pop(0)
    layout.columns = classify(header, rows)
    if not block.is_table and not any(layout.columns.roles):
        layout.is_table = False


def _fast(block: Block, layout: Layout) -> Found:
    """Numbers and mail addresses only, as fast as bytes allow."""
    lines, kinds, keys, first = (kernel_hits if Mode.now() else plain_hits)(
        block, layout.delimiter, layout.columns.places("bank_card")
    )
    lines += block.first_line
    counts: Counter[str] = Counter()
    for code, count in enumerate(np.bincount(kinds, minlength=6).tolist()):
        if count:
            counts[KIND_NAMES[code]] += count
    rows = np.empty(len(lines), np.int64)
    out = np.zeros((len(lines), 5), np.uint64)
    made = fold(lines, kinds, keys, rows, out)
    table = np.zeros((made, 6), np.uint64)
    table[:, :5] = out[:made]
    low = np.full(made, layout.columns.low, np.uint8)
    high = np.full(made, layout.columns.high, np.uint8)
    # A card number without its balance is property to some courts and contact data to others.
    high[(table[:, 3] > 0) & (high > 3)] = 3
    samples = tuple((int(lines[i]), KIND_NAMES[kinds[i]], text) for i, text in enumerate(first))
    return Found(rows[:made], table, low, high, counts, layout.columns.labels, samples)


def _table(block: Block, layout: Layout) -> Found:
    found = _fast(block, layout)
    roles = layout.columns.roles
    kept = [place for place, role in enumerate(roles) if role in _COLUMN_KINDS]
    if not kept:
        return found
    buffer = np.frombuffer(block.data, np.uint8)
    starts = line_starts(block.data)
    wide = block.encoding in ("gb18030", "gbk", "big5")
    sign = ord(layout.delimiter) if len(layout.delimiter) == 1 and ord(layout.delimiter) < 128 else -1
    if sign >= 0:
        skip = (
            1
            if not block.header
            and block.first_line == 1
            and block.offset <= 3
            and _begins_with_header(block, layout)
            else 0
        )
        if Mode.compiles:
            each = [int(filled(buffer, starts[skip:], sign, place, wide)) for place in kept]
        else:
            each = filled_plain(block.data.decode(block.encoding, "replace"), skip, layout.delimiter, kept)
        for place, count in zip(kept, each, strict=True):
            if count:
                found.counts[roles[place]] += count
    if layout.columns.places("name"):
        return _with_named(found, block, layout, starts)
    return found


def _begins_with_header(block: Block, layout: Layout) -> bool:
    line = block.data[: block.data.find(b"\n") + 1 or None].decode(block.encoding, "replace")
    return is_header(split(line.rstrip("\r\n"), layout.delimiter))


def _with_named(found: Found, block: Block, layout: Layout, starts: NDArray[np.int64]) -> Found:
    """Rows that no number identifies, by name with birth date or address."""
    present = np.zeros(len(starts) + 1, np.bool_)
    present[np.clip(found.lines - block.first_line, 0, len(starts))] = True
    missing = np.flatnonzero(~present[: len(starts)])
    others = [
        p
        for role in ("birth_date", "address", "landline", "wechat", "qq", "account")
        for p in layout.columns.places(role)
    ]
    if not len(missing) or not others:
        return found
    name = layout.columns.places("name")[0]
    lines: list[int] = []
    keys: list[int] = []
    bounds = [*starts.tolist(), len(block.data)]
    for index in missing.tolist():
        fields = split(
            block.data[bounds[index] : bounds[index + 1]].decode(block.encoding, "replace").rstrip("\r\n"),
            layout.delimiter,
        )
        value = fields[name].strip() if name < len(fields) else ""
        beside = next((fields[p].strip() for p in others if p < len(fields) and fields[p].strip()), "")
        if value and beside and not is_header(fields[: max(others) + 1]):
            lines.append(index + block.first_line)
            keys.append(name_key(value, beside))
    if not lines:
        return found
    table = np.zeros((len(lines), 6), np.uint64)
    table[:, 5] = np.array(keys, np.uint64)
    return join([found, _plain_found(np.array(lines, np.int64), table, layout.columns, Counter())])


def _plain_found(
    lines: NDArray[np.int64], table: NDArray[np.uint64], columns: Columns, counts: Counter[str]
) -> Found:
    size = len(lines)
    return Found(
        lines,
        table,
        np.full(size, columns.low, np.uint8),
        np.full(size, columns.high, np.uint8),
        counts,
        columns.labels,
    )


def _deep(data: bytes, block: Block) -> Found:
    """Prose: every kind, line by line."""
    counts: Counter[str] = Counter()
    rows: list[tuple[int, int, int]] = []
    samples: list[tuple[int, str, str]] = []
    extra: list[tuple[int, int]] = []
    grave: set[int] = set()
    for number, line in _lines(data.decode(block.encoding, "replace"), block.first_line):
        if len(line) < 4 or not _WORTH.search(line):
            continue
        spans = find(line)
        hard = [span for span in spans if span.kind in _CODES]
        for span in spans:
            counts[span.kind] += 1
            if len(samples) < 6:
                samples.append((number, span.kind, span.value))
        rows += [(number, _CODES[span.kind], key_of(span)) for span in hard]
        if any(span.kind in ("coordinates", "track") for span in spans):
            grave.add(number)
        if not hard:
            key = named_key(spans)
            if key:
                extra.append((number, key))
    made = _folded(rows, extra)
    made.counts, made.samples = counts, tuple(samples)
    made.high[np.isin(made.lines, np.array(sorted(grave), np.int64))] = 3
    return made


def _lines(text: str, first: int) -> Iterator[tuple[int, str]]:
    """Lines with their numbers; long ones in pieces that end where no number does."""
    for number, line in enumerate(text.split("\n"), first):
        at = 0
        while len(line) - at > LINE_CHARACTERS_MAX:
            end = at + LINE_CHARACTERS_MAX
            place = max(line.rfind(sign, at + LINE_CHARACTERS_MAX // 2, end) for sign in _SOFT_ENDS)
            yield number, line[at : (place + 1 if place >= 0 else end)]
            at = place + 1 if place >= 0 else end
        yield number, line[at:] if at else line


def _folded(rows: list[tuple[int, int, int]], extra: list[tuple[int, int]]) -> Found:
    lines = np.array([row[0] for row in rows], np.int64)
    kinds = np.array([row[1] for row in rows], np.uint8)
    keys = np.array([row[2] for row in rows], np.uint64)
    out_lines, out = np.empty(len(rows), np.int64), np.zeros((len(rows), 5), np.uint64)
    made = fold(lines, kinds, keys, out_lines, out)
    table = np.zeros((made + len(extra), 6), np.uint64)
    table[:made, :5] = out[:made]
    table[made:, 5] = np.array([key for _, key in extra], np.uint64)
    all_lines = np.concatenate([out_lines[:made], np.array([number for number, _ in extra], np.int64)])
    found = _plain_found(all_lines, table, Columns(), Counter())
    found.high[table[:, 3] > 0] = 3
    return found


def join(parts: list[Found]) -> Found:
    """Several results as one."""
    counts: Counter[str] = Counter()
    for part in parts:
        counts.update(part.counts)
    labels = sorted({label for part in parts for label in part.labels})
    samples = tuple(sample for part in parts for sample in part.samples)[:6]
    return Found(
        np.concatenate([part.lines for part in parts]),
        np.concatenate([part.keys for part in parts]),
        np.concatenate([part.low for part in parts]),
        np.concatenate([part.high for part in parts]),
        counts,
        tuple(labels),
        samples,
    )
