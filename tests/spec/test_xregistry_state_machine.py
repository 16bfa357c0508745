"""xRegistry core/spec.md: writes at random, against a slow and plain model of the same rules.

The model keeps nested dicts and works everything out anew after each request: which version follows
which (`manual`), which one is the default, and whose epoch moves.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from chappe.registry.errors import RegistryError
from chappe.registry.request import ABSENT
from tests.spec.xregistry_writing import Registry, files

GROUPS = st.sampled_from(["g1", "g2"])
RESOURCES = st.sampled_from(["r1", "r2"])
VERSIONS = st.sampled_from(["a", "B", "c", "1", "2"])
NAMES = st.none() | st.sampled_from(["x", "y"])
YEARS = st.none() | st.integers(2000, 2003)
METHODS = st.sampled_from(["PUT", "PATCH"])


class Refused(Exception):
    """The model says that a request must fail."""


@dataclass
class V:
    """A version of the model."""

    created: str
    modified: str
    epoch: int = 1
    name: str | None = None
    ancestor: str | None = None


@dataclass
class R:
    """A resource of the model; `last` is the highest id that it gave itself."""

    epoch: int = 0
    sticky: bool = False
    default: str | None = None
    last: int = 0
    versions: dict[str, V] = field(default_factory=dict)


@dataclass
class G:
    """A group of the model."""

    epoch: int = 0
    name: str | None = None
    resources: dict[str, R] = field(default_factory=dict)


def order(item: tuple[str, V]) -> tuple[str, str]:
    return (item[1].created, item[0].lower())


def newest(versions: dict[str, V]) -> str | None:
    parents = {one.ancestor for id, one in versions.items() if one.ancestor != id}
    leaves = [(id, one) for id, one in versions.items() if id not in parents]
    return max(leaves, key=order)[0] if leaves else None


class Model:
    """The registry as the specification tells it; one request at a time."""

    def __init__(self) -> None:
        self.epoch = 1
        self.groups: dict[str, G] = {}
        self.now = ""

    def group(self, gid: str) -> G:
        if gid not in self.groups:
            self.groups[gid] = G()
        return self.groups[gid]

    def put(self, resource: R, vid: str, sent: dict[str, Any], *, patch: bool) -> None:
        """Make or update a version; its epoch moves when the request is settled."""
        if vid not in resource.versions:
            resource.versions[vid] = V(self.now, self.now, epoch=0)
        one = resource.versions[vid]
        one.modified = self.now
        if not patch or "name" in sent:
            one.name = sent.get("name")
        if "createdat" in sent:
            one.created = sent["createdat"]
        if "ancestorid" in sent:
            one.ancestor = sent["ancestorid"]

    def choose_id(self, resource: R) -> str:
        resource.last += 1
        while str(resource.last) in resource.versions:
            resource.last += 1
        return str(resource.last)

    def link(self, resource: R) -> None:
        versions = resource.versions
        for id, one in versions.items():
            if one.ancestor is not None and one.ancestor not in versions:
                one.ancestor = id
        linked = {id: one for id, one in versions.items() if one.ancestor is not None}
        previous = newest(linked)
        for id in sorted(versions.keys() - linked.keys(), key=str.lower):
            versions[id].ancestor = previous or id
            previous = id

    def settle(self, before: Model, gid: str, rid: str) -> None:
        """Ancestors, the default version and epochs of a resource that was written to."""
        group = self.groups[gid]
        resource = group.resources[rid]
        old_group = before.groups.get(gid)
        old = old_group.resources.get(rid) if old_group else None
        if not resource.versions:
            del group.resources[rid]
        else:
            self.link(resource)
            if not (resource.sticky and resource.default in resource.versions):
                if resource.default is not None and resource.default not in resource.versions:
                    resource.sticky = False
                resource.default = newest(resource.versions)
        was = old.versions if old else {}
        for id, one in resource.versions.items():
            if id not in was or one != was[id]:
                one.epoch = was[id].epoch + 1 if id in was else 1
                one.modified = self.now
        told = (resource.sticky, resource.default, set(resource.versions))
        if old is None or told != (old.sticky, old.default, set(old.versions)):
            resource.epoch = max(resource.epoch, (old.epoch if old else 0) + 1)
        self.settle_group(before, gid)

    def settle_group(self, before: Model, gid: str) -> None:
        old = before.groups.get(gid)
        group = self.groups.get(gid)
        if group is not None and old is not None and set(group.resources) != set(old.resources):
            group.epoch = max(group.epoch, old.epoch + 1)
        if group is not None and old is None:
            group.epoch = 1
        if set(self.groups) != set(before.groups):
            self.epoch = before.epoch + 1


class Writes(RuleBasedStateMachine):
    """The registry and its model, given the same requests."""

    def __init__(self) -> None:
        super().__init__()
        self.hub = Registry(files())
        self.model = Model()

    def both(self, method: Any, path: str, body: Any, model: Any, **flags: Any) -> None:
        """Do a request in the registry, and `model(copy, before)` in the model."""
        before = deepcopy(self.model)
        refused = False
        try:
            self.hub.do(method, path, body, **flags)
        except RegistryError:
            refused = True
        self.model.now = self.hub.now
        try:
            model(self.model, before)
            assert not refused, f"{method} {path} {body} must not be refused"
        except Refused:
            self.model = before
            assert refused, f"{method} {path} {body} must be refused"

    @rule(method=METHODS, gid=GROUPS, name=NAMES, stale=st.booleans())
    def write_group(self, method: Any, gid: str, name: str | None, *, stale: bool) -> None:
        body: dict[str, Any] = {} if name is None else {"name": name}
        if stale:
            body["epoch"] = 99

        def model(model: Model, before: Model) -> None:
            if stale and gid in before.groups:
                raise Refused
            group = model.group(gid)
            group.epoch = before.groups[gid].epoch + 1 if gid in before.groups else 1
            if name is not None or method == "PUT":
                group.name = name
            model.settle_group(before, gid)

        self.both(method, f"/dirs/{gid}", body, model)

    @rule(
        method=METHODS,
        gid=GROUPS,
        rid=RESOURCES,
        name=NAMES,
        versions=st.dictionaries(VERSIONS, st.tuples(NAMES, YEARS), max_size=3),
    )
    def write_resource(
        self,
        method: Any,
        gid: str,
        rid: str,
        name: str | None,
        versions: dict[str, tuple[str | None, int | None]],
    ) -> None:
        patch = method == "PATCH"
        sent = {} if name is None else {"name": name}
        bodies = {id: body_of(*one) for id, one in versions.items()}

        def model(model: Model, before: Model) -> None:
            resources = model.group(gid).resources
            is_new = rid not in resources
            resource = resources.setdefault(rid, R())
            target = resource.default
            for id, body in bodies.items():
                model.put(resource, id, body, patch=patch)
            if is_new and not bodies:
                model.put(resource, model.choose_id(resource), sent, patch=patch)
            elif target is not None and target not in bodies:
                model.put(resource, target, sent, patch=patch)
            model.settle(before, gid, rid)

        self.both(method, f"/dirs/{gid}/files/{rid}", {**sent, "versions": bodies}, model)

    @rule(gid=GROUPS, rid=RESOURCES, vid=st.none() | VERSIONS, name=NAMES, flag=st.booleans())
    def post_version(
        self, gid: str, rid: str, vid: str | None, name: str | None, *, flag: bool
    ) -> None:
        body = body_of(name, None) | ({} if vid is None else {"versionid": vid})

        def model(model: Model, before: Model) -> None:
            resource = model.group(gid).resources.setdefault(rid, R())
            id = model.choose_id(resource) if vid is None else vid
            if flag:
                if id in resource.versions:
                    raise Refused
                resource.sticky, resource.default = True, id
            model.put(resource, id, body, patch=False)
            model.settle(before, gid, rid)

        flags = {"setdefaultversionid": "request"} if flag else {}
        self.both("POST", f"/dirs/{gid}/files/{rid}", body, model, **flags)

    @rule(
        method=METHODS,
        gid=GROUPS,
        rid=RESOURCES,
        vid=VERSIONS,
        name=NAMES,
        year=YEARS,
        ancestor=st.none() | VERSIONS,
    )
    def write_version(
        self,
        method: Any,
        gid: str,
        rid: str,
        vid: str,
        name: str | None,
        year: int | None,
        ancestor: str | None,
    ) -> None:
        body = body_of(name, year) | ({} if ancestor is None else {"ancestorid": ancestor})

        def model(model: Model, before: Model) -> None:
            resource = model.group(gid).resources.setdefault(rid, R())
            model.put(resource, vid, body, patch=method == "PATCH")
            if ancestor is not None and ancestor not in resource.versions:
                raise Refused
            here: str | None = vid
            for _ in range(len(resource.versions) + 1):
                parent = resource.versions[here].ancestor if here else None
                if parent == here or parent is None or parent not in resource.versions:
                    break
                here = parent
            else:
                raise Refused
            model.settle(before, gid, rid)

        self.both(method, f"/dirs/{gid}/files/{rid}/versions/{vid}", body, model)

    @rule(gid=GROUPS, rid=RESOURCES, vid=st.none() | VERSIONS)
    def patch_meta(self, gid: str, rid: str, vid: str | None) -> None:
        def model(model: Model, before: Model) -> None:
            resource = model.group(gid).resources.setdefault(rid, R())
            if not resource.versions:
                model.put(resource, vid or model.choose_id(resource), {}, patch=True)
            if vid is not None and vid not in resource.versions:
                raise Refused
            resource.sticky, resource.default = vid is not None, vid
            resource.epoch += 1
            model.settle(before, gid, rid)

        path = f"/dirs/{gid}/files/{rid}/meta"
        self.both("PATCH", path, {"defaultversionid": vid}, model)

    @rule(gid=GROUPS, rid=RESOURCES, vid=VERSIONS, flag=st.none() | VERSIONS)
    def delete_version(self, gid: str, rid: str, vid: str, flag: str | None) -> None:
        def model(model: Model, before: Model) -> None:
            group = model.groups.get(gid)
            resource = group.resources.get(rid) if group else None
            if resource is None or vid not in resource.versions:
                raise Refused
            del resource.versions[vid]
            if flag is not None:
                if flag not in resource.versions:
                    raise Refused
                resource.sticky, resource.default = True, flag
                resource.epoch += 1
            model.settle(before, gid, rid)

        flags = {} if flag is None else {"setdefaultversionid": flag}
        path = f"/dirs/{gid}/files/{rid}/versions/{vid}"
        self.both("DELETE", path, ABSENT, model, **flags)

    @rule(gid=GROUPS, rid=RESOURCES)
    def delete_resource(self, gid: str, rid: str) -> None:
        def model(model: Model, before: Model) -> None:
            if gid not in model.groups or rid not in model.groups[gid].resources:
                raise Refused
            del model.groups[gid].resources[rid]
            model.settle_group(before, gid)

        self.both("DELETE", f"/dirs/{gid}/files/{rid}", ABSENT, model)

    @rule(gids=st.sets(GROUPS))
    def delete_groups(self, gids: set[str]) -> None:
        def model(model: Model, before: Model) -> None:
            for gid in gids:
                model.groups.pop(gid, None)
                model.settle_group(before, gid)

        self.both("DELETE", "/dirs", {gid: {} for gid in gids}, model)

    @invariant()
    def what_can_be_seen_is_the_same(self) -> None:
        assert seen(self.hub) == told(self.model)


def body_of(name: str | None, year: int | None) -> dict[str, Any]:
    body: dict[str, Any] = {} if name is None else {"name": name}
    return body if year is None else {**body, "createdat": f"{year}-01-01T00:00:00Z"}


def seen(hub: Registry) -> Any:
    return hub.tree.attributes["epoch"], {
        gid: (
            group.attributes["epoch"],
            group.attributes.get("name"),
            {
                rid: (
                    resource.meta["epoch"],
                    resource.meta["defaultversionsticky"],
                    resource.meta["defaultversionid"],
                    {
                        id: tuple(
                            one.attributes.get(name)
                            for name in ("epoch", "name", "ancestorid", "createdat", "modifiedat")
                        )
                        for id, one in resource.versions.items()
                    },
                )
                for rid, resource in group.of("files").items()
            },
        )
        for gid, group in hub.tree.of("dirs").items()
    }


def told(model: Model) -> Any:
    return model.epoch, {
        gid: (
            group.epoch,
            group.name,
            {
                rid: (
                    resource.epoch,
                    resource.sticky,
                    resource.default,
                    {
                        id: (one.epoch, one.name, one.ancestor, one.created, one.modified)
                        for id, one in resource.versions.items()
                    },
                )
                for rid, resource in group.resources.items()
            },
        )
        for gid, group in model.groups.items()
    }


TestWrites = Writes.TestCase
TestWrites.settings = settings(max_examples=20, stateful_step_count=40, derandomize=True)
