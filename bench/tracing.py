"""What tracing costs: processor time of the hub for an event that is published alone and delivered once.

    python -m bench.tracing --seconds 4          or with the sources of another release beside:
    python -m bench.tracing --before /tmp/older/src

Rounds are interleaved and the least of each row counts. The ratio is to the first row. The collector is a
server that reads and answers, and nothing more.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence

from bench import load, processes

ROUNDS = 3


def measure(seconds: float, environment: Mapping[str, str], callers: int) -> float:
    """Microseconds of the hub's processor for one event."""
    with _environment(environment), processes.hub_process() as (hub, pid):
        with processes.python("bench.sink") as sink:
            wanted = {"protocol": "HTTP", "sink": f"{sink}/in", "concurrency": 64}
            processes.call("POST", f"{hub}/subscriptions", wanted)
            load.single(f"{hub}/events", callers, 1.0)
            warm = _settled(sink)
            before_s = processes.used_s(pid)
            load.single(f"{hub}/events", callers, seconds)
            events = _settled(sink) - warm
            return (processes.used_s(pid) - before_s) / events * 1e6


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.tracing")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--callers", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--before", help="sources of another release, as the first row")
    given = parser.parse_args(list(arguments))
    with processes.python("bench.sink") as collector:
        on = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"{collector}/in"}
        share = {**on, "OTEL_TRACES_SAMPLER": "parentbased_traceidratio"}
        rows: dict[str, Mapping[str, str]] = (
            {} if given.before is None else {"before": {"PYTHONPATH": given.before}}
        )
        rows |= {
            "off": {},
            "on, 1 %": {**share, "OTEL_TRACES_SAMPLER_ARG": "0.01"},
            "on, 100 %": on,
        }
        found: dict[str, list[float]] = {name: [] for name in rows}
        for _ in range(given.rounds):
            for name, environment in rows.items():
                found[name].append(measure(given.seconds, environment, given.callers))
    first = min(next(iter(found.values())))
    print(f"\nAn event of 1 KB, published alone ({given.callers} callers) and delivered once")
    print("  tracing        hub us   ratio")
    for name, us in found.items():
        print(f"  {name:<12} {min(us):>8.1f} {min(us) / first:>7.2f}")


@contextlib.contextmanager
def _environment(more: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(more)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _settled(sink: str) -> int:
    """How many came, once no more come."""
    count, since = -1, time.monotonic()
    while time.monotonic() - since < 1.0:
        now = processes.call("GET", f"{sink}/state")["count"]
        if now != count:
            count, since = now, time.monotonic()
        time.sleep(0.1)
    return int(count)


if __name__ == "__main__":
    main(sys.argv[1:])
