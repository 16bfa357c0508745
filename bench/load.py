"""Load on a hub from outside: wrk where there is one, else a thin client in a process of its own.

Both send events of 1 KB in binary mode with ids of their own, or batches of 100 in the JSON format.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

DATA = json.dumps({"total": 12.5, "currency": "EUR", "note": "x" * 980}).encode()
assert len(DATA) in range(1000, 1100)
BATCH = 100

_WRK_SCRIPT = """
local counter = 0
local thread = 0
function setup(t) t:set("id", thread); thread = thread + 1 end
local head, tail
function init(args)
  head = "%(head)s"
  tail = "%(tail)s"
end
request = function()
  counter = counter + 1
  return head .. "%(run)s-" .. counter .. tail
end
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What came of it: answers a second, latencies in ms, answers other than 2xx and 3xx."""

    rate: float
    p50_ms: float
    p99_ms: float
    errors: int
    by: str
    answers: int = 0
    """How many in all; 0 where wrk counted."""


def single(
    url: str,
    connections: int,
    seconds: float,
    *,
    type_: str = "bench",
    data: bytes = DATA,
    content_type: str = "application/json",
) -> Load:
    """One event a request."""
    parts = urlsplit(url)
    head = (
        f"POST {parts.path or '/'} HTTP/1.1\r\nHost: {parts.netloc}\r\nce-specversion: 1.0\r\n"
        f"ce-type: {type_}\r\nce-source: /bench\r\nce-subject: order\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: {len(data)}\r\nce-id: "
    )
    tail = "\r\n\r\n" + data.decode("latin-1")
    # No subject that keeps all events in one shard: the id spreads them.
    head = head.replace("ce-subject: order\r\n", "")
    return _run(url, head, tail, connections, seconds)


def batches(url: str, connections: int, seconds: float) -> Load:
    """A hundred events a request; `rate` counts events."""
    parts = urlsplit(url)
    run = os.urandom(4).hex()
    events = [
        {
            "specversion": "1.0",
            "id": f"@@-{number}",
            "source": "/bench",
            "type": "bench",
            "datacontenttype": "application/json",
            "data": json.loads(DATA),
        }
        for number in range(BATCH)
    ]
    # The id that differs from request to request is of a fixed width, and the same for the batch.
    body = json.dumps(events, separators=(",", ":"))
    size = len(body.replace("@@", "0" * 16))
    head = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        f"Content-Type: application/cloudevents-batch+json\r\nContent-Length: {size}\r\n\r\n"
    )
    found = _run_python(url, head, body, connections, seconds, run)
    return Load(found.rate * BATCH, found.p50_ms, found.p99_ms, found.errors, found.by)


def requests(url: str, head: str, body: str, connections: int, seconds: float) -> Load:
    """Any request, by the thin client; `@@` is 16 letters and digits that no other one has."""
    return _run_python(url, head, body, connections, seconds, os.urandom(4).hex())


def _run(url: str, head: str, tail: str, connections: int, seconds: float) -> Load:
    run = os.urandom(4).hex()
    wrk = shutil.which("wrk")
    if wrk is None:
        return _run_python(url, f"{head}@@{tail}", "", connections, seconds, run)
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "load.lua"
        script.write_text(_WRK_SCRIPT % {"head": _lua(head), "tail": _lua(tail), "run": run})
        done = subprocess.run(
            [
                wrk,
                "-t1",
                f"-c{connections}",
                f"-d{seconds:.0f}s",
                "--latency",
                "-s",
                str(script),
                url,
            ],
            check=True,
            capture_output=True,
            text=True,
        )
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)[1])  # type: ignore[index]
    errors = re.search(r"Non-2xx or 3xx responses: (\d+)", done.stdout)
    return Load(
        rate,
        _ms(re.search(r"\n\s+50%\s+(\S+)", done.stdout)[1]),  # type: ignore[index]
        _ms(re.search(r"\n\s+99%\s+(\S+)", done.stdout)[1]),  # type: ignore[index]
        int(errors[1]) if errors else 0,
        "wrk",
    )


def _lua(text: str) -> str:
    """The text in Lua's quotes, each character a byte."""
    return "".join(
        one if " " <= one <= "~" and one not in '"\\' else f"\\{ord(one):03d}" for one in text
    )


def _ms(text: str) -> float:
    for unit, factor in (("us", 0.001), ("ms", 1.0), ("s", 1000.0)):
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * factor
    raise ValueError(text)


def _run_python(url: str, head: str, body: str, connections: int, seconds: float, run: str) -> Load:
    done = subprocess.run(
        [sys.executable, "-m", "bench.load", url, str(connections), str(seconds), run],
        input=json.dumps([head, body]),
        check=True,
        capture_output=True,
        text=True,
    )
    return Load(*json.loads(done.stdout))


class _Caller(asyncio.Protocol):
    """One connection: a request, its answer, the next request."""

    def __init__(self, client: _Client) -> None:
        self._client = client
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        self._send()

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(self._client.request())

    def data_received(self, data: bytes) -> None:
        # Answers are small and come in one piece on the loopback.
        self._client.latencies.append(time.perf_counter() - self._sent)
        if not data.startswith(b"HTTP/1.1 2"):
            self._client.errors += 1
        if time.perf_counter() < self._client.end:
            self._send()
        else:
            self._transport.close()
            self._client.open -= 1
            if not self._client.open:
                self._client.done.set()


class _Client:
    def __init__(self, head: str, body: str, run: str, connections: int, seconds: float) -> None:
        self._parts = [part.encode("latin-1") for part in (head + body).split("@@")]
        self._run = run
        self._count = 0
        self.latencies: list[float] = []
        self.errors = 0
        self.open = connections
        self.end = time.perf_counter() + seconds
        self.done = asyncio.Event()

    def request(self) -> bytes:
        self._count += 1
        return f"{self._run}{self._count:08d}".encode().join(self._parts)


async def _main(url: str, connections: int, seconds: float, run: str) -> None:
    head, body = json.loads(sys.stdin.read())
    parts = urlsplit(url)
    client = _Client(head, body, run, connections, seconds)
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    for _ in range(connections):
        await loop.create_connection(lambda: _Caller(client), parts.hostname, parts.port)
    await client.done.wait()
    took = time.perf_counter() - began
    found = sorted(client.latencies)
    print(
        json.dumps(
            [
                len(found) / took,
                found[len(found) // 2] * 1000,
                found[int(len(found) * 0.99)] * 1000,
                client.errors,
                "the thin client",
                len(found),
            ]
        )
    )


if __name__ == "__main__":
    import uvloop

    uvloop.run(_main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]))
