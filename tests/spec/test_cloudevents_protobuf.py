"""protobuf-format.md and cloudevents.proto: what MUST hold, by section.

The witness is Google's own parser, with classes that protoc makes from the schema below.
"""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given

from chappe.domain.attributes import timestamp
from chappe.domain.errors import CallerError, InvalidEvent, Malformed
from chappe.domain.event import Event
from chappe.formats.block import decode_block, encode_block
from chappe.formats.cloudevents_protobuf import decode, encode
from tests.fuzz.strategies import events, mutated
from tests.spec.official_proto import classes


@pytest.fixture(scope="module")
def witness() -> tuple[Any, Any]:
    """The classes CloudEvent and CloudEventBatch, as protoc and protobuf make them."""
    return classes()


@pytest.fixture(scope="module")
def theirs(witness: tuple[Any, Any]) -> Any:
    return witness[0]


def minimal(theirs: Any, **more: object) -> Any:
    return theirs(id="1", source="/s", spec_version="1.0", type="t", **more)


def seen_by(theirs: Any, event: Event) -> dict[str, Any]:
    """What another program reads from our bytes: attributes by name, and the payload."""
    message = theirs.FromString(encode(event))
    seen: dict[str, Any] = {
        "id": message.id,
        "source": message.source,
        "specversion": message.spec_version,
        "type": message.type,
    }
    for name, value in message.attributes.items():
        kind = value.WhichOneof("attr")
        seen[name] = (kind, getattr(value, kind))
    kind = message.WhichOneof("data")
    if kind:
        seen["data"] = (kind, getattr(message, kind))
    return seen


# --- 2: attributes


def test_2_every_attribute_is_written_with_its_type(theirs: Any) -> None:
    event = Event(
        id="i",
        source="/s",
        type="t",
        subject="é",
        time="2018-04-05T17:31:00.5Z",
        datacontenttype="text/plain",
        dataschema="urn:x",
        extensions={"a": True, "b": False, "c": -1, "d": 2**31 - 1, "e": "", "f": b"\xff", "g": 0},
        data="é".encode(),
        text=True,
    )
    seen = seen_by(theirs, event)
    kind, instant = seen.pop("time")
    assert (kind, instant.seconds, instant.nanos) == ("ce_timestamp", 1_522_949_460, 500_000_000)
    assert seen == {
        "id": "i",
        "source": "/s",
        "specversion": "1.0",
        "type": "t",
        "subject": ("ce_string", "é"),
        "datacontenttype": ("ce_string", "text/plain"),
        "dataschema": ("ce_uri", "urn:x"),
        "a": ("ce_boolean", True),
        "b": ("ce_boolean", False),
        "c": ("ce_integer", -1),
        "d": ("ce_integer", 2**31 - 1),
        "e": ("ce_string", ""),
        "f": ("ce_bytes", b"\xff"),
        "g": ("ce_integer", 0),
        "data": ("text_data", "é"),
    }


@given(event=events())
def test_2_what_is_written_is_read_again_and_by_others(theirs: Any, event: Event) -> None:
    assert repr(decode(encode(event))) == repr(event)
    seen = seen_by(theirs, event)
    assert (seen["id"], seen["source"], seen["type"]) == (event.id, event.source, event.type)
    if event.data is not None:
        expected = ("text_data", event.data.decode()) if event.text else ("binary_data", event.data)
        assert seen["data"] == expected


@given(event=events())
def test_2_an_event_survives_a_program_that_knows_the_official_schema_only(
    theirs: Any, event: Event
) -> None:
    forwarded = theirs.FromString(encode(event)).SerializeToString()
    assert decode(forwarded) == event


@pytest.mark.parametrize(
    "time",
    [
        "2018-04-05T17:31:00Z",
        "2018-04-05T17:31:00.120Z",
        "2018-04-05T17:31:00.12Z",
        "2018-04-05T17:31:00.123456789Z",
        "2018-04-05t17:31:00z",
        "2018-04-05T19:31:00.000000001+02:00",
        "2018-04-05T17:31:00.1234567890123Z",
        "2016-12-31T23:59:60Z",
        "1970-01-01T00:00:00Z",
        "1969-12-31T23:59:59.999Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999999Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01",
    ],
)
def test_2_1_a_time_is_an_instant_for_others_and_keeps_its_spelling_for_us(
    theirs: Any, time: str
) -> None:
    event = Event(id="1", source="/s", type="t", time=time)
    assert decode(encode(event)).time == time
    value = theirs.FromString(encode(event)).attributes["time"]
    if time.startswith("0000") or time.endswith("+00:01"):
        # Before the year 1, which google.protobuf.Timestamp does not have.
        assert value.ce_string == time
    else:
        assert (value.ce_timestamp.seconds, value.ce_timestamp.nanos) == timestamp(time)


@pytest.mark.parametrize("length", [1, 100, 111, 112, 113, 114, 117, 118, 127, 128, 300, 20_000])
def test_2_4_values_of_any_length(theirs: Any, length: int) -> None:
    text = "x" * length
    time = f"2018-04-05T17:31:00.{'1' * length}Z"
    event = Event(
        id=text, source=text, type=text, subject=text, time=time, extensions={"ext": text}
    )
    assert decode(encode(event)) == event
    seen = seen_by(theirs, event)
    assert (seen["subject"], seen["ext"]) == (("ce_string", text), ("ce_string", text))


@pytest.mark.parametrize(
    "entry",
    [
        b"\x0a\x03ext\x12\x05\x48\x05\x1a\x01x",
        b"\x12\x03\x1a\x01x\x0a\x03ext",
        b"\x0a\x03ext\x12\x03\x1a\x01y\x12\x03\x1a\x01x",
        b"\x0a\x03abc\x0a\x03ext\x12\x02\x10\x05\x12\x03\x1a\x01x",
    ],
)
def test_2_4_an_entry_in_an_unusual_form_is_read_as_protobuf_reads_it(
    theirs: Any, entry: bytes
) -> None:
    wire = encode(Event(id="1", source="/s", type="t")) + b"\x2a" + bytes([len(entry)]) + entry
    assert theirs.FromString(wire).attributes["ext"].ce_string == "x"
    assert decode(wire).extensions == {"ext": "x"}


@pytest.mark.parametrize(
    "entry",
    [
        b"\x0a\x04time\x12\x08\x3a\x06\x08\xc4\xc7\x99\xd6\x05",
        b"\x0a\x04time\x12\x0a\x3a\x08\x08\xc4\xc7\x99\xd6\x05\x10\x00",
        b"\x0a\x04time\x12\x0a\x3a\x08\x08\xc4\xc7\x99\xd6\x05\x18\x05",
        b"\x0a\x04time\x12\x0a\x3a\x08\x18\x05\x08\xc4\xc7\x99\xd6\x05",
        b"\x0a\x04time\x12\x0d\x3a\x03\x08\xc4\x07\x3a\x06\x08\xc4\xc7\x99\xd6\x05",
        b"\x0a\x04time\x12\x09\x3a\x07\x08\xc4\xc7\x99\xd6\x85\x00",
        b"\x0a\x04time\x12\x0b\x3a\x09\x08\xc4\xc7\x99\x56\x10\x81\x80\x00",
        b"\x0a\x04time\x12\x08\x3a\x06\x08\x44\x10\x81\x80\x00",
    ],
)
def test_2_1_an_instant_in_an_unusual_form_is_read_as_protobuf_reads_it(
    theirs: Any, entry: bytes
) -> None:
    wire = encode(Event(id="1", source="/s", type="t")) + b"\x2a" + bytes([len(entry)]) + entry
    instant = theirs.FromString(wire).attributes["time"].ce_timestamp
    assert timestamp(decode(wire).time or "") == (instant.seconds, instant.nanos)


def test_2_4_unknown_fields_of_an_entry_are_skipped() -> None:
    # upb puts such an entry aside as a whole; other implementations skip the field, as we do.
    entry = b"\x48\x05\x0a\x03ext\x12\x03\x1a\x01x"
    wire = encode(Event(id="1", source="/s", type="t")) + b"\x2a" + bytes([len(entry)]) + entry
    assert decode(wire).extensions == {"ext": "x"}


def test_2_1_an_instant_that_is_cut_off_is_refused() -> None:
    entry = b"\x0a\x04time\x12\x09\x3a\x07\x08\xc4\xc7\x99\xd6\x05\x10"
    wire = encode(Event(id="1", source="/s", type="t")) + b"\x2a" + bytes([len(entry)]) + entry
    with pytest.raises(Malformed):
        decode(wire)


def test_2_1_a_spelling_that_names_another_instant_is_not_believed(theirs: Any) -> None:
    event = Event(id="1", source="/s", type="t", time="2018-04-05T19:31:00+02:00")
    message = theirs.FromString(encode(event))
    message.attributes["time"].ce_timestamp.seconds += 1
    assert decode(message.SerializeToString()).time == "2018-04-05T17:31:01Z"


@pytest.mark.parametrize(
    ("kind", "value", "read"),
    [
        ("ce_boolean", True, True),
        ("ce_integer", -(2**31), -(2**31)),
        ("ce_string", "é", "é"),
        ("ce_bytes", b"\x00", b"\x00"),
        ("ce_uri", "https://a/b#c", "https://a/b#c"),
        ("ce_uri_ref", "//authority/path", "//authority/path"),
    ],
)
def test_2_1_every_type_is_read(theirs: Any, kind: str, value: object, read: object) -> None:
    message = minimal(theirs)
    setattr(message.attributes["ext"], kind, value)
    found = decode(message.SerializeToString()).extensions["ext"]
    assert (found, type(found)) == (read, type(read))


@pytest.mark.parametrize(
    ("seconds", "nanos", "text"),
    [
        (0, 0, "1970-01-01T00:00:00Z"),
        (1, 0, "1970-01-01T00:00:01Z"),
        (-1, 1_000_000, "1969-12-31T23:59:59.001Z"),
        (1_522_949_460, 120_000, "2018-04-05T17:31:00.000120Z"),
        (253_402_300_799, 999_999_999, "9999-12-31T23:59:59.999999999Z"),
        (-62_135_596_800, 0, "0001-01-01T00:00:00Z"),
    ],
)
@pytest.mark.parametrize("name", ["time", "ext"])
def test_2_1_an_instant_is_read_as_rfc_3339(
    theirs: Any, name: str, seconds: int, nanos: int, text: str
) -> None:
    message = minimal(theirs)
    message.attributes[name].ce_timestamp.seconds = seconds
    message.attributes[name].ce_timestamp.nanos = nanos
    if seconds == 0:
        message.attributes[name].ce_timestamp.SetInParent()
    assert decode(message.SerializeToString()).get(name) == text


@pytest.mark.parametrize(
    ("seconds", "nanos"),
    [(253_402_300_800, 0), (-62_135_596_801, 0), (2**62, 0), (0, 1_000_000_000), (0, -1)],
)
@pytest.mark.parametrize("name", ["time", "ext"])
def test_2_1_no_instant_of_the_calendar_is_refused(
    theirs: Any, name: str, seconds: int, nanos: int
) -> None:
    message = minimal(theirs)
    message.attributes[name].ce_timestamp.seconds = seconds
    message.attributes[name].ce_timestamp.nanos = nanos
    with pytest.raises(InvalidEvent, match=f"^{name}.* MUST be an instant"):
        decode(message.SerializeToString())


@pytest.mark.parametrize("name", ["id", "source", "spec_version", "type"])
@pytest.mark.parametrize("value", [None, ""])
def test_2_3_required_attributes(theirs: Any, name: str, value: str | None) -> None:
    message = minimal(theirs)
    if value is None:
        message.ClearField(name)
    else:
        setattr(message, name, value)
    with pytest.raises(InvalidEvent, match=name.replace("_", "")):
        decode(message.SerializeToString())


@pytest.mark.parametrize("name", ["id", "source", "specversion", "type"])
def test_2_3_a_required_attribute_has_no_place_in_the_map(theirs: Any, name: str) -> None:
    message = minimal(theirs)
    message.attributes[name].ce_string = "1.0"
    with pytest.raises(InvalidEvent, match="own field"):
        decode(message.SerializeToString())


@pytest.mark.parametrize(
    ("name", "kind", "value"),
    [
        ("datacontenttype", "ce_integer", 5),
        ("datacontenttype", "ce_string", "xyz"),
        ("datacontenttype", "ce_string", ""),
        ("dataschema", "ce_integer", 5),
        ("dataschema", "ce_uri", ""),
        ("dataschema", "ce_uri", "/relative"),
        ("dataschema", "ce_string", ""),
        ("subject", "ce_boolean", True),
        ("subject", "ce_string", ""),
        ("subject", "ce_bytes", b"x"),
        ("time", "ce_integer", 5),
        ("time", "ce_string", "lunchtime"),
        ("ext", "ce_string", "\x00"),
        ("ext", "ce_uri", "a b"),
        ("ext", "ce_uri_ref", "%"),
        ("MyExtension", "ce_string", "x"),
        ("my.extension", "ce_string", "x"),
        ("data", "ce_string", "x"),
        ("", "ce_string", "x"),
    ],
)
def test_2_4_a_value_that_breaks_its_rule_is_refused_by_name(
    theirs: Any, name: str, kind: str, value: object
) -> None:
    message = minimal(theirs)
    setattr(message.attributes[name], kind, value)
    with pytest.raises(InvalidEvent) as refused:
        decode(message.SerializeToString())
    assert refused.value.details["attribute"] == name


def test_2_4_an_attribute_without_a_value_is_refused(theirs: Any) -> None:
    message = minimal(theirs)
    message.attributes["ext"].SetInParent()
    with pytest.raises(InvalidEvent, match="MUST have a value"):
        decode(message.SerializeToString())


# --- 3: data


@pytest.mark.parametrize(("text", "kind"), [(True, "text_data"), (False, "binary_data")])
@pytest.mark.parametrize("data", [b"", b"x", b"x" * 127, b"x" * 128, b"x" * 70_000])
def test_3_text_and_bytes_have_fields_of_their_own(
    theirs: Any, data: bytes, kind: str, *, text: bool
) -> None:
    event = Event(id="1", source="/s", type="t", data=data, text=text)
    assert decode(encode(event)) == event
    assert theirs.FromString(encode(event)).WhichOneof("data") == kind


def test_3_no_payload_has_no_field(theirs: Any) -> None:
    event = Event(id="1", source="/s", type="t")
    assert theirs.FromString(encode(event)).WhichOneof("data") is None
    assert decode(encode(event)).data is None


@pytest.mark.parametrize("field", [b"\x3a", b"\x0a", b"\x12", b"\x22", b"\x1a"])
def test_3_text_must_be_utf_8(field: bytes) -> None:
    wire = encode(Event(id="1", source="/s", type="t"))
    with pytest.raises(InvalidEvent, match="MUST be UTF-8"):
        decode(wire + field + b"\x01\xff")


def test_3_a_protobuf_message_without_a_type_url_gets_no_dataschema(theirs: Any) -> None:
    message = minimal(theirs)
    message.proto_data.value = b"x"
    wire = message.SerializeToString() + b"\x42\x02\x48\x05"
    assert decode(wire) == Event(
        id="1", source="/s", type="t", datacontenttype="application/protobuf", data=b"x"
    )


@pytest.mark.parametrize(
    ("schema", "read"),
    [
        (None, "https://type.googleapis.com/a.B"),
        ("type.googleapis.com/a.B", "https://type.googleapis.com/a.B"),
        ("https://example.com/a", "https://example.com/a"),
    ],
)
def test_3_a_protobuf_message_is_kept_as_its_bytes(
    theirs: Any, schema: str | None, read: str
) -> None:
    message = minimal(theirs)
    message.proto_data.type_url = "type.googleapis.com/a.B"
    message.proto_data.value = b"\x08\x01"
    if schema:
        message.attributes["dataschema"].ce_uri = schema
    assert decode(message.SerializeToString()) == Event(
        id="1",
        source="/s",
        type="t",
        datacontenttype="application/protobuf",
        dataschema=read,
        data=b"\x08\x01",
    )


# --- the wire


def test_unknown_fields_are_skipped() -> None:
    event = Event(id="1", source="/s", type="t", data=b"x")
    unknown = b"\x48\x05" + b"\x7a\x01x" + b"\x21" + bytes(8) + b"\x2d" + bytes(4)
    group = b"\x9b\x06" + b"\x0b\x0c" + b"\x08\x01" + b"\x9c\x06"
    assert decode(unknown + encode(event) + group) == event


def test_a_field_that_is_given_twice_counts_the_last_time(theirs: Any) -> None:
    first = minimal(theirs, binary_data=b"first")
    first.attributes["ext"].ce_integer = 1
    last = theirs(id="2", text_data="last")
    last.attributes["ext"].ce_string = "x"
    wire = first.SerializeToString() + last.SerializeToString()
    assert decode(wire) == Event(
        id="2", source="/s", type="t", extensions={"ext": "x"}, data=b"last", text=True
    )


@pytest.mark.parametrize(
    "wire",
    [
        b"\xff",
        b"\x00",
        b"\x0a",
        b"\x0a\x05x",
        b"\x0e\x00",
        b"\x0c",
        b"\x0b",
        b"\x0b\x14",
        b"\x0b" * 200,
        b"\x80" * 12,
        b"\x0a" + b"\xff" * 9 + b"\x7f",
        b"\x49\x00",
        b"\x2a\x03\x0a\x05x",
    ],
)
def test_what_is_no_message_is_refused(wire: bytes) -> None:
    with pytest.raises(Malformed):
        decode(encode(Event(id="1", source="/s", type="t")) + wire)


@given(wire=mutated(events().map(encode)))
def test_whatever_is_accepted_is_a_message_for_protobuf_too(theirs: Any, wire: bytes) -> None:
    try:
        event = decode(wire)
    except CallerError:
        return
    message = theirs.FromString(wire)
    assert (message.id, message.source, message.type) == (event.id, event.source, event.type)
    names = set(message.attributes) | {"specversion", "id", "source", "type"}
    assert {name for name, _ in event.attributes()} >= names
    kind = message.WhichOneof("data")
    if kind == "text_data":
        assert (event.data, event.text) == (message.text_data.encode(), True)
    elif kind == "binary_data":
        assert (event.data, event.text) == (message.binary_data, False)


@given(wire=mutated(events().map(encode)))
def test_what_protobuf_refuses_is_refused(theirs: Any, wire: bytes) -> None:
    try:
        theirs.FromString(wire)
    except DecodeError:
        with pytest.raises(CallerError):
            decode(wire)


# --- 5: batches


def test_5_a_block_is_a_batch_that_others_read(witness: tuple[Any, Any]) -> None:
    batch = [
        Event(id=str(number), source="/s", type="t", data=bytes(number)) for number in range(200)
    ]
    message = witness[1].FromString(encode_block([encode(event) for event in batch]))
    assert [(one.id, one.binary_data) for one in message.events] == [
        (event.id, event.data) for event in batch
    ]
    assert decode_block(message.SerializeToString()) == batch
