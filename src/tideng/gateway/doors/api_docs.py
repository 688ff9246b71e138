"""The API's page for people, made from the OpenAPI document: plain HTML, no script, nothing remote."""

from typing import Any, Final

from jinja2 import Environment

from tideng.gateway.doors.api_problems import KINDS

_Json = dict[str, Any]  # Any: JSON of any shape

STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 1rem/1.6 system-ui, "Noto Sans CJK SC", sans-serif; }
body { max-width: 60rem; margin: 0 auto; padding: 1rem; }
h2 { margin-top: 2.5rem; overflow-wrap: anywhere; }
code, .method { font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
.method { font-weight: bold; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid currentColor; padding: .4rem .8rem .4rem 0; }
th, td { text-align: left; vertical-align: top; }
.wide { overflow-x: auto; }
"""

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ info.title }} {{ info.version }}: HTTP API</title>
<link rel="stylesheet" href="/docs/style.css">
</head>
<body>
<main>
<h1>{{ info.title }}: HTTP API</h1>
<p>{{ info.description }} The same as a document for programs: <a href="/openapi.json">/openapi.json</a>.</p>
<nav aria-label="Operations"><ul>
{% for one in operations %}<li><a href="#{{ one.id }}"><span class="method">{{ one.method }}</span>
<code>{{ one.path }}</code></a></li>
{% endfor %}</ul></nav>
{% for one in operations %}
<section>
<h2 id="{{ one.id }}"><span class="method">{{ one.method }}</span> <code>{{ one.path }}</code></h2>
<p>{{ one.summary }} {{ one.description }}</p>
{% if one.parameters %}<div class="wide"><table>
<thead><tr><th scope="col">Parameter</th><th scope="col">In</th><th scope="col">What it is</th></tr></thead>
<tbody>{% for p in one.parameters %}<tr><td><code>{{ p.name }}</code></td><td>{{ p.in }}</td>
<td>{{ p.description or p.schema.description or p.schema.type }}</td></tr>{% endfor %}</tbody>
</table></div>{% endif %}
{% if one.body %}<p>Body: {% for type, refs in one.body %}<code>{{ type }}</code>
{% for ref in refs %}<a href="#schema-{{ ref }}">{{ ref }}</a> {% endfor %}{% endfor %}</p>{% endif %}
<div class="wide"><table>
<thead><tr><th scope="col">Status</th><th scope="col">When</th><th scope="col">Body</th></tr></thead>
<tbody>{% for r in one.responses %}<tr><td>{{ r.status }}</td><td>{{ r.description }}</td>
<td>{% for type, refs in r.body %}<code>{{ type }}</code>
{% for ref in refs %}<a href="#schema-{{ ref }}">{{ ref }}</a> {% endfor %}{% endfor %}</td></tr>
{% endfor %}</tbody>
</table></div>
</section>
{% endfor %}
<h2 id="problems">Problems</h2>
<div class="wide"><table>
<thead><tr><th scope="col">Type</th><th scope="col">Status</th><th scope="col">Meaning</th></tr></thead>
<tbody>{% for slug, kind in kinds.items() %}<tr><td><code>urn:tideng:problem:{{ slug }}</code></td>
<td>{{ kind.status }}</td><td>{{ kind.title }}. {{ kind.meaning }}</td></tr>{% endfor %}</tbody>
</table></div>
<h2 id="schemas">Schemas</h2>
{% for name, schema in schemas.items() %}
<section>
<h3 id="schema-{{ name }}">{{ name }}</h3>
<p>{{ schema.description }}</p>
{% if schema.properties %}<div class="wide"><table>
<thead><tr><th scope="col">Field</th><th scope="col">Form</th><th scope="col">What it is</th></tr></thead>
<tbody>{% for field, form in schema.properties.items() %}<tr>
<td><code>{{ field }}</code>{% if field in schema.required %} (required){% endif %}</td>
<td>{{ form | form }}</td><td>{{ form.description or "" }}</td></tr>{% endfor %}</tbody>
</table></div>{% endif %}
</section>
{% endfor %}
</main>
</body>
</html>
"""


def page(document: _Json) -> str:
    """The HTML page for this OpenAPI document. Everything in it is escaped."""
    environment = Environment(autoescape=True, trim_blocks=True)
    environment.filters["form"] = _form
    operations = [
        _operation(path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    return environment.from_string(_PAGE).render(
        info=document["info"],
        operations=operations,
        kinds=KINDS,
        schemas=document["components"]["schemas"],
    )


def _operation(path: str, method: str, operation: _Json) -> _Json:
    return {
        "id": operation["operationId"],
        "path": path,
        "method": method.upper(),
        "summary": operation["summary"],
        "description": operation.get("description", ""),
        "parameters": operation["parameters"],
        "body": _bodies(operation.get("requestBody", {})),
        "responses": [
            {"status": status, "description": response["description"], "body": _bodies(response)}
            for status, response in operation["responses"].items()
        ],
    }


def _bodies(holder: _Json) -> list[tuple[str, list[str]]]:
    return [
        (media_type, _names(content["schema"])) for media_type, content in holder.get("content", {}).items()
    ]


def _names(schema: _Json) -> list[str]:
    found = [schema, *schema.get("anyOf", ())]
    return [one["$ref"].rpartition("/")[2] for one in found if "$ref" in one]


def _form(schema: _Json) -> str:
    """A property's form in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(_form(one) for one in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(str(one) or "(empty)" for one in schema["enum"])
    if schema.get("type") == "array":
        return f"array of {_form(schema.get('items', {}))}"
    limits = [
        f"{word} {schema[name]}"
        for name, word in (
            ("minLength", "at least"),
            ("maxLength", "at most"),
            ("minimum", "from"),
            ("maximum", "to"),
            ("pattern", "like"),
        )
        if name in schema
    ]
    return ", ".join([str(schema.get("format", schema.get("type", "any"))), *limits])
