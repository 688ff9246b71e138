"""Sizes, names, docstrings and honest errors, in every module of the package; and that the rules can fail."""

import ast
from collections.abc import Callable, Iterator

import pytest

from house import rules
from house.source import PACKAGE, lines_of, sources, text_of, tracked

Rule = Callable[[ast.Module], Iterator[str]]


def over_the_house(check: Callable[[str, ast.Module], Iterator[str]]) -> list[str]:
    return [f"{module}: {problem}" for module, tree in sources().items() for problem in check(module, tree)]


def all_well(problems: list[str]) -> None:
    assert not problems, "\n" + "\n".join(problems)


def test_modules_and_functions_are_short() -> None:
    all_well(over_the_house(lambda module, tree: rules.too_long(tree, lines_of(module))))


def test_every_room_has_a_telling_name() -> None:
    all_well(over_the_house(lambda module, _: rules.misnamed(module)))


def test_errors_are_caught_narrowly_and_nothing_is_asserted() -> None:
    all_well(over_the_house(lambda _, tree: rules.unguarded(tree)))


def test_imports_are_absolute() -> None:
    all_well(over_the_house(lambda _, tree: rules.relative(tree)))


def test_what_is_public_says_what_it_promises() -> None:
    all_well(over_the_house(lambda _, tree: rules.undocumented(tree)))


def test_nothing_is_left_unfinished() -> None:
    names = [name for name in tracked() if not name.endswith(".lock")]
    all_well([f"{name}: {problem}" for name in names for problem in rules.unfinished(text_of(name))])


def test_the_tree_was_found() -> None:
    assert {"settings.py", "gateway/intake.py", "evidence/merkle.py"} <= set(sources())
    assert PACKAGE.name == "tideng"


@pytest.mark.parametrize(
    ("rule", "bad"),
    [
        (rules.unguarded, "assert 1"),
        (rules.unguarded, "try:\n    f()\nexcept:\n    raise"),
        (rules.unguarded, "try:\n    f()\nexcept BaseException:\n    pass"),
        (rules.relative, "from . import codec"),
        (rules.undocumented, "x = 1"),
        (rules.undocumented, '"""Says."""\ndef shown(): ...'),
        (rules.undocumented, '"""Says."""\nclass Shown: ...'),
    ],
)
def test_a_breach_is_seen(rule: Rule, bad: str) -> None:
    assert [*rule(ast.parse(bad))] != []


@pytest.mark.parametrize(
    ("rule", "good"),
    [
        (rules.unguarded, "try:\n    f()\nexcept OSError:\n    pass"),
        (rules.unguarded, "try:\n    f()\nexcept BaseException:\n    g()\n    raise"),
        (rules.relative, "from tideng.text import gsm"),
        (rules.undocumented, '"""Says."""\ndef _hidden(): ...'),
    ],
)
def test_what_is_allowed_passes(rule: Rule, good: str) -> None:
    assert [*rule(ast.parse(good))] == []


def test_a_long_function_and_a_long_module_are_seen() -> None:
    body = "def long():\n" + "    x = 1\n" * rules.FUNCTION_LINES_MAX
    assert len([*rules.too_long(ast.parse(body), rules.MODULE_LINES_MAX + 1)]) == 2
    assert [*rules.too_long(ast.parse(body.removesuffix("    x = 1\n")), rules.MODULE_LINES_MAX)] == []


@pytest.mark.parametrize("name", ["utils.py", "gateway/common/x.py", "text/base.py", "link_manager.py"])
def test_a_name_that_says_nothing_is_seen(name: str) -> None:
    assert [*rules.misnamed(name)] != []


def test_a_promise_to_finish_later_is_seen() -> None:
    assert [*rules.unfinished("x = 1  # TO" + "DO later")] == ["line 1: finish it, or open an issue"]
    assert [*rules.unfinished("到dos and todo lists are words, not marks")] == []
