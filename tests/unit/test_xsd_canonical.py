"""The canonical text of an XML Schema: one for all spellings, and never one for two schemas."""

from __future__ import annotations

import pytest

from chappe.formats.xsd.language import Xsd, XsdSchema
from tests.unit.xsd_fixture import XS, parse

INT = '<xs:simpleType name="t"><xs:restriction base="xs:int"/></xs:simpleType>'


def _parsed(text: str) -> XsdSchema:
    schema = Xsd().parse(text.encode(), "XSD")
    assert isinstance(schema, XsdSchema)
    return schema


SAME = [
    INT.replace("><", ">\n  <"),
    INT.replace("<xs:r", "<!-- why --><xs:r").replace("/></", "></xs:restriction ></"),
    INT.replace('name="t"', "name=' t\n'"),
    "<?hint x?>" + INT,
]


@pytest.mark.parametrize("body", SAME)
def test_spellings_of_one_schema_have_one_canonical_text(body: str) -> None:
    assert parse(body).canonical() == parse(INT).canonical()


def test_the_canonical_text_is_exclusive_c14n() -> None:
    text = parse(INT, 'xmlns:unused="urn:u" version="1" id="i"').canonical()
    assert text == (
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" id="i" version="1">'
        '<xs:simpleType name="t"><xs:restriction base="xs:int"></xs:restriction></xs:simpleType>'
        "</xs:schema>"
    )


def test_a_prefix_that_only_names_in_attributes_use_is_kept() -> None:
    body = '<xs:import namespace="urn:v"/><xs:attribute name="i" type="xs:int"/>'
    used = '<xs:element name="a" type="v:t"/>'
    reference = {"urn:v": f'<xs:schema {XS} targetNamespace="urn:v">{INT}</xs:schema>'.encode()}
    schema = parse(body + used, 'xmlns:v="urn:v"', reference)
    assert 'xmlns:v="urn:v"' in schema.canonical()
    assert Xsd().parse(schema.canonical().encode(), "XSD", reference).canonical() == (
        schema.canonical()
    )


def test_schemas_that_differ_in_what_a_prefix_means_have_different_texts() -> None:
    body = '<xs:import namespace="urn:v"/><xs:import namespace="urn:w"/><xs:element name="a" type="p:t"/>'
    references = {
        uri: f'<xs:schema {XS} targetNamespace="{uri}">{INT}</xs:schema>'.encode()
        for uri in ("urn:v", "urn:w")
    }
    one, other = (parse(body, f'xmlns:p="{uri}"', references) for uri in references)
    assert one.canonical() != other.canonical()
    assert one.normalized() != other.normalized()


def test_white_space_of_values_and_documentation_stays() -> None:
    body = (
        "<xs:annotation><xs:documentation> two  words </xs:documentation></xs:annotation>"
        '<xs:simpleType name="t"><xs:restriction base="xs:string">'
        '<xs:enumeration value=" a  b "/></xs:restriction></xs:simpleType>'
    )
    text = parse(body).canonical()
    assert "> two  words <" in text
    assert 'value=" a  b "' in text


NORMALIZED = [
    (INT, f"<xs:annotation><xs:documentation>why</xs:documentation></xs:annotation>{INT}"),
    ('<xs:element name="a"/>', '<xs:element name="a" nillable="false" abstract="false"/>'),
    (INT + '<xs:element name="a"/>', '<xs:element name="a"/>' + INT),
    (
        '<xs:element name="a"/><xs:element name="b"/>',
        '<xs:element name="b"/><xs:element name="a"/>',
    ),
    ('<xs:element name="a"/>', '<xs:element name="a" id="x"/>'),
]


@pytest.mark.parametrize(("one", "other"), NORMALIZED)
def test_what_changes_nothing_is_not_in_the_normalized_text(one: str, other: str) -> None:
    assert parse(one).canonical() != parse(other).canonical()
    assert parse(one).normalized() == parse(other).normalized()


def test_prefixes_are_not_in_the_normalized_text() -> None:
    keyed = (
        '{x}<{p}element name="a" type="{q}t"><{p}unique name="u"><{p}selector xpath="{q}b|.//{q}c"/>'
        '<{p}field xpath="@i"/></{p}unique></{p}element>'
        '<{p}complexType name="t"><{p}attribute name="i" type="{p}int"/></{p}complexType></{p}schema>'
    )
    uri = "http://www.w3.org/2001/XMLSchema"
    one = keyed.format(
        x=f'<xs:schema xmlns:xs="{uri}" xmlns:o="urn:o" targetNamespace="urn:o">', p="xs:", q="o:"
    )
    other = keyed.format(
        x=f'<x:schema xmlns:x="{uri}" xmlns:mine="urn:o" targetNamespace="urn:o">',
        p="x:",
        q="mine:",
    )
    assert _parsed(one).canonical() != _parsed(other).canonical()
    assert _parsed(one).normalized() == _parsed(other).normalized()
    assert 'xpath="n0:b|.//n0:c"' in _parsed(one).normalized()


def test_the_default_namespace_has_no_prefix_to_lose() -> None:
    uri = "http://www.w3.org/2001/XMLSchema"
    body = '{0}element name="a" type="{1}int"/>'
    one = f'<schema xmlns="{uri}"><{body.format("", "")}</schema>'
    other = f'<xs:schema xmlns:xs="{uri}"><{body.format("xs:", "xs:")}</xs:schema>'
    assert _parsed(one).normalized() == _parsed(other).normalized()


def test_a_normalized_text_is_normal_already() -> None:
    text = parse(INT + '<xs:element name="a" type="t"/>').normalized()
    assert _parsed(text).normalized() == text


def test_the_order_of_redefinitions_stays() -> None:
    reference = {"r": f"<xs:schema {XS}>{INT}</xs:schema>".encode()}
    body = '<xs:include schemaLocation="r"/><xs:element name="a" type="t"/>'
    assert 'schemaLocation="r"' in parse(body, references=reference).normalized()
