"""xRegistry core/resource.md: each of its samples, by its title.

A sample's times are years, as there; "now" is the time of the request. One sample contradicts
core/spec.md and is left out: "Patch Resource with Versions and defaultversionsticky" keeps the
default version, where spec.md ("`defaultversionid` Attribute") has it chosen anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.spec.xregistry_writing import Registry, files

F1 = "/dirs/d1/files/f1"
MODEL = files(versionmode="createdat", singleversionroot=True)


@dataclass(frozen=True)
class Row:
    """A version as it must be: epoch, createdat, modifiedat, ancestorid, name."""

    epoch: int
    createdat: str
    modifiedat: str
    ancestorid: str
    name: str | None = None


@dataclass(frozen=True)
class Sample:
    """A request, and the resource after it; `initial` are versions by id with their createdat."""

    method: Any
    path: str
    body: Mapping[str, Any]
    default: str
    meta_epoch: int
    versions: Mapping[str, Row]
    sticky: bool = False
    initial: Mapping[str, str] = field(default_factory=dict)
    initial_sticky: str | None = None
    initial_name: str | None = None
    flags: Mapping[str, Any] = field(default_factory=dict)


def year(value: str) -> str:
    return f"{value}-01-01T00:00:00Z"


def dated(body: Any) -> Any:
    """The body with its years as timestamps."""
    if isinstance(body, dict):
        return {
            key: year(one) if key in ("createdat", "modifiedat") else dated(one)
            for key, one in body.items()
        }
    return body


NEW = Row(1, "now", "now", "1")
ONE = {"v1": "2025"}
TWO = {"v1": "2025", "v2": "2025"}
KEPT = Row(1, "2025", "2025", "v1")

SAMPLES: Mapping[str, Sample] = {
    "Create single Resource with empty content": Sample("PUT", F1, {}, "1", 1, {"1": NEW}),
    'Create Resource via the "files" collection': Sample(
        "POST",
        "/dirs/d1/files",
        {"f1": {"name": "my file"}},
        "1",
        1,
        {"1": Row(1, "now", "now", "1", "my file")},
    ),
    "Create Resource with Versions, no defaultversionid": Sample(
        "PUT",
        F1,
        {"name": "foo", "versions": {"v1": {}, "v2": {}}},
        "v2",
        1,
        {"v1": Row(1, "now", "now", "v1"), "v2": Row(1, "now", "now", "v1")},
    ),
    "Create Resource with Versions and defaultversionid": Sample(
        "PUT",
        F1,
        {
            "name": "foo",
            "meta": {"defaultversionid": "v1"},
            "versions": {"v1": {"createdat": "2020"}, "v2": {"createdat": "3030"}, "v3": {}},
        },
        "v2",
        1,
        {
            "v1": Row(1, "2020", "now", "v1"),
            "v2": Row(1, "3030", "now", "v3"),
            "v3": Row(1, "now", "now", "v1"),
        },
    ),
    "Create Resource with Versions and unique defaultversionid": Sample(
        "PUT",
        F1,
        {"name": "foo", "meta": {"defaultversionid": "v1"}, "versions": {"v2": {}, "v3": {}}},
        "v3",
        1,
        {
            "v1": Row(1, "now", "now", "v1", "foo"),
            "v2": Row(1, "now", "now", "v1"),
            "v3": Row(1, "now", "now", "v2"),
        },
    ),
    "Create Resource with defaultversionid": Sample(
        "PUT",
        F1,
        {"name": "foo", "meta": {"defaultversionid": "v1"}},
        "v1",
        1,
        {"v1": Row(1, "now", "now", "v1", "foo")},
    ),
    "Create Resource with versionid and Versions": Sample(
        "PUT",
        F1,
        {"versionid": "v0", "name": "foo", "versions": {"v1": {"createdat": "2020"}, "v2": {}}},
        "v2",
        1,
        {
            "v0": Row(1, "now", "now", "v1", "foo"),
            "v1": Row(1, "2020", "now", "v1"),
            "v2": Row(1, "now", "now", "v0"),
        },
    ),
    "Update Resource with new Versions and sticky default Version": Sample(
        "PUT",
        F1,
        {
            "name": "foo",
            "meta": {"defaultversionid": "v1", "defaultversionsticky": True},
            "versions": {"v1": {"createdat": "2020"}, "v2": {}},
        },
        "v1",
        2,
        {
            "v0": Row(2, "2021", "now", "v1", "foo"),
            "v1": Row(1, "2020", "now", "v1"),
            "v2": Row(1, "now", "now", "v0"),
        },
        initial={"v0": "2021"},
        sticky=True,
    ),
    "Create Resource with Versions and sticky default Version": Sample(
        "PUT",
        F1,
        {
            "versionid": "v0",
            "name": "foo",
            "createdat": "2021",
            "meta": {"defaultversionid": "v1", "defaultversionsticky": True},
            "versions": {"v1": {"createdat": "2020"}, "v2": {}},
        },
        "v1",
        1,
        {
            "v0": Row(1, "2021", "now", "v1", "foo"),
            "v1": Row(1, "2020", "now", "v1"),
            "v2": Row(1, "now", "now", "v0"),
        },
        sticky=True,
    ),
    "Create Resource with versionid and defaultversionid": Sample(
        "PUT",
        F1,
        {
            "versionid": "v0",
            "name": "foo",
            "meta": {"defaultversionid": "v1"},
            "versions": {"v1": {"createdat": "2020"}, "v2": {}},
        },
        "v2",
        1,
        {
            "v0": Row(1, "now", "now", "v1", "foo"),
            "v1": Row(1, "2020", "now", "v1"),
            "v2": Row(1, "now", "now", "v0"),
        },
    ),
    "Create Resource with sticky defaultversionid": Sample(
        "PUT",
        F1,
        {
            "meta": {"defaultversionid": "v1", "defaultversionsticky": True},
            "versions": {"v1": {"createdat": "2020"}, "v2": {}},
        },
        "v1",
        1,
        {"v1": Row(1, "2020", "now", "v1"), "v2": Row(1, "now", "now", "v1")},
        sticky=True,
    ),
    "Update Resource with non-sticky bad defaultversionid": Sample(
        "PUT",
        F1,
        {
            "name": "foo",
            "meta": {"defaultversionid": "abc"},
            "versions": {"v2": {"createdat": "2020"}},
        },
        "v1",
        2,
        {"v1": Row(2, "2025", "now", "v2", "foo"), "v2": Row(2, "2020", "now", "v2")},
        initial=TWO,
        initial_sticky="v1",
    ),
    "Update Resource with sticky non-specified defaultversionid": Sample(
        "PUT",
        F1,
        {
            "name": "foo",
            "meta": {"defaultversionsticky": True},
            "versions": {"v2": {"createdat": "2020"}},
        },
        "v1",
        2,
        {"v1": Row(2, "2025", "now", "v2"), "v2": Row(2, "2020", "now", "v2")},
        initial=TWO,
        sticky=True,
    ),
    "Update Resource with empty content": Sample(
        "PUT",
        F1,
        {},
        "v1",
        1,
        {"v1": Row(2, "2025", "now", "v1")},
        initial=ONE,
        initial_name="my file",
    ),
    "Patch Resource with empty content": Sample(
        "PATCH",
        F1,
        {},
        "v1",
        1,
        {"v1": Row(2, "2025", "now", "v1", "my file")},
        initial=ONE,
        initial_name="my file",
    ),
    "Update Resource with new description": Sample(
        "PUT",
        F1,
        {"description": "very cool"},
        "v1",
        1,
        {"v1": Row(2, "2025", "now", "v1")},
        initial=ONE,
        initial_name="my file",
    ),
    "Patch Resource's description field": Sample(
        "PATCH",
        F1,
        {"description": "very cool"},
        "v1",
        1,
        {"v1": Row(2, "2025", "now", "v1", "my file")},
        initial=ONE,
        initial_name="my file",
    ),
    "Update Resource with non-specified defaultversionsticky": Sample(
        "PUT",
        F1,
        {"meta": {"defaultversionsticky": True}},
        "v1",
        2,
        {"v1": Row(2, "2025", "now", "v1")},
        initial=ONE,
        initial_name="my file",
        sticky=True,
    ),
    "Patch Resource with defaultversionsticky": Sample(
        "PATCH",
        F1,
        {"meta": {"defaultversionsticky": True}},
        "v1",
        2,
        {"v1": Row(2, "2025", "now", "v1", "my file")},
        initial=ONE,
        initial_name="my file",
        sticky=True,
    ),
    "Patch Resource with sticky defaultversionid": Sample(
        "PATCH",
        f"{F1}/meta",
        {"defaultversionid": "v1", "defaultversionsticky": True},
        "v1",
        2,
        {"v1": KEPT, "v2": KEPT},
        initial=TWO,
        sticky=True,
    ),
    "Update Resource with non-specified sticky default Version": Sample(
        "PUT",
        F1,
        {
            "name": "foo",
            "createdat": "1999",
            "meta": {"defaultversionsticky": True},
            "versions": {"v2": {"createdat": "1998"}},
        },
        "v1",
        2,
        {"v1": Row(2, "1999", "now", "v2", "foo"), "v2": Row(1, "1998", "now", "v2")},
        initial=ONE,
        sticky=True,
    ),
    "Create Resource with conflicting default Version attributes - variant 1": Sample(
        "PUT",
        F1,
        {
            "versionid": "v1",
            "name": "foo",
            "meta": {"defaultversionsticky": True},
            "versions": {"v1": {"name": "abc"}, "v2": {}},
        },
        "v2",
        1,
        {"v1": Row(1, "now", "now", "v1", "abc"), "v2": Row(1, "now", "now", "v1")},
        sticky=True,
    ),
    "Create Resource with conflicting default Version attributes - variant 2": Sample(
        "PUT",
        F1,
        {"meta": {"defaultversionid": "v1"}, "versions": {"v1": {"name": "abc"}, "v2": {}}},
        "v2",
        1,
        {"v1": Row(1, "now", "now", "v1", "abc"), "v2": Row(1, "now", "now", "v1")},
    ),
    "Create Resource with conflicting default Version attributes - variant 3": Sample(
        "PUT",
        F1,
        {"versionid": "v1", "versions": {"v1": {"name": "abc"}, "v2": {}}},
        "v2",
        1,
        {"v1": Row(1, "now", "now", "v1", "abc"), "v2": Row(1, "now", "now", "v1")},
    ),
    "Create Resource with SetDefaultVersionID flag": Sample(
        "PUT",
        F1,
        {"versions": {"v1": {"name": "abc"}, "v2": {}}},
        "v1",
        1,
        {"v1": Row(1, "now", "now", "v1", "abc"), "v2": Row(1, "now", "now", "v1")},
        flags={"setdefaultversionid": "v1"},
        sticky=True,
    ),
    "Create Resource with SetDefaultVersionID flag via /versions": Sample(
        "POST",
        f"{F1}/versions",
        {"v1": {"name": "abc"}, "v2": {}},
        "v1",
        1,
        {"v1": Row(1, "now", "now", "v1", "abc"), "v2": Row(1, "now", "now", "v1")},
        flags={"setdefaultversionid": "v1"},
        sticky=True,
    ),
}


def prepared(sample: Sample) -> Registry:
    """A registry with the sample's initial state, all epochs 1."""
    registry = Registry(MODEL)
    if sample.initial:
        latest = max(sample.initial.values())
        meta: dict[str, Any] = {"createdat": year(latest), "modifiedat": year(latest)}
        if sample.initial_sticky:
            meta |= {
                "defaultversionid": sample.initial_sticky,
                "defaultversionsticky": True,
            }
        extra = {"name": sample.initial_name} if sample.initial_name else {}
        versions = {
            id: {"createdat": year(one), "modifiedat": year(one), **extra}
            for id, one in sample.initial.items()
        }
        registry.put(F1, {"meta": meta, "versions": versions})
    return registry


def rows(registry: Registry) -> Mapping[str, Row]:
    def told(timestamp: str) -> str:
        return "now" if timestamp == registry.now else timestamp[:4]

    return {
        id: Row(
            one.attributes["epoch"],
            told(one.attributes["createdat"]),
            told(one.attributes["modifiedat"]),
            one.attributes["ancestorid"],
            one.attributes.get("name"),
        )
        for id, one in registry.resource(F1).versions.items()
    }


@pytest.mark.parametrize("title", SAMPLES)
def test_a_sample_comes_out_as_the_document_says(title: str) -> None:
    sample = SAMPLES[title]
    registry = prepared(sample)

    registry.do(sample.method, sample.path, dated(dict(sample.body)), **sample.flags)

    meta = registry.meta(F1)
    assert rows(registry) == sample.versions
    assert meta["defaultversionid"] == sample.default
    assert meta["defaultversionsticky"] is sample.sticky
    assert meta["epoch"] == sample.meta_epoch


SAME_AS_PATCH: Sequence[str] = (
    "Create single Resource with empty content",
    "Create Resource with Versions, no defaultversionid",
)


@pytest.mark.parametrize("title", SAME_AS_PATCH)
def test_a_sample_comes_out_the_same_with_patch(title: str) -> None:
    sample = SAMPLES[title]
    registry = prepared(sample)

    registry.patch(sample.path, dict(sample.body))

    assert rows(registry) == sample.versions


@pytest.mark.parametrize(
    ("method", "meta"),
    [
        pytest.param(
            "PATCH", {"defaultversionid": "foo"}, id="Patch Resource with bad defaultversionid"
        ),
        pytest.param(
            "PUT",
            {"defaultversionid": "foo", "defaultversionsticky": True},
            id="Update Resource with bad sticky defaultversionid",
        ),
    ],
)
def test_a_sticky_default_version_must_be_there(method: Any, meta: Mapping[str, Any]) -> None:
    registry = prepared(SAMPLES["Update Resource with empty content"])

    error = registry.refusal(method, F1, {"meta": meta})

    assert (error.kind, error.subject) == ("unknown_id", f"{F1}/meta")
    assert error.args_shown == {"singular": "version", "id": "foo"}
