"""What the house tests look at: the tracked files, the source tree, the public names in it."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "tideng"

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef


@cache
def sources() -> dict[str, ast.Module]:
    """Every module of the package: its path below src/tideng, and its tree."""
    return {
        path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text("utf-8"))
        for path in sorted(PACKAGE.rglob("*.py"))
    }


def lines_of(module: str) -> int:
    return len((PACKAGE / module).read_text("utf-8").splitlines())


@cache
def tracked() -> tuple[str, ...]:
    """Files under version control, as paths below the root. Without git (a source archive): all of them."""
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        kept = ("src", "tests", "docs", "tools", "bench", "fuzz", ".ci")
        names = [p.relative_to(ROOT).as_posix() for top in kept for p in (ROOT / top).rglob("*")]
        names += [p.name for p in ROOT.iterdir()]
    else:
        names = listed.stdout.decode("utf-8").split("\0")
    return tuple(name for name in sorted(names) if name and (ROOT / name).is_file())


def text_of(name: str) -> str:
    """A tracked file's text; empty for binary files."""
    try:
        return (ROOT / name).read_text("utf-8")
    except UnicodeDecodeError:
        return ""


def functions(tree: ast.AST) -> Iterator[Function]:
    for node in ast.walk(tree):
        if isinstance(node, Function):
            yield node


def imported(tree: ast.AST) -> set[str]:
    """Modules a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def public(tree: ast.Module) -> Iterator[Definition]:
    """Functions and classes that others may use."""
    for node in tree.body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            yield node
