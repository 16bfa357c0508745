"""What an AsyncAPI document asks of the registry: bodies of endpoints, message groups, schema groups.

    application "Checkout", channel "orders", message "order.paid" with the schema "Order"

    /endpoints/checkout.orders                        usage by what the application does there
    /endpoints/checkout.orders/messages/order.paid    a mirror of
    /messagegroups/checkout/messages/order.paid       … this
    /schemagroups/checkout/schemas/Order

What names an entity in `x-chappe` is that entity. What stands in the registry besides stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from chappe.formats.asyncapi.names import Ids, labels_of, parts_of, slug
from chappe.formats.asyncapi.payloads import MessageBodies
from chappe.formats.asyncapi.protocols import FAMILIES, family_of, options_of, usual
from chappe.formats.asyncapi.read import Channel, Described, Operation, Server
from chappe.formats.asyncapi.security import authorization_of, mechanism_of
from chappe.formats.asyncapi.values import given, items, members, own, text, texts
from chappe.registry.entity import Tree

SELF: Final = "chappe=self"
"""The tag of what a hub says of itself, which no other hub takes over."""
_OWN_LABEL: Final = "chappe"
_CLOUDEVENTS: Final = "CloudEvents/1.0"


@dataclass(frozen=True, slots=True)
class Bodies:
    """Bodies by id, as PATCH takes them; `left` tells what of the document there is no place for."""

    endpoints: dict[str, dict[str, Any]]
    messagegroups: dict[str, dict[str, Any]]
    schemagroups: dict[str, dict[str, Any]]
    left: list[str] = field(default_factory=list)


def bodies_of(described: Described, tree: Tree, *, application: str | None = None) -> Bodies:
    """The bodies; `tree` is the registry as it is, `application` a name instead of the title.

    Raises:
        Malformed: a schema refers to something out of the document, or a part is of the wrong kind.
    """
    return _Bodies(described, tree, application or slug(described.title)).made()


class _Bodies:
    def __init__(self, described: Described, tree: Tree, application: str) -> None:
        self._described = described
        self._application = application
        self._messages = MessageBodies(described, tree, application)
        self._endpoints: dict[str, dict[str, Any]] = {}
        self._ids = Ids()
        self._tree = tree
        self._left: list[str] = []

    def made(self) -> Bodies:
        named = [one for one in self._described.channels if self._own_id(one)]
        others = [one for one in self._described.channels if not self._own_id(one)]
        for channel in (*named, *others):
            if SELF in _tags(channel.members):
                self._left.append(f"channels/{channel.key}: is what a hub says of itself")
            else:
                self._add(channel)
        return Bodies(
            self._endpoints,
            self._messages.groups,
            self._messages.schemas.groups,
            [*self._left, *self._messages.left],
        )

    def _add(self, channel: Channel) -> None:
        named = self._own_id(channel)
        if named is not None or len({one.action for one in channel.operations}) < 2:
            id_ = named or f"{self._application}.{channel.key.strip('/')}"
            self._endpoint(channel, id_, channel.operations)
            return
        # One endpoint has one role (endpoint/spec.md `usage`).
        for action, suffix in (("receive", "in"), ("send", "out")):
            does = [one for one in channel.operations if one.action == action]
            self._endpoint(channel, f"{self._application}.{channel.key.strip('/')}.{suffix}", does)

    def _endpoint(self, channel: Channel, wanted: str, does: Iterable[Operation]) -> None:
        does = list(does)
        id_ = self._ids.of(wanted)
        said = own(channel.members)
        takes = any(one.action == "receive" for one in does)
        usage = texts(said.get("usage")) or (
            ["producer"] if takes else ["consumer"] if does else []
        )
        places = dict.fromkeys(place for one in does for place in one.messages or channel.messages)
        carried = [channel.messages[place] for place in places or channel.messages]
        by_xid = {self._messages.add(one): one for one in carried}
        protocol, options = self._reached(channel, does, takes=takes)
        envelope = text(said.get("envelope"))
        if envelope is None and self._own_id(channel) is None:
            all_events = {self._messages.is_event(xid) for xid in by_xid} == {True}
            envelope = _CLOUDEVENTS if all_events else None
        labels = labels_of(_tags(channel.members))
        labels.pop(_OWN_LABEL, None)
        if self._own_id(channel) is None:
            labels = {"application": self._application, **labels}
            labels |= given(version=self._described.version)
        self._endpoints[id_] = {
            **described(channel.members),
            **given(
                labels=labels,
                usage=usage,
                protocol=protocol,
                channel=text(said.get("channel")),
                envelope=envelope,
                deprecated=members(said.get("deprecated")),
            ),
            **({"protocoloptions": options} if protocol and options else {}),
            **given(envelopeoptions=members(said.get("envelopeoptions")) if envelope else None),
            **given(messages=self._mirrors(id_, by_xid)),
        }

    def _mirrors(self, id: str, xids: Iterable[str]) -> dict[str, Any]:
        """The messages below an endpoint: its own, and mirrors of those that stand elsewhere."""
        made: dict[str, Any] = {}
        ids = Ids()
        present = self._tree.of("endpoints").find(id)
        groups = texts(None if present is None else present.attributes.get("messagegroups"))
        mirrored = {
            resource.xref: rid
            for rid, resource in (() if present is None else present.of("messages").items())
        }
        for xid in xids:
            ours = parts_of(xid, "endpoints", "messages")
            if ours is not None and ours[0] == id:
                made[ours[1]] = self._messages.of_endpoint(xid)
        # What is there already becomes no mirror of another message.
        for taken in {*made, *(() if present is None else present.of("messages"))}:
            ids.of(taken)
        for xid in xids:
            _, plural, group, _, rid = xid.split("/")
            if (plural, group) == ("endpoints", id) or f"/{plural}/{group}" in groups:
                continue
            if xid in mirrored:
                continue
            made[ids.of(rid)] = {"meta": {"xref": xid}}
        return made

    def _reached(
        self, channel: Channel, does: Iterable[Operation], *, takes: bool
    ) -> tuple[str | None, dict[str, Any]]:
        """The protocol and its options."""
        servers, bindings = list(channel.servers), dict(channel.bindings)
        for one in does:
            for name, more in one.bindings.items():
                bindings[name] = {**members(bindings.get(name)), **members(more)}
        protocol = text(own(channel.members).get("protocol"))
        if protocol is None and servers:
            protocol = usual(servers[0].members)
        if protocol is None:
            families = [one.protocol for one in FAMILIES if one.name in bindings]
            protocol = families[0] if families else None
        if protocol is None:
            return None, {}
        family = family_of(protocol)
        same = [server for server in servers if _fits(server, protocol)]
        for server in servers:
            if server not in same:
                self._left.append(
                    f"channels/{channel.key}: server {server.members['host']} speaks"
                    f" {server.members['protocol']}, the endpoint is one for {protocol}"
                )
        if family is None and bindings:
            self._left.append(f"channels/{channel.key}/bindings: those of {', '.join(bindings)}")
        schemes = [scheme for server in same for scheme in server.security]
        schemes += [scheme for one in does for scheme in one.security]
        options = options_of(
            protocol,
            [_with_sasl(server) for server in same],
            channel.address,
            members(bindings.get(family.name)) if family else {},
            takes=takes,
        )
        ways: list[dict[str, Any]] = []
        for scheme in schemes:
            found = authorization_of(scheme)
            if found is None:
                self._left.append(f"channels/{channel.key}: security scheme {scheme.get('type')!r}")
                continue
            way, more = found
            if family is not None and family.name == "kafka" and mechanism_of(scheme):
                continue  # said of the brokers themselves
            if way not in ways:
                ways.append(way)
            if family is not None and family.name == "http":
                options = {**more, **options}
        return protocol, options | given(authorization=ways)

    def _own_id(self, channel: Channel) -> str | None:
        parts = parts_of(own(channel.members).get("xid"), "endpoints")
        return None if parts is None else parts[0]


def described(value: Mapping[str, Any]) -> dict[str, Any]:
    """What entities of every kind have: name, description, documentation."""
    return given(
        name=text(value.get("title")),
        description=text(value.get("description")) or text(value.get("summary")),
        documentation=text(members(value.get("externalDocs")).get("url")),
    )


def _tags(value: Mapping[str, Any]) -> list[str]:
    names = (text(members(one).get("name")) for one in items(value.get("tags")))
    return [one for one in names if one is not None]


def _fits(server: Server, protocol: str) -> bool:
    """Whether a server is one of the protocol's family."""
    mine, other = family_of(protocol), family_of(usual(server.members))
    return mine is other


def _with_sasl(server: Server) -> Mapping[str, Any]:
    mechanism = next(filter(None, map(mechanism_of, server.security)), None)
    return {**server.members, "sasl": mechanism}
