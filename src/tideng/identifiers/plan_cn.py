"""The mainland Chinese numbering plan, as dated data.

Source: MIIT table of network numbers (网号) and H0 digits as of the end of March 2023, and the rules on
service numbers (电信网编号计划). Numbers allocated later are unknown here: add them with their date, so that
a past verdict can still be explained. Every operator is by prefix only: a subscriber may have taken the
number to another carrier (携号转网), so never bill or accuse anybody by it.
"""

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final, Literal

Operator = Literal["china_mobile", "china_unicom", "china_telecom", "china_broadnet", "virtual"]
MobileKind = Literal["mobile", "satellite"]

PLAN_DATE: Final = "2023-03-31"

_MOBILE: Final[dict[Operator, str]] = {
    "china_mobile": (
        "134 135 136 137 138 139 147 148 150 151 152 157 158 159 172 178 182 183 184 187 188 195 197 198"
    ),
    "china_unicom": "130 131 132 145 146 155 156 166 175 176 185 186 196",
    "china_telecom": "133 149 153 173 177 180 181 189 190 191 193 199",
    "china_broadnet": "192",
    # Resellers (移动通信转售, 虚拟运营商); 170 is shared by H0: 0-2 Telecom, 3 5 6 Mobile, 4 7 8 9 Unicom.
    "virtual": "162 165 167 170 171",
}

_SATELLITE: Final = {
    # Five-digit beginnings: H0 gives the precision here. 1740x and 1741(0-2) Tiantong, 1749 Inmarsat.
    "13492": None,
    "13493": None,
    "13499": None,
    **{f"1740{digit}": "china_telecom" for digit in range(10)},
    **{f"1741{digit}": "china_telecom" for digit in range(3)},
    **{f"1749{digit}": None for digit in range(10)},
    **{f"1619{digit}": None for digit in range(10)},
}

IOT_PREFIXES: Final = frozenset({"140", "141", "142", "143", "144"})
"""Thirteen digits: cards for things (反电信网络诈骗法 art. 12 restricts what they may do)."""


def _five_digit_table() -> dict[str, tuple[MobileKind, Operator | None]]:
    table: dict[str, tuple[MobileKind, Operator | None]] = {}
    for operator, prefixes in _MOBILE.items():
        for prefix in prefixes.split():
            for rest in _hundred():
                table[prefix + rest] = ("mobile", operator)
    for digit in "0123456789":
        # 1349 is satellite only where the table says so; the rest of it is not assigned.
        del table[f"1349{digit}"]
    for beginning, carrier in _SATELLITE.items():
        table[beginning] = ("satellite", "china_telecom" if carrier else None)
    return table


def _hundred() -> Iterable[str]:
    return (f"{number:02d}" for number in range(100))


BY_FIVE_DIGITS: Final = MappingProxyType(_five_digit_table())
"""First five digits of an 11-digit number: (kind, operator by prefix). Absent: not assigned."""

PLAUSIBLE_FIVE: Final = frozenset(BY_FIVE_DIGITS) | {f"1349{digit}" for digit in "0123456789"}
"""Beginnings that a reader of other people's files believes: 1349 is not assigned to subscribers, and yet
occurs.
"""
