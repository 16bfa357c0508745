"""The settings that `domain/options` describes, as JSON Schemas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec import inspect

from chappe.domain.options import (
    AmqpSettings,
    KafkaSettings,
    MqttSettings,
    NatsSettings,
    Option,
    Options,
    PullSettings,
    bare,
    described,
    is_secret,
)
from chappe.domain.source import SETTINGS_OF, SourceOptions
from chappe.http.openapi_schemas import Schema


def _schemas(kind: type[Option]) -> Mapping[str, Schema]:
    return _of_fields(described(kind))


def _of_fields(info: inspect.StructType) -> Mapping[str, Schema]:
    return {field.name: _schema(field.type) for field in info.fields}


def _schema(type_: inspect.Type) -> Schema:
    inner, description, _ = bare(type_)
    shape = _shape(inner)
    if description:
        shape["description"] = description
    if is_secret(type_):
        shape["writeOnly"] = True
    return shape


def _shape(type_: inspect.Type) -> Schema:
    match type_:
        case inspect.StructType():
            needed = [field.name for field in type_.fields if field.required]
            shape: Schema = {
                "type": "object",
                "properties": dict(_of_fields(type_)),
                "additionalProperties": False,
            }
            return {**shape, "required": needed} if needed else shape
        case inspect.IntType(ge=least, le=most):
            return {"type": "integer", **_range(least, most)}
        case inspect.FloatType(ge=least_f, le=most_f):
            return {"type": "number", **_range(least_f, most_f)}
        case inspect.BoolType():
            return {"type": "boolean"}
        case inspect.LiteralType(values=values):
            return {"enum": list(values)}
        case inspect.VarTupleType(min_length=fewest, max_length=most_items):
            items: Schema = {"type": "array", "items": {"type": "string", "minLength": 1}}
            if fewest:
                items["minItems"] = fewest
            if most_items:
                items["maxItems"] = most_items
            return items
        case inspect.DictType(value_type=of):
            return {"type": "object", "additionalProperties": _shape(of)}
        case inspect.UnionType(types=types):
            return {"anyOf": [_shape(one) for one in types]}
        case inspect.AnyType():
            return {}
        case inspect.StrType(min_length=shortest, max_length=longest):
            text: Schema = {"type": "string", "minLength": shortest or 1}
            return {**text, "maxLength": longest} if longest else text
        case _:
            raise AssertionError(f"no schema for {type_}")


def _range(least: float | None, most: float | None) -> Mapping[str, Any]:
    bounds = {"minimum": least, "maximum": most}
    return {name: bound for name, bound in bounds.items() if bound is not None}


OPTIONS: Final = _schemas(Options)
"""The extension fields of a subscription."""

SETTINGS: Final[Mapping[str, Schema]] = {
    **_schemas(KafkaSettings),
    **_schemas(NatsSettings),
    **_schemas(MqttSettings),
    **_schemas(AmqpSettings),
    **_schemas(PullSettings),
}
"""The settings of every protocol but HTTP."""

SOURCE_OPTIONS: Final = _schemas(SourceOptions)
"""The fields of a source that are settings alone."""

SOURCE_SETTINGS: Final[Mapping[str, Schema]] = {
    name: shape
    for kind in dict.fromkeys(SETTINGS_OF.values())
    for name, shape in _schemas(kind).items()
}
"""The settings of every protocol of sources."""
