"""Finds the targets: every `fuzz_*.py` here with `fuzz_one` and `SEEDS`, or with several in `TARGETS`."""

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Final, NamedTuple

FOLDER: Final = Path(__file__).parent


class Target(NamedTuple):
    """One reader under fire. `run` raises nothing, unless it found a fault."""

    name: str
    run: Callable[[bytes], object]
    seeds: Sequence[bytes]


def targets(folder: Path = FOLDER) -> Iterator[Target]:
    """Every target in `folder`, by name. LookupError names a module that offers none: it would never run."""
    for path in sorted(folder.glob("fuzz_*.py")):
        name = path.stem.removeprefix("fuzz_")
        module = _load(path)
        run, several = getattr(module, "fuzz_one", None), getattr(module, "TARGETS", ())
        if run is not None:
            yield Target(name, run, tuple(module.SEEDS))
        elif several:
            for number, (one, seed) in enumerate(several, 1):
                yield Target(f"{name}-{number}-{one.__name__}", one, (seed,))
        else:
            raise LookupError(f"{path.name} has neither fuzz_one and SEEDS nor TARGETS; add them")


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"tideng_fuzz.{path.stem}", path)
    if spec is None or spec.loader is None:
        raise LookupError(f"{path.name} cannot be loaded as Python")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
