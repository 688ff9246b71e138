"""The dated tables that identifiers are checked against; where each comes from is in `SOURCE.md`."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

TABLES_DATE = "2026-11-25"
"""When the tables were built; an appraisal names it, because a later table may say otherwise."""


def _lines(name: str) -> list[list[str]]:
    text = files("tideng.identifiers.tables").joinpath(name).read_text("utf-8")
    return [line.split("\t") for line in text.splitlines()]


@cache
def region_periods() -> Mapping[str, tuple[tuple[str, int, int], ...]]:
    """Six digits -> (name, first year, last year) for every period; open ends are 0 and 9999."""
    periods: dict[str, tuple[tuple[str, int, int], ...]] = {}
    for code, name, first, last in _lines("regions.tsv"):
        periods[code] = (*periods.get(code, ()), (name, int(first or 0), int(last or 9999)))
    return MappingProxyType(periods)


@cache
def bank_bins() -> Mapping[str, tuple[tuple[int, str, str], ...]]:
    """Issuer prefix -> (length of the whole number, type of card, bank), every pair the list knows."""
    bins: dict[str, tuple[tuple[int, str, str], ...]] = {}
    for prefix, length, kind, bank in _lines("bank_bins.tsv"):
        bins[prefix] = (*bins.get(prefix, ()), (int(length), kind, bank))
    return MappingProxyType(bins)


@cache
def word_bits() -> Mapping[str, int]:
    """Chinese word -> whole part of log2 of its count in a corpus of some 2^26 words."""
    return MappingProxyType(
        {word: int(bits) for bits, words in _lines("words.tsv") for word in words.split(" ")}
    )


@cache
def given_counts() -> Mapping[str, tuple[int, int, int]]:
    """Character -> how often first of two, last of two, and alone in a list of given names."""
    return MappingProxyType({c: (int(a), int(b), int(d)) for c, a, b, d in _lines("given.tsv")})


@cache
def towns() -> Mapping[str, tuple[str, ...]]:
    """County code -> its towns and sub-districts (2023)."""
    return MappingProxyType({code: tuple(names.split(" ")) for code, names in _lines("streets.tsv")})


@cache
def listed(name: str) -> frozenset[str]:
    """A list of words: `latin_given`, `whole_names` (without a family name of the table), `latin_no_name` and
    `no_person` (what only looks like a name).
    """
    return frozenset(next(words.split(" ") for key, words in _lines("names.tsv") if key == name))
