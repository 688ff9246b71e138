"""What may be seen on a screen or in a report: enough to recognise, not enough to use. Pure."""

from tideng.identifiers.bank_card import mask_bank_card
from tideng.identifiers.resident_id import mask_resident_id


def mask(kind: str, value: str) -> str:
    """`value` of a span's kind, masked; kinds without a rule of their own keep their first and last
    character.
    """
    plain = value.strip()
    if kind == "resident_id":
        return mask_resident_id(plain) if len(plain) in (15, 18) else _ends(plain, 4, 2)
    if kind == "mobile":
        return _ends(plain, 3, 4)
    if kind == "bank_card":
        return mask_bank_card(plain) if plain.isdigit() else _ends(plain, 4, 4)
    if kind == "email":
        name, at, domain = plain.partition("@")
        return name[:1] + "***" + at + domain
    if kind == "name":
        return plain[:1] + "*" * max(1, len(plain) - 1)
    if kind == "address":
        return plain[:6] + "*" * max(3, min(12, len(plain) - 6))
    if kind == "password":
        return "******"
    if kind.startswith("masked_") or kind == "damaged_number":
        return plain
    return _ends(plain, 1, 1)


def _ends(text: str, first: int, last: int) -> str:
    if len(text) <= first + last:
        return "*" * len(text)
    return text[:first] + "*" * (len(text) - first - last) + text[-last:]
