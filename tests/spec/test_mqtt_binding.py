"""formats/cloudevents_mqtt against the binding's text (tests/vectors/mqtt.json), and for every event."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from chappe.domain.errors import ChappeError, Malformed
from chappe.domain.event import Event, canonical
from chappe.domain.topic import Topic
from chappe.formats.cloudevents_mqtt import (
    MqttMessage,
    decode,
    decode_v3,
    encode_binary,
    encode_structured,
)
from chappe.formats.event_formats import FORMATS, JSON, Format
from tests.fuzz.strategies import events

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "mqtt.json").read_text())


def event_of(document: dict[str, Any]) -> Event:
    return JSON.decode(json.dumps(document, separators=(",", ":")).encode())


@pytest.mark.parametrize("case", VECTORS["encode"], ids=lambda case: case["name"])
def test_an_event_is_written_as_the_binding_says(case: dict[str, Any]) -> None:
    event = event_of(case["event"])
    sent = encode_binary(event) if case["mode"] == "binary" else encode_structured(event)
    assert sent.content_type == case["content_type"]
    assert dict(sent.user_properties) == case["user_properties"]
    assert len(sent.user_properties) == len(case["user_properties"])
    if "payload_json" in case:
        assert json.loads(sent.payload) == case["payload_json"]
    else:
        assert sent.payload == case["payload"].encode()


@pytest.mark.parametrize("case", VECTORS["decode"], ids=lambda case: case["name"])
def test_a_message_is_read_as_the_binding_says(case: dict[str, Any]) -> None:
    pairs = tuple((name, value) for name, value in case["user_properties"])
    message = MqttMessage(case["payload"].encode(), case["content_type"], pairs)
    if "error" in case:
        with pytest.raises(ChappeError) as caught:
            decode(message)
        assert caught.value.code == case["error"]
    else:
        assert json.loads(JSON.encode(decode(message))) == case["event"]


@given(event=events())
def test_3_1_what_is_written_in_binary_mode_is_read_again(event: Event) -> None:
    read = decode(encode_binary(event))
    texts = {
        name: value if isinstance(value, str) else canonical(value)
        for name, value in event.extensions.items()
    }
    implied = "application/json" if event.text and event.data is not None else None
    assert read == replace(
        event,
        extensions=texts,
        data=event.data or None,
        text=False,
        datacontenttype=event.datacontenttype or implied,
    )


@given(event=events(), format=st.sampled_from([one for one in FORMATS if one.name != "xml"]))
def test_3_2_every_format_is_read_by_its_content_type(event: Event, format: Format) -> None:
    assert decode(encode_structured(event, format)) == format.decode(format.encode(event))


@given(event=events())
def test_3_2_1_mqtt_3_1_1_is_json_without_a_word_of_it(event: Event) -> None:
    assert decode_v3(encode_structured(event).payload) == JSON.decode(JSON.encode(event))


# ---- topics

EVENT = Event(id="1", source="/shop/eu+us", type="com.example.paid", extensions={"n": 7})


@pytest.mark.parametrize(
    ("template", "topic"),
    [
        ("orders", "orders"),
        ("orders/{type}", "orders/com.example.paid"),
        ("by/{source}/x", "by/%2Fshop%2Feu%2Bus/x"),
        ("{n}{n}/{id}", "77/1"),
        ("/", "/"),
    ],
)
def test_a_topic_is_made_of_attributes(template: str, topic: str) -> None:
    assert Topic.parse(template).of(EVENT) == topic


@pytest.mark.parametrize(
    "template", ["", "a/+", "a/#", "{", "a}", "{A}", "{}", "a\nb", "a\0b", "x" * 65_536]
)
def test_a_template_that_nothing_can_be_published_to_is_refused(template: str) -> None:
    with pytest.raises(Malformed):
        Topic.parse(template)


def test_an_event_without_the_attribute_has_no_topic() -> None:
    with pytest.raises(Malformed, match="'subject'"):
        Topic.parse("a/{subject}").of(EVENT)


def test_4_7_2_no_attribute_reaches_the_brokers_own_topics() -> None:
    event = Event(id="$SYS", source="/s", type="t")
    assert Topic.parse("{id}/x").of(event) == "%24SYS/x"


@given(event=events())
def test_no_event_reaches_beyond_its_level(event: Event) -> None:
    topic = Topic.parse("a/{source}/{id}/z").of(event)
    levels = topic.split("/")
    assert (len(levels), levels[0], levels[3]) == (4, "a", "z")
    assert not set("+#\0") & set(topic)
