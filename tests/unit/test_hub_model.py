"""The hub's own model: what is in it, and that it compiles."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from chappe.registry.errors import RegistryError
from chappe.registry.hub_model import RESERVED, hub_model
from chappe.registry.model import Model
from chappe.registry.model_source import compile_model
from tests.speed import slowness


@pytest.fixture(scope="module")
def model() -> Model:
    return compile_model(hub_model(), reserved=RESERVED)


def test_the_model_has_the_types_of_the_standard_and_the_hubs_own(model: Model) -> None:
    types = {
        plural: (type.singular, sorted(type.resources)) for plural, type in model.groups.items()
    }

    assert types == {
        "channels": ("channel", []),
        "endpoints": ("endpoint", ["messages", "sources", "subscriptions"]),
        "messagegroups": ("messagegroup", ["messages"]),
        "schemagroups": ("schemagroup", ["schemas"]),
    }


def test_the_model_compiles_in_less_than_50_ms() -> None:
    source = hub_model()
    compile_model(source, reserved=RESERVED)
    took_s = []
    for _ in range(5):
        began = time.process_time()
        compile_model(source, reserved=RESERVED)
        took_s.append(time.process_time() - began)

    assert min(took_s) < 0.050 * slowness()


def test_what_one_caller_does_to_the_source_does_not_reach_another() -> None:
    first = hub_model()
    first["groups"]["endpoints"]["attributes"].clear()

    assert hub_model()["groups"]["endpoints"]["attributes"]


@pytest.mark.parametrize("name", sorted(name for name in RESERVED if name.isalpha()))
def test_no_group_type_takes_a_name_of_the_api(name: str) -> None:
    source = {"groups": {name: {"singular": "one", "resources": {}}}}

    with pytest.raises(RegistryError) as raised:
        compile_model(source, reserved=RESERVED)

    assert raised.value.kind == "model_error"


def test_messages_of_endpoints_are_those_of_messagegroups(model: Model) -> None:
    messages = model.resource_type("endpoints", "messages")

    assert messages is not None
    assert messages.origin == "/messagegroups/messages"
    assert (messages.maxversions, messages.hasdocument) == (1, False)


def test_subscriptions_keep_fifty_revisions_without_a_document(model: Model) -> None:
    subscriptions = model.resource_type("endpoints", "subscriptions")

    assert subscriptions is not None
    assert (subscriptions.maxversions, subscriptions.hasdocument) == (50, False)
    assert subscriptions.setversionid, "an exported registry names its versions"


def test_schemas_are_checked_as_far_as_their_format_is_known(model: Model) -> None:
    schemas = model.resource_type("schemagroups", "schemas")

    assert schemas is not None
    assert schemas.hasdocument
    assert (schemas.validateformat, schemas.validatecompatibility) == (True, True)
    assert not schemas.strictvalidation


def test_the_only_attributes_that_say_nothing_of_themselves_are_those_of_others() -> None:
    silent = [
        path
        for path, definition in _attributes(hub_model())
        if not definition.get("description") and not path.endswith("/*")
    ]

    assert silent == []


def test_every_attribute_with_a_default_is_required() -> None:
    optional = [
        path
        for path, definition in _attributes(hub_model())
        if "default" in definition and not definition.get("required")
    ]

    assert optional == []


def _attributes(source: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for plural, group in source["groups"].items():
        yield from _below(plural, group.get("attributes", {}))
        for resources, resource in group.get("resources", {}).items():
            yield from _below(f"{plural}/{resources}", resource.get("attributes", {}))


def _below(path: str, definitions: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, definition in definitions.items():
        at = f"{path}/{name}"
        yield at, definition
        yield from _below(at, definition.get("attributes", {}))
        yield from _below(f"{at}/[]", definition.get("item", {}).get("attributes", {}))
        for value, choice in definition.get("ifvalues", {}).items():
            yield from _below(f"{at}={value}", choice["siblingattributes"])
