"""Short ways to name a person: a family name with a title (黄先生, 张总) or behind 老, 小, 阿 (老李)."""

import re
from collections.abc import Iterator
from math import log2
from typing import Final

from tideng.identifiers.surnames import COMPOUND, RANK

_TITLE: Final = re.compile(
    r"先生|女士|小姐|太太|老师|同学|同志|医生|医师|大夫|护士长?|警官|律师|法官|副?教授|博士|副?主任|总?经理|总监|总裁|副?院长|副?校长|副?局长|副?处长|副?科长|组长|班长|"
    r"部长|厂长|书记|阿姨|叔叔|师傅|大爷|大妈|大叔|大姐|大哥|大嫂|大婶|大伯|奶奶|爷爷|伯伯|婆婆|工程师|队长|站长|所长|店长|会计|董事长?|"
    r"秘书|教练|掌柜|村长|镇长|县长|市长|代表|老太|老板|老头"
)
_SHORT_TITLE: Final = re.compile(
    r"总(?![共数是体计量会额裁监经结归算之而])|姐(?![妹夫])|哥(?![们哥])|嫂|婶|姨(?!妈)|叔|伯|董(?!事)|局(?![部势面限])|"
    r"队(?![伍员友])|导(?![致向师演弹]|航)|工(?![作资人程业厂地具时序种商信])"
)
_BEFORE: Final = "老小阿"
_ONLY_WORDS: Final = frozenset(
    "向于和同应任何时常全成方单关安车班管商连经有国能别都是路花包支双多相从由平当归计容文元通华古门公水全英"
    "明初红银危戎后高家代院校各位这那每本该男女大学开房客网店户"
)
"""Family names that are words more often than names where a title follows (向老师请教, 高校长期)."""
_NOT_BEHIND: Final = frozenset("时区家路车包班白金龙米花康麦党连店门项平水票年心说男女校同伙乡")
"""What stands behind 老 or 小 in words (小时, 老家, 小区)."""
_COMMON_RANK_MAX: Final = 150
_TITLE_BITS: Final = 6.0
_SHORT_TITLE_BITS: Final = 10.0
_PREFIX_BITS: Final = 11.5
_WORD_BITS: Final = 9.0


def short_name_bits(text: str, at: int) -> Iterator[tuple[int, float]]:
    """(characters, bits): short names that begin at `at`, and how surprising each is."""
    if text[at] in _BEFORE and at + 1 < len(text):
        rank = RANK.get(text[at + 1], _COMMON_RANK_MAX + 1)
        if rank <= _COMMON_RANK_MAX and text[at + 1] not in _NOT_BEHIND:
            yield 2, _PREFIX_BITS + _family_bits(rank)
        return
    size = 2 if text[at : at + 2] in COMPOUND else 1
    rank = 220 if size == 2 else RANK.get(text[at], 0)
    if not rank:
        return
    bits = _family_bits(rank) + _WORD_BITS * (text[at] in _ONLY_WORDS and size == 1)
    title = _TITLE.match(text, at + size)
    if title:
        yield title.end() - at, bits + _TITLE_BITS
    elif (short := _SHORT_TITLE.match(text, at + size)) and (rank <= _COMMON_RANK_MAX or short[0] == "总"):
        yield short.end() - at, bits + _SHORT_TITLE_BITS


def _family_bits(rank: int) -> float:
    return 3.4 + 0.95 * log2(rank + 1)
