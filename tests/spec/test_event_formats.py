"""What every event format has in common: an event comes back, or as docs/formats.md tells.

Witnesses read what we write: fastavro by the official schemas, cbor2, lxml. (Protobuf's is in
test_cloudevents_protobuf, JSON's in test_sdk_witness.)
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import cbor2
import fastavro
import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from lxml import etree

from chappe.domain import attributes
from chappe.domain.errors import UnsupportedFormat
from chappe.domain.event import AttributeValue, Event
from chappe.formats.event_formats import (
    AVRO,
    AVRO_COMPACT,
    BY_BATCH_MEDIA_TYPE,
    BY_MEDIA_TYPE,
    CBOR,
    FORMATS,
    JSON,
    PROTOBUF,
    XML,
    Format,
    named,
)
from tests.fuzz.differences import can_carry, expected
from tests.fuzz.strategies import events
from tests.spec.official_avro import AVRO as AVRO_SCHEMA
from tests.spec.official_avro import AVRO_COMPACT as COMPACT_SCHEMA

BATCHING = list(BY_BATCH_MEDIA_TYPE.values())


def ids(format: Format) -> str:
    return format.name


@pytest.mark.parametrize("format", FORMATS, ids=ids)
@given(event=events())
def test_an_event_comes_back_as_told(format: Format, event: Event) -> None:
    assume(can_carry(format, event))
    once = format.decode(format.encode(event))
    assert expected(format, event, once) == once
    assert format.decode(format.encode(once)) == once


@pytest.mark.parametrize("format", BATCHING, ids=ids)
@given(batch=st.lists(events(), max_size=3))
def test_a_batch_comes_back_as_its_events_do(format: Format, batch: list[Event]) -> None:
    assume(all(can_carry(format, event) for event in batch))
    alone = [format.decode(format.encode(event)) for event in batch]
    assert format.decode_batch(format.encode_batch(batch)) == alone


@pytest.mark.parametrize("second", FORMATS, ids=ids)
@pytest.mark.parametrize("first", FORMATS, ids=ids)
@settings(max_examples=20)
@given(event=events())
def test_what_was_read_in_one_format_can_be_written_in_another(
    first: Format, second: Format, event: Event
) -> None:
    assume(can_carry(XML, event))
    once = first.decode(first.encode(event))
    twice = second.decode(second.encode(once))
    assert (twice.id, twice.source, twice.type) == (event.id, event.source, event.type)
    assert twice.extensions.keys() == event.extensions.keys()
    assert (twice.data is None) == (event.data is None)


@pytest.mark.parametrize("format", BY_MEDIA_TYPE.values(), ids=ids)
def test_every_format_is_found_by_its_name_and_its_media_type(format: Format) -> None:
    assert named(format.name) is format
    assert format.media_type == f"application/cloudevents+{format.name}"
    assert format.batch_media_type in (None, f"application/cloudevents-batch+{format.name}")


def test_an_unknown_name_is_refused_with_those_known() -> None:
    with pytest.raises(UnsupportedFormat, match=r"'yaml'.*json, protobuf, xml"):
        named("yaml")


@pytest.mark.parametrize("format", [AVRO, AVRO_COMPACT, CBOR], ids=ids)
def test_a_format_without_batches_says_so(format: Format) -> None:
    with pytest.raises(UnsupportedFormat, match="has no batches"):
        format.encode_batch([])
    with pytest.raises(UnsupportedFormat, match="has no batches"):
        format.decode_batch(b"")


@pytest.mark.parametrize(
    ("format", "wire", "implied"),
    [
        (JSON, b'{"specversion":"1.0","id":"1","source":"/s","type":"t","data":1}', "json"),
        (
            CBOR,
            cbor2.dumps({"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "data": 1}),
            "cbor",
        ),
    ],
    ids=["json", "cbor"],
)
@pytest.mark.parametrize("other", FORMATS, ids=ids)
def test_an_implied_content_type_is_explicit_in_every_other_format(
    format: Format, wire: bytes, implied: str, other: Format
) -> None:
    assert other.decode(other.encode(format.decode(wire))).datacontenttype == (
        f"application/{implied}"
    )


@pytest.mark.parametrize("format", [PROTOBUF, XML, AVRO, AVRO_COMPACT, CBOR], ids=ids)
def test_types_of_extensions_survive(format: Format) -> None:
    typed: Mapping[str, AttributeValue] = {
        "b": True, "n": -5, "zero": 0, "x": b"\x00\xff", "nox": b"", "s": "5", "nos": "",
    }  # fmt: skip
    event = Event(id="1", source="/s", type="t", extensions=typed)
    found = format.decode(format.encode(event)).extensions
    assert found == typed
    assert {name: type(one) for name, one in found.items()} == {
        name: type(one) for name, one in typed.items()
    }


# --- JSON values in Avro


def in_avro(text: str) -> Event:
    event = Event(
        id="1",
        source="/s",
        type="t",
        datacontenttype="application/json",
        data=text.encode(),
        text=True,
    )
    return AVRO.decode(AVRO.encode(event))


@pytest.mark.parametrize(
    "text",
    ["0", "-1", "9007199254740992", "0.1", "1e3", "-2.5E-7", "1.0", "true", '"é"', "[]", "{}"],
)
def test_a_json_value_that_doubles_can_hold_is_a_value(text: str) -> None:
    found = in_avro(text)
    assert found.text is True
    assert json.loads(found.data or b"") == json.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        "null",
        "9007199254740993",
        "123456789012345678901234567890",
        "0.12345678901234567890123",
        "1e400",
        "NaN",
        '{"a":1,"a":2}',
        '"\\ud800"',
        "[" * 200 + "]" * 200,
        "no json",
        "",
    ],
)
def test_any_other_json_text_keeps_its_bytes(text: str) -> None:
    found = in_avro(text)
    assert (found.data, found.text) == (text.encode(), False)


# --- witnesses


def read_by_fastavro(schema: Mapping[str, Any], wire: bytes) -> Any:
    stream = io.BytesIO(wire)
    found = fastavro.schemaless_reader(stream, fastavro.parse_schema(dict(schema)), None)
    assert stream.read() == b""
    return found


@given(event=events())
def test_fastavro_reads_what_we_write(event: Event) -> None:
    found = read_by_fastavro(AVRO_SCHEMA, AVRO.encode(event))
    assert found["attribute"] == dict(event.attributes())
    if event.data is None:
        assert found["data"] is None
    elif not event.text:
        assert found["data"] == event.data
    elif not (event.datacontenttype and attributes.is_json(event.datacontenttype)):
        assert found["data"] == event.data.decode()


@given(event=events())
def test_fastavro_reads_what_we_write_in_compact(event: Event) -> None:
    # fastavro turns the year 0 into an error, so the time is told from the bytes of another reader.
    event = msgspec.structs.replace(event, time=None)
    found = read_by_fastavro(COMPACT_SCHEMA, AVRO_COMPACT.encode(event))
    assert found.pop("extensions") == dict(event.extensions)
    assert found.pop("data") == event.data
    assert found.pop("time") is None
    assert found == {name: getattr(event, name) for name in found}


@given(event=events())
def test_cbor2_reads_what_we_write(event: Event) -> None:
    event = msgspec.structs.replace(event, time=None)
    found = cbor2.loads(CBOR.encode(event))
    data = found.pop("data", None)
    assert found == dict(event.attributes())
    if event.data is None:
        assert data is None
    elif not (event.datacontenttype and attributes.is_cbor(event.datacontenttype)):
        assert data == (event.data.decode() if event.text else event.data)


@given(event=events(), batch=st.booleans())
def test_lxml_reads_what_we_write(event: Event, batch: bool) -> None:
    assume(can_carry(XML, event))
    root = etree.fromstring(XML.encode_batch([event]) if batch else XML.encode(event))
    ce = "{http://cloudevents.io/xmlformat/V1}"
    assert root.tag == ce + ("batch" if batch else "event")
    element = root[0] if batch else root
    assert element.attrib == {"specversion": "1.0"}
    found = {child.tag.removeprefix(ce): child.text or "" for child in element}
    data = found.pop("data", None)
    names = [name for name, _ in event.attributes() if name != "specversion"]
    assert found == {name: event.get(name) for name in names}
    assert (data is None) == (event.data is None)
