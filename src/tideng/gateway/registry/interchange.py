"""The registry as a TOML file: read with every problem named, written so that it reads back the same.

One `[[kind]]` table per object, fields named as in `values.py`. A customer's `smpp` table may carry
`password` instead of `password_hash`; it is hashed while reading and goes no further.
"""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from difflib import get_close_matches
from typing import Any, Final

import msgspec
from msgspec import Struct

from tideng.gateway.registry.kinds import TYPES, kind_of
from tideng.gateway.registry.passwords import hash_password, password_problem
from tideng.gateway.registry.problems import Problem, RegistryInvalid
from tideng.gateway.registry.values import RegistryObject

FILE_BYTES_MAX: Final = 16 * 1024 * 1024
OBJECTS_MAX: Final = 100_000

SealPassword = Callable[[str, str], str]
"""(customer id, password in clear) to argon2id hash."""

_Table = Mapping[str, Any]  # Any: TOML values of any type, until `_convert` has judged them


def seal_afresh(_customer: str, password: str) -> str:
    """Hash with a fresh salt, whoever it is."""
    return hash_password(password)


def read_toml(data: bytes, seal: SealPassword = seal_afresh) -> list[RegistryObject]:
    """Every object of the file, in its order within each kind.

    Raises `RegistryInvalid` with everything wrong about the file's form at once: unknown names (with the
    nearest known one), wrong types, missing fields. Whether the objects are acceptable, `check` says.
    `seal` is called once for each password of a well-formed customer.
    """
    document = _document(data)
    problems = [
        Problem(kind, f"is no kind of object; {_nearest(kind, TYPES)}")
        for kind in sorted(document.keys() - TYPES.keys())
    ]
    objects: list[RegistryObject] = []
    for kind, object_type in TYPES.items():
        tables = document.get(kind, [])
        if not isinstance(tables, list):
            problems.append(Problem(kind, f"is one table; write [[{kind}]] with two brackets"))
            continue
        for nth, table in enumerate(tables):
            item, found = _object(kind, object_type, nth, table, seal)
            problems.extend(found)
            if item is not None:
                objects.append(item)
    if problems:
        raise RegistryInvalid(problems)
    return objects


def _document(data: bytes) -> dict[str, Any]:  # Any: see _Table
    if len(data) > FILE_BYTES_MAX:
        raise _unreadable(f"has {len(data)} bytes; the limit is {FILE_BYTES_MAX}. Split the file")
    try:
        document = tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise _unreadable(f"is not UTF-8 at byte {error.start}; save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise _unreadable(f"is not TOML: {_where(error)}. Correct that line") from error
    except RecursionError as error:
        raise _unreadable("nests arrays or tables too deeply; the registry needs three levels") from error
    count = sum(len(tables) for tables in document.values() if isinstance(tables, list))
    if count > OBJECTS_MAX:
        raise _unreadable(f"has {count} objects; the limit is {OBJECTS_MAX}. Split the file")
    return document


def _unreadable(message: str) -> RegistryInvalid:
    return RegistryInvalid([Problem("file", message)])


def _where(error: tomllib.TOMLDecodeError) -> str:
    # tomllib quotes at most a key or a character, but a key could be anything: keep only the place.
    message = str(error)
    place = re.search(r"\(at (line \d+, column \d+|end of document)\)", message)
    return f"{message.split(' (at ')[0].split(':')[0]} at {place[1]}" if place else "it cannot be parsed"


def _object(
    kind: str, object_type: type[RegistryObject], nth: int, table: object, seal: SealPassword
) -> tuple[RegistryObject | None, list[Problem]]:
    if not isinstance(table, dict):
        return None, [Problem(f"{kind}[{nth}]", f"is no table; write [[{kind}]] with two brackets")]
    given_id = table.get("id")
    path = f"{kind}:{given_id}" if isinstance(given_id, str) and given_id else f"{kind}[{nth}]"
    problems: list[Problem] = []
    password = ""
    smpp = table.get("smpp")
    if kind == "customer" and isinstance(smpp, dict) and "password" in smpp:
        password, found = _password(smpp, f"{path}.smpp")
        problems.extend(found)
        # The hash is made last, and only if all else is well: it takes a tenth of a second.
        smpp = {key: value for key, value in smpp.items() if key != "password"} | {"password_hash": ""}
        table = table | {"smpp": smpp}
    values = _fields(object_type, table, path, problems)
    if problems:
        return None, problems
    if password:
        values["smpp"] = msgspec.structs.replace(values["smpp"], password_hash=seal(str(given_id), password))
    return object_type(**values), []


def _password(smpp: _Table, path: str) -> tuple[str, list[Problem]]:
    password = smpp["password"]
    if "password_hash" in smpp:
        return "", [Problem(path, "has both password and password_hash; keep one of them")]
    if not isinstance(password, str):
        return "", [Problem(f"{path}.password", "is not text; put it between quotation marks")]
    problem = password_problem(password)
    return password, [Problem(f"{path}.password", problem)] if problem else []


def _fields(
    struct: type[Struct], table: _Table, path: str, problems: list[Problem]
) -> dict[str, Any]:  # Any: each value has its field's type
    """The constructor's arguments; what is wrong goes to `problems`, field by field, so that all is said."""
    fields = {field.name: field for field in msgspec.structs.fields(struct)}
    problems.extend(
        Problem(f"{path}.{key}", f"is no field of {struct.__name__}; {_nearest(key, fields)}")
        for key in sorted(table.keys() - fields.keys())
    )
    values: dict[str, Any] = {}
    for name, field in fields.items():
        if name not in table:
            if field.required:
                problems.append(Problem(f"{path}.{name}", "is missing; add it"))
            continue
        values[name] = _convert(table[name], field.type, f"{path}.{name}", problems)
    return values


def _convert(value: object, wanted: Any, path: str, problems: list[Problem]) -> object:  # Any: a type
    nested = _struct_in(wanted)
    if nested is not None and isinstance(value, dict):
        before = len(problems)
        values = _fields(nested, value, path, problems)
        return nested(**values) if len(problems) == before else None
    if nested is not None and isinstance(value, list):
        return tuple(_convert(item, nested, f"{path}[{nth}]", problems) for nth, item in enumerate(value))
    if type(value) is date:
        value = value.isoformat()  # an unquoted TOML date means the same
    try:
        return msgspec.convert(value, wanted)
    except msgspec.ValidationError as error:
        said, _, place = str(error).partition(" - at `$")
        problems.append(Problem(path + place.rstrip("`"), f"has the wrong form: {said}"))
        return None


def _struct_in(wanted: Any) -> type[Struct] | None:  # Any: a type
    """The Struct of `S`, `S | None` or `tuple[S, ...]`; these three forms occur in `values.py`."""
    for candidate in (wanted, *getattr(wanted, "__args__", ())):
        if isinstance(candidate, type) and issubclass(candidate, Struct):
            return candidate
    return None


def _nearest(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    close = get_close_matches(name, names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known are {', '.join(names)}"


def write_toml(objects: Iterable[RegistryObject]) -> bytes:
    """The file that `read_toml` reads back to the same objects. Fields at their default are left out.

    Password hashes are written, because without them the copy could not be read back: keep the file as
    safe as the database.
    """
    lines: list[str] = []
    for item in objects:
        lines.append(f"[[{kind_of(item)}]]")
        lines.extend(f"{key} = {_toml(value)}" for key, value in _spoken(item))
        lines.append("")
    return "\n".join(lines).encode()


def _spoken(struct: Struct) -> Iterator[tuple[str, object]]:
    for field in msgspec.structs.fields(type(struct)):
        value = getattr(struct, field.name)
        if field.required or value != field.default:
            yield field.name, value


def _toml(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            return _quoted(value)
        case tuple():
            return f"[{', '.join(_toml(item) for item in value)}]"
        case Struct():
            return f"{{ {', '.join(f'{key} = {_toml(inner)}' for key, inner in _spoken(value))} }}"
    raise TypeError(f"the registry has no field of type {type(value).__name__}; teach write_toml about it")


def _quoted(text: str) -> str:
    # TOML 1.0 "Strings": what must be escaped is what JSON escapes, and DEL.
    return msgspec.json.encode(text).decode().replace("\x7f", "\\u007f")
