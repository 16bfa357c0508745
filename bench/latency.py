"""From publishing to the sink: how long an event takes at a steady rate, and beside sinks in trouble.

    python -m bench latency       or     python -m bench.latency --rate 1000 --seconds 10

Open loop: each event leaves at its time, whether or not those before it have been answered, so that
waiting is not left out of the count. Publisher and sink are one process, beside the hub and its engine.
`beside` names what other subscriptions to the same events have for a sink: one that answers after
five seconds, one that is dead. The last column is the share of a core that the hub used.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Sequence

import uvloop

from bench import processes
from chappe.testing.http_sink import Received, Reply, SinkServer

RATE = 1_000
SECONDS = 10.0
CONNECTIONS = 32
NOTE = "x" * 980
DEAD = "http://127.0.0.1:9/"
SLOW_S = 5.0


class Publisher:
    """Posts events over kept connections; each connection has one request under way at a time."""

    def __init__(self, hub: str) -> None:
        host, port = hub.removeprefix("http://").split(":")
        self._address = host, int(port)
        self._free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]]
        self._free = asyncio.Queue()

    async def open(self) -> None:
        for _ in range(CONNECTIONS):
            self._free.put_nowait(await asyncio.open_connection(*self._address))

    async def post(self, number: int) -> None:
        """Publish one event that carries the time at which it was meant to leave."""
        sent = time.monotonic()
        body = json.dumps({"at": sent, "note": NOTE}).encode()
        reader, writer = await self._free.get()
        writer.write(
            b"POST /events HTTP/1.1\r\nhost: hub\r\nce-specversion: 1.0\r\nce-type: t.0\r\n"
            b"ce-source: /latency\r\nce-id: %d\r\nce-sentat: %f\r\ncontent-type: application/json\r\n"
            b"content-length: %d\r\n\r\n%b" % (number, sent, len(body), body)
        )
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 202"):
            raise RuntimeError(head.decode())
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        self._free.put_nowait((reader, writer))


async def measure(rate: int, seconds: float, beside: Sequence[str]) -> tuple[list[float], float]:
    """The seconds that each event took, and the share of a core that the hub used."""
    took: list[float] = []

    def arrived(request: Received) -> Reply:
        took.append(time.monotonic() - float(request.header("ce-sentat") or "nan"))
        return Reply(204)

    with processes.hub_process() as (hub, pid):
        async with (
            SinkServer(arrived, recording=False) as sink,
            SinkServer(lambda _: Reply(204, delay_s=SLOW_S), recording=False) as slow,
        ):
            for to in (f"{sink.url}/", *({"slow": slow.url, "dead": DEAD}[one] for one in beside)):
                processes.call("POST", f"{hub}/subscriptions", {"sink": to, "protocol": "HTTP"})
            publisher = Publisher(hub)
            await publisher.open()
            await asyncio.gather(*(publisher.post(-number) for number in range(1, 200)))
            await sink.until(lambda: sink.count == 199, within_s=30)
            took.clear()
            before_s, began = processes.used_s(pid), time.monotonic()
            posting: set[asyncio.Task[None]] = set()
            total = int(rate * seconds)
            for number in range(total):
                wait_s = began + number / rate - time.monotonic()
                if wait_s > 0:
                    await asyncio.sleep(wait_s)
                task = asyncio.ensure_future(publisher.post(number))
                posting.add(task)
                task.add_done_callback(posting.discard)
            await asyncio.gather(*posting)
            await sink.until(lambda: len(took) >= total, within_s=60)
            share = (processes.used_s(pid) - before_s) / (time.monotonic() - began)
            return took, share


def main(argv: Sequence[str] = ()) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.latency", description=__doc__)
    parser.add_argument("--rate", type=int, default=RATE)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    given = parser.parse_args(argv)
    sys.stdout.write(
        f"end to end at {given.rate} events/s of 1 KB, ms\n"
        f"{'beside':>12} {'p50':>8} {'p90':>8} {'p99':>8} {'p99.9':>8} {'max':>8} {'core':>6}\n"
    )
    for beside in ((), ("slow",), ("dead",), ("slow", "dead")):
        took, share = uvloop.run(measure(given.rate, given.seconds, beside))
        cuts = statistics.quantiles(took, n=1000, method="inclusive")
        shown = [cuts[499], cuts[899], cuts[989], cuts[998], max(took)]
        cells = " ".join(f"{one * 1000:8.1f}" for one in shown)
        sys.stdout.write(f"{'+'.join(beside) or 'nothing':>12} {cells} {share:6.0%}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
