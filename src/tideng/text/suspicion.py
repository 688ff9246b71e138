"""How suspicious a text looks: a linear model over hashed character n-grams of the text and of its sound.

It may lift *unknown* or a *harmless kind* to *needs a person* and does nothing else. Everything is in whole
points, so the parts of an explanation add up to the score exactly. Weights come as bytes; training is in
`training.py`.
"""

import hashlib
import json
import struct
from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tideng.text.folding import fold_block
from tideng.text.tables_read import Points, Tables

MAGIC: Final = b"TDSUSP03"
"""01 told the figures of a number apart, though which sum a message names says nothing; 02 had no pairs with
a gap."""
HEADER_BYTES_MAX: Final = 65_536
POINTS_PER_LOGIT: Final = 1_000
LENGTHS: Final = (1, 2, 3)
"""Characters of the n-grams over the text; over its sound there are pairs only."""
GAPPED: Final = 13
"""Seeds the pairs of characters with any one between them: 转X万 is said of two and of five."""
PARTS_MAX: Final = 12
_PRIME: Final = np.uint64(0x9E3779B97F4A7C15)

Places = NDArray[np.int64]
Buckets = NDArray[np.int64]


class WeightsInvalid(ValueError):
    """Bytes that are no weights of ours; the message says what is wrong."""


class Part(Struct, frozen=True, gc=False):
    """What one stretch of text adds to the score, in points."""

    what: str
    points: int


class Grams(Struct, frozen=True):
    """Every n-gram of a block of texts."""

    buckets: Buckets
    texts: Places
    starts: Places
    """Where in the joined folded texts."""
    lengths: Places
    """Characters; negative: of the sound."""
    counts: Places
    """By text: how many."""


class Scorer(Struct, frozen=True):
    """Weights ready to score with (fulfils `judging.Suspicion`)."""

    weights: NDArray[np.int8]
    scale: float
    """Points of one weight step of a text with a single n-gram."""
    bias: int
    threshold: float
    tables: Tables
    about: dict[str, object]
    """What the weights say of themselves: seed, lines, figures."""
    hash: str

    def points(self, folded: Sequence[str]) -> Places:
        """By folded text: the whole score in points."""
        grams = grams_of(folded, self.tables, len(self.weights))
        added = self._added(grams)
        return self.bias + np.bincount(grams.texts, added, len(folded)).astype(np.int64)

    def scores(self, folded: Sequence[str]) -> NDArray[np.float64]:
        """By folded text: 0 to 1."""
        return 1 / (1 + np.exp(-np.clip(self.points(folded) / POINTS_PER_LOGIT, -40, 40)))

    def parts(self, folded: str) -> tuple[Part, ...]:
        """What the score of one text is made of; the points of all parts together are `points`."""
        grams = grams_of([folded], self.tables, len(self.weights))
        added = self._added(grams).astype(np.int64)
        by_gram: dict[str, int] = {}
        for start, length, points in zip(
            grams.starts.tolist(), grams.lengths.tolist(), added.tolist(), strict=True
        ):
            what = folded[start : start + abs(length)]
            name = f"sound of {what}" if length < 0 else what
            by_gram[name] = by_gram.get(name, 0) + points
        ordered = sorted(by_gram.items(), key=lambda item: -abs(item[1]))
        shown = [Part(what, points) for what, points in ordered[:PARTS_MAX]]
        rest = sum(points for _, points in ordered[PARTS_MAX:])
        return (Part("everywhere", self.bias), *shown, Part("the rest", rest))

    def _added(self, grams: Grams) -> NDArray[np.float64]:
        steps = self.weights[grams.buckets].astype(np.float64) * self.scale
        return np.rint(steps / np.sqrt(np.maximum(grams.counts, 1))[grams.texts])


def grams_of(folded: Sequence[str], tables: Tables, buckets: int) -> Grams:
    """The hashed n-grams of texts that are folded already."""
    block = fold_block(folded, tables)
    figures = (block.points >= ord("0")) & (block.points <= ord("9"))
    points = np.where(figures, np.uint32(ord("0")), block.points)
    own = np.repeat(np.arange(len(folded)), np.maximum(np.diff(block.starts), 0))[: len(points)]
    columns = [_hashed(points, own, length, length, buckets) for length in LENGTHS]
    columns.append(_hashed(points, own, 3, GAPPED, buckets, step=2))
    columns.append(_hashed(tables.sounds(points), own, 2, 11, buckets, sign=-1))
    hashes, texts, starts, lengths = (np.concatenate(column) for column in zip(*columns, strict=True))
    begins = block.starts[:-1]
    return Grams(
        hashes,
        texts,
        starts - begins[texts] if len(folded) == 1 else starts,
        lengths,
        np.bincount(texts, minlength=len(folded)),
    )


def _hashed(
    points: Points, own: Places, length: int, seed: int, buckets: int, *, sign: int = 1, step: int = 1
) -> tuple[Buckets, Places, Places, Places]:
    count = max(0, len(points) - length + 1)
    mixed = np.full(count, seed, np.uint64)
    for offset in range(0, length, step):
        mixed = (mixed + points[offset : offset + count].astype(np.uint64)) * _PRIME
        mixed ^= mixed >> np.uint64(29)
    # A break between two texts, or anything over it, belongs to neither.
    inside = own[:count] == own[length - 1 : length - 1 + count] if count else np.zeros(0, np.bool_)
    inside &= points[:count] != 0x1E
    if count and length > 1:
        inside &= points[length - 1 : length - 1 + count] != 0x1E
    where = np.flatnonzero(inside)
    hashes = (mixed[where] % np.uint64(buckets)).astype(np.int64)
    return hashes, own[where], where, np.full(len(where), sign * length, np.int64)


def write_weights(
    weights: NDArray[np.int8], scale: float, bias: int, threshold: float, about: dict[str, object]
) -> bytes:
    """Weights as bytes: a header that says what they are, then one octet per bucket."""
    header = json.dumps(
        {
            "buckets": len(weights),
            "scale": scale,
            "bias": bias,
            "threshold": threshold,
            "weights_sha256": hashlib.sha256(weights.tobytes()).hexdigest(),
            "about": about,
        },
        ensure_ascii=False,
        sort_keys=True,
    ).encode()
    return MAGIC + struct.pack(">I", len(header)) + header + weights.tobytes()


def write_scorer(scorer: Scorer) -> bytes:
    """A scorer as bytes again: what `read_scorer` reads."""
    return write_weights(scorer.weights, scorer.scale, scorer.bias, scorer.threshold, scorer.about)


def read_scorer(content: bytes, tables: Tables) -> Scorer:
    """The scorer of these bytes. Raises WeightsInvalid when they are damaged or not ours."""
    if content.startswith(MAGIC[:6]) and not content.startswith(MAGIC):
        raise WeightsInvalid("weights of another version of Tideng; train again with `tideng text train`")
    if content[: len(MAGIC)] != MAGIC or len(content) < len(MAGIC) + 4:
        raise WeightsInvalid("this is no weights file; make one with `tideng text train`")
    [length] = struct.unpack(">I", content[len(MAGIC) : len(MAGIC) + 4])
    body = len(MAGIC) + 4 + length
    if length > HEADER_BYTES_MAX or body > len(content):
        raise WeightsInvalid(f"the header is {length} bytes; the limit is {HEADER_BYTES_MAX}. Train again")
    try:
        header = json.loads(content[len(MAGIC) + 4 : body])
        weights = np.frombuffer(content[body:], np.int8)
        known = header["weights_sha256"] == hashlib.sha256(weights.tobytes()).hexdigest()
        if not known or len(weights) != header["buckets"] or not len(weights):
            raise WeightsInvalid("the weights differ from their hash; the file is damaged, fetch it again")
        return Scorer(
            weights,
            float(header["scale"]),
            int(header["bias"]),
            float(header["threshold"]),
            tables,
            dict(header["about"]),
            hashlib.sha256(content).hexdigest(),
        )
    except (KeyError, TypeError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise WeightsInvalid(f"the header of the weights cannot be read ({error}); train again") from error
