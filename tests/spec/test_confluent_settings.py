"""/config and /mode, of everything, of contexts, and of subjects."""

from __future__ import annotations

from typing import Any

import pytest

from tests.spec.confluent_hub import STRING, Api, api, languages, record

__all__ = ("api", "languages")


async def test_the_default_level_is_backward(api: Api) -> None:
    assert (await api.ask("GET", "/config")).json == {"compatibilityLevel": "BACKWARD"}


async def test_a_level_is_set_and_taken_back(api: Api) -> None:
    assert (await api.ask("PUT", "/config", {"compatibility": "full"})).json == {
        "compatibility": "FULL"
    }
    assert (await api.ask("GET", "/config")).json == {"compatibilityLevel": "FULL"}
    assert (await api.ask("DELETE", "/config")).json == {"compatibilityLevel": "FULL"}
    assert (await api.ask("GET", "/config")).json == {"compatibilityLevel": "BACKWARD"}


async def test_a_subject_has_a_configuration_of_its_own(api: Api) -> None:
    assert (await api.ask("GET", "/config/s")).code == (404, 40408)
    assert (await api.ask("DELETE", "/config/s")).code == (404, 40401)
    await api.ask("PUT", "/config", {"compatibility": "FORWARD"})
    default = await api.ask("GET", "/config/s?defaultToGlobal=true")
    assert default.json == {"compatibilityLevel": "FORWARD"}
    await api.ask("PUT", "/config/s", {"compatibility": "NONE"})
    assert (await api.ask("GET", "/config/s")).json == {"compatibilityLevel": "NONE"}
    assert (await api.ask("DELETE", "/config/s")).json == {"compatibilityLevel": "NONE"}
    assert (await api.ask("GET", "/config/s")).code == (404, 40408)


async def test_what_was_set_before_a_subject_came_holds_when_it_is_there(api: Api) -> None:
    await api.ask("PUT", "/config/s", {"compatibility": "NONE"})
    await api.put("s", STRING)
    assert (await api.ask("GET", "/config/s")).json == {"compatibilityLevel": "NONE"}
    assert (await api.put("s", '"int"')).status == 200


async def test_a_change_keeps_what_it_does_not_name_and_null_unsets(api: Api) -> None:
    await api.ask("PUT", "/config/s", {"compatibility": "FULL", "normalize": True})
    await api.ask("PUT", "/config/s", {"compatibilityGroup": "v"})
    assert (await api.ask("GET", "/config/s")).json == {
        "compatibilityLevel": "FULL",
        "normalize": True,
        "compatibilityGroup": "v",
    }
    await api.ask("PUT", "/config/s", {"normalize": None})
    assert "normalize" not in (await api.ask("GET", "/config/s")).json


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"compatibility": "SIDEWAYS"}, 42203),
        ({"compatibilityPolicy": "SLOPPY"}, 42203),
        ({"defaultRuleSet": {"domainRules": [{"name": ""}]}}, 42210),
    ],
)
async def test_a_wrong_value_is_refused(api: Api, changes: Any, code: int) -> None:
    assert (await api.ask("PUT", "/config/s", changes)).code == (422, code)


async def test_an_alias_stands_for_its_subject(api: Api) -> None:
    await api.put("orders-value", STRING)
    await api.ask("PUT", "/config/old-orders", {"alias": "orders-value"})
    found = await api.ask("GET", "/subjects/old-orders/versions/latest")
    assert found.json["subject"] == "orders-value"
    listed = (await api.ask("GET", "/schemas?aliases=true")).json
    assert listed[0]["aliases"] == ["old-orders"]


async def test_defaults_and_overrides_are_put_to_each_schema(api: Api) -> None:
    changes = {
        "defaultMetadata": {"properties": {"owner": "nobody", "tier": "1"}},
        "overrideMetadata": {"properties": {"tier": "2"}},
    }
    await api.ask("PUT", "/config/s", changes)
    reply = await api.put("s", STRING, metadata={"properties": {"owner": "shop"}})
    assert reply.json["metadata"] == {"properties": {"owner": "shop", "tier": "2"}}
    again = await api.put("s", STRING, metadata={"properties": {"owner": "shop"}})
    assert again.json["version"] == 1


async def test_the_default_mode_is_readwrite(api: Api) -> None:
    assert (await api.ask("GET", "/mode")).json == {"mode": "READWRITE"}
    assert (await api.ask("GET", "/mode/s")).code == (404, 40409)
    assert (await api.ask("GET", "/mode/s?defaultToGlobal=true")).json == {"mode": "READWRITE"}


@pytest.mark.parametrize("mode", ["READONLY", "READONLY_OVERRIDE"])
async def test_a_read_only_subject_is_not_written_to(api: Api, mode: str) -> None:
    await api.put("s", STRING)
    assert (await api.ask("PUT", "/mode/s", {"mode": mode})).json == {"mode": mode}
    assert (await api.put("s", '"int"')).code == (422, 42205)
    assert (await api.ask("DELETE", "/subjects/s")).code == (422, 42205)
    assert (await api.ask("PUT", "/config/s", {"compatibility": "NONE"})).code == (422, 42205)
    assert (await api.put("s", STRING)).json["version"] == 1  # it is there
    assert (await api.put("t", STRING)).status == 200
    assert (await api.ask("DELETE", "/mode/s")).json == {"mode": mode}
    assert (await api.ask("DELETE", "/subjects/s")).status == 200


async def test_an_unknown_mode_is_refused(api: Api) -> None:
    assert (await api.ask("PUT", "/mode", {"mode": "SIDEWAYS"})).code == (422, 42204)
    assert (await api.ask("PUT", "/mode/s", {"mode": "FORWARD"})).code == (422, 42204)


async def test_forwarding_is_a_mode_of_everything(api: Api) -> None:
    assert (await api.ask("PUT", "/mode/:.__GLOBAL:", {"mode": "FORWARD"})).status == 200
    assert (await api.ask("GET", "/mode/s?defaultToGlobal=true")).json == {"mode": "FORWARD"}


async def test_an_import_brings_its_ids_and_versions(api: Api) -> None:
    await api.ask("PUT", "/mode/s", {"mode": "IMPORT"})
    assert (await api.put("s", STRING)).code == (422, 42205)
    first = await api.put("s", STRING, id=100, version=7)
    second = await api.put("s", '"int"', id=90, version=3)
    assert (first.json["id"], first.json["version"]) == (100, 7)
    assert (second.json["id"], second.json["version"]) == (90, 3)
    assert (await api.ask("GET", "/subjects/s/versions")).json == [3, 7]
    assert (await api.put("s", '"long"', id=100, version=8)).code == (422, 42205)
    await api.ask("PUT", "/mode/s", {"mode": "READWRITE"})
    assert (await api.put("t", '"bytes"')).json["id"] == 101


async def test_an_id_is_taken_only_in_import_mode(api: Api) -> None:
    assert (await api.put("s", STRING, id=7, version=1)).code == (422, 42205)


async def test_a_subject_with_schemas_begins_an_import_only_by_force(api: Api) -> None:
    await api.put("s", STRING)
    assert (await api.ask("PUT", "/mode/s", {"mode": "IMPORT"})).code == (422, 42205)
    assert (await api.ask("PUT", "/mode/s?force=true", {"mode": "IMPORT"})).status == 200


async def test_an_import_begins_without_what_was_deleted(api: Api) -> None:
    await api.put("s", STRING)
    await api.ask("DELETE", "/subjects/s")
    assert (await api.ask("PUT", "/mode", {"mode": "IMPORT"})).status == 200
    assert (await api.ask("GET", "/subjects?deleted=true")).json == []


async def test_a_context_is_set_up_for_all_its_subjects(api: Api) -> None:
    await api.ask("PUT", "/config/:.shop:", {"compatibility": "NONE"})
    await api.ask("PUT", "/contexts/.shop/mode", {"mode": "READONLY"})
    config = await api.ask("GET", "/contexts/.shop/config/s?defaultToGlobal=true")
    assert config.json["compatibilityLevel"] == "NONE"
    assert (await api.put(":.shop:s", STRING)).code == (422, 42205)
    assert (await api.put("s", STRING)).status == 200
    gone = await api.ask("DELETE", "/contexts/.shop/mode?recursive=true")
    assert gone.json == {"mode": "READONLY"}
    assert (await api.put(":.shop:s", record("A"))).status == 200


async def test_what_holds_everywhere_is_asked_last(api: Api) -> None:
    await api.ask("PUT", "/config/:.__GLOBAL:", {"compatibility": "FULL"})
    for path in ("/config/s", "/config/:.shop:s"):
        found = await api.ask("GET", f"{path}?defaultToGlobal=true")
        assert found.json["compatibilityLevel"] == "FULL"
    await api.ask("PUT", "/config", {"compatibility": "NONE"})
    nearer = await api.ask("GET", "/config/s?defaultToGlobal=true")
    assert nearer.json["compatibilityLevel"] == "NONE"
