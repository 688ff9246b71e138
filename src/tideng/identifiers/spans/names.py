"""Names of people in running text: the likeliest reading of a stretch of characters, words against names.

A stretch is read as a sequence of words (with their frequency) and names (family name, given characters); the
reading with the least surprise in bits wins. Words beside it ("姓名", "先生") make a name less surprising.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from math import log2
from typing import Final

from msgspec import Struct

from tideng.identifiers.spans.short_names import short_name_bits
from tideng.identifiers.spans.span import Span
from tideng.identifiers.surnames import COMPOUND, RANK
from tideng.identifiers.tables import given_counts, listed, word_bits

STRETCH_CHARACTERS_MAX: Final = 400
"""Longer stretches without a sign of punctuation are read in pieces of this length."""

LEAST: Final = 0.6
"""Readings as names that are less sure than this are not reported: most of them are words."""

_TOTAL_BITS: Final = 25.8
_UNKNOWN_BITS: Final = 19.0
_SINGLE_WORD_BITS: Final = 2.2
"""A single character as a word of its own is rarer in running text than a word list makes it look."""
_NAME_BITS: Final = 12.5
"""How surprising a name is where nothing announces one."""
_WHOLE_BITS: Final = 16.0
"""How surprising a name of the list of whole names is."""
WHOLE_CHARACTERS_MAX: Final = 6
_COMMON_WORD: Final = 9
_COMMON_BONUS_MAX: Final = 5.0
"""What is a common word (师傅, 高兴) stays one, whatever stands beside it."""
_FIELD: Final = re.compile(
    r"(?:姓名|名叫|我叫|尊敬的|法定代表人|法人代表|乘客|旅客|患者|被告人?|原告人?|申请人|户主|户名|持卡人|联系人|收[件货]人|寄件人)[:：=是为]?[ ]?$"  # noqa: E501
)
_STRETCH: Final = re.compile(r"[\u3400-\u9fa5]{2,}")
_FOREIGN: Final = re.compile(
    r"[\u4e00-\u9fa5]{2,9}[·•・][\u4e00-\u9fa5]{1,8}?(?:[·•・][\u4e00-\u9fa5]{1,8}?)?(?=[与和及系是的在于说称、]|[^\u4e00-\u9fa5·•・]|$)"
)
_LABEL: Final = re.compile(
    r"(?:姓名|名字|联系人|联系|甲方|乙方|丙方|转账给|寄给|发给|交给|住户|居民|村民|收件人|收货人|寄件人|发件人|客户|顾客|患者|病人|用户|申请人|被告人?|原告人?|户主|持卡人|开户人|户名|"
    r"法人|法定代表人|负责人|代表人|代理人|经办人|我叫|名叫|叫做|本人|您好|你好|尊敬的|学生|员工|同事|家长|父亲|母亲|妻子|丈夫|配偶|"
    r"儿子|女儿|投保人|被保险人|受益人|乘客|旅客|乘车人|司机|驾驶员|车主|业主|租客|租户|房东|嫌疑人|当事人|证人|委托人|买受人|"
    r"监护人|主任医师|医师|家属|患儿|产妇|孕妇|学员|考生|选手|队员|骑手|快递员|店长|室友|邻居|护工|保姆|被保人|经纪人|客户经理|"
    r"借款人|担保人|债务人|收款人|付款人|汇款人|联络人|报案人|举报人|投诉人|嘉宾|作者|签收人|预订人|入住人|会员|候选人|应聘者|"
    r"求职者|主治医师|医生|护士|老师|教师|班主任|律师|法官|经理|主任|主管|导师|教授|董事长|总经理|秘书|是|叫|和|与|给|请|让|找|由|向|跟|为|或|及|、|@|"
    r"name|contact)[\"'”]?[ ]{0,2}(?:[:：=]|是|为|叫|is|,|，)?[ ]{0,2}[\"'“「『【（(]?$",
    re.I,
)
_WEAK_LABELS: Final = (
    "是",
    "叫",
    "和",
    "与",
    "给",
    "请",
    "让",
    "找",
    "由",
    "向",
    "跟",
    "为",
    "或",
    "及",
    "、",
)
_TITLE: Final = re.compile(
    r"^(?:先生|女士|小姐|太太|老师|同学|同志|医生|大夫|护士|主任|经理|总监|总经理|律师|警官|法官|教授|博士|院长|校长|局长|处长|科长|"
    r"书记|阿姨|叔叔|师傅|大爷|大妈|奶奶|爷爷|工程师|会计|队长|厂长|董事|女|男)"
)
_TITLES: Final = frozenset(
    [
        "先生",
        "女士",
        "小姐",
        "太太",
        "老师",
        "同学",
        "同志",
        "医生",
        "大夫",
        "主任",
        "经理",
        "总监",
        "律师",
        "警官",
        "法官",
        "教授",
        "博士",
        "院长",
        "校长",
        "局长",
        "处长",
        "科长",
        "书记",
        "阿姨",
        "叔叔",
        "师傅",
        "大爷",
        "大妈",
        "奶奶",
        "爷爷",
        "工",
        "队长",
        "厂长",
        "董事",
        "总",
        "姐",
        "哥",
        "嫂",
        "婶",
        "叔",
        "伯",
        "姨",
    ]
)
_PARTICLES: Final = frozenset(
    "或诉称的是了在于被把将已从向等也都就与及跟让请很并且但曾还所给之其这那您你我他她它们吗呢吧啊区县村镇街路市省州堂店院校厂队办级型款类客"
)
_HALF_PARTICLES: Final = frozenset("和说对来去同到有无不会要能可")
_NUMBER_NEXT: Final = re.compile(
    r"^[ ,，、;；:：|/\t(（【]{1,3}(?:[+(]?[0-9]{3}|男|女|身份证|电话|手机|联系|tel|phone|汉族|[0-9]{2}岁|生于|住|地址|现住)",  # noqa: E501
    re.I,
)
_VERB_NEXT: Final = re.compile(
    r"^(?:的(?:手机|电话|身份|银行|账|地址|微信|邮箱|住|护照|联系|病|车|生日|个人|联络|号|简历|资料|信息|订单|快递)|[，,]?(?:身份证|手机|电话|男|女|住|现年|生于|出生)|于|在|说|称|或|和|与|及|、|诉|因|反映|主持|认为|向|从|被|为|应|要求|表示|已|将|预约|申请|购买|签|居住|就诊|住在|来自|毕业|办理)"
)
_END: Final = re.compile(r"^(?:[ ]?[,，。;；、!！?？)）\]】」\"'\n|:：]|$)")


class _Step(Struct):
    bits: float
    back: int
    is_name: bool


@cache
def _given() -> tuple[Mapping[str, float], Mapping[str, float], Mapping[str, float]]:
    counts = given_counts()
    tables: list[dict[str, float]] = []
    for place in range(3):
        total = sum(row[place] for row in counts.values()) + 1000
        tables.append({c: log2(total / (row[place] + 0.3)) for c, row in counts.items()})
    return tables[0], tables[1], tables[2]


def name_bits(name: str) -> float | None:
    """How surprising `name` is among names; None when it does not begin with a family name."""
    family = name[:2] if name[:2] in COMPOUND and len(name) > 2 else name[:1]
    rank = RANK.get(family) if len(family) == 1 else 220
    rest = name[len(family) :]
    if rank is None or not 1 <= len(rest) <= 2 or rest in _TITLES or rest[:1] in "某氏总姓":
        return None
    first, last, alone = _given()
    bits = 3.4 + 0.95 * log2(rank + 1)
    bits += 9.0 * (rest[-1] in _PARTICLES) + 4.5 * (rest[-1] in _HALF_PARTICLES)
    if len(rest) == 1:
        return bits + 1.6 + min(alone.get(rest, 14.0), last.get(rest, 14.0) + 1.5)
    return bits + 0.4 + first.get(rest[0], 14.0) + last.get(rest[1], 14.0)


def looks_like_name(text: str) -> bool:
    """For a field that is said to hold names: two to four characters that are more a name than a word."""
    if not 2 <= len(text) <= 4:
        return False
    bits = name_bits(text)
    return bits is not None and bits < 30 and word_bits().get(text, 0) < 9


_SPACED: Final = re.compile(
    r"(?:姓名|联系人|收[件货]人|寄件人|户名|申请人|持卡人)[ ]?[:=]?[ ]{0,2}([\u4e00-\u9fa5])[ ]{1,4}[\u4e00-\u9fa5](?![\u4e00-\u9fa5])"  # noqa: E501
)
"""Forms stretch a name of two characters to the width of one of three."""


def names(folded: str) -> Iterator[Span]:
    """Names of people in a folded text, with confidence; never overlapping."""
    for stretch in _STRETCH.finditer(folded):
        start = stretch.start()
        while start < stretch.end():
            stop = min(stretch.end(), start + STRETCH_CHARACTERS_MAX)
            yield from _read(folded, start, stop)
            start = stop
    for found in _FOREIGN.finditer(folded):
        after = _after_label(folded, found.start(), found.end())
        if after is not None or _NUMBER_NEXT.search(folded[found.end() : found.end() + 8]):
            yield Span(found.start() if after is None else after, found.end(), "name", "", 0.85)
        elif not _STRETCH.match(folded[max(0, found.start() - 2) : found.start()]) and _dots(found[0]) <= 2:
            yield Span(found.start(), found.end(), "name", "", 0.7)
    for found in _SPACED.finditer(folded):
        if found[1] in RANK:
            yield Span(found.start(1), found.end(), "name", "", 0.8)


def _dots(name: str) -> int:
    return sum(name.count(dot) for dot in "·•・")


def _after_label(folded: str, start: int, end: int) -> int | None:
    """Where a name with a dot begins if a label stands before it, perhaps without a sign between them."""
    for at in range(start, end - 2):
        label = _LABEL.search(folded[max(0, at - 12) : at])
        if label and (at == start or label[0].strip() not in _WEAK_LABELS):
            return at
        if folded[at] in "·•・":
            break
    return None


def _read(folded: str, start: int, stop: int) -> Iterator[Span]:
    text = folded[start:stop]
    if not any(c in RANK or c in _whole_starts() for c in text):
        return
    steps = _steps(folded, text, start)
    at, found = len(text), []
    while at:
        step = steps[at]
        if step.is_name:
            found.append((step.back, at))
        at = step.back
    for left, right in reversed(found):
        margin = _margin(text, left, right, steps)
        said = _before_bonus(folded, start + left) + _after_bonus(folded, start + right)
        surest = 0.98 if said >= 8 else 0.9 if said >= 4 else 0.75
        if any(size == right - left for size, _ in short_name_bits(text, left)):
            surest = LEAST
        confidence = round(min(surest, 1 - 0.5 * 2 ** (-margin / 5)), 2)
        is_title = (
            folded[start + left - 1 : start + left] == "《"
            and folded[start + right : start + right + 1] == "》"
        )
        if (
            confidence >= LEAST
            and not is_title
            and (said >= 8 or text[left:right] not in listed("no_person"))
        ):
            yield Span(start + left, start + right, "name", "", confidence)


_SUM: Final = re.compile(r"[一二两三四五六七八九十百千万亿零壹贰叁肆伍陆柒捌玖拾佰仟]+[元圆]?")
"""万 and 陆 are family names, 万贰仟 is a sum."""


def _steps(folded: str, text: str, start: int) -> list[_Step]:
    words = word_bits()
    steps = [_Step(0.0, 0, False)] + [_Step(1e9, 0, False) for _ in text]
    for at in range(len(text)):
        here = steps[at].bits
        for size in (1, 2, 3, 4):
            word = text[at : at + size]
            if len(word) < size:
                break
            known = words.get(word)
            if known is None and size > 1:
                continue
            bits = _UNKNOWN_BITS if known is None else _TOTAL_BITS - known - 0.5
            _offer(steps, at, size, here + bits + (_SINGLE_WORD_BITS if size == 1 else 0), is_name=False)
        if text[at] in RANK or text[at : at + 2] in COMPOUND:
            bonus = _before_bonus(folded, start + at)
            for size in (2, 3, 4):
                bits_of = name_bits(text[at : at + size]) if at + size <= len(text) else None
                if bits_of is not None and not _SUM.fullmatch(text, at, at + size):
                    said = bonus + _after_bonus(folded, start + at + size)
                    is_word = words.get(text[at : at + size], 0) >= _COMMON_WORD
                    if is_word and not _is_said(folded, start + at, start + at + size):
                        said = min(said, _COMMON_BONUS_MAX)
                    cost = _NAME_BITS + bits_of - said
                    _offer(steps, at, size, here + max(3.0, cost), is_name=True)
        for size in range(2, WHOLE_CHARACTERS_MAX + 1) if text[at] in _whole_starts() else ():
            if at + size <= len(text) and _is_whole(text[at : at + size]):
                bonus = _before_bonus(folded, start + at) + _after_bonus(folded, start + at + size)
                _offer(steps, at, size, here + _WHOLE_BITS - min(bonus, 8.0), is_name=True)
        for size, bits_of in short_name_bits(text, at):
            bonus = min(3.5, _before_bonus(folded, start + at))
            _offer(steps, at, size, here + bits_of - bonus, is_name=True)
    return steps


def _is_whole(text: str) -> bool:
    """A name of the list, or two of them: 洛桑次仁."""
    known = listed("whole_names")
    return text in known or (len(text) == 4 and text[:2] in known and text[2:] in known)


@cache
def _whole_starts() -> frozenset[str]:
    return frozenset(name[0] for name in listed("whole_names"))


def _is_said(folded: str, start: int, end: int) -> bool:
    """A field of a form says that this is a name, and nothing follows: then it may be a word, too (高远)."""
    return (
        _FIELD.search(folded, max(0, start - 10), start) is not None
        and (
            _END.match(folded, end) or _TITLE.match(folded, end) or _NUMBER_NEXT.match(folded[end : end + 8])
        )
        is not None
    )


def _offer(steps: list[_Step], at: int, size: int, bits: float, *, is_name: bool) -> None:
    if bits < steps[at + size].bits:
        steps[at + size] = _Step(bits, at, is_name)


def _before_bonus(folded: str, at: int) -> float:
    near = folded[max(0, at - 12) : at]
    if not near or near[-1] == "\n":
        return 2.5
    label = _LABEL.search(near)
    if label:
        return 3.5 if label[0].strip() in _WEAK_LABELS else 11.0
    return 1.0 if near[-1] in ' ,，。;；、:：|\t"“(（>【' else 0.0


def _after_bonus(folded: str, at: int) -> float:
    near = folded[at : at + 8]
    if _TITLE.match(near):
        return 9.0
    if _NUMBER_NEXT.match(near):
        return 10.0
    if _VERB_NEXT.match(near):
        return 3.5
    return 1.0 if _END.match(near) else 0.0


def _margin(text: str, left: int, right: int, steps: list[_Step]) -> float:
    """How many bits the best reading without this name costs more."""
    words = word_bits()
    best = [0.0] + [1e9] * (right - left)
    for at in range(right - left):
        for size in range(1, right - left - at + 1):
            word = text[left + at : left + at + size]
            known = words.get(word)
            if known is None and size > 1:
                continue
            bits = _UNKNOWN_BITS if known is None else _TOTAL_BITS - known - 0.5
            best[at + size] = min(best[at + size], best[at] + bits + (_SINGLE_WORD_BITS if size == 1 else 0))
    return max(0.0, best[-1] - (steps[right].bits - steps[left].bits))
