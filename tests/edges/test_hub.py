"""The whole hub: a process of its own, its real engine, real sinks, and what a user sees of it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.chaos.engine import an_engine
from tests.chaos.http import Answer, Client
from tests.chaos.hub import HubProcess, free_port, wait_until

from chappe.testing.http_sink import Received, Reply, SinkServer

pytestmark = [pytest.mark.engine, pytest.mark.timeout(60)]

SECRET = "tok-4f1d0c8e-never-shown"
SHARDS = {*(f"default.{number}" for number in range(4)), "deadletters.0", "registry.0", "audit.0"}
"""Of a hub with servers of one's own."""


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[HubProcess]:
    async with HubProcess(tmp_path / "data") as one:
        yield one


async def publish(client: Client, id_: str, *, type_: str = "order.paid") -> dict[str, Any]:
    headers = {
        "ce-specversion": "1.0",
        "ce-id": id_,
        "ce-source": "/shop",
        "ce-type": type_,
        "Content-Type": "application/json",
    }
    answer = await client.ask("POST", "/events", headers, b"{}")
    assert answer.status == 202, answer.body
    said: dict[str, Any] = answer.json()
    return said


async def subscribe(client: Client, sink: str, **more: object) -> str:
    document = {"sink": sink, "protocol": "HTTP", **more}
    answer = await client.ask_json("POST", "/subscriptions", document)
    assert answer.status == 201, answer.body
    return str(answer.json()["id"])


async def ask_until(
    client: Client, target: str, fits: Callable[[Answer], bool], *, within_s: float = 60.0
) -> Answer:
    """Ask until the answer fits."""
    answer = await client.ask("GET", target)
    try:
        async with asyncio.timeout(within_s):
            while not fits(answer):
                await asyncio.sleep(0.05)
                answer = await client.ask("GET", target)
    except TimeoutError:
        raise AssertionError(f"GET {target} still answers {answer.body[:1000]!r}") from None
    return answer


def trace_of(answer: Answer) -> dict[str, Any]:
    """The part of a trace that tells of its only subscription."""
    (found,) = answer.json()["subscriptions"]
    assert isinstance(found, dict)
    return found


def is_state(state: str) -> Callable[[Answer], bool]:
    return lambda answer: bool(trace_of(answer)["state"] == state)


def ids_at(sink: SinkServer) -> list[str | None]:
    return [request.header("ce-id") for request in sink.requests]


# ---- one hub


async def test_an_event_is_delivered_and_its_trace_says_so(hub: HubProcess) -> None:
    async with SinkServer() as sink:
        client = hub.client()
        subscription = await subscribe(client, sink.url)
        said = await publish(client, "A-1")
        await sink.until(lambda: sink.count == 1)
        answer = await ask_until(client, "/events/A-1/trace", is_state("delivered"))
    trace = answer.json()
    assert trace["position"] == said["position"]
    found = trace_of(answer)
    assert (found["subscription"], found["matched"]) == (subscription, True)
    (attempt,) = found["attempts"]
    assert (attempt["attempt"], attempt["status"], attempt["result"]) == (1, 204, "delivered")
    (request,) = sink.requests
    assert (request.header("ce-id"), request.header("ce-type")) == ("A-1", "order.paid")


async def test_a_repeated_event_is_answered_with_its_first_position(hub: HubProcess) -> None:
    client = hub.client()
    first = await publish(client, "A-1")
    second = await publish(client, "A-1")
    assert first["duplicate"] is False
    assert second == {**first, "duplicate": True}


async def test_a_browser_finds_in_the_console_what_was_sent(hub: HubProcess) -> None:
    client = hub.client(timeout_s=60)
    browser = {"Accept": "text/html,*/*;q=0.8"}
    await publish(client, "1", type_="parcel.sent")
    root = await client.ask("GET", "/", browser)
    assert (root.status, root.headers["location"]) == (302, "console/")
    home = await client.ask("GET", "/console/", browser)
    assert home.status == 200
    assert b'href="types/parcel.sent"' in home.body
    page = await client.ask("GET", "/console/types/parcel.sent", browser)
    assert page.status == 200
    assert b"seen, not registered" in page.body


async def test_a_failed_delivery_is_made_again_under_the_same_webhook_id(hub: HubProcess) -> None:
    async with SinkServer([Reply(503), Reply(raw=b"HTTP/1.1 2", hang_up=True)]) as sink:
        client = hub.client()
        await subscribe(client, sink.url, retry={"base_s": 0.05})
        await publish(client, "A-1")
        await sink.until(lambda: sink.count == 3)
        answer = await ask_until(client, "/events/A-1/trace", is_state("delivered"))
    attempts = trace_of(answer)["attempts"]
    assert [one["result"] for one in attempts] == ["retry", "retry", "delivered"]
    assert [one.get("status") for one in attempts] == [503, None, 204]
    assert len({request.header("webhook-id") for request in sink.requests}) == 1


async def test_what_a_sink_never_takes_is_a_dead_letter_with_the_reason(hub: HubProcess) -> None:
    async with SinkServer(lambda request: Reply(503)) as sink:
        client = hub.client()
        subscription = await subscribe(client, sink.url, retry={"base_s": 0.01, "max_attempts": 3})
        said = await publish(client, "A-1")
        answer = await ask_until(
            client, "/channels/deadletters/events", lambda found: bool(found.json())
        )
        await ask_until(client, "/events/A-1/trace", is_state("dead-lettered"))
    (letter,) = answer.json()
    event = letter["event"]
    assert (event["id"], event["source"], event["type"]) == ("A-1", "/shop", "order.paid")
    assert event["deadlettersubscription"] == subscription
    assert event["deadletterposition"] == said["position"]
    assert (event["deadletterattempts"], event["deadletterstatus"]) == (3, 503)
    assert "after 3 attempts" in event["deadletterreason"]
    assert sink.count == 3


async def test_a_refused_event_is_a_dead_letter_at_once(hub: HubProcess) -> None:
    async with SinkServer([Reply(400)]) as sink:
        client = hub.client()
        await subscribe(client, sink.url)
        await publish(client, "A-1")
        await ask_until(client, "/channels/deadletters/events", lambda found: bool(found.json()))
        answer = await client.ask("GET", "/events/A-1/trace")
    assert trace_of(answer)["state"] == "dead-lettered"
    assert sink.count == 1


async def test_a_slow_sink_does_not_slow_another(hub: HubProcess) -> None:
    async with SinkServer(lambda request: Reply(delay_s=20.0)) as slow, SinkServer() as fast:
        client = hub.client()
        await subscribe(client, slow.url, concurrency=2)
        await subscribe(client, fast.url)
        for number in range(300):
            await publish(client, f"A-{number}")
        await fast.until(lambda: fast.count == 300, within_s=60)
    # Two at a time are with the slow one, and none of them has been answered.
    assert slow.count <= 2


async def test_a_secret_is_nowhere_to_be_read(hub: HubProcess) -> None:
    credential = {
        "credentialtype": "ACCESSTOKEN",
        "accesstoken": SECRET,
        "accesstokentype": "bearer",
    }
    answers: list[bytes] = []
    async with SinkServer([Reply(503)]) as sink:
        client = hub.client()
        document = {"sink": sink.url, "protocol": "HTTP", "sinkcredential": credential}
        made = await client.ask_json(
            "POST", "/subscriptions", {**document, "retry": {"base_s": 0.05}}
        )
        path = made.headers["location"]
        await publish(client, "A-1")
        await sink.until(lambda: sink.count == 2)
        await ask_until(client, "/events/A-1/trace", is_state("delivered"))
        broken = await client.ask_json(
            "PUT", path, {**document, "sinkcredential": {**credential, "credentialtype": "X"}}
        )
        answers += [made.body, broken.body]
        registered = f"/endpoints/hub{path}"
        answers.append((await client.ask_json("PUT", registered, document)).body)
        for target in (
            *(path, "/subscriptions", "/events/A-1/trace", "/readyz", "/metrics"),
            *(registered, f"{registered}/versions", "/?inline=*", "/export"),
            "/channels/registry/events",
        ):
            answers.append((await client.ask("GET", target)).body)
        answers.append((await client.ask("DELETE", path)).body)
    await hub.stop()
    files = [path for path in hub.data.rglob("*") if path.is_file()]
    assert {request.header("authorization") for request in sink.requests} == {f"Bearer {SECRET}"}
    assert broken.status == 400
    assert [answer for answer in answers if SECRET.encode() in answer] == []
    assert len(files) > 10
    assert [path for path in (*files, hub.log) if SECRET.encode() in path.read_bytes()] == []


# ---- the registry


async def test_a_channel_that_is_put_takes_events_and_delivers_them(hub: HubProcess) -> None:
    async with SinkServer() as sink:
        client = hub.client()
        made = await client.ask_json("PUT", "/channels/orders", {"shards": 2})
        assert (made.status, made.json()["shards"]) == (201, 2)
        await subscribe(client, sink.url, channel="orders")
        headers = {"ce-specversion": "1.0", "ce-source": "/s", "ce-type": "t"}
        for number in range(10):
            answer = await client.ask(
                "POST", "/channels/orders/events", {**headers, "ce-id": f"A-{number}"}
            )
            assert answer.status == 202, answer.body
        await sink.until(lambda: sink.count == 10)
        await ask_until(client, "/channels/orders/events/A-3/trace", is_state("delivered"))
        ready = await client.ask("GET", "/readyz")
    assert {"orders.0", "orders.1"} <= ready.json()["shards"].keys()


async def test_a_channel_that_is_put_delivers_after_a_restart(hub: HubProcess) -> None:
    async with SinkServer() as sink:
        client = hub.client()
        await client.ask_json("PUT", "/channels/orders", {"shards": 2})
        await subscribe(client, sink.url, channel="orders")
        await hub.crash()
        await hub.start()
        client = hub.client()
        headers = {"ce-specversion": "1.0", "ce-source": "/s", "ce-type": "t", "ce-id": "A-1"}
        answer = await client.ask("POST", "/channels/orders/events", headers)
        assert answer.status == 202, answer.body
        await sink.until(lambda: sink.count == 1)
        described = await client.ask("GET", "/endpoints/publish-orders")
    assert described.json()["channel"] == "orders"


async def test_a_subscription_that_is_written_in_the_registry_is_delivered_for(
    hub: HubProcess,
) -> None:
    path = "/endpoints/hub/subscriptions/billing"
    async with SinkServer() as one, SinkServer() as other:
        client = hub.client()
        made = await client.ask_json("PUT", path, {"sink": one.url, "protocol": "HTTP"})
        assert made.status == 201, made.body
        await publish(client, "A-1")
        await one.until(lambda: one.count == 1)
        await client.ask_json("PATCH", path, {"sink": other.url})
        await publish(client, "A-2")
        await other.until(lambda: other.count == 1)
        back = {"sink": one.url, "protocol": "HTTP"}
        await client.ask_json("PUT", "/subscriptions/billing", back)
        await publish(client, "A-3")
        await one.until(lambda: one.count == 2)
        await client.ask("DELETE", path)
        await publish(client, "A-4")
        answer = await client.ask("GET", "/events/A-4/trace")
    assert (ids_at(one), ids_at(other)) == (["A-1", "A-3"], ["A-2"])
    assert answer.json()["subscriptions"] == []


async def test_events_of_change_are_delivered_to_who_subscribes_to_their_channel(
    hub: HubProcess,
) -> None:
    async with SinkServer() as sink:
        client = hub.client()
        filters = [{"prefix": {"subject": "/schemagroups/"}}]
        await subscribe(client, sink.url, channel="registry", filters=filters)
        made = await client.ask_json("PUT", "/schemagroups/shop", {"name": "Shop"})
        await sink.until(lambda: sink.count == 1)
    (request,) = sink.requests
    event = json.loads(request.body)
    assert (event["type"], event["subject"]) == ("io.xregistry.group.created", "/schemagroups/shop")
    assert event["xregcorrelationid"] == made.headers["xregistry-xregcorrelationid"]
    assert event["source"] == f"http://127.0.0.1:{hub.port}"


async def test_a_second_hub_on_the_same_data_is_refused_and_told_who_has_it(
    hub: HubProcess, tmp_path: Path
) -> None:
    second = HubProcess(hub.data, port=free_port())
    second.log = tmp_path / "second.log"
    await second.spawn()
    code = await asyncio.wait_for(second.wait(), 60)
    assert code != 0
    assert f"in use by another hub (process id {hub.pid})" in second.last_words()
    assert (await hub.client().ask("GET", "/livez")).status == 200


# ---- stopping


async def test_sigterm_lets_a_delivery_under_way_end_and_nothing_is_delivered_twice(
    hub: HubProcess,
) -> None:
    async with SinkServer(lambda request: Reply(delay_s=1.0)) as sink:
        client = hub.client()
        await subscribe(client, sink.url, concurrency=50)
        for number in range(20):
            await publish(client, f"A-{number}")
        await sink.until(lambda: sink.count == 20)
        code = await hub.stop()
        sink.script = ()
        await hub.start()
        client = hub.client()
        await publish(client, "last")
        await sink.until(lambda: "last" in ids_at(sink))
        await ask_until(client, "/events/last/trace", is_state("delivered"))
        answer = await client.ask("GET", "/events/A-7/trace")
    assert code == 0
    assert sorted(map(str, ids_at(sink))) == sorted([*(f"A-{n}" for n in range(20)), "last"])
    assert [one["result"] for one in trace_of(answer)["attempts"]] == ["delivered"]


async def test_sigterm_answers_a_request_under_way_and_refuses_no_one_silently(
    hub: HubProcess,
) -> None:
    client = hub.client()
    said = await publish(client, "A-1")
    polling = asyncio.ensure_future(
        client.ask("GET", f"/events?order=asc&position={said['position']}&wait=25")
    )
    await wait_until(lambda: hub.is_ready, "the hub serves")
    await hub.client().ask("GET", "/livez")
    code = await hub.stop()
    answer = await polling
    assert (answer.status, answer.json()) == (200, [])
    assert code == 0


async def test_retry_times_and_counts_survive_a_restart(hub: HubProcess) -> None:
    came_s: list[float] = []

    def answer(request: Received) -> Reply:
        came_s.append(asyncio.get_running_loop().time())
        return Reply(204) if len(came_s) > 1 else Reply(429, headers=[("retry-after", "10")])

    async with SinkServer(answer) as sink:
        client = hub.client()
        await subscribe(client, sink.url, retry={"base_s": 0.01})
        await publish(client, "A-1")
        await ask_until(client, "/events/A-1/trace", is_state("retrying"))
        await hub.stop()
        await hub.start()
        restarted_s = asyncio.get_running_loop().time()
        await sink.until(lambda: len(came_s) == 2, within_s=60.0)
        found = await ask_until(hub.client(), "/events/A-1/trace", is_state("delivered"))
    assert restarted_s < came_s[0] + 10.0, "the restart took too long to show anything"
    assert 9.9 <= came_s[1] - came_s[0] <= 20.0
    assert [one["attempt"] for one in trace_of(found)["attempts"]] == [1, 2]


async def test_what_is_declared_is_there_after_a_crash(hub: HubProcess) -> None:
    client = hub.client()
    id_ = await subscribe(client, "http://127.0.0.1:9/x", types=["t"])
    await hub.crash()
    await hub.start()
    answer = await hub.client().ask("GET", f"/subscriptions/{id_}")
    assert (answer.status, answer.json()["types"]) == (200, ["t"])


# ---- two nodes on one engine


@pytest.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[tuple[HubProcess, HubProcess]]:
    async with an_engine(tmp_path) as url:
        async with (
            HubProcess(tmp_path / "data-1", "--nats", url) as one,
            HubProcess(tmp_path / "data-2", "--nats", url) as other,
        ):
            yield one, other


async def test_what_is_declared_at_one_node_is_seen_at_the_other(
    nodes: tuple[HubProcess, HubProcess],
) -> None:
    one, other = nodes
    id_ = await subscribe(one.client(), "http://127.0.0.1:9/x", types=["t"])
    found = await ask_until(other.client(), f"/subscriptions/{id_}", lambda a: a.status == 200)
    assert found.json()["types"] == ["t"]


async def test_a_node_shows_a_revision_of_the_other_to_who_asks_for_it(
    nodes: tuple[HubProcess, HubProcess],
) -> None:
    one, other = nodes[0].client(), nodes[1].client()
    for number in range(20):
        made = await one.ask_json("PUT", f"/schemagroups/g-{number}", {})
        wanted = {"chappe-min-revision": made.headers["chappe-revision"]}
        found = await other.ask("GET", f"/schemagroups/g-{number}", wanted)
        assert found.status == 200, found.body


async def test_another_node_goes_on_where_one_was_killed(
    nodes: tuple[HubProcess, HubProcess],
) -> None:
    one, other = nodes
    first, second = one.client(), other.client()
    async with SinkServer() as sink:
        await subscribe(first, sink.url)
        for number in range(20):
            await publish(first if number % 2 else second, f"A-{number}")
        await sink.until(lambda: sink.count >= 20, within_s=60)
        assert (await first.ask("GET", "/readyz")).json()["shards"], "the first node delivers"
        await one.crash()
        for number in range(20, 40):
            await publish(second, f"A-{number}")
        await sink.until(lambda: len(set(ids_at(sink))) == 40, within_s=60)
        ready = await ask_until(
            second,
            "/readyz",
            lambda found: (
                found.json()["shards"].keys() == SHARDS
                and not sum(shard["open"] for shard in found.json()["shards"].values())
            ),
        )
    assert ready.json()["status"] == "ready"
    assert re.search(r"owns 7 of 7", ready.body.decode())


async def with_a_credential(client: Client) -> None:
    credential = {
        "credentialtype": "ACCESSTOKEN",
        "accesstoken": SECRET,
        "accesstokentype": "bearer",
    }
    await subscribe(client, "http://127.0.0.1:9/x", sinkcredential=credential)


async def test_a_node_with_another_key_is_not_ready_once_a_credential_is_stored(
    nodes: tuple[HubProcess, HubProcess],
) -> None:
    one, other = nodes
    await with_a_credential(one.client())
    found = await ask_until(other.client(), "/readyz", lambda answer: answer.status == 503)
    (check,) = [check for check in found.json()["checks"] if not check["ok"]]
    assert check["name"] == "registry"
    assert "sealed with another key" in check["detail"]
    assert (await one.client().ask("GET", "/readyz")).status == 200


async def test_a_node_whose_key_does_not_open_what_is_stored_refuses_to_start(
    nodes: tuple[HubProcess, HubProcess],
) -> None:
    one, other = nodes
    await with_a_credential(one.client())
    await other.stop()
    await other.spawn()
    code = await asyncio.wait_for(other.wait(), 60)
    assert code == 2
    assert "data-2/secret.key: not the key that the registry's secrets" in other.last_words()
    assert "copy secret.key of the node that stored them" in other.last_words()
