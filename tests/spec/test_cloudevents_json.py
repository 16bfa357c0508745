"""json-format.md and the parts of spec.md that show in JSON: what MUST hold, by section."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chappe.domain.errors import CallerError, InvalidBatch, InvalidEvent
from chappe.domain.event import Event
from chappe.formats import cloudevents_json
from chappe.formats.cloudevents_http import decode as decode_http
from chappe.formats.cloudevents_http import encode_binary
from chappe.formats.cloudevents_json import decode, decode_batch, encode, encode_batch
from tests.fuzz.differences import in_json
from tests.fuzz.strategies import events, json_texts

REQUIRED: dict[str, object] = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t"}


def event_of(**members: object) -> Event:
    return decode(json.dumps({**REQUIRED, **members}).encode())


def raw_event(members: str) -> bytes:
    """An event with the required attributes and `members`, in just this spelling."""
    return f'{{"specversion":"1.0","id":"1","source":"/s","type":"t",{members}}}'.encode()


def refusal(body: bytes) -> InvalidEvent:
    with pytest.raises(InvalidEvent) as refused:
        decode(body)
    return refused.value


# --- spec.md


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("how", ["absent", "null", "empty", "number"])
def test_spec_required_attributes(name: str, how: str) -> None:
    members = dict(REQUIRED)
    match how:
        case "absent":
            del members[name]
        case "null":
            members[name] = None
        case "empty":
            members[name] = ""
        case _:
            members[name] = 25
    assert refusal(json.dumps(members).encode()).details["attribute"] == name


@pytest.mark.parametrize("version", ["0.3", "0.9", "1.1", "2.0", "1.0.2", " 1.0"])
def test_spec_specversion_must_be_1_0(version: str) -> None:
    error = refusal(json.dumps({**REQUIRED, "specversion": version}).encode())
    assert "MUST be '1.0'" in error.message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("source", "a b"),
        ("source", "http://[::1"),
        ("datacontenttype", "xyz"),
        ("datacontenttype", ""),
        ("dataschema", ""),
        ("dataschema", "/relative"),
        ("subject", ""),
        ("time", "lunchtime"),
        ("time", "2018-04-05T18:31Z"),
        ("time", "2018-04-05T18:31:00X"),
        ("time", "2018-04-05T18:31:00+25:00"),
        ("time", "2018-04-05T18:31:00+xx:00"),
        ("time", "2018-04-05T18:31:00+05"),
        ("id", "a\u0000"),
        ("type", "a\u0085"),
        ("subject", "\ufffe"),
        ("ext", "\U0001ffff"),
        ("ext", "\x7f"),
    ],
)
def test_spec_a_value_that_breaks_its_rule_is_refused_by_name(name: str, value: str) -> None:
    error = refusal(json.dumps({**REQUIRED, name: value}).encode())
    assert error.details["attribute"] == name
    assert error.details["spec"]


@pytest.mark.parametrize("name", ["MyExtension", "my.extension", "my_ext", "", "é", "data-x", "ID"])
@pytest.mark.parametrize("value", ["bad", 1.5, None])
def test_spec_naming_conventions(name: str, value: object) -> None:
    assert "no attribute name" in refusal(json.dumps({**REQUIRED, name: value}).encode()).message


def test_spec_a_name_of_more_than_20_characters_is_allowed() -> None:
    name = "opcuametadatamajorversion"
    assert event_of(**{name: 1}).extensions == {name: 1}


def test_spec_the_spelling_of_a_time_is_kept() -> None:
    assert event_of(time="2018-04-05t18:31:00.1200+01:00").time == "2018-04-05t18:31:00.1200+01:00"


# --- 2.2: types


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("false", False),
        ("0", 0),
        ("-0", 0),
        ("2147483647", 2**31 - 1),
        ("-2147483648", -(2**31)),
        ('""', ""),
        ('"TWE="', "TWE="),
        ('"\\u00e9\\n"'.replace("\\n", ""), "é"),
        ('"a\\"b\\\\"', 'a"b\\'),
        ('"\\ud83d\\ude00"', "😀"),
    ],
)
def test_2_2_values_of_extensions(text: str, value: object) -> None:
    found = decode(raw_event(f'"ext": {text}')).extensions["ext"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    "text",
    ["1.0", "1.5", "1e2", "2147483648", "-2147483649", "9" * 5000, "{}", "[]", '{"a":1}', '["a"]'],
)
def test_2_2_other_json_values_are_no_attribute_values(text: str) -> None:
    assert refusal(raw_event(f'"ext":{text}')).details["attribute"] == "ext"


@pytest.mark.parametrize("name", ["subject", "time", "dataschema", "datacontenttype", "ext"])
def test_2_2_null_is_unset(name: str) -> None:
    assert event_of(**{name: None}) == Event(id="1", source="/s", type="t")


@pytest.mark.parametrize("name", ["id", "source", "type", "subject", "time", "dataschema"])
@pytest.mark.parametrize("text", ["5", "true", "{}", '["x"]'])
def test_2_2_a_core_attribute_must_be_a_json_string(name: str, text: str) -> None:
    members = {key: json.dumps(value) for key, value in REQUIRED.items()} | {name: text}
    body = "{" + ",".join(f'"{key}":{value}' for key, value in members.items()) + "}"
    assert refusal(body.encode()).details["attribute"] == name


# --- 3: the envelope


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"null",
        b"[]",
        b'"x"',
        b"5",
        b'{"id":}',
        b"{'id':1}",
        b'{"id":"1"}x',
        b'\xef\xbb\xbf{"id":"1"}',
        raw_event('"a":01'),
        raw_event('"a":NaN'),
        raw_event('"data":[1,]'),
        raw_event('"data":{"a":nul}'),
        raw_event('"a":"\\ud800"'),
        raw_event('"data":"\\q"'),
        raw_event('"data":"\x01"'),
        b"\x00" * 10,
    ],
)
def test_3_what_is_no_json_object_is_refused(body: bytes) -> None:
    assert refusal(body).details["attribute"] == "body"


@pytest.mark.parametrize(
    "body",
    [
        raw_event('"data":"x"').replace(b"x", b"\xff"),
        raw_event('"data":{"x":1}').replace(b"x", b"\xc0\xa0"),
        raw_event('"ext":"x"').replace(b'"x"', b'"\xed\xa0\x80"'),
        raw_event('"x":"1"').replace(b"x", b"\xff"),
    ],
)
def test_3_what_is_no_utf_8_is_refused_with_its_place(body: bytes) -> None:
    assert "UTF-8, and is not at byte" in refusal(body).message


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
@pytest.mark.parametrize("closed", [True, False])
def test_3_deep_nesting_is_refused(opening: bytes, *, closed: bool) -> None:
    ends = (b"]" if opening == b"[" else b"}") if closed else b""
    data = opening * 100_000 + b"1" + ends * 100_000
    assert "nested too deeply" in refusal(raw_event('"data":D').replace(b"D", data)).message


@pytest.mark.parametrize(
    "members",
    [
        '"id":"2"',
        '"id":"1"',
        '"i\\u0064":"2"',
        '"\\u0073ource" : "/t"',
        '"a":1,"a":1',
        '"a":"x:y","b":"\\":","a":null',
        '"data":1,"data":1',
        '"data":{"a":":"},"dat\\u0061":{"a":1}',
        '"data_base64":"","data_base64":""',
        '"subject":"x" , "subject" \n:\t"y"',
        '"id":"a\\u003ab"',
        '"id":"a\\u003Ab"',
    ],
)
def test_3_a_duplicate_member_is_refused(members: str) -> None:
    assert "duplicate member" in refusal(raw_event(members)).message


@pytest.mark.parametrize(
    "members",
    [
        '"a":"b:c","time":"2018-04-05T17:31:00Z"',
        '"data":{"a":1,"a":2,":":":"}',
        '"data":"\\"id\\":\\"2\\""',
        ' "subject" : "\\u003a:" , "data" : [ ":" ] ',
        '"i\\u0064x":"x"',
    ],
)
def test_3_colons_and_names_inside_of_values_are_no_duplicates(members: str) -> None:
    assert decode(raw_event(members)).id == "1"


def test_3_white_space_between_members_does_not_matter() -> None:
    body = json.dumps({**REQUIRED, "subject": "a:b", "data": {"x": [1]}}, indent=4)
    event = decode(body.replace("\n", "\r\n\t").encode())
    assert (event.subject, json.loads(event.data or b"")) == ("a:b", {"x": [1]})


# --- 3.1: data


@pytest.mark.parametrize(
    "text",
    [
        '{"n": 1.50, "big": 123456789012345678901234567890, "e": 1E5, "u": "\\u00e9/\\/"}',
        "1.5",
        "null",
        "true",
        '""',
        '"I\'m just a string"',
        '"{\\"a\\": 1}"',
        "[1,  2 ,\t3]",
        "[]",
    ],
)
@pytest.mark.parametrize("media_type", [None, "application/json", "image/X+JSON; a=b"])
def test_3_1_2_a_json_payload_is_kept_byte_for_byte(text: str, media_type: str | None) -> None:
    body = raw_event(f'"data": {text} , "datacontenttype":{json.dumps(media_type)}')
    event = decode(body)
    assert (event.data, event.text) == (text.encode(), True)
    assert event.datacontenttype == (media_type or "application/json")
    assert encode(event).endswith(b'"data":' + text.encode() + b"}")


def test_3_1_1_data_null_is_a_payload_and_no_data_is_none() -> None:
    assert event_of(data=None).data == b"null"
    assert event_of().data is None


@pytest.mark.parametrize("text", ["Simple text", "", '{"a":1}', "<a>é</a>", "line\nline\u0000"])
def test_3_1_2_a_string_of_another_type_is_text(text: str) -> None:
    event = event_of(datacontenttype="text/plain", data=text)
    assert (event.data, event.text) == (text.encode(), True)
    assert json.loads(encode(event))["data"] == text


@pytest.mark.parametrize("data", [5, 1.5, True, {"a": 1}, ["a"]])
def test_3_1_2_another_value_under_a_type_that_is_not_json_is_refused(data: object) -> None:
    error = refusal(
        json.dumps({**REQUIRED, "datacontenttype": "text/plain", "data": data}).encode()
    )
    assert "text/plain" in error.message


def test_3_1_2_null_under_a_type_that_is_not_json_is_no_payload() -> None:
    assert event_of(datacontenttype="text/plain", data=None).data is None


def test_3_1_2_a_string_is_encoded_as_its_type_declares() -> None:
    event = event_of(datacontenttype="text/plain; charset=ISO-8859-1", data="é")
    assert (event.data, event.text) == (b"\xe9", False)


@pytest.mark.parametrize("charset", ["iso-8859-1", "no-such-charset", "idna", "rot13", "hex"])
def test_3_1_2_a_string_that_cannot_be_encoded_so_is_refused(charset: str) -> None:
    members = {**REQUIRED, "datacontenttype": f"text/plain; charset={charset}", "data": "€"}
    assert refusal(json.dumps(members).encode()).details["attribute"] == "data"


@pytest.mark.parametrize("media_type", [None, "application/json", "text/plain"])
def test_3_1_2_data_base64_is_bytes_and_assumes_no_type(media_type: str | None) -> None:
    event = event_of(datacontenttype=media_type, data_base64="eyAieHl6IjogMTIzIH0=")
    assert event.data == b'{ "xyz": 123 }'
    assert (event.text, event.datacontenttype) == (False, media_type)


def test_3_1_2_null_data_base64_is_no_payload() -> None:
    assert event_of(data_base64=None).data is None


@pytest.mark.parametrize(
    "value", ["A", "AA", "AAA", "AA=", "A===", "AA==AA==", "AA-_", "A A=", "é===", "AAAA=", 5, {}]
)
def test_3_1_2_what_is_no_base64_is_refused(value: object) -> None:
    error = refusal(json.dumps({**REQUIRED, "data_base64": value}).encode())
    assert error.details["attribute"] == "data_base64"


@pytest.mark.parametrize("data", ["text", None, 5])
def test_3_1_1_data_and_data_base64_exclude_each_other(data: object) -> None:
    error = refusal(json.dumps({**REQUIRED, "data": data, "data_base64": "AA=="}).encode())
    assert "data_base64" in error.message


def test_3_1_1_bytes_are_written_as_base64_without_inventing_a_type() -> None:
    members = json.loads(encode(Event(id="1", source="/s", type="t", data=b'{"a":1}')))
    assert members == {**REQUIRED, "data_base64": base64.b64encode(b'{"a":1}').decode()}


@pytest.mark.parametrize("data", [b'{"a":1}', b" [1.50]\n", b"null", '"é"'.encode()])
def test_3_1_1_bytes_that_are_json_by_type_and_in_fact_are_written_as_a_json_value(
    data: bytes,
) -> None:
    event = Event(
        id="1", source="/s", type="t", datacontenttype="application/json", data=data, text=False
    )
    assert json.loads(encode(event))["data"] == json.loads(data)
    assert decode(encode(event)).data == data.strip()


@pytest.mark.parametrize(
    "data", [b"", b"{", b"\xff", b'"\xff"', b"\xef\xbb\xbf{}", b"1 2", b"[" * 5000, b'"\\ud800"']
)
@pytest.mark.parametrize("text", [True, False])
def test_3_1_1_json_by_type_but_not_in_fact_is_written_as_base64(
    data: bytes, *, text: bool
) -> None:
    event = Event(
        id="1", source="/s", type="t", datacontenttype="application/json", data=data, text=text
    )
    assert json.loads(encode(event))["data_base64"] == base64.b64encode(data).decode()
    assert decode(encode(event)).data == data


def test_3_all_attributes_become_members() -> None:
    event = Event(
        id="i",
        source="/s",
        type="t",
        subject="s",
        time="2018-04-05T17:31:00Z",
        datacontenttype="text/plain",
        dataschema="urn:x",
        extensions={"a": True, "b": -1, "c": "é", "d": b"Ma"},
    )
    assert json.loads(encode(event)) == {
        "specversion": "1.0",
        "id": "i",
        "source": "/s",
        "type": "t",
        "subject": "s",
        "time": "2018-04-05T17:31:00Z",
        "datacontenttype": "text/plain",
        "dataschema": "urn:x",
        "a": True,
        "b": -1,
        "c": "é",
        "d": "TWE=",
    }


@given(events())
def test_3_what_is_written_is_read_again(event: Event) -> None:
    assert repr(decode(encode(event))) == repr(in_json(event))


@given(st.dictionaries(st.text(max_size=3), json_texts, min_size=1, max_size=4), st.data())
@example({'":': b"1"}, None)
def test_3_a_duplicate_is_found_whatever_stands_around_it(
    data: dict[str, bytes], drawn: st.DataObject | None
) -> None:
    inner = b",".join(json.dumps(name).encode() + b":" + value for name, value in data.items())
    member = drawn.draw(st.sampled_from(["id", "data", "subject"])) if drawn else "subject"
    good = raw_event('"subject":"x:\\":","data":D').replace(b"D", b"{" + inner + b"}")
    assert decode(good).data == b"{" + inner + b"}"
    bad = good[:-1] + b',"' + member.encode() + b'":"x"}'
    assert "duplicate member" in refusal(bad).message


# --- 3.2: the examples that json-format.md shows in both forms, as a shape


@pytest.mark.parametrize(
    ("members", "content_type", "body"),
    [
        (
            '"datacontenttype":"application/x-thrift","data_base64":"AQI="',
            b"application/x-thrift",
            b"\x01\x02",
        ),
        (
            '"datacontenttype":"application/xml","data":"<a b=\\"c\\"/>"',
            b"application/xml",
            b'<a b="c"/>',
        ),
        (
            '"datacontenttype":"application/json","data":{"a" : 1}',
            b"application/json",
            b'{"a" : 1}',
        ),
        ('"datacontenttype":"application/json","data":1.5', b"application/json", b"1.5"),
        ('"data":"I\'m just a string"', b"application/json", b'"I\'m just a string"'),
        ('"data_base64":"eyAieHl6IjogMTIzIH0="', None, b'{ "xyz": 123 }'),
    ],
)
def test_3_2_a_json_event_and_its_twin_in_binary_mode(
    members: str, content_type: bytes | None, body: bytes
) -> None:
    headers, written = encode_binary(decode(raw_event(members)))
    assert (dict(headers).get(b"content-type"), written) == (content_type, body)
    twin = decode_http(headers, written)
    assert isinstance(twin, Event)
    assert twin.data == body


# --- 4: batches


def test_4_2_a_batch_is_an_array_of_events() -> None:
    batch = [Event(id="1", source="/s", type="t"), Event(id="1", source="/s", type="t", data=b"\0")]
    assert decode_batch(encode_batch(batch)) == batch


def test_4_3_an_empty_array_is_a_batch() -> None:
    assert decode_batch(b" [] ") == []
    assert encode_batch([]) == b"[]"


@pytest.mark.parametrize("body", [b"{}", b"", b"null", b"[", b"[1,]", b"[\xff]", b"[" * 100_000])
def test_4_1_what_is_no_array_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidEvent, match=r"^body"):
        decode_batch(body)


def test_4_1_the_errors_of_all_events_are_told() -> None:
    duplicate = raw_event('"id":"1"')
    with pytest.raises(InvalidBatch) as refused:
        decode_batch(b"[" + duplicate + b",[]," + json.dumps(REQUIRED).encode() + b"]")
    assert list(refused.value.errors) == [0, 1]


_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**33), 2**33),
    st.text(max_size=8),
    st.sampled_from(
        ["1.0", "http://a:1/b", "text/plain", "application/json", "a:b", "2020-01-01T00:00:00Z"]
    ),
    st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
)
_DOCUMENTS = st.dictionaries(
    st.sampled_from(
        ["subject", "time", "datacontenttype", "dataschema", "data", "data_base64", "ext", "a:b"]
    ),
    _VALUES,
    max_size=5,
)


def member_by_member(body: bytes) -> Event:
    cloudevents_json._check_utf8(body)
    return cloudevents_json._event(body)


def _outcome(read: Callable[[bytes], Event], body: bytes) -> str:
    try:
        return repr(read(body))
    except CallerError as error:
        return f"{type(error).__name__}: {error}"


@given(
    _DOCUMENTS,
    st.dictionaries(st.sampled_from(["id", "source", "type", "specversion"]), _VALUES),
    st.booleans(),
    st.sampled_from(["", '"id":"twice",', '"subject":"a:b","subject":"c",', '"\\u0069d":"x",']),
)
def test_an_event_read_in_one_go_is_read_as_member_by_member(
    document: dict[str, object], wrong: dict[str, object], escaped: bool, twice: str
) -> None:
    members = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t", **document, **wrong}
    text = json.dumps(members, ensure_ascii=escaped)
    body = ("{" + twice + text[1:]).encode("utf-8", "surrogatepass")
    assert _outcome(decode, body) == _outcome(member_by_member, body)
