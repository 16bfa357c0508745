"""Adopting an application's AsyncAPI document: its channels become endpoints, all or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from chappe.domain.errors import NotFound
from chappe.formats.asyncapi.bodies import bodies_of
from chappe.formats.asyncapi.needed import needed
from chappe.formats.asyncapi.read import Described
from chappe.formats.hub_entities import MESSAGES
from chappe.registry.entity import Tree
from chappe.registry.request import Rules, Written
from chappe.registry.target import Level, Target
from chappe.registry.write_several import OneOfSeveral, write_several

_ORDER: Final = ("schemagroups", "messagegroups", "endpoints")
"""What others refer to goes first."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """What became of a document.

    `made`, `changed` are xids of endpoints, messages and schemas; `left` tells in words what of the
    document has no place in the registry.
    """

    made: Sequence[str]
    changed: Sequence[str]
    left: Sequence[str]


@dataclass(frozen=True, slots=True)
class Adopt:
    """The decision of one document (registry.writing.Decide)."""

    described: Described
    application: str | None = None

    def __call__(self, tree: Tree, now: str, rules: Rules) -> tuple[Written, Adopted]:
        """Raises Malformed where the document or a rule of the registry is broken."""
        bodies = bodies_of(self.described, tree, application=self.application)
        by_plural: Mapping[str, dict[str, Any]] = {
            "schemagroups": bodies.schemagroups,
            "messagegroups": needed(bodies.messagegroups, tree.of("messagegroups"), MESSAGES),
            "endpoints": needed(bodies.endpoints, tree.of("endpoints"), MESSAGES),
        }
        requests = [
            OneOfSeveral("PATCH", _groups(tree, plural), by_plural[plural])
            for plural in _ORDER
            if by_plural[plural]
        ]
        written = write_several(tree, requests, now, rules)
        made: dict[str, bool] = {}
        for change in written.changes:
            # A schema's versions are its own matter, and so are those of a message.
            if change.path and (len(change.path) in (2, 4, 6)):
                xid = "/" + "/".join(change.path[:4])
                is_new = change.before is None and len(change.path) < 5
                made[xid] = made.get(xid, False) or is_new
        return written, Adopted(
            sorted(xid for xid, is_new in made.items() if is_new),
            sorted(xid for xid, is_new in made.items() if not is_new),
            bodies.left,
        )


def _groups(tree: Tree, plural: str) -> Target:
    group_type = tree.model.groups.get(plural)
    if group_type is None:
        raise NotFound(f"the registry's model has no {plural} (--model hub)")
    return Target(Level.GROUPS, group_type)
