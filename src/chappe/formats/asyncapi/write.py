"""An AsyncAPI 3 document of endpoints: what the applications that offer them send and receive.

    endpoint                   channel, and one operation
      usage producer             action receive     clients hand messages in there
      usage consumer             action send        clients take messages out there
      usage subscriber           action send        … which go to wherever they subscribed with
    its messages               components/messages, with the schemas of their payloads
    `authorization`            components/securitySchemes

What AsyncAPI has no field for stands in `x-chappe`: the entity's `xid`, by which an import finds it
again, and little else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from chappe.formats.asyncapi.carried import Message, SchemaFound, messages_of, schema_of
from chappe.formats.asyncapi.document import escaped
from chappe.formats.asyncapi.envelope import EVENT_TYPE, PREFIXES, headers_of, trait
from chappe.formats.asyncapi.protocols import Reach, family_of, reach, sasl_of
from chappe.formats.asyncapi.references import put_in
from chappe.formats.asyncapi.schema_formats import is_json_schema, schema_format
from chappe.formats.asyncapi.security import name_of, sasl_scheme, scheme_of
from chappe.formats.asyncapi.values import OWN, given, is_absolute, items, members, text, texts
from chappe.registry.entity import Attributes, Group, Tree

VERSION: Final = "3.0.0"
"""What every tool of AsyncAPI 3 reads; nothing of 3.1 is needed."""
JSON_TYPE: Final = "application/json"

_NO_KEY: Final = re.compile(r"[^A-Za-z0-9._-]")
_PORT: Final = re.compile(r":\d*$")
_PARAMETER: Final = re.compile(r"\{([A-Za-z0-9_-]+)\}")
_ROLES: Final = ("producer", "consumer", "subscriber")


@dataclass(frozen=True, slots=True)
class About:
    """What the document is about; `version` is of what it describes."""

    title: str
    version: str = "1"
    description: str | None = None


def document_of(tree: Tree, endpoints: Iterable[Group], about: About, base: str) -> dict[str, Any]:
    """The document of endpoints; `base` is the hub's URL without a slash at its end."""
    return _Writer(tree, base).document(endpoints, about)


@dataclass(slots=True)
class _Keys:
    """Names within one part of a document: each thing has one, and no two the same."""

    by_thing: dict[object, str] = field(default_factory=dict)
    _taken: set[str] = field(default_factory=set)

    def of(self, thing: object, wanted: str) -> tuple[str, bool]:
        """The name of a thing, and whether it was given now."""
        found = self.by_thing.get(thing)
        if found is not None:
            return found, False
        plain = _NO_KEY.sub("_", wanted) or "_"
        name, number = plain, 2
        while name in self._taken:
            name, number = f"{plain}-{number}", number + 1
        self._taken.add(name)
        self.by_thing[thing] = name
        return name, True


class _Writer:
    def __init__(self, tree: Tree, base: str) -> None:
        self._tree, self._base = tree, base
        self._servers: dict[str, Any] = {}
        self._channels: dict[str, Any] = {}
        self._operations: dict[str, Any] = {}
        self._components: dict[str, dict[str, Any]] = {
            "schemas": {}, "messages": {}, "messageTraits": {}, "securitySchemes": {},
        }  # fmt: skip
        self._keys = {name: _Keys() for name in ("servers", *self._components)}

    def document(self, endpoints: Iterable[Group], about: About) -> dict[str, Any]:
        for endpoint in endpoints:
            self._add(endpoint)
        return given(
            asyncapi=VERSION,
            info=given(title=about.title, version=about.version, description=about.description),
            servers=self._servers,
        ) | {
            "channels": self._channels,
            "operations": self._operations,
            **given(
                components={
                    name: dict(sorted(one.items())) for name, one in self._components.items() if one
                }
            ),
        }

    def _add(self, endpoint: Group) -> None:
        attributes = endpoint.attributes
        usage: list[str] = [one for one in _ROLES if one in texts(attributes.get("usage"))]
        reached = reach(attributes, by_subscription=usage == ["subscriber"])
        family = family_of(text(attributes.get("protocol")))
        mode = members(attributes.get("envelopeoptions")).get("mode")
        prefix = PREFIXES.get(family.name) if family and mode == "binary" else None
        carried = messages_of(self._tree, endpoint, self._base)
        keys = [
            self._message(one, prefix) for one in sorted(carried, key=lambda message: message.xid)
        ]
        messages = {key: {"$ref": f"#/components/messages/{key}"} for key in keys}
        parameters: dict[str, Any] = {
            name: {} for name in _PARAMETER.findall(reached.address or "")
        }
        self._channels[endpoint.id] = {
            "address": reached.address,
            **_described(attributes),
            **given(
                servers=self._servers_of(
                    attributes, reached, over_http=bool(family and family.name == "http")
                ),
                messages=messages,
                parameters=parameters,
                bindings={name: dict(one) for name, one in reached.channel.items()},
            ),
            OWN: given(
                xid=f"/endpoints/{endpoint.id}",
                usage=None if usage in ([], ["producer"], ["consumer"]) else usage,
                protocol=reached.protocol,
                channel=text(attributes.get("channel")),
                envelope=text(attributes.get("envelope")),
                envelopeoptions=members(attributes.get("envelopeoptions")),
                deprecated=members(attributes.get("deprecated")),
            ),
        }
        if usage:
            self._operate(endpoint.id, usage, reached)

    def _operate(self, id: str, usage: list[str], reached: Reach) -> None:
        channel = {"$ref": f"#/channels/{escaped(id)}"}
        bindings = {name: dict(one) for name, one in reached.operation.items()}
        # One that clients hand messages in at, and take them out, is two things to an application.
        actions = (("receive", "producer" in usage), ("send", usage != ["producer"]))
        for action, does in actions:
            if does:
                self._operations[f"{id}.{action}"] = {
                    "action": action, "channel": channel, **given(bindings=bindings),
                }  # fmt: skip

    def _servers_of(
        self, attributes: Attributes, reached: Reach, *, over_http: bool
    ) -> list[dict[str, str]]:
        options = members(attributes.get("protocoloptions"))
        ways = [
            scheme_of(members(one), options, over_http=over_http)
            for one in items(options.get("authorization"))
        ]
        found: dict[str, None] = {}
        for server in reached.servers:
            mechanism = sasl_of(server)
            asked = [*ways, sasl_scheme(mechanism) if mechanism else None]
            keys = dict.fromkeys(self._security(one) for one in asked if one is not None)
            security = [{"$ref": f"#/components/securitySchemes/{key}"} for key in keys]
            server |= given(security=security)
            host = _PORT.sub("", str(server["host"])).strip("[]")
            name, is_new = self._keys["servers"].of(_thing(server), f"{host}-{server['protocol']}")
            if is_new:
                self._servers[name] = server
            found[name] = None
        return [{"$ref": f"#/servers/{name}"} for name in found]

    def _security(self, scheme: dict[str, Any]) -> str:
        name, is_new = self._keys["securitySchemes"].of(_thing(scheme), name_of(scheme))
        if is_new:
            self._components["securitySchemes"][name] = scheme
        return name

    def _message(self, message: Message, prefix: str | None) -> str:
        """Its name; of one that travels in headers where `prefix` is not None."""
        attributes = message.attributes
        is_event = _is_event(attributes)
        group = message.xid.split("/")[2]
        wanted = f"{group}.{message.id}"
        if is_event and prefix is not None:
            wanted += f".{_TRAITS[prefix].partition('-')[2]}"
        thing = (message.xid, prefix if is_event else None)
        key, is_new = self._keys["messages"].of(thing, wanted)
        if is_new:
            self._components["messages"][key] = self._written(message, key, is_event, prefix)
        return key

    def _written(
        self, message: Message, key: str, is_event: bool, prefix: str | None
    ) -> dict[str, Any]:
        attributes = message.attributes
        metadata = members(attributes.get("envelopemetadata"))
        content_type = text(attributes.get("datacontenttype")) or text(
            members(metadata.get("datacontenttype")).get("value")
        )
        made: dict[str, Any] = {}
        if is_event:
            type_ = text(members(metadata.get("type")).get("value")) or message.id
            if content_type:
                told = {**members(metadata.get("datacontenttype")), "value": content_type}
                metadata = {**metadata, "datacontenttype": told}
            structured = prefix is None
            made = {
                "name": type_,
                "contentType": EVENT_TYPE if structured else content_type or JSON_TYPE,
                "headers": headers_of(metadata, type_, prefix or ""),
                "traits": [{"$ref": f"#/components/messageTraits/{self._trait(prefix)}"}],
            }
        else:
            made = given(name=message.id, contentType=content_type)
        found = schema_of(self._tree, message, self._base)
        return {
            **_described(attributes),
            **made,
            **given(deprecated=True if attributes.get("deprecated") else None),
            **self._payload(found, f"/components/messages/{key}/payload"),
            OWN: {"xid": message.xid},
        }

    def _payload(self, found: SchemaFound | str | None, place: str) -> dict[str, Any]:
        if found is None:
            return {}
        if isinstance(found, str):
            # Elsewhere: nobody who reads the document should have to fetch it.
            return {"payload": {OWN: {"dataschemauri": found}}}
        if not found.xid:
            return {"payload": _schema(found, place)}
        key, is_new = self._keys["schemas"].of(found.xid, _schema_name(found.xid))
        at = f"/components/schemas/{key}"
        if is_new:
            self._components["schemas"][key] = {**_schema(found, at), OWN: {"xid": found.xid}}
        return {"payload": {"$ref": f"#{at}"}}

    def _trait(self, prefix: str | None) -> str:
        name = "cloudevent" if prefix is None else _TRAITS[prefix]
        if name not in self._components["messageTraits"]:
            self._components["messageTraits"][name] = trait(prefix or "")
        return name


_TRAITS: Final = {
    "ce-": "cloudevent-http", "ce_": "cloudevent-kafka", "cloudEvents:": "cloudevent-amqp",
    "": "cloudevent-mqtt",
}  # fmt: skip


def _schema(found: SchemaFound, place: str) -> dict[str, Any]:
    content = found.content
    if is_json_schema(found.format):
        content = put_in(content, f"{place}/schema")
    return {"schemaFormat": schema_format(found.format, found.content), "schema": content}


def _schema_name(xid: str) -> str:
    """A component's name: "/schemagroups/shop/schemas/order/versions/2" -> "shop.order.2"."""
    return ".".join(xid.split("/")[2::2])


def _described(attributes: Attributes) -> dict[str, Any]:
    url = attributes.get("documentation")
    labels = members(attributes.get("labels"))
    return given(
        title=text(attributes.get("name")),
        description=text(attributes.get("description")),
        externalDocs={"url": url} if is_absolute(url) else None,
        tags=[
            {"name": f"{name}={value}" if value else name} for name, value in sorted(labels.items())
        ],
    )


def _is_event(attributes: Attributes) -> bool:
    """A message that names no envelope is one of events, as everywhere in the hub."""
    envelope = str(attributes.get("envelope", "CloudEvents/1.0"))
    return envelope.partition("/")[0].lower() == "cloudevents"


def _thing(value: Any) -> object:
    """A value that equals another in a set of names."""
    if isinstance(value, Mapping):
        return frozenset((key, _thing(one)) for key, one in value.items())
    return tuple(map(_thing, value)) if isinstance(value, list) else value
