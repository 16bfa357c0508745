"""The endpoints at NATS that a hub reads and writes, as the registry describes them.

A source is where others hand events in, so its endpoint is one for producers; what a subscription
delivers to is one for consumers. What the hub proves to the servers stands in neither.

    source "iot" at nats://n1, subject plant.>     endpoints/source-iot   usage producer
    subscription "s-1" to nats://n1, orders.{type} endpoints/sink-s-1     usage subscriber, consumer
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chappe.domain.options import NatsSettings
from chappe.domain.source import NatsSource, Source
from chappe.domain.subject import Subject
from chappe.domain.subscription import Subscription
from chappe.formats.broker_url import place_of
from chappe.registry.state import State


def broker_endpoints(state: State) -> dict[str, Mapping[str, Any]]:
    """Attributes of endpoints by id; the caller labels them as the hub's own."""
    found = {
        f"source-{one.id}": _of_source(one, one.settings)
        for one in state.sources.values()
        if isinstance(one.settings, NatsSource)
    }
    return found | {
        f"sink-{one.id}": _of_sink(one, one.settings)
        for one in state.subscriptions.values()
        if isinstance(one.settings, NatsSettings)
    }


def _of_source(source: Source, settings: NatsSource) -> dict[str, Any]:
    is_filter = "*" in settings.subject or ">" in settings.subject
    return {
        "name": f"Publish to {source.options.channel} over NATS",
        "description": f"What is published here is taken into the channel {source.options.channel}"
        f" by the source {source.id}.",
        "usage": ["producer"],
        "channel": source.options.channel,
        "envelope": "CloudEvents/1.0",
        "protocol": "NATS",
        "protocoloptions": {
            "endpoints": _uris(source.url),
            "subjectfilter" if is_filter else "subject": settings.subject,
        },
    }


def _of_sink(subscription: Subscription, settings: NatsSettings) -> dict[str, Any]:
    mode = subscription.options.envelopeoptions.mode or "binary"
    return {
        "name": f"Events of {subscription.channel} over NATS",
        "description": f"The subscription {subscription.id} delivers here.",
        "usage": ["subscriber", "consumer"],
        "channel": subscription.channel,
        "envelope": "CloudEvents/1.0",
        "envelopeoptions": {"mode": mode},
        "protocol": "NATS",
        "protocoloptions": {
            "endpoints": _uris(subscription.sink),
            "subjectfilter": filter_of(Subject.parse(settings.subject)),
        },
    }


def filter_of(subject: Subject) -> str:
    """The filter that every subject made of the template fits: "o.{type}" -> "o.>"."""
    pieces = subject.pieces
    if len(pieces) == 1:
        return pieces[0]
    if not pieces[-1] and pieces[-3].endswith("."):
        return f"{_starred(pieces[:-2])}>"
    return _starred(pieces)


def _starred(pieces: tuple[str, ...]) -> str:
    text = "".join(piece if index % 2 == 0 else "\0" for index, piece in enumerate(pieces))
    return ".".join("*" if "\0" in token else token for token in text.split("."))


def _uris(url: str) -> list[dict[str, str]]:
    place = place_of(url)
    return [
        {"uri": f"{place.scheme}://{f'[{host}]' if ':' in host else host}:{port}"}
        for host, port in place.servers
    ]
