"""Publishing: batches that gather, refusals told event by event, several nodes, and a sink."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import pytest

from chappe.client.client import Client
from chappe.client.trying import Retry
from chappe.client.views import Receipt
from chappe.domain.errors import (
    CallerError,
    ChappeError,
    InvalidBatch,
    InvalidEvent,
    Malformed,
    TooLarge,
    Unavailable,
)
from chappe.domain.event import Event
from chappe.testing.http_sink import Received, Reply, SinkServer

JSON = [("content-type", "application/json")]
BRIEF = Retry(deadline_s=20, base_s=0.001, most_s=0.01)


def reply(body: object, status: int = 202, **headers: str) -> Reply:
    return Reply(status, headers=[*JSON, *headers.items()], body=json.dumps(body).encode())


def problem(status: int, code: str, **members: object) -> Reply:
    return reply({"code": code, "detail": "because", **members}, status)


def event(id_: str, size: int = 0) -> Event:
    return Event(id=id_, source="/s", type="t", data=b'"' + b"x" * size + b'"', text=True)


class Hub:
    """What a hub does with a batch, and what it stored; `bad` ids are refused, `most` is its limit."""

    def __init__(self, bad: Sequence[str] = (), most: int = 10_000) -> None:
        self.bad, self.most = bad, most
        self.stored: list[str] = []
        self.requests: list[int] = []

    def __call__(self, request: Received) -> Reply:
        found = json.loads(request.body)
        events = found if isinstance(found, list) else [found]
        self.requests.append(len(events))
        ids = [str(one["id"]) for one in events]
        if len(events) > self.most:
            return problem(413, "too_large")
        refused = [index for index, id_ in enumerate(ids) if id_ in self.bad]
        if refused and not isinstance(found, list):
            return problem(400, "invalid_event")
        if refused:
            errors = [
                {"index": index, "code": "invalid_event", "detail": "no"} for index in refused
            ]
            return problem(400, "invalid_batch", errors=errors)
        duplicates = [index for index, id_ in enumerate(ids) if id_ in self.stored]
        self.stored += [id_ for id_ in ids if id_ not in self.stored]
        positions = [f"0-{self.stored.index(id_)}-0" for id_ in ids]
        if isinstance(found, list):
            return reply({"positions": positions, "duplicates": duplicates})
        return reply({"position": positions[0], "duplicate": bool(duplicates)})


async def test_a_publish_is_tried_again_as_the_same_event() -> None:
    answers = [
        problem(503, "overloaded"),
        problem(503, "unavailable"),
        reply({"position": "0-1-0"}),
    ]
    async with SinkServer(answers) as sink, Client(sink.url, retry=BRIEF, source="/s") as hub:
        receipt = await hub.publish("t", {"a": 1})

    assert receipt.position == "0-1-0"
    bodies = {request.body for request in sink.requests}
    assert (len(sink.requests), len(bodies)) == (3, 1)


async def test_what_is_refused_is_not_tried_again() -> None:
    async with SinkServer([problem(400, "invalid_event")]) as sink:
        async with Client(sink.url, retry=BRIEF, source="/s") as hub:
            with pytest.raises(InvalidEvent):
                await hub.publish("t")

    assert len(sink.requests) == 1


async def test_retry_after_beyond_the_deadline_ends_the_tries() -> None:
    answers = [reply({"code": "overloaded", "detail": "full"}, 503, **{"retry-after": "60"})]
    async with SinkServer(answers) as sink:
        async with Client(sink.url, retry=BRIEF, source="/s") as hub:
            with pytest.raises(Unavailable, match="full"):
                await hub.publish("t")

    assert len(sink.requests) == 1


async def test_another_node_is_asked_where_one_is_gone_and_stays_the_first() -> None:
    async with SinkServer(Hub()) as one, SinkServer(Hub()) as two:
        gone = one.url
        await one.stop()
        async with Client([gone, two.url], retry=BRIEF, source="/s") as hub:
            receipts = [await hub.publish("t") for _ in range(3)]

    assert len(receipts) == len(two.requests) == 3


async def test_no_more_are_under_way_than_allowed() -> None:
    under_way: list[int] = []

    def slow(request: Received) -> Reply:
        under_way.append(len(sink.connections))
        return Reply(202, headers=JSON, body=b'{"position": "0-1-0"}', delay_s=0.01)

    async with SinkServer(slow) as sink:
        async with Client(sink.url, max_in_flight=3, source="/s") as hub:
            await asyncio.gather(*(hub.publish("t") for _ in range(20)))

    assert len(under_way) == 20
    assert max(under_way) <= 3


async def test_each_event_of_many_is_told_what_became_of_it() -> None:
    hub_ = Hub(bad=["3", "700"], most=400)
    async with SinkServer(hub_) as sink, Client(sink.url, retry=BRIEF) as hub:
        events = [event(str(number)) for number in range(1_000)]
        told = await hub.publish_each([*events, events[0]])

    refused = [index for index, one in enumerate(told) if isinstance(one, ChappeError)]
    assert refused == [3, 700]
    assert hub_.stored == [str(number) for number in range(1_000) if number not in (3, 700)]
    last = told[-1]
    assert isinstance(last, Receipt)
    assert (last.duplicate, last.position) == (True, "0-0-0")


async def test_a_batch_is_all_or_nothing_and_names_those_refused() -> None:
    async with SinkServer(Hub(bad=["b"])) as sink, Client(sink.url, retry=BRIEF) as hub:
        with pytest.raises(InvalidBatch) as refused:
            await hub.publish_batch([event("a"), event("b")])

    assert list(refused.value.errors) == [1]


async def test_an_event_that_is_too_large_alone_is_told_so() -> None:
    async with SinkServer(Hub(most=0)) as sink, Client(sink.url, retry=BRIEF) as hub:
        (first, second) = await hub.publish_each([event("a"), event("b")])

    assert isinstance(first, TooLarge)
    assert isinstance(second, TooLarge)


async def test_a_publisher_sends_what_gathers_in_order() -> None:
    hub_ = Hub()
    async with SinkServer(hub_) as sink, Client(sink.url, source="/s") as hub:
        async with hub.publisher(linger_ms=50, max_batch=100) as publisher:
            pending = [await publisher.put("t", id=str(number)) for number in range(250)]
            receipts = [await one for one in pending]

    assert hub_.stored == [str(number) for number in range(250)]
    assert [receipt.position for receipt in receipts] == [f"0-{n}-0" for n in range(250)]
    assert max(hub_.requests) <= 100
    assert len(hub_.requests) < 25


async def test_a_publisher_sends_what_is_left_when_its_block_or_its_client_ends() -> None:
    hub_ = Hub()
    async with SinkServer(hub_) as sink:
        async with Client(sink.url, source="/s") as hub:
            async with hub.publisher(linger_ms=60_000) as publisher:
                await publisher.put("t", id="a")
            other = await hub.publisher(linger_ms=60_000).__aenter__()
            await other.put("t", id="b")
            await publisher_refuses(publisher)

    assert hub_.stored == ["a", "b"]


async def publisher_refuses(publisher: object) -> None:
    with pytest.raises(Unavailable, match="closed"):
        await publisher.put("t", id="late")  # type: ignore[attr-defined]


async def test_a_failure_that_nobody_asked_after_is_raised_at_the_end() -> None:
    async with SinkServer(Hub(bad=["b", "c"])) as sink, Client(sink.url, source="/s") as hub:

        async def publish() -> None:
            async with hub.publisher() as publisher:
                await publisher.put("t", id="a")
                await publisher.put("t", id="b")
                heard = await publisher.put("t", id="c")
                with pytest.raises(CallerError):
                    await heard

        with pytest.raises(ExceptionGroup) as failed:
            await publish()

    assert len(failed.value.exceptions) == 1


async def test_a_publisher_that_ends_without_a_hub_does_not_wait_batch_by_batch() -> None:
    async with SinkServer() as sink:
        pass
    async with Client(sink.url, source="/s", retry=Retry(deadline_s=0.01)) as hub:
        publisher = await hub.publisher(linger_ms=60_000, max_batch=3).__aenter__()
        pending = [await publisher.put("t") for _ in range(2)]
        await publisher.close()
        for one in pending:
            with pytest.raises(Unavailable, match="nobody listens"):
                await one


async def test_whoever_puts_waits_while_too_many_are_on_their_way() -> None:
    async with SinkServer(Hub()) as sink, Client(sink.url, source="/s") as hub:
        async with hub.publisher(linger_ms=60_000, max_batch=2, max_waiting=2) as publisher:
            await publisher.put("t", id="a")
            await publisher.put("t", id="b")
            third = await asyncio.wait_for(publisher.put("t", id="c"), 60)
            assert not third.done
            await publisher.flush()
            assert third.done


async def test_without_a_hub_events_go_to_the_sink_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with SinkServer([Reply(204)] * 3) as sink:
        monkeypatch.delenv("CHAPPE_URL", raising=False)
        monkeypatch.setenv("K_SINK", f"{sink.url}/some/where")
        monkeypatch.setenv("K_CE_OVERRIDES", '{"extensions": {"team": "shop"}}')
        async with Client(source="/s") as hub:
            assert (await hub.publish("t")).position == ""
            with pytest.raises(Malformed, match="K_SINK"):
                await hub.validate("t")
            with pytest.raises(Malformed, match="K_SINK"):
                hub.stream()

    (request,) = sink.requests
    assert request.target == "/some/where"
    assert json.loads(request.body)["team"] == "shop"


async def test_the_environment_names_the_hub_and_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    async with SinkServer(Hub()) as sink:
        monkeypatch.setenv("CHAPPE_URL", sink.url)
        monkeypatch.setenv("CHAPPE_TOKEN", "chp_x")
        monkeypatch.setenv("K_SINK", "http://127.0.0.1:9/")
        async with Client(source="/s") as hub:
            await hub.publish("t")

    assert sink.requests[0].header("authorization") == "Bearer chp_x"


async def test_a_client_that_is_not_open_says_so() -> None:
    hub = Client("http://127.0.0.1:9")
    with pytest.raises(Malformed, match="async with Client"):
        hub.publisher()
    with pytest.raises(Malformed, match="async with Client"):
        hub.subscribe("t", name="n")
    await hub.close()
