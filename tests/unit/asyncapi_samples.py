"""A registry with something of everything that an AsyncAPI document can say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from chappe.flows.adopt import Adopt, Adopted
from chappe.formats.asyncapi.read import read
from chappe.formats.asyncapi.write import About, document_of
from chappe.formats.catalogue import endpoints
from chappe.formats.languages import json_alone
from chappe.registry.entity import Tree
from chappe.registry.hub_model import hub_model
from chappe.registry.request import Rules
from chappe.registry.target import Level, Target
from chappe.registry.write import empty_tree
from chappe.registry.write_several import OneOfSeveral, write_several

BASE = "http://hub"
_decode = msgspec.json.Decoder(float_hook=Decimal).decode
NOW = "2026-01-02T00:00:00Z"
RULES = Rules(json_alone())
EMPTY = empty_tree("r", NOW, hub_model())
ORDER = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object",
    "properties": {
        "total": {"type": "number", "multipleOf": 0.01},
        "next": {"$ref": "#"},
        "ship": {"$ref": "#/definitions/a~1b"},
    },
    "definitions": {
        "a/b": {"type": "object", "properties": {"up": {"$ref": "#/definitions/a~1b"}}}
    },
}
RECORD = {"type": "record", "name": "Stock", "fields": [{"name": "sku", "type": "string"}]}
PROTO = 'syntax = "proto3";\nmessage Seen {\n  string id = 1;\n}\n'

SCHEMAGROUPS: Mapping[str, Any] = {
    "shop": {
        "schemas": {
            "order": {"format": "JsonSchema/draft-07", "schema": ORDER, "description": "An order"},
            "stock": {"format": "Avro/1.12", "schema": RECORD},
            "seen": {"format": "Protobuf/3", "schema": PROTO, "contenttype": "text/plain"},
        }
    }
}
MESSAGEGROUPS: Mapping[str, Any] = {
    "shop": {
        "messages": {
            "order.paid": {
                "name": "Order paid",
                "description": "Money came.",
                "labels": {"team": "billing"},
                "envelope": "CloudEvents/1.0",
                "envelopemetadata": {
                    "type": {"value": "order.paid"},
                    "source": {"value": "/shops/{shop}"},
                    "subject": {"type": "string", "required": True},
                    "tenant": {"type": "string", "required": True, "description": "Whose"},
                    "part": {"type": "integer", "value": "7"},
                    "signed": {"type": "binary"},
                },
                "datacontenttype": "application/json",
                "dataschemaformat": "JsonSchema/draft-07",
                "dataschemaxid": "/schemagroups/shop/schemas/order",
            },
            "stock.low": {
                "envelope": "CloudEvents/1.0",
                "dataschemaformat": "Avro/1.12",
                "dataschemaxid": "/schemagroups/shop/schemas/stock/versions/1",
                "datacontenttype": "application/avro",
            },
            "seen": {
                "envelope": "none",
                "dataschemaformat": "Protobuf/3",
                "dataschemaxid": "/schemagroups/shop/schemas/seen",
                "datacontenttype": "application/protobuf",
            },
        }
    }
}
ENDPOINTS: Mapping[str, Any] = {
    "intake": {
        "name": "Intake",
        "description": "Where orders come in",
        "documentation": "https://docs.example/intake",
        "labels": {"application": "checkout", "owner": "team-shop", "system": "retail"},
        "usage": ["producer"],
        "channel": "default",
        "envelope": "CloudEvents/1.0",
        "protocol": "HTTP",
        "protocoloptions": {
            "endpoints": [{"uri": "https://shop.example:8443/in/{tenant}?v=1"}],
            "method": "PUT",
            "query": {"v": "1"},
            "authorization": [
                {"type": "OAuth2", "authorityuri": "https://id.example/token"},
                {"type": "APIKey"},
            ],
            "apikeyname": "X-Key",
        },
        "messagegroups": ["/messagegroups/shop"],
    },
    "stock~topic": {
        "labels": {"application": "stock"},
        "usage": ["consumer"],
        "envelope": "CloudEvents/1.0",
        "envelopeoptions": {"mode": "binary"},
        "protocol": "KAFKA",
        "protocoloptions": {
            "endpoints": [
                {
                    "bootstrap.servers": ["k1:9093", "k2:9093"],
                    "security.protocol": "SASL_SSL",
                    "sasl.mechanism": "SCRAM-SHA-512",
                }
            ],
            "topic": "stock",
            "consumergroup": "g",
        },
        "messages": {
            "low": {"meta": {"xref": "/messagegroups/shop/messages/stock.low"}},
            "own": {
                "envelope": "CloudEvents/1.0",
                "dataschemaformat": "JSONSchema/draft2020-12",
                "dataschema": {"$defs": {"x": {"type": "integer"}}, "$ref": "#/$defs/x"},
            },
        },
    },
    "subjects": {
        "usage": ["subscriber", "consumer"],
        "protocol": "NATS",
        "protocoloptions": {
            "endpoints": [{"uri": "nats://me:secret@n1:4222"}, {"uri": "tls://n2:4222"}],
            "subjectfilter": "seen.>",
            "queuegroup": "q",
            "authorization": [{"type": "X509Cert"}],
        },
        "messages": {"seen": {"meta": {"xref": "/messagegroups/shop/messages/seen"}}},
    },
    "plant": {
        "usage": ["producer"],
        "protocol": "MQTT/3.1.1",
        "protocoloptions": {
            "endpoints": [{"uri": "mqtts://m1:8883"}], "topic": "plant/{line}", "qos": 1,
        },
    },
    "node": {
        "usage": ["consumer"],
        "protocol": "AMQP/1.0",
        "protocoloptions": {"endpoints": [{"uri": "amqps://a1/q1"}], "node": "n/1"},
    },
    "manager": {
        "usage": ["subscriber"],
        "protocol": "HTTP",
        "protocoloptions": {"endpoints": [{"uri": "https://shop.example/subscriptions"}]},
        "deprecated": {"effective": "2026-01-01T00:00:00Z"},
    },
    "twofold": {
        "usage": ["producer"],
        "protocol": "HTTP/2",
        "protocoloptions": {
            "endpoints": [{"uri": "https://a.example/x"}, {"uri": "https://b.example/y"}],
        },
    },
    "bare": {"usage": ["consumer"], "protocol": "KAFKA"},
    "unheard": {"usage": ["consumer"], "protocol": "Redis"},
}  # fmt: skip


def registry(
    *,
    schemagroups: Mapping[str, Any] = SCHEMAGROUPS,
    messagegroups: Mapping[str, Any] = MESSAGEGROUPS,
    endpoints: Mapping[str, Any] = ENDPOINTS,
    tree: Tree | None = None,
) -> Tree:
    """A registry with these groups."""
    before = tree or EMPTY
    requests = [
        OneOfSeveral("PATCH", Target(Level.GROUPS, before.model.groups[plural]), dict(bodies))
        for plural, bodies in (
            ("schemagroups", schemagroups),
            ("messagegroups", messagegroups),
            ("endpoints", endpoints),
        )
        if bodies
    ]
    return write_several(before, requests, NOW, RULES).tree


def exported(tree: Tree, names: Sequence[str] | None = None) -> Any:
    """The document of endpoints, as whoever reads it has it."""
    chosen = [one for one in endpoints(tree) if names is None or one.id in names]
    document = document_of(tree, chosen, About("Shop"), BASE)
    return _decode(msgspec.json.Encoder(decimal_format="number").encode(document))


def adopted(document: Any, tree: Tree | None = None, **more: Any) -> tuple[Tree, Adopted]:
    """The registry after an import, an empty one before if none is given."""
    written, answer = Adopt(read(document), **more)(tree or EMPTY, NOW, RULES)
    return written.tree, answer
