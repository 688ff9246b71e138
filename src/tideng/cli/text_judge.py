"""A judge for the commands: its data found, its engines kept in the cache folder."""

import gc
import os
from collections import deque
from collections.abc import Iterable, Iterator
from multiprocessing.pool import AsyncResult
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Literal

from rich.markup import escape

from tideng.cli.show import stop

if TYPE_CHECKING:
    from tideng.text.judging import Judge

EngineChoice = Literal["auto", "hyperscan", "ahocorasick"]
LINES_PER_TASK: Final = 2_000
GARBAGE_THRESHOLD: Final = 20_000
"""New objects before the collector looks (Python's default: 700)."""
IN_FLIGHT: Final = 3
LINE_BYTES_MAX: Final = 4_000_000
"""A longer line is answered as unreadable; a text is far shorter."""


def cache_folder(given: Path | None) -> Path:
    """Where compiled patterns are kept: the folder given, else the user's cache directory."""
    if given is not None:
        return given
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tideng" / "text"


def read_weights(file: Path | None) -> bytes:
    """The suspicion weights of this file, or the shipped ones; ends the command when they cannot be read."""
    from tideng.text.suspicion import MAGIC
    from tideng.text.weights import bundled_weights

    if file is None:
        return bundled_weights()
    try:
        content = file.read_bytes()
    except OSError as error:
        stop(f"cannot read {escape(str(file))}: {escape(error.strerror or str(error))}; name another file")
    if not content.startswith(MAGIC):
        stop(f"{escape(str(file))} is no weights file; make one with `tideng text train`")
    return content


def bundled_judge(engine: EngineChoice, cache: Path, weights: bytes | None = None) -> "Judge":
    """A judge of the package's own knowledge; compiled patterns are taken from `cache`, or put there."""
    from tideng.text.knowledge import bundled_knowledge
    from tideng.text.policies import bundled_verdict_policy
    from tideng.text.ready import compiled_engines, make_judge
    from tideng.text.tables import bundled_tables

    knowledge, tables = bundled_knowledge(), bundled_tables()
    suspicion = None
    if weights is not None:
        from tideng.text.suspicion import read_scorer
        from tideng.text.tables_read import read_tables

        suspicion = read_scorer(weights, read_tables(tables))
    chosen = _engine(engine)
    if chosen == "ahocorasick":
        return make_judge(
            tables, knowledge, bundled_verdict_policy(), engine="ahocorasick", suspicion=suspicion
        )
    found: dict[str, bytes] = {}

    def kept(name: str) -> dict[str, bytes]:
        found.update(_kept(cache, name))
        return found

    policy = bundled_verdict_policy()
    judge = make_judge(tables, knowledge, policy, engine="hyperscan", find_compiled=kept, suspicion=suspicion)
    if not found:
        _keep(cache, *compiled_engines(judge))
    return judge


def _engine(engine: EngineChoice) -> Literal["hyperscan", "ahocorasick"]:
    if engine != "auto":
        return engine
    try:
        import hyperscan  # noqa: F401 - only whether it is there
    except ImportError:
        return "ahocorasick"
    return "hyperscan"


def _file(cache: Path, name: str, part: str) -> Path:
    """Where a database is kept: one for each set of literals, release of the engine and kind of machine."""
    from importlib.metadata import version

    return cache / f"{name[:32]}.{version('hyperscan')}.{os.uname().machine}.{part}"


def _kept(cache: Path, name: str) -> dict[str, bytes]:
    """The compiled patterns, or nothing when one is missing or was written by half."""
    import hashlib

    found = {}
    for part in ("words", "sounds"):
        try:
            content = _file(cache, name, part).read_bytes()
        except OSError:
            return {}
        digest, body = content[:32], content[32:]
        if hashlib.sha256(body).digest() != digest:
            return {}
        found[part] = body
    return found


def _keep(cache: Path, name: str, parts: dict[str, bytes]) -> None:
    import hashlib

    try:
        cache.mkdir(parents=True, exist_ok=True)
        for part, body in parts.items():
            file = _file(cache, name, part)
            half = file.with_suffix(f".{os.getpid()}")
            half.write_bytes(hashlib.sha256(body).digest() + body)
            half.replace(file)
    except OSError:
        # A cache that cannot be written costs the next start half a second, no more.
        return


Task = list[tuple[int, bytes]]


def tasks(source: IO[bytes]) -> Iterator[Task]:
    """Lists of (line number, line) of a JSONL source, blank lines left out."""
    batch: Task = []
    number = 0
    while line := source.readline(LINE_BYTES_MAX):
        number += 1
        if line.strip():
            batch.append((number, line))
        if len(batch) >= LINES_PER_TASK:
            yield batch
            batch = []
    if batch:
        yield batch


_worker: "dict[str, Judge]" = {}


def start_worker(engine: EngineChoice, cache: Path, weights: bytes | None) -> None:
    """Make this process's judge."""
    _worker["judge"] = bundled_judge(engine, cache, weights)


def work(task: Task) -> tuple[int, bytes]:
    """(number of lines, their verdict lines) of one task, in this process."""
    from tideng.text.lines import answer_lines

    return len(task), b"\n".join(answer_lines(_worker["judge"], task)) + b"\n"


def shared_out(every: Iterable[Task], processes: int) -> Iterator[tuple[int, bytes]]:
    """What `work` gives for every task, in order, from so many processes; at most `IN_FLIGHT` wait for each.

    The processes are forked: they share this process's judge, and no start script is run again.
    """
    import multiprocessing

    # Made for ever: nobody has to walk it again. What a judgement makes is freed by reference counts.
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        waiting: deque[AsyncResult[tuple[int, bytes]]] = deque()
        for task in every:
            waiting.append(pool.apply_async(work, (task,)))
            if len(waiting) >= processes * IN_FLIGHT:
                yield waiting.popleft().get()
        while waiting:
            yield waiting.popleft().get()
