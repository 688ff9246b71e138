"""A few thousand seeded inputs for each wire decoder's fuzz target. `make fuzz` runs them for longer."""

import importlib.util
import random
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parents[2] / "fuzz"
ROUNDS = 3_000


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def damaged(chance: random.Random, seed: bytes) -> bytes:
    """Some octets changed, cut out, doubled, or strange."""
    data = bytearray(seed)
    for _ in range(chance.randrange(5)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(4):
            case 0:
                data[at : at + 1] = bytes((chance.randrange(256),))
            case 1:
                del data[at : at + chance.randrange(6)]
            case 2:
                data[at:at] = data[at : at + chance.randrange(20)]
            case _:
                data[at:at] = chance.choice([b"\0", b"\xff\xff", b"\x1b", b"\xd8\x3d", b"id:", b"9" * 20])
    return bytes(data)


@pytest.mark.parametrize("name", ["fuzz_smpp", "fuzz_receipt", "fuzz_udh", "fuzz_gsm", "fuzz_times"])
def test_target(name: str) -> None:
    target = load(name)
    chance = random.Random(name)
    for seed in target.SEEDS:
        target.fuzz_one(seed)
    for round_ in range(ROUNDS):
        noise = round_ % 4 == 0
        data = (
            chance.randbytes(chance.randrange(80)) if noise else damaged(chance, chance.choice(target.SEEDS))
        )
        try:
            target.fuzz_one(data)
        except Exception as error:
            raise AssertionError(f"{name} fails on {data!r}") from error
