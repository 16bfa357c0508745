"""The API's paths, media types, errors and rights."""

from __future__ import annotations

import base64
import json

import pytest

from chappe.adapters.memory.registry_log import MemoryRegistryLog
from chappe.domain.access import Principal, Right
from chappe.formats.languages import Languages
from chappe.ports.authorizer import Authorizer
from tests.spec.confluent_hub import MEDIA, STRING, Api, api, api_of, languages

__all__ = ("api", "languages")

JSON = b"application/json"
PLAIN = b"application/vnd.schemaregistry+json"


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        (None, MEDIA),
        ("*/*", MEDIA),
        ("application/*", MEDIA),
        ("application/json", JSON),
        ("application/json;q=0.5, application/vnd.schemaregistry+json", PLAIN),
        ("application/vnd.schemaregistry.v1+json, application/json", MEDIA),
        ("application/json; q=0.9, */*; q=0.1", JSON),
        ("*", MEDIA),
        ("*/whatever", MEDIA),
        ("application/json; q=0.5, *; q=0.9", MEDIA),
    ],
)
async def test_an_answer_is_of_the_media_type_that_is_asked_for(
    api: Api, accept: str | None, answered: bytes
) -> None:
    reply = await api.ask("GET", "/subjects", headers={} if accept is None else {"accept": accept})
    assert (reply.status, reply.headers[b"content-type"]) == (200, answered)


async def test_other_media_types_are_not_given_or_taken(api: Api) -> None:
    assert (await api.ask("GET", "/subjects", headers={"accept": "text/html"})).code == (406, 406)
    sent = {"content-type": "text/plain"}
    reply = await api.ask("POST", "/subjects/s", {"schema": STRING}, headers=sent)
    assert reply.code == (415, 415)
    sent = {"content-type": "application/octet-stream"}
    assert (await api.ask("POST", "/", {}, headers=sent)).json == {}


@pytest.mark.parametrize("path", ["/nowhere", "/subjects/s/versions/1/x", "/schemas/x", "/v1"])
async def test_a_path_that_is_none(api: Api, path: str) -> None:
    reply = await api.ask("GET", path)
    assert reply.json == {"error_code": 404, "message": "HTTP 404 Not Found"}
    assert reply.headers[b"content-type"] == MEDIA
    assert (await api.ask("OPTIONS", path)).code == (404, 404)


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/subjects"), ("DELETE", "/schemas/ids/1"), ("PATCH", "/"), ("GET", "/contexts/.a")],
)
async def test_a_method_that_a_path_has_not(api: Api, method: str, path: str) -> None:
    reply = await api.ask(method, path)
    assert reply.code == (405, 405)
    asked = await api.ask("OPTIONS", path)
    assert asked.status == 204
    assert reply.headers[b"allow"] == asked.headers[b"allow"]
    assert method.encode() not in asked.headers[b"allow"].split(b", ")


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"", (422, 422)), (b"null", (422, 422)), (b"{", (400, 400)), (b"[]", (400, 400))],
)
async def test_a_body_that_is_none(api: Api, body: bytes, code: tuple[int, int]) -> None:
    assert (await api.ask("POST", "/subjects/s/versions", body)).code == code


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be", "utf-32-le"])
async def test_a_body_may_be_in_another_encoding_of_unicode(api: Api, encoding: str) -> None:
    body = json.dumps(
        {"schema": '{"type":"fixed","name":"F","size":2,"doc":"Größe"}'}, ensure_ascii=False
    )
    sent = body.encode(encoding)
    headers = {"content-type": f"{MEDIA.decode()}; charset={encoding}"}
    assert (await api.ask("POST", "/subjects/s/versions", sent, headers=headers)).status == 200
    shown = (await api.ask("GET", "/subjects/s/versions/1")).json
    assert json.loads(shown["schema"])["doc"] == "Größe"


async def test_a_body_that_ends_within_a_character(api: Api) -> None:
    sent = '{"schema": "x"}'.encode("utf-16") + b"\0"
    assert (await api.ask("POST", "/subjects/s/versions", sent)).code == (400, 400)


async def test_paths_may_end_with_a_slash(api: Api) -> None:
    assert (await api.ask("GET", "/subjects/")).json == []


async def test_who_the_server_is(api: Api) -> None:
    assert (await api.ask("GET", "/")).json == {}
    assert (await api.ask("GET", "/schemas/types")).json == ["AVRO", "JSON", "PROTOBUF"]
    assert (await api.ask("GET", "/v1/metadata/id")).json["scope"]["path"] == []
    assert (await api.ask("GET", "/v1/metadata/version")).json["version"]
    assert (await api.ask("GET", "/v1/metadata/deployment")).json == {"attributes": []}


class Tokens:
    """Each right has a token of its own name."""

    is_open = False

    def identify(self, token: str) -> Principal | None:
        rights: dict[str, Right] = {"read": "read", "subscribe": "subscribe", "admin": "admin"}
        if token not in rights:
            return None
        return Principal(token, frozenset({"read", rights[token]}))


_: type[Authorizer] = Tokens


@pytest.mark.parametrize(
    ("method", "path", "body", "least"),
    [
        ("GET", "/subjects", None, "read"),
        ("POST", "/subjects/s", {"schema": STRING}, "read"),
        ("POST", "/compatibility/subjects/s/versions", {"schema": STRING}, "read"),
        ("POST", "/subjects/s/versions", {"schema": STRING}, "subscribe"),
        ("DELETE", "/subjects/s", None, "subscribe"),
        ("PUT", "/config/s", {"compatibility": "NONE"}, "subscribe"),
        ("PUT", "/config", {"compatibility": "NONE"}, "admin"),
        ("PUT", "/mode", {"mode": "READONLY"}, "admin"),
        ("DELETE", "/contexts/.shop/config", None, "admin"),
    ],
)
async def test_rights(
    languages: Languages, method: str, path: str, body: object, least: str
) -> None:
    api = await api_of(languages, MemoryRegistryLog(), Tokens())
    order = ["none", "read", "subscribe", "admin"]
    for token in order:
        reply = await api.ask(method, path, body, headers={"authorization": f"Bearer {token}"})
        if token == "none":
            assert reply.code == (401, 40101)
            assert reply.headers[b"www-authenticate"].startswith(b"Basic")
        elif order.index(token) < order.index(least):
            assert reply.code == (403, 40301)
        else:
            assert reply.status not in (401, 403)


async def test_a_password_is_a_token(languages: Languages) -> None:
    api = await api_of(languages, MemoryRegistryLog(), Tokens())
    sent = base64.b64encode(b"anybody:read").decode()
    reply = await api.ask("GET", "/subjects", headers={"authorization": f"Basic {sent}"})
    assert reply.json == []
