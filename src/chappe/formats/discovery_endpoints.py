"""Services of the Discovery API in the registry: endpoints that offer subscriptions, and messages.

    service                             /endpoints/{id}, `usage` has "subscriber"
    name, description, docsurl          name, description, documentation
    epoch                               epoch, and what a client has set it ahead by (private)
    deprecated.effectivetime …          deprecated.effective …
    subscriptionurl                     protocoloptions.endpoints[0].uri
    specversions                        envelope "CloudEvents/1.0", and an extension of that name
    authority, subscriptionconfig, …    extensions of the same names
    events                              messages of the endpoint and of its `messagegroups`
    event.type, sourcetemplate, …       envelopemetadata.type.value, envelopemetadata.source.value …
    event.dataschemacontent, …type      dataschema, dataschemaformat

An endpoint that cannot be subscribed to is no service: one for other envelopes than CloudEvents, or
without a URI. What a service cannot say of an endpoint or a message stays as it is.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from chappe.domain.errors import Conflict
from chappe.domain.event import CORE_ATTRIBUTES
from chappe.formats.discovery_json import Deprecated, EventType, Extension, Service
from chappe.formats.fields import exact_json
from chappe.formats.hub_entities import ENDPOINTS, HUB, MESSAGES
from chappe.registry.entity import Attributes, Group, Resource, Tree

MESSAGEGROUPS: Final = "messagegroups"
AHEAD: Final = ".discoveryahead"
"""Private attribute: by how much a service's epoch is greater than its endpoint's."""

CLOUDEVENTS: Final = "CloudEvents/1.0"
_PROTOCOLS: Final[Mapping[str, str]] = {
    "amqp": "AMQP",
    "amqp/1.0": "AMQP",
    "http/1.1": "HTTP",
    "http/2": "HTTP",
    "http/3": "HTTP",
    "mqtt": "MQTT5",
    "mqtt/3.1.1": "MQTT3",
    "mqtt/5.0": "MQTT5",
}
"""xRegistry's names of protocols in the Discovery API's words; others are the same."""

_SCHEMA_TYPES: Final[Mapping[str, str]] = {
    "avro": "application/vnd.apache.avro+json",
    "jsonschema": "application/schema+json",
    "protobuf": "text/x-protobuf",
    "xsd": "application/xml",
}
"""Media types of schema languages, by the name before the "/" of a `dataschemaformat`."""

_EXTENSIONS: Final = (
    "authority",
    "subscriptionconfig",
    "subscriptiondialects",
    "authscope",
    "specversions",
    "protocols",
)
_MESSAGE_ID: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._~:@-]{0,127}", re.ASCII)
_encode: Final = msgspec.json.Encoder(decimal_format="number").encode


class Services:
    """The services of one registry; `base` is the hub's URL without a slash at its end."""

    def __init__(self, tree: Tree, base: str) -> None:
        self._tree = tree
        self._base = base
        self._protocols: dict[str, set[str]] | None = None

    def all(self) -> Iterator[Service]:
        """Every service, in the order of ids."""
        endpoints = self._tree.of(ENDPOINTS)
        for id_ in endpoints.ordered():
            service = self._service(endpoints[id_])
            if service is not None:
                yield service

    def get(self, id: str) -> Service | None:
        """The service of an id, or None: where there is none, or an endpoint that is no service."""
        endpoint = self._tree.of(ENDPOINTS).get(id)
        return None if endpoint is None else self._service(endpoint)

    def by_type(self) -> dict[str, list[Service]]:
        """The services that offer events of a type, by type."""
        found: dict[str, list[Service]] = {}
        for service in self.all():
            for event in service.events:
                found.setdefault(event.type, []).append(service)
        return {type_: found[type_] for type_ in sorted(found)}

    def names(self) -> Iterator[tuple[str, str]]:
        """The id and name of every service, at little cost."""
        for endpoint in self._tree.of(ENDPOINTS).values():
            if self._subscription_url(endpoint) is not None:
                yield endpoint.id, _name(endpoint)

    def _service(self, endpoint: Group) -> Service | None:
        url = self._subscription_url(endpoint)
        if url is None:
            return None
        attributes = endpoint.attributes
        version = str(attributes.get("envelope", "")).partition("/")[2] or "1.0"
        return Service(
            id=endpoint.id,
            name=_name(endpoint),
            specversions=_texts(attributes.get("specversions")) or (version,),
            subscriptionurl=url,
            protocols=_texts(attributes.get("protocols")) or self._protocols_of(endpoint),
            epoch=int(attributes["epoch"]) + int(attributes.get(AHEAD, 0)),
            authority=_text(attributes.get("authority")),
            description=_text(attributes.get("description")),
            docsurl=_text(attributes.get("documentation")),
            deprecated=_deprecated(attributes.get("deprecated")),
            subscriptionconfig=_map(attributes.get("subscriptionconfig")),
            subscriptiondialects=_texts(attributes.get("subscriptiondialects")),
            authscope=_text(attributes.get("authscope")),
            events=tuple(self._events(endpoint)),
        )

    def _subscription_url(self, endpoint: Group) -> str | None:
        """Where to subscribe; None where nobody can, or not to CloudEvents: then it is no service."""
        attributes = endpoint.attributes
        envelope = str(attributes.get("envelope", CLOUDEVENTS))
        if "subscriber" not in _texts(attributes.get("usage")) or not is_cloudevents(envelope):
            return None
        options = _map(attributes.get("protocoloptions"))
        for address in _list(options.get("endpoints")):
            uri = _text(_map(address).get("uri"))
            if uri is not None:
                return uri
        return f"{self._base}/subscriptions" if endpoint.id == HUB else None

    def _protocols_of(self, endpoint: Group) -> Sequence[str]:
        """Those of the endpoints on the same channel where events can be had, or its own."""
        channel = _text(endpoint.attributes.get("channel"))
        if channel is not None:
            if self._protocols is None:
                self._protocols = self._consumer_protocols()
            if channel in self._protocols:
                return tuple(sorted(self._protocols[channel]))
        return (_protocol(endpoint.attributes) or "HTTP",)

    def _consumer_protocols(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for endpoint in self._tree.of(ENDPOINTS).values():
            channel, protocol = endpoint.attributes.get("channel"), _protocol(endpoint.attributes)
            if "consumer" in _texts(endpoint.attributes.get("usage")) and channel and protocol:
                found.setdefault(str(channel), set()).add(protocol)
        return found

    def _events(self, endpoint: Group) -> Iterator[EventType]:
        """The endpoint's own messages, then those of its groups which it has none for itself."""
        found: dict[str, EventType] = {}
        for group in (endpoint, *referred(self._tree, endpoint, self._base)):
            for message in messages(self._tree, group):
                event = event_of(message, self._base)
                if event is not None:
                    found.setdefault(event.type, event)
        for type_ in sorted(found):
            yield found[type_]


def referred(tree: Tree, endpoint: Group, base: str) -> Iterator[Group]:
    """The message groups of this registry that an endpoint refers to; what dangles is passed over."""
    for reference in _texts(endpoint.attributes.get(MESSAGEGROUPS)):
        path = reference.removeprefix(base).removeprefix("#")
        parts = urlsplit(path).path.strip("/").split("/")
        if len(parts) == 2 and path.startswith("/") and parts[0] == MESSAGEGROUPS:
            group = tree.of(MESSAGEGROUPS).get(parts[1])
            if group is not None:
                yield group


def messages(tree: Tree, group: Group) -> Iterator[tuple[str, Attributes]]:
    """The ids and attributes of a group's messages; those of another's mirror are the other's."""
    kept = group.of(MESSAGES)
    for id_ in kept.ordered():
        resource: Resource | None = kept[id_]
        if resource is not None and resource.xref is not None:
            resource = tree.resource(resource.xref)
        version = None if resource is None else resource.default
        if version is not None:
            yield id_, version.attributes


def event_of(message: tuple[str, Attributes], base: str) -> EventType | None:
    """The type of events that a message describes; None where it is of another envelope."""
    id_, attributes = message
    envelope = _text(attributes.get("envelope"))
    if envelope is not None and not is_cloudevents(envelope):
        return None
    metadata = _map(attributes.get("envelopemetadata"))
    xid = _text(attributes.get("dataschemaxid"))
    schema = (
        _text(attributes.get("dataschemauri"))
        or (None if xid is None else base + xid)
        or _value(metadata, "dataschema")
    )
    content = None if schema is not None else attributes.get("dataschema")
    if content is not None and not isinstance(content, str):
        content = _encode(content).decode()
    return EventType(
        type=_value(metadata, "type") or id_,
        description=_text(attributes.get("description")),
        datacontenttype=_text(attributes.get("datacontenttype"))
        or _value(metadata, "datacontenttype"),
        dataschema=schema,
        dataschematype=_schema_type(attributes.get("dataschemaformat")),
        dataschemacontent=content or None,
        sourcetemplate=_value(metadata, "source"),
        extensions=tuple(
            Extension(name, str(_map(rule).get("type", "string")), _text(_map(rule).get("specurl")))
            for name, rule in sorted(metadata.items())
            if name not in CORE_ATTRIBUTES
        ),
    )


def endpoint_body(service: Service, present: Group | None, tree: Tree, base: str) -> dict[str, Any]:
    """What a PATCH of the endpoint says, its messages too: null for what a service has no longer.

    Raises:
        Conflict: the service would lose, or change, an event that comes from a shared group.
    """
    attributes: Attributes = {} if present is None else present.attributes
    options = dict(_map(attributes.get("protocoloptions")))
    addresses = _list(options.get("endpoints"))
    # The hub's own address is where it was asked, and is not written down.
    if service.id != HUB or addresses or service.subscriptionurl != f"{base}/subscriptions":
        address = {**_map(addresses[0] if addresses else None), "uri": service.subscriptionurl}
        options["endpoints"] = [address, *addresses[1:]]
    body: dict[str, Any] = {
        "name": service.name,
        "description": service.description,
        "documentation": service.docsurl,
        "deprecated": _deprecated_body(service.deprecated, attributes.get("deprecated")),
        "usage": _list(attributes.get("usage")) or ["subscriber"],
        "protocol": attributes.get("protocol", "HTTP"),
        "protocoloptions": options or None,
        "envelope": attributes.get("envelope") or _envelope(service.specversions),
        **{name: _plain(getattr(service, name)) for name in _EXTENSIONS},
        MESSAGES: _message_bodies(service, present, tree, base),
    }
    return body


def obsolete_messages(service: Service, present: Group | None, tree: Tree) -> list[str]:
    """The ids of the endpoint's own messages whose types the service does not have any more."""
    if present is None:
        return []
    types = {event.type for event in service.events}
    return [
        id_
        for id_, attributes in messages(tree, present)
        if (event := event_of((id_, attributes), "")) is not None and event.type not in types
    ]


def _message_bodies(
    service: Service, present: Group | None, tree: Tree, base: str
) -> dict[str, Any]:
    own: dict[str, tuple[str, Attributes]] = {}
    shared: dict[str, EventType] = {}
    taken: set[str] = set()
    if present is not None:
        taken = {id_.lower() for id_ in present.of(MESSAGES)}
        for message in messages(tree, present):
            event = event_of(message, base)
            if event is not None:
                own[event.type] = message
        for group in referred(tree, present, base):
            for message in messages(tree, group):
                event = event_of(message, base)
                if event is not None:
                    shared.setdefault(event.type, event)
    missing = shared.keys() - {event.type for event in service.events}
    if missing:
        raise Conflict(
            f"services/{service.id}: {', '.join(sorted(missing))} stand in message groups that the"
            " endpoint refers to; end that in the registry"
        )
    bodies: dict[str, Any] = {}
    for event in service.events:
        if event.type in own:
            id_, attributes = own[event.type]
        elif _like(shared.get(event.type), event):
            continue
        else:
            id_, attributes = _message_id(event.type, taken), {}
            taken.add(id_.lower())
        bodies[id_] = _message_body(event, attributes, base)
    return bodies


def _message_body(event: EventType, present: Attributes, base: str) -> dict[str, Any]:
    kept = _map(present.get("envelopemetadata"))
    metadata: dict[str, Any] = {
        name: kept[name]
        for name in ("specversion", "id", "subject", "time", "dataschema")
        if name in kept
    }
    metadata["type"] = {**_map(kept.get("type")), "value": event.type}
    if event.sourcetemplate is not None:
        metadata["source"] = {"type": "uritemplate", "value": event.sourcetemplate}
    for one in event.extensions:
        rule = {**_map(kept.get(one.name)), "type": one.type, "specurl": one.specurl}
        metadata[one.name] = {name: value for name, value in rule.items() if value is not None}
    body = {
        "envelope": present.get("envelope", CLOUDEVENTS),
        "description": event.description,
        "envelopemetadata": metadata,
        **_schema_members(event, present, base),
    }
    if event.datacontenttype == _value(kept, "datacontenttype"):
        metadata |= {name: kept[name] for name in ("datacontenttype",) if name in kept}
    else:
        body["datacontenttype"] = event.datacontenttype
    return body


def _schema_members(event: EventType, present: Attributes, base: str) -> dict[str, Any]:
    """How a message tells its schema; as it did where that is still right."""
    before = event_of(("", present), base)
    if before is not None and (
        (before.dataschema, before.dataschematype, before.dataschemacontent)
        == (event.dataschema, event.dataschematype, event.dataschemacontent)
    ):
        return {}
    content, format_ = _content(event), event.dataschematype
    return {
        "dataschemauri": event.dataschema,
        "dataschemaxid": None,
        "dataschemaformat": "JSONSchema" if format_ == _SCHEMA_TYPES["jsonschema"] else format_,
        "dataschema": content,
        # The hub checks payloads only against a schema that stands in the message.
        **({"validation": None} if content is None and "validation" in present else {}),
    }


def _content(event: EventType) -> Any:
    """The schema as JSON where it is an object in JSON, else as it is."""
    content = event.dataschemacontent
    if content is not None and "json" in (event.dataschematype or "json"):
        try:
            return exact_json(content.encode())
        except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
            pass
    return content


def _message_id(type_: str, taken: set[str]) -> str:
    """The type itself where it can be an id (message/spec.md: it SHOULD), else a name made of it."""
    if _MESSAGE_ID.fullmatch(type_) and type_.lower() not in taken:
        return type_
    digest = hashlib.blake2b(type_.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return f"type-{digest}"


def _like(shared: EventType | None, event: EventType) -> bool:
    """Whether a group describes the event in the same way."""
    if shared is None:
        return False
    by_name = sorted(event.extensions, key=lambda one: one.name)
    return replace(shared, extensions=tuple(shared.extensions)) == replace(
        event, extensions=tuple(by_name)
    )


def _deprecated(value: object) -> Deprecated | None:
    if not isinstance(value, Mapping):
        return None
    return Deprecated(
        _text(value.get("effective")),
        _text(value.get("removal")),
        _text(value.get("alternative")),
        _text(value.get("documentation")) or _text(value.get("docs")),
    )


def _deprecated_body(deprecated: Deprecated | None, present: object) -> dict[str, Any] | None:
    if deprecated is None:
        return None
    known = ("effective", "removal", "alternative", "documentation", "docs")
    others = {name: value for name, value in _map(present).items() if name not in known}
    values = {
        "effective": deprecated.effectivetime,
        "removal": deprecated.removaltime,
        "alternative": deprecated.alternative,
        "documentation": deprecated.docsurl,
    }
    return others | {name: value for name, value in values.items() if value is not None}


def _envelope(specversions: Sequence[str]) -> str:
    """CloudEvents 1.0 where it is among them: what the registry knows most of."""
    one = "1.0" if any(version.startswith("1.") for version in specversions) else specversions[0]
    return f"CloudEvents/{one}"


def is_cloudevents(envelope: str) -> bool:
    """Whether an envelope, such as "CloudEvents/1.0", is CloudEvents."""
    return envelope.partition("/")[0].lower() == "cloudevents"


def _name(endpoint: Group) -> str:
    """A service must have a name, an endpoint need not."""
    return _text(endpoint.attributes.get("name")) or endpoint.id


def _protocol(attributes: Attributes) -> str | None:
    protocol = _text(attributes.get("protocol"))
    return None if protocol is None else _PROTOCOLS.get(protocol.lower(), protocol)


def _schema_type(format_: object) -> str | None:
    """The media type of a schema's language: "JsonSchema/draft-07" -> "application/schema+json"."""
    name = _text(format_)
    if name is None:
        return None
    return _SCHEMA_TYPES.get(name.partition("/")[0].lower().replace("-", ""), name)


def _value(metadata: Mapping[str, Any], name: str) -> str | None:
    return _text(_map(metadata.get(name)).get("value"))


def _plain(value: Any) -> Any:
    """A value as JSON has it; empty ones are absent."""
    if isinstance(value, tuple):
        value = list(value)
    return value or None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _texts(value: object) -> tuple[str, ...]:
    return tuple(one for one in _list(value) if isinstance(one, str))


def _list(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
