"""What the client library costs the program that uses it, beside the CloudEvents SDK with httpx2.

    python -m bench client        or        python -m bench.client --events 4000

Each row is a process of its own that does the same work against the same hub, and counts its own
processor time; the rounds of both sides are interleaved, and the medians taken. No wall clock: the
machine may be shared, and the hub runs beside. The peer makes an event of the SDK, encodes it with the
SDK, sends it with httpx2 and reads the answer; it has no batches in the background, so its batches are
made by hand. Retries, ids and settling are what it lacks.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from bench import processes

ROUNDS = 3
PAYLOAD = {"order": "A-1017", "total": 12.5, "note": "x" * 200}
IMPORTS = ("pass", "import chappe", "import asyncio, ssl, msgspec", "from chappe import Client", "from chappe import Consumer",
           "import httpx2; from cloudevents.core.bindings import http")  # fmt: skip
WORK = ("one by one", "64 in flight", "in batches of 100", "pull and ack", "stream")


async def _workers(count: int, events: int, once: Callable[[int], Awaitable[object]]) -> None:
    numbers = iter(range(events))

    async def work() -> None:
        for number in numbers:
            await once(number)

    await asyncio.gather(*(work() for _ in range(count)))


async def ours(work: str, url: str, events: int, name: str) -> None:
    """The work with the client library."""
    from chappe import Client

    async with Client(url, source="/bench") as hub:
        match work:
            case "one by one" | "64 in flight":
                count = 1 if work == "one by one" else 64
                await _workers(count, events, lambda n: hub.publish("bench.event", PAYLOAD))
            case "in batches of 100":
                async with hub.publisher(linger_ms=1, max_batch=100) as publisher:
                    for _ in range(events):
                        await publisher.put("bench.event", PAYLOAD)
            case "pull and ack":
                left = events
                async with hub.subscribe(name=name) as deliveries:
                    async for delivery in deliveries:
                        delivery.data()
                        delivery.ack_soon()
                        left -= 1
                        if not left:
                            return
            case _:
                left = events
                async for event in hub.stream("bench.*", start="earliest"):
                    event.data()
                    left -= 1
                    if not left:
                        return


async def theirs(work: str, url: str, events: int, name: str) -> None:
    """The same with the CloudEvents SDK and httpx2."""
    import httpx2
    from cloudevents.core.bindings.http import to_structured_event
    from cloudevents.core.formats.json import JSONFormat
    from cloudevents.core.v1.event import CloudEvent

    structured = JSONFormat()

    def made() -> CloudEvent:
        return CloudEvent({"source": "/bench", "type": "bench.event"}, PAYLOAD)

    async def publish(_: int) -> None:
        message = to_structured_event(made())
        answer = await client.post("/events", content=message.body, headers=message.headers)
        answer.raise_for_status()
        answer.json()

    async def batch(_: int) -> None:
        body = b"[" + b",".join(structured.write(made()) for _ in range(100)) + b"]"
        kind = {"content-type": "application/cloudevents-batch+json"}
        answer = await client.post("/events", content=body, headers=kind)
        answer.raise_for_status()
        answer.json()

    limits = httpx2.Limits(max_connections=64, max_keepalive_connections=64)
    async with httpx2.AsyncClient(base_url=url, timeout=60, limits=limits) as client:
        match work:
            case "one by one" | "64 in flight":
                await _workers(1 if work == "one by one" else 64, events, publish)
            case "in batches of 100":
                await _workers(1, events // 100, batch)
            case "pull and ack":
                left, path = events, f"/subscriptions/{name}"
                while left:
                    wanted = {"max_events": 100, "wait_s": 20}
                    found = (await client.post(f"{path}/receive", json=wanted)).json()
                    for one in found:
                        structured.read(None, json.dumps(one["event"]))
                    tokens = {"locktokens": [one["locktoken"] for one in found]}
                    (await client.post(f"{path}/acknowledge", json=tokens)).raise_for_status()
                    left -= len(found)
            case _:
                left = events
                target = "/events/stream?from=earliest"
                async with client.stream("GET", target) as answer:
                    async for line in _lines(answer.aiter_lines()):
                        structured.read(None, line)
                        left -= 1
                        if not left:
                            return


async def _lines(lines: AsyncIterator[str]) -> AsyncIterator[str]:
    async for line in lines:
        if line.startswith("data: "):
            yield line[6:]


def _used_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _run(who: str, work: str, url: str, events: int, name: str) -> None:
    side = ours if who == "ours" else theirs

    async def measured() -> float:
        before_s = _used_s()
        await side(work, url, events, name)
        return _used_s() - before_s

    print(asyncio.run(measured()))


def _measured(who: str, work: str, url: str, events: int, name: str) -> float:
    command = [sys.executable, "-m", "bench.client", "--run", who, work, url, name]
    done = subprocess.run([*command, "--events", str(events)], check=True, stdout=subprocess.PIPE)
    return float(done.stdout)


def _import_ms(program: str) -> float:
    """The least processor time of some starts: what is more is the machine's."""
    least = float("inf")
    for _ in range(10):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", program], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        least = min(least, used)
    return least * 1000


def main(events: int = 4_000) -> None:
    """Print both tables."""
    print("\nImport: processor time of a process, least of 10 (ms), and above a bare Python\n")
    bare = 0.0
    for program in IMPORTS:
        found = _import_ms(program)
        bare = bare or found
        print(f"  {found:6.0f}  +{found - bare:4.0f}   {program}")
    print(f"\nClient library: {events} events of 0.3 KB; processor time of the program, per event")
    print("  peer: the CloudEvents SDK and httpx2 doing the same against the same hub\n")
    print("  what                  ours us   events/s/core |   peer us   ours/peer")
    for work in WORK:
        with processes.hub() as url:
            began = time.monotonic()
            results: dict[str, list[float]] = {"ours": [], "theirs": []}
            if work == "stream":
                asyncio.run(ours("in batches of 100", url, events, ""))
            for number in range(ROUNDS):
                for who, found in results.items():
                    name = f"{who}{number}"
                    if work == "pull and ack":
                        wanted = {"protocol": "PULL", "types": ["bench.event"], "start": "latest"}
                        path = f"{url}/endpoints/hub/subscriptions/{name}"
                        processes.call("PUT", path, wanted)
                        asyncio.run(ours("in batches of 100", url, events, ""))
                    found.append(_measured(who, work, url, events, name))
            mine, peer = (
                statistics.median(results[who]) / events * 1e6 for who in ("ours", "theirs")
            )
            print(
                f"  {work:20} {mine:8.1f}   {1e6 / mine:13.0f} |  {peer:8.1f}   {mine / peer:9.2f}"
                f"      ({time.monotonic() - began:.0f} s)"
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.client")
    parser.add_argument("--events", type=int, default=4_000, help="How many, a multiple of 100")
    parser.add_argument("--run", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.run:
        who, work, url, name = given.run
        _run(who, work, url, given.events, name)
    else:
        main(given.events)
