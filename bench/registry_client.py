"""A registry to measure, and callers of it: one at a time in the raw, or wrk.

A registry of 100,000 documents has schemagroups/g0 … g9, each with schemas/s0 … s999, each with versions/v0 … v9.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

SCHEMAS = 1_000
"""Of a group."""
FORMAT = "JsonSchema/draft-07"
_AT_ONCE = 1_000
"""Versions in one request while a registry is filled."""


@dataclass(frozen=True, slots=True)
class Found:
    """Answers of one kind: latencies in ms, ascending; answers a second; bytes of the last one."""

    latencies: Sequence[float]
    rate: float
    size: int = 0

    @property
    def p50_ms(self) -> float:
        """The median."""
        return self.latencies[len(self.latencies) // 2]

    @property
    def p99_ms(self) -> float:
        """The 99th percentile; of fewer than a hundred the slowest."""
        return self.latencies[min(int(len(self.latencies) * 0.99), len(self.latencies) - 1)]


_IDLE_S = 2.0
"""The hub hangs up after a while of silence; a connection that old is made anew."""


class Caller:
    """One keep-alive connection, one request after the other."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host = parts.netloc
        self._address = (parts.hostname or "", parts.port or 0)
        self._used = time.perf_counter()
        self._connect()

    def _connect(self) -> None:
        self._socket = socket.create_connection(self._address)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._stream = self._socket.makefile("rb")

    def ask(
        self, method: str, path: str, body: bytes = b"", *, headers: Mapping[str, str] | None = None
    ) -> tuple[float, bytes]:
        """The latency in ms, and the answer's body; anything but 2xx ends the benchmark."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._host}"]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        request = "\r\n".join([*lines, "", ""]).encode() + body
        if time.perf_counter() - self._used > _IDLE_S:
            self.close()
            self._connect()
        began = time.perf_counter()
        self._socket.sendall(request)
        status, answer = self._answer()
        self._used = time.perf_counter()
        took = (self._used - began) * 1000
        if status >= 300:
            raise SystemExit(f"{method} {path}: {status} {answer[:500].decode()}")
        return took, answer

    def close(self) -> None:
        """Hang up."""
        self._stream.close()
        self._socket.close()

    def _answer(self) -> tuple[int, bytes]:
        status = int(self._stream.readline().split(b" ", 2)[1])
        length = 0
        while (line := self._stream.readline()) != b"\r\n":
            if line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        return status, self._stream.read(length)


def document(seed: str) -> dict[str, Any]:
    """A JSON Schema of some 1 KB, each another."""
    fields = {
        f"field{number}": {"type": "string", "maxLength": number + 1, "description": f"of {seed}"}
        for number in range(8)
    }
    head = {"$schema": "http://json-schema.org/draft-07/schema#", "title": seed, "type": "object"}
    return {**head, "properties": fields}


def schemas(group: str, numbers: Iterable[int], versions: int) -> bytes:
    """The body of a POST to a group's schemas."""
    return json.dumps(
        {
            f"s{number}": {
                "versions": {
                    f"v{version}": {
                        "name": f"{group}.{number}.{version}",
                        "format": FORMAT,
                        "contenttype": "application/json",
                        "schema": document(f"{group}.{number}.{version}"),
                    }
                    for version in range(versions)
                }
            }
            for number in numbers
        }
    ).encode()


def fill(caller: Caller, groups: int, versions: int) -> None:
    """Make that many groups of a thousand schemas with that many versions each."""
    step = _AT_ONCE // versions
    for group in (f"g{number}" for number in range(groups)):
        for first in range(0, SCHEMAS, step):
            body = schemas(group, range(first, first + step), versions)
            caller.ask("POST", f"/schemagroups/{group}/schemas", body)


def one_caller(times: int, request: Callable[[int], tuple[float, bytes]]) -> Found:
    """Do a request so many times, one after another."""
    began = time.perf_counter()
    answers = [request(number) for number in range(times)]
    took_s = time.perf_counter() - began
    return Found(sorted(one[0] for one in answers), times / took_s, len(answers[-1][1]))


def callers(
    url: str, connections: int, times: int, request: Callable[[Caller, int], tuple[float, bytes]]
) -> Found:
    """The same from several connections at once, `times` in all."""
    latencies: list[float] = []
    numbers: Iterator[int] = iter(range(times))
    lock = threading.Lock()

    def work() -> None:
        caller = Caller(url)
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return caller.close()
            latencies.append(request(caller, number)[0])

    threads = [threading.Thread(target=work) for _ in range(connections)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Found(sorted(latencies), times / (time.perf_counter() - began))


def wrk(url: str, path: str, connections: int, seconds: float) -> float | None:
    """Answers a second to wrk; None where there is no wrk."""
    program = shutil.which("wrk")
    if program is None:
        return None
    options = ["-t1", f"-c{connections}", f"-d{seconds:.0f}s"]
    done = subprocess.run(
        [program, *options, url + path], check=True, capture_output=True, text=True
    )
    if "Non-2xx" in done.stdout:
        raise SystemExit(f"GET {path}: refused\n{done.stdout}")
    found = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    assert found is not None
    return float(found[1])
