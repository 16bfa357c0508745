"""The HTTP client against a real server on loopback."""

from __future__ import annotations

import asyncio

import pytest

from chappe.client.http1 import Http1, Origin
from chappe.domain.errors import Malformed, Unavailable
from chappe.testing.certificates import Authority
from chappe.testing.http_sink import Reply, SinkServer


def http_to(sink: SinkServer) -> Http1:
    return Http1(Origin.parse(sink.url))


async def ask(http: Http1, method: str = "GET", target: str = "/x", body: bytes = b"") -> int:
    answer = await http.ask(method, target, headers={"accept": "*/*"}, body=body, timeout_s=5)
    return answer.status


@pytest.mark.parametrize(
    ("url", "shown", "host"),
    [
        ("http://127.0.0.1:4280", "http://127.0.0.1:4280", "127.0.0.1"),
        ("http://hub.example", "http://hub.example", "hub.example"),
        ("https://hub.example/", "https://hub.example", "hub.example"),
        ("https://hub.example:8443/chappe/", "https://hub.example:8443/chappe", "hub.example"),
        ("http://[::1]:4280", "http://[::1]:4280", "::1"),
    ],
)
def test_a_url_is_read_into_its_parts(url: str, shown: str, host: str) -> None:
    origin = Origin.parse(url)

    assert (str(origin), origin.host) == (shown, host)


@pytest.mark.parametrize(
    "url",
    ["", "hub.example", "ftp://hub.example", "http://", "http://h:99999", "http://u:p@h",
     "http://h?a=1", "http://h/#f", "http://h/a b\n"],
)  # fmt: skip
def test_a_url_that_cannot_be_a_hub_is_refused(url: str) -> None:
    with pytest.raises(Malformed, match="url: "):
        Origin.parse(url)


def test_a_refused_url_does_not_show_its_password() -> None:
    with pytest.raises(Malformed) as refused:
        Origin.parse("http://somebody:s3cret@hub.example")

    assert "s3cret" not in refused.value.message


@pytest.mark.parametrize("body", [b"", b"{}", b"x" * 200_000])
async def test_a_connection_is_kept_for_the_next_question(body: bytes) -> None:
    async with SinkServer([Reply(200, body=body)] * 5) as sink:
        http = http_to(sink)
        for _ in range(5):
            assert await ask(http) == 200
        await http.close()

    assert (sink.count, sink.accepted) == (5, 1)


async def test_a_kept_connection_that_the_hub_closed_is_not_used_again() -> None:
    async with SinkServer([Reply(200)] * 4) as sink:
        http = http_to(sink)
        assert await asyncio.gather(ask(http, "POST"), ask(http, "POST")) == [200, 200]
        sink.drop_connections()
        await sink.until(lambda: not sink.connections)
        # A turn of the loop, in which this side hears of it.
        await asyncio.sleep(0.01)
        assert await ask(http, "POST") == 200
        await http.close()

    assert (sink.count, sink.accepted) == (3, 3)


async def test_an_answer_is_given_whole() -> None:
    reply = Reply(200, headers=[("Content-Type", "text/x"), ("X-Two", "a")], body=b"hello" * 50_000)
    async with SinkServer([reply]) as sink:
        http = http_to(sink)
        answer = await http.ask("GET", "/x?y=1", headers={"accept": "a/b"}, timeout_s=5)
        await http.close()

    assert (answer.status, answer.headers["content-type"]) == (200, "text/x")
    assert answer.body == b"hello" * 50_000
    assert (sink.requests[0].method, sink.requests[0].target) == ("GET", "/x?y=1")
    assert sink.requests[0].header("accept") == "a/b"


async def test_a_chunked_answer_is_put_together() -> None:
    raw = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    async with SinkServer([Reply(raw=raw)]) as sink:
        http = http_to(sink)
        answer = await http.ask("GET", "/", headers={}, timeout_s=5)
        await http.close()

    assert answer.body == b"abcde"


async def test_an_answer_without_a_length_ends_with_its_connection() -> None:
    raw = b"HTTP/1.1 200 OK\r\n\r\nall of it"
    async with SinkServer([Reply(raw=raw, hang_up=True)]) as sink:
        answer = await http_to(sink).ask("GET", "/", headers={}, timeout_s=5)

    assert answer.body == b"all of it"


async def test_connections_are_kept_between_requests() -> None:
    async with SinkServer() as sink:
        http = http_to(sink)
        for _ in range(3):
            await ask(http)
        await http.close()

    assert (sink.count, sink.accepted) == (3, 1)


async def test_each_caller_at_a_time_has_a_connection() -> None:
    async with SinkServer(lambda _: Reply(204, delay_s=0.05)) as sink:
        http = http_to(sink)
        await asyncio.gather(*(ask(http) for _ in range(5)))
        await http.close()

    assert (sink.count, sink.accepted) == (5, 5)


async def test_a_kept_connection_that_was_closed_meanwhile_is_replaced() -> None:
    async with SinkServer() as sink:
        http = http_to(sink)
        await ask(http)
        sink.drop_connections()
        await sink.until(lambda: not sink.connections)
        status = await ask(http)
        await http.close()

    assert (status, sink.count, sink.accepted) == (204, 2, 2)


async def test_a_post_is_not_sent_twice_unless_twice_is_once() -> None:
    async with SinkServer([Reply(200), Reply(raw=b"", hang_up=True)]) as sink:
        http = http_to(sink)
        await ask(http)
        # The connection ends after the request was read: whether it was done nobody knows.
        with pytest.raises(Unavailable):
            await ask(http, "POST", body=b"{}")
        await http.close()

    assert sink.count == 2


async def test_nobody_there_is_told_in_words() -> None:
    async with SinkServer() as sink:
        url = sink.url

    with pytest.raises(Unavailable, match="nobody listens there"):
        await ask(Http1(Origin.parse(url)))


async def test_an_answer_that_takes_too_long_is_given_up() -> None:
    async with SinkServer([Reply(raw=b"")]) as sink:
        with pytest.raises(Unavailable, match=r"no answer within 0\.05 s"):
            await http_to(sink).ask("GET", "/", headers={}, timeout_s=0.05)


@pytest.mark.parametrize(
    "raw", [b"SSH-2.0-OpenSSH_9\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc", b""]
)
async def test_half_an_answer_or_none_is_no_answer(raw: bytes) -> None:
    async with SinkServer([Reply(raw=raw, hang_up=True)]) as sink:
        with pytest.raises(Unavailable):
            await ask(http_to(sink))


async def test_a_header_cannot_carry_a_line_end() -> None:
    async with SinkServer() as sink:
        with pytest.raises(Malformed, match="control character"):
            await http_to(sink).ask(
                "GET", "/", headers={"authorization": "Bearer a\r\nx: y"}, timeout_s=5
            )

    assert sink.count == 0


async def test_a_certificate_that_nobody_vouches_for_is_refused() -> None:
    async with SinkServer(tls=Authority().server_context("127.0.0.1")) as sink:
        with pytest.raises(Unavailable, match="not trusted"):
            await ask(http_to(sink))


async def test_https_is_spoken_where_the_certificate_is_trusted() -> None:
    authority = Authority()
    async with SinkServer(tls=authority.server_context("127.0.0.1")) as sink:
        http = Http1(Origin.parse(sink.url), tls=authority.client_context())
        status = await ask(http)
        await http.close()

    assert status == 204
