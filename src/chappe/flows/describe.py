"""The hub's description of itself: its channels, and the endpoints by which one uses them.

    channels/orders             the channel
    endpoints/publish-orders    where events are handed in            (HTTP, usage "producer")
    endpoints/read-orders       where events are pulled               (HTTP, usage "consumer")
    endpoints/log-orders        the blocks of the channel's log       (NATS, with servers of one's own)
    endpoints/source-iot        what a source reads                   (NATS, usage "producer")
    endpoints/sink-s-1          what a subscription delivers to       (NATS, usage "consumer")
    endpoints/hub               where subscriptions are managed       (HTTP, usage "subscriber")

A usage is what the client does (endpoint/spec.md "usage"). When a hub starts, the flow compares
this with what the registry holds and writes what differs; what others have added to these entities
stays.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import urlsplit

from chappe.domain.channel import ATTEMPTS, AUDIT, DEADLETTERS, REGISTRY, Channel
from chappe.registry.entity import Attributes, Tree
from chappe.registry.flags import Flags
from chappe.registry.request import Write
from chappe.registry.target import Level, Target
from chappe.registry.widening import widened

Description: TypeAlias = Mapping[str, Mapping[str, Attributes]]
"""Attributes by type of group and id."""

LABEL: Final = "chappe"
SELF: Final = "self"
"""The label `chappe: self` marks what the hub says of itself."""

HUB: Final = "hub"
"""The id of the endpoint whose resources are the hub's subscriptions."""

NO_BROKERS: Final[Mapping[str, Attributes]] = {}

_CLOUDEVENTS: Final = "CloudEvents/1.0"
_JSON_BATCH: Final = "application/cloudevents-batch+json"
_PROTOBUF_BATCH: Final = "application/cloudevents-batch+protobuf"
_NATS_PORT: Final = 4222
_KINDS: Final = {
    ATTEMPTS: "attempts",
    DEADLETTERS: "deadletters",
    REGISTRY: "registry",
    AUDIT: "audit",
}


def base_url(public_url: str | None, host: str, port: int, hostname: str) -> str:
    """Where the hub can be reached, without "/" at the end.

    That is `public_url` where it is set, else the address that the hub listens on; `hostname`
    stands for an address that means "all of them".
    """
    if public_url:
        return public_url.rstrip("/")
    if host in ("", "0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        host = hostname
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def description(
    base_url: str,
    channels: Iterable[Channel],
    nats: str | None,
    version: str,
    brokers: Mapping[str, Attributes] = NO_BROKERS,
) -> Description:
    """What the hub says of itself, as the body of a `POST /`.

    `nats` are the URLs of servers that belong to the user, parted by commas; None where the engine
    is the hub's own, which nobody else can reach. `brokers` are endpoints at other brokers, by id.
    """
    endpoints: dict[str, Attributes] = {HUB: _subscribing(base_url, version)}
    for id, attributes in brokers.items():
        endpoints[id] = {**attributes, "labels": {LABEL: SELF}}
    described: dict[str, Attributes] = {}
    for channel in channels:
        kind = _KINDS.get(channel.name, "events")
        described[channel.name] = {
            "shards": channel.shards,
            "kind": kind,
            "labels": {LABEL: SELF},
        }
        if kind == "events":
            endpoints[f"publish-{channel.name}"] = _publishing(base_url, channel.name)
        endpoints[f"read-{channel.name}"] = _reading(base_url, channel.name)
        if nats:
            endpoints[f"log-{channel.name}"] = _following(nats, channel.name)
    return {"channels": described, "endpoints": endpoints}


def differing(tree: Tree, wanted: Description) -> dict[str, dict[str, Any]]:
    """The body of a `POST /` that brings the registry to `wanted`; empty where it is there.

    An entity is written whole, with what others have added to it, and with its epoch: a change that
    comes between is not lost but makes the write fail. Types that the model lacks are left out.
    """
    body: dict[str, dict[str, Any]] = {}
    for plural, entities in wanted.items():
        if plural not in tree.model.groups:
            continue
        for id, attributes in entities.items():
            present = tree.of(plural).get(id)
            stored = {} if present is None else _writable(present.attributes)
            overlaid = _overlaid(stored, attributes)
            if present is None or overlaid != stored:
                body.setdefault(plural, {})[id] = overlaid
    return body


def stale(tree: Tree, wanted: Description) -> dict[str, dict[str, Any]]:
    """The body of a `DELETE /endpoints`: what the hub once said of itself and says no more."""
    return {
        id: {"epoch": endpoint.attributes["epoch"]}
        for id, endpoint in tree.of("endpoints").items()
        if _is_own(endpoint.attributes) and id not in wanted.get("endpoints", {})
    }


@dataclass(frozen=True, slots=True)
class Describe:
    """Brings what the registry holds to what the hub says of itself.

    `amend` gives its argument the newest tree and the time, and commits the write that comes back;
    it asks again when another node was faster, and does nothing for None. `model` is the source of
    the model that this version of the hub begins a registry with.
    """

    amend: Callable[[Callable[[Tree, str], Write | None]], Awaitable[object]]
    model: Mapping[str, Any] = field(default_factory=dict)

    async def __call__(self, wanted: Description) -> None:
        """Write what differs, the model first; nothing is written where nothing does.

        Raises:
            RegistryError: the registry's model does not take the description.
            Unavailable: the engine did not acknowledge.
        """

        def widen(tree: Tree, now: str) -> Write | None:
            wider = widened(tree.model.source, self.model)
            if wider == tree.model.source:
                return None
            return _write("PUT", Target(Level.MODELSOURCE), wider, now)

        def say(tree: Tree, now: str) -> Write | None:
            body = differing(tree, wanted)
            return _write("POST", Target(Level.REGISTRY), body, now) if body else None

        def take_back(tree: Tree, now: str) -> Write | None:
            body = stale(tree, wanted)
            type = tree.model.groups.get("endpoints")
            return (
                _write("DELETE", Target(Level.GROUPS, group_type=type), body, now) if body else None
            )

        await self.amend(widen)
        await self.amend(say)
        await self.amend(take_back)


def _subscribing(base_url: str, version: str) -> Attributes:
    return {
        "name": "Subscriptions",
        "description": "Make, change and end subscriptions (CloudEvents Subscriptions API).",
        "labels": {LABEL: SELF, "chappe.version": version},
        "usage": ["subscriber"],
        "envelope": _CLOUDEVENTS,
        "protocol": "HTTP",
        "protocoloptions": {
            "endpoints": [{"uri": f"{base_url}/subscriptions"}],
            "method": "POST",
            "headers": [{"name": "Content-Type", "value": "application/json"}],
        },
    }


def _publishing(base_url: str, channel: str) -> Attributes:
    return {
        "name": f"Publish to {channel}",
        "description": f"Hand events to the channel {channel}: one or a batch, in any HTTP mode.",
        "labels": {LABEL: SELF},
        "usage": ["producer"],
        "channel": channel,
        "envelope": _CLOUDEVENTS,
        "protocol": "HTTP",
        "protocoloptions": {
            "endpoints": [{"uri": f"{base_url}/channels/{channel}/events"}],
            "method": "POST",
        },
    }


def _reading(base_url: str, channel: str) -> Attributes:
    return {
        "name": f"Read {channel}",
        "description": f"Pull the events of the channel {channel}, the oldest first; the next page"
        " is in the Link header.",
        "labels": {LABEL: SELF},
        "usage": ["consumer"],
        "channel": channel,
        "envelope": _CLOUDEVENTS,
        "envelopeoptions": {"mode": "structured", "format": _JSON_BATCH},
        "protocol": "HTTP",
        "protocoloptions": {
            "endpoints": [{"uri": f"{base_url}/channels/{channel}/events"}],
            "method": "GET",
            "headers": [{"name": "Accept", "value": _JSON_BATCH}],
            "query": {"order": "asc"},
        },
    }


def _following(nats: str, channel: str) -> Attributes:
    # endpoint/spec.md "NATS options": one connection subscribes and receives, so both usages may
    # stand here.
    return {
        "name": f"Log of {channel}",
        "description": f"Follow the log of the channel {channel} in the engine: a message is a"
        " batch of events. Publish over HTTP, never here.",
        "labels": {LABEL: SELF},
        "usage": ["subscriber", "consumer"],
        "channel": channel,
        "envelope": _CLOUDEVENTS,
        "envelopeoptions": {"mode": "structured", "format": _PROTOBUF_BATCH},
        "protocol": "NATS",
        "protocoloptions": {
            "endpoints": [{"uri": _without_credentials(url)} for url in nats.split(",")],
            "subjectfilter": f"EV.{channel}.*",
        },
    }


def _without_credentials(url: str) -> str:
    """The URL with a port, as the specification asks, and without what only the hub may know.

    "nats://user:pass@n1" -> "nats://n1:4222"
    """
    parts = urlsplit(url.strip() if "://" in url else f"nats://{url.strip()}")
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}:{parts.port or _NATS_PORT}"


def _is_own(attributes: Attributes) -> bool:
    labels = attributes.get("labels")
    return isinstance(labels, Mapping) and labels.get(LABEL) == SELF


def _writable(attributes: Attributes) -> dict[str, Any]:
    """Without what is private, and what the registry keeps by itself."""
    return {
        name: value
        for name, value in attributes.items()
        if not name.startswith(".") and name not in ("createdat", "modifiedat")
    }


def _overlaid(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Objects and maps merged at every level; anything else of `above` replaces what is there."""
    result = dict(below)
    for name, value in above.items():
        present = result.get(name)
        if isinstance(value, Mapping) and isinstance(present, Mapping):
            value = _overlaid(present, value)
        result[name] = value
    return result


def _write(
    method: Literal["POST", "PUT", "DELETE"], target: Target, body: Mapping[str, Any], now: str
) -> Write:
    return Write(method, target, body, Flags(), now, path=target.xid)
