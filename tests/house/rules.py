"""The house rules as functions: a module goes in, what is wrong with it comes out."""

import ast
import re
from collections.abc import Iterator

from house.source import functions, public

MODULE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
ROOMS_FORBIDDEN = {"utils", "util", "common", "helpers", "helper", "manager", "managers", "base", "misc"}

_UNFINISHED = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3)) + r")\b")


def too_long(tree: ast.Module, lines: int) -> Iterator[str]:
    if lines > MODULE_LINES_MAX:
        yield f"{lines} lines; the limit is {MODULE_LINES_MAX}"
    for function in functions(tree):
        length = (function.end_lineno or 0) - function.lineno + 1
        if length > FUNCTION_LINES_MAX:
            yield f"{function.name} has {length} lines; the limit is {FUNCTION_LINES_MAX}"


def misnamed(module: str) -> Iterator[str]:
    for part in module.removesuffix(".py").split("/"):
        if ROOMS_FORBIDDEN & set(part.split("_")) and part not in ("__init__",):
            yield f"{part!r} says nothing about what is inside"


def unguarded(tree: ast.Module) -> Iterator[str]:
    """`assert` vanishes under -O; a bare `except` swallows what nobody has thought of."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            yield f"line {node.lineno}: assert; raise instead"
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            yield f"line {node.lineno}: bare except"
        elif isinstance(node, ast.ExceptHandler) and _swallows(node):
            yield f"line {node.lineno}: except BaseException that neither raises nor keeps the error"


def _swallows(handler: ast.ExceptHandler) -> bool:
    is_wide = isinstance(handler.type, ast.Name) and handler.type.id == "BaseException"
    raises = any(isinstance(node, ast.Raise) for node in ast.walk(handler))
    return is_wide and not raises and not _keeps(handler)


def _keeps(handler: ast.ExceptHandler) -> bool:
    """True if the error is handed on by name, as a writer's job does with `job.error = error`."""
    name = handler.name
    return name is not None and any(
        isinstance(node, ast.Name) and node.id == name
        for statement in handler.body
        for node in ast.walk(statement)
    )


def unfinished(text: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), 1):
        if _UNFINISHED.search(line):
            yield f"line {number}: finish it, or open an issue"


def undocumented(tree: ast.Module) -> Iterator[str]:
    if tree.body and not ast.get_docstring(tree):
        yield "the module says nothing about itself"
    for node in public(tree):
        if not ast.get_docstring(node):
            yield f"{node.name} has no docstring"


def relative(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            yield f"line {node.lineno}: relative import"


CLOCKS = {("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today")}
ACTS = {"open", "print", "input", "exec", "eval", "__import__"}


def impure(tree: ast.Module) -> Iterator[str]:
    """What pure code may not do even with the modules it may import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith):
            yield f"line {node.lineno}: async"
        if isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Name) and called.id in ACTS:
                yield f"line {node.lineno}: {called.id}()"
            if isinstance(called, ast.Attribute):
                owner = called.value.attr if isinstance(called.value, ast.Attribute) else ""
                owner = called.value.id if isinstance(called.value, ast.Name) else owner
                if (owner, called.attr) in CLOCKS:
                    yield f"line {node.lineno}: reads the clock with {owner}.{called.attr}(); take a value"
                if called.attr in ("read_text", "read_bytes", "write_text", "write_bytes"):
                    yield f"line {node.lineno}: {called.attr}() is I/O; take the bytes"
