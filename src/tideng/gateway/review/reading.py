"""A text read once: everything the content rules and the context rules want to know about it."""

import re
from typing import Final

from msgspec import Struct

from tideng.gateway.review.policy import Policy
from tideng.text import phrases
from tideng.text.entities import Link, amounts, links, phone_numbers
from tideng.text.normalise import fold
from tideng.text.opt_out import has_opt_out_wording
from tideng.text.signature import read_signature


class Reading(Struct, frozen=True, gc=False):
    """What one text says. Depends on the text and the policy's word lists only, so it may be kept."""

    text: str
    signature: str
    """"" when there is none."""
    body: str
    folded: str
    disguised: bool
    amounts: tuple[str, ...]
    numbers: tuple[str, ...]
    links: tuple[Link, ...]
    debt: str
    """Words about a debt; "" when there are none. The same for the following."""
    claim: str
    threat: str
    discount: str
    pressure: str
    authority: str
    accused: str
    asks_for_code: str
    banned: str
    has_opt_out_wording: bool
    category: str
    """What the text reads like: verification, debt, commercial or notice."""
    segments: int
    """At least so many parts: 160/153 characters for ASCII, else 70/67 UTF-16 units (3GPP TS 23.040)."""

    demands_debt: bool
    """Debt words, pressure, and either an amount or the claim that the reader owes with a threat."""


_DIGIT: Final = re.compile("[0-9]")
READ_CHARACTERS_MAX: Final = 4_000
"""More is not looked at: such a text is refused as too long anyway."""


def read(text: str, policy: Policy) -> Reading:
    """Read `text` as it would be sent, signature included. Linear in its length; never raises."""
    looked_at = text[:READ_CHARACTERS_MAX]
    signature, body = read_signature(looked_at)
    given = fold(body)
    flat, folded = given.flat, given.text
    seen = phrases.seen
    has_digit = _DIGIT.search(flat) is not None
    found_amounts = amounts(flat) if has_digit else ()
    debt = seen(phrases.DEBT, folded)
    authority = seen(phrases.AUTHORITY, folded)
    threat = seen(phrases.THREAT, folded)
    pressure = seen(phrases.PRESSURE, folded)
    discount = seen(phrases.DISCOUNT, folded)
    claim = seen(phrases.CLAIM, folded) if debt else ""
    stops = has_opt_out_wording(flat)
    asks = seen(phrases.ASK_CODE, folded)
    if asks and phrases.NOT_GIVE.search(folded):
        asks = ""
    demands = bool(debt and (threat or discount or pressure) and (found_amounts or (claim and threat)))
    return Reading(
        text,
        signature or "",
        body,
        folded,
        given.disguised or (signature is not None and not signature.isalnum() and fold(signature).disguised),
        found_amounts,
        phone_numbers(flat) if has_digit else (),
        links(flat),
        debt,
        claim,
        threat,
        discount,
        pressure,
        authority,
        seen(phrases.ACCUSED, folded) if authority else "",
        asks,
        _banned(folded, policy),
        stops,
        _category(folded, demands, stops),
        _segments(text),
        demands,
    )


def _banned(folded: str, policy: Policy) -> str:
    pattern = policy.banned
    return phrases.seen(pattern, folded) if pattern is not None else ""


def _category(folded: str, demands: bool, stops: bool) -> str:
    if demands:
        return "debt"
    promoted = set(phrases.PROMO.findall(folded))
    # An opt-out line alone is no advertisement, one promising word alone neither.
    if len(promoted) >= 2 or (promoted and stops):
        return "commercial"
    if phrases.VERIFY.search(folded) and _DIGIT.search(folded):
        return "verification"
    return "notice"


def _segments(text: str) -> int:
    if text.isascii():
        # The seven characters of the GSM extension table that ASCII has take two places.
        units, whole, part = len(text) + sum(map(text.count, "[]{}\\^~|")), 160, 153
    else:
        units, whole, part = len(text.encode("utf-16-be", "surrogatepass")) // 2, 70, 67
    return 1 if units <= whole else -(-units // part)
