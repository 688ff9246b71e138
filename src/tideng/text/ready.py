"""A judge from the package's own data: the one place that puts bytes, tables, engines and policy together."""

from collections.abc import Callable, Mapping
from typing import Literal

from msgspec import structs

from tideng.text.judging import Judge, Suspicion
from tideng.text.matching import Automaton, ByLength, Engine, Hyperscan, literals_hash
from tideng.text.phrasebook import Phrasebook, read_phrasebook
from tideng.text.reading import make_reader, sounds_of
from tideng.text.sights import BY_CODE
from tideng.text.tables_read import Tables, read_tables
from tideng.text.verdict_policy import read_verdict_policy

EngineName = Literal["hyperscan", "ahocorasick"]
FindCompiled = Callable[[str], Mapping[str, bytes]]
"""From the hash of the literals to the compiled databases kept under it; empty when there are none."""


def _nothing_kept(_name: str) -> Mapping[str, bytes]:
    return {}


def make_judge(
    tables: Mapping[str, bytes],
    knowledge: Mapping[str, bytes],
    policy: bytes,
    *,
    engine: EngineName = "ahocorasick",
    find_compiled: FindCompiled = _nothing_kept,
    suspicion: Suspicion | None = None,
    for_files: bool = True,
) -> Judge:
    """A judge of these bytes. `find_compiled` may give what `compiled_engines` gave for the same literals.

    `for_files`: also ready for thousands of texts at once, which takes some 10 MB more.
    """
    read = read_tables(tables)
    book = read_phrasebook(knowledge, read, BY_CODE)
    words, sounds = _engines(book, read, engine, find_compiled)
    if for_files:
        words, sounds = ByLength(words, book.literals), ByLength(sounds, sounds_of(book, read))
    return Judge(make_reader(book, read, words, sounds), read_verdict_policy(policy, book), suspicion)


def _engines(
    book: Phrasebook, tables: Tables, engine: EngineName, find_compiled: FindCompiled
) -> tuple[Engine, Engine]:
    heard = sounds_of(book, tables)
    if engine == "ahocorasick":
        return Automaton(book.literals), Automaton(heard)
    compiled = find_compiled(literals_hash([*book.literals, "", *heard]))
    return Hyperscan(book.literals, compiled.get("words")), Hyperscan(heard, compiled.get("sounds"))


def only_judging(judge: Judge) -> Judge:
    """The same judge without what was needed to make it: phrases and examples, some MB."""
    book = judge.reader.book
    rules = tuple(
        structs.replace(rule, family=structs.replace(rule.family, slots={}, examples=(), harmless=()))
        for rule in book.rules
    )
    bare = structs.replace(book, literals=(), slots_of=(), sound_literals=(), rules=rules)
    return structs.replace(judge, reader=structs.replace(judge.reader, book=bare))


def compiled_engines(judge: Judge) -> tuple[str, dict[str, bytes]]:
    """The hash of the judge's literals and its hyperscan databases as bytes, to be kept under it."""
    words, sounds = (
        one.short if isinstance(one, ByLength) else one for one in (judge.reader.words, judge.reader.sounds)
    )
    heard = sounds_of(judge.reader.book, judge.reader.tables)
    name = literals_hash([*judge.reader.book.literals, "", *heard])
    if isinstance(words, Hyperscan) and isinstance(sounds, Hyperscan):
        return name, {"words": words.dump(), "sounds": sounds.dump()}
    return name, {}
