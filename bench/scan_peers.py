"""Other tools' rate on a file of lines: run by the interpreter of an environment that holds them.

    python bench/scan_peers.py FILE

Presidio is measured twice: with two recognizers of ours (resident ID, mobile) and a blank tokenizer, which is
the fastest that finds the numbers in question; and with the recognizers it ships. DataFog looks with its
expressions, line by line.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

SECONDS = 8.0


def rate(lines: Sequence[str], look: Callable[[str], int]) -> dict[str, float | int]:
    """Megabytes (UTF-8) a second over as many lines as fit into some seconds, and how much was found."""
    read, found, began = 0, 0, time.perf_counter()
    for line in lines:
        found += look(line)
        read += len(line.encode())
        if time.perf_counter() - began > SECONDS:
            break
    return {"MB/s": round(read / 1e6 / (time.perf_counter() - began), 4), "found": found, "bytes": read}


def by_datafog() -> Callable[[str], int]:
    """DataFog's regular expressions."""
    from datafog import DataFog  # type: ignore[import-not-found]  # lives in an environment of its own

    engine = DataFog()
    return lambda line: sum(len(values) for values in engine.detect(line).values())


def by_presidio(*, shipped: bool) -> Callable[[str], int]:
    """Presidio with a blank tokenizer: its language models are not needed for numbers."""
    import spacy  # type: ignore[import-not-found]
    from presidio_analyzer import (  # type: ignore[import-not-found]
        AnalyzerEngine,
        Pattern,
        PatternRecognizer,
        RecognizerRegistry,
    )
    from presidio_analyzer.nlp_engine import SpacyNlpEngine  # type: ignore[import-not-found]

    class Blank(SpacyNlpEngine):  # type: ignore[misc]
        def load(self) -> None:
            self.nlp = {"en": spacy.blank("en")}

    tokens = Blank(models=[{"lang_code": "en", "model_name": "blank"}])
    tokens.load()
    registry = RecognizerRegistry()
    if shipped:
        registry.load_predefined_recognizers(languages=["en"])
        registry.recognizers = [one for one in registry.recognizers if "Url" not in one.name]
    for name, expression in (
        ("CN_ID", r"(?<!\d)[1-9]\d{5}(?:18|19|20)\d{2}[01]\d[0-3]\d\d{3}[\dXx](?![\dXx])"),
        ("CN_MOBILE", r"(?<!\d)1[3-9]\d{9}(?!\d)"),
    ):
        registry.add_recognizer(
            PatternRecognizer(supported_entity=name, patterns=[Pattern(name, expression, 0.5)])
        )
    engine = AnalyzerEngine(registry=registry, nlp_engine=tokens, supported_languages=["en"])
    return lambda line: len(engine.analyze(text=line, language="en"))


def main() -> None:
    """Measure and print one JSON document."""
    lines = Path(sys.argv[1]).read_text("utf-8", "replace").splitlines()
    told = {
        "datafog": rate(lines, by_datafog()),
        "presidio, two recognizers": rate(lines, by_presidio(shipped=False)),
        "presidio, its own but for URLs, and two": rate(lines, by_presidio(shipped=True)),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
