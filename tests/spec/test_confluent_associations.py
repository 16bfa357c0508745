"""/associations: which topic a subject belongs to."""

from __future__ import annotations

from typing import Any

from tests.spec.confluent_hub import STRING, Api, api, languages, record

__all__ = ("api", "languages")

OWNED = ":.lkc1:orders-value"


def request(**more: Any) -> dict[str, Any]:
    return {
        "resourceName": "orders",
        "resourceNamespace": "lkc1",
        "resourceId": "r-1",
        "associations": [{"associationType": "value", **more}],
    }


async def test_a_client_may_ask_before_there_is_anything(api: Api) -> None:
    path = "/associations/resources/-/orders?resourceType=topic&associationType=value"
    reply = await api.ask("GET", path)
    assert (reply.status, reply.json) == (200, [])


async def test_a_topic_is_made_with_the_schema_that_it_owns(api: Api) -> None:
    reply = await api.ask("POST", "/associations", request(schema={"schema": STRING}))
    made = reply.json["associations"][0]
    assert (made["subject"], made["lifecycle"]) == (OWNED, "STRONG")
    assert made["schema"]["schema"] == STRING
    assert (await api.ask("GET", f"/subjects/{OWNED}/versions")).json == [1]
    for path in ("subjects/" + OWNED, "resources/r-1", "resources/lkc1/orders", "resources/-/-"):
        found = (await api.ask("GET", f"/associations/{path}")).json
        assert [one["subject"] for one in found] == [OWNED], path


async def test_the_same_again_changes_nothing(api: Api) -> None:
    await api.ask("POST", "/associations", request(schema={"schema": STRING}))
    revision = api.register.state.value.revision
    again = await api.ask("POST", "/associations", request(schema={"schema": STRING}))
    assert (again.status, api.register.state.value.revision) == (200, revision)
    other = await api.ask("POST", "/associations", request(schema={"schema": '"int"'}))
    assert other.code == (409, 40903)


async def test_a_topic_may_use_a_subject_that_others_use_too(api: Api) -> None:
    await api.put("shared", STRING)
    weak = request(subject="shared", lifecycle="WEAK")
    assert (await api.ask("PUT", "/associations/resources/r-1", weak)).status == 200
    other = {**weak, "resourceName": "bills", "resourceId": "r-2"}
    assert (await api.ask("PUT", "/associations/resources/r-2", other)).status == 200
    found = (await api.ask("GET", "/associations/subjects/shared")).json
    assert [one["resourceId"] for one in found] == ["r-2", "r-1"]
    listed = (await api.ask("GET", "/schemas?associationType=value")).json
    assert len(listed[0]["associations"]) == 2


async def test_a_subject_without_a_version_belongs_to_nothing(api: Api) -> None:
    weak = request(subject="shared", lifecycle="WEAK")
    assert (await api.ask("POST", "/associations", weak)).code == (409, 40907)


async def test_an_associated_subject_stays(api: Api) -> None:
    await api.put("shared", STRING)
    await api.ask("POST", "/associations", request(subject="shared", lifecycle="WEAK"))
    assert (await api.ask("DELETE", "/subjects/shared")).code == (409, 40904)
    assert (await api.ask("DELETE", "/subjects/shared/versions/1")).code == (409, 40907)


async def test_an_owned_subject_goes_with_its_topic(api: Api) -> None:
    await api.ask("POST", "/associations", request(schema={"schema": STRING}))
    path = "/associations/resources/r-1"
    assert (await api.ask("DELETE", path)).code == (409, 40908)
    assert (await api.ask("DELETE", f"{path}?cascadeLifecycle=true&dryRun=true")).status == 204
    assert (await api.ask("DELETE", f"{path}?cascadeLifecycle=true")).status == 204
    assert (await api.ask("GET", "/subjects?deleted=true")).json == []
    assert (await api.ask("DELETE", path)).code == (404, 40410)


async def test_nothing_refers_to_an_owned_subject(api: Api) -> None:
    owned = request(schema={"schema": '{"type":"record","name":"A","fields":[]}'})
    await api.ask("POST", "/associations", owned)
    reference = {"name": "A", "subject": OWNED, "version": 1}
    reply = await api.put("s", record("B", a="A"), references=[reference])
    assert reply.code == (422, 42205)


async def test_a_wrong_property_is_named(api: Api) -> None:
    for more, name in (
        ({"associationType": "header"}, "associationType"),
        ({"lifecycle": "WEAK"}, "subject"),
        ({"lifecycle": "WEAK", "schema": {"schema": STRING}}, "lifecycle"),
        ({"frozen": True, "subject": "a", "lifecycle": "STRONG"}, "subject"),
    ):
        reply = await api.ask("POST", "/associations", request(**more))
        assert reply.code == (422, 42212)
        assert f"property: '{name}'" in reply.json["message"]


async def test_a_dry_run_only_checks(api: Api) -> None:
    body = request(schema={"schema": STRING})
    reply = await api.ask("POST", "/associations?dryRun=true", body)
    assert (reply.status, (await api.ask("GET", "/subjects")).json) == (200, [])


async def test_a_batch_does_each_of_its_requests_or_none_of_it(api: Api) -> None:
    await api.put("shared", STRING)
    good = {**request(subject="shared", lifecycle="WEAK")}
    good["associations"] = [{**good["associations"][0], "opType": "CREATE"}]
    bad = {**good, "resourceId": "r-2", "associations": [{"opType": "CREATE", "subject": "none"}]}
    reply = await api.ask("POST", "/associations:batchMutate", {"requests": [good, bad]})
    assert reply.status == 207
    assert reply.json["results"][0]["result"]["resourceId"] == "r-1"
    assert reply.json["results"][1]["error"]["error_code"] == 40907
    asked = {"requests": [{"resourceId": "r-1"}, {"resourceName": "x"}]}
    found = await api.ask("POST", "/associations:batchGet?includeSchemas=true", asked)
    assert found.json["results"][0]["result"]["associations"][0]["schema"]["schema"] == STRING
    assert "error" in found.json["results"][1]
