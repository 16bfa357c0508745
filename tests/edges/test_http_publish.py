"""POST on the events routes, over real HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import pytest
from http_edge import EVENT, ORDERS, Reply, read_reply, running
from typing_extensions import override

from chappe.domain.channel import DEFAULT
from chappe.domain.errors import ChappeError, Overloaded, Unavailable
from chappe.domain.event import Event
from chappe.domain.position import Position
from chappe.domain.trace_context import TraceContext
from chappe.formats.receipt import Receipt
from chappe.http.parts import Limits

STRUCTURED = {"content-type": "application/cloudevents+json"}
BATCH = {"content-type": "application/cloudevents-batch+json"}
SCHEMA = {
    "validation": "enforce",
    "envelope": "CloudEvents/1.0",
    "dataschemaformat": "JSONSchema/draft-07",
    "dataschema": {
        "type": "object",
        "required": ["total"],
        "properties": {"total": {"type": "number"}},
    },
}


def event(id_: str, **changes: object) -> dict[str, object]:
    base: dict[str, object] = {"specversion": "1.0", "id": id_, "source": "/s", "type": "t"}
    return {**base, **changes}


class Refusing:
    """A flow whose engine is in trouble."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def __call__(
        self, channel: str, event: Event, hop: TraceContext | None = None
    ) -> Receipt:
        raise self._error

    async def all(
        self, channel: str, events: Sequence[Event], hop: TraceContext | None = None
    ) -> Sequence[Receipt]:
        raise self._error


async def test_an_accepted_event_is_in_the_log_at_the_position_that_was_answered() -> None:
    async with running() as hub:
        reply = await hub.publish(body=b'{"total": 1}', ce_subject="eu-1")
        assert reply.status == 202
        assert reply.headers["content-type"] == "application/json"
        assert reply.headers["location"] == f"/events/{reply.json['position']}"
        assert reply.json["duplicate"] is False
        position = Position.parse(reply.json["position"])
        stored = await hub.log.get(hub.parts.state.value.channels[DEFAULT], position)
        assert stored is not None
        assert (stored.id, stored.subject, stored.data) == ("A-1017", "eu-1", b'{"total": 1}')


async def test_a_repeated_event_gets_the_position_of_the_first() -> None:
    async with running() as hub:
        first = await hub.publish()
        again = await hub.publish()
        assert again.json == {"position": first.json["position"], "duplicate": True}
        assert (hub.counters.accepted, hub.counters.duplicates) == (2, 1)


async def test_a_structured_event_is_accepted() -> None:
    async with running() as hub:
        reply = await hub.ask("POST", "/events", STRUCTURED, json.dumps(event("1", data={"a": 1})))
        assert reply.status == 202


async def test_an_event_on_another_channel_is_found_there() -> None:
    async with running() as hub:
        reply = await hub.publish("/channels/orders/events")
        assert reply.headers["location"].startswith("/channels/orders/events/")
        found = await hub.ask("GET", reply.headers["location"])
        assert found.json["id"] == "A-1017"


async def test_a_batch_answers_positions_in_its_order_and_indexes_of_duplicates() -> None:
    async with running() as hub:
        events = [event("1"), event("2"), event("1")]
        reply = await hub.ask("POST", "/channels/orders/events", BATCH, json.dumps(events))
        assert reply.status == 202
        assert len(reply.json["positions"]) == 3
        assert reply.json["positions"][0] == reply.json["positions"][2]
        assert reply.json["duplicates"] == [2]


async def test_an_empty_batch_stores_nothing() -> None:
    async with running() as hub:
        reply = await hub.ask("POST", "/events", BATCH, "[]")
        assert (reply.status, reply.json) == (202, {"positions": [], "duplicates": []})


async def test_a_batch_with_bad_events_names_each_by_index_and_stores_none() -> None:
    async with running() as hub:
        events = [event("1"), event(""), event("3"), {"id": "4"}]
        reply = await hub.ask("POST", "/channels/orders/events", BATCH, json.dumps(events))
        assert (reply.status, reply.code) == (400, "invalid_batch")
        assert [error["index"] for error in reply.json["errors"]] == [1, 3]
        assert reply.json["errors"][0]["code"] == "invalid_event"
        assert reply.json["errors"][0]["attribute"] == "id"
        assert reply.json["errors"][0]["detail"]
        assert (await hub.log.extent(ORDERS)).last_block == 0


async def test_an_invalid_event_names_attribute_value_rule_and_section() -> None:
    async with running() as hub:
        reply = await hub.publish(ce_time="yesterday")
        assert (reply.status, reply.code) == (400, "invalid_event")
        assert reply.json["attribute"] == "time"
        assert "yesterday" in reply.json["value"]
        assert reply.json["rule"]
        assert reply.json["spec"]
        assert hub.counters.rejected == {"invalid_event": 1}


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"content-type": "application/cloudevents+yaml"}, b"x"),
        ({"content-type": "application/json"}, b"{}"),
        ({}, b""),
    ],
    ids=["unknown format", "no event", "nothing"],
)
async def test_what_is_no_event_is_unsupported(headers: dict[str, str], body: bytes) -> None:
    async with running() as hub:
        reply = await hub.ask("POST", "/events", headers, body)
        assert (reply.status, reply.code) == (415, "unsupported_format")


async def test_an_enforced_schema_refuses_and_says_where() -> None:
    async with running() as hub:
        made = await hub.declare("/messagegroups/shop/messages/order.paid", SCHEMA)
        assert made.status == 201
        reply = await hub.publish(body=b'{"total": "x"}')
        assert (reply.status, reply.code) == (422, "schema_mismatch")
        assert reply.json["errors"][0] | {"message": ""} == {
            "pointer": "/total",
            "rule": "type",
            "value": '"x"',
            "message": "",
        }


async def test_a_schema_in_mode_warn_accepts_with_warnings() -> None:
    async with running() as hub:
        schema = {**SCHEMA, "validation": "warn"}
        await hub.declare("/messagegroups/shop/messages/order.paid", schema)
        reply = await hub.publish(body=b'{"total": "x"}')
        assert reply.status == 202
        assert reply.json["warnings"][0]["index"] == 0
        assert reply.json["warnings"][0]["pointer"] == "/total"
        bad = [event("1"), event("2", type="order.paid", data={"total": "x"})]
        batch = await hub.ask("POST", "/events", BATCH, json.dumps(bad))
        assert [warning["index"] for warning in batch.json["warnings"]] == [1]


async def test_a_schema_without_validation_is_known_and_not_checked() -> None:
    async with running() as hub:
        schema = {name: value for name, value in SCHEMA.items() if name != "validation"}
        made = await hub.declare("/messagegroups/shop/messages/order.paid", schema)
        assert made.status == 201
        reply = await hub.publish(body=b'{"total": "x"}')
        assert (reply.status, "warnings" in reply.json) == (202, False)


@pytest.mark.parametrize(
    ("channel", "status", "code"),
    [
        ("nowhere", 404, "not_found"),
        ("attempts", 400, "malformed"),
        ("registry", 400, "malformed"),
        ("a%FFb", 400, "malformed"),
    ],
)
async def test_a_channel_that_takes_no_events_says_so(channel: str, status: int, code: str) -> None:
    async with running() as hub:
        reply = await hub.publish(f"/channels/{channel}/events")
        assert (reply.status, reply.code) == (status, code)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Unavailable("the engine does not answer"), 503, "unavailable"),
        (Overloaded("4096 events wait"), 503, "overloaded"),
    ],
)
async def test_trouble_that_passes_asks_for_another_try(
    error: ChappeError, status: int, code: str
) -> None:
    async with running(accept=Refusing(error)) as hub:
        reply = await hub.publish()
        assert (reply.status, reply.code) == (status, code)
        assert int(reply.headers["retry-after"]) >= 1


async def test_a_mistake_of_the_hub_tells_the_caller_nothing_of_its_inside(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with running(accept=Refusing(KeyError("secret-place"))) as hub:
        reply = await hub.publish()
        assert (reply.status, reply.code) == (500, "internal")
        assert b"secret-place" not in reply.body
        assert len([one for one in caplog.records if one.exc_info]) == 1


async def test_a_body_of_exactly_the_limit_passes_and_one_byte_more_does_not() -> None:
    async with running(limits=Limits(2000, 2000)) as hub:
        assert (await hub.publish(body=b"x" * 2000)).status == 202
        reply = await hub.publish(body=b"x" * 2001)
        assert (reply.status, reply.code) == (413, "too_large")
        assert reply.json["limit_bytes"] == 2000


def chunked(*chunks: bytes) -> bytes:
    head = "".join(f"{name}: {value}\r\n" for name, value in EVENT.items())
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    start = f"POST /events HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n{head}\r\n"
    return start.encode() + body + b"0\r\n\r\n"


async def test_a_chunked_body_is_put_together() -> None:
    async with running() as hub:
        reply = await hub.say(chunked(b'{"a"', b": ", b"1}"))
        position = Position.parse(reply.json["position"])
        stored = await hub.log.get(hub.parts.state.value.channels[DEFAULT], position)
        assert stored is not None
        assert stored.data == b'{"a": 1}'


async def test_a_chunked_body_that_tells_no_length_is_cut_off_at_the_limit() -> None:
    async with running(limits=Limits(200_000, 200_000)) as hub:
        reply = await hub.say(chunked(*[b"x" * 50_000] * 10))
        assert (reply.status, reply.code) == (413, "too_large")


async def test_expect_100_continue_is_answered_before_the_body_is_sent() -> None:
    async with running() as hub, hub.connection() as (reader, writer):
        head = "".join(f"{name}: {value}\r\n" for name, value in EVENT.items())
        writer.write(
            f"POST /events HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n"
            f"content-length: 2\r\n{head}\r\n".encode()
        )
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 Continue")
        writer.write(b"{}")
        assert (await read_reply(reader)).status == 202


async def test_a_body_that_is_too_large_is_refused_before_it_is_sent() -> None:
    async with running(limits=Limits(1000, 1000)) as hub:
        reply = await hub.say(
            b"POST /events HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n"
            b"content-length: 5000\r\n\r\n"
        )
        assert (reply.status, reply.headers["connection"]) == (413, "close")


async def test_a_client_that_goes_away_while_it_sends_leaves_no_event_and_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with running() as hub:
        async with hub.connection() as (_, writer):
            writer.write(b"POST /events HTTP/1.1\r\nhost: x\r\ncontent-length: 50\r\n\r\nhalf")
            await writer.drain()
        assert (await hub.publish()).status == 202
        hub.app.drain()
        await hub.app.idle()
        assert hub.counters.accepted == 1
        assert not [one for one in caplog.records if one.levelname == "ERROR"]


async def test_requests_of_one_connection_are_answered_in_their_order() -> None:
    async with running() as hub, hub.connection() as (reader, writer):
        writer.write(b"".join(chunked(b"%d" % number) for number in range(5)))
        replies: list[Reply] = [await read_reply(reader) for _ in range(5)]
        assert [reply.json["duplicate"] for reply in replies] == [False, True, True, True, True]


@pytest.mark.parametrize(
    ("query", "says"),
    [("?channel=x", "takes none"), ("?access_tokn=1", "access_token"), ("?a=%FF", "'a'")],
)
async def test_publishing_takes_no_unknown_parameters(query: str, says: str) -> None:
    async with running() as hub:
        reply = await hub.publish(f"/events{query}")
        assert (reply.status, reply.code) == (400, "malformed")
        assert says in reply.json["detail"] or "access_token" in reply.json["detail"]


async def test_a_draining_hub_refuses_what_comes_and_finishes_what_is_under_way() -> None:
    started, release = asyncio.Event(), asyncio.Event()

    class Slow(Refusing):
        @override
        async def __call__(
            self, channel: str, event: Event, hop: TraceContext | None = None
        ) -> Receipt:
            started.set()
            await release.wait()
            return Receipt(Position(0, 1, 0))

    async with running(accept=Slow(KeyError())) as hub:
        async with asyncio.TaskGroup() as tasks:
            under_way = tasks.create_task(hub.publish())
            await started.wait()
            hub.app.drain()
            refused = await hub.publish()
            assert (refused.status, refused.code) == (503, "unavailable")
            assert refused.headers["connection"] == "close"
            assert int(refused.headers["retry-after"]) >= 1
            release.set()
            assert (await under_way).status == 202
        await hub.app.idle()


async def test_a_draining_hub_is_alive_and_not_ready() -> None:
    async with running() as hub:
        hub.app.drain()
        assert (await hub.ask("GET", "/livez")).status == 200
        ready = await hub.ask("GET", "/readyz")
        assert (ready.status, ready.json["status"]) == (503, "draining")


async def test_one_event_has_a_smaller_limit_than_a_batch() -> None:
    async with running(limits=Limits(event_bytes=1_000, batch_bytes=5_000)) as hub:
        batch = [{**EVENT_JSON, "id": str(number), "data": "x" * 300} for number in range(6)]
        body = json.dumps(batch).encode()
        assert len(body) > 1_000
        batched = {"content-type": "application/cloudevents-batch+json"}
        assert (await hub.ask("POST", "/events", batched, body)).status == 202
        assert (await hub.publish(body=b"x" * 1_001)).status == 413


async def test_a_batch_of_too_many_events_is_refused_whole() -> None:
    async with running(limits=Limits(batch_events=2)) as hub:
        batch = [{**EVENT_JSON, "id": str(number)} for number in range(3)]
        batched = {"content-type": "application/cloudevents-batch+json"}
        reply = await hub.ask("POST", "/events", batched, json.dumps(batch).encode())
        assert (reply.status, reply.code, reply.json["limit_events"]) == (413, "too_large", 2)
        assert hub.counters.accepted == 0


EVENT_JSON = {"specversion": "1.0", "source": "/s", "type": "t"}
