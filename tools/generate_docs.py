"""Writes the pages of docs/ that the code already knows: settings, commands, ledger entries, finding codes.

`python -m tools.generate_docs` writes them; with `--check` it writes nothing and exits 1 if one differs.
"""

import argparse
import inspect
import sys
from collections.abc import Iterator, Sequence
from typing import Any, Final, get_type_hints

import msgspec
import typer
from tools.docs_entries import NOTE, ROOT, cell, entries_page, field_docs, type_name

DOCS: Final = ROOT / "docs"

UNITS: Final = (
    ("_us", "microseconds"),
    ("_per_s", "per second"),
    ("_s", "seconds"),
    ("_h", "hours"),
    ("_hours", "hours"),
    ("_days", "days"),
    ("_bytes_max", "bytes"),
    ("_bits", "bits"),
    ("port", "TCP port"),
    ("_max", "count"),
    ("_failures", "count"),
)

EXAMPLE: Final = """\
data = "/var/lib/tideng"
origin = "sms.example.com/ledger"

[smpp]
host = "0.0.0.0"
tls_port = 2776
tls_certificate = "/etc/tideng/chain.pem"
tls_key = "/etc/tideng/key.pem"

[http]
secure_cookies = true

[[carriers]]
id = "north"
host = "smsc.example.net"
system_id = "tideng"
password = "secret"
links = 2

[[routes]]
carrier = "north"
prefix = "86"
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pages, or with `--check` say which differ; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.generate_docs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a page differs")
    check: bool = parser.parse_args(arguments).check
    differing = 0
    for name, page in pages().items():
        path = DOCS / name
        if path.is_file() and path.read_text("utf-8") == page:
            continue
        differing += 1
        if check:
            sys.stdout.write(f"docs/{name} is not what the code says; run `make docs`\n")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(page, "utf-8")
            sys.stdout.write(f"docs/{name} written\n")
    return 1 if check and differing else 0


def pages() -> dict[str, str]:
    """Every generated page, by its path below docs/."""
    from tideng.gateway.review.codes import findings_markdown

    return {
        "operate/settings.md": settings_page(),
        "operate/cli.md": cli_page(),
        "evidence/entries.md": entries_page(),
        "findings.md": findings_markdown(),
        "text/findings.md": families_page(),
    }


def families_page() -> str:
    """docs/text/findings.md"""
    from tideng.text.family_page import families_markdown
    from tideng.text.knowledge import bundled_knowledge
    from tideng.text.policies import bundled_verdict_policy
    from tideng.text.ready import make_judge
    from tideng.text.tables import bundled_tables

    return families_markdown(
        make_judge(bundled_tables(), bundled_knowledge(), bundled_verdict_policy()).reader.book
    )


# ---- settings ----------------------------------------------------------------------------------------------


def settings_page() -> str:
    """docs/operate/settings.md"""
    from tideng.gateway.carriers.routes import Route
    from tideng.gateway.carriers.settings import CarrierSettings
    from tideng.settings import Settings, documented

    lines = [
        "# Settings · 设置",
        "",
        NOTE,
        "",
        "A setting comes from its default, then from a TOML file (`tideng --settings FILE`, or the variable",
        "`TIDENG_SETTINGS`), then from the environment; the later one wins. An unknown key stops the start.",
        "`tideng settings` prints what is in force and where each value came from.",
        "",
        "## In the environment",
        "",
        "- `TIDENG_` and the key in capitals; `__` is the dot: `TIDENG_SMPP__PORT=2775` sets `smpp.port`.",
        "- `…_FILE` takes the value from a file, for secrets: `TIDENG_SMPP__TLS_KEY_FILE=/run/secrets/key`.",
        "- `TIDENG_CARRIERS` and `TIDENG_ROUTES` hold a JSON list of objects with the fields below.",
        "",
        "## An example",
        "",
        "```toml",
        EXAMPLE.rstrip(),
        "```",
        "",
        "## At the top",
        "",
        *_head(),
    ]
    section = ""
    for key, sentence, default in documented():
        at, _, name = key.rpartition(".")
        owner: Any = type(getattr(Settings(), at)) if at else Settings  # Any: a Struct class
        if at != section:
            section = at
            lines += ["", f"## [{section}]", "", _first(owner), "", *_head()]
        lines.append(_row(name, get_type_hints(owner, include_extras=True)[name], default, sentence))
    for name, struct in (("carriers", CarrierSettings), ("routes", Route)):
        lines += ["", f"## [[{name}]]", "", _first(struct), "", *_head()]
        sentences = field_docs(struct)
        for field in msgspec.structs.fields(struct):
            lines.append(_row(field.name, field.type, _default(field), sentences.get(field.name, "")))
    return "\n".join(lines) + "\n"


def _head() -> list[str]:
    return ["| Key | Type | Unit | Default | What it is |", "|---|---|---|---|---|"]


def _row(name: str, annotation: Any, default: str, sentence: str) -> str:  # Any: typing's own objects
    shown = f"`{default}`" if default not in ("", '""') else "empty"
    shown = "required" if default == _REQUIRED else shown
    return f"| `{name}` | {type_name(annotation)} | {_unit(name)} | {shown} | {cell(sentence)} |"


_REQUIRED: Final = "(required)"


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return _REQUIRED
    value = field.default
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _unit(name: str) -> str:
    return next((unit for ending, unit in UNITS if name.endswith(ending)), "—")


# ---- commands ----------------------------------------------------------------------------------------------


def cli_page() -> str:
    """docs/operate/cli.md"""
    from tideng.cli.main import app

    top = typer.main.get_command(app)
    lines = [
        "# Commands · 命令",
        "",
        NOTE,
        "",
        "Exit codes: 0 done; 1 it ran, and what it looked at is not well; 2 it could not run.",
        "",
        "## tideng",
        "",
        _paragraph(top.help),
        "",
        *_parameters(top),
    ]
    for path, command in commands(top):
        name = " ".join(("tideng", *path))
        lines += ["", f"## {name}", "", _paragraph(command.help), "", f"`{_usage(name, command)}`"]
        table = _parameters(command)
        lines += ["", *table] if table else []
    return "\n".join(lines) + "\n"


def commands(top: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command below `top`, groups included, with the words that call it. Any: typer's own classes."""
    for name, command in getattr(top, "commands", {}).items():
        if not command.hidden:
            yield (*path, name), command
            yield from commands(command, (*path, name))


def parameters(command: Any) -> list[Any]:  # Any: typer's own classes
    """A command's arguments and options that are not hidden, the shell's completion left out."""
    shell = ("install_completion", "show_completion", "help")
    return [p for p in command.params if p.name not in shell and not getattr(p, "hidden", False)]


def _usage(name: str, command: Any) -> str:
    words = [name]
    if any(p.param_type_name == "option" for p in parameters(command)):
        words.append("[OPTIONS]")
    arguments = [p for p in parameters(command) if p.param_type_name == "argument"]
    words += [p.name.upper() if p.required else f"[{p.name.upper()}]" for p in arguments]
    if getattr(command, "commands", None):
        words.append("COMMAND …")
    return " ".join(words)


def _parameters(command: Any) -> list[str]:
    rows = []
    for p in parameters(command):
        is_option = p.param_type_name == "option"
        name = (
            ", ".join(f"`{word}`" for word in (*p.opts, *p.secondary_opts)) if is_option else p.name.upper()
        )
        default = p.default() if callable(p.default) else p.default
        default = getattr(default, "value", default)
        if p.required:
            shown = "required"
        elif default is None or default in ("", False):
            shown = "—"
        else:
            listed = " ".join(map(str, default)) if isinstance(default, list | tuple) else str(default)
            shown = f"`{listed}`"
        told = p.help or ""
        told += f" Also from `{p.envvar}`." if p.envvar else ""
        rows.append(f"| {name} | {shown} | {cell(told)} |")
    return ["| | Default | What it is |", "|---|---|---|", *rows] if rows else []


def _paragraph(text: str | None) -> str:
    return inspect.cleandoc(text or "")


def _first(struct: type) -> str:
    return inspect.cleandoc(struct.__doc__ or "").split("\n\n")[0]


if __name__ == "__main__":
    raise SystemExit(main())
