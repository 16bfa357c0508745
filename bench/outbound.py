"""How many deliveries a second one process makes, and what each costs: our pool beside libcurl.

    python -m bench.outbound [--seconds 6] [--in-flight 64] [--payload 1024]

One sink process answers 204 on loopback, plain and with TLS; the client runs on a core of its own
where there are two. The microseconds are the client process's CPU time per delivery, which other
load on the machine disturbs less than the rate. Without pycurl its rows are left out, loudly.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chappe.adapters.egress.guard import GuardedEgress
from chappe.adapters.sinks.http import HttpSink
from chappe.adapters.sinks.http_pool import Origin, Pool
from chappe.domain.delivery import Delivered
from chappe.domain.egress import ANYWHERE
from chappe.domain.event import Event
from chappe.domain.subscription import Subscription
from chappe.ports.sink import Attempt
from chappe.testing.certificates import Authority
from chappe.testing.http_sink import SinkServer

Send = Callable[[], Awaitable[None]]
ROUNDS = 10


@dataclass(slots=True)
class Row:
    """One client; keeps the best of its rounds."""

    name: str
    send: Send
    close: Callable[[], Awaitable[None]]
    rate: float = 0.0
    cpu_us: float = float("inf")

    async def drive(self, *, in_flight: int, seconds: float) -> None:
        """`in_flight` callers, each of which sends again as soon as it is answered."""
        sent = 0
        until = time.perf_counter() + seconds

        async def caller() -> None:
            nonlocal sent
            while time.perf_counter() < until:
                await self.send()
                sent += 1

        wall, cpu = time.perf_counter(), time.process_time()
        async with asyncio.TaskGroup() as callers:
            for _ in range(in_flight):
                callers.create_task(caller())
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        self.rate = max(self.rate, sent / wall)
        self.cpu_us = min(self.cpu_us, cpu / sent * 1e6)


@dataclass(frozen=True, slots=True)
class Target:
    """Where the sink process listens."""

    host: str
    plain: int
    secure: int
    ca: str

    def url(self, *, tls: bool) -> str:
        scheme, port = ("https", self.secure) if tls else ("http", self.plain)
        return f"{scheme}://{self.host}:{port}/hook"

    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self.ca)


def loop_factory() -> asyncio.AbstractEventLoop:
    try:
        uvloop: Any = importlib.import_module("uvloop")
    except ImportError:
        print("uvloop is not installed: measured on asyncio's own loop", file=sys.stderr)
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


def pin(core: int) -> None:
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[core % len(cores)]})


async def serve() -> None:
    """The sink process: tells its ports on one line, then serves until its input closes."""
    authority = Authority()
    async with (
        SinkServer(recording=False) as plain,
        SinkServer(recording=False, tls=authority.server_context("127.0.0.1")) as secure,
    ):
        told = {"host": plain.host, "plain": plain.port, "secure": secure.port, "ca": authority.pem}
        print(json.dumps(told), flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


@contextmanager
def sink_process() -> Iterator[Target]:
    with subprocess.Popen(
        [sys.executable, "-m", "bench.outbound", "--serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent,
    ) as process:
        assert process.stdout is not None
        try:
            yield Target(**json.loads(process.stdout.readline()))
        finally:
            process.terminate()


def an_event(payload_bytes: int) -> Event:
    data = b'{"text":"' + b"x" * (payload_bytes - 11) + b'"}'
    return Event(
        id="0199c0de-7a3e-7000-8000-000000000001",
        source="https://example.com/orders",
        type="com.example.order.created",
        subject="order/4711",
        time="2026-11-22T10:00:00Z",
        datacontenttype="application/json",
        data=data,
        text=True,
    )


def our_sink(target: Target, args: argparse.Namespace, *, tls: bool) -> Row:
    """The whole adapter: encode the event, make the request, exchange, judge the answer."""
    sink = HttpSink(
        now=time.time, egress=GuardedEgress(ANYWHERE), tls=target.trust() if tls else None
    )
    subscription = Subscription(id="bench", sink=target.url(tls=tls))
    attempt = Attempt(an_event(args.payload), subscription, webhook_id="bench-1", number=1)

    async def send() -> None:
        outcome = await sink.send(attempt)
        assert isinstance(outcome, Delivered), outcome

    return Row("HttpSink.send", send, sink.close)


def our_pool(target: Target, args: argparse.Namespace, *, tls: bool) -> Row:
    """The exchange alone, with a request made beforehand: the same job as pycurl's row."""
    pool = Pool(egress=GuardedEgress(ANYWHERE), tls=target.trust() if tls else None)
    origin = Origin(tls, target.host, target.secure if tls else target.plain)
    body = an_event(args.payload).data or b""
    lines = [b"POST /hook HTTP/1.1", b"host: %b" % origin.authority.encode()]
    lines += [line.encode() for line in HEADERS] + [b"content-length: %d" % len(body), b"", body]
    request = b"\r\n".join(lines)

    async def send() -> None:
        answer = await pool.exchange(origin, request, timeout_s=30.0)
        assert answer.status == 204

    async def close() -> None:
        pool.close()

    return Row("own pool", send, close)


def curl_multi(target: Target, args: argparse.Namespace, *, tls: bool) -> Row | None:
    """The multi interface of libcurl: its sockets and its timer watched by the loop."""
    try:
        pycurl: Any = importlib.import_module("pycurl")
    except ImportError:
        return None
    client = CurlMulti(pycurl, target.url(tls=tls), an_event(args.payload).data or b"", target.ca)

    async def send() -> None:
        assert await client.send() == 204

    return Row("pycurl CurlMulti", send, client.close)


class CurlMulti:
    """As much glue as libcurl needs: handles are used again, answers come as futures."""

    def __init__(self, pycurl: Any, url: str, body: bytes, ca: str) -> None:
        self.pycurl, self.url, self.body, self.ca = pycurl, url, body, ca
        self.loop = asyncio.get_running_loop()
        self.free: list[Any] = []
        self.waiting: dict[Any, asyncio.Future[int]] = {}
        self.timer: asyncio.TimerHandle | None = None
        self.multi = pycurl.CurlMulti()
        self.multi.setopt(pycurl.M_SOCKETFUNCTION, self.on_socket)
        self.multi.setopt(pycurl.M_TIMERFUNCTION, self.on_timer)
        self.multi.setopt(pycurl.M_MAXCONNECTS, 256)

    def handle(self) -> Any:
        if self.free:
            return self.free.pop()
        pycurl, handle = self.pycurl, self.pycurl.Curl()
        handle.setopt(pycurl.URL, self.url)
        handle.setopt(pycurl.POST, 1)
        handle.setopt(pycurl.WRITEFUNCTION, lambda _data: None)
        handle.setopt(pycurl.CAINFO_BLOB, self.ca)
        handle.setopt(pycurl.NOSIGNAL, 1)
        return handle

    def send(self) -> asyncio.Future[int]:
        handle = self.handle()
        handle.setopt(self.pycurl.HTTPHEADER, HEADERS)  # its own for each event
        handle.setopt(self.pycurl.POSTFIELDS, self.body)
        future: asyncio.Future[int] = self.loop.create_future()
        self.waiting[handle] = future
        self.multi.add_handle(handle)
        return future

    def on_socket(self, event: int, fd: int, _multi: Any, _data: Any) -> None:
        pycurl = self.pycurl
        if event == pycurl.POLL_REMOVE:
            self.loop.remove_reader(fd)
            self.loop.remove_writer(fd)
            return
        if event & pycurl.POLL_IN:
            self.loop.add_reader(fd, self.act, fd, pycurl.CSELECT_IN)
        else:
            self.loop.remove_reader(fd)
        if event & pycurl.POLL_OUT:
            self.loop.add_writer(fd, self.act, fd, pycurl.CSELECT_OUT)
        else:
            self.loop.remove_writer(fd)

    def on_timer(self, after_ms: int) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        if after_ms >= 0:
            timeout = self.pycurl.SOCKET_TIMEOUT
            self.timer = self.loop.call_later(after_ms / 1000, self.act, timeout, 0)

    def act(self, fd: int, mask: int) -> None:
        self.multi.socket_action(fd, mask)
        left = 1
        while left:
            left, done, failed = self.multi.info_read()
            for handle in done:
                self.settle(handle, handle.getinfo(self.pycurl.RESPONSE_CODE))
            for _handle, _code, message in failed:
                raise RuntimeError(message)

    def settle(self, handle: Any, status: int) -> None:
        self.multi.remove_handle(handle)
        self.free.append(handle)
        self.waiting.pop(handle).set_result(status)

    async def close(self) -> None:
        self.on_timer(-1)
        self.multi.close()


HEADERS = [
    "user-agent: bench",
    "content-type: application/json",
    "ce-specversion: 1.0",
    "ce-id: 0199c0de-7a3e-7000-8000-000000000001",
    "ce-source: https://example.com/orders",
    "ce-type: com.example.order.created",
    "ce-subject: order/4711",
    "ce-time: 2026-11-22T10:00:00Z",
    "webhook-id: bench-1",
    "webhook-timestamp: 1790000000",
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=6.0, help="for each row")
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--payload", type=int, default=1024, help="bytes")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        pin(1)
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(serve())
        return
    pin(0)
    with sink_process() as target, asyncio.Runner(loop_factory=loop_factory) as runner:
        for tls in (False, True):
            runner.run(compare(target, args, tls=tls))


async def compare(target: Target, args: argparse.Namespace, *, tls: bool) -> None:
    """All clients in turn, round after round, so that load from outside meets them alike."""
    made = [make(target, args, tls=tls) for make in (our_sink, our_pool, curl_multi)]
    rows = [row for row in made if row is not None]
    for _ in range(ROUNDS):
        for row in rows:
            await row.drive(in_flight=args.in_flight, seconds=args.seconds / ROUNDS)
    for row in rows:
        await row.close()
    slowest = max(row.cpu_us for row in rows)
    print(f"{'https' if tls else 'http'}: {args.payload} bytes, {args.in_flight} in flight")
    for row in rows:
        ratio = slowest / row.cpu_us
        print(f"  {row.name:18}{row.rate:8,.0f}/s  {row.cpu_us:6.1f} us CPU each  x{ratio:.1f}")
    if len(rows) < len(made):
        print("  pycurl CurlMulti  NOT MEASURED: pycurl is not installed")


if __name__ == "__main__":
    main()
