"""Numbers of devices and nets: IMEI (3GPP TS 23.003, Luhn), IMSI, MAC, IPv4, IPv6."""

import re
from typing import Final

from tideng.identifiers.bank_card import luhn

_MAC: Final = re.compile(r"(?:[0-9A-Fa-f]{2}([:-]))(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}").fullmatch
_IMSI: Final = re.compile(r"460(?:0[0-9]|1[1-5]|20)[0-9]{10}").fullmatch
_IPV4: Final = re.compile(r"(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(?:\.|$)){4}").fullmatch
_HEXTET: Final = re.compile(r"[0-9A-Fa-f]{1,4}").fullmatch
_PREFIX_IN_USE: Final = re.compile(r"f[cd][0-9a-f]{2}|fe80|2[0-9a-f]{3}", re.I).fullmatch
"""Unique local (RFC 4193), link-local and global unicast addresses (RFC 4291)."""
_REPORTING_BODIES: Final = ("01", "35", "86", "98", "99")


def is_imei(digits: str) -> bool:
    """15 digits, right check digit, and a reporting body that allocates to devices sold here."""
    return len(digits) == 15 and digits.isdigit() and digits[:2] in _REPORTING_BODIES and luhn(digits)


def is_imsi(digits: str) -> bool:
    """15 digits of a mainland subscriber: country 460 and a network that was allocated."""
    return _IMSI(digits) is not None


def is_mac(text: str) -> bool:
    """Six octets with one kind of separator; not the broadcast or the empty address."""
    return _MAC(text) is not None and len(set(text.lower()) - {":", "-"}) > 1


def is_ipv4(text: str) -> bool:
    """Dotted decimal without leading zeros, of a host: not 0.*, not 255.*."""
    if _IPV4(text) is None or text.endswith(".") or text.count(".") != 3:
        return False
    parts = text.split(".")
    return not any(len(part) > 1 and part[0] == "0" for part in parts) and parts[0] not in ("0", "255")


def is_ipv6(text: str) -> bool:
    """RFC 4291 text form of a host: at least three groups written, two where the first is a prefix in use."""
    if text.count("::") > 1 or ":::" in text:
        return False
    groups = [group for group in text.replace("::", ":").split(":") if group]
    least = 2 if text[0] != ":" and groups and _PREFIX_IN_USE(groups[0]) else 3
    if len(groups) < least or not all(_HEXTET(group) for group in groups):
        return False
    return len(groups) == 8 if "::" not in text else len(groups) < 8
