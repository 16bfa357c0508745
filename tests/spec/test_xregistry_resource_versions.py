"""xRegistry core/spec.md "Version Entity", "Meta Entity" and core/model.md `versionmode` …: versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from chappe.registry.request import ABSENT, DocumentWrite
from tests.spec.xregistry_writing import Registry, files

F1 = "/dirs/d1/files/f1"


def registry(**aspects: Any) -> Registry:
    return Registry(files(**aspects))


def ancestors(hub: Registry) -> Mapping[str, str]:
    return {id: one.attributes["ancestorid"] for id, one in hub.resource(F1).versions.items()}


def default(hub: Registry) -> tuple[str, bool]:
    meta = hub.meta(F1)
    return meta["defaultversionid"], meta["defaultversionsticky"]


def at(year: int) -> str:
    return f"{year}-01-01T00:00:00Z"


# core/spec.md "Version IDs"


def test_version_ids_count_up_from_the_highest_chosen_and_skip_what_is_there() -> None:
    hub = registry()
    hub.post(F1, {})
    hub.put(f"{F1}/versions/2")
    hub.post(F1, {})
    hub.delete(f"{F1}/versions/3")
    hub.post(F1, {})

    assert hub.resource(F1).versions.keys() == {"1", "2", "4"}


def test_version_ids_are_the_servers_where_setversionid_is_false() -> None:
    hub = registry(setversionid=False)
    for method, path, body in (
        ("PUT", F1, {"versionid": "v1"}),
        ("PUT", f"{F1}/versions/v1", {}),
        ("POST", F1, {"versionid": "v1"}),
        ("POST", f"{F1}/versions", {"v1": {}}),
    ):
        error = hub.refusal(method, path, body)  # type: ignore[arg-type]
        assert (error.kind, error.subject) == ("versionid_not_allowed", F1)

    hub.put(F1)
    hub.put(f"{F1}/versions/1", {"name": "known"})
    assert hub.default(F1).attributes["name"] == "known"


def test_post_to_a_resource_passes_over_the_resources_own_attributes() -> None:
    hub = registry()
    hub.put(F1)
    extra = {"meta": {"nope": 1}, "metaurl": 1, "versions": {"x": {}}, "versionscount": 7}
    written = hub.post(F1, {"name": "n", "isdefault": False, **extra})

    assert written.created is not None
    assert written.created.xid == f"{F1}/versions/2"
    assert written.answer == written.created
    assert hub.post(F1, {"versionid": "2"}).created is None


def test_a_version_has_none_of_its_resources_attributes() -> None:
    hub = registry(attributes={"*": {"type": "any"}})
    for name in ("meta", "metaurl", "versions", "versionsurl"):
        error = hub.refusal("PUT", f"{F1}/versions/v1", {name: {}})
        assert (error.kind, error.args_shown["name"]) == ("invalid_attribute", name)


# core/model.md `versionmode`: manual


def test_manual_versions_without_an_ancestor_follow_the_newest_in_the_order_of_their_ids() -> None:
    hub = registry()
    hub.put(f"{F1}/versions/v1")
    hub.post(f"{F1}/versions", {"c": {}, "B": {}, "a": {}})

    assert ancestors(hub) == {"v1": "v1", "a": "v1", "B": "a", "c": "B"}
    assert default(hub) == ("c", False)


def test_manual_the_newest_is_a_leaf_then_the_latest_then_the_highest_id() -> None:
    hub = registry()
    hub.put(
        F1,
        {
            "versions": {
                "v1": {"ancestorid": "v1", "createdat": at(2029)},
                "b": {"ancestorid": "v1", "createdat": at(2020)},
                "C": {"ancestorid": "v1", "createdat": at(2020)},
                "a": {"ancestorid": "v1", "createdat": at(2019)},
            }
        },
    )
    assert default(hub) == ("C", False)

    hub.patch(f"{F1}/versions/a", {"createdat": at(2021)})
    assert default(hub) == ("a", False)


def test_manual_a_version_whose_ancestor_goes_becomes_a_root_and_is_updated_by_it() -> None:
    hub = registry()
    hub.put(F1, {"versions": {"a": {}, "b": {}, "c": {}}})
    hub.delete(f"{F1}/versions/a")

    assert ancestors(hub) == {"b": "b", "c": "b"}
    attributes = hub.version(f"{F1}/versions/b").attributes
    assert (attributes["epoch"], attributes["modifiedat"]) == (2, hub.now)
    assert hub.version(f"{F1}/versions/c").attributes["epoch"] == 1


def test_manual_an_epoch_of_a_map_of_deletes_is_the_one_before_it() -> None:
    hub = registry()
    hub.put(F1, {"versions": {"a": {}, "b": {}, "c": {}}})
    hub.delete(f"{F1}/versions", {"a": {"epoch": 1}, "b": {"epoch": 1}})

    assert ancestors(hub) == {"c": "c"}


def test_ancestorid_absent_keeps_it_and_null_links_anew() -> None:
    hub = registry()
    hub.put(F1, {"versions": {"a": {}, "c": {}}})
    hub.put(f"{F1}/versions/b", {"ancestorid": "b"})
    hub.put(f"{F1}/versions/b", {})
    assert ancestors(hub) == {"a": "a", "b": "b", "c": "a"}

    hub.put(f"{F1}/versions/b", {"ancestorid": None})
    assert ancestors(hub) == {"a": "a", "b": "c", "c": "a"}


def test_ancestorid_request_is_a_version_whose_id_the_server_chooses() -> None:
    hub = registry()
    hub.put(F1)
    hub.post(F1, {"ancestorid": "request"})

    assert ancestors(hub) == {"1": "1", "2": "2"}


def test_ancestorid_of_what_is_not_there_is_refused() -> None:
    hub = registry()
    error = hub.refusal("PUT", F1, {"versions": {"a": {"ancestorid": "nope"}}})

    assert (error.kind, error.subject) == ("unknown_id", f"{F1}/versions/a")


@pytest.mark.parametrize(
    ("versions", "circle"),
    [
        ({"a": "b", "b": "a"}, "a, b"),
        ({"a": "c", "b": "a", "c": "b", "d": "a"}, "a, b, c"),
        ({"a": "b", "b": "a", "c": "d", "d": "c"}, "a, b, c, d"),
    ],
)
def test_ancestorid_a_circle_is_refused(versions: Mapping[str, str], circle: str) -> None:
    body = {"versions": {id: {"ancestorid": one} for id, one in versions.items()}}
    error = registry().refusal("PUT", F1, body)

    assert (error.kind, error.args_shown["list"]) == ("ancestor_circular_reference", circle)


def test_ancestorid_a_circle_over_present_versions_is_refused() -> None:
    hub = registry()
    hub.put(F1, {"versions": {"a": {}, "b": {}, "c": {}}})

    error = hub.refusal("PATCH", f"{F1}/versions/a", {"ancestorid": "c"})
    assert (error.kind, error.args_shown["list"]) == ("ancestor_circular_reference", "a, b, c")


# core/model.md `singleversionroot`


def test_singleversionroot_a_second_root_is_refused() -> None:
    hub = registry(singleversionroot=True)
    hub.put(F1, {"versions": {"a": {}, "b": {}, "c": {}}})

    for method, path, body in (
        ("PUT", f"{F1}/versions/x", {"ancestorid": "x"}),
        ("PATCH", f"{F1}/versions/c", {"ancestorid": "c"}),
        ("PUT", "/dirs/d1/files/n", {"versions": {i: {"ancestorid": i} for i in "ab"}}),
    ):
        assert hub.refusal(method, path, body).kind == "multiple_roots"  # type: ignore[arg-type]
    hub.put(f"{F1}/versions/d")
    assert ancestors(hub)["d"] == "c"


# core/model.md `versionmode`: createdat, modifiedat, semver


def test_createdat_links_everything_again_when_a_time_moves() -> None:
    hub = registry(versionmode="createdat", singleversionroot=True)
    hub.put(F1, {"versions": {id: {"createdat": at(2000 + ord(id))} for id in "abc"}})
    assert ancestors(hub) == {"a": "a", "b": "a", "c": "b"}

    hub.patch(f"{F1}/versions/b", {"createdat": at(2150)})
    assert ancestors(hub) == {"a": "a", "c": "a", "b": "c"}
    assert default(hub) == ("b", False)
    assert hub.version(f"{F1}/versions/c").attributes["epoch"] == 2
    assert hub.version(f"{F1}/versions/a").attributes["epoch"] == 1


def test_createdat_equal_times_are_ordered_by_id() -> None:
    hub = registry(versionmode="createdat", singleversionroot=True)
    hub.put(F1, {"versions": {"b": {}, "A": {}, "c": {}}})

    assert ancestors(hub) == {"A": "A", "b": "A", "c": "b"}


def test_modifiedat_the_version_updated_last_is_the_newest() -> None:
    hub = registry(versionmode="modifiedat", singleversionroot=True)
    hub.put(f"{F1}/versions/a")
    hub.put(f"{F1}/versions/b")
    hub.put(f"{F1}/versions/a", {"name": "again"})

    assert ancestors(hub) == {"b": "b", "a": "b"}
    assert default(hub) == ("a", False)


def test_semver_precedence_orders_the_versions() -> None:
    hub = registry(versionmode="semver", singleversionroot=True)
    ids = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0", "1.2.0"]
    hub.put(F1, {"versions": {id: {} for id in [*reversed(ids), "1.10.0"]}})

    chain = [*ids, "1.10.0"]
    assert ancestors(hub) == dict(zip(chain, [chain[0], *chain], strict=False))
    assert default(hub) == ("1.10.0", False)


# core/model.md `maxversions`


def test_maxversions_the_oldest_go_but_not_the_default() -> None:
    hub = registry(maxversions=2)
    hub.put(f"{F1}/versions/a")
    hub.put(f"{F1}/versions/b", setdefaultversionid="a")
    hub.put(f"{F1}/versions/c")

    assert hub.resource(F1).versions.keys() == {"a", "c"}
    assert default(hub) == ("a", True)
    assert ancestors(hub) == {"a": "a", "c": "c"}


def test_maxversions_one_leaves_the_version_that_came_last() -> None:
    hub = registry(maxversions=1)
    hub.put(f"{F1}/versions/a")
    hub.put(f"{F1}/versions/b")

    assert hub.resource(F1).versions.keys() == {"b"}
    assert default(hub) == ("b", False)
    error = hub.refusal("PATCH", f"{F1}/meta", {"defaultversionsticky": True})
    assert (error.kind, error.subject) == ("setdefaultversionsticky_false", F1)


def test_maxversions_many_in_one_request_leave_the_newest() -> None:
    hub = registry(maxversions=3)
    hub.post(f"{F1}/versions", {f"v{number}": {} for number in range(8)})

    assert hub.resource(F1).versions.keys() == {"v5", "v6", "v7"}
    assert ancestors(hub) == {"v5": "v5", "v6": "v5", "v7": "v6"}


# core/spec.md "Default Version of a Resource", "SetDefaultVersionID Flag"


def sticky() -> Registry:
    hub = registry()
    hub.put(F1, {"versions": {"a": {}, "b": {}, "c": {}}})
    hub.patch(f"{F1}/meta", {"defaultversionid": "a"})
    return hub


def test_sticky_stays_while_versions_come() -> None:
    hub = sticky()
    hub.put(f"{F1}/versions/d")

    assert default(hub) == ("a", True)


def test_sticky_ends_when_its_version_goes() -> None:
    hub = sticky()
    hub.delete(f"{F1}/versions/a")

    assert default(hub) == ("c", False)


def test_sticky_the_pointer_alone_touches_meta_only() -> None:
    hub = sticky()

    assert hub.meta(F1)["epoch"] == 2
    assert {one.attributes["epoch"] for one in hub.resource(F1).versions.values()} == {1}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"defaultversionid": None}, ("c", False)),
        ({"defaultversionsticky": None}, ("c", False)),
        ({"defaultversionsticky": False, "defaultversionid": "b"}, ("c", False)),
        ({"defaultversionid": "b"}, ("b", True)),
        ({"labels": {"a": "b"}}, ("a", True)),
        ({"defaultversionsticky": True}, ("a", True)),
    ],
)
def test_sticky_a_patch_of_meta(body: Any, expected: tuple[str, bool]) -> None:
    hub = sticky()
    hub.patch(f"{F1}/meta", body)

    assert default(hub) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, ("c", False)),
        ({"defaultversionid": "nope"}, ("c", False)),
        ({"defaultversionsticky": True}, ("c", True)),
        ({"defaultversionsticky": True, "defaultversionid": "b"}, ("b", True)),
    ],
)
def test_sticky_a_replacement_of_meta(body: Any, expected: tuple[str, bool]) -> None:
    hub = sticky()
    hub.put(f"{F1}/meta", body)

    assert default(hub) == expected


def test_ignore_flag_default_version_attributes() -> None:
    hub = sticky()
    body = {"defaultversionid": "b", "defaultversionsticky": True}
    hub.put(f"{F1}/meta", body, ignore=frozenset({"defaultversionid"}))
    assert default(hub) == ("c", True)

    ignore = frozenset({"defaultversionid", "defaultversionsticky"})
    hub.patch(f"{F1}/meta", body, ignore=ignore)
    assert default(hub) == ("c", True)


def test_setdefaultversionid_overrides_the_body() -> None:
    hub = sticky()
    hub.put(
        F1,
        {"meta": {"defaultversionid": "b", "defaultversionsticky": True}},
        setdefaultversionid="c",
    )
    assert default(hub) == ("c", True)

    hub.put(F1, {}, setdefaultversionid="null")
    assert default(hub) == ("c", False)


def test_setdefaultversionid_request_is_the_version_made() -> None:
    hub = sticky()
    hub.post(F1, {}, setdefaultversionid="request")
    assert default(hub) == ("1", True)

    hub.post(F1, DocumentWrite(b""), setdefaultversionid="request")
    assert default(hub) == ("2", True)


@pytest.mark.parametrize(
    ("method", "path", "body", "flag", "kind"),
    [
        ("POST", f"{F1}/versions", {"x": {}, "y": {}}, "request", "too_many_versions"),
        ("POST", f"{F1}/versions", {}, "request", "defaultversionid_request"),
        ("POST", F1, {"versionid": "a"}, "request", "defaultversionid_request"),
        ("PUT", f"{F1}/versions/x", {}, "request", "bad_flag"),
        ("PATCH", f"{F1}/meta", {}, "request", "bad_flag"),
        ("DELETE", f"{F1}/versions/a", ABSENT, "request", "bad_flag"),
        ("POST", "/dirs/d1/files", {}, "a", "bad_flag"),
        ("PUT", "/dirs/d1", {}, "a", "bad_flag"),
        ("PUT", "/", {}, "a", "bad_flag"),
        ("PUT", F1, {}, "nope", "unknown_id"),
        ("PATCH", f"{F1}/meta", {}, "nope", "unknown_id"),
        ("DELETE", f"{F1}/versions/a", ABSENT, "a", "bad_request"),
        ("DELETE", f"{F1}/versions", ABSENT, "a", "bad_request"),
        ("DELETE", f"{F1}/versions/a", ABSENT, "nope", "unknown_id"),
        ("DELETE", f"{F1}/versions", ABSENT, "nope", "unknown_id"),
    ],
)
def test_setdefaultversionid_misused(
    method: Any, path: str, body: Any, flag: str, kind: str
) -> None:
    assert sticky().refusal(method, path, body, setdefaultversionid=flag).kind == kind


def test_setdefaultversionid_with_a_delete_chooses_the_next_one() -> None:
    hub = sticky()
    hub.delete(f"{F1}/versions/a", setdefaultversionid="b")
    assert default(hub) == ("b", True)

    hub.delete(f"{F1}/versions", {"b": {}}, setdefaultversionid="null")
    assert default(hub) == ("c", False)


def test_the_model_may_make_all_default_versions_sticky() -> None:
    always = {"type": "boolean", "enum": [True], "required": True, "default": True}
    hub = registry(metaattributes={"defaultversionsticky": always})
    hub.put(f"{F1}/versions/a")
    hub.put(f"{F1}/versions/b")
    assert default(hub) == ("a", True)

    error = hub.refusal("PATCH", f"{F1}/meta", {"defaultversionsticky": False})
    assert (error.kind, error.subject) == ("invalid_attribute", f"{F1}/meta")


# core/spec.md "Updating Nested Registry Collections", "Meta Entity"


def test_the_resources_attributes_give_way_to_its_version_in_the_map() -> None:
    hub = registry()
    hub.put(F1, {"versionid": "v1"})
    hub.put(F1, {"name": "outer", "versions": {"v1": {"name": "inner"}}})

    assert hub.default(F1).attributes["name"] == "inner"


def test_the_resources_attributes_are_for_the_default_version_before_the_request() -> None:
    hub = registry()
    hub.put(F1, {"versionid": "v1"})
    hub.put(F1, {"name": "n", "meta": {}, "versions": {"v2": {}}})

    assert hub.version(f"{F1}/versions/v1").attributes["name"] == "n"
    assert default(hub) == ("v2", False)


def test_meta_put_makes_a_resource_with_one_version() -> None:
    hub = registry()
    written = hub.put(f"{F1}/meta", {"labels": {"a": "b"}})

    assert written.created is not None
    assert written.created.xid == f"{F1}/meta"
    assert hub.resource(F1).versions.keys() == {"1"}
    assert hub.meta(F1)["labels"] == {"a": "b"}


def test_meta_stays_when_the_request_has_none() -> None:
    hub = registry()
    hub.put(F1, {"meta": {"labels": {"a": "b"}}})
    hub.put(F1, {"name": "n"})

    assert (hub.meta(F1)["labels"], hub.meta(F1)["epoch"]) == ({"a": "b"}, 1)


@pytest.mark.parametrize("meta", ["x", 1, []])
def test_meta_is_an_object(meta: Any) -> None:
    error = registry().refusal("PUT", F1, {"meta": meta})

    assert (error.kind, error.subject) == ("invalid_attribute", F1)
