"""One judgement per kind of field: what is wrong with this value, as sentences. Pure.

Each function yields nothing for an acceptable value. Sentences name the value, the limit and the next
step; those about passwords and call-back numbers do not name the value.
"""

import ipaddress
import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final
from urllib.parse import urlsplit

from tideng.identifiers.credit_code import credit_code_problem

ID_MAX: Final = 64
NAME_MAX: Final = 200
LIST_MAX: Final = 1000
SIGNATURE_MIN: Final = 2
SIGNATURE_MAX: Final = 16
CODE_NUMBER_MIN: Final = 3
CODE_NUMBER_MAX: Final = 21
WEBHOOK_MAX: Final = 500

_ID: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_CALLBACK: Final = re.compile(r"\+?[0-9][0-9-]{1,22}[0-9]")
_BRACKETS: Final = frozenset("【】〔〕[]［］")
_SIGN_JOINTS: Final = frozenset("·&-. ")


def identifier(value: str) -> Iterator[str]:
    """An id: short, ASCII, safe in a URL, a file name and a ledger entry."""
    if not _ID.fullmatch(value):
        yield (
            f"{value!r} is no id; use 1 to {ID_MAX} of a-z, 0-9, '.', '_' and '-', "
            f"beginning with a letter or digit"
        )


def name(value: str) -> Iterator[str]:
    """A name people read."""
    if not value.strip():
        yield "is empty; write the full registered name or number"
    elif len(value) > NAME_MAX:
        yield f"has {len(value)} characters; the limit is {NAME_MAX}. Shorten it"
    elif not value.isprintable():
        yield "contains a control character or line break; remove it"


def period(valid_from: str, valid_until: str) -> Iterator[str]:
    """Two dates, both inclusive, either empty."""
    right = True
    for label, value in (("valid_from", valid_from), ("valid_until", valid_until)):
        if value and not _is_date(value):
            right = False
            yield f"{label} {value!r} is no date; write YYYY-MM-DD, or leave it empty for no limit"
    if right and valid_from and valid_until and valid_until < valid_from:
        yield f"valid_until {valid_until} lies before valid_from {valid_from}; swap or correct them"


def _is_date(value: str) -> bool:
    if not _DATE.fullmatch(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def credit_code(value: str) -> Iterator[str]:
    """A unified social credit code (GB 32100-2015), or empty."""
    problem = credit_code_problem(value) if value else ""
    if problem:
        yield f"{value[:40]!r}: {problem.rstrip('.')}. Copy it from the business licence"


def sha256(value: str) -> Iterator[str]:
    """SHA-256 in hex, or empty."""
    if value and not _SHA256.fullmatch(value):
        yield f"{value[:80]!r} is no SHA-256; write 64 hex digits in small letters (sha256sum prints them)"


def signature_text(value: str) -> Iterator[str]:
    """The text of a signature: 2 to 16 characters, not all digits (Huawei Cloud's rule, Aliyun's is 2 to 12).

    Letters, digits and ideographs, joined where a brand is by `·`, `&`, `-`, `.` or a space inside.
    """
    if not SIGNATURE_MIN <= len(value) <= SIGNATURE_MAX:
        yield (
            f"{value[:40]!r} has {len(value)} characters; carriers register {SIGNATURE_MIN} to "
            f"{SIGNATURE_MAX}. Use the short name that was filed"
        )
    if any(letter in _BRACKETS for letter in value):
        yield f"{value[:40]!r} contains a bracket; write only the text between 【 and 】"
    elif value and not all(letter.isalnum() or letter in _SIGN_JOINTS for letter in value):
        yield f"{value[:40]!r} contains a symbol; use letters, digits, ideographs and · & - . between them"
    elif value != value.strip():
        yield f"{value[:40]!r} begins or ends with a space; remove it"
    if value and all(letter.isdigit() for letter in value):
        yield f"{value[:40]!r} is all digits; a signature must tell who speaks. Add the name"


def code_digits(value: str) -> Iterator[str]:
    """A code number: digits only."""
    if not (value.isascii() and value.isdigit() and CODE_NUMBER_MIN <= len(value) <= CODE_NUMBER_MAX):
        yield (
            f"{value[:40]!r} is no code number; write {CODE_NUMBER_MIN} to {CODE_NUMBER_MAX} digits, "
            f"without '+', spaces or the extension"
        )


def network(value: str) -> Iterator[str]:
    """An address or network in CIDR form."""
    try:
        ipaddress.ip_network(value)
    except ValueError:
        yield (
            f"{value[:60]!r} is no network; write CIDR with zero host bits, such as 192.0.2.0/24 "
            f"or 2001:db8::/32"
        )


def host(value: str) -> Iterator[str]:
    """A host name in small letters; international ones in their xn-- form, as links are compared."""
    labels = value.split(".")
    plain = len(value) <= 253 and len(labels) >= 2 and all(_LABEL.fullmatch(label) for label in labels)
    if not plain or labels[-1].isdigit():
        yield (
            f"{value[:80]!r} is no host name; write it in small letters without https:// and path, such as "
            f"www.example.com (Chinese names as xn--…)"
        )


def callback(value: str) -> Iterator[str]:
    """A call-back number. The value is not quoted: it may be a person's."""
    if not _CALLBACK.fullmatch(value):
        yield "is no telephone number; write 3 to 24 digits, '-' between them and '+' in front allowed"


def webhook(value: str) -> Iterator[str]:
    """An https address without user name and password, or empty."""
    if not value:
        return
    said = "write https://host/path without user name, password and fragment, or leave it empty"
    if len(value) > WEBHOOK_MAX or not (value.isascii() and value.isprintable()) or " " in value:
        yield f"has {len(value)} characters; allowed are {WEBHOOK_MAX} printable ASCII ones: {said}"
        return
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        yield f"is no web address; {said}"
        return
    if parts.scheme != "https":
        yield f"begins with {parts.scheme[:20]!r}; reports are personal data and travel by https only: {said}"
    if not parts.hostname or port == 0:
        yield f"names no host or port; {said}"
    if parts.username is not None or parts.password is not None or parts.fragment:
        yield f"carries a user name, password or fragment; {said}"


def password_hash(value: str) -> Iterator[str]:
    """An argon2id hash. Never quoted."""
    if not value.startswith("$argon2id$"):
        yield "is not an argon2id hash; give `password` in the file instead, it is hashed at import"


def count(value: int, most: int) -> Iterator[str]:
    """A whole number from 1."""
    if not 1 <= value <= most:
        yield f"is {value}; allowed is 1 to {most}"


def listed(values: Sequence[str], *, repeats: bool = False) -> Iterator[str]:
    """A list: bounded, and each value once unless `repeats`."""
    if len(values) > LIST_MAX:
        yield f"has {len(values)} items; the limit is {LIST_MAX}. Split it"
    elif not repeats and len(set(values)) < len(values):
        yield "names a value twice; keep one"


def category_list(values: Sequence[str], *, may_be_empty: bool = False) -> Iterator[str]:
    """Message categories, each once. That they exist is the type's business."""
    if not values and not may_be_empty:
        yield "is empty; name at least one category the customer may send"
    yield from listed(values)
