"""The docs say what the code knows: every setting, command, entry, code and status is on its page."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from tools import docs_entries, generate_docs

from house.pages import broken, links, rows, sections
from house.source import PACKAGE, ROOT, functions, sources, text_of, tracked
from tideng import settings
from tideng.cli.main import app
from tideng.gateway.carriers.routes import Route
from tideng.gateway.carriers.settings import CarrierSettings
from tideng.gateway.review.codes import CODES
from tideng.gateway.wire.smpp.statuses import VendorStatus

DOCS = ROOT / "docs"
PAGES = [name for name in tracked() if name.endswith(".md") and not name.startswith("tests/")]


def page(name: str) -> dict[str, str]:
    path = DOCS / name
    assert path.is_file(), f"docs/{name} is missing"
    return sections(path.read_text("utf-8"))


def test_generated_pages_are_what_the_code_says() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tools.generate_docs", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_page_that_differs_is_seen_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate_docs, "DOCS", tmp_path)
    assert generate_docs.main(["--check"]) == 1
    assert not list(tmp_path.iterdir())
    assert generate_docs.main([]) == 0
    assert generate_docs.main(["--check"]) == 0
    (tmp_path / "findings.md").write_text("other")
    capsys.readouterr()
    assert generate_docs.main(["--check"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "docs/findings.md is not what the code says; run `make docs`"
    ]


def documented_settings() -> Iterator[tuple[str, str]]:
    for key, _, _ in settings.documented():
        section, _, name = key.rpartition(".")
        yield (f"[{section}]" if section else "At the top"), name
    for heading, struct in (("[[carriers]]", CarrierSettings), ("[[routes]]", Route)):
        for name in struct.__struct_fields__:
            yield heading, name


def test_every_setting_is_documented() -> None:
    found = {heading: rows(text) for heading, text in page("operate/settings.md").items()}
    wanted = [*documented_settings()]
    assert len(wanted) > 60
    missing = [f"{h} {n}" for h, n in wanted if not found.get(h, {}).get(n)]
    assert missing == []
    silent = [f"{h} {n}" for h, n in wanted if not found[h][n][-1]]
    assert silent == [], "add a sentence to the field"


def test_the_example_of_the_settings_page_can_be_loaded(tmp_path: Path) -> None:
    (tmp_path / "example.toml").write_text(generate_docs.EXAMPLE, "utf-8")
    loaded = settings.load(tmp_path / "example.toml", {})
    assert [carrier.id for carrier in loaded.settings.carriers] == ["north"]


def commands() -> list[tuple[str, Any]]:
    top = typer.main.get_command(app)
    return [(" ".join(("tideng", *path)), command) for path, command in generate_docs.commands(top)]


def test_every_command_and_option_is_documented() -> None:
    found = page("operate/cli.md")
    told = {heading: rows(text) for heading, text in found.items()}
    missing = [name for name, _ in commands() if not found.get(name, "").strip()]
    for name, command in commands():
        if command.help is None:
            missing.append(f"{name}: no sentence")
        for parameter in generate_docs.parameters(command):
            option = parameter.param_type_name == "option"
            key = (
                ", ".join((*parameter.opts, *parameter.secondary_opts)) if option else parameter.name.upper()
            )
            if not told.get(name, {}).get(key, [""])[-1]:
                missing.append(f"{name} {key}: no sentence")
    assert missing == []
    assert len(commands()) > 10


def test_every_entry_and_field_is_documented() -> None:
    found = page("evidence/entries.md")
    kinds = docs_entries.kinds()
    missing = []
    for kind, meaning in kinds.items():
        told = rows(found.get(kind, ""))
        fields = docs_entries.entry_fields(kind)
        missing += [f"{kind}.{name}" for name, _, _ in fields if not told.get(name, ["", ""])[-1]]
        if meaning.zh not in found.get(kind, "") or meaning.en not in found.get(kind, ""):
            missing.append(f"{kind}: its meaning")
    assert missing == []
    assert {"decision/2", "handover/2", "report/2", "inbound/2", "registry/1"} <= set(kinds)


def test_every_entry_that_is_written_is_declared() -> None:
    assert set(docs_entries.entry_structs()) | set(docs_entries.DICT_ENTRIES) == set(docs_entries.kinds())


def test_entries_declare_their_fields_in_the_order_of_their_bytes() -> None:
    """The canonical encoding sorts keys; declared sorted, there is nothing to sort."""
    for kind, struct in docs_entries.entry_structs().items():
        names = list(struct.__struct_fields__)
        assert names == sorted(names), kind


def test_every_finding_code_is_documented_and_seen_by_a_test() -> None:
    found = page("findings.md")
    assert [code for code in CODES if not found.get(code, "").strip()] == []
    tests = "\n".join(text_of(n) for n in tracked() if n.startswith("tests/review/"))
    assert [code for code in CODES if not re.search(rf"\b{code}\b", tests)] == []


def recorded_codes(tree: ast.Module) -> set[str]:
    """Words in capitals that a step writes into a tuple or hands to a function: finding codes, if any."""
    found: set[str] = set()
    for node in ast.walk(tree):
        parts = node.elts if isinstance(node, ast.Tuple) else node.args if isinstance(node, ast.Call) else []
        found |= {p.value for p in parts if isinstance(p, ast.Constant) and isinstance(p.value, str)}
    return {word for word in found if re.fullmatch(r"[A-Z]+(_[A-Z]+)*", word)}


def test_every_code_a_step_adds_is_documented() -> None:
    steps = ("gateway/second_look.py", "gateway/dispatch.py", "gateway/intake.py", "gateway/inbound.py")
    added = {code for step in steps for code in recorded_codes(sources()[step])}
    assert "OPTED_OUT" in added
    assert added - set(CODES) == set()


def test_a_code_nobody_documented_is_seen() -> None:
    tree = ast.parse("decide(row, 'refuse', 'NEW_CODE')\nadded = ('OTHER_CODE',)\n'NOT_THIS'")
    assert recorded_codes(tree) == {"NEW_CODE", "OTHER_CODE"}


def test_every_vendor_status_is_documented() -> None:
    text = (DOCS / "integrate" / "smpp.md").read_text("utf-8")
    missing = [s.name for s in VendorStatus if s.name not in text or f"{s.value:04x}" not in text.lower()]
    assert missing == []


MENTION = re.compile(r"`([\w./]+\.(?:py|toml|md|lock))`")
MEMBER = re.compile(r"`(?:[A-Z]\w*\.)?(\w+)\(\)`|`[A-Z]\w*\.([a-z_]\w*)`")


def absent(text: str, known: set[str]) -> Iterator[str]:
    """Files and functions a page names that are not there (any more)."""
    for name in MENTION.findall(text):
        if "*" not in name and not any(one == name or one.endswith("/" + name) for one in known):
            yield name
    for call, member in MEMBER.findall(text):
        if (call or member) not in names_in_code():
            yield call or member


@cache
def names_in_code() -> frozenset[str]:
    """Every function, and every name that any module reads or writes."""
    defined = {f.name for tree in sources().values() for f in functions(tree)} | {"declare"}
    return frozenset(
        defined | {n.id for t in sources().values() for n in ast.walk(t) if isinstance(n, ast.Name)}
    )


@pytest.mark.parametrize("name", [n for n in PAGES if n.startswith("docs/") or n == "ARCHITECTURE.md"])
def test_files_and_functions_that_are_named_exist(name: str) -> None:
    made_later = {"tideng.toml", "registry.toml", "openapi.json"}
    found = [*absent(text_of(name), set(tracked()))]
    assert [one for one in found if one not in made_later] == []


def test_a_name_that_is_gone_is_seen() -> None:
    known = {"src/tideng/gateway/intake.py"}
    assert [*absent("`gateway/intake.py` `intake.py` `Intake.submit` `clear()`", known)] == []
    assert [*absent("`gateway/gone.py` `Intake.vanished` `gone_too()`", known)] == [
        "gateway/gone.py",
        "vanished",
        "gone_too",
    ]


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    assert [*broken(ROOT / name)] == []


def test_every_page_can_be_reached_from_the_index() -> None:
    seen: set[Path] = set()
    waiting = [DOCS / "index.md"]
    while waiting:
        current = waiting.pop().resolve()
        if current in seen or current.suffix != ".md" or not current.is_file():
            continue
        seen.add(current)
        targets = (target.partition("#")[0] for target in links(current.read_text("utf-8")))
        waiting += [current.parent / target for target in targets if target and "://" not in target]
    lost = [name for name in PAGES if name.startswith("docs/") and (ROOT / name).resolve() not in seen]
    assert lost == []


def test_a_broken_link_is_seen(tmp_path: Path) -> None:
    there, here = tmp_path / "there.md", tmp_path / "here.md"
    there.write_text("# A heading, here\n")
    here.write_text("[a](there.md) [b](there.md#a-heading-here) [c](https://example.org/x)\n")
    assert [*broken(here)] == []
    here.write_text("[a](gone.md) [b](there.md#gone) ![c](gone.png)\n```\n[d](in-code.md)\n```\n")
    assert [*broken(here)] == [
        "gone.md does not exist",
        "there.md#gone: no such heading",
        "gone.png does not exist",
    ]


def rooms_in(folder: Path) -> set[str]:
    """Folders with an __init__ and modules beside them, without the underscored ones."""
    folders = {path.parent.name for path in folder.glob("*/__init__.py")}
    return folders | {path.name for path in folder.glob("*.py") if not path.name.startswith("__")}


def test_the_architecture_names_every_room_and_no_other() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    assert len(text.splitlines()) <= 150
    found = sections(text)
    named = {room.rstrip("/") for room in rows(found["Rooms"])} - {"Room"}
    assert named == rooms_in(PACKAGE)
    inside = {room.rstrip("/") for room in rows(found["Inside the gateway"])} - {"Room"}
    assert inside == rooms_in(PACKAGE / "gateway")


def test_a_room_nobody_named_is_seen(tmp_path: Path) -> None:
    (tmp_path / "attic").mkdir()
    (tmp_path / "attic" / "__init__.py").touch()
    (tmp_path / "__init__.py").touch()
    (tmp_path / "stairs.py").touch()
    assert rooms_in(tmp_path) == {"attic", "stairs.py"}


def test_an_undocumented_field_is_seen() -> None:
    source = 'class X:\n    said: int\n    """One\n    sentence."""\n    silent: int\n'
    body = ast.parse(source).body[0]
    assert isinstance(body, ast.ClassDef)
    assert docs_entries.sentences(body) == {"said": "One sentence."}
