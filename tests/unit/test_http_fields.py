"""The header lines of an event on its way to a sink are those of the HTTP binding's binary mode."""

from __future__ import annotations

from hypothesis import given
from msgspec import structs

from chappe.adapters.sinks.http_fields import SHARED_BYTES, binary_lines
from chappe.domain.event import Event
from chappe.formats.cloudevents_http import encode_binary
from tests.fuzz.strategies import events

MEDIA_TYPE = "application/json; charset=utf-8"


def expected(event: Event) -> list[bytes]:
    """What the binding says of the event, line by line, in order."""
    typed = structs.replace(event, datacontenttype=MEDIA_TYPE)
    return sorted(b"%b: %b" % field for field in encode_binary(typed)[0])


def lines(event: Event) -> list[bytes]:
    """The sink's lines, in order."""
    text, count = binary_lines(event, MEDIA_TYPE)
    found = text.removesuffix(b"\r\n").split(b"\r\n")
    assert len(found) == count
    return sorted(found)


@given(events())
def test_the_lines_are_those_of_binary_mode(event: Event) -> None:
    assert lines(event) == expected(event)


@given(events(), events())
def test_nothing_of_one_event_gets_into_the_next(one: Event, other: Event) -> None:
    lines(one)
    alike = structs.replace(other, source=one.source, type=one.type, dataschema=one.dataschema)
    assert lines(alike) == expected(alike)


def test_a_source_that_is_too_long_to_keep_is_sent_all_the_same() -> None:
    event = Event(id="1", source="/" + "s" * SHARED_BYTES, type="t")
    assert lines(event) == expected(event)
