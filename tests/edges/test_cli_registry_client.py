"""The registry's client against a server that answers by a script: what is sent, what comes back."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from chappe.cli.failures import exit_code
from chappe.client.hub_client import HubClient
from chappe.client.registry import Flags, RegistryClient, encoded, joined
from chappe.client.registry_problems import error_of
from chappe.client.transport import Answer
from chappe.domain import errors
from chappe.domain.errors import ChappeError
from chappe.testing.http_sink import Reply, SinkServer

SPEC = "https://github.com/xregistry/spec/blob/main/core"


def reply(body: object, status: int = 200, **headers: str) -> Reply:
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Reply(status, headers=[("content-type", "application/json"), *named], body=encoded(body))


def refusal(kind: str, status: int, **members: object) -> Answer:
    body = {"type": f"{SPEC}/spec.md#{kind}", "title": f"/a: {kind}.", "subject": "/a", **members}
    return Answer(status, {"content-type": "application/json"}, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("flags", "query"),
    [
        (Flags(), ""),
        (Flags(doc=True, inline=["*"]), "?doc&inline=*"),
        (Flags(inline=["messagegroups.messages", "model"]), "?inline=messagegroups.messages,model"),
        (Flags(filters=["a.name=x,a.epoch>3", "b"]), "?filter=a.name=x,a.epoch>3&filter=b"),
        (Flags(filters=["name=a&b c%é#"]), "?filter=name=a%26b%20c%25%C3%A9%23"),
        (Flags(filters=["labels['a.b']=+"]), "?filter=labels['a.b']=%2B"),
        (Flags(ignore=["epoch", "id"], dry_run=True), "?dryrun&ignore=epoch,id"),
        (Flags(epoch=3, limit=10, sort="name=desc"), "?epoch=3&sort=name=desc&limit=10"),
    ],
)
def test_flags_stand_in_the_query_as_the_spec_reads_them(flags: Flags, query: str) -> None:
    assert flags.query == query


def test_ids_are_escaped_for_the_path() -> None:
    assert joined("dirs", "a~b:c@d", "files", "x y$details") == "/dirs/a~b:c@d/files/x%20y$details"


@pytest.mark.parametrize(
    ("kind", "status", "cls", "code"),
    [
        ("not_found", 404, errors.NotFound, 3),
        ("api_not_found", 404, errors.NotFound, 3),
        ("mismatched_epoch", 400, errors.Conflict, 5),
        ("invalid_attribute", 400, errors.CallerError, 1),
        ("action_not_supported", 405, errors.NotAllowed, 1),
        ("too_large", 406, errors.TooLarge, 1),
        ("server_busy", 503, errors.Overloaded, 6),
        ("server_error", 500, ChappeError, 7),
        ("a_later_one", 400, errors.CallerError, 1),
    ],
)
def test_an_error_of_the_spec_is_one_of_ours_with_its_name(
    kind: str, status: int, cls: type[ChappeError], code: int
) -> None:
    error = error_of(refusal(kind, status, detail="More.", args={"name": "x"}))

    assert type(error) is cls
    assert (error.code, error.message) == (kind, f"/a: {kind}. More.")
    assert (error.details["subject"], error.details["args"]) == ("/a", {"name": "x"})
    assert exit_code(error) == code


def test_an_answer_of_another_form_is_read_as_elsewhere() -> None:
    problem = {"type": "urn:chappe:error:forbidden", "code": "forbidden", "detail": "no right"}
    of_hub = error_of(
        Answer(403, {"content-type": "application/problem+json"}, json.dumps(problem).encode())
    )
    of_proxy = error_of(Answer(502, {"content-type": "text/html"}, b"<h1>Bad gateway</h1>"))

    assert (type(of_hub), of_hub.message) == (errors.Forbidden, "no right")
    assert type(of_proxy) is errors.Unavailable


async def test_a_collection_is_read_to_its_last_page() -> None:
    pages = [
        reply({"a": {"n": 1}}, link='</dirs?limit=1&cursor=x>;rel=next;count=2'),
        reply({"b": {"n": 2}}, link='</dirs?limit=1>;rel=first'),
    ]  # fmt: skip
    async with SinkServer(pages) as sink, HubClient(sink.url) as hub:
        found = await RegistryClient(hub).entity("/dirs", Flags(limit=1))

    assert found == {"a": {"n": 1}, "b": {"n": 2}}
    assert [one.target for one in sink.requests] == ["/dirs?limit=1", "/dirs?limit=1&cursor=x"]


async def test_numbers_go_and_come_as_they_are_written() -> None:
    raw = Reply(200, headers=[("content-type", "application/json")], body=b'{"n": 1.10}')
    async with SinkServer([raw, reply({})]) as sink, HubClient(sink.url) as hub:
        registry = RegistryClient(hub)
        found = await registry.entity("/")
        await registry.put("/dirs/d", {"n": Decimal("1.10"), "big": 10**30})

    assert found == {"n": Decimal("1.10")}
    assert sink.requests[1].body == b'{"n":1.10,"big":' + str(10**30).encode() + b"}"


async def test_a_deletion_says_which_by_its_body() -> None:
    async with SinkServer([Reply(204), Reply(204)]) as sink, HubClient(sink.url) as hub:
        registry = RegistryClient(hub)
        await registry.delete("/dirs", {"d1": {}})
        await registry.delete("/dirs/d2", flags=Flags(epoch=7))

    asked = [(one.method, one.target, one.body) for one in sink.requests]
    assert asked == [("DELETE", "/dirs", b'{"d1":{}}'), ("DELETE", "/dirs/d2?epoch=7", b"")]
    assert sink.requests[1].header("content-type") is None


async def test_a_dry_run_that_was_none_is_told() -> None:
    answers = [reply({}, chappe_dry_run="true"), reply({})]
    async with SinkServer(answers) as sink, HubClient(sink.url) as hub:
        registry = RegistryClient(hub)
        await registry.post("/", {}, Flags(dry_run=True))
        with pytest.raises(ChappeError, match="in earnest"):
            await registry.post("/", {}, Flags(dry_run=True))


async def test_what_is_no_json_is_told() -> None:
    async with SinkServer([Reply(200, body=b"<html>")]) as sink, HubClient(sink.url) as hub:
        with pytest.raises(ChappeError, match="no JSON"):
            await RegistryClient(hub).entity("/")
