"""The sample interactions of xRegistry's events.md, as requests to the registry's engine."""

from __future__ import annotations

from typing import Any, Literal

from chappe.registry.changes import events_of
from chappe.registry.entity import Tree
from chappe.registry.flags import Flags
from chappe.registry.request import ABSENT, Rules, Write
from chappe.registry.target import Level, Target
from chappe.registry.write import empty_tree, write

SOURCE = {"groups": {"dirs": {"singular": "dir", "resources": {"files": {"singular": "file"}}}}}
EMPTY = empty_tree("r", "2025-07-01T12:00:00Z", SOURCE)
LEVELS = {1: Level.GROUPS, 2: Level.GROUP, 3: Level.RESOURCES, 4: Level.RESOURCE}
DIR, FILE = "/dirs/d1", "/dirs/d1/files/f1"
V1, V2 = f"{FILE}/versions/v1", f"{FILE}/versions/v2"
Told = dict[tuple[str, str], tuple[str, ...] | None]
EDIT = ("epoch", "modifiedat", "name")


class NoFormats:
    def known(self, format: str) -> bool:
        return False

    def fault(self, format: str, document: bytes) -> str | None:
        return None

    def compatibilities(self, format: str) -> frozenset[str]:
        return frozenset()

    def incompatibility(self, format: str, older: bytes, newer: bytes) -> str | None:
        return None


RULES = Rules(NoFormats())


def target(tree: Tree, path: str) -> Target:
    parts = [part for part in path.split("/") if part]
    if not parts:
        return Target(Level.REGISTRY)
    group_type = tree.model.groups[parts[0]]
    resource_type = group_type.resources[parts[2]] if len(parts) > 2 else None
    gid, rid = (parts[at] if len(parts) > at else "" for at in (1, 3))
    match parts[4:]:
        case []:
            level, vid = LEVELS[len(parts)], ""
        case ["meta"]:
            level, vid = Level.META, ""
        case ["versions", vid]:
            level = Level.VERSION
        case _:
            raise AssertionError(path)
    return Target(level, group_type, gid, resource_type, rid, vid, details=True)


def asked(
    tree: Tree,
    method: Literal["PUT", "PATCH", "POST", "DELETE"],
    path: str,
    body: Any = ABSENT,
    *,
    now: str = "2025-07-02T12:00:01Z",
) -> tuple[Told, Tree]:
    """What a request tells, and the tree after it."""
    request = Write(method, target(tree, path), body, Flags(), now, path)
    written = write(tree, request, RULES)
    announced = events_of(tree, written)
    told: Told = {
        (one.type.removeprefix("io.xregistry."), one.subject): one.changed for one in announced
    }
    assert len(told) == len(announced)
    return told, written.tree


def made(*versions: str, default: str | None = None) -> Tree:
    """A registry with one file; `default` makes that version the sticky one."""
    tree, now = EMPTY, "2025-07-01T13:00:00Z"
    for version in versions:
        _, tree = asked(tree, "PUT", f"{FILE}/versions/{version}", {}, now=now)
    if default is not None:
        _, tree = asked(tree, "PATCH", f"{FILE}/meta", {"defaultversionid": default}, now=now)
    return tree


def names(text: str) -> tuple[str, ...]:
    return tuple(sorted(text.split()))


DEFAULT = "versionid isdefault epoch createdat modifiedat ancestorid"
META = "meta.epoch meta.modifiedat"
MADE: Told = {
    ("registry.updated", "/"): names("epoch modifiedat dirs dirscount"),
    ("group.created", DIR): None,
    ("resource.created", FILE): None,
    ("version.created", V1): None,
}


def test_update_a_registry_attribute() -> None:
    assert asked(EMPTY, "PATCH", "/", {"name": "foo"})[0] == {("registry.updated", "/"): EDIT}


def test_create_a_tree_of_entities() -> None:
    assert asked(EMPTY, "PUT", V1, {})[0] == MADE


def test_update_a_resource_attribute() -> None:
    told, _ = asked(made("v1"), "PATCH", FILE, {"name": "foo"})
    assert told == {("resource.updated", FILE): EDIT, ("version.updated", V1): EDIT}


def test_update_a_resources_meta_sub_object() -> None:
    told, _ = asked(made("v1"), "PATCH", f"{FILE}/meta", {"labels": {"a": "b"}})
    assert told == {("resource.updated", FILE): names(f"{META} meta.labels")}


def test_update_a_resources_meta_sub_object_and_deprecate_the_resource() -> None:
    deprecated = {"effective": "2030-01-01T00:00:00Z", "alternative": "https://example.com/f2"}
    body = {"labels": {"a": "b"}, "deprecated": deprecated}
    told, _ = asked(made("v1"), "PATCH", f"{FILE}/meta", body)
    assert told == {
        ("resource.updated", FILE): names(f"{META} meta.labels meta.deprecated"),
        ("resource.deprecation", FILE): ("alternative", "effective"),
    }


def test_import_an_entire_registry() -> None:
    before = empty_tree("r", "2025-07-01T12:00:00Z")
    told, _ = asked(
        before,
        "PUT",
        "/",
        {
            "description": "all of it",
            "modelsource": SOURCE,
            "capabilities": {"shortself": True},
            "dirs": {"d1": {"files": {"f1": {"versions": {"v1": {}}}}}},
        },
    )
    assert "shortself" in (told.pop(("capabilities.updated", "/capabilities")) or ())
    assert told == {
        **MADE,
        ("registry.updated", "/"): names(
            "epoch modifiedat model modelsource capabilities dirs dirscount description"
        ),
        ("model.updated", "/model"): None,
        ("modelsource.updated", "/modelsource"): None,
    }


def test_create_a_new_version_non_sticky() -> None:
    told, _ = asked(made("v1"), "PUT", V2, {})
    assert told == {
        ("resource.updated", FILE): names(
            f"meta.defaultversionid {META} versions versionscount {DEFAULT}"
        ),
        ("version.created", V2): None,
    }


def test_create_a_new_version_sticky() -> None:
    told, _ = asked(made("v1", default="v1"), "PUT", V2, {})
    assert told == {
        ("resource.updated", FILE): names(f"{META} versions versionscount"),
        ("version.created", V2): None,
    }


def test_change_the_defaultversionid_pointer() -> None:
    told, _ = asked(
        made("v1", "v2", default="v1"), "PATCH", f"{FILE}/meta", {"defaultversionid": "v2"}
    )
    assert told == {("resource.updated", FILE): names(f"meta.defaultversionid {META} {DEFAULT}")}


def test_update_a_version_attribute_of_the_default_version() -> None:
    told, _ = asked(made("v1", "v2", default="v1"), "PATCH", V1, {"name": "foo"})
    assert told == {("resource.updated", FILE): EDIT, ("version.updated", V1): EDIT}


def test_update_a_version_attribute_not_of_the_default_version() -> None:
    told, _ = asked(made("v1", "v2", default="v1"), "PATCH", V2, {"name": "foo"})
    assert told == {("version.updated", V2): EDIT}


def test_post_a_new_version_not_sticky() -> None:
    told, _ = asked(made("v1"), "POST", FILE, {})
    assert told == {
        ("resource.updated", FILE): names(
            f"meta.defaultversionid {META} versions versionscount {DEFAULT}"
        ),
        ("version.created", f"{FILE}/versions/1"): None,
    }


def test_post_a_new_version_sticky() -> None:
    told, _ = asked(made("v1", default="v1"), "POST", FILE, {})
    assert told == {
        ("resource.updated", FILE): names(f"{META} versions versionscount"),
        ("version.created", f"{FILE}/versions/1"): None,
    }


def test_delete_a_group() -> None:
    told, _ = asked(made("v1", "v2"), "DELETE", DIR)
    assert told == {
        ("registry.updated", "/"): names("dirs dirscount epoch modifiedat"),
        ("group.deleted", DIR): None,
        ("resource.deleted", FILE): None,
        ("version.deleted", V1): None,
        ("version.deleted", V2): None,
    }


def test_creating_a_group() -> None:
    told, _ = asked(EMPTY, "PUT", DIR, {})
    assert told == {
        ("registry.updated", "/"): names("dirs dirscount epoch modifiedat"),
        ("group.created", DIR): None,
    }


def test_a_version_of_several_that_is_deleted_changes_those_after_it() -> None:
    told, _ = asked(made("v1", "v2"), "DELETE", V1)
    assert told == {
        ("resource.updated", FILE): names(
            f"{META} versions versionscount ancestorid epoch modifiedat"
        ),
        ("version.updated", V2): names("ancestorid epoch modifiedat"),
        ("version.deleted", V1): None,
    }


def test_the_last_version_takes_its_resource_with_it() -> None:
    told, _ = asked(made("v1"), "DELETE", V1)
    assert told == {
        ("group.updated", DIR): names("epoch modifiedat files filescount"),
        ("resource.deleted", FILE): None,
        ("version.deleted", V1): None,
    }


def test_an_xref_that_is_set_and_cleared() -> None:
    tree = made("v1")
    _, tree = asked(tree, "PUT", "/dirs/d1/files/f2/versions/x", {})
    told, tree = asked(tree, "PUT", f"{FILE}/meta", {"xref": "/dirs/d1/files/f2"})
    assert told.keys() == {("resource.updated", FILE), ("version.deleted", V1)}
    assert "meta.xref" in (told["resource.updated", FILE] or ())
    told, _ = asked(tree, "PATCH", f"{FILE}/meta", {"xref": None})
    assert told.keys() == {
        ("resource.updated", FILE),
        ("version.created", f"{FILE}/versions/1"),
    }
