"""One judge for all tests of this folder."""

import functools
import json
from pathlib import Path
from typing import Any

from tideng.text.judging import Judge, Judged
from tideng.text.knowledge import bundled_knowledge
from tideng.text.policies import bundled_verdict_policy
from tideng.text.ready import EngineName, make_judge
from tideng.text.tables import bundled_tables
from tideng.text.tables_read import Tables, read_tables

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


def held_apart() -> list[dict[str, Any]]:
    return [json.loads(line) for line in HELD_APART.read_text(encoding="utf-8").splitlines()]
