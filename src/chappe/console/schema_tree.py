"""A schema as rows of a tree, for people: JSON Schema, and Avro's records. Others are shown as text.

{"properties": {"total": {"type": "number"}}, "required": ["total"]}  ->  Row(0, "total", "number", True)
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

MOST_ROWS: Final = 300
MOST_DEPTH: Final = 8
_RULES: Final = (
    "const", "enum", "format", "pattern", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "minLength", "maxLength", "minItems", "maxItems", "default",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One member; `depth` counts from 0, `rules` are what else it must keep."""

    depth: int
    name: str
    type: str
    required: bool
    description: str
    rules: str


@dataclass(frozen=True, slots=True)
class SchemaTree:
    """The rows, the first of them; `text` is the document where it is no tree."""

    title: str
    rows: Sequence[Row]
    cut: bool
    text: str = ""

    @property
    def branches(self) -> Sequence[Branch]:
        """The rows as they lie in each other."""
        return nested(self.rows)


def parsed(document: bytes) -> object:
    """A document as JSON, or as text where it is none."""
    try:
        return json.loads(document)
    except (ValueError, RecursionError):
        return document.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Branch:
    """A member and those within it; `path` is their names joined with "/"."""

    row: Row
    path: str
    inner: list[Branch]


def nested(rows: Sequence[Row]) -> list[Branch]:
    """The rows as they lie in each other."""
    roots: list[Branch] = []
    above: list[Branch] = []
    for row in rows:
        del above[row.depth :]
        beside = above[-1].inner if above else roots
        made = Branch(row, f"{above[-1].path}/{row.name}" if above else row.name, [])
        beside.append(made)
        above.append(made)
    return roots


def schema_tree(document: object, format_: str) -> SchemaTree:
    """The tree of a document: parsed JSON, or text."""
    name = format_.partition("/")[0].casefold()
    match document:
        case Mapping() if name == "avro":
            rows = _avro(document, 0)
        case Mapping():
            rows = _properties(document, document, 0, ())
        case str():
            return SchemaTree("", (), cut=False, text=document)
        case _:
            return SchemaTree("", (), cut=False, text=json.dumps(document, indent=2))
    shown: list[Row] = []
    for row in rows:
        if len(shown) == MOST_ROWS:
            return SchemaTree(_text(document.get("title")), shown, cut=True)
        shown.append(row)
    text = "" if shown else json.dumps(document, indent=2, ensure_ascii=False)
    title = _text(document.get("title")) or _text(document.get("name"))
    return SchemaTree(title, shown, cut=False, text=text)


def _properties(
    schema: Mapping[str, Any], root: Mapping[str, Any], depth: int, path: tuple[str, ...]
) -> Iterator[Row]:
    """The members of an object's schema; `path` are the references that led here."""
    if depth >= MOST_DEPTH:
        return
    schema, path = _followed(schema, root, path)
    required = schema.get("required")
    needed = set(map(str, required)) if isinstance(required, list) else set()
    properties = schema.get("properties")
    if isinstance(properties, Mapping):
        for name, one in properties.items():
            yield from _member(name, one, root, depth, path, required=name in needed)
    items = schema.get("items")
    if isinstance(items, Mapping) and depth == 0:
        yield from _member("[]", items, root, depth, path, required=False)
    for word in ("allOf", "anyOf", "oneOf"):
        parts = schema.get(word)
        for part in parts if isinstance(parts, list) else ():
            if isinstance(part, Mapping):
                yield from _properties(part, root, depth, path)


def _member(
    name: str,
    one: object,
    root: Mapping[str, Any],
    depth: int,
    path: tuple[str, ...],
    *,
    required: bool,
) -> Iterator[Row]:
    if not isinstance(one, Mapping):
        yield Row(depth, name, "anything" if one is True else "nothing", required, "", "")
        return
    met, met_path = _followed(one, root, path)
    said = _text(one.get("description")) or _text(met.get("description"))
    circle = isinstance(one.get("$ref"), str) and one["$ref"] in path
    type_ = _type(met) if not circle else f"{one['$ref']} (again)"
    yield Row(depth, name, type_, required, said, _rules(met))
    if circle or depth + 1 >= MOST_DEPTH:
        return
    items = met.get("items")
    if isinstance(items, Mapping):
        yield from _properties(items, root, depth + 1, met_path)
    yield from _properties({**met, "items": None}, root, depth + 1, met_path)


def _followed(
    schema: Mapping[str, Any], root: Mapping[str, Any], path: tuple[str, ...]
) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """What a reference within the document means; nothing is ever fetched."""
    reference = schema.get("$ref")
    if not isinstance(reference, str) or not reference.startswith("#/") or reference in path:
        return schema, path
    found: object = root
    for part in reference[2:].split("/"):
        name = part.replace("~1", "/").replace("~0", "~")
        found = found.get(name) if isinstance(found, Mapping) else None
    return (found, (*path, reference)) if isinstance(found, Mapping) else (schema, path)


def _type(schema: Mapping[str, Any]) -> str:
    found = schema.get("type")
    if isinstance(found, list):
        return " | ".join(map(str, found))
    if isinstance(found, str):
        items = schema.get("items")
        of = f" of {_type(items)}" if found == "array" and isinstance(items, Mapping) else ""
        return found + of
    if isinstance(schema.get("$ref"), str):
        return str(schema["$ref"])
    if "properties" in schema:
        return "object"
    for word, said in (("oneOf", "one of"), ("anyOf", "any of"), ("allOf", "all of")):
        parts = schema.get(word)
        if isinstance(parts, list):
            return f"{said} {len(parts)}"
    return "constant" if "const" in schema else "one of" if "enum" in schema else "anything"


def _rules(schema: Mapping[str, Any]) -> str:
    said = [
        f"{name} {json.dumps(schema[name], ensure_ascii=False)[:120]}"
        for name in _RULES
        if name in schema
    ]
    return ", ".join(said)


def _avro(schema: Mapping[str, Any], depth: int) -> Iterator[Row]:
    fields = schema.get("fields")
    if depth >= MOST_DEPTH or not isinstance(fields, list):
        return
    for one in fields:
        if not isinstance(one, Mapping):
            continue
        type_ = one.get("type")
        rules = f"default {json.dumps(one['default'])[:120]}" if "default" in one else ""
        said = _text(one.get("doc"))
        yield Row(depth, str(one.get("name")), _avro_type(type_), "default" not in one, said, rules)
        for inner in type_ if isinstance(type_, list) else (type_,):
            while isinstance(inner, Mapping) and inner.get("type") in ("array", "map"):
                inner = inner.get("items", inner.get("values"))
            if isinstance(inner, Mapping):
                yield from _avro(inner, depth + 1)


def _avro_type(type_: object) -> str:
    match type_:
        case str():
            return type_
        case list():
            return " | ".join(_avro_type(one) for one in type_)
        case Mapping():
            kind = str(type_.get("type"))
            if kind in ("array", "map"):
                return f"{kind} of {_avro_type(type_.get('items', type_.get('values')))}"
            return _text(type_.get("logicalType")) or _text(type_.get("name")) or kind
        case _:
            return "?"


def _text(found: object) -> str:
    return found if isinstance(found, str) else ""
