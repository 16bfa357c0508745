"""What a client of JetStream costs: nats-py's core client against the hub's own.

    python bench/nats_client.py [--seconds 2]

Starts the embedded engine (`sync_interval: always`) in a temporary directory. Client CPU is this
process's own (user and system); the engine runs beside it. Both clients do the same work: publish
with an own reply inbox and one wildcard subscription, receive through overlapping pulls without acks.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Awaitable
from pathlib import Path

import nats
import uvloop
from nats.aio.client import Client
from nats.aio.msg import Msg

from chappe.adapters.nats.connection import Connection, NatsAddress
from chappe.adapters.nats.jetstream import stream_info
from chappe.server.embedded_nats import EmbeddedNats, Engine

SIZES = (1_000, 30_000)
IN_FLIGHT = (1, 16, 64)
PULL = 256


class NatsPy:
    """nats-py's core client with the least around it."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.inbox = client.new_inbox()
        self.acks: dict[str, asyncio.Future[object]] = {}
        self.number = 0

    @classmethod
    async def open(cls, engine: Engine) -> NatsPy:
        client = await nats.connect(engine.url, user=engine.user, password=engine.password)
        made = cls(client)
        await client.subscribe(f"{made.inbox}.*", cb=made.on_ack)
        return made

    async def on_ack(self, message: Msg) -> None:
        future = self.acks.pop(message.subject.rpartition(".")[2])
        future.set_result(json.loads(message.data))

    async def publish(self, payload: bytes) -> object:
        self.number += 1
        token = str(self.number)
        future = self.acks[token] = asyncio.get_running_loop().create_future()
        await self.client.publish("B.a", payload, reply=f"{self.inbox}.{token}")
        return await future

    async def receive(self, count: int) -> None:
        reply = self.client.new_inbox()
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        left, open_pulls = count, 0
        config = {"ack_policy": "none", "deliver_policy": "all", "mem_storage": True, "name": "b"}
        body = {"stream_name": "B", "config": config}
        await self.client.request("$JS.API.CONSUMER.CREATE.B.b", json.dumps(body).encode())

        async def pull() -> None:
            nonlocal open_pulls
            open_pulls += PULL
            ask = json.dumps({"batch": PULL, "expires": 10**10}).encode()
            await self.client.publish("$JS.API.CONSUMER.MSG.NEXT.B.b", ask, reply=reply)

        async def on_message(message: Msg) -> None:
            nonlocal left, open_pulls
            left, open_pulls = left - 1, open_pulls - 1
            if message.reply.split(".")[5] and open_pulls <= PULL:
                await pull()
            if left == 0:
                done.set_result(None)

        subscription = await self.client.subscribe(reply, cb=on_message)
        await pull()
        await done
        await subscription.unsubscribe()
        await self.client.request("$JS.API.CONSUMER.DELETE.B.b", b"")

    async def close(self) -> None:
        await self.client.close()


class Own:
    """The hub's connection."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @classmethod
    async def open(cls, engine: Engine) -> Own:
        address = NatsAddress((engine.url,), engine.user, engine.password)
        return cls(await Connection.open(address, name="bench"))

    def publish(self, payload: bytes) -> Awaitable[object]:
        return self.connection.publish("B.a", payload)

    async def receive(self, count: int) -> None:
        follower = self.connection.follow("B", "B.a", 1)
        while count > 0:
            count -= len(await follower.next_batch())
        await follower.close()

    async def close(self) -> None:
        await self.connection.close()


async def measure_publish(
    client: NatsPy | Own, size: int, in_flight: int, seconds: float
) -> tuple[float, float, float, float]:
    """Give messages a second, client µs a message, p50 ms, p99 ms."""
    payload = bytes(size)
    took: list[float] = []
    stop = time.perf_counter() + seconds

    async def loop() -> None:
        while (begun := time.perf_counter()) < stop:
            await client.publish(payload)
            took.append(time.perf_counter() - begun)

    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(loop() for _ in range(in_flight)))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - began
    took.sort()
    p50, p99 = took[len(took) // 2], took[len(took) * 99 // 100]
    return len(took) / wall, cpu / len(took) * 1e6, p50 * 1e3, p99 * 1e3


async def measure_receive(client: NatsPy | Own, count: int) -> tuple[float, float]:
    """Give messages a second and client µs a message."""
    began, cpu = time.perf_counter(), time.process_time()
    await client.receive(count)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - began
    return count / wall, cpu / count * 1e6


async def main(seconds: float) -> None:
    print("client    size  in flight   msg/s  client µs/msg   p50 ms   p99 ms")
    for size in SIZES:
        with tempfile.TemporaryDirectory() as data:
            async with EmbeddedNats(Path(data)) as engine:
                clients: tuple[NatsPy | Own, ...] = (
                    await NatsPy.open(engine),
                    await Own.open(engine),
                )
                own = clients[1]
                assert isinstance(own, Own)
                await own.connection.api(
                    "STREAM.CREATE.B", {"name": "B", "subjects": ["B.>"], "storage": "file"}
                )
                for in_flight in IN_FLIGHT:
                    for client in clients:
                        rate, us, p50, p99 = await measure_publish(client, size, in_flight, seconds)
                        print(
                            f"{type(client).__name__:<7} {size:>6}  {in_flight:>9}  {rate:>6.0f}"
                            f"  {us:>13.1f}  {p50:>7.2f}  {p99:>7.2f}"
                        )
                count = min((await stream_info(own.connection, "B")).messages, 20_000)
                for client in clients:
                    rate, us = await measure_receive(client, count)
                    print(
                        f"{type(client).__name__:<7} {size:>6}    receive  {rate:>6.0f}  {us:>13.1f}"
                    )
                for client in clients:
                    await client.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0)
    uvloop.run(main(parser.parse_args().seconds))
