"""The types of events that a registry declares, with what people look for: owner, schema, who offers.

    Declared("order.paid", xids=("/messagegroups/shop/messages/order.paid",), owner="checkout", …)

The owner is the label `owner` of the message, else of its group; so is the domain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from chappe.formats.discovery_endpoints import (
    CLOUDEVENTS,
    MESSAGEGROUPS,
    is_cloudevents,
    messages,
    referred,
)
from chappe.formats.hub_entities import ENDPOINTS, HUB, MESSAGES
from chappe.registry.entity import Attributes, Group, Tree

OWNER: Final = "owner"
DOMAIN: Final = "domain"
SCHEMAGROUPS: Final = "schemagroups"
SCHEMAS: Final = "schemas"
_SELF: Final = "chappe"
"""The label of what the hub says of itself."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A type; `producers` and `consumers` are ids of endpoints that carry it.

    `usage` says what a client does at an endpoint (endpoint/spec.md): who declares one with
    `consumer` or `subscriber` gives events out, one with `producer` takes them in.
    """

    type: str
    xids: Sequence[str] = ()
    owner: str = ""
    domain: str = ""
    group: str = ""
    name: str = ""
    description: str = ""
    validation: str = ""
    schema: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    producers: Sequence[str] = ()
    consumers: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Other:
    """What is no type: a schema, a producer or a consumer."""

    kind: str
    id: str
    xid: str
    owner: str
    description: str
    words: str


def declared_types(tree: Tree, base: str) -> dict[str, Declared]:
    """The types by name; of a type that is declared more than once, the first declaration counts."""
    by_group: dict[tuple[str, str], list[tuple[str, Declared]]] = {}
    for plural in (MESSAGEGROUPS, ENDPOINTS):
        groups = tree.of(plural)
        for gid in groups.ordered():
            group = groups[gid]
            by_group[plural, gid] = [
                (f"/{plural}/{gid}/{MESSAGES}/{id_}", _declared(id_, attributes, group))
                for id_, attributes in messages(tree, group)
                if is_cloudevents(_text(attributes, "envelope") or CLOUDEVENTS)
            ]
    found: dict[str, Declared] = {}
    for entries in by_group.values():
        for xid, one in entries:
            known = found.get(one.type, one)
            found[one.type] = replace(known, xids=(*known.xids, xid))
    endpoints = tree.of(ENDPOINTS)
    for eid in endpoints.ordered():
        endpoint = endpoints[eid]
        gives, takes = roles(endpoint)
        if _is_own(endpoint) or not (gives or takes):
            continue
        carried = [*by_group[ENDPOINTS, eid]]
        for group in referred(tree, endpoint, base):
            carried += by_group.get((MESSAGEGROUPS, group.id), [])
        for type_ in dict.fromkeys(one.type for _, one in carried):
            known = found[type_]
            found[type_] = replace(
                known,
                producers=(*known.producers, eid) if gives else known.producers,
                consumers=(*known.consumers, eid) if takes else known.consumers,
            )
    return found


def others(tree: Tree) -> Iterator[Other]:
    """Schemas, producers and consumers."""
    groups = tree.of(SCHEMAGROUPS)
    for gid in groups.ordered():
        for id_, resource in groups[gid].of(SCHEMAS).items():
            version = resource.default
            attributes: Attributes = {} if version is None else version.attributes
            yield _other("schema", id_, f"/{SCHEMAGROUPS}/{gid}/{SCHEMAS}/{id_}", attributes)
    endpoints = tree.of(ENDPOINTS)
    for eid in endpoints.ordered():
        endpoint = endpoints[eid]
        gives, takes = roles(endpoint)
        if _is_own(endpoint):
            continue
        if gives:
            yield _other("producer", eid, f"/{ENDPOINTS}/{eid}", endpoint.attributes)
        if takes:
            yield _other("consumer", eid, f"/{ENDPOINTS}/{eid}", endpoint.attributes)


def roles(endpoint: Group) -> tuple[bool, bool]:
    """Whether who declares the endpoint gives events out, and whether they take events in."""
    usage = endpoint.attributes.get("usage")
    said = {usage} if isinstance(usage, str) else set(usage or ())
    return bool(said & {"consumer", "subscriber"}), "producer" in said


def _is_own(endpoint: Group) -> bool:
    return endpoint.id == HUB or _labels(endpoint.attributes).get(_SELF) == "self"


def _declared(id_: str, attributes: Attributes, group: Group) -> Declared:
    metadata = attributes.get("envelopemetadata")
    type_ = metadata.get("type") if isinstance(metadata, Mapping) else None
    value = type_.get("value") if isinstance(type_, Mapping) else None
    labels = _labels(attributes)
    return Declared(
        type=value if isinstance(value, str) and value else id_,
        owner=labels.get(OWNER) or _labels(group.attributes).get(OWNER, ""),
        domain=labels.get(DOMAIN) or _labels(group.attributes).get(DOMAIN, ""),
        group=group.id,
        name=_text(attributes, "name"),
        description=_text(attributes, "description"),
        validation=_text(attributes, "validation"),
        schema=_text(attributes, "dataschemaxid")
        or _text(attributes, "dataschemauri")
        or ("#" if "dataschema" in attributes else ""),
        labels=labels,
    )


def _other(kind: str, id_: str, xid: str, attributes: Attributes) -> Other:
    labels = _labels(attributes)
    said = _text(attributes, "description") or _text(attributes, "name")
    words = " ".join((id_, _text(attributes, "name"), said, *labels.keys(), *labels.values()))
    return Other(kind, id_, xid, labels.get(OWNER, ""), said, words.casefold())


def _labels(attributes: Mapping[str, Any]) -> Mapping[str, str]:
    found = attributes.get("labels")
    return found if isinstance(found, Mapping) else {}


def _text(attributes: Mapping[str, Any], name: str) -> str:
    found = attributes.get(name)
    return found if isinstance(found, str) else ""
