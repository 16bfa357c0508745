"""GET /openapi.json (OpenAPI 3.1.0): valid, complete, and true to what the hub answers."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from typing_extensions import override

from chappe.domain.channel import Channel
from chappe.domain.event import Event
from chappe.formats.confluent.contracts import parse_metadata
from chappe.formats.confluent.identity import Content
from chappe.http.confluent.routes import ROUTES as CONFLUENT
from chappe.http.openapi import document
from chappe.http.openapi_examples import SENT, SHOWN
from chappe.http.openapi_problems import codes, kinds
from chappe.http.routes import ROUTES
from chappe.http.schemaregistry.answers import PREFIX as SCHEMA_REGISTRY
from chappe.kit.any_json import encode_json
from chappe.registry.capabilities import DEFAULT, FLAGS, UNSPECIFIED
from chappe.registry.hub_model import hub_model
from chappe.registry.model import Model
from chappe.registry.model_source import compile_model
from chappe.testing.certificates import Authority
from tests.edges.http_edge import Hub, Reply, running

HUB_MODEL = compile_model(hub_model())
HUB_LISTS = (
    "/events", "/channels/{channel}/events", "/events/stream", "/channels/{channel}/events/stream",
    "/find", "/services", "/services/{id}",
)  # fmt: skip
"""The hub's own paths that have parameters of the same names."""
METHODS = ("get", "put", "patch", "post", "delete")
ODD = {
    "attributes": {"mascot": {"type": "string", "required": True, "default": "owl"}},
    "groups": {
        "dirs": {
            "singular": "dir",
            "attributes": {
                "level": {
                    "type": "integer",
                    "ifvalues": {
                        "1": {"siblingattributes": {"low": {"type": "boolean", "required": True}}},
                        "2": {"siblingattributes": {"*": {"type": "string"}}},
                    },
                },
                "kind": {"type": "string", "enum": ["A/b", "c"]},
                "sizes": {"type": "array", "item": {"type": "uinteger"}, "enum": [1, 2]},
                "tags": {"type": "map", "item": {"type": "object", "attributes": {}}},
            },
            "resources": {
                "files": {"singular": "file"},
                "events": {"singular": "event", "hasdocument": False},
            },
        },
        "more": {"singular": "one", "ximportresources": ["/dirs/files"]},
    },
}


def published(model: Model = HUB_MODEL, **capabilities: Any) -> Any:
    return json.loads(encode_json(document(model, {**DEFAULT, **capabilities})))


def operations(api: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    for path, item in api["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def parameters(api: Mapping[str, Any], path: str, method: str) -> set[str]:
    found = api["paths"][path][method].get("parameters", [])
    return {
        one["name"] if "name" in one else one["$ref"].rpartition("/")[2]
        for one in found
    }  # fmt: skip


# Validity


@pytest.mark.parametrize(
    ("source", "capabilities"),
    [
        (hub_model(), DEFAULT),
        (hub_model(), {**DEFAULT, "pagination": True, "shortself": True}),
        (ODD, DEFAULT),
        ({}, UNSPECIFIED),
    ],
    ids=["hub", "all", "odd", "nothing"],
)
def test_the_document_is_openapi_3_1(source: Any, capabilities: Any) -> None:
    api = json.loads(encode_json(document(compile_model(source), capabilities)))

    assert list(OpenAPIV31SpecValidator(api).iter_errors()) == []
    assert api["openapi"] == "3.1.0"
    ids = [one["operationId"] for _, _, one in operations(api)]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("source", [hub_model(), ODD], ids=["hub", "odd"])
def test_every_schema_compiles_and_refers_to_what_there_is(source: Any) -> None:
    api = published(compile_model(source))

    for name in api["components"]["schemas"]:
        assert validator(api, {"$ref": f"#/components/schemas/{name}"}) is not None
    for text in re.findall(r'"\$ref": "#/components/(\w+/[\w.-]+)"', json.dumps(api)):
        kind, name = text.split("/")
        assert name in api["components"][kind], text


# Completeness


def test_every_route_of_the_hub_is_there() -> None:
    api = published()

    for route in ROUTES:
        for method in route.methods:
            assert method.lower() in api["paths"][route.path], (method, route.path)


def test_every_route_of_the_confluent_api_is_there_with_its_right() -> None:
    api = published()

    shown = {
        (path, method): operation["x-chappe-right"]
        for path, method, operation in operations(api)
        if operation["tags"] == ["confluent"]
    }
    admin = {
        (f"/confluent/{path}", method)
        for path in ("config", "mode")
        for method in ("put", "delete")
    }
    assert shown == {
        at: "admin" if at in admin else operation.right
        for path, methods in CONFLUENT.items()
        for method, operation in methods.items()
        for at in [(f"/confluent/{path}".rstrip("/"), method.lower())]
    }


def test_a_type_of_the_model_has_its_paths() -> None:
    api = published(compile_model(ODD))

    above = "/dirs/{gid}/files"
    assert {path for path in api["paths"] if path.startswith(above)} == {
        above,
        f"{above}/{{rid}}",
        f"{above}/{{rid}}$details",
        f"{above}/{{rid}}/meta",
        f"{above}/{{rid}}/versions",
        f"{above}/{{rid}}/versions/{{vid}}",
        f"{above}/{{rid}}/versions/{{vid}}$details",
    }
    assert "/dirs/{gid}/events/{rid}$details" not in api["paths"]
    assert "/more/{gid}/files/{rid}/meta" in api["paths"]


def test_what_the_capabilities_do_not_list_is_not_there() -> None:
    api = published(**UNSPECIFIED)

    assert not {"/export", "/modelsource", "/.xregistry"} & api["paths"].keys()
    assert set(api["paths"]["/capabilities"]) == {"get"}
    assert "put" in api["paths"]["/channels/{gid}"]
    for path, method, one in operations(api):
        if one["tags"] in (["confluent"], ["dead letters"], ["subscriptions"]):
            continue
        if path not in HUB_LISTS:
            assert not parameters(api, path, method) & {*FLAGS, "limit"}, (path, method)


def test_a_flag_stands_where_it_means_something() -> None:
    api = published(pagination=True)

    assert {"sort", "filter", "limit", "cursor"} <= parameters(api, "/endpoints", "get")
    assert not {"sort", "limit", "epoch"} & parameters(api, "/endpoints/{gid}", "get")
    assert "epoch" in parameters(api, "/endpoints/{gid}", "delete")
    assert {"ignore", "dryrun", "If-Match"} <= parameters(api, "/endpoints/{gid}", "put")


# Schemas of attributes


def validator(api: Any, schema: Any) -> jsonschema_rs.Draft202012Validator:
    return _validator(Shared(api["components"]), json.dumps(schema))


class Shared:
    """The components of one document, to be told from others by their identity."""

    def __init__(self, components: Any) -> None:
        self.components = components

    @override
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Shared) and other.components is self.components

    @override
    def __hash__(self) -> int:
        return id(self.components)


@lru_cache(maxsize=256)
def _validator(shared: Shared, schema: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(
        {**json.loads(schema), "components": shared.components}, validate_formats=True
    )


ODD_API = published(compile_model(ODD))


def sendable(name: str, value: Any) -> bool:
    return validator(ODD_API, {"$ref": f"#/components/schemas/{name}-sent"}).is_valid(value)


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        ({}, True),
        ({"name": None, "labels": {"a": "b", "c": None}}, True),
        ({"labels": {"A": "b"}}, False),
        ({"epoch": "ignored when it is no number", "self": 1}, True),
        ({"kind": "A/b"}, True),
        ({"kind": "d"}, False),
        ({"sizes": [1, 2, 1]}, True),
        ({"sizes": [3]}, False),
        ({"level": 3}, True),
        ({"level": 1, "low": True}, True),
        ({"level": 1}, False),
        ({"low": True}, True),  # the other value of `level` lets any name stand there
        ({"tags": {"a": {}}}, True),
        ({"tags": {"a": {"b": 1}}}, False),
        ({"files": {"f": {"file": {"a": 1}, "meta": {"readonly": True}}}}, True),
        ({"files": {"f": {"versions": {"v": {"epoch": 1}}}}}, True),
        ({"files": {"?": {}}}, False),
    ],
)
def test_what_may_be_sent_of_an_entity(value: Any, fits: bool) -> None:
    assert sendable("dirs", value) is fits


def test_core_model_ifvalues_bring_their_siblings_in_any_case() -> None:
    api = published()
    check = validator(api, {"$ref": "#/components/schemas/messagegroups.messages-version-sent"})

    options = {"headers": [{"name": "x"}]}
    assert check.is_valid({"protocol": "http", "protocoloptions": options})
    assert check.is_valid({"protocol": "HTTP/1.1", "protocoloptions": options})
    assert not check.is_valid({"protocol": "HTTP", "protocoloptions": {"headers": [{}]}})
    assert not check.is_valid({"protocoloptions": options})


# What the hub answers

FORMAT = "JsonSchema/draft-07"
SCHEMA = {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"}
ENTITIES: Mapping[str, Any] = {
    "/channels/invoices": {"shards": 2, "labels": {"a": "b"}},
    "/endpoints/shop": {
        "usage": ["Subscriber"],
        "envelope": "CloudEvents/1.0",
        "protocol": "http",
        "protocoloptions": {"endpoints": [{"uri": "https://shop.example"}], "method": "PUT"},
        "deprecated": {"effective": "2026-01-01T00:00:00Z"},
        "messages": {"own": {"envelope": "none"}},
    },
    "/endpoints/hub/subscriptions/s-1": {
        "sink": "https://billing.example/",
        "protocol": "HTTP",
        "sinkcredential": {"credentialtype": "PLAIN", "identifier": "me", "secret": "hunter2"},
    },
    "/endpoints/hub/sources/shop": {
        "url": "kafka://k1:9092,k2:9092",
        "protocol": "KAFKA",
        "protocolsettings": {"topics": ["orders"]},
        "tls": {"ca": Authority().pem},
    },
    "/endpoints/hub/sources/gh": {
        "protocol": "WEBHOOK",
        "protocolsettings": {"provider": "github", "attributes": {"team": "shop"}},
        "verification": {"scheme": "none"},
    },
    "/messagegroups/shop/messages/order.paid": {
        "envelope": "CloudEvents/1.0",
        "envelopemetadata": {"type": {"value": "order.paid"}},
        "protocol": "KAFKA",
        "protocoloptions": {"headers": {"a": {"name": "a"}}},
        "dataschemaformat": FORMAT,
        "dataschema": SCHEMA,
        "datacontenttype": "application/json",
    },
    "/schemagroups/shop/schemas/order$details": {
        "format": FORMAT,
        "schema": SCHEMA,
        "anything": {"deep": [1, None]},
    },
    "/schemagroups/shop/schemas/order/versions/v2$details": {
        "format": FORMAT,
        "schemabase64": "e30=",
    },
    "/schemagroups/shop/schemas/elsewhere$details": {
        "format": FORMAT,
        "schemaurl": "https://shop.example/order.json",
    },
    "/schemagroups/shop/schemas/mirror/meta": {"xref": "/schemagroups/shop/schemas/order"},
    "/schemagroups/shop/schemas/lost/meta": {"xref": "/schemagroups/shop/schemas/none"},
    "/services/books": {
        "name": "Books",
        "specversions": ["1.0"],
        "subscriptionurl": "https://books.example/subscriptions",
        "protocols": ["HTTP"],
        "events": [{"type": "book.sold"}],
    },
}
OWNED = {"properties": {"owner": "shop"}}
IDS = {
    "channels": ("invoices",),
    "deadletters": ("0-1-0",),
    "endpoints": ("hub", "shop"),
    "messagegroups": ("shop",),
    "schemagroups": ("shop",),
    "subscriptions": ("s-1",),
    "sources": ("shop", "gh"),
    "messages": ("own", "order.paid"),
    "schemas": ("order", "elsewhere", "mirror", "lost"),
    "versions": ("1", "v2"),
    "services": ("books",),
    "types": ("book.sold", "order.paid"),
    "subjects": ("orders",),
    "ids": ("1",),
    "guids": (Content("AVRO", '"string"', metadata=parse_metadata(OWNED)).guid,),
    "config": ("orders",),
    "mode": ("orders",),
    "contexts": (".shop",),
    "resources": ("lkc1",),
    "lkc1": ("orders",),
}
SUBJECT = (
    ("PUT", "config/orders", {"compatibility": "FULL", "normalize": True}),
    ("PUT", "mode/orders", {"mode": "READWRITE"}),
    ("POST", "subjects/orders/versions", {"schema": '"string"', "metadata": OWNED}),
    (
        "PUT",
        "associations/resources/lkc1",
        {
            "resourceName": "orders",
            "resourceNamespace": "lkc1",
            "associations": [
                {"associationType": "value", "subject": "orders", "lifecycle": "WEAK"}
            ],
        },
    ),
)
BY_URI = "?uri=/schemagroups/shop/schemas/order/versions/1"
ACTS = {"/subscriptions/{id}/grant"}
"""What a GET does something by, and asks for a key (see tests/edges/test_handshake.py)."""

FLAGS_READ = ("", "?inline", "?doc", "?doc&inline=*", "?binary&inline=*", "?collections")


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    async with running() as hub:
        for path, value in ENTITIES.items():
            made = await hub.declare(path, value)
            assert made.status in (200, 201), (path, made)
        for method, path, body in SUBJECT:
            made = await hub.ask(method, f"/confluent/{path}", {}, json.dumps(body))
            assert made.status == 200, (path, made)
        letter = Event(
            id="e",
            source="/s",
            type="t",
            extensions={"deadletterreason": "500", "deadletterattempts": 3},
        )
        await hub.log.append(Channel("deadletters", 1), letter)
        yield hub


def concrete(path: str, reference: str) -> Iterator[str]:
    """The path with ids of what there is: "/dirs/{gid}" -> "/dirs/d1"."""
    found = re.search(r"([\w.]+)/\{(\w+)\}", path)
    if found is None:
        yield path
        return
    plural, name = found.groups()
    ids = (
        (reference,) if name == "reference" else ("default",) if name == "channel" else IDS[plural]
    )
    for id in ids:
        yield from concrete(path.replace(f"{{{name}}}", id, 1), reference)


def check_answer(api: Any, path: str, method: str, reply: Reply, at: str) -> None:
    """The answer's status, content type and body are among those of the operation."""
    responses = api["paths"][path][method]["responses"]
    told = responses.get(str(reply.status)) or responses.get(f"{reply.status // 100}XX")
    assert told is not None, (at, reply.status, reply.body)
    if "$ref" in told:
        told = api["components"]["responses"][told["$ref"].rpartition("/")[2]]
    contents = told.get("content", {})
    if not reply.body:
        return
    # A document has no content type where nobody gave one.
    type = reply.headers.get("content-type", "").partition(";")[0]
    content = contents.get(type) or contents.get("*/*")
    assert content is not None, (at, reply.status, type)
    if "json" in type:
        validator(api, content["schema"]).validate(reply.json)


async def test_the_hub_publishes_the_document_with_its_own_url(hub: Hub) -> None:
    reply = await hub.ask("GET", "/openapi.json", {})

    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    assert reply.json["servers"] == [{"url": "http://hub"}]
    assert "/endpoints/{gid}/subscriptions/{rid}" in reply.json["paths"]
    assert (await hub.ask("GET", "/openapi.json", {"accept-encoding": "gzip"})).body[
        :2
    ] == b"\x1f\x8b"


async def test_a_type_that_is_put_into_the_model_is_published_at_once(hub: Hub) -> None:
    source = hub_model()
    source["groups"]["dirs"] = ODD["groups"]["dirs"]  # type: ignore[index]
    assert (await hub.declare("/modelsource", source)).status == 200

    api = (await hub.ask("GET", "/openapi.json")).json

    assert "/dirs/{gid}/files/{rid}$details" in api["paths"]


async def test_what_is_read_is_as_the_document_says(hub: Hub) -> None:
    reference = (await hub.publish("/events")).json["position"]
    api = (await hub.ask("GET", "/openapi.json")).json
    seen: set[tuple[str, int]] = set()

    for path in api["paths"]:
        if "get" not in api["paths"][path]:
            continue
        for at in concrete(path, reference):
            taken = parameters(api, path, "get")
            flags = FLAGS_READ if "inline" in taken else (BY_URI,) if "uri" in taken else ("",)
            for query in flags:
                reply = await hub.ask("GET", at + query)
                check_answer(api, path, "get", reply, at + query)
                seen.add((path, reply.status))

    read = {path for path, status in seen if status in (200, 303)}
    assert read | ACTS == {path for path, method, _ in operations(api) if method == "get"}


async def test_options_of_a_path_are_the_documents(hub: Hub) -> None:
    api = (await hub.ask("GET", "/openapi.json")).json

    for path, item in api["paths"].items():
        for at in concrete(path, "1-1-0"):
            allowed = (await hub.ask("OPTIONS", at)).headers["allow"].lower().split(", ")
            assert set(allowed) - {"head", "options"} == item.keys() & set(METHODS), at


WRITES: Mapping[str, tuple[tuple[str, str, Any], ...]] = {
    "channels": (
        ("PUT", "/channels/{gid}", {"shards": 1}),
        ("PATCH", "/channels/{gid}", {"name": "x"}),
        ("POST", "/channels", {"more": {"shards": 1}}),
    ),
    "registry": (
        ("PATCH", "/", {"name": "x"}),
        ("POST", "/", {"endpoints": {"e1": {"protocol": "NATS"}}}),
        ("PATCH", "/capabilities", {"pagination": True}),
        ("PUT", "/modelsource", hub_model()),
    ),
    "schemas": (
        ("PUT", "/schemagroups/{gid}/schemas/{rid}", "raw"),
        ("POST", "/schemagroups/{gid}/schemas/{rid}", "raw"),
        ("POST", "/schemagroups/{gid}/schemas/{rid}$details", {"format": FORMAT, "schema": {}}),
        ("PATCH", "/schemagroups/{gid}/schemas/{rid}$details", {"name": "x"}),
        ("PUT", "/schemagroups/{gid}/schemas/{rid}/meta", {"defaultversionid": "1"}),
        ("PATCH", "/schemagroups/{gid}/schemas/{rid}/meta", {"labels": {"a": "b"}}),
        (
            "POST",
            "/schemagroups/{gid}/schemas/{rid}/versions",
            {"v9": {"format": FORMAT, "schema": {}}},
        ),
        ("DELETE", "/schemagroups/{gid}/schemas/{rid}/versions/{vid}", None),
        ("DELETE", "/schemagroups/{gid}/schemas", {"s1": {"meta": {"epoch": 99}}}),
        ("DELETE", "/schemagroups/{gid}/schemas", None),
        ("POST", "/schemagroups/{gid}", {"schemas": {"s2": {"format": FORMAT, "schema": {}}}}),
        ("DELETE", "/schemagroups/{gid}", None),
    ),
    "schemaregistry": (
        ("PUT", f"{SCHEMA_REGISTRY}/schemagroups/{{group}}", {"description": "x", "format": None}),
        ("POST", f"{SCHEMA_REGISTRY}/schemagroups/{{group}}/schemas/{{schema}}", "raw"),
        (
            "DELETE",
            f"{SCHEMA_REGISTRY}/schemagroups/{{group}}/schemas/{{schema}}/versions/{{version}}",
            None,
        ),
        ("DELETE", f"{SCHEMA_REGISTRY}/schemagroups/{{group}}/schemas", None),
        ("DELETE", f"{SCHEMA_REGISTRY}/schemagroups/{{group}}", None),
    ),
    "hub": (
        ("POST", "/subscriptions", {"sink": "https://a.example/", "protocol": "HTTP"}),
        ("DELETE", "/subscriptions/{id}", None),
        ("DELETE", "/services/{id}", None),
        ("DELETE", "/services", [{"id": "none"}]),
        ("POST", "/events", {}),
        ("POST", "/validate?schema=/schemagroups/shop/schemas/order", {"a": 1}),
        (
            "POST",
            "/subscriptions",
            {"sink": "https://a.example/", "protocol": "HTTP", "filters": [{"sql": "TRUE"}]},
        ),
    ),
}


@pytest.mark.parametrize("name", WRITES)
async def test_what_is_written_is_answered_as_the_document_says(hub: Hub, name: str) -> None:
    api = (await hub.ask("GET", "/openapi.json")).json
    ids = {"{gid}": "shop", "{rid}": "order", "{vid}": "v2", "{id}": "s-1"}
    ids |= {"{group}": "shop", "{schema}": "order", "{version}": "1"}
    statuses = []

    for method, path, value in WRITES[name]:
        at, path = path, path.partition("?")[0]
        for part, id in ids.items():
            at = at.replace(part, "new" if (part, name) == ("{gid}", "channels") else id)
        headers = {"xregistry-format": FORMAT} if value == "raw" else {}
        body = "" if value is None else json.dumps(SCHEMA if value == "raw" else value)
        if isinstance(value, dict) and value:
            content = api["paths"][path][method.lower()]["requestBody"]["content"]
            schema = (content.get("application/json") or content["*/*"])["schema"]
            validator(api, schema).validate(value)
        reply = await hub.ask(method, at, headers, body)
        check_answer(api, path, method.lower(), reply, f"{method} {at}")
        statuses.append(reply.status)

    refused = 1 if name == "hub" else 0  # an event needs attributes
    assert sum(status >= 300 for status in statuses) == refused, statuses


async def test_a_refusal_is_as_the_document_says(hub: Hub) -> None:
    api = (await hub.ask("GET", "/openapi.json")).json

    for path, method, one in operations(api):
        reply = await hub.ask(method.upper(), path.replace("{", "").replace("}", ""), {}, b"\xff")
        if reply.status >= 400:
            check_answer(api, path, method, reply, f"{method} {path}")
            assert one["responses"]


# Problems, parameters, examples


def test_every_query_parameter_of_a_route_is_there() -> None:
    api = published()

    for route in ROUTES:
        for method, endpoint in route.methods.items():
            shared = {one["name"] for one in api["paths"][route.path].get("parameters", ())}
            told = parameters(api, route.path, method.lower()) | shared
            assert set(endpoint.parameters or ()) <= told, (method, route.path)


def test_every_operation_of_the_hub_tells_each_status_with_its_problems() -> None:
    api = published()
    told: set[str] = set()

    for path, method, one in operations(api):
        if one["tags"] == ["confluent"] or one.get("security") == []:
            continue
        for status, response in one["responses"].items():
            if status.isdigit() and int(status) >= 400:
                name = response["$ref"].rpartition("/")[2]
                found = api["components"]["responses"][name]
                for content in found["content"].values():
                    for part in content["schema"].get("allOf", ()):
                        told |= set(part.get("properties", {}).get("type", {}).get("enum", ()))
        known = {"401", "403"} if "x-chappe-right" in one else {"401"}
        assert {"400", "500", "503"} | known <= one["responses"].keys(), (method, path)
    assert {f"urn:chappe:error:{code}" for code in codes()} - OF_NO_OPERATION <= told
    assert {kind for kinds_of in kinds().values() for kind in kinds_of} <= told


OF_NO_OPERATION = {
    "urn:chappe:error:method_not_allowed",  # an operation is there
}


def test_every_code_that_is_documented_is_published() -> None:
    text = (Path(__file__).parents[2] / "docs" / "errors.md").read_text(encoding="utf-8")
    own = text.partition("\n## Of the registry\n")[0]
    documented = dict(re.findall(r"^\| `(\w+)` \| (\d{3}) \|", own, re.M))

    known = {code: str(status) for code, status in codes().items()}
    assert known == {code: one for code, one in documented.items() if code != "invalid_setting"}


def test_the_examples_fit_their_schemas() -> None:
    api = published()
    seen: set[str] = set()

    for _, _, one in operations(api):
        bodies = [one["requestBody"]] if "requestBody" in one else []
        bodies += [told for told in one["responses"].values() if "$ref" not in told]
        for body in bodies:
            for content in body.get("content", {}).values():
                if "example" in content:
                    validator(api, content["schema"]).validate(content["example"])
                    seen.add(one["operationId"])
    assert seen == SENT.keys() | SHOWN.keys()


def test_the_other_forms_of_an_entity_are_there() -> None:
    paths = published()["paths"]

    def forms(path: str) -> set[str]:
        return set(paths[path]["get"]["responses"]["200"]["content"])

    assert "application/vnd.aai.asyncapi+json" in forms("/endpoints/{gid}")
    assert "text/markdown" in forms("/schemagroups/{gid}/schemas/{rid}")
    assert forms("/channels/{gid}") == {"application/json"}


def test_the_examples_of_problems_fit_their_schemas() -> None:
    api = published()

    for name, response in api["components"]["responses"].items():
        for content in response.get("content", {}).values():
            for one in content.get("examples", {}).values():
                assert validator(api, content["schema"]).is_valid(one["value"]), name
