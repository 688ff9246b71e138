"""From findings to a verdict, a review and categories: dated policy data, read and applied."""

import hashlib
import tomllib
from collections.abc import Mapping, Sequence, Set
from typing import Final, Literal

import msgspec
from msgspec import Struct

from tideng.text.expression import Expression, ExpressionInvalid, parse_expression
from tideng.text.phrasebook import Phrasebook

Verdict = Literal["danger", "verify", "unknown", "harmless_kind", "needs_person"]
Review = Literal["send", "hold", "refuse"]
STRICTNESS: Final[dict[str, int]] = {"send": 0, "hold": 1, "refuse": 2}


class PolicyInvalid(ValueError):
    """A policy file that cannot be used; the message names the place and the remedy."""


class _Together(Struct, frozen=True, forbid_unknown_fields=True):
    all: tuple[str, ...]


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    version: str
    valid_from: str
    review: dict[str, Review]
    review_by_code: dict[str, Review]
    review_by_category: dict[str, Review]
    category: dict[str, str]
    danger: tuple[_Together, ...] = ()
    verify: tuple[_Together, ...] = ()


class VerdictPolicy(Struct, frozen=True):
    """One policy, ready to apply."""

    version: str
    hash: str
    """SHA-256 over the file's bytes: which policy decided."""
    levels: Mapping[str, str]
    """Finding code to level."""
    danger: tuple[frozenset[str], ...]
    verify: tuple[frozenset[str], ...]
    review: Mapping[str, Review]
    review_by_code: Mapping[str, Review]
    review_by_category: Mapping[str, Review]
    categories: tuple[tuple[str, Expression], ...]

    def verdict(self, codes: Sequence[str]) -> Verdict:
        """The most severe that the findings, alone or together, lead to."""
        levels = {self.levels[code] for code in codes}
        seen = frozenset(codes)
        if "danger" in levels or any(together <= seen for together in self.danger):
            return "danger"
        if "verify" in levels or any(together <= seen for together in self.verify):
            return "verify"
        # A note alone (a short link, a time limit) neither warns nor lets a kind be called harmless.
        if "calm" in levels and "note" not in levels:
            return "harmless_kind"
        return "unknown"

    def reviewed(self, verdict: Verdict, codes: Sequence[str], categories: Set[str]) -> Review:
        """What a careful provider does with it when the customer has not registered."""
        if verdict == "danger":
            return self.review["danger"]
        found: list[Review] = [self.review_by_code[code] for code in codes if code in self.review_by_code]
        if not found:
            found.append(self.review.get(verdict, self.review["default"]))
        found += [self.review_by_category[name] for name in categories if name in self.review_by_category]
        return max(found, key=STRICTNESS.__getitem__)


def read_verdict_policy(content: bytes, book: Phrasebook) -> VerdictPolicy:
    """The policy of these bytes over this book. Raises PolicyInvalid naming what is wrong."""
    try:
        file = msgspec.convert(tomllib.loads(content.decode()), _File)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise PolicyInvalid(f"the verdict policy: {error}. Compare it with the bundled one") from error
    levels = {rule.family.code: rule.family.level for rule in book.rules}
    named = [code for one in (*file.danger, *file.verify) for code in one.all] + list(file.review_by_code)
    for code in named:
        if code not in levels:
            raise PolicyInvalid(f"the verdict policy names {code}, which no knowledge file has; correct it")
    names = {name: place for place, name in enumerate(book.slot_names)}

    def slot(name: str) -> int:
        if name not in names:
            raise PolicyInvalid(f"the verdict policy: no slot is called {name!r}; correct the word")
        return names[name]

    try:
        categories = tuple((name, parse_expression(text, slot)) for name, text in file.category.items())
    except ExpressionInvalid as error:
        raise PolicyInvalid(f"the verdict policy: {error}") from error
    return VerdictPolicy(
        version=file.version,
        hash=hashlib.sha256(content).hexdigest(),
        levels=levels,
        danger=tuple(frozenset(one.all) for one in file.danger),
        verify=tuple(frozenset(one.all) for one in file.verify),
        review=file.review,
        review_by_code=file.review_by_code,
        review_by_category=file.review_by_category,
        categories=categories,
    )
