"""What is fuzzed: each decoder, as a function of bytes that raises nothing for a good decoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from chappe.domain.errors import CallerError
from chappe.domain.event import Event
from chappe.formats import (
    block,
    cloudevents_0_3,
    cloudevents_http,
    cloudevents_json,
    cloudevents_protobuf,
)
from chappe.formats.event_formats import AVRO, AVRO_COMPACT, CBOR, FORMATS, XML
from tests.fuzz.differences import can_carry, expected


def check_forwarding(event: Event) -> None:
    """What was accepted can be stored and forwarded in every form, and is read again there."""
    assert cloudevents_protobuf.decode(cloudevents_protobuf.encode(event)) == event
    again = cloudevents_json.decode(cloudevents_json.encode(event))
    assert (again.id, again.source, again.type, again.time) == (
        event.id,
        event.source,
        event.type,
        event.time,
    )
    for format in FORMATS:
        if can_carry(format, event):
            once = format.decode(format.encode(event))
            assert expected(format, event, once) == once
    for encode in (cloudevents_http.encode_binary, cloudevents_http.encode_structured):
        assert isinstance(cloudevents_http.decode(*encode(event)), Event)


def decode_http(wire: bytes) -> Event | list[Event]:
    """Headers as "name: value" lines, an empty line, the body."""
    head, _, body = wire.partition(b"\n\n")
    lines = (line.partition(b": ") for line in head.split(b"\n"))
    headers = [(name.lower(), value) for name, _, value in lines]
    found = cloudevents_http.decode(headers, body)
    # The edge's short way must see the same event, and leave batches alone.
    single = cloudevents_http.decode_single(headers, body)
    assert single == (None if isinstance(found, list) else found)
    return found


def decode_0_3(wire: bytes) -> Event | list[Event]:
    """As decode_http, with 0.3 in place of 1.0; what is not 0.3 counts as an empty batch."""
    head, _, body = wire.partition(b"\n\n")
    lines = (line.partition(b": ") for line in head.split(b"\n"))
    headers = [(name.lower(), value) for name, _, value in lines]
    return cloudevents_0_3.decode(headers, body) or []


Decoder = Callable[[bytes], Event | list[Event]]

DECODERS: Mapping[str, Decoder] = {
    "json": cloudevents_json.decode,
    "json_batch": cloudevents_json.decode_batch,
    "protobuf": cloudevents_protobuf.decode,
    "protobuf_batch": block.decode_batch,
    "http": decode_http,
    "xml": XML.decode,
    "xml_batch": XML.decode_batch,
    "avro": AVRO.decode,
    "avro_compact": AVRO_COMPACT.decode,
    "cbor": CBOR.decode,
    "http_0_3": decode_0_3,
}


def run(decoder: Decoder, wire: bytes) -> bool:
    """Whether the bytes were accepted; a CallerError is a refusal, all else is a bug."""
    try:
        found = decoder(wire)
    except CallerError:
        return False
    for event in found if isinstance(found, list) else [found]:
        check_forwarding(event)
    return True
