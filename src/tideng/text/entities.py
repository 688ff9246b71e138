"""What a text names: amounts of money, phone numbers, links, deadlines.

All functions take flat text (`normalise.fold(...).flat`: NFKC, lower case, invisible characters gone) and
give what they saw in order, without repeats. Patterns have bounded repeats and anchored beginnings, so
the time is linear in the length, whatever the text.
"""

import re
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

SEEN_MAX: Final = 16
"""More of one kind than this is not listed; one is enough for a finding."""


class Link(Struct, frozen=True, gc=False):
    """A place a reader is sent to."""

    host: str
    """Lower case, without port; as written (IDN stays readable)."""
    is_short: bool
    """True for known link shorteners: the real place is hidden."""


# Each pattern begins with a literal or a class, or is run only after one that does: that is what keeps
# reading a text at some ten microseconds.
_CURRENCY: Final = re.compile(
    r"[¥$€£]\s{0,2}(\d[\d,]{0,14}(?:\.\d{1,2})?)|(?:人民币|rmb|cny|usd)\s{0,2}(\d[\d,]{0,14}(?:\.\d{1,2})?)"
)
_UNIT: Final = re.compile(r"元|圆|块|人民币|rmb|yuan|港币")
_AMOUNT: Final = re.compile(
    r"[0-9](?<![\d.,].)([\d,]{0,14}(?:\.\d{1,2})?)\s{0,2}(?:[万亿千百]\s?)?"
    r"(?:元|圆|块钱|块(?![儿地砖])|人民币|rmb|yuan|美元|港币)"
)
_NUMBER: Final = re.compile(
    r"[+(0148](?<![\d.].)(?:"
    r"(?<=\+)(?:86[- ]?1[3-9]\d[- ]?\d{4}[- ]?\d{4}|\d{1,3}[- ]?\d{2,4}[- ]?\d{3,4}[- ]?\d{3,4})"
    r"|(?<=8)61[3-9]\d[- ]?\d{4}[- ]?\d{4}"
    r"|(?<=1)[3-9]\d[- ]?\d{4}[- ]?\d{4}"
    r"|(?<=[48])00[- ]?(?:\d{3}[- ]?\d{4}|\d{4}[- ]?\d{3})"
    r"|(?<=0)(?:10|2\d|[3-9]\d{2})[- ]?[2-8]\d{6,7}"
    r"|(?<=\()0(?:10|2\d|[3-9]\d{2})\)[- ]?[2-8]\d{6,7}"
    r")(?!\d)"
)
_NOT_DIGIT: Final = re.compile(r"\D")
_CALLED: Final = re.compile(
    # Short service numbers look like amounts and codes; only the word in front makes them a number to call.
    r"(?:电话|致电|拨打|热线|客服|详询|咨询|联系|来电|call|dial|hotline)[是为请于:\s]{0,3}"
    r"(1[12]\d{3}|10\d{3}|9[56]\d{3,6}|1[12]\d|[2-8]\d{6,7})(?![\d.])"
)
_TLDS: Final = (
    "com|cn|net|org|gov|edu|info|top|xyz|vip|club|shop|site|cc|co|me|tv|io|app|link|ltd|fun|icu|wang|online|store"
    "|tech|pub|pro|work|live|ly|gl|gs|is|do|gd|im|ink|biz|mobi|asia|hk|tw|mo|us|uk|de|fr|jp|kr|ru|sg|eu|to|win|bid"
    "|loan|cloud|art|run|plus|team|group|life|world|today|ren|red|beer|cool|fit|law|love|mom|space|website|host|中国"
    "|公司|网络|网址|集团|我爱你|商城"
)
_DOT: Final = r"(?:\.|。|\[\.\]|\(\.\)|\[dot\]|\(dot\)| dot |\[点\]|\(点\)|点(?=c[on]m?\b))"
_HOST: Final = re.compile(
    rf"(?<![a-z0-9.@_-])(?:(?:https?|ftp)://)?"
    rf"((?:[a-z0-9][a-z0-9-]{{0,62}}{_DOT}){{1,5}}(?:{_TLDS})(?![a-z0-9-]))"
)
_DOTTED: Final = re.compile(rf"://|\.(?:{_TLDS})|。[a-z]|\[[.d点]|\([.d点]| dot |点c")
_SCHEME: Final = re.compile(r"(?:https?|ftp)://([^\s/?#,;:!，。；：！？、】【)）\"”]{1,253})")
_IDN: Final = re.compile(
    r"(?<![一-鿿])([一-鿿]{1,20}\.(?:中国|公司|网络|网址|集团|商城|cn|com|net))(?![a-z0-9])"
)
_WRITTEN_DOT: Final = re.compile(r"。|\[\.\]|\(\.\)|\[dot\]|\(dot\)| dot |\[点\]|\(点\)|点")
_SHORTENERS: Final = frozenset(
    [
        "t.cn",
        "url.cn",
        "dwz.cn",
        "suo.im",
        "suo.nz",
        "bit.ly",
        "tinyurl.com",
        "goo.gl",
        "is.gd",
        "ow.ly",
        "t.co",
        "u.to",
        "rrd.me",
        "m6z.cn",
        "0x9.me",
        "c-n.me",
        "w.url.cn",
        "sourl.cn",
        "mrw.so",
        "dwz.win",
        "tb.cn",
        "m.tb.cn",
        "u.jd.com",
        "3.cn",
        "reurl.cc",
        "985.so",
        "s.yam.com",
        "rb.gy",
        "cutt.ly",
    ]
)
_DEADLINE: Final = re.compile(
    r"(?:截至|截止|有效时间|有效期)[^,。;，；\n]{0,12}?\d{1,4}[年月日:点时]"
    r"|\d{1,2}月\d{1,2}日[^,。;，；\n]{0,6}前|\d{1,2}[:点时](?:\d{1,2}分?)?之?前"
    r"|(?:今日|今天|明日|明天|本日|当日|今晚|本周|月底)[^,。;，；\n]{0,6}前|\d{1,2}(?:小时|天|日|个工作日)[之以]?内"
    r"|within \d{1,2} (?:hour|day|minute)s?|by (?:today|tomorrow|midnight)"
)


def amounts(flat: str) -> tuple[str, ...]:
    """Amounts of money, as digits with their decimals: 27911, 1,200.50."""
    found = [first or second for first, second in _CURRENCY.findall(flat)]
    if _UNIT.search(flat):
        found += [match[0][0] + match[1] for match in _AMOUNT.finditer(flat)]
    return _unique(found)


def phone_numbers(flat: str) -> tuple[str, ...]:
    """Numbers a reader is likely to call, as digits; the mainland's 86 in front is dropped."""
    found = [_NOT_DIGIT.sub("", match[0]) for match in _NUMBER.finditer(flat)]
    found = [n[2:] if len(n) == 13 and n.startswith("861") else n for n in found]
    return _unique([*found, *_CALLED.findall(flat)])


def links(flat: str) -> tuple[Link, ...]:
    """Links with or without scheme, with disguised dots, and internationalised names."""
    if not _DOTTED.search(flat):
        return ()
    hosts = [_WRITTEN_DOT.sub(".", host) for host in _HOST.findall(flat)]
    if "://" in flat:
        hosts += [host.rpartition("@")[2] for host in _SCHEME.findall(flat)]
    hosts += _IDN.findall(flat)
    return tuple(Link(host, host in _SHORTENERS) for host in _unique(host.strip(".") for host in hosts))


def deadlines(flat: str) -> tuple[str, ...]:
    """Phrases that set a time by which to act."""
    return _unique(match[0] for match in _DEADLINE.finditer(flat))


def host_allowed(host: str, allowed: tuple[str, ...]) -> bool:
    """True when `host` is one of `allowed` or below one of them."""
    return any(host == one or host.endswith("." + one) for one in allowed)


def _unique(found: Iterable[str]) -> tuple[str, ...]:
    if not found:
        return ()
    return tuple(dict.fromkeys(found))[:SEEN_MAX]
