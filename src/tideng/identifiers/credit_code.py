"""统一社会信用代码: the 18 characters that name an organisation (GB 32100-2015)."""

from typing import Final

_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_VALUE: Final = {character: value for value, character in enumerate(_ALPHABET)}
_WEIGHTS: Final = tuple(pow(3, place, 31) for place in range(17))
LENGTH: Final = 18


def credit_code_problem(code: str) -> str:
    """Why `code` is not a unified social credit code, in one sentence; "" when it is one (GB 32100-2015)."""
    if len(code) != LENGTH:
        return f"credit code has {len(code)} characters; it must have {LENGTH}"
    strange = next((character for character in code if character not in _VALUE), "")
    if strange:
        return f"credit code has {strange!r}; only digits and capital letters without I, O, S, V, Z occur"
    expected = check_character(code[:17])
    if code[17] != expected:
        return (
            f"credit code ends in {code[17]!r}; its check character is {expected!r}. Look for a typing error."
        )
    return ""


def is_credit_code(code: str) -> bool:
    """True when form and check character are right. Says nothing about whether it was ever issued."""
    return not credit_code_problem(code)


def check_character(first_17: str) -> str:
    """The 18th character for 17 valid ones: weights 3^i mod 31, then 31 − sum mod 31 (31 means 0)."""
    total = sum(_VALUE[character] * weight for character, weight in zip(first_17, _WEIGHTS, strict=True))
    return _ALPHABET[-total % 31]
