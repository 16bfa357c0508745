"""How long the codecs take for one event, beside the SDK's and other encodings.

    python bench/formats.py

One event of 1 KB (a JSON payload of 1,024 bytes), five optional attributes and one extension; ids,
subjects and times differ from event to event, all else repeats. CPU time, the best of 5 rounds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from cloudevents.core.bindings import http as sdk
from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    timestamp_pb2,
)

from chappe.domain.event import Event
from chappe.formats import block, cloudevents_http, cloudevents_json, cloudevents_protobuf
from chappe.formats.event_formats import FORMATS, XML

EVENTS = 4_000
PAYLOAD = b'{"order":{"number":17,"lines":[1,2.50,3]},"note":"' + b"x" * 972 + b'"}'


def headers(number: int) -> list[tuple[bytes, bytes]]:
    """A request as an ASGI server hands it over, six ce- headers among others."""
    second = number // 20
    return [
        (b"host", b"127.0.0.1:8080"),
        (b"user-agent", b"bench/1"),
        (b"content-length", b"1024"),
        (b"content-type", b"application/json"),
        (b"ce-specversion", b"1.0"),
        (b"ce-id", b"6e8bc430-9c3a-11d9-9669-%012d" % number),
        (b"ce-source", b"https://example.com/shops/%d" % (number % 5)),
        (b"ce-type", b"com.example.order.created"),
        (b"ce-time", b"2024-05-17T12:%02d:%02d.123%03dZ" % (*divmod(second, 60), number % 999 + 1)),
        (b"ce-subject", b"orders/%d" % number),
        (b"ce-partitionkey", b"customer-%d" % (number % 97)),
    ]


def micros(call: Callable[[Any], object], inputs: Iterable[Any]) -> float:
    """Microseconds of CPU for one call, the best of 5 rounds over all inputs."""
    inputs, best = list(inputs), float("inf")
    for _ in range(5):
        start = time.process_time()
        for one in inputs:
            call(one)
        best = min(best, time.process_time() - start)
    return best / len(inputs) * 1e6


def upb_event() -> Any:
    """The class CloudEvent of protobuf's own C implementation, from a descriptor built here."""
    string, bytes_, message = 9, 12, 11
    file = descriptor_pb2.FileDescriptorProto(name="bench.proto", package="b", syntax="proto3")
    file.dependency.append("google/protobuf/timestamp.proto")
    event = file.message_type.add(name="CloudEvent")
    for number, name in enumerate(("id", "source", "spec_version", "type"), 1):
        event.field.add(name=name, number=number, type=string, label=1)
    event.field.add(
        name="attributes",
        number=5,
        type=message,
        label=3,
        type_name=".b.CloudEvent.AttributesEntry",
    )
    event.field.add(name="binary_data", number=6, type=bytes_, label=1, oneof_index=0)
    event.field.add(name="text_data", number=7, type=string, label=1, oneof_index=0)
    event.oneof_decl.add(name="data")
    entry = event.nested_type.add(name="AttributesEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=string, label=1)
    entry.field.add(name="value", number=2, type=message, label=1, type_name=".b.CloudEvent.Value")
    value = event.nested_type.add(name="Value")
    value.oneof_decl.add(name="attr")
    for number, name in ((3, "ce_string"), (5, "ce_uri")):
        value.field.add(name=name, number=number, type=string, label=1, oneof_index=0)
    value.field.add(
        name="ce_timestamp",
        number=7,
        type=message,
        label=1,
        oneof_index=0,
        type_name=".google.protobuf.Timestamp",
    )
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("b.CloudEvent"))


def with_upb(message_class: Any) -> tuple[Callable[[Event], bytes], Callable[[bytes], Event]]:
    """Encoding and decoding by message objects, without any check of the attributes."""

    def encode(event: Event) -> bytes:
        message = message_class(
            id=event.id, source=event.source, spec_version="1.0", type=event.type
        )
        attributes = message.attributes
        if event.time:
            attributes["time"].ce_timestamp.FromJsonString(event.time)
        if event.subject:
            attributes["subject"].ce_string = event.subject
        if event.datacontenttype:
            attributes["datacontenttype"].ce_string = event.datacontenttype
        for name, value in event.extensions.items():
            attributes[name].ce_string = value
        message.binary_data = event.data
        return bytes(message.SerializeToString())

    def decode(wire: bytes) -> Event:
        message = message_class.FromString(wire)
        attributes: dict[str, str] = {}
        for name, value in message.attributes.items():
            kind = value.WhichOneof("attr")
            if kind == "ce_timestamp":
                attributes[name] = value.ce_timestamp.ToJsonString()
            else:
                attributes[name] = getattr(value, kind)
        return Event(
            id=message.id,
            source=message.source,
            type=message.type,
            time=attributes.pop("time", None),
            subject=attributes.pop("subject", None),
            datacontenttype=attributes.pop("datacontenttype", None),
            extensions=attributes,
            data=message.binary_data,
        )

    return encode, decode


def show(what: str, took: float, peer: str = "", peer_took: float = 0.0) -> None:
    """One line: ours, and the peer's with its ratio."""
    beside = f"   {peer}: {peer_took:6.2f} us = {peer_took / took:4.1f} x ours" if peer else ""
    print(f"{what:44s} {took:6.2f} us{beside}")


def every_format(events: list[Event], sdk_events: list[Any], sdk_structured: list[Any]) -> None:
    """Events of CPU second in each format, and how many times the SDK's JSON that is."""
    peer_encode = micros(sdk.to_structured_event, sdk_events)
    peer_decode = micros(sdk.from_http_event, sdk_structured)
    print(
        f"\n{'event format':14s}{'decode/s':>10s}{'encode/s':>10s}{'bytes':>7s}   beside the SDK's JSON"
    )
    print(f"{'SDK, JSON':14s}{1e6 / peer_decode:10,.0f}{1e6 / peer_encode:10,.0f}")
    # As most producers give it: a JSON value. XML has one more row, for a payload in XML.
    texts = [msgspec.structs.replace(event, text=True) for event in events]
    element = b"<order><note>" + b"x" * 990 + b"</note></order>"
    elements = [
        msgspec.structs.replace(event, text=True, data=element, datacontenttype="application/xml")
        for event in events
    ]
    rows = [*((one.name, one, texts) for one in FORMATS), ("xml, any", XML, elements)]
    for name, one, given in rows:
        wires = [one.encode(event) for event in given]
        encode, decode = micros(one.encode, given), micros(one.decode, wires)
        print(
            f"{name:14s}{1e6 / decode:10,.0f}{1e6 / encode:10,.0f}{len(wires[0]):7d}"
            f"   decode {peer_decode / decode:4.1f} x, encode {peer_encode / encode:4.1f} x"
        )


def main() -> None:
    """Print the figures."""
    requests = [headers(number) for number in range(EVENTS)]
    events = [cloudevents_http.decode_binary(one, PAYLOAD) for one in requests]
    messages = [
        sdk.HTTPMessage({k.decode(): v.decode() for k, v in one}, PAYLOAD) for one in requests
    ]
    structured = [cloudevents_http.encode_structured(event) for event in events]
    sdk_structured = [
        sdk.HTTPMessage({"content-type": "application/cloudevents+json"}, body)
        for _, body in structured
    ]
    sdk_events = [sdk.from_binary_event(one) for one in messages]

    show(
        "HTTP binary: decode",
        micros(lambda one: cloudevents_http.decode(one, PAYLOAD), requests),
        "SDK",
        micros(sdk.from_http_event, messages),
    )
    show(
        "HTTP binary: encode",
        micros(cloudevents_http.encode_binary, events),
        "SDK",
        micros(sdk.to_binary_event, sdk_events),
    )
    show(
        "HTTP structured JSON: decode",
        micros(lambda one: cloudevents_http.decode(*one), structured),
        "SDK",
        micros(sdk.from_http_event, sdk_structured),
    )
    show(
        "HTTP structured JSON: encode",
        micros(cloudevents_http.encode_structured, events),
        "SDK",
        micros(sdk.to_structured_event, sdk_events),
    )
    batch = cloudevents_json.encode_batch(events[:100])
    show(
        "JSON batch of 100: decode, an event", micros(cloudevents_json.decode_batch, [batch]) / 100
    )

    upb_encode, upb_decode = with_upb(upb_event())
    wires = [cloudevents_protobuf.encode(event) for event in events]
    assert [upb_decode(wire) for wire in wires] == events
    ours_encode = micros(cloudevents_protobuf.encode, events)
    ours_decode = micros(cloudevents_protobuf.decode, wires)
    show("Protobuf: encode", ours_encode, "upb", micros(upb_encode, events))
    show("Protobuf: decode and check", ours_decode, "upb, no check", micros(upb_decode, wires))

    packed = [msgspec.msgpack.encode(event) for event in events]
    unpack = msgspec.msgpack.Decoder(dict).decode  # Event's union of types is more than it takes
    show(
        "Protobuf: a block of 64, encode, an event",
        ours_encode + micros(block.encode_block, [wires[:64]]) / 64,
        "MessagePack",
        micros(msgspec.msgpack.encode, [events[:64]]) / 64,
    )
    show(
        "Protobuf: a block of 64, decode, an event",
        micros(block.decode_block, [block.encode_block(wires[:64])]) / 64,
        "MessagePack to a dict",
        micros(unpack, packed),
    )
    size, packed_size = len(wires[0]), len(packed[0])
    print(f"{'Bytes of an event':44s} {size:6d} B    MessagePack: {packed_size} B")

    def pipeline(one: list[tuple[bytes, bytes]]) -> bytes:
        return cloudevents_protobuf.encode(cloudevents_http.decode_binary(one, PAYLOAD))

    show("Ingest: HTTP binary to Protobuf", micros(pipeline, requests))
    every_format(events, sdk_events, sdk_structured)


if __name__ == "__main__":
    main()
