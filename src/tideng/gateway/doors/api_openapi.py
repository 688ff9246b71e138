"""The OpenAPI 3.1 document, made from the table of operations and the structs they name. Pure.

msgspec writes the schemas: it knows `forbid_unknown_fields`, which the framework's own generator drops.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from tideng import __version__
from tideng.gateway.doors.api_operation import JSON, Operation
from tideng.gateway.doors.api_problems import KINDS, MEDIA_TYPE, ProblemDetails

_PARAMETER: Final = re.compile(r"\{([a-z_]+)\}")
_TEMPLATE: Final = "#/components/schemas/{name}"
_Json = dict[str, Any]  # Any: JSON of any shape

_PATH_PARAMETERS: Final[Mapping[str, str]] = {
    "id": "The id.",
    "kind": "principal, customer, signature, mandate, template or code_number.",
    "customer": "A customer's id.",
}


def document(operations: Sequence[Operation]) -> _Json:
    """The whole document, as JSON values."""
    structs = _structs(operations)
    schemas, components = msgspec.json.schema_components(structs, ref_template=_TEMPLATE)
    reference = dict(zip(structs, schemas, strict=True))
    paths: dict[str, _Json] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, reference)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tideng SMS gateway",
            "version": __version__,
            "description": "Every message is reviewed and recorded before it is answered.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": _closed(components),
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "An API key: tdk_<id>_<secret>."}
            },
        },
    }


def _structs(operations: Iterable[Operation]) -> list[type[Struct]]:
    found: dict[type[Struct], None] = {ProblemDetails: None}
    for operation in operations:
        for one in (*operation.takes, *operation.gives.values()):
            if not isinstance(one, str):
                found[one] = None
    return list(found)


def _closed(components: _Json) -> _Json:
    """Schemas as the API really reads them: no unknown field, and a bind password instead of its hash."""
    for schema in components.values():
        if schema.get("type") == "object" and "properties" in schema:
            schema["additionalProperties"] = False
    smpp = components.get("SmppAccess")
    if smpp is not None:
        smpp["properties"]["password"] = {
            "type": "string",
            "writeOnly": True,
            "description": "In clear, instead of password_hash; only its argon2id hash is kept.",
        }
        smpp["required"] = [name for name in smpp["required"] if name != "password_hash"]
    return components


def _operation(operation: Operation, reference: Mapping[type[Struct], _Json]) -> _Json:
    responses = {
        str(status): {
            "description": "Done." if status < 300 else "See the body.",
            "content": _content(body, reference),
        }
        for status, body in operation.gives.items()
    }
    for slug in sorted(problems_of(operation), key=lambda one: (KINDS[one].status, one)):
        kind = KINDS[slug]
        response = responses.setdefault(
            str(kind.status),
            {"description": "", "content": {MEDIA_TYPE: {"schema": reference[ProblemDetails]}}},
        )
        response["description"] = f"{response['description']} {slug}: {kind.title}.".strip()
    described: _Json = {
        "operationId": operation_id(operation),
        "summary": operation.summary,
        "parameters": [*_parameters(operation)],
        "responses": responses,
    }
    if operation.access not in ("open", "local"):
        described["security"] = [{"key": []}]
        described["description"] = f"Needs a key with the scope {operation.access}."
    if operation.takes or operation.media_type != JSON:
        schemas = [reference[one] for one in operation.takes]
        schema = {"anyOf": schemas} if len(schemas) > 1 else schemas[0] if schemas else {"type": "string"}
        described["requestBody"] = {"required": True, "content": {operation.media_type: {"schema": schema}}}
    return described


def operation_id(operation: Operation) -> str:
    """A stable name, as metrics and generated clients use it: post_v1_messages."""
    return f"{operation.method.lower()}{re.sub('[^a-z0-9]+', '_', operation.path.lower()).rstrip('_')}"


def problems_of(operation: Operation) -> set[str]:
    """Every kind of problem the operation may answer with."""
    found = {*operation.problems, "bad-request", "internal-error", "not-found", "method-not-allowed"}
    if operation.access != "open":
        found |= {"unauthorized", "forbidden", "too-many-failures"}
    if operation.takes or operation.media_type != JSON:
        found |= {"too-large", "unsupported-media-type"}
    if operation.takes:
        found |= {"malformed-json", "invalid-fields"}
    if operation.method != "GET":
        found |= {"overloaded", "not-recorded"}
    return found


def _content(body: type[Struct] | str, reference: Mapping[type[Struct], _Json]) -> _Json:
    if isinstance(body, str):
        return {body.partition(";")[0]: {"schema": {"type": "string"}}}
    return {JSON: {"schema": reference[body]}}


def _parameters(operation: Operation) -> Iterable[_Json]:
    for name in _PARAMETER.findall(operation.path):
        schema: _Json = {"type": "string", "minLength": 1}
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "schema": schema,
            "description": _PATH_PARAMETERS[name],
        }
    for field in msgspec.structs.fields(operation.query):
        yield {
            "name": field.encode_name,
            "in": "query",
            "required": field.required,
            "schema": msgspec.json.schema(field.type),
        }
    for name, purpose in operation.headers.items():
        schema = {"type": "string", "pattern": "^[!-~]{1,255}$"}
        yield {"name": name, "in": "header", "required": False, "schema": schema, "description": purpose}
