"""One judge for all tests of this folder."""

import functools
import json
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tideng.text.judging import Judge, Judged
from tideng.text.knowledge import bundled_knowledge
from tideng.text.policies import bundled_verdict_policy
from tideng.text.ready import EngineName, make_judge
from tideng.text.tables import bundled_tables
from tideng.text.tables_read import Tables, read_tables


class Finder(Protocol):
    def scan(self, text: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]: ...


HELD_APART = Path(__file__).parent / "held_apart.jsonl"


@functools.cache
def tables() -> Tables:
    return read_tables(bundled_tables())


@functools.cache
def judge(engine: EngineName = "ahocorasick") -> Judge:
    return make_judge(bundled_tables(), bundled_knowledge(), bundled_verdict_policy(), engine=engine)


def codes(text: str) -> list[str]:
    return [finding.code for finding in judge().judge(text).findings]


def verdict(text: str) -> Judged:
    return judge().judge(text)


def occurrences(engine: Finder, text: str) -> list[tuple[int, int]]:
    """(end, literal) of everything it finds, in order."""
    numbers, ends = engine.scan(text)
    return sorted(zip(ends.tolist(), numbers.tolist(), strict=True))


def held_apart() -> list[dict[str, Any]]:
    return [json.loads(line) for line in HELD_APART.read_text(encoding="utf-8").splitlines()]
