"""What the operator knows about lines besides their calls: owner, address, installer."""

import csv
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from tideng.calls.detector.outside import GROUP_LINES_MAX
from tideng.calls.numbers import to_e164

FILE: Final = "lines.csv"
LINES_MAX: Final = 5_000_000
CELL_CHARACTERS_MAX: Final = 500


class RegisterInvalid(ValueError):
    """The file is no register of lines. The message names the row and the next step."""


class LineFacts(Struct, frozen=True, kw_only=True):
    """One line, as far as known."""

    owner: str = ""
    address: str = ""
    installer: str = ""
    """Who installed or repaired there last, or the number of that visit."""


class Register:
    """Lines by their number in E.164 digits."""

    def __init__(self, lines: Mapping[str, LineFacts]) -> None:
        self._lines = lines
        sizes = Counter(group for facts in lines.values() for group in _groups(facts))
        self._linking = {group for group, size in sizes.items() if 2 <= size <= GROUP_LINES_MAX}
        self.too_large = sum(size > GROUP_LINES_MAX for size in sizes.values())
        """Groups of more than `GROUP_LINES_MAX` lines, which link nobody."""

    def __len__(self) -> int:
        return len(self._lines)

    def facts(self, line: str) -> LineFacts:
        """What is known of a line; nothing is known of one that is not there."""
        return self._lines.get(line, _NOBODY)

    def groups(self, line: str) -> tuple[str, ...]:
        """What links it to others: its address and its installer."""
        return tuple(group for group in _groups(self.facts(line)) if group in self._linking)


_NOBODY: Final = LineFacts()
NO_REGISTER: Final = Register({})


def _groups(facts: LineFacts) -> tuple[str, ...]:
    named = (("address", facts.address), ("installer", facts.installer))
    return tuple(f"{kind}:{''.join(said.split()).casefold()}" for kind, said in named if said)


def read_register(path: Path, *, area: str = "") -> Register:
    """A CSV with a header: `line`, and any of `owner`, `address`, `installer`; the last row of a line counts.

    `area`: of numbers written without one, as "021". Raises `RegisterInvalid`, or OSError.
    """
    lines: dict[str, LineFacts] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            if "line" not in (rows.fieldnames or ()):
                raise RegisterInvalid(f"{path.name} has no column `line`; name it in the first row")
            for row in rows:
                if len(lines) >= LINES_MAX:
                    raise RegisterInvalid(f"{path.name} has more than {LINES_MAX:,} lines; shard it")
                told = {name: (row.get(name) or "").strip() for name in ("owner", "address", "installer")}
                longest = max(map(len, told.values()))
                if longest > CELL_CHARACTERS_MAX:
                    raise RegisterInvalid(
                        f"{path.name}, row {rows.line_num}: a cell has {longest} characters; the limit is "
                        f"{CELL_CHARACTERS_MAX}"
                    )
                number = to_e164(row["line"] or "", area)
                if not number:
                    raise RegisterInvalid(f"{path.name}, row {rows.line_num}: no number; give one or drop it")
                lines[number] = LineFacts(**told)
    except (UnicodeDecodeError, csv.Error) as error:
        raise RegisterInvalid(f"{path.name} is no CSV in UTF-8: {error}") from error
    return Register(lines)
