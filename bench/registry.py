"""The registry over HTTP with 1,000 and with 100,000 documents of 1 KB, and what holding them costs.

    python -m bench registry

Both registries are asked in turn, so that a machine whose speed drifts changes both columns. Latencies
are one caller's; rates are wrk's. Beside them limits of the same run: the do-nothing handler on the
hub's own HTTP server, and nats-server's own publish, acknowledged on disk one by one.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench import one_by_one, processes
from bench.registry_client import (
    FORMAT,
    SCHEMAS,
    Caller,
    Found,
    callers,
    document,
    fill,
    one_caller,
    schemas,
    wrk,
)

GROUPS, VERSIONS = 10, 10
LARGE = GROUPS * SCHEMAS * VERSIONS
ROUNDS = 3
SECONDS = 3.0
PUTS = 600
"""More than there are transactions between two snapshots, so that one falls among them."""
DOCUMENT = "/schemagroups/g0/schemas/s500"

_number = itertools.count()


@dataclass(frozen=True, slots=True)
class _Hub:
    url: str
    pid: int
    caller: Caller
    started_s: float

    def get(self, path: str, times: int) -> Found:
        return one_caller(times, lambda _: self.caller.ask("GET", path))

    def put(self, times: int) -> Found:
        return one_caller(times, lambda number: _put(self.caller, number))

    def import_(self) -> Found:
        """A thousand schemas in one request, into a group that is dropped again."""

        def one(_: int) -> tuple[float, bytes]:
            group = f"imported-{next(_number)}"
            body = schemas(group, range(SCHEMAS), 1)
            found = self.caller.ask("POST", f"/schemagroups/{group}/schemas", body)
            self.caller.ask("DELETE", f"/schemagroups/{group}")
            return found

        return one_caller(3, one)

    def rss_bytes(self) -> int:
        """Of the hub alone, without its engine."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) * 1024


def main() -> None:
    """Measure and print."""
    print(f"\nThe registry, with {SCHEMAS:,} and with {LARGE:,} documents of 1 KB")
    with contextlib.ExitStack() as stack:
        nothing = stack.enter_context(processes.python("bench.do_nothing"))
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chappe-bench-")))
        with _hub(directory / "small") as small, _hub(directory / "large") as large:
            fill(small.caller, 1, 1)
            empty = large.rss_bytes()
            began = time.perf_counter()
            fill(large.caller, GROUPS, VERSIONS)
            print(f"  filled by requests of 1,000 in {time.perf_counter() - began:.1f} s")
            filled = large.rss_bytes()
            document_bytes = len(large.caller.ask("GET", DOCUMENT)[1])
            _rates(small, large, nothing)
            _latencies(small, large)
            _writes(small, large)
        _starts(directory / "large", empty, filled, document_bytes)


def _rates(small: _Hub, large: _Hub, nothing: str) -> None:
    print("\n  16 callers                     1,000      100,000   ratio | do nothing   of it")
    for name, path in (("GET a document", DOCUMENT), ("GET $details", f"{DOCUMENT}$details")):
        rounds = [
            tuple(wrk(url, path, 16, SECONDS) for url in (small.url, large.url, nothing))
            for _ in range(ROUNDS)
        ]
        found = [(a, b, c) for a, b, c in rounds if a and b and c]
        if not found:
            print(f"  {name:<24} (wrk is not installed)")
            continue
        a, b, limit = (statistics.median(one[side] for one in found) for side in range(3))
        ratio = statistics.median(one[1] / one[0] for one in found)
        print(
            f"  {name:<24} {a:9,.0f}/s {b:9,.0f}/s {ratio:7.2f} | {limit:8,.0f}/s {b / limit:7.0%}"
        )
    print("  aim: a document >= 5,000/s, ratio >= 0.95")


def _latencies(small: _Hub, large: _Hub) -> None:
    name = "g0.500.0"
    rows: Sequence[tuple[str, str, int, str]] = (
        ("GET a document", DOCUMENT, 300, ""),
        ("GET $details", f"{DOCUMENT}$details", 300, ""),
        ("a collection of 1,000", "/schemagroups/g0/schemas", 20, ""),
        ("the same, sorted", "/schemagroups/g0/schemas?sort=name=desc", 20, ""),
        ("filter, 1,000 schemas", f"/schemagroups/g0/schemas?filter=name={name}", 20, ""),
        (
            "filter, all schemas",
            f"/schemagroups?filter=schemas.name={name}",
            20,
            "10,000: <= 10 ms",
        ),
        ("filter, all versions", f"/schemagroups?filter=schemas.versions.name={name}", 5, ""),
        ("export", "/export", 1, ""),
    )
    print("\n  one caller, p50 / p99 ms            1,000                100,000    ratio   aim")
    for title, path, times, aim in rows:
        _row(title, small, large, partial(_Hub.get, path=path, times=times), aim)


def _writes(small: _Hub, large: _Hub) -> None:
    _row("PUT of one, on disk", small, large, lambda hub: hub.put(PUTS // ROUNDS), "<= 10 ms")
    _row("import of 1,000, on disk", small, large, lambda hub: hub.import_(), "<= 1,000 ms")
    for connections in (1, 16):
        limit = one_by_one.measure(connections, SECONDS)
        found = callers(large.url, connections, PUTS, _put)
        print(
            f"  PUTs of {connections:2} callers to the large one: {found.rate:,.0f}/s,"
            f" p50 {found.p50_ms:.1f} p99 {found.p99_ms:.1f} ms; the engine alone, one by one:"
            f" {limit.rate:,.0f}/s, p50 {limit.p50_ms:.1f} p99 {limit.p99_ms:.1f} ms"
        )


def _row(title: str, small: _Hub, large: _Hub, measure: Callable[[_Hub], Found], aim: str) -> None:
    rounds = [(measure(small), measure(large)) for _ in range(ROUNDS)]
    texts = []
    for side in range(2):
        p50 = statistics.median(one[side].p50_ms for one in rounds)
        p99 = statistics.median(one[side].p99_ms for one in rounds)
        texts.append(f"{p50:9.2f} / {p99:9.2f}")
    ratio = statistics.median(b.p50_ms / a.p50_ms for a, b in rounds)
    print(f"  {title:<26} {texts[0]} {texts[1]} {ratio:8.2f}   {aim}")


def _starts(data: Path, empty: int, filled: int, document_bytes: int) -> None:
    print(f"\n  memory beyond the documents ({document_bytes:,} bytes each), aim <= 2,048:")
    print(
        f"    after the import     {(filled - empty) / LARGE - document_bytes:9,.0f} bytes a version"
    )
    found: list[tuple[float, int]] = []
    for _ in range(ROUNDS):
        with _hub(data) as hub:
            found.append((hub.started_s, hub.rss_bytes()))
    rss = statistics.median(one[1] for one in found)
    print(
        f"    after a start        {(rss - empty) / LARGE - document_bytes:9,.0f} bytes a version"
    )
    median = statistics.median(one[0] for one in found)
    print(f"  start, snapshot and tail, until it answers: {median:.1f} s (aim <= 5 s)")


def _put(caller: Caller, number: int) -> tuple[float, bytes]:
    """Replace a schema's default version."""
    seed = f"put.{next(_number)}"
    body = json.dumps({"name": seed, "format": FORMAT, "schema": document(seed)}).encode()
    return caller.ask("PUT", f"/schemagroups/g0/schemas/s{number % 100}$details", body)


@contextlib.contextmanager
def _hub(data: Path) -> Iterator[_Hub]:
    """A hub on `data`; its end is a kill, since everything that was answered is on disk."""
    command = [sys.executable, "-m", "chappe", "serve", "--port", "0", "--data", str(data)]
    began = time.perf_counter()
    (data / "hub.json").unlink(missing_ok=True)
    process = subprocess.Popen([*command, "--log-level", "warning"], env=os.environ)
    try:
        while not (data / "hub.json").exists():
            if process.poll() is not None or time.perf_counter() - began > 120:
                raise SystemExit("bench: the hub did not start")
            time.sleep(0.02)
        url = str(json.loads((data / "hub.json").read_text())["url"])
        caller = Caller(url)
        caller.ask("GET", "/")
        yield _Hub(url, process.pid, caller, time.perf_counter() - began)
        caller.close()
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main()
