"""The client library against a real hub: every call, consumers, and a hub that is killed meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.chaos.engine import an_engine
from tests.chaos.hub import HubProcess
from tests.edges.cli_process import Cli, chappe, name

from chappe import (
    Client,
    Conflict,
    Consumer,
    Deliveries,
    InvalidBatch,
    NotFound,
    Receipt,
    Reject,
    Retry,
    SchemaMismatch,
    SyncClient,
)

__all__ = ["chappe", "name"]

pytestmark = [pytest.mark.engine, pytest.mark.timeout(170)]
WITHIN_S = 90


@dataclass
class Order:
    total: int


@pytest.fixture
async def hub(chappe: Cli) -> AsyncIterator[Client]:
    async with Client(chappe.url, source="/shop", retry=Retry(deadline_s=60)) as client:
        yield client


async def received(hub: Client, name: str, count: int, **options: Any) -> list[str]:
    """The ids of so many events, acknowledged."""
    ids = []
    async with asyncio.timeout(WITHIN_S), hub.subscribe(name=name, **options) as deliveries:
        async for delivery in deliveries:
            ids.append(delivery.id)
            assert await delivery.ack()
            if len(ids) == count:
                return ids
    raise AssertionError("the loop ended by itself")


async def reasons(chappe: Cli, name: str) -> list[str]:
    """Those of the dead letters of a subscription, as soon as there are any."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            found = json.loads(chappe.body(f"/deadletters?subscription={name}"))
            if found:
                return [one["reason"] for one in found]
            await asyncio.sleep(0.05)


async def test_a_published_event_is_on_disk_and_known_again(hub: Client, name: str) -> None:
    event = hub.event(f"{name}.paid", {"total": 12}, subject="A-1")
    first, again = await hub.publish(event), await hub.publish(event)

    assert (first.duplicate, again.duplicate) == (False, True)
    assert again.position == first.position
    assert (await hub.trace(first.position)).id == event.id


async def test_a_batch_is_refused_whole_and_each_tells_which(hub: Client, name: str) -> None:
    await hub.registry.put(
        f"/messagegroups/{name}/messages/{name}.paid",
        {
            "envelope": "CloudEvents/1.0",
            "dataschemaformat": "JSONSchema/draft-07",
            "dataschema": {"required": ["total"]},
            "validation": "enforce",
        },
    )
    events = [hub.event(f"{name}.paid", data) for data in ({"total": 1}, {}, {"total": 2})]

    verdict = await hub.validate(events[1])
    with pytest.raises(InvalidBatch) as refused:
        await hub.publish_batch(events)
    told = await hub.publish_each(events)

    assert not verdict.valid
    assert list(refused.value.errors) == [1]
    assert [type(one) for one in told] == [Receipt, SchemaMismatch, Receipt]
    assert [one.duplicate for one in told if isinstance(one, Receipt)] == [False, False]
    entity = await hub.registry.entity(f"/messagegroups/{name}/messages/{name}.paid")
    assert entity["validation"] == "enforce"


async def test_a_schema_is_read_by_its_short_name(hub: Client, chappe: Cli, name: str) -> None:
    for text in (b'{"type": "object"}', b'{"type": "object", "required": []}'):
        await hub.registry.put(
            f"/schemagroups/{name}/schemas/paid/versions/{len(text)}$details",
            {"format": "JsonSchema/draft-07", "schema": {"title": text.decode()}},
        )
    newest, first = (
        await hub.registry.schema(f"{name}/paid"),
        await hub.registry.schema(f"/schemagroups/{name}/schemas/paid", "18"),
    )

    assert (newest.version, first.version) == ("34", "18")
    assert newest.format == "JsonSchema/draft-07"
    assert b"required" in newest.document
    with pytest.raises(NotFound):
        await hub.registry.schema(f"{name}/nothing")


async def test_consumers_of_a_name_share_its_events(hub: Client, name: str) -> None:
    types = (f"{name}.*",)
    made = hub.subscribe(*types, name=name)
    async with made:
        pass
    sent = [hub.event(f"{name}.paid", {"n": n}) for n in range(200)]
    await hub.publish_batch(sent)
    seen: list[str] = []

    async def consume() -> None:
        async with hub.subscribe(name=name, prefetch=7) as deliveries:
            async for delivery in deliveries:
                seen.append(delivery.id)
                delivery.ack_soon()
                if len(seen) >= len(sent):
                    all_seen.set()

    all_seen = asyncio.Event()
    consumers = [asyncio.ensure_future(consume()) for _ in range(3)]
    async with asyncio.timeout(WITHIN_S):
        await all_seen.wait()
    for one in consumers:
        one.cancel()
    await asyncio.gather(*consumers, return_exceptions=True)

    assert sorted(seen) == sorted(event.id for event in sent)


async def test_what_was_not_handled_comes_to_the_next_consumer_at_once(
    hub: Client, name: str
) -> None:
    async with hub.subscribe(f"{name}.a", name=name, lock_s=3600) as deliveries:
        await hub.publish_batch([hub.event(f"{name}.a", n) for n in range(10)])
        async with asyncio.timeout(WITHIN_S):
            first = await anext(deliveries)
            second = await anext(deliveries)
        assert await first.ack()
        assert second.is_open

    # The locks would hold for an hour.
    again = await received(hub, name, 9)
    assert second.id in again
    assert first.id not in again
    assert not second.is_open


async def test_a_lock_is_renewed_while_the_event_is_handled(hub: Client, name: str) -> None:
    async with hub.subscribe(f"{name}.a", name=name, lock_s=8) as deliveries:
        await hub.publish(f"{name}.a")
        async with asyncio.timeout(WITHIN_S):
            slow = await anext(deliveries)
            # Longer than the lock, as another consumer sees it: nothing comes to it.
            async with hub.subscribe(name=name) as others:
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(anext(others), 10)
            assert slow.is_open
            assert await slow.ack()


async def test_no_more_is_held_than_was_asked_for(hub: Client, name: str) -> None:
    async with hub.subscribe(f"{name}.a", name=name, prefetch=5) as deliveries:
        await hub.publish_batch([hub.event(f"{name}.a", n) for n in range(12)])
        async with asyncio.timeout(WITHIN_S):
            held = [await anext(deliveries) for _ in range(5)]
            # The others are free for another consumer.
            others = await received(hub, name, 7, prefetch=3)
            waiting = asyncio.ensure_future(anext(deliveries))
            await hub.publish(f"{name}.a", "last")
            assert not waiting.done()
            assert await held[0].ack()
            assert (await waiting).data() == "last"

    assert {one.id for one in held}.isdisjoint(others)


async def test_a_lost_lock_is_told_by_false(hub: Client, name: str) -> None:
    deliveries = hub.subscribe(f"{name}.a", name=name, lock_s=4, renew_for_s=0)
    async with asyncio.timeout(WITHIN_S), deliveries:
        await hub.publish(f"{name}.a")
        lost = await anext(deliveries)
        again = await anext(deliveries)

        assert (lost.id, lost.count, again.count) == (again.id, 1, 2)
        assert await lost.ack() is False
        assert await again.ack() is True
        assert await again.ack() is True, "said twice it is still what became of it"


async def test_released_events_come_again_and_rejected_ones_are_dead_letters(
    hub: Client, chappe: Cli, name: str
) -> None:
    async with asyncio.timeout(WITHIN_S), hub.subscribe(f"{name}.a", name=name) as deliveries:
        await hub.publish(f"{name}.a", id=name)
        first = await anext(deliveries)
        assert await first.release(0.01)
        second = await anext(deliveries)
        assert (second.id, second.count) == (name, 2)
        assert await second.reject("no such order")

    assert await reasons(chappe, name) == ["rejected: no such order"]


async def test_a_subscription_must_be_there_or_be_described(hub: Client, name: str) -> None:
    from chappe.client.standing import Standing

    with pytest.raises(NotFound):
        await hub.deliveries(Standing(name)).__aenter__()
    await hub.registry.put(
        f"/endpoints/hub/subscriptions/{name}", {"protocol": "HTTP", "sink": "http://127.0.0.1:9"}
    )
    with pytest.raises(Conflict, match="HTTP"):
        await hub.subscribe("a", name=name).__aenter__()


async def test_a_subscription_that_is_ended_ends_its_loop(
    hub: Client, chappe: Cli, name: str
) -> None:
    async with asyncio.timeout(WITHIN_S), hub.subscribe(f"{name}.a", name=name) as deliveries:
        waiting = asyncio.ensure_future(anext(deliveries))
        await hub.publish(f"{name}.a")
        await (await waiting).ack()
        assert chappe("sub", "rm", name, "--yes").code == 0
        with pytest.raises(NotFound):
            async for _ in deliveries:
                pass


async def test_a_stream_gives_each_event_and_goes_on_after_a_position(
    hub: Client, name: str
) -> None:
    positions = [(await hub.publish(f"{name}.{n}", {"n": n})).position for n in range(5)]
    async with asyncio.timeout(WITHIN_S):
        async with contextlib.aclosing(hub.stream(f"{name}.*", start="earliest")) as events:
            found = [(await anext(events)).position for _ in range(5)]
        async with contextlib.aclosing(hub.stream(f"{name}.*", after=positions[2])) as events:
            rest = [(await anext(events)).data() for _ in range(2)]

    assert found == positions
    assert rest == [{"n": 3}, {"n": 4}]


async def test_a_consumer_handles_each_event_and_keeps_the_order_of_a_key(
    chappe: Cli, hub: Client, name: str
) -> None:
    app = Consumer(name, hub=chappe.url, ordering="key", start="earliest", concurrency=8)
    seen: dict[str, list[int]] = {}
    failed: set[int] = set()
    done = 0

    @app.on(f"{name}.counted")
    async def counted(order: Order) -> None:
        nonlocal done
        key = str(order.total % 5)
        await asyncio.sleep(0)
        if order.total % 7 == 0 and order.total not in failed:
            failed.add(order.total)
            raise ConnectionError("not now")
        seen.setdefault(key, []).append(order.total)
        done += 1
        if done == 60:
            app.stop()

    @app.on(f"{name}.refused")
    def refused(order: Order) -> None:
        raise Reject("never")

    events = [
        hub.event(f"{name}.counted", {"total": n}, subject=f"{name}{n % 5}") for n in range(60)
    ]
    await hub.publish_batch([hub.event(f"{name}.refused", {"total": 1}), *events])
    async with asyncio.timeout(WITHIN_S):
        await app.serve()

    assert seen == {str(key): list(range(key, 60, 5)) for key in range(5)}
    assert await reasons(chappe, name) == ["rejected: never"]


async def test_a_consumer_follows_its_filters(chappe: Cli, hub: Client, name: str) -> None:
    for part in ("a", "b"):
        app = Consumer(name, hub=hub)

        @app.on(f"{name}.{part}")
        def handled(app: Any = app) -> None:
            app.stop()

        serving = asyncio.ensure_future(app.serve())
        async with asyncio.timeout(WITHIN_S):
            while not serving.done():
                await hub.publish(f"{name}.{part}")
                await asyncio.wait([serving], timeout=0.2)
        await serving

    shown = chappe("sub", "get", name, "-o", "json").json
    assert shown["filters"] == [{"exact": {"type": f"{name}.b"}}]


async def test_a_consumer_ends_by_a_signal(chappe: Cli, hub: Client, name: str) -> None:
    program = f"""
import sys
from chappe import Consumer
app = Consumer({name!r}, hub={chappe.url!r})
@app.on("{name}.*")
def handled(data: int) -> None:
    print(data, flush=True)
app.run()
print("ended")
"""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE
    )  # fmt: skip
    assert process.stdout is not None
    async with asyncio.timeout(WITHIN_S):
        first = asyncio.ensure_future(process.stdout.readline())
        while not first.done():
            await hub.publish(f"{name}.a", 7)
            await asyncio.wait([first], timeout=0.2)
        process.send_signal(signal.SIGTERM)
        rest = await process.stdout.read()
        assert await process.wait() == 0

    assert await first == b"7\n"
    assert rest.endswith(b"ended\n")


def test_a_program_without_asyncio_publishes_and_subscribes(chappe: Cli, name: str) -> None:
    with SyncClient(chappe.url, source="/shop") as hub:
        assert hub.validate(f"{name}.a", {"a": 1}).valid
        first = hub.publish(f"{name}.a", {"a": 1})
        events = [
            {"specversion": "1.0", "id": n, "source": "/s", "type": f"{name}.a"} for n in "12"
        ]
        assert len(hub.publish_batch(events).positions) == 2
        found = []
        for delivery in hub.subscribe(f"{name}.*", name=name, start="earliest"):
            assert delivery.ack()
            found.append(delivery)
            if len(found) == 3:
                break

    assert found[0].position == first.position
    assert found[0].data() == {"a": 1}


@dataclass
class Work:
    """Publishers, a consumer and a stream of one client; what is on disk, was handled, was seen."""

    hub: Client
    stored: dict[str, str] = field(default_factory=dict)
    handled: Counter[str] = field(default_factory=Counter)
    streamed: Counter[str] = field(default_factory=Counter)
    going: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def goes_on(self) -> None:
        """Wait until something more has come to the disk."""
        self.going.clear()
        await self.going.wait()

    async def run(self, trouble: Callable[[], Awaitable[None]]) -> None:
        """Work while there is trouble, and a little longer; until all that is stored was handled."""
        async with self.hub.subscribe("a.*", name="all", lock_s=5) as deliveries:
            # Several handlers of one loop: what they acknowledge at the same time goes together.
            readers = [self._see(), *(self._consume(deliveries) for _ in range(16))]
            reading = [asyncio.ensure_future(one) for one in readers]
            writing = [asyncio.ensure_future(self._gather())]
            writing += [asyncio.ensure_future(self._publish(worker)) for worker in range(4)]
            async with asyncio.timeout(150):
                await self.goes_on()
                await trouble()
                await self.goes_on()
                self.ended.set()
                await asyncio.gather(*writing)
                while not (self.handled.keys() >= self.stored.keys() <= self.streamed.keys()):
                    assert not any(one.done() for one in reading)
                    await asyncio.sleep(0.05)
            for one in reading:
                one.cancel()
            await asyncio.gather(*reading, return_exceptions=True)
        assert len(self.stored) > 50
        # What was acknowledged right before a kill may come again; but nothing else comes.
        assert self.handled.keys() == self.stored.keys()

    async def _gather(self) -> None:
        async with self.hub.publisher(linger_ms=1, max_batch=20) as publisher:
            for first in itertools.count(step=20):
                pending = [
                    await publisher.put("a.b", id=f"p{number}")
                    for number in range(first, first + 20)
                ]
                for one in pending:
                    self.stored[one.id] = (await one).position
                self.going.set()
                if self.ended.is_set():
                    return

    async def _publish(self, worker: int) -> None:
        for number in itertools.count():
            id_ = f"{worker}-{number}"
            self.stored[id_] = (await self.hub.publish("a.c", number, id=id_)).position
            if self.ended.is_set():
                return

    async def _consume(self, deliveries: Deliveries) -> None:
        async for delivery in deliveries:
            await delivery.ack()
            self.handled[delivery.id] += 1

    async def _see(self) -> None:
        async for event in self.hub.stream("a.*", start="earliest"):
            self.streamed[event.id] += 1


PATIENT = Retry(deadline_s=WITHIN_S, try_s=10, base_s=0.05, most_s=0.5)


async def test_nothing_acknowledged_is_lost_when_the_hub_is_killed(tmp_path: Path) -> None:
    async with HubProcess(tmp_path / "data") as process:
        async with Client(process.url, source="/shop", retry=PATIENT) as hub:
            work = Work(hub)

            async def twice() -> None:
                for _ in range(2):
                    await process.crash()
                    await process.start()
                    await work.goes_on()

            await work.run(twice)


async def test_another_node_goes_on_when_one_is_killed_for_good(tmp_path: Path) -> None:
    async with (
        an_engine(tmp_path) as url,
        HubProcess(tmp_path / "data-1", "--nats", url) as one,
        HubProcess(tmp_path / "data-2", "--nats", url) as two,
        Client([one.url, two.url], source="/shop", retry=PATIENT) as hub,
    ):
        await Work(hub).run(one.crash)
