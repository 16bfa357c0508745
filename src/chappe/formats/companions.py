"""The document of a companion: a subscription that delivers for another one, made of that one's fields.

It has the other's secrets, too, unless its events go to another sink: who may subscribe must not learn
them that way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from chappe.domain.subscription import Subscription
from chappe.formats.options_json import secrets_of
from chappe.formats.subscription_json import render_subscription

_NOT_ITS_OWN: Final = ("id", "epoch", "createdat", "modifiedat", "replay", "paused", "expires")
_OF_THE_SINK: Final = ("sinkcredential", "signing", "tls", "protocolsettings")
"""What is meant for the other's sink alone."""
_OF_THE_EVENTS: Final = ("source", "types", "filters")


@dataclass(frozen=True, slots=True)
class AnotherSink:
    """Where a replay goes instead; `fields` are of the Subscriptions API, as they were sent."""

    sink: str
    fields: Mapping[str, Any]


def replay_document(
    origin: Subscription, *, start: str, rate: float | None, sink: AnotherSink | None
) -> dict[str, Any]:
    """Delivers the same events of the same channel again."""
    document = _document(origin, rate)
    document["start"] = start
    if sink is None:
        return document
    for name in _OF_THE_SINK:
        document.pop(name, None)
    return {**document, **sink.fields, "sink": sink.sink}


def redrive_document(
    origin: Subscription, *, channel: str, start: str, rate: float | None
) -> dict[str, Any]:
    """Delivers chosen letters of the channel of dead letters, as the events that they were."""
    document = _document(origin, rate)
    for name in _OF_THE_EVENTS:
        document.pop(name, None)
    return {**document, "channel": channel, "start": start}


def _document(origin: Subscription, rate: float | None) -> dict[str, Any]:
    document: dict[str, Any] = dict(render_subscription(origin))
    for name in _NOT_ITS_OWN:
        document.pop(name, None)
    credential = origin.credential
    if credential is not None:
        name = "secret" if credential.credentialtype == "PLAIN" else "accesstoken"
        document["sinkcredential"] = {**document["sinkcredential"], name: credential.secret}
    for path, secret in secrets_of(origin.options).items():
        *groups, name = path.split("/")
        inner = document
        for group in groups:
            inner[group] = inner = dict(inner[group])
        inner[name] = secret
    if rate is not None:
        document["rate"] = {"per_second": rate}
    return document
