"""An entity's attributes as filters and sorts see them: what is stored, and what is derived.

A place is a level of the registry with its types. Its readers take an entity and what is above it:

    registry  (Tree, None)          group    (Group, Tree)
    resource  (Resource, Group)     version  (Version, (Group, Resource, the one it shows))
    meta      (Resource, Group)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from chappe.registry.capabilities import SPECVERSION
from chappe.registry.columns import Path
from chappe.registry.definitions import type_at
from chappe.registry.dot import is_name
from chappe.registry.entity import Collection, Group, Resource, Tree, Version
from chappe.registry.locations import details, short_url
from chappe.registry.mirrors import default_of, shown_of
from chappe.registry.model import AttributeSet, GroupType, ResourceType

Reader: TypeAlias = Callable[[Any, Any], Any]
"""(entity, above) -> the value of one attribute, None where there is none."""

Above: TypeAlias = tuple[Group, Resource, Resource]
"""Of a version: its group, its resource, and the resource whose versions are shown."""


@dataclass(frozen=True, slots=True)
class Place:
    """One level: of which `kind`, and of which types."""

    tree: Tree
    base: str
    kind: str
    group_type: GroupType | None = None
    resource_type: ResourceType | None = None

    @property
    def definitions(self) -> AttributeSet:
        """What the model says of the attributes here."""
        if self.resource_type is not None:
            return self.resource_type.meta if self.kind == "meta" else self.resource_type.version
        return self.group_type.attributes if self.group_type else self.tree.model.attributes

    def below(self, name: str) -> Place | None:
        """The place of a collection's entities; None if `name` is no collection here."""
        if self.kind == "registry":
            group_type = self.tree.model.groups.get(name)
            return None if group_type is None else Place(self.tree, self.base, "group", group_type)
        if self.kind == "group" and self.group_type is not None:
            type = self.group_type.resources.get(name)
            if type is None:
                return None
            return Place(self.tree, self.base, "resource", self.group_type, type)
        if self.kind == "resource" and name == "versions":
            return Place(self.tree, self.base, "version", self.group_type, self.resource_type)
        return None

    def meta(self) -> Place:
        """The place of a resource's meta."""
        return Place(self.tree, self.base, "meta", self.group_type, self.resource_type)

    def children(self, name: str) -> Reader:
        """The reader of a collection: (its entities, what is above each of them)."""
        if self.kind != "resource":
            return lambda entity, above: (entity.of(name), entity)
        tree = self.tree

        def versions(resource: Resource, group: Any) -> tuple[Mapping[str, Any], Any]:
            if "xref" not in resource.meta:
                return resource.versions, (group, resource, resource)
            shown = shown_of(tree, resource)
            if shown is None:
                return _NONE, None
            return shown.versions, (group, resource, shown)

        return versions

    def names(self) -> Iterator[str]:
        """The collections' names here."""
        if self.kind == "registry":
            yield from self.tree.model.groups
        elif self.kind == "group" and self.group_type is not None:
            yield from self.group_type.resources

    def reader(self, name: str) -> Reader:
        """The reader of an attribute; of private ones and of the unknown it finds nothing."""
        if name.startswith("."):
            return lambda entity, above: None
        derived = self.derived().get(name)
        return self.stored(name) if derived is None else derived

    def is_stored(self, name: str) -> bool:
        """Whether an attribute stands among the `attributes` of the entities here."""
        holders = ("registry", "group", "version")
        return self.kind in holders and name[:1] != "." and name not in self.derived()

    def stored(self, name: str) -> Reader:
        """The reader of an attribute that is stored."""
        tree = self.tree
        if self.kind == "resource":

            def of_default(resource: Resource, above: Any) -> Any:
                version = default_of(tree, resource)
                return None if version is None else version.attributes.get(name)

            return of_default
        if self.kind == "meta":

            def of_meta(resource: Resource, above: Any) -> Any:
                shown = shown_of(tree, resource)
                return None if shown is None else shown.meta.get(name)

            return of_meta
        return lambda entity, above: entity.attributes.get(name)

    def column(self, path: Sequence[str | int]) -> Path | None:
        """The column of the entities' values at a path; None: they depend on more than the entity.

        A mirror's do; it is none of the column's own.
        """
        first, *rest = path
        if len(rest) > 1 or not all(map(is_name, path)):
            return None
        name = str(first)
        if self.kind not in ("group", "resource", "meta") or name.startswith("."):
            return None
        derived = name in self.derived()
        if derived and name == self._id and self.kind != "meta":
            name = ""  # no attribute is called that, whatever the model says
        elif derived and not (self.kind == "meta" and name in _FLAGS):
            return None
        read, key = self.reader(str(first)), rest[0] if rest else None

        def value(entity: Any) -> Any:
            found = read(entity, None)
            if key is None:
                return found
            return found.get(key) if isinstance(found, dict) else None

        return Path(
            (self.kind, name, *map(str, rest)),
            value,
            None if self.kind == "group" else _is_no_mirror,
            type_at(self.definitions, path) == "timestamp",
        )

    @property
    def _id(self) -> str:
        """The name of the attribute that is the id of the entities here."""
        if self.kind == "group" and self.group_type is not None:
            return f"{self.group_type.singular}id"
        return "" if self.resource_type is None else f"{self.resource_type.singular}id"

    def everything(self) -> Callable[[Any, Any], Iterator[Any]]:
        """The reader of the values of all attributes."""
        derived = self.derived()

        def read(entity: Any, above: Any) -> Iterator[Any]:
            for one in derived.values():
                value = one(entity, above)
                if value is not None:
                    yield value
            for name, value in self._attributes(entity).items():
                if name not in derived and not name.startswith("."):
                    yield value

        return read

    def _attributes(self, entity: Any) -> Mapping[str, Any]:
        if self.kind == "resource":
            version = default_of(self.tree, entity)
            return {} if version is None else version.attributes
        if self.kind == "meta":
            shown = shown_of(self.tree, entity)
            return {} if shown is None else shown.meta
        stored: Mapping[str, Any] = entity.attributes
        return stored

    def derived(self) -> dict[str, Reader]:
        """The readers of what is not stored."""
        base, kind = self.base, self.kind
        xid = self.xid()
        suffix = "" if self.resource_type is None or kind == "meta" else details(self.resource_type)
        found: dict[str, Reader] = {
            "xid": xid,
            "self": lambda entity, above: f"{base}{xid(entity, above)}{suffix}",
        }
        if self.tree.capabilities.get("shortself") is True and kind in ("group", "resource"):
            found["shortself"] = lambda entity, above: short_url(base, entity.uid)
        for name in self.names():
            found |= self._collection(name, xid)
        if kind == "registry":
            found["specversion"] = lambda entity, above: SPECVERSION
        elif kind == "group" and self.group_type is not None:
            found[f"{self.group_type.singular}id"] = lambda entity, above: entity.id
        elif self.resource_type is not None:
            found |= _of_version if kind == "version" else _of_resource(self.tree)
            if kind == "meta":
                found = {name: found[name] for name in ("xid", "self")}
                found |= _of_meta(self.tree, base, xid, details(self.resource_type))
            elif kind == "resource":
                found |= self._of_collections(xid)
            id = f"{self.resource_type.singular}id"
            found[id] = _resource_id if kind == "version" else _own_id
        return found

    def _collection(self, name: str, xid: Reader) -> dict[str, Reader]:
        base = self.base
        slash = "" if self.kind == "registry" else "/"
        return {
            name: lambda entity, above: entity.of(name),
            f"{name}url": lambda entity, above: f"{base}{xid(entity, above)}{slash}{name}",
            f"{name}count": lambda entity, above: len(entity.of(name)),
        }

    def _of_collections(self, xid: Reader) -> dict[str, Reader]:
        base, tree = self.base, self.tree

        def versions(resource: Resource, above: Any) -> Any:
            shown = shown_of(tree, resource)
            return None if shown is None else shown.versions

        def count(resource: Resource, above: Any) -> Any:
            found = versions(resource, above)
            return None if found is None else len(found)

        def url(resource: Resource, above: Any) -> Any:
            found = versions(resource, above)
            return None if found is None else f"{base}{xid(resource, above)}/versions"

        return {
            "metaurl": lambda entity, above: f"{base}{xid(entity, above)}/meta",
            "meta": lambda entity, above: {},  # it is there; its members are read at its own place
            "versions": versions,
            "versionsurl": url,
            "versionscount": count,
        }

    def xid(self) -> Reader:
        """The reader of the entity's xid."""
        groups = self.group_type.plural if self.group_type else ""
        resources = self.resource_type.plural if self.resource_type else ""
        match self.kind:
            case "registry":
                return lambda entity, above: "/"
            case "group":
                return lambda entity, above: f"/{groups}/{entity.id}"
            case "version":
                return lambda entity, above: (
                    f"/{groups}/{above[0].id}/{resources}/{above[1].id}/versions/{entity.id}"
                )
            case _:
                end = "/meta" if self.kind == "meta" else ""
                return lambda entity, above: f"/{groups}/{above.id}/{resources}/{entity.id}{end}"


_NONE: Collection[Any] = Collection()
_FLAGS: Final = frozenset({"readonly", "defaultversionsticky"})
"""Of meta: absent they are shown as false."""


def _is_no_mirror(resource: Resource) -> bool:
    return "xref" not in resource.meta


def _own_id(entity: Any, above: Any) -> Any:
    return entity.id


def _resource_id(entity: Any, above: Above) -> Any:
    return above[1].id


def _is_default(version: Version, above: Above) -> Any:
    return above[2].meta.get("defaultversionid") == version.id


_of_version: dict[str, Reader] = {"versionid": _own_id, "isdefault": _is_default}


def _of_resource(tree: Tree) -> dict[str, Reader]:
    def versionid(resource: Resource, above: Any) -> Any:
        version = default_of(tree, resource)
        return None if version is None else version.id

    def isdefault(resource: Resource, above: Any) -> Any:
        return None if default_of(tree, resource) is None else True

    return {"versionid": versionid, "isdefault": isdefault}


def _of_meta(tree: Tree, base: str, xid: Reader, suffix: str) -> dict[str, Reader]:
    def flag(name: str) -> Reader:
        def read(resource: Resource, above: Any) -> Any:
            shown = shown_of(tree, resource)
            return None if shown is None else shown.meta.get(name, False)

        return read

    def url(resource: Resource, above: Any) -> Any:
        version = default_of(tree, resource)
        path = str(xid(resource, above)).removesuffix("/meta")
        return None if version is None else f"{base}{path}/versions/{version.id}{suffix}"

    return {
        "xref": lambda entity, above: entity.meta.get("xref"),
        "readonly": flag("readonly"),
        "defaultversionsticky": flag("defaultversionsticky"),
        "defaultversionurl": url,
    }
