"""AMQP 1.0 against a peer made with Qpid Proton's own container: outcomes, links, credit, odd messages."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

pytest.importorskip("proton", reason="python-qpid-proton is not installed: pip compiles it")

from cloudevents.core.bindings.amqp import AMQPMessage, from_amqp_event
from proton import Message, int32, symbol, timestamp, ulong
from tests.edges.broker_clients import (
    BIG,
    BYTES,
    NO_DATA,
    TYPED,
    attempt,
    reading,
    tls_before,
    until,
)
from tests.edges.broker_programs import free_port

from chappe.adapters.amqp import source as adapter
from chappe.adapters.amqp.sink import IDLE_S, AmqpSink
from chappe.adapters.amqp.source import AmqpReader
from chappe.domain.delivery import Delivered, Failed, Outcome, Refused
from chappe.domain.errors import Unavailable
from chappe.domain.event import Event
from chappe.domain.options import AmqpSettings, EnvelopeOptions, Options, Tls
from chappe.domain.source import AmqpSource, Source
from chappe.domain.subscription import Subscription
from chappe.formats.event_formats import JSON, PROTOBUF
from chappe.testing.amqp_peer import AmqpPeer
from chappe.testing.certificates import Authority
from chappe.testing.memory_intake import MemoryIntake


@asynccontextmanager
async def delivering(*, idle_s: float = IDLE_S) -> AsyncIterator[AmqpSink]:
    numbers = itertools.count()
    sink = AmqpSink(new_id=lambda: f"chappe-test-{next(numbers)}", idle_s=idle_s)
    try:
        yield sink
    finally:
        await sink.close()


def subscription(url: str, **more: Any) -> Subscription:
    settings = AmqpSettings(**{"address": "orders", **more.pop("settings", {})})
    return Subscription(
        id=more.pop("id", "s-1"), sink=url, protocol="AMQP", settings=settings, **more
    )


async def send(sink: AmqpSink, event: Event, to: Subscription) -> Outcome:
    return await sink.send(attempt(event, to))


def reader(url: str, **settings: Any) -> AmqpReader:
    return AmqpReader(Source("src", url, "AMQP", AmqpSource(**{"address": "in", **settings})))


# ---- out


@pytest.mark.parametrize("event", [TYPED, NO_DATA, BYTES, BIG], ids=lambda event: event.id)
async def test_an_event_arrives_in_binary_mode_with_native_types(event: Event) -> None:
    with AmqpPeer() as peer:
        async with delivering() as sink:
            assert await send(sink, event, subscription(peer.url)) == Delivered(0x24)
        (message,) = peer.received
    sent = {
        f"cloudEvents_{name}": value
        for name, value in event.attributes()
        if name != "datacontenttype"
    }
    if event.time is not None:
        sent["cloudEvents_time"] = timestamp(1709251199250)
    assert message.properties == sent
    types = {name: type(value) for name, value in message.properties.items()}
    assert types.get("cloudEvents_retries", int) is int  # proton's word for an AMQP long
    assert types.get("cloudEvents_time", timestamp) is timestamp
    assert message.inferred
    assert message.durable
    assert message.id == f"wh-{event.id}"
    assert bytes(message.body or b"") == (event.data or b"")
    # Proton's word for none is the symbol "None".
    assert str(message.content_type) == str(event.datacontenttype)


async def test_the_sdk_of_cloudevents_reads_what_arrives() -> None:
    with AmqpPeer() as peer:
        async with delivering() as sink:
            assert await send(sink, TYPED, subscription(peer.url)) == Delivered(0x24)
        (message,) = peer.received
    read = from_amqp_event(
        AMQPMessage(
            {"content-type": str(message.content_type)},
            {
                name: TYPED.time if isinstance(value, timestamp) else value
                for name, value in message.properties.items()
            },
            bytes(message.body),
        )
    )
    assert (read.get_id(), read.get_source(), read.get_type(), read.get_subject()) == (
        TYPED.id,
        TYPED.source,
        TYPED.type,
        TYPED.subject,
    )
    assert read.get_extension("tenant") == "Nörd"
    assert read.get_data() == {"total": 12, "€": "😀"}


@pytest.mark.parametrize("format", [JSON, PROTOBUF], ids=lambda one: one.name)
async def test_an_event_arrives_in_structured_mode(format: Any) -> None:
    options = Options(envelopeoptions=EnvelopeOptions(mode="structured", format=format.media_type))
    with AmqpPeer() as peer:
        async with delivering() as sink:
            outcome = await send(sink, TYPED, subscription(peer.url, options=options))
            assert outcome == Delivered(0x24)
        (message,) = peer.received
    assert message.content_type == format.media_type
    assert format.decode(bytes(message.body)) == format.decode(format.encode(TYPED))


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("accepted", Delivered(0x24)),
        ("rejected", Refused(0x25, "the receiver rejects the message")),
        (
            "amqp:precondition-failed",
            Refused(
                0x25,
                "the receiver rejects the message: amqp:precondition-failed: says the test",
            ),
        ),
        (
            "amqp:resource-limit-exceeded",
            Failed(
                "the receiver rejects the message: amqp:resource-limit-exceeded: says the test",
                0x25,
            ),
        ),
        ("released", Failed("the receiver gave the message back (released)", 0x26)),
        ("modified", Failed("the receiver gave the message back (modified)", 0x27)),
        (
            "undeliverable",
            Refused(0x27, "the receiver cannot deliver the message (modified)"),
        ),
        ("", Failed("the receiver did not settle the message within 0.5 s")),
    ],
)
async def test_what_the_receiver_says_is_the_outcome(answer: str, outcome: Outcome) -> None:
    with AmqpPeer(lambda message: answer) as peer:
        async with delivering() as sink:
            assert await send(sink, NO_DATA, subscription(peer.url, timeout_s=0.5)) == outcome


async def test_settled_messages_are_delivered_without_an_outcome() -> None:
    with AmqpPeer(lambda message: "") as peer:
        async with delivering() as sink:
            to = subscription(peer.url, settings={"sendersettlementmode": "settled"})
            assert await send(sink, TYPED, to) == Delivered(0x24)
            await until(lambda: len(peer.received) == 1)


async def test_a_message_over_the_links_size_is_refused_and_not_sent() -> None:
    with AmqpPeer(max_message_size=1000) as peer:
        async with delivering() as sink:
            refused = await send(sink, BIG, subscription(peer.url))
            assert isinstance(refused, Refused)
            assert refused.reason.endswith("the receiver takes 1000 at most")
            assert await send(sink, NO_DATA, subscription(peer.url)) == Delivered(0x24)
        assert len(peer.received) == 1


async def test_a_link_that_is_refused_is_a_failure() -> None:
    with AmqpPeer(refuses="amqp:not-found") as peer:
        async with delivering() as sink:
            for _ in range(2):
                assert await send(sink, NO_DATA, subscription(peer.url)) == Failed(
                    f"127.0.0.1:{peer.port} closed the link to 'orders':"
                    " amqp:not-found: says the test"
                )
            assert sink.open_connections == 1


async def test_a_receiver_without_credit_is_a_failure_when_the_time_is_over() -> None:
    with AmqpPeer(credit=0) as peer:
        async with delivering() as sink:
            to = subscription(peer.url, timeout_s=0.3)
            assert await send(sink, NO_DATA, to) == Failed(
                "the receiver did not settle the message within 0.3 s"
            )


async def test_many_messages_share_a_link_within_its_credit_and_it_is_closed_when_idle() -> None:
    with AmqpPeer(credit=3) as peer:
        async with delivering(idle_s=0.2) as sink:
            outcomes = await asyncio.gather(
                *(send(sink, BYTES, subscription(peer.url)) for _ in range(200))
            )
            assert set(outcomes) == {Delivered(0x24)}
            assert sink.open_connections == 1
            await until(lambda: sink.open_connections == 0)
        assert len(peer.received) == 200
        assert len(set(peer.links)) == 1


async def test_the_sinks_path_names_the_node_and_the_settings_name_the_link() -> None:
    with AmqpPeer() as peer:
        async with delivering() as sink:
            settings = {"linkname": "my-link", "linkproperties": {"a": 1}}
            to = subscription(f"{peer.url}/from%2Fpath", settings=settings)
            assert await send(sink, NO_DATA, to) == Delivered(0x24)
    assert peer.links == ["my-link"]
    assert peer.targets == ["from/path"]
    assert peer.link_properties == [{"a": 1}]


async def test_tls_checks_who_the_container_is() -> None:
    authority, stranger = Authority(), Authority("somebody else")
    context = authority.server_context("localhost", "127.0.0.1")
    with AmqpPeer() as peer:
        async with tls_before(peer.port, context) as port, delivering() as sink:
            url = f"amqps://localhost:{port}"
            trusting = subscription(url, options=Options(tls=Tls(ca=authority.pem)))
            assert await send(sink, BIG, trusting) == Delivered(0x24)
            doubting = subscription(url, options=Options(tls=Tls(ca=stranger.pem)))
            failed = await send(sink, NO_DATA, doubting)
            assert isinstance(failed, Failed)
            assert failed.reason.startswith("TLS: certificate verify failed")


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"", "did not settle the message within 0.5 s"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not let the hub in: amqp:connection:framing"),
    ],
)
async def test_a_peer_that_is_no_container_is_a_failure(said: bytes, reason: str) -> None:
    held: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)
        writer.write(said)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        async with delivering() as sink:
            failed = await send(
                sink, NO_DATA, subscription(f"amqp://127.0.0.1:{port}", timeout_s=0.5)
            )
            assert isinstance(failed, Failed)
            assert reason in failed.reason
    finally:
        server.close()
        for writer in held:
            writer.close()


async def test_a_container_that_is_nowhere_is_a_failure() -> None:
    async with delivering() as sink:
        port = free_port()
        assert await send(sink, NO_DATA, subscription(f"amqp://127.0.0.1:{port}")) == Failed(
            f"connection refused by 127.0.0.1:{port}"
        )


# ---- in


def event_message(number: int, **more: Any) -> Message:
    properties = {
        "cloudEvents_specversion": "1.0",
        "cloudEvents_id": str(number),
        "cloudEvents_source": "/s",
        "cloudEvents_type": "t",
        **more.pop("properties", {}),
    }
    return Message(id=number, properties=properties, **more)


async def test_events_are_accepted_once_they_are_stored() -> None:
    with AmqpPeer() as peer:
        peer.offer(*(event_message(number) for number in range(250)))
        intake = MemoryIntake()
        async with reading(reader(peer.url, credit=10), intake):
            await intake.until(lambda: len(intake.taken) == 250)
            await until(lambda: len(peer.outcomes) == 250)
    assert intake.ids == [str(number) for number in range(250)]
    assert [outcome[1] for outcome in peer.outcomes] == ["accepted"] * 250


async def test_no_more_messages_are_under_way_than_there_is_credit() -> None:
    release = asyncio.Event()
    under_way = 0
    most = 0

    async def held(event: Event) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await release.wait()
        under_way -= 1

    with AmqpPeer() as peer:
        peer.offer(*(event_message(number) for number in range(40)))
        intake = MemoryIntake(held)
        async with reading(reader(peer.url, credit=7), intake):
            await until(lambda: under_way == 7)
            release.set()
            await intake.until(lambda: len(intake.taken) == 40)
    assert most == 7


async def test_every_form_of_a_message_is_understood() -> None:
    json_event = JSON.encode(TYPED)
    messages = [
        event_message(
            1,
            inferred=True,
            body=b"\x00\xff",
            properties={
                "cloudEvents_time": timestamp(1522900584250),
                "cloudEvents_count": int32(7),
                "cloudEvents_flag": True,
                "cloudEvents_raw": b"\x01",
                "cloudEvents_word": symbol("sym"),
                "x-opt": 1.5,
            },
        ),
        event_message(2, body="text of JMS", content_type="text/plain"),
        Message(id=3, inferred=True, body=json_event, content_type="application/cloudevents+json"),
        Message(id=4, inferred=True, body=json_event),
        Message(
            id=5,
            properties={
                "cloudEvents:specversion": "1.0",
                "cloudEvents:id": "5",
                "cloudEvents:source": "/s",
                "cloudEvents:type": "t",
                "cloudEvents:small": ulong(9),
            },
        ),
    ]
    with AmqpPeer() as peer:
        peer.offer(*messages)
        intake = MemoryIntake()
        async with reading(reader(peer.url), intake):
            await until(lambda: len(peer.outcomes) == len(messages))
    assert not intake.aside
    native, text, typed, bare, colons = intake.taken
    assert native == Event(
        id="1",
        source="/s",
        type="t",
        time="2018-04-05T03:56:24.250Z",
        extensions={"count": 7, "flag": True, "raw": b"\x01", "word": "sym"},
        data=b"\x00\xff",
    )
    assert (text.data, text.datacontenttype) == (b"text of JMS", "text/plain")
    assert typed == bare == JSON.decode(json_event)
    assert colons.extensions == {"small": 9}


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (Message(id=1, body=b"21.5", inferred=True, content_type="text/plain"), "is no event"),
        (Message(id=1, body=[1, 2], content_type="text/plain"), "a value of type list"),
        (event_message(1, properties={"cloudEvents_id": 1.5}), "id: 1.5 MUST be"),
        (Message(id=1, body={"a": "b"}), "a value of type dict"),
    ],
)
async def test_what_is_no_event_is_set_aside_and_rejected_with_the_reason(
    message: Message, reason: str
) -> None:
    with AmqpPeer() as peer:
        peer.offer(message, event_message(2))
        intake = MemoryIntake()
        async with reading(reader(peer.url), intake):
            await until(lambda: len(peer.outcomes) == 2)
    (aside,) = intake.aside
    assert reason in aside.reason
    assert (aside.details["address"], aside.details["messageid"]) == ("in", "1")
    said = {one[0]: one[1:] for one in peer.outcomes}
    assert said[1][0] == "rejected"
    assert said[1][1].startswith("amqp:decode-error: ")
    assert said[2][0] == "accepted"


async def test_what_the_hub_cannot_store_is_released_and_reading_ends() -> None:
    async def full(event: Event) -> None:
        raise Unavailable("the disk is full")

    with AmqpPeer() as peer:
        peer.offer(event_message(1))
        async with reading(reader(peer.url), MemoryIntake(full)) as running:
            with pytest.raises(Unavailable, match="the disk is full"):
                await running
        await until(lambda: bool(peer.outcomes))
    assert peer.outcomes[0][:2] == (1, "released")


async def test_leaving_settles_what_is_being_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "LEAVING_S", 20.0)
    came, may_go = asyncio.Event(), asyncio.Event()

    async def slowly(event: Event) -> None:
        came.set()
        await may_go.wait()

    with AmqpPeer() as peer:
        peer.offer(event_message(1))
        async with reading(reader(peer.url), MemoryIntake(slowly)) as running:
            await asyncio.wait_for(came.wait(), 60)
            running.cancel()
            may_go.set()
        await until(lambda: bool(peer.outcomes))
    assert peer.outcomes[0][:2] == (1, "accepted")


async def test_a_node_that_is_not_there_is_unavailable() -> None:
    with AmqpPeer(refuses="amqp:not-found") as peer:
        with pytest.raises(Unavailable, match="closed the link to 'in': amqp:not-found"):
            await reader(peer.url).run(MemoryIntake(), lambda: None)
