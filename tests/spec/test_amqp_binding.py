"""formats/cloudevents_amqp against the binding's text (tests/vectors/amqp.json), and for every event."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from chappe.domain.attributes import timestamp
from chappe.domain.errors import ChappeError
from chappe.domain.event import Event
from chappe.formats.cloudevents_amqp import (
    AmqpMessage,
    AmqpTimestamp,
    decode,
    encode_binary,
    encode_structured,
)
from chappe.formats.event_formats import FORMATS, JSON, Format
from tests.fuzz.strategies import events

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "amqp.json").read_text())


def value_of(value: Any) -> object:
    match value:
        case {"binary": text}:
            return base64.b64decode(text)
        case {"timestamp": ms}:
            return AmqpTimestamp(ms)
        case {"double": number}:
            return float(number)
        case _:
            return value


def properties_of(document: dict[str, Any]) -> dict[str, object]:
    return {name: value_of(value) for name, value in document.items()}


@pytest.mark.parametrize("case", VECTORS["encode"], ids=lambda case: case["name"])
def test_an_event_is_written_as_the_binding_says(case: dict[str, Any]) -> None:
    event = JSON.decode(json.dumps(case["event"], separators=(",", ":")).encode())
    sent = encode_binary(event) if case["mode"] == "binary" else encode_structured(event)
    assert sent.content_type == case["content_type"]
    assert sent.properties == properties_of(case["properties"])
    if "body_json" in case:
        assert json.loads(sent.body) == case["body_json"]
    else:
        assert sent.body == case["body"].encode()


@pytest.mark.parametrize("case", VECTORS["decode"], ids=lambda case: case["name"])
def test_a_message_is_read_as_the_binding_says(case: dict[str, Any]) -> None:
    message = AmqpMessage(
        case["body"].encode(), case["content_type"], properties_of(case["properties"])
    )
    if "error" in case:
        with pytest.raises(ChappeError) as caught:
            decode(message)
        assert caught.value.code == case["error"]
    else:
        assert json.loads(JSON.encode(decode(message))) == case["event"]


@given(event=events())
def test_3_1_what_is_written_in_binary_mode_is_read_again_with_its_types(event: Event) -> None:
    implied = "application/json" if event.text and event.data is not None else None
    assert decode(encode_binary(event)) == replace(
        event,
        data=event.data or None,
        text=False,
        datacontenttype=event.datacontenttype or implied,
    )


@given(event=events())
def test_3_1_3_2_a_timestamp_that_goes_out_is_the_senders_instant(event: Event) -> None:
    sent = encode_binary(event).properties.get("cloudEvents_time")
    if isinstance(sent, AmqpTimestamp):
        assert event.time is not None
        instant = timestamp(event.time)
        assert instant is not None
        assert instant[0] * 1000 + instant[1] // 1_000_000 == sent.ms
    else:
        assert sent == event.time


@given(event=events(), format=st.sampled_from([one for one in FORMATS if one.name != "xml"]))
def test_3_2_every_format_is_read_by_its_content_type(event: Event, format: Format) -> None:
    assert decode(encode_structured(event, format)) == format.decode(format.encode(event))
