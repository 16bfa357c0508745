"""What the registry declares, the way catalogues of other tools ask for it: types, and applications.

An application is who offers endpoints: it is named by the label `application` of an endpoint, else the
endpoint is one. What a hub says of itself (`chappe: self`) is the application "chappe".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from chappe.formats.asyncapi.carried import Message, messages_in, messages_of
from chappe.formats.asyncapi.values import members, text, texts
from chappe.formats.discovery_endpoints import MESSAGEGROUPS, event_of
from chappe.formats.hub_entities import ENDPOINTS
from chappe.registry.entity import Attributes, Group, Tree

SELF: Final = "chappe"
APPLICATION: Final = "application"


@dataclass(slots=True)
class Application:
    """Who offers endpoints; `sends` and `takes` are types of events, `channels` the hub's names."""

    name: str
    endpoints: list[Group] = field(default_factory=list)

    def label(self, name: str) -> str | None:
        """The first endpoint's that has one."""
        found = (label(one.attributes, name) for one in self.endpoints)
        return next((one for one in found if one), None)


@dataclass(slots=True)
class Declared:
    """A type of events: the messages that declare it, and the endpoints where it passes."""

    type: str
    messages: list[Message] = field(default_factory=list)
    endpoints: list[str] = field(default_factory=list)


def label(attributes: Attributes, name: str) -> str | None:
    """The value of an entity's label."""
    return text(members(attributes.get("labels")).get(name))


def is_own(group: Group) -> bool:
    """Whether a hub says it of itself."""
    return label(group.attributes, SELF) == "self"


def application_of(endpoint: Group) -> str:
    """The name of the application that offers an endpoint."""
    if is_own(endpoint):
        return SELF
    return label(endpoint.attributes, APPLICATION) or endpoint.id


def applications(tree: Tree) -> dict[str, Application]:
    """Every application, by name in the order of names."""
    found: dict[str, Application] = {}
    for endpoint in endpoints(tree):
        name = application_of(endpoint)
        found.setdefault(name, Application(name)).endpoints.append(endpoint)
    return {name: found[name] for name in sorted(found)}


def endpoints(tree: Tree) -> Iterator[Group]:
    """Every endpoint, in the order of ids."""
    kept = tree.of(ENDPOINTS)
    return (kept[id_] for id_ in kept.ordered())


def sends(endpoint: Group) -> bool:
    """Whether the application that offers the endpoint sends there."""
    return bool({"consumer", "subscriber"} & set(texts(endpoint.attributes.get("usage"))))


def types(tree: Tree, base: str) -> Mapping[str, Declared]:
    """Every type that a message declares, in the order of types."""
    found: dict[str, Declared] = {}
    seen: set[str] = set()
    for plural in (MESSAGEGROUPS, ENDPOINTS):
        groups = tree.of(plural)
        for gid in groups.ordered():
            for message in messages_in(tree, plural, groups[gid]):
                event = event_of((message.id, message.attributes), base)
                if event is not None and message.xid not in seen:
                    seen.add(message.xid)
                    declared = found.setdefault(event.type, Declared(event.type))
                    declared.messages.append(message)
    for endpoint in endpoints(tree):
        for message in messages_of(tree, endpoint, base):
            event = event_of((message.id, message.attributes), base)
            if event is not None:
                found[event.type].endpoints.append(endpoint.id)
    return {one: found[one] for one in sorted(found)}
