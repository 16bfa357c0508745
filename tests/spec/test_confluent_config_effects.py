"""Every field of a configuration: what it changes, in which scope, and which are kept alone."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import pytest

from chappe.formats.confluent.settings import Config
from tests.spec.confluent_hub import STRING, Api, api, languages, record

__all__ = ("api", "languages")

TIER = {"properties": {"tier": "1"}}
RULE = {"name": "r", "kind": "CONDITION", "type": "CEL", "mode": "WRITE", "expr": "true"}
RULES = {"domainRules": [RULE]}
A_STRING = {"type": "object", "properties": {"a": {"type": "string"}}}
TWO_STRINGS = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}


async def looked_up_by_alias(api: Api) -> Any:
    await api.put("other", STRING)
    return (await api.ask("GET", "/subjects/s/versions/1")).status


async def texts_of_two_spellings(api: Api) -> Any:
    for text in ('{"type":"object","title":"A"}', '{"title":"A","type":"object"}'):
        await api.put("s", text, "JSON", metadata=TIER)
        await api.put("t", text, "JSON")
    return (await api.ask("GET", "/subjects/s/versions/1/schema")).body


async def a_name_of_confluent_s_own(api: Api) -> Any:
    return (await api.put("s", {"type": "object", "properties": {"$$x": {}}}, "JSON")).status


async def a_default_of_another_type(api: Api) -> Any:
    return (await api.put("s", record("A", x=("int", "none")))).status


async def an_incompatible_version(api: Api) -> Any:
    await api.put("s", '"int"')
    return (await api.put("s", STRING)).status


async def a_property_more(api: Api) -> Any:
    await api.put("s", A_STRING, "JSON")
    return (await api.put("s", TWO_STRINGS, "JSON")).status


async def another_tier(api: Api) -> Any:
    await api.put("s", '"int"', metadata=TIER)
    return (await api.put("s", STRING, metadata={"properties": {"tier": "2"}})).status


async def metadata_of_its_own(api: Api) -> Any:
    return (await api.put("s", STRING, metadata=TIER)).json["metadata"]["properties"]


async def rules_of_its_own(api: Api) -> Any:
    sent = {"domainRules": [{**RULE, "expr": "false"}]}
    rules = (await api.put("s", STRING, ruleSet=sent)).json["ruleSet"]["domainRules"]
    return [(one["name"], one["expr"]) for one in rules]


@dataclass(frozen=True)
class Effect:
    """What comes of an action without a setting, and with it."""

    setting: Mapping[str, Any]
    action: Callable[[Api], Awaitable[Any]]
    without: Any
    having: Any


OWNER = {"properties": {"owner": "shop", "tier": "9"}}
EFFECTS = {
    "alias": Effect({"alias": "other"}, looked_up_by_alias, 404, 200),
    "normalize": Effect(
        {"normalize": True}, texts_of_two_spellings,
        b'{"type":"object","title":"A"}', b'{"title":"A","type":"object"}',
    ),
    "validate_fields": Effect({"validateFields": True}, a_name_of_confluent_s_own, 200, 422),
    "validate_new_schemas": Effect(
        {"validateNewSchemas": False}, a_default_of_another_type, 422, 200
    ),
    "level": Effect({"compatibility": "NONE"}, an_incompatible_version, 409, 200),
    "policy": Effect({"compatibilityPolicy": "LENIENT"}, a_property_more, 409, 200),
    "group": Effect({"compatibilityGroup": "tier"}, another_tier, 409, 200),
    "default_metadata": Effect(
        {"defaultMetadata": OWNER}, metadata_of_its_own,
        {"tier": "1"}, {"owner": "shop", "tier": "1"},
    ),
    "override_metadata": Effect(
        {"overrideMetadata": OWNER}, metadata_of_its_own,
        {"tier": "1"}, {"owner": "shop", "tier": "9"},
    ),
    "default_rules": Effect(
        {"defaultRuleSet": {"domainRules": [RULE, {**RULE, "name": "q"}]}}, rules_of_its_own,
        [("r", "false")], [("q", "true"), ("r", "false")],
    ),
    "override_rules": Effect(
        {"overrideRuleSet": RULES}, rules_of_its_own, [("r", "false")], [("r", "true")]
    ),
}  # fmt: skip
KEPT_ALONE = {
    "alias_for_deks": "for the DEK registry, which is not there",
    "validate_rules": "asks the enterprise edition to run rules when they come",
}
INHERITED = {"normalize", "validate_fields", "validate_new_schemas", "policy", "group"}
"""What a subject with a configuration of its own takes over where that says nothing."""

each = pytest.mark.parametrize("name", EFFECTS)


def test_every_field_has_an_effect_or_a_reason() -> None:
    assert EFFECTS.keys() | KEPT_ALONE.keys() == {one.name for one in fields(Config)}


@each
async def test_without_a_setting(api: Api, name: str) -> None:
    assert await EFFECTS[name].action(api) == EFFECTS[name].without


@each
async def test_a_setting_of_a_subject(api: Api, name: str) -> None:
    await api.ask("PUT", "/config/s", EFFECTS[name].setting)
    assert await EFFECTS[name].action(api) == EFFECTS[name].having


@each
@pytest.mark.parametrize("path", ["/config", "/config/:.__GLOBAL:", "/contexts/./config"])
async def test_a_setting_of_everything(api: Api, name: str, path: str) -> None:
    await api.ask("PUT", path, EFFECTS[name].setting)
    effect = EFFECTS[name]
    assert await effect.action(api) == (effect.without if name == "alias" else effect.having)


@each
async def test_a_setting_of_everything_where_a_subject_has_its_own(api: Api, name: str) -> None:
    effect = EFFECTS[name]
    await api.ask("PUT", "/config", effect.setting)
    await api.ask("PUT", "/config/s", {"compatibility": "BACKWARD"})
    assert await effect.action(api) == (effect.having if name in INHERITED else effect.without)


@pytest.mark.parametrize("name", KEPT_ALONE)
async def test_what_is_kept_alone_is_shown(api: Api, name: str) -> None:
    key, value = {
        "alias_for_deks": ("aliasForDeks", "x"),
        "validate_rules": ("validateRules", True),
    }[name]
    await api.ask("PUT", "/config/s", {key: value})
    assert (await api.ask("GET", "/config/s")).json[key] == value


async def test_a_check_sees_the_same_settings_as_a_register(api: Api) -> None:
    async def check(schema: Any) -> Any:
        body = {"schema": json.dumps(schema), "schemaType": "JSON"}
        path = "/compatibility/subjects/s/versions?verbose=true"
        return (await api.ask("POST", path, body)).json

    await api.put("s", A_STRING, "JSON")
    assert (await check(TWO_STRINGS))["is_compatible"] is False
    setting = {"compatibilityPolicy": "LENIENT", "validateFields": True}
    await api.ask("PUT", "/config/s", setting)
    assert (await check(TWO_STRINGS))["is_compatible"] is True
    (message,) = (await check({"type": "object", "properties": {"$$a": {}}}))["messages"]
    assert "Field names cannot start with $$ prefix" in message


async def test_a_reserved_name_is_none_of_any_message(api: Api) -> None:
    await api.ask("PUT", "/config/s", {"validateFields": True})
    text = "\n".join(
        (
            'syntax = "proto3";',
            "message A { message In { int32 inner = 1; } In x = 1; }  // kept = 9;",
            "message B { oneof one_of { string other = 2; string more = 3; } }",
        )
    )

    async def put(reserved: str) -> Any:
        metadata = {"properties": {"confluent:reserved": reserved}}
        return (await api.put("s", text, "PROTOBUF", metadata=metadata)).json.get("message", "")

    for name in ("x", "other", "more"):
        assert f"conflicts with the reserved field {name}." in await put(f"free, {name}")
    assert await put("kept, inner, free") == ""


async def test_an_alias_stands_for_its_subject_in_every_path(api: Api) -> None:
    await api.put("orders", STRING)
    await api.ask("PUT", "/config/old", {"alias": "orders"})
    wish = {"associationType": "value", "subject": "old", "lifecycle": "WEAK"}
    resource = {"resourceName": "o", "resourceNamespace": "n", "associations": [wish]}
    made = await api.ask("PUT", "/associations/resources/r-1", resource)
    assert made.json["associations"][0]["subject"] == "orders"
    for subject in ("orders", "old"):
        found = await api.ask("GET", f"/associations/subjects/{subject}")
        assert [one["resourceId"] for one in found.json] == ["r-1"]
    checked = await api.ask("POST", "/compatibility/subjects/old/versions/1", {"schema": STRING})
    assert checked.json == {"is_compatible": True}
    assert (await api.ask("GET", "/schemas/ids/1?subject=old")).json["subject"] == "orders"
    assert (await api.put("old", STRING)).json["version"] == 1


async def test_the_logical_policy_is_refused_and_told_why(api: Api) -> None:
    reply = await api.ask("PUT", "/config/s", {"compatibilityPolicy": "LOGICAL"})
    assert reply.code == (422, 42203)
    assert "the checks of logical are not built here" in reply.json["message"]
