"""Addresses in running text: a place the gazetteer knows, then what is inside it, down to the room."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from ahocorasick_rs import AhoCorasick, MatchKind

from tideng.identifiers.spans.span import Span
from tideng.identifiers.tables import region_periods

ADDRESS_CHARACTERS_MAX: Final = 90
PLACE_CHARACTERS_MAX: Final = 24
"""Longer than any name of a county in the tables."""

_H: Final = r"[\u4e00-\u9fa5A-Za-z0-9]"
_PART: Final = (
    rf"(?:{_H}{{1,9}}?(?:自治州|自治县|自治旗|地区|街道办事处|街道|开发区|高新区|新区|园区|工业园|产业园|科技园|大道|大街|胡同|小区|花园|"
    r"家园|公寓|大厦|广场|新村|社区|居委会|村委会|小学|中学|大学|医院|饭店|酒店|宾馆|商务楼|办公楼|写字楼|大楼|商厦|中心|[市区县旗盟镇乡村路街巷弄里道苑园庄屯寨坊城湾邨组队]))"
)
_NUMBER: Final = (
    r"(?:第?[ ]?[0-9A-Za-z一二三四五六七八九十百零〇甲乙丙丁]{1,6}(?:[-—~之][0-9A-Za-z]{1,5}){0,3}[ ]?(?:号院|号楼|号|弄|幢|栋|座|单元|层|楼|室|房|户|组|巷|期|排|门|院|队|#)"  # noqa: E501
    r"(?:[ ]?[0-9]{1,4}(?:[-—][0-9]{1,5}){0,3}(?![0-9A-Za-z年月日:：.%个人元万岁次米分号弄幢栋座单层楼室房户组巷期排门院队#-]))?)"  # noqa: E501
)
_BUILDING: Final = (
    r"(?:(?:办公楼|写字楼|主楼|附楼|裙楼|商场|商业广场)|(?:[A-Z][0-9]{0,2}|[0-9]{1,2})?[东南西北]座|[东南西北][塔区楼门]|T[0-9](?![0-9])|"
    r"[A-Z][0-9]{1,2}(?:座|栋|幢|栋楼|号楼|楼)|(?:[\u4e00-\u9fa5]{2,6}|[A-Za-z]{2,10})"
    r"(?:国际|天地|名都|华府|公馆|雅苑|壹号|时代|置地|SOHO|soho|万达|CBD)"
    r"(?=[ ]?[0-9A-Z]))"
)
"""Parts of large buildings, and names of buildings that only the number behind them shows to be some."""
_NAMED_LIKE_A_PLACE: Final = re.compile(r"[东南西北中一二三四五]?(?:路|街|大道|大街|巷)")
"""Behind a place's short name: 河北路 and 北京东路 are roads, wherever they are."""
_ROAD: Final = re.compile(
    rf"(?:(?<![\u4e00-\u9fa5])|(?<=[放到在送至寄住往给于的是去]))(?:(?![放到在送至寄住往给于的是去我你您他她它们])[\u4e00-\u9fa5]){{2,6}}(?:路|街|大道|大街|巷|胡同|弄)(?:[东南西北中]段|[0-9一二三四五六七八九十]+段)?[ ]?{_NUMBER}(?:[ ]?(?:{_NUMBER}|{_BUILDING}|{_PART})){{0,4}}"  # noqa: E501
)
_CHAIN: Final = re.compile(
    rf"(?:[ ,，]?(?:{_NUMBER}|{_BUILDING}|{_PART})|[东南西北中]段|[一二三四五六七八九十0-9]{{1,2}}段|附[0-9]{{1,4}}号|[东南西北中]单元|(?:地下|负)[一二三四1-4]层|附近|对面)"  # noqa: E501
)
_BARE: Final = re.compile(rf"(?:[路街巷县市区]|大道|大街)(?={_H})")
"""A road or county named after another place: 北京路, 上海市."""
_ESTATE: Final = re.compile(
    rf"(?:(?<![\u4e00-\u9fa5])|(?<=[放到在送至寄住往给是于们]))(?:(?![放到在送至寄住往给是于谁认识找问我你您他她们])[\u4e00-\u9fa5]){{2,8}}?(?:小区|花园|家园|公寓|新村|新城|名苑|[苑府庭郡湾城])"
    rf"(?:{_NUMBER}){{2,4}}"
)
"""An estate that no gazetteer knows, with building and room."""
_INSIDE: Final = re.compile(
    r"(?<![0-9A-Za-z第.-])[0-9]{1,3}(?:栋|幢|号楼)(?:[0-9]{1,2}单元)?[ ]?[0-9]{3,4}(?:室|号房|房)?(?![0-9A-Za-z年月日元人次个.-])"  # noqa: E501
)
"""House and room of an estate that everybody there knows."""
_POSTCODE: Final = re.compile(r" [0-9]{6}(?![0-9年])")
_TAIL: Final = re.compile(
    r"[ ]?[0-9]{1,2}-[0-9]{1,2}-[0-9]{2,4}(?![0-9])|[ ]?[0-9]{1,2}-[0-9]{3,4}(?![0-9-])|[ ]?(?:[0-9A-Z]{1,2}-)?[A-Z][0-9]{2,4}(?![0-9A-Za-z-])|[ ]?[0-9]?[A-Z]-[0-9]{2,4}(?![0-9A-Za-z-])|[ ]?[0-9]{3,4}(?![0-9A-Za-z年月日:：.%个人元万岁次米分号弄幢栋座单层楼室-])"  # noqa: E501
)
_LABEL: Final = re.compile(
    r"(?:地址|住址|住所|户籍地?|籍贯|家住|现住|住在|居住地|收货地|宿舍|寄往|送至|送到|位于|住)(?:在|是|为|于)?[ ]?[:：=]?[ ]?[\"“「]?"  # noqa: E501
)
_LABELLED: Final = re.compile(rf"(?:{_NUMBER}|{_PART}|[ ])+")
_DETAIL: Final = re.compile(
    r"[路街巷弄村号栋幢座室镇乡庄屯里道苑园组]|小区|花园|公寓|大厦|广场|胡同|街道|社区|单元|大学|医院|中学|小学"
)
_STOP: Final = re.compile(
    r"(?:市场|城市|超市|股市|上市|区别|区域|县长|市长|区长|镇长|村长|村民|市民|路上|路过|公里|里面|路由|街上|队员|园长|组长|组织|号码|号称|路径|城管|道路|里程)$"
)


@cache
def _places() -> AhoCorasick:
    """Provinces, cities and counties, the longest first; short forms only of provinces and large cities.

    An automaton: an expression of 4,000 names takes a tenth of a second to compile.
    """
    names: set[str] = set()
    short: set[str] = set()
    for code, periods in region_periods().items():
        for name, _, last in periods:
            if name in ("市辖区", "县", "省直辖县级行政区划", "自治区直辖县级行政区划") or len(name) < 2:
                continue
            if code.endswith("00") or last == 9999:
                names.add(name)
            if code.endswith("0000"):
                short.add(re.sub(r"(?:壮族|回族|维吾尔)?自治区$|特别行政区$|省$|市$", "", name))
            elif code.endswith("00") and name.endswith("市") and len(name) >= 3:
                short.add(name[:-1])
    short -= {"", "吉林", "海南"}
    # Taiwan's and Hong Kong's parts have no codes in the tables.
    names |= {"台北市", "新北市", "桃园市", "台中市", "台南市", "高雄市", "新竹市", "基隆市", "九龙", "新界"}
    return AhoCorasick(sorted(names | short | {"吉林", "海南"}), matchkind=MatchKind.LeftmostLongest)


def addresses(folded: str) -> Iterator[Span]:
    """Addresses in a folded text; a town alone is no address, a road with a number is."""
    taken = 0
    for _, start, behind in _places().find_matches_as_indexes(folded):
        if start < taken or (
            folded[behind - 1] not in "省市区县州盟旗" and _NAMED_LIKE_A_PLACE.match(folded, behind)
        ):
            continue
        end, parts = _follow(folded, behind)
        text = folded[start:end]
        if not parts:
            continue
        detail = _DETAIL.search(text, behind - start)
        if detail is None and parts < 2:
            continue
        if not re.search(
            r"[0-9A-Za-z一二三四五六七八九十]+[ ]?(?:号|室|栋|幢|座|弄|单元|楼|组|队)", text
        ) and not _is_firm(folded[start:behind], text):
            continue
        confidence = 0.95 if detail and re.search(r"[0-9号室]", text) else 0.8 if detail else 0.6
        taken = end
        yield Span(start, end, "address", "", confidence)
    for label in _LABEL.finditer(folded):
        inside = _LABELLED.match(folded, label.end(), min(len(folded), label.end() + ADDRESS_CHARACTERS_MAX))
        if (
            inside
            and len(inside[0].strip()) >= 5
            and _DETAIL.search(inside[0])
            and re.search(r"[0-9号村区县路]", inside[0])
        ):
            stop = label.end() + len(inside[0].rstrip())
            yield Span(
                label.end() + len(inside[0]) - len(inside[0].lstrip()),
                _with_tail(folded, stop),
                "address",
                "",
                0.75,
            )
    for found in _ESTATE.finditer(folded):
        yield Span(found.start(), _with_tail(folded, found.end()), "address", "", 0.7)
    for found in _INSIDE.finditer(folded):
        yield Span(*found.span(), "address", "", 0.65)
    for found in _ROAD.finditer(folded):
        if found.start() >= taken:
            yield Span(found.start(), _with_tail(folded, found.end()), "address", "", 0.7)


def _is_firm(place: str, text: str) -> bool:
    """Without a house number: a place in full, then parts without words of prose, down to a road or
    village.
    """
    if place[-1] not in "省市区县州盟旗" or re.search(
        r"[的和到在跟了是与及对从被将把有没不很就也都]", text[len(place) :]
    ):
        return False
    return (
        re.search(
            r"(?:[省市区县镇乡村街路道巷里屯庄苑]|小区|花园|广场|大厦|公寓|街道|社区|园区|[东南西北]区)$",
            text,
        )
        is not None
    )


def _place_ends(folded: str, at: int) -> int:
    """Where the place named at `at` ends; `at` where none is named."""
    for _, start, end in _places().find_matches_as_indexes(folded[at : at + PLACE_CHARACTERS_MAX]):
        return at + int(end) if start == 0 else at
    return at


def _follow(folded: str, at: int) -> tuple[int, int]:
    """Where the chain of parts that begins at `at` ends, and how many parts it has."""
    start, parts = at, 0
    while at - start < ADDRESS_CHARACTERS_MAX:
        behind = _place_ends(folded, at)
        if behind == at:
            link = _BARE.match(folded, at) or _CHAIN.match(folded, at)
            if link is None or not link[0].strip():
                break
            behind = link.end()
        if _STOP.search(folded[at : behind + 1]) and _place_ends(folded, behind) == behind:
            break
        at = behind
        parts += 1
    return (_with_tail(folded, at) if parts else at), parts


def _with_tail(folded: str, at: int) -> int:
    tail = _TAIL.match(folded, at)
    if tail:
        at = tail.end()
    code = _POSTCODE.match(folded, at)
    return code.end() if code else at
