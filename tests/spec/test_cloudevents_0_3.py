"""CloudEvents 0.3 (spec.md, json-format.md and http-transport-binding.md at v0.3), read as 1.0."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chappe.domain.errors import InvalidBatch, InvalidEvent, UnsupportedFormat
from chappe.domain.event import Event
from chappe.formats.cloudevents_0_3 import decode

REQUIRED = [
    (b"ce-specversion", b"0.3"),
    (b"ce-id", b"1"),
    (b"ce-source", b"/s"),
    (b"ce-type", b"t"),
]
MEMBERS = {"specversion": "0.3", "id": "1", "source": "/s", "type": "t"}
STRUCTURED = (b"content-type", b"application/cloudevents+json; charset=utf-8")
BATCHED = (b"content-type", b"application/cloudevents-batch+json")


def structured(**more: Any) -> Event:
    found = decode([STRUCTURED], json.dumps({**MEMBERS, **more}).encode())
    assert isinstance(found, Event)
    return found


def test_binary_mode_is_read_as_1_0() -> None:
    headers = [
        *REQUIRED,
        (b"ce-schemaurl", b"https://example.com/s"),
        (b"ce-ext", b"a%20b"),
        (b"content-type", b"application/json; charset=utf-8"),
    ]
    assert decode(headers, b'{"n": 1.50}') == Event(
        id="1",
        source="/s",
        type="t",
        datacontenttype="application/json; charset=utf-8",
        dataschema="https://example.com/s",
        extensions={"ext": "a b"},
        data=b'{"n": 1.50}',
    )


def test_binary_mode_in_base64_is_decoded() -> None:
    headers = [*REQUIRED, (b"ce-datacontentencoding", b"Base64")]
    assert decode(headers, b"AQI=") == Event(id="1", source="/s", type="t", data=b"\x01\x02")


def test_structured_mode_is_read_as_1_0() -> None:
    event = structured(
        schemaurl="urn:x", datacontenttype="text/plain", time="2018-04-05T17:31:00Z", data="é", n=5
    )
    assert event == Event(
        id="1",
        source="/s",
        type="t",
        time="2018-04-05T17:31:00Z",
        datacontenttype="text/plain",
        dataschema="urn:x",
        extensions={"n": 5},
        data="é".encode(),
        text=True,
    )


@pytest.mark.parametrize("body", [b'{"n": 1.50, "n2": [ ]}', b'"text"', b"null"])
def test_a_json_payload_keeps_its_bytes(body: bytes) -> None:
    wire = json.dumps(MEMBERS).encode()[:-1] + b', "data": ' + body + b"}"
    found = decode([STRUCTURED], wire)
    assert isinstance(found, Event)
    assert (found.data, found.datacontenttype) == (body, "application/json")


def test_base64_is_bytes() -> None:
    event = structured(datacontentencoding="base64", datacontenttype="image/png", data="AQI=")
    assert (event.data, event.text, event.extensions) == (b"\x01\x02", False, {})


def test_an_encoding_of_what_is_no_string_is_ignored() -> None:
    assert structured(datacontentencoding="base64", data={"a": 1}).data == b'{"a": 1}'


def test_a_map_becomes_the_string_that_is_its_canonical_encoding() -> None:
    event = structured(comexampleextension2={"otherValue": 5, "x": ["é", "\n"]})
    assert event.extensions == {"comexampleextension2": '{"otherValue":5,"x":["\\u00e9","\\n"]}'}


def test_null_is_unset() -> None:
    event = structured(schemaurl=None, datacontentencoding=None, subject=None)
    assert event == Event(id="1", source="/s", type="t")


def test_a_batch_is_read_as_1_0() -> None:
    body = json.dumps([MEMBERS, {**MEMBERS, "id": "2"}]).encode()
    found = decode([BATCHED], body)
    assert found == [Event(id=id_, source="/s", type="t") for id_ in "12"]


def test_a_batch_names_every_bad_event() -> None:
    bad = [{**MEMBERS, "schemaurl": "/relative"}, MEMBERS, {**MEMBERS, "MyExt": 1}]
    with pytest.raises(InvalidBatch) as refused:
        decode([BATCHED], json.dumps(bad).encode())
    assert {index: error.details["attribute"] for index, error in refused.value.errors.items()} == {
        0: "schemaurl",
        2: "MyExt",
    }


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ([(b"ce-specversion", b"1.0"), *REQUIRED[1:]], b""),
        ([STRUCTURED], json.dumps({**MEMBERS, "specversion": "1.0", "ext": "0.3"}).encode()),
        ([STRUCTURED], json.dumps({**MEMBERS, "specversion": "0.2"}).encode()),
        ([BATCHED], json.dumps([MEMBERS, {**MEMBERS, "specversion": "1.0"}]).encode()),
        ([(b"content-type", b"application/cloudevents+protobuf")], b'"0.3"'),
        ([], b""),
    ],
)
def test_what_is_not_all_0_3_is_left_to_the_reader_of_1_0(
    headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    assert decode(headers, body) is None


@pytest.mark.parametrize(
    ("more", "attribute"),
    [
        ({"schemaurl": "relative"}, "schemaurl"),
        ({"schemaurl": 5}, "schemaurl"),
        ({"schemaurl": "urn:x", "dataschema": "urn:y"}, "schemaurl"),
        ({"datacontentencoding": "quoted-printable", "data": "x"}, "datacontentencoding"),
        ({"datacontentencoding": 5, "data": "x"}, "datacontentencoding"),
        ({"datacontentencoding": "base64", "data": "x"}, "data_base64"),
        ({"ext": [1]}, "ext"),
        ({"id": ""}, "id"),
    ],
)
def test_what_breaks_a_rule_is_refused_by_name(more: dict[str, Any], attribute: str) -> None:
    with pytest.raises(InvalidEvent) as refused:
        structured(**more)
    assert refused.value.details["attribute"] == attribute


@pytest.mark.parametrize(
    ("headers", "body", "attribute"),
    [
        ([(b"ce-schemaurl", b"/x")], b"", "schemaurl"),
        ([(b"ce-schemaurl", b"urn:x"), (b"ce-dataschema", b"urn:x")], b"", "dataschema"),
        ([(b"ce-datacontentencoding", b"gzip")], b"AQI=", "datacontentencoding"),
        ([(b"ce-datacontentencoding", b"base64")] * 2, b"AQI=", "datacontentencoding"),
        ([(b"ce-datacontentencoding", b"base64")], b"\xff", "data"),
        ([(b"ce-specversion", b"0.3")], b"", "specversion"),
    ],
)
def test_binary_mode_that_breaks_a_rule_is_refused_by_name(
    headers: list[tuple[bytes, bytes]], body: bytes, attribute: str
) -> None:
    with pytest.raises(InvalidEvent) as refused:
        decode([*REQUIRED, *headers], body)
    assert refused.value.details["attribute"] == attribute


def test_a_member_that_stands_twice_is_refused() -> None:
    body = b'{"specversion":"0.3","id":"1","source":"/s","type":"t","data":1,"data":2}'
    with pytest.raises(InvalidEvent, match="duplicate"):
        decode([STRUCTURED], body)


def test_an_unknown_event_format_is_refused() -> None:
    with pytest.raises(UnsupportedFormat):
        decode([(b"content-type", b"application/cloudevents+yaml")], b"")
