"""A value that a JSON Schema lets through, made by the schema alone; the hub judges whether it does.

{"type": "object", "required": ["total"], "properties": {"total": {"type": "number", "minimum": 5}}}
    -> {"total": 5}

What the schema gives as an example (`examples`, `default`, `const`, `enum`) is taken first. References are
followed within the document only; a pattern is met where an example or a simple guess does.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from types import MappingProxyType
from typing import Any, Final

_DEEPEST: Final = 24
_MOST_ITEMS: Final = 20
_MOST_VALUES: Final = 2_000
"""Schemas that refer to themselves several times grow by powers: then the rest is null."""
_MOST_TEXT: Final = 1_000
_FORMATS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "date-time": "2026-01-01T12:00:00Z",
        "date": "2026-01-01",
        "time": "12:00:00Z",
        "duration": "P1D",
        "email": "someone@example.com",
        "hostname": "example.com",
        "ipv4": "192.0.2.1",
        "ipv6": "2001:db8::1",
        "uri": "https://example.com/",
        "uri-reference": "/example",
        "uuid": "00000000-0000-4000-8000-000000000000",
        "json-pointer": "/a",
        "regex": ".*",
    }
)


def sample(schema: object) -> Any:
    """One value; None where the schema allows nothing that can be guessed."""
    return _Maker(schema).make(schema, 0)


class _Maker:
    def __init__(self, root: object) -> None:
        self._root = root
        self._left = _MOST_VALUES

    def make(self, schema: object, depth: int) -> Any:
        self._left -= 1
        if not isinstance(schema, dict) or depth > _DEEPEST or self._left < 0:
            return {} if schema is True else None
        schema = self._whole(schema, depth)
        for name in ("const", "default"):
            if name in schema:
                return schema[name]
        for name in ("examples", "enum"):
            given = schema.get(name)
            if isinstance(given, list) and given:
                return given[0]
        match self._type(schema):
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, depth)
            case "string":
                return _string(schema)
            case "integer" | "number" as type_:
                return _number(schema, whole=type_ == "integer")
            case "boolean":
                return True
            case _:
                return None

    def _whole(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        """The schema with its reference, all of its `allOf`, and the first of a choice, in one."""
        whole = dict(schema)
        self._left -= 1
        for _ in range(_DEEPEST):
            found = self._at(whole.pop("$ref")) if isinstance(whole.get("$ref"), str) else None
            if not isinstance(found, dict):
                break
            whole = {**found, **whole}
        parts = [one for one in _list(whole.pop("allOf", None)) if isinstance(one, dict)]
        for name in ("oneOf", "anyOf"):
            choices = [one for one in _list(whole.pop(name, None)) if isinstance(one, dict)]
            parts += choices[:1]
        for part in parts[:_MOST_ITEMS] if depth <= _DEEPEST and self._left > 0 else []:
            whole = _joined(whole, self._whole(part, depth + 1))
        return whole

    def _at(self, reference: str) -> object:
        if not reference.startswith("#"):
            return None
        found: object = self._root
        for step in reference[1:].split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, dict) or name not in found:
                return None
            found = found[name]
        return found

    def _type(self, schema: Mapping[str, Any]) -> str | None:
        found = schema.get("type")
        if isinstance(found, list):
            return next((str(one) for one in found if one != "null"), None)
        if isinstance(found, str):
            return found
        for names, type_ in (
            (("properties", "required", "minProperties"), "object"),
            (("items", "prefixItems", "minItems"), "array"),
            (("minLength", "maxLength", "pattern", "format"), "string"),
            (("minimum", "maximum", "multipleOf"), "number"),
        ):
            if any(name in schema for name in names):
                return type_
        return None

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties")
        properties = properties if isinstance(properties, dict) else {}
        required = [one for one in _list(schema.get("required")) if isinstance(one, str)]
        # What is not required helps a reader, as long as it ends.
        names = dict.fromkeys([*required, *(properties if depth < 4 else ())])
        return {name: self.make(properties.get(name, True), depth + 1) for name in names}

    def _array(self, schema: Mapping[str, Any], depth: int) -> list[Any]:
        heads = _list(schema.get("prefixItems"))
        least = schema.get("minItems")
        count = min(_MOST_ITEMS, max(least if isinstance(least, int) else 0, 1))
        if schema.get("maxItems") == 0:
            return []
        made = [self.make(one, depth + 1) for one in heads[:_MOST_ITEMS]]
        items = schema.get("items")
        while len(made) < count and items is not False:
            made.append(self.make(items if items is not None else True, depth + 1))
        return made


def _string(schema: Mapping[str, Any]) -> str:
    text = _FORMATS.get(str(schema.get("format")), "example")
    least, most = schema.get("minLength"), schema.get("maxLength")
    if isinstance(least, int) and len(text) < least:
        text += "x" * (min(least, _MOST_TEXT) - len(text))
    return text[:most] if isinstance(most, int) else text


def _number(schema: Mapping[str, Any], *, whole: bool) -> float | int:
    least, most = schema.get("minimum"), schema.get("maximum")
    over, under = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    value: Any = 1
    if isinstance(least, int | float):
        value = max(value, least)
    if isinstance(over, int | float) and not isinstance(over, bool) and value <= over:
        value = over + 1
    if isinstance(most, int | float) and value > most:
        value = most
    if isinstance(under, int | float) and not isinstance(under, bool) and value >= under:
        value = under - 1
    step = schema.get("multipleOf")
    if isinstance(step, int | float) and step > 0:
        value = ceil(value / step) * step
    found: float | int = ceil(value) if whole else value
    return found


def _joined(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    joined = {**other, **one}
    if isinstance(one.get("properties"), dict) and isinstance(other.get("properties"), dict):
        joined["properties"] = {**other["properties"], **one["properties"]}
    required = [*_list(one.get("required")), *_list(other.get("required"))]
    if required:
        joined["required"] = required
    return joined


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
