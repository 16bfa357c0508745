"""Backstage's entities of a registry: names, owners, who provides and consumes, pages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from chappe.formats.backstage import PAGE, catalogue, location, pages_of
from chappe.registry.entity import Tree
from tests.unit.asyncapi_samples import BASE, registry

NAME = re.compile(r"[A-Za-z0-9]([-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?")


def endpoints(**more: Any) -> Tree:
    return registry(schemagroups={}, messagegroups={}, endpoints=more)


def entities(tree: Tree, page: int | None = None) -> dict[tuple[str, str], Any]:
    found = list(yaml.safe_load_all(catalogue(tree, BASE, page=page).yaml()))
    named = {(one["kind"], one["metadata"]["name"]): one for one in found}
    assert len(named) == len(found)
    return named


def test_an_application_is_a_component_with_one_api() -> None:
    found = entities(registry())

    component, api = found["Component", "checkout"], found["API", "checkout"]
    assert component["spec"] == {
        "type": "service", "lifecycle": "production", "owner": "team-shop", "system": "retail",
        "providesApis": ["checkout"],
    }  # fmt: skip
    assert set(yaml.safe_load(api["spec"]["definition"])["channels"]) == {"intake"}
    assert api["metadata"]["links"][0]["url"] == f"{BASE}/asyncapi?application=checkout"
    assert found["System", "retail"]["spec"] == {"owner": "unknown"}


def test_who_subscribes_consumes_the_apis_that_send_it() -> None:
    sends = {
        "usage": ["consumer"],
        "messages": {"order.paid": {"envelope": "CloudEvents/1.0"}},
    }
    billing = {
        "sink": "https://billing.example/", "protocol": "HTTP", "types": ["order.paid"],
        "labels": {"application": "billing", "owner": "group:default/money"},
    }  # fmt: skip
    found = entities(endpoints(shop=sends, hub={"subscriptions": {"s-1": billing}}))

    spec = found["Component", "billing"]["spec"]
    assert spec["consumesApis"] == ["shop"]
    assert spec["owner"] == "group:default/money"
    assert ("API", "billing") not in found


def test_names_that_backstage_refuses_are_made_to_fit_and_told() -> None:
    tree = endpoints(**{"a@b": {}, "a~b": {}, "A-B": {}, "x" * 100: {}})
    found = entities(tree)
    text = catalogue(tree, BASE).yaml()

    components = {name for kind, name in found if kind == "Component"}
    assert all(NAME.fullmatch(one) for one in components)
    assert len({one.lower() for one in components}) == 4
    assert "# Component 'a@b' is called" in text
    assert {one["metadata"]["annotations"]["chappe/application"] for (kind, _), one in found.items()
            if kind == "Component"} == {"a@b", "a~b", "A-B", "x" * 100}  # fmt: skip


def test_many_applications_are_parted_in_pages_that_a_location_names() -> None:
    tree = endpoints(**{f"e{number}": {} for number in range(PAGE + 1)})
    (place,) = yaml.safe_load_all(location(tree, BASE).yaml())

    assert pages_of(tree) == 2
    assert place["spec"]["targets"] == [f"{BASE}/catalog-info.yaml?page={n}" for n in (1, 2)]
    pages = [entities(tree, page) for page in (1, 2)]
    assert not pages[0].keys() & pages[1].keys()
    assert {**pages[0], **pages[1]} == entities(tree)


LABELS = st.dictionaries(
    st.sampled_from(["application", "owner", "system", "lifecycle", "a.b"]),
    st.text(min_size=1, max_size=80),
    max_size=4,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(LABELS, max_size=5))
def test_whatever_labels_say_the_catalogue_can_be_read(labels: list[Mapping[str, str]]) -> None:
    tree = endpoints(**{f"e{n}": {"labels": dict(one)} for n, one in enumerate(labels)})

    found = entities(tree)
    assert all(NAME.fullmatch(name) for _, name in found)
    assert len({(kind, name.lower()) for kind, name in found}) == len(found)
    for (kind, _), one in found.items():
        for api in one["spec"].get("providesApis", ()):
            assert kind == "Component"
            assert ("API", api) in found
        if "system" in one["spec"]:
            assert ("System", one["spec"]["system"]) in found
