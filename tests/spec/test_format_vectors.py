"""The vectors of tests/vectors: formats and batches for which there is no corpus (see its README)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from chappe.domain.errors import CallerError, InvalidBatch, UnsupportedFormat
from chappe.domain.event import AttributeValue, Event
from chappe.formats import cloudevents_http
from chappe.formats.event_formats import AVRO, AVRO_COMPACT, CBOR, PROTOBUF, XML, Format

FOLDER: Final = Path(__file__).parents[1] / "vectors"
COUNTS: Final = {
    "avro": 45,
    "avro-compact": 17,
    "cbor": 60,
    "protobuf-batch": 11,
    "xml-batch": 39,
    "http-batches": 14,
}


def _vectors(name: str) -> list[Any]:
    found = json.loads((FOLDER / f"{name}.json").read_text())["vectors"]
    assert isinstance(found, list)
    return [pytest.param(one, id=f"{one['section']}-{one['id']}") for one in found]


def _value(value: Any) -> AttributeValue:
    if isinstance(value, dict):
        return base64.b64decode(value["base64"])
    assert isinstance(value, str | int)
    return value


def _event(told: Mapping[str, Any]) -> Event:
    core = {name: value for name, value in told.items() if name not in ("extensions", "data")}
    data = told.get("data", {})
    return Event(
        **core,
        extensions={name: _value(value) for name, value in told.get("extensions", {}).items()},
        data=data["text"].encode() if "text" in data else _value(data) if data else None,
        text="text" in data,
    )


def _named(error: CallerError) -> object:
    """What a refusal is about."""
    match error:
        case InvalidBatch(errors=errors):
            return {str(index): _named(one) for index, one in errors.items()}
        case UnsupportedFormat():
            return error.code
        case _:
            return error.details.get("attribute", error.message.partition(":")[0])


def _check(read: Callable[[], object], vector: Mapping[str, Any]) -> None:
    if "refused" in vector:
        with pytest.raises(CallerError) as refused:
            read()
        assert _named(refused.value) == vector["refused"]
        return
    told = vector["events"] if "events" in vector else vector["event"]
    found = read()
    if isinstance(told, dict):
        assert isinstance(found, Event)
        _check_same([found], [_event(told)])
    else:
        assert isinstance(found, list)
        _check_same(found, [_event(one) for one in told])


def _check_same(found: Sequence[Event], told: Sequence[Event]) -> None:
    assert found == told
    # 1 == True: only this tells an Integer from a Boolean.
    assert [_types(one) for one in found] == [_types(one) for one in told]


def _types(event: Event) -> Mapping[str, type]:
    return {name: type(value) for name, value in event.attributes()}


def test_there_are_as_many_as_ever() -> None:
    assert {name: len(_vectors(name)) for name in COUNTS} == COUNTS
    assert {one.stem for one in FOLDER.glob("*.json")} >= COUNTS.keys()


SINGLE = [
    pytest.param(format, *param.values, id=f"{format.name}-{param.id}")
    for format in (AVRO, AVRO_COMPACT, CBOR)
    for param in _vectors(format.name)
]


@pytest.mark.parametrize(("format", "vector"), SINGLE)
def test_an_event_is_read_as_told(format: Format, vector: Mapping[str, Any]) -> None:
    _check(lambda: format.decode(bytes.fromhex(vector["wire"])), vector)


@pytest.mark.parametrize(
    ("format", "vector"), [one for one in SINGLE if one.values[1].get("written")]
)
def test_an_event_is_written_as_told(format: Format, vector: Mapping[str, Any]) -> None:
    assert format.encode(_event(vector["event"])).hex() == vector["wire"]


@pytest.mark.parametrize("vector", _vectors("protobuf-batch"))
def test_a_batch_in_protobuf_is_read_as_told(vector: Mapping[str, Any]) -> None:
    _check(lambda: PROTOBUF.decode_batch(bytes.fromhex(vector["wire"])), vector)
    if vector.get("written"):
        events = [_event(one) for one in vector["event"]]
        assert PROTOBUF.encode_batch(events).hex() == vector["wire"]


@pytest.mark.parametrize("vector", _vectors("xml-batch"))
def test_a_batch_in_xml_is_read_as_told(vector: Mapping[str, Any]) -> None:
    _check(lambda: XML.decode_batch(vector["wire"].encode()), vector)
    if "refused" not in vector:
        events = [_event(one) for one in vector["event"]]
        assert XML.decode_batch(XML.encode_batch(events)) == events


@pytest.mark.parametrize("vector", _vectors("http-batches"))
def test_a_batch_over_http_is_read_as_told(vector: Mapping[str, Any]) -> None:
    headers = [(b"content-type", vector["content_type"].encode())]
    more = vector.get("headers", {}).items()
    headers += [(name.encode(), value.encode()) for name, value in more]
    _check(lambda: cloudevents_http.decode(headers, vector["body"].encode()), vector)
