"""Events in a sink's answers, at a real hub: published, bounded in hops, and dropped where they are none."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from cli_process import Cli, chappe

from chappe.testing.http_sink import Received, Reply, SinkServer

pytestmark = [pytest.mark.engine, pytest.mark.timeout(120)]

__all__ = ["chappe"]  # a fixture

STRUCTURED = "application/cloudevents+json"


def binary(type_: str, id_: str, **extensions: str) -> Reply:
    headers = [
        ("ce-specversion", "1.0"),
        ("ce-id", id_),
        ("ce-source", "/sink"),
        ("ce-type", type_),
        ("content-type", "application/json"),
        *((f"ce-{name}", value) for name, value in extensions.items()),
    ]
    return Reply(200, headers=headers, body=b'{"ok": true}')


async def subscribed(chappe: Cli, sink: SinkServer, type_: str, *more: str) -> str:
    made = await asyncio.to_thread(
        chappe, "sub", "create", "--no-test", "--type", type_, "--to", f"{sink.url}/", *more
    )
    assert made.code == 0, made.err
    return made.lines[0]


async def sent(chappe: Cli, type_: str, *more: str) -> str:
    ran = await asyncio.to_thread(chappe, "event", "send", "--type", type_, "-d", "{}", *more)
    assert ran.code == 0, ran.err
    return ran.lines[0]


async def listed(chappe: Cli, type_: str, count: int) -> list[dict[str, Any]]:
    async with asyncio.timeout(60):
        while True:
            ran = await asyncio.to_thread(chappe, "event", "ls", "--type", type_, "-o", "json")
            if len(ran.json) >= count:
                events: list[dict[str, Any]] = [one["event"] for one in ran.json]
                return events
            await asyncio.sleep(0.1)


async def attempts_of(chappe: Cli, position: str, id_: str) -> list[dict[str, Any]]:
    ran = await asyncio.to_thread(chappe, "event", "trace", position, "--wait", "20", "-o", "json")
    [mine] = [one for one in ran.json["subscriptions"] if one["subscription"] == id_]
    attempts: list[dict[str, Any]] = mine["attempts"]
    return attempts


async def test_a_reply_in_binary_mode_is_published_with_its_hops(chappe: Cli) -> None:
    async with SinkServer(lambda _: binary("answered.binary", "r-1", tenant="acme")) as sink:
        await subscribed(chappe, sink, "asked.binary", "--set", "replies={}")
        await sent(chappe, "asked.binary")
        [event] = await listed(chappe, "answered.binary", 1)
    assert event["data"] == {"ok": True}
    assert (event["id"], event["tenant"], event["replyhops"]) == ("r-1", "acme", 1)


async def test_structured_and_batched_replies_are_published(chappe: Cli) -> None:
    event = {"specversion": "1.0", "source": "/batches", "type": "answered.batch"}

    def answer(request: Received) -> Reply:
        if request.header("ce-id") == "one":
            body = json.dumps({**event, "id": "r-1"}).encode()
            return Reply(200, headers=[("content-type", STRUCTURED)], body=body)
        body = json.dumps([{**event, "id": "r-2"}, {**event, "id": "r-3"}]).encode()
        return Reply(
            200, headers=[("content-type", "application/cloudevents-batch+json")], body=body
        )

    async with SinkServer(answer) as sink:
        await subscribed(chappe, sink, "asked.batch", "--set", "replies={}")
        await sent(chappe, "asked.batch", "--id", "one")
        await sent(chappe, "asked.batch", "--id", "two")
        events = await listed(chappe, "answered.batch", 3)
    assert {one["id"] for one in events} == {"r-1", "r-2", "r-3"}


async def test_replies_that_bring_about_replies_end(chappe: Cli) -> None:
    def answer(request: Received) -> Reply:
        return binary("round.and.round", f"r-{request.header('ce-id')}")

    async with SinkServer(answer) as sink:
        id_ = await subscribed(chappe, sink, "round.and.round", "--set", 'replies={"max_hops": 3}')
        await sent(chappe, "round.and.round", "--id", "0")
        await sink.until(lambda: sink.count == 4, within_s=60)
        last = await listed(chappe, "round.and.round", 4)
        assert sorted(one.get("replyhops", 0) for one in last) == [0, 1, 2, 3]
        ended = await asyncio.to_thread(
            chappe, "event", "ls", "--type", "round.and.round", "-o", "json"
        )
        position = next(one["position"] for one in ended.json if one["event"].get("replyhops") == 3)
        [attempt] = await attempts_of(chappe, position, id_)
        assert (attempt["result"], attempt["reason"]) == (
            "delivered",
            "1 replies were dropped: more than 3 hops",
        )
        assert sink.count == 4


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (Reply(200, headers=[("content-type", STRUCTURED)], body=b"{}"), "the reply was dropped: "),
        (
            Reply(200, headers=[("ce-specversion", "1.0"), ("ce-id", "x")], body=b"{}"),
            "the reply was dropped: ",
        ),
        (
            Reply(200, headers=[("content-type", STRUCTURED)], body=b" " * 1_100_000),
            "the reply was dropped: more than 1048576 bytes",
        ),
    ],
)
async def test_a_reply_that_is_no_event_is_noted_and_the_event_is_delivered(
    chappe: Cli, reply: Reply, says: str
) -> None:
    async with SinkServer(lambda _: reply) as sink:
        type_ = f"broken.{len(reply.body)}.{len(reply.headers)}"
        id_ = await subscribed(chappe, sink, type_, "--set", "replies={}")
        position = await sent(chappe, type_)
        [attempt] = await attempts_of(chappe, position, id_)
    assert attempt["result"] == "delivered"
    assert attempt["reason"].startswith(says)


async def test_nobody_who_did_not_ask_gets_replies_published(chappe: Cli) -> None:
    async with SinkServer(lambda _: binary("never.published", "r-1")) as sink:
        id_ = await subscribed(chappe, sink, "asked.nobody")
        position = await sent(chappe, "asked.nobody")
        [attempt] = await attempts_of(chappe, position, id_)
        assert (attempt["result"], attempt.get("reason")) == ("delivered", None)
    ran = await asyncio.to_thread(chappe, "event", "ls", "--type", "never.published", "-o", "json")
    assert ran.json == []


async def test_an_answer_that_is_no_event_is_no_reply(chappe: Cli) -> None:
    answer = Reply(200, headers=[("content-type", "application/json")], body=b'{"ok": 1}')
    async with SinkServer(lambda _: answer) as sink:
        id_ = await subscribed(chappe, sink, "asked.plain", "--set", "replies={}")
        position = await sent(chappe, "asked.plain")
        [attempt] = await attempts_of(chappe, position, id_)
    assert (attempt["result"], attempt.get("reason")) == ("delivered", None)
