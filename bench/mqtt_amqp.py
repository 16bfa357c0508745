"""How many events a second go to an MQTT broker and an AMQP peer: our sinks beside the plain clients.

    python -m bench.mqtt_amqp [--events 10000] [--in-flight 100]

Each row sends the same number of 1 KB events and waits for each to be confirmed; rounds are interleaved
and the best of each counts. The microseconds are this process's CPU time for an event. MQTT goes to a
mosquitto of its own (QoS 1) and is compared with Eclipse Paho, which sends ready bytes and no event;
AMQP goes to Proton's own container in another process, and is compared with Proton's blocking client,
which has one message under way at a time, and so with one at a time too.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import paho.mqtt.client as paho
from proton import Message
from proton.utils import BlockingConnection
from tests.edges.mosquitto import Mosquitto

from chappe.adapters.amqp.sink import AmqpSink
from chappe.adapters.mqtt.sink import MqttSink
from chappe.domain.delivery import Delivered
from chappe.domain.event import Event
from chappe.domain.options import AmqpSettings, MqttSettings
from chappe.domain.subscription import Subscription
from chappe.ports.sink import Attempt, Sink

EVENT = Event(
    id="e-1",
    source="/bench",
    type="com.example.bench",
    datacontenttype="application/octet-stream",
    data=bytes(1024),
)
ROUNDS = 3
_PEER = """
from chappe.testing.amqp_peer import AmqpPeer
with AmqpPeer(credit=1000) as peer:
    peer.received = type("Forgets", (list,), {"append": lambda self, one: None})()
    print(peer.url, flush=True)
    input()
"""


async def through_sink(sink: Sink, to: Subscription, events: int, in_flight: int) -> None:
    """Every event is delivered, `in_flight` at a time."""
    left = iter(range(events))

    async def one_after_another() -> None:
        for number in left:
            outcome = await sink.send(Attempt(EVENT, to, f"w-{number}", 1))
            assert isinstance(outcome, Delivered), outcome

    async with asyncio.TaskGroup() as tasks:
        for _ in range(in_flight):
            tasks.create_task(one_after_another())


def through_paho(port: int, events: int, in_flight: int) -> None:
    """The same number of messages of QoS 1, confirmed, from Paho's own loop."""
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    client.max_inflight_messages_set(in_flight)
    client.max_queued_messages_set(0)
    client.connect("127.0.0.1", port)
    client.loop_start()
    sent = [client.publish("bench", EVENT.data, qos=1) for _ in range(events)]
    for one in sent:
        one.wait_for_publish(60)
    client.disconnect()
    client.loop_stop()


def through_proton(url: str, events: int) -> None:
    """The same number of messages, each confirmed before the next, from Proton's blocking client."""
    client = BlockingConnection(url)
    sender = client.create_sender("bench")
    for _ in range(events):
        sender.send(Message(inferred=True, durable=True, body=EVENT.data))
    client.close()


async def measure(name: str, run: Callable[[], Awaitable[None]], events: int) -> tuple[str, float]:
    """Events a second of this round, and the CPU time of one in microseconds."""
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    await run()
    took, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"  {name:<34} {events / took:>9,.0f}/s {cpu_s / events * 1e6:>8.0f} us", flush=True)
    return name, cpu_s / events * 1e6


async def main(events: int, in_flight: int) -> None:
    """All rows, interleaved, and the ratios of the best."""
    numbers = itertools.count()
    with tempfile.TemporaryDirectory() as directory:
        peer = subprocess.Popen(  # noqa: ASYNC220 - returns at once
            [sys.executable, "-c", _PEER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert peer.stdin is not None
        assert peer.stdout is not None
        mqtt = MqttSink(new_id=lambda: f"bench-{next(numbers)}")
        amqp = AmqpSink(new_id=lambda: f"bench-{next(numbers)}")
        try:
            url = (await asyncio.to_thread(peer.stdout.readline)).strip()
            async with Mosquitto(Path(directory)) as broker:
                to_mqtt = Subscription(
                    id="m",
                    sink=broker.url,
                    protocol="MQTT5",
                    settings=MqttSettings(topicname="bench"),
                )
                to_amqp = Subscription(
                    id="a", sink=url, protocol="AMQP", settings=AmqpSettings(address="bench")
                )
                few = events // 10
                rows: list[tuple[str, Callable[[], Awaitable[None]], int]] = [
                    (
                        f"MQTT 5, sink, {in_flight} under way",
                        lambda: through_sink(mqtt, to_mqtt, events, in_flight),
                        events,
                    ),
                    (
                        f"MQTT 5, Paho, {in_flight} under way",
                        lambda: asyncio.to_thread(through_paho, broker.port, events, in_flight),
                        events,
                    ),
                    (
                        f"AMQP, sink, {in_flight} under way",
                        lambda: through_sink(amqp, to_amqp, events, in_flight),
                        events,
                    ),
                    ("AMQP, sink, 1 under way", lambda: through_sink(amqp, to_amqp, few, 1), few),
                    (
                        "AMQP, Proton blocking, 1 under way",
                        lambda: asyncio.to_thread(through_proton, url, few),
                        few,
                    ),
                ]
                best: dict[str, float] = {}
                for _ in range(ROUNDS):
                    for name, run, count in rows:
                        _, cpu_us = await measure(name, run, count)
                        best[name] = min(cpu_us, best.get(name, cpu_us))
                names = [name for name, _, _ in rows]
                print("\nCPU time for an event, best of the rounds")
                for name in names:
                    print(f"  {name:<34} {best[name]:>8.0f} us")
                print(f"  MQTT sink / Paho                   {best[names[0]] / best[names[1]]:.2f}")
                print(f"  AMQP sink / Proton, one at a time  {best[names[3]] / best[names[4]]:.2f}")
        finally:
            await mqtt.close()
            await amqp.close()
            peer.communicate("\n", timeout=20)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--in-flight", type=int, default=100)
    arguments = parser.parse_args()
    asyncio.run(main(arguments.events, arguments.in_flight))
