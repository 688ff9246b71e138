"""What is wrong with what someone wants to put into the registry: everything at once, each with its place."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

_SHOWN_MAX: Final = 5


class Problem(Struct, frozen=True, order=True):
    """`path` says where (`customer:acme.smpp.allow[0]`, `line 7`); `message`: value, limit, next step."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class RegistryInvalid(Exception):
    """Nothing was changed. `problems` lists everything found, in the order of the objects given."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        shown = "; ".join(str(problem) for problem in self.problems[:_SHOWN_MAX])
        rest = len(self.problems) - _SHOWN_MAX
        super().__init__(f"{shown}; and {rest} more" if rest > 0 else shown)
