"""The model's attributes as JSON Schema (2020-12, the dialect of OpenAPI 3.1).

Each set has two schemas: what is shown, and what may be sent. They differ:

    shown   required attributes are there, those that the hub works out too
    sent    what is read-only is ignored; null stands for absent; an enum's value is given as it is
            defined, while one that was sent in another case is stored and shown in that case

`ifvalues` become `if`/`then`: {"if": {protocol is HTTP}, "then": {"properties": siblings}}.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

from chappe.registry.model import Attribute, AttributeSet
from chappe.registry.model_level import FILLED_IN
from chappe.registry.values import ID, KEY

Schema: TypeAlias = dict[str, Any]

ID_PATTERN: Final = f"^{ID.pattern}$"
KEY_PATTERN: Final = f"^{KEY.pattern}$"

_SCALARS: Final[Mapping[str, Schema]] = {
    "boolean": {"type": "boolean"},
    "decimal": {"type": "number"},
    "integer": {"type": "integer"},
    "uinteger": {"type": "integer", "minimum": 0},
    "string": {"type": "string"},
    "timestamp": {"type": "string", "format": "date-time"},
    # Of these two the hub takes what browsers take, which no format describes.
    "uri": {"type": "string"},
    "url": {"type": "string"},
    "uriabsolute": {"type": "string", "format": "iri"},
    "urlabsolute": {"type": "string", "format": "iri"},
    "urirelative": {"type": "string", "format": "iri-reference"},
    "urlrelative": {"type": "string", "format": "iri-reference"},
    "uritemplate": {"type": "string", "format": "uri-template"},
    "xid": {"type": "string", "pattern": "^/"},
    "xidtype": {"type": "string", "pattern": "^/"},
}


def shown(
    *sets: AttributeSet,
    given: Mapping[str, Schema] | None = None,
    required: frozenset[str] | None = None,
) -> Schema:
    """The schema of an object with the attributes of these sets, as it is answered.

    Args:
        sets: of one entity; of a resource that is its own set and its default version's.
        given: schemas that the attributes' definitions do not tell.
        required: the names that are always there; those that the sets require, if it is None.
    """
    return _object(sets, given or {}, sent=False, required=required)


def sent(*sets: AttributeSet, given: Mapping[str, Schema] | None = None) -> Schema:
    """The schema of the same object, as a client writes it; nothing is required of its top level.

    See `required_of` for what a new entity needs.
    """
    schema = _object(sets, given or {}, sent=True, required=frozenset())
    schema["properties"]["$schema"] = {"description": "Ignored"}
    return schema


def required_of(definitions: AttributeSet) -> list[str]:
    """The attributes that whoever makes an entity must send."""
    return sorted(name for name, one in definitions.by_name.items() if _must_send(one))


def nullable(schema: Schema) -> Schema:
    """The schema, or null."""
    if "$ref" in schema or "anyOf" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    if "type" not in schema and "enum" not in schema:
        return schema
    result = dict(schema)
    if isinstance(schema.get("type"), str):
        result["type"] = [schema["type"], "null"]
    if "enum" in schema:
        result["enum"] = [*schema["enum"], None]
    return result


def map_of(item: Schema, *, keys: str = ID_PATTERN) -> Schema:
    """A map of anything, by id or by another kind of key."""
    return {
        "type": "object",
        "propertyNames": {"pattern": keys},
        "additionalProperties": item,
    }


def _must_send(attribute: Attribute) -> bool:
    return (
        attribute.required
        and attribute.default is None
        and not attribute.readonly
        and not attribute.computed
        and not (attribute.spec and attribute.name in FILLED_IN)
    )


def _object(
    sets: tuple[AttributeSet, ...],
    given: Mapping[str, Schema],
    *,
    sent: bool,
    required: frozenset[str] | None,
) -> Schema:
    by_name = {name: one for each in sets for name, one in each.by_name.items()}
    schema = _members(by_name, given, sent=sent, required=required)
    _close(schema, sets, sent=sent)
    return {"type": "object", **schema}


def _members(
    by_name: Mapping[str, Attribute],
    given: Mapping[str, Schema],
    *,
    sent: bool,
    required: frozenset[str] | None,
) -> Schema:
    """`properties`, `required` and the conditions of `ifvalues`."""
    schema: Schema = {
        "properties": {
            name: given[name] if name in given else _member(one, sent=sent)
            for name, one in by_name.items()
        }
    }
    if required is None:
        required = frozenset(
            name for name, one in by_name.items() if (_must_send(one) if sent else one.required)
        )
    if required:
        schema["required"] = sorted(required)
    conditions = [
        condition for one in by_name.values() for condition in _conditions(one, sent=sent)
    ]
    if conditions:
        schema["allOf"] = conditions
    return schema


def _close(schema: Schema, sets: tuple[AttributeSet, ...], *, sent: bool) -> None:
    """Say which other names may stand there."""
    selectors = [one for each in sets for one in each.by_name.values() if one.ifvalues]
    others = next((each.others for each in sets if each.others is not None), None)
    if others is None and any(_has_others(one) for one in selectors):
        return
    # `additionalProperties` does not know what a `then` has allowed.
    keyword = "unevaluatedProperties" if selectors else "additionalProperties"
    if others is None:
        schema[keyword] = False
    elif others.type != "any":
        schema[keyword] = _member(others, sent=sent)


def _has_others(selector: Attribute) -> bool:
    return any(
        siblings.others is not None or any(map(_has_others, siblings.by_name.values()))
        for siblings in selector.ifvalues.values()
    )


def _conditions(selector: Attribute, *, sent: bool) -> Iterator[Schema]:
    """What stands beside the selector at its values; values with the same siblings are told once."""
    branches: dict[str, tuple[Schema, list[str]]] = {}
    for key, siblings in selector.ifvalues.items():
        then = _members(siblings.by_name, {}, sent=sent, required=None)
        text = json.dumps(then, default=str)
        branches.setdefault(text, (then, []))[1].append(key)
    for then, keys in branches.values():
        test: Schema = {"properties": {selector.name: _matching(selector, keys)}}
        if selector.default is None or _text(selector.default) not in keys:
            test["required"] = [selector.name]
        yield {"if": test, "then": then}


def _matching(selector: Attribute, keys: list[str]) -> Schema:
    if selector.type not in ("boolean", "decimal", "integer", "uinteger"):
        return {"type": "string", "pattern": _in_any_case(keys)}
    values = []
    for key in keys:
        try:
            values.append(json.loads(key))
        except ValueError:
            continue  # no value of that type has that text
    return {"enum": values}


def _text(value: Any) -> str:
    return (value if isinstance(value, str) else json.dumps(value, default=str)).lower()


def _in_any_case(texts: list[str]) -> str:
    """A pattern for texts without regard to case: "b/1" -> "[bB]/1"."""
    return f"^(?:{'|'.join(''.join(map(_letter, text)) for text in texts)})$"


def _letter(one: str) -> str:
    if one.lower() != one.upper():
        both = dict.fromkeys((one.lower(), one.upper()))
        # "ß" has the upper case "SS": two letters are no class.
        return (
            f"(?:{'|'.join(both)})" if any(len(case) > 1 for case in both) else f"[{''.join(both)}]"
        )
    return f"\\{one}" if one in r"\^$.|?*+()[]{}/-" else one


def _member(attribute: Attribute, *, sent: bool) -> Schema:
    if sent and (attribute.readonly or (attribute.computed and attribute.type == "url")):
        return {"readOnly": True}
    schema = _value(attribute, sent=sent)
    if attribute.description:
        schema["description"] = attribute.description
    if attribute.default is not None:
        schema["default"] = attribute.default
    return nullable(schema) if sent else schema


def _value(attribute: Attribute, *, sent: bool) -> Schema:
    match attribute.type:
        case "any":
            return {}
        case "object":
            inner = attribute.attributes
            return {} if inner is None else _object((inner,), {}, sent=sent, required=None)
        case "map":
            item = _item(attribute, sent=sent)
            return map_of(nullable(item) if sent else item, keys=KEY_PATTERN)
        case "array":
            return {"type": "array", "items": _item(attribute, sent=sent)}
        case type:
            return _limited(dict(_SCALARS[type]), attribute, sent=sent)


def _item(attribute: Attribute, *, sent: bool) -> Schema:
    """The items' schema; an `enum` of the array or map is theirs."""
    if attribute.item is None:
        return {}
    schema = _value(attribute.item, sent=sent)
    return _limited(schema, attribute, sent=sent) if attribute.item.is_scalar else schema


def _limited(schema: Schema, attribute: Attribute, *, sent: bool) -> Schema:
    values = list(attribute.enum)
    if not values:
        return schema
    if not attribute.strict:
        return {**schema, "examples": values}
    if sent or schema["type"] != "string":
        return {**schema, "enum": values}
    return {**schema, "pattern": _in_any_case(values)}
