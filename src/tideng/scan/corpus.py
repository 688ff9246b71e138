"""Seeded piles of invented people, with the exact truth beside them: for tests, benchmarks and trying
things out.

Nobody here exists: names, numbers and addresses are drawn by chance from public tables.
"""

import csv
import gzip
import io
import json
import os
import random
import sqlite3
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from tideng.identifiers.bank_card import luhn_digit
from tideng.identifiers.resident_id import check_character, has_id_form
from tideng.identifiers.surnames import RANK
from tideng.identifiers.tables import bank_bins, given_counts, region_periods, towns

HEADER: Final = ("姓名", "身份证号", "手机号", "银行卡号", "地址")
_PREFIXES: Final = [
    "130",
    "131",
    "135",
    "136",
    "137",
    "138",
    "139",
    "150",
    "151",
    "152",
    "156",
    "158",
    "159",
    "166",
    "173",
    "177",
    "180",
    "181",
    "186",
    "187",
    "188",
    "189",
    "191",
    "198",
    "199",
]


class Person(Struct, frozen=True, gc=False):
    """One invented person."""

    name: str
    id: str
    mobile: str
    card: str
    address: str

    @property
    def row(self) -> tuple[str, str, str, str, str]:
        """As a row under `HEADER`."""
        return (self.name, self.id, self.mobile, self.card, self.address)


class Maker:
    """Draws people; equal seeds draw equal people, and no two people share a number."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        current = [
            code for code, spans in region_periods().items() if any(last == 9999 for _, _, last in spans)
        ]
        self._regions = sorted(code for code in current if not code.endswith("00") and code[0] in "123456")
        self._bins = sorted(
            (prefix, length)
            for prefix, entries in bank_bins().items()
            for length, _, _ in entries
            if prefix.startswith("62") and 16 <= length <= 19
        )
        self._families = list(RANK)[:120]
        given = given_counts()
        self._firsts = sorted(given, key=lambda c: -given[c][0])[:160]
        self._lasts = sorted(given, key=lambda c: -given[c][1])[:160]
        self._used: set[str] = set()

    def person(self) -> Person:
        """One more person."""
        draw = self.random
        region = draw.choice(self._regions)
        return Person(
            draw.choice(self._families)
            + (draw.choice(self._firsts) if draw.random() < 0.8 else "")
            + draw.choice(self._lasts),
            self._fresh(lambda: self.id_number(region)),
            self._fresh(self.mobile),
            self._fresh(self.card),
            self.address(region),
        )

    def _fresh(self, make: "object") -> str:
        while True:
            value: str = make()  # type: ignore[operator]  # one of our own makers
            if value not in self._used:
                self._used.add(value)
                return value

    def id_number(self, region: str) -> str:
        """A number with a right check character."""
        draw = self.random
        born = f"{draw.randint(1950, 2009)}{draw.randint(1, 12):02}{draw.randint(1, 28):02}"
        first = f"{region}{born}{draw.randint(1, 999):03}"
        return first + check_character(first)

    def wrong_id(self) -> str:
        """A number with everything right but the check character."""
        right = self.id_number(self.random.choice(self._regions))
        return right[:17] + self.random.choice([c for c in "0123456789X" if c != right[17]])

    def mobile(self) -> str:
        """A number of the plan."""
        return f"{self.random.choice(_PREFIXES)}{self.random.randint(0, 10**8 - 1):08}"

    def card(self) -> str:
        """A number of a listed issuer with a right check digit."""
        prefix, length = self.random.choice(self._bins)
        rest = length - len(prefix) - 1
        first = prefix + f"{self.random.randint(0, 10**rest - 1):0{rest}}"
        number = first + luhn_digit(first)
        # One card in some hundred thousand has the form of a Gansu ID, and nothing in it says which it is.
        return self.card() if has_id_form(number) else number

    def address(self, region: str) -> str:
        """A place in the region, down to the room."""
        names = region_periods()
        province = names.get(region[:2] + "0000", (("", 0, 0),))[-1][0]
        town = self.random.choice(towns().get(region, ("城关镇",)))
        draw = self.random
        return f"{province}{names[region][-1][0]}{town}人民路{draw.randint(1, 300)}号{draw.randint(1, 30)}栋{draw.randint(101, 2905)}室"  # noqa: E501


class Truth(Struct, kw_only=True):
    """What a pile holds, exactly."""

    persons: int
    records: int
    resident_ids: int
    mobiles: int
    bytes: int
    unread: int = 0


def table_bytes(people: Sequence[Person], encoding: str) -> bytes:
    """A CSV table of people."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(HEADER)
    writer.writerows(person.row for person in people)
    return text.getvalue().encode(encoding, "replace")


def workbook_bytes(rows: Sequence[Sequence[str]]) -> bytes:
    """A minimal xlsx of one sheet with inline text: what a spreadsheet program writes, without its
    ornaments.
    """

    def cells(row: Sequence[str]) -> str:
        return "".join(f'<c t="inlineStr"><is><t>{value}</t></is></c>' for value in row)

    body = "".join(f"<row>{cells(row)}</row>" for row in rows)
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    links = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'  # noqa: E501
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/></Types>',  # noqa: E501
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{links}/officeDocument" Target="xl/workbook.xml"/></Relationships>',  # noqa: E501
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{links}"><sheets><sheet name="名单" sheetId="1" r:id="r1"/></sheets></workbook>',  # noqa: E501
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{links}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',  # noqa: E501
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{body}</sheetData></worksheet>',
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, text in parts.items():
            archive.writestr(name, '<?xml version="1.0" encoding="UTF-8"?>' + text)
    return out.getvalue()


def log_lines(maker: Maker, count: int) -> Iterator[str]:
    """Lines of a server's log: long numbers of every kind, and nobody in them."""
    draw = maker.random
    for _ in range(count):
        stamp = f"2026-{draw.randint(1, 12):02}-{draw.randint(1, 28):02} {draw.randint(0, 23):02}:{draw.randint(0, 59):02}:07.123"  # noqa: E501
        yield f"{stamp} INFO order={draw.randint(10**17, 10**18 - 1)}9 ts={draw.randint(16 * 10**11, 18 * 10**11)} id={maker.wrong_id()} 请求完成 耗时{draw.randint(1, 999)}ms\n"  # noqa: E501


def laptop(folder: Path, seed: int, people: int = 400) -> Truth:
    """A seized laptop's folder (story 2): nested archives, GBK tables, chats, a payment export, a
    database.
    """
    maker = Maker(seed)
    crowd = [maker.person() for _ in range(people)]
    (folder / "数据" / "电销").mkdir(parents=True, exist_ok=True)
    part = people // 4
    a, b, c, d = (crowd[i * part : (i + 1) * part] for i in range(4))
    _write(folder / "数据" / "客户A.csv", table_bytes(a, "gb18030"))
    _write(folder / "数据" / "客户B.xls.csv", table_bytes([*a[: part // 2], *b], "utf-16"))
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("精准客户.xlsx", workbook_bytes([HEADER, *(p.row for p in c)]))
    with zipfile.ZipFile(folder / "数据" / "电销" / "打包.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("内层.zip", inner.getvalue())
        archive.writestr("说明.txt", "以上数据均已核对\n".encode("gb18030"))
    _database(folder / "crm.db", d)
    chat = "".join(
        f"2026-03-{day + 1:02} 10:0{day % 10}:00 买家{day % 3}(wxid_buyer{day % 3})\n老板，再来一批，身份证{p.id} 电话{p.mobile}\n\n"  # noqa: E501
        for day, p in enumerate(d[:20])
    )
    _write(folder / "聊天记录.txt", chat.encode("utf-8"))
    _payments(folder / "微信支付账单.csv", maker)
    with gzip.GzipFile(folder / "server.log.gz", "wb", mtime=0) as log:
        log.write("".join(log_lines(maker, 300)).encode("utf-8"))
    _write(
        folder / "photo.jpg", b"\xff\xd8\xff\xe0" + bytes(maker.random.randrange(256) for _ in range(4000))
    )
    _write(
        folder / "people.json",
        json.dumps([{"name": p.name, "phone": p.mobile} for p in b], ensure_ascii=False).encode(),
    )
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    records = len(a) + len(a[: part // 2]) + len(b) + len(c) + len(d) + 20 + len(b)
    return Truth(
        persons=4 * part, records=records, resident_ids=4 * part, mobiles=4 * part, bytes=size, unread=4004
    )


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def _database(path: Path, people: Sequence[Person]) -> None:
    conn = sqlite3.connect(path)
    conn.execute("CREATE TABLE customer (name TEXT, id_no TEXT, phone TEXT, card TEXT, addr TEXT)")
    conn.executemany("INSERT INTO customer VALUES (?, ?, ?, ?, ?)", [person.row for person in people])
    conn.commit()
    conn.close()


def _payments(path: Path, maker: Maker) -> None:
    """A WeChat statement: three buyers pay 12 times, 200 yuan each; groceries besides."""
    head = "微信支付账单明细,,,,,,,,\n微信昵称：[某人],,,,,,,,\n----------------------微信支付账单明细列表--------------------,,,,,,,,\n"  # noqa: E501
    rows = ["交易时间,交易类型,交易对方,商品,收/支,金额(元),支付方式,当前状态,备注"]
    for n in range(36):
        rows.append(  # noqa: PERF401
            f"2026-03-{n % 28 + 1:02} 11:00:{n:02},转账,买家{n % 3},转账备注:数据,收入,¥200.00,零钱,已存入零钱,/"  # noqa: E501
        )
    for n in range(20):
        rows.append(  # noqa: PERF401
            f"2026-03-{n % 28 + 1:02} 18:00:{n:02},商户消费,超市,食品,支出,¥{maker.random.randint(5, 99)}.50,零钱,支付成功,/"  # noqa: E501
        )
    path.write_text(head + "\n".join(rows) + "\n", "utf-8-sig")


def spreadsheets(folder: Path, seed: int, files: int, rows: int, repeats: float = 0.3) -> Truth:
    """Many workbooks, as in the case of 12,555: each row a person; a share of rows repeats people met
    before.
    """
    maker = Maker(seed)
    crowd: list[Person] = []
    size = 0
    for number in range(files):
        people = []
        for _ in range(rows):
            if crowd and maker.random.random() < repeats:
                people.append(maker.random.choice(crowd))
            else:
                people.append(maker.person())
                crowd.append(people[-1])
        path = folder / f"{number // 500:03}" / f"名单{number:05}.xlsx"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(workbook_bytes([HEADER, *(person.row for person in people)]))
        size += os.path.getsize(path)
    return Truth(
        persons=len(crowd), records=files * rows, resident_ids=len(crowd), mobiles=len(crowd), bytes=size
    )


def mixed(path: Path, seed: int, size: int, encoding: str = "gb18030") -> Truth:
    """One long table with a log behind it, about `size` bytes: for speed."""
    maker = Maker(seed)
    people = [maker.person() for _ in range(2_000)]
    rows = [",".join(person.row) + "\r\n" for person in people]
    table = ("".join(rows)).encode(encoding, "replace")
    log = "".join(log_lines(maker, 4_000)).encode(encoding, "replace")
    written = records = 0
    with path.open("wb") as file:
        written += file.write((",".join(HEADER) + "\r\n").encode(encoding))
        while written < size:
            written += file.write(table) + file.write(log)
            records += len(rows)
    return Truth(
        persons=len(people), records=records, resident_ids=len(people), mobiles=len(people), bytes=written
    )
