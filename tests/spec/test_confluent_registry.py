"""One store: what is written through either API is there in the other."""

from __future__ import annotations

from typing import Any

import pytest

from chappe.adapters.memory.registry_log import MemoryRegistryLog
from chappe.formats.confluent.index import Index
from chappe.formats.confluent.projection import project_schemas
from chappe.formats.languages import Languages
from chappe.ports.authorizer import Open
from tests.spec.confluent_hub import STRING, Api, api, api_of, languages, record

__all__ = ("api", "languages")

PRETTY = '{\n  "type": "string"\n}\n'


async def test_a_subject_is_a_schema_of_the_registry_byte_for_byte(api: Api) -> None:
    await api.put("orders%2Fvalue", PRETTY)
    await api.put(":.shop:s", '{"type":"object"}', "JSON")
    schema = api.schema("/schemagroups/default/schemas/orders~2fvalue")
    version = schema.versions["1"]
    assert version.document == PRETTY.encode()
    assert version.attributes["format"] == "Avro/1.12"
    other = api.schema("/schemagroups/shop/schemas/s").versions["1"]
    assert other.attributes["format"] == "JsonSchema/draft-07"
    assert (await api.ask("GET", "/schemas/ids/1")).json["schema"] == STRING


async def test_versions_follow_each_other(api: Api) -> None:
    await api.put("s", record("A"))
    await api.put("s", record("A", a=("int", 0)))
    await api.put("s", record("A", a=("int", 0), b=("int", 0)))
    schema = api.schema("/schemagroups/default/schemas/s")
    ancestors = {id_: one.attributes["ancestorid"] for id_, one in schema.versions.items()}
    assert ancestors == {"1": "1", "2": "1", "3": "2"}
    assert schema.meta["defaultversionid"] == "3"
    await api.ask("DELETE", "/subjects/s/versions/2")
    await api.ask("DELETE", "/subjects/s/versions/2?permanent=true")
    left = api.schema("/schemagroups/default/schemas/s").versions
    assert left["3"].attributes["ancestorid"] == "1"


async def test_the_default_version_is_the_latest_that_is_not_deleted(api: Api) -> None:
    await api.put("s", record("A"))
    await api.put("s", record("A", a=("int", 0)))
    xid = "/schemagroups/default/schemas/s"
    await api.ask("DELETE", "/subjects/s/versions/2")
    assert api.schema(xid).meta["defaultversionid"] == "1"
    await api.put("s", record("A", b=("int", 0)))
    assert api.schema(xid).meta["defaultversionid"] == "3"
    assert api.schema(xid).meta["defaultversionsticky"] is False


async def test_a_default_version_that_was_chosen_in_the_registry_stays(api: Api) -> None:
    for name in ("a", "b", "c"):
        await api.put("s", record("A", **{name: ("int", 0)}))
    xid = "/schemagroups/default/schemas/s"
    wish = {"defaultversionid": "1", "defaultversionsticky": True}
    await api.write("PATCH", f"{xid}/meta", wish)
    await api.ask("DELETE", "/subjects/s/versions/3")
    assert api.schema(xid).meta["defaultversionid"] == "1"


async def test_a_schema_of_the_registry_gets_an_id_when_it_is_first_looked_for(api: Api) -> None:
    body = {"format": "Avro/1.12", "contenttype": "application/json", "schema": record("A")}
    await api.write("PUT", "/schemagroups/default/schemas/a$details", body)
    await api.write("PUT", "/schemagroups/shop/schemas/b$details", {**body, "versionid": "v1"})
    assert (await api.ask("GET", "/subjects")).json == [":.shop:b", "a"]
    found = await api.ask("GET", "/subjects/a/versions/1")
    assert (found.json["id"], found.json["schemaType"]) == (1, "AVRO")
    assert (await api.ask("GET", "/subjects/:.shop:b/versions/latest")).json["version"] == 1
    again = await api.put("c", record("A"))
    assert again.json["id"] == 1


async def test_a_schema_of_another_language_is_not_shown_and_not_touched(api: Api) -> None:
    xsd = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"/>'
    body = {"format": "XSD/1.0", "contenttype": "application/xml", "schema": xsd}
    await api.write("PUT", "/schemagroups/default/schemas/x$details", body)
    assert (await api.ask("GET", "/subjects")).json == []
    assert (await api.put("x", STRING)).status == 200
    assert list(api.schema("/schemagroups/default/schemas/x").versions) == ["1"]
    assert (await api.ask("GET", "/subjects")).json == ["x"]


async def test_a_document_that_was_replaced_in_the_registry_has_another_id(api: Api) -> None:
    await api.put("a", record("A"))
    body = {"format": "Avro/1.12", "contenttype": "application/json", "schema": record("B")}
    await api.write("PUT", "/schemagroups/default/schemas/a/versions/1$details", body)
    found = await api.ask("GET", "/subjects/a/versions/1")
    assert (found.json["id"], "B" in found.json["schema"]) == (2, True)
    assert (await api.ask("GET", "/schemas/ids/1")).code == (404, 40403)


async def test_what_is_deleted_in_the_registry_is_gone(api: Api) -> None:
    await api.put("a", STRING)
    await api.put("b", STRING)
    await api.write("DELETE", "/schemagroups/default/schemas/a", None)
    assert (await api.ask("GET", "/subjects?deleted=true")).json == ["b"]
    assert (await api.ask("GET", "/schemas/ids/1/subjects")).json == ["b"]


async def test_a_rule_of_the_registry_holds_for_the_api_too(api: Api) -> None:
    await api.ask("PUT", "/config/s", {"compatibility": "NONE"})
    await api.put("s", record("A"))
    meta = {"compatibility": "backward"}
    await api.write("PATCH", "/schemagroups/default/schemas/s/meta", meta)
    assert (await api.put("s", record("A", a="int"))).code == (409, 409)


async def test_another_node_sees_the_same(api: Api, languages: Languages) -> None:
    await api.ask("PUT", "/config", {"compatibility": "NONE"})
    await api.put("s", record("A"), metadata={"properties": {"a": "b"}})
    await api.put(":.shop:s", STRING)
    await api.ask("DELETE", "/subjects/:.shop:s")
    other = await api_of(languages, api.log, Open())
    for path in ("/config", "/schemas?deleted=true&subjectPrefix=:*:", "/contexts"):
        assert (await other.ask("GET", path)).json == (await api.ask("GET", path)).json


def shown(index: Index) -> Any:
    """All that an index knows, as values that can be compared."""
    return {
        "contexts": {
            name: (
                one.gid,
                one.next_id,
                one.settings,
                dict(one.pending),
                {
                    key: (
                        subject.place,
                        subject.settings,
                        [(each.version, each.id, each.deleted) for each in subject.versions],
                    )
                    for key, subject in one.subjects.items()
                },
                {id_: [each.name for each in found] for id_, found in one.ids.items()},
                {key: [each.name for each in found] for key, found in one.contents.items()},
            )
            for name, one in index.contexts.items()
        },
        "places": dict(index.places),
        "references": {
            key: [each.name for each in found] for key, found in index.references.items()
        },
        "unnumbered": dict(index.unnumbered),
        "associated": set(index.associated),
    }


STEPS: list[tuple[str, str, Any]] = [
    ("POST", "/subjects/a/versions", {"schema": STRING}),
    ("POST", "/subjects/b/versions", {"schema": STRING}),
    ("PUT", "/config/c", {"compatibility": "NONE"}),
    ("POST", "/subjects/c/versions", {"schema": '"int"'}),
    ("POST", "/subjects/:.shop:c/versions", {"schema": '"int"'}),
    ("DELETE", "/subjects/a", None),
    ("POST", "/subjects/c/versions", {"schema": '"long"'}),
    ("DELETE", "/subjects/a?permanent=true", None),
    ("PUT", "/mode/:.shop:", {"mode": "READONLY"}),
    ("DELETE", "/subjects/c/versions/1", None),
    ("DELETE", "/subjects/c/versions/1?permanent=true", None),
    ("DELETE", "/mode/:.shop:", None),
    ("DELETE", "/subjects/:.shop:c", None),
    ("DELETE", "/subjects/:.shop:c?permanent=true", None),
    ("DELETE", "/contexts/.shop", None),
]


async def test_an_index_that_follows_is_the_one_that_is_made_anew(api: Api) -> None:
    type_of = api.confluent.parser.type_of
    trees = [api.register.state.value.tree]
    for method, path, body in STEPS:
        assert (await api.ask(method, path, body)).status in (200, 204), path
        tree = api.register.state.value.tree
        assert shown(api.confluent.index()) == shown(project_schemas(None, tree, type_of)), path
        trees.append(tree)
    last = api.confluent.index()
    for tree in reversed(trees):
        last = project_schemas(last, tree, type_of)
        assert shown(last) == shown(project_schemas(None, tree, type_of))


@pytest.mark.parametrize("log", [MemoryRegistryLog()])
async def test_a_hub_that_never_uses_the_api_makes_no_index(
    languages: Languages, log: MemoryRegistryLog
) -> None:
    api = await api_of(languages, log, Open())
    body = {"format": "Avro/1.12", "contenttype": "application/json", "schema": record("A")}
    await api.write("PUT", "/schemagroups/default/schemas/a$details", body)
    assert api.confluent._index is None
