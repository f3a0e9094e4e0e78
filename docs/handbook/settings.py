"""Writes the reference of the load balancer's settings from the class that reads them."""

from typing import Any

from docs.handbook.markdown import page, table
from lb.config import Settings

_LEAST = {"minimum": "from {}", "exclusiveMinimum": "above {}"}
_MOST = {"maximum": "to {}", "exclusiveMaximum": "below {}"}
_WORDS = {"string": "text", "number": "number", "integer": "whole number", "boolean": "true, false"}


def settings_page() -> str:
    """Write the page: a row for each environment variable."""
    schema = Settings.model_json_schema()
    required = schema["required"]
    rows = (
        (
            f"`{name.upper()}`",
            "required" if name in required else _spelt(about["default"]),
            _takes(about),
            about["description"],
        )
        for name, about in schema["properties"].items()
    )
    return page(
        "Settings of the load balancer",
        "Written by `make reference` from `lb/config.py`. `chroma-lb` reads its settings from the "
        "environment, once; what is wrong is told in one line, and ends it with exit code 2. "
        "`chroma-lb --help` says the same.",
        table(("variable", "default", "takes", "what it is"), rows),
        "Who may ask for what, with and without tokens: "
        "[transactions.md](../transactions.md#access). What is bounded by the settings of memory: "
        "[bounds.md](../bounds.md).",
    )


def _spelt(default: object) -> str:
    if isinstance(default, float) and default.is_integer():
        default = int(default)
    text = str(default).lower() if isinstance(default, bool) else str(default)
    return f"`{text}`" if text else ""


def _takes(about: dict[str, Any]) -> str:
    if "enum" in about:
        return ", ".join(about["enum"])
    if "pattern" in about:
        return ", ".join(about["pattern"].strip("^$()").split("|"))
    words = [_WORDS[about["type"]]]
    for bounds in (_LEAST, _MOST):
        words += [text.format(_number(about[key])) for key, text in bounds.items() if key in about]
    return " ".join(words)


def _number(value: float) -> str:
    return f"{value:,g}" if value < 1e6 else f"{int(value):,}"
