"""NATS as sink and source: a real server, and nats-py as the witness of what is on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any

import nats
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from tests.conformance.test_nats_sign_in import serving
from tests.edges.brokers import EVENTS, Kept, Line, attempt, reading, until
from tests.spec.test_kafka_binding import as_strings
from tests.spec.test_nats_binding import block_of, headers_of

from chappe.adapters.nats.sink import NatsSink
from chappe.adapters.nats.source import NatsReader
from chappe.domain.delivery import Delivered, Failed, Refused
from chappe.domain.errors import Unavailable
from chappe.domain.event import Event
from chappe.domain.options import EnvelopeOptions, NatsSettings, Options, Tls
from chappe.domain.source import NatsSource, Source, SourceOptions
from chappe.domain.subscription import Credential, Subscription
from chappe.formats.cloudevents_nats import decode, encode_binary
from chappe.formats.event_formats import JSON
from chappe.testing.certificates import Authority

pytestmark = [pytest.mark.engine, pytest.mark.timeout(90)]

NUMBERS = count()
PLAIN = Credential("PLAIN", "hub", "secret")
TOKEN = Credential("ACCESSTOKEN", None, "t0ken")


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[int]:
    async with serving(tmp_path, f'jetstream: {{store_dir: "{tmp_path}/js"}}') as one:
        yield one


@pytest.fixture
async def witness(port: int) -> AsyncIterator[Client]:
    client = await nats.connect(f"nats://127.0.0.1:{port}")
    yield client
    await client.close()


@pytest.fixture
async def sink() -> AsyncIterator[NatsSink]:
    one = NatsSink()
    yield one
    await one.close()


def to(port: int, subject: str, **more: Any) -> Subscription:
    scheme = more.pop("scheme", "nats")
    credential = more.pop("credential", None)
    options = Options(
        tls=more.pop("tls", None), envelopeoptions=EnvelopeOptions(mode=more.pop("mode", None))
    )
    return Subscription(
        id=f"s-{next(NUMBERS)}",
        sink=f"{scheme}://127.0.0.1:{port}",
        protocol="NATS",
        settings=NatsSettings(subject=subject, **more),
        credential=credential,
        options=options,
        timeout_s=5.0,
    )


def at(port: int, subject: str, **more: Any) -> NatsReader:
    credential = more.pop("credential", None)
    scheme, tls = more.pop("scheme", "nats"), more.pop("tls", None)
    return NatsReader(
        Source(
            more.pop("id", None) or f"r-{next(NUMBERS)}",
            f"{scheme}://127.0.0.1:{port}",
            "NATS",
            NatsSource(subject=subject, **more),
            credential=credential,
            options=SourceOptions(tls=tls),
        )
    )


def event_of(message: Msg) -> Event:
    """What nats-py received, as we read it."""
    return decode(block_of(message.headers), message.data)


# ---- the sink


@pytest.mark.parametrize("mode", ["binary", "structured"])
async def test_what_is_sent_arrives_at_another_client(
    port: int, witness: Client, sink: NatsSink, mode: str
) -> None:
    received = await witness.subscribe("orders.>")
    await witness.flush()
    subscription = to(port, "orders.{id}", mode=mode)
    for event in EVENTS:
        assert await sink.send(attempt(event, subscription)) == Delivered(0)
        message = await received.next_msg(timeout=10)
        assert message.subject == f"orders.{event.id}"
        if mode == "binary":
            assert message.headers == headers_of(encode_binary(event)[0])
            assert message.data == (event.data or b"")
            assert event_of(message) == as_strings(event)
        else:
            assert message.headers == {"Content-Type": "application/cloudevents+json"}
            assert message.data == JSON.encode(event)


async def test_a_stream_confirms_and_drops_a_repeated_attempt(
    port: int, witness: Client, sink: NatsSink
) -> None:
    stream = witness.jetstream()
    await stream.add_stream(name="ORDERS", subjects=["orders.>"])
    subscription = to(port, "orders.{type}", jetstream=True)
    for _ in range(2):
        assert await sink.send(attempt(EVENTS[1], subscription)) == Delivered(0)
    info = await stream.stream_info("ORDERS")
    assert info.state.messages == 1
    stored = await stream.get_last_msg("ORDERS", "orders.com.example.order.paid")
    assert decode(block_of(stored.headers), stored.data or b"") == as_strings(EVENTS[1])


async def test_a_subject_without_a_stream_fails_until_there_is_one(
    port: int, witness: Client, sink: NatsSink
) -> None:
    subscription = to(port, "orders", jetstream=True)
    assert await sink.send(attempt(EVENTS[0], subscription)) == Failed(
        "no stream takes the subject 'orders'"
    )
    await witness.jetstream().add_stream(name="ORDERS", subjects=["orders"])
    assert await sink.send(attempt(EVENTS[0], subscription)) == Delivered(0)


async def test_what_a_stream_will_not_take_is_refused(
    port: int, witness: Client, sink: NatsSink
) -> None:
    await witness.jetstream().add_stream(name="SMALL", subjects=["small"], max_msg_size=1_000)
    outcome = await sink.send(attempt(EVENTS[3], to(port, "small", jetstream=True)))
    assert isinstance(outcome, Refused)
    assert "message size exceeds maximum" in outcome.reason


async def test_an_event_over_the_servers_limit_is_refused(port: int, sink: NatsSink) -> None:
    event = Event(id="huge", source="/s", type="t", data=bytes(2_000_000))
    outcome = await sink.send(attempt(event, to(port, "orders")))
    assert isinstance(outcome, Refused)
    assert (outcome.status, "takes at most 1048576" in outcome.reason) == (413, True)


async def test_an_event_without_the_subjects_attribute_is_refused(
    port: int, sink: NatsSink
) -> None:
    assert await sink.send(attempt(EVENTS[0], to(port, "o.{subject}"))) == Refused(
        400, "subject: the event has no attribute 'subject'"
    )


@pytest.mark.parametrize(
    ("config", "right", "wrong"),
    [
        ("authorization: {user: hub, password: secret}", PLAIN, Credential("PLAIN", "hub", "x")),
        ("authorization: {token: t0ken}", TOKEN, None),
    ],
)
async def test_credentials_open_the_server_and_none_or_others_do_not(
    tmp_path: Path, sink: NatsSink, config: str, right: Credential, wrong: Credential | None
) -> None:
    async with serving(tmp_path, config) as port:
        outcome = await sink.send(attempt(EVENTS[0], to(port, "orders", credential=wrong)))
        assert isinstance(outcome, Failed)
        assert "Authorization Violation" in outcome.reason
        assert await sink.send(
            attempt(EVENTS[0], to(port, "orders", credential=right))
        ) == Delivered(0)
        assert sink.open_connections == 1


async def test_a_subject_that_the_user_may_not_publish_to_is_refused(
    tmp_path: Path, sink: NatsSink
) -> None:
    config = """authorization: {users: [
        {user: hub, password: secret, permissions: {publish: "open.>"}}]}"""
    async with serving(tmp_path, config) as port:
        denied = to(port, "closed.{id}", credential=PLAIN)
        allowed = to(port, "open.{id}", credential=PLAIN)
        outcomes = await asyncio.gather(
            *(sink.send(attempt(EVENTS[0], one)) for one in (denied, allowed) * 5)
        )
    assert outcomes[1::2] == [Delivered(0)] * 5
    for outcome in outcomes[::2]:
        assert isinstance(outcome, Refused)
        assert (outcome.status, "Permissions Violation" in outcome.reason) == (403, True)


async def test_tls_trusts_what_the_subscription_says_and_nothing_else(
    tmp_path: Path, sink: NatsSink
) -> None:
    authority = Authority()
    chain = tmp_path / "chain.pem"
    chain.write_text("".join(authority.issue("127.0.0.1")))
    config = f'tls: {{cert_file: "{chain}", key_file: "{chain}"}}'
    async with serving(tmp_path, config) as port:
        trusted = to(port, "orders", scheme="tls", tls=Tls(ca=authority.pem))
        assert await sink.send(attempt(EVENTS[0], trusted)) == Delivered(0)
        outcome = await sink.send(attempt(EVENTS[0], to(port, "orders", scheme="tls")))
        assert isinstance(outcome, Failed)
        assert "certificate verify failed" in outcome.reason.lower()


async def test_a_server_that_is_away_fails_attempts_and_takes_later_ones(
    port: int, sink: NatsSink
) -> None:
    async with Line(port) as line:
        subscription = to(line.port, "orders")
        assert await sink.send(attempt(EVENTS[0], subscription)) == Delivered(0)
        await line.cut()
        assert isinstance(await sink.send(attempt(EVENTS[0], subscription)), Failed)
        await line.mend()
        assert await sink.send(attempt(EVENTS[0], subscription)) == Delivered(0)


async def test_many_subscriptions_share_a_connection_that_rests_and_closes(port: int) -> None:
    sink = NatsSink(idle_s=0.1)
    subscriptions = [to(port, f"orders.{number}") for number in range(50)]
    outcomes = await asyncio.gather(*(sink.send(attempt(EVENTS[0], one)) for one in subscriptions))
    assert outcomes == [Delivered(0)] * 50
    assert sink.open_connections == 1
    await until(lambda: sink.open_connections == 0, "an idle connection is closed")


# ---- the source


async def test_ordinary_messages_are_taken_in_both_modes(
    port: int, witness: Client, sink: NatsSink
) -> None:
    kept = Kept()
    async with reading(at(port, "orders.*"), kept):
        await asyncio.wait_for(kept.ready.wait(), 60)
        for mode in ("binary", "structured"):
            for event in EVENTS:
                assert await sink.send(
                    attempt(event, to(port, "orders.x", mode=mode))
                ) == Delivered(0)
        # nats-py without headers: structured, as for servers before 2.2.
        await witness.publish("orders.y", JSON.encode(EVENTS[1]))
        await until(lambda: len(kept.events) == 2 * len(EVENTS) + 1, kept.aside)
    binary = [as_strings(event) for event in EVENTS]
    structured = [JSON.decode(JSON.encode(event)) for event in EVENTS]
    assert kept.events == [*binary, *structured, JSON.decode(JSON.encode(EVENTS[1]))]


async def test_a_queue_group_gives_a_message_to_one_reader(port: int, sink: NatsSink) -> None:
    first, second = Kept(), Kept()
    async with (
        reading(at(port, "orders", queue="hub"), first),
        reading(at(port, "orders", queue="hub"), second),
    ):
        await asyncio.wait_for(asyncio.gather(first.ready.wait(), second.ready.wait()), 60)
        for number in range(40):
            event = Event(id=str(number), source="/s", type="t")
            assert await sink.send(attempt(event, to(port, "orders"))) == Delivered(0)
        await until(lambda: len(first.events) + len(second.events) >= 40)
    assert sorted([*first.ids(), *second.ids()], key=int) == [str(n) for n in range(40)]


async def test_what_a_stream_kept_is_taken_and_acknowledged(port: int, witness: Client) -> None:
    stream = witness.jetstream()
    await stream.add_stream(name="ORDERS", subjects=["orders.>"])
    for number in range(600):
        event = Event(id=str(number), source="/s", type="t")
        await stream.publish("orders.new", JSON.encode(event))
    kept = Kept()
    async with reading(at(port, "orders.>", jetstream=True, id="shop"), kept):
        await until(lambda: len(kept.events) >= 600, len(kept.events))
        async with asyncio.timeout(60):
            while (await stream.consumer_info("ORDERS", "chappe-shop")).num_ack_pending:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    assert kept.ids() == [str(number) for number in range(600)]
    again = Kept()
    async with reading(at(port, "orders.>", jetstream=True, id="shop"), again):
        await stream.publish("orders.new", JSON.encode(EVENTS[0]))
        await until(lambda: bool(again.events))
    assert again.ids() == ["minimal"]


async def test_what_could_not_be_stored_comes_again_from_a_stream(
    port: int, witness: Client
) -> None:
    stream = witness.jetstream()
    await stream.add_stream(name="ORDERS", subjects=["orders"])
    for number in range(100):
        await stream.publish("orders", JSON.encode(Event(id=str(number), source="/s", type="t")))
    broken: list[Unavailable] = []

    async def refuse(event: Event) -> None:
        if broken or event.id == "42":
            broken.append(Unavailable("the engine is away"))
            raise broken[0]

    first, second = Kept(refuse), Kept()
    async with reading(at(port, "orders", jetstream=True, id="shop"), first) as task:
        with pytest.raises(Unavailable, match="the engine is away"):
            await asyncio.wait_for(task, 60)
    async with reading(at(port, "orders", jetstream=True, id="shop"), second):
        # JetStream gives again what was not acknowledged when it hears of it: it may be behind newer messages.
        every = {str(number) for number in range(100)}
        await until(lambda: {*first.ids(), *second.ids()} == every, second.ids)
    assert "42" not in first.ids()
    assert {str(number) for number in range(42, 100)} <= set(second.ids())


async def test_latest_begins_with_what_comes_then(port: int, witness: Client) -> None:
    stream = witness.jetstream()
    await stream.add_stream(name="ORDERS", subjects=["orders"])
    await stream.publish("orders", JSON.encode(EVENTS[0]))
    kept = Kept()
    async with reading(at(port, "orders", jetstream=True, start="latest"), kept):
        await asyncio.wait_for(kept.ready.wait(), 60)
        await stream.publish("orders", JSON.encode(EVENTS[1]))
        await until(lambda: bool(kept.events))
    assert kept.ids() == ["all-core"]


async def test_a_message_that_is_no_event_is_set_aside_with_its_subject(
    port: int, witness: Client
) -> None:
    kept = Kept()
    async with reading(at(port, "orders.>"), kept):
        await asyncio.wait_for(kept.ready.wait(), 60)
        await witness.publish("orders.eu", b"\xff\x00", headers={"Content-Type": "image/png"})
        await witness.publish("orders.eu", b"{}")
        await until(lambda: len(kept.aside) == 2)
    (reason, payload, details), (_, other, _) = kept.aside
    assert "the message is no event" in reason
    assert (payload, other, details["subject"]) == (b"\xff\x00", b"{}", "orders.eu")
    assert "image/png" in details["headers"]


@pytest.mark.parametrize("jetstream", [False, True])
async def test_a_source_ends_with_its_connection_and_says_why(
    port: int, witness: Client, jetstream: bool
) -> None:
    await witness.jetstream().add_stream(name="ORDERS", subjects=["orders"])
    kept = Kept()
    async with Line(port) as line:
        async with reading(at(line.port, "orders", jetstream=jetstream), kept) as task:
            await asyncio.wait_for(kept.ready.wait(), 60)
            await line.cut()
            with pytest.raises(Unavailable, match="NATS: "):
                await asyncio.wait_for(task, 60)


async def test_a_stream_that_is_not_there_is_named(port: int) -> None:
    async with reading(at(port, "orders", jetstream=True), Kept()) as task:
        with pytest.raises(Unavailable, match="no stream holds the subject 'orders'"):
            await asyncio.wait_for(task, 60)
