"""The character tables that come with the package. Finding their bytes is the only I/O of this folder."""

from importlib.resources import files
from typing import Final

NAMES: Final = ("folds.tsv", "sounds.tsv", "glyphs.tsv", "signs.tsv", "disguised_words.txt")


def bundled_tables() -> dict[str, bytes]:
    """The exact bytes of every table, by file name."""
    return {name: (files(__name__) / name).read_bytes() for name in NAMES}
