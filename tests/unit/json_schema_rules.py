"""One small pair of schemas for each rule of JSON Schema compatibility: old, new, and where it is found.

Draft-07, unless a pair stands in MODERN (2020-12).
"""

from __future__ import annotations

from typing import Final

S: Final = {"type": "string"}
I: Final = {"type": "integer"}  # noqa: E741
NEVER: Final = False
LONG: Final = {"type": "string", "maxLength": 9}


def closed(properties: object, **more: object) -> dict[str, object]:
    return {"type": "object", "properties": properties, "additionalProperties": False, **more}


def opened(properties: object, **more: object) -> dict[str, object]:
    return {"type": "object", "properties": properties, **more}


def partly(properties: object, **more: object) -> dict[str, object]:
    return {"type": "object", "properties": properties, "additionalProperties": S, **more}


def array(*items: object, **more: object) -> dict[str, object]:
    return {"type": "array", "items": list(items), **more}


def _bounds() -> dict[str, tuple[str, object, object]]:
    rules: dict[str, tuple[str, object, object]] = {}
    of = {"Length": "string", "imum": "number", "Properties": "object", "Items": "array",
          "Contains": "array"}  # fmt: skip
    for keyword, name in {
        "maxLength": "MAX_LENGTH", "minLength": "MIN_LENGTH", "maximum": "MAXIMUM",
        "minimum": "MINIMUM", "exclusiveMaximum": "EXCLUSIVE_MAXIMUM",
        "exclusiveMinimum": "EXCLUSIVE_MINIMUM", "maxProperties": "MAX_PROPERTIES",
        "minProperties": "MIN_PROPERTIES", "maxItems": "MAX_ITEMS", "minItems": "MIN_ITEMS",
        "maxContains": "MAX_CONTAINS", "minContains": "MIN_CONTAINS",
    }.items():  # fmt: skip
        type_ = next(kind for end, kind in of.items() if keyword.endswith(end))
        plain: dict[str, object] = {"type": type_}
        low, high = {**plain, keyword: 2}, {**plain, keyword: 3}
        at = f"/{keyword}"
        rules[f"{name}_ADDED"] = (at, plain, low)
        rules[f"{name}_REMOVED"] = (at, low, plain)
        rules[f"{name}_INCREASED"] = (at, low, high)
        rules[f"{name}_DECREASED"] = (at, high, low)
    return rules


RULES: Final[dict[str, tuple[str, object, object]]] = {
    **_bounds(),
    "ID_CHANGED": ("", {**S, "$id": "urn:a"}, {**S, "$id": "urn:b"}),
    "TITLE_CHANGED": ("", S, {**S, "title": "Name"}),
    "DESCRIPTION_CHANGED": ("", {**S, "description": "x"}, S),
    "DEFAULT_CHANGED": ("", {**S, "default": "a"}, {**S, "default": "b"}),
    "SCHEMA_ADDED": ("/items", {"type": "array"}, {"type": "array", "items": S}),
    "SCHEMA_REMOVED": ("/items", {"type": "array", "items": S}, {"type": "array"}),
    "TYPE_EXTENDED": ("", I, {"type": "number"}),
    "TYPE_NARROWED": ("", {"type": "number"}, I),
    "TYPE_CHANGED": ("", S, I),
    "PATTERN_ADDED": ("/pattern", S, {**S, "pattern": "^a"}),
    "PATTERN_REMOVED": ("/pattern", {**S, "pattern": "^a"}, S),
    "PATTERN_CHANGED": ("/pattern", {**S, "pattern": "^a"}, {**S, "pattern": "^b"}),
    "MULTIPLE_OF_ADDED": ("/multipleOf", I, {**I, "multipleOf": 2}),
    "MULTIPLE_OF_REMOVED": ("/multipleOf", {**I, "multipleOf": 2}, I),
    "MULTIPLE_OF_EXPANDED": ("/multipleOf", {**I, "multipleOf": 2}, {**I, "multipleOf": 4}),
    "MULTIPLE_OF_REDUCED": ("/multipleOf", {**I, "multipleOf": 0.3}, {**I, "multipleOf": 0.1}),
    "MULTIPLE_OF_CHANGED": ("/multipleOf", {**I, "multipleOf": 2}, {**I, "multipleOf": 3}),
    "REQUIRED_ATTRIBUTE_ADDED": (
        "/required/a", opened({"a": S}), opened({"a": S}, required=["a"])
    ),
    "REQUIRED_ATTRIBUTE_WITH_DEFAULT_ADDED": (
        "/required/a", opened({"a": S}), opened({"a": {**S, "default": ""}}, required=["a"])
    ),
    "REQUIRED_ATTRIBUTE_REMOVED": (
        "/required/a", opened({"a": S}, required=["a"]), opened({"a": S})
    ),
    "DEPENDENCY_ARRAY_ADDED": (
        "/dependencies/a", opened({}), opened({}, dependencies={"a": ["b"]})
    ),
    "DEPENDENCY_ARRAY_REMOVED": (
        "/dependencies/a", opened({}, dependencies={"a": ["b"]}), opened({})
    ),
    "DEPENDENCY_ARRAY_EXTENDED": (
        "/dependencies/a",
        opened({}, dependencies={"a": ["b"]}), opened({}, dependencies={"a": ["b", "c"]}),
    ),
    "DEPENDENCY_ARRAY_NARROWED": (
        "/dependencies/a",
        opened({}, dependencies={"a": ["b", "c"]}), opened({}, dependencies={"a": ["b"]}),
    ),
    "DEPENDENCY_ARRAY_CHANGED": (
        "/dependencies/a",
        opened({}, dependencies={"a": ["b"]}), opened({}, dependencies={"a": ["c"]}),
    ),
    "DEPENDENCY_SCHEMA_ADDED": (
        "/dependencies/a", opened({}), opened({}, dependencies={"a": {"minProperties": 2}})
    ),
    "DEPENDENCY_SCHEMA_REMOVED": (
        "/dependencies/a", opened({}, dependencies={"a": {"minProperties": 2}}), opened({})
    ),
    "OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL": (
        "/properties/b", opened({}), opened({"b": S})
    ),
    "REQUIRED_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL": (
        "/properties/b", opened({}), opened({"b": S}, required=["b"])
    ),
    "REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_OPEN_CONTENT_MODEL": (
        "/properties/b", opened({}), opened({"b": {**S, "default": ""}}, required=["b"])
    ),
    "PROPERTY_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL": (
        "/properties/b", opened({}), opened({"b": {}})
    ),
    "OPTIONAL_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL": (
        "/properties/b", closed({}), closed({"b": S})
    ),
    "REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL": (
        "/properties/b", closed({}), closed({"b": S}, required=["b"])
    ),
    "REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_UNOPEN_CONTENT_MODEL": (
        "/properties/b", closed({}), closed({"b": {**S, "default": ""}}, required=["b"])
    ),
    "PROPERTY_REMOVED_FROM_OPEN_CONTENT_MODEL": (
        "/properties/b", opened({"b": S}), opened({})
    ),
    "PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL": (
        "/properties/b", closed({"b": S}), closed({})
    ),
    "PROPERTY_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL": (
        "/properties/b", closed({"b": False}), closed({})
    ),
    "PROPERTY_ADDED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL": (
        "/properties/b", partly({}), partly({"b": S})
    ),
    "PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL": (
        "/properties/b", partly({}), partly({"b": I})
    ),
    "PROPERTY_REMOVED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL": (
        "/properties/b", partly({"b": LONG}), partly({})
    ),
    "PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL": (
        "/properties/b", partly({"b": I}), partly({})
    ),
    "ADDITIONAL_PROPERTIES_ADDED": ("/additionalProperties", closed({}), opened({})),
    "ADDITIONAL_PROPERTIES_REMOVED": ("/additionalProperties", opened({}), closed({})),
    "ADDITIONAL_PROPERTIES_EXTENDED": ("/additionalProperties", partly({}), opened({})),
    "ADDITIONAL_PROPERTIES_NARROWED": ("/additionalProperties", opened({}), partly({})),
    "UNIQUE_ITEMS_ADDED": ("/uniqueItems", array(S), array(S, uniqueItems=True)),
    "UNIQUE_ITEMS_REMOVED": ("/uniqueItems", array(S, uniqueItems=True), array(S)),
    "ADDITIONAL_ITEMS_ADDED": ("/additionalItems", array(S, additionalItems=False), array(S)),
    "ADDITIONAL_ITEMS_REMOVED": ("/additionalItems", array(S), array(S, additionalItems=False)),
    "ADDITIONAL_ITEMS_EXTENDED": ("/additionalItems", array(S, additionalItems=S), array(S)),
    "ADDITIONAL_ITEMS_NARROWED": ("/additionalItems", array(S), array(S, additionalItems=S)),
    "ITEM_ADDED_TO_OPEN_CONTENT_MODEL": ("/items/1", array(S), array(S, S)),
    "ITEM_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL": ("/items/1", array(S), array(S, {})),
    "ITEM_ADDED_TO_CLOSED_CONTENT_MODEL": (
        "/items/1", array(S, additionalItems=False), array(S, I, additionalItems=False)
    ),
    "ITEM_REMOVED_FROM_OPEN_CONTENT_MODEL": ("/items/1", array(S, S), array(S)),
    "ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL": (
        "/items/1", array(S, S, additionalItems=False), array(S, additionalItems=False)
    ),
    "ITEM_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL": (
        "/items/1", array(S, NEVER, additionalItems=False), array(S, additionalItems=False)
    ),
    "ITEM_ADDED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL": (
        "/items/1", array(S, additionalItems=S), array(S, S, additionalItems=S)
    ),
    "ITEM_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL": (
        "/items/1", array(S, additionalItems=S), array(S, I, additionalItems=S)
    ),
    "ITEM_REMOVED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL": (
        "/items/1", array(S, LONG, additionalItems=S), array(S, additionalItems=S)
    ),
    "ITEM_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL": (
        "/items/1", array(S, I, additionalItems=S), array(S, additionalItems=S)
    ),
    "ENUM_ARRAY_EXTENDED": ("/enum", {"enum": ["a"]}, {"enum": ["b", "a"]}),
    "ENUM_ARRAY_NARROWED": ("/enum", {"enum": ["b", "a"]}, {"enum": ["a"]}),
    "ENUM_ARRAY_CHANGED": ("/enum", {"enum": ["a"]}, {"enum": ["b"]}),
    "COMBINED_TYPE_EXTENDED": ("", {"oneOf": [S, I]}, {"anyOf": [S, I]}),
    "COMBINED_TYPE_CHANGED": ("", {"anyOf": [S, I]}, {"oneOf": [S, I]}),
    "PRODUCT_TYPE_EXTENDED": ("", {"allOf": [S, {"enum": ["a"]}]},
                              {"allOf": [S, {"enum": ["a"]}, {"not": I}]}),
    "PRODUCT_TYPE_NARROWED": ("", {"allOf": [S, {"enum": ["a"]}, {"not": I}]},
                              {"allOf": [S, {"enum": ["a"]}]}),
    "SUM_TYPE_EXTENDED": ("", {"oneOf": [S, I]}, {"oneOf": [S, I, {"type": "null"}]}),
    "SUM_TYPE_NARROWED": ("", {"oneOf": [S, I, {"type": "null"}]}, {"oneOf": [S, I]}),
    "COMBINED_TYPE_SUBSCHEMAS_CHANGED": (
        "", {"oneOf": [S, I]}, {"oneOf": [S, {"type": "boolean"}]}
    ),
    "NOT_TYPE_NARROWED": ("/not", {"not": {"type": "number"}}, {"not": I}),
    "NOT_TYPE_EXTENDED": ("/not", {"not": I}, {"not": {"type": "number"}}),
}  # fmt: skip

_UNEVALUATED: Final = {
    "properties": (
        "UNEVALUATED_PROPERTIES", {"type": "object"}, "unevaluatedProperties"
    ),
    "items": ("UNEVALUATED_ITEMS", {"type": "array"}, "unevaluatedItems"),
}  # fmt: skip


def _modern() -> dict[str, tuple[str, object, object]]:
    rules: dict[str, tuple[str, object, object]] = {}
    for name, plain, keyword in _UNEVALUATED.values():
        at = f"/{keyword}"
        rules[f"{name}_REMOVED"] = (at, plain, {**plain, keyword: False})
        rules[f"{name}_ADDED"] = (at, {**plain, keyword: False}, {**plain, keyword: S})
        rules[f"{name}_NARROWED"] = (at, {**plain, keyword: True}, {**plain, keyword: S})
        rules[f"{name}_EXTENDED"] = (at, {**plain, keyword: S}, plain)
    return rules


MODERN: Final = _modern()
