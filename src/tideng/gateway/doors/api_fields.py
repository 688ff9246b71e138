"""Reads JSON and queries straight into structs; when that fails, says all that is wrong, by field.

msgspec stops at the first error. Good requests pay nothing for the second look at bad ones.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, TypeVar, get_args, get_origin

import msgspec
from msgspec import Struct

from tideng.gateway.doors.api_problems import ERRORS_MAX, FieldError, Problem, fields_problem

S = TypeVar("S", bound=Struct)

_DEPTH: Final = "is nested too deeply, or a number in it is out of range"


@lru_cache(maxsize=64)
def _decoder(wanted: type[Any]) -> msgspec.json.Decoder[Any]:  # Any: one decoder per request type
    return msgspec.json.Decoder(wanted)


def read_json(body: bytes, types: Sequence[type[Struct]]) -> Struct:
    """The body as the first of `types` that it is. Raises `Problem` malformed-json or invalid-fields."""
    for wanted in types:
        try:
            found: Struct = _decoder(wanted).decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
        return found
    raise _second_look(body, types)


def _second_look(body: bytes, types: Sequence[type[Struct]]) -> Problem:
    try:
        raw = msgspec.json.decode(body)
    except UnicodeDecodeError as error:
        return Problem("malformed-json", f"the body is not UTF-8 at byte {error.start}; send JSON in UTF-8")
    except (msgspec.DecodeError, RecursionError) as error:
        said = _DEPTH if isinstance(error, RecursionError | msgspec.ValidationError) else str(error)
        return Problem("malformed-json", f"the body is no JSON we can read: {said}. Correct it")
    errors: list[FieldError] = []
    collect(raw, _meant(raw, types), "", errors)
    if not errors:
        errors.append(FieldError("", "does not fit the schema at /openapi.json; compare it"))
    return fields_problem(errors)


def _meant(raw: object, types: Sequence[type[Struct]]) -> type[Struct]:
    """Of several shapes the one that a required field announces, else the last."""
    if isinstance(raw, dict):
        for wanted in types:
            if any(field.required and field.encode_name in raw for field in msgspec.structs.fields(wanted)):
                return wanted
    return types[-1]


def read_object(raw: object, wanted: type[S], pointer: str = "") -> S:
    """JSON that was decoded already, as a struct; fields it does not know are errors. Raises `Problem`."""
    errors: list[FieldError] = []
    collect(raw, wanted, pointer, errors)
    if errors:
        raise fields_problem(errors)
    return msgspec.convert(raw, wanted)


def read_query(query: Mapping[str, str], wanted: type[S]) -> S:
    """The query's parameters as a struct. Raises `Problem` bad-request."""
    errors: list[FieldError] = []
    fields = {field.encode_name: field for field in msgspec.structs.fields(wanted)}
    values: dict[str, Any] = {}  # Any: each value has its field's type
    for name, value in query.items():
        field = fields.get(name)
        if field is None:
            errors.append(
                FieldError(f"?{name[:64]}", f"is not known here; known are {', '.join(fields) or 'none'}")
            )
            continue
        try:
            values[field.name] = msgspec.convert(value, field.type, strict=False)
        except (msgspec.ValidationError, OverflowError) as error:
            errors.append(FieldError(f"?{name}", str(error)))
    errors += [
        FieldError(f"?{name}", "is missing; add it")
        for name, field in fields.items()
        if field.required and field.name not in values and name not in query
    ]
    if errors:
        detail = f"{len(errors)} problem(s) in the query; correct them"
        raise Problem("bad-request", detail, errors=errors)
    return wanted(**values)


def collect(raw: object, wanted: type[Struct], pointer: str, errors: list[FieldError]) -> None:
    """Add everything wrong with `raw` as a `wanted`."""
    if len(errors) >= ERRORS_MAX:
        return
    if not isinstance(raw, dict):
        errors.append(FieldError(pointer, f"is {_json_name(raw)}; send an object"))
        return
    fields = {field.encode_name: field for field in msgspec.structs.fields(wanted)}
    errors.extend(
        FieldError(f"{pointer}/{_escaped(name)}", f"is not known here; known are {', '.join(fields)}")
        for name in sorted(raw.keys() - fields.keys())[:ERRORS_MAX]
    )
    for name, field in fields.items():
        if name in raw:
            _collect_value(raw[name], field.type, f"{pointer}/{name}", errors)
        elif field.required:
            errors.append(FieldError(f"{pointer}/{name}", "is missing; add it"))


def _collect_value(raw: object, wanted: Any, pointer: str, errors: list[FieldError]) -> None:  # Any: a type
    nested, many = _struct_in(wanted)
    if nested is not None and not many and isinstance(raw, dict):
        collect(raw, nested, pointer, errors)
        return
    if nested is not None and many and isinstance(raw, list):
        before = len(errors)
        for nth, item in enumerate(raw):
            collect(item, nested, f"{pointer}/{nth}", errors)
        if len(errors) > before:
            return
    try:
        msgspec.convert(raw, wanted)
    except (msgspec.ValidationError, OverflowError) as error:
        said, _, place = str(error).partition(" - at `$")
        errors.append(FieldError(pointer + place.rstrip("`").replace("[", "/").replace("]", ""), said))


def _struct_in(wanted: Any) -> tuple[type[Struct] | None, bool]:  # Any: a type
    """The struct in `S`, `S | None`, `list[S]`, `tuple[S, ...]`, annotated or not; and whether of many."""
    if isinstance(wanted, type) and issubclass(wanted, Struct):
        return wanted, False
    origin = get_origin(wanted)
    for inner in get_args(wanted):
        found, many = _struct_in(inner)
        if found is not None:
            return found, many or origin in (list, tuple)
    return None, False


def _json_name(raw: object) -> str:
    names = {str: "text", bool: "true or false", int: "a number", float: "a number", list: "an array"}
    return "null" if raw is None else names.get(type(raw), "something else")


def _escaped(name: str) -> str:
    return name[:64].replace("~", "~0").replace("/", "~1")
