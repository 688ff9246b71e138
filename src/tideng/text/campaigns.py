"""Grouping incoming texts into campaigns, and saying what varies among them."""

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tideng.text.similar import SHORT, grams

SOURCES_MIN: Final = 3
"""So many different people must have told of it."""
ALIKE: Final = 0.40
"""Jaccard from which two tips tell of one campaign; stricter than a look-up, for groups must not mix."""
VARIES_MAX: Final = 12
COMPARED_WITH_MAX: Final = 20
CHARACTERS_MAX: Final = 400


class Told(Struct, frozen=True):
    """One incoming text: who told, its folded text, and its skeleton."""

    source: str
    folded: str
    skeleton: str


class Varies(Struct, frozen=True):
    """A place in the first text of the campaign that others fill differently."""

    start: int
    end: int
    seen: tuple[str, ...]


class Campaign(Struct, frozen=True):
    """Texts of one wording from at least three sources."""

    texts: tuple[int, ...]
    sources: int
    varies: tuple[Varies, ...]


def campaigns(told: Sequence[Told]) -> list[Campaign]:
    """Every campaign among these, largest first. A text joins the group whose first text it is like."""
    groups: list[list[int]] = []
    exact: dict[str, int] = {}
    by_gram: dict[int, list[int]] = {}
    own_grams: list[NDArray[np.uint64]] = []
    for place, one in enumerate(told):
        group = exact.get(one.skeleton)
        own = grams(one.skeleton)
        if group is None and len(one.skeleton) >= SHORT:
            votes: dict[int, int] = {}
            for gram in own.tolist():
                for candidate in by_gram.get(gram, ()):
                    votes[candidate] = votes.get(candidate, 0) + 1
            for candidate in sorted(votes, key=lambda c: (-votes[c], c))[:COMPARED_WITH_MAX]:
                other = own_grams[candidate]
                shared = len(np.intersect1d(own, other, assume_unique=True))
                if shared / max(1, len(own) + len(other) - shared) >= ALIKE:
                    group = candidate
                    break
        if group is None:
            group = len(groups)
            groups.append([])
            own_grams.append(own)
            for gram in own.tolist():
                by_gram.setdefault(gram, []).append(group)
        exact.setdefault(one.skeleton, group)
        groups[group].append(place)
    found = []
    for texts in groups:
        sources = len({told[place].source for place in texts})
        if sources >= SOURCES_MIN:
            found.append(Campaign(tuple(texts), sources, varies([told[place].folded for place in texts])))
    return sorted(found, key=lambda campaign: (-campaign.sources, campaign.texts))


def varies(folded: Sequence[str]) -> tuple[Varies, ...]:
    """Where the texts differ from the first one, and what stands there instead."""
    first = folded[0][:CHARACTERS_MAX]
    places: dict[tuple[int, int], list[str]] = {}
    for other in folded[1 : COMPARED_WITH_MAX + 1]:
        match = SequenceMatcher(None, first, other[:CHARACTERS_MAX], autojunk=False)
        for tag, start, end, there, until in match.get_opcodes():
            if tag != "equal":
                seen = places.setdefault((start, end), [first[start:end]])
                if other[there:until] not in seen:
                    seen.append(other[there:until])
    ordered = sorted(places.items(), key=lambda item: (-len(item[1]), item[0]))[:VARIES_MAX]
    return tuple(Varies(start, end, tuple(seen)) for (start, end), seen in sorted(ordered))
