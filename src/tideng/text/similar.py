"""Near-duplicates among many templates: exact skeletons first, then character 3-grams and Jaccard.

An inverted index of the rarest 3-grams of each template in flat arrays: a look-up touches the short lists of
the rare 3-grams that the text has, counts, and compares the few best exactly. Built once, read by any number
of threads; a million templates fit in about half a gigabyte.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Places = NDArray[np.int64]
GRAM: Final = 3
RARE_KEPT: Final = 24
"""So many of a template's 3-grams are indexed: its rarest."""
LIST_MAX: Final = 2_000
"""A longer list says nothing about which template it is; it is not walked."""
COMPARED_MAX: Final = 24
"""So many candidates are compared exactly."""
NEAR: Final = 0.22
"""Jaccard from which two texts are one template, filled and edited: one character in ten costs half of it."""
SHORT: Final = 12
"""Skeletons shorter than this must be equal: short texts are alike by chance."""
_PRIME: Final = np.uint64(0x9E3779B97F4A7C15)


class Match(Struct, frozen=True, gc=False):
    """A template like the text."""

    template: int
    similarity: float
    """1 when the skeletons are equal, else Jaccard of their 3-grams."""


def grams(skeleton: str) -> NDArray[np.uint64]:
    """The distinct 3-grams of a skeleton as hashes, in order."""
    points = np.frombuffer(skeleton.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    if len(points) < GRAM:
        return np.zeros(0, np.uint64)
    mixed = points[:-2] * np.uint64(0x1F35) + (points[1:-1] << np.uint64(21)) + (points[2:] << np.uint64(42))
    mixed = (mixed ^ (mixed >> np.uint64(31))) * _PRIME
    mixed ^= mixed >> np.uint64(29)
    ordered = np.sort(mixed)
    return np.asarray(ordered[np.append(True, ordered[1:] != ordered[:-1])], np.uint64)


class Templates(Struct, frozen=True):
    """An index over skeletons. `index_of` makes it."""

    exact: dict[str, int]
    count: int
    gram_starts: Places
    """Where each template's 3-grams begin in `grams`; one more at the end."""
    grams: NDArray[np.uint64]
    keys: NDArray[np.uint64]
    """Indexed 3-grams, ordered."""
    key_starts: Places
    lists: NDArray[np.int32]
    """For each key, the templates that have it among their rarest."""

    def find(self, skeleton: str) -> Match | None:
        """The template most like this skeleton; None when none is like it."""
        same = self.exact.get(skeleton)
        if same is not None:
            return Match(same, 1.0)
        if len(skeleton) < SHORT or not len(self.keys):
            return None
        own = grams(skeleton)
        places = np.minimum(np.searchsorted(self.keys, own), len(self.keys) - 1)
        places = places[self.keys[places] == own]
        lengths = self.key_starts[places + 1] - self.key_starts[places]
        places = places[np.argsort(lengths, kind="stable")]
        lists = [
            self.lists[self.key_starts[place] : self.key_starts[place + 1]]
            for place in places.tolist()
            if self.key_starts[place + 1] - self.key_starts[place] <= LIST_MAX
        ]
        if not lists:
            return None
        templates, counts = np.unique(np.concatenate(lists), return_counts=True)
        best = np.argsort(-counts, kind="stable")[:COMPARED_MAX]
        found: Match | None = None
        for template in templates[best].tolist():
            other = self.grams[self.gram_starts[template] : self.gram_starts[template + 1]]
            shared = len(np.intersect1d(own, other, assume_unique=True))
            similarity = shared / (len(own) + len(other) - shared)
            if similarity >= NEAR and (found is None or similarity > found.similarity):
                found = Match(template, round(similarity, 4))
        return found


def index_of(skeletons: Sequence[str]) -> Templates:
    """An index over these skeletons; their places are the template numbers."""
    exact: dict[str, int] = {}
    for place, skeleton in enumerate(skeletons):
        exact.setdefault(skeleton, place)
    each = [grams(skeleton) for skeleton in skeletons]
    sizes = np.fromiter((len(own) for own in each), np.int64, len(each))
    starts = np.concatenate(([0], np.cumsum(sizes)))
    flat = np.concatenate(each) if each else np.zeros(0, np.uint64)
    keys, inverse, counts = np.unique(flat, return_inverse=True, return_counts=True)
    owners = np.repeat(np.arange(len(each), dtype=np.int32), sizes)
    # Each template's 3-grams by rarity: the first RARE_KEPT of each are indexed.
    order = np.lexsort((counts[inverse], owners))
    rank = np.arange(len(flat)) - np.repeat(starts[:-1], sizes)
    kept = order[rank < RARE_KEPT]
    by_key = kept[np.argsort(inverse[kept], kind="stable")]
    used = inverse[by_key]
    key_starts = np.concatenate((np.searchsorted(used, np.arange(len(keys))), [len(used)]))
    return Templates(exact, len(each), starts, flat, keys, key_starts, owners[by_key])
