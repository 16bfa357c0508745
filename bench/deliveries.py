"""What a delivery costs the hub: processor time for one hot subscription, for 100, for 1,000.

    python -m bench deliveries       or     python -m bench.deliveries --events 20000 1 100 1000

Each event of 1 KB goes to one of the subscriptions, one request each; a hub of its own for each row.
`us` is the processor time of the hub's process (without its engine) for one event: what taking in
costs, measured on a hub with no subscription, is taken off. `per core` is what a core of the hub could
deliver in a second at that price; the rate by the clock beside it depends on the machine's load.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench import processes

EVENTS = 20_000
ROUNDS = 2
NOTE = "x" * 980
BATCH_JSON = "application/cloudevents-batch+json"
DEAD = "http://127.0.0.1:9/"


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one run: processor seconds of the hub, seconds by the clock, for so many events."""

    cpu_s: float
    took_s: float
    events: int

    @property
    def us(self) -> float:
        """Microseconds of processor time for one event."""
        return self.cpu_s / self.events * 1e6


def measure(
    subscriptions: int, events: int, *, beside: Sequence[str] = (), **fields: object
) -> Cost:
    """Publish `events`, spread over so many subscriptions, and wait until all have come.

    `beside` are sinks of more subscriptions, which want every event.
    """
    with processes.hub_process() as (hub, pid), processes.python("bench.sink") as sink:
        for number in range(subscriptions):
            wanted = {"types": [f"t.{number}"], "concurrency": 64, **fields}
            _subscribe(hub, f"{sink}/in", wanted)
        for other in beside:
            _subscribe(hub, other, {})
        _publish(hub, 1_000, max(subscriptions, 1), "warm")
        expected = 1_000 if subscriptions else 0
        _wait(hub, sink, expected)
        before_s, began = processes.used_s(pid), time.monotonic()
        _publish(hub, events, max(subscriptions, 1), "e")
        _wait(hub, sink, expected + (events if subscriptions else 0))
        return Cost(processes.used_s(pid) - before_s, time.monotonic() - began, events)


def show(counts: Sequence[int], events: int) -> None:
    """The table, the rounds interleaved."""
    print(f"\nDelivery of {events:,} events of 1 KB, one request each")
    print("  subscriptions   us/event   per core   by the clock")
    rounds: dict[int, list[Cost]] = {count: [] for count in (0, *counts)}
    for _ in range(ROUNDS):
        for count, found in rounds.items():
            found.append(measure(count, events))
    least = {count: min(found, key=lambda cost: cost.us) for count, found in rounds.items()}
    intake = least[0].us
    alone = 0.0
    for count in counts:
        us = least[count].us - intake
        alone = alone or 1 / us
        print(
            f"  {count:13,} {us:10.1f} {1e6 / us:10,.0f} {events / least[count].took_s:12,.0f}/s"
            f"   {1 / us / alone:5.0%} of the first row"
        )
    with processes.python("bench.sink", "0.5") as slow:
        beside = [measure(100, events, beside=sinks) for sinks in ((), (DEAD,), (f"{slow}/in",))]
    alone_s = beside[0].took_s
    print(
        "  100 healthy ones beside one more that wants every event, by the clock and processor time"
    )
    for name, cost in zip(("nothing", "a dead sink", "a slow sink"), beside, strict=True):
        print(
            f"    {name:<12} {events / cost.took_s:9,.0f}/s  {alone_s / cost.took_s:5.0%}"
            f"   {cost.us - intake:6.1f} us"
        )
    print(f"  taking an event in, with no subscription: {intake:.1f} us")
    print("  aims: healthy sinks lose less than 10 % beside a dead or slow one;")
    print("        20,000 a core for 1 and 100 subscriptions; 1,000 at least 50 % of one")


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.deliveries")
    parser.add_argument("counts", type=int, nargs="*", default=[1, 100, 1_000])
    parser.add_argument("--events", type=int, default=EVENTS)
    given = parser.parse_args(list(arguments))
    show(given.counts, given.events)


def _subscribe(hub: str, sink: str, fields: dict[str, object]) -> None:
    processes.call("POST", f"{hub}/subscriptions", {"protocol": "HTTP", "sink": sink, **fields})


def _publish(hub: str, events: int, kinds: int, name: str) -> None:
    for first in range(0, events, 1_000):
        batch = [
            {
                "specversion": "1.0",
                "id": f"{name}-{number}",
                "source": "/bench",
                "type": f"t.{number % kinds}",
                "data": {"total": 12.5, "currency": "EUR", "note": NOTE},
            }
            for number in range(first, min(first + 1_000, events))
        ]
        processes.call("POST", f"{hub}/events", batch, content_type=BATCH_JSON)


def _wait(hub: str, sink: str, count: int) -> None:
    deadline = time.monotonic() + 300
    while processes.call("GET", f"{sink}/state")["count"] < count:
        if time.monotonic() > deadline:
            sys.exit(f"bench: fewer than {count} events were delivered within 300 s")
        time.sleep(0.05)


if __name__ == "__main__":
    main(sys.argv[1:])
