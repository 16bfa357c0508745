"""Every operation that Confluent documents for its registry, with what it answers and what it refuses.

The table has the 47 operations of the OpenAPI document of Confluent's community edition (release 8.4),
in its order. Where that document and the release's source do not agree, the source holds, and a comment
says so. `refused` is None where there is no error but that of a failing store.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple

import jsonschema_rs
import pytest
import pytest_asyncio
from typing_extensions import override

from chappe.adapters.memory.registry_log import MemoryRegistryLog
from chappe.domain.errors import Unavailable
from chappe.formats.languages import Languages
from chappe.http.confluent.routes import ROUTES
from chappe.http.openapi import document
from chappe.kit.any_json import encode_json
from chappe.ports.authorizer import Open
from chappe.registry.capabilities import DEFAULT
from chappe.registry.hub_model import hub_model
from chappe.registry.model_source import compile_model
from tests.spec.confluent_hub import MEDIA, STRING, Api, api_of, languages, record

__all__ = ("languages",)

GUID = "ffffffff-ffff-ffff-ffff-ffffffffffff"
AVRO = {"schema": STRING}
WRONG = {"schema": "{"}
OTHER = {"schema": '"int"'}
OWNED = {
    "resourceName": "bills",
    "resourceNamespace": "lkc1",
    "resourceId": "r-2",
    "associations": [{"associationType": "value", "schema": AVRO}],
}
SHARED = {
    "resourceName": "orders",
    "resourceNamespace": "lkc1",
    "associations": [{"associationType": "value", "subject": "shared", "lifecycle": "WEAK"}],
}


class Asking(NamedTuple):
    """A request: where to, and with what."""

    path: str
    body: Any = None


class Documented(NamedTuple):
    """An operation: a request that it does, and one that it refuses with (status, code)."""

    method: str
    template: str
    done: Asking
    status: int
    refused: tuple[Asking, int, int] | None = None

    @override
    def __str__(self) -> str:
        return f"{self.method} {self.template}"


OPERATIONS = [
    Documented(
        "POST", "/associations", Asking("/associations", OWNED), 200,
        (Asking("/associations", {**OWNED, "associations": []}), 422, 42212),
    ),
    Documented(
        "POST", "/compatibility/subjects/{subject}/versions/{version}",
        Asking("/compatibility/subjects/orders/versions/latest", AVRO), 200,
        (Asking("/compatibility/subjects/orders/versions/7", AVRO), 404, 40402),
    ),
    Documented("GET", "/", Asking("/"), 200),
    Documented("POST", "/", Asking("/", {}), 200),
    Documented(
        "POST", "/compatibility/subjects/{subject}/versions",
        Asking("/compatibility/subjects/orders/versions", AVRO), 200,
        (Asking("/compatibility/subjects/orders/versions", WRONG), 422, 42201),
    ),
    Documented("GET", "/config", Asking("/config"), 200),
    Documented(
        "PUT", "/config", Asking("/config", {"compatibility": "FULL"}), 200,
        (Asking("/config", {"compatibility": "SOME"}), 422, 42203),
    ),
    Documented("DELETE", "/config", Asking("/config"), 200),
    Documented(
        "GET", "/config/{subject}", Asking("/config/orders"), 200,
        # Documented is 40401; the source has a code of its own for it.
        (Asking("/config/none"), 404, 40408),
    ),
    Documented(
        "PUT", "/config/{subject}", Asking("/config/orders", {"compatibility": "FULL"}), 200,
        (Asking("/config/orders", {"compatibility": "SOME"}), 422, 42203),
    ),
    Documented(
        "DELETE", "/config/{subject}", Asking("/config/orders"), 200,
        (Asking("/config/none"), 404, 40401),
    ),
    Documented("GET", "/contexts", Asking("/contexts"), 200),
    Documented("GET", "/mode", Asking("/mode"), 200),
    Documented(
        "PUT", "/mode", Asking("/mode", {"mode": "READONLY"}), 200,
        (Asking("/mode", {"mode": "SOME"}), 422, 42204),
    ),
    Documented("DELETE", "/mode", Asking("/mode"), 200),
    Documented(
        "GET", "/mode/{subject}", Asking("/mode/orders"), 200,
        # Documented is 40401; the source has a code of its own for it.
        (Asking("/mode/none"), 404, 40409),
    ),
    Documented(
        "PUT", "/mode/{subject}", Asking("/mode/orders", {"mode": "READONLY"}), 200,
        (Asking("/mode/orders", {"mode": "IMPORT"}), 422, 42205),
    ),
    Documented(
        "DELETE", "/mode/{subject}", Asking("/mode/orders"), 200,
        (Asking("/mode/none"), 404, 40401),
    ),
    Documented("GET", "/schemas", Asking("/schemas"), 200),
    Documented(
        "GET", "/schemas/ids/{id}", Asking("/schemas/ids/1"), 200,
        (Asking("/schemas/ids/99"), 404, 40403),
    ),
    Documented(
        "GET", "/schemas/ids/{id}/subjects", Asking("/schemas/ids/1/subjects"), 200,
        (Asking("/schemas/ids/99/subjects"), 404, 40403),
    ),
    Documented(
        "GET", "/schemas/ids/{id}/versions", Asking("/schemas/ids/1/versions"), 200,
        (Asking("/schemas/ids/99/versions"), 404, 40403),
    ),
    Documented("GET", "/schemas/types", Asking("/schemas/types"), 200),
    Documented("GET", "/subjects", Asking("/subjects"), 200),
    Documented(
        "POST", "/subjects/{subject}", Asking("/subjects/orders", AVRO), 200,
        (Asking("/subjects/orders", OTHER), 404, 40403),
    ),
    Documented(
        "DELETE", "/subjects/{subject}", Asking("/subjects/orders"), 200,
        (Asking("/subjects/none"), 404, 40401),
    ),
    Documented(
        "GET", "/subjects/{subject}/versions", Asking("/subjects/orders/versions"), 200,
        (Asking("/subjects/none/versions"), 404, 40401),
    ),
    Documented(
        "POST", "/subjects/{subject}/versions", Asking("/subjects/new/versions", OTHER), 200,
        (Asking("/subjects/orders/versions", WRONG), 422, 42201),
    ),
    Documented(
        "GET", "/subjects/{subject}/versions/{version}", Asking("/subjects/orders/versions/1"), 200,
        (Asking("/subjects/orders/versions/0"), 422, 42202),
    ),
    Documented(
        "DELETE", "/subjects/{subject}/versions/{version}", Asking("/subjects/orders/versions/1"),
        200, (Asking("/subjects/orders/versions/9"), 404, 40402),
    ),
    Documented(
        "GET", "/subjects/{subject}/versions/{version}/referencedby",
        Asking("/subjects/orders/versions/1/referencedby"), 200,
        (Asking("/subjects/none/versions/1/referencedby"), 404, 40401),
    ),
    Documented(
        "GET", "/subjects/{subject}/versions/{version}/schema",
        Asking("/subjects/orders/versions/latest/schema"), 200,
        (Asking("/subjects/orders/versions/first/schema"), 422, 42202),
    ),
    Documented("GET", "/v1/metadata/id", Asking("/v1/metadata/id"), 200),
    Documented(
        "GET", "/schemas/ids/{id}/schema", Asking("/schemas/ids/1/schema"), 200,
        (Asking("/schemas/ids/99/schema"), 404, 40403),
    ),
    Documented("GET", "/v1/metadata/version", Asking("/v1/metadata/version"), 200),
    Documented(
        "GET", "/subjects/{subject}/metadata",
        Asking("/subjects/owned/metadata?key=owner&value=shop"), 200,
        (Asking("/subjects/owned/metadata?key=owner&value=bank"), 404, 40403),
    ),
    Documented(
        "POST", "/subjects/{subject}/versions/{version}/tags",
        Asking(
            "/subjects/owned/versions/1/tags",
            {
                "tagsToAdd": [
                    {"schemaEntity": {"entityPath": "O.id", "entityType": "sr_field"}, "tags": ["PII"]}
                ]
            },
        ), 200,
        (
            Asking(
                "/subjects/owned/versions/1/tags",
                {
                    "tagsToAdd": [
                        {"schemaEntity": {"entityPath": "O.no", "entityType": "sr_field"}, "tags": ["A"]}
                    ]
                },
            ), 422, 42201,
        ),
    ),
    Documented(
        "GET", "/associations/resources/{resourceId}", Asking("/associations/resources/r-1"), 200
    ),
    Documented(
        "PUT", "/associations/resources/{resourceId}",
        Asking("/associations/resources/r-1", SHARED), 200,
        (Asking("/associations/resources/r-1", {**SHARED, "resourceId": "r-9"}), 422, 42212),
    ),
    Documented(
        # Documented is 200 with the association; the source answers without a body.
        "DELETE", "/associations/resources/{resourceId}",
        Asking("/associations/resources/r-1"), 204,
        (Asking("/associations/resources/r-9"), 404, 40410),
    ),
    Documented(
        "GET", "/associations/resources/{resourceNamespace}/{resourceName}",
        Asking("/associations/resources/lkc1/orders"), 200,
    ),
    Documented(
        "GET", "/associations/subjects/{subject}", Asking("/associations/subjects/shared"), 200
    ),
    Documented(
        "POST", "/associations:batch",
        Asking(
            "/associations:batch",
            {
                "requests": [
                    {
                        "resourceId": "r-1",
                        "resourceName": "orders",
                        "resourceNamespace": "lkc1",
                        "associations": [{"opType": "DELETE", "associationType": "value"}],
                    }
                ]
            },
        ), 207,
    ),
    Documented(
        # Documented is 40401 for one that is not there; the source answers 204 as for one that is.
        "DELETE", "/contexts/{context}", Asking("/contexts/.empty"), 204,
        (Asking("/contexts/."), 422, 42211),
    ),
    Documented(
        # Documented is 40403 for a guid that is not there; the source answers an empty list.
        "GET", "/schemas/guids/{guid}/ids", Asking("/schemas/guids/{guid}/ids"), 200
    ),
    Documented(
        "GET", "/schemas/guids/{guid}", Asking("/schemas/guids/{guid}"), 200,
        (Asking(f"/schemas/guids/{GUID}"), 404, 40403),
    ),
    Documented("GET", "/v1/metadata/deployment", Asking("/v1/metadata/deployment"), 200),
]  # fmt: skip

ENTERPRISE: Mapping[str, str] = {
    "/exporters": "schema linking is of the enterprise edition; its document has no such paths",
    "/dek-registry/v1/keks": "keys for encryption on clients are another API, with its own document",
}
"""Paths that clients may ask for and the 47 operations do not have, and why they are not there."""


class FailingLog(MemoryRegistryLog):
    """A log that acknowledges nothing once it is broken."""

    broken = False

    @override
    async def commit(self, transaction: bytes, *, expected_revision: int) -> int:
        if self.broken:
            raise Unavailable("the engine does not answer")
        return await super().commit(transaction, expected_revision=expected_revision)


@pytest.fixture
def log() -> FailingLog:
    return FailingLog()


@pytest_asyncio.fixture
async def api(languages: Languages, log: FailingLog) -> AsyncIterator[Api]:
    """A registry in which there is something for each operation."""
    api = await api_of(languages, log, Open())
    for reply in (
        await api.put("orders", STRING),
        await api.put("shared", STRING),
        await api.put(
            "owned", record("O", id="string"), metadata={"properties": {"owner": "shop"}}
        ),
        await api.ask("PUT", "/config/orders", {"compatibility": "BACKWARD"}),
        await api.ask("PUT", "/mode/orders", {"mode": "READWRITE"}),
        await api.ask("PUT", "/mode/:.empty:", {"mode": "READWRITE"}),
        await api.ask("PUT", "/associations/resources/r-1", SHARED),
    ):
        assert reply.status == 200, reply
    yield api


async def ask(api: Api, method: str, one: Asking) -> Any:
    path = one.path
    if "{guid}" in path:
        shown = await api.ask("GET", "/subjects/orders/versions/1")
        path = path.replace("{guid}", shown.json["guid"])
    return await api.ask(method, path, one.body)


def test_all_documented_operations_are_in_the_table() -> None:
    assert len({(one.method, one.template) for one in OPERATIONS}) == 47


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
async def test_an_operation_is_done(api: Api, operation: Documented) -> None:
    reply = await ask(api, operation.method, operation.done)
    assert reply.status == operation.status, reply
    if reply.body:
        shown = published(operation)["responses"][str(reply.status)]["content"][MEDIA.decode()]
        validator(shown["schema"]).validate(reply.json)


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
async def test_what_an_operation_takes_is_published(operation: Documented) -> None:
    sent = published(operation).get("requestBody")
    if sent is not None:
        validator(sent["content"][MEDIA.decode()]["schema"]).validate(operation.done.body)
    else:
        assert not operation.done.body


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.refused], ids=str)
async def test_an_operation_refuses_with_its_code(api: Api, operation: Documented) -> None:
    assert operation.refused is not None
    asking, status, code = operation.refused
    revision = api.register.state.value.revision
    assert (await ask(api, operation.method, asking)).code == (status, code)
    assert api.register.state.value.revision == revision


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
async def test_an_operation_tells_when_the_store_fails(
    api: Api, log: FailingLog, operation: Documented
) -> None:
    # A schema without an id yet, which the next request of the API has to write.
    await api.write(
        "PUT",
        "/schemagroups/g/schemas/s$details",
        {"format": "Avro/1.12", "schema": {"type": "string"}},
    )
    log.broken = True
    path = operation.done.path.replace("{guid}", GUID)
    assert (await api.ask(operation.method, path, operation.done.body)).code == (500, 50001)


async def test_a_batch_tells_of_each_request_what_it_refuses(api: Api) -> None:
    reply = await api.ask("POST", "/associations:batch", {"requests": [{"resourceId": "r-1"}]})
    assert (reply.status, reply.json["results"][0]["error"]["error_code"]) == (207, 42212)


@pytest.mark.parametrize("path", ENTERPRISE)
async def test_what_is_not_there_is_answered_as_no_path(api: Api, path: str) -> None:
    reply = await api.ask("GET", path)
    assert (reply.status, reply.json["message"]) == (404, "HTTP 404 Not Found")


def test_the_routes_have_nothing_besides_but_what_newer_clients_ask_for() -> None:
    documented = {(one.method, _shape(one.template)) for one in OPERATIONS}
    served = {
        (method, _shape(f"/{path}")) for path, methods in ROUTES.items() for method in methods
    }
    assert documented <= served
    assert served - documented == {
        ("POST", "/associations:batchGet"),
        ("POST", "/associations:batchMutate"),
    }


DOCUMENT: Any = json.loads(encode_json(document(compile_model(hub_model()), DEFAULT)))


def published(operation: Documented) -> Any:
    """The operation as /openapi.json has it."""
    wanted = _shape(f"/confluent{operation.template}".rstrip("/"))
    (path,) = [one for one in DOCUMENT["paths"] if _shape(one) == wanted]
    return DOCUMENT["paths"][path][operation.method.lower()]


def validator(schema: Any) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(
        {**schema, "components": DOCUMENT["components"]}, validate_formats=True
    )


def _shape(template: str) -> str:
    return "/".join("{}" if part.startswith("{") else part for part in template.split("/"))
