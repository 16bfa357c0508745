"""`make bench`: what the hub does in a second, each figure beside a peer's or a limit's in the same run.

    python -m bench [ingest] [batches] [delivery] [deliveries] [idle-subscriptions] [idle] [registry]
        [schemas] [inline] [cesql] [matching] [streams] [client] [latency] [cli-start]

All of them if none is named.

The rounds of one comparison are interleaved, and the median of each is taken, so that a machine whose
speed drifts changes both sides. Ratios count; absolute figures are of the machine.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace

from bench import (
    cesql,
    cli_start,
    client,
    deliveries,
    idle,
    inline,
    latency,
    load,
    matching,
    one_by_one,
    processes,
    registry,
    schemas,
    streams,
)
from bench.load import Load

SECONDS = 3.0
ROUNDS = 3
CONNECTIONS = (1, 16, 64, 256)
SCHEMA = {
    "envelope": "CloudEvents/1.0",
    "envelopemetadata": {"type": {"value": "checked"}},
    "dataschemaformat": "JSONSchema/draft-07",
    "dataschema": {
        "type": "object",
        "required": ["total", "currency"],
        "properties": {
            "total": {"type": "number"},
            "currency": {"enum": ["EUR", "USD"]},
            "note": {"type": "string", "maxLength": 2000},
        },
    },
    "validation": "enforce",
}
BACKLOG = 60_000


def ingest() -> None:
    """Single events, each acknowledged on disk."""
    print("\nSingle events of 1 KB, acknowledged on disk (medians of interleaved rounds)")
    print("  the engine one by one: nats-server, sync_interval always, as many callers")
    print("  do nothing: a handler on the hub's own HTTP server that reads the body and answers")
    print("  uvicorn: the same handler on uvicorn, tuned (ADR 0004)\n")
    print(
        "  callers        hub/s   p50 ms   p99 ms | engine/s  p99 ms   hub/engine |"
        " do nothing/s  hub/nothing | uvicorn/s  hub/uvicorn | checked/s  checked/hub"
    )
    with ExitStack() as stack:
        hub = stack.enter_context(processes.hub())
        nothing = stack.enter_context(processes.python("bench.do_nothing"))
        uvicorn = stack.enter_context(processes.python("bench.do_nothing", "--uvicorn"))
        processes.call("PUT", f"{hub}/messagegroups/bench/messages/checked", SCHEMA)
        for connections in CONNECTIONS:
            run = _Rounds(connections)
            plain, checked, peer, ceiling, other = run(
                lambda n: load.single(f"{hub}/events", n, SECONDS),
                lambda n: load.single(f"{hub}/events", n, SECONDS, type_="checked"),
                lambda n: one_by_one.measure(n, SECONDS),
                lambda n: load.single(f"{nothing}/events", n, SECONDS),
                lambda n: load.single(f"{uvicorn}/events", n, SECONDS),
            )
            print(
                f"  {connections:7}  {plain.rate:11,.0f} {plain.p50_ms:8.2f} {plain.p99_ms:8.2f} |"
                f" {peer.rate:8,.0f} {peer.p99_ms:7.2f} {run.ratio(0, 2):11.1f}x |"
                f" {ceiling.rate:12,.0f} {run.ratio(0, 3):11.0%} |"
                f" {other.rate:9,.0f} {run.ratio(0, 4):11.0%} |"
                f" {checked.rate:9,.0f} {run.ratio(1, 0):11.0%}"
            )
        print(f"  load by {plain.by}; its ceiling here: what the do-nothing handler answers")
    print("  aims: hub/engine >= 3 at 16 and >= 5 at 64, a lower p99; hub/nothing >= 50 % at 64;")
    print("        checked/hub >= 90 %")


def batches() -> None:
    """Batches of a hundred events."""
    print("\nBatches of 100 events of 1 KB, all or nothing, acknowledged on disk")
    with processes.hub() as hub:
        for connections in (1, 4, 16):
            found = load.batches(f"{hub}/events", connections, SECONDS)
            print(
                f"  {connections:3} callers  {found.rate:9,.0f} events/s"
                f"   p50 {found.p50_ms:6.1f} ms   p99 {found.p99_ms:6.1f} ms"
            )
    print("  aim: >= 40,000 events/s")


def delivery() -> None:
    """A backlog to a local sink."""
    print(f"\nDelivery of {BACKLOG:,} events of 1 KB to a local sink, binary mode, at least once")
    with processes.hub() as hub, processes.python("bench.sink") as sink:
        _fill(hub)
        rate = _drain(hub, sink, concurrency=64)
        print(f"  {rate:9,.0f} events/s from the first to the last\n  aim: >= 15,000 events/s")


def idle_subscriptions() -> None:
    """What subscriptions cost that want none of the events."""
    print("\nWith 1,000 subscriptions that want none of the events")
    with ExitStack() as stack:
        bare = stack.enter_context(processes.hub())
        crowded = stack.enter_context(processes.hub())
        for number in range(1_000):
            processes.call(
                "POST",
                f"{crowded}/subscriptions",
                {"protocol": "HTTP", "sink": "http://127.0.0.1:9/", "types": [f"never.{number}"]},
            )
        run = _Rounds(64)
        without, with_ = run(
            lambda n: load.single(f"{bare}/events", n, SECONDS),
            lambda n: load.single(f"{crowded}/events", n, SECONDS),
        )
        print(
            f"  ingest, 64 callers: {without.rate:,.0f}/s without, {with_.rate:,.0f}/s with"
            f" ({run.ratio(1, 0):.0%})"
        )
        rates: list[tuple[float, float]] = []
        for _ in range(ROUNDS):
            pair = []
            for hub in (bare, crowded):
                with processes.python("bench.sink") as sink:
                    _fill(hub, BACKLOG // 3)
                    pair.append(_drain(hub, sink, concurrency=64, events=BACKLOG // 3))
            rates.append((pair[0], pair[1]))
        print(
            f"  delivery: {statistics.median(a for a, _ in rates):,.0f}/s without,"
            f" {statistics.median(b for _, b in rates):,.0f}/s with"
            f" ({statistics.median(b / a for a, b in rates):.0%})"
        )
    print("  aim: neither changes by more than 5 %")


class _Rounds:
    """Runs the sides of a comparison in turn, and gives each its median."""

    def __init__(self, connections: int) -> None:
        self._connections = connections
        self._found: list[list[Load]] = []

    def __call__(self, *sides: Callable[[int], Load]) -> list[Load]:
        self._found = [[side(self._connections) for side in sides] for _ in range(ROUNDS)]
        return [_median([found[side] for found in self._found]) for side in range(len(sides))]

    def ratio(self, one: int, other: int) -> float:
        return statistics.median(found[one].rate / found[other].rate for found in self._found)


def _median(found: Sequence[Load]) -> Load:
    for one in found:
        if one.errors:
            sys.exit(f"{one.errors} requests were refused; the figures mean nothing")
    return replace(
        found[0],
        rate=statistics.median(one.rate for one in found),
        p50_ms=statistics.median(one.p50_ms for one in found),
        p99_ms=statistics.median(one.p99_ms for one in found),
    )


_filled = 0


def _fill(hub: str, events: int = BACKLOG) -> None:
    global _filled  # ids never repeat, or they would be dropped as repeats
    note = "x" * 980
    for _ in range(0, events, 1_000):
        batch = []
        for _ in range(1_000):
            _filled += 1
            data = {"total": 12.5, "currency": "EUR", "note": note}
            one = {"specversion": "1.0", "id": f"backlog-{_filled}", "source": "/bench"}
            batch.append({**one, "type": "backlog", "data": data})
        processes.call(
            "POST", f"{hub}/events", batch, content_type="application/cloudevents-batch+json"
        )


def _drain(hub: str, sink: str, *, concurrency: int, events: int = BACKLOG) -> float:
    wanted = {"types": ["backlog"], "start": "earliest", "concurrency": concurrency}
    made = processes.call(
        "POST", f"{hub}/subscriptions", {"protocol": "HTTP", "sink": f"{sink}/in", **wanted}
    )
    deadline = time.monotonic() + 120
    while True:
        state = processes.call("GET", f"{sink}/state")
        if state["count"] >= events:
            break
        if time.monotonic() > deadline:
            sys.exit(f"only {state['count']} of {events} events were delivered")
        time.sleep(0.1)
    processes.call("DELETE", f"{hub}/subscriptions/{made['id']}")
    return float(state["count"] / state["seconds"])


PARTS = {
    "ingest": ingest,
    "batches": batches,
    "delivery": delivery,
    "deliveries": deliveries.main,
    "idle-subscriptions": idle_subscriptions,
    "idle": idle.main,
    "registry": registry.main,
    "schemas": schemas.main,
    "inline": inline.main,
    "cesql": cesql.main,
    "matching": matching.main,
    "streams": streams.main,
    "client": client.main,
    "latency": latency.main,
    "cli-start": cli_start.main,
}


def main() -> None:
    names = sys.argv[1:] or list(PARTS)
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        sys.exit(f"bench: {unknown[0]!r} is none of {', '.join(PARTS)}")
    for name in names:
        PARTS[name]()


if __name__ == "__main__":
    main()
