"""The registry as entities of Backstage's software catalog (`catalog-info.yaml`).

    System      the hub, and each label `system`
    Component   each application: who offers endpoints, and who subscribes
    API         what an application sends and receives, as AsyncAPI
    Resource    each channel of the hub

Owners and systems are the labels `owner` and `system` of endpoints, channels and subscriptions;
`lifecycle` likewise. Names are made to fit Backstage's rules; `chappe/xid` or `chappe/application`
tells what an entity is of.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from chappe.formats.asyncapi.carried import messages_of
from chappe.formats.asyncapi.values import given, is_absolute, members, text, texts
from chappe.formats.asyncapi.write import About, document_of
from chappe.formats.catalogue import (
    APPLICATION,
    SELF,
    Application,
    applications,
    is_own,
    label,
    sends,
)
from chappe.formats.discovery_endpoints import event_of
from chappe.formats.hub_entities import CHANNELS, ENDPOINTS, HUB, SUBSCRIPTIONS
from chappe.formats.yaml_text import write_yaml
from chappe.registry.entity import Attributes, Group, Tree

API_VERSION: Final = "backstage.io/v1alpha1"
UNKNOWN: Final = "unknown"
"""The owner of what nobody says the owner of; Backstage asks for one."""
LIFECYCLE: Final = "production"
PAGE: Final = 100
"""Applications of a page: Backstage reads each page whole, with every definition in it."""

_NAME: Final = re.compile(r"[A-Za-z0-9](?:[-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?", re.ASCII)
_NO_NAME: Final = re.compile(r"[^A-Za-z0-9]+")
_REFERENCE: Final = re.compile(
    r"(?:[a-z]+:)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?/)?"
    r"[A-Za-z0-9](?:[-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?",
    re.ASCII | re.IGNORECASE,
)
_LABEL: Final = re.compile(r"[A-Za-z0-9](?:[-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?", re.ASCII)


@dataclass(slots=True)
class _Component:
    """An application as it is known by its endpoints, and by what it subscribes to."""

    name: str
    application: Application | None = None
    labels: dict[str, str] = field(default_factory=dict)
    wants: set[str] = field(default_factory=set)
    channels: set[str] = field(default_factory=set)
    subscriptions: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Entities as Backstage has them, and what a reader should know of their names."""

    entities: list[dict[str, Any]]
    told: list[str]

    def yaml(self) -> str:
        """A stream of documents; what is told stands in comments."""
        notes = "".join(f"# {_line(one)}\n" for one in self.told)
        return notes + "".join(f"---\n{write_yaml(one)}" for one in self.entities)


def pages_of(tree: Tree) -> int:
    """How many pages the catalogue has; 1: it stands in one document."""
    return max(1, -(-len(_components(tree)) // PAGE))


def location(tree: Tree, base: str) -> Catalogue:
    """A Location of all pages."""
    targets = [f"{base}/catalog-info.yaml?page={page}" for page in range(1, pages_of(tree) + 1)]
    name = _Names().of("Location", str(tree.attributes.get("name") or SELF))
    entity = {
        "apiVersion": API_VERSION,
        "kind": "Location",
        "metadata": {"name": name, "description": "All pages of a hub's catalogue"},
        "spec": {"type": "url", "targets": targets},
    }
    return Catalogue([entity], [])


def catalogue(tree: Tree, base: str, *, page: int | None = None) -> Catalogue:
    """The entities; `page` counts from 1, None is all of them.

    The systems and channels stand on the first page.
    """
    return _Writer(tree, base).written(page)


class _Names:
    """Names within each kind: no two the same, whatever their case."""

    def __init__(self) -> None:
        self._taken: dict[tuple[str, str], str] = {}
        self.told: list[str] = []

    def of(self, kind: str, wanted: str) -> str:
        """The name of what is called so; told where that is another."""
        name = wanted
        if not _NAME.fullmatch(name):
            name = _NO_NAME.sub("-", wanted).strip("-")[:63].rstrip("-") or "unnamed"
        holder = self._taken.setdefault((kind, name.lower()), wanted)
        if holder != wanted:
            digest = hashlib.blake2b(wanted.encode("utf-8", "surrogatepass"), digest_size=4)
            name = f"{name[:54]}-{digest.hexdigest()}"
            self._taken[kind, name.lower()] = wanted
        if name != wanted:
            self.told.append(f"{kind} {wanted!r} is called {name!r}")
        return name


class _Writer:
    def __init__(self, tree: Tree, base: str) -> None:
        self._tree, self._base = tree, base
        self._names = _Names()
        self._hub = str(tree.attributes.get("name") or SELF)
        self._known: dict[tuple[str, str], str] = {}
        self._sent_by: dict[str, set[str]] = {}

    def written(self, page: int | None) -> Catalogue:
        components = _components(self._tree)
        # Names do not depend on the page: all are given before the first is used.
        for component in components.values():
            self._name("Component", component.name)
            if component.application is not None:
                self._name("API", component.name)
                for endpoint in component.application.endpoints:
                    for type_ in self._types(endpoint) if sends(endpoint) else ():
                        self._sent_by.setdefault(type_, set()).add(component.name)
        channels = self._tree.of(CHANNELS)
        ordered = list(components.values())
        entities: list[dict[str, Any]] = []
        if page in (None, 1):
            systems = {self._hub, *filter(None, (one.labels.get("system") for one in ordered))}
            entities += [self._system(one) for one in sorted(systems)]
            entities += [self._channel(channels[one]) for one in channels.ordered()]
        chosen = ordered if page is None else ordered[(page - 1) * PAGE : page * PAGE]
        for component in chosen:
            entities.append(self._component(component))
            if component.application is not None:
                entities.append(self._api(component.application, component))
        return Catalogue(entities, self._names.told)

    def _name(self, kind: str, wanted: str) -> str:
        found = self._known.get((kind, wanted))
        if found is None:
            found = self._known[kind, wanted] = self._names.of(kind, wanted)
        return found

    def _types(self, endpoint: Group) -> Iterator[str]:
        for message in messages_of(self._tree, endpoint, self._base):
            event = event_of((message.id, message.attributes), self._base)
            if event is not None:
                yield event.type

    def _system(self, system: str) -> dict[str, Any]:
        is_hub = system == self._hub
        about = text(self._tree.attributes.get("description")) if is_hub else None
        owner = label(self._tree.attributes, "owner") if is_hub else None
        name = self._name("System", system)
        metadata = given(name=name, title=_title(system, name), description=about)
        if is_hub:
            metadata["links"] = [{"url": f"{self._base}/", "title": "Registry"}]
        return _entity("System", metadata, {"owner": _reference(owner)})

    def _channel(self, channel: Group) -> dict[str, Any]:
        attributes = channel.attributes
        name = self._name("Resource", channel.id)
        metadata = given(
            name=name,
            title=text(attributes.get("name")) or _title(channel.id, name),
            description=text(attributes.get("description")),
            labels=_labels(members(attributes.get("labels"))),
            annotations={"chappe/xid": f"/{CHANNELS}/{channel.id}"},
        )
        spec = {
            "type": "event-channel",
            "owner": _reference(label(attributes, "owner")),
            "system": self._name("System", label(attributes, "system") or self._hub),
        }
        return _entity("Resource", metadata, spec)

    def _component(self, component: _Component) -> dict[str, Any]:
        name = self._name("Component", component.name)
        application = component.application
        sources = {one for type_ in component.wants for one in self._sent_by.get(type_, ())}
        resources = sorted(self._name("Resource", one) for one in component.channels)
        annotations = {"chappe/application": component.name}
        if component.subscriptions:
            annotations["chappe/subscriptions"] = ",".join(component.subscriptions)
        metadata = given(
            name=name,
            title=_title(component.name, name),
            description=_description(application),
            labels=_labels(component.labels),
            annotations=annotations,
            links=_links(application),
        )
        spec = {
            "type": "service",
            **self._shared(component),
            **given(
                providesApis=[self._name("API", component.name)] if application else None,
                consumesApis=sorted(
                    self._name("API", one) for one in sources if one != component.name
                ),
                dependsOn=[f"resource:{one}" for one in resources],
            ),
        }
        return _entity("Component", metadata, spec)

    def _api(self, application: Application, component: _Component) -> dict[str, Any]:
        name = self._name("API", application.name)
        document = document_of(
            self._tree, application.endpoints, about_of(application, self._tree), self._base
        )
        at = f"{self._base}/asyncapi?application={quote(application.name, safe='')}"
        metadata = given(
            name=name,
            title=_title(application.name, name),
            description=_description(application),
            labels=_labels(component.labels),
            annotations={
                "chappe/application": application.name,
                "chappe/endpoints": ",".join(one.id for one in application.endpoints),
            },
            links=[{"url": at, "title": "AsyncAPI"}],
        )
        definition = write_yaml(document)
        spec = {"type": "asyncapi", **self._shared(component), "definition": definition}
        return _entity("API", metadata, spec)

    def _shared(self, component: _Component) -> dict[str, Any]:
        return {
            "lifecycle": component.labels.get("lifecycle") or LIFECYCLE,
            "owner": _reference(component.labels.get("owner")),
            "system": self._name("System", component.labels.get("system") or self._hub),
        }


def about_of(application: Application, tree: Tree) -> About:
    """What the document of an application is about."""
    is_hub = application.name == SELF and all(map(is_own, application.endpoints))
    title = str(tree.attributes.get("name") or SELF) if is_hub else application.name
    if len(application.endpoints) == 1 and not is_hub:
        title = text(application.endpoints[0].attributes.get("name")) or title
    return About(title, application.label("version") or "1", _description(application))


def _components(tree: Tree) -> dict[str, _Component]:
    found: dict[str, _Component] = {}
    known = tree.of(CHANNELS)
    for name, application in applications(tree).items():
        component = found[name] = _Component(name, application)
        for endpoint in application.endpoints:
            for key, value in members(endpoint.attributes.get("labels")).items():
                component.labels.setdefault(key, value)
            channel = text(endpoint.attributes.get("channel"))
            if channel in known:
                component.channels.add(str(channel))
    hub = tree.of(ENDPOINTS).find(HUB)
    subscriptions = None if hub is None else hub.of(SUBSCRIPTIONS)
    for id_ in () if subscriptions is None else subscriptions.ordered():
        assert subscriptions is not None
        default = subscriptions[id_].default
        if default is None:
            continue
        name = label(default.attributes, APPLICATION) or id_
        component = found.setdefault(name, _Component(name))
        component.subscriptions.append(id_)
        component.wants |= set(texts(default.attributes.get("types")))
        channel = text(default.attributes.get("channel")) or "default"
        if channel in known:
            component.channels.add(channel)
        for key, value in members(default.attributes.get("labels")).items():
            component.labels.setdefault(key, value)
    return {name: found[name] for name in sorted(found)}


def _entity(kind: str, metadata: dict[str, Any], spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def _labels(labels: Mapping[str, Any]) -> dict[str, str]:
    """Those that Backstage takes: others would make it refuse the entity."""
    return {
        name: value
        for name, value in sorted(labels.items())
        if isinstance(value, str) and _LABEL.fullmatch(name) and _LABEL.fullmatch(value)
    }


def _reference(owner: str | None) -> str:
    return owner if owner and _REFERENCE.fullmatch(owner) else UNKNOWN


def _title(wanted: str, name: str) -> str | None:
    return wanted if wanted != name else None


def _description(application: Application | None) -> str | None:
    if application is None or len(application.endpoints) != 1:
        return None
    return text(application.endpoints[0].attributes.get("description"))


def _links(application: Application | None) -> list[dict[str, str]]:
    found: Iterator[Attributes] = (
        one.attributes for one in (application.endpoints if application else ())
    )
    urls = dict.fromkeys(str(one.get("documentation")) for one in found)
    return [{"url": one, "title": "Documentation"} for one in urls if is_absolute(one)]


def _line(text: str) -> str:
    return "".join(one if one.isprintable() else "?" for one in text)
