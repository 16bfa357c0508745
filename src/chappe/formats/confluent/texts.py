"""The types of schemas that the Confluent API knows, and an Avro schema with its references put in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

AVRO: Final = "AVRO"
JSON: Final = "JSON"
PROTOBUF: Final = "PROTOBUF"

_TYPES: Final[Mapping[str, str]] = {"avro": AVRO, "jsonschema": JSON, "protobuf": PROTOBUF}

_PRIMITIVES: Final = frozenset("null boolean int long float double bytes string".split())
_NAMED: Final = frozenset(("record", "error", "enum", "fixed"))


def type_of(format: str) -> str | None:
    """The schema type of a format of the registry, such as "Avro/1.12" -> "AVRO"."""
    return _TYPES.get(format.partition("/")[0].lower())


def resolved_avro(text: str, documents: Mapping[str, str]) -> str:
    """An Avro schema with what it refers to written out where it is first named."""
    try:
        definitions: dict[str, Any] = {}
        for document in documents.values():
            _define(json.loads(document), "", definitions)
        value = _inlined(json.loads(text), "", definitions, set())
    except (ValueError, RecursionError):
        return text
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _define(value: Any, namespace: str, definitions: dict[str, Any]) -> None:
    """Note the named types of a document by full name, with their namespaces written out."""
    match value:
        case list():
            for one in value:
                _define(one, namespace, definitions)
        case dict():
            if _is_named(value):
                namespace, name = _split(value, namespace)
                definitions[_full(name, namespace)] = {
                    **value,
                    "name": name,
                    "namespace": namespace,
                }
            for inner in ("type", "items", "values", "fields"):
                if isinstance(value.get(inner), dict | list):
                    _define(value[inner], namespace, definitions)
        case _:
            pass


def _inlined(value: Any, namespace: str, definitions: Mapping[str, Any], seen: set[str]) -> Any:
    match value:
        case str():
            if value in _PRIMITIVES:
                return value
            full = _full(value, namespace)
            for name in (full, value):
                if name in definitions and name not in seen:
                    return _inlined(definitions[name], namespace, definitions, seen)
            return full
        case list():
            return [_inlined(one, namespace, definitions, seen) for one in value]
        case dict() if _is_named(value):
            namespace, name = _split(value, namespace)
            seen.add(_full(name, namespace))
            result = {**value, "name": name, "namespace": namespace}
            if "fields" in value:
                result["fields"] = [
                    {**one, "type": _inlined(one["type"], namespace, definitions, seen)}
                    for one in value["fields"]
                ]
            return result
        case dict():
            result = dict(value)
            for inner in ("type", "items", "values"):
                if inner in value and (inner != "type" or value["type"] not in ("array", "map")):
                    result[inner] = _inlined(value[inner], namespace, definitions, seen)
            return result
        case _:
            return value


def _is_named(value: Mapping[str, Any]) -> bool:
    kind = value.get("type")
    return isinstance(kind, str) and kind in _NAMED and isinstance(value.get("name"), str)


def _split(value: Mapping[str, Any], namespace: str) -> tuple[str, str]:
    """The namespace and the simple name of a definition."""
    space, dot, simple = str(value["name"]).rpartition(".")
    if dot:
        return space, simple
    given = value.get("namespace")
    return (given if isinstance(given, str) else namespace), simple


def _full(name: str, namespace: str) -> str:
    return name if "." in name or not namespace else f"{namespace}.{name}"
