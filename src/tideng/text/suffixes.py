"""Under which endings people register names: the public suffix list (publicsuffix.org), as a dated table.

The table holds the rules of more than one label; a single label is a suffix by itself, known or not. It is
read here and not by `tldextract`, whose import costs a gateway 27 MB; a test holds both to one answer.
"""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

LABELS_MAX: Final = 127
"""RFC 1035 § 2.3.4: 253 octets hold no more."""


class SuffixesInvalid(ValueError):
    """A table that is no list of suffixes; the message names the line."""


class PublicSuffixes(Struct, frozen=True):
    """The rules, by what they do (https://github.com/publicsuffix/list/wiki/Format)."""

    plain: frozenset[str]
    """com.cn: a suffix."""
    below: frozenset[str]
    """ck of *.ck: every label in front of it makes a suffix."""
    excepted: frozenset[str]
    """www.ck of !www.ck: a name that somebody registered all the same."""

    def registered_domain(self, host: str) -> str:
        """The part of a lower-case host that somebody registered: example.com.cn of www.example.com.cn.

        A host that is a suffix itself, or a single label, is given back whole.
        """
        labels = host.split(".")[-LABELS_MAX:]
        for start in range(len(labels) - 1):
            name = ".".join(labels[start:])
            if name in self.excepted:
                return name
            if name in self.plain or ".".join(labels[start + 1 :]) in self.below:
                return ".".join(labels[max(0, start - 1) :])
        return ".".join(labels[-2:])


def read_suffixes(content: bytes) -> PublicSuffixes:
    """The table of these bytes: one rule a line, `//` begins a remark. Raises SuffixesInvalid."""
    plain, below, excepted = set[str](), set[str](), set[str]()
    for rule in _rules(content):
        if rule.startswith("*."):
            below.add(rule[2:])
        elif rule.startswith("!"):
            excepted.add(rule[1:])
        else:
            plain.add(rule)
    return PublicSuffixes(frozenset(plain), frozenset(below), frozenset(excepted))


def _rules(content: bytes) -> Iterator[str]:
    try:
        lines = content.decode().splitlines()
    except UnicodeDecodeError as error:
        raise SuffixesInvalid(f"the suffixes are no UTF-8 ({error}); make the table again") from error
    for number, line in enumerate(lines, 1):
        if not line or line.startswith("//"):
            continue
        if "." not in line or line != line.strip() or line != line.lower() or "*" in line[1:]:
            raise SuffixesInvalid(
                f"line {number} of the suffixes is {line[:40]!r}; it must be one rule of two labels or more"
            )
        yield line
