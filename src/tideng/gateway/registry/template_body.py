"""Whether a template's wording and its slots agree, as the large Chinese platforms ask. Pure.

Tencent (2025-06), Huawei (2025-09) and Baidu (2026-01) refuse 【】 in a body, bodies that are all
variables, adjacent variables, and bodies over 500 to 600 characters. We take the strictest of each.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from tideng.gateway.registry.values import Slot

BODY_MAX: Final = 500
SLOTS_MAX: Final = 50
SLOT_LENGTH_MAX: Final = 200

_SLOT: Final = re.compile(r"\{([a-z][a-z0-9_]{0,31})\}")
_SLOT_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")


def body_problems(body: str, slots: Sequence[Slot]) -> Iterator[tuple[str, str]]:
    """What is wrong with `body` and its declared `slots`, as (field, message)."""
    if not body.strip():
        yield ".body", "is empty; write the approved wording"
        return
    if len(body) > BODY_MAX:
        yield ".body", f"has {len(body)} characters; the limit is {BODY_MAX}. Shorten it, or send a link"
        return
    if "【" in body or "】" in body:
        yield ".body", "contains 【 or 】; the signature is put in front by itself. Remove the brackets"
    pieces = _SLOT.split(body)
    wording, used = pieces[0::2], pieces[1::2]
    if any("{" in piece or "}" in piece for piece in wording):
        yield (
            ".body",
            "has a brace that does not belong to a slot; a slot is {name} with a name of small letters, "
            "digits and _ that begins with a letter. Correct or remove the brace",
        )
    if used and not any(letter.isalpha() for piece in wording for letter in piece):
        yield ".body", "is all slots; such a template approves any text. Add the fixed wording"
    for before, between, after in zip(used, wording[1:-1], used[1:], strict=False):
        if not between.strip():
            yield (
                ".body",
                f"has the slots {{{before}}} and {{{after}}} side by side; put fixed wording between",
            )
    yield from _declared(used, slots)


def _declared(used: Sequence[str], slots: Sequence[Slot]) -> Iterator[tuple[str, str]]:
    if len(slots) > SLOTS_MAX:
        yield ".slots", f"are {len(slots)}; the limit is {SLOTS_MAX}. Split the template"
        return
    declared: set[str] = set()
    for nth, slot in enumerate(slots):
        if not _SLOT_NAME.fullmatch(slot.name):
            yield (
                f".slots[{nth}].name",
                f"{slot.name!r} is no slot name; use 1 to 32 small letters, digits and _, a letter first",
            )
        if slot.name in declared:
            yield f".slots[{nth}].name", f"{slot.name!r} is declared twice; keep one"
        if not 1 <= slot.length_max <= SLOT_LENGTH_MAX:
            yield f".slots[{nth}].length_max", f"is {slot.length_max}; allowed is 1 to {SLOT_LENGTH_MAX}"
        declared.add(slot.name)
    repeated = sorted({name for name in used if used.count(name) > 1})
    for name in repeated:
        # Two places with one name could be filled differently, and a text would match by accident.
        yield ".body", f"uses the slot {{{name}}} more than once; give each place its own slot"
    for name in sorted(set(used) - declared):
        yield ".slots", f"do not declare {{{name}}}, which the body uses; declare it with its type"
    for name in sorted(declared - set(used)):
        yield ".slots", f"declare {name!r}, which the body does not use; remove it or use {{{name}}}"
