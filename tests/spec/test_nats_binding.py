"""formats/cloudevents_nats against the binding's text (tests/vectors/nats.json), and for every event."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from msgspec.structs import replace

from chappe.domain.errors import ChappeError, Malformed
from chappe.domain.event import Event
from chappe.domain.subject import Subject
from chappe.formats.cloudevents_nats import decode, encode_binary, encode_structured
from chappe.formats.event_formats import JSON
from tests.fuzz.strategies import events
from tests.spec.test_kafka_binding import as_strings, event_of

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "nats.json").read_text())


def block_of(headers: Mapping[str, str] | None) -> bytes:
    if headers is None:
        return b""
    lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
    return f"NATS/1.0\r\n{''.join(lines)}\r\n".encode()


def headers_of(block: bytes) -> dict[str, str]:
    first, *lines, end, last = block.decode("ascii").split("\r\n")
    assert (first, end, last) == ("NATS/1.0", "", "")
    pairs = [line.split(": ", 1) for line in lines]
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


@pytest.mark.parametrize("case", VECTORS["encode"], ids=lambda case: case["name"])
def test_an_event_is_written_as_the_binding_says(case: dict[str, Any]) -> None:
    event = event_of(case["event"])
    block, payload = encode_binary(event) if case["mode"] == "binary" else encode_structured(event)
    assert headers_of(block) == case["headers"]
    if "payload_json" in case:
        assert json.loads(payload) == case["payload_json"]
    else:
        assert payload == case["payload"].encode()


@pytest.mark.parametrize("case", VECTORS["decode"], ids=lambda case: case["name"])
def test_a_message_is_read_as_the_binding_says(case: dict[str, Any]) -> None:
    block, payload = block_of(case["headers"]), case["payload"].encode()
    if "error" in case:
        with pytest.raises(ChappeError) as caught:
            decode(block, payload)
        assert caught.value.code in (case["error"], "malformed")
    else:
        assert json.loads(JSON.encode(decode(block, payload))) == case["event"]


@given(event=events())
def test_what_is_written_in_binary_mode_is_read_again(event: Event) -> None:
    block, payload = encode_binary(event)
    assert decode(block, payload) == replace(as_strings(event), data=event.data or None)
    headers_of(block)


@given(event=events())
def test_what_is_written_in_structured_mode_is_read_again(event: Event) -> None:
    assert decode(*encode_structured(event)) == JSON.decode(JSON.encode(event))


# ---- subjects

EVENT = Event(id="1", source="/s", type="com.example.paid", subject="a.b *>€%", extensions={"n": 7})


@pytest.mark.parametrize(
    ("template", "subject"),
    [
        ("orders", "orders"),
        ("orders.{type}", "orders.com.example.paid"),
        ("orders.{type}.new", "orders.com%2Eexample%2Epaid.new"),
        ("x-{type}", "x-com%2Eexample%2Epaid"),
        ("{type}.{n}", "com%2Eexample%2Epaid.7"),
        ("o.{subject}", "o.a.b%20%2A%3E€%25"),
        ("{subject}", "a%2Eb%20%2A%3E€%25"),
    ],
)
def test_a_subject_is_made_of_attributes(template: str, subject: str) -> None:
    assert Subject.parse(template).of(EVENT) == subject


@pytest.mark.parametrize(
    "template",
    [
        "",
        "a.*",
        "a.>",
        "a b",
        "a..b",
        ".a",
        "a.",
        "{",
        "a}",
        "{A}",
        "{}",
        "$JS.API",
        "a." * 600 + "a",
    ],
)
def test_a_template_that_no_message_can_be_sent_to_is_refused(template: str) -> None:
    with pytest.raises(Malformed):
        Subject.parse(template)


@given(event=events())
def test_no_event_reaches_beyond_what_the_template_leaves_open(event: Event) -> None:
    for template in ("orders.{type}", "orders.{type}.new", "orders.{source}", "{id}.x.{type}"):
        try:
            subject = Subject.parse(template).of(event)
        except Malformed as error:
            assert "longer than" in error.message  # noqa: PT017 - the only reason there can be
            continue
        tokens = subject.split(".")
        assert all(tokens)
        assert not {"*", ">"} & set(tokens)
        assert subject[0] not in "$_"
        assert not any(one.isspace() for one in subject)
        if template == "orders.{type}.new":
            assert (tokens[0], tokens[-1], len(tokens)) == ("orders", "new", 3)


@pytest.mark.parametrize("id_", ["$JS", "_INBOX"])
def test_no_attribute_reaches_the_servers_own_subjects(id_: str) -> None:
    event = Event(id=id_, source="/s", type="API.STREAM.DELETE.x")
    assert Subject.parse("{id}.{type}").of(event)[0] == "%"
