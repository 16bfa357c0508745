from __future__ import annotations

import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.domain.attributes import (
    CHECKS,
    Memo,
    charset,
    check_integer,
    check_name,
    check_string,
    is_absolute_uri,
    is_json,
    is_media_type,
    is_rendered,
    is_uri_reference,
    render,
    timestamp,
)
from chappe.domain.errors import InvalidEvent
from tests.fuzz.strategies import FORBIDDEN, timestamps
from tests.speed import slowness


@pytest.mark.parametrize("name", ["a", "0", "traceparent", "opcuametadatamajorversion", "a" * 300])
def test_a_name_of_lower_case_letters_and_digits_names_an_attribute(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", "A", "a_b", "a-b", "my.extension", "é", "a ", "data", "²"])
def test_other_names_are_refused_with_the_name_in_the_message(name: str) -> None:
    with pytest.raises(InvalidEvent, match="Naming Conventions") as refused:
        check_name(name)
    assert refused.value.details["attribute"] == name


def test_a_string_may_hold_every_code_point_but_the_forbidden_ones() -> None:
    forbidden = {*FORBIDDEN, *map(chr, range(0xD800, 0xE000))}
    refused = set()
    for character in map(chr, range(sys.maxunicode + 1)):
        try:
            check_string("x", character)
        except InvalidEvent:
            refused.add(character)
    assert refused == forbidden


def test_a_forbidden_character_is_named() -> None:
    with pytest.raises(InvalidEvent, match=r"MUST NOT contain U\+0007"):
        check_string("subject", "ding\x07")


@pytest.mark.parametrize("number", [-(2**31), 0, 2**31 - 1])
def test_an_integer_has_32_bits(number: int) -> None:
    assert check_integer("x", number) == number


@pytest.mark.parametrize("number", [-(2**31) - 1, 2**31])
def test_an_integer_of_more_bits_is_refused(number: int) -> None:
    with pytest.raises(InvalidEvent, match="32-bit"):
        check_integer("x", number)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "#fragment",
        "1-555-123-4567",
        "/cloudevents/spec/pull/123",
        "https://github.com/cloudevents?a=b/?#/?",
        "mailto:cncf-wg-serverless@lists.cncf.io",
        "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66",
        "//authority/path",
        "http://user:pw@host:80/",
        "http://[2001:db8::7]/c=GB?one",
        "http://[::ffff:1.2.3.4]:8080",
        "http://[v1.fe:d]/",
        "http://",
        "file:///etc/hosts",
        "./a:b",
        "a/b:c",
        "?a:b",
        "%41%c3%a9",
        "a:",
        "http://host:",
    ],
)
def test_rfc_3986_4_1_a_uri_reference(text: str) -> None:
    assert is_uri_reference(text)


@pytest.mark.parametrize(
    "text",
    [
        "a b",
        "%",
        "%4",
        "%4g",
        "é",
        "1:2",
        ":a",
        "a_b:c",
        "http://[::1",
        "http://[1::2::3]/",
        "http://[v1]/",
        "http://ho st",
        "http://host:80a",
        "http://a@b@c",
        "#a#b",
        "a\\b",
        "<a>",
        "a\n",
        "{}",
        '"',
        "http://[::1]x/",
        "//[fe80::1%25en0]/",
    ],
)
def test_rfc_3986_no_uri_reference(text: str) -> None:
    assert not is_uri_reference(text)


@pytest.mark.parametrize("text", ["a:", "https://cloudevents.io/dataschema", "urn:x?y", "a:b:c"])
def test_rfc_3986_4_3_an_absolute_uri(text: str) -> None:
    assert is_absolute_uri(text)


@pytest.mark.parametrize(
    "text", ["", "/a", "a", "//host/a", "https://a/b#c", "1a:b", "https://a b"]
)
def test_rfc_3986_4_3_no_absolute_uri(text: str) -> None:
    assert not is_absolute_uri(text)


@pytest.mark.parametrize(
    "text",
    [
        "application/json",
        "TEXT/Plain; CharSet=utf-8",
        "application/vnd.x-1+json;a=b ; c=d",
        'multipart/mixed; boundary="a \\" b"',
        "text/plain;",
        "x/y;;a=b",
    ],
)
def test_rfc_2046_a_media_type(text: str) -> None:
    assert is_media_type(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "xyz",
        "text/",
        "/plain",
        "text/plain x",
        "text/pl@in",
        "text/plain; a",
        "text/plain; a=",
        'text/plain; a="b',
        "text/plain; a =b",
        "text/plain\n",
        "téxt/plain",
        "text/plain ",
    ],
)
def test_rfc_2046_no_media_type(text: str) -> None:
    assert not is_media_type(text)


@pytest.mark.parametrize(
    ("text", "says_json"),
    [
        ("application/json", True),
        ("Application/JSON ; a=b", True),
        ("image/x+json", True),
        ("text/json", True),
        ("application/json-seq", False),
        ("application/jsonx", False),
        ("text/plain; a=application/json", False),
        ("application/geo+json-seq", False),
    ],
)
def test_json_format_3_1_1_what_declares_json(text: str, *, says_json: bool) -> None:
    assert is_json(text) is says_json


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("text/plain", None),
        ("text/plain; CHARSET=ISO-8859-1", "iso-8859-1"),
        ('text/plain; a=b; charset="UTF-8"', "utf-8"),
        ('text/plain; a="charset=x"', None),
    ],
)
def test_the_charset_of_a_media_type(text: str, expected: str | None) -> None:
    assert charset(text) == expected


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("1970-01-01T00:00:00Z", (0, 0)),
        ("1969-12-31T23:59:59.5z", (-1, 500_000_000)),
        ("2018-04-05t17:31:00Z", (1_522_949_460, 0)),
        ("2018-04-05T18:31:00+01:00", (1_522_949_460, 0)),
        ("2018-04-05T16:31:00-01:00", (1_522_949_460, 0)),
        ("2018-04-05T17:31:00-00:00", (1_522_949_460, 0)),
        ("2018-04-05T17:31:00.000000001Z", (1_522_949_460, 1)),
        ("2018-04-05T17:31:00.12345678999Z", (1_522_949_460, 123_456_789)),
        ("2000-02-29T01:23:45.678+01:30", (951_782_025, 678_000_000)),
        ("2016-12-31T23:59:60Z", (1_483_228_800, 0)),
        ("2017-01-01T00:59:60+01:00", (1_483_228_800, 0)),
        ("0000-02-29T00:00:00Z", (-62_162_121_600, 0)),
        ("0001-01-01T00:00:00Z", (-62_135_596_800, 0)),
        ("9999-12-31T23:59:59Z", (253_402_300_799, 0)),
        ("2021-01-18T14:52:01+23:59", (1_610_895_181, 0)),
    ],
)
def test_rfc_3339_a_timestamp_names_an_instant(text: str, instant: tuple[int, int]) -> None:
    assert timestamp(text) == instant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "lunchtime",
        "2018-04-05T18:31Z",
        "2018-04-05T18:31:00",
        "2018-04-05T18:31:00X",
        "2018-04-05T18:31:00+25:00",
        "2018-04-05T18:31:00+24:00",
        "2018-04-05T18:31:00+xx:00",
        "2018-04-05T18:31:00+05",
        "2018-04-05T18:31:00+05:60",
        "2018-04-05T18:31:00+01:30:30",
        "2018-04-05 18:31:00Z",
        "2018-04-05T18:31:00.Z",
        "2018-04-05T18:31:00,5Z",
        "2018-04-05T18:31:00Z01",
        "2018-04-05T24:00:00Z",
        "2018-04-05T18:60:00Z",
        "2018-04-05T18:31:60Z",
        "2018-04-05T18:31:61Z",
        "2018-13-05T18:31:00Z",
        "2018-00-05T18:31:00Z",
        "2018-04-31T18:31:00Z",
        "2100-02-29T14:52:01Z",
        "18-04-05T18:31:00Z",
        "10000-01-01T00:00:00Z",
        "2018-W14-4T18:31:00Z",
        "٢٠١٨-04-05T18:31:00Z",
        "2018-04-05T18:31:00Z\n",
    ],
)
def test_rfc_3339_no_timestamp(text: str) -> None:
    assert timestamp(text) is None


@given(timestamps)
def test_rendering_keeps_the_instant_and_says_when_it_keeps_the_spelling(text: str) -> None:
    instant = timestamp(text)
    assert instant is not None
    if -62_135_596_800 <= instant[0] <= 253_402_300_799:
        rendered = render(instant)
        assert timestamp(rendered) == instant
        assert (rendered == text) == is_rendered(text)


@given(st.datetimes())
def test_timestamps_agree_with_the_calendar_of_python(when: object) -> None:
    from datetime import UTC, datetime

    assert isinstance(when, datetime)
    aware = when.replace(tzinfo=UTC)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    delta = aware - epoch
    assert timestamp(aware.isoformat()) == (
        delta.days * 86_400 + delta.seconds,
        delta.microseconds * 1000,
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("specversion", "1.0"),
        ("id", "1"),
        ("source", "/a"),
        ("type", "t"),
        ("subject", "s"),
        ("time", "2018-04-05T17:31:00Z"),
        ("datacontenttype", "text/plain"),
        ("dataschema", "urn:x"),
    ],
)
def test_a_core_attribute_is_taken_as_it_is_but_never_empty(name: str, text: str) -> None:
    assert CHECKS[name](text) == text
    with pytest.raises(InvalidEvent, match=f"^{name}: ''"):
        CHECKS[name]("")


@pytest.mark.parametrize(
    "text",
    [
        "%41" * 100_000 + "%",
        "a" * 300_000 + " ",
        "http://" + "a:" * 100_000 + "@" + "b" * 100_000 + "\\",
        "//" + "[" * 100_000,
    ],
)
def test_a_check_of_a_uri_takes_time_linear_in_its_length(text: str) -> None:
    start = time.process_time()
    assert not is_uri_reference(text)
    assert time.process_time() - start < 1.0 * slowness()


def test_a_check_of_a_media_type_takes_time_linear_in_its_length() -> None:
    start = time.process_time()
    assert not is_media_type("a/b" + "; a=b " * 50_000 + "@")
    assert time.process_time() - start < 1.0 * slowness()


def test_a_memo_forgets_rather_than_grows() -> None:
    made: list[str] = []

    def make(key: str) -> str:
        made.append(key)
        return key.upper()

    memo = Memo(make, limit=2)
    assert [memo[key] for key in ("a", "a", "b", "c", "x" * 300, "c")] == [
        "A",
        "A",
        "B",
        "C",
        "X" * 300,
        "C",
    ]
    assert made == ["a", "b", "c", "x" * 300]
    assert len(memo) == 1
