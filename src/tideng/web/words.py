"""What pages say, in Chinese and English: one table per language, the same keys in both."""

import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources.abc import Traversable
from typing import Final

LANGUAGES: Final = ("zh-CN", "en")
"""The first is for who asks for neither."""


class PhraseMissing(KeyError):
    """A page uses a key no table has. Always a bug."""


class Phrases:
    """The phrases of every room that shows pages."""

    def __init__(self, folders: Sequence[Traversable]) -> None:
        """Each folder holds `zh-CN.toml` and `en.toml`; a key in two folders is a ValueError."""
        self.tables: dict[str, dict[str, str]] = {language: {} for language in LANGUAGES}
        for folder in folders:
            for language, table in self.tables.items():
                for key, text in read_phrases(folder / f"{language}.toml").items():
                    if key in table:
                        raise ValueError(f"phrase {key!r} ({language}) is defined twice; rename one")
                    table[key] = text

    def say(self, language: str, key: str, **values: object) -> str:
        """The phrase with `{name}` filled in. Raises `PhraseMissing`."""
        try:
            phrase = self.tables[language][key]
        except KeyError as error:
            raise PhraseMissing(f"no phrase {key!r} in {language}; add it to both tables") from error
        return phrase.format(**values) if values else phrase

    def has(self, key: str) -> bool:
        """Whether there is such a phrase."""
        return key in self.tables[LANGUAGES[0]]


def read_phrases(file: Traversable) -> dict[str, str]:
    """`[section] key = "…"` as `section.key`."""
    sections: Mapping[str, Mapping[str, str]] = tomllib.loads(file.read_text("utf-8"))
    return {f"{section}.{key}": text for section, keys in sections.items() for key, text in keys.items()}


def language_of(asked: str, cookie: str, accept: str) -> str:
    """The page's language: asked for in the address, remembered, preferred by the browser, or Chinese."""
    for wish in (asked, cookie):
        if wish in LANGUAGES:
            return wish
    # RFC 9110 §12.5.4; of equal weights the first named counts.
    best, weight = LANGUAGES[0], 0.0
    for part in accept[:500].split(","):
        tag, _, quality = part.strip().partition(";")
        primary = tag.strip().lower().split("-")[0]
        found = next((name for name in LANGUAGES if name.lower().split("-")[0] == primary), "")
        if found and _weight(quality) > weight:
            best, weight = found, _weight(quality)
    return best


def _weight(quality: str) -> float:
    name, _, value = quality.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
