"""What people read in a bundle: README, timeline (HTML and PDF), custody list. Every line cites an index.

They are for reading. What is verified are the entries, openings and proofs beside them.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from html import escape
from typing import Any, Final

from msgspec import Struct

from tideng.documents import standalone
from tideng.evidence.bundle import CaseEntry
from tideng.evidence.entries import KINDS, decode_entry

CHINA: Final = timezone(timedelta(hours=8), "UTC+8")
_TOLD: Final = {
    "action": "决定",
    "codes": "审核发现",
    "customer": "内容提供者",
    "principal": "委托方",
    "signature": "签名",
    "code_number": "码号",
    "category": "类别",
    "classified_by": "类别认定",
    "auth": "认证方式",
    "counted": "频次读数(窗口秒:已发:上限)",
    "by": "由",
    "carrier": "运营商",
    "outcome": "结果",
    "state": "状态",
    "meaning": "含义",
    "object_kind": "登记对象",
    "object_id": "对象编号",
    "version": "版本",
    "wording": "同意文本",
    "software": "软件",
    "case": "案号",
    "purpose": "用途",
    "complaint": "投诉编号",
    "step": "处理步骤",
    "door": "来源通道",
    "message": "短信编号",
}
_FIELDS: Final = {
    "recipient": "收信人",
    "text": "短信内容",
    "sender": "发信人",
    "slots": "模板变量",
    "reason": "人工处理理由",
    "raw": "原始报文(十六进制)",
    "subject": "当事人(假名)",
}
SHOWN_CHARACTERS_MAX: Final = 600
"""A long message's PDUs are in the openings whole; a timeline is for reading."""
_VALUES: Final = {"send": "放行", "hold": "暂缓", "refuse": "拒绝"}


class Line(Struct, frozen=True):
    """One line of the timeline."""

    index: int
    at: int
    kind: str
    meaning: str
    said: tuple[tuple[str, str], ...]
    opened: tuple[tuple[str, str], ...]


def timeline(entries: Sequence[CaseEntry]) -> list[Line]:
    """The case's entries as sentences, oldest first; entries that only serve the proofs are left out."""
    lines = []
    for entry in sorted(entries, key=lambda each: each.index):
        if entry.role == "index":
            continue
        fields = decode_entry(entry.leaf)
        kind = str(fields["kind"])
        meaning = KINDS[kind].zh if kind in KINDS else kind
        lines.append(
            Line(
                entry.index,
                int(fields["at"]),
                kind,
                meaning,
                tuple(_said(fields)),
                tuple(
                    (_FIELDS.get(each.field, each.field), _shortened(each.value)) for each in entry.openings
                ),
            )
        )
    return lines


def _said(fields: Mapping[str, Any]) -> Iterator[tuple[str, str]]:  # Any: an entry's fields
    for name, told in _TOLD.items():
        value = fields.get(name)
        if value not in (None, "", [], ()):
            text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            yield told, _VALUES.get(text, text)


def _shortened(value: str) -> str:
    if len(value) <= SHOWN_CHARACTERS_MAX:
        return value
    return f"{value[:SHOWN_CHARACTERS_MAX]}…(共{len(value)}字符,全文见 openings)"


def when(at: int) -> str:
    """A moment as people in China write it, to the millisecond."""
    return datetime.fromtimestamp(at / 1e6, UTC).astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def timeline_html(case: str, origin: str, lines: Sequence[Line]) -> bytes:
    """The timeline as a page that stands alone."""
    rows = "".join(
        f'<tr><td class="number">{line.index}</td><td>{when(line.at)}</td><td>{escape(line.meaning)}'
        f"<br><code>{escape(line.kind)}</code></td>"
        f"<td>{_pairs(line.said)}{_pairs(line.opened, opened=True)}</td></tr>"
        for line in lines
    )
    body = (
        f"<h1>证据时间线 · 案号 {escape(case)}</h1>"
        f"<p>每一行引用账本 <code>{escape(origin)}</code> 中的一个条目。时间为北京时间(UTC+8)。"
        f"<mark>标色</mark>的内容是本次披露的原文;其余个人信息在账本中只有承诺值。</p>"
        f'<div class="scroll"><table><caption>{len(lines)} 个条目</caption><thead><tr>'
        f"<th>条目</th><th>时间</th><th>事项</th><th>内容</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )
    return standalone.page(title=f"证据时间线 {case}", body=body).encode()


def _pairs(pairs: Sequence[tuple[str, str]], *, opened: bool = False) -> str:
    return "".join(
        f"<div>{escape(name)}: {'<mark>' if opened else ''}{escape(value)}{'</mark>' if opened else ''}</div>"
        for name, value in pairs
    )


_PAPER: Final = """
#align(center)[#text(16pt, weight: "bold")[证据时间线]]
案号 #data.case \\
账本 #raw(data.origin) \\
每一行引用账本中的一个条目;时间为北京时间(UTC+8)。“原文”是本次披露的内容,其余个人信息在账本中只有承诺值。

#set par(justify: false)
// Blocks, not a table: the same lines set four times faster.
#for line in data.lines {
  block(above: 9pt, below: 0pt)[*条目 #line.index* #h(6pt) #line.at #h(6pt) *#line.meaning* #line.kind]
  block(above: 4pt, inset: (left: 12pt))[#line.said.map(pair => pair.at(0) + ":" + pair.at(1)).join(";")]
  for pair in line.opened { block(above: 4pt, inset: (left: 12pt))[*原文* #pair.at(0):#pair.at(1)] }
}
"""


def timeline_pdf(case: str, origin: str, lines: Sequence[Line], made_at: int) -> bytes:
    """The timeline as PDF/A. Raises ImportError where typst is not installed, `PaperFailed` if it fails."""
    from tideng.documents import pdf

    told = [
        {
            "index": str(line.index),
            "at": when(line.at),
            "kind": line.kind,
            "meaning": line.meaning,
            "said": line.said,
            "opened": line.opened,
        }
        for line in lines
    ]
    data = {"case": case, "origin": origin, "lines": told}
    at = datetime.fromtimestamp(made_at // 1_000_000, UTC)
    return pdf.render(_PAPER, data, at=at, title=f"证据时间线 {case}")


def custody_csv(rows: Sequence[Mapping[str, Any]]) -> bytes:  # Any: fields of export/1 entries
    """Who was handed what, when: one line per "export/1" entry of the case, the newest last."""
    text = io.StringIO()
    columns = ("index", "at", "by", "case", "purpose", "entries", "fields", "content")
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows([{**row, "at": when(int(row["at"]))} for row in rows])
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def readme(case: str, origin: str, key: str, entries: int, has: Mapping[str, bool]) -> tuple[bytes, bytes]:
    """What is proved and how to check it: in Chinese, in English."""
    absent_zh = "".join(f"- 本包未含:{name}\n" for name, there in has.items() if not there)
    zh = _README_ZH.format(case=case, origin=origin, key=key, entries=entries, absent=absent_zh)
    en = _README_EN.format(case=case, origin=origin, key=key, entries=entries)
    return zh.encode(), en.encode()


_README_ZH: Final = """\
证据包说明 · 案号 {case}

一、这是什么
本包出自账本 {origin}。账本只增不改:每一条记录(“条目”)的哈希值都汇入一棵 Merkle 树,树根由账本密钥签名
(“检查点”)。本包共有 {entries} 个条目。timeline.html 与 timeline.pdf 供阅读,每一行都引用条目编号。

二、证明什么
1 本文件的每一个字节都有归属;2 所交付的正是这些文件;3 账本密钥(及见证人)确认账本的某一状态;
4 每一条目原样在账本中;5 所展示的原文即当时入账的内容;6 资质、授权为当时所登记;7 各检查点之间账本未改;
8 外部时间戳机构见过该状态;9 该号码在此期间的记录没有遗漏;10 本次导出本身也已入账。

三、不证明什么
入账之前的内容是否真实,账本不能证明(在线诉讼规则第十八条);入账之后是否被改,账本可以证明(第十六条)。
如策略中没有外部见证人,签名只代表账本持有人自己。
{absent}
四、如何核验(均不联网)
甲 打开 verify.html(向法院或鉴定机构索取,不要用本包提供者给的),选择本文件。
乙 tideng evidence verify 本文件,或 python tideng-verify.pyz 本文件。
丙 第三方工具:openssl ts -verify、任何 C2SP tlog 校验程序,命令见 docs/evidence/third-party.md。
三种方法的步骤编号相同。核验前请从另一渠道取得账本公钥,与下列公钥逐字比对:
{key}
"""
_README_EN: Final = """\
About this evidence bundle · case {case}

It comes from the ledger {origin}, an append-only Merkle tree whose root the ledger's key signs.
It holds {entries} entries. timeline.html and timeline.pdf are for reading; every line cites an entry.

It proves: 1 every byte of this file is accounted for; 2 these files were handed over; 3 the ledger's key
(and its witnesses) vouch for one state of the ledger; 4 each entry lies in it unchanged; 5 what is shown is
what was recorded; 6 licences and mandates are those registered then; 7 nothing changed between the
checkpoints; 8 an outside authority saw that state; 9 nothing about this number was left out of the window;
10 this hand-over is recorded too.

It does not prove that what was recorded was true. Without outside witnesses, the signature is the
operator's alone.

To verify, offline: open verify.html, or run `tideng evidence verify FILE`, or `python tideng-verify.pyz
FILE`; other people's tools: docs/evidence/third-party.md. First compare the ledger's key with one you got
another way:
{key}
"""
