"""What it costs to deliver to NATS and Kafka: our sinks beside the plain clients' own publishing.

    python -m bench.brokers [--events 20000] [--in-flight 256] [--payload 1024]

The plain client sends the same messages, made beforehand, as fast as it can, and waits for the
confirmations at the end; our sink makes each from its event and waits for each one's confirmation.
Microseconds are this process's CPU time per event, librdkafka's threads included, which other load on
the machine disturbs less than rates. The rounds are interleaved, and the median counts.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import nats
from confluent_kafka import Producer
from tests.edges.brokers import kafka_broker

from bench.outbound import an_event, loop_factory
from chappe.adapters.kafka.sink import KafkaSink
from chappe.adapters.nats.sink import NatsSink
from chappe.domain.delivery import Delivered
from chappe.domain.event import Event
from chappe.domain.options import KafkaSettings, NatsSettings
from chappe.domain.subscription import Credential, Subscription
from chappe.formats import cloudevents_kafka, cloudevents_nats
from chappe.ports.sink import Attempt, Sink
from chappe.server.embedded_nats import EmbeddedNats

ROUNDS = 5
Drive = Callable[[], Awaitable[None]]


@dataclass
class Row:
    """One way to send; the figures of its rounds."""

    name: str
    drive: Drive
    close: Callable[[], Awaitable[object]]
    rates: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)

    async def measure(self, events: int) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        await self.drive()
        self.rates.append(events / (time.perf_counter() - wall))
        self.cpu_us.append((time.process_time() - cpu) / events * 1e6)


def through(
    sink: Sink, subscription: Subscription, event: Event, events: int, at_once: int
) -> Drive:
    """`at_once` callers, each of which sends again as soon as its event is confirmed."""

    async def drive() -> None:
        left = events

        async def caller() -> None:
            nonlocal left
            while left > 0:
                left -= 1
                outcome = await sink.send(Attempt(event, subscription, "msg_1", 1))
                assert outcome == Delivered(0), outcome

        async with asyncio.TaskGroup() as callers:
            for _ in range(at_once):
                callers.create_task(caller())

    return drive


async def nats_rows(
    url: str, user: str, password: str, event: Event, args: argparse.Namespace
) -> Sequence[Row]:
    headers = {
        name: value
        for name, _, value in (
            line.partition(": ")
            for line in cloudevents_nats.encode_binary(event)[0].decode().split("\r\n")[1:-2]
        )
    }
    payload = event.data or b""
    client = await nats.connect(url, user=user, password=password)

    async def plain() -> None:
        for _ in range(args.events):
            await client.publish("plain", payload, headers=headers)
        await client.flush(timeout=60)

    subscription = Subscription(
        "s-1", url, "NATS", settings=NatsSettings(subject="ours.{type}"),
        credential=Credential("PLAIN", user, password),
    )  # fmt: skip
    sink = NatsSink()
    return [
        Row("nats-py, publish and one flush", plain, client.close),
        Row("our sink, each confirmed by a PONG", through(sink, subscription, event, args.events, args.in_flight), sink.close),
    ]  # fmt: skip


def kafka_rows(broker: str, event: Event, args: argparse.Namespace) -> Sequence[Row]:
    message = cloudevents_kafka.encode_binary(event)
    headers = list(message.headers)
    producer = Producer(
        {
            "bootstrap.servers": broker,
            "acks": "all",
            "enable.idempotence": True,
            "linger.ms": 2,
            "log_level": 0,
        }
    )

    async def plain() -> None:
        confirmed = 0

        def told(error: object, _: object) -> None:
            nonlocal confirmed
            assert error is None, error
            confirmed += 1

        for _ in range(args.events):
            producer.produce("plain", value=message.value, headers=headers, on_delivery=told)
            producer.poll(0)
        producer.flush(120)
        assert confirmed == args.events

    subscription = Subscription(
        "s-1", f"kafka://{broker}/ours", "KAFKA", settings=KafkaSettings(), timeout_s=60.0
    )
    sink = KafkaSink()
    return [
        Row("confluent-kafka, produce and one flush", plain, nothing),
        Row("our sink, each confirmed by the broker", through(sink, subscription, event, args.events, args.in_flight), sink.close),
    ]  # fmt: skip


async def compare(title: str, rows: Sequence[Row], events: int) -> None:
    for row in rows:
        await row.drive()  # topics are made, connections opened
    for _ in range(ROUNDS):
        for row in rows:
            await row.measure(events)
    print(f"{title}\n")
    print("| | events/s | CPU µs/event | CPU of the plain client's |\n|---|---|---|---|")
    base = statistics.median(rows[0].cpu_us)
    for row in rows:
        cpu = statistics.median(row.cpu_us)
        print(
            f"| {row.name} | {statistics.median(row.rates):,.0f} | {cpu:.1f} | {cpu / base:.2f} |"
        )
    print(flush=True)
    for row in rows:
        await row.close()


async def nothing() -> None:
    """A producer closes when nobody knows it any more."""


async def main(args: argparse.Namespace) -> None:
    event = an_event(args.payload)
    with tempfile.TemporaryDirectory() as directory:
        async with EmbeddedNats(Path(directory) / "nats") as engine:
            assert engine.user is not None
            assert engine.password is not None
            rows = await nats_rows(engine.url, engine.user, engine.password, event, args)
            await compare(f"NATS, {args.payload} B, {args.in_flight} in flight", rows, args.events)
        with kafka_broker(Path(directory)) as broker:
            rows = kafka_rows(broker, event, args)
            await compare(f"Kafka, {args.payload} B, {args.in_flight} in flight", rows, args.events)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--in-flight", type=int, default=256)
    parser.add_argument("--payload", type=int, default=1_024)
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(main(parser.parse_args()))
    sys.exit(0)
