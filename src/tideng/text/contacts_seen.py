"""Contacts written to be missed by a filter: numbers in mixed numerals, respelled apps, spaced-out domains.

Nobody who wants to be reached in the ordinary way writes 扣扣三三〇98壹2, V芯:ab123 or `c c b ▪ t o p`.
"""

import itertools
import re
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tideng.text.folding import Block
from tideng.text.links_seen import Hosts, kinds_of
from tideng.text.numbers_seen import Spans, roles_of
from tideng.text.numerals import DIGITS
from tideng.text.ordering import runs_of

_VALUES: Final = DIGITS | {"○": 0, "幺": 1}
NUMERALS: Final = "零〇○一二三四五六七八九壹贰叁肆伍陆柒捌玖幺"
"""What a number may be written with beside figures; 两 counts things, so no number has it."""
_FIGURE: Final = rf"(?:[0-9{NUMERALS}]|\([0-9一二三四五六七八九]\))"
_RUN: Final = re.compile(
    rf"{_FIGURE}(?:[ -]?{_FIGURE}){{5,39}}(?![年月日号元块万亿千百十个人次岁点分秒章节条届级楼层室%])"
)
_CUE: Final = re.compile(
    r"(?:扣扣|蔻蔻|寇寇|叩叩|抠抠|企鹅|扣|q|联系|电话?|手机|[微薇威徽维v]信?|信|☎|📞|✆|☏|📱|[加+➕])"
    r"[号码我:=是 →-]{0,4}$"
)
_CUE_WITHIN: Final = 8
_ACCOUNT_CUE: Final = re.compile(r"(?:扣|蔻|寇|叩|抠|企鹅|q|[微薇威徽维v]|信)")
_RESPELLED: Final = re.compile(
    r"(?:[v微薇威徽葳维][芯心❤♥]|蔻蔻|寇寇|叩叩|抠抠|扣口)[号:=是❤♥→ -]{0,3}"
    r"(?:@?[a-z][a-z0-9_-]{4,19}|[0-9]{5,11})(?![a-z0-9])"
)
_HANDLE: Final = r"@?[a-z][a-z0-9_-]{4,19}(?![a-z0-9])"
_CLIPPED: Final = re.compile(
    rf"(?<![\u4e00-\u9fa5a-z0-9])[薇徽葳威维微][号❤♥]?[:=❤♥→ ]{{1,3}}{_HANDLE}|"
    rf"(?<=[+➕])[薇徽葳威维微v][号❤♥]?[:=❤♥→ ]{{0,3}}{_HANDLE}"
)
"""微信 clipped to its first character: usual among sellers, so an account, but nothing hidden."""
_MARK: Final = r"[.。·•▪∙●・‧]"
_ENDING: Final = (
    r"(?:t ?o ?p|c ?o ?m|v ?i ?p|n ?e ?t|x ?y ?z|c ?c|c ?n|c ?l ?u ?b|s ?h ?o ?p|c ?y ?o ?u|i ?c ?u)"
)
_SPACED: Final = re.compile(
    rf"(?<![a-z0-9])(?:[a-z0-9](?: ?[a-z0-9-]){{0,20}} ?{_MARK} ?){{1,3}}{_ENDING}(?![a-z0-9])"
)
_SPACED_BEFORE: Final = 40
_NUMERAL, _DIGIT, _JOIN, _APP, _BEHIND, _LETTER, _SPACE, _DOT = (1 << place for place in range(8))
_ROLES: Final = roles_of(
    {
        _NUMERAL: NUMERALS,
        _DIGIT: "0123456789",
        _JOIN: " -()",
        _APP: "v微薇威徽葳维蔻寇叩抠扣",
        _BEHIND: "芯心❤♥蔻寇叩抠口号:=→ abcdefghijklmnopqrstuvwxyz",
        _LETTER: "abcdefghijklmnopqrstuvwxyz0123456789",
        _SPACE: " ",
        _DOT: "·•▪∙●・‧",
    }
)
_NUMERALS_MIN: Final = 2
_FIGURES_MIN: Final = 6
"""Of which `_RUN` wants as many."""
_RUN_MAX: Final = 160
"""Characters in which a run begins and ends; so no text is searched again from each of its numerals."""
Place = tuple[int, int]
Flags = NDArray[np.uint8]
Places = NDArray[np.int64]
_NOWHERE: Final = np.zeros(0, np.int64)


def plain_number(written: str) -> str:
    """The digits of a number in figures and numerals of any kind: `三三〇98壹2` is 3309812."""
    return "".join(str(_VALUES[char]) for char in written if char in _VALUES)


def closed_up(written: str) -> str:
    """A host without the spaces and marks between its letters: `c c b ▪ t o p` is ccb.top."""
    return re.sub(_MARK, ".", written.replace(" ", ""))


def hidden_contacts(block: Block, hosts: Hosts) -> Iterator[tuple[str, Spans]]:
    """(kind, where): hidden_contact, and what each is besides: account, phone, mobile, link, fake_link …"""
    found: dict[str, list[Place]] = {}
    roles = _ROLES[block.points]
    seen = int(np.bitwise_or.reduce(roles))
    # Most texts alone have nothing of the kind, and then nothing is looked for.
    parts = (
        _numbers(block.joined, roles) if seen & _NUMERAL else (),
        _apps(block.joined, roles) if seen & _APP else (),
        _spaced(block, roles, hosts) if seen & _LETTER and seen & (_SPACE | _DOT) else (),
    )
    for names, place in itertools.chain(*parts):
        for name in names:
            found.setdefault(name, []).append(place)
    for kind, places in found.items():
        array = np.array(places, np.int64)
        yield kind, Spans(array[:, 0], array[:, 1])


def _numbers(text: str, roles: Flags) -> Iterator[tuple[tuple[str, ...], Place]]:
    """Runs of figures with numerals of several kinds among them."""
    done = 0
    for place in _in_long_runs(roles).tolist():
        if place < done:
            continue
        start = place
        while start > done and roles[start - 1] & (_DIGIT | _JOIN):
            start -= 1
        run = _RUN.search(text, start, place + _RUN_MAX)
        if run is None or run.start() > place:
            continue
        done = run.end()
        if text[run.start() - 1 : run.start()] == "第":
            continue
        cue = _CUE.search(text, max(0, run.start() - _CUE_WITHIN), run.start())
        is_account = cue is not None and _ACCOUNT_CUE.search(cue[0]) is not None
        names = _kind_of_run(run[0], is_cued=cue is not None, is_account=is_account)
        # An account begins with its app, which says where it is.
        yield names, (cue.start() if cue is not None and is_account else run.start(), run.end())


def _in_long_runs(roles: Flags) -> Places:
    """The numerals that stand among enough figures for a number, and not alone."""
    numeral = roles & _NUMERAL != 0
    inside = np.zeros(len(roles) + 2, np.bool_)
    inside[1:-1] = roles & (_NUMERAL | _DIGIT | _JOIN) != 0
    starts, ends = runs_of(inside)
    long = ends - starts >= _FIGURES_MIN
    starts, ends = starts[long], ends[long]
    if not len(starts):
        return _NOWHERE
    numerals = np.zeros(len(roles) + 1, np.int32)
    numeral.cumsum(out=numerals[1:])
    many = numerals[ends] - numerals[starts] >= _NUMERALS_MIN
    bounds = zip(starts[many].tolist(), ends[many].tolist(), strict=True)
    runs = [numeral[start:end].nonzero()[0] + start for start, end in bounds]
    return np.concatenate(runs) if runs else starts[:0]


def _apps(text: str, roles: Flags) -> Iterator[tuple[tuple[str, ...], Place]]:
    """Respelled and clipped names of apps with an account behind them."""
    for place in ((roles[:-1] & _APP != 0) & (roles[1:] & _BEHIND != 0)).nonzero()[0].tolist():
        respelled = _RESPELLED.match(text, place)
        clipped = None if respelled else _CLIPPED.match(text, place)
        if respelled:
            yield ("account", "hidden_contact", "disguised"), respelled.span()
        elif clipped:
            yield ("account",), clipped.span()


def _spaced(block: Block, roles: Flags, hosts: Hosts) -> Iterator[tuple[tuple[str, ...], Place]]:
    """Domains with room or marks between their letters."""
    letter, space = roles & _LETTER != 0, roles & _SPACE != 0
    apart = letter[:-3] & space[1:-2] & letter[2:-1] & space[3:]
    marked = letter[:-3] & (((roles[1:-2] & _DOT) != 0) | (space[1:-2] & ((roles[2:-1] & _DOT) != 0)))
    places = (apart | marked).nonzero()[0]
    if not len(places):
        return
    # Neighbours are looked at together: letters set apart throughout a text are one stretch of it. What
    # stands in another text of the block says nothing about this one.
    owners = block.starts.searchsorted(places, side="right") - 1
    apart = (places[1:] - places[:-1] > _SPACED_BEFORE) | (owners[1:] != owners[:-1])
    cuts = apart.nonzero()[0] + 1
    for group, own in zip(np.split(places, cuts), owners[[0, *cuts]].tolist(), strict=True):
        first, last = int(group[0]), int(group[-1])
        low = max(int(block.starts[own]), first - _SPACED_BEFORE)
        high = min(int(block.starts[own + 1]) - 1, last + 2 * _SPACED_BEFORE)
        for one in _SPACED.finditer(block.joined, low, high):
            host = closed_up(one[0])
            # Most letters stand alone: "15.99 apple.com" is a price beside a host.
            if len(host) > 5 and (3 * one[0].count(" ") >= len(host) or not one[0].isascii()):
                yield (*kinds_of(host, hosts), "hidden_contact", "disguised"), one.span()


def _kind_of_run(written: str, *, is_cued: bool, is_account: bool) -> tuple[str, ...]:
    """What sort of contact these figures are; nothing where they are an ordinary number or a count."""
    digits = plain_number(written)
    numerals = len(digits) - sum(char.isascii() and char.isdigit() for char in written)
    is_mobile = len(digits) == 11 and digits[0] == "1" and digits[1] >= "3"
    steps = {int(b) - int(a) for a, b in itertools.pairwise(digits)}
    is_count = len(steps) == 1 or len(set(digits)) < 3
    if numerals < _NUMERALS_MIN or not 5 <= len(digits) <= 12 or is_count or not (is_mobile or is_cued):
        return ()
    named = ("phone", "mobile") if is_mobile and not is_account else ("account",)
    return (*named, "hidden_contact", "disguised")
