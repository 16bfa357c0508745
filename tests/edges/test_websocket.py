"""CloudEvents over WebSockets, with a client that others have written."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from types import ModuleType
from typing import Any

import pytest
from tests.edges.http_edge import Hub, running
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from chappe.domain.access import PUBLISH, READ, Principal
from chappe.domain.event import Event
from chappe.formats import cloudevents_avro, cloudevents_protobuf

JSON = Subprotocol("cloudevents.json")
PROTO = Subprotocol("cloudevents.proto")


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    async with running() as one:
        yield one


def joined(hub: Hub, target: str, *subprotocols: Subprotocol, **more: Any) -> connect:
    offered = subprotocols or (JSON,)
    return connect(f"ws://127.0.0.1:{hub.port}{target}", subprotocols=offered, **more)


def event(id_: str, **more: object) -> str:
    return json.dumps({"specversion": "1.0", "id": id_, "source": "/s", "type": "t", **more})


async def received(one: ClientConnection) -> Any:
    async with asyncio.timeout(60):
        return json.loads(await one.recv())


async def closing(one: ClientConnection) -> tuple[int, str]:
    """The code and the reason that the hub closes with."""
    async with asyncio.timeout(60):
        await one.wait_closed()
    assert one.close_code is not None
    return one.close_code, one.close_reason or ""


async def test_1_4_the_first_known_subprotocol_is_chosen(hub: Hub) -> None:
    for offered, chosen in (
        ((JSON, PROTO), JSON),
        ((PROTO, JSON), PROTO),
        ((Subprotocol("cloudevents.odd"), JSON), JSON),
    ):
        async with joined(hub, "/events", *offered) as one:
            assert one.subprotocol == chosen


async def test_1_4_without_a_known_subprotocol_no_such_header_is_answered(hub: Hub) -> None:
    for offered in ([Subprotocol("cloudevents.odd")], None):
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"ws://127.0.0.1:{hub.port}/events", subprotocols=offered)
        response = refused.value.response
        assert response.status_code == 415
        assert "sec-websocket-protocol" not in response.headers
        assert json.loads(response.body or b"")["code"] == "unsupported_format"


async def test_what_a_client_sends_is_published(hub: Hub) -> None:
    async with joined(hub, "/events") as one:
        for number in range(300):
            await one.send(event(f"A-{number}"))
    # The hub has answered the close: all is on disk.
    found = (await hub.ask("GET", "/events?limit=1000&order=asc")).json
    assert [row["event"]["id"] for row in found if row["event"]["source"] == "/s"] != []
    assert len(found) == 300
    assert hub.counters.accepted == 300


@pytest.mark.parametrize(
    ("name", "format_"),
    [("cloudevents.proto", cloudevents_protobuf), ("cloudevents.avro", cloudevents_avro)],
)
async def test_1_5_binary_formats_go_both_ways_in_binary_messages(
    hub: Hub, name: str, format_: ModuleType
) -> None:
    sent = Event(id="A-1", source="/s", type="t", data=b"\x00\xff")
    async with (
        joined(hub, "/events/stream", Subprotocol(name)) as reader,
        joined(hub, "/events", Subprotocol(name)) as writer,
    ):
        await writer.send(format_.encode(sent))
        async with asyncio.timeout(60):
            message = await reader.recv()
        assert isinstance(message, bytes)
        assert format_.decode(message) == sent


async def test_one_connection_reads_and_publishes(hub: Hub) -> None:
    async with joined(hub, "/events/stream?type=t") as one:
        await hub.publish(ce_id="other")
        await one.send(event("A-1", data={"a": 1}))
        assert (await received(one))["data"] == {"a": 1}


async def test_a_message_in_fragments_is_one_event(hub: Hub) -> None:
    text = event("A-1", data="é" * 1000)
    async with joined(hub, "/events/stream") as one:
        await one.send([text[:10], text[10:700], text[700:]])
        assert (await received(one))["data"] == "é" * 1000


async def test_a_reader_resumes_behind_a_position(hub: Hub) -> None:
    for number in range(5):
        await hub.publish(ce_id=f"A-{number}")
    target = "/events/stream?positions=true&from="
    async with joined(hub, f"{target}earliest") as one:
        first = [await received(one) for _ in range(2)]
    async with joined(hub, f"{target}{first[-1]['position']}") as one:
        rest = [await received(one) for _ in range(3)]
    assert [found["id"] for found in first + rest] == [f"A-{number}" for number in range(5)]


async def test_receipts_tell_what_is_on_disk(hub: Hub) -> None:
    async with joined(hub, "/events?receipts=true") as one:
        await one.send(event("A-1"))
        receipt = await received(one)
        assert (receipt["type"], receipt["subject"]) == ("chappe.receipt", "A-1")
        assert receipt["data"]["duplicate"] is False
        found = await hub.ask("GET", f"/events/{receipt['data']['position']}")
        assert found.json["id"] == "A-1"
        await one.send(event("A-1"))
        again = await received(one)
        assert again["data"] == {**receipt["data"], "duplicate": True}


@pytest.mark.parametrize(
    ("message", "code", "begin"),
    [
        ("{", 1007, "invalid_event: "),
        ('{"specversion": "1.0"}', 1007, "invalid_event: "),
        (event("x", data="x" * 1_100_000), 1009, "too_large: "),
        (b"binary", 1003, "unsupported_format: cloudevents.json: text"),
    ],
    ids=["no json", "no event", "too large", "binary"],
)
async def test_a_message_that_is_refused_closes_with_its_reason(
    hub: Hub, message: str | bytes, code: int, begin: str
) -> None:
    async with joined(hub, "/events") as one:
        await one.send(event("before"))
        await one.send(message)
        found, reason = await closing(one)
    assert (found, reason.startswith(begin)) == (code, True), reason
    assert (await hub.ask("GET", "/events/before")).status == 200


async def test_a_channel_that_is_not_there_is_not_found(hub: Hub) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await joined(hub, "/channels/none/events/stream")
    assert refused.value.response.status_code == 404


async def test_a_page_of_another_origin_is_refused_where_no_token_is_asked_for(
    hub: Hub,
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await joined(hub, "/events/stream", origin="https://evil.example")
    assert refused.value.response.status_code == 403
    async with joined(hub, "/events/stream", origin=f"http://127.0.0.1:{hub.port}"):
        pass
    assert hub.parts.streams.open_readers == 0


async def test_a_handshake_of_another_version_is_refused(hub: Hub) -> None:
    reply = await hub.ask(
        "GET",
        "/events",
        {
            "upgrade": "websocket",
            "connection": "upgrade",
            "sec-websocket-key": "x3JJHMbDL1EzLkh9GBhXDw==",
            "sec-websocket-version": "8",
            "sec-websocket-protocol": "cloudevents.json",
        },
    )
    assert (reply.status, reply.code) == (400, "malformed")


class Known:
    """Two tokens: one that reads, one that publishes."""

    is_open = False

    def identify(self, token: str) -> Principal | None:
        return {
            "r": Principal("reader", frozenset({READ})),
            "w": Principal("writer", frozenset({PUBLISH})),
        }.get(token)


async def test_rights_hold_in_either_direction() -> None:
    async with running(Known()) as hub:
        for target, status in (
            ("/events", 401),
            ("/events?access_token=r", 403),
            ("/events/stream?access_token=w", 403),
        ):
            with pytest.raises(InvalidStatus) as refused:
                await joined(hub, target)
            assert refused.value.response.status_code == status
        reads = joined(hub, "/events/stream?access_token=r", origin="https://dashboard.example")
        writes = joined(hub, "/events", additional_headers={"authorization": "Bearer w"})
        async with reads as reader, writes as writer:
            await writer.send(event("A-1"))
            assert (await received(reader))["id"] == "A-1"
            await reader.send(event("A-2"))
            code, reason = await closing(reader)
        assert (code, reason[:10]) == (1008, "forbidden:")


async def test_a_reader_that_is_slow_gets_everything(hub: Hub) -> None:
    channel = hub.parts.state.value.channels["default"]
    async with joined(hub, "/events/stream", max_queue=1) as one:
        for number in range(600):
            made = Event(id=f"A-{number}", source="/s", type="t", data=b"x" * 20_000)
            await hub.log.append(channel, made)
        found = [(await received(one))["id"] for _ in range(600)]
    assert found == [f"A-{number}" for number in range(600)]


async def test_a_node_that_ends_closes_with_service_restart(hub: Hub) -> None:
    async with joined(hub, "/events/stream") as reader, joined(hub, "/events") as writer:
        hub.app.drain()
        for one in (reader, writer):
            assert await closing(one) == (1012, "this node is shutting down; come back")
        async with asyncio.timeout(60):
            await hub.app.idle()
    assert hub.parts.streams.open_readers == 0
