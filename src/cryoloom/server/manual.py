"""`/api/docs`: the API's description to be read, made of nothing but itself."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from cryoloom.server.page import BUILT

router = APIRouter(include_in_schema=False)
HEAD = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Cryoloom's API</title>{style}</head>
<body><main class="page scroll pad"><h1>Cryoloom's API</h1>
<p>All that the page does. Scripts send <code>Authorization: Bearer TOKEN</code> with the token of the link that
<code>cryoloom serve</code> prints; errors are <code>{{"error": {{"where", "found", "expected", "hint", "text"}}}}</code>.
The same for programs: <a href="openapi.json">openapi.json</a>.</p>"""


@router.get("/docs")
def docs(request: Request) -> HTMLResponse:
    """Every route with what it takes and gives."""
    described: dict[str, Any] = request.app.openapi()
    found = sorted(BUILT.glob("assets/index-*.css"))
    style = "".join(f'<link rel="stylesheet" href="../assets/{escape(file.name)}">' for file in found)
    return HTMLResponse("".join([HEAD.format(style=style), *_tags(described), "</main></body></html>"]))


def _tags(described: Mapping[str, Any]) -> Iterator[str]:
    routes = [
        (method, path, route)
        for path, methods in described["paths"].items()
        for method, route in methods.items()
    ]
    tags = dict.fromkeys(tag for *_, route in routes for tag in route.get("tags", ("other",)))
    for tag in tags:
        yield f"<h2>{escape(tag)}</h2>"
        for method, path, route in routes:
            if tag in route.get("tags", ("other",)):
                yield _route(method, path, route, described)


def _route(method: str, path: str, route: Mapping[str, Any], described: Mapping[str, Any]) -> str:
    rows = [
        (one["name"], one["in"], one.get("description", ""), _type(one.get("schema", {})))
        for one in route.get("parameters", ())
        if one["in"] != "path"
    ]
    body = route.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    for name, schema in _fields(body, described) if body else ():
        rows.append((name, "body", schema.get("description", ""), _type(schema)))
    lines = "".join(f"<tr>{''.join(f'<td>{escape(str(word))}</td>' for word in row)}</tr>" for row in rows)
    table = f'<table class="table"><tbody>{lines}</tbody></table>' if rows else ""
    gives = route["responses"].get("200", route["responses"].get("201", {}))
    schema = gives.get("content", {}).get("application/json", {}).get("schema", {})
    fields = ", ".join(name for name, _ in _fields(schema, described))
    what = (
        f'<p class="muted">gives {escape(_type(schema))}{escape(f": {fields}" if fields else "")}</p>'
        if schema
        else ""
    )
    said = escape(route.get("description", ""))
    return (
        f"<section><h3><code>{method.upper()} {escape(path)}</code></h3><p>{said}</p>{table}{what}</section>"
    )


def _fields(
    schema: Mapping[str, Any] | None, described: Mapping[str, Any]
) -> list[tuple[str, Mapping[str, Any]]]:
    """The fields of an object, or of the objects of a list."""
    schema = (schema or {}).get("items", schema) or {}
    name = schema.get("$ref", "").rpartition("/")[2]
    known: Mapping[str, Any] = described["components"]["schemas"].get(name, schema)
    return [*known.get("properties", {}).items()]


def _type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(map(_type, schema["anyOf"])))
    if "enum" in schema:
        return " or ".join(map(str, schema["enum"]))
    word = str(schema.get("type", ""))
    return f"list of {_type(schema['items'])}" if word == "array" and "items" in schema else word
