"""Sinks that must agree first: a real hub asks them, and delivers nothing before (webhook spec 4)."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from cli_process import Cli, chappe

from chappe.testing.http_sink import Received, Reply, SinkServer

pytestmark = [pytest.mark.engine, pytest.mark.timeout(120)]

__all__ = ["chappe"]  # a fixture

ALLOW = "WebHook-Allowed-Origin"
RATE = "WebHook-Allowed-Rate"


class Target:
    """Answers the validation request with these headers, and takes events."""

    def __init__(self, *headers: tuple[str, str]) -> None:
        self.headers = headers

    def __call__(self, request: Received) -> Reply:
        if request.method == "OPTIONS":
            return Reply(200, headers=self.headers)
        return Reply(204)


def asked(sink: SinkServer) -> list[Received]:
    return [one for one in sink.requests if one.method == "OPTIONS"]


def delivered(sink: SinkServer) -> list[Received]:
    return [one for one in sink.requests if one.method == "POST"]


async def subscribed(chappe: Cli, sink: SinkServer, type_: str, *more: str) -> str:
    made = await asyncio.to_thread(
        chappe, "sub", "create", "--no-test", "--type", type_, "--to", f"{sink.url}/hook?x=1",
        "--header", "x-key=hunter2", "--set", "handshake=required", *more,
    )  # fmt: skip
    assert made.code == 0, made.err
    return made.lines[0]


async def sent(chappe: Cli, type_: str) -> None:
    ran = await asyncio.to_thread(chappe, "event", "send", "--type", type_, "-d", "{}")
    assert ran.code == 0, ran.err


async def answer_of(url: str | Request) -> tuple[int, Any]:
    def ask() -> tuple[int, Any]:
        try:
            with urlopen(url, timeout=10) as answer:
                return answer.status, json.loads(answer.read())
        except HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    return await asyncio.to_thread(ask)


async def state_of(chappe: Cli, id_: str) -> str:
    shown = await asyncio.to_thread(chappe, "sub", "get", id_, "-o", "json")
    state: str = shown.json["status"]["state"]
    return state


async def test_4_a_sink_that_agrees_is_delivered_to(chappe: Cli) -> None:
    async with SinkServer(Target((ALLOW, "*"), (RATE, "*"))) as sink:
        await subscribed(chappe, sink, "agrees", "--set", "rate.per_second=50")
        await sent(chappe, "agrees")
        await sink.until(lambda: len(delivered(sink)) == 1, within_s=60)
    [first, *_] = asked(sink)
    assert first.target == "/hook?x=1"
    assert first.header("webhook-request-origin") == "127.0.0.1"
    assert first.header("webhook-request-rate") == "3000"
    assert (first.header("webhook-request-callback") or "").startswith(chappe.url)
    assert first.header("x-key") is None  # who has not agreed may be anybody
    [event] = delivered(sink)
    assert event.header("webhook-request-origin") == "127.0.0.1"
    assert event.header("x-key") == "hunter2"


@pytest.mark.parametrize("origin", ["127.0.0.1.attacker.example", "hub.example"])
async def test_4_2_a_sink_that_names_another_origin_gets_nothing(chappe: Cli, origin: str) -> None:
    type_ = f"denies.{origin}"
    async with SinkServer(Target((ALLOW, origin), (RATE, "*"))) as sink:
        id_ = await subscribed(chappe, sink, type_)
        await sent(chappe, type_)
        await sink.until(lambda: bool(asked(sink)), within_s=60)
        assert await state_of(chappe, id_) == "awaiting grant"
        # It agrees later, at the callback; the event that waited arrives.
        callback = asked(sink)[0].header("webhook-request-callback") or ""
        assert not delivered(sink)
        assert (await answer_of(f"{callback}x"))[0] == 404
        request = Request(callback, b"", {RATE: "120"}, method="POST")
        assert await answer_of(request) == (200, {"subscription": id_, "granted": True})
        await sink.until(lambda: len(delivered(sink)) == 1, within_s=60)
        assert await state_of(chappe, id_) == "active"


async def test_4_1_3_a_browser_may_agree_for_a_sink(chappe: Cli) -> None:
    async with SinkServer(Target()) as sink:
        id_ = await subscribed(chappe, sink, "by.hand")
        await sink.until(lambda: bool(asked(sink)), within_s=60)
        callback = asked(sink)[0].header("webhook-request-callback") or ""
        assert await answer_of(callback) == (200, {"subscription": id_, "granted": True})
        await sent(chappe, "by.hand")
        await sink.until(lambda: len(delivered(sink)) == 1, within_s=60)
        # Another address must agree itself.
        present = (await asyncio.to_thread(chappe, "sub", "get", id_, "-o", "json")).json
        moved = {**present, "sink": f"{sink.url}/elsewhere"}
        await asyncio.to_thread(chappe.put, f"/subscriptions/{id_}", json.dumps(moved).encode())
        await sink.until(lambda: asked(sink)[-1].target == "/elsewhere", within_s=60)
        assert await state_of(chappe, id_) == "awaiting grant"
