"""formats/cloudevents_kafka against the binding's text (tests/vectors/kafka.json), and for every event."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from msgspec.structs import replace

from chappe.domain.errors import ChappeError
from chappe.domain.event import Event, canonical
from chappe.formats import cloudevents_json
from chappe.formats.cloudevents_kafka import decode, encode_binary, encode_structured, key_of
from chappe.formats.content_type import content_type_of
from chappe.formats.event_formats import FORMATS, JSON, XML
from tests.fuzz.strategies import events

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "kafka.json").read_text())


def event_of(document: dict[str, Any]) -> Event:
    return cloudevents_json.decode(json.dumps(document).encode())


def as_strings(event: Event) -> Event:
    """The event as a binding without types carries it."""
    return replace(
        event,
        extensions={
            name: value if isinstance(value, str) else canonical(value)
            for name, value in event.extensions.items()
        },
        datacontenttype=content_type_of(event),
        text=False,
    )


@pytest.mark.parametrize("case", VECTORS["encode"], ids=lambda case: case["name"])
def test_an_event_is_written_as_the_binding_says(case: dict[str, Any]) -> None:
    event = event_of(case["event"])
    made = encode_binary(event) if case["mode"] == "binary" else encode_structured(event)
    assert dict(made.headers) == {name: text.encode() for name, text in case["headers"].items()}
    assert len(made.headers) == len(case["headers"])
    if "value_json" in case:
        assert made.value is not None
        assert json.loads(made.value) == case["value_json"]
    else:
        wanted = case["value_base64"]
        assert made.value == (None if wanted is None else base64.b64decode(wanted))


@pytest.mark.parametrize("case", VECTORS["decode"], ids=lambda case: case["name"])
def test_a_message_is_read_as_the_binding_says(case: dict[str, Any]) -> None:
    headers = [(name, text.encode()) for name, text in case["headers"].items()]
    for name, raw in case.get("raw_headers_base64", {}).items():
        headers.append((name, base64.b64decode(raw)))
    value = None if case["value"] is None else case["value"].encode()
    if "error" in case:
        with pytest.raises(ChappeError) as caught:
            decode(headers, value)
        assert caught.value.code == case["error"]
    else:
        assert json.loads(JSON.encode(decode(headers, value))) == case["event"]


@given(event=events())
def test_what_is_written_in_binary_mode_is_read_again(event: Event) -> None:
    made = encode_binary(event)
    assert decode(made.headers, made.value) == as_strings(event)


@given(event=events())
def test_what_is_written_in_structured_mode_is_read_again(event: Event) -> None:
    for format in FORMATS:
        if format is XML and any(name[0].isdigit() for name in event.extensions):
            continue  # formats/event_formats: XML has no such names
        made = encode_structured(event, format)
        assert decode(made.headers, made.value) == format.decode(format.encode(event))


def test_the_key_is_the_attributes_value_and_the_event_stays_as_it_is() -> None:
    event = Event(id="1", source="/s", type="t", extensions={"partitionkey": "ä", "n": 7})
    assert key_of(event, "partitionkey") == "ä".encode()
    assert key_of(event, "n") == b"7"
    assert key_of(event, "type") == b"t"
    assert key_of(event, "subject") is None
    assert ("ce_partitionkey", "ä".encode()) in encode_binary(event).headers
