"""A registry document as a tree: groups, resources, versions; from files and from the hub alike.

    Registry -> groups[plural][gid]: Group -> resources[plural][rid]: Resource -> versions[vid]

What the hub derives (`self`, `xid`, URLs, counts) is left out. A resource's own attributes, as files
like to write them, are those of its default version: they are kept as the version DEFAULT unless the
document has that version too. `Shape` says which maps are collections: by the hub's model, or by the
document alone where there is no hub.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from chappe.kit.near import nearest, suggested

DEFAULT: Final = ""  # the id of the default version where a document does not name it

_REGISTRY = frozenset(
    "specversion registryid self shortself xid epoch name description documentation icon labels"
    " createdat modifiedat capabilities model modelsource".split()
)
_DERIVED = frozenset(
    "$schema self shortself xid metaurl meta versionsurl versionscount versions isdefault"
    " defaultversionurl".split()
)
_NO_COLLECTION = frozenset("labels constraints deprecated attributes".split())
_ANY = frozenset(("*", "$include", "$includes"))  # attributes that a model does not list itself
_KNOWN = {
    "endpoints": ("endpoint", {"messages": "message"}),
    "messagegroups": ("messagegroup", {"messages": "message"}),
    "schemagroups": ("schemagroup", {"schemas": "schema"}),
}


class BadDocument(Exception):
    """The document is no part of a registry; says which part of it, and why."""


@dataclass(frozen=True, slots=True)
class GroupShape:
    """A type of group: the name of one, and its types of resources by plural, each with its singular."""

    singular: str
    resources: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Shape:
    """Which types of groups there are, by plural; and the registry's own attributes, where they are known."""

    groups: Mapping[str, GroupShape]
    attributes: frozenset[str] = frozenset()

    @classmethod
    def of_model(cls, *models: Mapping[str, Any]) -> Shape:
        """The shape that models (or model sources) describe together."""
        groups: dict[str, GroupShape] = {}
        for model in models:
            for plural, group in _maps(model.get("groups")):
                before = groups.get(plural)
                resources = {
                    **(before.resources if before else {}),
                    **{
                        name: str(one.get("singular", name))
                        for name, one in _maps(group.get("resources"))
                    },
                    **dict(_imported(group, models)),
                }
                groups[plural] = GroupShape(str(group.get("singular", plural)), resources)
        own = frozenset(name for one in models for name in one.get("attributes") or ())
        more = any(_ANY & one.keys() for one in models) or own & _ANY
        return cls(groups, frozenset() if more else own)

    @classmethod
    def of_document(cls, body: Mapping[str, Any]) -> Shape:
        """The shape of a document that nobody describes: what looks like collections in it."""
        models = [one for _, one in _maps({k: body.get(k) for k in ("model", "modelsource")})]
        described = cls.of_model(*models)
        groups = {
            name: GroupShape(singular, resources) for name, (singular, resources) in _KNOWN.items()
        }
        groups.update(described.groups)
        for plural, collection in _maps(body):
            if plural in _REGISTRY or not all(isinstance(one, dict) for one in collection.values()):
                continue
            known = groups.get(plural, GroupShape(plural.removesuffix("s"), {}))
            found = {
                name: name.removesuffix("s")
                for _, group in _maps(collection)
                for name, one in _maps(group)
                if name not in _NO_COLLECTION
                and (f"{name}url" in group or f"{name}count" in group)
                and all(isinstance(entity, dict) for entity in one.values())
            }
            groups[plural] = GroupShape(known.singular, {**found, **known.resources})
        return cls(groups)

    def joined(self, other: Shape) -> Shape:
        """Both; this one's word counts."""
        return Shape({**other.groups, **self.groups}, self.attributes | other.attributes)


@dataclass(slots=True)
class Resource:
    """A resource: its `meta`, and its versions' attributes by id.

    `declared` tells what a document says something about from what is there only to hold it; `whole`
    whether its versions were listed.
    """

    meta: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, dict[str, Any]] = field(default_factory=dict)
    declared: bool = False
    whole: bool = False
    marked: str | None = None  # the version that says of itself that it is the default one

    @property
    def default_id(self) -> str | None:
        """Which version is the default one, as far as can be told."""
        for named in (self.meta.get("defaultversionid"), self.marked):
            if isinstance(named, str) and named in self.versions:
                return named
        return next(iter(self.versions)) if len(self.versions) == 1 else None


@dataclass(slots=True)
class Group:
    """A group's own attributes, and its resources by plural and id."""

    attributes: dict[str, Any] = field(default_factory=dict)
    resources: dict[str, dict[str, Resource]] = field(default_factory=dict)
    declared: bool = False


@dataclass(slots=True)
class Registry:
    """The registry's own attributes (those that a client may write), and its groups."""

    attributes: dict[str, Any] = field(default_factory=dict)
    groups: dict[str, dict[str, Group]] = field(default_factory=dict)

    def each_group(self) -> Iterator[tuple[str, str, Group]]:
        """Plural, id and group of all."""
        for plural, groups in self.groups.items():
            for gid, group in groups.items():
                yield plural, gid, group

    def group(self, plural: str, gid: str) -> Group | None:
        """One group."""
        return self.groups.get(plural, {}).get(gid)

    def resource(self, groups: str, gid: str, plural: str, rid: str) -> Resource | None:
        """One resource."""
        group = self.group(groups, gid)
        return None if group is None else group.resources.get(plural, {}).get(rid)


def set_own_aside(*trees: Registry) -> int:
    """Take out what each hub makes for itself (its channels and endpoints, labelled `chappe=self`).

    They tell of one hub and mean nothing on another. What others put into them, such as subscriptions,
    stays. Gives how many there were.
    """
    own = {
        (plural, gid)
        for tree in trees
        for plural, gid, group in tree.each_group()
        if (group.attributes.get("labels") or {}).get("chappe") == "self"
    }
    for plural, gid in own:
        found = [tree.group(plural, gid) for tree in trees]
        held = any(any(one.resources.values()) for one in found if one is not None)
        for tree in trees:
            if held:
                group = tree.groups.setdefault(plural, {}).setdefault(gid, Group())
                group.attributes, group.declared = {}, False
            else:
                tree.groups.get(plural, {}).pop(gid, None)
    return len(own)


def read_into(tree: Registry, body: Mapping[str, Any], shape: Shape) -> None:
    """Add a document (a registry's, or one entity's by its `xid`) to a tree.

    Raises:
        BadDocument: it names no place of the registry, or one that the tree has already.
    """
    xid = body.get("xid")
    if isinstance(xid, str) and xid not in ("", "/"):
        _entity(tree, xid, body, shape)
    else:
        _registry(tree, body, shape)


def _registry(tree: Registry, body: Mapping[str, Any], shape: Shape) -> None:
    for name, value in body.items():
        if name in shape.groups:
            for gid, group in _children(f"/{name}", value):
                place = tree.groups.setdefault(name, {})
                _once(place.get(gid), f"/{name}/{gid}")
                place[gid] = _group(f"/{name}/{gid}", group, shape.groups[name], place.get(gid))
        elif name not in _DERIVED and not _is_derived(name, shape.groups):
            _refuse_near_miss(name, value, shape.groups, "a registry")
            if shape.attributes and name not in shape.attributes | _REGISTRY:
                raise BadDocument(_no_registry(body, name, shape))
            if name in tree.attributes and tree.attributes[name] != value:
                raise BadDocument(f"another document gives the registry's {name!r} another value")
            tree.attributes[name] = value
    if not any(name in shape.groups or name in _REGISTRY for name in body):
        raise BadDocument(
            f"it has neither an xid nor a collection of groups; there are: {_list(shape.groups)}"
        )


def _no_registry(body: Mapping[str, Any], name: str, shape: Shape) -> str:
    if all(isinstance(body.get(one), str) for one in ("specversion", "type", "source")):
        return f"it is an event ({body['type']}), not a part of a registry: chappe event send"
    return (
        f"a registry has no attribute {name!r}, nor groups of that name; its groups are: "
        f"{_list(shape.groups)}"
    )


def _entity(tree: Registry, xid: str, body: Mapping[str, Any], shape: Shape) -> None:
    match xid.split("/")[1:]:
        case [plural, gid] if plural in shape.groups and gid:
            place = tree.groups.setdefault(plural, {})
            _once(place.get(gid), xid)
            place[gid] = _group(xid, body, shape.groups[plural], place.get(gid))
        case [groups, gid, plural, rid, *rest] if (
            groups in shape.groups and plural in shape.groups[groups].resources and rid
        ):
            group = tree.groups.setdefault(groups, {}).setdefault(gid, Group())
            held = group.resources.setdefault(plural, {})
            singular = shape.groups[groups].resources[plural]
            there = held.get(rid)
            match rest:
                case []:
                    if there is not None and there.declared:
                        _twice(xid)
                    held[rid] = _resource(xid, body, singular, there)
                case ["meta"]:
                    there = held.setdefault(rid, Resource())
                    if there.meta:
                        _twice(xid)
                    there.meta = _own(body, singular, {})
                case ["versions", vid] if vid:
                    there = held.setdefault(rid, Resource())
                    if vid in there.versions:
                        _twice(xid)
                    there.versions[vid] = _own(body, singular, {})
                case _:
                    raise BadDocument(f"the xid {xid!r} names no entity")
        case [plural, *_] if plural not in shape.groups:
            near = _meant(plural, shape.groups)
            raise BadDocument(f"the xid {xid!r} names no type of group of this registry{near}")
        case [plural, _, below, *_]:
            near = _meant(below, shape.groups[plural].resources)
            raise BadDocument(f"the xid {xid!r} names no type of resource of {plural!r}{near}")
        case _:
            raise BadDocument(f"the xid {xid!r} names no entity")


def _group(xid: str, body: Mapping[str, Any], shape: GroupShape, there: Group | None) -> Group:
    _check_id(xid, body, shape.singular)
    group = Group(_own(body, shape.singular, shape.resources), declared=True)
    if there is not None:
        group.resources = there.resources
    for name in shape.resources:
        if body.get(name) is None:
            continue
        held = group.resources.setdefault(name, {})
        for rid, resource in _children(f"{xid}/{name}", body[name]):
            place = f"{xid}/{name}/{rid}"
            if rid in held and held[rid].declared:
                _twice(place)
            held[rid] = _resource(place, resource, shape.resources[name], held.get(rid))
    for name, value in group.attributes.items():
        _refuse_near_miss(name, value, shape.resources, xid)
    return group


def _resource(xid: str, body: Mapping[str, Any], singular: str, there: Resource | None) -> Resource:
    _check_id(xid, body, singular)
    meta = body.get("meta")
    resource = Resource(
        _own(meta, singular, {}) if isinstance(meta, dict) else {},
        declared=True,
        whole="versions" in body,
    )
    for vid, version in _children(f"{xid}/versions", body.get("versions") or {}):
        resource.versions[vid] = _own(version, singular, {})
        if version.get("isdefault") is True:
            resource.marked = vid
    if there is not None:
        resource.versions = {**there.versions, **resource.versions}
        resource.meta = resource.meta or there.meta
    top = _own(body, singular, {})
    vid = str(top.get("versionid", resource.meta.get("defaultversionid") or DEFAULT))
    if not resource.versions or (set(top) - {"versionid"} and vid not in resource.versions):
        resource.versions[vid] = top
    return resource


def _own(
    body: Mapping[str, Any], singular: str, collections: Mapping[str, object]
) -> dict[str, Any]:
    return {
        name: value
        for name, value in body.items()
        if name not in _DERIVED
        and name not in (f"{singular}id", "versionid")
        and name not in collections
        and not _is_derived(name, collections)
    } | ({"versionid": body["versionid"]} if "versionid" in body else {})


def _check_id(xid: str, body: Mapping[str, Any], singular: str) -> None:
    said = body.get(f"{singular}id")
    if said is not None and said != xid.rpartition("/")[2]:
        raise BadDocument(f"{xid}: its {singular}id is {said!r}; one of the two is wrong")


def _is_derived(name: str, collections: Mapping[str, object]) -> bool:
    return any(
        name.removesuffix(end) in collections for end in ("url", "count") if name.endswith(end)
    )


def _children(where: str, value: object) -> Iterator[tuple[str, dict[str, Any]]]:
    if not isinstance(value, dict):
        raise BadDocument(f"{where} is a map by id, not {value!r:.40}")
    for id_, one in value.items():
        if not isinstance(one, dict):
            raise BadDocument(f"{where}/{id_} is a map of attributes, not {one!r:.40}")
        yield id_, one


def _maps(value: object) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict):
        yield from ((name, one) for name, one in value.items() if isinstance(one, dict))


def _once(there: Group | None, xid: str) -> None:
    if there is not None and there.declared:
        _twice(xid)


def _twice(xid: str) -> None:
    raise BadDocument(f"{xid} stands in another document, too")


def _refuse_near_miss(name: str, value: object, known: Mapping[str, object], where: str) -> None:
    if isinstance(value, dict) and name not in _REGISTRY | _NO_COLLECTION:
        near = nearest(name, known, like=0.8)
        if near is not None:
            raise BadDocument(f"{where} has no {name!r}; did you mean {near!r}?")


def _meant(name: str, known: Mapping[str, object]) -> str:
    return suggested(name, known, most=1) or f"; there are: {_list(known)}"


def _imported(
    group: Mapping[str, Any], models: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[str, str]]:
    # "/messagegroups/messages": another group type's resources (core/model.md "ximportresources").
    for xidtype in group.get("ximportresources") or ():
        _, _, origin, plural = f"//{xidtype}".rsplit("/", 3)
        singular = plural.removesuffix("s")
        for model in models:
            for name, one in _maps(model.get("groups")):
                for resources, resource in _maps(one.get("resources")):
                    if (name, resources) == (origin, plural):
                        singular = str(resource.get("singular", singular))
        yield plural, singular


def _list(known: Mapping[str, object]) -> str:
    return ", ".join(known) or "none"
