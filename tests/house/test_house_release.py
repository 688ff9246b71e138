"""What is shipped: one version, one licence, complete locks, and nothing of the machine it was made on."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import tideng
from house.source import ROOT, text_of, tracked

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
EXTRAS = PROJECT["project"]["optional-dependencies"]
LOCKS = {
    "requirements.lock": (),
    "requirements-full.lock": ("documents", "scan", "forensics", "calls", "train"),
    # Half a gigabyte for pictures alone is installed by whoever has pictures.
    "requirements-dev.lock": tuple(name for name in EXTRAS if name != "ocr"),
}

# Joined from pieces, so that this file does not hold what it looks for.
FOLDERS = ("wo" + "rk", "ro" + "ot", "t" + "mp", "ho" + "me")
MACHINE = re.compile("|".join(rf"(?<![\w.$}}}}])/{folder}/" for folder in FOLDERS))
REGISTRY = re.compile(
    "|".join(
        (
            "py" + r"pi\.(?:org|python)",
            "python" + r"hosted\.org",
            "npm" + r"js\.(?:org|com)",
            r"(?<!no-emit-)(?<!no-)index-" + "url",
            r"https?://[^\s\"'`)]*/" + r"simple\b",
        )
    )
)


def traces(text: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), 1):
        for pattern, what in ((MACHINE, "a path of one machine"), (REGISTRY, "a package registry")):
            if pattern.search(line):
                yield f"line {number}: {what}"


def test_no_file_names_this_machine_or_a_registry() -> None:
    assert [f"{name}: {trace}" for name in tracked() for trace in traces(text_of(name))] == []


@pytest.mark.parametrize(
    "line",
    [
        "data = '/" + "ho" + "me/li/data'",
        "see /" + "t" + "mp/x",
        "pip install --index-" + "url X",
        "https://mirror.example/" + "simple",
        "https://py" + "pi.org/project/x",
    ],
)
def test_a_trace_is_seen(line: str) -> None:
    assert [*traces(line)] != []


def test_ordinary_paths_pass() -> None:
    assert [*traces('"/var/lib/tideng" docs/ho' + 'me/x.md https://example.org/a "$dir/t' + 'mp/x"')] == []


def test_one_version() -> None:
    assert tideng.__version__ == PROJECT["project"]["version"]
    assert f"## [{tideng.__version__}]" in text_of("CHANGELOG.md")


def test_the_licence_is_apache_2() -> None:
    assert PROJECT["project"]["license"] == "Apache-2.0"
    licence = text_of("LICENSE")
    assert re.match(r"\s*Apache License\s+Version 2\.0, January 2004\s", licence)
    assert "9. Accepting Warranty or Additional Liability" in licence


def name_of(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\s\[<>=!~;]", requirement, maxsplit=1)[0]).lower()


def pinned(lock: str) -> dict[str, str]:
    """Package to its whole block: the version and the hashes."""
    blocks = re.split(r"\n(?=\S)", lock.strip())
    return {name_of(block): block for block in blocks if not block.startswith("#")}


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_hold_every_dependency_with_its_hashes(lock: str) -> None:
    wanted = [*PROJECT["project"]["dependencies"], *(one for extra in LOCKS[lock] for one in EXTRAS[extra])]
    blocks = pinned(text_of(lock))
    assert [name for name in map(name_of, wanted) if name not in blocks] == []
    assert [
        name for name, block in blocks.items() if "==" not in block or "--hash=sha256:" not in block
    ] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_name_no_address(lock: str) -> None:
    text = text_of(lock)
    assert "://" not in text
    assert [line for line in text.splitlines() if line.startswith("-")] == []


def test_a_gap_in_a_lock_is_seen() -> None:
    lock = "msgspec==0.22.0 \\\n    --hash=sha256:00\nprometheus-client==1\n"
    assert set(pinned(lock)) == {"msgspec", "prometheus-client"}
    assert "--hash" not in pinned(lock)["prometheus-client"]
    assert name_of("uvicorn[standard]>=0.40") == "uvicorn"
    assert name_of("Prometheus_Client >= 1") == "prometheus-client"


def lint_imports(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    code = "import sys; from importlinter.cli import lint_imports_command as run; sys.exit(run())"
    return subprocess.run(
        [sys.executable, "-c", code, "--no-cache", *arguments], cwd=folder, capture_output=True, text=True
    )


def test_rooms_import_only_downwards() -> None:
    ran = lint_imports(ROOT)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_an_import_upwards_is_seen(tmp_path: Path) -> None:
    (tmp_path / "lantern").mkdir()
    (tmp_path / "lantern" / "__init__.py").touch()
    (tmp_path / "lantern" / "roof.py").touch()
    (tmp_path / "lantern" / "floor.py").write_text("from lantern import roof\n")
    (tmp_path / ".importlinter").write_text(
        "[importlinter]\nroot_package = lantern\n\n"
        "[importlinter:contract:1]\nname = layers\ntype = layers\n"
        "layers =\n    lantern.roof\n    lantern.floor\n"
    )
    ran = lint_imports(tmp_path, "--config", ".importlinter")
    assert ran.returncode == 1
    assert "lantern.floor is not allowed to import lantern.roof" in ran.stdout
