"""What one event costs: processor time of the hub and of its engine, and bytes on disk.

    python -m bench.cost --seconds 4

Events of 1 KB, single and in batches of 100, taken in by a hub without subscriptions. `us` are
microseconds of processor time (user and system) for one event, which other work disturbs far less
than rates. The disk's bytes are those of the engine's store, all of it, for one event.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

from bench import idle, load, processes
from bench.load import Load


def measure(run: Callable[[str], Load]) -> tuple[float, float, float, float]:
    """Hub µs, engine µs, bytes for one event, and events a second by the clock."""
    with processes.hub_process() as (url, pid):
        words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
        data = words[words.index("--data") + 1]
        engine = idle._engine_of(pid)
        before = processes.used_s(pid), idle._usage(engine).cpu_s
        began, had = time.monotonic(), accepted(url)
        run(f"{url}/events")
        took_s, events = time.monotonic() - began, accepted(url) - had
        hub_s, engine_s = processes.used_s(pid), idle._usage(engine).cpu_s
        stored = sum(file.stat().st_size for file in Path(data).rglob("EV_default/**/*.blk"))
    return (
        (hub_s - before[0]) / events * 1e6,
        (engine_s - before[1]) / events * 1e6,
        stored / events,
        events / took_s,
    )


def accepted(url: str) -> int:
    """Events that the hub has acknowledged."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=10) as lines:  # loopback
        for line in lines:
            if line.startswith(b'chappe_events_accepted_total{channel="default"} '):
                return int(float(line.split()[1]))
    raise SystemExit("bench: the hub does not tell what it has accepted")


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.cost")
    parser.add_argument("--seconds", type=float, default=4.0)
    seconds = parser.parse_args(list(arguments)).seconds
    print(f"\nWhat taking in an event of 1 KB costs ({os.cpu_count()} cores, shared)\n")
    print("  how               hub us  engine us  bytes stored   events/s")
    for name, run in (
        ("1 caller", lambda url: load.single(url, 1, seconds)),
        ("16 callers", lambda url: load.single(url, 16, seconds)),
        ("64 callers", lambda url: load.single(url, 64, seconds)),
        ("batches of 100", lambda url: load.batches(url, 4, seconds)),
    ):
        hub_us, engine_us, stored, rate = measure(run)
        print(f"  {name:<16} {hub_us:>7.0f} {engine_us:>10.1f} {stored:>13.0f} {rate:>10.0f}")


if __name__ == "__main__":
    main(sys.argv[1:])
