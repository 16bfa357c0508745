"""What an HTTP server costs before the hub does anything: the same do-nothing handler on each.

    python bench/http_server.py [--seconds 3] [--rounds 3] [--granian PYTHON]

Each candidate takes POSTs of 1 KB (wrk, 64 connections) and answers 202 with a small JSON body.
`--granian` names a Python that has granian installed (it is no dependency of the project). Rounds
are interleaved and the best of each is taken; µs are processor time of the server alone. The
`asyncio.Protocol` row is no server (no chunks, no limits, no time-outs): it is the floor of what
a parser and a socket cost in Python.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any

BODY = b'{"position": "2-1041-7", "duplicate": false}'
START = {
    "type": "http.response.start",
    "status": 202,
    "headers": [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(BODY)).encode()),
    ],
}
END = {"type": "http.response.body", "body": BODY}
WRK = 'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\nwrk.body = ("x"):rep(1024)\n'

Scope = MutableMapping[str, Any]


async def asgi(
    scope: Scope,
    receive: Callable[[], Awaitable[Any]],
    send: Callable[[Any], Awaitable[None]],
) -> None:
    """Read the body, answer 202."""
    if scope["type"] != "http":
        return
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    await send(START)
    await send(END)


class Rsgi:
    """The same for granian's own interface."""

    async def __rsgi__(self, _scope: Any, protocol: Any) -> None:
        await protocol()
        protocol.response_bytes(202, [("content-type", "application/json")], BODY)


rsgi = Rsgi()


class Bare(asyncio.Protocol):
    """A parser on a socket."""

    def __init__(self) -> None:
        import httptools

        self.parser = httptools.HttpRequestParser(self)

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        self.transport.write(
            b"HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
            % (len(BODY), BODY)
        )


async def _bare(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Bare, "127.0.0.1", port)
    await server.serve_forever()


class Nothing:
    """The same behind the hub's own connections."""

    async def handle(self, call: Any) -> None:
        from chappe.http.exchange import Response

        await call.body(8 * 1024 * 1024)
        await call.answer(Response(202, BODY, ((b"content-type", b"application/json"),)))


async def _own(port: int) -> None:
    from chappe.http.listener import Listener, bind

    nothing: Any = Nothing()
    await Listener(nothing, bind("127.0.0.1", port)).run()


def serve(name: str, port: int) -> None:
    """Run one candidate; does not return."""
    if name.startswith("granian"):
        from granian import Granian  # type: ignore[import-not-found,unused-ignore]

        interface = name.removeprefix("granian-")
        Granian(
            f"http_server:{interface}",
            port=port,
            interface=interface,
            loop="uvloop",
            log_enabled=False,
            workers=1,
        ).serve()
        return
    import uvicorn
    import uvloop

    if name == "bare":
        uvloop.run(_bare(port))
    if name == "chappe":
        uvloop.run(_own(port))
    tuned: dict[str, Any] = {
        "log_level": "warning",
        "access_log": False,
        "http": "httptools",
        "ws": "none",
        "lifespan": "off",
        "interface": "asgi3",
        "proxy_headers": False,
    }
    settings = {
        "uvicorn-defaults": {},
        "uvicorn-tuned": tuned,
        "uvicorn-tuned-no-date": {**tuned, "date_header": False, "server_header": False},
    }[name]
    config = uvicorn.Config(asgi, port=port, loop="uvloop", **settings)
    uvicorn.Server(config).run()


@contextlib.contextmanager
def _running(name: str, python: str) -> Iterator[tuple[int, int]]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [python, __file__, "--serve", name, "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=Path(__file__).parent,
    )
    try:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
        yield process.pid, port
    finally:
        process.terminate()
        process.wait()


def _cpu_s(pid: int) -> float:
    """Processor seconds of the process and its children."""
    total = 0.0
    pids = [pid]
    with contextlib.suppress(OSError):
        pids += [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    for each in pids:
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def _measure(name: str, python: str, script: str, seconds: int) -> tuple[float, str, float]:
    """Requests a second, p99, µs of processor time a request."""
    with _running(name, python) as (pid, port):
        before_s = _cpu_s(pid)
        out = subprocess.run(
            [
                "wrk",
                "-t1",
                "-c64",
                f"-d{seconds}s",
                "--latency",
                "-s",
                script,
                f"http://127.0.0.1:{port}/events",
            ],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        spent_s = _cpu_s(pid) - before_s
    if "Non-2xx" in out:
        raise SystemExit(f"{name}: wrk saw errors\n{out}")
    found = re.search(r"(\d+) requests in", out)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", out)
    p99 = re.search(r"99%\s+(\S+)", out)
    assert found, out
    assert rate, out
    assert p99, out
    return float(rate[1]), p99[1], spent_s / int(found[1]) * 1e6


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--granian", metavar="PYTHON")
    parser.add_argument("--serve", metavar="NAME", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given.serve, given.port)
        return
    if not shutil.which("wrk"):
        raise SystemExit("http_server: wrk is not installed")
    names = ["chappe", "uvicorn-defaults", "uvicorn-tuned", "uvicorn-tuned-no-date", "bare"]
    if given.granian:
        names += ["granian-rsgi", "granian-asgi"]
    best: dict[str, tuple[float, str, float]] = {}
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(WRK)
        script.flush()
        for _ in range(given.rounds):
            for name in names:
                python = given.granian if name.startswith("granian") else sys.executable
                best[name] = max(
                    _measure(name, python, script.name, given.seconds),
                    best.get(name, (0.0, "", 0.0)),
                )
    unit = best["uvicorn-tuned"][0]
    print(f"{'server':24}{'req/s':>10}{'p99':>10}{'µs/req':>8}{'ratio':>7}")
    for name, (rate, p99, cost_us) in best.items():
        print(f"{name:24}{rate:>10,.0f}{p99:>10}{cost_us:>8.1f}{rate / unit:>7.2f}")


if __name__ == "__main__":
    main()
