"""What a hub costs that has nothing to do: memory and processor time of the hub and of its engine.

    python -m bench idle        or        python -m bench.idle --seconds 10 --events 10000

Read from /proc, so on Linux only. `RSS` counts pages that the two share with other programs in full;
`PSS` counts each of those by its share. The limits are 120 MB for both together (RSS) and 1 % of a
core. With `--events`, so many are taken in and delivered before. With `--subscriptions`, so many are
declared by one import, each with a type of its own, and what they add to the hub is told: 10,000 may add
100 MB, and no processor time.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import processes

LIMIT_MB = 120
LIMIT_PERCENT = 1.0
SETTLE_S = 3.0
"""After the start, so that what starting costs is over."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Of one process: memory in MB, processor time in seconds since its start."""

    name: str
    rss_mb: float
    pss_mb: float
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Both processes after the pause, and what of a core each took in it, in percent."""

    usages: Sequence[Usage]
    percents: Sequence[float]

    @property
    def rss_mb(self) -> float:
        """Both together."""
        return sum(usage.rss_mb for usage in self.usages)

    @property
    def percent(self) -> float:
        """Both together."""
        return sum(self.percents)


def measure(seconds: float, events: int, subscriptions: int = 0) -> Figures:
    """Start a hub, let it be, and look at it twice."""
    with tempfile.TemporaryDirectory(prefix="chappe-idle-") as directory:
        data = Path(directory) / "data"
        command = [sys.executable, "-m", "chappe", "serve", "--port", "0", "--data", str(data)]
        process = subprocess.Popen([*command, "--log-level", "warning"])
        try:
            url = _url(data, process)
            if subscriptions:
                _declare(url, subscriptions)
            if events:
                _work(url, events)
            time.sleep(SETTLE_S)
            pids = [process.pid, _engine_of(process.pid)]
            before = [_usage(pid) for pid in pids]
            began = time.monotonic()
            time.sleep(seconds)
            after = [_usage(pid) for pid in pids]
            took_s = time.monotonic() - began
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    percents = [100 * (b.cpu_s - a.cpu_s) / took_s for a, b in zip(before, after, strict=True)]
    return Figures(after, percents)


def show(figures: Figures, seconds: float) -> None:
    """The table, with the limits beside."""
    print(f"\nA hub that has nothing to do, over {seconds:g} s\n")
    print("  process        RSS MB   PSS MB    CPU %")
    for usage, percent in zip(figures.usages, figures.percents, strict=True):
        print(f"  {usage.name:<12} {usage.rss_mb:>8.1f} {usage.pss_mb:>8.1f} {percent:>8.2f}")
    print(f"  {'both':<12} {figures.rss_mb:>8.1f} {'':>8} {figures.percent:>8.2f}")
    print(f"  {'limit':<12} {LIMIT_MB:>8.1f} {'':>8} {LIMIT_PERCENT:>8.2f}")


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.idle")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--events", type=int, default=0)
    parser.add_argument("--subscriptions", type=int, default=0)
    given = parser.parse_args(list(arguments))
    bare = measure(given.seconds, given.events)
    show(bare, given.seconds)
    if given.subscriptions:
        crowded = measure(given.seconds, given.events, given.subscriptions)
        print(f"\nThe same with {given.subscriptions:,} subscriptions")
        show(crowded, given.seconds)
        more_mb = crowded.usages[0].pss_mb - bare.usages[0].pss_mb
        each_kb = more_mb * 1024 / given.subscriptions
        print(f"\n  the hub alone: {more_mb:.1f} MB more (PSS), {each_kb:.1f} kB each; aim: 100 MB")


def _url(data: Path, process: subprocess.Popen[bytes]) -> str:
    found = data / "hub.json"
    deadline = time.monotonic() + 30
    while not found.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit("bench: the hub did not start")
        time.sleep(0.02)
    return str(json.loads(found.read_text())["url"])


def _declare(url: str, count: int) -> None:
    """Subscriptions that nothing is published for, in imports of a thousand."""
    for first in range(0, count, 1_000):
        declared = {
            f"idle-{number}": {
                "subscriptionid": f"idle-{number}",
                "protocol": "HTTP",
                "sink": f"http://127.0.0.1:9/{number}",
                "types": [f"never.{number}"],
            }
            for number in range(first, min(first + 1_000, count))
        }
        processes.call("POST", f"{url}/endpoints/hub/subscriptions", declared)


def _work(url: str, events: int) -> None:
    """Take in that many events, each delivered to a sink, and wait until all are settled."""
    kind = "application/cloudevents-batch+json"
    with processes.python("bench.sink") as sink:
        processes.call("POST", f"{url}/subscriptions", {"protocol": "HTTP", "sink": sink})
        for first in range(0, events, 1_000):
            batch = [
                {"specversion": "1.0", "id": str(number), "source": "/idle", "type": "t"}
                for number in range(first, min(first + 1_000, events))
            ]
            processes.call("POST", f"{url}/events", batch, content_type=kind)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            shards = processes.call("GET", f"{url}/readyz")["shards"].values()
            if not sum(shard["open"] for shard in shards):
                return
            time.sleep(0.1)
    raise SystemExit("bench: the events were not delivered within 60 s")


def _engine_of(pid: int) -> int:
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        if Path(f"/proc/{child}/comm").read_text().strip() == "nats-server":
            return int(child)
    raise SystemExit(f"bench: the hub {pid} has no engine of its own")


def _usage(pid: int) -> Usage:
    process = Path(f"/proc/{pid}")
    rollup = dict(
        line.split(":", 1)
        for line in (process / "smaps_rollup").read_text().splitlines()
        if ":" in line and line[0].isalpha()
    )
    fields = (process / "stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])  # utime and stime: fields 14 and 15 of proc(5)
    name = "engine" if (process / "comm").read_text().startswith("nats") else "hub"
    return Usage(
        name,
        int(rollup["Rss"].split()[0]) / 1024,
        int(rollup["Pss"].split()[0]) / 1024,
        ticks / os.sysconf("SC_CLK_TCK"),
    )


if __name__ == "__main__":
    main(sys.argv[1:])
