"""Recursive JSON Schemas compared: circles end, and hide no change."""

from __future__ import annotations

import json

import pytest

from chappe.formats.json_language import JsonSchemaLanguage

LANGUAGE = JsonSchemaLanguage()


def compatible(old: object, new: object, format_: str = "JsonSchema/draft-07") -> bool:
    writer, reader = (LANGUAGE.parse(json.dumps(one).encode(), format_) for one in (old, new))
    return not LANGUAGE.backward(reader, writer)


def tree(value: object) -> object:
    children = {"type": "array", "items": {"$ref": "#"}}
    return {"type": "object", "properties": {"value": value, "children": children}}


def test_a_schema_that_holds_itself_is_compatible_with_itself() -> None:
    assert compatible(tree({"type": "string"}), tree({"type": "string"}))


def test_a_change_inside_of_a_circle_is_found() -> None:
    assert not compatible(tree({"type": "string"}), tree({"type": "integer"}))


def test_a_loosening_inside_of_a_circle_is_compatible() -> None:
    assert compatible(tree({"type": "integer"}), tree({"type": "number"}))


def test_a_circle_of_references_alone_accepts_anything() -> None:
    circle = {"definitions": {"a": {"$ref": "#/definitions/b"}, "b": {"$ref": "#/definitions/a"}}}
    schema = {**circle, "properties": {"x": {"$ref": "#/definitions/a"}}}
    assert compatible(schema, schema)


def masking(first: str, second: str) -> object:
    """A root that is one of two, whose circles run through a third: one holds the other's change."""

    def link(kind: str, to: str) -> object:
        ref = {"oneOf": [{"$ref": f"#/definitions/{to}"}]}
        return {"type": "object", "properties": {"id": {"type": kind}, "next": ref}}

    return {
        "definitions": {"A": link(first, "C"), "B": link(second, "C"), "C": link("integer", "A")},
        "type": "object",
        "properties": {
            "root": {"oneOf": [{"$ref": "#/definitions/A"}, {"$ref": "#/definitions/B"}]}
        },
    }


def test_what_was_taken_for_granted_in_a_circle_is_compared_again_when_it_proves_wrong() -> None:
    assert not compatible(masking("integer", "boolean"), masking("boolean", "number"))


def union(names: list[str]) -> object:
    return {"oneOf": [{"$ref": f"#/$defs/{name}"} for name in names]}


def products(count: int, links: int, name_type: str = "string") -> object:
    """Kinds of products that each refer to all of them, several times."""
    names = [f"P{at}" for at in range(count)]
    kinds: dict[str, object] = {
        name: {
            "$ref": "#/$defs/Base",
            "type": "object",
            "properties": {
                **{f"link{at}": {"$ref": "#/$defs/Any"} for at in range(links)},
                "kind": {"type": "string", "const": name},
            },
            "required": ["kind"],
        }
        for name in names
    }
    base = {"type": "object", "properties": {"name": {"type": name_type}}}
    return {
        "$ref": "#/$defs/Any",
        "$defs": {**kinds, "Base": base, "Any": union(names)},
    }


@pytest.mark.parametrize(("count", "links"), [(2, 1), (12, 5), (40, 5)])
def test_many_kinds_that_refer_to_one_another_are_compared(count: int, links: int) -> None:
    format_ = "JsonSchema/draft/2020-12"
    assert compatible(products(count, links), products(count, links), format_)


def test_a_change_of_what_all_kinds_share_is_found() -> None:
    format_ = "JsonSchema/draft/2020-12"
    assert not compatible(products(12, 5), products(12, 5, "integer"), format_)
