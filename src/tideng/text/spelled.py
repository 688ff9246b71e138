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
from tideng.text.ordering import runs_of
from tideng.text.tables_read import KIND, Flags, Points, Tables

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


_BOTH: Final = t.LETTER | t.IDEOGRAPH


def put_back(
    points: Points, origins: Places, classes: Flags, kinds: Flags, tables: Tables
) -> tuple[Points, Places] | None:
    """Points and origins with every such word in ideographs, or None; `kinds` says what was done."""
    found = list(_words(points, classes, _runs(points, classes, tables), tables))
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


def _runs(points: Points, classes: Flags, tables: Tables) -> list[tuple[int, int, str]]:
    """Start, end and letters of what touches an ideograph and may spell a part of a listed word.

    A picture that touches one has no letters.
    """
    letters = classes & t.LETTER != 0
    signs = tables.sign_marks[points].nonzero()[0]
    # Nearly all letters stand among their like.
    beside = (classes[1:] | classes[:-1]) & _BOTH == _BOTH
    if not len(signs) and not np.count_nonzero(beside):
        return []
    ideographs = np.zeros(len(points) + 2, np.bool_)
    ideographs[1:-1] = classes & t.IDEOGRAPH != 0
    padded = np.zeros(len(points) + 2, np.bool_)
    padded[1:-1] = letters
    starts, ends = runs_of(padded)
    fits = (ends - starts <= t.LETTERS_MAX) & (ideographs[starts] | ideographs[ends + 1])
    signs = signs[ideographs[signs] | ideographs[signs + 2]]
    written = points.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")
    runs = [
        (start, end, written[start:end])
        for start, end in zip(starts[fits].tolist(), ends[fits].tolist(), strict=True)
        if written[start:end] in tables.spelled
    ]
    return sorted([*runs, *((sign, sign + 1, "") for sign in signs.tolist())])


def _words(
    points: Points, classes: Flags, runs: Sequence[tuple[int, int, str]], tables: Tables
) -> Iterator[Found]:
    done = 0
    for start, end, letters in runs:
        if start < done:
            continue
        said = tables.spelled[letters] if letters else (tables.signs[int(points[start])],)
        best = _meant(points, classes, (start, end), said, done, is_sign=not letters, tables=tables)
        done = end
        if best is not None:
            yield best
            done = best.end


def _meant(
    points: Points,
    classes: Flags,
    run: tuple[int, int],
    said: Sequence[tuple[int, ...]],
    floor: int,
    *,
    is_sign: bool,
    tables: Tables,
) -> Found | None:
    """The longest word of the list that what stands there, read as one of `said`, may be part of."""
    start, end = run
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
            if (exact or not is_sign) and (best is None or back + ahead > len(best.word) - len(middle)):
                best = Found(start - back, (start, end), end + ahead, word, not is_sign)
    return best
