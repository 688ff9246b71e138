"""Which sensitive personal data is in a pile, by PIPL art. 28 and GB/T 45574-2025, apart from criminal tiers.

Pure. A label rests on what was seen: a heading, findings of a kind, birth dates. The number of an ID card by
itself is in neither list any more; a picture of the card is in the standard's.
"""

import tomllib
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct


class Category(Struct, frozen=True):
    """One category, and what shows it."""

    id: str
    name_zh: str
    name_en: str
    pipl_28: bool
    gbt_45574: bool
    labels: tuple[str, ...]
    """Labels that headings of tables get (`columns`)."""
    kinds: tuple[str, ...]
    """Kinds of findings."""
    by_age: bool = False


class Categories(Struct, frozen=True):
    """The categories, dated."""

    version: str
    checked: str
    categories: tuple[Category, ...]


class Sensitive(Struct, frozen=True):
    """One category that was seen."""

    category: str
    name_zh: str
    name_en: str
    pipl_28: bool
    gbt_45574: bool
    seen: tuple[str, ...]
    """What it rests on: `heading`, `kind: count`, `persons under 14: count`."""


def load_categories(data: bytes) -> Categories:
    """Categories from TOML bytes; ValueError if they are not well-formed."""
    return msgspec.convert(tomllib.loads(data.decode("utf-8")), Categories)


def sensitive(
    known: Categories, labels: Sequence[str], counts: Mapping[str, int], children: int
) -> tuple[Sensitive, ...]:
    """The categories that labels of headings, findings by kind, and children show."""
    found = []
    for one in known.categories:
        seen = [f"heading: {label}" for label in one.labels if label in labels]
        seen += [f"{kind}: {counts[kind]}" for kind in one.kinds if counts.get(kind)]
        if one.by_age and children:
            seen.append(f"persons under 14: {children}")
        if seen:
            found.append(Sensitive(one.id, one.name_zh, one.name_en, one.pipl_28, one.gbt_45574, tuple(seen)))
    return tuple(found)
