"""A write under way: copies of the entities it touches, over the immutable tree.

Nothing of the tree changes while a draft is worked on; dropping the draft undoes everything. A
collection's map is copied once, when the draft is built.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chappe.registry.entity import OWN_TEXTS, Collection, Tree
from chappe.registry.entity_drafts import (
    Entry,
    GroupDraft,
    ResourceDraft,
    VersionDraft,
    differing,
    put_collection,
)
from chappe.registry.errors import RegistryError
from chappe.registry.model import GroupType, Model, ResourceType
from chappe.registry.request import Rules, Write
from chappe.registry.values import ID


class Draft:
    """The registry under way.

    `model` and `capabilities` are those that hold at the end of the request.
    """

    def __init__(self, tree: Tree, request: Write, rules: Rules) -> None:
        self.tree = tree
        self.request = request
        self.rules = rules
        self.now = request.now
        self.ignore = request.flags.ignore
        self.model: Model = tree.model
        self.capabilities: Mapping[str, Any] = tree.capabilities
        self.registry = Entry(tree.attributes, dict(tree.attributes))
        self.groups: dict[str, dict[str, GroupDraft | None]] = {}
        self.made: dict[tuple[str, str], str] = {}
        self.next_uid = tree.next_uid
        self._texts: dict[str, str] = {}

    @property
    def path(self) -> str:
        """The request's path, the subject of errors about the request as such."""
        return self.request.path or self.request.target.xid

    def uid(self) -> int:
        """A number that no other entity has or had."""
        self.next_uid += 1
        return self.next_uid - 1

    def share(self, attributes: dict[str, Any]) -> None:
        """Keep texts that are the same in many entities once: times, formats, ids of ancestors."""
        texts = self._texts
        for name, value in attributes.items():
            if type(value) is str and name not in OWN_TEXTS:
                attributes[name] = texts.setdefault(value, value)

    def group(self, type: GroupType, id: str) -> GroupDraft | None:
        """The draft of a group; None where there is no such group."""
        touched = self.groups.setdefault(type.plural, {})
        if id not in touched:
            before = self.tree.of(type.plural).get(id)
            if before is None:
                return None
            entry = Entry(before.attributes, dict(before.attributes))
            touched[id] = GroupDraft(id, type, before, entry, before.uid)
        return touched[id]

    def resource(self, group: GroupDraft, type: ResourceType, id: str) -> ResourceDraft | None:
        """The draft of a resource; None where there is no such resource."""
        touched = group.resources.setdefault(type.plural, {})
        if id not in touched:
            before = group.of(type.plural).get(id)
            if before is None:
                return None
            xref = before.xref is not None
            touched[id] = ResourceDraft(
                id,
                type,
                group,
                before,
                Entry(before.meta, dict(before.meta)),
                before.uid,
                before.last_id,
                is_xref=xref,
                was_xref=xref,
            )
        return touched[id]

    def make_group(self, type: GroupType, id: str) -> GroupDraft:
        """A group that was not there, without attributes."""
        before = self.tree.of(type.plural)
        key = (type.plural, id.lower())
        clash = before.clash(id) or self.made.get(key)
        self._check_new_id(id, f"/{type.plural}", ("Group", type.singular), clash)
        self.made[key] = id
        group = GroupDraft(id, type, None, Entry(None, {}), self.uid())
        self.groups.setdefault(type.plural, {})[id] = group
        self.registry.touch(self.now)
        return group

    def make_resource(self, group: GroupDraft, type: ResourceType, id: str) -> ResourceDraft:
        """A resource that was not there, without versions."""
        key = (type.plural, id.lower())
        clash = group.of(type.plural).clash(id) or group.made.get(key)
        siblings = f"{group.xid}/{type.plural}"
        self._check_new_id(id, siblings, ("Resource", type.singular), clash)
        group.made[key] = id
        resource = ResourceDraft(id, type, group, None, Entry(None, {}), self.uid())
        group.resources.setdefault(type.plural, {})[id] = resource
        group.entry.touch(self.now)
        return resource

    def make_version(self, resource: ResourceDraft, id: str) -> VersionDraft:
        """A version that was not there, without attributes."""
        self.check_version_id(resource, id)
        resource.made[id.lower()] = id
        version = VersionDraft(id, None, Entry(None, {}), None, self.uid(), unlinked=True)
        resource.touched[id] = version
        resource.meta.touch(self.now)
        return version

    def check_version_id(self, resource: ResourceDraft, id: str) -> None:
        """Refuse an id that no version of a resource can be made under.

        Raises:
            RegistryError: malformed_id, bad_request.
        """
        before = resource.before
        clash = resource.made.get(id.lower())
        if clash is None and before is not None:
            clash = before.versions.clash(id)
        self._check_new_id(id, f"{resource.xid}/versions", ("Version", "version"), clash)

    def all_groups(self) -> Iterator[GroupDraft]:
        """The groups touched."""
        for touched in self.groups.values():
            for group in touched.values():
                if group is not None:
                    yield group

    def all_resources(self) -> Iterator[ResourceDraft]:
        """The resources touched."""
        for group in self.all_groups():
            for touched in group.resources.values():
                for resource in touched.values():
                    if resource is not None:
                        yield resource

    def untie(self) -> None:
        """Undo the circles of groups and resources, so that the memory of all is free at once."""
        for group in self.all_groups():
            group.resources.clear()

    def _check_new_id(
        self, id: str, siblings: str, kind: tuple[str, str], clash: str | None
    ) -> None:
        """Refuse an id that breaks the grammar, or that another has but for its case.

        (core/spec.md "`<SINGULAR>id` (`id`) Attribute")

        Args:
            id: of an entity that is to be made.
            siblings: the path of its collection.
            kind: the specification's word for what it is, and the singular of its type.
            clash: the other one's id.
        """
        word, singular = kind
        if not ID.fullmatch(id):
            detail = (
                f"a {singular}id has 1 to 128 of the characters A-Z a-z 0-9 - . _ ~ : @ and begins"
                " with a letter, a digit or _"
            )
            raise RegistryError("malformed_id", self.path, id=id, error_detail=detail)
        if word == "Version" and id in ("null", "request"):
            detail = (
                'a versionid is not "null" or "request", which "setdefaultversionid" gives a sense'
            )
            raise RegistryError("malformed_id", self.path, id=id, error_detail=detail)
        if clash is not None and clash != id:
            detail = (
                f'Attempting to create a {word} with a "{singular}id" of "{id}", when one already'
                f' exists as "{clash}"'
            )
            raise RegistryError("bad_request", f"{siblings}/{clash}", error_detail=detail)

    def built(self) -> Tree:
        """The tree with everything done."""
        groups = dict(self.tree.groups)
        for plural, touched in self.groups.items():
            changes = differing(
                touched, {id: one.before if one else None for id, one in touched.items()}
            )
            if changes:
                put_collection(groups, plural, groups.get(plural, Collection()).changed(changes))
        return Tree(self.registry.attributes, self.model, self.capabilities, groups, self.next_uid)
