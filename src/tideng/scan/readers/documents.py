"""Documents as text: docx pptx odt, pdf, rtf, html, xml, mail, vCards, and old Word and Outlook files."""

import html
import io
import re
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from tideng.scan.readers.blocks import (
    BLOCK_BYTES,
    MEMBER_BYTES_MAX,
    Block,
    CannotRead,
    lines_of_rows,
    short,
    text_block,
)
from tideng.scan.readers.text import encoding_of, head_of, text_blocks

if TYPE_CHECKING:
    from email.message import EmailMessage

PAGE_SCALE: Final = 200 / 72
"""Pages are drawn for reading at 200 dots an inch,"""
PAGE_PIXELS_MAX: Final = 6_000
"""and no longer than this."""
XML_BYTES_MAX: Final = 500_000_000
"""One part of an Office document may unpack to this much."""
_TAG: Final = re.compile(r"<[^>]*>")
_BREAK: Final = re.compile(
    r"</(?:w:p|a:p|text:p|text:h|w:tr|p|div|tr|li|h[1-6]|title)>|<(?:w:br|br|text:line-break)\s*/?>", re.I
)
_CELL: Final = re.compile(r"</(?:td|th|w:tc|a:tc)>|<w:tab\s*/?>|<text:tab\s*/?>", re.I)
_HIDDEN: Final = re.compile(r"<(script|style)\b.*?</\1\s*>|<!--.*?-->", re.I | re.S)


def _plain(markup: str) -> str:
    text = _BREAK.sub("\n", _CELL.sub("\t", _HIDDEN.sub(" ", markup)))
    return html.unescape(_TAG.sub("", text))


def _office(wanted: re.Pattern[str]) -> Callable[[BinaryIO, int], Iterator[Block]]:
    def read(file: BinaryIO, size: int) -> Iterator[Block]:  # noqa: ARG001
        file.seek(0)
        with zipfile.ZipFile(file) as archive:
            for info in archive.infolist():
                if not wanted.search(info.filename):
                    continue
                if info.file_size > XML_BYTES_MAX:
                    raise CannotRead(
                        "over_limit", f"{info.filename} unpacks to more than {XML_BYTES_MAX} bytes"
                    )
                markup = archive.read(info).decode("utf-8", "replace")
                # Word cuts a number into runs; only a paragraph's end divides.
                yield text_block(_plain(re.sub(r">\s+<", "><", markup)) + "\n", info.filename)

    return read


def pdf(file: BinaryIO, read: Callable[[bytes], str] | None = None) -> Iterator[Block]:
    """The text of every page. Pages that are pictures are drawn for `read`, or said to be unread."""
    import pypdfium2

    file.seek(0)
    try:
        document = pypdfium2.PdfDocument(file.read())
    except pypdfium2.PdfiumError as error:
        reason = "encrypted" if "assword" in str(error) else "damaged"
        raise CannotRead("encrypted" if reason == "encrypted" else "damaged", short(error)) from error
    empty = 0
    try:
        for number, page in enumerate(document, 1):
            text = page.get_textpage().get_text_bounded()
            if text.strip():
                yield text_block(text.replace("\r", "") + "\n", f"page {number}")
            elif read is not None:
                yield text_block(read(_drawn(page)), f"page {number}, a picture")
            else:
                empty += 1
            page.close()
        if empty:
            raise CannotRead("needs_extra", f"{empty} of {number} pages are pictures; `--ocr` reads them")
    finally:
        document.close()


def _drawn(page: Any) -> bytes:  # Any: pypdfium2 has no types
    """The page as a picture, without what packing it would cost."""
    longest = max(page.get_size()) or 1.0
    picture = page.render(scale=min(PAGE_SCALE, PAGE_PIXELS_MAX / longest)).to_pil()
    file = io.BytesIO()
    picture.convert("RGB").save(file, "BMP")
    return file.getvalue()


_RTF_WORD: Final = re.compile(
    rb"\\([a-z]+)(-?[0-9]+)? ?|\\'([0-9a-f]{2})|\\([^a-z])|([{}])|[\r\n]+|([^\\{}\r\n]+)", re.I
)
_RTF_SKIP: Final = (
    b"fonttbl",
    b"colortbl",
    b"stylesheet",
    b"info",
    b"pict",
    b"*",
    b"generator",
    b"themedata",
)


def rtf(file: BinaryIO, size: int) -> Iterator[Block]:  # noqa: ARG001
    """The visible text of a rich text file; code page 936 unless it says otherwise."""
    file.seek(0)
    data = file.read(MEMBER_BYTES_MAX)
    page = re.search(rb"\\ansicpg([0-9]+)", data[:400])
    encoding = {b"936": "gb18030", b"950": "big5", b"65001": "utf-8"}.get(
        page[1] if page else b"936", "gb18030"
    )
    out: list[str] = []
    pending = bytearray()
    skip, depth, eat = 0, 0, 0

    def flush() -> None:
        if pending:
            out.append(bytes(pending).decode(encoding, "replace"))
            pending.clear()

    for word in _RTF_WORD.finditer(data):
        name, number, code, sign, brace, plain = word.groups()
        if brace == b"{":
            depth += 1
        elif brace == b"}":
            depth -= 1
            skip = 0 if depth < skip else skip
        elif skip:
            continue
        elif (name or sign) in _RTF_SKIP:
            skip = depth
        elif code:
            if eat:
                eat -= 1
            else:
                pending.append(int(code, 16))
        elif name == b"u" and number:
            flush()
            out.append(chr(int(number) % 65536))
            eat = 1
        elif name in (b"par", b"line", b"row"):
            flush()
            out.append("\n")
        elif name in (b"tab", b"cell"):
            flush()
            out.append("\t")
        elif plain:
            pending += plain[eat:] if eat else plain
            eat = 0
    flush()
    yield text_block("".join(out) + "\n")


def markup(file: BinaryIO, size: int) -> Iterator[Block]:
    """HTML and XML: the text between the tags, rows as lines; long files in pieces."""
    head = head_of(file)
    said = re.search(rb"(?:charset|encoding)\s*=\s*[\"']?\s*([\w-]+)", head[:4000], re.I)
    encoding = encoding_of(head)
    if said and encoding == "gb18030" and said[1].lower() == b"big5":
        encoding = "big5"
    is_page = b"<html" in head.lower() or b"<body" in head.lower() or b"<table" in head.lower()
    for block in text_blocks(file, 0, size, encoding):
        text = block.data.decode(encoding, "replace")
        # XML leaves name their values: <phone>138…</phone> becomes phone 138…
        named = text if is_page else re.sub(r"<(\w+)>([^<>]{1,200})</\1>", r" \1: \2 ", text)
        yield text_block(_plain(named) + "\n", block.part)


def mail(file: BinaryIO, size: int) -> Iterator[Block]:  # noqa: ARG001
    """Headers and bodies of one message."""
    file.seek(0)
    yield from _message(file.read(MEMBER_BYTES_MAX))


def _parsed(raw: bytes) -> "EmailMessage":
    import email
    from email import policy

    return email.message_from_bytes(raw, policy=policy.default)


def _message(raw: bytes) -> Iterator[Block]:
    message = _parsed(raw)
    lines = [
        f"{name}: {message.get(name, '')}"
        for name in ("From", "To", "Cc", "Bcc", "Reply-To", "Subject", "Date")
    ]
    yield text_block("\n".join(line for line in lines if not line.endswith(": ")) + "\n", "headers")
    for part in message.walk():
        if part.get_content_maintype() == "text" and not part.get_filename():
            raw_body = part.get_payload(decode=True)
            data = raw_body if isinstance(raw_body, bytes) else b""
            text = data.decode(_charset(part.get_content_charset(), data), "replace")
            yield text_block((_plain(text) if part.get_content_subtype() == "html" else text) + "\n", "body")


def _charset(said: str | None, data: bytes) -> str:
    if said and said.lower() in ("gb2312", "gbk", "gb18030"):
        return "gb18030"
    try:
        "".encode(said or "")
    except LookupError:
        return encoding_of(data)
    return said or encoding_of(data)


def attachments(file: BinaryIO, kind: str, *, pictures: bool = False) -> Iterator[tuple[str, bytes]]:
    """What is attached to a message or embedded in a document, by name; `pictures`: those too."""
    if kind == "eml":
        file.seek(0)
        message = _parsed(file.read(MEMBER_BYTES_MAX))
        for number, part in enumerate(message.walk()):
            name = part.get_filename()
            data = part.get_payload(decode=True)
            if name and isinstance(data, bytes):
                yield str(name), data
            elif name and data is None and not part.is_multipart():
                yield f"{name or number}", b""
    elif kind == "msg":
        yield from _msg_attachments(file)
    elif kind in ("docx", "pptx"):
        file.seek(0)
        with zipfile.ZipFile(file) as archive:
            for info in archive.infolist():
                wanted = "/embeddings/" in info.filename or (pictures and "/media/" in info.filename)
                if wanted and info.file_size < MEMBER_BYTES_MAX:
                    yield info.filename, archive.read(info)


def box(file: BinaryIO, size: int) -> Iterator[Block]:  # noqa: ARG001
    """Every message of an mbox."""
    import mailbox

    with tempfile.NamedTemporaryFile(suffix=".mbox") as copy:
        file.seek(0)
        while piece := file.read(1 << 20):
            copy.write(piece)
        copy.flush()
        messages = mailbox.mbox(copy.name, create=False)
        try:
            for message in messages:
                yield from _message(message.as_bytes())
        finally:
            messages.close()


_CARD_FIELD: Final = re.compile(
    r"^(?:item\d+\.)?(FN|N|TEL|EMAIL|ADR|ORG|BDAY|NOTE)(?:;[^:\n]*)?:(.*)$", re.I | re.M
)


def cards(file: BinaryIO, size: int) -> Iterator[Block]:  # noqa: ARG001
    """vCards, one row each."""
    file.seek(0)
    data = file.read(MEMBER_BYTES_MAX)
    text = re.sub(r"\r?\n[ \t]", "", data.decode(encoding_of(data[:65536]), "replace"))
    rows = []
    for card in re.split(r"BEGIN:VCARD", text, flags=re.I)[1:]:
        fields: dict[str, list[str]] = {}
        for name, value in _CARD_FIELD.findall(card):
            fields.setdefault(name.upper(), []).append(_quoted(value.strip()))
        rows.append(
            [" ".join(fields.get(key, [])) for key in ("FN", "TEL", "EMAIL", "ADR", "BDAY", "ORG", "NOTE")]
        )
    yield from lines_of_rows(iter(rows), ("姓名", "电话", "邮箱", "地址", "生日", "单位", "备注"), "")


def _quoted(value: str) -> str:
    if re.search(r"=[0-9A-F]{2}", value):
        import quopri

        value = quopri.decodestring(value.encode()).decode("utf-8", "replace")
    return value.replace("\\,", ",").replace(";", " ").strip()


_ATTACHED: Final = "__substg1.0_37010102"
"""The stream of an Outlook message that holds an attachment; MS-OXPROPS PidTagAttachDataBinary."""


def _msg_attachments(file: BinaryIO) -> Iterator[tuple[str, bytes]]:
    import olefile

    file.seek(0)
    with olefile.OleFileIO(file) as container:
        for number, entry in enumerate(container.listdir()):
            if entry[-1] == _ATTACHED:
                name = _msg_name(container, entry[:-1]) or f"attachment {number}"
                with container.openstream(entry) as stream:
                    yield name, stream.read(MEMBER_BYTES_MAX)


def _msg_name(container: Any, folder: list[str]) -> str:  # Any: olefile has no types
    for stream in ("__substg1.0_3707001F", "__substg1.0_3704001F"):
        if container.exists([*folder, stream]):
            with container.openstream([*folder, stream]) as name:
                return str(name.read(1024).decode("utf-16-le", "replace")).strip("\0")
    return ""


def old_office(file: BinaryIO, size: int) -> Iterator[Block]:  # noqa: ARG001
    """Word before 2007 and Outlook messages: the text streams of the OLE container, as UTF-16 and GBK
    runs.
    """
    try:
        import olefile
    except ImportError:
        raise CannotRead("needs_extra", "old Office files need the extra `scan` (olefile)") from None
    file.seek(0)
    with olefile.OleFileIO(file) as container:
        for entry in container.listdir():
            name = "/".join(entry)
            is_text = "__substg1.0_" in name and name.endswith(("001F", "001E", "0102"))
            if name == "WordDocument" or (is_text and not name.endswith(_ATTACHED)):
                with container.openstream(entry) as stream:
                    yield text_block("\n".join(_runs(stream.read(BLOCK_BYTES * 8))) + "\n", name)


_WIDE_RUN: Final = re.compile(r"[\t\x20-\x7e\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]{4,}")


def _runs(data: bytes) -> Iterator[str]:
    seen = False
    for shift in (0, 1):
        for run in _WIDE_RUN.findall(data[shift:].decode("utf-16-le", "replace")):
            if sum("\u4e00" <= c <= "\u9fff" or c < "\x7f" for c in run) > len(run) // 2 and re.search(
                r"[0-9@]{3}|[\u4e00-\u9fff]{2}", run
            ):
                seen = True
                yield run
    # Word keeps a piece of text that needs no wide character in single bytes, beside pieces that do.
    for plain in re.findall(rb"[\t\x20-\x7e]{8,}", data):
        if re.search(rb"[0-9@]{3}", plain):
            yield plain.decode("ascii")
    if not seen:
        yield from re.findall(r"[\t\x20-\x7e\u4e00-\u9fff]{4,}", data.decode("gb18030", "ignore"))


READERS: Final[dict[str, Callable[[BinaryIO, int], Iterator[Block]]]] = {
    "docx": _office(re.compile(r"^word/(?:document|header\d*|footer\d*|comments|footnotes|endnotes)\.xml$")),
    "pptx": _office(re.compile(r"^ppt/(?:slides|notesSlides|comments)/[^/]+\.xml$")),
    "odt": _office(re.compile(r"^(?:content|styles)\.xml$")),
    "epub": _office(re.compile(r"\.x?html?$")),
    "rtf": rtf,
    "html": markup,
    "xml": markup,
    "eml": mail,
    "mbox": box,
    "vcf": cards,
    "doc": old_office,
    "msg": old_office,
}
