"""Discovering: who offers which events, as declared in the registry, and as seen in a channel.

Services (discovery/spec.md of 2020-2022) are read from the tree and written to it; there is no
state besides. A write of services is one transaction: all of them, or none.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from chappe.domain.errors import Conflict, Malformed, NotFound
from chappe.domain.sighting import Sighting
from chappe.formats.discovery_endpoints import (
    AHEAD,
    MESSAGEGROUPS,
    Services,
    endpoint_body,
    event_of,
    messages,
    obsolete_messages,
)
from chappe.formats.discovery_json import Removal, Service
from chappe.formats.hub_entities import ENDPOINTS, MESSAGES
from chappe.kit.latest import Latest
from chappe.ports.clock import Clock
from chappe.ports.event_index import EventIndex
from chappe.registry.entity import Group, Tree
from chappe.registry.request import Rules, Written
from chappe.registry.state import State
from chappe.registry.target import Level, Target
from chappe.registry.write_several import OneOfSeveral, write_several
from chappe.registry.writing import Committed, Writing

WINDOW_S: Final = 3600
"""Over how long the rate of events is told where nobody asks for another time."""

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class TypeSeen:
    """A type of events: where it is declared, who offers it, and what was seen of it.

    `declared` are xids of messages, `services` ids. `recent` are events within the window, by source.
    """

    type: str
    declared: Sequence[str]
    services: Sequence[str]
    sightings: Sequence[Sighting]
    recent: Mapping[str | None, int]


@dataclass(frozen=True, slots=True)
class Discover:
    """The Discovery API upon the registry.

    `caught_up` waits until the index knows what a channel holds (flows.find).
    """

    state: Latest[State]
    register: Writing
    index: EventIndex
    caught_up: Callable[[str], Awaitable[None]]
    clock: Clock
    new_id: Callable[[], str]

    def services(self, base: str) -> Services:
        """The services as they are now; `base` is the hub's URL."""
        return Services(self.state.value.tree, base)

    async def put(
        self, services: Sequence[Service], base: str, *, by: str
    ) -> Committed[list[Service]]:
        """Make the services, or replace those that are there; as they are afterwards, in that order.

        Raises:
            Malformed: a service breaks a rule.
            Conflict: an epoch is not greater than the present one, or an id is that of an endpoint
                which is no service.
        """
        named = [one if one.id else replace(one, id=self.new_id()) for one in services]
        return await self.register.write(_Put(named, base), by=by)

    async def remove(
        self, removals: Sequence[Removal], base: str, *, by: str
    ) -> Committed[list[Service | None]]:
        """End services; their last states in that order, None for one that there was not.

        Raises:
            Malformed: the hub cannot do without one.
            Conflict: an epoch is not greater than the present one.
        """
        return await self.register.write(_Remove(removals, base), by=by)

    async def seen(self, channel: str, base: str, *, window_s: int = WINDOW_S) -> list[TypeSeen]:
        """Every type of events that is declared, or was seen in the channel.

        Raises:
            NotFound: there is no such channel.
            Unavailable: the index is too far behind the log.
        """
        await self.caught_up(channel)
        sightings: dict[str, list[Sighting]] = {}
        for one in await self.index.sightings(channel):
            sightings.setdefault(one.type, []).append(one)
        since_ms = self.clock.now_ms() - window_s * 1000
        recent: dict[str, dict[str | None, int]] = {}
        for one in await self.index.sightings(channel, since_ms=since_ms):
            recent.setdefault(one.type, {})[one.source] = one.events
        tree = self.state.value.tree
        declared = _declared(tree, base)
        services = Services(tree, base).by_type()
        return [
            TypeSeen(
                type_,
                declared.get(type_, ()),
                [service.id for service in services.get(type_, ())],
                sightings.get(type_, ()),
                recent.get(type_, {}),
            )
            for type_ in sorted({*sightings, *declared, *services})
        ]


@dataclass(frozen=True, slots=True)
class _Put:
    services: Sequence[Service]
    base: str

    def __call__(self, tree: Tree, now: str, rules: Rules) -> tuple[Written, list[Service]]:
        present = {service.id: _replaceable(tree, service, self.base) for service in self.services}
        if not self.services:
            return Written(tree, (), None), []
        bodies = {
            service.id: endpoint_body(service, present[service.id], tree, self.base)
            for service in self.services
        }
        requests = [OneOfSeveral("PATCH", _endpoints(tree), bodies)]
        for service in self.services:
            obsolete = obsolete_messages(service, present[service.id], tree)
            if obsolete:
                target = _messages(tree, service.id)
                requests.append(OneOfSeveral("DELETE", target, {id_: {} for id_ in obsolete}))
        written = _with_epochs(write_several(tree, requests, now, rules), self.services)
        services = Services(written.tree, self.base)
        _check_names(services, {service.id for service in self.services})
        made = [services.get(service.id) for service in self.services]
        return written, [one for one in made if one is not None]


@dataclass(frozen=True, slots=True)
class _Remove:
    removals: Sequence[Removal]
    base: str

    def __call__(self, tree: Tree, now: str, rules: Rules) -> tuple[Written, list[Service | None]]:
        services = Services(tree, self.base)
        last = [services.get(removal.id) for removal in self.removals]
        for removal, service in zip(self.removals, last, strict=True):
            if service is not None:
                _check_epoch(removal.id, removal.epoch, service)
        gone = {service.id: dict[str, Any]() for service in last if service is not None}
        if not gone:
            return Written(tree, (), None), last
        request = OneOfSeveral("DELETE", _endpoints(tree), gone)
        return write_several(tree, [request], now, rules), last


def _with_epochs(written: Written, services: Sequence[Service]) -> Written:
    """The write with the epochs that were asked for: an endpoint's own epoch goes up by itself."""
    endpoints, changed = written.tree.of(ENDPOINTS), dict[str, Group | None]()
    for service in services:
        endpoint = endpoints[service.id]
        if service.epoch is not None:
            ahead = service.epoch - int(endpoint.attributes["epoch"])
            attributes = {**endpoint.attributes, AHEAD: ahead}
            changed[service.id] = replace(endpoint, attributes=attributes)
    if not changed:
        return written
    groups = {**written.tree.groups, ENDPOINTS: endpoints.changed(changed)}
    changes = [
        replace(one, after=changed[one.path[1]])
        if len(one.path) == 2 and one.path[0] == ENDPOINTS and one.path[1] in changed
        else one
        for one in written.changes
    ]
    return replace(written, tree=replace(written.tree, groups=groups), changes=changes)


def _replaceable(tree: Tree, service: Service, base: str) -> Group | None:
    """The endpoint that the service is to replace, None where there is none."""
    endpoint = tree.of(ENDPOINTS).get(service.id)
    if endpoint is None:
        return None
    present = Services(tree, base).get(service.id)
    if present is None:
        raise Conflict(
            f"services/{service.id}: an endpoint of that id is in the registry, and offers no"
            " subscriptions; choose another id"
        )
    _check_epoch(service.id, service.epoch, present)
    return endpoint


def _check_epoch(id_: str, epoch: int | None, present: Service) -> None:
    # discovery/spec.md "POST /services": unlike elsewhere, it must be greater.
    if epoch is not None and present.epoch is not None and epoch <= present.epoch:
        raise Conflict(
            f"services/{id_}: epoch {epoch} was sent, it must be greater than the present one,"
            f" {present.epoch}"
        )


def _check_names(services: Services, written: set[str]) -> None:
    """A name is unique without regard to case, after the request as a whole."""
    names = [(id_, name.casefold(), name) for id_, name in services.names()]
    wanted = {folded for id_, folded, _ in names if id_ in written}
    holders: dict[str, str] = {}
    for id_, folded, name in names:
        if folded in wanted and holders.setdefault(folded, id_) != id_:
            mine, other = sorted((id_, holders[folded]), key=lambda one: one not in written)
            raise Malformed(f"services/{mine}: name {name!r} is that of services/{other}, too")


def _declared(tree: Tree, base: str) -> dict[str, list[str]]:
    """The xids of the messages that describe a type, by type."""
    found: dict[str, list[str]] = {}
    for plural in (MESSAGEGROUPS, ENDPOINTS):
        groups = tree.of(plural)
        for gid in groups.ordered():
            for message in messages(tree, groups[gid]):
                event = event_of(message, base)
                if event is not None:
                    xid = f"/{plural}/{gid}/{MESSAGES}/{message[0]}"
                    found.setdefault(event.type, []).append(xid)
    return found


def _endpoints(tree: Tree) -> Target:
    group_type = tree.model.groups.get(ENDPOINTS)
    if group_type is None or tree.model.resource_type(ENDPOINTS, MESSAGES) is None:
        raise NotFound(
            "services: the registry's model has no endpoints with messages (--model hub)"
        )
    return Target(Level.GROUPS, group_type)


def _messages(tree: Tree, endpoint: str) -> Target:
    resource_type = tree.model.resource_type(ENDPOINTS, MESSAGES)
    return Target(Level.RESOURCES, _endpoints(tree).group_type, endpoint, resource_type)
