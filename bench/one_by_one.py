"""nats-server's own durable rate: 1 KB messages, each fsynced and acknowledged by itself."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

import uvloop

from bench.load import DATA, Load
from chappe.adapters.nats.connection import Connection, NatsAddress
from chappe.adapters.nats.jetstream import ensure_stream
from chappe.server.embedded_nats import EmbeddedNats


async def main(connections: int, seconds: float) -> None:
    with tempfile.TemporaryDirectory() as data:
        async with EmbeddedNats(Path(data)) as engine:
            address = NatsAddress((engine.url,), engine.user, engine.password, None)
            connection = await Connection.open(address, name="bench")
            await ensure_stream(
                connection, "PEER", {"subjects": ["peer.*"], "storage": "file", "max_bytes": -1}
            )
            latencies: list[float] = []
            end = time.perf_counter() + seconds

            async def caller(number: int) -> None:
                subject = f"peer.{number % 4}"
                while (began := time.perf_counter()) < end:
                    await connection.publish(subject, DATA)
                    latencies.append(time.perf_counter() - began)

            await asyncio.gather(*(caller(number) for number in range(connections)))
            await connection.close()
    latencies.sort()
    sys.stdout.write(
        json.dumps(
            [
                len(latencies) / seconds,
                latencies[len(latencies) // 2] * 1000,
                latencies[int(len(latencies) * 0.99)] * 1000,
                0,
                "nats",
            ]
        )
    )


def measure(connections: int, seconds: float) -> Load:
    """The rate in a process of its own."""
    import subprocess

    done = subprocess.run(
        [sys.executable, "-m", "bench.one_by_one", str(connections), str(seconds)],
        check=True,
        capture_output=True,
        text=True,
    )
    return Load(*json.loads(done.stdout))


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), float(sys.argv[2])))
