"""The model's group type `messagegroups` (message/spec.md of xRegistry 1.0-rc4).

A message says of each attribute, property or header of its envelope or protocol what it must be:

    {"type": "string", "value": "order.paid", "required": true}
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from chappe.registry.hub_model_endpoints import envelope
from chappe.registry.hub_model_notation import (
    Definition,
    Definitions,
    attribute,
    by_protocol,
    flag,
    group_of,
    list_of,
    map_of,
    template,
    text,
    uri,
    whole,
)

_STRINGS: Final = ("uritemplate", "string")
_SCALARS: Final = ("string", "uritemplate", "integer", "number", "boolean")


def _rule(
    *,
    types: Sequence[str] = (),
    default: str | None = None,
    value: Definition | None = None,
    required: bool = False,
    always: bool = False,
) -> Definitions:
    """What a message can say of one property.

    `types` are the types that it may name, `default` the one that it gets; `always` properties
    cannot be optional.
    """
    type_aspects: dict[str, Any] = {"enum": list(types)} if types else {}
    if default is not None:
        type_aspects["default"] = default
    if always:
        need = flag("That it stands in every message", enum=[True], default=True)
    else:
        need = flag("Whether it stands in every message", default=required)
    return {
        "description": text("What it is for"),
        "specurl": uri("Where it is defined"),
        "type": text("Type of its value", **type_aspects),
        "value": value or text("What its value must be, or a template of it"),
        "required": need,
    }


def _property(description: str, **rule: Any) -> Definition:
    return group_of(description, _rule(**rule))


def _entries(what: str, *, named: bool = True, optional: bool = True) -> Definitions:
    """Of a list or map of headers or the like, each with its name."""
    entry: dict[str, Definition] = {
        "name": text(f"Name of the {what}", **({"required": True} if named else {})),
        "description": text("What it is for"),
        "specurl": uri("Where it is defined"),
        "value": text("What its value must be, or a template of it"),
    }
    if optional:
        entry["required"] = flag("Whether it stands in every message", default=False)
    return entry


_CLOUDEVENTS: Final[Definitions] = {
    "envelopemetadata": group_of(
        "What the attributes of the event must be",
        {
            "specversion": group_of(
                "The version of CloudEvents",
                _rule(types=("string",), value=text("The version", enum=["1.0"]), always=True),
            ),
            "id": _property("The event's id", types=_STRINGS, default="string", always=True),
            "type": _property("The event's type", default="string", always=True),
            "source": _property(
                "The event's source", types=_STRINGS, default="uritemplate", always=True
            ),
            "subject": _property("The event's subject", types=_STRINGS, default="uritemplate"),
            "time": _property("The event's time", types=("timestamp",), default="timestamp"),
            "dataschema": _property(
                "The event's dataschema",
                default="uritemplate",
                value=template("What its value must be, or a template of it"),
            ),
            "datacontenttype": _property("The event's datacontenttype", default="string"),
            "*": _property("An extension attribute of the event", default="string"),
        },
    )
}

_AMQP_ENTRIES: Final = _rule(types=_SCALARS, default="string")

_AMQP: Final[Definitions] = {
    "protocoloptions": group_of(
        "What the sections of the AMQP message must hold",
        {
            "properties": group_of(
                "Section: properties",
                {
                    "message-id": _property(
                        "Id of the message",
                        types=("ulong", "uuid", "binary", "string", "uritemplate"),
                    ),
                    "user-id": _property(
                        "Who made it", types=("binary", *reversed(_STRINGS)), default="string"
                    ),
                    "to": _property("The node it goes to", types=_STRINGS, default="uritemplate"),
                    "subject": _property("What it is about", types=_STRINGS, required=True),
                    "reply-to": _property(
                        "The node that answers go to", types=_STRINGS, default="uritemplate"
                    ),
                    "correlation-id": _property(
                        "What it belongs to",
                        types=("binary", *reversed(_STRINGS)),
                        default="string",
                    ),
                    "content-type": _property(
                        "Media type of the body", types=_STRINGS, default="string"
                    ),
                    "content-encoding": _property(
                        "Encoding of the body", types=("string",), default="string"
                    ),
                    "absolute-expiry-time": _property(
                        "When it expires", types=("timestamp",), default="timestamp"
                    ),
                    "creation-time": _property(
                        "When it was made", types=("timestamp",), default="timestamp"
                    ),
                    "group-id": _property(
                        "The group it is part of", types=_STRINGS, default="string"
                    ),
                    "group-sequence": _property(
                        "Its place in the group", types=("integer",), default="integer"
                    ),
                    "reply-to-group-id": _property(
                        "The group that answers go to", types=_STRINGS, default="string"
                    ),
                },
                extended=True,
            ),
            "application-properties": map_of("Section: application properties", _AMQP_ENTRIES),
            "message-annotations": map_of("Section: message annotations", _AMQP_ENTRIES),
            "delivery-annotations": map_of("Section: delivery annotations", _AMQP_ENTRIES),
            "header": group_of(
                "Section: header",
                {
                    "durable": flag("Whether the message is durable", default=False),
                    "priority": whole("Priority among messages", default=4),
                    "ttl": whole("Time to live, in milliseconds"),
                    "first-acquirer": flag("Whether nobody acquired it before", default=False),
                    "delivery-count": whole("Deliveries that failed before", default=0),
                },
                extended=True,
            ),
            "footer": map_of("Section: footer", _AMQP_ENTRIES),
        },
        extended=True,
    )
}

_MQTT: Final[Definitions] = {
    "qos": whole("Quality of service"),
    "retain": flag("Whether the broker keeps the message"),
    "topic_name": template("The topic"),
}

_MQTT_3: Final[Definitions] = {
    "protocoloptions": group_of("What the PUBLISH packet must hold", _MQTT, extended=True)
}

_MQTT_5: Final[Definitions] = {
    "protocoloptions": group_of(
        "What the PUBLISH packet must hold",
        {
            **_MQTT,
            "payload_format_indicator": whole("0 for bytes, 1 for UTF-8", enum=[0, 1]),
            "payload_format": whole("0 for bytes, 1 for UTF-8", enum=[0, 1]),
            "message_expiry_interval": whole("Seconds until the message expires"),
            "response_topic": template("The topic for answers"),
            "correlation_data": template("What an answer repeats"),
            "content_type": template("Media type of the payload"),
            "user_properties": list_of(
                "User properties; a name may stand twice",
                _entries("property", optional=False),
            ),
        },
    )
}

_KAFKA: Final[Definitions] = {
    "protocoloptions": group_of(
        "What the record must hold",
        {
            "topic": template("The topic"),
            "partition": whole("The partition"),
            "key": template("The key, as text"),
            "key_base64": text("The key, as base64 of bytes; instead of `key`"),
            "headers": map_of("The headers", _entries("header")),
        },
    )
}

_HTTP: Final[Definitions] = {
    "protocoloptions": group_of(
        "What the request or response must hold",
        {
            "headers": list_of("Header fields; a name may stand twice", _entries("field")),
            "query": list_of("Parameters of the query", _entries("parameter")),
            "path": template("Path of the request"),
            "method": text("Method of the request"),
            "status": text("Status code of the response; instead of `method`"),
        },
    )
}

_NATS: Final[Definitions] = {
    "protocoloptions": group_of(
        "What the message must hold",
        {
            "subject": template("The subject"),
            "reply": template("The subject for answers"),
            "reply-to": template("The subject for answers"),
            "headers": list_of("The headers", _entries("header", named=False)),
        },
        extended=True,
    )
}

_BASE: Final = uri(
    "The message that this one extends; what stands here goes before what stands there",
    target="/messagegroups/messages[/versions]",
)

MESSAGES: Final[Definition] = {
    "singular": "message",
    "description": "What a message of one kind looks like: its metadata and its payload's schema",
    "modelversion": "1.0-rc4",
    "modelcompatiblewith": "https://xregistry.io/xreg/domains/message/specs/model.json",
    "maxversions": 1,
    "hasdocument": False,
    "attributes": {
        "basemessage": _BASE,
        "basemessageuri": _BASE,
        "envelope": envelope(
            "What wraps the message, the same as in its group", ("CloudEvents/1.0", _CLOUDEVENTS)
        ),
        "protocol": text(
            "Protocol that the message is bound to, the same as in its group",
            ifvalues=by_protocol(
                http=_HTTP, amqp=_AMQP, mqtt_3=_MQTT_3, mqtt_5=_MQTT_5, kafka=_KAFKA, nats=_NATS
            ),
        ),
        "dataschemaformat": text("The language of the payload's schema, such as Avro/1.11.0"),
        "dataschema": attribute("any", "The payload's schema itself"),
        "dataschemauri": uri("Where the payload's schema is; instead of `dataschema`"),
        "dataschemaxid": attribute("xid", "The payload's schema in this registry"),
        "datacontenttype": text("Media type of the payload"),
    },
}
"""Without the attributes that are the hub's own, such as `validation`."""

MESSAGEGROUPS: Final[Definition] = {
    "singular": "messagegroup",
    "description": "Messages that belong together, such as those of one channel",
    "modelversion": "1.0-rc4",
    "modelcompatiblewith": "https://xregistry.io/xreg/domains/message/specs/model.json",
    "attributes": {
        "envelope": text("What wraps every message of the group, such as CloudEvents/1.0"),
        "protocol": text("Protocol that every message of the group is bound to"),
        "*": attribute("any", "What else holds for every message of the group"),
    },
}
"""Without its resources."""
