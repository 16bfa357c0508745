"""A JSON Schema as a tree that a person reads: names, types, what is required, and the rules.

order     string   required   minLength 1
items     array    required   minItems 1
  []      object
    sku   string   required
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from chappe.cli.cells import aligned

_DEEPEST: Final = 12
_MOST: Final = 200
_RULES: Final = (
    "const", "format", "pattern", "minLength", "maxLength", "minimum", "maximum",
    "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems", "uniqueItems",
    "default", "$ref",
)  # fmt: skip

Row = tuple[str, str, str, str]


def tree(schema: Mapping[str, Any]) -> list[str]:
    """The lines, at most 200; empty where the schema says nothing of any property."""
    rows: list[Row] = []
    for row in _rows(schema, 0):
        if len(rows) == _MOST:
            rows.append(("…", "", "", ""))
            break
        rows.append(row)
    return aligned(rows) if rows else []


def _rows(schema: Mapping[str, Any], depth: int) -> Iterator[Row]:
    if depth > _DEEPEST:
        yield "  " * depth + "…", "", "", ""
        return
    required = schema.get("required")
    needed = required if isinstance(required, list) else []
    properties = schema.get("properties")
    for name, one in (properties if isinstance(properties, dict) else {}).items():
        if not isinstance(one, dict):
            one = {}
        yield _row("  " * depth + str(name), one, required=name in needed)
        yield from _rows(one, depth + 1)
    items = schema.get("items")
    if isinstance(items, dict):
        yield _row("  " * depth + "[]", items, required=False)
        yield from _rows(items, depth + 1)


def _row(name: str, schema: Mapping[str, Any], *, required: bool) -> Row:
    rules = [f"{rule} {_short(schema[rule])}" for rule in _RULES if rule in schema]
    return name, _type(schema), "required" if required else "", "  ".join(rules)


def _type(schema: Mapping[str, Any]) -> str:
    found = schema.get("type")
    if isinstance(found, list):
        return "|".join(map(str, found))
    if isinstance(found, str):
        return found
    values = schema.get("enum")
    if isinstance(values, list):
        return "|".join(_short(one) for one in values[:8]) + ("|…" if len(values) > 8 else "")
    for name in ("oneOf", "anyOf", "allOf"):
        if isinstance(schema.get(name), list):
            return f"{name} of {len(schema[name])}"
    return ""


def _short(value: object) -> str:
    text = msgspec.json.encode(value, enc_hook=float).decode()
    return text if len(text) <= 40 else f"{text[:39]}…"
