"""Words written half in ideographs and half in the letters of their sound: 发piao, 手xu费, 会员fei, 飞🐔.

Only words of a list that are worth a disguise are put back (`disguised_words.txt`), and only where letters or
a picture touch an ideograph of the word: pinyin alone (daikuan.example) stays what it is.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tideng.text import tables_read as t
from tideng.text.tables_read import KIND, Flags, Points, Tables

LETTERS_MAX: Final = 12
"""Longer runs of letters are no few syllables."""
SYLLABLES_MAX: Final = 3
BESIDE_MAX: Final = 4
"""So many ideographs on either side may belong to the word."""

Places = NDArray[np.int64]


class Found(Struct, frozen=True, gc=False):
    """A word and where it stands."""

    start: int
    run: tuple[int, int]
    """The letters or the picture in it."""
    end: int
    word: str
    """What is meant."""
    is_spelled: bool
    """By letters, not only by a picture."""


def put_back(
    points: Points, origins: Places, classes: Flags, kinds: Flags, tables: Tables
) -> tuple[Points, Places] | None:
    """Points and origins with every such word in ideographs, or None; `kinds` says what was done."""
    candidates = _candidates(points, classes, tables)
    if not len(candidates):
        return None
    found = list(_words(points, classes, candidates.tolist(), tables))
    if not found:
        return None
    parts: list[Points] = []
    places: list[Places] = []
    done = 0
    for one in found:
        first, last = one.run
        said = len(one.word) - (first - one.start) - (one.end - last)
        parts += [points[done : one.start], np.array([ord(char) for char in one.word], np.uint32)]
        # The syllables share the letters between them.
        spread = first + np.arange(said) * (last - first) // said
        places += [origins[done:first], origins[spread], origins[last : one.end]]
        kinds[origins[first:last]] = KIND["spelled"] if one.is_spelled else KIND["pictured"]
        done = one.end
    return np.concatenate([*parts, points[done:]]), np.concatenate([*places, origins[done:]])


def _candidates(points: Points, classes: Flags, tables: Tables) -> Places:
    """Where a letter or a picture begins that touches an ideograph on one side."""
    sounds = (classes & t.LETTER != 0) | tables.sign_marks[points]
    if len(points) < 2 or not sounds.any():
        return np.zeros(0, np.int64)
    ideographs = classes & t.IDEOGRAPH != 0
    touches = np.zeros(len(points), np.bool_)
    touches[1:] |= sounds[1:] & ideographs[:-1]
    touches[:-1] |= sounds[:-1] & ideographs[1:]
    return touches.nonzero()[0]


def _words(points: Points, classes: Flags, candidates: Sequence[int], tables: Tables) -> Iterator[Found]:
    done = 0
    for place in candidates:
        if place < done:
            continue
        start, end = _run(place, done, classes, tables.sign_marks, points)
        best = _meant(points, classes, start, end, done, tables)
        if best is not None:
            yield best
            done = best.end
        else:
            done = max(done, end)


def _run(place: int, floor: int, classes: Flags, signs: NDArray[np.bool_], points: Points) -> tuple[int, int]:
    """The letters around `place`; a picture stands alone."""
    if signs[points[place]]:
        return place, place + 1
    start = end = place
    while start > floor and classes[start - 1] & t.LETTER and end - start <= LETTERS_MAX:
        start -= 1
    while end < len(points) and classes[end] & t.LETTER and end - start <= LETTERS_MAX:
        end += 1
    return start, end


def _meant(points: Points, classes: Flags, start: int, end: int, floor: int, tables: Tables) -> Found | None:
    """The longest word of the list that what stands there may be part of."""
    run = points[start:end].tolist()
    sign = tables.signs.get(run[0])
    said = [sign] if sign else list(syllables_of("".join(map(chr, run)), tables))
    if not said:
        return None
    left = start
    while left > floor and start - left < BESIDE_MAX and classes[left - 1] & t.IDEOGRAPH:
        left -= 1
    right = end
    while right < len(points) and right - end < BESIDE_MAX and classes[right] & t.IDEOGRAPH:
        right += 1
    before, after = points[left:start].tolist(), points[end:right].tolist()
    heard_before = tables.sounds(points[left:start]).tolist()
    heard_after = tables.sounds(points[end:right]).tolist()
    best: Found | None = None
    for middle, back, ahead in product(said, range(len(before) + 1), range(len(after) + 1)):
        if not back and not ahead:
            continue
        heard = (*heard_before[len(before) - back :], *middle, *heard_after[:ahead])
        for word in tables.words_by_sound.get(heard, ()):
            exact = word[:back] == "".join(map(chr, before[len(before) - back :])) and (
                not ahead or word[-ahead:] == "".join(map(chr, after[:ahead]))
            )
            # A picture says less than letters do: there the rest of the word stands as it is written.
            if (exact or not sign) and (best is None or back + ahead > len(best.word) - len(middle)):
                best = Found(start - back, (start, end), end + ahead, word, not sign)
    return best


def syllables_of(letters: str, tables: Tables) -> Iterator[tuple[int, ...]]:
    """Every way to read the letters as one to three syllables, each as the ideograph that stands for it."""
    if 1 < len(letters) <= LETTERS_MAX:
        yield from _split(letters, SYLLABLES_MAX, tables)


def _split(letters: str, most: int, tables: Tables) -> Iterator[tuple[int, ...]]:
    whole = tables.syllables.get(letters)
    if whole is not None:
        yield (whole,)
    for size in range(1, min(7, len(letters))) if most > 1 else ():
        first = tables.syllables.get(letters[:size])
        if first is not None:
            for rest in _split(letters[size:], most - 1, tables):
                yield (first, *rest)
