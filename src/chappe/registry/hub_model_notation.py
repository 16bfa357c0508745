"""How the hub's model is written down: one short call an attribute.

    text("The topic", default="orders")
    -> {"type": "string", "description": "The topic", "required": True, "default": "orders"}

An attribute with a default is always `required` (core/model.md "attributes.<STRING>.default").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

Definition: TypeAlias = Mapping[str, Any]
"""One attribute's definition, as it stands in a model source."""

Definitions: TypeAlias = Mapping[str, Definition]
"""Definitions by attribute name."""

ANY_OTHER: Final[Definitions] = {"*": {"type": "any"}}
"""Lets a level hold attributes that the model does not name."""


def attribute(type: str, description: str, **aspects: Any) -> Definition:
    """An attribute of any type; `aspects` are those of core/model.md."""
    required = {"required": True} if "default" in aspects else {}
    return {"type": type, "description": description, **required, **aspects}


def text(description: str, **aspects: Any) -> Definition:
    """A string."""
    return attribute("string", description, **aspects)


def flag(description: str, **aspects: Any) -> Definition:
    """A boolean."""
    return attribute("boolean", description, **aspects)


def whole(description: str, **aspects: Any) -> Definition:
    """An integer, which may be negative."""
    return attribute("integer", description, **aspects)


def count(description: str, **aspects: Any) -> Definition:
    """An integer from 0 on."""
    return attribute("uinteger", description, **aspects)


def number(description: str, **aspects: Any) -> Definition:
    """A decimal."""
    return attribute("decimal", description, **aspects)


def uri(description: str, **aspects: Any) -> Definition:
    """A URI, absolute or relative."""
    return attribute("uri", description, **aspects)


def template(description: str) -> Definition:
    """A URI template (RFC 6570)."""
    return attribute("uritemplate", description)


def group_of(description: str, attributes: Definitions, *, extended: bool = False) -> Definition:
    """An object; `extended` names may have "-" and "." in them."""
    return attribute(
        "object",
        description,
        **({"namecharset": "extended"} if extended else {}),
        attributes=attributes,
    )


def list_of(description: str, item: str | Definitions, **aspects: Any) -> Definition:
    """An array of a scalar type, or of objects with these attributes."""
    return attribute("array", description, **aspects, item=_item(item))


def map_of(description: str, item: str | Definitions) -> Definition:
    """A map to a scalar type, or to objects with these attributes."""
    return attribute("map", description, item=_item(item))


def when(*choices: tuple[str, Definitions]) -> Definition:
    """`ifvalues`: the attributes that stand beside this one when it has a value."""
    return {value: {"siblingattributes": siblings} for value, siblings in choices}


def by_protocol(
    *,
    http: Definitions,
    amqp: Definitions,
    mqtt_3: Definitions,
    mqtt_5: Definitions,
    kafka: Definitions,
    nats: Definitions,
) -> Definition:
    """`ifvalues` of a `protocol`, for each name that the protocols have."""
    return when(
        ("HTTP", http),
        ("HTTP/1.1", http),
        ("HTTP/2", http),
        ("HTTP/3", http),
        ("AMQP/1.0", amqp),
        ("AMQP", amqp),
        ("MQTT/3.1.1", mqtt_3),
        ("MQTT/5.0", mqtt_5),
        ("MQTT", mqtt_5),
        ("KAFKA", kafka),
        ("NATS", nats),
    )


def _item(item: str | Definitions) -> Definition:
    return {"type": item} if isinstance(item, str) else {"type": "object", "attributes": item}
