"""What one text names, each with its place in the original and its normal form.

Findings ask only whether something is there; here every entity is read out. Done for one text at a time, with
patterns of bounded repeats over the folded text.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final, Literal

from msgspec import Struct

from tideng.identifiers.bank_card import read_bank_card
from tideng.identifiers.phone import NotANumber, parse
from tideng.identifiers.resident_id import is_date
from tideng.text.contacts_seen import NUMERALS, closed_up, plain_number
from tideng.text.folding import BREAK
from tideng.text.judging import Judge
from tideng.text.links_seen import kinds_of
from tideng.text.numerals import numeral
from tideng.text.sights import Sights

EntityKind = Literal[
    "signature",
    "amount",
    "date",
    "time",
    "deadline",
    "phone",
    "link",
    "account",
    "bank_card",
    "code",
    "opt_out",
]
ENTITIES_MAX: Final = 64
"""Of one text; a text that names more names nothing in particular."""
Found = tuple[int, int, str, str]
"""Start and end in the folded text, normal form, remark."""


class Entity(Struct, frozen=True, gc=False):
    """One thing that the text names."""

    kind: EntityKind
    start: int
    end: int
    """In the original."""
    seen: str
    normal: str
    """amount `CNY 1200.50` (ISO 4217); date `2026-11-30` or `--11-30`, time `T18:00`, deadline `PT24H`
    (ISO 8601; XML Schema for a day without a year); phone `+8613…` (E.164), a short number as dialled; link
    host and path; account `wechat:name`; card, code: digits; opt_out: the word to send."""
    remark: str
    """phone: its kind; link: registered domain and what is odd; card: the issuer. Else empty."""


_CURRENCIES: Final = {"$": "USD", "€": "EUR", "£": "GBP", "美元": "USD", "usd": "USD", "港币": "HKD"}
_FIGURE: Final = r"\d{1,3}(?:,\d{3}){1,4}(?:\.\d{1,2})?|\d{1,15}(?:\.\d{1,2})?"
_AMOUNT: Final = re.compile(
    rf"(?P<front>[¥￥$€£]|人民币|rmb|cny|usd)\s?(?P<a>{_FIGURE})(?P<am>[万亿千百]?)"
    rf"|(?P<b>{_FIGURE})\s?(?P<bm>[万亿千百]?)(?P<unit>元|块|圆|人民币|rmb|美元|港币|usd)"
    r"|(?<![几数多第])(?P<c>[零〇一二两三四五六七八九十百千万亿壹贰叁肆伍陆柒捌玖拾佰仟]{1,16})(?:元|块钱|圆)"
)
_DATE: Final = re.compile(
    r"(?<!\d)(?:(?P<y>(?:19|20)\d\d)[年/.-])(?P<m>\d{1,2})[月/.-](?P<d>\d{1,2})(?!\d)[日号]?"
    r"|(?<!\d)(?P<m2>\d{1,2})月(?P<d2>\d{1,2})[日号]"
)
_TIME: Final = re.compile(
    r"(?<!\d)(?P<h>[01]?\d|2[0-4])(?::(?P<min>[0-5]\d)|[点时](?P<half>半|[0-5]?\d分)?)(?!\d)"
)
_WITHIN: Final = re.compile(
    r"(?P<n>\d{1,3}|[一二两三四五六七八九十]{1,3})个?(?P<unit>分钟|小时|工作日|天|日|周|星期|月)(?:之|以)?内"
)
_BY: Final = re.compile(
    r"(?P<day>今[日天]|明[日天]|后天|今晚|本[日周月]|月底|周[一二三四五六日天])[^,。;，；\n]{0,6}前"
)
_ISO_UNIT: Final = {
    "分钟": ("PT", "M"),
    "小时": ("PT", "H"),
    "工作日": ("P", "D"),
    "天": ("P", "D"),
    "日": ("P", "D"),
    "周": ("P", "W"),
    "星期": ("P", "W"),
    "月": ("P", "M"),
}
_HANDLE: Final = re.compile(r"@?([a-z][a-z0-9_-]{3,24}|[0-9]{5,12})$")
_FIGURES: Final = re.compile(rf"[0-9{NUMERALS}() -]{{5,}}$")
"""Figures and numerals of a number that is written to be missed."""
_PLATFORMS: Final = (
    ("telegram", ("飞机", "电报", "tg", "telegram", "t.me")),
    ("qq", ("qq", "扣扣", "企鹅", "蔻蔻", "寇寇", "叩叩", "抠抠", "扣", "q")),
    ("dingtalk", ("钉钉",)),
    ("whatsapp", ("whatsapp",)),
    ("line", ("line",)),
)
_SEND: Final = re.compile(r"[回复送发]\s?([a-z]{1,4}|0000)(?![a-z])")


def entities_of(judge: Judge, text: str) -> tuple[Entity, ...]:
    """Everything named, in the order of the text; at most ENTITIES_MAX."""
    sights = judge.sights([text])
    block = sights.block
    folded = block.joined.rstrip(BREAK)
    found: list[Entity] = []
    for kind, reader in _READERS:
        for start, end, normal, remark in reader(sights, folded):
            first, last = block.span(0, start, end)
            seen = text[first:last]
            if kind == "link" and len(seen) == len(normal):
                # Hosts know no case, paths do.
                path = normal.find("/") if "/" in normal else len(normal)
                normal = normal[:path] + seen[path:]
            found.append(Entity(kind, first, last, seen, normal, remark))
    found.sort(key=lambda one: (one.start, -one.end, one.kind))
    return tuple(dict.fromkeys(found))[:ENTITIES_MAX]


def _spans(sights: Sights, *slots: str) -> Iterator[tuple[int, int]]:
    names = sights.slot_names
    for slot in slots:
        yield from sights.of_text(names.index(slot), 0)


def _signatures(_sights: Sights, folded: str) -> Iterator[Found]:
    for match in re.finditer(r"【([^【】]{1,40})】", folded):
        if match.start() == 0 or match.end() == len(folded):
            yield match.start(), match.end(), match[1].strip(), ""


def _amounts(_sights: Sights, folded: str) -> Iterator[Found]:
    for match in _AMOUNT.finditer(folded):
        if match["c"]:
            whole = numeral(match["c"])
            if whole is not None:
                yield match.start(), match.end(), f"CNY {whole}", ""
            continue
        figure = (match["a"] or match["b"]).replace(",", "")
        currency = _CURRENCIES.get(match["front"] or match["unit"], "CNY")
        yield match.start(), match.end(), f"{currency} {_times(figure, match['am'] or match['bm'] or '')}", ""


def _times(figure: str, unit: str) -> str:
    """1.5 and 万 as 15000, in whole cents: never a float."""
    whole, _, part = figure.partition(".")
    factor = {"": 1, "百": 100, "千": 1000, "万": 10_000, "亿": 100_000_000}[unit]
    cents = (int(whole) * 100 + int((part + "00")[:2])) * factor
    return f"{cents // 100}.{cents % 100:02}" if cents % 100 else str(cents // 100)


def _dates(_sights: Sights, folded: str) -> Iterator[Found]:
    for match in _DATE.finditer(folded):
        year, month, day = match["y"], int(match["m"] or match["m2"]), int(match["d"] or match["d2"])
        # A day without a year may be in a leap one.
        if is_date(int(year or 2000), month, day):
            yield match.start(), match.end(), f"{year or '-'}-{month:02}-{day:02}", ""


def _hours(_sights: Sights, folded: str) -> Iterator[Found]:
    for match in _TIME.finditer(folded):
        minutes = match["min"] or {None: "0", "半": "30"}.get(
            match["half"], (match["half"] or "").rstrip("分")
        )
        yield match.start(), match.end(), f"T{int(match['h']):02}:{int(minutes):02}", ""


def _deadlines(_sights: Sights, folded: str) -> Iterator[Found]:
    for match in _WITHIN.finditer(folded):
        before, after = _ISO_UNIT[match["unit"]]
        yield match.start(), match.end(), f"{before}{numeral(match['n'])}{after}", match["unit"]
    for match in _BY.finditer(folded):
        yield match.start(), match.end(), f"before {match['day']}", ""


def _phones(sights: Sights, folded: str) -> Iterator[Found]:
    for start, end in _spans(sights, "phone", "service_phone"):
        written = folded[start:end]
        if not written.isascii():
            written = plain_number(written)
        try:
            number = parse(written)
        except NotANumber:
            continue
        digits = "".join(char for char in written if char.isdigit())
        short = number.kind == "service"
        yield start, end, digits if short else f"+{number.e164}", number.kind


def _links(sights: Sights, folded: str) -> Iterator[Found]:
    hosts = sights.hosts
    for start, end in _spans(sights, "link", "official_link"):
        written = _dotted(folded[start:end])
        if " " in written or not written.isascii():
            written = closed_up(written)
        host = written.partition("/")[0].partition(":")[0]
        if "." not in host:
            continue  # a place that a data set masked: url
        kinds = [kind for kind in kinds_of(host, hosts) if kind != "link"]
        yield start, end, written, " ".join([hosts.suffixes.registered_domain(host), *kinds])


def _dotted(written: str) -> str:
    for dot in ("[.]", "(.)", "[点]", "(点)", "。", "点"):
        written = written.replace(dot, ".")
    return written if "." in written else re.sub(r"dot", ".", written, count=1)


def _accounts(sights: Sights, folded: str) -> Iterator[Found]:
    for start, end in _spans(sights, "account"):
        written = folded[start:end]
        # What begins first is the whole of it: of 三三〇98123 the last digits alone look like an account.
        found = [one for one in (_FIGURES.search(written), _HANDLE.search(written)) if one is not None]
        if not found:
            continue
        match = min(found, key=lambda one: one.start())
        named = plain_number(match[0]) if match.re is _FIGURES else match[1]
        front = written[: match.start()]
        platform = next((name for name, words in _PLATFORMS if any(w in front for w in words)), "wechat")
        yield start, end, f"{platform}:{named}", ""


def _cards(sights: Sights, folded: str) -> Iterator[Found]:
    for start, end in _spans(sights, "card"):
        card = read_bank_card(folded[start:end])
        if card is not None:
            yield start, end, card.number, card.bank


def _codes(sights: Sights, folded: str) -> Iterator[Found]:
    if next(_spans(sights, "otp"), None) is not None:
        for start, end in _spans(sights, "short_number"):
            yield start, end, folded[start:end], ""


def _opt_outs(sights: Sights, folded: str) -> Iterator[Found]:
    longest = max(_spans(sights, "opt_out"), key=lambda span: span[1] - span[0], default=None)
    if longest is not None:
        word = _SEND.search(folded, max(0, longest[0] - 2), longest[1] + 4)
        yield *longest, word[1].upper() if word is not None else "", ""


_READERS: Final[tuple[tuple[EntityKind, Callable[[Sights, str], Iterator[Found]]], ...]] = (
    ("signature", _signatures),
    ("amount", _amounts),
    ("date", _dates),
    ("time", _hours),
    ("deadline", _deadlines),
    ("phone", _phones),
    ("link", _links),
    ("account", _accounts),
    ("bank_card", _cards),
    ("code", _codes),
    ("opt_out", _opt_outs),
)
