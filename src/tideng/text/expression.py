"""When a family is seen: a small expression over slots, read once, evaluated for many texts at once.

lure & (contact | link) & !education        and, or, not
2 of (threat, deadline, amount)             at least so many
near(ask, code, 12)                         both, at most so many characters apart
"""

import re
from collections.abc import Callable, Mapping
from typing import Final, Protocol

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Truth = int
"""Of which texts of a block something holds: bit i is text i. One operation then serves them all, and for a
text alone it is the cheapest there is."""
SlotSet = int
"""Slots: bit i is slot i."""
_TOKEN: Final = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_.]*|\d+|[&|!(),])")
TERMS_MAX: Final = 400
_NOT: Final = "!"
_OPEN: Final = "("
_NEAR: Final = "near"


def places_of(truth: Truth) -> list[int]:
    """The texts for which it holds, in order."""
    if truth < 2:
        return [0] * truth
    octets = np.frombuffer(truth.to_bytes((truth.bit_length() + 7) // 8, "little"), np.uint8)
    return np.unpackbits(octets, bitorder="little").nonzero()[0].tolist()


def truth_of(places: NDArray[np.int64], count: int) -> Truth:
    """The other way round: these of `count` texts, in any order and as often as you like."""
    if count == 1:
        return int(len(places) > 0)
    held = np.zeros(count, np.bool_)
    held[places] = True
    return int.from_bytes(np.packbits(held, bitorder="little").tobytes(), "little")


def slots_in(those: SlotSet) -> list[int]:
    """The slots of a set, in order."""
    return [slot for slot in range(those.bit_length()) if those >> slot & 1]


class ExpressionInvalid(ValueError):
    """An expression that cannot be read; the message says where."""


class Sights(Protocol):
    """What an expression asks about a block of texts."""

    everywhere: Truth
    """Every text of the block."""

    def has(self, slot: int) -> Truth:
        """The texts in which the slot is filled."""
        ...

    def near(self, first: int, second: int, characters: int) -> Truth:
        """The texts in which both are filled at most so many characters apart."""
        ...


class Expression(Struct, frozen=True):
    """A node: an operator with its operands, or a slot."""

    operator: str
    operands: tuple["Expression", ...] = ()
    slots: tuple[int, ...] = ()
    number: int = 0

    def truth(self, sights: Sights) -> Truth:
        """The texts for which the expression holds. Stops as soon as that is settled."""
        if self.operator == "slot":
            return sights.has(self.slots[0])
        if self.operator == "near":
            return sights.near(self.slots[0], self.slots[1], self.number)
        if self.operator == "not":
            return sights.everywhere & ~self.operands[0].truth(sights)
        if self.operator == "of":
            return self._enough(sights)
        if self.operator == "and":
            whole = sights.everywhere
            for operand in self.operands:
                whole &= operand.truth(sights)
                if not whole:
                    break
            return whole
        whole = 0
        for operand in self.operands:
            whole |= operand.truth(sights)
            if whole == sights.everywhere:
                break
        return whole

    def _enough(self, sights: Sights) -> Truth:
        """The texts for which at least `number` operands hold."""
        # at_least[k]: those for which k or more of the operands looked at so far do.
        at_least = [sights.everywhere, *[0] * self.number]
        for operand in self.operands:
            value = operand.truth(sights)
            if value:
                for count in range(self.number, 0, -1):
                    at_least[count] |= at_least[count - 1] & value
        return at_least[self.number]

    def needs(self, derived: Mapping[int, "Expression"]) -> tuple[SlotSet, ...]:
        """Of each of these sets at least one slot must be filled for it to hold, the smallest set first."""
        if self.operator == "slot" and self.slots[0] in derived:
            return derived[self.slots[0]].needs(derived)
        if self.operator in ("slot", "near"):
            return tuple(1 << slot for slot in self.slots)
        if self.operator == "not":
            return ()
        found = [operand.needs(derived) for operand in self.operands]
        if self.operator == "and":
            return tuple(sorted({one for needs in found for one in needs}, key=int.bit_count))
        # Any operand may be the one that holds.
        any_of = 0
        for needs in found:
            if not needs:
                return ()
            any_of |= needs[0]
        return (any_of,)

    def wanted(self) -> tuple[int, ...]:
        """The slots that speak for it, in the order written; those under a `!` are left out."""
        if self.operator == "not":
            return ()
        found = list(self.slots)
        for operand in self.operands:
            found += operand.wanted()
        return tuple(dict.fromkeys(found))


def parse_expression(text: str, slot: Callable[[str], int]) -> Expression:
    """The expression that `text` writes down; `slot` numbers a name. Raises ExpressionInvalid."""
    tokens: list[str] = []
    place = 0
    stripped = text.rstrip()
    while place < len(stripped):
        match = _TOKEN.match(stripped, place)
        if match is None:
            raise ExpressionInvalid(f"{text!r}: {stripped[place : place + 8]!r} is no word or operator")
        tokens.append(match[1])
        place = match.end()
    if len(tokens) > TERMS_MAX:
        raise ExpressionInvalid(f"{text[:40]!r}… has {len(tokens)} terms; the limit is {TERMS_MAX}")
    parser = _Parser(tokens, slot, text)
    whole = parser.either()
    parser.end()
    return whole


class _Parser:
    def __init__(self, tokens: list[str], slot: Callable[[str], int], text: str) -> None:
        self._tokens, self._slot, self._text, self._place = tokens, slot, text, 0

    def either(self) -> Expression:
        """a | b"""
        return self._chain("|", "or", self._both)

    def _both(self) -> Expression:
        return self._chain("&", "and", self._one)

    def _chain(self, mark: str, operator: str, below: Callable[[], Expression]) -> Expression:
        operands = [below()]
        while self._peek() == mark:
            self._place += 1
            operands.append(below())
        return operands[0] if len(operands) == 1 else Expression(operator, tuple(operands))

    def _one(self) -> Expression:
        token = self._take()
        if token == _NOT:
            return Expression("not", (self._one(),))
        if token == _OPEN:
            inside = self.either()
            self._expect(")")
            return inside
        if token.isdigit():
            self._expect("of")
            operands = tuple(self._list())
            if not 1 <= int(token) <= len(operands):
                raise ExpressionInvalid(
                    f"{self._text!r}: {token} of {len(operands)}; ask for one of them or more"
                )
            return Expression("of", operands, number=int(token))
        if token == _NEAR:
            return self._near()
        return Expression("slot", slots=(self._slot(token),))

    def _list(self) -> list[Expression]:
        self._expect("(")
        found = [self.either()]
        while self._peek() == ",":
            self._place += 1
            found.append(self.either())
        self._expect(")")
        return found

    def _near(self) -> Expression:
        self._expect("(")
        first = self._slot(self._take())
        self._expect(",")
        second = self._slot(self._take())
        self._expect(",")
        number = int(self._take())
        self._expect(")")
        return Expression("near", slots=(first, second), number=number)

    def _peek(self) -> str:
        return self._tokens[self._place] if self._place < len(self._tokens) else ""

    def _take(self) -> str:
        token = self._peek()
        if not token:
            raise ExpressionInvalid(f"{self._text!r} ends too early")
        self._place += 1
        return token

    def _expect(self, wanted: str) -> None:
        if self._take() != wanted:
            raise ExpressionInvalid(f"{self._text!r}: {wanted!r} is missing")

    def end(self) -> None:
        """Nothing may be left. Raises ExpressionInvalid."""
        if self._peek():
            raise ExpressionInvalid(f"{self._text!r}: {self._peek()!r} is too much")
