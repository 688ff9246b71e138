"""What a phone number is: parse it, say whether it can receive an SMS, mask it.

Mainland numbers follow `plan_cn` (dated); all others follow the phonenumbers library's metadata.
Nothing here logs, and no error quotes a digit: a phone number is personal data (民法典 art. 1034).
"""

import re
from typing import Final, Literal

import phonenumbers
from msgspec import Struct
from phonenumbers import NumberParseException, PhoneNumberType

from tideng.identifiers.plan_cn import BY_FIVE_DIGITS, IOT_PREFIXES, Operator

Kind = Literal["mobile", "landline", "service", "toll_free", "iot", "satellite", "outside"]
"""`outside`: not in the mainland's +86 plan (Hong Kong, Macao, Taiwan and other countries)."""

RAW_CHARACTERS_MAX: Final = 64
DIGITS_MAX: Final = 21
"""SMPP 3.4 §5.2.9: an address has at most 20 characters; one more for a leading +."""


class NotANumber(ValueError):
    """What was given is no phone number. `reason` says why and what to do; it quotes no digit."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Number(Struct, frozen=True, gc=False):
    """One phone number, understood."""

    e164: str
    """Digits with country code, without '+' (ITU-T E.164). Service numbers: 86 and the short number."""
    kind: Kind
    can_receive_sms: bool
    """By the numbering plan; whether the line is in use, nobody knows before the carrier's report."""
    region: str
    """ISO 3166-1 alpha-2, or "" for numbers of no territory."""


_MAINLAND_MOBILE: Final = re.compile(r"(?:\+?86|0086)?(1[3-9][0-9]{9})").fullmatch
_SEPARATORS: Final = " -.()\t\u00a0\u2010\u2011\u2012\u2013\u2014\u2212\u3000（）－．·"
_CLEAN: Final = str.maketrans(
    dict.fromkeys(_SEPARATORS) | {chr(0xFF10 + digit): str(digit) for digit in range(10)} | {"＋": "+"}
)
_DIGITS: Final = re.compile(r"\+?[0-9]{1,21}").fullmatch
_SERVICE: Final = re.compile(
    # 电信网编号计划: 10xxx carriers, 106 SMS service numbers with extensions, 11x/12x/123xx public
    # services, 95xxx(xxx) nationwide and 96xxx(x) provincial short numbers with extensions.
    r"106[0-9]{2,18}|100[0-9]{2,7}|101[0-9]{2}|11[0-9]|12[0-9]|1[12][0-9]{3}|95[0-9]{3,14}|96[0-9]{3,8}"
).fullmatch
_TOLL_FREE: Final = re.compile(r"[48]00[0-9]{7}").fullmatch
_LANDLINE: Final = re.compile(r"0(?:10|2[0-9]|[3-9][0-9]{2})[2-8][0-9]{6,7}").fullmatch
_IOT: Final = re.compile(r"14[0-4][0-9]{10}").fullmatch
_SMS_TYPES: Final = frozenset(
    {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE, PhoneNumberType.PAGER}
)


def parse(raw: str, region: str = "CN") -> Number:
    """Understand `raw` as dialled in `region`; full-width digits and separators are welcome.

    A number of another country needs its `+` or `00`. Raises `NotANumber`.
    """
    if region == "CN":
        plain = _MAINLAND_MOBILE(raw)
        if plain is not None:
            return _mobile(plain[1])
    if len(raw) > RAW_CHARACTERS_MAX:
        raise NotANumber(
            f"recipient has {len(raw)} characters; limit is {RAW_CHARACTERS_MAX}. Give one number only."
        )
    clean = raw.strip().translate(_CLEAN)
    if not _DIGITS(clean):
        raise NotANumber("recipient has other characters than digits, separators and a leading '+'")
    if clean.startswith("00"):
        clean = "+" + clean[2:]
    if clean.startswith("+86"):
        return _mainland(clean[3:], from_abroad=True)
    if region == "CN" and not clean.startswith("+"):
        # 86 without + : an international number given in digits only, as SMPP does with TON 1.
        if len(clean) >= 12 and clean.startswith("86"):
            return _mainland(clean[2:], from_abroad=True)
        return _mainland(clean)
    return _elsewhere(clean, region)


def _mobile(national: str) -> Number:
    known = BY_FIVE_DIGITS.get(national[:5])
    if known is None:
        raise NotANumber("mobile number begins with digits that are not assigned in the numbering plan")
    return Number("86" + national, known[0], True, "CN")


def _mainland(national: str, *, from_abroad: bool = False) -> Number:
    if len(national) == 11 and national[0] == "1" and national[1] in "3456789":
        if national[:3] in IOT_PREFIXES:
            raise NotANumber("IoT numbers (140-144) have 13 digits; this one has 11")
        return _mobile(national)
    if _IOT(national):
        # They accept machine messages from their own platform only; no person reads them.
        return Number("86" + national, "iot", False, "CN")
    if _TOLL_FREE(national):
        return Number("86" + national, "toll_free", False, "CN")
    # 10 digits 10[2-8]… are a Beijing landline after +86, but a 106 service number when dialled plainly.
    beijing = from_abroad and len(national) == 10 and _LANDLINE("0" + national) is not None
    if not beijing and _SERVICE(national):
        return Number("86" + national, "service", False, "CN")
    with_zero = national if national.startswith("0") else "0" + national
    if _LANDLINE(with_zero):
        return Number("86" + with_zero[1:], "landline", False, "CN")
    raise NotANumber(
        f"{len(national)} digits that fit no mainland number. Give a mobile number of 11 digits, "
        "or a number of another place with its '+' and country code."
    )


def _elsewhere(clean: str, region: str) -> Number:
    try:
        found = phonenumbers.parse(clean, region)
    except NumberParseException as error:
        raise NotANumber(f"not a phone number: {_REASONS.get(error.error_type, 'unknown form')}") from None
    if found.country_code == 86:
        return _mainland(phonenumbers.national_significant_number(found), from_abroad=True)
    if not phonenumbers.is_valid_number(found):
        raise NotANumber(f"country code {found.country_code} has no number of this length and beginning")
    kind = phonenumbers.number_type(found)
    digits = f"{found.country_code}{phonenumbers.national_significant_number(found)}"
    return Number(digits, "outside", kind in _SMS_TYPES, phonenumbers.region_code_for_number(found) or "")


_REASONS: Final = {
    NumberParseException.INVALID_COUNTRY_CODE: "the country code does not exist",
    NumberParseException.NOT_A_NUMBER: "there are no digits",
    NumberParseException.TOO_SHORT_AFTER_IDD: "too short after the international prefix",
    NumberParseException.TOO_SHORT_NSN: "too short",
    NumberParseException.TOO_LONG: "too long",
}


def mask(e164: str) -> str:
    """For screens only: enough to recognise one's own number, not enough to call it."""
    if len(e164) == 13 and e164.startswith("861"):
        return f"{e164[2:5]}****{e164[-4:]}"
    if len(e164) < 8:
        return "*" * len(e164)
    return f"{e164[:3]}{'*' * (len(e164) - 5)}{e164[-2:]}"


def operator_of(e164: str) -> Operator | None:
    """The carrier the prefix was assigned to, in the plan of `plan_cn.PLAN_DATE`; None when unknown.

    Not the carrier that serves the line today: numbers move (携号转网). Good for choosing a first route.
    """
    if len(e164) != 13 or not e164.startswith("86"):
        return None
    known = BY_FIVE_DIGITS.get(e164[2:7])
    return known[1] if known else None


_CODE_NUMBER: Final = re.compile(
    r"(?:86)?(?:106[0-9]{2,18}|100[0-9]{2,7}|12[0-9]{3}|9[56][0-9]{3,16})"
).fullmatch


def is_code_number(digits: str) -> bool:
    """True for what a mainland text may show as its sender: 106…, 95…, 96…, 100xx, 12xxx."""
    return len(digits) <= DIGITS_MAX and _CODE_NUMBER(digits) is not None
