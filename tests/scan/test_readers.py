"""Every format gives up its people; every byte is accounted for; whatever is broken is listed, and breaks
nothing else.
"""

import bz2
import gzip
import io
import json
import lzma
import os
import sqlite3
import tarfile
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from scan.piles import scanned
from tideng.scan.corpus import HEADER, Maker, table_bytes, workbook_bytes
from tideng.scan.readers.blocks import Budget, Part
from tideng.scan.readers.open import parts_of
from tideng.scan.readers.sniff import format_of
from tideng.scan.readers.text import boundary, encoding_of, split, text_blocks

PEOPLE = [Maker(5).person() for _ in range(1)] + [Maker(seed).person() for seed in range(10, 40)]
TEXT = "".join(f"联系{p.name}，身份证{p.id}，电话{p.mobile}\n" for p in PEOPLE)


def docx(text: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        body = "".join(
            f"<w:p><w:r><w:t>{line[:9]}</w:t></w:r><w:r><w:t>{line[9:]}</w:t></w:r></w:p>"
            for line in text.splitlines()
        )
        archive.writestr("word/document.xml", f"<w:document><w:body>{body}</w:body></w:document>")
    return out.getvalue()


def packed(name: str, data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return out.getvalue()


def tarred(data: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo("名单.txt")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def seven(data: bytes, password: str | None = None) -> bytes:
    import py7zr

    out = io.BytesIO()
    with py7zr.SevenZipFile(out, "w", password=password) as archive:
        archive.writestr(data, "名单.txt")
    return out.getvalue()


def database() -> bytes:
    conn = sqlite3.connect(":memory:")
    conn.execute('CREATE TABLE "客户 表" (name, idcard, phone)')
    conn.executemany('INSERT INTO "客户 表" VALUES (?, ?, ?)', [(p.name, p.id, p.mobile) for p in PEOPLE])
    conn.commit()
    return conn.serialize()


def parquet() -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(pa.table({"姓名": [p.name for p in PEOPLE], "证件号": [p.id for p in PEOPLE]}), out)
    return out.getvalue()


RTF = (
    "{\\rtf1\\ansi\\ansicpg936 "
    + "".join(
        "".join(f"\\'{b:02x}" for b in f"联系{p.name}".encode("gbk", "replace"))
        + f" {p.id} {p.mobile}\\par\n"
        for p in PEOPLE
    )
    + "}"
)
MAIL = "From: a@example.com\r\nTo: b@example.com\r\nSubject: list\r\nDate: Mon, 1 Jan 2026 00:00:00 +0800\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"  # noqa: E501
CARDS = "".join(
    f"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:{p.name}\r\nTEL;TYPE=CELL:{p.mobile}\r\nNOTE:{p.id}\r\nEND:VCARD\r\n"
    for p in PEOPLE
)
DUMP = (
    "-- MySQL dump 10.13\nINSERT INTO `user` VALUES "
    + ",".join(f"('{p.name}','{p.id}','{p.mobile}')" for p in PEOPLE)
    + ";\n"
)

FORMS: dict[str, bytes] = {
    "utf8.txt": TEXT.encode(),
    "gbk.txt": TEXT.encode("gb18030"),
    "le.txt": TEXT.encode("utf-16"),
    "be.txt": b"\xfe\xff" + TEXT.encode("utf-16-be"),
    "bare16.txt": TEXT.encode("utf-16-le"),
    "utf8.csv": table_bytes(PEOPLE, "utf-8-sig"),
    "gbk.csv": table_bytes(PEOPLE, "gb18030"),
    "book.xlsx": workbook_bytes([HEADER, *(p.row for p in PEOPLE)]),
    "lying.jpg": workbook_bytes([HEADER, *(p.row for p in PEOPLE)]),
    "letter.docx": docx(TEXT),
    "a.zip": packed("x.txt", TEXT.encode()),
    "b.tar": tarred(TEXT.encode()),
    "c.gz": gzip.compress(TEXT.encode()),
    "d.bz2": bz2.compress(TEXT.encode()),
    "e.xz": lzma.compress(TEXT.encode()),
    "f.zst": zstandard.compress(TEXT.encode()),
    "g.7z": seven(TEXT.encode()),
    "nested.zip": packed(
        "in.tgz", gzip.compress(tarred(packed("in.zip", packed("deep.txt", TEXT.encode()))))
    ),
    "h.db": database(),
    "i.parquet": parquet(),
    "j.json": json.dumps(
        [{"name": p.name, "id": p.id, "more": {"phone": p.mobile}} for p in PEOPLE]
    ).encode(),
    "k.jsonl": "".join(json.dumps({"姓名": p.name, "身份证": p.id}) + "\n" for p in PEOPLE).encode(),
    "l.html": f"<html><body><p>{TEXT.replace(chr(10), '</p><p>')}</p></body></html>".encode(),
    "m.xml": (
        "<?xml version='1.0'?><r>" + "".join(f"<p><id>{p.id}</id></p>" for p in PEOPLE) + "</r>"
    ).encode(),
    "n.rtf": RTF.encode(),
    "o.eml": MAIL.encode() + TEXT.encode(),
    "p.vcf": CARDS.encode(),
    "q.sql": DUMP.encode(),
    "r.mbox": b"From x Mon Jan  1 00:00:00 2026\r\n" + MAIL.encode() + TEXT.encode(),
}


@pytest.mark.parametrize("name", FORMS)
def test_every_format_gives_up_its_people(name: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_bytes(FORMS[name])
    outcome = scanned(tmp_path / "in", tmp_path / "out")
    assert outcome.bytes_unread == 0, outcome.unread_by_reason
    assert outcome.persons.with_id == len(PEOPLE)
    # Sender and receiver of a mail are people too.
    assert outcome.persons.without_id == (2 if name in ("o.eml", "r.mbox") else 0)


def test_a_pdf_gives_up_its_people(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    from tideng.documents import pdf

    if not pdf.has_chinese_font():
        pytest.skip("no Chinese font here")
    (tmp_path / "in").mkdir()
    data = {"lines": TEXT.splitlines()}
    paper = pdf.render(
        "#for l in data.lines [#par(justify: false, l)]", data, at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    (tmp_path / "in" / "a.pdf").write_bytes(paper)
    assert (
        scanned(tmp_path / "in", tmp_path / "out").persons.with_id >= len(PEOPLE) - 2
    )  # a line break may cut one


BROKEN: dict[str, tuple[bytes, str]] = {
    "cut.zip": (packed("x.txt", TEXT.encode())[:200], "damaged"),
    "cut.gz": (gzip.compress(os.urandom(9000))[:5000], "damaged"),
    "cut.xlsx": (FORMS["book.xlsx"][:900], "damaged"),
    "secret.7z": (seven(TEXT.encode(), "x"), "encrypted"),
    "noise.bin": (os.urandom(9000), "binary"),
    "photo.png": (b"\x89PNG\r\n\x1a\n" + os.urandom(900), "needs_extra"),
    "cut.pdf": (b"%PDF-1.7\n" + os.urandom(500), "damaged"),
    "cut.db": (database()[:6000], "damaged"),
    "old.ole": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "unsupported"),
    "image.e01": (b"EVF\x09\x0d\x0a\xff\x00" + b"\x00" * 600, "damaged"),
    "cut.parquet": (parquet()[:300], "damaged"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_listed_and_breaks_nothing_else(name: str, tmp_path: Path) -> None:
    data, reason = BROKEN[name]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_bytes(data)
    (tmp_path / "in" / "zz.txt").write_bytes(TEXT.encode())
    outcome = scanned(tmp_path / "in", tmp_path / "out")
    assert set(outcome.unread_by_reason) == {reason}
    assert 0 < outcome.bytes_unread <= len(data)
    assert outcome.persons.with_id == len(PEOPLE)


def test_an_encrypted_member_leaves_the_others_readable(tmp_path: Path) -> None:
    whole = bytearray(packed("secret.txt", TEXT.encode()))
    whole[6] |= 1
    at = whole.rindex(b"PK\x01\x02")
    whole[at + 8] |= 1
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.zip").write_bytes(bytes(whole))
    outcome = scanned(tmp_path / "in", tmp_path / "out")
    assert set(outcome.unread_by_reason) == {"encrypted"}
    assert outcome.persons.persons == 0


def test_a_bomb_is_stopped_and_listed(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    layer = gzip.compress(gzip.compress(b"\x00" * 300_000_000, 9), 9)
    (tmp_path / "in" / "bomb.gz").write_bytes(layer)
    outcome = scanned(tmp_path / "in", tmp_path / "out")
    assert "over_limit" in outcome.unread_by_reason
    assert outcome.bytes_expanded < 250_000_000


def test_archives_nested_too_deep_are_listed(tmp_path: Path) -> None:
    data = TEXT.encode()
    for _ in range(15):
        data = packed("in.zip", data)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "deep.zip").write_bytes(data)
    assert set(scanned(tmp_path / "in", tmp_path / "out").unread_by_reason) == {"over_limit"}


def test_links_loops_and_devices_are_listed_not_followed(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "loop").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "zero").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "in" / "pipe")
    (tmp_path / "in" / "../in/a.txt").write_bytes(TEXT.encode())
    outcome = scanned(tmp_path / "in", tmp_path / "out")
    assert (outcome.files, outcome.files_unopened) == (4, 3)
    assert outcome.persons.with_id == len(PEOPLE)


def test_a_name_that_climbs_out_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "slip.zip").write_bytes(packed("../../../../evil.txt", TEXT.encode()))
    assert scanned(tmp_path / "in", tmp_path / "out").persons.with_id == len(PEOPLE)
    assert not list(tmp_path.rglob("evil.txt"))


@settings(max_examples=120, deadline=None)
@given(
    st.binary(max_size=600),
    st.sampled_from(
        [
            b"",
            b"PK\x03\x04",
            b"\x1f\x8b",
            b"%PDF-",
            b"{\\rtf",
            b"7z\xbc\xaf\x27\x1c",
            b"SQLite format 3\x00",
            b"From x\nTo: y\n",
            b"<html>",
            b"BEGIN:VCARD",
        ]
    ),
)
def test_noise_is_read_or_listed_never_raised(noise: bytes, magic: bytes) -> None:
    data = magic + noise
    for part in parts_of(io.BytesIO(data), "noise", len(data), Budget(packed=max(1, len(data)))):
        if isinstance(part, Part):
            # Whatever a reader raises, the caller (batch) lists; it never leaves the process.
            with suppress(Exception):
                for block in part.blocks:
                    block.data.decode(block.encoding, "replace")


@settings(max_examples=80, deadline=None)
@given(
    lines=st.lists(st.text("张1380一x, ", max_size=12), max_size=30),
    cut=st.integers(0, 400),
    encoding=st.sampled_from(["utf-8", "gb18030", "utf-16-le", "utf-16-be"]),
)
def test_ranges_divide_a_text_without_loss_or_repetition(lines: list[str], cut: int, encoding: str) -> None:
    data = "".join(line + "\n" for line in lines).encode(encoding)
    file = io.BytesIO(data)
    place = boundary(file, min(cut, len(data)), len(data), encoding)
    halves = [
        b"".join(b.data for b in text_blocks(file, a, b, encoding))
        for a, b in ((0, place), (place, len(data)))
    ]
    assert b"".join(halves) == data
    assert place in (0, len(data)) or halves[0].decode(encoding).endswith("\n")


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "big5", "utf-16-le", "utf-16-be"])
def test_the_encoding_is_told(encoding: str) -> None:
    text = (
        "姓名,電話,地址\n王大明,13800138000,臺北市\n的一是不在人有我他這個們\n"
        if encoding == "big5"
        else TEXT
    )
    assert encoding_of(text.encode(encoding)) == encoding


def test_types_are_told_by_content() -> None:
    assert format_of(b"") == "empty"
    assert format_of("姓名,电话\n".encode("gbk")) == "text"
    assert format_of(os.urandom(4096)) == "binary"
    assert format_of(b"BMW and more words") == "text"


def test_fields_in_quotes() -> None:
    assert split('a,"b,""c""",d', ",") == ["a", 'b,"c"', "d"]
    assert split("a,,b,", ",") == ["a", "", "b", ""]
