"""Writes the reference of the load balancer's endpoints from its OpenAPI document."""

from typing import Any

from docs.handbook.markdown import fenced, page, table
from lb.openapi import DOCUMENT

_INDENT = "  "
_WORDS = {"integer": "whole number", "number": "number", "boolean": "true or false", "null": "null"}


def endpoint_page() -> str:
    """Write the page: a section for each path and method."""
    described = [
        (f"{method.upper()} {path}", operation)
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
    ]
    return page(
        "Endpoints of the load balancer",
        "Written by `make reference` from the document that `GET /openapi.json` answers. Chroma's "
        "own API is below `/api/v2`, and is as Chroma documents it.",
        'Errors are `{"error": text, "message": text}`. 401 and 403: '
        "[transactions.md](../transactions.md#access). What the figures mean: "
        "[observability.md](../observability.md).",
        table(
            ("endpoint", "what it says or does"),
            ((f"`{name}`", operation["summary"]) for name, operation in described),
        ),
        *(_section(name, operation) for name, operation in described),
    )


def _section(name: str, operation: dict[str, Any]) -> str:
    parts = [f"## `{name}`", f"{operation['summary']}."]
    if parameters := operation.get("parameters"):
        rows = (
            (f"`{each['name']}`", f"in the {each['in']}", outline(each["schema"]))
            for each in parameters
        )
        parts.append(table(("parameter", "", "takes"), rows))
    if body := operation.get("requestBody"):
        parts += ["The body:", fenced("text", outline(_json(body)))]
    for status, answer in operation["responses"].items():
        if int(status) < 300:
            (kind, content), *_ = answer["content"].items()
            is_json = kind == "application/json"
            shape = fenced("text", outline(content["schema"])) if is_json else ""
            parts += [f"{status}, {kind}{':' if shape else '.'}", shape]
    refusals = [status for status in operation["responses"] if int(status) >= 300]
    if refusals:
        parts.append(f"Else {', '.join(refusals)}.")
    return "\n\n".join(part for part in parts if part)


def outline(schema: dict[str, Any], indent: str = "") -> str:
    """Say in a few lines what JSON a schema allows."""
    if "enum" in schema:
        return " or ".join(f'"{value}"' for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(outline(each, indent) for each in schema["anyOf"])
    match schema.get("type"):
        case "array":
            return f"[{outline(schema['items'], indent)}, ...]"
        case "object" if schema.get("properties"):
            return _fields(schema, indent)
        case "object" if isinstance(schema.get("additionalProperties"), dict):
            return f"{{name: {outline(schema['additionalProperties'], indent)}, ...}}"
        case "object":
            return "an object"
        case None:
            return "anything"
        case "string" if schema.get("format") == "date-time":
            return "time"
        case "string":
            return "text"
        case kind:
            return _bounded(_WORDS[str(kind)], schema)


def _fields(schema: dict[str, Any], indent: str) -> str:
    inner = indent + _INDENT
    required = schema.get("required", ())
    lines = (
        f"{inner}{name}{'' if name in required else '?'}: {outline(each, inner)}"
        for name, each in schema["properties"].items()
    )
    return "{\n" + "\n".join(lines) + f"\n{indent}}}"


def _bounded(word: str, schema: dict[str, Any]) -> str:
    bounds = [f"above {schema['exclusiveMinimum']}"] if "exclusiveMinimum" in schema else []
    bounds += [f"from {schema['minimum']}"] if schema.get("minimum") else []
    bounds += [f"to {schema['maximum']}"] if "maximum" in schema else []
    bounds += [f"{schema['default']} by default"] if "default" in schema else []
    return ", ".join((word, *bounds))


def _json(body: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = body["content"]["application/json"]["schema"]
    return schema
