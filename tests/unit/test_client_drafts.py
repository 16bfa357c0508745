"""What programs hand in becomes an event."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from fnmatch import fnmatchcase
from types import ModuleType, SimpleNamespace
from typing import Any

import msgspec
import pydantic
import pytest
from cloudevents.core.v1.event import CloudEvent as NewSdkEvent
from cloudevents.v1.http import CloudEvent as OldSdkEvent
from hypothesis import given
from hypothesis import strategies as st

from chappe.client.ambient import urls_of
from chappe.client.drafts import UNSET, event_of
from chappe.client.payloads import payload_of
from chappe.client.wanted import all_of, any_of, expressions, types_filter
from chappe.domain.errors import InvalidEvent, Malformed, SchemaMismatch
from chappe.domain.event import Event
from chappe.domain.filters import compiled, matches
from chappe.formats import cloudevents_json
from chappe.formats.filters_json import parse_filters


@dataclass
class Order:
    total: float
    note: str | None = None


class Ordered(msgspec.Struct):
    total: float


class Model(pydantic.BaseModel):
    total: float = pydantic.Field(alias="sum")


def made(type_: str = "order.paid", data: object = UNSET, **beside: Any) -> Event:
    return event_of(type_, data, beside, source="/shop")  # type: ignore[arg-type]


def test_a_new_event_has_an_id_and_a_time_of_its_own() -> None:
    first, second = made(data={"total": 12}), made(data={"total": 12})

    assert (first.type, first.source, first.data) == ("order.paid", "/shop", b'{"total":12}')
    assert first.id != second.id
    assert datetime.now(UTC) - datetime.fromisoformat(first.time or "") < timedelta(minutes=5)


@pytest.mark.parametrize(
    ("data", "kept", "type_"),
    [
        ({"total": 12}, b'{"total":12}', "application/json"),
        (None, b"null", "application/json"),
        ("text", b'"text"', "application/json"),
        (Order(1.5), b'{"total":1.5,"note":null}', "application/json"),
        (Ordered(1.5), b'{"total":1.5}', "application/json"),
        (Model(sum=1.5), b'{"sum":1.5}', "application/json"),
        (b"\x00\x01", b"\x00\x01", "application/octet-stream"),
        (UNSET, None, None),
    ],
)
def test_data_becomes_a_payload(data: object, kept: bytes | None, type_: str | None) -> None:
    event = made(data=data)

    assert (event.data, event.datacontenttype) == (kept, type_)
    assert cloudevents_json.decode(cloudevents_json.encode(event)) == event


def test_text_of_another_type_stays_text() -> None:
    event = made(data="<a/>", datacontenttype="application/xml")

    assert (event.data, event.text) == (b"<a/>", True)
    assert json.loads(cloudevents_json.encode(event))["data"] == "<a/>"


def test_attributes_stand_beside_a_type_and_are_checked() -> None:
    at = datetime(2026, 11, 22, 12, 0, tzinfo=timezone(timedelta(hours=2)))
    event = made(id="A-1", subject="s", time=at, extensions={"team": "shop", "hop": 3})

    assert (event.id, event.subject, event.time) == ("A-1", "s", "2026-11-22T10:00:00Z")
    assert event.extensions == {"team": "shop", "hop": 3}
    for wrong in (
        {"id": ""},
        {"extensions": {"Not-A-Name": "x"}},
        {"time": at.replace(tzinfo=None)},
    ):
        with pytest.raises(InvalidEvent):
            made(**wrong)
    with pytest.raises(InvalidEvent, match="source"):
        event_of("order.paid", UNSET, {})
    with pytest.raises(Malformed, match="cannot be JSON"):
        made(data=object())


@pytest.mark.parametrize("sdk", [NewSdkEvent, OldSdkEvent])
def test_an_event_of_the_cloudevents_sdk_is_taken(sdk: Any) -> None:
    attributes = {"id": "A-1", "source": "/shop", "type": "order.paid", "specversion": "1.0",
                  "time": datetime(2026, 11, 22, 10, tzinfo=UTC), "subject": "s", "team": "x",
                  "datacontenttype": "application/json"}  # fmt: skip
    if sdk is OldSdkEvent:
        attributes["time"] = "2026-11-22T10:00:00Z"
    event = event_of(sdk(attributes, {"total": 12}), UNSET, {})

    assert (event.id, event.source, event.type) == ("A-1", "/shop", "order.paid")
    assert (event.time, event.subject) == ("2026-11-22T10:00:00Z", "s")
    assert (event.data, event.extensions) == (b'{"total":12}', {"team": "x"})


def test_an_event_and_a_mapping_are_taken_as_they_are() -> None:
    members = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "data": {"a": 1.50}}
    event = event_of(members, UNSET, {})

    assert event_of(event, UNSET, {}) is event
    assert event.data == b'{"a":1.5}'
    with pytest.raises(Malformed, match="beside a type"):
        event_of(event, {"more": 1}, {})
    with pytest.raises(InvalidEvent):
        event_of({"specversion": "1.0", "id": "1"}, UNSET, {})
    with pytest.raises(Malformed, match="int is no type"):
        event_of(3, UNSET, {})  # type: ignore[arg-type]


def test_overriding_extensions_stand_in_every_event() -> None:
    event = event_of(made(extensions={"team": "a"}), UNSET, {}, overrides={"team": "b", "x": "y"})

    assert event.extensions == {"team": "b", "x": "y"}


def test_the_span_that_is_under_way_goes_along(monkeypatch: pytest.MonkeyPatch) -> None:
    def span(state: str | None) -> ModuleType:
        context = SimpleNamespace(
            is_valid=state is not None,
            trace_id=0x4BF92F3577B34DA6A3CE929D0E0E4736,
            span_id=0x00F067AA0BA902B7,
            trace_flags=1,
            trace_state=SimpleNamespace(to_header=lambda: state),
        )
        module = ModuleType("opentelemetry.trace")
        module.get_current_span = lambda: SimpleNamespace(  # type: ignore[attr-defined]
            get_span_context=lambda: context
        )
        return module

    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", span("a=b"))
    assert made().extensions == {"traceparent": parent, "tracestate": "a=b"}
    assert made(extensions={"traceparent": "mine"}).extensions == {"traceparent": "mine"}
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", span(None))
    assert made().extensions == {}


@pytest.mark.parametrize(
    ("as_", "found"),
    [
        (Any, {"total": 12}),
        (dict[str, int], {"total": 12}),
        (Order, Order(12)),
        (Ordered, Ordered(12)),
        (bytes, b'{"total":12}'),
    ],
)
def test_a_payload_is_read_as_the_type_that_is_asked_for(as_: Any, found: object) -> None:
    assert payload_of(made(data={"total": 12}), as_) == found


def test_a_payload_of_pydantic_or_text_or_none() -> None:
    assert payload_of(made(data={"sum": 2}), Model).total == 2
    assert payload_of(made(data="hi", datacontenttype="text/plain")) == "hi"
    assert payload_of(made(data=b"\xff")) == b"\xff"
    assert payload_of(made()) is None
    for data, as_ in (({"total": "x"}, Order), ({"sum": "x"}, Model), (UNSET, Order)):
        with pytest.raises(SchemaMismatch, match=r"data of /shop#"):
            payload_of(made(data=data), as_)


NAMES = st.text("ab.%_'\\", min_size=1, max_size=6)
PATTERNS = st.text("ab.%_'\\*", min_size=1, max_size=6).filter(
    lambda one: "\\" not in one or ("*" not in one[1:-1] and one.count("*") < 2)
)


@given(st.lists(PATTERNS, min_size=1, max_size=3), NAMES)
def test_a_pattern_takes_the_types_that_fit_it(patterns: list[str], type_: str) -> None:
    found = types_filter(patterns)
    event = Event(id="1", source="/s", type=type_)
    filter_ = parse_filters([] if found is None else [found])

    wanted = any(fnmatchcase(type_, pattern) for pattern in patterns)
    assert matches(filter_, event) == compiled(filter_)(event) == wanted


def test_a_backslash_beside_several_stars_is_refused() -> None:
    with pytest.raises(Malformed, match="backslash"):
        types_filter(["a\\*b*"])


def test_filters_are_joined() -> None:
    assert expressions([]) == []
    assert expressions(["*", "a"], source="/s", sql="hop < 5") == [
        {"exact": {"source": "/s"}},
        {"sql": "hop < 5"},
    ]
    assert any_of([{"exact": {"type": "a"}}, None]) is None
    assert all_of([]) is None
    with pytest.raises(Malformed, match="'' is no type"):
        types_filter([""])


def test_the_nodes_come_from_the_call_or_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHAPPE_URL", raising=False)
    assert urls_of(None) == ["http://127.0.0.1:4280"]
    monkeypatch.setenv("CHAPPE_URL", "http://a:1, http://b:2")
    assert urls_of(None) == ["http://a:1", "http://b:2"]
    assert urls_of(["http://c:3"]) == ["http://c:3"]
