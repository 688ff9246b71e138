"""Reading the pages of docs/: their headings, tables and links."""

import re
from collections.abc import Iterator
from pathlib import Path

_LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)|!\[[^\]\n]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^(```|~~~).*?^\1", re.M | re.S)


def sections(page: str) -> dict[str, str]:
    """Heading to what stands below it, up to the next heading of any level; "" is what comes first."""
    found = {"": ""}
    heading = ""
    for line in _FENCE.sub("", page).splitlines():
        if line.startswith("#"):
            heading = line.lstrip("#").strip()
            found.setdefault(heading, "")
        else:
            found[heading] += line + "\n"
    return found


def rows(section: str) -> dict[str, list[str]]:
    """First cell, without back-ticks, to the other cells of a section's table."""
    found = {}
    for line in section.splitlines():
        if line.startswith("|") and not set(line) <= set("|-: "):
            first, *others = [cell.strip() for cell in line.replace("\\|", "¦").strip("|").split("|")]
            found[first.replace("`", "")] = others
    return found


def links(page: str) -> Iterator[str]:
    """Where the page's links and images lead."""
    for match in _LINK.finditer(_FENCE.sub("", page)):
        yield match.group(1) or match.group(2)


def broken(path: Path) -> Iterator[str]:
    """Relative links of a page that lead nowhere. Addresses elsewhere are not asked."""
    for target in links(path.read_text("utf-8")):
        file, _, anchor = target.partition("#")
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        goal = (path.parent / file) if file else path
        if not goal.exists():
            yield f"{target} does not exist"
        elif anchor and goal.suffix == ".md":
            known = {_anchor(heading) for heading in sections(goal.read_text("utf-8"))}
            if anchor not in known:
                yield f"{target}: no such heading"


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
