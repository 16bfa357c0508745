"""Pulled subscriptions of a real hub: received, settled, taken over, and nothing lost."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.chaos.engine import an_engine
from tests.chaos.http import Answer, Client, NoAnswer
from tests.chaos.hub import HubProcess

pytestmark = [pytest.mark.engine, pytest.mark.timeout(120)]


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[HubProcess]:
    async with HubProcess(tmp_path / "data") as one:
        yield one


async def publish(client: Client, *ids: str, key: str | None = None) -> None:
    events = [
        {
            "specversion": "1.0",
            "id": id_,
            "source": "/shop",
            "type": "t",
            "data": {"n": id_},
            **({} if key is None else {"partitionkey": key}),
        }
        for id_ in ids
    ]
    for at in range(0, len(events), 500):
        body = json.dumps(events[at : at + 500]).encode()
        answer = await client.ask(
            "POST", "/events", {"Content-Type": "application/cloudevents-batch+json"}, body
        )
        assert answer.status == 202, answer.body


async def subscribe(client: Client, *, lock_s: float = 60, **more: object) -> str:
    document = {"protocol": "PULL", "protocolsettings": {"lock_s": lock_s}, **more}
    answer = await client.ask_json("POST", "/subscriptions", document)
    assert answer.status == 201, answer.body
    assert answer.json()["sink"] == f"/subscriptions/{answer.json()['id']}"
    return str(answer.json()["id"])


async def receive(
    client: Client, id_: str, *, most: int = 100, wait_s: float = 20.0
) -> list[dict[str, Any]]:
    body = {"max_events": most, "wait_s": wait_s}
    answer = await client.ask_json("POST", f"/subscriptions/{id_}/receive", body)
    assert answer.status == 200, answer.body
    found: list[dict[str, Any]] = answer.json()
    return found


async def receive_all(client: Client, id_: str, count: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(60):
        while len(found) < count:
            found += await receive(client, id_)
    return found


async def settle(
    client: Client, id_: str, verb: str, received: Sequence[dict[str, Any]], **more: object
) -> Answer:
    body = {"locktokens": [one["locktoken"] for one in received], **more}
    answer = await client.ask_json("POST", f"/subscriptions/{id_}/{verb}", body)
    assert answer.status == 200, answer.body
    return answer


def ids(received: Sequence[dict[str, Any]]) -> list[str]:
    return [one["event"]["id"] for one in received]


async def test_an_acknowledged_event_does_not_come_again(hub: HubProcess) -> None:
    client = hub.client(timeout_s=40)
    id_ = await subscribe(client, lock_s=1)
    await publish(client, "A-1", "A-2")
    first = await receive_all(client, id_, 2)
    assert sorted(ids(first)) == ["A-1", "A-2"]
    assert [one["deliverycount"] for one in first] == [1, 1]
    said = (await settle(client, id_, "acknowledge", first[:1])).json()
    assert said == {"succeeded": [first[0]["locktoken"]], "failed": []}
    (again,) = await receive(client, id_)
    assert (again["event"], again["deliverycount"]) == (first[1]["event"], 2)


async def test_a_long_poll_is_answered_when_an_event_comes(hub: HubProcess) -> None:
    client = hub.client(timeout_s=40)
    id_ = await subscribe(client)
    waiting = asyncio.ensure_future(receive(client, id_, wait_s=30))
    await publish(hub.client(), "A-1")
    assert ids(await waiting) == ["A-1"]


async def test_a_consumer_that_hangs_up_while_it_waits_locks_nothing(hub: HubProcess) -> None:
    client = hub.client(timeout_s=40)
    id_ = await subscribe(client)
    body = b'{"wait_s": 60}'
    reader, writer = await asyncio.open_connection("127.0.0.1", hub.port)
    writer.write(
        b"POST /subscriptions/%b/receive HTTP/1.1\r\nhost: h\r\ncontent-length: %d\r\n\r\n%b"
        % (id_.encode(), len(body), body)
    )
    writer.write_eof()
    assert await asyncio.wait_for(reader.readuntil(b"[]"), 60)
    writer.close()
    await publish(client, "A-1")
    assert [one["deliverycount"] for one in await receive(client, id_)] == [1]


async def test_without_events_the_answer_is_empty_after_the_wait(hub: HubProcess) -> None:
    client = hub.client()
    id_ = await subscribe(client)
    assert await receive(client, id_, wait_s=0.1) == []


async def test_several_consumers_share_the_events_and_each_gets_its_own(hub: HubProcess) -> None:
    maker = hub.client()
    id_ = await subscribe(maker)
    wanted = [f"A-{number}" for number in range(400)]

    async def consume(client: Client, found: list[str]) -> None:
        while sum(map(len, consumed)) < len(wanted):
            got = await receive(client, id_, most=7, wait_s=0.5)
            if got:
                found += ids(got)
                assert not (await settle(client, id_, "acknowledge", got)).json()["failed"]

    consumed: list[list[str]] = [[] for _ in range(4)]
    await publish(maker, *wanted)
    async with asyncio.timeout(60):
        await asyncio.gather(*(consume(hub.client(), found) for found in consumed))
    assert sorted(id_ for found in consumed for id_ in found) == sorted(wanted)


async def test_a_released_event_comes_again_after_its_delay(hub: HubProcess) -> None:
    client = hub.client(timeout_s=40)
    id_ = await subscribe(client)
    await publish(client, "A-1")
    got = await receive(client, id_)
    began_s = time.monotonic()
    await settle(client, id_, "release", got, delay_s=1.0)
    (again,) = await receive(client, id_)
    assert time.monotonic() - began_s >= 0.99
    assert again["deliverycount"] == 2
    failed = (await settle(client, id_, "renewlocks", got)).json()["failed"]
    assert [one["code"] for one in failed] == ["lock_lost"]


async def test_a_renewed_lock_holds_longer(hub: HubProcess) -> None:
    client = hub.client(timeout_s=40)
    id_ = await subscribe(client, lock_s=2)
    await publish(client, "A-1")
    got = await receive(client, id_)
    until_s = time.monotonic() + 3
    while time.monotonic() < until_s:
        assert not (await settle(client, id_, "renewlocks", got)).json()["failed"]
        assert await receive(client, id_, wait_s=0.3) == []
    assert not (await settle(client, id_, "acknowledge", got)).json()["failed"]


async def test_a_rejected_event_becomes_a_dead_letter_with_its_reason(hub: HubProcess) -> None:
    client = hub.client(timeout_s=40)
    id_ = await subscribe(client)
    await publish(client, "A-1")
    got = await receive(client, id_)
    await settle(client, id_, "reject", got, reason="no such order")
    answer = await client.ask("GET", "/channels/deadletters/events?order=asc&wait=20")
    (letter,) = answer.json()
    assert letter["event"]["deadletterreason"] == "rejected: no such order"
    assert letter["event"]["deadlettersubscription"] == id_
    assert await receive(client, id_, wait_s=0.1) == []
    again = (await settle(client, id_, "acknowledge", got)).json()["failed"]
    assert [one["code"] for one in again] == ["settled"]
    trace = (await client.ask("GET", "/events/A-1/trace")).json()
    assert trace["subscriptions"][0]["state"] == "dead-lettered"


async def test_an_event_that_nobody_acknowledges_is_given_up(hub: HubProcess) -> None:
    client = hub.client(timeout_s=40)
    id_ = await subscribe(client, lock_s=1, retry={"max_attempts": 2})
    await publish(client, "A-1")
    assert [one["deliverycount"] for one in await receive(client, id_)] == [1]
    assert [one["deliverycount"] for one in await receive(client, id_)] == [2]
    answer = await client.ask("GET", "/channels/deadletters/events?order=asc&wait=20")
    (letter,) = answer.json()
    reason = "gave up after 2 deliveries; the last: the lock ended"
    assert letter["event"]["deadletterreason"] == reason
    assert await receive(client, id_, wait_s=0.1) == []


async def test_a_key_with_a_locked_event_gives_no_further_one(hub: HubProcess) -> None:
    client = hub.client(timeout_s=40)
    id_ = await subscribe(client, ordering="key")
    await publish(client, "a-1", "a-2", key="a")
    await publish(client, "b-1", "b-2", key="b")
    first = await receive_all(client, id_, 2)
    assert sorted(ids(first)) == ["a-1", "b-1"]
    assert await receive(client, id_, wait_s=0.2) == []
    of_a = [one for one in first if one["event"]["id"] == "a-1"]
    await settle(client, id_, "acknowledge", of_a)
    assert ids(await receive(client, id_)) == ["a-2"]
    of_b = [one for one in first if one["event"]["id"] == "b-1"]
    await settle(client, id_, "release", of_b)
    assert ids(await receive(client, id_)) == ["b-1"]


async def test_tokens_of_another_subscription_and_made_up_ones_are_refused(
    hub: HubProcess,
) -> None:
    client = hub.client(timeout_s=40)
    one, other = await subscribe(client), await subscribe(client)
    await publish(client, "A-1")
    got = await receive(client, one)
    made_up = {"locktoken": got[0]["locktoken"][:-1] + "!"}
    forged = {"locktoken": "0-1-0.1." + "A" * 22}
    said = (await settle(client, other, "acknowledge", [*got, made_up, forged])).json()
    assert [failed["code"] for failed in said["failed"]] == ["invalid_token"] * 3
    assert not (await settle(client, one, "acknowledge", got)).json()["failed"]


async def test_the_batch_format_carries_the_token_as_an_attribute(hub: HubProcess) -> None:
    client = hub.client(timeout_s=40)
    id_ = await subscribe(client)
    await publish(client, "A-1")
    answer = await client.ask(
        "POST",
        f"/subscriptions/{id_}/receive",
        {"Accept": "application/cloudevents-batch+json", "Content-Type": "application/json"},
        b'{"wait_s": 20}',
    )
    assert answer.headers["content-type"].startswith("application/cloudevents-batch+json")
    (event,) = answer.json()
    assert (event["id"], event["deliverycount"]) == ("A-1", 1)
    assert not (await settle(client, id_, "acknowledge", [event])).json()["failed"]


async def test_a_wrong_request_is_refused_and_names_the_field(hub: HubProcess) -> None:
    client = hub.client()
    id_ = await subscribe(client)
    wrong: Sequence[tuple[str, object, str]] = (
        ("receive", {"max_events": 0}, "max_events"),
        ("receive", {"wait_s": 61}, "wait_s"),
        ("acknowledge", {}, "locktokens"),
        ("acknowledge", {"locktokens": []}, "locktokens"),
        ("acknowledge", {"locktokens": ["a", "a"]}, "locktokens"),
        ("acknowledge", {"locktokens": ["a"], "delay_s": 1}, "delay_s"),
        ("release", {"locktokens": ["a"], "delay_s": -1}, "delay_s"),
        ("reject", {"locktokens": [7]}, "locktokens/0"),
    )
    for verb, body, field in wrong:
        answer = await client.ask_json("POST", f"/subscriptions/{id_}/{verb}", body)
        assert (answer.status, answer.json()["code"]) == (400, "malformed")
        assert answer.json()["detail"].startswith(field)


async def test_only_pulled_subscriptions_give_events(hub: HubProcess) -> None:
    client = hub.client()
    answer = await client.ask_json("POST", "/subscriptions/none/receive", {})
    assert answer.status == 404
    pushed = {"protocol": "HTTP", "sink": "http://127.0.0.1:9/"}
    id_ = (await client.ask_json("POST", "/subscriptions", pushed)).json()["id"]
    answer = await client.ask_json("POST", f"/subscriptions/{id_}/receive", {})
    assert (answer.status, answer.json()["code"]) == (409, "conflict")


async def test_after_a_kill_in_the_middle_every_event_comes_that_was_not_acknowledged(
    hub: HubProcess,
) -> None:
    client = hub.client(timeout_s=40)
    id_ = await subscribe(client, lock_s=5)
    wanted = [f"A-{number}" for number in range(1_500)]
    await publish(client, *wanted)
    held = await receive_all(client, id_, 300)
    await settle(client, id_, "acknowledge", held[:100])
    await hub.crash()
    await hub.start()
    client = hub.client(timeout_s=40)
    assert not (await settle(client, id_, "acknowledge", held[100:150])).json()["failed"]
    due = set(wanted) - set(ids(held[:150]))
    found: set[str] = set()
    async with asyncio.timeout(60):
        while not due <= found:
            got = await receive(client, id_)
            found.update(ids(got))
            if got:
                await settle(client, id_, "acknowledge", got)
    # At least once: of what was acknowledged within 100 ms before the kill, some may come again.
    assert found <= set(wanted) - set(ids(held[100:150]))


async def test_any_node_answers_and_a_request_waits_for_the_new_owner(tmp_path: Path) -> None:
    async with (
        an_engine(tmp_path) as url,
        HubProcess(tmp_path / "data-1", "--nats", url) as one,
        HubProcess(tmp_path / "data-2", "--nats", url) as two,
    ):
        client, other = one.client(timeout_s=40), two.client(timeout_s=40)
        id_ = await subscribe(client)
        wanted = [f"A-{number}" for number in range(200)]
        await publish(other, *wanted)
        async with asyncio.timeout(60):
            while (await other.ask("GET", f"/subscriptions/{id_}")).status != 200:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        held = await receive_all(other, id_, 200)
        assert sorted(ids(held)) == sorted(wanted)
        assert len({one["position"].split("-")[0] for one in held}) == 4
        assert not (await settle(client, id_, "acknowledge", held[:50])).json()["failed"]
        assert not (await settle(other, id_, "release", held[50:100])).json()["failed"]
        await one.crash()
        with pytest.raises(NoAnswer):
            await client.ask("GET", "/livez")
        # The shards that the killed node owned have a new owner after their leases have run out.
        said = (await settle(other, id_, "acknowledge", held[100:])).json()
        assert said["failed"] == []
        due = set(ids(held[50:100]))
        again: set[str] = set()
        async with asyncio.timeout(60):
            while not due <= again:
                again.update(ids(await receive(other, id_)))
        assert again <= set(ids(held[:100]))
