"""core/http.md "HTTP Header Values" and "Serializing Resource Domain-Specific Documents"."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.http.exchange import Header
from chappe.http.registry.header_values import (
    attribute_headers,
    decode_value,
    document_write,
    encode_value,
)
from chappe.registry.errors import RegistryError
from chappe.registry.model_source import compile_model
from chappe.registry.request import DocumentWrite

MODEL = compile_model(
    {"groups": {"dirs": {"singular": "dir", "resources": {"files": {"singular": "file"}}}}}
)
FILES = MODEL.groups["dirs"].resources["files"]


def read(*headers: Header, body: bytes = b"") -> DocumentWrite:
    return document_write(headers, body, FILES, subject="/dirs/d1/files/f1")


def test_header_values_the_example_of_the_specification() -> None:
    text = "Euro € \N{GRINNING FACE}"
    assert encode_value(text) == b"Euro%20%E2%82%AC%20%F0%9F%98%80"
    assert decode_value("x", encode_value(text), subject="/") == text


@pytest.mark.parametrize(
    ("text", "value"),
    [(" ", b"%20"), ('"', b"%22"), ("%", b"%25"), ("\r\n", b"%0D%0A"), ("!~", b"!~"), ("", b"")],
)
def test_header_values_what_is_encoded(text: str, value: bytes) -> None:
    assert encode_value(text) == value


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_header_values_decoding_undoes_encoding(text: str) -> None:
    assert decode_value("x", encode_value(text), subject="/") == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b'"Euro %E2%82%AC"', "Euro €"),
        (b'"a \\"b\\" \\\\"', 'a "b" \\'),
        (b"%41%e2%82%ac", "A€"),
        (b"%2541", "%41"),
        (b"my doc", "my doc"),
        (b"(no comment)", "(no comment)"),
    ],
)
def test_header_values_quotes_first_then_one_round_of_percent_decoding(
    value: bytes, text: str
) -> None:
    assert decode_value("x", value, subject="/") == text


@pytest.mark.parametrize("value", [b"%C0%A0", b"%FF", b"%ED%A0%80", b"%", b"5%", b'"open', b"\xff"])
def test_header_values_what_is_no_text_is_a_header_error(value: bytes) -> None:
    with pytest.raises(RegistryError) as refused:
        read((b"xregistry-name", value))
    assert refused.value.kind == "header_error"
    assert refused.value.args_shown["name"] == "xRegistry-name"
    assert refused.value.subject == "/dirs/d1/files/f1"


def test_documents_attributes_are_read_beside_the_document() -> None:
    found = read(
        (b"host", b"x"),
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"xregistry-name", b"a%20b"),
        (b"xregistry-epoch", b"5"),
        (b"xregistry-description", b"null"),
        (b"xregistry-icon", b'"null"'),
        (b"xregistry-labels.a.b", b"1"),
        (b"xregistry-labels.c", b""),
        body=b"hello",
    )
    assert found == DocumentWrite(
        b"hello",
        {
            "name": "a b",
            "epoch": "5",
            "description": None,
            "icon": "null",
            "labels": {"a.b": "1", "c": ""},
        },
        "text/plain; charset=utf-8",
    )


def test_documents_without_a_content_type_say_so() -> None:
    assert read().contenttype is None


def test_documents_a_key_of_a_map_that_is_null_is_left_out() -> None:
    found = read((b"xregistry-labels.a", b"null"), (b"xregistry-labels.b", b"1"))
    assert found.attributes == {"labels": {"b": "1"}}


def test_documents_a_map_can_be_emptied_before_it_is_filled() -> None:
    headers = [(b"xregistry-labels", b"null"), (b"xregistry-labels.b", b"1")]
    assert read(*headers).attributes == {"labels": {"b": "1"}}
    assert read(*reversed(headers)).attributes == {"labels": {"b": "1"}}


def test_documents_the_same_header_may_stand_twice() -> None:
    assert read((b"xregistry-name", b"a"), (b"xregistry-name", b"a")).attributes == {"name": "a"}


@pytest.mark.parametrize("name", [b"file", b"filebase64", b"contenttype"])
def test_documents_are_never_headers(name: bytes) -> None:
    with pytest.raises(RegistryError) as refused:
        read((b"xregistry-" + name, b"aGVsbG8="))
    assert refused.value.kind == "extra_xregistry_header"
    assert refused.value.args_shown["name"] == f"xRegistry-{name.decode()}"


def test_documents_are_either_here_or_elsewhere() -> None:
    with pytest.raises(RegistryError) as refused:
        read((b"xregistry-fileurl", b"http://x"), body=b"hello")
    assert refused.value.kind == "extra_xregistry_header"
    assert read((b"xregistry-fileurl", b"null"), body=b"hello").attributes == {"fileurl": None}
    assert read((b"xregistry-fileurl", b"http://x")).attributes == {"fileurl": "http://x"}


@pytest.mark.parametrize(
    "headers",
    [
        [(b"xregistry-", b"foo")],
        [(b"xregistry-labels.", b"foo")],
        [(b"xregistry-.a", b"foo")],
        [(b"xregistry-name", b"a"), (b"xregistry-name", b"b")],
        [(b"xregistry-labels.a", b"1"), (b"xregistry-labels.a", b"2")],
        [(b"xregistry-labels", b"x"), (b"xregistry-labels.a", b"2")],
        [(b"xregistry-labels.a", b"2"), (b"xregistry-labels", b"x")],
        [(b"content-type", b"\xff")],
    ],
)
def test_documents_headers_that_make_no_sense_are_header_errors(headers: list[Header]) -> None:
    with pytest.raises(RegistryError) as refused:
        read(*headers)
    assert refused.value.kind == "header_error"


def test_documents_attributes_are_shown_as_headers() -> None:
    attributes = {"name": "a b", "isdefault": "true", "labels.a.b": "1", "labels.c": ""}
    assert attribute_headers(attributes) == [
        (b"xregistry-name", b"a%20b"),
        (b"xregistry-isdefault", b"true"),
        (b"xregistry-labels.a.b", b"1"),
        (b"xregistry-labels.c", b""),
    ]


@pytest.mark.parametrize("key", ["a:b", "a b", "a\r\nx", "é"])
def test_documents_a_key_that_is_no_header_s_name_is_not_shown(key: str) -> None:
    assert attribute_headers({f"labels.{key}": "1"}) == []
