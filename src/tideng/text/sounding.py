"""Which words are looked for by their sound: those that somebody would hide.

A word that only calms (a counter of the bank, a story told) is hidden by nobody. Heard in other characters it
would be chance: 街道电话 is not 接到电话 in disguise.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from tideng.text.expression import Expression
from tideng.text.tables_read import Tables

_IDEOGRAPHS: Final = re.compile("[\u4e00-\u9fff]+")
SOUNDING_MIN: Final = 3
"""Shorter words share their sound with others by chance."""


def warning_slots(
    warnings: Iterable[Expression], derived: Mapping[int, Expression], slot_names: Sequence[str]
) -> set[int]:
    """The slots that speak for a warning, with the parts of their phrases (`slot#…`)."""
    found: set[int] = set()
    todo = [slot for expression in warnings for slot in expression.wanted()]
    while todo:
        slot = todo.pop()
        if slot not in found:
            found.add(slot)
            todo += derived[slot].wanted() if slot in derived else ()
    wanted = {slot_names[slot] for slot in found}
    return {place for place, name in enumerate(slot_names) if name.partition("#")[0] in wanted}


def sounding(
    literals: Mapping[str, Sequence[int]], short: set[int], warning: set[int], tables: Tables
) -> tuple[int, ...]:
    """The literals worth hearing: ideographs alone, of a slot of `warning`, three or more of them; of two
    only what is worth a disguise, or fills a slot of `short`."""
    worth = {word for words in tables.words_by_sound.values() for word in words}
    return tuple(
        place
        for place, (literal, slots) in enumerate(literals.items())
        if _IDEOGRAPHS.fullmatch(literal)
        and warning.intersection(slots)
        and (
            len(literal) >= SOUNDING_MIN
            or (len(literal) == 2 and (short.intersection(slots) or literal in worth))
        )
    )
