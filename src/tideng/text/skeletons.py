"""The skeleton of a text: what stays when numbers, names, links and brands are changed. For matching only."""

import re
from typing import Final

SKELETON_CHARACTERS_MAX: Final = 2_000
_BRAND: Final = re.compile(r"【[^】]{0,40}】|\[[^\]]{0,20}\]")
_LINK: Final = re.compile(
    r"(?:https?://)?[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,5}(?::\d{1,5})?(?:/[a-z0-9/_?=&%.#-]{0,200})?"
)
_ACCOUNT: Final = re.compile(r"@?[a-z][a-z0-9_-]{4,31}")
_NUMBER: Final = re.compile(r"[0-9](?:[0-9x*,.:-]{0,30}[0-9x*])?")
_NUMERALS: Final = re.compile(
    r"[一二两三四五六七八九十百千万亿]{1,12}(?=元|块|天|年|月|日|点|号|万|条|人|个|岁)"
)
_NAME: Final = re.compile(
    r"(?<![一-鿿])[赵钱孙李周吴郑王冯陈蒋沈韩杨朱秦许何吕张孔曹严华金魏陶姜谢邹苏潘范彭郎鲁韦马方任袁柳史唐薛雷贺倪汤罗毕郝安常于傅康齐余顾孟黄萧尹姚邵汪毛戴宋熊董梁杜蓝贾江郭林钟徐邱骆高夏蔡田胡凌霍万卢莫丁邓洪石崔龚程段侯武刘龙叶黎白][一-鿿]{0,2}(?:先生|女士|经理|老师|警官|主任|专员|小姐)"
)
_NOISE: Final = re.compile(r"[\s,.;:!?。、…~()\"'“”‘’<>《》+*/|#^_=-]+")


def skeleton(folded: str) -> str:
    """The skeleton of a folded text: the same for texts that differ in fillings only. Linear time."""
    text = folded[:SKELETON_CHARACTERS_MAX]
    text = _BRAND.sub("【】", text)
    text = _LINK.sub("L", text)
    text = _NAME.sub("N", text)
    text = _NUMBER.sub("0", text)
    text = _NUMERALS.sub("0", text)
    text = _ACCOUNT.sub("A", text)
    return _NOISE.sub("", text)
