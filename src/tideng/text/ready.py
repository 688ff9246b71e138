"""A judge from the package's own data: the one place that puts bytes, tables, engines and policy together."""

from collections.abc import Mapping
from typing import Literal

from tideng.text.judging import Judge, Suspicion
from tideng.text.matching import Automaton, Engine, Hyperscan
from tideng.text.phrasebook import Phrasebook, read_phrasebook
from tideng.text.sights import BY_CODE, make_reader, sounds_of
from tideng.text.tables_read import Tables, read_tables
from tideng.text.verdict_policy import read_verdict_policy

EngineName = Literal["hyperscan", "ahocorasick"]


def make_judge(
    tables: Mapping[str, bytes],
    knowledge: Mapping[str, bytes],
    policy: bytes,
    *,
    engine: EngineName = "ahocorasick",
    compiled: Mapping[str, bytes] | None = None,
    suspicion: Suspicion | None = None,
) -> Judge:
    """A judge of these bytes. `compiled` may hold what `compiled_engines` gave for the same knowledge."""
    read = read_tables(tables)
    book = read_phrasebook(knowledge, read, BY_CODE)
    words, sounds = _engines(book, read, engine, compiled or {})
    return Judge(make_reader(book, read, words, sounds), read_verdict_policy(policy, book), suspicion)


def _engines(
    book: Phrasebook, tables: Tables, engine: EngineName, compiled: Mapping[str, bytes]
) -> tuple[Engine, Engine]:
    heard = sounds_of(book, tables)
    if engine == "ahocorasick":
        return Automaton(book.literals), Automaton(heard)
    return Hyperscan(book.literals, compiled.get("words")), Hyperscan(heard, compiled.get("sounds"))


def compiled_engines(judge: Judge) -> dict[str, bytes]:
    """The judge's hyperscan databases as bytes, to be kept under `judge.reader.book.hash`."""
    words, sounds = judge.reader.words, judge.reader.sounds
    if isinstance(words, Hyperscan) and isinstance(sounds, Hyperscan):
        return {"words": words.dump(), "sounds": sounds.dump()}
    return {}
