"""What is resolved is what is judged, and what is judged is what is connected to: over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest

from chappe.adapters.egress.guard import GuardedEgress
from chappe.adapters.egress.resolver import AT_ONCE, SystemResolver
from chappe.adapters.sinks.http import HttpSink
from chappe.domain.delivery import Delivered, Failed, Outcome
from chappe.domain.egress import ANYWHERE, EgressPolicy, Reach, parse_allowance
from chappe.domain.event import Event
from chappe.domain.subscription import Subscription
from chappe.ports.egress import NotReachable
from chappe.ports.sink import Attempt
from chappe.testing.certificates import Authority
from chappe.testing.http_sink import Reply, SinkServer

AN_EVENT = Event(id="e-1", source="/s", type="t", data=b"{}", datacontenttype="application/json")


def names(**answers: Sequence[str]) -> Callable[[str], Awaitable[Sequence[str]]]:
    """A name server with these names; each look-up takes the next answer, the last one stays."""
    left = {name: list(each) for name, each in answers.items()}

    async def resolve(host: str) -> Sequence[str]:
        each = left[host.partition(".")[0]]
        return (each.pop(0) if len(each) > 1 else each[0]).split()

    return resolve


@contextlib.asynccontextmanager
async def delivering(
    policy: EgressPolicy,
    resolve: Callable[[str], Awaitable[Sequence[str]]] | None = None,
    authority: Authority | None = None,
) -> AsyncIterator[HttpSink]:
    client = HttpSink(
        now=lambda: 0.0,
        egress=GuardedEgress(policy, resolve=resolve),
        tls=None if authority is None else authority.client_context(),
    )
    try:
        yield client
    finally:
        await client.close()


def policy(*allowed: str, reach: Reach = "network", https_only: bool = False) -> EgressPolicy:
    return EgressPolicy(reach, tuple(parse_allowance(one) for one in allowed), https_only)


def to(url: str) -> Attempt:
    return Attempt(
        AN_EVENT, Subscription(id=url, sink=url, timeout_s=5.0), webhook_id="w", number=1
    )


def refused(outcome: Outcome) -> str:
    assert isinstance(outcome, Failed)
    assert outcome.status is None
    return outcome.reason


async def test_a_name_that_leads_to_the_machine_itself_is_not_connected_to() -> None:
    async with SinkServer() as sink, delivering(policy(), names(evil=["127.0.0.1"])) as client:
        outcome = await client.send(to(f"http://evil.example:{sink.port}/"))
        assert client.open_connections == 0
    assert sink.accepted == 0
    assert refused(outcome) == (
        "host evil.example: 127.0.0.1 is a loopback address, which the hub must not connect to"
        " (settings egress = network, egress_allow)"
    )


async def test_a_name_that_rebinds_is_judged_by_what_is_connected_to() -> None:
    """127.0.0.2 is allowed here, 127.0.0.1 is not: the name changes from one to the other and back."""
    resolve = names(rebind=["127.0.0.2", "127.0.0.1", "127.0.0.1 127.0.0.2"])
    async with (
        SinkServer(lambda _: Reply(204, hang_up=True), host="127.0.0.2") as allowed,
        SinkServer(host="127.0.0.1", port=allowed.port) as inner,
        delivering(policy("127.0.0.2"), resolve) as client,
    ):
        attempt = to(f"http://rebind.example:{allowed.port}/")
        first = await client.send(attempt)
        await allowed.until(lambda: not allowed.connections)
        second = await client.send(attempt)
        third = await client.send(attempt)
        assert (allowed.count, inner.accepted) == (2, 0)
    assert (first, third) == (Delivered(204), Delivered(204))
    assert "127.0.0.1 is a loopback address" in refused(second)


@pytest.mark.parametrize("name", ["hooks.example", "hooks.example."])
async def test_the_name_stays_in_host_and_in_tls(name: str) -> None:
    authority = Authority()
    server = authority.server_context("hooks.example")
    async with (
        SinkServer(tls=server, host="127.0.0.1") as sink,
        delivering(policy(reach="local"), names(hooks=["127.0.0.1"]), authority) as client,
    ):
        assert await client.send(to(f"https://{name}:{sink.port}/")) == Delivered(204)
    assert sink.requests[0].header("host") == f"{name}:{sink.port}"


async def test_a_redirect_to_the_machine_itself_is_not_followed() -> None:
    async with SinkServer(host="127.0.0.1") as inner:
        location = ("location", f"http://127.0.0.1:{inner.port}/admin")
        async with (
            SinkServer([Reply(307, [location])], host="127.0.0.2") as sink,
            delivering(policy("127.0.0.2")) as client,
        ):
            outcome = await client.send(to(sink.url))
        assert "which is not followed" in str(outcome)
        assert inner.accepted == 0


async def test_a_connection_that_is_kept_asks_nobody_again() -> None:
    asked: list[str] = []

    async def resolve(host: str) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"]

    async with SinkServer() as sink, delivering(policy(reach="local"), resolve) as client:
        for _ in range(50):
            await client.send(to(f"http://hooks.example:{sink.port}/"))
    assert asked == ["hooks.example"]


async def test_plain_http_is_not_spoken_where_https_is_asked_for() -> None:
    async with SinkServer() as sink, delivering(policy(reach="local", https_only=True)) as client:
        outcome = await client.send(to(sink.url))
    assert refused(outcome) == "host 127.0.0.1: only https is allowed (setting egress_https_only)"
    assert sink.accepted == 0


async def test_a_name_without_an_address_is_a_failure() -> None:
    async def nothing(host: str) -> Sequence[str]:
        return []

    async with delivering(policy(), nothing) as client:
        assert refused(await client.send(to("http://h.example/"))) == (
            "host name h.example has no address"
        )


# ---- the system's resolver


async def test_the_machines_own_names_are_resolved() -> None:
    assert set(await SystemResolver()("localhost")) <= {"127.0.0.1", "::1"}


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "x" * 64 + ".example"])
async def test_what_has_no_address_is_told(host: str) -> None:
    with pytest.raises(NotReachable, match=f"^host name {host} "):
        await SystemResolver()(host)


async def test_look_ups_of_one_name_are_shared_and_one_who_gives_up_ends_none() -> None:
    resolver = SystemResolver()
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(resolver("localhost")) for _ in range(AT_ONCE * 2)]
        await asyncio.sleep(0)
        waiting[0].cancel()
    assert waiting[0].cancelled()
    assert len({id(task.result()) for task in waiting[1:]}) == 1


async def test_more_names_than_threads_are_refused_not_queued() -> None:
    resolver = SystemResolver()
    found = await asyncio.gather(
        *(resolver(f"{number}..no-name") for number in range(AT_ONCE + 1)),
        return_exceptions=True,
    )
    assert all(isinstance(one, NotReachable) for one in found)
    assert str(found[-1]).endswith(f"{AT_ONCE} names are being looked up")
    assert await resolver("localhost")


async def test_vetted_addresses_are_what_other_protocols_connect_to() -> None:
    egress = GuardedEgress(policy("127.0.0.1:9092"), resolve=names(broker=["127.0.0.1 10.0.0.1"]))
    assert await egress.vetted_addresses("broker.example", 9092) == ["127.0.0.1", "10.0.0.1"]
    assert await egress.vetted_addresses("broker.example", 9093) == ["10.0.0.1"]
    assert await GuardedEgress(ANYWHERE).vetted_addresses("127.1", 1) == ["127.0.0.1"]
