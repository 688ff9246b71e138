"""Match a text with approved wording, and check what stands in the slots."""

import re
from functools import lru_cache
from typing import Final

from tideng.gateway.registry.values import Slot, Template
from tideng.text.entities import links, phone_numbers
from tideng.text.normalise import fold

_SLOT: Final = re.compile(r"\{([a-z][a-z0-9_]{0,31})\}")
TEMPLATES_KEPT: Final = 1024


@lru_cache(maxsize=TEMPLATES_KEPT)
def _pieces(body: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    parts = _SLOT.split(body)
    return tuple(parts[0::2]), tuple(parts[1::2])


def match_template(template: Template, body: str) -> dict[str, str] | None:
    """What stands in the template's slots when `body` is its wording; None when it is not.

    Fixed wording is found from left to right, each piece as early as possible, the last one at the end:
    linear time, and right whenever any reading is. Slot lengths and types are checked afterwards.
    """
    wording, names = _pieces(template.body)
    if not names:
        return {} if body == template.body else None
    if (
        len(body) < sum(map(len, wording))
        or not body.startswith(wording[0])
        or not body.endswith(wording[-1])
    ):
        return None
    values: dict[str, str] = {}
    place, end = len(wording[0]), len(body) - len(wording[-1])
    for name, piece in zip(names[:-1], wording[1:-1], strict=True):
        found = body.find(piece, place, end)
        if found < 0:
            return None
        values[name] = body[place:found]
        place = found + len(piece)
    values[names[-1]] = body[place:end]
    return values


_TYPES: Final = {
    "digits": re.compile(r"[0-9]+"),
    # Platforms: a code is digits only, at most 6 (Tencent) or 8 (Huawei).
    "code": re.compile(r"[0-9]{4,8}"),
    "amount": re.compile(r"[¥￥]?(?:[0-9]{1,12}|[0-9]{1,3}(?:,[0-9]{3}){1,3})(?:\.[0-9]{1,2})?(?:元|万元)?"),
    "date": re.compile(r"(?:[0-9]{4}[-/.年])?(?:0?[1-9]|1[0-2])[-/.月](?:0?[1-9]|[12][0-9]|3[01])日?"),
    "time": re.compile(r"(?:[01]?[0-9]|2[0-4])[:：时点](?:[0-5][0-9]分?)?"),
    # Letters of any script, spaces and the middle dot of long names; no digit, no sign.
    "name": re.compile(r"[^\W\d_](?:[^\W\d_]|[ ·.*'-]){0,39}"),
}


def slot_type_problem(slot: Slot, value: str) -> str:
    """Why `value` does not fit `slot`; "" when it does. Never quotes the value."""
    if not value or len(value) > slot.length_max:
        return f"{slot.name}: {len(value)} characters; allowed is 1 to {slot.length_max}"
    pattern = _TYPES.get(slot.type)
    if pattern is not None and not pattern.fullmatch(value):
        return f"{slot.name}: not {slot.type}"
    return ""


def has_link_or_number(value: str) -> bool:
    """True when a slot's value carries a link or a number to call."""
    flat = fold(value).flat
    return bool(links(flat) or phone_numbers(flat))
