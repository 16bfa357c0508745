"""Sinks that answer with ill intent: bounded time, bounded memory, and nothing written where people read."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import quote

import pytest

from chappe.adapters.egress.guard import GuardedEgress
from chappe.adapters.sinks.http import HttpSink
from chappe.adapters.sinks.http_answers import EXCERPT_BYTES
from chappe.domain.delivery import Delivered, Failed, Outcome, Refused, Retry, settle
from chappe.domain.egress import ANYWHERE
from chappe.domain.event import Event
from chappe.domain.retry import RetryPolicy
from chappe.domain.subscription import Credential, Subscription
from chappe.ports.sink import Attempt
from chappe.testing.http_sink import Reply, SinkServer

AN_EVENT = Event(id="e-1", source="/s", type="t", data=b"{}", datacontenttype="application/json")
SOCKETS_HOLD_BYTES = 16 * 1024 * 1024
SECRET = "s3cr3t/+t0k3n=="


@contextlib.asynccontextmanager
async def delivering() -> AsyncIterator[HttpSink]:
    client = HttpSink(now=lambda: 1_790_000_000.0, egress=GuardedEgress(ANYWHERE))
    try:
        yield client
    finally:
        await client.close()


def attempt(url: str, credential: Credential | None = None, timeout_s: float = 5.0) -> Attempt:
    subscription = Subscription(id="s", sink=url, credential=credential, timeout_s=timeout_s)
    return Attempt(AN_EVENT, subscription, webhook_id="w", number=1)


def reason_of(outcome: Outcome) -> str:
    assert isinstance(outcome, Failed | Refused)
    return outcome.reason


@dataclass
class Flood:
    """Answers with `start`, then with `more` until the other side hangs up; counts what went out."""

    start: bytes
    more: bytes
    sent: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        async with serving(self._answer) as url:
            yield url

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(self.start)
            while True:
                writer.write(self.more)
                self.sent += len(self.more)
                await writer.drain()
        except ConnectionError:
            self.ended.set()


@contextlib.asynccontextmanager
async def serving(
    answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await answer(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(one, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("start", "more", "delivered"),
    [
        (OK, b"x: y\r\n" * 10_000, False),
        (OK + b"x: ", b"y" * 60_000, False),
        (b"HTTP/1.1 200 ", b"O" * 60_000, False),
        (b"", b"HTTP/1.1 102 Processing\r\n\r\n" * 1_000, False),
        (b"", b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" * 1_000, False),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000, False),
        (OK + b"\r\n", b"y" * 60_000, True),
        (OK + b"content-length: 9999999999999\r\n\r\n", b"y" * 60_000, True),
        (OK + b"transfer-encoding: chunked\r\n\r\n", b"1\r\ny\r\n" * 10_000, True),
        (OK + b"transfer-encoding: chunked\r\n\r\n7fffffffffffffff\r\n", b"y" * 60_000, True),
        (OK + b"transfer-encoding: chunked\r\n\r\n1;", b"y" * 60_000, True),
        (OK + b"transfer-encoding: chunked\r\n\r\n0\r\n", b"x: y\r\n" * 10_000, True),
        (OK + b"transfer-encoding: chunked\r\n\r\n0\r\nx: ", b"y" * 60_000, True),
        (b"", b"\r\n" * 30_000, False),
        (b"", b"\0" * 60_000, False),
    ],
    ids=[
        *(
            "headers",
            "a header",
            "a reason",
            "102",
            "103",
            "100",
            "a body",
            "a long body",
            "chunks",
        ),
        *("a huge chunk", "an extension", "trailers", "a trailer", "empty lines", "NULs"),
    ],
)
async def test_an_answer_that_never_ends_is_ended(
    start: bytes, more: bytes, *, delivered: bool
) -> None:
    flood = Flood(start, more)
    async with flood.serving() as url, delivering() as client:
        outcome = await client.send(attempt(url, timeout_s=20.0))
        assert client.open_connections == 0
        async with asyncio.timeout(60):
            await flood.ended.wait()
    assert isinstance(outcome, Delivered) is delivered
    assert flood.sent < SOCKETS_HOLD_BYTES
    if not delivered:
        assert "within" not in reason_of(outcome)  # it was the size, not the time


@pytest.mark.parametrize(
    "raw",
    [
        OK + b"content-length: 2\r\ncontent-length: 3\r\n\r\nxyz",
        OK + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        OK + b"transfer-encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nx",
        OK + b"transfer-encoding: chunked\r\n\r\n-1\r\nx",
        OK + b"x: a\r\n folded\r\n\r\n",
        OK + b"x: a\0\r\n\r\n",
        b"HTTP/1.1 200 OK\nx: y\n\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"* OK [CAPABILITY IMAP4rev1] ready\r\n",
        b"\x1b[2J\x1b]0;owned\x07",
    ],
)
async def test_what_is_no_answer_is_a_failure_that_shows_nothing_of_it(raw: bytes) -> None:
    async with SinkServer(lambda _: Reply(raw=raw, hang_up=True)) as sink, delivering() as client:
        outcome = await client.send(attempt(sink.url))
        assert client.open_connections == 0
    reason = reason_of(outcome)
    assert isinstance(outcome, Failed)
    assert reason.isprintable()
    assert not any(word in reason for word in ("OpenSSH", "IMAP4rev1", "owned"))


async def test_an_answer_byte_by_byte_ends_in_time_while_others_are_delivered() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            writer.write(OK + b"x: ")
            while not writer.is_closing():
                writer.write(b"y")
                await writer.drain()
                await asyncio.sleep(0.01)  # the pace of the attack

    async with serving(drip) as url, SinkServer() as other, delivering() as client:
        slow = asyncio.ensure_future(client.send(attempt(url, timeout_s=0.5)))
        outcomes: list[Outcome] = []
        while not slow.done():
            outcomes.append(await client.send(attempt(other.url)))
        assert await slow == Failed("no answer within 0.5 s")
    assert set(outcomes) == {Delivered(204)}
    assert len(outcomes) > 1


# ---- what people read


@pytest.mark.parametrize("status", [302, 400, 404, 500, 503])
async def test_an_answer_writes_nothing_to_a_terminal(status: int) -> None:
    evil = "\x1b[31mred\x1b]8;;http://evil/\x07\r\nline\u202egnp\u0085\0\x9b1m".encode()
    location = b"http://evil/\xe2\x80\xae\x9b1m\xff"
    raw = b"HTTP/1.1 %d X\r\nlocation: %b\r\ncontent-length: %d\r\n\r\n%b" % (
        *(status, location, len(evil), evil),
    )
    async with SinkServer(lambda _: Reply(raw=raw)) as sink, delivering() as client:
        assert reason_of(await client.send(attempt(sink.url))).isprintable()


@pytest.mark.parametrize(
    "value",
    [
        *(
            "-1",
            "1e9",
            "NaN",
            "inf",
            "0x10",
            "99999999999999",
            "\u0661",
            "Mon, 99 Foo 2026",
            "1, 2",
        ),
        *("9999999999", "Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT"),
    ],
)
async def test_a_sink_does_not_choose_when_the_hub_gives_up(value: str) -> None:
    raw = b"HTTP/1.1 503 X\r\nretry-after: %b\r\ncontent-length: 0\r\n\r\n" % value.encode()
    async with SinkServer(lambda _: Reply(raw=raw)) as sink, delivering() as client:
        outcome = await client.send(attempt(sink.url))
    policy = RetryPolicy()
    settlement = settle(outcome, attempt=1, age_s=0.0, policy=policy, random=lambda: 0.5)
    assert isinstance(settlement, Retry)
    assert 0 <= settlement.after_s <= max(policy.max_retry_after_s, policy.max_backoff_s)


# ---- a credential that comes back


ECHOES: dict[str, Callable[[str], str]] = {
    "as it is": lambda sent: f"no access with Authorization: {sent}",
    "twice": lambda sent: f"{sent} and {sent}",
    "in JSON": lambda sent: json.dumps({"authorization": sent}),
    "in JSON with slashes escaped": lambda sent: json.dumps({"a": sent}).replace("/", "\\/"),
    "in a URL": lambda sent: f"/login?from={quote(sent, safe='')}",
    **{
        f"cut after {shown} of it": lambda sent, shown=shown: (  # type: ignore[misc]
            "x" * (EXCERPT_BYTES - shown) + sent.partition(" ")[2]
        )
        for shown in (5, 10, len(SECRET))
    },
}
CREDENTIALS = {
    "a token": Credential("ACCESSTOKEN", None, SECRET),
    "a password": Credential("PLAIN", "me", SECRET),
}


@pytest.mark.parametrize("credential", CREDENTIALS.values(), ids=CREDENTIALS)
@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
@pytest.mark.parametrize("status", [302, 400, 500])
async def test_a_credential_that_a_sink_echoes_is_in_no_reason(
    status: int, echo: Callable[[str], str], credential: Credential
) -> None:
    sent: list[str] = []

    def answer(received: object) -> Reply:
        authorization = sink.requests[-1].header("authorization")
        assert authorization is not None
        sent.append(authorization.partition(" ")[2])
        said = echo(authorization)
        return Reply(status, [("location", said)], body=f"{said} {SECRET}".encode())

    async with SinkServer(answer) as sink, delivering() as client:
        reason = reason_of(await client.send(attempt(sink.url, credential)))
    for secret in (SECRET, sent[0]):
        for form in (secret, quote(secret, safe=""), secret.replace("/", "\\/")):
            assert form not in reason
            assert form[:5] not in reason
    assert "…" in reason


async def test_a_body_that_holds_no_credential_is_shown_as_it_is() -> None:
    credential = Credential("PLAIN", "a", "pw")  # too short to be looked for
    async with SinkServer([Reply(400, body=b"pwned? no")]) as sink, delivering() as client:
        outcome = await client.send(attempt(sink.url, credential))
    assert reason_of(outcome) == "Bad Request: pwned? no"
