"""What of an import the registry does not say already: the rest is not written, and keeps its epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chappe.registry.entity import Attributes, Collection, Group, Resource


def needed(
    bodies: Mapping[str, dict[str, Any]], present: Collection[Group], *plurals: str
) -> dict[str, dict[str, Any]]:
    """The bodies of groups that change something; labels that are there besides stay.

    `plurals` are the types of resources that the bodies hold.
    """
    made: dict[str, dict[str, Any]] = {}
    for id_, body in bodies.items():
        group = present.find(id_)
        if group is None:
            made[id_] = body
            continue
        own = {name: value for name, value in body.items() if name not in plurals}
        below = {
            plural: resources
            for plural in plurals
            if (resources := _resources(body.get(plural, {}), group.of(plural)))
        }
        changed = {} if covers(group.attributes, own) else _with_labels(own, group.attributes)
        if changed or below:
            made[id_] = {**changed, **below}
    return made


def covers(present: Any, wanted: Any) -> bool:
    """Whether what is there says all that is wanted; it may say more, such as defaults."""
    if isinstance(wanted, Mapping):
        return isinstance(present, Mapping) and all(
            name in present and covers(present[name], one) for name, one in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(present, list | tuple)
            and len(present) == len(wanted)
            and all(map(covers, present, wanted))
        )
    return bool(present == wanted)


def _resources(
    bodies: Mapping[str, dict[str, Any]], present: Collection[Resource]
) -> dict[str, dict[str, Any]]:
    made: dict[str, dict[str, Any]] = {}
    for id_, body in bodies.items():
        resource = present.find(id_)
        if resource is None:
            made[id_] = body
        elif "meta" in body:
            if not covers(resource.meta, body["meta"]):
                made[id_] = body
        elif resource.default is None or not covers(resource.default.attributes, body):
            default = resource.default
            made[id_] = body if default is None else _with_labels(body, default.attributes)
    return made


def _with_labels(body: dict[str, Any], present: Attributes) -> dict[str, Any]:
    labels = present.get("labels")
    if "labels" in body and isinstance(labels, Mapping):
        return {**body, "labels": {**labels, **body["labels"]}}
    return body
