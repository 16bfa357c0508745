"""Deleting subjects, versions and contexts: hidden first, then gone."""

from __future__ import annotations

from tests.spec.confluent_hub import STRING, Api, api, languages, record

__all__ = ("api", "languages")

REFERENCE = {"name": "shop.Address", "subject": "address", "version": 1}


async def two_versions(api: Api) -> None:
    await api.put("s", record("A", a="int"))
    await api.put("s", record("A", a="int", b=("int", 0)))


async def test_a_deleted_version_is_hidden_and_still_found_by_its_id(api: Api) -> None:
    await two_versions(api)
    assert (await api.ask("DELETE", "/subjects/s/versions/2")).body == b"2"
    assert (await api.ask("GET", "/subjects/s/versions")).json == [1]
    assert (await api.ask("GET", "/subjects/s/versions/2")).code == (404, 40402)
    assert (await api.ask("GET", "/subjects/s/versions/2?deleted=true")).json["deleted"] is True
    assert (await api.ask("GET", "/subjects/s/versions/latest")).json["version"] == 1
    assert (await api.ask("GET", "/schemas/ids/2")).status == 200


async def test_deleted_versions_are_listed_on_demand(api: Api) -> None:
    await two_versions(api)
    await api.ask("DELETE", "/subjects/s/versions/1")
    path = "/subjects/s/versions"
    assert (await api.ask("GET", f"{path}?deleted=true")).json == [1, 2]
    assert (await api.ask("GET", f"{path}?deletedOnly=true")).json == [1]
    assert (await api.ask("GET", f"{path}?deleted_only=true")).json == [1]
    assert (await api.ask("GET", f"{path}?deletedAsNegative=true")).json == [-1, 2]


async def test_a_version_is_deleted_for_good_only_after_it_was_deleted(api: Api) -> None:
    await two_versions(api)
    gone = "/subjects/s/versions/1?permanent=true"
    assert (await api.ask("DELETE", gone)).code == (404, 40407)
    await api.ask("DELETE", "/subjects/s/versions/1")
    assert (await api.ask("DELETE", "/subjects/s/versions/1")).code == (404, 40406)
    assert (await api.ask("DELETE", gone)).body == b"1"
    assert (await api.ask("GET", "/schemas/ids/1")).code == (404, 40403)
    assert (await api.ask("DELETE", gone)).code == (404, 40402)


async def test_a_subject_is_deleted_for_good_only_after_it_was_deleted(api: Api) -> None:
    await two_versions(api)
    gone = "/subjects/s?permanent=true"
    assert (await api.ask("DELETE", gone)).code == (404, 40405)
    assert (await api.ask("DELETE", "/subjects/s")).json == [1, 2]
    assert (await api.ask("DELETE", "/subjects/s")).code == (404, 40404)
    assert (await api.ask("GET", "/subjects")).json == []
    assert (await api.ask("GET", "/subjects?deleted=true")).json == ["s"]
    assert (await api.ask("DELETE", gone)).json == [1, 2]
    assert (await api.ask("DELETE", gone)).code == (404, 40401)


async def test_numbers_of_versions_are_not_given_twice(api: Api) -> None:
    await two_versions(api)
    await api.ask("DELETE", "/subjects/s/versions/2")
    await api.ask("DELETE", "/subjects/s/versions/2?permanent=true")
    reply = await api.put("s", record("A", a="int", c=("int", 0)))
    assert (reply.json["version"], reply.json["id"]) == (3, 3)


async def test_a_deleted_schema_comes_back_as_a_later_version_of_its_id(api: Api) -> None:
    await two_versions(api)
    await api.ask("DELETE", "/subjects/s/versions/2")
    reply = await api.put("s", record("A", a="int", b=("int", 0)))
    assert (reply.json["version"], reply.json["id"]) == (3, 2)
    assert (await api.ask("GET", "/subjects/s/versions?deleted=true")).json == [1, 3]


async def test_a_subject_that_was_deleted_for_good_begins_anew(api: Api) -> None:
    await two_versions(api)
    await api.ask("PUT", "/config/s", {"compatibility": "NONE"})
    await api.ask("DELETE", "/subjects/s")
    await api.ask("DELETE", "/subjects/s?permanent=true")
    assert (await api.ask("GET", "/config/s")).code == (404, 40408)
    assert (await api.put("s", STRING)).json["version"] == 1


async def test_what_others_refer_to_stays(api: Api) -> None:
    await api.put("address", record("shop.Address", street="string"))
    await api.put("person", record("shop.Person", home="shop.Address"), references=[REFERENCE])
    version, subject = "/subjects/address/versions/1", "/subjects/address"
    assert (await api.ask("DELETE", version)).code == (422, 42206)
    assert (await api.ask("DELETE", subject)).code == (422, 42206)
    await api.ask("DELETE", "/subjects/person")
    assert (await api.ask("DELETE", subject)).json == [1]
    # The referrer can still be found by its id, and needs what it refers to.
    assert (await api.ask("DELETE", f"{subject}?permanent=true")).code == (422, 42206)
    await api.ask("DELETE", "/subjects/person?permanent=true")
    assert (await api.ask("DELETE", f"{subject}?permanent=true")).json == [1]


async def test_only_an_empty_context_is_deleted(api: Api) -> None:
    await api.put(":.shop:s", STRING)
    assert (await api.ask("DELETE", "/contexts/:.shop:")).code == (422, 42211)
    await api.ask("DELETE", "/subjects/:.shop:s")
    assert (await api.ask("DELETE", "/contexts/.shop")).code == (422, 42211)
    await api.ask("DELETE", "/subjects/:.shop:s?permanent=true")
    assert (await api.ask("DELETE", "/contexts/.shop")).status == 204
    assert (await api.ask("GET", "/contexts")).json == ["."]


async def test_a_context_that_comes_again_does_not_give_its_ids_again(api: Api) -> None:
    await api.put(":.shop:s", STRING)
    await api.ask("DELETE", "/subjects/:.shop:s")
    await api.ask("DELETE", "/subjects/:.shop:s?permanent=true")
    await api.ask("DELETE", "/contexts/.shop")
    assert (await api.put(":.shop:s", '"int"')).json["id"] == 2
