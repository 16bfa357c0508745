"""The model's group type `endpoints` (endpoint/spec.md of xRegistry 1.0-rc4).

Where the specification's text and its model file differ, docs/model.md says which of them this
follows.
"""

from __future__ import annotations

from typing import Final

from chappe.registry.hub_model_notation import (
    ANY_OTHER,
    Definition,
    Definitions,
    attribute,
    by_protocol,
    count,
    flag,
    group_of,
    list_of,
    map_of,
    text,
    uri,
    when,
    whole,
)

_STRING_SERIALIZER: Final = "org.apache.kafka.common.serialization.StringSerializer"

_AUTHORIZATION: Final[Definitions] = {
    "type": text(
        "How the client proves who it is: OAuth2, Plain, SASL, X509Cert, APIKey, or other"
    ),
    "mechanism": text("Name of the SASL mechanism, where the type is SASL"),
    "resourceuri": uri("What the access is asked for"),
    "authorityuri": uri("Where the access is asked for"),
    **ANY_OTHER,
}

_ENVELOPE_OPTIONS: Final[Definitions] = {
    "envelopeoptions": group_of(
        "How CloudEvents travel here",
        {
            "mode": text(
                "The content mode; both are taken if it is absent", enum=["binary", "structured"]
            ),
            "format": text("Media type of the event in structured mode"),
            **ANY_OTHER,
        },
    )
}


def envelope(description: str, *more: tuple[str, Definitions]) -> Definition:
    """The attribute `envelope`; with CloudEvents, its options and `more` stand beside it."""
    siblings = dict(_ENVELOPE_OPTIONS)
    for _, attributes in more:
        siblings |= attributes
    return text(description, ifvalues=when(("CloudEvents/1.0", siblings)))


def _options(address: Definition, own: Definitions, *, extended: bool = False) -> Definitions:
    """`protocoloptions` of a protocol: what all protocols have, and its own."""
    return {
        "protocoloptions": group_of(
            "How to reach the endpoint, in the words of its protocol",
            {
                "endpoints": address,
                "authorization": list_of(
                    "Ways to gain access, of which a client picks one; never the secrets themselves",
                    _AUTHORIZATION,
                ),
                "deployed": flag(
                    "Whether the endpoint can be reached; false makes it a pattern", default=True
                ),
                **own,
                **ANY_OTHER,
            },
            extended=extended,
        )
    }


def _addresses(of: str) -> Definition:
    return list_of("Network addresses, the best first", {"uri": uri(of), **ANY_OTHER})


_HTTP: Final = _options(
    _addresses("An http or https URI"),
    {
        "method": text("Method of the request", default="POST"),
        "headers": list_of(
            "Header fields of the request; a name may stand twice",
            {"name": text("Name of the field", required=True), "value": text("Its value")},
        ),
        "query": map_of("Parameters of the request's query", "string"),
        "apikeyname": text("Name of the field or parameter that carries the API key"),
        "apikeyin": text("Where the API key stands: header or query", default="header"),
        "plainscheme": text(
            "How user name and password are sent: basic, form or query", default="basic"
        ),
        "plainusernamefield": text("Where the user name stands, with form or query"),
        "plainpasswordfield": text("Where the password stands, with form or query"),
    },
)

_AMQP: Final = _options(
    _addresses("An amqp or amqps URI"),
    {
        "node": text("Address of the node; goes before the path of the URI"),
        "durable": flag("Whether the node itself is durable", default=False),
        "link-properties": map_of("Properties of the link", "string"),
        "connection-properties": map_of("Properties of the connection", "string"),
        "distribution-mode": text(
            "Whether a message that was transferred leaves the node",
            enum=["move", "copy"],
            default="move",
        ),
        "connection-capabilities": list_of("Capabilities of the connection", "string"),
        "node-capabilities": list_of("Capabilities of the node", "string"),
        "source-filters": map_of("Filters of the source that is received from", "any"),
        "dynamic": flag("Whether the node is made on demand"),
        "terminus-durability": text(
            "What of the terminus is durable", enum=["none", "configuration", "unsettled-state"]
        ),
        "expiry-policy": text(
            "When the expiry of the terminus begins to count",
            enum=["link-detach", "session-end", "connection-close", "never"],
        ),
        "timeout": count("Seconds until the terminus expires"),
        "sender-settle-mode": text(
            "How the sender settles transfers", enum=["unsettled", "settled", "mixed"]
        ),
        "receiver-settle-mode": text(
            "After which step the receiver settles", enum=["first", "second"]
        ),
    },
    extended=True,
)

_MQTT: Final[Definitions] = {
    "topic": text("The topic to publish to; no wildcards"),
    "topicfilter": text("The topics to subscribe to; wildcards may stand in it"),
    "qos": count("Quality of service, as the role sees it", enum=[0, 1, 2], default=0),
    "retain": flag("Whether the broker keeps what was published last", default=False),
    "willtopic": text("The topic of the last will"),
    "willmessage": attribute(
        "xid", "The message of the last will", target="/messagegroups/messages"
    ),
}

_MQTT_3: Final = _options(
    _addresses("An mqtt, mqtts, tcp, ssl or wss URI"),
    {**_MQTT, "cleansession": flag("Whether the session begins empty", default=True)},
)

_MQTT_5: Final = _options(
    _addresses("An mqtt, mqtts, tcp, ssl or wss URI"),
    {
        **_MQTT,
        "cleanstart": flag("Whether the session begins empty"),
        "sessionexpiryinterval": count("Seconds for which the session outlives its connection"),
        "sharedsubscriptiongroup": text("Name of the group that shares the topic filter"),
        "nolocal": flag("Whether the client is spared what it published itself"),
        "retainaspublished": flag("Whether the retain flag is passed on as it was"),
        "retainhandling": count("When retained messages are sent", enum=[0, 1, 2]),
    },
)

_KAFKA: Final = _options(
    attribute(
        "array",
        "Ways to reach the cluster, the best first",
        item={
            "type": "object",
            "namecharset": "extended",
            "attributes": {
                "bootstrap.servers": list_of("Brokers to begin with, as host:port", "string"),
                "security.protocol": text("How the connection is secured", default="PLAINTEXT"),
                "sasl.mechanism": text("Mechanism of SASL", default="PLAIN"),
                **ANY_OTHER,
            },
        },
    ),
    {
        "topic": text("The topic"),
        "acks": whole("Acknowledgements that the producer waits for: -1, 0 or 1", default=1),
        "key": text("Key of the records"),
        "partition": whole("The partition, where it is fixed"),
        "consumergroup": text("The group to join; a consumer needs it, a subscriber has none"),
        "headers": map_of("Headers of the records that are produced", "string"),
        "keyserializer": text("Serializer of the keys", default=_STRING_SERIALIZER),
        "valueserializer": text("Serializer of the values", default=_STRING_SERIALIZER),
        "autooffsetreset": text(
            "Where to begin without a valid offset", enum=["earliest", "latest", "none"]
        ),
        "enableautocommit": flag("Whether offsets are committed unasked"),
    },
)

_NATS: Final = _options(
    _addresses("A nats, tls or ws URI with a port"),
    {
        "subject": text("The subject to publish to; no wildcards"),
        "subjectfilter": text("The subjects to subscribe to; wildcards may stand in it"),
        "queuegroup": text("The queue group that shares the subject filter"),
    },
)

ENDPOINTS: Final[Definition] = {
    "singular": "endpoint",
    "description": "Where messages are handed in, had, or subscribed to",
    "modelversion": "1.0-rc4",
    "modelcompatiblewith": "https://xregistry.io/xreg/domains/endpoint/specs/model.json",
    "attributes": {
        # The text of the specification asks for one usage at least; its model file does not.
        "usage": list_of(
            "What a client does here: manage subscriptions, take messages, or hand them in",
            "string",
            enum=["subscriber", "consumer", "producer"],
        ),
        "channel": text("What endpoints of the same stream of messages have in common"),
        "deprecated": group_of(
            "Whether, and since when, the endpoint should be left",
            {
                "effective": attribute("timestamp", "Since when"),
                "removal": attribute("timestamp", "Before when it stays"),
                "alternative": attribute("url", "What to use instead"),
                "documentation": attribute("url", "More about it"),
                "docs": attribute("url", "More about it"),
                **ANY_OTHER,
            },
        ),
        "envelope": envelope("What wraps each message, such as CloudEvents/1.0"),
        "protocol": text(
            "Protocol of the endpoint and of all its messages",
            ifvalues=by_protocol(
                http=_HTTP, amqp=_AMQP, mqtt_3=_MQTT_3, mqtt_5=_MQTT_5, kafka=_KAFKA, nats=_NATS
            ),
        ),
        "messagegroups": attribute(
            "array",
            "The groups whose messages may pass here",
            item={"type": "uri", "target": "/messagegroups"},
        ),
        **ANY_OTHER,
    },
    "ximportresources": ["/messagegroups/messages"],
}
"""Without the resource type `subscriptions`, which is the hub's own."""
