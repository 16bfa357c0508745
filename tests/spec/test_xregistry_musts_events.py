"""core/events.md: the events that requests owe, sentence by sentence."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from chappe.registry.change_events import events
from chappe.registry.changes import events_of
from chappe.registry.transaction import Transaction
from tests.spec.xregistry_client import BASE
from tests.spec.xregistry_musts import Registry, Request, delete, patch, post, put

D1, F1 = "/dirs/d1", "/dirs/d1/files/f1"
F1_META, V1, V2 = f"{F1}$details", f"{F1}/versions/v1", f"{F1}/versions/v2"
AT = "2030-01-01T12:00:00Z"
STAMPS = ("epoch", "modifiedat")


@dataclass(frozen=True)
class Told:
    """An event, as short as it can be said."""

    type: str
    subject: str
    changed: tuple[str, ...] | None


def told(registry: Registry, request: Request) -> list[Told]:
    """What a request tells."""
    before = registry.tree
    written = registry.done(request).written
    assert written is not None
    return [
        Told(one.type.removeprefix("io.xregistry."), one.subject, one.changed)
        for one in events_of(before, written)
    ]


def full(**more: Any) -> Registry:
    """A registry with two versions of a file; its default is the second."""
    registry = Registry(**more)
    registry.put(F1_META, {"versions": {"v1": {"name": "one"}, "v2": {"kind": "two"}}})
    return registry


OTHER_MODEL = {"attributes": {"extra": {"type": "string"}}}

MUSTS = [
    (
        "`registry` Events: an attribute is updated",
        patch("/", {"owner": "me"}), "registry.updated", "/", (*STAMPS, "owner"),
    ),
    (
        "`registry` Events: a group is created",
        put("/dirs/d2"), "registry.updated", "/", (*STAMPS, "dirs", "dirscount"),
    ),
    (
        "`registry` Events: a group is deleted",
        delete(D1), "registry.updated", "/", (*STAMPS, "dirs", "dirscount"),
    ),
    (
        "`registry` Events: the capabilities are updated",
        patch("/capabilities", {"shortself": True}), "registry.updated", "/", ("capabilities",),
    ),
    (
        "`capabilities` Events: they are updated",
        patch("/capabilities", {"shortself": True}), "capabilities.updated", "/capabilities",
        ("shortself",),
    ),
    (
        "`group` Events: one is created", put("/dirs/d2"), "group.created", "/dirs/d2", None,
    ),
    (
        "`group` Events: an attribute is updated",
        patch(D1, {"a_string": "x"}), "group.updated", D1, (*STAMPS, "a_string"),
    ),
    (
        "`group` Events: a resource is created",
        put(f"{D1}/notes/n1"), "group.updated", D1, (*STAMPS, "notes", "notescount"),
    ),
    (
        "`group` Events: a resource is deleted",
        delete(F1_META), "group.updated", D1, (*STAMPS, "files", "filescount"),
    ),
    (
        "`group` Events: deprecated is set",
        patch(D1, {"deprecated": {"effective": AT}}), "group.deprecation", D1, ("effective",),
    ),
    ("`group` Events: one is deleted", delete(D1), "group.deleted", D1, None),
    (
        "`resource` Events: one is created",
        put(f"{D1}/notes/n1"), "resource.created", f"{D1}/notes/n1", None,
    ),
    (
        "`resource` Events: an attribute of the default version is updated",
        patch(F1_META, {"kind": "x"}), "resource.updated", F1, (*STAMPS, "kind"),
    ),
    (
        "`resource` Events: an attribute of meta is updated",
        patch(f"{F1}/meta", {"owner": "me"}), "resource.updated", F1,
        ("meta.epoch", "meta.modifiedat", "meta.owner"),
    ),
    (
        "`resource` Events: a version is created",
        put(f"{F1}/versions/v3$details"), "resource.updated", F1,
        ("meta.epoch", "meta.modifiedat", "versions", "versionscount"),
    ),
    (
        "`resource` Events: a version is deleted",
        delete(V1), "resource.updated", F1,
        ("meta.epoch", "meta.modifiedat", "versions", "versionscount"),
    ),
    (
        "`resource` Events: the default version is another",
        patch(f"{F1}/meta", {"defaultversionid": "v1"}), "resource.updated", F1,
        ("meta.defaultversionid", "meta.epoch", "meta.modifiedat", "kind", "name"),
    ),
    (
        "`resource` Events: deprecated is set",
        patch(f"{F1}/meta", {"deprecated": {"removal": AT}}), "resource.deprecation", F1,
        ("removal",),
    ),
    ("`resource` Events: one is deleted", delete(F1_META), "resource.deleted", F1, None),
    ("`version` Events: one is created", post(F1_META, {}), "version.created", f"{F1}/versions/1", None),
    (
        "`version` Events: an attribute is updated",
        patch(f"{V1}$details", {"kind": "x"}), "version.updated", V1, (*STAMPS, "kind"),
    ),
    ("`version` Events: one is deleted", delete(V1), "version.deleted", V1, None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("request_", "type", "subject", "changed"),
    [one[1:] for one in MUSTS],
    ids=[one[0] for one in MUSTS],
)
def test_an_event_that_must_be_generated(
    request_: Request, type: str, subject: str, changed: tuple[str, ...] | None
) -> None:
    found = [one for one in told(full(), request_) if (one.type, one.subject) == (type, subject)]
    assert len(found) == 1
    if changed is None:
        assert found[0].changed is None
    else:
        assert set(changed) <= set(found[0].changed or ())


@pytest.mark.parametrize("request_", [put("/modelsource", OTHER_MODEL), put("/", {"modelsource": OTHER_MODEL})])  # fmt: skip
def test_model_events_model_and_modelsource_and_the_registry(request_: Request) -> None:
    found = {one.type: one for one in told(Registry(), request_)}
    assert found["model.updated"] == Told("model.updated", "/model", None)
    assert found["modelsource.updated"] == Told("modelsource.updated", "/modelsource", None)
    assert {"model", "modelsource"} <= set(found["registry.updated"].changed or ())


@pytest.mark.parametrize(
    "request_", [patch(D1, {"deprecated": None}), patch(D1, {"deprecated": {"removal": AT}})]
)
def test_group_events_deprecated_that_changes_or_goes_is_told(request_: Request) -> None:
    registry = full()
    registry.patch(D1, {"deprecated": {"effective": AT}})
    assert "group.deprecation" in {one.type for one in told(registry, request_)}


def test_resource_events_a_moved_default_is_no_event_of_a_version() -> None:
    request = patch(f"{F1}/meta", {"defaultversionid": "v1"})
    assert [one.type for one in told(full(), request)] == ["resource.updated"]


REQUESTS = [
    delete("/dirs"),
    put("/", {"name": "n", "dirs": {"d1": {"a_string": "x", "files": {"f1": {"kind": "k"}}}}}),
    put("/", {"modelsource": OTHER_MODEL, "capabilities": None}),
    patch(F1_META, {"kind": "x", "meta": {"owner": "o", "defaultversionid": "v1"}, "versions": {"v3": {}}}),
    post("/", {"dirs": {"d1": {}, "d2": {"notes": {"n": {}}}}}),
    patch(D1, {"deprecated": {"effective": AT}, "a_string": "s"}),
    delete(V2),
]  # fmt: skip


def registry_for(request: Request) -> Registry:
    return Registry() if "modelsource" in str(request.body) else full()


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda one: f"{one.method} {one.path}")
def test_event_definition_one_event_of_each_type_and_subject(request_: Request) -> None:
    found = told(registry_for(request_), request_)
    assert len({(one.type, one.subject) for one in found}) == len(found)
    acted = [one.subject for one in found if not one.type.endswith(".deprecation")]
    assert len(set(acted)) == len(acted)
    for one in found:
        assert one.changed is None or not one.type.endswith((".created", ".deleted"))
        assert one.changed is None or len(set(one.changed)) == len(one.changed)


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda one: f"{one.method} {one.path}")
def test_context_attributes_of_the_events_of_a_request(request_: Request) -> None:
    registry = registry_for(request_)
    before = registry.tree
    written = registry.done(request_).written
    assert written is not None
    transaction = Transaction(
        written.changes, registry.now, correlation="one-request", root=BASE,
        announcements=events_of(before, written),
    )  # fmt: skip
    made = events(transaction, 7)
    assert made
    kinds = "registry model modelsource capabilities group resource version".split()
    actions = "created updated deleted deprecation".split()
    for one in made:
        assert one.type.split(".")[:2] == ["io", "xregistry"]
        assert one.type.split(".")[2] in kinds
        assert one.type.split(".")[3] in actions
        assert one.source == BASE
        assert one.subject is not None
        assert one.subject.startswith("/")
        assert one.time == registry.now
        assert datetime.fromisoformat(one.time).utcoffset() is not None
        assert one.extensions["xregcorrelationid"] == "one-request"
        if one.data is not None:
            data = json.loads(one.data)
            assert set(data) == {"changed"}
            assert all(isinstance(name, str) for name in data["changed"])
    assert len({one.id for one in made}) == len(made)


def test_event_definition_deleted_goes_before_created_and_created_before_updated() -> None:
    registry = Registry()
    types = {one.subject: one.type for one in told(registry, put(F1_META, {"kind": "k"}))}
    assert types == {
        "/": "registry.updated",
        D1: "group.created",
        F1: "resource.created",
        f"{F1}/versions/1": "version.created",
    }
    types = {one.subject: one.type for one in told(registry, delete(f"{F1}/versions/1"))}
    assert types == {
        D1: "group.updated",
        F1: "resource.deleted",
        f"{F1}/versions/1": "version.deleted",
    }
