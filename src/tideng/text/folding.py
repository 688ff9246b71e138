"""Many texts folded at once: what each reads like, and where every character of that came from.

One pass of array arithmetic over all of them; a text alone is a block of one. Folding is idempotent: a folded
text folds to itself. Only what is matched is folded; what is sent or shown stays as it was.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tideng.text import tables_read as t
from tideng.text.spelled import put_back
from tideng.text.tables_read import DELETED, KIND, KINDS, POINTS, Flags, Points, Tables

SEPARATOR_RUN_MAX: Final = 8
"""So many marks between two ideographs are read as one cut; more are a layout."""
PASSES_MAX: Final = 64
BREAK: Final = "\x1e"
"""Stands between the texts of a block; a text's own is read as a space."""
NUMBER_MAX: Final = 32
"""Longer runs of digits and letters like digits are no number."""
_LETTER_AS_DIGIT: Final = {ord("o"): ord("0"), ord("i"): ord("1"), ord("l"): ord("1")}
_UNITS: Final = frozenset(ord(char) for char in "元块万")

Places = NDArray[np.int64]


class Fold(Struct, frozen=True, gc=False):
    """One stretch of the original that is read as something else."""

    kind: str
    start: int
    end: int
    seen: str
    read_as: str


class Block(Struct, frozen=True):
    """Texts and what they read like, in one long array."""

    texts: Sequence[str]
    raw_starts: Places
    """Where each text begins in the originals joined by `BREAK`; one more at the end."""
    raw_kinds: Flags
    """By character of the joined originals: what was done to it."""
    points: Points
    """The folded texts joined by `BREAK`."""
    origins: Places
    """By folded character: its place in the joined originals."""
    starts: Places
    """Where each folded text begins; one more at the end."""
    classes: Flags
    joined: str
    """`points` as a string."""

    def folded(self, index: int) -> str:
        """What text `index` reads like."""
        return self.joined[self.starts[index] : self.starts[index + 1] - 1]

    def all_folded(self) -> list[str]:
        """What each text reads like."""
        return self.joined.split(BREAK) if len(self.texts) else []

    def owners(self) -> Places:
        """By folded character, and for the end of the last text: which text it belongs to."""
        return np.arange(len(self.texts)).repeat(self.starts[1:] - self.starts[:-1])

    def span(self, index: int, start: int, end: int) -> tuple[int, int]:
        """Places in `joined` as a span of the original text `index`."""
        if start >= len(self.origins):
            return 0, 0
        first = int(self.origins[start] - self.raw_starts[index])
        return first, max(
            first, int(self.origins[end - 1] - self.raw_starts[index]) + 1
        ) if end > start else first

    def spans(self, indices: Places, starts: Places, ends: Places) -> tuple[list[int], list[int]]:
        """Starts and ends in the originals of many spans, as `span` has one each; 0 and 0 of an empty one."""
        raw = self.raw_starts[indices]
        said = ends > starts
        last = len(self.origins) - 1
        if last < 0:
            return [0] * len(starts), [0] * len(starts)
        first = np.where(said, self.origins[np.minimum(starts, last)] - raw, 0)
        behind = np.where(said, self.origins[np.maximum(ends - 1, 0)] - raw + 1, 0)
        return first.tolist(), np.maximum(first, behind).tolist()

    def folds(self, index: int) -> tuple[Fold, ...]:
        """Every fold of text `index` that changed something, neighbours of one kind together."""
        begin, end = int(self.raw_starts[index]), int(self.raw_starts[index + 1]) - 1
        kinds = self.raw_kinds[begin:end]
        changed = kinds.nonzero()[0]
        if not len(changed):
            return ()
        cuts = ((np.diff(changed) > 1) | (np.diff(kinds[changed]) != 0)).nonzero()[0] + 1
        text = self.texts[index]
        found = []
        for group in np.split(changed, cuts):
            start, stop = int(group[0]), int(group[-1]) + 1
            low, high = np.searchsorted(self.origins, (begin + start, begin + stop))
            found.append(
                Fold(KINDS[kinds[start]], start, stop, text[start:stop], self.joined[int(low) : int(high)])
            )
        return tuple(found)


def fold_block(texts: Sequence[str], tables: Tables) -> Block:
    """Read all of `texts`. Linear in their length; never raises, whatever they hold."""
    given: Sequence[str] = texts
    joined = BREAK.join(given)
    if joined.count(BREAK) != max(0, len(given) - 1):
        joined = BREAK.join([text.replace(BREAK, " ") for text in given])
    raw_starts = np.zeros(len(given) + 1, np.int64)
    np.cumsum([len(text) + 1 for text in given], out=raw_starts[1:])
    raw = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    kinds = tables.kinds[raw]
    points, origins = _mapped(raw, kinds, tables)
    classes = tables.classes[points]
    for _ in range(PASSES_MAX):
        whole = put_back(points, origins, classes, kinds, tables)
        if whole is not None:
            points, origins = whole
            classes = tables.classes[points]
        dropped = _cuts(points, classes)
        points, dropped = _whole_glyphs(points, dropped, origins, kinds, tables)
        changed = _real_digits(points, classes, origins, kinds)
        if dropped is None and not changed and whole is None:
            break
        if dropped is not None:
            lost = origins[dropped]
            # Words in quotation marks are cut from their neighbours, and nothing is hidden by it.
            quotes = (points[dropped] == ord('"')) | (points[dropped] == ord("'"))
            visible = (kinds[lost] == 0) & (classes[dropped] & t.SPACE == 0) & ~quotes
            kinds[lost[visible]] = KIND["cut"]
            is_kept = np.ones(len(points), np.bool_)
            is_kept[dropped] = False
            kept = is_kept.nonzero()[0]
            points, origins = points[kept], origins[kept]
        classes = tables.classes[points]
    breaks = (points == ord(BREAK)).nonzero()[0]
    starts = np.zeros(len(breaks) + 2, np.int64)
    starts[1:-1] = breaks + 1
    starts[-1] = len(points) + 1
    if not given:
        starts = starts[:1]
    text = points.astype("<u4").tobytes().decode("utf-32-le")
    return Block(texts, raw_starts, kinds, points, origins, starts, classes, text)


def _mapped(raw: Points, kinds: Flags, tables: Tables) -> tuple[Points, Places]:
    """Every character replaced by what it is read as."""
    if not np.count_nonzero(kinds):
        return raw.copy(), np.arange(len(raw))
    targets = tables.targets(raw)
    origins = (targets != DELETED).nonzero()[0]
    points = targets[origins]
    several = (points >= POINTS).nonzero()[0]
    if len(several):
        counts = np.ones(len(points), np.int64)
        wholes = [tables.expansions[point - POINTS] for point in points[several].tolist()]
        counts[several] = [len(whole) for whole in wholes]
        begins = np.cumsum(counts) - counts
        points, origins = np.repeat(points, counts), np.repeat(origins, counts)
        for place, whole in zip(begins[several].tolist(), wholes, strict=True):
            points[place : place + len(whole)] = whole
    return points, origins


def _cuts(points: Points, classes: Flags) -> Places | None:
    """Places of marks that only cut words apart."""
    separates = classes & t.SEPARATOR != 0
    if len(points) < 3 or not np.count_nonzero(separates):
        return _spaced(points, classes)
    solid = (~separates).nonzero()[0]
    runs = np.diff(solid)
    left, right = classes[solid[:-1]], classes[solid[1:]]
    ideographs = (left & right & t.IDEOGRAPH) != 0
    word = t.IDEOGRAPH | t.DIGIT | t.LETTER
    # One space between an ideograph and a letter is typography, not meaning.
    mixed = (runs == 2) & ((left | right) & t.IDEOGRAPH != 0) & (left & word != 0) & (right & word != 0)
    mixed &= classes[np.minimum(solid[:-1] + 1, len(points) - 1)] & t.SPACE != 0
    taken = ((runs > 1) & (runs <= SEPARATOR_RUN_MAX + 1) & (ideographs | mixed)).nonzero()[0]
    spaced = _spaced(points, classes)
    if not len(taken):
        return spaced
    begins, counts = solid[taken] + 1, runs[taken] - 1
    places = np.repeat(begins - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
    return places if spaced is None else _merged(places, spaced)


def _merged(places: Places, more: Places) -> Places:
    """Both, in order and each once. A mask is far quicker than sorting for a set."""
    mask = np.zeros(max(int(places.max(initial=-1)), int(more.max(initial=-1))) + 1, np.bool_)
    mask[places] = True
    mask[more] = True
    return mask.nonzero()[0]


def _spaced(points: Points, classes: Flags) -> Places | None:
    """Places of one mark repeated between single characters: 验,证,码 or 1 3 8 0."""
    if len(points) < 5:
        return None
    mark = classes & (t.SEPARATOR | t.PUNCTUATION) != 0
    if np.count_nonzero(mark) < 2:
        return None
    centre = (mark[1:-3] & mark[3:-1] & (points[1:-3] == points[3:-1])).nonzero()[0] + 1
    if not len(centre):
        return None
    marks = points[centre]
    around = classes[centre - 1] & classes[centre + 1] & classes[centre + 3]
    digits = (around & t.DIGIT != 0) & ~_IN_NUMBERS[marks]
    found = centre[((around & t.IDEOGRAPH != 0) | digits) & (marks != ord(BREAK)) & (marks != ord("\n"))]
    return _merged(found, found + 2) if len(found) else None


_IN_NUMBERS: Final = np.zeros(POINTS, np.bool_)
_IN_NUMBERS[[ord(character) for character in "-./:,"]] = True


def _whole_glyphs(
    points: Points, dropped: Places | None, origins: Places, kinds: Flags, tables: Tables
) -> tuple[Points, Places | None]:
    """Halves of a character put together; the right half joins the dropped."""
    candidates = (tables.glyph_halves[points[:-1]]).nonzero()[0] if len(points) > 1 else points[:0]
    halves: list[int] = []
    for place in candidates.tolist():
        whole = tables.glyphs.get((int(points[place]), int(points[place + 1])))
        if whole is not None and (not halves or halves[-1] != place):
            points[place] = whole
            kinds[origins[place]] = kinds[origins[place + 1]] = KIND["split_glyph"]
            halves.append(place + 1)
    if not halves:
        return points, dropped
    more = np.array(halves, np.int64)
    return points, more if dropped is None else _merged(dropped, more)


def _real_digits(points: Points, classes: Flags, origins: Places, kinds: Flags) -> bool:
    """Letters that stand for digits inside a number become digits, in place."""
    if not np.count_nonzero(classes & t.DIGIT_LIKE):
        return False
    digits = classes & (t.DIGIT | t.DIGIT_LIKE)
    both = (digits[1:] | digits[:-1]) == t.DIGIT | t.DIGIT_LIKE
    alike = digits & t.DIGIT_LIKE
    triple = alike[2:] & alike[1:-1] & alike[:-2] != 0
    both[: len(triple)] |= triple
    changed, done = False, -1
    for place in both.nonzero()[0].tolist():
        if place < done:
            continue
        start = end = place
        while start > 0 and digits[start - 1] and place - start <= NUMBER_MAX:
            start -= 1
        while end < len(points) and digits[end] and end - start <= NUMBER_MAX:
            end += 1
        done = end
        if _is_number(points[max(0, start - 1) : end + 1].tolist(), start > 0, classes, start, end):
            like = start + alike[start:end].nonzero()[0]
            points[like] = [_LETTER_AS_DIGIT[point] for point in points[like].tolist()]
            kinds[origins[like]] = KIND["digit_lookalike"]
            changed = True
    return changed


def _is_number(around: list[int], has_left: bool, classes: Flags, start: int, end: int) -> bool:
    """Whether the run is a disguised number: three or more with a digit, or two before a unit of money."""
    length = end - start
    if length > NUMBER_MAX or (start > 0 and classes[start - 1] & t.LETTER):
        return False
    if end < len(classes) and classes[end] & t.LETTER:
        return False
    before_unit = len(around) > length + has_left and around[-1] in _UNITS
    has_digit = bool((classes[start:end] & t.DIGIT).any())
    return (length >= 3 and (has_digit or before_unit)) or (length == 2 and has_digit and before_unit)
