"""Identifiers that carry letters or signs: mail, plates, passports, codes, accounts, masked and damaged
values.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final

from tideng.identifiers import credit_code, devices, plate, travel_documents
from tideng.identifiers.resident_id import is_date
from tideng.identifiers.spans import context
from tideng.identifiers.spans.span import Span
from tideng.identifiers.tables import region_periods

_EMAIL: Final = re.compile(
    r"(?<![A-Za-z0-9._%+'-])[A-Za-z0-9](?:[A-Za-z0-9._%+'-]{0,62}[A-Za-z0-9_+-])?@"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,5}([A-Za-z]{2,18})(?![A-Za-z0-9]|-[A-Za-z0-9])"
)
_NOT_DOMAINS: Final = frozenset(
    [
        "png",
        "jpg",
        "jpeg",
        "gif",
        "svg",
        "webp",
        "bmp",
        "ico",
        "css",
        "js",
        "ts",
        "json",
        "html",
        "htm",
        "php",
        "exe",
        "dll",
        "zip",
        "so",
        "py",
        "txt",
    ]
)
_CODE18: Final = re.compile(
    r"(?<![A-Za-z0-9])[0-9A-HJ-NPQRTUWXY]{2}-?[0-9]{6}-?[0-9A-HJ-NPQRTUWXY]{9}-?[0-9A-HJ-NPQRTUWXY](?![A-Za-z0-9])",
    re.I,
)
_PLATE: Final = re.compile(rf"(?:{plate.PATTERN})(?![A-Za-z0-9])", re.IGNORECASE)
_PASSPORT: Final = re.compile(
    r"(?<![A-Za-z0-9])(?:[EGDSPKMHCW][A-Za-z]?[0-9]{7,10}|1[45][0-9]{7})(?![A-Za-z0-9])", re.I
)
_OTHER_PASSPORT: Final = re.compile(
    r"(?:护照号?码?|passport(?:[ ](?:no\.?|number))?)[ ]?(?:是|为|[:：=#])?[ ]{0,2}"
    r"((?=(?:[A-Z]*[0-9]){4})[A-Z0-9]{7,9})(?![A-Za-z0-9])",
    re.I,
)
"""Those of other countries have no form in common: only right behind the word."""
_EIGHT: Final = re.compile(r"(?<![A-Za-z0-9])[0-9]{8}(?:[0-9]{2})?(?![A-Za-z0-9])")
_MAC: Final = re.compile(r"(?<![0-9A-Fa-f:-])(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}(?![0-9A-Fa-f:-])")
_IPV4: Final = re.compile(r"(?<![0-9.A-Za-z])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9A-Za-z]|\.[0-9])")
_VERSION_BEHIND: Final = re.compile(r"[ ]?版")
_IPV6: Final = re.compile(r"(?<![0-9A-Za-z:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{1,4}(?![0-9A-Za-z:.])")
_MAC_BARE: Final = re.compile(
    r"(?:(?<![A-Za-z])mac|物理地址)[ _]?(?:地址|addr(?:ess)?)?[ :：=是为\"']{0,4}((?:[0-9A-Fa-f]{4}[.-]?){2}[0-9A-Fa-f]{4})(?![0-9A-Za-z])",  # noqa: E501
    re.I,
)
_DEGREES: Final = r"(-?[0-9]{1,3}\.[0-9]{4,10})(?![0-9.])°?[NSEW]?"
_AXIS: Final = r"(?:北纬|东经|纬度|经度|[\"']?(?:lat(?:itude)?|lng|lon(?:gitude)?)[\"']?|[NE北东])"
_AXIS_ALONE: Final = re.compile(_AXIS, re.I)
_COORDINATES: Final = re.compile(
    rf"(?<![0-9.])(?:{_AXIS}[ :=]{{0,2}})?{_DEGREES}"
    rf"(?:[ ]{{0,2}}[,;/，、][ ]{{0,2}}(?:{_AXIS}[ :=]{{0,2}})?|(?<=[0-9]{{4}})[ ](?=[0-9.]{{8}})|[ ,;&]{{0,3}}{_AXIS}[ :=]{{0,2}}){_DEGREES}",  # noqa: E501
    re.I,
)
TRACK_PLACES_MIN: Final = 3
"""Fewer places are a trip's ends, not a track."""
_BETWEEN_PLACES: Final = re.compile(
    r"(?:[ \t\r\n,;，；、|/:>(){}\[\]\"'→⇒~.T0-9年月日时分秒到至于在-]|"
    r"lat|lng|lon|time|ts|at|经度|纬度){1,60}"
)
"""What may stand between the places of a track: signs, times, and the names of fields."""
_IS: Final = r"[ ]?(?:号码|账号|帐号|号|ID|id)?[ ]{0,2}(?:[:：=]|是|为|叫)?[ ]{0,2}[\"“'「]?"
_WECHAT: Final = re.compile(
    r"(?:微信|威信|薇信|[微薇威徽维v][信芯心]|wechat|weixin|wei信|(?:加|[➕+])[ ]?[微薇威v]|[微薇威][^\w\u4e00-\u9fa5:：]{1,2}(?=[A-Za-z])|(?<![a-z])(?:vx|wx(?!id_)|V信|v(?=[:：])))"  # noqa: E501
    + _IS
    + r"([A-Za-z][A-Za-z0-9_-]{5,19})(?![A-Za-z0-9_@-])",
    re.I,
)
_WECHAT_GIVEN: Final = re.compile(r"(?<![A-Za-z0-9_])(wxid_[a-z0-9]{6,24})(?![A-Za-z0-9_])")
"""What WeChat calls those who chose no name."""
_QQ: Final = re.compile(
    r"(?:(?<![A-Za-z])QQ?群?|扣扣|加扣|企鹅)" + _IS + r"([1-9][0-9]{4,10})(?![0-9@A-Za-z])", re.I
)
_BEHIND_IT: Final = r"[\"“'「]?([!-~]{4,32}?)(?=[,;\"'.)}]?(?:[^!-~]|$)|[,;\"')}]|-{3})"
_PASSWORD: Final = re.compile(
    r"(?:密码|口令|(?<![A-Za-z])(?:password|passwd|pwd|pass))(?:是|为|[ ]{0,2}[:：=]{1,2}>?|[\"'][ ]?:)[ ]{0,2}"  # noqa: E501
    + _BEHIND_IT,
    re.I,
)
_PASSWORD_BEHIND: Final = re.compile(
    r"(?:密码|口令)(?:已?(?:重置|改|更改|修改|设置|设)[为成]|默认是|忘了的话默认是)?[ ]?"
    r"(?![:=])(?=[!-~]*[0-9])(?=[!-~]*[A-Za-z])" + _BEHIND_IT
)
"""Without a sign between, only what mixes letters and digits."""
_PASSWORD_JOINED: Final = re.compile(
    r"(?<![!-~])(?:1[0-9]{10}|[A-Za-z0-9][A-Za-z0-9_.+]{2,40}@[A-Za-z0-9.]{3,40}|([A-Za-z][A-Za-z0-9_.]{3,31}))-{3,6}([!-~]{4,32}?)(?=-{3}|[^!-~]|$)"
)
"""Account and password in one field, as stolen lists are traded."""
_PASSWORD_PAIR: Final = re.compile(
    r"(?<![!-~])(?:1[3-9][0-9]{9}|[A-Za-z0-9][A-Za-z0-9_.+]{2,40}@[A-Za-z0-9.]{3,40}|((?=[A-Za-z0-9_.]{5})[A-Za-z][A-Za-z0-9.]{0,20}[0-9_][A-Za-z0-9_.]{0,20}))"
    r"[:|](?!:)((?=[!-~]*[0-9])(?=[!-~]*[A-Za-z])(?![!-~]*//)[!-~]{6,32})(?![!-~])"
)
"""The same with a colon: only a secret that mixes letters and digits, behind an account that is no word."""
_ACCOUNT: Final = re.compile(
    r"(?:用户名|登[录陆](?:名|账号|帐号)|账户名?|账号|帐号|用户|(?<![A-Za-z])(?:username|login|user_name|user(?=[ ]?[:=])))"  # noqa: E501
    r"(?:是|为|[ ]{0,2}[:：=]{1,2}|(?<=[\u4e00-\u9fa5])[ ])[ ]{0,2}[\"“'「]?((?=[A-Za-z0-9_.@-]*[A-Za-z])[A-Za-z0-9][A-Za-z0-9_.-]{2,31})(?![A-Za-z0-9_.@])",  # noqa: E501
    re.I,
)
_ACCOUNT_FIELD: Final = re.compile(
    r"[\"'](?:username|user_?name|user_?id|uid|login(?:_?name)?|account)[\"'][ ]?[:=][ ]?[\"']((?=[^\"']*[A-Za-z])[A-Za-z0-9_.@-]{3,32})[\"']"  # noqa: E501
    r"|(?<![A-Za-z])(?:login_name|user_name|username|uid)[ ]?=[ ]?'((?=[^']*[A-Za-z])[A-Za-z0-9_.@-]{3,32})'"
    r"|(?<![A-Za-z])(?:ssh|scp|sftp)[ ](?:-[a-z][ ][^ ]{1,20}[ ])?([A-Za-z_][A-Za-z0-9_.-]{1,31})(?=@[0-9A-Za-z])",  # noqa: E501
    re.I,
)
"""As a field of JSON or SQL, and before the host of a remote shell."""
_ACCOUNT_BEHIND: Final = re.compile(
    r"(?:用户名|登录名(?:用工号)?|账号|帐号)((?=[A-Za-z0-9_.-]*[A-Za-z])(?=[A-Za-z0-9_.-]*[0-9_.])[A-Za-z0-9][A-Za-z0-9_.-]{3,31})(?![A-Za-z0-9_.@])"
)
_BIRTH: Final = re.compile(
    r"(?:出生日期|出生年月日|出生年月|出生于|生日|生于|出生|birth(?:day|date)?|date of birth|dob)"
    r"(?:是|为|[\"']?[ ]{0,2}[:：=])?[ ]{0,2}[\"']?"
    r"((?:18|19|20)[0-9]{2})(?:年|[-./])?([01]?[0-9])(?:月|[-./])?([0-3]?[0-9])日?",
    re.I,
)
_BORN: Final = re.compile(
    r"((?:19|20)[0-9]{2})(?:年|[-./])([01]?[0-9])(?:月|[-./])([0-3]?[0-9])[日号]?(?=(?:[ ]?[0-9]{1,2}[:：][0-9]{2}[ ]?)?(?:出生|生人|生的|生(?:[,，。]|$)))"  # noqa: E501
)
_BORN_WRITTEN: Final = re.compile(
    r"(?:[一二][九八〇零○]|19|20)[〇零○一二三四五六七八九0-9]{2}年(?:农历)?[一二三四五六七八九十正腊冬0-9]{1,3}月"
    r"(?:初|廿)?[一二三四五六七八九十0-9]{1,3}[日号]?(?=[ ]?(?:出生|生人|生的|生(?:[,，。]|$)))"
)
"""With Chinese numerals, or by the lunar calendar."""
_BORN_MONTH: Final = re.compile(r"((?:19|20)[0-9]{2})年(1[0-2]|0?[1-9])月(?=出生|生(?:[,，。]|$))")
_MONTHS: Final = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_BIRTH_ENGLISH: Final = re.compile(
    r"(?:date[ ]of[ ]birth|birth[ _]?da(?:te|y)|dob|born(?:[ ]on)?)[ ]{0,2}[:=]?[ ]{0,2}(?:is[ ])?"
    rf"((?:([0-9]{{1,2}})(?:st|nd|rd|th)?[ ](?P<first>{_MONTHS})[a-z]*\.?,?[ ]|"
    rf"(?P<second>{_MONTHS})[a-z]*\.?[ ]([0-9]{{1,2}})(?:st|nd|rd|th)?,?[ ]|"
    r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-])((?:19|20)[0-9]{2}))"
    r"(?![0-9])",
    re.I,
)
_BIRTH_MONTH: Final = re.compile(
    r"(?:出生日期|出生年月|出生于|生日|生于|出生)(?:是|为|[ ]{0,2}[:：=])?[ ]{0,2}"
    r"((?:19|20)[0-9]{2})(?:年|[-./])(1[0-2]|0?[1-9])(?:月|(?![0-9年月./-]))(?![0-9])"
)
_MILITARY: Final = re.compile(r"[军兵士文警武][官兵士职]?字第?[ ]?[0-9]{6,9}号?")
_STARS: Final = r"[*×＊xX●•]"
_MASKED_MOBILE: Final = re.compile(
    rf"(?<![0-9A-Za-z*])1[3-9][0-9]{_STARS}{{3,5}}[0-9]{{3,4}}(?![0-9A-Za-z*])"
)
_MASKED_ID: Final = re.compile(
    r"(?<![0-9A-Za-z*])[1-8][0-9]{0,9}[*×＊●•]{4,16}[0-9]{0,4}[0-9Xx](?![0-9A-Za-z*])"
)
_MASKED_NAME: Final = re.compile(
    r"(?<![\u4e00-\u9fa5*])[\u4e00-\u9fa5](?:[*＊×]{1,2})[\u4e00-\u9fa5]?(?![\u4e00-\u9fa5*0-9])"
)
_DAMAGED: Final = re.compile(r"(?<![0-9.])[1-9](?:\.[0-9]{1,15})?[Ee]\+?1[0-9](?![0-9])")


def lettered(folded: str) -> Iterator[Span]:
    """Every finding of these kinds in a folded text, overlaps included; values are left to the caller."""
    for reader in _READERS:
        yield from reader(folded)


def _emails(folded: str) -> Iterator[Span]:
    if "@" not in folded:
        return
    for found in _EMAIL.finditer(folded):
        # In a traded list the address is the last of several fields that hyphens divide.
        start = found.start() + max(0, found[0].rfind("---") + 3 if "---" in found[0] else 0)
        if found[1].lower() not in _NOT_DOMAINS and ".." not in found[0]:
            yield Span(start, found.end(), "email", "", 0.97, folded[start : found.end()].lower())


def _credit_codes(folded: str) -> Iterator[Span]:
    for found in _CODE18.finditer(folded):
        code = found[0].replace("-", "").upper()
        if credit_code.is_credit_code(code) and _is_registered(code):
            yield Span(*found.span(), "credit_code", "", 0.98, code)


def _is_registered(code: str) -> bool:
    """Department, kind and region of a credit code exist (GB 32100-2015 annex A); random digits rarely
    fit.
    """
    known = (
        code[2:8] in region_periods()
        or code[2:8] in ("100000", "000000")
        or code[2:6] + "00" in region_periods()
    )
    return code[0] in "123456789ANY" and code[1] in "1239" and known


def _plates(folded: str) -> Iterator[Span]:
    for found in _PLATE.finditer(folded):
        text = "".join(c for c in found[0].upper() if c not in "·•・.- ")
        if text.startswith("WJ") or plate.is_plate(text):
            yield Span(*found.span(), "plate", "", 0.95, text)


def _documents(folded: str) -> Iterator[Span]:
    for found in _PASSPORT.finditer(folded):
        text = found[0].upper()
        clause = context.before(folded, found.start())
        said = context.nearest(clause, context.ORDER, context.PASSPORT, context.PERMIT, context.IDENTITY)
        if travel_documents.is_hong_kong_macao_permit(text):
            if said == 2 or (said in (1, 3)) or (said < 0 and len(text) == 9 and text[0] in "HM"):
                yield Span(*found.span(), "hk_macao_permit", "", 0.95 if said == 2 else 0.65, text)
        elif travel_documents.is_passport(text):
            strong = travel_documents.is_strong_passport(text)
            if said in (1, 2, 3) or (strong and said != 0):
                yield Span(*found.span(), "passport", "", 0.97 if said == 1 else 0.7, text)
    for found in _OTHER_PASSPORT.finditer(folded):
        yield Span(*found.span(1), "passport", "", 0.7, found[1].upper())
    if context.TAIWAN.search(folded):
        for found in _EIGHT.finditer(folded):
            if context.TAIWAN.search(context.before(folded, found.start())):
                yield Span(*found.span(), "taiwan_permit", "", 0.9, found[0])
    for found in _MILITARY.finditer(folded):
        yield Span(*found.span(), "military_id", "", 0.9, found[0])


def _nets(folded: str) -> Iterator[Span]:
    for found in _MAC.finditer(folded):
        if devices.is_mac(found[0]):
            yield Span(*found.span(), "mac", "", 0.95, found[0].lower().replace("-", ":"))
    for found in _MAC_BARE.finditer(folded):
        plain = "".join(c for c in found[1].lower() if c not in ".-")
        pairs = ":".join(plain[at : at + 2] for at in range(0, 12, 2))
        if devices.is_mac(pairs):
            yield Span(*found.span(1), "mac", "", 0.9, pairs)
    for found in _IPV4.finditer(folded):
        is_version = context.VERSION.search(folded[max(0, found.start() - 12) : found.start()])
        if devices.is_ipv4(found[0]) and not is_version and not _VERSION_BEHIND.match(folded, found.end()):
            yield Span(*found.span(), "ipv4", "", 0.9, found[0])
    if ":" in folded:
        for found in _IPV6.finditer(folded):
            if devices.is_ipv6(found[0]):
                yield Span(*found.span(), "ipv6", "", 0.9, found[0].lower())


def _coordinates(folded: str) -> Iterator[Span]:
    """Places, and a track where three or more follow one another with nothing but times between them."""
    places = list(_places(folded))
    run: list[Span] = []
    for place in places:
        if run and not _BETWEEN_PLACES.fullmatch(folded, run[-1].end, place.start):
            yield from _track(run)
            run = []
        run.append(place)
    yield from _track(run)


def _track(run: list[Span]) -> Iterator[Span]:
    if len(run) < TRACK_PLACES_MIN:
        yield from run
    else:
        yield Span(run[0].start, run[-1].end, "track", "", 0.85, f"{len(run)} places")


def _places(folded: str) -> Iterator[Span]:
    for found in _COORDINATES.finditer(folded):
        a, b = abs(float(found[1])), abs(float(found[2]))
        if min(a, b) <= 90 and max(a, b) <= 180 and a and b:
            is_here = 3 <= min(a, b) <= 54 and 73 <= max(a, b) <= 136
            if not is_here and not _AXIS_ALONE.search(found[0]):
                continue  # two numbers with decimals; outside China they must be called coordinates
            # From number to number; a letter that stands right before the first one belongs to it.
            start = found.start(1) - (folded[max(0, found.start(1) - 1)] in "NE" and found.start(1) > 0)
            yield Span(start, found.end(), "coordinates", "", 0.85)


def _accounts(folded: str) -> Iterator[Span]:
    for joined in (*_PASSWORD_JOINED.finditer(folded), *_PASSWORD_PAIR.finditer(folded)):
        yield Span(*joined.span(2), "password", "", 0.7)
        if joined[1]:
            yield Span(*joined.span(1), "account", "", 0.7)
    for pattern, kind, confidence in (
        (_WECHAT, "wechat", 0.9),
        (_WECHAT_GIVEN, "wechat", 0.97),
        (_QQ, "qq", 0.92),
        (_PASSWORD, "password", 0.85),
        (_PASSWORD_BEHIND, "password", 0.75),
        (_ACCOUNT_BEHIND, "account", 0.7),
        (_ACCOUNT, "account", 0.8),
    ):
        for found in pattern.finditer(folded):
            yield Span(*found.span(1), kind, "", confidence)
    for found in _ACCOUNT_FIELD.finditer(folded):
        yield Span(*found.span(found.lastindex or 0), "account", "", 0.8)


def _births(folded: str) -> Iterator[Span]:
    for pattern in (_BIRTH, _BORN):
        for found in pattern.finditer(folded):
            year, month, day = int(found[1]), int(found[2]), int(found[3])
            if is_date(year, month, day):
                end = found.end()
                yield Span(found.start(1), end, "birth_date", "", 0.9, f"{year:04}-{month:02}-{day:02}")

    for found in _BORN_WRITTEN.finditer(folded):
        yield Span(*found.span(), "birth_date", "", 0.8)
    for found in _BORN_MONTH.finditer(folded):
        yield Span(*found.span(), "birth_date", "", 0.7, f"{found[1]}-{int(found[2]):02}")
    for found in _BIRTH_ENGLISH.finditer(folded):
        word = (found["first"] or found["second"] or "").lower()
        numbers = [int(digits) for digits in (found[2], found[5], found[6], found[7]) if digits]
        # 05/12/1990 is the fifth of December or May 12: what is a date is reported, which one is not said.
        month = _MONTHS.split("|").index(word) + 1 if word else min(numbers)
        day = numbers[0] if word else max(numbers)
        if is_date(int(found[8]), month, day):
            certain = bool(word) or day > 12
            yield Span(
                *found.span(1), "birth_date", "", 0.85, f"{found[8]}-{month:02}-{day:02}" if certain else ""
            )
    for found in _BIRTH_MONTH.finditer(folded):
        yield Span(found.start(1), found.end(), "birth_date", "", 0.7, f"{found[1]}-{int(found[2]):02}")


def _masked(folded: str) -> Iterator[Span]:
    for found in _MASKED_MOBILE.finditer(folded):
        yield Span(*found.span(), "masked_mobile", "", 0.9)
    for found in _MASKED_ID.finditer(folded):
        size = len(found[0])
        if size in (18, 15) or found[0][-1] in "Xx":
            yield Span(*found.span(), "masked_resident_id", "", 0.85)
        elif 12 <= size <= 19 and found[0][:1] in "3456":
            yield Span(*found.span(), "masked_bank_card", "", 0.8)
    for found in _MASKED_NAME.finditer(folded):
        yield Span(*found.span(), "masked_name", "", 0.7)
    for found in _DAMAGED.finditer(folded):
        yield Span(*found.span(), "damaged_number", "", 0.9)


_READERS: Final[tuple[Callable[[str], Iterator[Span]], ...]] = (
    _emails,
    _credit_codes,
    _plates,
    _documents,
    _nets,
    _coordinates,
    _accounts,
    _births,
    _masked,
)
