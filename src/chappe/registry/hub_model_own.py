"""What the hub adds to the model of the standard: channels, subscriptions, checks of payloads."""

from __future__ import annotations

from typing import Final

from chappe.registry.hub_model_notation import (
    Definition,
    attribute,
    count,
    group_of,
    list_of,
    number,
    text,
    uri,
)
from chappe.registry.hub_model_options import (
    OPTIONS,
    SETTINGS,
    SOURCE_OPTIONS,
    SOURCE_SETTINGS,
)

CHANNELS: Final[Definition] = {
    "singular": "channel",
    "description": "A named, durable stream of events in the hub",
    "attributes": {
        "shards": count("Number of ordered parts; fixed when the channel is made"),
        "kind": text(
            "What the channel holds; only the hub writes to any but `events`",
            enum=["events", "attempts", "deadletters", "registry", "audit"],
            default="events",
        ),
        "undeclared": text(
            "What becomes of an event whose type no message declares; `allow` if absent",
            enum=["allow", "warn", "refuse"],
        ),
        "quarantine": text(
            "The channel that takes what this one refuses; absent: the sender gets an error"
        ),
        "retention": group_of(
            "How long and how much the channel keeps; absent: as the hub's settings say",
            {
                "max_age_s": number("Seconds that an event is kept; 0: no bound"),
                "max_bytes": count("Bytes that are kept, the newest; 0: no bound"),
            },
        ),
    },
}


def _credential(*kinds: str) -> dict[str, Definition]:
    return {
        "credentialtype": text("Kind of credential", enum=list(kinds), required=True),
        "identifier": text("The user, with PLAIN"),
        "secret": text("The password, with PLAIN; only written"),
        "accesstoken": text("The token, with ACCESSTOKEN; only written"),
        "accesstokentype": text("Type of the token: bearer"),
        "accesstokenexpiresutc": attribute("timestamp", "Until when the token is valid"),
    }


# No defaults here: the hub fills in what a subscription is made without, and keeps what is there
# when a later write is silent about it. Names that are not ours to choose (header fields, keys of
# `config`) stand under `any`, because keys of a map cannot have capitals (core/spec.md "map").
SUBSCRIPTIONS: Final[Definition] = {
    "singular": "subscription",
    "description": "Which events of a channel are delivered, and where to; versions are revisions",
    "hasdocument": False,
    "maxversions": 50,
    "attributes": {
        "source": uri("The source of the events, exactly; absent: any"),
        "types": list_of("The types of the events; absent: any", "string"),
        "config": attribute("any", "Settings for whoever produces the events; kept, not used"),
        "filters": list_of("Filters, all of which must hold", "any"),
        "sink": uri("Where the events are delivered to", required=True),
        "protocol": text("Protocol of the delivery", required=True),
        "protocolsettings": group_of(
            "Settings of the protocol",
            {
                "headers": attribute("any", "Header fields of each request: name to value"),
                "method": text("Method of each request; POST if absent"),
                **SETTINGS,
            },
        ),
        "sinkcredential": group_of(
            "How the hub proves to the sink who it is; secrets are never shown",
            {
                **_credential("PLAIN", "ACCESSTOKEN", "REFRESHTOKEN"),
                "refreshtoken": text("Gets another token, with REFRESHTOKEN; only written"),
                "refreshtokenendpoint": uri("Where it is traded for one (RFC 6749 6)"),
            },
        ),
        "channel": text(
            "The channel; `default` if absent; fixed when the subscription is made",
            matchversions=True,
        ),
        "start": text(
            "Where the subscription begins: latest, earliest, a time or a position; `latest` if absent;"
            " fixed when it is made",
            matchversions=True,
        ),
        "concurrency": count("Deliveries under way at once"),
        "timeout_s": number("Seconds that the sink may take to answer"),
        "retry": group_of(
            "How long and how often an event is tried",
            {
                "max_attempts": count("Attempts before the event becomes a dead letter"),
                "base_s": number("Bound of the first wait; it doubles with each attempt"),
                "max_backoff_s": number("The longest wait"),
                "max_age_s": number("Age at which an event that failed is tried no more"),
                "max_retry_after_s": number("The longest wait that a sink can ask for"),
                "schedule_s": list_of("The waits, in the place of the growing ones", "decimal"),
                "statuses": attribute(
                    "any", "What a status means: '404' or '5xx' to deliver, retry, refuse, disable"
                ),
            },
        ),
        **OPTIONS,
    },
}

SOURCES: Final[Definition] = {
    "singular": "source",
    "description": "What the hub reads at other brokers, and the channel that takes it",
    "hasdocument": False,
    "maxversions": 50,
    "attributes": {
        "url": uri("Where the broker is; webhooks have none"),
        "protocol": text("Protocol of the broker", required=True),
        "protocolsettings": group_of("Settings of the protocol", SOURCE_SETTINGS),
        "credential": group_of(
            "How the hub proves to the broker who it is; secrets are never shown",
            _credential("PLAIN", "ACCESSTOKEN"),
        ),
        **SOURCE_OPTIONS,
    },
}

VALIDATION: Final[Definition] = text(
    "What becomes of an event whose payload breaks this message's schema",
    enum=["off", "warn", "enforce"],
)

DATAFRAMING: Final[Definition] = text(
    "What stands before the payload: `confluent`, the frame of Confluent's serializers; absent: nothing",
    enum=["confluent"],
)

DATAFRAMINGCONTEXT: Final[Definition] = text(
    "The Confluent context of the ids in the frames, where the message names no schema; `.` if absent"
)
