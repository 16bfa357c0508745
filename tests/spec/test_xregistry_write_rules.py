"""xRegistry core/spec.md and core/http.md: the rules of writing. Each test names its section."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chappe.registry.request import ABSENT, DocumentWrite
from tests.spec.xregistry_writing import RULES, Registry, files

F1 = "/dirs/d1/files/f1"
DOCUMENTS = files(hasdocument=True)


def registry(**aspects: Any) -> Registry:
    return Registry(files(**aspects))


# core/spec.md "`<SINGULAR>id` (`id`) Attribute"


@pytest.mark.parametrize("id", ["", "-a", ".a", "a b", "a/b", "ä", "a" * 129])
def test_id_a_malformed_id_is_refused(id: str) -> None:
    error = registry().refusal("POST", "/dirs", {id: {}})

    assert (error.kind, error.subject, error.args_shown["id"]) == ("malformed_id", "/dirs", id)


@pytest.mark.parametrize("id", ["a", "0", "_", "a-b.c_d~e:f@g", "A" * 128])
def test_id_a_wellformed_id_is_taken(id: str) -> None:
    hub = registry()
    hub.post("/dirs", {id: {}})

    assert hub.group(f"/dirs/{id}").id == id


@pytest.mark.parametrize("id", ["null", "request"])
def test_versionid_reserved_words_are_refused(id: str) -> None:
    assert registry().refusal("PUT", F1, {"versions": {id: {}}}).kind == "malformed_id"


def test_id_ids_that_differ_in_case_only_are_refused() -> None:
    hub = registry()
    hub.put(F1)

    cases: tuple[tuple[str, Any], ...] = (
        ("/dirs", {"D1": {}}),
        ("/dirs/d1/files", {"F1": {}}),
        (f"{F1}/versions", {"v": {}, "V": {}}),
        ("/dirs/d1/files", {"x": {}, "X": {}}),
    )
    for path, body in cases:
        assert hub.refusal("POST", path, body).kind == "bad_request"


@pytest.mark.parametrize(
    ("path", "body", "subject", "singular"),
    [
        ("/", {"registryid": "other"}, "/", "registry"),
        ("/dirs/d1", {"dirid": "other"}, "/dirs/d1", "dir"),
        (F1, {"fileid": "other"}, F1, "file"),
        (F1, {"versionid": "other"}, F1, "version"),
        (F1, {"meta": {"fileid": "other"}}, f"{F1}/meta", "file"),
        (F1, {"versions": {"1": {"versionid": "other"}}}, f"{F1}/versions/1", "version"),
        (f"{F1}/meta", {"fileid": "other"}, f"{F1}/meta", "file"),
        (f"{F1}/versions/1", {"fileid": "other"}, f"{F1}/versions/1", "file"),
        (f"{F1}/versions/1", {"versionid": "other"}, f"{F1}/versions/1", "version"),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_id_another_id_than_the_paths_is_refused(
    method: Any, path: str, body: Any, subject: str, singular: str
) -> None:
    hub = registry()
    hub.put(F1)

    error = hub.refusal(method, path, body)

    assert (error.kind, error.subject) == ("mismatched_id", subject)
    assert error.args_shown["singular"] == singular
    assert error.args_shown["invalid_id"] == "other"


def test_ignore_flag_id_passes_over_the_root_entitys_id_only() -> None:
    hub = registry()
    ignore = frozenset({"id"})

    hub.put("/dirs/d1", {"dirid": "other", "name": "x"}, ignore=ignore)

    assert hub.group("/dirs/d1").attributes["name"] == "x"
    nested = {"files": {"f1": {"fileid": "other"}}}
    assert hub.refusal("PUT", "/dirs/d1", nested, ignore=ignore).kind == "mismatched_id"
    assert (
        hub.refusal("POST", "/dirs", {"d1": {"dirid": "o"}}, ignore=ignore).kind == "mismatched_id"
    )


def test_ignore_flag_id_applies_to_both_ids_of_a_version() -> None:
    hub = registry()

    hub.put(f"{F1}/versions/v1", {"fileid": "o", "versionid": "p"}, ignore=frozenset({"id"}))

    assert hub.version(f"{F1}/versions/v1").id == "v1"


# core/spec.md "`epoch` Attribute"


@pytest.mark.parametrize("path", ["/", "/dirs/d1", F1, f"{F1}/meta", f"{F1}/versions/1"])
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_epoch_another_epoch_than_the_present_one_is_refused(method: Any, path: str) -> None:
    hub = registry()
    hub.put(F1)

    error = hub.refusal(method, path, {"epoch": 77})

    assert (error.kind, error.args_shown["bad_epoch"]) == ("mismatched_epoch", "77")


def test_epoch_is_ignored_on_create_and_when_null() -> None:
    hub = registry()
    hub.put(F1, {"epoch": 77, "meta": {"epoch": 78}})
    hub.put(F1, {"epoch": None, "meta": {"epoch": None}})

    assert hub.default(F1).attributes["epoch"] == 2
    assert hub.meta(F1)["epoch"] == 2


def test_epoch_an_empty_patch_is_a_touch() -> None:
    hub = registry()
    hub.put(F1)
    hub.patch("/dirs/d1", {})

    attributes = hub.group("/dirs/d1").attributes
    assert (attributes["epoch"], attributes["modifiedat"]) == (2, hub.now)


def test_epoch_a_container_moves_when_something_in_it_comes_or_goes() -> None:
    hub = registry()
    hub.put("/dirs/d1")
    hub.put(F1)
    hub.put(f"{F1}/versions/v2")
    assert hub.group("/dirs/d1").attributes["epoch"] == 2
    assert hub.meta(F1)["epoch"] == 2

    hub.put(F1, {"name": "changed"})
    assert hub.group("/dirs/d1").attributes["epoch"] == 2
    assert hub.meta(F1)["epoch"] == 2
    assert hub.tree.attributes["epoch"] == 2

    hub.delete(F1)
    attributes = hub.group("/dirs/d1").attributes
    assert (attributes["epoch"], attributes["modifiedat"]) == (3, hub.now)


def test_epoch_moves_once_in_a_request() -> None:
    hub = registry()
    hub.put("/dirs/d1")
    hub.put("/dirs/d1", {"files": {"f1": {}, "f2": {"versions": {"a": {}, "b": {}}}}})

    assert hub.group("/dirs/d1").attributes["epoch"] == 2
    assert hub.meta("/dirs/d1/files/f2")["epoch"] == 1


def test_ignore_flag_epoch_asks_for_no_comparison() -> None:
    hub = registry()
    hub.put(F1)
    hub.put(F1, {"epoch": 77, "meta": {"epoch": 78}}, ignore=frozenset({"epoch"}))

    assert hub.default(F1).attributes["epoch"] == 2


# core/spec.md "`createdat` Attribute", "`modifiedat` Attribute"


def test_createdat_stays_when_absent_and_is_now_when_null() -> None:
    hub = registry()
    hub.put("/dirs/d1", {"createdat": "2020-01-01T00:00:00+01:00"})
    assert hub.group("/dirs/d1").attributes["createdat"] == "2019-12-31T23:00:00Z"

    hub.put("/dirs/d1")
    assert hub.group("/dirs/d1").attributes["createdat"] == "2019-12-31T23:00:00Z"

    hub.patch("/dirs/d1", {"createdat": None})
    assert hub.group("/dirs/d1").attributes["createdat"] == hub.now


def test_modifiedat_is_now_when_absent_null_or_the_present_instant() -> None:
    hub = registry()
    hub.put("/dirs/d1", {"modifiedat": "2020-01-01T00:00:00Z"})
    assert hub.group("/dirs/d1").attributes["modifiedat"] == "2020-01-01T00:00:00Z"

    hub.patch("/dirs/d1", {"modifiedat": "2020-01-01T01:00:00.00+01:00"})
    assert hub.group("/dirs/d1").attributes["modifiedat"] == hub.now

    for body in ({}, {"modifiedat": None}):
        hub.put("/dirs/d1", body)
        assert hub.group("/dirs/d1").attributes["modifiedat"] == hub.now


@pytest.mark.parametrize("name", ["createdat", "modifiedat"])
def test_times_what_is_no_timestamp_is_refused(name: str) -> None:
    error = registry().refusal("PUT", F1, {name: "yesterday"})

    assert (error.kind, error.args_shown["name"]) == ("invalid_attribute", name)


# core/http.md "Creating or Updating Entities"


def test_put_replaces_and_patch_keeps() -> None:
    hub = registry()
    hub.put("/dirs/d1", {"name": "n", "labels": {"a": "1", "b": "2"}})
    hub.patch("/dirs/d1", {"labels": {"c": "3"}})
    attributes = hub.group("/dirs/d1").attributes
    assert (attributes["name"], attributes["labels"]) == ("n", {"c": "3"})

    hub.patch("/dirs/d1", {"labels": None})
    assert "labels" not in hub.group("/dirs/d1").attributes

    hub.put("/dirs/d1", {"description": "d"})
    assert "name" not in hub.group("/dirs/d1").attributes


def test_implicit_creation_makes_missing_parents() -> None:
    hub = registry()
    written = hub.put(f"{F1}/versions/v1")

    assert hub.resource(F1).versions.keys() == {"v1"}
    assert written.created is not None
    assert written.created.xid == f"{F1}/versions/v1"


def test_implicit_creation_fails_for_a_parent_with_required_attributes() -> None:
    source = files()
    source["groups"]["dirs"]["attributes"] = {"owner": {"type": "string", "required": True}}

    error = Registry(source).refusal("PUT", F1, {})

    assert (error.kind, error.subject) == ("required_attribute_missing", "/dirs/d1")


def test_nested_collections_are_merged_only() -> None:
    hub = registry()
    hub.put("/dirs/d1", {"files": {"f1": {}, "f2": {}}})
    hub.put("/dirs/d1", {"files": {}})
    hub.put("/dirs/d1", {"files": {"f3": {}}, "filesurl": 1, "filescount": "many"})

    assert hub.group("/dirs/d1").of("files").keys() == {"f1", "f2", "f3"}


@pytest.mark.parametrize(
    ("method", "path", "body", "kind"),
    [
        ("POST", "/", {"dirs": {"d1": None}}, "bad_request"),
        ("POST", "/dirs", {"d1": []}, "bad_request"),
        ("PUT", "/dirs/d1", {"files": {"f1": None}}, "invalid_attribute"),
        ("POST", "/dirs/d1/files", {"f1": "x"}, "bad_request"),
        ("PUT", F1, {"versions": {"v1": None}}, "invalid_attribute"),
        ("POST", f"{F1}/versions", {"v1": 1}, "bad_request"),
    ],
)
def test_nested_collections_an_entry_that_is_no_entity_is_refused(
    method: Any, path: str, body: Any, kind: str
) -> None:
    assert registry().refusal(method, path, body).kind == kind


def test_an_error_anywhere_undoes_everything() -> None:
    hub = registry()
    body = {"dirs": {"d1": {"files": {"f1": {}}}, "d2": {"files": {"f1": {"nope": 1}}}}}

    error = hub.refusal("POST", "/", body)

    assert (error.kind, error.subject) == ("unknown_attribute", "/dirs/d2/files/f1/versions/1")
    assert not hub.tree.groups


def test_post_to_the_registry_takes_types_of_groups_only() -> None:
    error = registry().refusal("POST", "/", {"name": "x"})
    assert (error.kind, error.args_shown) == ("groups_only", {"name": "name"})


def test_post_to_a_group_takes_types_of_resources_only() -> None:
    hub = registry()
    error = hub.refusal("POST", "/dirs/d1", {"name": "x"})
    assert (error.kind, error.subject) == ("resources_only", "/dirs/d1")

    written = hub.post("/dirs/d1", {"files": {"f1": {}}})
    assert written.processed == frozenset({"/dirs/d1/files", F1})


def test_post_of_no_versions_to_a_resource_that_is_not_there_is_refused() -> None:
    assert registry().refusal("POST", f"{F1}/versions", {}).kind == "missing_versions"


def test_a_schema_keyword_at_the_top_is_passed_over() -> None:
    hub = registry()
    hub.put("/dirs/d1", {"$schema": "https://example.com/s", "name": "n"})

    assert "$schema" not in hub.group("/dirs/d1").attributes


def test_the_changes_of_a_write_have_both_images() -> None:
    hub = registry()
    hub.put(F1, {"name": "old"})
    written = hub.put(f"{F1}/versions/1", {"name": "new"})

    (change,) = written.changes
    assert change.path == ("dirs", "d1", "files", "f1", "1")
    assert [one.attributes["name"] for one in (change.before, change.after)] == ["old", "new"]  # type: ignore[union-attr]


def test_a_dropped_group_has_a_change_for_all_below_it() -> None:
    hub = registry()
    hub.put(F1)
    written = hub.delete("/dirs/d1")

    gone = {one.path for one in written.changes if one.after is None}
    path = ("dirs", "d1", "files", "f1", "1")
    assert gone == {path[:2], path[:4], path}


# core/spec.md "Registry Entity"


def test_registry_model_and_data_may_come_in_one_request() -> None:
    hub = Registry({})
    hub.put("/", {"name": "n", "modelsource": files(), "dirs": {"d1": {"files": {"f1": {}}}}})

    assert hub.resource(F1).versions.keys() == {"1"}
    assert hub.tree.attributes["epoch"] == 2


def test_registry_null_and_empty_modelsource_reset_the_model() -> None:
    sources: list[dict[str, Any] | None] = [None, {}]
    for source in sources:
        hub = registry()
        hub.put("/", {"modelsource": source})
        assert not hub.tree.model.groups


def test_registry_ignore_passes_over_model_and_capabilities() -> None:
    hub = registry()
    hub.put(
        "/",
        {"modelsource": 1, "capabilities": 2},
        ignore=frozenset({"modelsource", "capabilities"}),
    )

    assert hub.tree.model.groups.keys() == {"dirs"}


def test_registry_capabilities_are_patched_by_key_and_reset_by_null() -> None:
    hub = registry()
    hub.patch("/", {"capabilities": {"pagination": True}})
    assert hub.tree.capabilities["pagination"]
    assert hub.tree.capabilities["flags"]

    hub.patch("/", {"capabilities": None})
    assert not hub.tree.capabilities["pagination"]
    assert hub.tree.attributes["epoch"] == 3


# core/spec.md "Deleting Entities"


def test_delete_of_a_collection_with_an_empty_map_deletes_nothing() -> None:
    hub = registry()
    hub.put("/dirs/d1", {"files": {"f1": {}}})
    hub.delete("/dirs", {})
    assert hub.tree.of("dirs").keys() == {"d1"}

    hub.delete("/dirs", ABSENT)
    assert not hub.tree.of("dirs")


def test_delete_of_what_is_not_there() -> None:
    hub = registry()
    hub.put(F1)
    hub.delete("/dirs/d1/files", {"nope": {}})

    for path in ("/dirs/d2", "/dirs/d1/files/f2", f"{F1}/versions/7", "/dirs/d2/files/f1"):
        assert hub.refusal("DELETE", path).kind == "not_found"


def test_delete_compares_epochs_before_anything_goes() -> None:
    hub = registry()
    hub.put("/dirs/d1")
    hub.put("/dirs/d2")

    error = hub.refusal("DELETE", "/dirs", {"d1": {"epoch": 1}, "d2": {"epoch": 9}})
    assert (error.kind, error.subject) == ("mismatched_epoch", "/dirs/d2")
    assert hub.refusal("DELETE", "/dirs/d1", epoch=9).kind == "mismatched_epoch"

    hub.delete("/dirs", {"d1": {"epoch": 1, "name": 5}, "d2": {}})
    assert not hub.tree.of("dirs")


def test_delete_of_resources_has_the_epoch_in_meta() -> None:
    hub = registry()
    hub.put(F1)

    assert hub.refusal("DELETE", "/dirs/d1/files", {"f1": {"epoch": 1}}).kind == "misplaced_epoch"
    error = hub.refusal("DELETE", "/dirs/d1/files", {"f1": {"meta": {"epoch": 9}}})
    assert (error.kind, error.subject) == ("mismatched_epoch", f"{F1}/meta")

    hub.delete("/dirs/d1/files", {"f1": {"epoch": 9, "meta": {"epoch": 1}}})
    assert not hub.group("/dirs/d1").of("files")


def test_delete_another_id_than_the_key_is_refused() -> None:
    hub = registry()
    hub.put(F1)

    assert hub.refusal("DELETE", "/dirs", {"d1": {"dirid": "d2"}}).kind == "mismatched_id"


def test_delete_of_the_last_version_deletes_the_resource() -> None:
    hub = registry()
    hub.put(F1, {"versions": {"a": {}, "b": {}}})
    hub.delete(f"{F1}/versions", {"a": {}, "b": {}})

    assert not hub.group("/dirs/d1").of("files")
    assert hub.group("/dirs/d1").attributes["epoch"] == 2


# core/spec.md "`readonly` Attribute"


def read_only() -> Registry:
    hub = registry()
    hub.put("/dirs/d1", {"files": {"f1": {}, "f2": {}}})
    hub.patch(f"{F1}/meta", {"readonly": True}, admin=True)
    return hub


def test_readonly_is_not_the_clients_to_change() -> None:
    hub = registry()
    hub.put(F1, {"meta": {"readonly": True}})

    assert hub.meta(F1)["readonly"] is False


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", F1, {}),
        ("PATCH", f"{F1}/meta", {}),
        ("POST", F1, {}),
        ("POST", f"{F1}/versions", {"v": {}}),
        ("PUT", f"{F1}/versions/1", {}),
        ("DELETE", F1, ABSENT),
        ("DELETE", f"{F1}/versions/1", ABSENT),
    ],
)
def test_readonly_resources_are_not_written(method: Any, path: str, body: Any) -> None:
    hub = read_only()

    error = hub.refusal(method, path, body)
    assert (error.kind, error.subject) == ("readonly", F1)

    error = hub.refusal(method, path, body, ignore=frozenset({"readonly"}))
    assert (error.kind, error.args_shown) == ("bad_flag", {"flag": "ignore"})


def test_ignore_flag_readonly_leaves_them_out_of_collections() -> None:
    hub = read_only()
    ignore = frozenset({"readonly"})
    written = hub.post("/dirs/d1/files", {"f1": {"name": "x"}, "f2": {"name": "x"}}, ignore=ignore)
    assert "name" not in hub.default(F1).attributes
    assert hub.default("/dirs/d1/files/f2").attributes["name"] == "x"
    assert written.processed == frozenset({"/dirs/d1/files/f2"})

    hub.delete("/dirs/d1/files", ABSENT, ignore=ignore)
    assert hub.group("/dirs/d1").of("files").keys() == {"f1"}


def test_readonly_resources_keep_their_group() -> None:
    assert read_only().refusal("DELETE", "/dirs/d1").kind == "readonly"


# core/spec.md "`<RESOURCE>*` Attribute Processing"


def test_document_json_is_kept_as_json() -> None:
    hub = Registry(DOCUMENTS)
    hub.put(f"{F1}$details", {"file": {"a": [1, "x"]}})

    version = hub.default(F1)
    assert version.document == b'{\n  "a": [\n    1,\n    "x"\n  ]\n}'
    assert version.attributes["contenttype"] == "application/json"


def test_document_text_of_another_type_is_its_characters() -> None:
    hub = Registry(DOCUMENTS)
    hub.put(f"{F1}$details", {"file": "he\tllo", "contenttype": "text/plain"})
    assert hub.default(F1).document == b"he\tllo"

    hub.put(f"{F1}$details", {"file": "he\tllo"})
    assert hub.default(F1).document == rb'"he\tllo"'


def test_document_base64_is_kept_byte_for_byte() -> None:
    hub = Registry(DOCUMENTS)
    hub.put(f"{F1}$details", {"filebase64": "AAH/"})

    assert hub.default(F1).document == b"\x00\x01\xff"
    assert "contenttype" not in hub.default(F1).attributes


@pytest.mark.parametrize("text", ["A", "AA=A", "A A=", 5])
def test_document_what_is_no_base64_is_refused(text: Any) -> None:
    error = Registry(DOCUMENTS).refusal("PUT", f"{F1}$details", {"filebase64": text})

    assert (error.kind, error.args_shown["name"]) == ("invalid_attribute", "filebase64")


def test_document_only_one_of_its_attributes_may_be_sent() -> None:
    error = Registry(DOCUMENTS).refusal("PUT", f"{F1}$details", {"file": 1, "fileurl": "http://x"})

    names = "file,filebase64,fileurl,fileproxyurl"
    assert (error.kind, error.args_shown["list"]) == ("one_resource", names)


def test_document_stays_when_not_sent_but_not_after_a_url() -> None:
    hub = Registry(DOCUMENTS)
    hub.put(f"{F1}$details", {"file": 1})
    hub.put(f"{F1}$details", {"name": "n"})
    assert hub.default(F1).document == b"1"

    hub.put(f"{F1}$details", {"fileurl": "http://x"})
    assert (hub.default(F1).document, hub.default(F1).attributes["fileurl"]) == (b"", "http://x")

    hub.put(f"{F1}$details", {"name": "n"})
    assert "fileurl" not in hub.default(F1).attributes


@pytest.mark.parametrize("name", ["file", "filebase64", "fileurl"])
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_document_null_empties_it(method: Any, name: str) -> None:
    hub = Registry(DOCUMENTS)
    hub.put(f"{F1}$details", {"file": 1})
    hub.do(method, f"{F1}$details", {name: None})

    assert hub.default(F1).document == b""


@pytest.mark.parametrize(("before", "after"), [(None, "application/json"), ("a/b", "a/b")])
@pytest.mark.parametrize("sent", [{"file": 1}, {"filebase64": "MQ=="}])
def test_document_patch_sets_a_contenttype_only_where_there_is_none(
    before: str | None, after: str, sent: Any
) -> None:
    hub = Registry(DOCUMENTS)
    hub.put(f"{F1}$details", {"contenttype": before})
    hub.patch(f"{F1}$details", sent)

    assert hub.default(F1).attributes["contenttype"] == after


def test_document_headers_patch_but_erase_the_contenttype() -> None:
    hub = Registry(DOCUMENTS)
    hub.put(F1, DocumentWrite(b"one", {"name": "n", "labels": {"a": "1"}}, "text/plain"))
    hub.put(F1, DocumentWrite(b"two", {"labels": {"b": "2"}}, None))

    version = hub.default(F1)
    assert version.document == b"two"
    assert version.attributes["name"] == "n"
    assert version.attributes["labels"] == {"b": "2"}
    assert "contenttype" not in version.attributes


def test_document_beside_a_url_header_is_refused() -> None:
    error = Registry(DOCUMENTS).refusal("PUT", F1, DocumentWrite(b"x", {"fileurl": "http://x"}))

    assert (error.kind, error.args_shown["name"]) == ("extra_xregistry_header", "xRegistry-fileurl")


def test_document_headers_are_typed() -> None:
    hub = Registry(files(hasdocument=True, attributes={"size": {"type": "integer"}}))
    hub.put(F1, DocumentWrite(b"", {"size": "5", "versionid": "v7"}))

    assert hub.default(F1).attributes["size"] == 5
    assert hub.default(F1).id == "v7"
    assert hub.refusal("PUT", F1, DocumentWrite(b"", {"epoch": "9"})).kind == "mismatched_epoch"


# The hub's own hooks


def test_hooks_private_attributes_outlive_a_replacement() -> None:
    def incoming(type: Any, xid: str, attributes: dict[str, Any], before: Any) -> dict[str, Any]:
        if "description" in attributes:
            attributes[".secret"] = attributes.pop("description")
        return attributes

    hub = Registry(files(), rules=replace(RULES, incoming=incoming))
    hub.put(F1, {"description": "s3cret"})
    hub.put(F1, {"name": "n"})

    assert hub.default(F1).attributes[".secret"] == "s3cret"
    assert "description" not in hub.default(F1).attributes


def test_hooks_private_attributes_are_no_clients() -> None:
    for path in (F1, "/dirs/d1", f"{F1}/meta", "/"):
        error = registry().refusal("PUT", path, {".secret": "x"})
        assert (error.kind, error.args_shown["name"]) == ("unknown_attribute", ".secret")


def test_hooks_the_guard_may_refuse_the_whole_write() -> None:
    def guard(tree: Any, changes: Any) -> None:
        raise RuntimeError(f"{len(changes)} changes")

    hub = Registry(files(), rules=replace(RULES, guard=guard))
    with pytest.raises(RuntimeError, match="4 changes"):
        hub.put(F1)
    assert not hub.tree.groups
