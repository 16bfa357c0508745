"""What documents would change on a hub, and changing it: in one request, all or nothing.

A plan is made with a dry run: the hub says what it would answer, so its defaults and rules count, and
what is the same already is not written again. Parents that no document speaks of keep what they have.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from chappe.cli.registry_compare import Change, compare, compare_resource
from chappe.cli.registry_files import Document
from chappe.cli.registry_tree import (
    DEFAULT,
    BadDocument,
    Group,
    Registry,
    Resource,
    Shape,
    read_into,
    set_own_aside,
)
from chappe.client.registry import Flags, Method, RegistryClient, joined, object_of
from chappe.domain.errors import NotFound

_FEW_GROUPS = 16  # up to here each is asked for by itself
_NOT_SENT = frozenset("specversion registryid model createdat modifiedat".split())
_CONFIGURATION = ("capabilities", "modelsource")
# What is not sent back of an entity that only has to stay as it is.
_KEPT_ANYWAY = frozenset(
    "epoch createdat modifiedat versionid ancestorid formatvalidated formatvalidatedreason"
    " compatibilityvalidated compatibilityvalidatedreason".split()
)


@dataclass(frozen=True, slots=True)
class Ways:
    """How documents are taken: whether their epochs must be the present ones, whether their times count."""

    epochs: bool = False
    times: bool = False
    prune: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What would happen; `sent` are the documents' own parts as a tree, `before` the hub's."""

    changes: Sequence[Change]
    deletions: Sequence[tuple[str, Sequence[str]]]
    sent: Registry
    before: Registry
    shape: Shape
    ways: Ways

    @property
    def is_empty(self) -> bool:
        """Whether nothing would change."""
        return not self.deletions and all(change.kind == "same" for change in self.changes)

    @property
    def all_changes(self) -> list[Change]:
        """The changes, then what would be deleted."""
        gone = [
            Change(f"{collection}/{id_}", "removed")
            for collection, ids in self.deletions
            for id_ in ids
        ]
        return [*self.changes, *gone]


async def tree_of(
    registry: RegistryClient, documents: Sequence[Document]
) -> tuple[Registry, Shape]:
    """The documents as one tree, read by the hub's model and by those that they bring along.

    Raises:
        click.UsageError: a document is none of this registry; names it and the reason.
    """
    model = object_of(await registry.get("/model"))
    brought = [one for document in documents if (one := _source(document)) is not None]
    shape = Shape.of_model(model, *brought)
    tree = Registry()
    for document in documents:
        try:
            read_into(tree, document.body, shape)
        except BadDocument as exc:
            raise click.UsageError(f"{document.origin}: {exc}") from exc
    set_own_aside(tree)
    return tree, shape


async def make_plan(
    registry: RegistryClient, documents: Sequence[Document], ways: Ways = Ways()
) -> Plan:
    """What the documents would change.

    Raises:
        click.UsageError: a document is none of this registry.
        CallerError: the hub would refuse it.
    """
    tree, shape = await tree_of(registry, documents)
    before = await present(registry, tree, shape)
    _drop_what_is_there(tree, before, ways)
    plan = Plan((), (), tree, before, shape, ways)
    method, path, body = _request(plan, None)
    changes: list[Change] = []
    if body:
        flags = Flags(inline=_inlined(tree), ignore=_ignored(ways), dry_run=True)
        after = Registry()
        read_into(after, object_of(await registry.write(method, path, body, flags)), shape)
        changes = list(_of_declared(tree, before, after))
    deletions = tuple(_surplus(tree, before)) if ways.prune else ()
    return Plan(changes, deletions, tree, before, shape, ways)


async def carry_out(registry: RegistryClient, plan: Plan) -> None:
    """Do what the plan says: first all that is made and changed, in one request; then deletions."""
    wanted = {change.xid for change in plan.changes if change.kind != "same"}
    if wanted:
        method, path, body = _request(plan, wanted)
        await registry.write(method, path, body, Flags(ignore=_ignored(plan.ways)))
    for collection, ids in plan.deletions:
        await registry.delete(joined(*collection.split("/")[1:]), {id_: {} for id_ in ids})


async def present(registry: RegistryClient, tree: Registry, shape: Shape) -> Registry:
    """What the hub has of the groups in a tree, whole; and of the registry itself."""
    found = Registry()
    wanted = [(plural, gid) for plural, gid, _ in tree.each_group()]
    requests = [("/", Flags(inline=_CONFIGURATION))] if tree.attributes else []
    if len(wanted) > _FEW_GROUPS:
        plurals = list(dict.fromkeys(plural for plural, _ in wanted))
        requests += [(f"/{plural}", Flags(inline=["*"])) for plural in plurals]
    else:
        requests += [(joined(*one), Flags(inline=["*"])) for one in wanted]
    for path, body in await asyncio.gather(*(_if_there(registry, *one) for one in requests)):
        if body is None:
            continue
        if path == "/":
            found.attributes = {k: v for k, v in body.items() if k not in _NOT_SENT}
            found.attributes = {
                k: v for k, v in found.attributes.items() if not _is_of_groups(k, shape)
            }
        elif path.count("/") == 1:
            read_into(found, {path[1:]: body}, shape)
        else:
            read_into(found, body, shape)
    return found


async def _if_there(
    registry: RegistryClient, path: str, flags: Flags
) -> tuple[str, dict[str, Any] | None]:
    try:
        return path, await registry.entity(path, flags)
    except NotFound:
        return path, None


def _source(document: Document) -> Mapping[str, Any] | None:
    source = document.body.get("modelsource")
    return source if isinstance(source, dict) else None


def _is_of_groups(name: str, shape: Shape) -> bool:
    own = name in ("self", "shortself", "xid", "epoch")
    return own or any(name in (plural, f"{plural}url", f"{plural}count") for plural in shape.groups)


def _drop_what_is_there(tree: Registry, before: Registry, ways: Ways) -> None:
    # A model or capabilities that are the hub's already need no right to change them.
    for name in _CONFIGURATION:
        if name in tree.attributes and tree.attributes[name] == before.attributes.get(name):
            del tree.attributes[name]
    for name in (*_NOT_SENT, *(() if ways.epochs else ("epoch",))):
        tree.attributes.pop(name, None)
    if tree.attributes.keys() <= {"epoch"}:
        tree.attributes.clear()


def _of_declared(tree: Registry, before: Registry, after: Registry) -> Iterator[Change]:
    if tree.attributes:
        old, new = Registry(before.attributes), Registry(after.attributes)
        yield from (one for one in compare(old, new) if one.xid == "/")
    for plural, gid, group in tree.each_group():
        old_group, new_group = before.group(plural, gid), after.group(plural, gid)
        if group.declared:
            old, new = Registry(), Registry()
            for side, one in ((old, old_group), (new, new_group)):
                if one is not None:
                    side.groups[plural] = {gid: Group(one.attributes)}
            yield from (change for change in compare(old, new) if change.xid != "/")
        for resources, held in group.resources.items():
            for rid in held:
                yield from compare_resource(
                    f"/{plural}/{gid}/{resources}/{rid}",
                    before.resource(plural, gid, resources, rid),
                    after.resource(plural, gid, resources, rid),
                )


def _surplus(tree: Registry, before: Registry) -> Iterator[tuple[str, Sequence[str]]]:
    """What the hub has beside what the documents list: resources of a type that their group lists
    (a group's document alone does not), versions of resources whose versions they list.
    """
    for plural, gid, group in tree.each_group():
        there = before.group(plural, gid)
        if there is None or not group.declared:
            continue
        for resources, held in group.resources.items():
            xid = f"/{plural}/{gid}/{resources}"
            gone = [rid for rid in there.resources.get(resources, {}) if rid not in held]
            if gone:
                yield xid, gone
            for rid, resource in held.items():
                old = there.resources.get(resources, {}).get(rid)
                if old is None or not resource.whole or DEFAULT in resource.versions:
                    continue
                versions = [vid for vid in old.versions if vid not in resource.versions]
                if versions:
                    yield f"{xid}/{rid}/versions", versions


def _inlined(tree: Registry) -> list[str]:
    return [f"{plural}.*" for plural in tree.groups] + [
        name for name in _CONFIGURATION if name in tree.attributes
    ]


def _ignored(ways: Ways) -> list[str]:
    return [] if ways.epochs else ["epoch"]


def _request(plan: Plan, wanted: set[str] | None) -> tuple[Method, str, dict[str, Any]]:
    """The narrowest request that writes the wanted xids (None: all that the documents name)."""
    groups: dict[str, dict[str, Any]] = {}
    for plural, gid, group in plan.sent.each_group():
        xid = f"/{plural}/{gid}"
        body = _resources(plan, plural, gid, group, wanted)
        if body or (group.declared and (wanted is None or xid in wanted)):
            own = _group_attributes(plan, plural, gid, group)
            groups.setdefault(plural, {})[gid] = {**own, **body}
    if plan.sent.attributes and (wanted is None or "/" in wanted):
        return "PUT", "/", {**_registry_attributes(plan), **groups}
    if wanted is not None and len(groups) == 1:
        ((plural, ones),) = groups.items()
        ((gid, body),) = ones.items() if len(ones) == 1 else (("", {}),)
        if gid and f"/{plural}/{gid}" not in wanted and plan.before.group(plural, gid) is not None:
            # The group itself stays untouched: its epoch, too.
            below = {
                name: value
                for name, value in body.items()
                if name in plan.shape.groups[plural].resources
            }
            return "POST", joined(plural, gid), below
    return "POST", "/", dict(groups)


def _resources(
    plan: Plan, plural: str, gid: str, group: Group, wanted: set[str] | None
) -> dict[str, Any]:
    bodies: dict[str, Any] = {}
    for resources, held in group.resources.items():
        singular = plan.shape.groups[plural].resources[resources]
        for rid, resource in held.items():
            xid = f"/{plural}/{gid}/{resources}/{rid}"
            if wanted is None or any(one == xid or one.startswith(f"{xid}/") for one in wanted):
                before = plan.before.resource(plural, gid, resources, rid)
                body = _resource_body(resource, before, singular, plan.ways)
                bodies.setdefault(resources, {})[rid] = body
    return bodies


def _group_attributes(plan: Plan, plural: str, gid: str, group: Group) -> dict[str, Any]:
    there = plan.before.group(plural, gid)
    if group.declared or there is None:
        return _sendable(group.attributes, plan.ways)
    return {name: value for name, value in there.attributes.items() if name not in _KEPT_ANYWAY}


def _registry_attributes(plan: Plan) -> dict[str, Any]:
    given = plan.sent.attributes
    if given.keys() - {"epoch", *_CONFIGURATION}:
        return given
    # The documents speak of the model alone; the name and the rest stay.
    there = {k: v for k, v in plan.before.attributes.items() if k not in _CONFIGURATION}
    return {**there, **given}


def _resource_body(
    resource: Resource, before: Resource | None, singular: str, ways: Ways
) -> dict[str, Any]:
    body: dict[str, Any] = {}
    versions = {
        vid: _sendable(one, ways) for vid, one in resource.versions.items() if vid != DEFAULT
    }
    if DEFAULT in resource.versions:
        body = _sendable(resource.versions[DEFAULT], ways)
    elif before is not None and (named := before.default_id) not in (None, *versions):
        # Without them the default version would lose its attributes (core/spec.md, step 2).
        kept = before.versions[str(named)]
        left_out = _KEPT_ANYWAY | {singular, f"{singular}base64"}
        body = {name: value for name, value in kept.items() if name not in left_out}
    if versions:
        body["versions"] = versions
    if resource.meta:
        body["meta"] = _sendable(resource.meta, ways)
    if "xref" in resource.meta:
        return {"meta": body["meta"]}
    return body


def _sendable(attributes: Mapping[str, Any], ways: Ways) -> dict[str, Any]:
    dropped = set() if ways.epochs else {"epoch"}
    if not ways.times:
        # Where a file is the source, the time of the change is the hub's to say.
        dropped.add("modifiedat")
    return {name: value for name, value in attributes.items() if name not in dropped}
