"""What following and pulling cost the hub, in processor time, beside a limit in the same run.

    python -m bench streams        or        python -m bench.streams --events 20000

Streams: the same events are published with no reader, with 1, 10 and 100; the difference is what a reader
costs. The limit is a program that does nothing but write as many bytes to as many sockets.

Pull: all events are received and acknowledged, 100 at a time. Beside it: the same events read from
`GET /events`, page by page, which neither locks nor settles anything.

Processor time, and no wall clock: the machine may be shared.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import resource
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from bench import processes

READERS = (1, 10, 100)
PAYLOAD = "x" * 900
BATCH = 100


@dataclass(slots=True)
class Reader:
    """One client of a stream: it counts, and does nothing else."""

    count: int = 0
    size: int = 0

    async def run(self, url: str, target: int, ready: asyncio.Event) -> None:
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(b"GET /events/stream HTTP/1.1\r\nhost: hub\r\n\r\n")
        await reader.readuntil(b"retry:")
        ready.set()
        while self.count < target:
            chunk = await reader.read(262_144)
            if not chunk:
                sys.exit("the hub ended a stream")
            self.count += chunk.count(b"\ndata: ")
            self.size += len(chunk)
        writer.close()


async def _ask(
    connection: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    method: str,
    target: str,
    body: bytes = b"",
    kind: str = "application/json",
) -> bytes:
    reader, writer = connection
    head = f"{method} {target} HTTP/1.1\r\nhost: hub\r\ncontent-type: {kind}\r\n"
    writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
    answer = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    size = int(answer.partition("content-length: ")[2].partition("\r\n")[0])
    found = await reader.readexactly(size)
    if " 20" not in answer[:12]:
        sys.exit(f"{method} {target}: {found.decode()}")
    return found


async def _publish(url: str, events: int, first: int) -> None:
    parts = urlsplit(url)
    connection = await asyncio.open_connection(parts.hostname, parts.port)
    for at in range(first, first + events, BATCH):
        batch = [
            {"specversion": "1.0", "id": f"{id_}", "source": "/bench", "type": "t", "data": PAYLOAD}
            for id_ in range(at, at + BATCH)
        ]
        body = json.dumps(batch).encode()
        await _ask(connection, "POST", "/events", body, "application/cloudevents-batch+json")
    connection[1].close()


async def _followed(url: str, pid: int, readers: int, events: int, first: int) -> tuple[float, int]:
    """The hub's processor time for publishing that many to so many readers; bytes of one reader."""
    clients = [Reader() for _ in range(readers)]
    ready = [asyncio.Event() for _ in clients]
    reading = [
        asyncio.ensure_future(client.run(url, events, one))
        for client, one in zip(clients, ready, strict=True)
    ]
    for one in ready:
        await one.wait()
    before_s = processes.used_s(pid)
    await _publish(url, events, first)
    await asyncio.gather(*reading)
    return processes.used_s(pid) - before_s, clients[0].size if clients else 0


async def _limit(readers: int, chunks: int, size: int) -> float:
    """Processor time of writing `chunks` pieces of `size` bytes to that many sockets, and nothing else.

    Readers are a process of their own, so that only the writing is counted.
    """
    writers: list[asyncio.StreamWriter] = []
    came = asyncio.Event()

    def opened(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        if len(writers) == readers:
            came.set()

    server = await asyncio.start_server(opened, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    sink = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.streams", "--drain", str(port), str(readers)
    )
    await came.wait()
    piece = b"x" * size
    before = resource.getrusage(resource.RUSAGE_SELF)
    for _ in range(chunks):
        for writer in writers:
            writer.write(piece)
        for writer in writers:
            await writer.drain()
    after = resource.getrusage(resource.RUSAGE_SELF)
    for writer in writers:
        writer.close()
    server.close()
    await sink.wait()
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


async def _drain(port: int, readers: int) -> None:
    async def read() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while await reader.read(262_144):
            pass
        writer.close()

    await asyncio.gather(*(read() for _ in range(readers)))


async def _pulled(url: str, pid: int, id_: str, events: int) -> float:
    parts = urlsplit(url)
    connection = await asyncio.open_connection(parts.hostname, parts.port)
    before_s, left = processes.used_s(pid), events
    while left:
        body = json.dumps({"max_events": BATCH, "wait_s": 20}).encode()
        found = json.loads(await _ask(connection, "POST", f"/subscriptions/{id_}/receive", body))
        tokens = {"locktokens": [one["locktoken"] for one in found]}
        body = json.dumps(tokens).encode()
        await _ask(connection, "POST", f"/subscriptions/{id_}/acknowledge", body)
        left -= len(found)
    connection[1].close()
    return processes.used_s(pid) - before_s


async def _listed(url: str, pid: int, events: int) -> float:
    parts = urlsplit(url)
    connection = await asyncio.open_connection(parts.hostname, parts.port)
    before_s, left, after = processes.used_s(pid), events, ""
    while left > 0:
        target = f"/events?order=asc&limit={BATCH}{after}"
        found = json.loads(await _ask(connection, "GET", target))
        after = f"&position={found[-1]['position']}"
        left -= len(found)
    connection[1].close()
    return processes.used_s(pid) - before_s


def main(events: int = 20_000) -> None:
    """Print the table."""
    print(
        f"\nStreams: {events} events of 1 KB, published in batches of {BATCH}; CPU time of the hub"
    )
    print("  per event and reader: what is more than without readers, by the number of readers")
    print("  limit: writing as many bytes in as many pieces to as many sockets, and nothing else\n")
    print("  readers   hub CPU s   us/event/reader   events/s/core |  limit us   hub/limit")
    with processes.hub_process() as (url, pid):
        asyncio.run(_publish(url, events, 0))  # Warm.
        base_s, _ = asyncio.run(_followed(url, pid, 0, events, 10_000_000))
        print(f"  {0:7}   {base_s:9.2f}")
        for number, readers in enumerate(READERS):
            few = events if readers < 100 else events // 4
            cpu_s, size = asyncio.run(
                _followed(url, pid, readers, few, number * 1_000_000 + 20_000_000)
            )
            cost_s = max(cpu_s - base_s * few / events, 1e-9)
            limit_s = asyncio.run(_limit(readers, few // BATCH, size // (few // BATCH)))
            each = 1e6 / (few * readers)
            print(
                f"  {readers:7}   {cpu_s:9.2f}   {cost_s * each:15.2f}   {few * readers / cost_s:13.0f} |"
                f"  {limit_s * each:8.2f}   {cost_s / limit_s:9.2f}"
            )
    with processes.hub_process() as (url, pid):
        wanted = {"protocol": "PULL", "types": ["t"]}
        made = processes.call("POST", f"{url}/subscriptions", wanted)
        asyncio.run(_publish(url, events, 0))
        pull_s = asyncio.run(_pulled(url, pid, made["id"], events))
        list_s = asyncio.run(_listed(url, pid, events))
    print("\nPull: received and acknowledged, 100 at a time; beside it: listed, 100 at a time\n")
    print("  pull us/event   events/s/core | list us/event   pull/list")
    print(
        f"  {pull_s / events * 1e6:13.1f}   {events / pull_s:13.0f} |"
        f" {list_s / events * 1e6:13.1f}   {pull_s / list_s:9.2f}"
    )


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.streams")
    parser.add_argument("--events", type=int, default=20_000, help="How many, a multiple of 400")
    parser.add_argument("--drain", type=int, nargs=2, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    given = _arguments(sys.argv[1:])
    if given.drain:
        with contextlib.suppress(ConnectionError):
            asyncio.run(_drain(*given.drain))
    else:
        main(given.events)
