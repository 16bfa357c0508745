"""Contexts: subjects and ids of their own, below /contexts or in names."""

from __future__ import annotations

from tests.spec.confluent_hub import STRING, Api, api, languages, record

__all__ = ("api", "languages")


async def test_each_context_counts_its_own_ids(api: Api) -> None:
    await api.put("a", STRING)
    await api.put("b", '"int"')
    assert (await api.put(":.shop:b", '"int"')).json["id"] == 1
    assert (await api.ask("GET", "/contexts")).json == [".", ".shop"]


async def test_all_paths_work_below_a_context(api: Api) -> None:
    root = "/contexts/.shop"
    await api.ask("POST", f"{root}/subjects/s/versions", {"schema": STRING})
    assert (await api.ask("GET", f"{root}/subjects")).json == [":.shop:s"]
    assert (await api.ask("GET", f"{root}/subjects/s/versions")).json == [1]
    assert (await api.ask("GET", "/contexts/shop/subjects/s/versions")).json == [1]
    assert (await api.ask("GET", f"{root}/subjects/s/versions/1")).json["subject"] == ":.shop:s"
    assert (await api.ask("GET", f"{root}/schemas/ids/1")).json["subject"] == ":.shop:s"
    assert (await api.ask("GET", f"{root}/schemas")).json[0]["subject"] == ":.shop:s"
    checked = await api.ask(
        "POST", f"{root}/compatibility/subjects/s/versions/latest", {"schema": STRING}
    )
    assert checked.json == {"is_compatible": True}
    assert (await api.ask("GET", "/schemas/ids/1")).code == (404, 40403)
    assert (await api.ask("DELETE", f"{root}/subjects/s")).json == [1]


async def test_subjects_of_all_contexts_are_listed_unless_one_is_asked_for(api: Api) -> None:
    await api.put("s", STRING)
    await api.put(":.shop:s", STRING)
    assert (await api.ask("GET", "/subjects")).json == [":.shop:s", "s"]
    assert (await api.ask("GET", "/subjects?subjectPrefix=:.shop:")).json == [":.shop:s"]
    assert (await api.ask("GET", "/subjects?subjectPrefix=s")).json == ["s"]
    assert (await api.ask("GET", "/subjects?subjectPrefix=:*:s")).json == [":.shop:s", "s"]


async def test_a_name_without_a_context_is_looked_for_in_all(api: Api) -> None:
    await api.put(":.shop:s", STRING)
    assert (await api.ask("GET", "/subjects/s/versions/1")).json["subject"] == ":.shop:s"
    found = await api.ask("POST", "/subjects/s", {"schema": STRING})
    assert found.json["subject"] == ":.shop:s"
    assert (await api.ask("GET", "/schemas/ids/1?subject=s")).json["subject"] == ":.shop:s"


async def test_a_reference_is_in_the_context_of_its_schema(api: Api) -> None:
    await api.put(":.shop:address", record("A", street="string"))
    reference = {"name": "A", "subject": "address", "version": 1}
    reply = await api.put(":.shop:person", record("P", home="A"), references=[reference])
    assert reply.json["references"] == [reference]
    shown = await api.ask("GET", "/subjects/:.shop:person/versions/1?referenceFormat=qualified")
    assert shown.json["references"][0]["subject"] == ":.shop:address"


async def test_contexts_may_differ_by_case_alone(api: Api) -> None:
    await api.put(":.Shop:s", STRING)
    await api.put(":.shop:s", '"int"')
    assert (await api.ask("GET", "/contexts")).json == [".", ".Shop", ".shop"]
    assert (await api.ask("GET", "/contexts?contextPrefix=.S")).json == [".Shop"]


async def test_the_global_context_has_no_subjects(api: Api) -> None:
    assert (await api.put(":.__GLOBAL:s", STRING)).code == (422, 42208)
