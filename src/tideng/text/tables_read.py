"""The character tables, read into arrays: what a code point is read as, sounds like, and is made of."""

import hashlib
import itertools
import unicodedata
from collections.abc import Mapping
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

POINTS: Final = 0x110000
DELETED: Final = 0xFFFFFFFF
"""In `targets`: the character is read as nothing."""
KINDS: Final = (
    "",
    "compatible",
    "traditional",
    "joiner",
    "invisible",
    "control",
    "combining",
    "letterlike",
    "lookalike",
    "broken",
    "cut",
    "split_glyph",
    "digit_lookalike",
    "spelled",
    "pictured",
)
"""What happened to a character, by number. The first five kinds alone are no disguise."""
KIND: Final = {name: number for number, name in enumerate(KINDS)}

IDEOGRAPH: Final = 1
SEPARATOR: Final = 2
PUNCTUATION: Final = 4
DIGIT: Final = 8
LETTER: Final = 16
SPACE: Final = 32
CLAUSE_END: Final = 64
DIGIT_LIKE: Final = 128
"""The letters o, i and l, which stand for digits in disguised numbers."""

LETTERS_MAX: Final = 12
"""Longer runs of letters are no few syllables."""
SYLLABLES_MAX: Final = 3

Points = NDArray[np.uint32]
Flags = NDArray[np.uint8]


class Tables(Struct, frozen=True):
    """Everything that reading a character needs; made once, shared by all threads."""

    target_steps: Points
    """By code point: what to add (mod 2^32) to get its target. Nearly all are 0, and memory that is never
    written to is never taken: so the two arrays that are as long as Unicode cost next to nothing."""
    kinds: Flags
    """By code point: the number of its kind in `KINDS`."""
    classes: Flags
    """By code point, after folding: IDEOGRAPH, SEPARATOR … as bits."""
    sound_steps: Points
    """By code point: what to add (mod 2^32) to get its sound."""
    expansions: tuple[tuple[int, ...], ...]
    glyphs: Mapping[tuple[int, int], int]
    """Two characters that are the halves of one."""
    glyph_halves: NDArray[np.bool_]
    """By code point: whether it is a left half."""
    signs: Mapping[int, tuple[int, ...]]
    """A picture, and the syllables (by their ideographs) that it is read as inside a word."""
    sign_marks: NDArray[np.bool_]
    """By code point: whether it is such a picture."""
    words_by_sound: Mapping[tuple[int, ...], tuple[str, ...]]
    """Words that are worth a disguise, by the ideographs of their syllables."""
    spelled: Mapping[str, tuple[tuple[int, ...], ...]]
    """Letters that spell a part of such a word, and the syllables they may be read as."""
    hash: str
    """SHA-256 over the tables' bytes: which reading this was."""

    def targets(self, points: Points) -> Points:
        """What each is read as; `DELETED`; or `POINTS` + index into `expansions`."""
        return points + self.target_steps[points]

    def sounds(self, points: Points) -> Points:
        """The first ideograph with the same syllable; itself where it has none."""
        return points + self.sound_steps[points]


def read_tables(given: Mapping[str, bytes]) -> Tables:
    """The tables of these bytes (`bundled_tables()`). Raises ValueError naming a line it cannot read."""
    steps = np.zeros(POINTS, np.uint32)
    kinds = np.zeros(POINTS, np.uint8)
    expansions: list[tuple[int, ...]] = []
    for number, line in enumerate(given["folds.tsv"].decode().splitlines(), 1):
        where, kind, read_as = _three(line, number)
        first, _, last = where.partition("-")
        span = slice(int(first, 16), int(last or first, 16) + 1)
        points = tuple(int(point, 16) for point in read_as.split())
        kinds[span] = KIND[kind]
        if len(points) > 1:
            target = POINTS + len(expansions)
            expansions.append(points)
        else:
            target = points[0] if points else int(DELETED)
        steps[span] = np.uint32(target) - np.arange(span.start, span.stop, dtype=np.uint32)
    sounds = np.zeros(POINTS, np.uint32)
    syllables: dict[str, int] = {}
    for line in given["sounds.tsv"].decode().splitlines():
        syllable, _, chars = line.partition("\t")
        heard = np.array([ord(char) for char in chars], np.uint32)
        sounds[heard] = heard[0] - heard
        syllables[syllable] = int(heard[0])
    glyphs = {
        (ord(pair[0]), ord(pair[1])): ord(whole)
        for pair, _, whole in (line.partition("\t") for line in given["glyphs.tsv"].decode().splitlines())
    }
    halves = np.zeros(POINTS, np.bool_)
    halves[[left for left, _ in glyphs]] = True
    signs = _signs(given["signs.tsv"], syllables)
    sign_marks = np.zeros(POINTS, np.bool_)
    sign_marks[list(signs)] = True
    digest = hashlib.sha256()
    for name in sorted(given):
        digest.update(name.encode() + b"\0" + given[name] + b"\0")
    words = _by_sound(given["disguised_words.txt"], sounds)
    return Tables(
        steps,
        kinds,
        _classes(),
        sounds,
        tuple(expansions),
        glyphs,
        halves,
        signs,
        sign_marks,
        words,
        _spelled(words, syllables),
        digest.hexdigest(),
    )


def _signs(content: bytes, syllables: Mapping[str, int]) -> dict[int, tuple[int, ...]]:
    found: dict[int, tuple[int, ...]] = {}
    for number, line in enumerate(content.decode().splitlines(), 1):
        sign, _, said = line.partition("\t")
        if len(sign) != 1 or not said or not all(word in syllables for word in said.split()):
            raise ValueError(
                f"signs.tsv line {number} is {line[:40]!r}; it must be one sign and its syllables"
            )
        found[ord(sign)] = tuple(syllables[word] for word in said.split())
    return found


def _by_sound(content: bytes, steps: Points) -> dict[tuple[int, ...], tuple[str, ...]]:
    found: dict[tuple[int, ...], tuple[str, ...]] = {}
    for word in content.decode().split():
        points = np.frombuffer(word.encode("utf-32-le"), np.uint32)
        heard = tuple((points + steps[points]).tolist())
        found[heard] = (*found.get(heard, ()), word)
    return found


def _spelled(
    words: Mapping[tuple[int, ...], tuple[str, ...]], syllables: Mapping[str, int]
) -> dict[str, tuple[tuple[int, ...], ...]]:
    """What letters may stand for in these words: one to three syllables, never the whole word."""
    spellings: dict[int, list[str]] = {}
    for syllable, sound in syllables.items():
        spellings.setdefault(sound, []).append(syllable)
    pieces = {
        word[start : start + size]
        for word in words
        for size in range(1, min(SYLLABLES_MAX, len(word) - 1) + 1)
        for start in range(len(word) - size + 1)
    }
    found: dict[str, tuple[tuple[int, ...], ...]] = {}
    for piece in sorted(pieces):
        for spelling in itertools.product(*(spellings.get(sound, ()) for sound in piece)):
            letters = "".join(spelling)
            if 1 < len(letters) <= LETTERS_MAX:
                found[letters] = (*found.get(letters, ()), piece)
    return found


def _three(line: str, number: int) -> tuple[str, str, str]:
    parts = line.split("\t")
    if len(parts) != 3 or parts[1] not in KIND:
        raise ValueError(f"folds.tsv line {number} is {line[:40]!r}; it must be point, known kind, target")
    return parts[0], parts[1], parts[2]


_SEPARATORS: Final = " \t.·•・_*|/~^`'+=-\\\"#&@%$<>[]{}"
_CLAUSE: Final = ",.;:!?。、,…\n\x1e()\"'“”‘’「」『』《》〈〉—～【】〔〕"


def _classes() -> Flags:
    """What each folded character is. Symbols and pictures separate; so do marks put inside words."""
    classes = np.zeros(POINTS, np.uint8)
    classes[0x3400:0x4DC0] |= IDEOGRAPH
    classes[0x4E00:0xA000] |= IDEOGRAPH
    classes[0x20000:0x32000] |= IDEOGRAPH
    classes[[0x3007, 0x4EBB, 0x6C35, 0x624C, 0x8BA0, 0x9485, 0x7E9F]] |= IDEOGRAPH
    classes[ord("0") : ord("9") + 1] |= DIGIT
    classes[ord("a") : ord("z") + 1] |= LETTER
    classes[[ord(char) for char in "oil"]] |= DIGIT_LIKE
    for start, end in ((0x2010, 0x2E80), (0x3000, 0x3040), (0x1F000, 0x1FB00)):
        for point in range(start, end):
            category = unicodedata.category(chr(point))
            if category in ("So", "Sk", "Sm", "Cn", "Pd", "Po", "Pc") and point != 0x3002:
                classes[point] |= SEPARATOR
    for char in _SEPARATORS:
        classes[ord(char)] |= SEPARATOR
    for char in " \t":
        classes[ord(char)] |= SPACE
    for char in _CLAUSE:
        classes[ord(char)] |= PUNCTUATION | CLAUSE_END
    # An enumeration goes on with the same clause.
    classes[ord("、")] = PUNCTUATION
    for char in "…—～":
        classes[ord(char)] |= SEPARATOR
    return classes
