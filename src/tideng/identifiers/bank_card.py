"""银行卡号: numbers of cards that Chinese banks issue (ISO/IEC 7812 with Luhn; prefixes: a dated list)."""

from typing import Final

from msgspec import Struct

from tideng.identifiers.tables import bank_bins

LENGTHS: Final = range(15, 20)
_PREFIXES: Final = range(10, 3, -1)
_DOUBLED: Final = str.maketrans("0123456789", "0246813579")


class BankCard(Struct, frozen=True, gc=False):
    """One card number whose check digit is right."""

    number: str
    bank: str
    """The issuer's short name; "" when the prefix is not on the list."""
    type: str
    """DC debit, CC credit, SCC semi-credit, PC prepaid; "" when not known."""


def luhn(number: str) -> bool:
    """True if the Luhn sum of these digits is a multiple of ten (ISO/IEC 7812-1 annex B)."""
    plain, doubled = number[::-2], number[-2::-2].translate(_DOUBLED)
    return (sum(map(int, plain)) + sum(map(int, doubled))) % 10 == 0


def luhn_digit(number: str) -> str:
    """The digit to append so that `luhn` holds."""
    return next(digit for digit in "0123456789" if luhn(number + digit))


def issuer(number: str) -> tuple[str, str] | None:
    """(bank, type) if the list has a prefix of `number` with exactly this length."""
    bins = bank_bins()
    for size in _PREFIXES:
        for length, kind, bank in bins.get(number[:size], ()):
            if length == len(number):
                return bank, kind
    return None


def read_bank_card(number: str) -> BankCard | None:
    """A card with a right check digit, issued by a listed bank or by a scheme that banks here use; else None.

    Numbers of 16 to 19 digits that begin with 62 (UnionPay), and Visa, Mastercard and JCB of 16, are believed
    without their bank; whoever needs certainty looks at `bank`.
    """
    if len(number) not in LENGTHS or not (number.isascii() and number.isdigit()) or not luhn(number):
        return None
    found = issuer(number)
    if found:
        return BankCard(number, *found)
    is_scheme = number[:2] == "62" and len(number) >= 16
    is_scheme |= len(number) == 16 and (number[0] == "4" or "51" <= number[:2] <= "55" or number[:2] == "35")
    is_scheme |= len(number) == 15 and number[:2] in ("34", "37")
    return BankCard(number, "", "") if is_scheme and len(set(number)) > 1 else None


def mask_bank_card(number: str) -> str:
    """For screens: issuer prefix and last four."""
    return number[:6] + "*" * max(0, len(number) - 10) + number[-4:]
