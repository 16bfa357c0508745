"""What a target shows, as JSON: the API view and the document view.

(core/spec.md "Design: Registry Views", "Request Flags"; core/http.md, the GET of each path)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chappe.registry.compare import SortKey
from chappe.registry.drawing import Choices, Drawer, Drawing, Text, in_order
from chappe.registry.entity import Collection, Group, Resource, Tree, id_key
from chappe.registry.errors import RegistryError
from chappe.registry.flags import NOTHING, Flags
from chappe.registry.inline_flag import EXPORT
from chappe.registry.located import group_at, missing, resource_at
from chappe.registry.locations import HERE, below
from chappe.registry.mirrors import shown_of
from chappe.registry.model import GroupType, ResourceType
from chappe.registry.pieces import encoded
from chappe.registry.places import Place
from chappe.registry.select import Chosen, Selection
from chappe.registry.shown import document
from chappe.registry.sort import key_of, sorted_ids
from chappe.registry.target import Level, Target

__all__ = ["View", "document", "render"]

_KINDS = {
    Level.GROUPS: "group",
    Level.GROUP: "group",
    Level.RESOURCES: "resource",
    Level.RESOURCE: "resource",
    Level.META: "meta",
    Level.VERSIONS: "version",
    Level.VERSION: "version",
}


def render(
    tree: Tree,
    target: Target,
    flags: Flags,
    base: str,
    processed: frozenset[str] | None = None,
) -> bytes:
    """What a target shows, as JSON.

    Args:
        tree: the registry.
        target: any but Level.CAPABILITIES_OFFERED, whose answer does not depend on the registry.
        flags: as parsed; what does not concern reading is not looked at.
        base: the URL of the registry's root; a slash at its end does not matter.
        processed: the xids of the entities that a write's answer may show; then the answer of the
            registry or of a group is a map of its collections. A collection's own xid ("/dirs")
            makes it appear, though it be empty.

    Raises:
        RegistryError: not_found: there is no such entity, or the filter does not choose it;
            cannot_doc_xref; bad_filter; bad_sort; too_large.
    """
    return View(tree, target, flags, base).render(processed)


class View:
    """One answer in the making."""

    def __init__(self, tree: Tree, target: Target, flags: Flags, base: str) -> None:
        self._tree = tree
        self._target = target
        self._flags = flags
        self._base = base.rstrip("/")
        export = target.level is Level.EXPORT
        self._doc = flags.doc or export
        everything = flags.inline.everything or flags.inline.below
        self._inline = EXPORT if export and not everything else flags.inline
        self._drawing = Drawing(
            tree, self._base, doc=self._doc, binary=flags.binary, subject=target.xid
        )

    def render(
        self,
        processed: frozenset[str] | None,
        ids: Sequence[str] | None = None,
        choices: Choices | None = None,
    ) -> bytes:
        """See `render` of this module; `ids` and `choices` are of a page of a collection."""
        target, tree, text = self._target, self._tree, Text()
        match target.level:
            case Level.CAPABILITIES | Level.CAPABILITIES_OFFERED:
                text.add(encoded(tree.capabilities))
            case Level.MODEL:
                text.add(encoded(tree.model.full))
            case Level.MODELSOURCE:
                text.add(encoded(tree.model.source))
            case Level.REGISTRY | Level.EXPORT:
                self._registry(text, processed)
            case Level.GROUP:
                self._group(text, processed)
            case Level.RESOURCE:
                self._resource(text)
            case Level.META:
                text.add(self._meta())
            case Level.VERSION:
                text.add(self._version())
            case Level.GROUPS | Level.RESOURCES | Level.VERSIONS:
                self._collection(text, processed, ids, choices)
        return text.value()

    # Finding what the target names.

    def _with_versions(self) -> tuple[Group, Resource, Resource | None, ResourceType]:
        """The resource whose versions are asked for, and the one that has them."""
        group, resource, type = resource_at(self._tree, self._target)
        if self._doc and resource.xref is not None:
            xid = "/".join(self._target.xid.split("/")[:5])
            raise RegistryError("cannot_doc_xref", xid)
        return group, resource, shown_of(self._tree, resource), type

    def entities(self) -> tuple[Collection[Any], Any]:
        """The entities of the target's collection, and what is above each (see places).

        Raises:
            RegistryError: not_found: what the collection belongs to is not there.
        """
        target = self._target
        if target.level is Level.GROUPS:
            return self._tree.of(target.group_type.plural if target.group_type else ""), self._tree
        if target.level is Level.RESOURCES:
            group, _ = group_at(self._tree, target)
            return group.of(target.resource_type.plural if target.resource_type else ""), group
        group, resource, shown, _ = self._with_versions()
        if shown is None:
            return Collection(), None
        return shown.versions, (group, resource, shown)

    # What the filter chooses, and in which order.

    def _place(self) -> Place:
        """Where the target's entities are: its own place, or of a collection that of its entities."""
        kind = _KINDS.get(self._target.level, "registry")
        return Place(
            self._tree, self._base, kind, self._target.group_type, self._target.resource_type
        )

    def _chosen(self, entity: Any, above: Any) -> Chosen | None:
        """What the filter chooses of the target, which is an entity; None: there is no filter."""
        if self._flags.exclude_all:
            raise missing(self._target)
        if not self._flags.filters:
            return None
        selection = Selection(self._place(), self._flags.filters, self._target.xid)
        chosen = selection.of_entity(entity, above)
        if chosen is None:
            raise missing(self._target)
        return chosen

    def choices(self, entities: Mapping[str, Any], above: Any) -> Choices | None:
        """What the filter chooses of the target's collection; None: there is no filter."""
        if self._flags.exclude_all:
            return {}
        if not self._flags.filters:
            return None
        selection = Selection(self._place(), self._flags.filters, self._target.xid)
        return selection.of_collection(entities, above)

    def ids(self, entities: Collection[Any], choices: Choices | None, above: Any) -> Sequence[str]:
        """The ids to show, in the order that the request asks for."""
        ids = in_order(entities, choices)
        if self._flags.sort is None:
            return ids
        subject = self._target.xid
        return sorted_ids(self._place(), entities, ids, above, self._flags.sort, subject)

    def key(self) -> Callable[[Any, Any], SortKey]:
        """What gives the key by which the collection is sorted, before the id; () if it is not."""
        if self._flags.sort is None:
            return lambda entity, above: ()
        return key_of(self._place(), self._flags.sort, self._target.xid)

    # The levels.

    def _registry(self, text: Text, processed: frozenset[str] | None) -> None:
        chosen = self._chosen(self._tree, None)
        if processed is not None or self._flags.collections:
            self._maps(text, self._tree, "", self._tree.model.groups, chosen, processed)
        else:
            self._drawing.registry(text, HERE, self._inline, chosen)

    def _group(self, text: Text, processed: frozenset[str] | None) -> None:
        group, type = group_at(self._tree, self._target)
        chosen = self._chosen(group, self._tree)
        xid = self._target.xid
        if processed is not None or self._flags.collections:
            self._maps(text, group, xid, type.resources, chosen, processed)
        else:
            self._drawing.group(text, xid, HERE, group, type, self._inline, chosen)

    def _maps(
        self,
        text: Text,
        entity: Tree | Group,
        xid: str,
        types: Mapping[str, GroupType] | Mapping[str, ResourceType],
        chosen: Chosen | None,
        processed: frozenset[str] | None,
    ) -> None:
        """The maps of an entity's collections and nothing else (core/spec.md "Collections Flag").

        Of `processed` entities only those; then what is inlined is asked for relative to the entity,
        and a collection without any of them is left out.
        """
        lead = "{"
        whole = chosen is None or chosen.everything
        for name, type in types.items():
            entities = entity.of(name)
            choices: Choices | None = None
            if chosen is not None and not whole:
                choices = chosen.members.get(name, {})
            if processed is None:
                ids = in_order(entities, choices)
            else:
                ids = _of_these(processed, f"{xid}/{name}", entities, choices)
                if not ids and f"{xid}/{name}" not in processed:
                    continue
            text.add(f'{lead}"{name}":')
            lead = ","
            self._drawing.map(
                text,
                f"{xid}/{name}",
                below(HERE, name),
                ids,
                entities,
                choices,
                chosen,
                self._inline.of(name) or NOTHING,
                self._drawing.drawer(type),
            )
        text.add("{}" if lead == "{" else "}")

    def _resource(self, text: Text) -> None:
        group, resource, type = resource_at(self._tree, self._target)
        chosen = self._chosen(resource, group)
        self._drawing.resource(text, self._target.xid, HERE, resource, type, self._inline, chosen)

    def _meta(self) -> str:
        group, resource, type = resource_at(self._tree, self._target)
        self._chosen(resource, group)
        return self._drawing.meta(self._target.xid, HERE, resource, type)

    def _version(self) -> str:
        group, resource, shown, type = self._with_versions()
        version = None if shown is None else shown.versions.find(self._target.vid)
        if version is None or shown is None:
            raise missing(self._target)
        self._chosen(version, (group, resource, shown))
        return self._drawing.version(
            self._target.xid, HERE, version, resource, shown, type, self._inline
        )

    def _collection(
        self,
        text: Text,
        processed: frozenset[str] | None,
        ids: Sequence[str] | None,
        choices: Choices | None,
    ) -> None:
        entities, above = self.entities()
        if ids is None:
            choices = self.choices(entities, above)
        xid = self._target.xid
        if processed is not None:
            ids = _of_these(processed, xid, entities, choices)
        elif ids is None:
            ids = self.ids(entities, choices, above)
        self._drawing.map(
            text, xid, HERE, ids, entities, choices, None, self._inline, self._drawer(above)
        )

    def _drawer(self, above: Any) -> Drawer:
        """What draws the entities of the target's collection."""
        level, group_type, type = (
            self._target.level,
            self._target.group_type,
            self._target.resource_type,
        )
        if type is None:
            if group_type is None:
                raise missing(self._target)
            return self._drawing.drawer(group_type)
        if level is Level.RESOURCES:
            return self._drawing.drawer(type)
        resource, shown = (above[1], above[2]) if above else (_NOBODY, _NOBODY)
        return self._drawing.version_drawer(resource, shown, type)


_NOBODY = Resource("", {}, Collection())
"""Of the versions of a mirror of nothing: there are none."""


def _of_these(
    processed: frozenset[str], xid: str, entities: Mapping[str, Any], choices: Choices | None
) -> list[str]:
    """The ids of a collection among `processed`: without a walk over all of the collection."""
    start = len(xid) + 1
    ids = [one[start:] for one in processed if one.startswith(f"{xid}/")]
    shown = entities if choices is None else choices
    return sorted((id for id in ids if id in shown), key=id_key)
