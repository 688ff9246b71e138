"""Whether a reply says stop, and whether a text tells how to say it.

A reply in force means no further message, so sensible forms count; but a sentence that merely contains
such a word ("T恤到了吗", "I can't stop thinking") belongs to the customer, not to the opt-out list.
"""

import re
import unicodedata
from typing import Final, Literal

REPLY_CHARACTERS_MAX: Final = 40
"""A stop is short. Longer replies are letters to the customer and are passed on."""

_NOISE: Final = re.compile(r"[\s\W_]+")
_SINGLE: Final = re.compile(r"[\s\"'“”‘’「」『』【】()\[\]<>。.,,!！~、;;::…·*#-]+")
_CODES: Final = frozenset(
    [
        "t",
        "td",
        "n",
        "r",
        "qx",
        "tdhf",
        "qxdy",
        "0000",
        "00000",
        "退订",
        "退定",
        "取消",
    ]
)
_ASK: Final = r"(?:请|麻烦|帮我|给我|我要|我想|要求|申请|立即|马上|赶紧|直接|您好|你好|回复?|发送?|短信){0,3}"
_END: Final = r"(?:了|吧|啊|呀|谢谢|多谢|你们?的?|短信|信息|消息|服务|通知|推送|订阅|广告|营销){0,4}"
_CORE: Final = (
    r"(?:退订|退定|取消订阅|取消短信|取消推送|拒收|拒绝接收|拒绝|屏蔽|停止发送|停发|停止推送|不再接收|不想再?接收|"
    r"(?:请|以后|今后)?(?:不要|别)再?(?:给我)?(?:发|推送)(?:了|短信|信息|消息|广告)+|不接收)"
)
_CHINESE: Final = re.compile(rf"{_ASK}{_CORE}{_END}").fullmatch
_CODE_SENT: Final = re.compile(
    r"(?:退订|拒收|取消)?(?:请|直接)?(?:回复?|发送?|短信)?(?:td|t|r|n|qx|tdhf|退订|取消|0000)(?:退订|拒收)?"
).fullmatch
_ALL: Final = re.compile(
    rf"{_ASK}(?:(?:全部|所有|一切|统统|都)(?:的?(?:短信|信息|消息|订阅))?都?(?:退订|取消订阅|拒收|不要)|"
    rf"(?:退订|取消订阅|拒收)(?:全部|所有|一切)(?:的?(?:短信|信息|消息|订阅))?){_END}|全部退|tdall|tall"
).fullmatch
_TRADITIONAL: Final = str.maketrans(
    "訂閱絕發給麼條訊資謝為請後別們務廣馬", "订阅绝发给么条讯资谢为请后别们务广马"
)

_WORD: Final = re.compile(r"[a-z]+|[0-9]+|[^\sa-z0-9]")
_POLITE: Final = frozenset(
    [
        "please",
        "pls",
        "plz",
        "thanks",
        "thank",
        "you",
        "thx",
        "now",
        "immediately",
        "ok",
        "okay",
        "kindly",
    ]
)
_OBJECT: Final = frozenset(
    [
        "sms",
        "text",
        "texts",
        "texting",
        "message",
        "messages",
        "messaging",
        "msg",
        "msgs",
        "sending",
        "send",
        "me",
        "us",
        "it",
        "this",
        "these",
        "the",
        "your",
        "promo",
        "promos",
        "ads",
        "marketing",
        "spam",
        "contacting",
        "calling",
        "subscription",
        "alerts",
        "notifications",
        "to",
        "from",
    ]
)
_STRONG: Final = frozenset(["unsubscribe", "unsub", "optout", "unsubcribe", "unsubscribed"])
_BARE: Final = frozenset(["quit", "cancel", "end", "remove", "revoke", "stopall"])
_PUNCTUATION: Final = frozenset(".,!。！…\"'“”‘’()[]【】~*-")


def is_opt_out_reply(text: str) -> Literal["principal", "all"] | None:
    """What a reply asks for: no more from this principal, no more from anyone, or None: something else."""
    if len(text) > REPLY_CHARACTERS_MAX * 2:
        return None
    plain = unicodedata.normalize("NFKC", text).lower().translate(_TRADITIONAL).strip()
    if not plain or len(plain) > REPLY_CHARACTERS_MAX or "?" in plain:
        return None
    if plain.isascii():
        return _english(plain)
    compact = _NOISE.sub("", plain)
    if not compact:
        return None
    if _ALL(compact):
        return "all"
    if compact in _CODES or _CHINESE(compact) or _CODE_SENT(compact):
        return "principal"
    return _english(plain) if compact.isascii() else None


def _english(plain: str) -> Literal["principal", "all"] | None:
    single = _SINGLE.sub("", plain)
    if single in _CODES and len(single) == len(plain.strip("\"'“”‘’()[]【】<>。.,!！~…*# \t\r\n-")):
        return "principal"
    if single == "stopall" or plain.replace("-", " ").split() in (["td", "all"], ["t", "all"]):
        return "all"
    words: list[str] = _WORD.findall(plain.replace("opt out", "optout").replace("opt-out", "optout"))
    words = [word for word in words if word not in _PUNCTUATION]
    if not words:
        return None
    everyone = "all" in words or "everything" in words or "stopall" in words
    kept = [word for word in words if word not in ("all", "everything")]
    rest = {word for word in kept if word not in _POLITE}
    if rest and (rest <= _BARE or rest == {"remove", "me"}):
        return "all" if everyone else "principal"
    if rest & _STRONG and rest <= _STRONG | _OBJECT | {
        "i",
        "want",
        "stop",
        "my",
        "number",
        "subscribe",
        "and",
    }:
        return "all" if everyone else "principal"
    if "stop" in rest and rest <= {"stop"} | _OBJECT and not _by_the_way(kept):
        return "all" if everyone else "principal"
    return None


def _by_the_way(words: list[str]) -> bool:
    """ "Text me the stop", "send it to the stop": the word is a noun, not an order."""
    before = words[: words.index("stop")]
    return any(word in _OBJECT for word in before)


_HOW: Final = r"(?:td|t|r|n|qx|退订|0000|[a-z]{1,4}(?![a-z]))"
_REFUSING: Final = re.compile(
    "|".join(
        word + rf"[^。;\n]{{0,6}}?(?:回|发|编辑|按)[^。;\n]{{0,5}}?{_HOW}"
        for word in ["退订", "退定", "拒收", "拒绝接收", "不再接收", "取消订阅", "取消短信"]
    )
    + r"|回[^。;\n]{0,5}?(?:td|t|r|n|qx|退订)[^a-z。;\n]{0,6}?(?:退|拒收|取消|不再接收)"
    r"|发送?[^。;\n]{0,4}?(?:td|t|r|n|qx|退订)[^a-z。;\n]{0,6}?(?:退|拒收|取消|不再接收)"
    r"|reply\s{1,3}[\"'“‘]?(?:stop|end|quit|cancel|unsubscribe|r|t|td)(?![a-z])"
    r"|text\s{1,3}[\"'“‘]?(?:stop|end|quit|cancel|unsubscribe)(?![a-z])"
    r"|send\s{1,3}[\"'“‘]?(?:stop|unsubscribe)(?![a-z])"
    r"|to\s(?:opt[ -]?out|unsubscribe)|unsubscribe(?:\sat|:|\shttp)|opt[ -]?out:|stop2end"
    r"|stop\s(?:to|2)\s(?:end|opt|quit|cancel|unsub)"
)


def has_opt_out_wording(text: str) -> bool:
    """True when the text tells its reader how to stop these messages (Order 74 art. 21; 消法 art. 29).

    Takes flat or original text.
    """
    if not unicodedata.is_normalized("NFKC", text):
        text = unicodedata.normalize("NFKC", text)
    return _REFUSING.search(text.lower()) is not None
