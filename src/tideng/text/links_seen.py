"""Links and accounts in a block of folded texts: hosts, disguised dots, shorteners, look-alikes, handles."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tideng.text.folding import Block
from tideng.text.numbers_seen import Spans, roles_of
from tideng.text.suffixes import PublicSuffixes

Places = NDArray[np.int64]
_DOT: Final = re.compile(r"(?<=[a-z0-9])(?:\.|。|点|dot|\[\.\]|\(\.\)|\[点\]|\(点\))(?=[a-z])")
_HOST, _BEGINS_DOT = 1, 2
_ROLES: Final = roles_of({_HOST: "abcdefghijklmnopqrstuvwxyz0123456789", _BEGINS_DOT: ".。点d[("})
_LEFT: Final = re.compile(r"[a-z0-9._-]{1,120}$")
_PATH: Final = r"(?::\d{2,5})?(?:/[a-z0-9/_?=&%.#-]{0,200})?"
_RIGHT: Final = re.compile(r"[a-z0-9-]{2,24}(?:\.[a-z0-9-]{2,24}){0,4}" + _PATH)
_RIGHT_WRITTEN: Final = re.compile(r"[a-z0-9-]{2,24}(?:(?:[.。]|\[\.\]|\(\.\))[a-z0-9-]{2,24}){0,4}" + _PATH)
"""Where the first dot is written otherwise, the next ones may be; else a 。 ends the sentence."""
_WRITTEN_DOT: Final = re.compile(r"。|\[\.\]|\(\.\)")
_ACCOUNT: Final = re.compile(r"@?[a-z][a-z0-9_-]{3,24}|[0-9]{5,12}")
_SERVICE: Final = re.compile(r"(?:9[56]|1[02])[0-9]{3,4}|400[0-9]{7}")
_WORDS: Final = (
    "com cn net org gov edu info top xyz vip club shop site cc co me tv io app link ltd fun icu wang "
    "online store tech pub pro work live ly gl gs is do gd im ink biz mobi asia hk tw mo us uk de fr jp "
    "kr ru sg eu to win bid loan cloud art run plus team group life world today ren red beer cool fit law "
    "love mom space website host click cfd sbs lol tk ml ga cf gq pw ws bar buzz rest monster cyou bond "
    "autos quest gift medi show center company video email dev page one network nl in it es pl ca au nz "
    "ph my th vn id la mm kh t0p c0m "
)
ENDINGS: Final = frozenset(_WORDS.split())
"""What a host may end with; t0p and c0m are meant to be read as others."""
_ODD: Final = (
    "top xyz vip icu cyou cc club site online shop fun win bid loan click cfd sbs lol tk ml ga cf gq pw "
    "ws bar buzz rest monster bond autos quest gift live life world today red beer cool fit space website "
    "host link work wang ren ltd pro tv me t0p c0m app one asia biz mobi ink "
    "uno homes hair skin makeup mom pics boats yachts beauty lat support digital social company group "
    "services center network email cloud store tech zone run "
)
ODD_ENDINGS: Final = frozenset(_ODD.split())
"""Cheap to register in masses; institutions of the mainland use none of them for their services."""
_PIECE: Final = re.compile(r"[-._]")
_BEFORE: Final = 130
_AFTER: Final = 260


class Hosts(Struct, frozen=True):
    """What is known about hosts, given as data."""

    official: frozenset[str]
    """Registered domains of known institutions."""
    names: tuple[str, ...]
    """Words that belong to them; in another domain they are a look-alike."""
    shorteners: frozenset[str]
    suffixes: PublicSuffixes


def links_seen(block: Block, hosts: Hosts) -> Iterator[tuple[str, Spans]]:
    """(kind, where) for link, official_link, fake_link, short_link and odd_ending."""
    found: dict[str, list[tuple[int, int]]] = {
        k: [] for k in ("link", "official_link", "fake_link", "short_link", "odd_ending")
    }
    text = block.joined
    done = -1
    for place in _dots(block):
        dot = _DOT.match(text, place)
        if dot is None or place < done:
            continue
        left = _LEFT.search(text, max(0, dot.start() - _BEFORE), dot.start())
        if left is None:
            continue
        before = text[max(0, left.start() - 3) : left.start()]
        for pattern in (_RIGHT,) if dot[0] == "." else (_RIGHT_WRITTEN, _RIGHT):
            right = pattern.match(text, dot.end(), dot.end() + _AFTER)
            if right is None:
                continue
            host = f"{left[0]}.{_WRITTEN_DOT.sub('.', right[0].split('/')[0].split(':')[0])}".strip(".-")
            # Behind a scheme it is a host whatever it ends with; bare, only with an ending people use.
            if before.endswith("@") or not (before == "://" or _ends_well(host, hosts.suffixes)):
                continue
            done = right.end()
            for kind in kinds_of(host, hosts):
                found[kind].append((left.start(), right.end()))
            break
    for kind, places in found.items():
        if places:
            array = np.array(places, np.int64)
            yield kind, Spans(array[:, 0], array[:, 1])


def _dots(block: Block) -> list[int]:
    """Where a dot may be: behind a letter or digit, what a dot begins with in any way of writing it."""
    roles = _ROLES[block.points]
    places: list[int] = (((roles[:-1] & _HOST) != 0) & ((roles[1:] & _BEGINS_DOT) != 0)).nonzero()[0].tolist()
    return [place + 1 for place in places]


def _ends_well(host: str, suffixes: PublicSuffixes) -> bool:
    labels = host.rsplit(".", 2)
    return labels[-1] in ENDINGS or ".".join(labels[-2:]) in suffixes.plain


def kinds_of(host: str, hosts: Hosts) -> tuple[str, ...]:
    """What sort of link this is; an official one is no `link` to be wary of."""
    domain = hosts.suffixes.registered_domain(host)
    if domain in hosts.official or host.endswith((".gov.cn", ".gov.hk", ".gov.tw")):
        return ("official_link",)
    kinds = ["link"]
    if domain in hosts.shorteners or host in hosts.shorteners:
        kinds.append("short_link")
    if host.rpartition(".")[2] in ODD_ENDINGS:
        kinds.append("odd_ending")
    # A name in the middle of another word (fetch) is chance; at an end of a piece it is meant.
    pieces = _PIECE.split(host.rpartition(".")[0])
    if any(piece.startswith(hosts.names) or piece.endswith(hosts.names) for piece in pieces if piece):
        kinds.append("fake_link")
    return tuple(kinds)


def accounts_seen(block: Block, starts: Places, ends: Places) -> Spans:
    """Account names that stand at most four characters behind one of the given words (微信, QQ, TG …)."""
    text = block.joined
    found: list[tuple[int, int]] = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        window = text[end : end + 30]
        match = _ACCOUNT.search(window)
        if match is None or _SERVICE.fullmatch(match[0]):
            continue  # 客服95511 is a hotline, no account
        if match.start() <= 4 and "\x1e" not in window[: match.start()]:
            found.append((start, end + match.end()))
    array = np.array(found, np.int64).reshape(-1, 2)
    return Spans(array[:, 0], array[:, 1])


def host_table(given: Mapping[str, tuple[str, ...]], suffixes: PublicSuffixes) -> Hosts:
    """The table of the shared knowledge file as sets."""
    return Hosts(
        frozenset(given["official"]), tuple(given["names"]), frozenset(given["shorteners"]), suffixes
    )
