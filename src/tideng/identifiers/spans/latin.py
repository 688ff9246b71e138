"""Names and addresses in Latin letters: behind words that announce them, or in their usual form."""

import re
from collections.abc import Iterator
from typing import Final

from tideng.identifiers.spans.span import Span
from tideng.identifiers.tables import listed

_LETTERS: Final = r"A-Za-zÀ-ɏḀ-ỿ"
_WORD: Final = rf"[A-ZÀ-ÞĀ-Ž][a-zà-ÿ]{{0,2}}[A-Z]?[{_LETTERS}'-]{{1,14}}"
_NAME: Final = (
    rf"{_WORD}(?:[ ](?:[A-Z]\.?[ ])?(?:(?:van|von|der|de|del|di|da|bin|al|el|la)[ ]){{0,2}}{_WORD}){{0,3}}"
)
_ANNOUNCED: Final = re.compile(
    r"(?:(?<![A-Za-z])(?i:name|contact(?:[ ]person)?|customer|client|recipient|sender|passenger|patient|"
    r"guest|employee|attn|attention|to|from|signed|beneficiary|cardholder|applicant|owner|driver|tenant|student|"
    r"full[ _]name|first[ _]name|last[ _]name|account[ ]holder|emergency[ ]contact|ship[ ]to|bill[ ]to|cc)"
    r"[\"']?[ ]{0,2}[:：=][ ]{0,2}[\"']?"
    r"|(?:姓名|名字|英文名|拼音|联系人|收件人|收货人|寄件人|发件人|客户|患者|旅客|乘客|甲方|乙方|户名|申请人|"
    r"持卡人|用户|学员)[\"']?[ ]{0,2}[:：=]?[ ]{0,2}[\"']?"
    r"|(?<![A-Za-z])(?i:dear|hi|hello|mr\.?|mrs\.?|ms\.?|miss|dr\.?|prof\.?|professor|sir|regards,?|"
    r"sincerely,?)[ ]{1,2})"
    rf"({_NAME})(?![A-Za-z@])"
)
_TOLD: Final = re.compile(
    r"(?<![A-Za-z])(?i:my[ ]name[ ]is|name[ ]is|i[ ]am|i'm|this[ ]is|named|called|signed[ ]by|contact|"
    r"passenger|patient|customer|employee|client|cardholder|ask[ ]for|speak[ ]to|on[ ]behalf[ ]of|yours,)[ ]"
    rf"({_WORD}(?:[ ](?:[A-Z]\.?[ ])?{_WORD}){{1,3}})(?![A-Za-z@])"
)
_USUAL: Final = re.compile(rf"(?<![A-Za-z@._/-])({_WORD})[ ](?:([A-Z])\.?[ ])?({_WORD})(?![A-Za-z@])")
_BESIDE_IDEOGRAPHS: Final = re.compile(
    r"(?<![A-Za-z@._/-])([A-Z][a-z]{2,11})(?=老师|先生|女士|小姐|[登说的和与及，、]|$)"
)
"""One given name in a Chinese sentence."""
_FAMILY_FIRST: Final = re.compile(
    r"(?<![A-Za-z@._/-])(?:[A-Z]{2,10},?[ ][A-Z][a-z]{1,7}(?:-[A-Z]?[a-z]{1,7}){1,2}|[A-Z]{2,10}/[A-Z]{2,14})(?![A-Za-z@/])"  # noqa: E501
)
"""CHEN Wei-Ling; WU, Mei-Hua; LIN/XIAOYU as tickets print it (only where the text speaks of a person)."""
_OF_PERSON: Final = re.compile(r"姓名|旅客|乘客|女士|先生|小姐|签署人|出票|护照|name|passenger", re.I)
_FAMILIES: Final = (
    "Wang|Li|Zhang|Liu|Chen|Yang|Huang|Zhao|Wu|Zhou|Xu|Sun|Ma|Zhu|Hu|Guo|He|Gao|Lin|Luo|Zheng|Liang|Xie|Song|Tang|Han|"
    "Feng|Deng|Cao|Peng|Zeng|Xiao|Tian|Dong|Pan|Yuan|Cai|Jiang|Yu|Du|Ye|Cheng|Wei|Su|Lu|Ding|Ren|Shen|Yao|Cui|Zhong|"
    "Tan|Fan|Jin|Shi|Liao|Jia|Xia|Fu|Fang|Bai|Zou|Meng|Qin|Qiu|Hou|Gu|Kim|Lee|Park|Choi|Nguyen|Tran|Wong|Chan|Cheung|Lam|Ng"
)
_SYLLABLES: Final = r"(?:[bcdfghjklmnpqrstwxyzBCDFGHJKLMNPQRSTWXYZ]?h?[aeiou]{1,3}(?:ng|n|r)?[-']?){1,3}"
_PINYIN: Final = re.compile(rf"(?<![A-Za-z@._/-])(?:{_FAMILIES})[ ](?=[A-Z]){_SYLLABLES}(?![A-Za-z@])")
_UNIT: Final = (
    r"(?:(?:Room|Rm|Flat|Apt|Apartment|Unit|Suite|Ste|Floor|Fl|Building|Bldg|Block|Tower|House|"
    r"P\.?O\.?[ ]Box)\.?[ ]?#?[A-Z]?[0-9]{1,5}[A-Z]?|[0-9]{1,3}(?:st|nd|rd|th)?[ ](?:Floor|/F)|[0-9]{1,3}/F|"
    r"#[0-9]{1,5}[A-Z]?)"
)
_STREET: Final = (
    r"(?:No\.?[ ]?)?[0-9]{1,6}[A-Z]?(?:-[0-9]{1,5})?,?[ ](?:[NSEW]\.?[ ])?"
    r"(?:[A-Z0-9][A-Za-z0-9'.-]{0,20}[ ]){1,4}"
    r"(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Way|Place|Pl|Square|Sq|Terrace|Ter|"
    r"Highway|Hwy|Parkway|Pkwy|Circle|Cir|Crescent|Close|Alley|Trail|Row|Walk|Gardens?)(?![A-Za-z])\.?"
)
_ADDRESS: Final = re.compile(
    rf"(?<![A-Za-z0-9])(?:{_UNIT},?[ ]){{0,3}}{_STREET}(?:,?[ ]{_UNIT}){{0,2}}"
    r"(?:,[ ](?!(?:Please|Thanks|Call|Tel|Phone|Email|Contact|My|I)(?![a-z]))"
    r"[A-Z][A-Za-z'.-]{1,20}(?:[ ][A-Z][A-Za-z'.-]{1,20}){0,2}){0,4}"
    r"(?:,?[ ][A-Z]{2}(?![A-Za-z]))?"
    r"(?:,?[ ](?:[0-9]{5}(?:-[0-9]{4})?|[A-Z]{1,2}[0-9][A-Z0-9]?[ ][0-9][A-Z]{2})(?![0-9A-Za-z]))?"
)
_ANY: Final = re.compile(r"[A-Z][a-z]")


def latin_addresses(folded: str) -> Iterator[Span]:
    """Addresses as they are written in English: number, street, perhaps a room, a town and a code."""
    if _ANY.search(folded):
        for found in _ADDRESS.finditer(folded):
            yield Span(*found.span(), "address", "", 0.75)


def latin_names(folded: str) -> Iterator[Span]:
    """Names in Latin letters, overlaps included: one word only where something announces it."""
    if not _ANY.search(folded):
        return
    for pattern, confidence in ((_ANNOUNCED, 0.8), (_TOLD, 0.7)):
        for found in pattern.finditer(folded):
            end = _end_of_name(found.start(1), found[1])
            if end > found.start(1) and (pattern is _ANNOUNCED or " " in folded[found.start(1) : end]):
                yield Span(found.start(1), end, "name", "", confidence)
    for found in _PINYIN.finditer(folded):
        yield Span(*found.span(), "name", "", 0.7)
    for found in _BESIDE_IDEOGRAPHS.finditer(folded):
        if found[1] in listed("latin_given"):
            yield Span(*found.span(1), "name", "", 0.6)
    for found in _FAMILY_FIRST.finditer(folded) if _OF_PERSON.search(folded) else ():
        yield Span(*found.span(), "name", "", 0.7)
    for found in _USUAL.finditer(folded):
        if found[1] in listed("latin_given") and found[3] not in listed("latin_no_name"):
            yield Span(*found.span(), "name", "", 0.7)


def _end_of_name(start: int, name: str) -> int:
    """Where the name ends: before the first word that is none."""
    end = at = start
    for word in name.split(" "):
        if word.rstrip(".") in listed("latin_no_name"):
            break
        end = at + len(word)
        at = end + 1
    return end
