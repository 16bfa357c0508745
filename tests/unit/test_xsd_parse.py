"""Schemas come whole: what they refer to is given with them, and nothing else is looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from chappe.domain.errors import Malformed
from chappe.formats.xsd.language import Xsd
from tests.unit.xsd_fixture import document, element, is_valid, parse, sequence, simple

INT = '<xs:simpleType name="t"><xs:restriction base="xs:int"/></xs:simpleType>'


def _why(body: str, attributes: str = "", references: dict[str, bytes] | None = None) -> str:
    with pytest.raises(Malformed) as caught:
        parse(body, attributes, references)
    return caught.value.message


@pytest.mark.parametrize(
    ("named", "spelled"),
    [("XSD", "XSD"), ("xsd", "XSD"), ("xsd/1.0", "XSD/1.0"), ("XSD/1.1", "XSD/1.1")],
)
def test_formats_have_one_spelling(named: str, spelled: str) -> None:
    assert Xsd().canonical_format(named) == spelled
    assert Xsd().parse(document(INT), named).format == spelled


@pytest.mark.parametrize("named", ["", "XSD/", "XSD/2", "XSD/1.10", "XML", "XSD/1.0\n"])
def test_other_formats_are_not_of_this_language(named: str) -> None:
    assert Xsd().canonical_format(named) is None
    with pytest.raises(Malformed, match=r"dataschemaformat: .* is unknown; known: XSD, XSD/1.0"):
        Xsd().parse(document(INT), named)


def test_an_include_is_one_of_the_references() -> None:
    schema = parse(
        '<xs:include schemaLocation="types.xsd"/><xs:element name="a" type="t"/>',
        references={"types.xsd": document(INT)},
    )
    assert schema.references == ("types.xsd",)
    assert is_valid(schema, "<a>1</a>")
    assert not is_valid(schema, "<a>x</a>")


def test_an_included_schema_without_a_namespace_takes_that_of_the_including_one() -> None:
    schema = parse(
        '<xs:include schemaLocation="t"/><xs:element name="a" type="u:t"/>',
        'targetNamespace="urn:u" xmlns:u="urn:u"',
        {"t": document(INT + '<xs:simpleType name="s"><xs:restriction base="t"/></xs:simpleType>')},
    )
    assert is_valid(schema, '<a xmlns="urn:u">1</a>')
    assert sorted(schema.model.types) == ["{urn:u}s", "{urn:u}t"]


def test_an_import_is_found_by_its_location_or_else_by_its_namespace() -> None:
    other = document(INT, 'targetNamespace="urn:v"')
    body = '<xs:import namespace="urn:v" {}/><xs:element name="a" type="v:t"/>'
    for location, name in (('schemaLocation="v.xsd"', "v.xsd"), ("", "urn:v")):
        schema = parse(body.format(location), 'xmlns:v="urn:v"', {name: other})
        assert not is_valid(schema, "<a>x</a>")


def test_a_location_is_seen_from_the_document_that_it_stands_in() -> None:
    references = {
        "common/all.xsd": document('<xs:include schemaLocation="types.xsd"/>'),
        "common/types.xsd": document(INT),
    }
    body = '<xs:include schemaLocation="common/all.xsd"/><xs:element name="a" type="t"/>'
    schema = parse(body, references=references)
    assert schema.references == ("common/all.xsd",)
    assert not is_valid(schema, "<a>x</a>")


def test_documents_may_include_each_other() -> None:
    references = {
        "one": document('<xs:include schemaLocation="two"/>' + INT),
        "two": document('<xs:include schemaLocation="one"/><xs:element name="a" type="t"/>'),
    }
    assert not is_valid(parse('<xs:include schemaLocation="two"/>', references=references), "<a/>")


def test_the_attributes_of_xml_need_no_reference() -> None:
    schema = parse(
        '<xs:import namespace="http://www.w3.org/XML/1998/namespace"'
        ' schemaLocation="http://www.w3.org/2001/xml.xsd"/>'
        + element('<xs:attribute ref="xml:lang"/>')
    )
    assert is_valid(schema, '<a xml:lang="de"/>')
    assert not is_valid(schema, '<a xml:lang="?"/>')


@pytest.mark.parametrize("kind", ["include", "import", "redefine"])
@pytest.mark.parametrize(
    "location",
    ["file:///etc/passwd", "/etc/passwd", "../x.xsd", "http://127.0.0.1:1/x.xsd", "schema:/0", ""],
)
def test_3b_what_is_not_among_the_references_is_refused(kind: str, location: str) -> None:
    message = _why(f'<xs:{kind} schemaLocation="{location}"/>{INT}', references={"other": b""})
    assert message == (
        f"dataschema: xs:{kind} refers to {location!r}, which is none of the references given"
        " ('other'); a schema must come with all that it refers to"
    )


def test_3b_a_file_that_is_there_is_not_read(tmp_path: Path) -> None:
    there = tmp_path / "there.xsd"
    there.write_bytes(document(INT))
    assert "none of the references" in _why(f'<xs:include schemaLocation="{there.as_uri()}"/>')
    schema = parse('<xs:element name="a" type="xs:int"/>')
    hint = f'xsi:noNamespaceSchemaLocation="{there.as_uri()}"'
    payload = f'<b xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" {hint}>1</b>'
    assert not is_valid(schema, payload)


def test_3b_xml_base_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "t.xsd").write_bytes(document(INT))
    base = f'xml:base="{tmp_path.as_uri()}/"'
    references = {"t.xsd": document('<xs:element name="mine" type="xs:int"/>')}
    schema = parse('<xs:include schemaLocation="t.xsd"/>', base, references)
    assert list(schema.model.elements) == ["mine"]


@pytest.mark.parametrize(
    ("construct", "body"),
    [
        ("xs:assert", element(sequence() + '<xs:assert test="true()"/>')),
        ("xs:assertion", simple('<xs:assertion test="true()"/>')),
        ("xs:alternative", '<xs:element name="a"><xs:alternative type="xs:int"/></xs:element>'),
        ("xs:override", '<xs:override schemaLocation="x"/>'),
        ("xs:openContent", element('<xs:openContent mode="interleave"/>')),
        ("xs:defaultOpenContent", '<xs:defaultOpenContent mode="suffix"/>'),
        ("xs:explicitTimezone", simple('<xs:explicitTimezone value="required"/>', "xs:dateTime")),
        ("the attribute notQName", element(sequence('<xs:any notQName="b"/>'))),
        ("the attribute notNamespace", element('<xs:anyAttribute notNamespace="urn:x"/>')),
        ("the attribute defaultAttributesApply", element("", 'defaultAttributesApply="false"')),
        ("the attribute inheritable", element('<xs:attribute name="i" inheritable="true"/>')),
        ("the type xs:dateTimeStamp", '<xs:element name="a" type="xs:dateTimeStamp"/>'),
        ("the type xs:dayTimeDuration", simple("", "xs:dayTimeDuration")),
        ("a substitutionGroup of several heads", '<xs:element name="a" substitutionGroup="b c"/>'),
        (
            "a targetNamespace of its own",
            element(sequence('<xs:element name="b" targetNamespace="urn:x"/>')),
        ),
        (
            "maxOccurs='2' within xs:all",
            element('<xs:all><xs:element name="b" maxOccurs="2"/></xs:all>'),
        ),
        ("xs:any within xs:all", element("<xs:all><xs:any/></xs:all>")),
    ],
)
def test_what_only_xsd_1_1_has_is_refused_by_its_name(construct: str, body: str) -> None:
    assert _why(body) == (
        f"dataschema: line 1: {construct} is of XSD 1.1 and is not served; XSD 1.0 is"
    )


def test_conditional_inclusion_is_refused() -> None:
    versioning = 'xmlns:vc="http://www.w3.org/2007/XMLSchema-versioning" vc:minVersion="1.1"'
    assert "the attribute vc:minVersion is of XSD 1.1" in _why(INT, versioning)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ('<xs:element name="a" type="nope"/>', "does not resolve to a(n) type definition"),
        ('<xs:element name="a" type="p:t"/>', "not well-formed|is bound to no namespace|prefix"),
        ("\n<xs:thing/>", "The content is not valid"),
        (
            "<xs:annotation>\n</xs:annotation>\n<xs:element name='a' type='nope'/>",
            "line 3: element decl. 'a'",
        ),
        (
            element(sequence('<xs:element name="b" minOccurs="0"/>', '<xs:element name="b"/>')),
            "determinist",
        ),
        (simple('<xs:pattern value="(a"/>'), "the pattern '(a': '(' is not closed"),
        (simple('<xs:length value="x"/>'), "length"),
    ],
)
def test_no_schema_is_refused_with_the_reason(body: str, why: str) -> None:
    message = _why(body)
    assert message.startswith("dataschema: ")
    assert any(each in message for each in why.split("|"))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not well-formed"),
        (b"<a/>", "the root element 'a' is no xs:schema"),
        (b"<!DOCTYPE a><a/>", "it has a document type"),
        (b'<?xml version="1.0" encoding="UTF-7"?><a/>', "the encoding 'UTF-7' is none of"),
        ("<!DOCTYPE a><a/>".encode("utf-16"), "it has a document type"),
        ("<!DOCTYPE a><a/>".encode("utf-16-le"), "it has a document type"),
        ("<a/>".encode("utf-32"), "encoding"),
        (b"\xff\xfe<\xd8", "UTF-16"),
        (b'<?xml version="1.0" encoding="' + b"x" * 60 + b'"?><a/>', "the XML declaration"),
    ],
)
def test_no_xml_is_refused_with_the_reason(data: bytes, why: str) -> None:
    with pytest.raises(Malformed) as caught:
        Xsd().parse(data, "XSD")
    assert why in caught.value.message


def test_a_bad_reference_is_named() -> None:
    message = _why('<xs:include schemaLocation="r"/>', references={"r": b"<!DOCTYPE x><x/>"})
    assert message.startswith("dataschema: the reference 'r': it has a document type")


def test_a_schema_in_utf_16_is_read() -> None:
    schema = Xsd().parse(document(INT).decode().encode("utf-16"), "XSD")
    assert schema.canonical().startswith("<xs:schema")


def test_a_document_of_another_namespace_cannot_be_included() -> None:
    references = {"r": document(INT, 'targetNamespace="urn:v"')}
    message = _why('<xs:include schemaLocation="r"/>', 'targetNamespace="urn:u"', references)
    assert message == "dataschema: xs:include of 'r': its namespace 'urn:v' is not 'urn:u'"


def test_what_is_redefined_must_be_there() -> None:
    body = f'<xs:redefine schemaLocation="r">{INT}</xs:redefine>'
    assert "xs:redefine: 't' is not declared" in _why(body, references={"r": document("")})
