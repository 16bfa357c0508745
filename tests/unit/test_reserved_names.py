"""No type of group takes the name of another path of the hub, and none that did hides the registry."""

from __future__ import annotations

import pytest

from chappe.formats.transaction_json import decode_tree, encode_tree
from chappe.registry.errors import RegistryError
from chappe.registry.hub_model import hub_model
from chappe.registry.paths import SHORT
from chappe.registry.request import Written
from chappe.registry.write import empty_tree
from chappe.registry.writing import Decide
from chappe.testing.hub_registry import writing
from tests.unit.test_register import Hub


def modelling(name: str) -> Decide[Written]:
    source = hub_model()
    source["groups"][name] = {"singular": "one"}
    return writing("PUT", "/modelsource", source)


@pytest.mark.parametrize("name", ["livez", "services", "events", "subscriptions", "model", SHORT])
async def test_a_type_of_group_with_a_reserved_name_is_refused(name: str) -> None:
    hub = await Hub().founded()
    with pytest.raises(RegistryError, match="is a path of this server's API"):
        await hub.register.write(modelling(name))


async def test_another_type_of_group_is_taken() -> None:
    hub = await Hub().founded()
    await hub.register.write(modelling("shelves"))
    assert "shelves" in hub.state.value.tree.model.groups


def test_a_stored_registry_with_a_name_that_is_reserved_since_can_be_read() -> None:
    tree = empty_tree("r", "2030-01-01T00:00:00Z", {"groups": {"livez": {"singular": "one"}}})
    decoded, _ = decode_tree(b"".join(encode_tree(tree, 1)))
    assert "livez" in decoded.model.groups
