"""Kafka as sink and source: a real broker, and other clients as witnesses of what is on it."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from cloudevents.core.bindings import kafka as sdk
from cloudevents.core.formats.json import JSONFormat
from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, Producer, TopicPartition
from tests.chaos.hub import free_port
from tests.edges.brokers import EVENTS, Kept, Line, attempt, kafka_broker, reading, until
from tests.spec.test_kafka_binding import as_strings

from chappe.adapters.kafka.sink import KafkaSink
from chappe.adapters.kafka.source import KafkaReader
from chappe.domain.delivery import Delivered, Failed, Refused
from chappe.domain.errors import Unavailable
from chappe.domain.event import Event
from chappe.domain.options import EnvelopeOptions, KafkaSettings, Options, Tls
from chappe.domain.source import KafkaSource, Source, SourceEnvelope, SourceOptions
from chappe.domain.subscription import Subscription
from chappe.formats.event_formats import FORMATS, JSON, PROTOBUF
from chappe.kit.dial import NotConnected, every_address
from chappe.testing.certificates import Authority

pytestmark = [pytest.mark.timeout(120)]

NUMBERS = iter(range(10**6))


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with kafka_broker(tmp_path_factory.mktemp("kafka")) as address:
        yield address


@pytest.fixture
def topic() -> str:
    return f"orders-{next(NUMBERS)}"


@pytest.fixture
async def sink() -> AsyncIterator[KafkaSink]:
    one = KafkaSink()
    yield one
    await one.close()


def to(broker: str, topic: str, *, options: Options | None = None, **more: Any) -> Subscription:
    timeout_s = more.pop("timeout_s", 20.0)
    return Subscription(
        id=f"s-{next(NUMBERS)}",
        sink=f"kafka://{broker}/{topic}",
        protocol="KAFKA",
        settings=KafkaSettings(**more),
        options=options or Options(),
        timeout_s=timeout_s,
    )


def structured(media_type: str) -> Options:
    return Options(envelopeoptions=EnvelopeOptions(mode="structured", format=media_type))


def at(broker: str, *topics: str, id: str = "", **more: Any) -> KafkaReader:
    format = more.pop("format", JSON.media_type)
    addresses = more.pop("addresses", every_address)
    return KafkaReader(
        Source(
            id or f"r-{next(NUMBERS)}",
            f"kafka://{broker}",
            "KAFKA",
            KafkaSource(topics=topics, **more),
            options=SourceOptions(envelopeoptions=SourceEnvelope(format=format)),
        ),
        addresses=addresses,
    )


def found(broker: str, topic: str, count: int) -> list[Message]:
    """The messages that another client finds in a topic."""
    consumer = Consumer({"bootstrap.servers": broker, "group.id": "witness"})
    try:
        partitions = consumer.list_topics(topic, 20).topics[topic].partitions
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in partitions])
        messages: list[Message] = []
        for _ in range(60):
            messages += [one for one in consumer.consume(count, 0.5) if one.error() is None]
            if len(messages) >= count:
                return messages
        raise AssertionError(f"{len(messages)} of {count} messages in {topic}")
    finally:
        consumer.close()


def produce(broker: str, topic: str, messages: list[dict[str, Any]]) -> None:
    """Messages of another client."""
    producer = Producer({"bootstrap.servers": broker})
    for message in messages:
        producer.produce(topic, **message)
    assert producer.flush(20) == 0


# ---- the sink


async def test_another_sdk_reads_what_is_written_in_binary_mode(
    broker: str, topic: str, sink: KafkaSink
) -> None:
    subscription = to(broker, topic)
    outcomes = [await sink.send(attempt(event, subscription)) for event in EVENTS]
    assert outcomes == [Delivered(0)] * len(EVENTS)
    messages = await asyncio.to_thread(found, broker, topic, len(EVENTS))
    by_id = {dict(one.headers() or [])["ce_id"].decode(): one for one in messages}
    for event in EVENTS:
        message = by_id[event.id]
        headers = dict(message.headers() or [])
        assert (message.key(), message.value()) == (None, event.data)
        read = sdk.from_kafka(
            sdk.KafkaMessage(headers=headers, key=None, value=message.value() or b""), JSONFormat()
        )
        assert (read.get_id(), read.get_source(), read.get_type()) == (
            event.id, event.source, event.type,
        )  # fmt: skip
        assert (read.get_subject(), read.get_datacontenttype(), read.get_dataschema()) == (
            event.subject, event.datacontenttype, event.dataschema,
        )  # fmt: skip
        for name in event.extensions:
            assert read.get_extension(name) == event.get(name)


@pytest.mark.parametrize("format", FORMATS, ids=lambda format: format.name)
async def test_what_is_written_in_structured_mode_has_the_formats_type(
    broker: str, topic: str, sink: KafkaSink, format: Any
) -> None:
    event = EVENTS[1]
    outcome = await sink.send(
        attempt(event, to(broker, topic, options=structured(format.media_type)))
    )
    assert outcome == Delivered(0)
    (message,) = await asyncio.to_thread(found, broker, topic, 1)
    assert message.headers() == [("content-type", format.media_type.encode())]
    value = message.value()
    assert value is not None
    assert format.decode(value) == format.decode(format.encode(event))


async def test_the_key_is_the_extracted_attribute_and_only_where_it_was_asked_for(
    broker: str, topic: str, sink: KafkaSink
) -> None:
    keyed = to(broker, topic, partitionkeyextractor="partitionkey")
    for key in ("ä", None):
        extensions = {} if key is None else {"partitionkey": key}
        event = Event(id=f"k-{key}", source="/s", type="t", extensions=extensions)
        assert await sink.send(attempt(event, keyed)) == Delivered(0)
        assert await sink.send(attempt(event, to(broker, topic))) == Delivered(0)
    keys = [one.key() for one in await asyncio.to_thread(found, broker, topic, 4)]
    assert sorted(keys, key=str) == [None, None, None, "ä".encode()] or keys.count(None) == 3
    assert "ä".encode() in keys


async def test_an_event_that_no_broker_takes_is_refused(
    broker: str, topic: str, sink: KafkaSink
) -> None:
    event = Event(id="huge", source="/s", type="t", data=bytes(17 * 1024 * 1024))
    outcome = await sink.send(attempt(event, to(broker, topic)))
    assert isinstance(outcome, Refused)
    assert (outcome.status, "MSG_SIZE_TOO_LARGE" in outcome.reason) == (10, True)


async def test_a_broker_that_is_away_fails_an_attempt_and_takes_a_later_one(
    topic: str, tmp_path: Path
) -> None:
    port = free_port()
    async with Line(port) as line:
        with kafka_broker(tmp_path, port=port, advertised=line.port):
            sink, address = KafkaSink(), f"127.0.0.1:{line.port}"
            subscription = to(address, topic, timeout_s=3.0)
            assert await sink.send(attempt(EVENTS[0], subscription)) == Delivered(0)
            await line.cut()
            outcome = await sink.send(attempt(EVENTS[1], subscription))
            assert isinstance(outcome, Failed)
            assert "timed out" in outcome.reason.lower()
            await line.mend()
            for _ in range(10):
                outcome = await sink.send(attempt(EVENTS[1], subscription))
                if outcome == Delivered(0):
                    break
            assert outcome == Delivered(0)
            await sink.close()


async def test_a_cluster_that_names_a_broker_where_nobody_may_go_is_not_asked(
    topic: str, tmp_path: Path
) -> None:
    port, inside = free_port(), free_port()

    async def guarded(host: str, to_port: int) -> list[str]:
        if to_port == inside:
            raise NotConnected("the hub must not connect to it")
        return [host]

    said = f"the cluster names a broker 127.0.0.1:{inside}: the hub must not connect to it"
    with kafka_broker(tmp_path, port=port, advertised=inside):
        sink = KafkaSink(addresses=guarded)
        outcome = await sink.send(attempt(EVENTS[1], to(f"127.0.0.1:{port}", topic)))
        await sink.close()
        assert outcome == Failed(said)
        source = at(f"127.0.0.1:{port}", topic, addresses=guarded)
        with pytest.raises(Unavailable, match=said):
            await source.run(Kept(), lambda: None)


async def test_tls_trusts_what_the_subscription_says_and_nothing_else(
    topic: str, tmp_path: Path
) -> None:
    authority, port = Authority(), free_port()
    async with Line(port, tls=authority.server_context("127.0.0.1")) as line:
        with kafka_broker(tmp_path, port=port, advertised=line.port):
            sink, address = KafkaSink(), f"127.0.0.1:{line.port}"
            trusting = Options(tls=Tls(ca=authority.pem))
            assert await sink.send(attempt(EVENTS[1], to(address, topic, options=trusting))) == (
                Delivered(0)
            )
            others = Options(tls=Tls(ca=Authority("Another").pem))
            outcome = await sink.send(
                attempt(EVENTS[1], to(address, topic, options=others, timeout_s=2.0))
            )
            assert isinstance(outcome, Failed)
            assert "certificate verify failed" in outcome.reason
            await sink.close()


async def test_subscriptions_to_one_cluster_share_a_client(broker: str, topic: str) -> None:
    sink = KafkaSink(idle_s=0.2)
    subscriptions = [to(broker, topic) for _ in range(20)]
    sent = [sink.send(attempt(EVENTS[0], one)) for one in subscriptions]
    assert await asyncio.gather(*sent) == [Delivered(0)] * 20
    assert sink.open_connections == 1
    await until(lambda: sink.open_connections == 0, "an idle client is closed")


# ---- the source


async def test_what_the_sink_writes_the_source_reads(
    broker: str, topic: str, sink: KafkaSink
) -> None:
    options = [Options(), structured(JSON.media_type), structured(PROTOBUF.media_type)]
    for one in options:
        for event in EVENTS:
            sent = await sink.send(attempt(event, to(broker, topic, options=one)))
            assert sent == Delivered(0)
    kept = Kept()
    async with reading(at(broker, topic), kept):
        await until(lambda: len(kept.events) >= 3 * len(EVENTS), kept.ids)
    assert kept.aside == []
    read = defaultdict(list)
    for event in kept.events:
        read[event.id].append(event)
    for event in EVENTS:
        wanted = [as_strings(event), JSON.decode(JSON.encode(event)), event]
        assert all(one in read[event.id] for one in wanted), read[event.id]


async def test_another_sdks_messages_are_read(broker: str, topic: str) -> None:
    from cloudevents.core.v1.event import CloudEvent

    made = CloudEvent(
        {"type": "t", "source": "/s", "id": "sdk", "specversion": "1.0",
         "datacontenttype": "application/json", "subject": "€"},
        {"a": 1},
    )  # fmt: skip
    for message in (
        sdk.to_binary(made, JSONFormat()),
        sdk.to_structured(made, JSONFormat()),
    ):
        headers = dict(message.headers)
        await asyncio.to_thread(
            produce, broker, topic, [{"value": message.value, "headers": headers}]
        )
    kept = Kept()
    async with reading(at(broker, topic), kept):
        await until(lambda: len(kept.events) == 2, kept.aside)
    for event in kept.events:
        assert (event.id, event.subject, json.loads(event.data or b"")) == ("sdk", "€", {"a": 1})


async def test_a_message_that_is_no_event_is_set_aside_with_where_it_was(
    broker: str, topic: str
) -> None:
    await asyncio.to_thread(
        produce,
        broker,
        topic,
        [
            {"value": b"\xff\x00", "key": b"k", "headers": {"content-type": b"image/png"}},
            {"value": JSON.encode(EVENTS[0])},
        ],
    )
    kept = Kept()
    async with reading(at(broker, topic), kept):
        await until(lambda: bool(kept.aside) and bool(kept.events))
    ((reason, payload, details),) = kept.aside
    assert "the message is no event" in reason
    assert payload == b"\xff\x00"
    assert details == {
        "topic": topic, "partition": details["partition"], "offset": "0", "key": "k",
        "header content-type": "image/png",
    }  # fmt: skip
    assert kept.events == [EVENTS[0]]


async def test_what_could_not_be_stored_comes_again_in_order_and_nothing_is_left_out(
    broker: str, topic: str
) -> None:
    events = [Event(id=f"{number}", source="/s", type="t") for number in range(300)]
    await asyncio.to_thread(
        produce, broker, topic, [{"value": JSON.encode(one), "key": b"k"} for one in events]
    )
    broken: list[Unavailable] = []

    async def refuse(event: Event) -> None:
        if broken or event.id == "123":
            broken.append(Unavailable("the engine is away"))
            raise broken[0]

    first, second = Kept(refuse), Kept()
    async with reading(at(broker, topic, id="shop"), first) as task:
        with pytest.raises(Unavailable, match="the engine is away"):
            await asyncio.wait_for(task, 150)
    async with reading(at(broker, topic, id="shop"), second):
        await until(lambda: "299" in second.ids(), second.ids)
    assert first.ids() == [str(number) for number in range(123)]
    assert second.ids() == [str(number) for number in range(123, 300)]


async def test_what_was_taken_does_not_come_again_after_an_orderly_end(
    broker: str, topic: str
) -> None:
    for batch in range(2):
        events = [Event(id=f"{batch}-{n}", source="/s", type="t") for n in range(50)]
        await asyncio.to_thread(
            produce, broker, topic, [{"value": JSON.encode(one)} for one in events]
        )
        kept = Kept()
        async with reading(at(broker, topic, id="orderly"), kept):
            await until(lambda kept=kept: len(kept.events) >= 50, kept.ids)
        assert sorted(kept.ids()) == sorted(event.id for event in events)


async def test_a_source_whose_broker_goes_away_says_so_and_goes_on_where_it_was(
    topic: str, tmp_path: Path
) -> None:
    port = free_port()
    async with Line(port) as line:
        with kafka_broker(tmp_path, port=port, advertised=line.port) as broker:
            address = f"127.0.0.1:{line.port}"
            events = [Event(id=f"{n}", source="/s", type="t") for n in range(40)]
            values = [{"value": JSON.encode(one)} for one in events]
            await asyncio.to_thread(produce, address, topic, values[:20])
            kept = Kept()
            async with reading(at(address, topic, id="shop"), kept) as task:
                await until(lambda: len(kept.events) == 20, kept.ids)
                await line.cut()
                with pytest.raises(Unavailable, match="Kafka: "):
                    await asyncio.wait_for(task, 150)
            await line.mend()
            await asyncio.to_thread(produce, address, topic, values[20:])
            async with reading(at(address, topic, id="shop"), kept):
                await until(lambda: len(set(kept.ids())) == 40, kept.ids)
            assert broker


async def test_a_source_without_a_broker_says_so() -> None:
    kept = Kept()
    async with reading(at("127.0.0.1:1", "orders"), kept) as task:
        with pytest.raises(Unavailable, match="Kafka: "):
            await asyncio.wait_for(task, 150)
    assert not kept.ready.is_set()
