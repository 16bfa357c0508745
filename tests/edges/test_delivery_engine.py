"""Order, batches, the breaker and what ends a subscription, in a real hub with real sinks."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.chaos.engine import an_engine
from tests.chaos.http import Client
from tests.chaos.hub import HubProcess, wait_until

from chappe.testing.http_sink import Received, Reply, SinkServer

pytestmark = [pytest.mark.engine, pytest.mark.timeout(90)]

BATCH = "application/cloudevents-batch+json"


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[HubProcess]:
    async with HubProcess(tmp_path / "data") as one:
        yield one


async def publish(client: Client, *subjects: str, first: int = 0) -> None:
    batch = [
        {"specversion": "1.0", "id": str(n), "source": "/s", "type": "t", "subject": subject}
        for n, subject in enumerate(subjects, start=first)
    ]
    answer = await client.ask(
        "POST", "/events", {"Content-Type": BATCH}, json.dumps(batch).encode()
    )
    assert answer.status in (200, 202), answer.body


async def subscribe(client: Client, sink: str, **more: object) -> str:
    document = {"sink": sink, "protocol": "HTTP", **more}
    answer = await client.ask_json("POST", "/subscriptions", document)
    assert answer.status == 201, answer.body
    return str(answer.json()["id"])


async def until(condition: Callable[[], bool]) -> None:
    await wait_until(condition, "what the test waits for", within_s=60.0)


def events_of(request: Received) -> list[dict[str, Any]]:
    """What a request in batched or structured mode carries."""
    found = json.loads(request.body)
    return found if isinstance(found, list) else [found]


class OrderChecker:
    """Fails one request in five, and sees that no event comes before one of its key."""

    def __init__(self) -> None:
        self.seen: defaultdict[str, list[int]] = defaultdict(list)
        self.wrong: list[str] = []
        self._asked = 0

    def __call__(self, request: Received) -> Reply:
        self._asked += 1
        if self._asked % 5 == 0:
            return Reply(503)
        for one in events_of(request):
            key, number = one["subject"], int(one["id"])
            taken = self.seen[key]
            if taken and number < taken[-1] and number not in taken:
                self.wrong.append(f"{key}: {number} after {taken[-1]}")
            if number not in taken:
                taken.append(number)
        return Reply(204)

    @property
    def count(self) -> int:
        return sum(map(len, self.seen.values()))


@pytest.mark.parametrize("batching", [None, {"max_events": 7, "max_wait_s": 0.05}])
async def test_keys_stay_in_order_over_failures_and_a_kill(
    tmp_path: Path, batching: dict[str, object] | None
) -> None:
    checker = OrderChecker()
    options: dict[str, object] = {
        "ordering": "key",
        "envelopeoptions": {"mode": "structured" if batching is None else "batched"},
        "retry": {"max_attempts": 100, "base_s": 0.05, "max_backoff_s": 0.2},
    }
    if batching is not None:
        options["batching"] = batching
    count = 300
    async with SinkServer(checker) as sink:
        async with HubProcess(tmp_path / "data") as hub:
            client = hub.client()
            await subscribe(client, sink.url, **options)
            await publish(client, *(f"k{n % 9}" for n in range(count)))
            await until(lambda: checker.count > count // 4)
            await hub.crash()
        async with HubProcess(tmp_path / "data"):
            await until(lambda: checker.count == count)
    assert not checker.wrong
    assert all(
        numbers == list(range(int(key[1:]), count, 9)) for key, numbers in checker.seen.items()
    )


async def test_a_batch_is_one_request_with_an_id_of_its_own(hub: HubProcess) -> None:
    client = hub.client()
    async with SinkServer() as sink:
        await subscribe(client, sink.url, batching={"max_events": 4, "max_wait_s": 30})
        await publish(client, *("s" for _ in range(4)))
        await until(lambda: bool(sink.requests))
    (request,) = sink.requests
    assert request.header("content-type") == BATCH
    assert [one["id"] for one in events_of(request)] == ["0", "1", "2", "3"]
    assert (request.header("webhook-id") or "").startswith("msg_")


async def test_a_sink_that_is_gone_disables_its_subscription_for_all_to_see(
    hub: HubProcess,
) -> None:
    """The registry says why and since when, and its event of change tells those who listen."""
    gone = True
    async with (
        SinkServer(lambda request: Reply(410 if gone else 204)) as sink,
        SinkServer() as watcher,
    ):
        client = hub.client()
        await subscribe(client, watcher.url, channel="registry")
        id_ = await subscribe(client, sink.url)
        await publish(client, "a")

        async def shown() -> dict[str, Any]:
            answer = await client.ask("GET", f"/subscriptions/{id_}")
            found: dict[str, Any] = answer.json()
            return found

        document = await shown()
        async with asyncio.timeout(60):
            while "disabled" not in document:
                await asyncio.sleep(0.05)
                document = await shown()
        assert document["disabled"]["reason"] == "answered with 410: gone"
        assert document["disabled"]["at"].endswith("Z")
        await until(
            lambda: any(
                f"/endpoints/hub/subscriptions/{id_}" in (one.header("ce-subject") or "")
                and "updated" in (one.header("ce-type") or "")
                for one in watcher.requests
            )
        )
        asked = len(sink.requests)
        await publish(client, "b", first=1)
        gone = False
        # A write without it lets delivery go on: nothing was lost.
        del document["disabled"], document["epoch"]
        answer = await client.ask_json("PUT", f"/subscriptions/{id_}", document)
        assert answer.status == 200, answer.body
        await until(lambda: len(sink.requests) == asked + 2)
        assert "disabled" not in await shown()
    assert [one["id"] for request in sink.requests for one in events_of(request)] == ["0", "0", "1"]


async def test_a_dead_sink_opens_its_breaker_and_spends_nothing(hub: HubProcess) -> None:
    up = False
    async with SinkServer(lambda request: Reply(204 if up else 500)) as sink:
        client = hub.client()
        await subscribe(
            client,
            sink.url,
            breaker={"failures": 3, "open_s": 0.2, "max_open_s": 0.4},
            retry={"max_attempts": 4, "base_s": 0.01, "max_backoff_s": 0.01},
        )
        await publish(client, *("s" for _ in range(20)))
        # Far more probes than an event has attempts.
        await until(lambda: len(sink.requests) > 15)
        metrics = (await client.ask("GET", "/metrics")).body.decode()
        assert "chappe_dead_sinks 1.0" in metrics
        up = True
        taken = len(sink.requests)
        await until(lambda: len(sink.requests) >= taken + 20)
        letters = await client.ask("GET", "/channels/deadletters/events")
    assert letters.status == 200
    assert b"deadletterreason" not in letters.body


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"ordering": "subscription"}, b"ordering: 'subscription' needs a channel with one shard"),
        ({"ordering": "key", "orderingkey": ["subject"]}, b"orderingkey: (subject)"),
    ],
)
async def test_an_order_over_several_shards_is_refused_with_what_to_do(
    tmp_path: Path, options: dict[str, object], names: bytes
) -> None:
    async with (
        an_engine(tmp_path) as engine,
        HubProcess(tmp_path / "data", "--nats", engine) as hub,
    ):
        client = hub.client()
        document = {"sink": "http://127.0.0.1:9/", "protocol": "HTTP", **options}
        answer = await client.ask_json("POST", "/subscriptions", document)
        assert answer.status == 400
        assert names in answer.body
        assert b"shards 1" in answer.body
