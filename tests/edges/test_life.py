"""The life of a subscription on a real hub: pause, dead letters, redrive, replay, over restarts and kills."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.chaos.http import Client
from tests.chaos.hub import HubProcess, kill, wait_until

from chappe.formats.times import rfc3339
from chappe.testing.http_sink import Received, Reply, SinkServer

pytestmark = [pytest.mark.engine, pytest.mark.timeout(90)]

DEADLINE_S = 60.0
DELETED = "io.xregistry.resource.deleted"


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[HubProcess]:
    async with HubProcess(tmp_path / "data") as one:
        yield one


@pytest.fixture
async def sink() -> AsyncIterator[SinkServer]:
    async with SinkServer() as one:
        yield one


async def ask(hub: HubProcess, method: str, path: str, document: object = None) -> Any:
    client: Client = hub.client()
    try:
        if document is None:
            answer = await client.ask(method, path)
        else:
            answer = await client.ask_json(method, path, document)
        assert answer.status < 300, (answer.status, answer.body)
        return answer.json()
    finally:
        await client.close()


async def subscribe(hub: HubProcess, sink: SinkServer, **fields: object) -> str:
    document = {"sink": sink.url, "protocol": "HTTP", **fields}
    return str((await ask(hub, "POST", "/subscriptions", document))["id"])


async def publish(hub: HubProcess, *ids: str, type: str = "t") -> list[str]:
    batch = [
        {
            "specversion": "1.0",
            "id": one,
            "source": "/s",
            "type": type,
            "datacontenttype": "application/json",
            "data": {},
        }
        for one in ids
    ]
    client = hub.client()
    headers = {"content-type": "application/cloudevents-batch+json"}
    answer = await client.ask("POST", "/events", headers, json.dumps(batch).encode())
    await client.close()
    assert answer.status == 202
    return list(answer.json()["positions"])


def ids(sink: SinkServer) -> list[str]:
    return [str(one.header("ce-id")) for one in sink.requests]


async def eventually(
    found: Callable[[], Awaitable[Any]], holds: Callable[[Any], bool], hub: HubProcess
) -> Any:
    """What `found` gives as soon as it holds."""
    loop = asyncio.get_running_loop()
    end_s = loop.time() + DEADLINE_S
    while True:
        value = await found()
        if holds(value):
            return value
        assert loop.time() < end_s, (value, hub.last_words())
        await asyncio.sleep(0.05)


async def letters(hub: HubProcess, query: str = "") -> Any:
    return await ask(hub, "GET", f"/deadletters{query}")


async def companions_gone(hub: HubProcess) -> None:
    await eventually(
        lambda: ask(hub, "GET", "/subscriptions"),
        lambda found: not [one for one in found if "replay" in one],
        hub,
    )


async def test_a_pause_outlives_a_kill_of_the_hub(hub: HubProcess, sink: SinkServer) -> None:
    id_ = await subscribe(hub, sink)
    await publish(hub, "a")
    await sink.until(lambda: ids(sink) == ["a"], within_s=DEADLINE_S)
    paused = await ask(hub, "POST", f"/subscriptions/{id_}/pause")
    assert paused["paused"] is True
    await publish(hub, "b", "c")
    kill(hub.pid)
    await wait_until(lambda: hub.pid is None, "the hub is dead")
    await hub.start()
    await publish(hub, "d")
    other = await subscribe(hub, sink, types=["probe"])
    await publish(hub, "probe", type="probe")
    await sink.until(lambda: "probe" in ids(sink), within_s=DEADLINE_S)
    assert not {"b", "c", "d"} & set(ids(sink))
    await ask(hub, "DELETE", f"/subscriptions/{other}")
    assert "paused" not in await ask(hub, "POST", f"/subscriptions/{id_}/resume")
    await sink.until(lambda: {"b", "c", "d"} <= set(ids(sink)), within_s=DEADLINE_S)


async def test_a_dead_letter_is_listed_redriven_and_marked(hub: HubProcess) -> None:
    broken = True

    def script(request: Received) -> Reply:
        return Reply(400, body=b"no such\ncustomer") if broken else Reply(204)

    async with SinkServer(script) as sink:
        id_ = await subscribe(hub, sink)
        (position, _) = await publish(hub, "a", "b")
        found = await eventually(lambda: letters(hub), lambda some: len(some) == 2, hub)
        assert [one["id"] for one in found] == ["b", "a"]
        letter = found[1]
        assert letter["state"] == "open"
        assert letter["subscription"] == id_
        assert (letter["status"], letter["eventposition"]) == (400, position)
        assert "no such customer" in letter["reason"]
        assert await letters(hub, "?reason=NO%20SUCH&type=t") == found
        assert await letters(hub, "?reason=timeout") == []
        assert await letters(hub, "?subscription=s-other") == []

        broken = False
        tried = await ask(hub, "POST", "/deadletters/redrive", {"all": True, "dry_run": True})
        assert (tried["letters"], tried["redrives"]) == ({id_: 2}, [])
        begun = await ask(hub, "POST", f"/deadletters/{letter['position']}/redrive")
        assert begun["letters"] == {id_: 1}
        await sink.until(lambda: sink.count == 3, within_s=DEADLINE_S)
        first, again = sink.requests[0], sink.requests[2]
        assert first.header("webhook-id") == again.header("webhook-id")
        assert not [name for name, _ in again.headers if b"deadletter" in name.lower()]
        await companions_gone(hub)
        shown = await ask(hub, "GET", f"/deadletters/{letter['position']}")
        assert shown["state"] == "redriven"
        assert [one["result"] for one in shown["redrives"]] == ["delivered"]
        assert shown["event"]["id"] == "a"
        (lane,) = (await ask(hub, "GET", f"/events/{position}/trace"))["subscriptions"]
        assert (lane["subscription"], lane["state"]) == (id_, "delivered")
        assert [one["result"] for one in lane["attempts"]] == ["dead-letter", "delivered"]
        assert [one["id"] for one in await letters(hub, "?state=open")] == ["b"]

        gone = await ask(hub, "DELETE", "/deadletters?reason=customer")
        assert (gone["letters"], gone["more"]) == (2, False)
        assert await letters(hub) == []
        assert len(await letters(hub, "?state=discarded")) == 2


async def test_a_redrive_goes_on_after_a_kill(hub: HubProcess) -> None:
    mode = "broken"

    def script(request: Received) -> Reply:
        match mode:
            case "broken":
                return Reply(400)
            case "slow":
                return Reply(204, delay_s=60.0)
            case _:
                return Reply(204)

    async with SinkServer(script) as sink:
        await subscribe(hub, sink, concurrency=1)
        await publish(hub, *(f"e-{number}" for number in range(20)))
        await eventually(lambda: letters(hub), lambda some: len(some) == 20, hub)
        mode = "slow"
        count = sink.count
        begun = await ask(hub, "POST", "/deadletters/redrive", {"type": "t"})
        assert list(begun["letters"].values()) == [20]
        await sink.until(lambda: sink.count > count, within_s=DEADLINE_S)
        assert len(await letters(hub, "?state=redriving")) == 20
        kill(hub.pid)
        await wait_until(lambda: hub.pid is None, "the hub is dead")
        mode = "well"
        await hub.start()
        await eventually(lambda: letters(hub, "?state=redriven"), lambda some: len(some) == 20, hub)
        await companions_gone(hub)


async def test_letters_go_to_a_sink_of_their_own_and_to_followers_without_a_loop(
    hub: HubProcess, sink: SinkServer
) -> None:
    async with SinkServer(lambda request: Reply(400)) as refusing:
        async with SinkServer() as forward:
            id_ = await subscribe(hub, refusing, deadletter={"sink": forward.url}, types=["t"])
            follower = await subscribe(hub, sink, channel="deadletters")
            failing = await subscribe(hub, refusing, channel="deadletters")
            await subscribe(hub, refusing, types=["t"])
            await publish(hub, "a")
            await forward.until(lambda: forward.count == 1, within_s=DEADLINE_S)
            await sink.until(lambda: sink.count == 2, within_s=DEADLINE_S)
            assert forward.requests[0].header("ce-deadlettersubscription") == id_
            assert len({one.header("webhook-id") for one in sink.requests}) == 2
            # Two subscriptions refused the event; the failing follower of both letters adds none.
            await refusing.until(lambda: refusing.count == 4, within_s=DEADLINE_S)
            assert len(await letters(hub)) == 2
            assert {one["subscription"] for one in await letters(hub)}.isdisjoint(
                {follower, failing}
            )


async def test_a_replay_delivers_what_matches_again_and_ends(
    hub: HubProcess, sink: SinkServer
) -> None:
    id_ = await subscribe(hub, sink, types=["t"])
    positions = await publish(hub, *(f"e-{number}" for number in range(10)))
    await publish(hub, "other", type="u")
    await sink.until(lambda: sink.count == 10, within_s=DEADLINE_S)
    path = f"/subscriptions/{id_}/replay"
    wanted = {"from": positions[3], "until": positions[7]}
    assert (await ask(hub, "POST", path, {**wanted, "dry_run": True}))["events"] == 5
    begun = await ask(hub, "POST", path, wanted)
    assert (begun["events"], begun["exact"]) == (5, True)
    await sink.until(lambda: sink.count == 15, within_s=DEADLINE_S)
    await companions_gone(hub)
    again = sink.requests[10:]
    assert sorted(str(one.header("ce-id")) for one in again) == [f"e-{n}" for n in range(3, 8)]
    first = {one.header("ce-id"): one.header("webhook-id") for one in sink.requests[:10]}
    assert all(first[one.header("ce-id")] == one.header("webhook-id") for one in again)


async def test_a_replay_to_another_sink_takes_no_secrets_along(
    hub: HubProcess, sink: SinkServer
) -> None:
    credential = {"credentialtype": "PLAIN", "identifier": "me", "secret": "s3cret"}
    id_ = await subscribe(hub, sink, sinkcredential=credential)
    await publish(hub, "a")
    await sink.until(lambda: sink.count == 1, within_s=DEADLINE_S)
    assert sink.requests[0].header("authorization")
    async with SinkServer() as other:
        wanted = {"from": "earliest", "sink": other.url}
        await ask(hub, "POST", f"/subscriptions/{id_}/replay", wanted)
        await other.until(lambda: other.count == 1, within_s=DEADLINE_S)
        assert other.requests[0].header("authorization") is None
        await companions_gone(hub)
    await ask(hub, "POST", f"/subscriptions/{id_}/replay", {"from": "earliest"})
    await sink.until(lambda: sink.count == 2, within_s=DEADLINE_S)
    assert sink.requests[1].header("authorization") == sink.requests[0].header("authorization")


async def test_a_replay_goes_on_after_a_kill_on_every_shard(tmp_path: Path) -> None:
    release = False

    def script(request: Received) -> Reply:
        return Reply(204, delay_s=0.0 if release else 60.0)

    async with (
        HubProcess(tmp_path / "data", "--shards", "3") as hub,
        SinkServer() as first,
        SinkServer(script) as second,
    ):
        id_ = await subscribe(hub, first)
        for number in range(30):
            await publish(hub, f"e-{number}")
        await first.until(lambda: first.count == 30, within_s=DEADLINE_S)
        wanted = {"from": "earliest", "sink": second.url}
        await ask(hub, "POST", f"/subscriptions/{id_}/replay", wanted)
        await second.until(lambda: second.count > 0, within_s=DEADLINE_S)
        kill(hub.pid)
        await wait_until(lambda: hub.pid is None, "the hub is dead")
        release = True
        await hub.start()
        await companions_gone(hub)
        assert set(ids(second)) == {f"e-{number}" for number in range(30)}


async def test_an_expired_subscription_ends_by_itself_and_tells(
    hub: HubProcess, sink: SinkServer
) -> None:
    await subscribe(hub, sink, channel="registry", types=[DELETED])
    soon = rfc3339(int(time.time() * 1000) + 2_000)
    id_ = await subscribe(hub, sink, types=["t"], expires=soon)
    await publish(hub, "early")
    await sink.until(lambda: "early" in ids(sink), within_s=DEADLINE_S)
    await eventually(
        lambda: ask(hub, "GET", "/subscriptions"),
        lambda found: id_ not in {one["id"] for one in found},
        hub,
    )
    await sink.until(lambda: sink.count == 2, within_s=DEADLINE_S)
    assert id_ in sink.requests[1].body.decode()


@pytest.mark.parametrize("place", ["position", "time"])
async def test_a_start_is_exact_on_every_shard(tmp_path: Path, place: str) -> None:
    async with (
        HubProcess(tmp_path / "data", "--shards", "3") as hub,
        SinkServer() as sink,
    ):
        places = []
        for batch in range(6):
            places += await publish(hub, *(f"{batch}-{number}" for number in range(10)))
        chosen = places[37]
        events = await ask(hub, "GET", "/events?order=asc&limit=1000")
        if place == "position":
            _, block, index = map(int, chosen.split("-"))
            start = chosen
            expected = {
                one["event"]["id"]
                for one in events
                if tuple(map(int, one["position"].split("-")[1:])) >= (block, index)
            }
        else:
            start = next(one["acceptedat"] for one in events if one["position"] == chosen)
            expected = {one["event"]["id"] for one in events if one["acceptedat"] >= start}
        assert 0 < len(expected) < 60
        await subscribe(hub, sink, start=start)
        await sink.until(lambda: len(set(ids(sink))) >= len(expected), within_s=DEADLINE_S)
        await publish(hub, "last")
        await sink.until(lambda: "last" in ids(sink), within_s=DEADLINE_S)
        assert sorted(ids(sink)) == sorted([*expected, "last"])


async def test_a_position_that_no_shard_of_the_channel_has_is_refused(
    hub: HubProcess, sink: SinkServer
) -> None:
    document = {"sink": sink.url, "protocol": "HTTP", "start": "7-1-0"}
    reply = await hub.client().ask_json("POST", "/subscriptions", document)
    assert reply.status == 400
    assert "has the shards 0 to 0" in reply.json()["detail"]


async def test_the_status_tells_how_delivery_goes(hub: HubProcess) -> None:
    broken = True

    def script(request: Received) -> Reply:
        return Reply(503, body=b"busy") if broken else Reply(204)

    async with SinkServer(script) as sink:
        id_ = await subscribe(hub, sink)

        async def status() -> Any:
            return (await ask(hub, "GET", f"/subscriptions/{id_}"))["status"]

        assert (await status())["state"] == "active"
        positions = await publish(hub, "a", "b")
        failing = await eventually(
            status,
            lambda one: (one["state"], one.get("open")) == ("retrying", 2) and "lastfailure" in one,
            hub,
        )
        assert (failing["open"], failing["events"], failing["exact"]) == (2, 2, True)
        assert "busy" in failing["reason"]
        assert failing["lastfailure"]["position"] in positions
        assert failing["oldest"]
        await ask(hub, "POST", f"/subscriptions/{id_}/pause")
        await publish(hub, "c")
        await publish(hub, "d")
        paused = await eventually(status, lambda one: one["blocks"] == 2, hub)
        assert (paused["state"], paused["events"]) == ("paused", 4)
        (shard,) = paused["shards"]
        assert shard["own"] is True
        broken = False
        await ask(hub, "POST", f"/subscriptions/{id_}/resume")
        well = await eventually(
            status, lambda one: one["state"] == "active" and one.get("events") == 0, hub
        )
        assert (well["open"], well["blocks"]) == (0, 0)
        assert well["lastsuccess"]
        await hub.stop()
        await hub.start()
        # The last of the successes may have been noted after the last event was taken off.
    assert (await status())["lastsuccess"] >= well["lastsuccess"]


async def test_a_channels_retention_is_kept_and_who_falls_behind_is_told(
    hub: HubProcess, sink: SinkServer
) -> None:
    id_ = await subscribe(hub, sink)
    await publish(hub, "a")
    await sink.until(lambda: ids(sink) == ["a"], within_s=DEADLINE_S)
    await ask(hub, "POST", f"/subscriptions/{id_}/pause")
    await publish(hub, "lost-1")
    await publish(hub, "lost-2")
    own = {"retention": {"max_age_s": 1}}
    await ask(hub, "PATCH", "/channels/default", own)

    async def extent() -> Any:
        return await ask(hub, "GET", "/channels/default/extent")

    found = await eventually(extent, lambda one: one["first_block"] > one["last_block"], hub)
    assert found["retention"]["max_age_s"] == 1
    status = (await ask(hub, "GET", f"/subscriptions/{id_}"))["status"]
    assert status["state"] == "paused"
    assert "retention has removed 2 blocks" in status["reason"]
    await ask(hub, "PATCH", "/channels/default", {"retention": None})
    await eventually(extent, lambda one: one["retention"]["max_age_s"] > 1, hub)
    await ask(hub, "POST", f"/subscriptions/{id_}/resume")
    await publish(hub, "kept")
    await sink.until(lambda: "kept" in ids(sink), within_s=DEADLINE_S)
    assert ids(sink) == ["a", "kept"]
    metrics = await hub.client().ask("GET", "/metrics")
    assert b"chappe_lost_blocks_total 2.0" in metrics.body
    assert "fell behind retention" in hub.last_words(200)


async def test_a_retention_that_is_too_small_is_refused(hub: HubProcess) -> None:
    small = {"retention": {"max_bytes": 10}}
    reply = await hub.client().ask_json("PATCH", "/channels/default", small)
    assert reply.status == 400
    assert b"is less than 1048576" in reply.body
