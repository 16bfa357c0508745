"""http-protocol-binding.md: what MUST hold, by section."""

from __future__ import annotations

import json
import re
from time import process_time

import pytest
from hypothesis import given

from chappe.domain.errors import InvalidBatch, InvalidEvent, UnsupportedFormat
from chappe.domain.event import Event, canonical
from chappe.formats import cloudevents_protobuf
from chappe.formats.block import encode_block
from chappe.formats.cloudevents_headers import decode_value, encode_value
from chappe.formats.cloudevents_http import (
    Batched,
    Binary,
    Mode,
    Structured,
    decode,
    decode_binary,
    decode_single,
    encode_batch,
    encode_binary,
    encode_structured,
    mode_of,
)
from chappe.formats.event_formats import BY_BATCH_MEDIA_TYPE, JSON, PROTOBUF, named
from tests.fuzz.strategies import events, strings
from tests.speed import slowness

REQUIRED = [
    (b"ce-specversion", b"1.0"),
    (b"ce-id", b"1"),
    (b"ce-source", b"/s"),
    (b"ce-type", b"t"),
]
MINIMAL = Event(id="1", source="/s", type="t")


# --- 3: which mode


@given(events())
def test_3_a_single_event_is_read_at_once_and_a_batch_is_left(event: Event) -> None:
    for headers, body in (
        encode_binary(event),
        encode_structured(event),
        encode_structured(event, PROTOBUF),
    ):
        assert decode_single(headers, body) == decode(headers, body)
    assert decode_single(*encode_batch([event])) is None


def test_3_what_is_refused_is_refused_as_a_single_event_too() -> None:
    for headers in ([], REQUIRED[1:], [*REQUIRED, (b"content-type", b"application/cloudevents+x")]):
        with pytest.raises((InvalidEvent, UnsupportedFormat)) as usual:
            decode(headers, b"")
        with pytest.raises(type(usual.value), match=re.escape(usual.value.message)):
            decode_single(headers, b"")


@pytest.mark.parametrize(
    ("content_type", "mode"),
    [
        (None, Binary()),
        (b"", Binary()),
        (b"application/json", Binary()),
        (b"application/cloud", Binary()),
        (b"application/cloudevents+json", Structured(JSON)),
        (b"Application/CloudEvents+JSON; charset=UTF-8", Structured(JSON)),
        (b'application/cloudevents+json ;charset="utf-8"', Structured(JSON)),
        (b"application/cloudevents+protobuf", Structured(PROTOBUF)),
        (b"application/cloudevents-batch+json; charset=UTF-8", Batched(JSON)),
        (b"APPLICATION/CLOUDEVENTS-BATCH+PROTOBUF", Batched(PROTOBUF)),
    ],
)
def test_3_the_mode_is_told_by_the_content_type_in_any_case(
    content_type: bytes | None, mode: Mode
) -> None:
    assert mode_of(content_type) == mode


@pytest.mark.parametrize(
    "content_type",
    [
        b"application/cloudevents",
        b"application/cloudevents+yaml",
        b"application/cloudevents+jsonx",
        b"application/cloudevents-batch",
        b"application/cloudevents-batch+avro",
        b"application/cloudevents-batchtrailing",
        b"application/cloudeventstrailing",
    ],
)
def test_3_an_unknown_event_format_is_refused_with_those_known(content_type: bytes) -> None:
    with pytest.raises(UnsupportedFormat, match=r"application/cloudevents\+json") as refused:
        decode([*REQUIRED, (b"content-type", content_type)], b"{}")
    assert content_type.decode() in refused.value.message


def test_3_an_unknown_charset_is_refused() -> None:
    with pytest.raises(UnsupportedFormat, match="utf-16"):
        mode_of(b"application/cloudevents+json; charset=utf-16")


@pytest.mark.parametrize("headers", [[], [(b"content-type", b"text/plain")], [(b"x-ce-id", b"1")]])
def test_3_a_message_without_ce_headers_is_no_event(headers: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(UnsupportedFormat, match="is no event"):
        decode(headers, b"hello")


# --- 3.1: binary mode


@pytest.mark.parametrize("name", [b"ce-specversion", b"ce-id", b"ce-source", b"ce-type"])
def test_3_1_a_required_attribute_that_is_missing_is_named(name: bytes) -> None:
    given_ = [header for header in REQUIRED if header[0] != name]
    with pytest.raises(InvalidEvent, match="REQUIRED") as refused:
        decode(given_, b"")
    assert refused.value.details["attribute"] == name[3:].decode()


def test_3_1_a_message_with_ce_headers_is_an_event_though_a_broken_one() -> None:
    with pytest.raises(InvalidEvent, match="specversion"):
        decode([(b"ce-myextension", b"1")], b"")


def test_3_1_all_attributes_come_from_headers_and_the_payload_from_the_body() -> None:
    body = b"\x00\xff payload"
    event = decode(
        [
            (b"host", b"example.com"),
            *REQUIRED,
            (b"ce-time", b"2018-04-05T03:56:24.5+02:00"),
            (b"ce-subject", b"a%20b"),
            (b"ce-dataschema", b"https://example.com/schema"),
            (b"ce-comexampleextension1", b"value"),
            (b"ce-comexampleothervalue", b"5"),
            (b"content-type", b"application/json; charset=utf-8"),
        ],
        body,
    )
    assert event == Event(
        id="1",
        source="/s",
        type="t",
        time="2018-04-05T03:56:24.5+02:00",
        subject="a b",
        dataschema="https://example.com/schema",
        datacontenttype="application/json; charset=utf-8",
        extensions={"comexampleextension1": "value", "comexampleothervalue": "5"},
        data=body,
        text=False,
    )


def test_3_1_1_no_content_type_leaves_datacontenttype_unset() -> None:
    assert decode(REQUIRED, b"x") == Event(id="1", source="/s", type="t", data=b"x")


def test_3_1_1_content_type_is_written_from_datacontenttype_and_not_percent_encoded() -> None:
    media_type = 'text/plain; title="a b"'
    headers, _ = encode_binary(Event(id="1", source="/s", type="t", datacontenttype=media_type))
    assert (b"content-type", media_type.encode()) in headers
    assert b"ce-datacontenttype" not in dict(headers)
    assert decode(headers, b"") == Event(id="1", source="/s", type="t", datacontenttype=media_type)


def test_3_1_1_no_datacontenttype_writes_no_content_type() -> None:
    assert b"content-type" not in dict(encode_binary(MINIMAL)[0])


def test_3_1_1_ce_datacontenttype_must_not_be_present() -> None:
    with pytest.raises(InvalidEvent, match=r"MUST NOT be a ce- header.*3\.1\.1"):
        decode([*REQUIRED, (b"ce-datacontenttype", b"text/plain")], b"x")


@pytest.mark.parametrize("media_type", [b"xyz", b"", b"text/pl\xe4in"])
def test_3_1_1_a_content_type_that_is_no_media_type_is_refused(media_type: bytes) -> None:
    with pytest.raises(InvalidEvent, match=r"^datacontenttype"):
        decode([*REQUIRED, (b"content-type", media_type)], b"x")


def test_3_1_2_an_empty_body_is_no_payload() -> None:
    assert decode(REQUIRED, b"") == MINIMAL


@pytest.mark.parametrize("data", [b"x", b"\xef\xbb\xbf{}", b" 1 ", b"\x00" * 70_000])
def test_3_1_2_the_body_is_the_payload_byte_for_byte(data: bytes) -> None:
    event = decode_binary(REQUIRED, data)
    assert event.data == data
    assert encode_binary(event)[1] == data


@pytest.mark.parametrize(
    "header",
    [
        (b"ce-id", b"2"),
        (b"ce-id", b"1"),
        (b"ce-ext", b"2"),
        (b"content-type", b"text/html"),
    ],
)
def test_3_1_3_a_repeated_header_is_refused(header: tuple[bytes, bytes]) -> None:
    first = [(b"ce-ext", b"1"), (b"content-type", b"text/plain")]
    with pytest.raises(InvalidEvent, match="given twice"):
        decode([*REQUIRED, *first, header], b"x")


@pytest.mark.parametrize(
    "name", [b"ce-", b"ce-my-ext", b"ce-my_ext", b"ce-a.b", b"ce-\xe9", b"ce-data"]
)
def test_3_1_3_1_a_ce_header_must_name_an_attribute(name: bytes) -> None:
    with pytest.raises(InvalidEvent, match="Naming Conventions"):
        decode([*REQUIRED, (name, b"1")], b"")


def test_3_1_3_1_an_attribute_is_written_with_the_prefix_ce() -> None:
    event = Event(id="1", source="/s", type="t", time="2018-04-05T03:56:24Z", extensions={"a": 1})
    assert encode_binary(event)[0] == [
        *REQUIRED,
        (b"ce-time", b"2018-04-05T03:56:24Z"),
        (b"ce-a", b"1"),
    ]


@pytest.mark.parametrize(
    ("value", "header"),
    [(True, b"true"), (False, b"false"), (-12, b"-12"), (b"Ma", b"TWE="), ("", b"")],
)
def test_3_1_3_2_values_are_written_in_their_canonical_form(
    value: str | int | bytes, header: bytes
) -> None:
    headers, _ = encode_binary(Event(id="1", source="/s", type="t", extensions={"a": value}))
    assert dict(headers)[b"ce-a"] == header


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("simple", b"simple"),
        ("Euro € 😀", b"Euro%20%E2%82%AC%20%F0%9F%98%80"),
        ("space encoded", b"space%20encoded"),
        ("percent%encoded", b"percent%25encoded"),
        ('quote"encoded', b"quote%22encoded"),
        ("grün", b"gr%C3%BCn"),
        ("!#$&'()*+,-./:;<=>?@[\\]^_`{|}~", b"!#$&'()*+,-./:;<=>?@[\\]^_`{|}~"),
        ("!#$&'()*+,-./:;<=>?@[\\]^_`{|}~ ", b"!#$&'()*+,-./:;<=>?@[\\]^_`{|}~%20"),
        ("%20", b"%2520"),
    ],
)
def test_3_1_3_2_percent_encoding(text: str, header: bytes) -> None:
    assert encode_value(text) == header
    assert decode_value("x", header) == text


@pytest.mark.parametrize(
    ("header", "text"),
    [
        (b"lenient decoding %30%31", "lenient decoding 01"),
        (b'"  quoted  text  "unquoted', "  quoted  text  unquoted"),
        (b'"escaped quote\\"end"', 'escaped quote"end'),
        (b'"escaped backslash\\\\end"', "escaped backslash\\end"),
        (b"non-escaping backslash\\end", "non-escaping backslash\\end"),
        (b"Euro%20%e2%82%ac%20%f0%9F%98%80", "Euro € 😀"),
        (b'"%41"', "A"),
        (b'"\\%41"', "A"),
        (b"%2541", "%41"),
        (b"%22quoted%22", '"quoted"'),
        (b'""', ""),
        (b"trailing space \t", "trailing space"),
    ],
)
def test_3_1_3_2_decoding_undoes_quotes_and_then_one_round_of_percent_encoding(
    header: bytes, text: str
) -> None:
    assert decode_value("x", header) == text


@pytest.mark.parametrize(
    "header",
    [
        b"%",
        b"%0",
        b"%g0",
        b"%0g",
        b"%0$",
        b"%+1",
        b"low surrogate %ED%B0%80",
        b"high surrogate %ED%A0%80",
        b"surrogate pair via two UTF-16 %ED%A0%80%ED%B0%80",
        b"overlong UTF-8 %C0%A0",
        b"incomplete %E2",
        b"incomplete %E2%",
        b"incomplete %E2x",
        b"first byte %82",
        b"second byte %E2%E2",
        b'"unterminated quote',
        b'"unterminated escape \\',
        b'a"b',
        b"not ascii \xc3\xa9",
        b"control %00",
        b"control %C2%80",
        b"noncharacter %EF%BF%BE",
        b"tab\tinside",
    ],
)
def test_3_1_3_2_values_that_must_be_rejected(header: bytes) -> None:
    with pytest.raises(InvalidEvent, match=r"^subject"):
        decode([*REQUIRED, (b"ce-subject", header)], b"")


def test_3_1_3_2_a_quote_that_is_not_closed_is_seen_at_once() -> None:
    began = process_time()
    with pytest.raises(InvalidEvent, match="MUST close its double quote"):
        decode([*REQUIRED, (b"ce-subject", b'"' + b'\\"' * 30_000)], b"")
    assert process_time() - began < 0.5 * slowness()


@given(strings)
def test_3_1_3_2_every_string_survives_a_header(text: str) -> None:
    header = encode_value(text)
    assert all(0x21 <= byte <= 0x7E and byte != 0x22 for byte in header)
    assert decode_value("x", header) == text


def as_http_carries(event: Event) -> Event:
    return Event(
        id=event.id,
        source=event.source,
        type=event.type,
        subject=event.subject,
        time=event.time,
        datacontenttype=event.datacontenttype,
        dataschema=event.dataschema,
        extensions={name: canonical(value) for name, value in event.extensions.items()},
        data=event.data or None,
    )


@given(events())
def test_3_1_what_is_written_in_binary_mode_is_read_again(event: Event) -> None:
    headers, body = encode_binary(event)
    assert decode(headers, body) == as_http_carries(event)


# --- 3.2: structured mode


def test_3_2_1_the_content_type_is_that_of_the_format() -> None:
    assert encode_structured(MINIMAL)[0] == [(b"content-type", b"application/cloudevents+json")]
    assert encode_structured(MINIMAL, PROTOBUF)[0] == [
        (b"content-type", b"application/cloudevents+protobuf")
    ]


def test_3_2_3_the_body_counts_where_headers_say_something_else() -> None:
    headers = [*REQUIRED, (b"ce-ext", b"%"), (b"content-type", b"application/cloudevents+json")]
    body = json.dumps({"specversion": "1.0", "id": "2", "source": "/b", "type": "u"}).encode()
    assert decode(headers, body) == Event(id="2", source="/b", type="u")


@pytest.mark.parametrize("name", ["json", "protobuf"])
@given(event=events())
def test_3_2_what_is_written_in_structured_mode_is_read_again(name: str, event: Event) -> None:
    # Protobuf first: it keeps what JSON keeps and more, so the second round must change nothing.
    once = decode(*encode_structured(event, named(name)))
    assert isinstance(once, Event)
    assert decode(*encode_structured(once, named(name))) == once
    assert (once.id, once.source, once.type) == (event.id, event.source, event.type)


# --- 3.3: batched mode


@pytest.mark.parametrize("name", [one.name for one in BY_BATCH_MEDIA_TYPE.values()])
def test_3_3_a_batch_is_read_in_order(name: str) -> None:
    batch = [MINIMAL, Event(id="2", source="/s", type="t", data=b"\xff")]
    headers, body = encode_batch(batch, named(name))
    assert headers == [(b"content-type", f"application/cloudevents-batch+{name}".encode())]
    assert decode(headers, body) == batch


@pytest.mark.parametrize("name", [one.name for one in BY_BATCH_MEDIA_TYPE.values()])
def test_3_3_an_empty_batch_is_a_batch(name: str) -> None:
    assert decode(*encode_batch([], named(name))) == []


def test_3_3_a_batch_is_all_or_nothing_and_names_every_bad_event() -> None:
    good = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t"}
    bad = [good, {**good, "id": ""}, 5, good, {**good, "time": "lunchtime"}]
    headers = [(b"content-type", b"application/cloudevents-batch+json")]
    with pytest.raises(InvalidBatch, match=r"3 of 5 .*index 1, 2, 4") as refused:
        decode(headers, json.dumps(bad).encode())
    assert {index: str(error).split(":")[0] for index, error in refused.value.errors.items()} == {
        1: "id",
        2: "body",
        4: "time",
    }


def test_3_3_a_protobuf_batch_is_all_or_nothing_too() -> None:
    good = cloudevents_protobuf.encode(MINIMAL)
    body = encode_block([good, good[3:], good])
    headers = [(b"content-type", b"application/cloudevents-batch+protobuf")]
    with pytest.raises(InvalidBatch, match="1 of 3") as refused:
        decode(headers, body)
    assert set(refused.value.errors) == {1}
