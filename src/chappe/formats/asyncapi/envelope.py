"""CloudEvents in AsyncAPI: a message's attributes as a schema of its headers.

    envelopemetadata                                  headers
    {"type": {"value": "order.paid"}}                 {"properties": {"type": {"const": "order.paid"}}}
    {"tenant": {"type": "string", "required": true}}  {…, "required": ["tenant"]}

What all events have stands in a message trait. In binary mode the names are those of the protocol's
headers ("ce-type"); else they are the members of the event ("type").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from chappe.formats.asyncapi.values import OWN, given, is_absolute, members, own, text, texts

EVENT_TYPE: Final = "application/cloudevents+json"
ALWAYS: Final = ("specversion", "id", "source", "type")
PREFIXES: Final = {
    "http": "ce-",
    "nats": "ce-",
    "kafka": "ce_",
    "amqp1": "cloudEvents:",
    "mqtt": "",
}
"""Of headers in binary mode, by family of protocols."""
_SPEC: Final = "https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md"

_ATTRIBUTES: Final[Mapping[str, Mapping[str, Any]]] = {
    "specversion": {"type": "string", "const": "1.0"},
    "id": {"type": "string", "minLength": 1},
    "source": {"type": "string", "format": "uri-reference", "minLength": 1},
    "type": {"type": "string", "minLength": 1},
    "datacontenttype": {"type": "string"},
    "dataschema": {"type": "string", "format": "uri"},
    "subject": {"type": "string", "minLength": 1},
    "time": {"type": "string", "format": "date-time"},
}
_FORMATS: Final[Mapping[str, Mapping[str, str]]] = {
    "string": {"type": "string"},
    "uri": {"type": "string", "format": "uri"},
    "uritemplate": {"type": "string", "format": "uri-reference"},
    "urireference": {"type": "string", "format": "uri-reference"},
    "timestamp": {"type": "string", "format": "date-time"},
    "binary": {"type": "string", "contentEncoding": "base64"},
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer"},
}


def trait(prefix: str) -> dict[str, Any]:
    """What every event has, with the names of headers that begin in `prefix`."""
    how = f"headers that begin with {prefix}" if prefix else "its attributes"
    return {
        # Nothing but headers: what else stands here would be each message's own.
        "headers": {
            "type": "object",
            "description": f"A CloudEvent ({_SPEC}): the headers are {how}, the payload is its data.",
            "properties": {f"{prefix}{name}": dict(one) for name, one in _ATTRIBUTES.items()},
            "required": [f"{prefix}{name}" for name in ALWAYS],
        }
    }


def headers_of(metadata: Mapping[str, Any], type_: str, prefix: str) -> dict[str, Any]:
    """What a message says of its event's attributes, `type_` in any case."""
    rules = {**metadata, "type": {**members(metadata.get("type")), "value": type_}}
    properties = {
        f"{prefix}{name}": _schema(name, members(rule))
        for name, rule in sorted(rules.items())
        if name != "specversion"
    }
    required = [
        f"{prefix}{name}"
        for name, rule in sorted(rules.items())
        if members(rule).get("required") is True and name not in ALWAYS
    ]
    return {"type": "object", "properties": properties, **given(required=required)}


def prefix_in(headers: Mapping[str, Any]) -> str | None:
    """How the names of an event's attributes begin in these headers; None: it is no event."""
    names = members(headers.get("properties")).keys() | set(texts(headers.get("required")))
    for prefix in (*PREFIXES.values(), "cloudEvents_"):
        if {f"{prefix}type", f"{prefix}source"} <= names or f"{prefix}specversion" in names:
            return prefix
    return None


def metadata_of(
    headers: Mapping[str, Any], prefix: str, own_headers: Mapping[str, Any]
) -> dict[str, Any]:
    """The `envelopemetadata` of headers; `own_headers` are without what a trait says of every event."""
    said = members(own_headers.get("properties")).keys()
    required = set(texts(headers.get("required")))
    found: dict[str, Any] = {}
    for key, schema in members(headers.get("properties")).items():
        name = key.removeprefix(prefix)
        if not key.startswith(prefix) or name == "specversion" or not _is_name(name):
            continue
        if name in _ATTRIBUTES and schema == _ATTRIBUTES[name] and key not in said:
            continue
        rule = _rule(name, members(schema))
        if key in required and name not in ALWAYS:
            rule["required"] = True
        found[name] = rule
    return found


def _schema(name: str, rule: Mapping[str, Any]) -> dict[str, Any]:
    kind = str(rule.get("type") or _usual(name))
    made: dict[str, Any] = dict(_FORMATS.get(kind, _FORMATS["string"]))
    told = given(type=kind if _kind(name, made) != kind else None)
    value = text(rule.get("value"))
    if value is not None and "{" in value:
        told["template"] = value
    elif value is not None:
        made["const"] = _constant(kind, value)
    url = rule.get("specurl")
    made |= given(
        description=text(rule.get("description")),
        externalDocs={"url": url} if is_absolute(url) else None,
    )
    return {**made, **({OWN: told} if told else {})}


def _rule(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    said = own(schema)
    kind = text(said.get("type")) or _kind(name, schema)
    value = text(said.get("template"))
    constant = schema.get(
        "const", (schema.get("enum") or [None])[0] if _is_single(schema) else None
    )
    if value is None and isinstance(constant, str | int) and constant != "":
        value = str(constant).lower() if isinstance(constant, bool) else str(constant)
    return given(
        type=kind,
        value=value,
        description=text(schema.get("description")),
        specurl=text(members(schema.get("externalDocs")).get("url")),
    )


def _is_single(schema: Mapping[str, Any]) -> bool:
    choices = schema.get("enum")
    return isinstance(choices, list) and len(choices) == 1


def _kind(name: str, schema: Mapping[str, Any]) -> str:
    """The registry's type of an attribute with such a schema."""
    usual = _usual(name)
    if _FORMATS.get(usual) == {key: schema[key] for key in _MARKS if key in schema}:
        return usual
    if usual != "string":
        return "string" if name in ("source", "subject") else usual
    if name == "id":
        return "string"
    if schema.get("type") in ("boolean", "integer"):
        return str(schema["type"])
    by_format = {"uri": "uri", "uri-reference": "urireference", "date-time": "timestamp"}
    return by_format.get(str(schema.get("format")), "string")


_MARKS: Final = ("type", "format", "contentEncoding")


def _usual(name: str) -> str:
    """What the model's defaults say of an attribute (message/spec.md)."""
    if name in ("source", "subject", "dataschema"):
        return "uritemplate"
    return "timestamp" if name == "time" else "string"


def _constant(kind: str, value: str) -> Any:
    if kind == "boolean" and value in ("true", "false"):
        return value == "true"
    if kind == "integer" and value.lstrip("-").isdigit() and value.isascii() and len(value) < 18:
        return int(value)
    return value


def _is_name(name: str) -> bool:
    """spec.md "Naming Conventions": lower-case letters and digits."""
    return 0 < len(name) <= 40 and name.isascii() and name.isalnum() and name == name.lower()
