"""The Confluent API at the root of a port of its own, as Kafka's clients are configured for it."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.serialization import MessageField, SerializationContext
from http_edge import Hub, Reply, read_reply, running

from chappe.adapters.auth import tokens
from chappe.adapters.auth.tokens import TokenFile
from chappe.http.parts import RegistryParts
from chappe.http.registry.asked import Edge

SCHEMA = '{"type":"record","name":"Order","fields":[{"name":"id","type":"string"}]}'
CONTEXT = SerializationContext("orders", MessageField.VALUE)


@pytest_asyncio.fixture
async def hub() -> AsyncIterator[Hub]:
    async with running() as one:
        yield one


@pytest.fixture
def token(tmp_path: Path) -> str:
    return tokens.add(
        tmp_path / "tokens.json", "kafka", ["read", "subscribe"], created="2026-11-22T10:00:00Z"
    )


@pytest_asyncio.fixture
async def closed(tmp_path: Path, token: str) -> AsyncIterator[Hub]:
    """A hub that asks for tokens."""
    async with running(TokenFile(tmp_path / "tokens.json", lambda: 0.0)) as one:
        yield one


async def client_of(url: str, do: Callable[[SchemaRegistryClient], Any], **more: str) -> Any:
    """What the client makes of the hub, beside which it waits."""

    def asked() -> Any:
        with SchemaRegistryClient({"url": url, **more}) as client:
            return do(client)

    return await asyncio.to_thread(asked)


def round_trip(client: SchemaRegistryClient) -> Any:
    sent = AvroSerializer(client, SCHEMA)({"id": "A-1"}, CONTEXT)
    client.clear_caches()  # type: ignore[no-untyped-call]
    return AvroDeserializer(client)(sent, CONTEXT), client.get_subjects()


async def at_port(hub: Hub, method: str, target: str, *headers: str) -> Reply:
    """One request to the API's own port, as it goes over the wire."""
    reader, writer = await asyncio.open_connection("127.0.0.1", hub.confluent_port)
    lines = [f"{method} {target} HTTP/1.1", "host: hub", *headers, "", ""]
    writer.write("\r\n".join(lines).encode())
    try:
        return await read_reply(reader, method)
    finally:
        writer.close()
        await writer.wait_closed()


async def test_a_client_needs_no_path_at_the_port(hub: Hub) -> None:
    url = f"http://127.0.0.1:{hub.confluent_port}"
    assert await client_of(url, round_trip) == ({"id": "A-1"}, ["orders-value"])


async def test_both_ports_show_one_registry(hub: Hub) -> None:
    def register(client: SchemaRegistryClient) -> Any:
        return client.register_schema("orders-value", Schema(SCHEMA, "AVRO"))

    def look(client: SchemaRegistryClient) -> Any:
        return client.get_latest_version("orders-value").schema_id

    given = await client_of(f"http://127.0.0.1:{hub.confluent_port}", register)
    assert await client_of(f"http://127.0.0.1:{hub.port}/confluent", look) == given


async def test_the_port_has_nothing_of_the_hub_s_own_api(hub: Hub) -> None:
    for path in ("/readyz", "/events", "/schemagroups", "/confluent/subjects"):
        reply = await at_port(hub, "GET", path)
        assert (reply.status, reply.json["error_code"]) == (404, 404), path
    assert (await at_port(hub, "GET", "/")).json == {}


async def test_a_hub_that_ends_refuses_in_the_api_s_own_form(hub: Hub) -> None:
    hub.app.drain()
    for reply in (await at_port(hub, "GET", "/subjects"), await hub.ask("GET", "/confluent/")):
        assert (reply.status, reply.json["error_code"]) == (503, 503)
        assert reply.headers["content-type"] == "application/vnd.schemaregistry.v1+json"


async def test_a_body_over_the_limit_is_a_schema_that_is_too_large() -> None:
    async with running(registry=RegistryParts(Edge(body_bytes=1000))) as hub:
        body = f"content-length: {10_000}"
        reply = await at_port(hub, "POST", "/subjects/s/versions", body)
    assert (reply.status, reply.json["error_code"]) == (422, 42209)
    assert "larger than 1000 bytes (max_registry_bytes)" in reply.json["message"]


@pytest.mark.parametrize("user", ["kafka", "anybody"])
async def test_the_password_of_a_client_is_its_token(closed: Hub, token: str, user: str) -> None:
    for url in (
        f"http://127.0.0.1:{closed.confluent_port}",
        f"http://127.0.0.1:{closed.port}/confluent",
    ):
        sent = {"basic.auth.user.info": f"{user}:{token}"}
        assert await client_of(url, round_trip, **sent) == ({"id": "A-1"}, ["orders-value"])


async def test_a_client_may_send_its_token_as_a_bearer(closed: Hub, token: str) -> None:
    sent = {
        "bearer.auth.credentials.source": "STATIC_TOKEN",
        "bearer.auth.token": token,
        "bearer.auth.logical.cluster": "lsrc-1",
        "bearer.auth.identity.pool.id": "pool-1",
    }
    url = f"http://127.0.0.1:{closed.confluent_port}"
    assert (await client_of(url, round_trip, **sent))[0] == {"id": "A-1"}


@pytest.mark.parametrize("sent", [{}, {"basic.auth.user.info": "kafka:wrong"}])
async def test_a_client_without_a_token_is_told_to_sign_in(
    closed: Hub, sent: dict[str, str]
) -> None:
    url = f"http://127.0.0.1:{closed.confluent_port}"
    with pytest.raises(SchemaRegistryError) as caught:
        await client_of(url, lambda client: client.get_subjects(), **sent)
    assert (caught.value.http_status_code, caught.value.error_code) == (401, 40101)
    reply = await at_port(closed, "GET", "/subjects")
    assert reply.headers["www-authenticate"].startswith("Basic")


async def test_what_a_token_does_not_allow_is_refused(closed: Hub, token: str) -> None:
    url = f"http://127.0.0.1:{closed.confluent_port}"
    with pytest.raises(SchemaRegistryError) as caught:
        await client_of(
            url,
            lambda client: client.set_compatibility(level="NONE"),
            **{"basic.auth.user.info": f"kafka:{token}"},
        )
    assert (caught.value.http_status_code, caught.value.error_code) == (403, 40301)


@pytest.mark.parametrize(
    "sent",
    [
        "Basic",
        "Basic !!!",
        "Basic " + b64encode(b"no colon").decode(),
        "Digest username=kafka",
    ],
)
async def test_credentials_of_another_form_are_no_token(closed: Hub, sent: str) -> None:
    reply = await at_port(closed, "GET", "/subjects", f"authorization: {sent}")
    assert (reply.status, reply.json["error_code"]) == (401, 40101)


async def test_two_tokens_are_none(closed: Hub, token: str) -> None:
    basic = b64encode(f"kafka:{token}".encode()).decode()
    twice = (f"authorization: Basic {basic}", f"authorization: Bearer {token}")
    assert (await at_port(closed, "GET", "/subjects", *twice)).status == 401
