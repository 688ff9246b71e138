"""A few thousand seeded inputs for each fuzz target, and the runner that `make fuzz` starts for longer."""

import sys
from itertools import islice
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # `fuzz` lies beside `src`, as a tool of the checkout and not of the package

from fuzz.__main__ import Work, main  # noqa: E402
from fuzz.noise import inputs  # noqa: E402
from fuzz.targets import Target, targets  # noqa: E402

ROUNDS = 3_000
TARGETS = {target.name: target for target in targets()}
FRAGILE = """
SEEDS = [b"hello"]

def fuzz_one(data):
    if b"\\xff" in data:
        raise KeyError("nobody thought of it")
"""


def test_every_wire_decoder_has_a_target() -> None:
    assert {"smpp", "session", "pdu", "receipt", "times", "gsm", "udh", "segments"} <= set(TARGETS)


@pytest.mark.parametrize("name", TARGETS)
def test_target(name: str) -> None:
    work = Work(TARGETS[name], seed=1)
    failure = work.round(ROUNDS)
    if failure is not None:
        raise AssertionError(f"{name} fails on {failure.data!r}") from failure.error
    assert work.tried == ROUNDS


def test_the_same_seed_gives_the_same_inputs() -> None:
    corpus = [b"hello", bytes(40)]
    first, again, other = (list(islice(inputs(seed, corpus), 200)) for seed in ("1", "1", "2"))
    assert first == again
    assert first != other
    assert first[:2] == corpus
    assert len(set(first)) > 150


def folder_with(tmp_path: Path, source: str) -> Path:
    (tmp_path / "fuzz_fragile.py").write_text(source, encoding="utf-8")
    return tmp_path


def test_the_first_failure_ends_the_run_and_leaves_its_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, found = folder_with(tmp_path, FRAGILE), tmp_path / "found"
    words = ["--seconds", "0", "--seed", "7", "--found", str(found)]
    assert main(words, folder=folder) == 1
    [kept] = found.iterdir()
    assert b"\xff" in kept.read_bytes()
    told = capsys.readouterr().out
    assert str(kept) in told.replace("\n", "")
    assert "KeyError" in told
    replay = ["--target", "fragile", "--replay", str(kept), "--found", str(found)]
    assert main(replay, folder=folder) == 1
    (folder / "fuzz_fragile.py").write_text(FRAGILE.replace("xff", "xff no more"), encoding="utf-8")
    assert main(replay, folder=folder) == 0


def test_a_run_without_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = folder_with(tmp_path, "SEEDS = [b'']\ndef fuzz_one(data): pass\n")
    assert main(["--seconds", "0", "--seed", "7"], folder=folder) == 0
    assert "200 inputs, seed 7" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["--target", "nobody"], ["--replay", "x"]])
def test_what_cannot_be_run(tmp_path: Path, words: list[str]) -> None:
    assert main(words, folder=folder_with(tmp_path, FRAGILE)) == 2


def test_a_module_without_target_is_not_passed_over(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "SEEDS = []\n")
    with pytest.raises(LookupError, match=r"fuzz_fragile\.py"):
        list(targets(folder))


def test_several_targets_in_one_module(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "def a(data): pass\ndef b(data): pass\nTARGETS = [(a, b'1'), (b, b'2')]\n")
    found: list[Target] = list(targets(folder))
    assert [(one.name, one.seeds) for one in found] == [
        ("fragile-1-a", (b"1",)),
        ("fragile-2-b", (b"2",)),
    ]
