"""What a file is, by its first bytes; names lie."""

import re
from typing import Final

HEAD_BYTES: Final = 65_536

_MAGIC: Final = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\x1f\x8b", "gz"),
    (b"BZh", "bz2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zst"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"SQLite format 3\x00", "sqlite"),
    (b"%PDF-", "pdf"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (b"PAR1", "parquet"),
    (b"{\\rtf", "rtf"),
    (b"EVF\x09\x0d\x0a\xff\x00", "e01"),
    (b"LUKS\xba\xbe", "disk_image"),
    (b"!BDN", "pst"),
    (b"\x89PNG", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"GIF8", "image"),
    (b"BM", "bmp"),
    (b"II*\x00", "image"),
    (b"MM\x00*", "image"),
    (b"\x7fELF", "program"),
    (b"MZ", "mz"),
    (b"\x00\x00\x00\x18ftyp", "media"),
    (b"\x00\x00\x00 ftyp", "media"),
    (b"ID3", "media"),
    (b"RIFF", "riff"),
    (b"OggS", "media"),
)
_OLE_STREAMS: Final = (
    ("Workbook".encode("utf-16-le"), "xls"),
    ("Book".encode("utf-16-le"), "xls"),
    ("WordDocument".encode("utf-16-le"), "doc"),
    ("__substg1.0_".encode("utf-16-le"), "msg"),
    ("PowerPoint Document".encode("utf-16-le"), "ppt"),
    ("EncryptedPackage".encode("utf-16-le"), "encrypted_office"),
)
_MAIL: Final = re.compile(
    rb"(?:Received|Return-Path|Message-ID|MIME-Version|From|To|Subject|Date|Delivered-To|X-[\w-]+):[ \t]",
    re.I,
)


def format_of(head: bytes, size: int = 0) -> str:
    """The format of a file that begins with `head` (up to `HEAD_BYTES`); "text" or "binary" when it has
    no sign.
    """
    if not head:
        return "empty"
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return _closer(name, head)
    if len(head) > 262 and head[257:262] == b"ustar":
        return "tar"
    if len(head) > 0x440 and head[0x438:0x43A] == b"\x53\xef":
        return "disk_image"
    if head[0x8001:0x8006] == b"CD001":
        return "disk_image"
    if len(head) >= 512 and head[510:512] == b"\x55\xaa" and size > 1_000_000 and b"\x00" in head[:512]:
        return "disk_image"
    return _text_format(head)


def _closer(name: str, head: bytes) -> str:
    if name == "ole":
        return next((kind for mark, kind in _OLE_STREAMS if mark in head), "ole")
    if name == "zip":
        return _zip_kind(head)
    if name == "riff" and head[8:12] == b"WEBP":
        return "image"
    if name in ("bmp", "mz", "riff"):
        if is_text(head):
            return _text_format(head)
        return {"bmp": "image", "mz": "program", "riff": "media"}[name]
    return name


def _zip_kind(head: bytes) -> str:
    # Office writes its own parts first; a zip of zips does not begin with one of these.
    if b"[Content_Types].xml" in head[:4096] or b"_rels/.rels" in head[:4096] or b"docProps/" in head[:2048]:
        for mark, kind in (
            (b"xl/workbook.bin", "xlsx"),
            (b"xl/", "xlsx"),
            (b"word/", "docx"),
            (b"ppt/", "pptx"),
        ):
            if mark in head:
                return kind
        return "ooxml"
    if head[30:38] == b"mimetype":
        kinds = ((b"opendocument.spreadsheet", "ods"), (b"opendocument.text", "odt"), (b"epub", "epub"))
        return next((kind for mark, kind in kinds if mark in head[:200]), "zip")
    return "zip"


def _text_format(head: bytes) -> str:
    if not is_text(head):
        return "binary"
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:400]
    lower = start.lower()
    if lower.startswith((b"<!doctype html", b"<html", b"<head", b"<body", b"<table")):
        return "html"
    if lower.startswith(b"<?xml") or re.match(rb"<[A-Za-z][\w:.-]*[\s>]", start):
        return "html" if b"<html" in head[:2000].lower() else "xml"
    if start.startswith(b"BEGIN:VCARD"):
        return "vcf"
    if start.startswith(b"From ") and _MAIL.search(head[:4000]):
        return "mbox"
    if _MAIL.match(start) and len(_MAIL.findall(head[:8000])) >= 3:
        return "eml"
    if start[:1] in (b"{", b"["):
        return "jsonl" if re.match(rb"\{[^\n]*\}\s*\n\s*\{", head.lstrip(b"\xef\xbb\xbf \t\r\n")) else "json"
    if re.search(
        rb"(?:^|\n)(?:INSERT INTO [`\"\w]|COPY [\w.\"]+ \(.*\) FROM stdin|-- (?:MySQL|MariaDB|PostgreSQL) (?:database )?dump)",  # noqa: E501
        head,
        re.I,
    ):
        return "sql"
    return "text"


def is_text(head: bytes) -> bool:
    """True if the bytes look like text in some encoding: few control characters, or UTF-16."""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return True
    sample = head[:8192]
    zeros = sample.count(0)
    if zeros:
        return utf16_order(sample) != ""
    controls = sum(
        sample.count(bytes([code])) for code in (*range(1, 9), *range(14, 27), 28, 29, 30, 31, 127)
    )
    return controls <= len(sample) // 200


def utf16_order(sample: bytes) -> str:
    """ "utf-16-le" or "utf-16-be" if line ends, spaces and digits stand at one side of zero bytes; else
    "".
    """
    even, odd = sample[0::2], sample[1::2]
    if len(odd) < 2:
        return ""
    plain = bytes(range(0x20, 0x7F)) + b"\r\n\t"
    little = sum(1 for a, b in zip(even, odd, strict=False) if b == 0 and a in plain)
    big = sum(1 for a, b in zip(even, odd, strict=False) if a == 0 and b in plain)
    zeros_else = sum(1 for a, b in zip(even, odd, strict=False) if a == 0 and b == 0)
    if zeros_else > len(odd) // 50 or max(little, big) < len(odd) // 50 + 1:
        return ""
    if little > 8 * big:
        return "utf-16-le"
    return "utf-16-be" if big > 8 * little else ""
