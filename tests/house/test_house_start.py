"""A command imports what it needs: the table of `cli/start.py` is true, and help still shows everything."""

import subprocess
import sys
from pathlib import Path

import pytest
import typer

from tideng.cli.start import BRINGS, built, modules_for

ALL = tuple(BRINGS)


@pytest.mark.parametrize("module", BRINGS)
def test_each_module_brings_what_the_table_says(module: str) -> None:
    app = built([module])
    commands = {
        command.name or command.callback.__name__ for command in app.registered_commands if command.callback
    }
    groups = {group.name for group in app.registered_groups}
    assert commands | groups == set(BRINGS[module])
    assert isinstance(app, typer.Typer)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("scan PATH --json", ("scan",)),
        ("-d scan text judge -", ("text",)),
        ("--settings=x.toml calls detect scan", ("calls",)),
        ("-s x.toml --data y settings", ("upkeep",)),
        ("play --once", ("simulate",)),
        ("", ALL),
        ("--help", ALL),
        ("--help scan", ALL),
        ("--version", ALL),
        ("scam PATH", ALL),
        ("-d", ALL),
    ],
)
def test_a_command_line_names_its_modules(line: str, expected: tuple[str, ...]) -> None:
    assert modules_for(line.split(), {}) == expected


def test_completion_sees_every_command() -> None:
    assert modules_for(["scan"], {"_TIDENG_COMPLETE": "complete_bash"}) == ALL


def test_a_small_pile_is_scanned_without_rooms_it_does_not_need(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "sys.argv = ['tideng', 'scan', sys.argv[1], '--json']\n"
        "from tideng.cli.start import run\n"
        "try:\n    run()\n"
        "except SystemExit:\n    pass\n"
        "unwanted = ('pandas', 'numba', 'ibis', 'pydantic', 'tideng.gateway.store', 'litestar')\n"
        "print([name for name in unwanted if name in sys.modules], file=sys.stderr)\n"
    )
    (tmp_path / "a.txt").write_text("电话13800138000", "utf-8")
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stderr.splitlines()[-1] == "[]"
    assert '"persons":1' in done.stdout.replace(" ", "")
