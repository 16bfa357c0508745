"""The CloudEvents SDK for Python as a witness: what it writes we read, what we write it reads.

Only where the SDK follows the specification: it drops nanoseconds, parses JSON payloads and knows
neither batches nor Protobuf, so those are not asked of it.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from cloudevents.core.bindings import http
from cloudevents.core.v1.event import CloudEvent

from chappe.domain.event import Event
from chappe.formats.cloudevents_http import decode, encode_binary, encode_structured

ATTRIBUTES = {
    "specversion": "1.0",
    "id": 'A234-€ "quoted" 100%',
    "source": "https://example.com/shop?x=1",
    "type": "com.example.order.created",
    "subject": "größe 😀",
    "time": datetime(2024, 5, 17, 12, 30, 1, 250_000, tzinfo=UTC),
    "datacontenttype": "application/json",
    "dataschema": "https://example.com/schema",
    "partitionkey": "a b",
}
PAYLOAD = {"n": [1, 2.5, None], "text": "é"}


def ours(data: bytes | None, datacontenttype: str, *, text: bool) -> Event:
    return Event(
        id=str(ATTRIBUTES["id"]),
        source="https://example.com/shop?x=1",
        type="com.example.order.created",
        subject="größe 😀",
        time="2024-05-17T12:30:01.250Z",
        datacontenttype=datacontenttype,
        dataschema="https://example.com/schema",
        extensions={"partitionkey": "a b"},
        data=data,
        text=text,
    )


def read_by_us(message: http.HTTPMessage) -> Event:
    headers = [
        (name.lower().encode(), value.encode("ascii")) for name, value in message.headers.items()
    ]
    event = decode(headers, message.body)
    assert isinstance(event, Event)
    return event


def as_message(headers: list[tuple[bytes, bytes]], body: bytes) -> http.HTTPMessage:
    return http.HTTPMessage(
        headers={name.decode(): value.decode("ascii") for name, value in headers}, body=body
    )


@pytest.mark.parametrize("write", [http.to_binary_event, http.to_structured_event])
def test_we_read_what_the_sdk_writes(write: object) -> None:
    assert callable(write)
    event = read_by_us(write(CloudEvent(attributes=dict(ATTRIBUTES), data=PAYLOAD)))
    assert json.loads(event.data or b"") == PAYLOAD
    assert (event.id, event.subject) == (ATTRIBUTES["id"], ATTRIBUTES["subject"])
    assert event.time in ("2024-05-17T12:30:01.250000Z", "2024-05-17T12:30:01.250Z")
    assert event.extensions == {"partitionkey": "a b"}


@pytest.mark.parametrize("write", [http.to_binary_event, http.to_structured_event])
def test_we_read_the_bytes_that_the_sdk_writes(write: object) -> None:
    assert callable(write)
    attributes = {**ATTRIBUTES, "datacontenttype": "application/octet-stream"}
    event = read_by_us(write(CloudEvent(attributes=attributes, data=b"\x00\xff")))
    assert (event.data, event.text) == (b"\x00\xff", False)


def test_the_sdk_reads_what_we_write_in_binary_mode() -> None:
    event = ours(json.dumps(PAYLOAD).encode(), "application/json", text=False)
    read = http.from_binary_event(as_message(*encode_binary(event)))
    assert read.get_attributes() == ATTRIBUTES
    assert read.get_data() == PAYLOAD


def test_the_sdk_reads_what_we_write_in_structured_mode() -> None:
    event = ours(json.dumps(PAYLOAD).encode(), "application/json", text=True)
    read = http.from_structured_event(as_message(*encode_structured(event)))
    assert read.get_attributes() == ATTRIBUTES
    assert read.get_data() == PAYLOAD


@pytest.mark.parametrize("encode", [encode_binary, encode_structured])
def test_the_sdk_reads_the_bytes_that_we_write(encode: object) -> None:
    assert callable(encode)
    event = ours(b"\x00\xff", "application/octet-stream", text=False)
    assert http.from_http_event(as_message(*encode(event))).get_data() == b"\x00\xff"


def test_the_sdk_reads_the_text_that_we_write() -> None:
    event = ours("é".encode(), "text/plain", text=True)
    assert http.from_http_event(as_message(*encode_structured(event))).get_data() == "é"
