"""Finding thousands of literals in a block of texts: hyperscan, or Aho-Corasick where it is not installed.

Both give the same: every occurrence of every literal, overlaps included, as (literal, end) in characters.
Literals have no gaps and no classes, so both run in linear time and agree exactly.
"""

import hashlib
from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from tideng.text.trie import Trie

Places = NDArray[np.int64]
LONG_FROM: Final = 3_000
"""Characters from which on the steps down a `Trie` cost less than an automaton."""
_NONE: Final = np.zeros(0, np.int64)


class Engine(Protocol):
    """Finds its literals. May be used by several threads at once."""

    name: str

    def scan(self, text: str) -> tuple[Places, Places]:
        """(literal numbers, ends): every occurrence, in no order."""
        ...


class Automaton:
    """Aho-Corasick (ahocorasick_rs): pure data, ready in milliseconds, on every platform."""

    name = "ahocorasick"

    def __init__(self, literals: Sequence[str]) -> None:
        import ahocorasick_rs

        self._found = (
            ahocorasick_rs.AhoCorasick(
                list(literals), implementation=ahocorasick_rs.Implementation.ContiguousNFA
            )
            if literals
            else None
        )

    def scan(self, text: str) -> tuple[Places, Places]:
        """See `Engine.scan`."""
        if self._found is None or not text:
            return _NONE, _NONE
        hits = self._found.find_matches_as_indexes(text, overlapping=True)
        return np.array([hit[0] for hit in hits], np.int64), np.array([hit[2] for hit in hits], np.int64)


class Hyperscan:
    """Hyperscan (Vectorscan): compiled once, kept as bytes under the hash of its literals."""

    name = "hyperscan"

    def __init__(self, literals: Sequence[str], compiled: bytes | None = None) -> None:
        """Compile `literals`, or take what `dump` gave for the same literals."""
        import hyperscan

        self._hyperscan = hyperscan
        self._free: list[hyperscan.Scratch] = []
        if compiled is not None:
            self._database = hyperscan.loadb(compiled, hyperscan.HS_MODE_BLOCK)
        else:
            self._database = hyperscan.Database()
            encoded = [literal.encode() for literal in literals]
            self._database.compile(
                expressions=encoded,
                ids=list(range(len(encoded))),
                elements=len(encoded),
                flags=[0] * len(encoded),
                literal=True,
            )

    def dump(self) -> bytes:
        """The compiled database, for `compiled`."""
        return bytes(self._hyperscan.dumpb(self._database))

    def scan(self, text: str) -> tuple[Places, Places]:
        """See `Engine.scan`."""
        content = text.encode()
        ids: list[int] = []
        ends: list[int] = []
        add_id, add_end = ids.append, ends.append

        def seen(number: int, _start: int, end: int, _flags: int, _context: object) -> None:
            add_id(number)
            add_end(end)

        # A scratch serves one scan at a time; taking one off a list and putting it back is atomic.
        try:
            scratch = self._free.pop()
        except IndexError:
            scratch = self._hyperscan.Scratch(self._database)
        self._database.scan(content, match_event_handler=seen, scratch=scratch)
        self._free.append(scratch)
        numbers, places = np.array(ids, np.int64), np.array(ends, np.int64)
        if not ids or len(content) == len(text):
            return numbers, places
        # Octets to characters: a character ends where the next octet begins another.
        characters = np.cumsum(np.frombuffer(content, np.uint8) & 0xC0 != 0x80)
        return numbers, characters[places - 1]


class ByLength:
    """An engine for short texts; for long ones arithmetic over all places, three times as quick there."""

    def __init__(self, short: Engine, literals: Sequence[str]) -> None:
        self.name = short.name
        self.short = short
        self._long = Trie(literals)

    def scan(self, text: str) -> tuple[Places, Places]:
        """See `Engine.scan`."""
        return self.short.scan(text) if len(text) < LONG_FROM else self._long.scan(text)


def literals_hash(literals: Sequence[str]) -> str:
    """What a compiled database is of: literals in another order are another database."""
    digest = hashlib.sha256()
    for literal in literals:
        digest.update(b"\0" + literal.encode())
    return digest.hexdigest()
