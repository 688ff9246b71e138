"""Which threshold of 法释〔2017〕10号 art. 5 do counts reach? As intervals, because classes and duplicates are
disputed.

Pure. A quantity is a number of items by class (item of art. 5(1): 3, 4, 5). Art. 5(1)(六): what does not
reach a threshold alone is added in proportion. (八): half suffices if it was got in the course of duty or
service. 5(2)(三): ten times is "especially serious". (七): illegal income counts too.
"""  # noqa: E501

import tomllib
from collections.abc import Mapping
from fractions import Fraction
from typing import Final, Literal

import msgspec
from msgspec import Struct

Band = Literal["below", "serious", "especially_serious"]
"""情节严重 and 情节特别严重; `below` neither by these numbers (other items of art. 5 may still apply)."""
ITEMS: Final = (3, 4, 5)


class LegalClass(Struct, frozen=True):
    """One item of art. 5(1) with its threshold."""

    item: int
    article: str
    threshold: int
    name_zh: str
    name_en: str
    labels: tuple[str, ...]


class Rules(Struct, frozen=True):
    """The thresholds, dated."""

    version: str
    title: str
    in_force: str
    checked: str
    grave_factor: int
    duty_divisor: int
    income_fen: int
    classes: tuple[LegalClass, ...]


class Reading(Struct, frozen=True):
    """One way to count: what it assumes, the items by class, and what that reaches."""

    name: str
    items: dict[int, int]
    share: str
    """Sum of items ÷ threshold over the classes, as a fraction "a/b" (exact) of "serious"."""
    times: float
    """The same, rounded for people: 1 is serious, 10 especially serious."""
    band: Band


class Distance(Struct, frozen=True):
    """What would change the band of a reading."""

    reading: str
    to: Band
    item: int
    items: int
    """So many items of this class more (positive) or fewer (negative)."""


class Tiers(Struct, frozen=True):
    """The result: the lowest and the highest reading, and how near each is to another band."""

    rules: str
    is_duty: bool
    lowest: Reading
    highest: Reading
    band_low: Band
    band_high: Band
    income_fen: int
    income_band: Band
    distances: tuple[Distance, ...]


def load_rules(data: bytes) -> Rules:
    """Rules from TOML bytes; ValueError if they are not well-formed."""
    return msgspec.convert(tomllib.loads(data.decode("utf-8")), Rules)


def share(rules: Rules, items: Mapping[int, int], *, is_duty: bool) -> Fraction:
    """How many times "serious" these items are together."""
    total = sum((Fraction(items.get(c.item, 0), c.threshold) for c in rules.classes), Fraction(0))
    return total * rules.duty_divisor if is_duty else total


def band_of(rules: Rules, times: Fraction) -> Band:
    """The band that this many times the threshold reaches."""
    if times >= rules.grave_factor:
        return "especially_serious"
    return "serious" if times >= 1 else "below"


def tiers(
    rules: Rules,
    lowest: Mapping[int, int],
    highest: Mapping[int, int],
    *,
    is_duty: bool = False,
    income_fen: int = 0,
) -> Tiers:
    """The interval between the strictest and the widest count, and what would move either to another band."""
    low = _reading(rules, "persons, joined, classes read strictly", lowest, is_duty)
    high = _reading(rules, "records as they lie, classes read widely", highest, is_duty)
    income = Fraction(income_fen, rules.income_fen) * (rules.duty_divisor if is_duty else 1)
    income_band = band_of(rules, income)
    order: tuple[Band, ...] = ("below", "serious", "especially_serious")
    return Tiers(
        rules=rules.version,
        is_duty=is_duty,
        lowest=low,
        highest=high,
        band_low=max(low.band, income_band, key=order.index),
        band_high=max(high.band, income_band, key=order.index),
        income_fen=income_fen,
        income_band=income_band,
        distances=(
            *_distances(rules, low, is_duty),
            *(_distances(rules, high, is_duty) if high != low else ()),
        ),
    )


def _reading(rules: Rules, name: str, items: Mapping[int, int], is_duty: bool) -> Reading:
    times = share(rules, items, is_duty=is_duty)
    full = {item: int(items.get(item, 0)) for item in ITEMS}
    return Reading(
        name, full, f"{times.numerator}/{times.denominator}", round(float(times), 4), band_of(rules, times)
    )


def _distances(rules: Rules, reading: Reading, is_duty: bool) -> list[Distance]:
    times = Fraction(reading.share)
    divisor = rules.duty_divisor if is_duty else 1
    found: list[Distance] = []
    for to, edge in (("serious", 1), ("especially_serious", rules.grave_factor)):
        for one in rules.classes:
            if times < edge:
                more = -(-(edge - times) * one.threshold // divisor)
                found.append(
                    Distance(
                        reading.name,
                        "serious" if to == "serious" else "especially_serious",
                        one.item,
                        int(more),
                    )
                )
            elif reading.items[one.item]:
                # One fewer than needed to stay: below the edge by the smallest step of this class.
                fewer = (times - edge) * one.threshold // divisor + 1
                if fewer <= reading.items[one.item]:
                    found.append(
                        Distance(
                            reading.name, "below" if to == "serious" else "serious", one.item, -int(fewer)
                        )
                    )
    return found
